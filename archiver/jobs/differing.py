"""What is said otherwise of mentions now than what was kept of them (`before`), most dangerous first."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from archiver.jobs import before
from archiver.jobs.before import Placed, Said
from archiver.model import VerdictKind
from archiver.store.archive import Archive

NONE, ABSENT = "no verdict", "no mention"
"""How a mention without a verdict on its words, and one that these rules do not find, stand among kinds of verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One mention of which something else is said now. `document` is a ref, `name` the seed or address that it was read
    from. `passage` is where the mention stands, `was_at` where it stood when that is another place of the document.
    `old` is None for a mention that was not found before, `new` for one that is not found any more."""

    document: str
    name: str
    passage: str
    was_at: str
    words: str
    old: Said | None
    new: Said | None

    @property
    def kinds(self) -> str:
        """`exact → altered`."""
        return f"{_kind(self.old)} → {_kind(self.new)}"

    @property
    def rank(self) -> int:
        """How dangerous it is to rely on what was said: 0 faithful to altered, 1 altered to faithful, 2 and 3 from and
        to faithful otherwise, 4 any other kind, 5 another post, 6 other flags or changed words."""
        old, new = self.old, self.new
        if _faithful(old) != _faithful(new):
            if _kind(new) == VerdictKind.ALTERED:
                return 0
            if _kind(old) == VerdictKind.ALTERED:
                return 1
            return 2 if _faithful(old) else 3
        if _kind(old) != _kind(new) or old is None or new is None:
            return 4
        return 5 if (old.ref, old.post) != (new.ref, new.post) else 6


def _kind(said: Said | None) -> str:
    return ABSENT if said is None else said.verdict or NONE


def _faithful(said: Said | None) -> bool:
    """Whether a reader was told that the words stand in a post: those of a spliced quotation do, each part."""
    return said is not None and (said.faithful or said.verdict == VerdictKind.SPLICED)


def differing(archive: Archive) -> Iterator[Changed]:
    """Every mention that was kept and of which something else is said now, and the mentions that documents of that time
    have now besides. By document and place."""
    kept = list(before.documents(archive))
    for sha256 in kept:
        yield from _of_document(archive, sha256, before.stored_before(archive, sha256))
    everything = archive.one("SELECT value FROM work_state WHERE name = ?", before.EVERYTHING)
    if everything is not None:  # a document without any mention at that time has nothing kept
        known = set(kept)
        rows = archive.db.execute(
            "SELECT d.sha256 FROM documents d JOIN captures c ON c.id = d.capture "
            "WHERE c.leaf <= ? AND d.mentions > 0 ORDER BY d.sha256",
            (int(everything[0]),),
        )
        for sha256 in [row[0] for row in rows if row[0] not in known]:
            yield from _of_document(archive, sha256, [])


def _of_document(archive: Archive, sha256: str, olds: list[Placed]) -> Iterator[Changed]:
    row = archive.one(
        "SELECT d.id, r.ref, c.url, c.leaf FROM documents d JOIN refs r ON r.id = d.id "
        "JOIN captures c ON c.id = d.capture WHERE r.ref = ?",
        f"doc:document:{sha256}",
    )
    name = sha256 if row is None else str(row["url"]).removeprefix("seed:")
    news = [] if row is None else before.said_now(archive, row["id"])
    everything = archive.one("SELECT value FROM work_state WHERE name = ?", before.EVERYTHING)
    whole = row is not None and everything is not None and row["leaf"] <= int(everything[0])
    pairs = [(old, new) for old, new in paired(olds, news) if old is not None or whole]
    for old, new in pairs:
        if old is None or new is None or new.said.differs(old.said):
            here = new or old
            assert here is not None
            yield Changed(
                document=f"doc:document:{sha256}",
                name=name,
                passage=here.passage,
                was_at="" if old is None or old.passage == here.passage else old.passage,
                words=here.said.words,
                old=None if old is None else old.said,
                new=None if new is None else new.said,
            )


def paired(olds: Iterable[Placed], news: Iterable[Placed]) -> list[tuple[Placed | None, Placed | None]]:
    """Mentions of one document before and now: by their place, then, where other rules cut a place otherwise, by the
    most common characters. What is left stands alone. In the order of their places."""
    held = {new.name: new for new in news}
    pairs: list[tuple[Placed | None, Placed | None]] = []
    left: list[Placed] = []
    for old in olds:
        same = held.pop(old.name, None)
        if same is None:
            left.append(old)
        else:
            pairs.append((old, same))
    others = sorted(held.values(), key=_place)
    starts = [new.span.start for new in others]
    ends = list(accumulate((new.span.end for new in others), max))  # the furthest end so far: it never falls
    for old in sorted(left, key=_place):
        near = others[bisect_right(ends, old.span.start) : bisect_left(starts, old.span.end)]
        free = [new for new in near if new.name in held and _common(old, new) > 0]
        best = max(free, key=lambda new: _common(old, new), default=None)
        pairs.append((old, None if best is None else held.pop(best.name)))
    pairs += [(None, new) for new in held.values()]
    return sorted(pairs, key=lambda pair: min(_place(one) for one in pair if one is not None))


def _place(one: Placed) -> tuple[int, int, str]:
    return one.span.start, one.span.end, one.name


def _common(one: Placed, other: Placed) -> int:
    return min(one.span.end, other.span.end) - max(one.span.start, other.span.start)
