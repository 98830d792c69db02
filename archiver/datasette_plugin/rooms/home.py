"""What an archive holds, how fresh and how whole it is, on one screen."""

from __future__ import annotations

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row


def gather(reader: Reader, asked: Asked) -> Row:
    """Counts."""
    posts = reader.value("How many posts", "SELECT count(*) FROM posts")
    return {"posts": posts}


PAGES = (Page(path="home", template="archiver_home.html", gather=gather, reads=("posts",)),)
