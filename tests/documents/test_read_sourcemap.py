"""Source maps: points, spans, and the written form."""

from array import array
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import sourcemap
from archiver.documents.sourcemap import compose, dump, identity, load, shift, to_source, to_text
from archiver.errors import ParseError
from archiver.model import Run, Span


def run(a: int, b: int, c: int, d: int) -> Run:
    return Run(text=Span(start=a, end=b), source=Span(start=c, end=d))


def span(start: int, end: int) -> Span:
    return Span(start=start, end=end)


# "ab" from 3-5, "&" from "&amp;" at 5-10, a line break of its own, "cd" from 20-22.
RUNS = (run(0, 2, 3, 5), run(2, 3, 5, 10), run(4, 6, 20, 22))


def test_runs_that_are_built_from_numbers_are_runs() -> None:
    made = sourcemap.built(array("q", [0, 2, 3, 5, 2, 3, 5, 10, 4, 6, 20, 22]))
    assert made == RUNS
    assert hash(made) == hash(RUNS)
    assert sourcemap.built(array("q")) == ()
    with pytest.raises(FrozenInstanceError):
        made[0].text.start = 1  # type: ignore[misc]
    with pytest.raises(ValueError, match="shorter"):
        sourcemap.built(array("q", [0, 2, 3]))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ((0, 6), (3, 22)), ((1, 2), (4, 5)), ((2, 3), (5, 10)), ((1, 3), (4, 10)), ((3, 4), (10, 10)),
        ((2, 5), (5, 21)), ((5, 5), (21, 21)), ((0, 0), (3, 3)), ((6, 6), (22, 22)), ((3, 3), (10, 10)),
    ],
)  # fmt: skip
def test_to_source(text: tuple[int, int], source: tuple[int, int]) -> None:
    assert to_source(RUNS, span(*text)) == span(*source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ((0, 30), (0, 6)), ((4, 5), (1, 2)), ((6, 7), (2, 3)), ((10, 20), None), ((0, 3), None),
        ((21, 22), (5, 6)), ((4, 21), (1, 5)), ((4, 4), (1, 1)), ((7, 7), None), ((25, 26), None),
    ],
)  # fmt: skip
def test_to_text(source: tuple[int, int], text: tuple[int, int] | None) -> None:
    assert to_text(RUNS, span(*source)) == (span(*text) if text else None)


def test_an_empty_map() -> None:
    assert identity(0) == ()
    assert to_source((), span(0, 0)) == span(0, 0)
    assert to_text((), span(0, 4)) is None
    assert load(dump(())) == ()


maps = st.lists(st.tuples(*[st.integers(0, 5), st.integers(1, 9), st.integers(0, 5), st.integers(1, 9)]), max_size=20)


def built(steps: list[tuple[int, int, int, int]]) -> tuple[Run, ...]:
    runs, text, source = [], 0, 0
    for gap, length, skipped, size in steps:
        runs.append(run(text + gap, text + gap + length, source + skipped, source + skipped + size))
        text, source = text + gap + length, source + skipped + size
    return tuple(runs)


@given(maps)
def test_written_and_read_again(steps: list[tuple[int, int, int, int]]) -> None:
    runs = built(steps)
    assert load(dump(runs)) == runs
    assert dump(load(dump(runs))) == dump(runs)


@pytest.mark.parametrize(
    "text", ["x", "0+0@0", "0+1", "0+1@0 ", " 0+1@0", "00+1@0", "0+1@0=1", "0+1@0  0+1@0", "0+1@-1", "0+٣@0", "0+1@0=0"]
)
def test_a_tampered_map_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as refused:
        load(text)
    assert refused.value.pointer.startswith("text:1:")


@given(maps, st.integers(0, 200), st.integers(0, 200))
def test_maps_are_monotone(steps: list[tuple[int, int, int, int]], first: int, second: int) -> None:
    runs = built(steps)
    end = runs[-1].text.end if runs else 0
    start, stop = sorted((min(first, end), min(second, end)))
    found = to_source(runs, span(start, stop))
    assert 0 <= found.start <= found.end
    wider = to_source(runs, span(0, end))
    assert wider.start <= found.start
    assert found.end <= wider.end


def test_composed_maps_point_through() -> None:
    # Value "a&amp;b" of which "&" itself was written "&amp;" in the source: a & a m p ; b.
    outer = (run(0, 1, 10, 11), run(1, 2, 11, 16), run(2, 7, 16, 21))
    inner = (run(0, 1, 0, 1), run(1, 2, 1, 6), run(2, 3, 6, 7))
    assert compose(inner, outer) == (run(0, 1, 10, 11), run(1, 2, 11, 20), run(2, 3, 20, 21))
    assert compose(identity(3), identity(3)) == identity(3)
    assert compose((), outer) == ()


def test_shifted_maps() -> None:
    assert shift(RUNS, 1, 2)[0] == run(1, 3, 5, 7)
    assert sourcemap.shift(shift(RUNS, 1, 2), -1, -2) == RUNS
