"""Walking a chain in one direction, bounded in steps, in things and in how many of a fan are followed. Pure.

The walk goes step by step, so that what is near is never left out for what is far. A thing is followed once: where it
is met again it is told as `again`, so a circle ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a thing is tied to: `ref` is the other one, `edges` are the rows that say so, each with kind, evidence and
    capture; `more` counts edges beyond them."""

    ref: str
    edges: tuple[Row, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """The links of one thing in one direction; `folded` are those left out: rows of kind, count, and whether the count
    stopped at its bound."""

    links: tuple[Link, ...] = ()
    folded: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a walk goes. `fan` is how many links of the start are followed, `deeper` how many of anything else."""

    steps: int
    things: int
    fan: int
    deeper: int


@dataclass(slots=True, kw_only=True)
class Branch:
    """One thing of a walk with what follows from it. `cut` is why nothing was followed: "" (nothing leads further, or
    it was), "steps" or "size"."""

    ref: str
    step: int = 0
    link: Link | None = None
    again: bool = False
    cut: str = ""
    folded: tuple[Row, ...] = ()
    branches: list[Branch] = field(default_factory=list)


def walk(start: str, fan: Callable[[str, int], Fan], bounds: Bounds, seen: set[str]) -> Branch:
    """Everything in one direction from `start`. `fan` is given a ref and how many links to find at most (0: whether
    there is any: then it folds them). `seen` are refs met before, and takes those that this walk meets."""
    root = Branch(ref=start)
    seen.add(start)
    waiting, left = deque([root]), bounds.things
    while waiting:
        here = waiting.popleft()
        if here.step >= bounds.steps or left <= 0:
            rest = fan(here.ref, 0)
            here.cut = "" if not rest.folded else "steps" if here.step >= bounds.steps else "size"
            here.folded = rest.folded
            continue
        found = fan(here.ref, min(bounds.fan if here is root else bounds.deeper, left))
        here.folded = found.folded
        for link in found.links:
            again = link.ref in seen
            branch = Branch(ref=link.ref, step=here.step + 1, link=link, again=again)
            here.branches.append(branch)
            left -= 1
            if not again:
                seen.add(link.ref)
                waiting.append(branch)
    return root


def listed(root: Branch) -> list[Branch]:
    """Every branch below the root, each before what follows from it."""
    found: list[Branch] = []
    waiting = list(reversed(root.branches))
    while waiting:
        branch = waiting.pop()
        found.append(branch)
        waiting += reversed(branch.branches)
    return found
