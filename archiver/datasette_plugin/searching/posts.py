"""Posts that fit. The full-text index gives its hits in the order of local ids, so a page costs what it shows.

What the index does not know (platform, outcome, day, runs of a script without spaces) is looked up for each hit, for
a bounded number of hits; where few posts pass such a filter, those are read instead. Every bound that was reached is
told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from archiver.datasette_plugin.reader import Reader, Row
from archiver.datasette_plugin.searching.asked import Sought
from archiver.quotes.tokens import tokenise
from archiver.store import runs

HITS = 1000
"""Hits that facets count and that `best` orders."""
SCANNED = 10_000
"""Hits of the index that are looked up for one page."""
FEW = 2000
"""So few posts that pass a filter are read one by one."""
LETTERS = 40_000
"""Posts that are read for a run too short for any index."""
READ = 20_000
"""Characters of a text that are read."""


@dataclass(slots=True, kw_only=True)
class Hits:
    """Local ids of what fits, the newest in the archive first, at most `HITS` and one. `limits` say in sentences what
    was not looked at; `more` is the id from which the next page would look on, where a bound was reached."""

    ids: list[int]
    limits: list[str] = field(default_factory=list)
    more: int | None = None


_META = """
SELECT p.id, r.ref, p.platform, p.handle, p.name, p.posted_at, p.outcome, p.versions, p.edits
FROM json_each(:ids) j CROSS JOIN posts p ON p.id = j.value JOIN refs r ON r.id = p.id ORDER BY p.id DESC
"""


def found(reader: Reader, wanted: Sought, below: int) -> Hits:
    """What fits, with local ids below `below`."""
    few = _few(reader, wanted) if wanted.filtered else None
    if few is not None:
        return _read(reader, wanted, below, few)
    if wanted.query.runs:
        return _by_runs(reader, wanted, below)
    if _match(wanted):
        return _by_index(reader, wanted, below)
    return _newest(reader, wanted, below)


def _match(wanted: Sought) -> str:
    """MATCH for the words of a post and the handle of its author."""
    words = wanted.query.match()
    words = f"{{text}} : ({words})" if words else ""
    handle = f'handle : "{wanted.author.replace(chr(34), " ")}"' if any(map(str.isalnum, wanted.author)) else ""
    return " AND ".join(part for part in (words, handle) if part)


def _conditions(wanted: Sought) -> tuple[str, dict[str, object]]:
    """Conditions on `p` for what the index does not know, with their parameters."""
    where, names = list[str](), dict[str, object]()
    for column, value in (("platform", wanted.platform), ("outcome", wanted.outcome)):
        if value:
            where.append(f"p.{column} = :{column}")
            names[column] = value
    if wanted.since:
        where.append("p.posted_at >= :since")
        names["since"] = wanted.since
    if wanted.until:
        where.append("p.posted_at < :until AND p.posted_at <> ''")
        names["until"] = wanted.until
    if wanted.author:
        where.append("(lower(p.handle) = :author OR lower(p.handle) LIKE :author_at ESCAPE '!')")
        given = wanted.author.lower()
        names["author"] = given
        plain = given.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        names["author_at"] = given if "@" in given else f"{plain}@%"
    return " AND ".join(where) or "1", names


def _few(reader: Reader, wanted: Sought) -> list[int] | None:
    """The posts that pass the filters of which an index knows, where they are few; None where they are many."""
    where, names = list[str](), dict[str, object]()
    if wanted.outcome:
        where.append("outcome = :outcome")
        names["outcome"] = wanted.outcome
        if wanted.platform:
            where.append("platform = :platform")
            names["platform"] = wanted.platform
    elif wanted.since or wanted.until:
        where.append("posted_at >= :since AND posted_at < :until")
        names |= {"since": wanted.since or "0", "until": wanted.until or "~"}
    else:
        where.append("platform = :platform")
        names["platform"] = wanted.platform
    rows = reader.rows(
        "Posts that pass a filter, where they are few",
        f"SELECT id FROM posts WHERE {' AND '.join(where)} LIMIT :few",
        **names,
        few=FEW + 1,
    )
    return None if len(rows) > FEW else [int(row["id"]) for row in rows]


def _read(reader: Reader, wanted: Sought, below: int, few: list[int]) -> Hits:
    """Those of a few posts that fit, by their texts."""
    where, names = _conditions(wanted)
    rows = reader.rows(
        "Those of few posts that fit",
        "SELECT p.id, substr(p.text, 1, :read) AS text FROM json_each(:ids) j CROSS JOIN posts p ON p.id = j.value "
        f"WHERE p.id < :below AND {where} ORDER BY p.id DESC",
        ids=json.dumps(few),
        below=below,
        read=READ,
        **names,
    )
    kept = [int(row["id"]) for row in rows if not wanted.query.terms or wanted.query.fits(row["text"])]
    return Hits(ids=kept[: HITS + 1])


def _by_index(reader: Reader, wanted: Sought, below: int) -> Hits:
    match = _match(wanted)
    if not wanted.filtered and not wanted.author and not any(term.run for term in wanted.query.excluded):
        rows = reader.rows("Posts with the words", f"{_HITS} LIMIT :most", match=match, below=below, most=HITS + 1)
        return Hits(ids=[int(row["id"]) for row in rows])
    where, names = _conditions(wanted)
    check = wanted.query.holds_runs if any(term.run for term in wanted.query.excluded) else None
    names |= {"match": match, "below": below}
    return _scanned(reader, Source(sql=_HITS, where=where, names=names, check=check))


def _newest(reader: Reader, wanted: Sought, below: int) -> Hits:
    where, names = _conditions(wanted)
    return _scanned(reader, Source(sql=_EVERY, where=where, names={**names, "below": below}, what="posts"))


_HITS = "SELECT rowid AS id FROM posts_fts WHERE posts_fts MATCH :match AND rowid < :below ORDER BY rowid DESC"
_EVERY = "SELECT id FROM posts WHERE id < :below ORDER BY id DESC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where candidates come from: a query of local ids in descending order, conditions on `p`, and what the text must
    pass beside them. `most` candidates are looked at, `SCANNED` where it is 0. `ordered` says that the next page can go
    on below the last one."""

    sql: str
    where: str
    names: dict[str, object]
    check: Callable[[str], bool] | None = None
    what: str = "hits"
    most: int = 0
    ordered: bool = True


def _scanned(reader: Reader, source: Source) -> Hits:
    """Those of the newest candidates that pass, and where the look ended."""
    most = source.most or SCANNED
    rows = reader.rows(
        f"Those of the newest {source.what} that pass the filters",
        f"SELECT p.id, substr(p.text, 1, :read) AS text FROM ({source.sql} LIMIT :scanned) k "
        f"CROSS JOIN posts p ON p.id = k.id WHERE {source.where} LIMIT :most",
        **source.names,
        read=READ if source.check is not None else 0,
        scanned=most,
        most=HITS + 1,
    )
    kept = sorted({int(row["id"]) for row in rows if source.check is None or source.check(row["text"])}, reverse=True)
    last = reader.value(
        f"Where the newest {source.what} end",
        f"{source.sql} LIMIT 1 OFFSET :last",
        **{name: value for name, value in source.names.items() if re.search(rf":{name}\b", source.sql)},
        last=most - 1,
    )
    if len(rows) > HITS:
        return Hits(ids=kept, more=int(rows[-1]["id"]) if source.ordered else None)
    if last is None:
        return Hits(ids=kept)
    told = f"Looked through the newest {most:,} {source.what}: there may be more further back."
    return Hits(ids=kept, limits=[told], more=int(last) if source.ordered else None)


def _by_runs(reader: Reader, wanted: Sought, below: int) -> Hits:
    """Scripts without spaces and signs: three characters in a row are found by the index that finds quotations, fewer
    are looked for letter by letter in the newest posts."""
    where, names = _conditions(wanted)
    names["below"] = below
    keys = _keys(wanted)
    if keys:
        rarest = _rarest(reader, keys)
        given = {f"run_{n}": key for n, key in enumerate(keys) if key != rarest}
        others = "".join(
            f" AND EXISTS (SELECT 1 FROM _version_runs o WHERE o.run = :{name} AND o.id = k.id)" for name in given
        )
        sql = (
            "SELECT v.post AS id FROM _version_runs k CROSS JOIN versions v ON v.id = k.id "
            f"WHERE k.run = :rarest AND v.post < :below{others} ORDER BY k.id DESC"
        )
        every = {**names, **given, "rarest": rarest}
        return _scanned(reader, Source(sql=sql, where=where, names=every, check=wanted.query.fits, ordered=False))
    if _match(wanted):
        every = {**names, "match": _match(wanted)}
        return _scanned(reader, Source(sql=_HITS, where=where, names=every, check=wanted.query.holds_runs))
    for number, term in enumerate(wanted.query.runs):
        where += f" AND instr(p.text, :sign_{number}) > 0"
        names[f"sign_{number}"] = term.text
    return _scanned(reader, Source(sql=_EVERY, where=where, names=names, what="posts", most=LETTERS))


def _keys(wanted: Sought) -> list[int]:
    """The keys of three characters in a row, of all runs that have so many."""
    found: set[int] = set()
    for term in wanted.query.runs:
        words = tokenise(term.text).keys
        found |= {runs.run(words[n:]) for n in range(len(words) - runs.LENGTH + 1)}
    return sorted(found)[:16]


def _rarest(reader: Reader, keys: list[int]) -> int:
    counts = reader.rows(
        "How many texts hold three characters in a row",
        "SELECT j.value AS run, (SELECT count(*) FROM (SELECT 1 FROM _version_runs WHERE run = j.value LIMIT 2000)) "
        "AS n FROM json_each(:keys) j",
        keys=json.dumps(keys),
    )
    return int(min(counts, key=lambda row: (row["n"], row["run"]))["run"])


def meta(reader: Reader, ids: list[int]) -> list[Row]:
    """What facets count of each hit, the newest first."""
    return reader.rows("What is known of the hits", _META, ids=json.dumps(ids))


def texts(reader: Reader, ids: list[int], *, read: int = READ) -> dict[int, str]:
    """The texts of some posts, cut to so many characters."""
    rows = reader.rows(
        "The texts of the hits",
        "SELECT p.id, substr(p.text, 1, :read) AS text FROM json_each(:ids) j CROSS JOIN posts p ON p.id = j.value",
        ids=json.dumps(ids),
        read=read,
    )
    return {int(row["id"]): str(row["text"]) for row in rows}
