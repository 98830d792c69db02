"""NIP-19: codes that name notes, profiles and addressable events. https://github.com/nostr-protocol/nips/blob/master/19.md

A code is bech32 (BIP-173, not bech32m) without its limit of 90 characters: `note1` and `npub1` hold 32 bytes, the
others a list of (type, length, value). Its checksum tells a code that was mistyped or changed. `nsec` is a private
key and never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from archiver.errors import ParseError

LONGEST = 5000
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_SPECIAL, _RELAY, _AUTHOR, _KIND = range(4)
BARE = frozenset({"note", "npub"})
LISTS = frozenset({"nevent", "nprofile", "naddr"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code says. `prefix` is note, npub, nevent, nprofile or naddr; `key` the 32 bytes, as hexadecimal digits,
    of the event (note, nevent) or of the author's key (the others); `identifier` the `d` tag of an addressable event.
    `author` and `kind` are hints that a nevent may carry; a naddr always has its kind. `relays` are hints, too."""

    prefix: str
    key: str
    identifier: str = ""
    relays: tuple[str, ...] = ()
    author: str = ""
    kind: int | None = None

    @classmethod
    def parse(cls, text: str) -> Code:
        """The inverse of `str`; upper case is allowed. ParseError for what is no code of these, or was changed."""
        prefix, data = _bech32(text)
        if prefix in BARE:
            if len(data) != 32:
                raise ParseError(f"{prefix} holds {len(data)} bytes, not 32")
            return cls(prefix=prefix, key=data.hex())
        if prefix not in LISTS:
            raise ParseError(f"{prefix[:20]!r} names no note, profile or address")
        parts = list(_parts(data))
        special = next((value for kind, value in parts if kind == _SPECIAL), None)
        authors = [_sized(value, 32, "the author") for kind, value in parts if kind == _AUTHOR]
        kinds = [_sized(value, 4, "the kind") for kind, value in parts if kind == _KIND]
        if special is None or (prefix == "naddr" and not (authors and kinds)):
            raise ParseError(f"{prefix} lacks what it must name")
        naddr = prefix == "naddr"
        relays = tuple(_text(value, "ascii") for kind, value in parts if kind == _RELAY)
        return cls(
            prefix=prefix,
            key=(authors[0] if naddr else _sized(special, 32, "what it names")).hex(),
            identifier=_text(special, "utf-8") if naddr else "",
            relays=relays,
            author=authors[0].hex() if authors and prefix == "nevent" else "",
            kind=int.from_bytes(kinds[0], "big") if kinds and prefix != "nprofile" else None,
        )

    def __str__(self) -> str:
        if self.prefix in BARE:
            return _written(self.prefix, bytes.fromhex(self.key))
        naddr = self.prefix == "naddr"
        parts = [(_SPECIAL, self.identifier.encode() if naddr else bytes.fromhex(self.key))]
        parts += [(_RELAY, relay.encode("ascii")) for relay in self.relays]
        if author := self.key if naddr else self.author:
            parts.append((_AUTHOR, bytes.fromhex(author)))
        if self.kind is not None:
            parts.append((_KIND, self.kind.to_bytes(4, "big")))
        return _written(self.prefix, b"".join(bytes((kind, len(value))) + value for kind, value in parts))


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The typed values; types that are not known are passed on, as NIP-19 asks."""
    at = 0
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise ParseError("a value is cut off")
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def _sized(value: bytes, size: int, what: str) -> bytes:
    if len(value) != size:
        raise ParseError(f"{what} has {len(value)} bytes, not {size}")
    return value


def _text(value: bytes, encoding: str) -> str:
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        raise ParseError(f"a text that is not {encoding.upper()}") from None


# ---- bech32 (BIP-173) ------------------------------------------------------------------------------------------


def _bech32(text: str) -> tuple[str, bytes]:
    if len(text) > LONGEST:
        raise ParseError(f"a code has up to {LONGEST} characters")
    if text not in (text.lower(), text.upper()):
        raise ParseError("letters of both cases in one code")
    prefix, _, rest = text.lower().rpartition("1")
    if not prefix.isascii() or not prefix.isalpha() or len(rest) < 6:
        raise ParseError("no code")
    values = [_VALUES.get(letter, -1) for letter in rest]
    if -1 in values:
        raise ParseError("a character that no code has")
    if _checksum(prefix, values) != 1:
        raise ParseError("the checksum does not fit: mistyped or changed")
    return prefix, _bytes(values[:-6])


def _bytes(values: Iterable[int]) -> bytes:
    held, bits, out = 0, 0, bytearray()
    for value in values:
        held, bits = held << 5 | value, bits + 5
        if bits >= 8:
            bits -= 8
            out.append(held >> bits & 255)
            held &= (1 << bits) - 1
    if bits >= 5 or held:
        raise ParseError("bits are left over")
    return bytes(out)


def _written(prefix: str, data: bytes) -> str:
    held, bits, values = 0, 0, []
    for byte in data:
        held, bits = held << 8 | byte, bits + 8
        while bits >= 5:
            bits -= 5
            values.append(held >> bits & 31)
        held &= (1 << bits) - 1
    if bits:
        values.append(held << 5 - bits & 31)
    sum_of = _checksum(prefix, [*values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [sum_of >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_LETTERS[value] for value in values)}"


def _checksum(prefix: str, values: Iterable[int]) -> int:
    check = 1
    for value in (*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix), *values):
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= generator
    return check
