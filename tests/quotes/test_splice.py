"""A quotation made of several posts names each, and one of a single post or with a foreign word is none."""

from __future__ import annotations

import pytest

from archiver.model import VerdictKind
from archiver.quotes.verdict import is_faithful, splice, spliced

FIRST = "We will build the new bridge by May and"
SECOND = "nobody will stop this great city from growing."
OTHER = "The library stays open on Sundays."


def test_two_posts_are_named_with_their_parts() -> None:
    quoted = f"{FIRST} {SECOND}"
    parts = splice(quoted, [OTHER, SECOND, FIRST])
    assert parts is not None
    assert [number for number, _ in parts] == [2, 1]
    cuts = [(verdict.quoted_span.start, verdict.quoted_span.end) for _, verdict in parts if verdict.quoted_span]
    assert [quoted[a:b] for a, b in cuts] == [FIRST, SECOND]
    assert all(is_faithful(verdict.kind) for _, verdict in parts)
    whole = spliced(parts)
    assert whole.kind is VerdictKind.SPLICED
    assert whole.reason == "originals 2, 1"
    assert whole.quoted_span is not None
    assert (whole.quoted_span.start, whole.quoted_span.end) == (0, len(quoted))


def test_three_posts_with_dots_and_typography() -> None:
    quoted = f"“{FIRST} … nobody will stop this GREAT city from growing. The library stays open…"
    parts = splice(quoted, [OTHER, SECOND, FIRST])
    assert parts is not None
    assert [number for number, _ in parts] == [2, 1, 0]


@pytest.mark.parametrize(
    "quoted",
    [
        FIRST,
        f"{FIRST} nobody will ever stop this great city from growing.",
        f"{FIRST} not {SECOND}",
        f"{FIRST} nobody will stop",
        "",
        "… 👍",
    ],
)
def test_what_is_no_splice(quoted: str) -> None:
    assert splice(quoted, [FIRST, SECOND, OTHER]) is None


def test_one_original_is_no_splice() -> None:
    assert splice(f"{FIRST} {SECOND}", [f"{FIRST} {SECOND}", SECOND]) is None
    assert splice(f"{FIRST} {SECOND}", [FIRST]) is None
