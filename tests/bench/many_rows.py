"""A large archive of invented rows: `python -m tests.bench.many_rows FOLDER [POSTS]` makes FOLDER/archive.db.

A million posts (the default) come with two million edges, three million captures with their leaves and tiles, half a
million mentions in 25,000 documents, verdicts, versions, sightings, media files, and what is queued: 8 GB, some
minutes. Some rows are large: a post that 100,000 others quote and that 2,000 captures showed, a document of 20,000
mentions, one of 10 MB, an account of 20,000 posts. Every key is valid, every tree hash right; no content is real.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from archiver.custody import log
from archiver.jobs import match, rules
from archiver.model import Ref, Request
from archiver.store import schema
from archiver.store.archive import open_archive
from archiver.store.evidence import dump_request
from tests.bench import many_more
from tests.bench.many_scale import (
    KINDS,
    NOW,
    ROUTES,
    TYPES,
    VERDICTS,
    Scale,
    author,
    blob_sha,
    document_of,
    document_sha,
    failed,
    kind_of,
    media_url,
    medium_of,
    moment,
    outcome,
    passage,
    platform,
    post_of,
    post_ref,
    text,
    uid,
)


def fill(db: sqlite3.Connection, scale: Scale) -> None:
    """The rows, with every key valid."""
    put(db, "blobs", "id sha256 size sniffed_type", blobs(scale))
    put(db, "blob_at", "blob store", ((n, "sqlite") for n in range(1, scale.files + scale.documents + 1)))
    put(db, "log_leaf", "origin idx data hash", leaves(scale))
    tiles(db, scale)
    columns = "id uid origin leaf tier platform route ref request method url observed_at recorded_at ended_at sent "
    columns += "status response_head blob entity_sha256 declared_type sniffed_type failure received site worker "
    put(db, "captures", columns + "tool_version config_sha256", captures(scale))
    put(db, "refs", "id ref platform kind remote_id", refs(scale))
    put(db, "posts", "id platform handle text posted_at outcome outcome_at edits versions first_seen last_seen url "
        "name author lang warning truncated", posts(scale))  # fmt: skip
    accounts = ((scale.first["accounts"] + n, "x", f"handle{n}", f"Name {n}", "") for n in range(1, scale.accounts + 1))
    put(db, "accounts", "id platform handle name url", accounts)
    put(db, "versions", "id post text posted_at edited_at truncated lang warning sensitive version_id sha256",
        ((n, n, text(n), posted(n), "", 0, "en", "", int(n % 40 == 0), "", f"{n:064x}")
         for n in range(1, scale.posts + 1)))  # fmt: skip
    put(db, "versions", "post text posted_at edited_at truncated lang warning sensitive version_id sha256",
        ((n, text(n + 1), posted(n), NOW, 0, "en", "", 0, "", f"e{n:063x}") for n in edited(scale)))  # fmt: skip
    put(db, "sightings", "version capture route whole edited handle name counts pointer",
        ((p, n, "syndication", 1, 0, f"handle{author(scale, p)}", "Name", "{}", "/data")
         for n, p in shown(scale)))  # fmt: skip
    put(db, "edits", 'post shown_by route "before" "after" capture_before capture_after',
        ((n, "marker", "syndication", n, scale.posts + i + 1, n + 1, n + scale.posts)
         for i, n in enumerate(edited(scale))))  # fmt: skip
    put(db, "outcomes", "ref outcome reason capture pointer", outcomes(scale))
    put(db, "edges", "kind source target evidence pinned capture pointer", edges(scale))
    documents(db, scale)
    put(db, "media", "post kind alt width height url file rank bitrate content_type key sha256 capture pointer",
        ((n * 3, ("photo", "photo", "video")[n % 3], f"A harbour, picture {n}" if n % 2 else "", 1200, 800,
          media_url(n), scale.first["files"] + n, 1, 0, TYPES[n % 10], str(n), "", n * 3, "/media/0")
         for n in range(1, scale.files + 1)))  # fmt: skip
    put(db, "files", "ref capture blob declared_type sniffed_type",
        ((scale.first["files"] + medium_of(scale, n), n, medium_of(scale, n), TYPES[medium_of(scale, n) % 10],
          TYPES[medium_of(scale, n) % 10])
         for n in range(1, scale.captures + 1) if kind_of(scale, n) == "media" and not failed(n)))  # fmt: skip
    work(db, scale)


def posted(post: int) -> str:
    return f"20{10 + post % 16}-{post % 12 + 1:02d}-16T09:00:00.000000Z"


def edited(scale: Scale) -> range:
    return range(7, scale.posts, 100)


def shown(scale: Scale) -> Iterator[tuple[int, int]]:
    """Captures that showed a post: two thirds of those that asked for one, and all that asked for the first."""
    for n in range(1, scale.captures + 1):
        if (n % 3 or n % 1500 == 0) and kind_of(scale, n) == "post" and not failed(n):
            yield n, post_of(scale, n)


def blobs(scale: Scale) -> Iterator[tuple[object, ...]]:
    """One a media file, then one a document; their bytes are not there."""
    for n in range(1, scale.files + scale.documents + 1):
        yield n, blob_sha(n), 20_000 + n * 7919 % 400_000, TYPES[n % 10] if n <= scale.files else "text/html"


def leaves(scale: Scale) -> Iterator[tuple[object, ...]]:
    for n in range(1, scale.captures + 1):
        data = (
            f'{{"v":1,"type":"capture","seq":"{n - 1}","nonce":"{n:032x}","uid":"{uid(scale, n)}",'
            f'"ref":"{post_ref(post_of(scale, n))}","clock":{{"wall":"{moment(scale, n)}"}}}}'
        ).encode()
        yield 1, n - 1, data, log.leaf_hash(data)


def tiles(db: sqlite3.Connection, scale: Scale) -> None:
    hashes = [row[0] for row in db.execute("SELECT hash FROM log_leaf WHERE origin = 1 ORDER BY idx")]
    level = 0
    while len(hashes) >= log.WIDTH:
        whole = len(hashes) // log.WIDTH
        groups = [hashes[n * log.WIDTH : (n + 1) * log.WIDTH] for n in range(whole)]
        put(db, "log_tile", "origin level n data", ((1, level, n, b"".join(g)) for n, g in enumerate(groups)))
        hashes = [log.fold(group) for group in groups]
        level += 1


def captures(scale: Scale) -> Iterator[tuple[object, ...]]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + b"X-Filler: " + b"y" * 200
    sent = b"GET / HTTP/1.1\r\n" + b"x" * 150
    meaning = dump_request(Request(ref=Ref.parse("x:post:7777777"), route="ROUTE", url="https://social.example/URL"))
    for n in range(1, scale.captures + 1):
        kind, fails, at = kind_of(scale, n), failed(n), moment(scale, n)
        blob: int | None = None
        if kind == "seed":
            fails, tier, site, route = "", "import", "web", "seed"
            url, ref, media_type = f"seed:seed-{n}.html", f"doc:document:{document_sha(n)}", "text/html"
            blob, entity = scale.files + n, document_sha(n)
        elif kind == "media":
            number = medium_of(scale, n)
            tier, site, route, url, media_type = "wire", "web", "media", media_url(number), TYPES[number % 10]
            ref, entity = f"web:media:{url}", blob_sha(number)
            blob = None if fails else number
        else:
            post = post_of(scale, n)
            tier, site, ref, media_type, entity = "wire", platform(post), post_ref(post), "application/json", ""
            route, url = ROUTES[site][n % len(ROUTES[site])], f"https://social.example/{post}"
        request = (
            meaning.replace("x:post:7777777", ref).replace("ROUTE", route).replace("https://social.example/URL", url)
        )
        status = None if fails else 200
        yield (n, uid(scale, n), 1, n - 1, tier, site, route, ref, request, "GET", url, at, at, at, sent, status,
               b"" if fails else head, blob, entity, media_type, media_type, fails, n % 70000, "", "bench", "0",
               "0" * 64)  # fmt: skip


def refs(scale: Scale) -> Iterator[tuple[object, ...]]:
    first = scale.first
    for n in range(1, scale.posts + 1):
        yield n, post_ref(n), platform(n), "post", str(n)
    for n in range(1, scale.accounts + 1):
        yield first["accounts"] + n, f"x:account:{n}", "x", "account", str(n)
    for n in range(1, scale.documents + 1):
        yield first["documents"] + n, f"doc:document:{document_sha(n)}", "doc", "document", document_sha(n)
    for n in range(1, scale.mentions + 1):
        where = f"{passage(scale, n)}" if n <= scale.long else f"{document_sha(document_of(scale, n))}:{n}-{n + 60}"
        yield first["mentions"] + n, f"doc:passage:{where}", "doc", "passage", where
    for n in range(1, scale.files + 1):
        yield first["files"] + n, f"web:media:{media_url(n)}", "web", "media", media_url(n)


def posts(scale: Scale) -> Iterator[tuple[object, ...]]:
    for n in range(1, scale.posts + 1):
        account = author(scale, n)
        yield (n, platform(n), f"handle{account}", text(n), posted(n), outcome(n), moment(scale, n * 2),
               int(n in edited(scale)), 1 + (n in edited(scale)), moment(scale, n), moment(scale, n * 2),
               f"https://social.example/{n}", f"Name {account}", scale.first["accounts"] + account, "en", "",
               0)  # fmt: skip


def outcomes(scale: Scale) -> Iterator[tuple[object, ...]]:
    """What each capture says: a look that failed says so, of the rest the first half still saw the post."""
    for n in range(1, scale.captures + 1):
        kind, post = kind_of(scale, n), post_of(scale, n)
        ref = {"seed": scale.first["documents"] + n, "media": scale.first["files"] + medium_of(scale, n)}.get(
            kind, post
        )
        said = "live" if kind != "post" or n % 3 else outcome(post)
        yield ref, "unreachable" if kind != "seed" and failed(n) else said, "", n, ""


def edges(scale: Scale) -> Iterator[tuple[object, ...]]:
    """Chains a few posts long, some posts that many quote, and one that very many do."""
    for n in range(scale.edges):
        source = n % scale.posts + 1
        target = max(1, source - 1 - n % 97) if n % 3 else source % 1000 + 1
        kind = KINDS[n % 7]
        if n % 20 == 3:
            target, kind = 1, "quotes"
        yield kind, source, target, ("asserted", "claimed", "inferred")[n % 3], str(n // scale.posts), n + 1, "/data"


def documents(db: sqlite3.Connection, scale: Scale) -> None:
    start, first = scale.first["documents"], scale.first["mentions"]
    counts = dict.fromkeys(range(1, scale.documents + 1), 0)
    for n in range(1, scale.mentions + 1):
        counts[document_of(scale, n)] += 1

    def body(n: int) -> str:
        if n == 1:
            return " ".join(text(k) for k in range(scale.long))
        return text(n) * (90_000 if n == 2 and scale.posts >= 1_000_000 else 40)

    put(db, "documents", "id title media_type mentions characters lang text capture sha256 encoding "
        "encoding_from source_map",
        ((start + n, f"Seed {n}", "text/html", counts[n], len(body(n)), "en", body(n), n, document_sha(n), "utf-8",
          "declared", "[]") for n in range(1, scale.documents + 1)))  # fmt: skip
    db.execute("INSERT INTO collections (id, name) VALUES (1, 'large'), (2, 'small')")
    put(db, "collection_documents", "collection document capture",
        ((1 if n % 10 else 2, start + n, n) for n in range(1, scale.documents + 1)))  # fmt: skip
    ordinal = dict.fromkeys(range(1, scale.documents + 1), -1)

    def mentions() -> Iterator[tuple[object, ...]]:
        for n in range(1, scale.mentions + 1):
            document = document_of(scale, n)
            ordinal[document] += 1
            begin = (n % scale.long) * 100 if n <= scale.long else n % 2000
            yield (n, start + document, ordinal[document], ("embed", "permalink", "passage")[n % 3], text(n), n,
                   f"handle{n % 5000}", "", "", "", platform(n), first + n, begin, begin + 60, begin, begin + 60, begin,
                   begin + 60, "", "", "", "")  # fmt: skip

    put(db, "mentions", "id document ordinal kind quoted target handle name day url platform ref text_start text_end "
        "source_start source_end quote_start quote_end dated day_zone markup wider", mentions())  # fmt: skip
    put(db, "resolutions", "mention status how ref id_low id_high reason",
        ((n, "resolved" if n % 20 else "unresolved", "permalink" if n % 20 else "", n if n % 20 else None, "", "",
          "" if n % 20 else "no post of this name is known") for n in range(1, scale.mentions + 1)))  # fmt: skip
    put(db, "matches", "mention verdict flags version post changes faithful rank found_by reason score steps "
        "omitted quoted_start quoted_end original_start original_end policy standard",
        ((n, VERDICTS[n * 7 % 20], "", n, n, '[{"op":"replaced","quoted":"nine","original":"ten"}]', 1, 0, "target",
          "", "1.0", "", "", 0, 60, 0, 60, match.POLICY, "text")
         for n in range(1, scale.mentions + 1) if n % 20))  # fmt: skip


def work(db: sqlite3.Connection, scale: Scale) -> None:
    """What is queued: every post, and the media files that were not fetched; a thousand runs."""
    put(db, "work_queue", "ref host purpose depth seed priority added_at due_at attempts last_outcome last_at",
        ((post_ref(n), f"host{n % 300}.example", "post", n % 4, f"seed-{n % scale.documents + 1}.html", 1, posted(n),
          None if n % 11 == 0 else f"2036{moment(scale, n)[4:]}", int(n % 19 == 0) * (n % 5), outcome(n),
          moment(scale, n * 2)) for n in range(1, scale.posts + 1)))  # fmt: skip
    put(
        db,
        "work_hosts",
        "host fence not_before",
        ((f"host{n}.example", 1, NOW if n % 9 == 0 else "") for n in range(300)),
    )
    put(db, "work_runs", "started_at ended_at command captures failures exit_code",
        ((moment(scale, n * scale.captures // 1000), moment(scale, (n + 1) * scale.captures // 1000 - 1),
          "archiver run seeds", scale.captures // 1000, n % 7, int(n % 7 > 0)) for n in range(1000)))  # fmt: skip


def put(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    names = columns.split()
    marks = ", ".join("?" * len(names))
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)


def make(path: Path, posts: int = 1_000_000) -> None:
    """Indexes and triggers are made after the rows, which is several times faster."""
    archive = open_archive(path, now=NOW, origin="bench.example/log")
    db = archive.db
    for pragma in ("synchronous=OFF", "journal_mode=OFF", "foreign_keys=OFF", "cache_size=-1000000"):
        db.execute(f"PRAGMA {pragma}")
    schema.create(db)
    later = db.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('index', 'trigger') "
        "ORDER BY type, rowid"
    ).fetchall()
    for kind, name, _ in later:
        db.execute(f"DROP {kind} {name}")
    db.execute("BEGIN")
    scale = Scale(posts)
    fill(db, scale)
    read = str(scale.captures - 1)
    state = {"readings_version": schema.READINGS_VERSION, "read_upto": read, "settled_upto": read}
    state[rules.STATE] = str(rules.now(archive, "", read))
    put(db, "work_state", "name value", state.items())
    db.execute("COMMIT")
    for kind, _, sql in later:
        if kind == "index":
            db.execute(sql)
    with archive.transaction():
        many_more.follow(archive)
    for kind, _, sql in later:
        if kind == "trigger":
            db.execute(sql)
    for table in schema.TABLES:
        if table.search:
            db.execute(f"INSERT INTO {table.name}_fts ({table.name}_fts) VALUES ('rebuild')")
    db.execute("PRAGMA journal_mode=WAL")
    archive.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    make(folder / "archive.db", int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
