"""A text in parts and rows, and with its mentions marked: pure functions that must give back the text."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.datasette_plugin.quoting import highlight, parts
from tests.datasette_plugin.quoting import content, dangers, parsed

PIECES = ("a", "word ", "\n", "\n\n", "x" * 900, "long line of words " * 40, "é", "‮", "<b>")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)
SPANS = st.lists(st.tuples(st.integers(-5, 60), st.integers(0, 60)), max_size=12)


@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_parts_are_the_text_and_stay_small(text: str) -> None:
    found = []
    for number in range(1, parts.parts(len(text)) + 1):
        low, high = parts.window(number, len(text))
        found.append(parts.part(number, len(text), text[low:high]))
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(part.end - part.start <= parts.SIZE + parts.SLACK for part in found)


def test_a_part_ends_with_a_paragraph_where_one_ends_near() -> None:
    text = "x" * (parts.SIZE - 100) + "\n\n" + "y" * parts.SIZE
    low, high = parts.window(1, len(text))
    assert parts.part(1, len(text), text[low:high]).end == parts.SIZE - 98
    solid = "x" * (2 * parts.SIZE)
    assert parts.part(1, len(solid), solid[: parts.SIZE]).end == parts.SIZE


@given(TEXTS, SPANS)
@settings(max_examples=50, deadline=None)
def test_rows_are_the_text_and_hold_what_begins_in_them(text: str, spans: list[tuple[int, int]]) -> None:
    places = sorted((start, start + length) for start, length in spans)
    rows = parts.rows(text, places)
    assert "".join(text[row.start : row.end] for row in rows) == text
    assert [number for row in rows for number in row.begin] == list(range(len(places)))
    for row in rows:
        for number in row.begin:
            start, end = (min(max(at, 0), len(text)) for at in places[number])
            assert row.start <= start
            assert max(start, end) <= row.end


@given(st.text(max_size=60), SPANS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=4))
@settings(max_examples=80, deadline=None)
def test_what_is_marked_is_the_text(text: str, spans: list[tuple[int, int]], changed: list[tuple[int, int]]) -> None:
    places = [
        highlight.Place(
            start=start,
            end=start + length,
            number=str(number),
            href=f"#p-{number}",
            anchor=f"q-{number}",
            kind=highlight.WORST[number % 4],
            label="altered",
            changes=tuple((at, at + wide, "not in the post") for at, wide in changed) if number == 0 else (),
        )
        for number, (start, length) in enumerate(spans)
    ]
    shown = parsed(f'<div id="all">{highlight.highlighted(text, places)}</div>')
    node = shown.css_first("#all")
    assert node is not None
    assert content(node) == text
    numbers = [content(one) for one in shown.css("a.qc-at")]
    assert sorted(numbers) == sorted(str(number) for number in range(len(places)))
    assert not dangers(str(shown.html))


def test_the_worst_of_several_colours_what_they_share_and_each_has_its_number() -> None:
    places = [
        highlight.Place(start=0, end=9, number="1", href="#p-1", kind="good", label="exact"),
        highlight.Place(start=4, end=9, number="2", href="#p-2", kind="bad", label="altered"),
        highlight.Place(start=4, end=9, number="3", href="#p-3", kind="quiet"),
        highlight.Place(start=6, end=6, number="4", href="#p-4"),
    ]
    shown = str(highlight.highlighted("one two three", places))
    assert re.findall(r'<mark class="qc-m qc-(\w+)">', shown) == ["good", "bad", "bad"]
    assert re.findall(r">(\d)</a>", shown) == ["1", "2", "3", "4"]
    assert "Mention 2, altered" in shown
