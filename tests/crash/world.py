"""A small web on loopback that a run captures 500 answers of: two hosts with posts and their files, two sites with
documents that quote them. All of it is invented and made from a number, so that every run meets the same bytes.

Each answer carries a serial number in a header, so that one answer that was recorded twice is seen.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.jobs.playing import JSON, Asked, Reply, Server, chunked, message

WORDS = tuple(
    word
    for line in (
        "bridge market council survey river arch meeting poster morning traffic engineer lantern harbour ledger minute",
        "window paper stone ferry bell garden signal winter orchard copper letter",
    )
    for word in line.split()
)

ANSWERED = 500
"""A post that another answers has this much more as its number, and no seed names it: so it is met on one way only."""


def words(seed: int, count: int) -> str:
    """Words that no other seed gives in this order."""
    digest = b"".join(hashlib.sha256(f"{seed}.{n}".encode()).digest() for n in range(count // 32 + 1))
    return " ".join(WORDS[byte % len(WORDS)] for byte in digest[:count])


def sentence(seed: int) -> str:
    """What post number `seed` says."""
    return f"The {words(seed, 14)} of number {seed} closes on Friday."


def film(seed: int, size: int) -> bytes:
    """Bytes that begin as a video does; nothing here plays it."""
    block = hashlib.shake_256(f"film {seed}".encode()).digest(1 << 16)
    return (b"\x00\x00\x00\x18ftypmp42" + block * (size // len(block) + 1))[:size]


def picture(seed: int) -> bytes:
    """A PNG of 24 × 24 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = hashlib.shake_256(f"picture {seed}".encode()).digest(24 * 24)
    rows = b"".join(b"\x00" + pixels[n * 24 : n * 24 + 24] for n in range(24))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 24, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is: posts on each of two hosts, documents on each of two sites, documents given as files. Every
    `large`th file of a post has megabytes, so that its chunks are committed before it is published."""

    posts: int = 105
    pages: int = 25
    notes: int = 30
    large: int = 25


FULL = Size()
"""At least 500 captures."""
SMALL = Size(posts=12, pages=4, notes=4, large=100)
"""Some 60 captures."""


@dataclass
class World:
    """Four servers; `seeds` writes the documents that lead to them."""

    size: Size
    pages: list[dict[str, Callable[[], Reply]]] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self) -> None:
        for number in range(4):
            self.pages.append({})
            self.servers.append(Server(lambda target, raw, number=number: self._answer(number, target)))
        for host in (0, 1):
            for number in range(self.size.posts):
                self._post(host, number)
                if number % 4 == 1:
                    self._post(host, ANSWERED + number)
        for site in (2, 3):
            for number in range(self.size.pages):
                self._page(site, number)

    def close(self) -> None:
        for server in self.servers:
            server.close()

    def log(self) -> list[Asked]:
        return [asked for server in self.servers for asked in list(server.log)]

    def forget(self) -> None:
        """Empties what the servers remember of requests."""
        for server in self.servers:
            server.log.clear()

    def _answer(self, number: int, target: str) -> Reply:
        made = self.pages[number].get(target)
        if made is not None:
            return made()
        return message(b'{"error": "Record not found"}', JSON, self._serial(), status="404 Not Found")

    def _serial(self) -> str:
        return f"X-Serial: {next(self.serial)}"

    def post(self, host: int, number: int) -> str:
        return f"{self.servers[host].base}/@user{number % 7}/{113300000000000000 + number}"

    def _post(self, host: int, number: int) -> None:
        base, id, seed = self.servers[host].base, str(113300000000000000 + number), host * 1000 + number
        if number % 17 == 16:
            return  # this one was deleted: 404
        user, pages = f"user{number % 7}", self.pages[host]
        size = 5_000_000 + number * 1000 if number % self.size.large == 3 else 3_000 + number % ANSWERED * 500
        body, kind = (picture(seed), "image") if number % 5 == 0 else (film(seed, size), "video")
        name = f"{base}/media/{id}"
        account = {"id": str(number % 7), "acct": user, "display_name": user.title(), "url": f"{base}/@{user}"}
        toot: dict[str, object] = {
            "id": id,
            "uri": f"{base}/users/{user}/statuses/{id}",
            "url": f"{base}/@{user}/{id}",
            "created_at": f"2024-10-{number % 28 + 1:02}T07:00:00.000Z",
            "content": f"<p>{sentence(seed)}</p>",
            "language": "en",
            "account": account | {"uri": f"{base}/users/{user}"},
            "media_attachments": [{"id": id, "type": kind, "url": name, "description": "a bridge", "meta": {}}],
            "in_reply_to_id": str(int(id) + ANSWERED) if number % 4 == 1 and number < ANSWERED else None,
        }
        told = json.dumps(toot).encode()
        pages[f"/api/v1/statuses/{id}"] = lambda: chunked(told, JSON, self._serial())
        media_type = "Content-Type: image/png" if kind == "image" else "Content-Type: video/mp4"
        pages[f"/media/{id}"] = lambda: message(body, media_type, self._serial())

    def _quotes(self, first: int) -> str:
        """Three quotations, each with the address of its post: one exact, one altered, one with fewer words."""
        parts = []
        for n in range(3):
            host, number = (first + n) % 2, (first * 3 + n) % self.size.posts
            said = sentence(host * 1000 + number)
            said = (said, said.replace("Friday", "Monday"), said.partition(" of number")[0])[n]
            parts.append(f'<blockquote><p>{said}</p><a href="{self.post(host, number)}">post</a></blockquote>')
        return "".join(parts)

    def _page(self, site: int, number: int) -> None:
        first = (site - 2) * self.size.pages + number
        html = f"<!doctype html><title>Page {first}</title><p>{words(5000 + first, 60)}</p>{self._quotes(first)}"
        body = html.encode()
        self.pages[site][f"/page/{number}"] = lambda: chunked(body, "Content-Type: text/html", self._serial())

    def configure(self, folder: Path, *, origin: str, more: str = "") -> Path:
        """Writes archiver.toml: these servers and nothing else private."""
        places = ", ".join(f'"{server.place}"' for server in self.servers)
        lines = ["[archive]", 'operator = "Desk"', f'origin = "{origin}"', "[network]"]
        lines += [f"allow_private = [{places}]", "connect_timeout = 5.0", "read_timeout = 10.0", "[pace]"]
        path = folder / "archiver.toml"
        path.write_text("\n".join([*lines, "default = 0.0", more]) + "\n", "utf-8")
        return path

    def seeds(self, folder: Path) -> Path:
        """Writes the documents and lists that a run is given."""
        home = folder / "seeds"
        home.mkdir()
        listed = [f"{self.servers[s].base}/page/{n}" for s in (2, 3) for n in range(self.size.pages)]
        listed += [self.post(host, n) for host in (0, 1) for n in range(self.size.posts)]
        (home / "list.txt").write_text("".join(f"{address}\n" for address in listed))
        for n in range(self.size.notes):
            text = f"<!doctype html><title>Note {n}</title><p>{words(9000 + n, 400)}</p>{self._quotes(200 + n)}"
            (home / f"note-{n:03}.html").write_text(text)
        return home


@contextmanager
def playing(size: Size) -> Iterator[World]:
    """The world on running servers."""
    world = World(size)
    try:
        world.open()
        yield world
    finally:
        world.close()
