"""Long films are sent in flat memory."""

import re
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from archiver.jobs.serving import command_for
from tests.datasette_plugin.album import FILM

MIB = 1 << 20


@pytest.mark.heavy
def test_memory_stays_flat_while_a_long_film_is_sent(photos: Path, tmp_path: Path) -> None:
    """200 MB to three readers at once, and to one who reads slowly: in a process of its own, as it is served."""
    db = tmp_path / "archive.db"
    shutil.copy(photos, db)
    with closing(sqlite3.connect(db)) as sql:
        sql.execute("INSERT INTO blobs (sha256, size) VALUES (?, ?)", ("a" * 64, 200 * MIB))
        (key,) = sql.execute("SELECT max(id) FROM blobs").fetchone()
        sql.execute("INSERT INTO blob_at VALUES (?, 'sqlite')", (key,))
        first = FILM.data[:MIB]
        sql.executemany("INSERT INTO blob_chunks VALUES (?, ?, ?)", ((key, n, first) for n in range(200)))
        sql.commit()
    with serving(db) as (port, process):
        before = resident(process.pid)
        with ThreadPoolExecutor(4) as pool:
            slow = pool.submit(fetched, port, f"/archive/-/blob/{'a' * 64}", most=3 * MIB)
            sizes = list(pool.map(lambda _: fetched(port, f"/archive/-/blob/{'a' * 64}"), range(3)))
            assert slow.result() == 3 * MIB
        grown = resident(process.pid) - before
        assert sizes == [200 * MIB] * 3
        assert fetched(port, f"/archive/-/blob/{'a' * 64}", part="bytes=-1") == 1
    assert grown < 48 * MIB, grown


def resident(pid: int) -> int:
    """The most memory that a process ever held, in bytes (Linux)."""
    told = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.findall(r"VmHWM:\s+([0-9]+) kB", told)[0]) * 1024


def fetched(port: int, path: str, *, most: int = 1 << 40, part: str = "") -> int:
    """How many bytes came; the reader goes away after `most`."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"range": part} if part else {})
    answer, size = connection.getresponse(), 0
    while size < most and (piece := answer.read(64 << 10)):
        size += len(piece)
    connection.close()
    return size


@contextmanager
def serving(db: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Datasette as a server of its own, as `archiver serve` starts it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    metadata = Path(__file__).parents[2] / "datasette-metadata.json"
    command = command_for(db, port=port, host="127.0.0.1", metadata=metadata)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert any("running on" in line for line in process.stderr)  # it says so when it listens
        fetched(port, "/archive/-/media")
        yield port, process
    finally:
        process.terminate()
        process.communicate(timeout=30)
