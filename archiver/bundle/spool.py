"""What a bundle is put together of, kept on the disk beside it while it is made: rows and sorted lines of any number.

A spool has no name, so nothing of it is left, however the work ends. Small ones stay in memory. They lie in the folder
of the bundle: where that has room, there is room for them, which are a small part of it.
"""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

SMALL = 1 << 18
"""A spool of up to so many bytes stays in memory."""
RUN, MERGED = 1 << 20, 32
"""Lines of so many bytes are sorted at once, and so many runs of one length are merged."""
PIECE = 1 << 18

Row = TypeVar("Row")
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class Spools:
    """Makes spools in one folder (the system's own when none is named), and closes them all when it is left."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = None if folder is None else str(folder)
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Spools:
        return self

    def __exit__(self, *unused: object) -> None:
        while self._files:
            self._files.pop().close()

    def file(self, *, small: bool = True) -> IO[bytes]:
        """A file for writing and reading. One that is not small is on the disk from its first byte: `writelines` would
        fill the memory first."""
        if small:
            made: IO[bytes] = tempfile.SpooledTemporaryFile(SMALL, dir=self._folder)  # noqa: SIM115  # closed below
        else:
            made = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        self._files.append(made)
        return made

    def drop(self, file: IO[bytes]) -> None:
        """Closes a file that is read no more."""
        self._files.remove(file)
        file.close()


class Text:
    """Text that is written once and read as pieces of UTF-8. A lone surrogate is refused (ValueError)."""

    def __init__(self, spools: Spools) -> None:
        self._file = spools.file()

    def write(self, text: str) -> None:
        self._file.write(text.encode("utf-8"))

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece


class Rows(Generic[Row]):
    """Values of JSON, one a line, with their keys sorted: as many as there are, any number of times over, one of them
    in memory. Rows are added before they are read."""

    def __init__(self, spools: Spools) -> None:
        self._file = spools.file()
        self._count = 0

    @classmethod
    def of(cls, spools: Spools, rows: Iterable[Row]) -> Rows[Row]:
        """All that an iterable gives."""
        made = cls(spools)
        for row in rows:
            made.add(row)
        return made

    def add(self, row: Row) -> None:
        self._file.write(_ENCODER.encode(row).encode("utf-8") + b"\n")
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        for line in self.lines():
            yield _DECODER.raw_decode(line.decode("utf-8"))[0]

    def lines(self) -> Iterator[bytes]:
        """The JSON of each row, ended by a line feed. Two readers may take turns."""
        at = 0
        while True:
            self._file.seek(at)
            held = self._file.readlines(PIECE)
            if not held:
                return
            at = self._file.tell()
            yield from held


class Sorter:
    """Lines of bytes in the order of their bytes, whatever the order in which they come. None holds a line feed."""

    def __init__(self, spools: Spools) -> None:
        self._spools = spools
        self._runs: list[list[IO[bytes]]] = []
        self._held: list[bytes] = []
        self._size = 0
        self._count = 0

    def add(self, line: bytes) -> None:
        self._held.append(line + b"\n")
        self._size += len(line)
        self._count += 1
        if self._size >= RUN:
            self._held.sort()
            self._keep(self._held, 0)
            self._held, self._size = [], 0

    def _keep(self, lines: Iterable[bytes], tier: int) -> None:
        """Writes a run. So many of one length are merged into one, since each is an open file."""
        run = self._spools.file(small=False)
        run.writelines(lines)
        if tier == len(self._runs):
            self._runs.append([])
        self._runs[tier].append(run)
        if len(self._runs[tier]) == MERGED:
            runs, self._runs[tier] = self._runs[tier], []
            self._keep(heapq.merge(*map(_from_start, runs)), tier + 1)
            for old in runs:
                self._spools.drop(old)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        """The lines without their line feeds. One reader at a time, after all were added."""
        self._held.sort()
        runs = [_from_start(run) for tier in self._runs for run in tier]
        for line in heapq.merge(*runs, self._held) if runs else self._held:
            yield line[:-1]


def _from_start(run: IO[bytes]) -> IO[bytes]:
    run.seek(0)
    return run


def packed(value: Any) -> bytes:
    """A value as JSON, as it stands in rows."""
    return _ENCODER.encode(value).encode("utf-8")


class Pairs:
    """An object of JSON whose members are told anew each time."""

    def __init__(self, told: Callable[[], Iterable[tuple[str, Any]]]) -> None:
        self._told = told

    def items(self) -> Iterable[tuple[str, Any]]:
        return self._told()


def pieces(value: Mapping[str, Any]) -> Iterator[bytes]:
    """An object as JSON with its keys sorted. A value may be `Rows`, an array, or `Pairs` (in the order of their keys),
    an object: of these one member is in memory."""
    for name in sorted(value):
        member = value[name]
        yield (b"{" if name == min(value) else b",") + packed(name) + b":"
        if isinstance(member, Rows):
            yield from _joined(b"[", (line[:-1] for line in member.lines()), b"]")
        elif isinstance(member, Pairs):
            yield from _joined(b"{", (packed(key) + b":" + packed(one) for key, one in member.items()), b"}")
        else:
            yield packed(member)
    yield b"}"


def _joined(before: bytes, members: Iterable[bytes], after: bytes) -> Iterator[bytes]:
    for member in members:
        yield before + member
        before = b","
    yield after if before == b"," else before + after
