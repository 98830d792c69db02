"""The pure parts of a chain: measuring words, placing boxes, walking within bounds, times that contradict."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.datasette_plugin.chain import measure
from archiver.datasette_plugin.chain.layout import EDGE, GAP, WIDE, Plan, Tree, plan
from archiver.datasette_plugin.chain.times import contradictions, earliest, id_time
from archiver.datasette_plugin.chain.walk import Bounds, Branch, Fan, Link, listed, walk

HARD = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "\u202e\u2066\u200d\ufe0f\U0001f469\U0001f3fd\U0001f1e9\U0001f1ea漢ش\u0301\ufdfdW \n\x00\ud800"
        ),
    ),
    max_size=60,
)


# ---- words ------------------------------------------------------------------------------------------------------


@given(HARD)
def test_a_plain_line_hides_nothing_and_breaks_nowhere(given: str) -> None:
    line = measure.plain(given)
    assert not set(line) & set("\n\r\t\x00\u202e\u2066\u2028\ud800")
    assert "".join(measure.clusters(line)) == line
    if "\u202e" in given:
        assert "U+202E" in line


@given(HARD, st.integers(min_value=20, max_value=300), st.booleans())
def test_what_is_clipped_fits(given: str, room: int, bold: bool) -> None:
    line = measure.plain(given)
    clipped = measure.clip(line, room, 13, bold=bold)
    assert measure.width(clipped, 13, bold=bold) <= room
    assert clipped == line or (clipped.endswith(measure.CUT) and line.startswith(clipped[:-1]))


@given(HARD, st.integers(min_value=40, max_value=300), st.integers(min_value=1, max_value=4))
def test_what_is_wrapped_fits_and_is_the_beginning(given: str, room: int, most: int) -> None:
    line = measure.plain(given)
    lines = measure.wrap(line, room, 13, most)
    assert len(lines) <= most
    assert all(measure.width(one, 13) <= room for one in lines)
    joined = "".join(lines).replace(" ", "")
    assert line.replace(" ", "").startswith(joined.removesuffix(measure.CUT))


def test_a_joined_emoji_and_a_flag_are_not_cut_apart() -> None:
    family, flag, wales = "👩‍👩‍👧", "🇩🇪", "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
    assert measure.clusters(f"{family}{flag}{wales}e\u0301") == [family, flag, wales, "e\u0301"]
    assert measure.plain(wales) == wales


def test_a_text_that_is_cut_off_unseen_says_so() -> None:
    assert measure.plain("\u0301" * 5000).endswith(measure.CUT)
    assert not measure.plain("\u0301" * 100).endswith(measure.CUT)


@pytest.mark.parametrize(
    ("line", "backwards"), [("שלום", True), ("1 שלום", True), ("abc שלום", False), ("123", False), ("", False)]
)
def test_the_first_strong_letter_gives_the_direction(line: str, backwards: bool) -> None:
    assert measure.backwards(line) is backwards


def test_the_measure_is_no_narrower_than_real_fonts() -> None:
    """Widths of DejaVu Sans Bold, in thousandths of the size, from its own table."""
    real = {"a": 675, "m": 1042, "W": 1103, "@": 1000, "i": 343, "#": 838, "0": 696, " ": 348, "w": 924, "l": 343}
    for char, width in real.items():
        assert measure.width(char, 1000, bold=True) >= width * 0.97, char


# ---- boxes ------------------------------------------------------------------------------------------------------

TREES = st.recursive(
    st.builds(lambda high, style: Tree(name="", high=high, style=style), st.sampled_from([54, 92]), st.integers(0, 2)),
    lambda inner: st.builds(
        lambda high, style, below: Tree(name="", high=high, style=style, below=below),
        st.sampled_from([54, 92]),
        st.integers(0, 2),
        st.lists(inner, max_size=5),
    ),
    max_leaves=30,
)


def drawn(up: Tree, down: Tree) -> tuple[Plan, dict[str, str]]:
    """The plan, and the name of each tree's parent."""
    parents = dict[str, str]()

    def name(tree: Tree, called: str) -> None:
        tree.name = called
        for number, child in enumerate(tree.below):
            parents[f"{called}{number}."] = called
            name(child, f"{called}{number}.")

    name(up, "up.")
    name(down, "down.")
    up.name = down.name = "start"
    down.high = up.high
    return plan(up, down), {child: {"up.": "start", "down.": "start"}.get(one, one) for child, one in parents.items()}


@given(TREES, TREES)
def test_boxes_never_overlap_and_lines_end_at_them(up: Tree, down: Tree) -> None:
    made, parents = drawn(up, down)
    boxes = {box.name: box for box in made.boxes}
    assert set(boxes) == {"start", *parents}
    for box in made.boxes:
        assert EDGE <= box.left <= made.wide - box.wide - EDGE
        assert EDGE <= box.top <= made.high - box.high - EDGE
    for one, two in combinations(made.boxes, 2):
        apart = one.left + one.wide <= two.left or two.left + two.wide <= one.left
        assert apart or one.top + one.high <= two.top or two.top + two.high <= one.top, (one, two)
    assert {line.name for line in made.lines} == set(parents)
    for line in made.lines:
        child, parent = boxes[line.name], boxes[parents[line.name]]
        source, target = (parent, child) if child.side < 0 else (child, parent)
        (x, y), (a, b) = line.points[0], line.points[-1]
        assert x == source.left
        assert source.top <= y <= source.top + source.high
        assert a == target.left + target.wide
        assert target.top <= b <= target.top + target.high
        assert all(p[0] == q[0] or p[1] == q[1] for p, q in zip(line.points, line.points[1:], strict=False))
        gap = min(source.left, target.left) + WIDE  # words stand between the columns, beside the line's turn
        assert gap <= line.left
        turns = {x for other in made.lines for x, y in other.points if parents[other.name] == parents[line.name]}
        assert not [x for x in turns if line.left < x < line.left + line.room]
        assert line.left + line.room <= gap + GAP
        assert child.top <= line.middle <= child.top + child.high


def test_a_thing_that_is_tied_to_nothing_is_one_box() -> None:
    made = plan(Tree(name="start", high=92), Tree(name="start", high=92))
    assert [box.name for box in made.boxes] == ["start"]
    assert made.lines == ()


def test_boxes_stand_in_reading_order() -> None:
    up = Tree(name="start", high=92, below=[Tree(name="u", high=92, below=[Tree(name="uu", high=92)])])
    down = Tree(name="start", high=92, below=[Tree(name="d", high=92, below=[Tree(name="dd", high=92)])])
    assert [box.name for box in plan(up, down).boxes] == ["uu", "u", "start", "d", "dd"]


# ---- walking ----------------------------------------------------------------------------------------------------

GRAPHS = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=5))


def fans(graph: dict[str, list[str]]):  # type: ignore[no-untyped-def]
    def fan(ref: str, most: int) -> Fan:
        others = [other for other in graph.get(ref, []) if other != ref]
        left = len(others) - most
        folded = ({"kind": "quotes", "count": left, "over": False},) if left > 0 else ()
        return Fan(links=tuple(Link(ref=other, edges=()) for other in others[:most]), folded=folded)

    return fan


@given(GRAPHS, st.integers(1, 4), st.integers(1, 6), st.integers(1, 4))
def test_a_walk_keeps_its_bounds_and_tells_what_it_leaves_out(
    graph: dict[str, list[str]], steps: int, things: int, fan: int
) -> None:
    root = walk("a", fans(graph), Bounds(steps=steps, things=things, fan=fan, deeper=fan), set())
    branches = listed(root)
    assert len(branches) <= things
    assert all(branch.step <= steps for branch in branches)
    followed = [branch.ref for branch in (root, *branches) if not branch.again]
    assert len(followed) == len(set(followed))

    def check(branch: Branch) -> None:
        others = [other for other in graph.get(branch.ref, []) if other != branch.ref]
        told = len(branch.branches) + sum(row["count"] for row in branch.folded)
        assert told == (0 if branch.again else len(others))
        for child in branch.branches:
            assert child.step == branch.step + 1
            check(child)

    check(root)


def test_a_circle_ends() -> None:
    root = walk("a", fans({"a": ["b"], "b": ["a"]}), Bounds(steps=10, things=10, fan=3, deeper=1), set())
    assert [(branch.ref, branch.again) for branch in listed(root)] == [("b", False), ("a", True)]


# ---- times ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "carried"),
    [
        ("x:post:2030916496389046272", "2026-03-09T08:00:00Z"),
        ("x:post:20", ""),
        ("x:post:twenty", ""),
        ("x:account:2030916496389046272", ""),
        ("bluesky:post:at://did:plc:a/app.bsky.feed.post/3l25zusnsfctk", "2024-08-20T16:31:35Z"),
        ("bluesky:post:at://did:plc:a/app.bsky.feed.post/self", ""),
        ("fediverse:post:https://social.example/users/a/statuses/116215499980800000", ""),
    ],
)
def test_some_ids_carry_their_time(ref: str, carried: str) -> None:
    assert id_time(ref) == carried


def thing(ref: str, posted_at: str, carried: str = "") -> dict[str, str]:
    return {"ref": ref, "posted_at": posted_at, "id_time": carried}


def test_times_that_cannot_both_be_true_are_found() -> None:
    known = {
        "a": thing("a", "2026-03-09T08:00:00Z", "2026-03-09T08:00:00Z"),
        "b": thing("b", "2026-03-08T08:00:00Z", "2026-03-09T08:00:00Z"),
        "c": thing("c", "no time"),
    }
    found = contradictions(known, [("b", "a", {"quotes"}), ("a", "b", {"quotes"}), ("b", "a", {"links-to"})])
    assert [(row["what"], row["ref"], row["other"]) for row in found] == [("id", "b", "b"), ("order", "b", "a")]
    first = earliest(known.values())
    assert first == {"ref": "b", "posted_at": "2026-03-08T08:00:00Z"}
    assert earliest([known["c"]]) is None
