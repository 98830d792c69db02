"""What is said otherwise of mentions now than what was kept of them (`before`), most dangerous first."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

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


class Changes:
    """Changed mentions, most dangerous first, those of one rank as they were added. They wait in files without a name
    in `folder`, so that a hundred thousand of them take no more memory than one; `kinds` counts them by kind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, IO[bytes]] = {}
        self._kinds: dict[int, Counter[str]] = {}
        self._held = ExitStack()
        weakref.finalize(self, self._held.close)

    def add(self, changed: Changed) -> None:
        """Keeps one more. OSError where the disk has no room."""
        rank = changed.rank
        if rank not in self._files:
            self._files[rank] = self._held.enter_context(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115
            self._kinds[rank] = Counter()
        self._kinds[rank][changed.kinds] += 1
        file = self._files[rank]
        file.seek(0, os.SEEK_END)
        file.write(json.dumps(asdict(changed)).encode("ascii") + b"\n")

    def __len__(self) -> int:
        return sum(self.kinds.values())

    def __iter__(self) -> Iterator[Changed]:
        for _, file in sorted(self._files.items()):
            at = 0
            while True:
                file.seek(at)  # whoever else reads or adds in between
                row = file.readline()
                if not row:
                    break
                at = file.tell()
                yield _changed(json.loads(row))

    @property
    def kinds(self) -> dict[str, int]:
        """How many there are by kind (`exact → altered`), most dangerous first."""
        return dict(sum((self._kinds[rank] for rank in sorted(self._kinds)), Counter()))


def _changed(fields: dict[str, Any]) -> Changed:
    old, new = (None if fields[side] is None else _said(fields[side]) for side in ("old", "new"))
    return Changed(**(fields | {"old": old, "new": new}))


def _said(fields: dict[str, Any]) -> Said:
    changes = tuple((str(op), str(quoted), str(original)) for op, quoted, original in fields["changes"])
    return Said(**(fields | {"changes": changes}))


_DOCUMENTS = """
SELECT d.id, d.sha256, d.mentions, r.ref, c.url, c.leaf FROM documents d JOIN refs r ON r.id = d.id
JOIN captures c ON c.id = d.capture WHERE (c.leaf, d.sha256) > (?, ?) ORDER BY c.leaf, d.sha256 LIMIT ?
"""
BATCH = 200


def differing(archive: Archive) -> Iterator[Changed]:
    """Every mention that was kept and of which something else is said now, and the mentions that documents of that time
    have now besides. Documents in the order of the log, then those that are none any more; mentions by place."""
    everything = archive.one("SELECT value FROM work_state WHERE name = ?", before.EVERYTHING)
    upto = -1 if everything is None else int(everything[0])
    at = (-1, "")
    while batch := archive.all(_DOCUMENTS, *at, BATCH):
        for row in batch:
            olds = before.stored_before(archive, row["sha256"])
            # A document without any mention at that time has nothing kept.
            whole = row["leaf"] <= upto and row["mentions"] > 0
            if olds or whole:
                news = before.said_now(archive, row["id"])
                name = str(row["url"]).removeprefix("seed:")
                yield from _of_document(row["ref"], name, paired(olds, news), new_too=row["leaf"] <= upto)
        at = (int(batch[-1]["leaf"]), str(batch[-1]["sha256"]))
    for sha256 in before.documents(archive):
        if archive.one("SELECT 1 FROM documents d JOIN refs r ON r.id = d.id WHERE r.ref = ?", _ref(sha256)) is None:
            olds = before.stored_before(archive, sha256)
            yield from _of_document(_ref(sha256), sha256, paired(olds, ()), new_too=False)


def _ref(sha256: str) -> str:
    return f"doc:document:{sha256}"


def _of_document(
    document: str, name: str, pairs: Iterable[tuple[Placed | None, Placed | None]], *, new_too: bool
) -> Iterator[Changed]:
    """The changes among mentions of one document; `new_too`: also of mentions that nothing was kept of."""
    for old, new in pairs:
        if old is None and not new_too:
            continue
        if old is None or new is None or new.said.differs(old.said):
            here = new or old
            assert here is not None
            yield Changed(
                document=document,
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
