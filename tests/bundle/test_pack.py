"""The zip of a bundle is what Python's own module writes, byte for byte, without its memory; spools hold any number."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from archiver.bundle import pack, spool
from archiver.bundle.pack import Pack
from archiver.bundle.spool import Rows, Sorter, Spools, Text, packed


class Pipe(io.BytesIO):
    """A file that cannot be sought in."""

    def seekable(self) -> bool:
        return False

    def seek(self, *unused: int) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def pythons(into: io.BytesIO, entries: Iterable[tuple[str, list[bytes]]], *, wide: bool = False) -> bytes:
    """The same entries by the standard library."""
    with zipfile.ZipFile(into, "w") as file:
        for name, pieces in entries:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o100644 << 16
            with file.open(info, "w", force_zip64=wide) as target:
                for piece in pieces:
                    target.write(piece)
        file.filelist.sort(key=lambda info: info.filename)
    return into.getvalue()


def ours(into: io.BytesIO, entries: Iterable[tuple[str, list[bytes]]], *, about: int = 0) -> bytes:
    with Pack(into) as made:
        for name, pieces in entries:
            digests = made.add(name, pieces, about=about)
            whole = b"".join(pieces)
            assert (digests.sha256, digests.size) == (hashlib.sha256(whole).hexdigest(), len(whole))
            assert digests.sha512 == hashlib.sha512(whole).hexdigest()
        made.close()
    return into.getvalue()


def some(seed: int, *, streamed: bool = False) -> list[tuple[str, list[bytes]]]:
    """Entries of no, one or several pieces, small and large, in any order."""
    chance = random.Random(seed)
    names = chance.sample([f"{folder}{n}" for folder in ("a/", "a", "b.c/", "B/") for n in range(40)], 60)
    return [
        (name, [chance.randbytes(chance.choice((0, 1, 300, 70_000, 300_000))) for _ in range(2 if streamed else n % 4)])
        for n, name in enumerate(names)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_zip_is_what_python_writes(seed: int) -> None:
    assert ours(io.BytesIO(), some(seed)) == pythons(io.BytesIO(), some(seed))


def test_lengths_follow_where_nobody_can_seek() -> None:
    entries = some(7, streamed=True)
    assert ours(Pipe(), entries) == pythons(Pipe(), entries)


@pytest.mark.parametrize("about", [0, pack.LARGE])
@pytest.mark.parametrize("into", [io.BytesIO, Pipe])
def test_large_ones_have_lengths_of_64_bits(
    into: type[io.BytesIO], about: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if an entry of 5,000 bytes had two gigabytes, and eleven entries were 65,536."""
    for module, edge, count in ((zipfile, "ZIP64_LIMIT", "ZIP_FILECOUNT_LIMIT"), (pack, "EDGE", "COUNT")):
        monkeypatch.setattr(module, edge, 5000)
        monkeypatch.setattr(module, count, 10)
    entries = [(f"n{n}", [b"x" * 2500, b"y" * (2500 if about else 7)]) for n in range(12)]
    written = ours(into(), entries, about=about)
    with zipfile.ZipFile(io.BytesIO(written)) as read:
        assert read.testzip() is None
        assert {name: [read.read(name)] for name in read.namelist()} == {n: [b"".join(p)] for n, p in entries}
    assert written == pythons(into(), entries, wide=bool(about))
    with pytest.raises(ValueError, match="was said to have 0"):
        ours(io.BytesIO(), [("n", [b"x" * 5000, b"y"])])


@pytest.mark.parametrize("name", ["a b", "a%20", "a\\b", "ä", "a\nb", "a\0b"])
def test_names_that_not_every_reader_takes_are_refused(name: str) -> None:
    with Pack(io.BytesIO()) as made, pytest.raises(ValueError, match="is no name"):
        made.put(name, b"")


def test_a_name_that_stands_twice_is_refused() -> None:
    with Pack(io.BytesIO()) as made:
        made.put("a", b"1")
        made.put("a", b"2")
        with pytest.raises(ValueError, match="a stands twice"):
            made.close()


def test_lines_are_sorted_however_many_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "RUN", 100)
    monkeypatch.setattr(spool, "MERGED", 3)
    monkeypatch.setattr(spool, "SMALL", 500)
    lines = [b"%d\0%d" % (n * 7919 % 1009, n) for n in range(1000)]
    with Spools(tmp_path) as spools:
        sorter = Sorter(spools)
        for line in lines:
            sorter.add(line)
        assert len(sorter) == 1000
        assert len(spools._files) < 20  # each is open
        assert list(sorter) == list(sorter) == sorted(lines)
        assert list(Sorter(spools)) == []
        assert list(tmp_path.iterdir()) == []  # what lies there has no name


def test_rows_are_read_any_number_of_times(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spool, "PIECE", 100)
    monkeypatch.setattr(spool, "SMALL", 500)
    given: list[dict[str, object]] = [{"text": f"ä\n\u2028{n}", "a": n, "none": None} for n in range(200)]
    with Spools(tmp_path) as spools:
        rows = Rows[dict[str, object]](spools)
        for row in given:
            rows.add(row)
        assert (len(rows), list(rows)) == (200, given)
        assert [left["a"] for left, right in zip(rows, rows, strict=True) if left == right] == list(range(200))
        assert b"".join(rows.lines()) == b"".join(packed(row) + b"\n" for row in given)
        text = Text(spools)
        for n in range(300):
            text.write(f"{n}ü\r\n")
        assert b"".join(text).decode() == "".join(f"{n}ü\r\n" for n in range(300))
    assert list(tmp_path.iterdir()) == []
