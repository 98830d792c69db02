"""Flips single bits of a bundle and asks whether its checks name what was flipped.

`python tests/bundle/flipping.py [BIT...]` flips those bits (0 and 5 unless told) of every byte of a small bundle, as a
zip and as a folder: about fifteen minutes a bit on one core. Ends with 1 when one goes unnoticed or is not named.
"""

from __future__ import annotations

import functools
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path

import making

from archiver.bundle import verify, verify_notes

KEYS = ("--key", str(making.KEY), "--key", str(making.WITNESS_KEY))
ZIP = "zip"
"""Stands for bytes that belong to no single file."""


def said(bundle: Path) -> tuple[int, list[str]]:
    """How the checks end, and what is wrong."""
    told = io.StringIO()
    with redirect_stdout(told):
        code = verify.main([str(bundle), *KEYS])
    return code, [line for line in told.getvalue().splitlines() if line.startswith("WRONG")]


def owners(path: Path) -> list[str]:
    """Whose each byte of a zip is: a file's with its header and its line in the directory, or the zip's."""
    data, found = path.read_bytes(), list[str]()
    with zipfile.ZipFile(path) as held:
        for one in sorted(held.infolist(), key=lambda one: one.header_offset):
            assert one.header_offset == len(found)
            found += [one.filename] * (30 + len(one.filename) + one.file_size)
        for one in held.infolist():
            found += [one.filename] * (46 + len(one.filename))
    return [name.partition("/")[2] for name in found] + [ZIP] * (len(data) - len(found))


def unnamed(bundle: Path, changed: Path, places: Iterable[tuple[int, int]], whose: list[str]) -> tuple[int, list[str]]:
    """Flips one bit after the other, each alone. How many, and which were not named."""
    data, missed, count = bytearray(changed.read_bytes()), [], 0
    with changed.open("r+b", buffering=0) as file:
        for at, bit in places:
            file.seek(at)
            file.write(bytes([data[at] ^ 1 << bit]))
            code, wrong = said(bundle)
            file.seek(at)
            file.write(data[at : at + 1])
            # What was a name may be none now: then it is told as it stands there.
            if code != 4 or not any(name in line for name in (whose[at], ZIP, "a name ") for line in wrong):
                missed.append(f"{whose[at]} byte {at} bit {bit}: {code} {wrong[:2]}")
            count += 1
    return count, missed


def everywhere(folder: Path, bits: list[int]) -> list[str]:
    """Every byte of a small bundle. What went unnoticed, or was not named."""
    verify_notes.ed25519 = functools.cache(verify_notes.ed25519)
    bag = making.bundle(folder / "bag", cosigned=1772600000)
    packed = making.zipped(bag, folder / "a.zip")
    whose, missed = owners(packed), list[str]()
    for bit in bits:
        count, found = unnamed(packed, packed, ((at, bit) for at in range(len(whose))), whose)
        missed += found
        print(f"bit {bit} of each of the {count} bytes of the zip: {len(found)} unnoticed or not named", flush=True)
        total = 0
        for path in sorted(path for path in bag.rglob("*") if path.is_file()):
            name, size = path.relative_to(bag).as_posix(), path.stat().st_size
            count, found = unnamed(bag, path, ((at, bit) for at in range(size)), [name] * size)
            total, missed = total + count, missed + found
        print(f"bit {bit} of each of the {total} bytes of the folder: {len(missed)} so far", flush=True)
    return missed


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        told = everywhere(Path(place), [int(bit) for bit in sys.argv[1:]] or [0, 5])
    print("\n".join(told[:100]))
    sys.exit(1 if told else 0)
