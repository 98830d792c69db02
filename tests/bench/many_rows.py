"""`python -m tests.bench.many_rows [FOLDER]`: how fast the table pages are on a large archive of invented rows.

Makes 200,000 posts, 400,000 edges and 600,000 captures (1.4 GB; kept in FOLDER when one is given), then asks Datasette
for each page in this process, warm, with the settings of `archiver serve`. The outcome is a table of milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datasette.app import Datasette

from archiver.jobs.serving import SETTINGS
from archiver.store import schema
from archiver.store.archive import open_archive

POSTS, EDGES, CAPTURES = 200_000, 400_000, 600_000
DOCUMENTS, MENTIONS = 5_000, 100_000
ROUNDS = 15
NOW = "2026-03-16T09:00:00Z"
METADATA = json.loads((Path(__file__).parents[2] / "datasette-metadata.json").read_text("utf-8"))
PLATFORMS = ("x", "x", "x", "bluesky", "bluesky", "fediverse")
ROUTES = ("syndication", "tco", "oembed", "posts", "record", "did", "status", "object", "media", "page")
OUTCOMES = ("live",) * 90 + ("deleted",) * 4 + ("not-found",) * 3 + ("suspended", "protected", "unavailable")
FAILURES = ("",) * 95 + ("timeout", "dns", "tls", "reset", "truncated")
KINDS = ("quotes", "quotes", "replies-to", "links-to", "reposts", "embeds", "names")
VERDICTS = ("exact",) * 12 + ("normalised",) * 4 + ("altered", "spliced", "not-found", "truncated")
WORDS = ("bridge", "ferry", "harbour", "quay", "tide", "gull", "lantern", "market", "basin", "walk", "fish", "clock")

PAGES = (
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
    "captures/300000",
    "outcomes",
    "outcomes?outcome=deleted",
    "mentions",
    "matches",
    "matches?verdict=altered",
    "refs",
    "gone",
    "quotations",
    "quoted_by_document?document=seed-77.html",
    "chain_above?ref=x:post:1000",
    "chain_below?ref=x:post:1000",
    "altered_quotations",
    "gone_posts",
    "never_shown",
    "edited_posts",
    "captures_by_outcome",
)


def text(number: int) -> str:
    """Sentences that differ, of few words, so that a search finds many."""
    return " ".join(WORDS[(number * step + step) % len(WORDS)] for step in range(2, 22)) + f" {number}"


def fill(db: sqlite3.Connection) -> None:
    """The rows, with every key valid."""
    put(db, "log_leaf", "origin idx data hash", ((1, n, b"{}", b"") for n in range(CAPTURES)))
    columns = (
        "id uid origin leaf tier platform route ref request method url observed_at recorded_at ended_at sent status "
    )
    columns += "response_head failure received tool_version config_sha256"
    put(db, "captures", columns, captures())
    put(db, "refs", "id ref platform kind remote_id", refs())
    put(db, "posts", "id platform handle text posted_at outcome outcome_at edits versions first_seen last_seen url "
        "name author lang warning truncated", posts())  # fmt: skip
    put(db, "versions", "id post text posted_at edited_at truncated lang warning sensitive version_id sha256",
        ((n, n, text(n), NOW, "", 0, "en", "", 0, "", f"{n:064x}") for n in range(1, POSTS + 1)))  # fmt: skip
    put(db, "sightings", "version capture route whole edited handle name counts pointer",
        ((n % POSTS + 1, n + 1, "syndication", 1, 0, "h", "n", "{}", "") for n in range(EDGES)))  # fmt: skip
    put(db, "outcomes", "ref outcome reason capture pointer",
        ((n % POSTS + 1, OUTCOMES[n * 7 % 100], "", n + 1, "") for n in range(CAPTURES)))  # fmt: skip
    put(db, "edges", "kind source target evidence pinned capture pointer", edges())
    put(db, "edits", 'post shown_by route "before" "after" capture_before capture_after',
        ((n, "marker", "status", None, n, None, n) for n in range(1, 2001)))  # fmt: skip
    start = 2 * POSTS  # documents' refs stand after posts and accounts
    put(db, "documents", "id title media_type mentions characters lang text capture sha256 encoding "
        "encoding_from source_map",
        ((start + n, f"Seed {n}", "text/html", 20, 900, "en", text(n) * 6, n, f"{n:064x}", "utf-8", "", "[]")
         for n in range(1, DOCUMENTS + 1)))  # fmt: skip
    first = start + DOCUMENTS
    put(db, "mentions", "id document ordinal kind quoted target handle name day url platform ref text_start text_end "
        "source_start source_end dated day_zone markup wider",
        ((n, start + n % DOCUMENTS + 1, n // DOCUMENTS, ("embed", "permalink")[n % 2], text(n), n, "h", "", "", "", "x",
          first + n, 0, 9, 0, 9, "", "", "", "") for n in range(1, MENTIONS + 1)))  # fmt: skip
    put(db, "resolutions", "mention status how ref id_low id_high reason",
        ((n, "resolved", "permalink", n + (POSTS if n % 200 == 0 else 0), "", "", "")
         for n in range(1, MENTIONS + 1)))  # fmt: skip
    put(db, "matches", "mention verdict flags version post changes faithful rank found_by reason score steps "
        "omitted policy standard",
        ((n, VERDICTS[n * 7 % 20], "", n, n, "[]", 1, 0, "target", "", "1.0", "", "", "1", "text")
         for n in range(1, MENTIONS + 1)))  # fmt: skip
    db.execute("ANALYZE")


def captures() -> Iterator[tuple[object, ...]]:
    head = b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 400
    for n in range(CAPTURES):
        url = f"seed:seed-{n}.html" if n <= DOCUMENTS else f"https://social.example/{n}"
        ref, platform, route = f"x:post:{n % POSTS}", PLATFORMS[n % 6], ROUTES[n * 7 % 10]
        yield (n + 1, f"{n:036x}", 1, n, "wire", platform, route, ref, "{}" + " " * 300, "GET", url, NOW, NOW, NOW,
               b"x" * 300, 200, head, FAILURES[n * 13 % 100], n % 70000, "0", "0" * 64)  # fmt: skip


def refs() -> Iterator[tuple[object, ...]]:
    for n in range(1, POSTS + 1):
        yield n, f"{PLATFORMS[n % 6]}:post:{n}" if n != 1000 else "x:post:1000", PLATFORMS[n % 6], "post", str(n)
    for n in range(1, POSTS + 1):
        yield POSTS + n, f"x:account:{n}", "x", "account", str(n)
    for n in range(1, DOCUMENTS + 1):
        yield 2 * POSTS + n, f"doc:document:{n:064x}", "doc", "document", f"{n:064x}"
    for n in range(1, MENTIONS + 1):
        yield 2 * POSTS + DOCUMENTS + n, f"doc:passage:{n:064x}:0-9", "doc", "passage", f"{n:064x}:0-9"


def posts() -> Iterator[tuple[object, ...]]:
    for n in range(1, POSTS + 1):
        yield (n, PLATFORMS[n % 6], f"handle{n % 5000}", text(n), f"20{10 + n % 16}-03-16T09:00:00Z",
               OUTCOMES[n * 7 % 100], NOW, 0, 1, NOW, NOW, f"https://social.example/{n}", "Name",
               POSTS + n % 5000 + 1, "en", "", 0)  # fmt: skip


def edges() -> Iterator[tuple[object, ...]]:
    """Chains a few posts long, and some posts that many quote."""
    for n in range(EDGES):
        source = n % POSTS + 1
        target = max(1, source - 1 - n % 97) if n % 3 else source % 1000 + 1
        yield KINDS[n % 7], source, target, ("asserted", "claimed", "inferred")[n % 3], str(n // POSTS), n + 1, "/data"


def put(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    names = columns.split()
    marks = ", ".join("?" * len(names))
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


def made(path: Path) -> None:
    archive = open_archive(path, now=NOW, origin="bench.example/log")
    archive.db.execute("PRAGMA synchronous=OFF")
    with archive.transaction():
        schema.create(archive.db)
        fill(archive.db)
    archive.close()


async def ask(path: Path) -> None:
    words = {"on": True, "off": False}
    settings = {name: words[value] if value in words else int(value) for name, value in SETTINGS.items()}
    more: dict[str, Any] = {"config": METADATA} if int(version("datasette").split(".")[0]) else {}
    room = Datasette([str(path)], metadata=METADATA, settings=settings, **more)
    print(f"Datasette {version('datasette')}, SQLite {sqlite3.sqlite_version}, {path.stat().st_size / 1e9:.1f} GB: ms")
    print(f"{'page':44} {'p50':>6} {'p95':>6}")
    for page in PAGES:
        times = []
        for number in range(ROUNDS + 1):
            start = time.perf_counter()
            answer = await room.client.get(f"/archive/{page}", timeout=60)
            times.append((time.perf_counter() - start) * 1e3)
            if answer.status_code != 200:
                raise SystemExit(f"{page} gave {answer.status_code}")
            if not number:
                times.clear()  # the first warms caches
        print(f"{page:44} {statistics.median(times):6.0f} {statistics.quantiles(times, n=20)[18]:6.0f}", flush=True)


def main(folder: Path) -> None:
    path = folder / "archive.db"
    if not path.exists():
        made(path)
    with closing(sqlite3.connect(path)) as db:
        counted = [db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("posts", "edges", "captures")]
        print("{:,} posts, {:,} edges, {:,} captures".format(*counted))
    asyncio.run(ask(path))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
