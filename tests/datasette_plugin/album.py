"""An archive of invented posts with files made in code: pictures, copies of them, hostile files, a video."""

from __future__ import annotations

import hashlib
import io
import json
import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFilter

from archiver.cli import main

HOST = "https://social.example"
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe"


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture with something in it, another one for each seed."""
    chance = random.Random(seed)
    picture = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        w, h = chance.randrange(30, size[0] // 2), chance.randrange(30, size[1] // 2)
        draw.ellipse((x - w, y - h, x + w, y + h), fill=tuple(chance.randrange(256) for _ in range(3)))
    return picture.filter(ImageFilter.GaussianBlur(2))


def saved(picture: Image.Image, kind: str = "JPEG", **more: object) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int = 30000) -> bytes:
    """A PNG of a few hundred bytes that says it has side × side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def moving(frames: int = 3) -> bytes:
    """A GIF that moves."""
    pictures = [scene(number + 500, (120, 90)).quantize() for number in range(frames)]
    return saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=100)


def deep(frames: int = 20_000) -> bytes:
    """A GIF of many tiny frames."""
    one = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + one * frames + b"\x3b"


VIDEO = struct.pack(">I", 24) + b"ftypisom\0\0\x02\0isommp41" + bytes(range(256)) * 9000
"""Bytes that begin as an MP4 does, in three pieces of 1 MiB."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a post: `alt` is what the post says of it, `declared` the type that the server told."""

    name: str
    data: bytes
    alt: str = ""
    declared: str = "image/jpeg"
    kind: str = "image"

    @property
    def url(self) -> str:
        return f"https://files.example/{self.name}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Told:
    """A post with its files."""

    number: int
    by: str = "gale"
    text: str = "A view"
    sensitive: bool = False
    warning: str = ""
    files: tuple[File, ...] = ()

    @property
    def id(self) -> int:
        return 116215382016000000 + self.number

    @property
    def url(self) -> str:
        return f"{HOST}/@{self.by}/{self.id}"

    @property
    def ref(self) -> str:
        return f"fediverse:post:{HOST}/users/{self.by}/statuses/{self.id}"


def make(folder: Path, posts: Sequence[Told], *, links: Sequence[File] = ()) -> Path:
    """Runs the command on a recording of these posts, with a document that links to all of them and to `links`."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = [_answer(folder, post) for post in posts]
    files = {file.url: file for post in posts for file in post.files} | {file.url: file for file in links}
    for file in files.values():
        at = folder / hashlib.sha256(file.url.encode()).hexdigest()
        at.write_bytes(file.data)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(file.data)}\r\n"
        head += f"Content-Type: {file.declared}\r\n" if file.declared else ""
        answers.append({"method": "GET", "url": file.url, "head": f"{head}\r\n", "body_file": at.name})
    for answer in answers:
        answer["observed_at"] = "2026-03-16T09:00:00Z"
    (folder / "index.json").write_text(json.dumps(answers))
    seed = folder / "list.urls"
    seed.write_text("".join(f"{url}\n" for url in [*(post.url for post in posts), *(file.url for file in links)]))
    db = folder / "archive.db"
    arguments = ["run", str(seed), "--replay", str(folder), "--db", str(db)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    return db


def _answer(folder: Path, post: Told) -> dict[str, str]:
    status = {
        "id": str(post.id),
        "created_at": "2026-03-12T09:00:00.000Z",
        "sensitive": post.sensitive,
        "spoiler_text": post.warning,
        "visibility": "public",
        "language": "en",
        "uri": f"{HOST}/users/{post.by}/statuses/{post.id}",
        "url": post.url,
        "edited_at": None,
        "content": f"<p>{post.text}</p>",
        "account": {
            "id": str(1 + sum(map(ord, post.by))),
            "username": post.by,
            "acct": post.by,
            "display_name": post.by.title(),
            "uri": f"{HOST}/users/{post.by}",
            "url": f"{HOST}/@{post.by}",
        },
        "media_attachments": [
            {"id": f"{post.id}{n}", "type": file.kind, "url": file.url, "description": file.alt, "meta": {}}
            for n, file in enumerate(post.files)
        ],
    }
    name = f"{post.number}.json"
    body = json.dumps(status).encode()
    (folder / name).write_bytes(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return {"method": "GET", "url": f"{HOST}/api/v1/statuses/{post.id}", "head": head, "body_file": name}


LIGHTHOUSE, HARBOUR, WOUND = scene(1), scene(2), scene(3, (300, 500))
PHOTO = File(name="lighthouse.jpg", data=saved(LIGHTHOUSE, quality=92), alt="A lighthouse")
SMALLER = File(name="copy.jpg", data=saved(LIGHTHOUSE.resize((320, 240)), quality=60))
OTHER = File(name="harbour.png", data=saved(HARBOUR, "PNG"), alt="قارب في الميناء ⛵", declared="image/png")
HIDDEN = File(name="wound.jpg", data=saved(WOUND), alt="A wound")
WARNED = File(name="warned.jpg", data=saved(scene(4)))
PLAIN = File(name="plain.png", data=saved(Image.new("RGB", (50, 50), "white"), "PNG"), declared="image/png")
PLAIN_TOO = File(name="plain2.png", data=saved(Image.new("RGB", (60, 50), "black"), "PNG"), declared="image/png")
CUT = File(name="cut.jpg", data=PHOTO.data[: len(PHOTO.data) // 2])
BOMB = File(name="bomb.png", data=bomb(), declared="image/png")
MOVING = File(name="moving.gif", data=moving(), declared="image/gif")
FILM = File(name="film.mp4", data=VIDEO, declared="video/mp4", kind="video", alt="Waves")
DRAWN = File(name="drawn.svg", data=b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
PAGE = File(name="page.jpg", data=b"<!doctype html><script>alert(1)</script>")
LINKED = File(name="linked.jpg", data=saved(scene(5)))
SHARED = File(name="shared.jpg", data=PHOTO.data, alt="The same, elsewhere")
POSTS = (
    Told(number=101, files=(PHOTO, OTHER)),
    Told(number=102, by="reed", files=(SMALLER,)),
    Told(number=103, by="fern", sensitive=True, files=(HIDDEN,)),
    Told(number=104, by="fern", warning="Food", files=(WARNED,)),
    Told(number=105, by="moss", files=(PLAIN, PLAIN_TOO, CUT, BOMB)),
    Told(number=106, by="moss", text=f"Look {SCRIPT.replace('<', '&lt;')}", files=(MOVING, FILM)),
    Told(number=107, by="sly", files=(DRAWN, PAGE)),
    Told(number=108, by="reed", files=(SHARED,)),
)
