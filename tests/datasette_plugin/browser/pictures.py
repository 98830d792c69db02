"""`make screenshots`: the pictures of docs/reading-room.md, of the demonstration's archive in Chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.datasette_plugin.browser.looking import ROOT, Looked, chromium
from tests.datasette_plugin.browser.serving import served, walked_over
from tests.datasette_plugin.opening import make_demo
from tests.datasette_plugin.walking import Walk

PICTURES = (
    ("overview", "home", "light", 1200, 900), ("document", "document", "light", 1200, 1000),
    ("post", "post", "dark", 1200, 1100), ("chain", "chain", "light", 1200, 800),
    ("search", "search", "light", 1200, 900), ("gone", "gone", "dark", 1200, 900),
    ("phone", "document", "dark", 400, 1000),
)  # fmt: skip
"""File, page, scheme, and the width and largest height in pixels."""
POST = "x:post:2032135780561846272"
"""One that quotes a post that quotes a post."""


def address(page: str, database: str, walk: Walk) -> str:
    """Where the page is in the archive of the demonstration."""
    if page in ("post", "chain"):
        return f"/{database}/-/{page}/{POST}"
    if page == "document":
        return next(path for path in walk.pages["document"] if "at=" in path).partition("?")[0]
    return f"/{database}/-/{page}" + ("?q=bridge" if page == "search" else "")


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        db = make_demo(Path(made) / "archive.db")
        with served(db) as base, chromium() as browser:
            walk = walked_over(base, db.stem, each=8)
            for name, page, scheme, width, height in PICTURES:
                looked = Looked(browser, base, scheme=scheme, width=width)
                looked.open(address(page, db.stem, walk))
                looked.picture(folder / f"{name}.jpg", highest=height)
                looked.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
