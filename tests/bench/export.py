"""What `archiver export` costs, against `sha256sum` and `zip -0` over the bundle's own files in the same run.

`python -m tests.bench.export [POSTS [KB_PER_MEDIA]]`: an archive of 10,000 invented posts, each with the JSON answer
that showed it and a picture of 50 KB; every fourth quotes the one before. All of them are exported, by the command that
people use. The floor reads the unpacked bundle twice with the programs of the system: it hashes each file by SHA-256
(the export by SHA-512, too), and stores each in a zip. Rounds take turns, and the least of each counts. Then the same
with a quarter of the posts: memory that is flat hardly differs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archiver.jobs import checkpoint
from archiver.jobs.config import Config
from archiver.jobs.session import Session, open_session
from archiver.model import Exchange, Ref, Request
from tests.bench.many_posts import put

AT, LATER = "2026-03-16T09:00:00.000000Z", "2026-03-16T09:00:01.000000Z"
WORDS = ("the", "ferry", "leaves", "old", "harbour", "at", "noon", "and", "nobody", "waits", "for", "those", "late")
BATCH, ROUNDS = 500, 3
QUERY = "SELECT r.ref FROM posts p JOIN refs r ON r.id = p.id"


def answer(number: int) -> tuple[bytes, str]:
    """What an invented server says of a post, and the words in it."""
    words = " ".join(random.Random(number).choices(WORDS, k=30))
    said = {
        "id": str(number), "url": f"https://social.example/@writer/{number}", "content": f"<p>{words}</p>",
        "account": {"id": str(number % 500), "acct": f"writer{number % 500}", "note": "x" * 600},
        "media_attachments": [{"id": str(number), "type": "image", "url": f"https://media.example/{number}.jpg"}],
        "card": None, "poll": None, "emojis": [{"shortcode": f"e{n}", "url": "https://e.example/"} for n in range(20)],
    }  # fmt: skip
    return json.dumps(said).encode(), words


def record(session: Session, number: int, kind: str, url: str, body: bytes, declared: str) -> tuple[int, int]:
    """One capture with its mark. The local ids of capture and blob."""
    sha256 = hashlib.sha256(body).hexdigest()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {declared}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    ref = Ref.parse(f"fediverse:post:https://social.example/{number}" if kind == "post" else f"web:media:{url}")
    (recorded,) = session.evidence.record(
        Exchange(
            uid=f"0190a000-0000-7000-{9 if kind == 'media' else 8}000-{number:012d}",
            request=Request(ref=ref, route=kind, url=url),
            url=url,
            started_at=AT,
            ended_at=LATER,
            sent=f"GET /{number} HTTP/1.1\r\nHost: social.example\r\nUser-Agent: bench\r\n\r\n".encode(),
            status=200,
            headers=(("content-type", declared),),
            response_head=head,
            body=io.BytesIO(body),
            size=len(body),
            sha256=sha256,
            entity_sha256=sha256,
            sniffed_type=declared,
        )
    )
    session.evidence.mark(recorded.id, "parse", "parse/1", sha256, leaf=recorded.leaf, fresh=True)
    assert recorded.blob is not None
    return recorded.id, recorded.blob


def fill(session: Session, low: int, high: int, size: int) -> None:
    """Posts `low` to `high`: their captures, and what those read as. Post `n` has the local id `2n` as ref, its picture
    `2n + 1`."""
    db, rest = session.archive.db, os.urandom(size - 8)
    for n in range(low, high):
        body, words = answer(n)
        url, name = f"https://media.example/{n}.jpg", f"https://social.example/{n}"
        shown, _ = record(session, n, "post", name, body, "application/json")
        fetched, blob = record(session, n, "media", url, n.to_bytes(8, "big") + rest, "image/jpeg")
        sha256 = hashlib.sha256(f"{n} {words}".encode()).hexdigest()
        put(db, "refs", "id ref platform kind remote_id",
            [(2 * n, f"fediverse:post:{name}", "fediverse", "post", name),
             (2 * n + 1, f"web:media:{url}", "web", "media", url)])  # fmt: skip
        put(db, "posts", "id platform handle text posted_at outcome outcome_at edits versions first_seen last_seen url "
            "name author lang warning truncated",
            [(2 * n, "fediverse", f"writer{n % 500}", words, AT, "live", AT, 0, 1, AT, AT, name, "A Writer", None, "en",
              "", 0)])  # fmt: skip
        put(db, "versions", "id post text posted_at edited_at truncated lang warning sensitive version_id sha256",
            [(n, 2 * n, words, AT, "", 0, "en", "", 0, "", sha256)])  # fmt: skip
        put(db, "sightings", "version capture route whole edited handle name counts pointer",
            [(n, shown, "post", 1, 0, f"writer{n % 500}", "A Writer", "{}", "")])  # fmt: skip
        put(db, "outcomes", "ref outcome reason capture pointer", [(2 * n, "live", "", shown, "")])
        put(db, "media", "post kind alt width height url file rank bitrate content_type key sha256 capture pointer",
            [(2 * n, "image", "A pier", 9, 9, url, 2 * n + 1, 1, 0, "", str(n), "", shown, "/media/0")])  # fmt: skip
        put(db, "files", "ref capture blob declared_type sniffed_type",
            [(2 * n + 1, fetched, blob, "image/jpeg", "image/jpeg")])  # fmt: skip
        if n % 4 == 0 and n > 1:
            put(db, "edges", "kind source target evidence pinned capture pointer",
                [("quotes", 2 * n, 2 * n - 2, "asserted", "", shown, "/quote")])  # fmt: skip


def built(folder: Path, posts: int, size: int) -> Path:
    """The archive, signed. Beside it stands its key."""
    folder.mkdir()
    (folder / "archiver.toml").write_text(f'[custody]\nkey_file = "{folder}/log.key"\n')
    config = Config(log_key_file=str(folder / "log.key"))
    with open_session(folder / "archive.db", config) as session:
        session.archive.db.execute("PRAGMA synchronous = OFF")
        for low in range(1, posts + 1, BATCH):
            with session.archive.transaction():
                fill(session, low, min(low + BATCH, posts + 1), size)
        checkpoint.seal(session, make=True)
    return folder


@dataclass(frozen=True, order=True)
class Cost:
    """What a command took: wall seconds, CPU seconds of all its processes, peak MB of the largest."""

    wall: float
    used: float
    peak: float


def spent(*command: str | Path, cwd: Path | None = None) -> Cost:
    start = time.perf_counter()
    running = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, cwd=cwd)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{command[0]} ended with {running.returncode}")
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def exported(folder: Path, out: Path) -> Cost:
    archiver = Path(sys.executable).with_name("archiver")
    out.unlink(missing_ok=True)
    return spent(archiver, "export", "--query", QUERY, "--to", out, "--db", folder / "archive.db", "--config",
                 folder / "archiver.toml")  # fmt: skip


def floor(folder: Path) -> tuple[Cost, Cost]:
    """`sha256sum` of each file of the unpacked bundle, then `zip -0` of them all."""
    hashed = spent("sh", "-c", "find bundle -type f -print0 | xargs -0 sha256sum", cwd=folder)
    stored = spent("zip", "-0", "-q", "-r", "floor.zip", "bundle", cwd=folder)
    (folder / "floor.zip").unlink()
    return hashed, stored


def measure(folder: Path, posts: int, size: int) -> None:
    house, out = built(folder / "house", posts, size), folder / "out.zip"
    last = exported(house, out)
    with zipfile.ZipFile(out) as packed:
        entries = len(packed.infolist())
        packed.extractall(folder)
    bytes_ = out.stat().st_size
    rounds = []
    for _ in range(ROUNDS):
        if shutil.which("zip") is None:
            print("zip is not installed: without it there is no floor")
            break
        rounds.append((exported(house, out), *floor(folder)))
    ours, hashed, stored = (min(column) for column in zip(*rounds, strict=True)) if rounds else (last, None, None)
    print(
        f"archiver export, {posts:,} posts with media of {size:,} bytes: {entries:,} files, {bytes_ / 1e6:,.0f} MB in "
        f"{ours.wall:.1f} s, {ours.used:.1f} s of CPU, peak {ours.peak:.0f} MB"
    )
    if hashed is not None and stored is not None:
        wall, used = hashed.wall + stored.wall, hashed.used + stored.used
        print(
            f"sha256sum {hashed.wall:.1f} s and zip -0 {stored.wall:.1f} s of the same files: {wall:.1f} s, "
            f"{used:.1f} s of CPU; so the export takes {ours.wall / wall:.2f} of the floor (bound 1.5), "
            f"{ours.used / used:.2f} by CPU"
        )
    less = posts // 4
    if less:
        quarter = exported(built(folder / "quarter", less, size), out)
        print(f"peak memory at {less:,} posts {quarter.peak:.0f} MB, at {posts:,} {ours.peak:.0f} MB: "
              f"{ours.peak / quarter.peak:.2f} times as much")  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    posts = int(arguments[0]) if arguments else 10_000
    size = int(float(arguments[1]) * 1000) if len(arguments) > 1 else 50_000
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), posts, size)


if __name__ == "__main__":
    main(sys.argv[1:])
