"""Media: a gallery of all files, and one page for each."""

from __future__ import annotations

from archiver.datasette_plugin.media import gallery, one
from archiver.datasette_plugin.media.tiles import COUNTED
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Row
from archiver.jobs.pictures import EDGE, KINDS


def fitted(width: int, height: int, edge: int = EDGE) -> tuple[int, int]:
    """The size of a small picture, for the place that a page keeps for it; a square where it is unknown.

    >>> fitted(1200, 600)
    (400, 200)
    """
    longer = max(width, height)
    if not longer:
        return edge, edge
    scale = min(1.0, edge / longer)
    return max(1, round(width * scale)), max(1, round(height * scale))


def dress_gallery(found: Row, asked: Asked) -> Row:
    """The form's choices, and the addresses of the pages of the list."""
    chosen = found["chosen"]
    return {
        "kinds": KINDS,
        "fitted": fitted,
        "counted": COUNTED,
        "next_page": asked.at("media", **chosen, before=found["more"]) if found["more"] else "",
        "first_page": asked.at("media", **chosen) if asked.get("before") else "",
    }


def dress_one(found: Row, asked: Asked) -> Row:
    """Addresses of the other ways to see the file."""
    at, sha256 = asked.at, found["sha256"]
    return {
        "fitted": fitted,
        "counted": COUNTED,
        "described": next((post["alt"] for post in found["carriers"] if post["alt"]), ""),
        "unhidden": at("media", sha256, shown=1),
        "ask_claims": at("media", sha256, claims=1, shown=asked.get("shown")),
        "next_posts": at("media", sha256, after=found["more_carriers"]) if found["more_carriers"] else "",
        "first_posts": at("media", sha256) if asked.get("after") else "",
    }


READS = ("blobs", "captures", "refs", "posts", "media", "files", "media_blobs", "media_carriers")
PAGES = (
    Page(
        path="media",
        template="archiver_media.html",
        gather=gallery.gather,
        dress=dress_gallery,
        reads=READS,
        css=("media.css",),
        scripts=("media.js",),
    ),
    Page(
        path="media/(?P<sha256>[0-9a-fA-F]{64})",
        template="archiver_medium.html",
        gather=one.gather,
        dress=dress_one,
        reads=(*READS, "documents", "mentions"),
        css=("media.css",),
        scripts=("media.js",),
    ),
)
