"""Where the files of a bundle are, and whether they are all there: folders, zips, BagIt 1.0 (RFC 8493).

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

MAX_FILES, MAX_TEXT, MAX_NOTE, CHUNK = 1_000_000, 1 << 28, 1 << 20, 1 << 20
EDGE, FULL, DAY, MODE = (1 << 31) - 1, 0xFFFFFFFF, 33, (stat.S_IFREG | 0o644) << 16
"""Of the zip: from where on lengths have 64 bits, what stands in their place then, 1980-01-01, and a plain file."""
FOREIGN = "not what the archiver writes: it was changed, or packed again (if so, unpack it and check the folder)"
REPACKED = "If it was only packed again, have the folder that it was packed from checked"
LOST = "bytes were lost on its way, or it was changed: have it sent again"
ORDER = {"sha256": 64, "sha512": 128}
BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


class Refused(Exception):
    """What is given is not what it has to be; the message says why."""


class Mistaken(Refused):
    """What was named is no bundle: the command is wrong, and nothing was checked."""


class Report:
    """Lines (state, check, what was found): held, unchecked or WRONG."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def say(self, state: str, check: str, found: str) -> None:
        self.lines.append((state, check, found))

    def wrong(self, check: str, found: str) -> None:
        self.say("WRONG", check, found)

    def count(self, state: str) -> int:
        return sum(line[0] == state for line in self.lines)

    def closed(self, check: str, before: int, found: str) -> None:
        """Says that a check held unless something of it was wrong."""
        if self.count("WRONG") == before:
            self.say("held", check, found)

    @property
    def code(self) -> int:
        return 4 if self.count("WRONG") else 1 if self.count("unchecked") else 0


# ---- where the files are ------------------------------------------------------------------------------------


def path_fault(name: str) -> str:
    if not name.isascii() or not name.isprintable() or set(name) & set('%\\:*?"<>|'):
        return "a name holds characters that no bundle uses"
    return "a name leads out of the bundle" if set(name.split("/")) & {"", ".", ".."} else ""


class Folder:
    def __init__(self, root: str) -> None:
        self.root, self.sizes = root, {}  # type: str, dict[str, int]
        for place, folders, files in os.walk(root, onerror=_stop):
            for entry in sorted(folders + files):
                full = os.path.join(place, entry)
                name, mode = os.path.relpath(full, root).replace(os.sep, "/"), os.lstat(full).st_mode
                if path_fault(name) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    raise Refused(f"{name}: {path_fault(name) or 'a link or device, which no bundle holds'}")
                if stat.S_ISREG(mode):
                    self.sizes[name] = os.path.getsize(full)

    def open(self, name: str) -> BinaryIO:
        return open(os.path.join(self.root, *name.split("/")), "rb")


def _stop(error: OSError) -> None:
    raise error


class Zip:
    """The archiver's own zip, byte for byte: stored, names in order, each once, files alone. It is never unpacked."""

    def __init__(self, path: str) -> None:
        self.zip = zipfile.ZipFile(path)
        held, names, end = self.zip.infolist(), self.zip.namelist(), 0
        if len(held) > MAX_FILES:
            raise Refused(f"more than {MAX_FILES} files")
        twice = [name for name, following in _pairs(sorted(name.lower() for name in names)) if name == following]
        for one in held:
            kind = stat.S_IFMT(one.external_attr >> 16)
            fault = path_fault(one.orig_filename)
            if kind not in (0, stat.S_IFREG) or one.is_dir():
                fault = fault or "a link, folder or device: a bundle holds files alone"
            if one.compress_type != zipfile.ZIP_STORED or one.flag_bits & 0x41 or one.compress_size != one.file_size:
                fault = fault or "compressed or encrypted: a bundle is stored as it is, so it cannot swell. " + REPACKED
            if one.filename.lower() in twice:
                fault = fault or "a name stands twice"
            if fault:
                raise Refused(f"{one.orig_filename[:200]}: {fault}")
        for earlier, later in _pairs(names):
            if earlier > later:
                raise Refused(f"{later}: the files of the zip are not in the order of their names, {FOREIGN}")
        for one in sorted(held, key=lambda one: one.header_offset):
            if one.header_offset < end:
                raise Refused(f"{one.filename}: overlaps the file before it in the zip: {LOST}")
            end = one.header_offset + 30 + len(one.filename) + one.file_size
        if end > self.zip.start_dir:
            raise Refused(f"the files are declared larger than the zip: {LOST}")
        with open(path, "rb") as file:
            _as_written(file, held, self.zip.start_dir)
        tops = {name.split("/")[0] for name in names}
        self.top = f"{tops.pop()}/" if len(tops) == 1 and "bagit.txt" not in names else ""
        self.sizes = {one.filename[len(self.top) :]: one.file_size for one in held}

    def open(self, name: str) -> Any:
        return self.zip.open(self.top + name)


def open_bundle(path: str) -> Folder | Zip:
    """A bundle, packed or not. Mistaken where there is none to look at, Refused for one that is broken."""
    inside = os.path.join(path, "bundle")
    if not os.path.exists(path):
        raise Mistaken(f"{path}: no such file or folder")
    if os.path.isfile(os.path.join(inside, "bagit.txt")) and not os.path.isfile(os.path.join(path, "bagit.txt")):
        raise Mistaken(f"{path}: the bundle is the folder {inside}, name that")
    try:
        return Folder(path) if os.path.isdir(path) else Zip(path)
    except zipfile.BadZipFile as error:
        raise Refused(f"not a whole zip: {error}: {LOST}") from None
    except BROKEN as error:
        raise Refused(f"cannot be read: {error}") from None


def _as_written(file: BinaryIO, held: list[zipfile.ZipInfo], start: int) -> None:
    """Each byte of the zip that belongs to no file is the one that the archiver writes, so that none can change
    unnoticed: what stands twice is alike, what the format leaves free has one value, nothing stands between."""
    at, wide = 0, set()
    for one in sorted(held, key=lambda one: one.header_offset):
        file.seek(at)
        found = file.read(50 + len(one.filename))
        shapes = [shape for shape in _headers(one) if found.startswith(shape)]
        if one.header_offset != at or not shapes:
            raise Refused(f"{one.filename}: what stands before it in the zip is {FOREIGN}")
        if shapes[0][4] == 45:
            wide.add(at)
        at += len(shapes[0]) + one.file_size
    if at != start:
        raise Refused(f"what stands between the files and the directory of the zip is {FOREIGN}")
    file.seek(start)
    for one in held:
        line = _line(one, one.header_offset in wide)
        if file.read(len(line)) != line:
            raise Refused(f"{one.filename}: its line in the directory of the zip is {FOREIGN}")
    end = _end(len(held), file.tell() - start, start)
    if file.read(len(end) + 1) != end:
        raise Refused(f"the end of the zip is {FOREIGN}")


def _headers(one: zipfile.ZipInfo) -> list[bytes]:
    """What may stand before a file. Lengths of 64 bits stand beside those of 32 where a large file was expected, and
    early releases of Python 3.11 then wrote both."""
    name, size = one.filename.encode("ascii"), one.file_size
    both = struct.pack("<HHQQ", 1, 16, size, size)

    def shape(version: int, short: int, more: bytes) -> bytes:
        numbers = (version, 0, 0, 0, DAY, one.CRC, short, short, len(name), len(more))
        return struct.pack("<4s5H3L2H", b"PK\3\4", *numbers) + name + more

    return [shape(45, FULL, both)] + ([shape(20, size, b""), shape(20, size, both)] if size <= EDGE else [])


def _line(one: zipfile.ZipInfo, wide: bool) -> bytes:
    """The line of a file in the directory."""
    name, size, at = one.filename.encode("ascii"), one.file_size, one.header_offset
    long = [size, size] * (size > EDGE) + [at] * (at > EDGE)
    more = struct.pack(f"<HH{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    version, size, at = 45 if wide or long else 20, FULL if size > EDGE else size, FULL if at > EDGE else at
    numbers = (version, 3, version, 0, 0, 0, 0, DAY, one.CRC, size, size, len(name), len(more), 0, 0, 0, MODE, at)
    return struct.pack("<4s4B4H3L5H2L", b"PK\1\2", *numbers) + name + more


def _end(count: int, size: int, start: int) -> bytes:
    """What stands behind the directory."""
    more = b""
    if count > 0xFFFF or max(size, start) > EDGE:
        more = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
        more += struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
    count, size, start = min(count, 0xFFFF), min(size, FULL), min(start, FULL)
    return more + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, 0)


def _pairs(items: list[str]) -> Iterator[tuple[str, str]]:
    return ((items[n], items[n + 1]) for n in range(len(items) - 1))


def read(source: Folder | Zip, name: str, most: int = MAX_TEXT) -> bytes:
    """A whole file. Refused when it is missing, too large or cannot be read."""
    if name not in source.sizes:
        raise Refused(f"{name}: missing")
    try:
        with source.open(name) as file:
            data: bytes = file.read(most + 1)
    except BROKEN as error:
        raise Refused(f"{name}: cannot be read: {error}") from None
    if len(data) > most:
        raise Refused(f"{name}: larger than {most} bytes")
    return data


def text_of(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{name}: not UTF-8") from None


def load(data: bytes, name: str) -> Any:
    """JSON with each key once, and no number that JSON does not know."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise Refused(f"{name}: a key stands twice in one object")
        return found

    def unknown(word: str) -> None:
        raise Refused(f"{name}: {word} is no JSON")

    try:
        return json.loads(text_of(data, name), object_pairs_hook=once, parse_constant=unknown)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name}: not JSON: {error}") from None


def at(value: Any, path: str) -> Any:
    """What a dotted path leads to; None where there is nothing."""
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def unbase64(text: Any, name: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Refused(f"{name}: not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Refused(f"{name}: not the one way to write this base64")
    return data


# ---- BagIt (RFC 8493) ---------------------------------------------------------------------------------------


def digests(source: Folder | Zip, name: str) -> tuple[dict[str, str], str]:
    """The hashes of a file, read in pieces, and why it cannot be read."""
    hashes = {algorithm: hashlib.new(algorithm) for algorithm in ORDER}
    try:
        with source.open(name) as file:
            for piece in iter(lambda: file.read(CHUNK), b""):
                for one in hashes.values():
                    one.update(piece)
    except BROKEN as error:
        return {}, str(error) or "it ends too early"
    return {algorithm: one.hexdigest() for algorithm, one in hashes.items()}, ""


def _lists(name: str, algorithm: str) -> str:
    """The manifest that lists a file."""
    return f"{'manifest' if name.startswith('data/') else 'tagmanifest'}-{algorithm}.txt"


def check_bag(source: Folder | Zip, report: Report) -> dict[str, str]:
    """Each file is listed and each listed file is there with the hashes that are given. The SHA-256 of every file."""
    wrong, known = report.count("WRONG"), {}  # type: int, dict[str, str]
    listed: dict[str, dict[str, str]] = {algorithm: {} for algorithm in ORDER}
    if read(source, "bagit.txt", MAX_NOTE) != BAGIT or "fetch.txt" in source.sizes:
        report.wrong("bag", "bagit.txt: not a whole BagIt 1.0 bag in UTF-8")
    for algorithm, digits in ORDER.items():
        for kind, payload in (("manifest", True), ("tagmanifest", False)):
            name = f"{kind}-{algorithm}.txt"
            line = re.compile(rf"([0-9a-f]{{{digits}}})  (\S+)")
            *rows, rest = text_of(read(source, name), name).split("\n")
            for number, row in enumerate(rows, 1):
                told = line.fullmatch(row)
                if not told or path_fault(told[2]) or told[2].startswith("data/") is not payload:
                    report.wrong("bag", f"{name}:{number}: not a hash and the name of a file that it may list")
                elif told[2] in listed[algorithm]:
                    report.wrong("bag", f"{name}:{number}: {told[2]} stands twice")
                else:
                    listed[algorithm][told[2]] = told[1]
            if rest:
                report.wrong("bag", f"{name}: ends within a line")
    own = {f"tagmanifest-{algorithm}.txt" for algorithm in ORDER}
    names = {name for name in source.sizes if not name.startswith("seal/")} - own
    for algorithm, held in listed.items():
        for name in sorted(names - set(held)):
            report.wrong("bag", f"{name}: extra, {_lists(name, algorithm)} does not list it")
        for name in sorted(set(held) - set(source.sizes)):
            report.wrong("bag", f"{name}: missing, {_lists(name, algorithm)} lists it")
    for name in sorted(source.sizes):
        hashes, fault = digests(source, name)
        if fault:
            report.wrong("bag", f"{name}: cannot be read: {fault}")
            continue
        known[name] = hashes["sha256"]
        bad = [algorithm for algorithm in ORDER if listed[algorithm].get(name, hashes[algorithm]) != hashes[algorithm]]
        if bad:
            where = " and ".join(_lists(name, algorithm) for algorithm in bad)
            report.wrong("bag", f"{name}: changed, {where} {'say' if len(bad) > 1 else 'says'} otherwise")
    sizes = [size for name, size in source.sizes.items() if name.startswith("data/")]
    oxum = f"Payload-Oxum: {sum(sizes)}.{len(sizes)}"
    if oxum not in text_of(read(source, "bag-info.txt", MAX_NOTE), "bag-info.txt").split("\n"):
        report.wrong("bag", f"bag-info.txt: does not say {oxum}")
    report.closed("bag", wrong, f"{len(known)} files, none missing, none extra, each with its SHA-256 and SHA-512")
    return known
