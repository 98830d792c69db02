"""What a power cut leaves of files, from a recording of everything that was done to them (`shim.c` writes it).

What was written to a file before its last sync is there. What came after may be there or not, in pieces of a page and
in any order, as disks and their caches do. A new name, a rename or an unlink is there once its folder was synced (a new
file's name also when the file was); of those after it the first ones may be, in their order.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HEAD = struct.Struct("<cIQQ")
PAGE = 4096


@dataclass(frozen=True)
class Record:
    """One thing that was done: C(reated), W(ritten), T(runcated), S(ynced), U(nlinked), R(enamed), L(inked), and M
    for a commit that SQLite told its caller."""

    kind: str
    path: str
    offset: int
    data: bytes


def read(trace: Path) -> list[Record]:
    found, data, at = list[Record](), trace.read_bytes(), 0
    while at < len(data):
        kind, length, offset, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        path = data[at : at + length].decode()
        at += length
        carried = data[at : at + size] if kind in b"WRL" else b""
        at += len(carried)
        found.append(Record(kind.decode(), path, offset, carried))
    return found


@dataclass
class File:
    """The bytes that are safe, and what was done since."""

    safe: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def apply(self, offset: int, data: bytes | None) -> None:
        if data is None:
            del self.safe[offset:]
            self.safe.extend(bytes(max(0, offset - len(self.safe))))
            return
        self.safe.extend(bytes(max(0, offset - len(self.safe))))
        self.safe[offset : offset + len(data)] = data

    def sync(self) -> None:
        for offset, data in self.since:
            self.apply(offset, data)
        self.since.clear()

    def cut(self, chance: random.Random, likely: float) -> None:
        """Keeps each piece of what was not synced with the given likelihood."""
        for offset, data in self.since:
            if data is None:
                if chance.random() < likely:
                    self.apply(offset, None)
                continue
            start = 0
            while start < len(data):
                end = min(len(data), start + PAGE - (offset + start) % PAGE)
                if chance.random() < likely:
                    self.apply(offset + start, data[start:end])
                start = end
        self.since.clear()


class Disk:
    """Files as they are while records are played."""

    def __init__(self, before: Mapping[str, bytes]) -> None:
        self.safe = {path: File(bytearray(data)) for path, data in before.items()}
        self.names = dict(self.safe)
        self.since: list[tuple[str, str, str, File]] = []

    def play(self, record: Record) -> None:
        path = record.path
        match record.kind:
            case "C":
                self.names[path] = File()
                self.since.append(("C", path, "", self.names[path]))
            case "W":
                self.names[path].since.append((record.offset, record.data))
            case "T":
                self.names[path].since.append((record.offset, None))
            case "S" if path in self.names:
                self.names[path].sync()
                self._safe(lambda kind, one, to, file: kind == "C" and file is self.names[path])
            case "S":
                self._safe(lambda kind, one, to, file: one.rpartition("/")[0] == path)
            case "U":
                self.since.append(("U", path, "", self.names.pop(path)))
            case "R" | "L":
                to = record.data.decode()
                file = self.names.pop(path) if record.kind == "R" else self.names[path]
                self.names[to] = file
                self.since.append((record.kind, path, to, file))

    def _safe(self, chosen: Callable[[str, str, str, File], bool]) -> None:
        left = []
        for change in self.since:
            if chosen(*change):
                self._change(*change)
            else:
                left.append(change)
        self.since = left

    def _change(self, kind: str, path: str, to: str, file: File) -> None:
        if kind in "UR":
            self.safe.pop(path, None)
        if kind != "U":
            self.safe[to or path] = file

    def left(self, chance: random.Random, likely: float) -> dict[str, bytes]:
        """What a power cut leaves now; with likelihood 1 everything. The disk is of no use afterwards."""
        kept = len(self.since) if likely == 1 else chance.randint(0, len(self.since)) if likely else 0
        for change in self.since[:kept]:
            self._change(*change)
        for file in self.safe.values():
            file.cut(chance, likely)  # a second name of it finds nothing left to do
        return {path: bytes(file.safe) for path, file in self.safe.items()}


def snapshot(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def restore(root: Path, files: Mapping[str, bytes]) -> None:
    """Makes the folder hold these files, of the owner alone, and no others."""
    for path in root.rglob("*"):
        if path.is_file():
            path.unlink()
    for name, data in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(data)
