"""What `archiver verify` costs at a size, against what hashlib does with the same cores in the same run.

`python -m tests.bench.verification [LEAVES [GIGABYTES]]`: 200,000 leaves, half of them captures, each against its row;
and 2 GB of blobs of 4 MB. The floor of the blobs is `hashlib.file_digest` over the archive's own file, in as many
processes as there are cores; that of the leaves is what a million may take on two cores (15 s).
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

NOW, LATER = "2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:01.000000Z"
BODY, BLOB = b"the ferry leaves at noon", 4 << 20
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


def bodies(path: Path, count: int) -> None:
    archive = open_archive(path, now=NOW, origin="bench.example/blobs")
    archive.db.execute("PRAGMA synchronous = OFF")
    store, rest = BlobStore(archive), os.urandom(BLOB - 8)
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


def hashed(path: str) -> float:
    start = time.process_time()
    with open(path, "rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.process_time() - start


def floor(path: Path) -> tuple[float, float]:
    """Wall and CPU seconds in which all cores hash as many bytes as the file has."""
    count = cores()
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        pool.map(hashed, [os.devnull] * count, 1)
        start = time.perf_counter()
        used = sum(pool.map(hashed, [str(path)] * count, 1))
        return (time.perf_counter() - start) / count, used / count


def measure(folder: Path, leaves: int, gigabytes: float) -> None:
    captures(folder / "log.db", leaves)
    wall, used, peak = min(verified(folder / "log.db") for _ in range(ROUNDS))
    print(
        f"archiver verify, {leaves:,} leaves with their rows on {cores()} cores: {wall:.1f} s, {used:.1f} s of CPU, "
        f"so {wall / leaves * 1e6:.1f} s for a million (bound 15); peak {peak:.0f} MB a process"
    )
    count = int(gigabytes * 1e9 / BLOB)
    if not count:
        return
    bodies(folder / "blobs.db", count)
    rounds = [(floor(folder / "blobs.db"), verified(folder / "blobs.db")) for _ in range(ROUNDS)]
    (least, least_used), (wall, used, peak) = min(one[0] for one in rounds), min(one[1] for one in rounds)
    size = count * BLOB
    print(
        f"archiver verify, {size / 1e9:.1f} GB of blobs: {wall:.2f} s, {size / wall / 1e6:,.0f} MB/s, "
        f"{used:.2f} s of CPU, peak {peak:.0f} MB a process; "
        f"hashlib.file_digest {least:.2f} s, {size / least / 1e6:,.0f} MB/s, {least_used:.2f} s of CPU: "
        f"{least / wall:.0%} of its rate (bound 90 %), {least_used / used:.0%} by CPU"
    )


def main(arguments: Sequence[str]) -> None:
    leaves = int(arguments[0]) if arguments else 200_000
    gigabytes = float(arguments[1]) if len(arguments) > 1 else 2.0
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), leaves, gigabytes)


if __name__ == "__main__":
    main(sys.argv[1:])
