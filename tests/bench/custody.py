"""What the log costs at a size: appending, proofs, a signed head, making the whole tree anew, one capture more.

`python -m tests.bench.custody [LEAVES]`: 100,000 by default; `make bench-log` takes a million.
"""

from __future__ import annotations

import hashlib
import io
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from archiver.custody import log, note
from archiver.model import Exchange, Ref, Request
from archiver.store.archive import Archive, open_archive
from archiver.store.evidence import Evidence, Tool
from tests.anew import recompute

NOW, ORIGIN, SEED = "2024-01-01T00:00:00Z", "bench.example/log", bytes(32)
BATCH, ASKED, COMMITS = 1000, 500, 2000
FIELDS = {"uid": "018bcfe5-6800-7000-8000-000000000000", "request": {"url": "https://x.example/" + "1" * 380}}


def grown(archive: Archive, leaves: int) -> Evidence:
    """A log of leaves as large as those of captures, appended a thousand to a commit."""
    evidence = Evidence(archive, Tool(version="0", config_sha256="0" * 64), now=lambda: NOW)
    start = time.perf_counter()
    for low in range(0, leaves, BATCH):
        with archive.transaction():
            for _ in range(min(BATCH, leaves - low)):
                evidence.append("capture", FIELDS)
    spent = time.perf_counter() - start
    size = Path(archive.path).stat().st_size / 1e6
    print(f"{leaves:,} leaves appended: {spent:.1f} s, {spent / leaves * 1e6:.0f} µs each, {size:,.0f} MB")
    return evidence


def each(work: Callable[[int], object], indexes: Sequence[int]) -> tuple[float, float]:
    """Median and 95th percentile of one call, in milliseconds."""
    spent = []
    for index in indexes:
        start = time.perf_counter()
        work(index)
        spent.append((time.perf_counter() - start) * 1e3)
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1]


def spread(leaves: int) -> list[int]:
    """Indexes all over the log, in no order, the same in each run."""
    step = max(1, int(leaves * 0.618))
    return [step * n % leaves for n in range(1, ASKED + 1)]


def measure(folder: Path, leaves: int) -> None:
    archive = open_archive(folder / "log.db", now=NOW, origin=ORIGIN)
    evidence = grown(archive, leaves)
    start = time.perf_counter()
    head = evidence.checkpoint(lambda text: [note.sign(text, ORIGIN, SEED)])
    cold = (time.perf_counter() - start) * 1e3
    assert head is not None
    indexes = spread(leaves)
    proof, slow = each(evidence.inclusion, indexes)
    consistent, slower = each(lambda index: evidence.consistency(index + 1), indexes)
    path = evidence.inclusion(indexes[0])
    leaf = archive.value("SELECT hash FROM log_leaf WHERE idx = ?", indexes[0])
    assert isinstance(leaf, bytes)
    assert log.check_inclusion(leaf, indexes[0], leaves, path, head.root)
    checked, _ = each(lambda _: log.check_inclusion(leaf, indexes[0], leaves, path, head.root), indexes)
    print(f"Signed head, tree read for the first time: {cold:.1f} ms")
    print(f"Inclusion proof: {proof:.2f} ms, 95 % in {slow:.2f} ms (bound 1), {32 * len(path)} bytes of hashes")
    print(
        f"Consistency proof: {consistent:.2f} ms, 95 % in {slower:.2f} ms (bound 1); checked in {checked * 1e3:.0f} µs"
    )
    start = time.perf_counter()
    found = recompute(evidence.tree)
    spent = time.perf_counter() - start
    assert found.roots == {leaves: head.root}
    floor = floor_of(archive)
    print(
        f"The whole tree anew: {spent:.1f} s, {spent / leaves * 1e6:.1f} µs a leaf (bound 15), "
        f"{spent / floor:.1f}x reading and hashing the leaves alone"
    )
    commits(evidence)
    archive.close()


def commits(evidence: Evidence) -> None:
    """Capture, leaf and durable commit of 4 KB, against a bare durable commit of as many bytes, by turns."""
    db, ours, bare, used = evidence.archive.db, [], [], []
    request = Request(ref=Ref.parse("x:post:20"), route="syndication", url="https://x.example/")
    db.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, data BLOB)")
    db.execute("PRAGMA synchronous = FULL")
    leaves = evidence.size()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()  # what was written before is not to be waited for here
    for number in range(COMMITS):
        body = number.to_bytes(8, "big") * 512
        sha256 = hashlib.sha256(body).hexdigest()
        exchange = Exchange(
            uid=f"commit-{sha256[:16]}",
            request=request,
            url=request.url,
            started_at=NOW,
            ended_at=NOW,
            status=200,
            response_head=b"HTTP/1.1 200 OK\r\n\r\n",
            body=io.BytesIO(body),
            size=len(body),
            sha256=sha256,
            entity_sha256=sha256,
        )
        start, began = time.perf_counter(), time.process_time()
        evidence.record(exchange)
        ours.append(time.perf_counter() - start)
        used.append(time.process_time() - began)
        start = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO bare (data) VALUES (?)", (body,))
        db.execute("COMMIT")
        bare.append(time.perf_counter() - start)
    median, least = statistics.median(ours), statistics.median(bare)
    print(
        f"Capture + leaf + FULL commit of 4 KB behind {leaves:,} leaves: {median * 1e3:.2f} ms (bound 0.5), "
        f"{statistics.median(used) * 1e3:.2f} ms of CPU, {median / least:.1f}x a bare commit ({least * 1e3:.2f} ms)"
    )


def floor_of(archive: Archive) -> float:
    """Seconds to read every leaf and hash its bytes."""
    start = time.perf_counter()
    for (data,) in archive.db.execute("SELECT data FROM log_leaf WHERE origin = 1 ORDER BY idx"):
        hashlib.sha256(data).digest()
    return time.perf_counter() - start


def main(arguments: Sequence[str]) -> None:
    for leaves in [int(word.replace("_", "")) for word in arguments] or [100_000]:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), leaves)
    print(f"This process: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
