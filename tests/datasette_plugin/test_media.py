"""The gallery and the pages of files: what they say, that it is what their JSON says, and that nothing is shown unasked
that is sensitive."""

import html
import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from archiver.datasette_plugin.media import alike, gallery
from archiver.datasette_plugin.rooms.media import fitted
from archiver.store import carrying
from archiver.store.archive import open_archive
from tests.custody import manifests
from tests.datasette_plugin import album
from tests.datasette_plugin.album import FILM, HIDDEN, OTHER, PHOTO, SCRIPT, SMALLER, WARNED, File, Told
from tests.datasette_plugin.filling import fill, post
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.test_media_bytes import copied

SIGNED = manifests.Making(signer=manifests.signer("Camera of Example", ec.generate_private_key(ec.SECP256R1())))(
    manifests.jpeg
)
FILES = {file.sha256: file for one in reversed(album.POSTS) for file in one.files}
SENSITIVE = {HIDDEN.sha256, WARNED.sha256}


def names(found: dict[str, list[dict[str, str]]]) -> list[str]:
    return [FILES[file["sha256"]].name for file in found["files"]]


# ---- the gallery ------------------------------------------------------------------------------------------------


def test_every_file_stands_there_once(pictured: Room) -> None:
    found = pictured.json("/archive/-/media.json")
    assert {file["sha256"] for file in found["files"]} == set(FILES)
    assert len(found["files"]) == len(FILES)
    assert found["more"] == ""
    page = pictured.text("/archive/-/media")
    for sha256, file in FILES.items():
        assert page.count(f'href="/archive/-/media/{sha256}"') == 1
        if file.alt and sha256 not in SENSITIVE and file.name not in ("lighthouse.jpg", "shared.jpg"):
            assert html.escape(file.alt) in page
    assert page.count("<figure>") == len(FILES)


def test_a_tile_says_who_carries_it(pictured: Room) -> None:
    (tile,) = [file for file in pictured.json("/archive/-/media.json")["files"] if file["sha256"] == PHOTO.sha256]
    assert tile["posts"] == 2
    assert {carrier["ref"] for carrier in tile["carriers"]} == {album.POSTS[0].ref, album.POSTS[7].ref}
    assert (tile["width"], tile["height"], tile["kind"], tile["sensitive"]) == (640, 480, "picture", False)
    assert tile["first_seen"] == "2026-03-16T09:00:00.000000Z"


def test_pictures_have_their_place_before_they_come(pictured: Room) -> None:
    """Width and height stand on each picture and fit what the small picture has."""
    page = pictured.text("/archive/-/media")
    pictures = re.findall(r"<img ([^>]*)>", page)
    assert pictures
    for attributes in pictures:
        given = dict(re.findall(r'([a-z]+)="([^"]*)"', attributes))
        assert given["loading"] == "lazy"
        assert given["alt"]
        size = Image.open(io.BytesIO(pictured.get(given["src"]).content)).size
        if max(size) > 9:  # a hint is stretched to its place
            assert (int(given["width"]), int(given["height"])) == size


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("kind=video", ["film.mp4"]),
        ("kind=other", ["page.jpg"]),
        ("kind=audio", []),
        ("sensitive=yes", ["warned.jpg", "wound.jpg"]),
        ("sensitive=yes&described=yes", ["wound.jpg"]),
        ("described=yes&kind=picture&sensitive=no", ["harbour.png", "lighthouse.jpg"]),
        ("platform=fediverse&kind=video", ["film.mp4"]),
        ("author=reed@social.example", ["copy.jpg", "lighthouse.jpg"]),
        ("author=@Reed@social.example", ["copy.jpg", "lighthouse.jpg"]),
        ("author=reed@social.example&described=yes", ["lighthouse.jpg"]),
        ("author=fern@social.example&sensitive=no", []),
        ("author=nobody", []),
    ],
)
def test_what_fits(pictured: Room, asked: str, fits: list[str]) -> None:
    assert sorted(names(pictured.json(f"/archive/-/media.json?{asked}"))) == fits
    page = pictured.text(f"/archive/-/media?{asked}")
    assert page.count("<figure>") == len(fits)
    if not fits:
        assert ("No account" if "nobody" in asked else "No file fits") in page


def test_an_author_may_be_given_by_ref(pictured: Room) -> None:
    with closing(sqlite3.connect(pictured.datasette.databases["archive"].path)) as sql:
        rows = sql.execute("SELECT r.ref FROM accounts a JOIN refs r ON r.id = a.id WHERE a.handle LIKE 'reed%'")
        (ref,) = rows.fetchone()
    assert len(names(pictured.json(f"/archive/-/media.json?author={ref}"))) == 2


@pytest.mark.parametrize("asked", ["", "platform=fediverse", "kind=picture", "author=moss@social.example"])
def test_pages_hold_everything_once(pictured: Room, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [file["sha256"] for file in pictured.json(f"/archive/-/media.json?{asked}")["files"]]
    monkeypatch.setattr(gallery, "PAGE", 3)
    seen: list[str] = []
    before = ""
    for _ in range(9):
        found = pictured.json(f"/archive/-/media.json?{asked}&before={before}")
        assert len(found["files"]) <= 3
        seen += [file["sha256"] for file in found["files"]]
        before = found["more"]
        if not before:
            break
        page = pictured.text(f"/archive/-/media?{asked}")
        assert 'rel="next"' in page
    assert seen == whole


def test_a_page_looks_through_so_many_and_says_so(pictured: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "platform=fediverse&kind=video"
    monkeypatch.setattr(gallery, "WALKED", 2)
    seen: list[str] = []
    before, pages = "", 0
    while pages < 20:
        found = pictured.json(f"/archive/-/media.json?{asked}&before={before}")
        page = pictured.text(f"/archive/-/media?{asked}&before={before}")
        assert ("2 files of such posts were looked through" in page) == (found["looked_through"] == 2)
        assert "No file fits" not in page or found["looked_through"] == 0
        seen += names(found)
        pages += 1
        before = found["more"]
        if not before:
            break
    assert seen == ["film.mp4"]
    assert pages > 3


@pytest.mark.parametrize("asked", ["kind=zebra", "platform=zebra", "sensitive=1", "described=x", "before=zebra"])
def test_what_cannot_be_asked(pictured: Room, asked: str) -> None:
    assert "zebra" in pictured.text(f"/archive/-/media?{asked}", 400) or "There is no" in pictured.text(
        f"/archive/-/media?{asked}", 400
    )


def test_an_archive_without_files(tmp_path: Path) -> None:
    room = Room(album.make(tmp_path, [Told(number=1)]))
    assert "No media file was fetched yet" in room.text("/archive/-/media")
    room.close()


# ---- what is sensitive ------------------------------------------------------------------------------------------


def test_no_page_loads_unasked_what_is_sensitive(pictured: Room) -> None:
    """Whatever a browser loads by itself from any of these pages is a hint of nine pixels, with or without script."""
    pages = ["/archive/-/media", "/archive/-/media?sensitive=yes", *(f"/archive/-/media/{sha}" for sha in FILES)]
    loaded = set()
    for path in pages:
        page = pictured.text(path)
        assert "shown=1" not in re.sub(r'<a class="qc-button" href="[^"]*">|<img src="[^"]*thumb[^"]*"', "", page)
        loaded |= {html.unescape(src) for src in re.findall(r'(?:src|poster|srcset|data-[a-z]+)="([^"]*)"', page)}
    hidden = [src for src in loaded if any(sha in src for sha in SENSITIVE)]
    assert len(hidden) == 2
    for src in hidden:
        picture = Image.open(io.BytesIO(pictured.get(src).content))
        assert max(picture.size) <= 9
    assert any(PHOTO.sha256 in src for src in loaded)


def test_what_is_sensitive_is_shown_when_asked(pictured: Room) -> None:
    page = pictured.text(f"/archive/-/media/{HIDDEN.sha256}")
    assert f'href="/archive/-/media/{HIDDEN.sha256}?shown=1"' in page
    assert "Blurred: marked as sensitive" in page
    assert f'src="/archive/-/blob/{HIDDEN.sha256}"' in pictured.text(f"/archive/-/media/{HIDDEN.sha256}?shown=1")


def test_a_sensitive_film_waits_too(pictured: Room, tmp_path: Path) -> None:
    room = copied(pictured, tmp_path, "UPDATE media_carriers SET sensitive = 1")
    assert "<video" not in room.text(f"/archive/-/media/{FILM.sha256}")
    assert "<video" in room.text(f"/archive/-/media/{FILM.sha256}?shown=1")
    room.close()


@pytest.mark.parametrize("outcome", ["withheld", "age-gated"])
def test_what_was_withheld_once_is_sensitive(tmp_path: Path, outcome: str) -> None:
    """Read by the store's own rules, from rows of readings."""
    db = album.make(tmp_path, [Told(number=1, files=(PHOTO,))])
    archive = open_archive(db, now="2026-03-17T09:00:00Z", origin="x")
    (post_id,) = archive.db.execute("SELECT id FROM posts").fetchone()
    (capture,) = archive.db.execute("SELECT id FROM captures WHERE route = 'seed'").fetchone()
    carrying.of_post(archive, post_id)
    assert archive.value("SELECT sensitive FROM media_carriers") == 0
    archive.db.execute(
        "INSERT INTO outcomes (ref, outcome, reason, capture, pointer) VALUES (?, ?, '', ?, '')",
        (post_id, outcome, capture),
    )
    carrying.of_post(archive, post_id)
    assert archive.value("SELECT sensitive FROM media_carriers") == 1
    archive.close()


# ---- one file ---------------------------------------------------------------------------------------------------


def test_a_page_of_a_picture(pictured: Room) -> None:
    found = pictured.json(f"/archive/-/media/{PHOTO.sha256}.json")
    assert [carrier["alt"] for carrier in found["carriers"]] == ["A lighthouse", "The same, elsewhere"]
    assert (found["sniffed"], found["sent_as"], found["size"]) == ("image/jpeg", "image/jpeg", len(PHOTO.data))
    assert len(found["captures"]) == 2
    page = pictured.text(f"/archive/-/media/{PHOTO.sha256}")
    for one in found["carriers"]:
        assert html.escape(one["alt"]) in page
    for capture in found["captures"]:
        assert f'href="/archive/-/capture/{capture["uid"]}"' in page
    assert re.search(rf'<img src="/archive/-/blob/{PHOTO.sha256}" width="640" height="480" alt="A lighthouse">', page)
    assert f'href="/archive/-/blob/{PHOTO.sha256}?download=1"' in page
    assert found["dhash"] in page


def test_copies_look_alike(pictured: Room) -> None:
    for one, other in ((PHOTO, SMALLER), (SMALLER, PHOTO)):
        found = pictured.json(f"/archive/-/media/{one.sha256}.json")["alike"]
        assert [file["sha256"] for file in found] == [other.sha256]
        assert found[0]["bits"] <= alike.FARTHEST
        assert "bit" in pictured.text(f"/archive/-/media/{one.sha256}")
    assert pictured.json(f"/archive/-/media/{OTHER.sha256}.json")["alike"] == []


def test_plain_pictures_are_compared_with_nothing(pictured: Room) -> None:
    for file in (album.PLAIN, album.PLAIN_TOO):
        found = pictured.json(f"/archive/-/media/{file.sha256}.json")
        assert (found["dhash"], found["alike"]) == ("", [])
        assert "too plain" in pictured.text(f"/archive/-/media/{file.sha256}")


def test_every_near_hash_is_found(pictured: Room, tmp_path: Path) -> None:
    """Hashes that differ in 0 to 9 bits, wherever these stand: those up to 7 are found, with the right distance."""
    room = copied(pictured, tmp_path)
    base = pictured.json(f"/archive/-/media/{PHOTO.sha256}.json")["dhash"]
    meant: dict[str, int] = {}
    with closing(sqlite3.connect(tmp_path / "archive.db")) as sql:
        for number, bits in enumerate([0, 1, 4, 7, 7, 7, 7, 8, 9]):
            step = (1, 3, 7, 9, 8, 5, 16, 8, 7)[number]
            changed = int(base, 16)
            for place in range(bits):
                changed ^= 1 << (place * step + number) % 64
            dhash = f"{changed:016x}"
            sha256 = f"{number:064x}"
            key = fill(sql, "blobs", sha256=sha256, size=1)
            quarters = {f"quarter_{name}": dhash[at : at + 4] for name, at in zip("abcd", (0, 4, 8, 12), strict=True)}
            fill(sql, "media_blobs", blob=key, kind="picture", dhash=dhash, capture=1, **quarters)
            meant[sha256] = (changed ^ int(base, 16)).bit_count()
        sql.commit()
    found = room.json(f"/archive/-/media/{PHOTO.sha256}.json")["alike"]
    told = {file["sha256"]: file["bits"] for file in found if file["sha256"] in meant}
    assert told == {sha256: bits for sha256, bits in meant.items() if bits <= 7}
    assert set(meant.values()) >= {0, 1, 4, 7, 8, 9}
    assert [file["bits"] for file in found] == sorted(file["bits"] for file in found)
    room.close()


def test_a_film_is_played_in_parts(pictured: Room) -> None:
    page = pictured.text(f"/archive/-/media/{FILM.sha256}")
    assert f'<video controls preload="none" src="/archive/-/blob/{FILM.sha256}" width="640"' in page


@pytest.mark.parametrize("file", [album.DRAWN, album.PAGE, album.BOMB, album.CUT], ids=lambda file: file.name)
def test_what_cannot_be_shown_is_not_loaded(pictured: Room, file: File) -> None:
    page = pictured.text(f"/archive/-/media/{file.sha256}")
    assert not re.search(r"<(img|video|audio|iframe|object|embed)", page)
    assert ("cannot be shown" in page) == (file is not album.PAGE)
    assert f'href="/archive/-/blob/{file.sha256}?download=1"' in page
    assert ("differs" in page) == (file in (album.DRAWN, album.PAGE))


def test_what_moves_stands_still_until_it_is_opened(pictured: Room) -> None:
    page = pictured.text(f"/archive/-/media/{album.MOVING.sha256}")
    assert f'src="/archive/-/blob/{album.MOVING.sha256}"' not in page
    assert f'href="/archive/-/blob/{album.MOVING.sha256}">Open' in page


def test_documents_and_names_lead_to_a_file(pictured: Room, tmp_path: Path) -> None:
    room = copied(pictured, tmp_path)
    with closing(sqlite3.connect(tmp_path / "archive.db")) as sql:
        (file,) = sql.execute("SELECT ref FROM files WHERE blob = (SELECT id FROM blobs WHERE sha256 = ?)",
                              (OTHER.sha256,)).fetchone()  # fmt: skip
        document = fill(sql, "refs", ref=f"doc:document:{'d' * 64}")
        fill(sql, "documents", id=document, sha256="d" * 64, title=SCRIPT, capture=1)
        mention = fill(sql, "mentions", document=document, ref=document, target=file)
        fill(sql, "mention_links", mention=mention, ref=file)
        for number, key in ((1, "name"), (2, "name"), (3, "another"), (4, "")):
            made = post(sql, f"x:post:{number}", handle=f"same{number}")
            fill(sql, "media", post=made, key=key, url=f"{number}", file=file if number == 1 else None, capture=1)
        sql.commit()
    found = room.json(f"/archive/-/media/{OTHER.sha256}.json")
    assert [one["sha256"] for one in found["documents"]] == ["d" * 64]
    assert [one["ref"] for one in found["same_name"]] == ["x:post:1", "x:post:2"]
    page = room.text(f"/archive/-/media/{OTHER.sha256}")
    assert f'href="/archive/-/document/{"d" * 64}"' in page
    assert 'href="/archive/-/post/x:post:2"' in page
    assert "<script>alert" not in page
    assert "U+202E" in page
    room.close()


def test_a_body_that_is_no_file_of_a_post_has_a_page(pictured: Room) -> None:
    with closing(sqlite3.connect(pictured.datasette.databases["archive"].path)) as sql:
        rows = sql.execute("SELECT b.sha256 FROM captures c JOIN blobs b ON b.id = c.blob WHERE c.route = 'status'")
        (sha256,) = rows.fetchone()
    page = pictured.text(f"/archive/-/media/{sha256}")
    assert "<h1>File" in page
    assert "application/json" in page
    assert "None that is known here" in page
    assert pictured.json(f"/archive/-/media/{sha256}.json")["sent_as"] == "application/octet-stream"


def test_what_a_file_claims_is_told(tmp_path: Path) -> None:
    files = (File(name="signed.jpg", data=SIGNED), File(name="bare.jpg", data=PHOTO.data))
    room = Room(album.make(tmp_path, [Told(number=1, files=files)]))
    page = room.text(f"/archive/-/media/{files[0].sha256}")
    assert "claims that a trained model made" in page
    assert "the file is as it was when it was signed: holds" in page
    assert room.json(f"/archive/-/media/{files[1].sha256}.json")["claims"] is None
    room.close()


# ---- hostile words ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Every field that a stranger fills is hostile."""
    bad = File(name=f"{'a' * 300}.jpg?{'%22%3E%3Cscript%3E'}", data=PHOTO.data, alt=SCRIPT, declared='a"><script>x/y')
    long = File(name="long.jpg", data=OTHER.data, alt="م" * 50_000, declared="image/" + "x" * 5000)
    given = [Told(number=1, text=SCRIPT.replace("<", "&lt;") * 50, files=(bad, long))]
    opened = Room(album.make(tmp_path_factory.mktemp("worded"), given))
    yield opened
    opened.close()


def test_no_field_breaks_out(worded: Room) -> None:
    for path in ("media", f"media/{PHOTO.sha256}", f"media/{OTHER.sha256}", f"media?author={'%22%3E' * 50}"):
        page = worded.text(f"/archive/-/{path}")
        body = page[page.index("<main") : page.index("</main>")]
        assert "<script" not in body
        assert "onerror" not in re.sub(r"&lt;img src=x onerror=alert\(2\)&gt;", "", body)
        for tag in re.findall(r"<[a-z][^>]*>", body):
            assert "\u202e" not in tag, tag
            assert not re.search(r"\son[a-z]+=", re.sub(r'"[^"]*"', "", tag)), tag
        assert len(page) < 300_000
    assert "U+202E" in worded.text("/archive/-/media")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((0, 0), (400, 400)),
        ((800, 400), (400, 200)),
        ((400, 4000), (40, 400)),
        ((1, 100_000), (1, 400)),
        ((9, 9), (9, 9)),
    ],
)
def test_places_for_pictures(given: tuple[int, int], made: tuple[int, int]) -> None:
    assert fitted(*given) == made
