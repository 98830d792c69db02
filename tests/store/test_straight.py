"""Large values past SQLite: the same bytes, or a refusal; and nothing that is called wrong by them alone."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from archiver.errors import InputError, IntegrityError
from archiver.jobs import verifying_blobs, verifying_pool
from archiver.jobs.verifying_blobs import Batch, BatchFound, check_batch
from archiver.store import straight
from archiver.store.archive import Archive, open_archive, open_reader
from archiver.store.straight import Row, Straight

SIZES = (65_537, 66_000, 100_000, 200_001, (1 << 20) - 5, 1 << 20, (1 << 20) + 1, (2 << 20) + 4092)


def made(path: Path, page: int, *, scattered: bool = False, sizes: tuple[int, ...] = SIZES * 2) -> Path:
    """An archive of blobs of all sizes; `scattered` has pages on which something else stood before."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA page_size = {page}")
        db.execute("PRAGMA secure_delete = OFF")
        db.execute("PRAGMA journal_mode = WAL")
    archive = open_archive(path, now="2026-01-01T00:00:00Z", origin="straight.example/log")
    chance = random.Random(page)
    with archive.transaction():
        if scattered:
            archive.db.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, data BLOB)")
            for number in range(400):
                archive.db.execute("INSERT INTO other VALUES (?, zeroblob(?))", (number, chance.randrange(9000)))
            archive.db.execute("DELETE FROM other WHERE id % 3")
        for number, size in enumerate(sizes, 1):
            data = chance.randbytes(size)
            for n in range(-(-size // (1 << 20))):
                archive.db.execute(
                    "INSERT INTO blob_chunks (blob_id, n, data) VALUES (?, ?, ?)",
                    (number, n, data[n << 20 : n + 1 << 20]),
                )
            archive.db.execute(
                "INSERT INTO blobs (id, sha256, size) VALUES (?, ?, ?)",
                (number, hashlib.sha256(data).hexdigest(), size),
            )
    archive.close()
    return path


@pytest.fixture
def closing_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Such a reader never closes its file. Tests do, after all connections."""
    held: list[int] = []
    keep = Straight.__init__

    def kept(self: Straight, file: int, page: int, root: int) -> None:
        held.append(file)
        keep(self, file, page, root)

    monkeypatch.setattr(Straight, "__init__", kept)
    yield
    for file in held:
        os.close(file)


def reading(path: Path) -> Archive:
    archive = open_reader(path)
    archive.db.execute("BEGIN")
    archive.straight = Straight.open(archive.db, path)
    return archive


def rows(archive: Archive) -> list[tuple[Row, bytes]]:
    found = archive.all("SELECT rowid, blob_id, n, length(data), data FROM blob_chunks")
    return [(Row(rowid=row[0], blob=row[1], n=row[2], length=row[3]), row[4]) for row in found]


def batch(archive: Archive) -> Batch:
    found = archive.all("SELECT id, sha256, size FROM blobs ORDER BY id")
    return Batch(blobs=tuple((row[0], row[1], row[2]) for row in found))


def told(found: BatchFound) -> tuple[int, int, list[object]]:
    return found.blobs, found.size, [*found.wrong.held]


@pytest.mark.usefixtures("closing_files")
@pytest.mark.parametrize("scattered", [False, True])
@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_the_same_bytes_as_sqlite(tmp_path: Path, page: int, scattered: bool) -> None:
    archive = reading(made(tmp_path / "a.db", page, scattered=scattered))
    assert archive.straight is not None
    read = 0
    for row, data in rows(archive):
        try:
            assert b"".join(map(bytes, archive.straight.read(row))) == data
            read += 1
        except LookupError:
            assert scattered
    assert read >= (2 * len(SIZES) if not scattered else 1)
    assert told(check_batch(archive, batch(archive))) == (2 * len(SIZES), 2 * sum(SIZES), [])
    archive.db.close()


@pytest.mark.usefixtures("closing_files")
def test_what_sqlite_says_of_a_row_has_to_agree(tmp_path: Path) -> None:
    archive = reading(made(tmp_path / "a.db", 4096))
    assert archive.straight is not None
    row, _ = rows(archive)[0]
    for other in (
        Row(rowid=row.rowid, blob=row.blob + 1, n=row.n, length=row.length),
        Row(rowid=row.rowid, blob=row.blob, n=row.n + 1, length=row.length),
        Row(rowid=row.rowid, blob=row.blob, n=row.n, length=row.length - 1),
        Row(rowid=row.rowid + 1, blob=row.blob, n=row.n, length=row.length),
        Row(rowid=10**9, blob=row.blob, n=row.n, length=row.length),
        Row(rowid=-1, blob=row.blob, n=row.n, length=row.length),
    ):
        with pytest.raises(LookupError):
            list(archive.straight.read(other))
    archive.db.close()


@pytest.mark.usefixtures("closing_files")
def test_a_damaged_file_is_told_as_without(tmp_path: Path) -> None:
    """Bytes changed anywhere: no other exception than SQLite's own, and the same findings."""
    path = made(tmp_path / "a.db", 1024, sizes=(65_537, 200_001, 1 << 20, 70_000))
    sound, chance = path.read_bytes(), random.Random(5)
    with closing(open_reader(path).db) as db:
        leaves = {row[0] for row in db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'blob_chunks'")}
    wrong = 0
    for trial in range(60):
        data = bytearray(sound)
        for _ in range(trial % 3 + 1):
            # By turns anywhere, on the root of the chunks, and where a page names the next.
            at = chance.randrange(1024 * 30, len(data))
            at = (next(iter(leaves)) - 1) * 1024 + chance.randrange(64) if trial % 3 == 1 else at
            at = at // 1024 * 1024 + chance.randrange(4) if trial % 3 == 2 else at
            data[at] ^= 1 << chance.randrange(8)
        path.write_bytes(data if trial % 10 else data[: -1024 * chance.randrange(1, 800)])
        try:
            archive = reading(path)
        except (InputError, IntegrityError):
            continue  # cut too short to be opened
        asked = batch(archive)
        try:
            with_it = told(check_batch(archive, asked))
        except sqlite3.DatabaseError as error:
            with_it = (0, 0, [type(error)])
        archive.straight = None
        try:
            without = told(check_batch(archive, asked))
        except sqlite3.DatabaseError as error:
            without = (0, 0, [type(error)])
        assert with_it == without
        wrong += with_it[2] != []
        archive.db.close()
    assert wrong > 30


@pytest.mark.usefixtures("closing_files")
def test_where_the_file_alone_is_not_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "a.db", 4096)
    with closing(open_reader(path).db) as db:
        assert Straight.open(db, path) is None, "without a transaction"
    writer = open_archive(path, now="", origin="")
    writer.db.execute("DELETE FROM work_queue")
    writer.db.execute("INSERT INTO work_state VALUES ('a', 'b')")
    with closing(reading(path).db) as db:
        assert Straight.open(db, path) is None, "a write-ahead log that holds something"
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    with closing(reading(link).db) as db:
        assert Straight.open(db, link) is None, "a write-ahead log beside the file, not beside the link"
    writer.close()
    with closing(reading(path).db) as db:
        assert Straight.open(db, path) is not None
        monkeypatch.delattr(os, "preadv")
        assert Straight.open(db, path) is None, "a system without it"


@pytest.mark.usefixtures("closing_files")
@pytest.mark.parametrize("change", [(0, b"X"), (16, b"\x00\x00"), (20, b"\x08")])
def test_what_is_no_such_file(tmp_path: Path, change: tuple[int, bytes]) -> None:
    path = made(tmp_path / "a.db", 4096)
    archive = open_reader(path)
    archive.db.execute("BEGIN")
    other = tmp_path / "b.db"
    data = bytearray(path.read_bytes())
    data[change[0] : change[0] + len(change[1])] = change[1]
    other.write_bytes(data)
    assert Straight.open(archive.db, other) is None
    archive.db.close()


def test_a_run_of_links() -> None:
    links = [8, 9, 10, 11, 0]
    packed = memoryview(b"".join(link.to_bytes(4, "big") for link in links))
    assert straight._in_a_row(packed, 7) == 5
    for place, run in ((0, 1), (2, 3), (3, 4), (4, 5)):
        other = bytearray(packed)
        other[4 * place + 1] ^= 1
        assert straight._in_a_row(memoryview(other), 7) == run
    assert straight._in_a_row(packed[:4], 5) == 1
    assert straight._in_a_row(memoryview(b"\xff" * 8), 2**32 - 1) == 1


def _how(archive: Archive, task: int) -> tuple[bool, int]:
    """Whether a process reads past SQLite, and what it sees."""
    return archive.straight is not None, verifying_pool.erasures(archive)


def test_processes_read_past_sqlite_and_the_one_who_asks_does_not(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db", 4096)
    archive = open_reader(path)
    pool = verifying_pool.Pool(path, 2)
    try:
        assert list(pool.run(archive, _how, [1, 2])) == [(True, 0)] * 2
        assert verifying_blobs.check_batch(archive, batch(archive)).wrong.total == 0
        assert archive.straight is None
    finally:
        pool.close()
        archive.db.close()


def test_what_is_erased_meanwhile_is_read_by_the_one_who_asked(tmp_path: Path) -> None:
    """Processes would find a blob gone of which nobody had told them."""
    path = made(tmp_path / "a.db", 4096)
    archive = open_reader(path)
    archive.db.execute("BEGIN")
    assert verifying_pool.erasures(archive) == 0
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO erasures VALUES (1, 'u', 1, 0, '', '', '', '', '')")
        db.commit()
    pool = verifying_pool.Pool(path, 2)
    try:
        assert list(pool.run(archive, _how, range(9))) == [(False, 0)] * 9
    finally:
        pool.close()
        archive.db.close()


def _cut(archive: Archive, task: Batch) -> BatchFound:
    """Cuts the file short below what this process has mapped of it."""
    if multiprocessing.parent_process() is not None:
        assert archive.value("SELECT length(data) FROM blob_chunks LIMIT 1")
        os.truncate(archive.path, 1 << 16)
    return check_batch(archive, task)


def test_a_file_that_is_cut_short_below_a_mapping_is_told(tmp_path: Path) -> None:
    """It may end the processes that map it, not the one who asks, who finds it broken."""
    path = made(tmp_path / "a.db", 4096, sizes=(60_000,) * 20)
    archive = open_reader(path)
    pool = verifying_pool.Pool(path, 2)
    try:
        asked = batch(archive)
        with pytest.raises(IntegrityError, match="cannot be read"):
            list(pool.run(archive, _cut, [asked]))
        assert pool.processes == 1 or sys.platform != "linux"
    finally:
        pool.close()
        archive.db.close()
