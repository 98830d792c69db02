"""`make bench-room`: how fast the pages of the reading room are on a large archive, beside runs that write to it.

`python -m tests.bench.room [POSTS] [FOLDER]`: makes the archive of `many_rows` (a million posts by default; kept in
FOLDER when one is given), then asks Datasette for each page in this process, with the settings of `archiver serve`,
while `archiver run` is at work on the same file in another process: each run captures a hundred pictures from a server
on this machine, twenty a second, reads them, settles, and signs the log. The outcome is a table of milliseconds: half
and 95 % of the answers within, and the processor's time of half of them, which others at work on the machine change
less. It ends with 1 where a page misses its bound: 95 % of our pages within 100 ms, of the table pages within 300 ms.
Bundles are streams and are not asked for: the rows that are made here cannot be proved.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datasette.app import Datasette

from archiver.datasette_plugin import routes
from archiver.datasette_plugin.places import encode
from archiver.jobs.serving import SETTINGS
from tests.bench import many_rows
from tests.bench.many_scale import Scale, blob_sha, document_sha, post_ref

ROOT = Path(__file__).parents[2]
METADATA = json.loads((ROOT / "datasette-metadata.json").read_text("utf-8"))
ROUNDS = 60
OURS, TABLES = 100, 300  # ms
PICTURES = 100

TABLE_PAGES = (
    "posts",
    "posts?outcome=deleted",
    "posts?platform=x&outcome=deleted",
    "posts?_search=lantern",
    "posts?_next=100000",
    "posts/1000",
    "edges",
    "edges?kind=quotes",
    "captures",
    "captures?platform=x",
    "captures?failure=timeout",
    "captures/300",
    "outcomes",
    "outcomes?outcome=deleted",
    "mentions",
    "matches",
    "matches?verdict=altered",
    "refs",
    "gone",
    "quotations",
    "events",
    "media",
    "tallies",
    "quoted_by_document?document=seed-77.html",
    "chain_above?ref=x:post:1",
    "chain_below?ref=x:post:1000",
    "altered_quotations",
    "gone_posts",
    "never_shown",
    "edited_posts",
    "captures_by_outcome",
)
SEARCHES = (
    "",
    "?q=lantern",
    "?q=lantern+market",
    "?q=%22bridge+ferry%22",
    "?q=lantern+from:@handle77",
    "?q=rare7",
    "?q=lantern&sort=best",
    "?q=nothingatall",
    "?q=lantern&since=2015-01-01&until=2015-12-31",
    "?q=lantern&kind=documents",
    "?q=lantern&kind=quotations",
)


def our_pages(scale: Scale, db: sqlite3.Connection) -> list[str]:
    """Addresses below `/archive/-/`: usual rows, and the largest of their kind."""

    def one(sql: str) -> str:
        return str(db.execute(sql).fetchone()[0])

    posts = [1, 2, 1000, scale.posts // 2, scale.posts]
    large, usual = encode(f"doc:document:{document_sha(1)}"), encode(f"doc:document:{document_sha(77)}")
    middle = scale.captures // 2 // 10 * 10 + 1
    uid = one(f"SELECT uid FROM captures WHERE id = {middle}")
    run = encode(one("SELECT started_at FROM work_runs WHERE id = 500"))
    two = db.execute("SELECT sha256 FROM versions WHERE post = 7 ORDER BY id").fetchall()
    blob = one("SELECT b.sha256 FROM media_blobs m JOIN blobs b ON b.id = m.blob ORDER BY m.id DESC LIMIT 1")
    queued = db.execute(
        "SELECT due_at, ref FROM work_queue WHERE due_at > '' ORDER BY due_at LIMIT 1 OFFSET 900"
    ).fetchone()
    found = ["home", "seeds", "seeds?collection=large", "seeds?q=seed-2", "runs", f"run/{run}", f"run/{run}?show=all"]
    found += ["queue", "queue?state=failed", "queue?state=settled", "queue?host=host7.example"]
    found += ["queue?seed=seed-9.html", f"queue?due={queued[0]}&ref={queued[1]}", "custody", f"capture/{uid}"]
    found += [f"post?url={post_ref(1000)}"]
    for name in ("post", "chain", "verify", "cite"):
        found += [f"{name}/{encode(post_ref(post))}" for post in posts]
    found += [f"compare/{encode(post_ref(7))}/{two[0][0]}/{two[1][0]}"]
    found += [f"verify/{document}" for document in (large, usual)]
    found += [f"document/{document_sha(n)}" for n in (1, 2, 77)] + [f"document/{document_sha(1)}?part=2"]
    found += ["documents", "documents?collection=large", f"quotations?document={document_sha(1)}"]
    found += ["quotations", "quotations?verdict=altered", "quotations?verdict=exact", "quotations?author=handle2"]
    found += ["gone", "gone.atom", "gone?platform=x&kind=gone", "gone?quoted=1"]
    found += [f"search{more}" for more in SEARCHES]
    found += ["media", "media?kind=video", "media?platform=x&sensitive=no", f"media/{blob}", f"media/{blob_sha(600)}"]
    found += [f"thing/{encode('x:account:1')}", f"thing/{encode('x:account:777')}"]
    return found


def uncovered(paths: list[str]) -> list[str]:
    """The patterns of pages for which no path stands in the list."""
    patterns = [(page.path, re.compile(page.pattern)) for page in routes.pages()]
    bare = [f"/archive/-/{path.partition('?')[0]}" for path in paths]
    return [path for path, pattern in patterns if not any(pattern.match(one) for one in bare)]


@contextmanager
def writing(path: Path, folder: Path) -> Iterator[list[int]]:
    """`archiver run` over and over on the archive. What is given counts the runs that ended meanwhile."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
    (folder / "archiver.toml").write_text('[network]\nallow_private = ["127.0.0.1"]\n[pace]\ndefault = 0.05\n')
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py"))],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    port = int(server.stdout.readline())
    loop = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.room", "--write", str(path), str(port), str(folder)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert loop.stdout is not None
    ended: list[int] = []
    try:
        loop.stdout.readline()  # the first run has ended: pages are asked for beside the next ones
        yield ended
    finally:
        loop.terminate()
        ended += [int(line) for line in loop.stdout]
        loop.wait()
        server.kill()
        server.wait()


def write(path: Path, port: int, folder: Path) -> None:
    """Runs until it is ended. Prints after each run how many captures it made."""
    archiver = str(Path(sys.executable).with_name("archiver"))
    number = int(time.time())
    while True:
        addresses = folder / f"pictures-{number}.urls"
        addresses.write_text("".join(f"http://127.0.0.1:{port}/{number}{n:03}.jpg\n" for n in range(PICTURES)))
        done = subprocess.run([archiver, "run", str(addresses), "--db", str(path)], cwd=folder, capture_output=True)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr.decode())
        print(PICTURES, flush=True)
        number += 1


async def ask(path: Path, paths: list[str], bound: float) -> list[str]:
    """Asks for each page, warm, and prints its line. Those that missed the bound."""
    words = {"on": True, "off": False}
    settings = {name: words[value] if value in words else int(value) for name, value in SETTINGS.items()}
    more: dict[str, Any] = {"config": METADATA} if int(version("datasette").split(".")[0]) else {}
    room = Datasette([str(path)], metadata=METADATA, settings=settings, **more)
    missed, every = [], []
    for page in paths:
        times, used, status = [], [], 0
        for number in range(ROUNDS + 1):
            start, began = time.perf_counter(), time.process_time()
            status = (await room.client.get(f"/archive/{page}", timeout=60)).status_code
            times.append((time.perf_counter() - start) * 1e3)
            used.append((time.process_time() - began) * 1e3)
            if not number:  # the first warms caches
                times.clear()
                used.clear()
        high = statistics.quantiles(times, n=20)[18]
        every += times
        wrong = f"  HTTP {status}" if status != 200 else "  over" if high > bound else ""
        missed += [page] if wrong else []
        print(
            f"{shown(page):64} {statistics.median(times):6.0f} {high:6.0f} {statistics.median(used):6.0f}{wrong}",
            flush=True,
        )
    print(f"{'all of them':64} {statistics.median(every):6.0f} {statistics.quantiles(every, n=20)[18]:6.0f}")
    return missed


def shown(page: str) -> str:
    """An address that fits the table: hashes cut."""
    short = re.sub(r"([0-9a-f]{12})[0-9a-f]{20,}", r"\1…", page)
    return short if len(short) <= 64 else f"{short[:63]}…"


def main(posts: int, folder: Path) -> int:
    path, scale = folder / "archive.db", Scale(posts)
    if not path.exists():
        start = time.perf_counter()
        many_rows.make(path, posts)
        print(f"made in {time.perf_counter() - start:.0f} s")
    with closing(sqlite3.connect(path)) as db:
        counted = [db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("posts", "edges", "captures")]
        ours = [f"-/{page}" for page in our_pages(scale, db)]
    print("{:,} posts, {:,} edges, {:,} captures, {:.1f} GB; Datasette {}, SQLite {}, {} cores".format(
        *counted, path.stat().st_size / 1e9, version("datasette"), sqlite3.sqlite_version, os.cpu_count()))  # fmt: skip
    for name in uncovered([page.removeprefix("-/") for page in ours]):
        print(f"not asked for: {name}")
    with tempfile.TemporaryDirectory() as work, writing(path, Path(work)) as ended:
        start = time.perf_counter()
        print(f"{'our pages: ms':64} {'p50':>6} {'p95':>6} {'CPU':>6}")
        missed = asyncio.run(ask(path, ours, OURS))
        print(f"{'table pages: ms':64} {'p50':>6} {'p95':>6} {'CPU':>6}")
        missed += asyncio.run(ask(path, list(TABLE_PAGES), TABLES))
        spent = time.perf_counter() - start
    print(f"meanwhile `archiver run` ended {len(ended)} times: {sum(ended):,} captures in {spent:.0f} s")
    print(
        f"{len(missed)} of {len(ours) + len(TABLE_PAGES)} pages missed their bound ({OURS} ms ours, {TABLES} ms tables)"
    )
    return int(bool(missed))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    given = sys.argv[1:]
    size = int(given[0]) if given else 1_000_000
    if len(given) > 1:
        Path(given[1]).mkdir(parents=True, exist_ok=True)
        sys.exit(main(size, Path(given[1])))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(size, Path(temporary)))
