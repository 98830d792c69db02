"""How much of what documents quote is in the archive, in numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable

from archiver.datasette_plugin.reader import Reader, Row
from archiver.store.fates import GONE

SEVERITY = (
    *("altered", "spliced", "not-found", "not-judged"),
    *("bracketed", "elided", "truncated", "partial", "same-words", "normalised", "exact"),
)
"""Verdicts in the order in which they are worth looking at."""
_GONE = frozenset(outcome.value for outcome in GONE)
_SQL = """
    SELECT j.key AS document, s.status, s.how, p.outcome, x.verdict, count(*) AS n
    FROM json_each(:documents) j CROSS JOIN refs r ON r.ref = 'doc:document:' || j.value
    CROSS JOIN mentions m ON m.document = r.id LEFT JOIN resolutions s ON s.mention = m.id
    LEFT JOIN posts p ON p.id = s.ref LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""


def coverage(reader: Reader, documents: Iterable[str]) -> dict[str, Row]:
    """For each document (by SHA-256) the numbers of its mentions. `found` is all; `captured` stand for a post that was
    captured, of which `gone` were refused when last asked for, by outcome; `known` stand for a post that no capture
    shows; `pages` name something that is no post; `open` are the rest by status: media-source, pending, unresolved, or
    empty where nothing was looked up yet. `verdicts` counts the leading ones, worst first."""
    wanted = list(dict.fromkeys(documents))
    found = {document: _empty() for document in wanted}
    for row in reader.rows("Coverage", _SQL, documents=json.dumps(wanted)):
        told, n = found[wanted[row["document"]]], row["n"]
        told["found"] += n
        if row["status"] == "resolved" and row["outcome"] is not None:
            told["captured"] += n
            if row["outcome"] in _GONE:
                told["gone"] += n
                told["gone_by"][row["outcome"]] = told["gone_by"].get(row["outcome"], 0) + n
        elif row["status"] == "resolved":
            told["known"] += n
        elif row["status"] == "other-page":
            told["pages"] += n
        else:
            told["open"] += n
            status = row["status"] or ""
            told["open_by"][status] = told["open_by"].get(status, 0) + n
        if row["status"] == "resolved":
            told["how"][row["how"]] = told["how"].get(row["how"], 0) + n
        if row["verdict"]:
            told["verdicts"][row["verdict"]] = told["verdicts"].get(row["verdict"], 0) + n
    for told in found.values():
        told["verdicts"] = {name: told["verdicts"][name] for name in ordered(told["verdicts"])}
        told["worst"] = next(iter(told["verdicts"]), "")
    return found


def ordered(verdicts: Iterable[str]) -> list[str]:
    """Verdicts in the order of `SEVERITY`; unknown ones last."""
    return sorted(verdicts, key=lambda name: (SEVERITY.index(name) if name in SEVERITY else len(SEVERITY), name))


def _empty() -> Row:
    numbers: Row = dict.fromkeys(("found", "captured", "gone", "known", "pages", "open"), 0)
    return {**numbers, "gone_by": {}, "open_by": {}, "how": {}, "verdicts": {}, "worst": ""}
