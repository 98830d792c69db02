"""Bytes that an archive holds, or why it does not: never stored, erased, moved elsewhere, lost."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.custody.sniff import WINDOW, sniff
from archiver.datasette_plugin.places import Places
from archiver.datasette_plugin.reader import Reader
from archiver.errors import PageError

SHOWN = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "application/ogg": "ogg",
}
"""Types that browsers show or play without running anything in them, and the ending of their names. All else is handed
out as unnamed bytes to be saved: SVG, HTML and PDF run scripts, and of no type a browser makes what it likes."""
OPAQUE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Bytes that are here. `id` is local; `sniffed` is the type that the bytes themselves show, whatever was declared
    and whatever they were content-coded with."""

    id: int
    sha256: str
    size: int
    sniffed: str

    @property
    def media_type(self) -> str:
        """The type that they are sent with."""
        return self.sniffed if self.sniffed in SHOWN else OPAQUE

    @property
    def name(self) -> str:
        """A name for the file: nothing of what strangers called it."""
        return f"{self.sha256}.{SHOWN.get(self.sniffed, 'bin')}"


def held(reader: Reader, at: Places, sha256: str) -> Held:
    """The bytes of this hash. PageError says why they are not here."""
    row = reader.row(
        "The bytes by their hash",
        """
        SELECT b.id, b.size, substr(c.data, 1, :window) AS first,
          (SELECT group_concat(a.store, ', ') FROM blob_at a WHERE a.blob = b.id) AS stores
        FROM blobs b LEFT JOIN blob_chunks c ON c.blob_id = b.id AND c.n = 0 WHERE b.sha256 = :sha256
        """,
        sha256=sha256,
        window=WINDOW,
    )
    if row is None:
        hint = "Look at the hash: it is of the bytes as they came, still content-coded"
        raise PageError(404, f"this archive has no bytes with the SHA-256 {sha256}", hint=hint)
    more = ((at("media", sha256), "What is known of this file"),)
    if row["stores"] is None:
        raise _erased(reader, sha256, more)
    if row["first"] is None and row["size"]:
        if "sqlite" in row["stores"].split(", "):
            hint = "Run `archiver verify`, and fetch a backup"
            raise PageError(500, f"the bytes of {sha256} are missing from the file", hint=hint, links=more)
        hint = "Ask whoever keeps this archive"
        raise PageError(404, f"these bytes were moved out of this file: {row['stores']}", hint=hint, links=more)
    return Held(id=row["id"], sha256=sha256, size=row["size"], sniffed=sniff(row["first"] or b""))


def _erased(reader: Reader, sha256: str, more: tuple[tuple[str, str], ...]) -> PageError:
    row = reader.row(
        "When they were erased",
        "SELECT at, substr(reason, 1, 200) AS reason FROM erasures WHERE instr(sha256, :sha256) "
        "ORDER BY id DESC LIMIT 1",
        sha256=sha256,
    )
    when = "" if row is None else f" on {row['at'][:10]} ({row['reason']})"
    hint = "The log says who erased them"
    return PageError(
        410, f"these bytes were erased{when}: their hash alone was kept", hint=hint, title="Erased", links=more
    )


PIECE = "SELECT data FROM blob_chunks WHERE blob_id = :blob AND n = :n"
"""One piece of 1 MiB."""
