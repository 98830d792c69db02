"""BIP-340 by its official test vectors: bip340.csv is bip-0340/test-vectors.csv of github.com/bitcoin/bips (public)."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from archiver.bundle import verify_curves
from archiver.platforms.nostr import bip340
from tests import nostr_made

ROWS = list(csv.DictReader((Path(__file__).parent / "bip340.csv").read_text("ascii").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['index']}-{row['comment'][:40]}")
def test_official_vectors(row: dict[str, str]) -> None:
    public, message, signature = (bytes.fromhex(row[name]) for name in ("public key", "message", "signature"))
    expected = row["verification result"] == "TRUE"
    assert bip340.verify(public, message, signature) is expected
    assert verify_curves.schnorr(public, message, signature) is expected
    if row["secret key"]:
        secret = int(row["secret key"], 16)
        assert nostr_made.key(secret) == public.hex()
        assert nostr_made.sign(secret, message, bytes.fromhex(row["aux_rand"])) == signature


def test_all_vectors_are_there() -> None:
    assert [row["index"] for row in ROWS] == [str(number) for number in range(19)]
    assert sum(row["verification result"] == "TRUE" for row in ROWS) == 9


def test_every_flipped_bit_is_refused() -> None:
    message, public = bytes(range(32)), bytes.fromhex(nostr_made.key(nostr_made.ANN))
    signature = nostr_made.sign(nostr_made.ANN, message)
    assert bip340.verify(public, message, signature)
    for place in random.Random(340).sample(range((32 + 32 + 64) * 8), 60):
        parts = bytearray(public + message + signature)
        parts[place // 8] ^= 1 << place % 8
        assert not bip340.verify(bytes(parts[:32]), bytes(parts[32:64]), bytes(parts[64:]))


@pytest.mark.parametrize(("public", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_other_lengths_are_refused(public: int, signature: int) -> None:
    assert not bip340.verify(b"\x01" * public, b"\x00" * 32, b"\x01" * signature)


def test_keys_that_are_no_points() -> None:
    assert bip340.lift_x(bip340.FIELD) is None
    assert bip340.lift_x(-1) is None
    assert bip340.lift_x(5) is None  # x³ + 7 has no root
    assert bip340.lift_x(1) is not None
