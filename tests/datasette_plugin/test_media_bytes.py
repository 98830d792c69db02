"""The bytes of files and small pictures: parts, types, permissions, and what is told where the bytes are not here."""

import asyncio
import hashlib
import io
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from archiver.cli import main
from archiver.datasette_plugin import policy
from archiver.datasette_plugin.media.held import SHOWN, Held
from archiver.datasette_plugin.media.sending import Sending
from archiver.datasette_plugin.media.thumbs import KEPT, Kept
from tests.datasette_plugin import album
from tests.datasette_plugin.album import FILM, HIDDEN, OTHER, PHOTO, File, Told
from tests.datasette_plugin.opening import Room

MIB = 1 << 20
JS = b"alert(1)//"
HOSTILE = {
    "page.html": (b"<!doctype html><script>alert(1)</script>", "text/html"),
    "page.jpg": (b"<html><script>alert(1)</script>", "image/jpeg"),
    "untyped": (b"<script>alert(1)</script>", ""),
    "drawn.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
    "drawn.png": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "image/png"),
    "x.xhtml": (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "application/xhtml+xml"),
    "x.xml": (b'<?xml version="1.0"?><?xml-stylesheet href="x"?><a/>', "text/xml"),
    "x.pdf": (b"%PDF-1.7 /JS (app.alert(1))", "application/pdf"),
    "x.js": (b"alert(1)", "text/javascript"),
    "x.css": (b"body{background:url(//evil.example)}", "text/css"),
    "x.swf": (b"FWS\x0a" + bytes(40), "application/x-shockwave-flash"),
    "x.zip": (b"PK\x03\x04" + bytes(40), "application/zip"),
    "x.gz": (b"\x1f\x8b\x08" + bytes(40), "image/jpeg"),
    "x.bin": (bytes(range(1, 200)), "image/png"),
    "x.m3u8": (b"#EXTM3U\nhttp://evil.example/", "video/mp4"),
    "utf7.txt": (b"+ADw-script+AD4-alert(1)", "text/html; charset=utf-7"),
    "late.html": (b" " * 600 + b"<script>alert(1)</script>", "text/html"),
}
"""What a browser could run, whatever it is called: name, bytes, declared type."""
FEIGNED = {
    "gif.js": (b"GIF89a=1;alert(1)//", "text/javascript", "image/gif"),
    "jpeg.html": (b"\xff\xd8\xff\xe0<script>alert(1)</script>", "text/html", "image/jpeg"),
    "bytes.svg": (PHOTO.data, "image/svg+xml", "image/jpeg"),
    "mp4.html": (b"\0\0\0\x18ftypisom<script>alert(1)</script>", "text/html", "video/mp4"),
}
"""What begins as a picture or a video does and holds more: name, bytes, declared type, type that it is sent with."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    given = {name: (data, declared) for name, (data, declared, *_) in {**HOSTILE, **FEIGNED}.items()}
    files = tuple(File(name=name, data=data, declared=declared) for name, (data, declared) in given.items())
    opened = Room(album.make(tmp_path_factory.mktemp("hostile"), [Told(number=1, files=files)]))
    yield opened
    opened.close()


def blob(data: bytes) -> str:
    return f"/archive/-/blob/{hashlib.sha256(data).hexdigest()}"


def ask(room: Room, path: str, method: str = "GET", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return room.loop.run_until_complete(room.datasette.client.request(method, path, headers=named))


# ---- parts ------------------------------------------------------------------------------------------------------


def test_the_bytes_are_those_that_came(pictured: Room) -> None:
    for file in (PHOTO, OTHER, FILM, album.BOMB):
        answer = ask(pictured, blob(file.data))
        assert (answer.status_code, answer.content) == (200, file.data)
        assert answer.headers["content-length"] == str(len(file.data))
        assert answer.headers["etag"] == f'"{file.sha256}"'
        assert answer.headers["accept-ranges"] == "bytes"
        assert "no-cache" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 0), (0, MIB - 1), (MIB - 1, MIB), (MIB, MIB), (5, 2 * MIB + 5), (2 * MIB, None), (len(FILM.data) - 1, None)],
)
def test_parts_across_pieces(pictured: Room, first: int, last: int | None) -> None:
    end = len(FILM.data) if last is None else last + 1
    answer = ask(pictured, blob(FILM.data), range=f"bytes={first}-{'' if last is None else last}")
    assert answer.status_code == 206
    assert answer.content == FILM.data[first:end]
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(FILM.data)}"
    assert answer.headers["content-length"] == str(end - first)
    assert answer.headers["content-type"] == "video/mp4"


def test_what_cannot_be_sent_is_refused(pictured: Room) -> None:
    for given in (f"bytes={len(FILM.data)}-", "bytes=0-1,4-5"):
        answer = ask(pictured, blob(FILM.data), range=given)
        assert (answer.status_code, answer.content) == (416, b"")
        assert answer.headers["content-range"] == f"bytes */{len(FILM.data)}"


def test_a_head_has_no_body(pictured: Room) -> None:
    answer = ask(pictured, blob(FILM.data), "HEAD", range="bytes=0-4")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(FILM.data))


def test_what_a_browser_has_is_not_sent(pictured: Room) -> None:
    answer = ask(pictured, blob(PHOTO.data), if_none_match=f'"{PHOTO.sha256}"')
    assert (answer.status_code, answer.content) == (304, b"")
    assert ask(pictured, blob(PHOTO.data), if_none_match='"other"').status_code == 200
    part = {"range": "bytes=0-4", "if_range": f'"{PHOTO.sha256}"'}
    assert ask(pictured, blob(PHOTO.data), **part).content == PHOTO.data[:5]
    assert ask(pictured, blob(PHOTO.data), **part | {"if_range": '"other"'}).content == PHOTO.data


def test_only_reading_is_possible(pictured: Room) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(pictured, blob(PHOTO.data), method).status_code in (403, 405)  # Datasette refuses some itself


def played(room: Room, *, leaves: bool) -> list[dict[str, Any]]:
    """What is sent of the film to a reader who stays, or `leaves` after the first piece."""
    with closing(sqlite3.connect(room.datasette.databases["archive"].path)) as sql:
        (key,) = sql.execute("SELECT id FROM blobs WHERE sha256 = ?", (FILM.sha256,)).fetchone()
    sent: list[dict[str, Any]] = []

    async def play() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(event: dict[str, Any]) -> None:
            sent.append(event)
            if leaves and event.get("body"):
                gone.set()
                await asyncio.sleep(0)

        held = Held(id=key, sha256=FILM.sha256, size=len(FILM.data), sniffed="video/mp4")
        more = {"status": 200, "headers": {}, "start": 0, "end": held.size, "receive": receive}
        await Sending(room.datasette, "archive", held, **more).asgi_send(send)  # type: ignore[arg-type]

    room.loop.run_until_complete(play())
    return sent


def test_a_reader_who_goes_away_ends_it(pictured: Room) -> None:
    """No further piece is read or sent."""
    sent = played(pictured, leaves=True)
    assert [len(event["body"]) for event in sent if "body" in event] == [MIB]


def test_a_reader_who_stays_gets_all_of_it(pictured: Room) -> None:
    sent = played(pictured, leaves=False)
    assert b"".join(event["body"] for event in sent if "body" in event) == FILM.data
    assert max(len(event["body"]) for event in sent if "body" in event) == MIB
    assert sent[-1]["more_body"] is False


# ---- types ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_could_run_is_only_saved(hostile: Room, name: str) -> None:
    data, _ = HOSTILE[name]
    answer = ask(hostile, blob(data))
    assert answer.content == data
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{hashlib.sha256(data).hexdigest()}.bin"'
    guarded(answer)


@pytest.mark.parametrize("name", sorted(FEIGNED))
def test_what_feigns_a_picture_is_nothing_but_one(hostile: Room, name: str) -> None:
    data, _, shown = FEIGNED[name]
    answer = ask(hostile, blob(data))
    assert answer.headers["content-type"] == shown
    assert answer.headers["content-disposition"].startswith(f'inline; filename="{hashlib.sha256(data).hexdigest()}.')
    guarded(answer)


def guarded(answer: Any) -> None:
    """Nothing in these bytes runs or asks, and no other site can take them in."""
    assert answer.headers["content-security-policy"] == policy.BYTES
    assert "sandbox" in policy.BYTES
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "content-encoding" not in answer.headers


def test_nothing_that_runs_is_among_what_is_shown() -> None:
    assert not {"image/svg+xml", "text/html", "application/pdf", "application/xml", "", "text/plain"} & set(SHOWN)
    assert {kind.partition("/")[0] for kind in SHOWN} == {"image", "video", "audio", "application"}


def test_a_picture_can_be_saved_too(pictured: Room) -> None:
    answer = ask(pictured, f"{blob(PHOTO.data)}?download=1")
    assert answer.headers["content-disposition"] == f'attachment; filename="{PHOTO.sha256}.jpg"'


def test_an_empty_body_is_sent_as_nothing(pictured: Room, tmp_path: Path) -> None:
    room = copied(pictured, tmp_path, "INSERT INTO blobs (sha256, size) VALUES ('" + "e" * 64 + "', 0)",
                  "INSERT INTO blob_at SELECT max(id), 'sqlite' FROM blobs")  # fmt: skip
    answer = ask(room, f"/archive/-/blob/{'e' * 64}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert ask(room, f"/archive/-/blob/{'e' * 64}", range="bytes=0-").status_code == 416
    room.close()


# ---- small pictures ---------------------------------------------------------------------------------------------


def decoded(answer: Any) -> Image.Image:
    assert answer.headers["content-type"] == "image/webp"
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    return picture


def test_a_small_picture(pictured: Room) -> None:
    path = f"/archive/-/thumb/{PHOTO.sha256}"
    answer = ask(pictured, path)
    assert decoded(answer).size == (400, 300)
    guarded(answer)
    again = ask(pictured, path, if_none_match=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert ask(pictured, path, "HEAD").content == b""
    assert ask(pictured, path).content == answer.content


def test_of_what_is_sensitive_only_a_hint(pictured: Room) -> None:
    for file in (HIDDEN, album.WARNED):
        path = f"/archive/-/thumb/{file.sha256}"
        hint, shown = ask(pictured, path), ask(pictured, f"{path}?shown=1")
        assert max(decoded(hint).size) <= 9
        assert max(decoded(shown).size) == 400
        assert hint.headers["etag"] != shown.headers["etag"]
        assert ask(pictured, path, if_none_match=shown.headers["etag"]).content == hint.content
        assert max(decoded(ask(pictured, f"{path}?shown=true")).size) <= 9


def test_of_what_is_no_picture_there_is_none(pictured: Room) -> None:
    for file in (FILM, album.BOMB, album.CUT, album.DRAWN, album.PAGE):
        assert "no small picture" in pictured.text(f"/archive/-/thumb/{file.sha256}", 404)


def test_of_the_first_frame_alone(pictured: Room) -> None:
    picture = decoded(ask(pictured, f"/archive/-/thumb/{album.MOVING.sha256}"))
    assert picture.size == (120, 90)
    assert not getattr(picture, "is_animated", False)


def test_few_small_pictures_are_kept() -> None:
    kept = Kept(most=100)
    for name in "abc":
        kept.put(name, b"x" * 40, coarse=False)
        kept.get("a", coarse=False)
    assert kept.get("b", coarse=False) is None
    assert kept.get("a", coarse=False) == kept.get("c", coarse=False) == b"x" * 40
    assert kept.get("a", coarse=True) is None
    kept.put("a", b"y" * 90, coarse=False)
    assert len(kept) == 90
    kept.put("big", b"z" * 101, coarse=False)
    assert len(kept) == 0
    kept.put("a", b"y", coarse=True)
    kept.forget("a")
    assert len(kept) == 0


# ---- who may, and what is not here ------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [{"allow": {"id": "ada"}}, {"tables": {"blobs": {"allow": False}}}])
def test_who_may_not_see_gets_no_bytes(photos: Path, closed: dict[str, object]) -> None:
    room = Room(photos, metadata={"databases": {"archive": closed}})
    for path in (blob(PHOTO.data), f"/archive/-/thumb/{PHOTO.sha256}", f"/archive/-/media/{PHOTO.sha256}"):
        answer = ask(room, path)
        assert answer.status_code == 403, path
        assert PHOTO.data not in answer.content
    room.close()


def test_a_hash_that_nothing_has(pictured: Room) -> None:
    for kind in ("blob", "thumb", "media"):
        assert "no bytes with the SHA-256" in pictured.text(f"/archive/-/{kind}/{'0' * 64}", 404)
    assert pictured.get("/none/-/blob/" + "0" * 64).status_code == 404
    assert pictured.get("/archive/-/blob/zebra").status_code == 404


def copied(room: Room, folder: Path, *changes: str) -> Room:
    """A copy of the archive with some rows changed."""
    db = folder / "archive.db"
    with closing(sqlite3.connect(room.datasette.databases["archive"].path)) as sql:
        sql.execute("VACUUM INTO ?", (str(db),))
    with closing(sqlite3.connect(db)) as sql:
        for (name,) in sql.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            sql.execute(f'DROP TRIGGER "{name}"')
        for change in changes:
            sql.execute(change)
        sql.commit()
    return Room(db)


OF_FILM = f"(SELECT id FROM blobs WHERE sha256 = '{FILM.sha256}')"


def test_bytes_that_were_moved_or_lost_are_told(pictured: Room, tmp_path: Path) -> None:
    lost = copied(pictured, tmp_path, f"DELETE FROM blob_chunks WHERE blob_id = {OF_FILM}")
    assert "missing from the file" in lost.text(blob(FILM.data), 500)
    lost.close()
    for name in ("moved", "cut"):
        (tmp_path / name).mkdir()
    moved = copied(
        pictured,
        tmp_path / "moved",
        f"DELETE FROM blob_chunks WHERE blob_id = {OF_FILM}",
        f"UPDATE blob_at SET store = 's3' WHERE blob = {OF_FILM}",
    )
    assert "moved out of this file: s3" in moved.text(blob(FILM.data), 404)
    assert "moved out of this file: s3" in moved.text(f"/archive/-/media/{FILM.sha256}")
    moved.close()
    cut = copied(pictured, tmp_path / "cut", f"DELETE FROM blob_chunks WHERE blob_id = {OF_FILM} AND n = 1")
    sent = played(cut, leaves=False)
    assert [len(event["body"]) for event in sent if "body" in event] == [MIB]
    assert sent[-1]["more_body"] is True  # no end was told: the server breaks the connection off
    cut.close()


@pytest.mark.usefixtures("own_keys")
def test_what_was_erased_is_told_and_shown_nowhere(photos: Path, tmp_path: Path) -> None:
    db = tmp_path / "archive.db"
    shutil.copy(photos, db)
    room = Room(db)
    assert ask(room, f"/archive/-/thumb/{OTHER.sha256}").status_code == 200
    assert KEPT.get(OTHER.sha256, coarse=False)
    arguments = ["erase", f"web:media:{OTHER.url}", "--reason", "asked for", "--yes", "--db", str(db)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for kind in ("blob", "thumb"):
        assert "erased on 20" in room.text(f"/archive/-/{kind}/{OTHER.sha256}", 410)
    assert KEPT.get(OTHER.sha256, coarse=False) is None
    page = room.text(f"/archive/-/media/{OTHER.sha256}")
    assert "hese bytes were erased on 20" in page
    assert OTHER.url not in page
    assert "<img" not in page
    assert OTHER.sha256 not in room.text("/archive/-/media")
    room.close()
    result = CliRunner().invoke(main, ["rebuild", "--check", "--db", str(db)], catch_exceptions=False)
    assert "0 differences" in result.output
