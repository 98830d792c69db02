"""Character references of HTML (WHATWG, 13.2.5.72 and 13.5), each at its place."""

from __future__ import annotations

import re
from html.entities import html5

REFERENCE = r"&(?:#[0-9]++;?|#[xX][0-9a-fA-F]++;?|[a-zA-Z][a-zA-Z0-9]{1,31}+;?)"
_REFERENCE = re.compile(REFERENCE)
_LONGEST_BARE = max(len(name) for name in html5 if not name.endswith(";"))


def resolve(reference: str) -> tuple[str, int]:
    """What a reference (`&` and all that may belong to it) stands for, and how many of its characters it takes.

    ("", 0) when it is none: `&` is then a plain character.

    >>> resolve("&amp;"), resolve("&ampere"), resolve("&#8212;"), resolve("&unheard;")
    (('&', 5), ('&', 4), ('—', 7), ('', 0))
    """
    name = reference[1:]
    if name.startswith("#"):
        return _numeric(name.rstrip(";")[1:]), len(reference)
    if name in html5:
        return html5[name], len(reference)
    for length in range(min(len(name), _LONGEST_BARE), 1, -1):
        if name[:length] in html5:
            return html5[name[:length]], length + 1
    return "", 0


def in_attribute(value: str) -> str:
    """An attribute value with its references resolved. `&copy=1` in an address stays as it is, as browsers have it."""
    return _REFERENCE.sub(_attribute_reference, value) if "&" in value else value


def _attribute_reference(match: re.Match[str]) -> str:
    whole = match[0]
    text, used = resolve(whole)
    if not used:
        return whole
    after = whole[used : used + 1] or match.string[match.end() : match.end() + 1]
    bare = not whole[:used].endswith(";") and whole[1] != "#"
    if bare and (after == "=" or (after.isascii() and after.isalnum())):
        return whole
    return text + whole[used:]


def _numeric(digits: str) -> str:
    base = 16 if digits[:1] in {"x", "X"} else 10
    digits = digits.lstrip("xX").lstrip("0")
    # Seven digits are enough for U+10FFFF; Python refuses to read thousands of them.
    number = int(digits, base) if digits and len(digits) <= 7 else 0
    if not 0 < number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return "\N{REPLACEMENT CHARACTER}"
    if 0x80 <= number <= 0x9F:
        return bytes([number]).decode("cp1252", "ignore") or chr(number)
    return chr(number)
