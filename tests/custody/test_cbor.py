"""CBOR of strangers: examples of RFC 8949, what two decoders could read in two ways, and bounded work."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody import cbor
from archiver.errors import ParseError
from tests.custody import manifests

EXAMPLES = [  # RFC 8949, appendix A
    ("00", 0), ("17", 23), ("1818", 24), ("1903e8", 1000), ("1bffffffffffffffff", 2**64 - 1), ("20", -1),
    ("3903e7", -1000), ("3bffffffffffffffff", -(2**64)), ("f90000", 0.0), ("f93c00", 1.0), ("fa47c35000", 100000.0),
    ("fb3ff199999999999a", 1.1), ("f4", False), ("f5", True), ("f6", None), ("f7", None), ("f0", None), ("f8ff", None),
    ("40", b""), ("4401020304", b"\1\2\3\4"), ("60", ""), ("6161", "a"), ("62c3bc", "ü"), ("80", []),
    ("83010203", [1, 2, 3]), ("8301820203820405", [1, [2, 3], [4, 5]]), ("a0", {}), ("a201020304", {1: 2, 3: 4}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}), ("5f42010243030405ff", b"\1\2\3\4\5"),
    ("7f657374726561646d696e67ff", "streaming"), ("9fff", []), ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}), ("c11a514b67b0", cbor.Tag(1, 1363896240)),
    ("c249010000000000000000", cbor.Tag(2, bytes.fromhex("010000000000000000"))), ("d2820102", cbor.Tag(18, [1, 2])),
]  # fmt: skip
REFUSED = {
    "nothing": "", "bytes behind the item": "0000", "the end alone": "ff", "a text cut off": "6261",
    "an array cut off": "8201", "a map cut off": "a101", "a key twice": "a201010102", "a list as a key": "a18001",
    "a key that is true": "a1f501", "bytes as a key": "a1410101", "no UTF-8": "61ff", "a half character in a piece":
    "7f61c361bcff", "a length that is reserved": "1c", "a number without an end": "1f", "a tag without an end": "df01",
    "an end inside an array": "8201ff", "an end in place of a value": "bf01ff", "an end behind a tag": "c1ff",
    "a piece of another kind": "5f6161ff", "pieces in pieces": "5f5f4101ffff", "a simple value too long": "f818",
    "more than there is": "9b7fffffffffffffff", "a map of more than there is": "bb7fffffffffffffff",
    "bytes of more than there is": "5b7fffffffffffffff", "a reserved simple value": "fc",
    "too deep": "81" * 40 + "00", "tags too deep": "c1" * 40 + "00", "open ones too deep": "9f" * 40,
    "too many items": "9a00010000" + "00" * 65536,
}  # fmt: skip


@pytest.mark.parametrize(("data", "value"), EXAMPLES)
def test_examples_of_the_standard_are_read(data: str, value: cbor.Value) -> None:
    found = cbor.decode(bytes.fromhex(data))
    assert found == value
    assert type(found) is type(value)
    assert math.isnan(float(str(cbor.decode(bytes.fromhex("f97e00")))))


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_be_read_in_two_ways_or_takes_too_much_is_refused(what: str) -> None:
    with pytest.raises(ParseError, match="CBOR"):
        cbor.decode(bytes.fromhex(REFUSED[what]))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text() | st.integers(0, 99), inner, max_size=5),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_written_is_read(value: cbor.Value) -> None:
    assert cbor.decode(manifests.cbor(value)) == value


@given(st.binary(max_size=70_000), st.text(max_size=300))
def test_strings_are_written_as_others_write_them(data: bytes, text: str) -> None:
    assert cbor.encode_bytes(data) == manifests.cbor(data)
    assert cbor.encode_text(text) == manifests.cbor(text)


def test_any_bytes_are_a_value_or_refused() -> None:
    chance, read = random.Random(8949), 0
    for _ in range(20_000):
        try:
            cbor.decode(chance.randbytes(chance.randrange(1, 24)))
            read += 1
        except ParseError:
            pass
    assert 300 < read < 15_000
