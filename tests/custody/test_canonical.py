"""Our canonical JSON is RFC 8785's, for the values that leaves may hold."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody import canonical
from archiver.model import Outcome, Ref

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(VALUES)
def test_equals_rfc8785(value: object) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), "\ud800", {"é": 1}, {1: 1}, b"bytes", {"a": object()}])
def test_what_a_leaf_may_not_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UnicodeEncodeError for the surrogate is one too
        canonical.dumps(value)


def test_dataclasses_and_enums() -> None:
    assert canonical.dumps([Ref(platform="x", kind="post", id="20"), Outcome.LIVE]) == (
        b'[{"id":"20","kind":"post","platform":"x"},"live"]'
    )
