"""Which part of a file a request asks for: each boundary, and against slicing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.datasette_plugin.media.ranges import Part, unchanged, wanted

TAG = '"a"'
WHOLE = Part(status=200, end=10)
NONE = Part(status=416)


def part(start: int, end: int) -> Part:
    return Part(status=206, start=start, end=end)


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("bytes=0-0", part(0, 1)),
        ("bytes=0-9", part(0, 10)),
        ("bytes=0-10", part(0, 10)),
        ("bytes=9-", part(9, 10)),
        ("bytes=9-9", part(9, 10)),
        ("bytes=0-", part(0, 10)),
        ("bytes=-1", part(9, 10)),
        ("bytes=-10", part(0, 10)),
        ("bytes=-99", part(0, 10)),
        ("bytes=3-5", part(3, 6)),
        ("bytes=3-" + "9" * 500, part(3, 10)),
        ("bytes=00000000000000000000003-5", part(3, 6)),
        ("Bytes = 3-5", part(3, 6)),
        ("bytes= 3 - 5 ", part(3, 6)),
        ("bytes=,3-5,", part(3, 6)),
        ("bytes=10-", NONE),
        ("bytes=10-20", NONE),
        ("bytes=" + "9" * 500 + "-", NONE),
        ("bytes=-0", NONE),
        ("bytes=0-1,3-4", NONE),
        ("bytes=0-,0-,0-,0-", NONE),
        ("", WHOLE),
        ("bytes", WHOLE),
        ("bytes=", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=,", WHOLE),
        ("bytes=5-3", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=1-2-3", WHOLE),
        ("bytes=--1", WHOLE),
        ("bytes=+1-2", WHOLE),
        ("bytes=0x1-2", WHOLE),
        ("bytes=١-٢", WHOLE),
        ("bytes=0-1,zebra", WHOLE),
        ("lines=0-3", WHOLE),
    ],
)
def test_each_boundary(given: str, answered: Part) -> None:
    assert wanted(10, TAG, "GET", {"range": given}) == answered


def test_of_nothing_no_part_can_be_sent() -> None:
    assert wanted(0, TAG, "GET", {}) == Part(status=200)
    for asked in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        assert wanted(0, TAG, "GET", {"range": asked}) == NONE


@given(size=st.integers(0, 50), first=st.none() | st.integers(0, 60), last=st.none() | st.integers(0, 60))
def test_parts_are_slices(size: int, first: int | None, last: int | None) -> None:
    data = bytes(range(size))
    given = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    found = wanted(size, TAG, "GET", {"range": given})
    meant = data[first : None if last is None else last + 1]
    if first is None:
        meant = data[-last:] if last else b""
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        assert found == Part(status=200, end=size)
    elif meant:
        assert (found.status, data[found.start : found.end]) == (206, meant)
    else:
        assert found == NONE


@given(st.text(max_size=40))
def test_nothing_breaks_it(given: str) -> None:
    for headers in ({"range": given}, {"range": f"bytes={given}"}, {"range": "bytes=0-1", "if-range": given}):
        found = wanted(10, TAG, "GET", headers)
        assert found.status in (200, 206, 416)
        assert 0 <= found.start <= found.end <= 10


@pytest.mark.parametrize(
    ("told", "held"),
    [('"a"', True), (' "a" ', True), ('W/"a"', False), ('"b"', False), ("Mon, 16 Mar 2026 09:00:00 GMT", False)],
)
def test_a_part_is_sent_only_of_the_very_file(told: str, held: bool) -> None:
    found = wanted(10, TAG, "GET", {"range": "bytes=0-0", "if-range": told})
    assert found == (part(0, 1) if held else WHOLE)


@pytest.mark.parametrize(
    ("told", "same"),
    [('"a"', True), ('W/"a"', True), ("*", True), ('"x", "a"', True), ('"b"', False), ("", False), ("a", False)],
)
def test_what_a_browser_has_is_not_sent_again(told: str, same: bool) -> None:
    assert unchanged(TAG, told) is same
    found = wanted(10, TAG, "GET", {"range": "bytes=0-0", "if-none-match": told})
    assert found == (Part(status=304) if same else part(0, 1))


def test_ranges_are_of_get_alone() -> None:
    assert wanted(10, TAG, "HEAD", {"range": "bytes=0-0"}) == WHOLE
