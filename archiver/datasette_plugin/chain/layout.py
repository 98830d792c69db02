"""Where the boxes and lines of a chain stand: what it leads up to on the left, who quoted it on the right. Pure.

Two trees grow from one box. Each subtree has a band of its own in every column, so boxes never overlap and lines never
cross boxes; what is met again gets a box of its own that says so. All lengths are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDE, GAP, BETWEEN, EDGE = 180, 106, 18, 8
"""Width of a box, room between columns (for the words on lines), between boxes above each other, around everything."""
TURN, APART, ARROW = 14, 4, 12
"""From the parent's side to where its lines turn; what is asserted, claimed or inferred turns so much apart. No
words stand where an arrow is."""


@dataclass(slots=True, kw_only=True)
class Tree:
    """What is to be drawn: `name` finds it again, `high` is the height of its box, `style` (0 to 2) shifts its line."""

    name: str
    high: int
    style: int = 0
    below: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box: `left`, `top`, `wide`, `high`; `side` is -1, 0 or 1."""

    name: str
    side: int
    left: int
    top: int
    wide: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line between a parent and a child, with right angles: `points` run from the edge's source to its target, where
    the arrow is. Words about it have room from `left`, `room` wide, around the height `middle`."""

    name: str
    points: tuple[tuple[int, int], ...]
    left: int
    room: int
    middle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole drawing. Boxes and lines stand in reading order: from the far left to the far right."""

    wide: int
    high: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@dataclass(slots=True, kw_only=True)
class _Placed:
    tree: Tree
    level: int
    middle: float
    parent: _Placed | None


def plan(up: Tree, down: Tree) -> Plan:
    """Places both trees; their roots are the same box."""
    left, right = _grown(up), _grown(down)
    shift = right[-1].middle - left[-1].middle  # both roots come last
    for placed in left:
        placed.middle += shift
    levels = max(placed.level for placed in left)
    top = min(placed.middle - placed.tree.high / 2 for placed in (*left, *right))
    boxes, lines = list[Box](), list[Line]()
    for side, placed in [*((-1, p) for p in left[:-1]), (0, right[-1]), *((1, p) for p in _before(right)[1:])]:
        column = levels + side * placed.level
        box = Box(
            name=placed.tree.name,
            side=side,
            left=EDGE + column * (WIDE + GAP),
            top=round(placed.middle - top - placed.tree.high / 2) + EDGE,
            wide=WIDE,
            high=placed.tree.high,
        )
        boxes.append(box)
        if placed.parent is not None:
            lines.append(_line(box, side, placed, top))
    wide = max(box.left + box.wide for box in boxes) + EDGE
    return Plan(wide=wide, high=max(box.top + box.high for box in boxes) + EDGE, boxes=tuple(boxes), lines=tuple(lines))


def _line(box: Box, side: int, placed: _Placed, top: float) -> Line:
    assert placed.parent is not None
    middle, parent = (round(one.middle - top) + EDGE for one in (placed, placed.parent))
    apart = len({tree.style for tree in placed.parent.tree.below}) > 1
    from_parent = parent + ((placed.tree.style - 1) * 10 if apart else 0)  # each kind meets the parent at its height
    if side < 0:  # the parent, on the right, points to the child
        start, end = box.left + WIDE + GAP, box.left + WIDE
        turn = start - TURN - placed.tree.style * APART
        points = ((start, from_parent), (turn, from_parent), (turn, middle), (end, middle))
        left = end + ARROW
    else:
        start, end = box.left, box.left - GAP
        turn = end + TURN + placed.tree.style * APART
        points = ((start, middle), (turn, middle), (turn, from_parent), (end, from_parent))
        left = end + TURN + APART * 2 + 4
    return Line(name=box.name, points=points, left=left, room=GAP - TURN - APART * 2 - ARROW - 2, middle=middle)


def _grown(root: Tree) -> list[_Placed]:
    """Every tree with its middle, children before parents; each subtree below the one before it."""
    found: list[_Placed] = []

    def grow(tree: Tree, level: int, top: float, parent: _Placed | None) -> tuple[float, float]:
        """Where the subtree ends, and its middle."""
        placed = _Placed(tree=tree, level=level, middle=0.0, parent=parent)
        block = _room(tree.below)
        at = top + max(0.0, (tree.high - block) / 2)
        middles = []
        for child in tree.below:
            end, middle = grow(child, level + 1, at, placed)
            at = end + BETWEEN
            middles.append(middle)
        # Beside its first child, so that a large fan begins where one looks first; but within its own band.
        placed.middle = middles[0] if middles else top + tree.high / 2
        bottom = top + max(float(tree.high), block)
        placed.middle = min(max(placed.middle, top + tree.high / 2), bottom - tree.high / 2)
        found.append(placed)
        return bottom, placed.middle

    grow(root, 0, 0.0, None)
    return found


def _room(trees: Sequence[Tree]) -> float:
    """The height that subtrees need together."""
    needed = [max(float(tree.high), _room(tree.below)) for tree in trees]
    return sum(needed) + BETWEEN * max(0, len(needed) - 1)


def _before(placed: list[_Placed]) -> list[_Placed]:
    """The same trees, parents before children, in order."""
    order: list[_Placed] = []
    children: dict[int, list[_Placed]] = {}
    for one in placed:
        if one.parent is not None:
            children.setdefault(id(one.parent), []).append(one)
    waiting = [placed[-1]]
    while waiting:
        here = waiting.pop()
        order.append(here)
        waiting += reversed(children.get(id(here), []))
    return order
