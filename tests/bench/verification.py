"""What `archiver verify` costs at a size, against what hashlib does with the same cores in the same run.

`python -m tests.bench.verification [LEAVES [GIGABYTES]]`, or `make bench-verify`: 200,000 leaves, half of them
captures, each against its row; 2 GB of blobs of 4 MB, and at most 1 GB of blobs of 50 KB. The floor of the blobs is
what all cores do when each hashes its part of the archive's own file, read as `hashlib.file_digest` reads; that of the
leaves is what a million may take on two cores (15 s). Last comes what a capture costs in the log of that size.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from archiver.jobs.verifying_pool import cores
from archiver.model import Exchange, Ref, Request
from archiver.store.archive import open_archive
from archiver.store.blobs import BlobStore
from archiver.store.evidence import Evidence, Tool
from tests.bench import custody

NOW, LATER = "2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:01.000000Z"
BODY, BLOB, SMALL = b"the ferry leaves at noon", 4 << 20, 50_000
READ = 1 << 18
"""What `hashlib.file_digest` reads at once."""
HEAD = b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\n\r\n"
BATCH, ROUNDS = 1000, 3


def captures(path: Path, leaves: int) -> None:
    """Captures and their marks by turns, a thousand to a commit."""
    archive = open_archive(path, now=NOW, origin="bench.example/log")
    archive.db.execute("PRAGMA synchronous = OFF")
    evidence = Evidence(archive, Tool(version="0", config_sha256="0" * 64), now=lambda: NOW)
    sha256 = hashlib.sha256(BODY).hexdigest()
    for low in range(0, leaves // 2, BATCH):
        with archive.transaction():
            for number in range(low, min(low + BATCH, leaves // 2)):
                url = f"https://site.example/post/{number}"
                (recorded,) = evidence.record(
                    Exchange(
                        uid=f"bench-{number:09d}",
                        request=Request(ref=Ref.parse(f"web:page:{url}"), route="page", url=url),
                        url=url,
                        started_at=NOW,
                        ended_at=LATER,
                        sent=f"GET /post/{number} HTTP/1.1\r\nHost: site.example\r\n\r\n".encode(),
                        status=200,
                        headers=(("content-type", "text/plain"),),
                        response_head=HEAD,
                        body=io.BytesIO(BODY),
                        size=len(BODY),
                        sha256=sha256,
                        entity_sha256=sha256,
                    )
                )
                evidence.mark(recorded.id, "parse", "parse/1", sha256, leaf=recorded.leaf, fresh=True)
    archive.close()


def bodies(path: Path, count: int, size: int) -> None:
    """Blobs of one size that differ in their first bytes."""
    archive = open_archive(path, now=NOW, origin="bench.example/blobs")
    archive.db.execute("PRAGMA synchronous = OFF")
    store, rest = BlobStore(archive), os.urandom(size - 8)
    for number in range(count):
        data = number.to_bytes(8, "big") + rest
        store.put(hashlib.sha256(data).hexdigest(), len(data), [data])
    archive.close()


def verified(path: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds of all processes, peak MB of the largest: of the whole command."""
    archiver = str(Path(sys.executable).with_name("archiver"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([archiver, "verify", str(path), "--json"], stdout=subprocess.DEVNULL, check=False)
    wall = time.perf_counter() - start
    if done.returncode not in (0, 1):  # 1: it was never signed
        raise SystemExit(f"archiver verify ended with {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, after.ru_maxrss / 1024


def hashed(part: tuple[str, int, int]) -> float:
    """CPU seconds in which one process hashes a part of a file, its bytes from one place to another."""
    path, start, end = part
    began = time.process_time()
    buffer, seen = memoryview(bytearray(READ)), hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while start < end:
            got = file.readinto(buffer[: min(READ, end - start)])
            seen.update(buffer[:got])
            start += got or end
    return time.process_time() - began


def floor(path: Path) -> tuple[float, float]:
    """Wall and CPU seconds in which all cores hash the file, each a part of it."""
    count, size = cores(), path.stat().st_size
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        pool.map(hashed, [(os.devnull, 0, 0)] * count, 1)
        start = time.perf_counter()
        used = sum(pool.map(hashed, [(str(path), size * n // count, size * (n + 1) // count) for n in range(count)], 1))
        return time.perf_counter() - start, used


def log(path: Path, leaves: int) -> None:
    captures(path, leaves)
    wall, used, peak = min(verified(path) for _ in range(ROUNDS))
    print(
        f"archiver verify, {leaves:,} leaves with their rows on {cores()} cores: {wall:.1f} s, {used:.1f} s of CPU, "
        f"so {wall / leaves * 1e6:.1f} s for a million (bound 15); peak {peak:.0f} MB a process"
    )
    archive = open_archive(path, now=NOW, origin="bench.example/log")
    custody.commits(Evidence(archive, Tool(version="0", config_sha256="0" * 64), now=lambda: NOW))
    archive.close()


def blobs(path: Path, count: int, size: int, nothing: tuple[float, float]) -> None:
    """`nothing` is what the command takes when there is nearly nothing to hash."""
    bodies(path, count, size)
    rounds = [(floor(path), verified(path)) for _ in range(ROUNDS)]
    (least, least_used), (wall, used, peak) = min(one[0] for one in rounds), min(one[1] for one in rounds)
    whole = count * size
    print(
        f"archiver verify, {whole / 1e9:.1f} GB in blobs of {size:,} bytes: {wall:.2f} s, "
        f"{whole / wall / 1e6:,.0f} MB/s, {used:.2f} s of CPU, peak {peak:.0f} MB a process; "
        f"hashlib on {cores()} cores {least:.2f} s, "
        f"{whole / least / 1e6:,.0f} MB/s, {least_used:.2f} s of CPU: {least / wall:.0%} of its rate (bound 90 % at "
        f"10 GB), {least_used / used:.0%} by CPU; without the start of the command ({nothing[0]:.2f} s, "
        f"{nothing[1]:.2f} s of CPU) {least / (wall - nothing[0]):.0%} and {least_used / (used - nothing[1]):.0%}"
    )
    path.unlink()


def measure(folder: Path, leaves: int, gigabytes: float) -> None:
    if leaves:
        log(folder / "log.db", leaves)
    if gigabytes:
        bodies(folder / "few.db", 17, BLOB)  # as few as processes are started for
        wall, used, _ = min(verified(folder / "few.db") for _ in range(ROUNDS))
        blobs(folder / "large.db", int(gigabytes * 1e9 / BLOB), BLOB, (wall, used))
        blobs(folder / "small.db", int(min(gigabytes, 1) * 1e9 / SMALL), SMALL, (wall, used))


def main(arguments: Sequence[str]) -> None:
    leaves = int(arguments[0]) if arguments else 200_000
    gigabytes = float(arguments[1]) if len(arguments) > 1 else 2.0
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), leaves, gigabytes)


if __name__ == "__main__":
    main(sys.argv[1:])
