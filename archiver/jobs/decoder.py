"""The program that decodes pictures: a process of its own, for pictures are strangers' bytes and decoders have bugs.

It is started as a file (`python -I decoder.py`), imports nothing of ours, and speaks over its standard streams: a line
of JSON {"do": "look" | "small", "size": bytes of the picture, "coarse": bool}, then the picture; it answers with a line
of JSON {"reason", …, "size"}, then `size` bytes. Before the first picture it gives up opening files and sockets,
writing files, and more memory than `MEMORY`: what breaks a decoder has this process, and nothing that it could read or
ask.

`reason` says why a picture could not be decoded, in words that are the same on each run; it is empty where it could.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import struct
import sys
import warnings
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError, features

MEMORY = 1536 << 20
"""Bytes of address space."""
PIXELS = 50_000_000
"""Of one picture: more than a phone takes, and 200 MB when decoded."""
EDGE, COARSE = 400, 9
"""Pixels of the longer side of a small picture, and of one that only hints at what it shows."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
STEP, FEWEST, ONES = 2, 10, 6
"""Neighbours whose grey differs by `STEP` of 255 or less count as alike. A picture with fewer than `FEWEST` places that
differ, or fewer than `ONES` bits of one kind, is too plain to be told from others."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Exif's orientation to what undoes it."""
BROKEN = (
    *(OSError, SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, EOFError),
    *(MemoryError, RuntimeError, AssertionError, struct.error, zlib.error, Image.DecompressionBombError),
    *(Warning, ImageCms.PyCMSError),
)
"""What Pillow raises on hostile files; whatever else it may raise ends this process, which is told as well."""


def opened(data: bytes) -> Image.Image:
    """A picture of a known format whose header was read. ValueError where it is none, or too large to decode."""
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS + (("AVIF",) if features.check("avif") else ()))
    except UnidentifiedImageError:
        raise ValueError("it is no picture of a format that is decoded here") from None
    if picture.width * picture.height > PIXELS:
        raise ValueError(f"it has more than {PIXELS:,} pixels")
    return picture


def orientation(picture: Image.Image) -> int:
    """How a camera held the picture, 1 to 8 (Exif); 1 where nothing readable says so."""
    try:
        told = picture.getexif().get(0x0112, 1)
    except BROKEN:
        return 1
    return told if told in _TURNS else 1


def flat(picture: Image.Image) -> Image.Image:
    """The first frame as RGB or grey of 8 bits; what is transparent is white, as platforms show it that convert."""
    if picture.mode.startswith(("I", "F")):  # 16 bits and more
        return picture.convert("I").point(lambda value: value / 256).convert("L")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def dhash(picture: Image.Image) -> str:
    """64 bits in hexadecimal digits: of a picture of 9 × 8 grey points, whether each is brighter than the one to its
    right. Empty where the picture is too plain: then the bits would say nothing."""
    points = flat(picture).convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    steps = [points[row * 9 + column] - points[row * 9 + column + 1] for row in range(8) for column in range(8)]
    bits = "".join("1" if step > STEP else "0" for step in steps)
    ones = bits.count("1")
    if sum(abs(step) > STEP for step in steps) < FEWEST or not ONES <= ones <= 64 - ONES:
        return ""
    return f"{int(bits, 2):016x}"


def look(data: bytes) -> dict[str, Any]:
    """Size, whether it moves, and perceptual hash. What the header says is told even where the rest is broken."""
    told: dict[str, Any] = {"width": 0, "height": 0, "animated": False, "dhash": "", "reason": ""}
    try:
        picture = opened(data)
        turned = orientation(picture)
        width, height = picture.size
        told["width"], told["height"] = (height, width) if turned >= 5 else (width, height)
        told["animated"] = bool(getattr(picture, "is_animated", False)) and picture.format != "MPO"
        picture.seek(0)
        picture.draft("RGB", (256, 256))  # a JPEG is decoded at an eighth of its size where that is enough
        picture.load()
        if turned in _TURNS:
            picture = picture.transpose(_TURNS[turned])
        told["dhash"] = dhash(picture)
    except BROKEN as error:
        told["reason"] = said(error)
    return told


def small(data: bytes, *, coarse: bool) -> bytes:
    """A WebP of at most `EDGE` pixels a side, upright and in sRGB, the first frame alone; one of `COARSE` pixels where
    it should only hint. Raises one of `BROKEN`."""
    picture = opened(data)
    turned, profile = orientation(picture), picture.info.get("icc_profile")
    picture.seek(0)
    picture.draft("RGB", (2 * EDGE, 2 * EDGE))
    picture.load()
    profiled = picture.mode in ("RGB", "CMYK")
    shown = picture if profile and profiled else shrinkable(picture)
    shown.thumbnail((EDGE, EDGE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    if profile and profiled:
        shown = in_srgb(shown, profile)
    if turned in _TURNS:
        shown = shown.transpose(_TURNS[turned])
    if coarse:
        shown = flat(shown).convert("RGB").resize(coarsened(shown.size), Image.Resampling.BOX)
    out = io.BytesIO()
    shown.save(out, "WEBP", quality=78, method=2, lossless=coarse, exact=False)
    return out.getvalue()


def shrinkable(picture: Image.Image) -> Image.Image:
    """A picture in colours that can be averaged."""
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        return picture.convert("RGBA")
    return flat(picture).convert("RGB")


def in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Colours as the picture's own profile means them; as they are where it is broken."""
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        changed = ImageCms.profileToProfile(picture, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except BROKEN:
        changed = None
    return picture.convert("RGB") if changed is None else changed


def coarsened(size: tuple[int, int]) -> tuple[int, int]:
    """The size at which nothing can be made out."""
    longer = max(size)
    return max(1, size[0] * COARSE // longer), max(1, size[1] * COARSE // longer)


def said(error: BaseException) -> str:
    """Why, in one line that says the same each time."""
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it has more than {PIXELS:,} pixels"
    if isinstance(error, MemoryError):
        return "decoding it takes too much memory"
    told = re.sub(r"<[^>]*0x[0-9a-f]+[^>]*>|0x[0-9a-f]{6,}", "…", " ".join(str(error).split()))
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: " if told else type(error).__name__
    return f"{kind}{told}".encode("ascii", "replace").decode()[:200] if kind else told[:200]


def bound() -> None:
    """Gives up what decoding does not need. Pillow loads the parts that it needs late, so they are used once before."""
    tried = io.BytesIO()
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        tried.seek(0)
        tried.truncate()
        Image.new("RGB", (16, 16), "grey").save(tried, kind)
        look(tried.getvalue())
        small(tried.getvalue(), coarse=False)
    in_srgb(Image.new("RGB", (2, 2)), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # a system that knows no such limit: macOS bounds no memory
            resource.setrlimit(limit, (most, most))


def main() -> None:
    """Answers until its input ends."""
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    given, out = sys.stdin.buffer, sys.stdout.buffer
    bound()
    out.write(b"ready\n")
    out.flush()
    while line := given.readline(4096):
        asked = json.loads(line)
        data, made = given.read(int(asked["size"])), b""
        if asked["do"] == "look":
            told = look(data)
        else:
            told = {"reason": ""}
            try:
                made = small(data, coarse=bool(asked["coarse"]))
            except BROKEN as error:
                told["reason"] = said(error)
        out.write(json.dumps({**told, "size": len(made)}).encode("ascii") + b"\n" + made)
        out.flush()


if __name__ == "__main__":
    main()
