"""Which quotations a reader asks for, found within bounds: the worst verdicts first.

Of a document or an author all leading verdicts are sorted. Of the whole archive the index of verdicts is walked, and
what else is asked for is looked at on the way: after `SCAN` rows a page ends, and says where the next one goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.quoting.coverage import SEVERITY
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.quotes.meaning import FLAGS

FOUND_BY = ("target", "signature", "words")
CHANGES = ("replaced", "added", "removed", "elided", "bracketed")
RESOLUTIONS = ("resolved", "media-source", "pending", "unresolved", "other-page")
PLATFORMS = ("x", "bluesky", "fediverse", "nostr", "web")
SCAN = 10_000
"""Verdicts that one page looks through."""
COUNTED = 2_000
"""Quotations that are counted by kind."""

_ASKED = {
    "flag": "instr(' ' || x.flags || ' ', ' ' || :flag || ' ')",
    "change": """instr(x.changes, '"op": "' || :change || '"')""",
    "platform": "coalesce(nullif(m.platform, ''), q.platform) = :platform",
    "resolution": "s.status = :resolution",
}
# What no condition or column needs is left out by SQLite: each of these joins finds one row at most, by a unique key.
_JOINS = """CROSS JOIN mentions m ON m.id = x.mention LEFT JOIN refs f ON f.id = m.document
    LEFT JOIN refs q ON q.id = x.post LEFT JOIN resolutions s ON s.mention = m.id LEFT JOIN posts p ON p.id = x.post"""
_PLACE = "f.remote_id AS document, m.ordinal, x.rank, x.id AS match"
_KINDS = "x.flags, " + ", ".join(f'instr(x.changes, \'"op": "{op}"\') > 0 AS {op}' for op in CHANGES)
_KINDS += ", coalesce(nullif(m.platform, ''), q.platform, '') AS platform, coalesce(s.status, '') AS resolution"
# The index of verdicts says how far the next rows reach; between two ids it gives them in order, without a sort.
_STRETCH = """
    SELECT count(*) AS n, max(id) AS last FROM (SELECT id FROM matches
        WHERE verdict = :verdict AND found_by = :found_by AND id > :after ORDER BY id LIMIT :scan)"""
_BETWEEN = "x.verdict = :verdict AND x.found_by = :found_by AND x.id > :after AND x.id <= :last"
_OF_DOCUMENT = """refs d CROSS JOIN mentions n ON n.document = d.id
    CROSS JOIN matches x ON x.mention = n.id AND x.rank = 0"""
# Whose post the words were compared with, or whom the document names: handles stand in edges in lower case.
_OF_AUTHOR = """(SELECT z.mention FROM posts p CROSS JOIN matches z ON z.post = p.id AND z.rank = 0
        WHERE lower(p.handle) = :author
        UNION SELECT n.id FROM json_each(:handles) j CROSS JOIN refs h ON h.ref = j.value
        CROSS JOIN edges e ON e.target = h.id AND e.kind = 'names' CROSS JOIN mentions n ON n.ref = e.source) k
    CROSS JOIN matches x ON x.mention = k.mention AND x.rank = 0"""


def _case(column: str, known: tuple[str, ...]) -> str:
    return (
        f"CASE {column} "
        + " ".join(f"WHEN '{one}' THEN {n}" for n, one in enumerate(known))
        + f" ELSE {len(known)} END"
    )


_ORDER = f"{_case('x.verdict', SEVERITY)} * 10 + {_case('x.found_by', FOUND_BY)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is asked for; empty means all. `document` is a SHA-256, `author` a handle without its @, in lower case."""

    verdict: str = ""
    change: str = ""
    flag: str = ""
    platform: str = ""
    resolution: str = ""
    author: str = ""
    document: str = ""

    @classmethod
    def of(cls, asked: Asked) -> Choice:
        """The choice in the arguments of a page. PageError for what cannot be chosen."""
        document = asked.get("document").removeprefix("doc:document:")
        if document and not (len(document) == 64 and set(document) <= set("0123456789abcdef")):
            raise PageError(400, "document is no SHA-256 of a document", hint="Copy it from the page of the document")
        return cls(
            verdict=asked.among("verdict", SEVERITY),
            change=asked.among("change", CHANGES),
            flag=asked.among("flag", tuple(FLAGS)),
            platform=asked.among("platform", PLATFORMS),
            resolution=asked.among("resolution", RESOLUTIONS),
            author=asked.get("author").removeprefix("@").lower()[:200],
            document=document,
        )

    @property
    def filters(self) -> dict[str, object]:
        names = ("change", "flag", "platform", "resolution")
        return {name: getattr(self, name) for name in names}

    @property
    def narrow(self) -> bool:
        """Whether it is one document or author, whose quotations can be sorted."""
        return bool(self.document or self.author)

    @property
    def given(self) -> dict[str, str]:
        """The arguments that say it."""
        names = ("verdict", "change", "flag", "platform", "resolution", "author", "document")
        return {name: value for name in names if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`rows` in order, each with document, ordinal, rank and (local) match. `after` is the place behind which to go on,
    empty where nothing is left; `looked` says how many verdicts were looked through, None where all were."""

    rows: list[Row]
    after: str = ""
    looked: int | None = None


def find(reader: Reader, choice: Choice, after: str, most: int) -> Found:
    """The next quotations of a choice, at most so many."""
    start = _position(reader, after)
    return _sorted(reader, choice, start, most) if choice.narrow else _walked(reader, choice, start, most)


def _position(reader: Reader, after: str) -> Row | None:
    """The match behind which to go on, named `SHA256.ORDINAL.RANK`. PageError when it is no longer there."""
    if not after:
        return None
    document, ordinal, rank, *more = (*after.split("."), "", "")
    row = None
    if ordinal.isdecimal() and rank.isdecimal() and len(ordinal + rank) < 18 and not any(more):
        row = reader.row(
            "After",
            f"SELECT x.verdict, x.found_by, x.id, {_ORDER} AS place FROM refs r CROSS JOIN mentions m "
            "ON m.document = r.id CROSS JOIN matches x ON x.mention = m.id "
            "WHERE r.ref = 'doc:document:' || :document AND m.ordinal = :ordinal AND x.rank = :rank",
            document=document,
            ordinal=int(ordinal),
            rank=int(rank),
        )
    if row is None:
        raise PageError(404, "The list cannot go on from there: it was made anew", hint="Begin with the first page")
    return row


def _key(row: Row) -> str:
    return f"{row['document']}.{row['ordinal']}.{row['rank']}"


def _where(choice: Choice) -> str:
    """The conditions that are asked for; their values are parameters."""
    return " AND ".join(["x.rank = 0", *(sql for name, sql in _ASKED.items() if getattr(choice, name))])


def _source(choice: Choice) -> tuple[str, dict[str, object]]:
    """All quotations of a document or an author that fit: everything of a SELECT behind its columns."""
    if choice.document:
        source, more = _OF_DOCUMENT, "d.ref = 'doc:document:' || :document"
        if choice.author:
            more += " AND (lower(m.handle) = :author OR lower(ltrim(p.handle, '@')) = :author)"
        return f"{source} {_JOINS} WHERE {more} AND {_where(choice)}", {
            "document": choice.document,
            "author": choice.author,
        }
    handles = json.dumps([f"{platform}:handle:{choice.author}" for platform in PLATFORMS])
    return f"{_OF_AUTHOR} {_JOINS} WHERE {_where(choice)}", {"author": choice.author, "handles": handles}


def _sorted(reader: Reader, choice: Choice, start: Row | None, most: int) -> Found:
    source, parameters = _source(choice)
    rows = reader.rows(
        "Quotations",
        f"SELECT {_PLACE} FROM (SELECT x.id AS found FROM {source} AND (:verdict = '' OR x.verdict = :verdict) "
        f"AND ({_ORDER}, x.id) > (:place, :after) ORDER BY {_ORDER}, x.id LIMIT :most) o "
        f"CROSS JOIN matches x ON x.id = o.found {_JOINS} ORDER BY {_ORDER}, x.id",
        **choice.filters,
        **parameters,
        verdict=choice.verdict,
        place=-1 if start is None else start["place"],
        after=0 if start is None else start["id"],
        most=most + 1,
    )
    return Found(rows=rows[:most], after=_key(rows[most - 1]) if len(rows) > most else "")


def _buckets(choice: Choice, start: Row | None) -> Iterator[tuple[str, str, int]]:
    """The stretches of the index in order: verdict, found by, and the local id behind which to begin."""
    begun = start is None
    for verdict in (choice.verdict,) if choice.verdict else SEVERITY:
        for found_by in FOUND_BY:
            here = start is not None and (verdict, found_by) == (start["verdict"], start["found_by"])
            if begun or here:
                yield verdict, found_by, int(start["id"]) if here and start is not None else 0
            begun = begun or here


def _walked(reader: Reader, choice: Choice, start: Row | None, most: int) -> Found:
    rows: list[Row] = []
    looked = 0
    for verdict, found_by, after in _buckets(choice, start):
        given = {"verdict": verdict, "found_by": found_by, "after": after}
        stretch = reader.row("How far is looked", _STRETCH, **given, scan=SCAN - looked)
        if stretch is None or stretch["n"] == 0:
            continue
        rows += reader.rows(
            "Quotations by verdict, and by what found them",
            f"SELECT {_PLACE} FROM matches x {_JOINS} WHERE {_BETWEEN} AND {_where(choice)} ORDER BY x.id LIMIT :most",
            **choice.filters,
            **given,
            last=stretch["last"],
            most=most + 1 - len(rows),
        )
        if len(rows) > most:
            return Found(rows=rows[:most], after=_key(rows[most - 1]))
        looked += stretch["n"]
        if looked >= SCAN:
            last = reader.row(
                "Where to go on", f"SELECT {_PLACE} FROM matches x {_JOINS} WHERE x.id = :last", last=stretch["last"]
            )
            return Found(rows=rows, after="" if last is None else _key(last), looked=looked)
    return Found(rows=rows)


def kinds(reader: Reader, choice: Choice) -> Row:
    """How many quotations of a choice there are by flag, change, platform and resolution; `cut_off` where there are
    more than were counted. Nothing where a whole archive is meant: choose a verdict first."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("flag", "change", "platform", "resolution")}
    total, full = 0, False
    for sql, parameters in _countable(choice):
        given = {**choice.filters, **parameters}
        for row in reader.rows(
            "Kinds",
            f"SELECT flags, platform, resolution, {', '.join(CHANGES)}, count(*) AS n FROM ({sql} LIMIT :most) "
            f"GROUP BY flags, platform, resolution, {', '.join(CHANGES)} ORDER BY flags, platform, resolution, "
            f"{', '.join(CHANGES)}",
            **given,
            most=COUNTED,
        ):
            total += row["n"]
            counted["flag"].update(dict.fromkeys(row["flags"].split(), row["n"]))
            counted["change"].update({op: row["n"] for op in CHANGES if row[op]})
            counted["platform"].update({row["platform"]: row["n"]} if row["platform"] else {})
            counted["resolution"].update({row["resolution"]: row["n"]} if row["resolution"] else {})
        full = full or total >= COUNTED
        if full:
            break
    ordered = {
        name: dict(sorted(values.items(), key=lambda one: (-one[1], one[0]))) for name, values in counted.items()
    }
    return {"counted": total, "cut_off": full, **ordered}


def _countable(choice: Choice) -> Iterator[tuple[str, dict[str, object]]]:
    if choice.narrow:
        source, parameters = _source(choice)
        where = " AND (:verdict = '' OR x.verdict = :verdict)"
        yield f"SELECT {_KINDS} FROM {source}{where}", {**parameters, "verdict": choice.verdict}
    elif choice.verdict:
        for found_by in FOUND_BY:
            given = {"verdict": choice.verdict, "found_by": found_by, "after": 0, "last": 2**62}
            yield f"SELECT {_KINDS} FROM matches x {_JOINS} WHERE {_BETWEEN} AND {_where(choice)}", given


def verdicts(reader: Reader, choice: Choice) -> dict[str, int]:
    """How many quotations there are by leading verdict: of the document or author that is asked for, or of all."""
    if choice.narrow:
        source, parameters = _source(choice)
        sql = f"SELECT x.verdict, count(*) AS n FROM {source} GROUP BY x.verdict"
        rows = reader.rows("Verdicts", sql, **choice.filters, **parameters)
    else:
        sql = "SELECT a AS verdict, sum(n) AS n FROM tallies WHERE name = :tally GROUP BY a"
        rows = reader.rows("Verdicts", sql, tally="verdicts")
    held = {row["verdict"]: row["n"] for row in rows if row["n"]}
    return {name: held[name] for name in SEVERITY if name in held}
