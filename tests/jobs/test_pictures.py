"""Pictures are decoded in a process that can do nothing else: what it tells, what it refuses, and what it survives."""

import io
import json
import os
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from archiver.errors import ParseError
from archiver.jobs import decoder, pictures
from tests.datasette_plugin import album
from tests.datasette_plugin.album import saved, scene

GREYS = Image.linear_gradient("L")


def bits(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def hashed(picture: Image.Image, kind: str = "PNG", **more: object) -> str:
    told = decoder.look(saved(picture, kind, **more))
    assert told["reason"] == ""
    return str(told["dhash"])


# ---- the perceptual hash ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def others() -> list[str]:
    """Hashes of pictures that are none of those looked at."""
    return [hashed(scene(other, (300, 200))) for other in range(100, 120)]


@pytest.mark.parametrize("seed", range(4))
def test_copies_differ_in_few_bits_and_others_in_many(seed: int, others: list[str]) -> None:
    whole = scene(seed, (600, 450))
    first = hashed(whole)
    assert first
    copies = [
        hashed(whole, "JPEG", quality=30),
        hashed(whole, "WEBP", quality=50),
        hashed(whole.resize((200, 150))),
        hashed(whole.resize((1200, 900)), "JPEG", quality=85),
        hashed(whole.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
        hashed(whole.convert("RGBA")),
        hashed(whole.convert("CMYK"), "JPEG"),
        hashed(whole.convert("L")),
    ]
    assert max(bits(first, copy) for copy in copies) <= 5
    assert min(bits(first, other) for other in others if other) > 7


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (300, 200), "white"),
        Image.new("L", (300, 200), 0),
        Image.new("RGBA", (300, 200), (0, 0, 0, 0)),
        Image.new("RGB", (1, 1), "red"),
        GREYS,
        GREYS.rotate(90),
        GREYS.rotate(270),
        Image.effect_noise((400, 300), 1),
    ],
    ids=["white", "black", "nothing", "point", "downwards", "left", "right", "noise"],
)
def test_plain_pictures_have_no_hash(picture: Image.Image) -> None:
    assert hashed(picture) == ""


def test_a_hash_is_the_same_each_time() -> None:
    data = saved(scene(7), "PNG")
    assert decoder.look(data) == decoder.look(data)
    assert decoder.look(data)["dhash"] == pictures.decoded(data, "image/png").dhash


@pytest.mark.parametrize("turned", range(2, 9))
def test_pictures_are_looked_at_upright(turned: int) -> None:
    """A picture that the camera held otherwise is the picture that a platform makes of it."""
    upright = scene(8, (300, 200))
    undone = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[turned]
    exif = Image.Exif()
    exif[0x0112] = turned
    held = saved(upright.transpose(decoder._TURNS[undone]), "JPEG", exif=exif, quality=95)
    told = decoder.look(held)
    assert (told["width"], told["height"]) == (300, 200)
    assert bits(told["dhash"], hashed(upright)) <= 2
    assert Image.open(io.BytesIO(decoder.small(held, coarse=False))).size == (300, 200)


# ---- small pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "RGBA", "LA", "I;16", "YCbCr"])
def test_every_kind_of_colours(mode: str) -> None:
    picture = scene(9, (500, 250)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = Image.frombytes("I;16", picture.size, b"".join(bytes((0, value)) for value in picture.tobytes()))
    data = saved(picture, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG")
    assert decoder.look(data)["reason"] == ""
    made = Image.open(io.BytesIO(decoder.small(data, coarse=False)))
    assert made.size == (400, 200)
    assert bits(hashed(made.convert("RGB")), hashed(scene(9, (500, 250)))) <= (16 if mode == "1" else 6)


def test_colours_are_those_that_the_profile_means() -> None:
    """A profile that swaps nothing changes nothing; a broken one is left out."""
    red = Image.new("RGB", (40, 40), (200, 30, 30))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, b"broken", srgb[:200]):
        made = Image.open(io.BytesIO(decoder.small(saved(red, "PNG", icc_profile=profile), coarse=False)))
        point = made.convert("RGB").getpixel((20, 20))
        assert isinstance(point, tuple)
        assert all(abs(one - other) < 12 for one, other in zip(point, (200, 30, 30), strict=True))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # of other colours than the picture has
    decoder.small(saved(red, "PNG", icc_profile=lab), coarse=False)


def test_what_is_transparent_stays_so() -> None:
    made = Image.open(io.BytesIO(decoder.small(saved(Image.new("RGBA", (40, 40), (9, 9, 9, 0)), "PNG"), coarse=False)))
    assert made.mode == "RGBA"


@pytest.mark.parametrize("size", [(640, 480), (1, 3000), (3000, 1), (5, 5)])
def test_a_hint_has_nine_points_a_side(size: tuple[int, int]) -> None:
    made = Image.open(io.BytesIO(decoder.small(saved(scene(1, (640, 480)).resize(size), "PNG"), coarse=True)))
    assert max(made.size) <= 9


# ---- hostile files ----------------------------------------------------------------------------------------------


HOSTILE = {
    "bomb": (album.bomb(), "it has more than 50,000,000 pixels"),
    "wide": (album.bomb(65535), "it has more than 50,000,000 pixels"),
    "nothing": (b"", "it is no picture of a format that is decoded here"),
    "text": (b"<svg/>", "it is no picture of a format that is decoded here"),
    "tiff": (saved(scene(1, (90, 90)), "TIFF"), "it is no picture of a format that is decoded here"),
    "bmp": (saved(scene(1, (90, 90)), "BMP"), "it is no picture of a format that is decoded here"),
    "ppm": (saved(scene(1, (90, 90)), "PPM"), "it is no picture of a format that is decoded here"),
    "cut": (album.CUT.data, "OSError: image file is truncated"),
    "head": (b"\xff\xd8\xff\xe0", ""),
    "short": (b"\x89PNG\r\n\x1a\n", ""),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is no picture"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_pictures_get_a_reason(name: str) -> None:
    data, reason = HOSTILE[name]
    for _ in range(2):  # and the same one each time: readings are compared
        looked = pictures.decoded(data, "image/x")
        assert looked.reason.startswith(reason)
        assert looked.reason
        assert looked.dhash == ""
    with pytest.raises(ParseError):
        pictures.small(data, coarse=False)


def test_a_deep_film_is_looked_at_once() -> None:
    looked = pictures.decoded(album.deep(200_000), "image/gif")
    assert (looked.width, looked.height, looked.animated, looked.reason) == (1, 1, True, "")
    assert pictures.small(album.deep(), coarse=False)


def test_too_many_bytes_are_not_decoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "LARGEST", 1000)
    db = album.make(tmp_path, [album.Told(number=1, files=(album.PHOTO,))])
    with closing(sqlite3.connect(db)) as sql:
        assert "at most 1,000 are decoded" in sql.execute("SELECT reason FROM media_blobs").fetchone()[0]


FORMS = {
    kind: saved(scene(3, (120, 90)).resize((60, 45)), kind, **more)
    for kind, more in {"JPEG": {"exif": Image.Exif()}, "PNG": {}, "GIF": {}, "WEBP": {}}.items()
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(FORMS)),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=6),
    end=st.integers(0, 6000),
)
def test_no_change_of_a_file_breaks_more_than_that_file(kind: str, changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(FORMS[kind][:end])
    for at, value in changes:
        if data:
            data[at % len(data)] = value
    looked = pictures.decoded(bytes(data), "image/x")
    assert looked.reason != "it broke the decoder"
    assert len(looked.reason) <= 400
    assert "0x" not in looked.reason


# ---- the process ------------------------------------------------------------------------------------------------


CONFINED = """
import io, socket, runpy, sys
found = runpy.run_path(sys.argv[1])
found["bound"]()
for attempt in (lambda: open("/etc/hostname"), lambda: open("/tmp/x", "w"), socket.socket, lambda: bytearray(2 << 30)):
    try:
        attempt()
    except (OSError, MemoryError) as error:
        print(type(error).__name__)
    else:
        print("allowed")
import os
try:
    print("forked" if os.fork() else "child")
except OSError:
    print("no fork")
"""


def test_the_process_can_open_nothing_and_take_little() -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-c", CONFINED, str(pictures.PROGRAM)], capture_output=True, text=True, check=False
    )
    assert ended.stdout.split("\n")[:4] == ["OSError", "OSError", "OSError", "MemoryError"], ended.stderr


def test_the_process_has_no_secret_and_imports_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUOTECHAIN_SECRET", "sesame")
    one = pictures.Decoder()
    one.ask("look", album.PHOTO.data)
    assert one._process is not None
    held = Path(f"/proc/{one._process.pid}")
    if held.is_dir():
        assert b"sesame" not in (held / "environ").read_bytes()
        opened = [os.readlink(file) for file in (held / "fd").iterdir()]
        assert sorted(name.partition(":")[0] for name in opened) == ["/dev/null", "pipe", "pipe"]
    one.close()
    assert one._process is None
    source = Path(pictures.PROGRAM).read_text("utf-8")
    assert "archiver" not in source.split('"""', 2)[2]


READY = "import sys; sys.stdout.write('ready\\n'); sys.stdout.flush(); "
BROKEN = {
    "dies": "import os; os._exit(3)",
    "mute": "import sys; sys.stdin.buffer.read(1); sys.exit()",
    "mad": "import sys; sys.stdout.write('[]\\n'); sys.stdout.flush(); sys.stdin.read()",
    "rude": "import sys; sys.stdout.write('x' * 9000); sys.stdout.flush(); sys.stdin.read()",
    "greedy": "import sys; sys.stdout.write('{\"size\": 99999999}\\n'); sys.stdout.flush(); sys.stdin.read()",
    "negative": "import sys; sys.stdout.write('{\"size\": -1}\\n'); sys.stdout.flush(); sys.stdin.read()",
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_decoder_that_breaks_costs_one_picture(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = pictures.Decoder()
    program = tmp_path / "broken.py"
    program.write_text(READY + BROKEN[name])
    with monkeypatch.context() as other:
        other.setattr(pictures, "PROGRAM", program)
        with pytest.raises(ParseError, match="broke the decoder"):
            one.ask("look", album.PHOTO.data)
    told, _ = one.ask("look", album.PHOTO.data)
    assert told["reason"] == ""
    one.close()


def test_a_decoder_that_does_not_start_is_told_as_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = pictures.Decoder()
    monkeypatch.setattr(pictures, "PROGRAM", tmp_path / "none.py")
    with pytest.raises(ParseError, match="could not be started"):
        one.ask("look", album.PHOTO.data)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ParseError, match="could not be started"):
        one.ask("look", album.PHOTO.data)


def test_a_decoder_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = pictures.Decoder()
    program = tmp_path / "slow.py"
    program.write_text(READY + "sys.stdin.readline(); print('{\"size\": 0}', flush=True); sys.stdin.read()")
    with monkeypatch.context() as other:
        other.setattr(pictures, "PROGRAM", program)
        one.ask("look", b"")
        other.setattr(pictures, "SECONDS", 0.2)
        with pytest.raises(ParseError, match="more than 0 seconds"):
            one.ask("look", album.PHOTO.data)
    one.close()


@pytest.mark.parametrize(
    "told",
    [
        {"width": -1}, {"width": "9"}, {"height": 1 << 40}, {"dhash": "zebra"}, {"dhash": "0" * 17}, {"dhash": None},
    ],
)  # fmt: skip
def test_what_it_tells_is_not_believed(
    told: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = {"width": 1, "height": 1, "animated": False, "dhash": "", "reason": "", "size": 0} | told
    program = tmp_path / "liar.py"
    program.write_text(f"{READY}sys.stdout.write({json.dumps(whole)!r} + '\\n'); sys.stdout.flush(); sys.stdin.read()")
    monkeypatch.setattr(pictures, "PROGRAM", program)
    monkeypatch.setattr(pictures, "_POOL", pictures.Pool(1))
    looked = pictures.decoded(album.PHOTO.data, "image/jpeg")
    assert (looked.width, looked.height, looked.dhash) == (0, 0, "")
    assert looked.reason.startswith("the decoder gave no")
    pictures._POOL.close()


def test_a_decoder_that_died_meanwhile_is_started_anew() -> None:
    one = pictures.Decoder()
    one.ask("look", album.PHOTO.data)
    assert one._process is not None
    first = one._process
    first.kill()
    first.wait()
    told, _ = one.ask("look", album.PHOTO.data)
    assert told["width"] == 640
    assert one._process is not first
    one.close()


# ---- pictures of the corpus -------------------------------------------------------------------------------------


@pytest.mark.corpus
def test_copies_of_recorded_pictures_are_found(corpus: Path) -> None:
    found = [path.read_bytes() for kind in ("jpg", "png") for path in sorted(corpus.rglob(f"*.{kind}"))]
    if not found:
        pytest.skip("the corpus holds no pictures")
    for data in dict.fromkeys(found):
        first = decoder.look(data)
        assert first["reason"] == ""
        if not first["dhash"]:
            continue
        picture = decoder.flat(Image.open(io.BytesIO(data)))
        half = picture.resize((max(9, picture.width // 2), max(8, picture.height // 2)))
        assert bits(first["dhash"], hashed(half, "JPEG", quality=60)) <= 7


def test_numbers_of_a_struct_are_no_surprise() -> None:
    """The GIF made by hand is one that Pillow reads: a test of the tests."""
    assert struct.calcsize("<HHBBB") == 7
    assert Image.open(io.BytesIO(album.deep(3))).size == (1, 1)
