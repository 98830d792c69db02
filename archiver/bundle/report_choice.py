"""What of a large bundle stands in its report: a browser does not show a hundred thousand posts. The rest is counted,
and the page says where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from archiver.bundle.index import Index, PostEntry, VerdictEntry
from archiver.bundle.report_entries import STOPS, said_of, signed

POSTS, QUOTATIONS, LISTED = 2000, 2000, 1000
"""So many posts and quotations stand in the page, and so many of each other kind but captures."""
LEAVES = 5000
"""So many captures, with their leaves and proofs, stand in the page."""

Item = TypeVar("Item")


def posts(index: Index) -> Iterator[PostEntry]:
    """Those that were asked for, then the others, as far as they stand in the page."""
    named = (one for one in index["posts"] if one["named"])
    others = (one for one in index["posts"] if not one["named"])
    return islice(chain(named, others), POSTS)


def first(rows: Iterable[Item]) -> Iterator[Item]:
    """Of a list whose end may be left out."""
    return islice(rows, LISTED)


def more(count: int, most: int, what: str, where: str) -> str:
    """A sentence on what is not in the page; nothing where all is."""
    if count <= most:
        return ""
    return (
        f'<p class="none">This page shows {most:,} {what} of {count:,}. The other {count - most:,} stand in {where} of '
        "the bundle, and its checks reach them.</p>\n"
    )


class Chosen:
    """What stands in the page, gathered before it is written. `heads` are author and beginning of the posts to which
    chains lead, by ref."""

    def __init__(self, index: Index) -> None:
        self.heads: dict[str, tuple[str, str]] = {}
        targets: set[str] = set()
        wanted: dict[str, None] = {}
        for one in posts(index):
            targets.update(step["target"] for step in one["chain"])
            if len(wanted) < LEAVES:
                wanted.update(dict.fromkeys([*one["captures"], *(item["capture"] for item in one["media"])]))
                wanted.update(dict.fromkeys(proof["capture"] for proof in one["proofs"]))
        wanted.update(dict.fromkeys(proof["capture"] for proof in first(index["proofs"])))
        for document in first(index["documents"]):
            if len(wanted) < LEAVES:
                wanted.update(dict.fromkeys(document["captures"]))
        if targets:
            self.heads = {
                one["ref"]: (one["handle"], one["text"][:140]) for one in index["posts"] if one["ref"] in targets
            }
        self._captures = _captures(index, set(islice(wanted, LEAVES)))

    @property
    def leaves(self) -> frozenset[int]:
        """The leaves of the captures that stand in the page."""
        return frozenset(self._captures.values())

    def shows(self, uid: str) -> bool:
        """Whether a capture stands in the page: all do, or those behind the posts and documents that do, and others as
        far as there is room."""
        return uid in self._captures


def _captures(index: Index, wanted: set[str]) -> dict[str, int]:
    """The captures that stand in the page, with their leaves."""
    held, others = dict[str, int](), dict[str, int]()
    for one in index["captures"]:
        if one["uid"] in wanted:
            held[one["uid"]] = one["leaf"]
        elif len(others) < LEAVES:
            others[one["uid"]] = one["leaf"]
    held.update(islice(others.items(), LEAVES - len(held)))
    return held


class Quotations:
    """Those that stand in the page, by their number: first those that are not faithful. `told` counts the verdicts on
    all of them, `stops` are numbers and headings of those that are not faithful, `others` counts the mentions that
    quote nothing."""

    def __init__(self, index: Index) -> None:
        self.told: Counter[str] = Counter()
        self.stops: list[tuple[int, str, str]] = []
        self.stopped, self.others = 0, 0
        rest: list[int] = []
        for number, one in quoting(index):
            self.told[said_of(one)] += 1
            if one["verdict"] in STOPS:
                self.stopped += 1
                if len(self.stops) < QUOTATIONS:
                    self.stops.append((number, said_of(one), signed(one)))
            elif len(rest) < QUOTATIONS:
                rest.append(number)
        self.count = sum(self.told.values())
        self.others = len(index["verdicts"]) - self.count
        self.shown = {number for number, _, _ in self.stops}
        self.shown.update(rest[: QUOTATIONS - len(self.shown)])


def quoting(index: Index) -> Iterator[tuple[int, VerdictEntry]]:
    """The mentions that quote words, numbered from 1."""
    return enumerate((one for one in index["verdicts"] if one["words"] or one["verdict"]), 1)
