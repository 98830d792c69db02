"""What is known of a thing that is no post: an account, a web page, a short link, a file. Each list is bounded."""

from __future__ import annotations

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.post.meant import Meant
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError

POSTS, NAMES, PAGES, DOCUMENTS, FILES, EDGES = 20, 100, 50, 50, 50, 20
_KEYS = "(SELECT value FROM json_each(:keys))"


def account(reader: Reader, meant: Meant) -> Row | None:
    """An account as last seen, the names that it was seen with by when each was first seen, and how many posts of it
    are here."""
    row = reader.row(
        "The account as last seen",
        f"SELECT platform, handle, name, url FROM accounts WHERE id IN {_KEYS} ORDER BY id LIMIT 1",
        keys=meant.keys,
    )
    names = reader.rows(
        "Names that it was seen with",
        f"""
        SELECT n.handle, n.name, c.observed_at AS first_at, c.uid AS capture FROM account_names n
        JOIN captures c ON c.id = n.capture WHERE n.account IN {_KEYS}
        ORDER BY c.leaf, n.handle, n.name, n.account LIMIT :most
        """,
        keys=meant.keys,
        most=NAMES,
    )
    posts = reader.value(
        "How many of its posts are here", f"SELECT count(*) FROM posts WHERE author IN {_KEYS}", keys=meant.keys
    )
    return None if row is None and not names and not posts else {**(row or {}), "names": names, "posts": posts}


def posts(reader: Reader, meant: Meant, asked: Asked) -> list[Row]:
    """Posts of an account, those last that the archive met first; one more than a page shows. `?after=` is the ref of
    the last one shown."""
    after, low = asked.get("after"), None
    if after:
        low = reader.value("The last post of the page before", "SELECT id FROM refs WHERE ref = :after", after=after)
        if low is None:
            raise PageError(400, f"there is no post {after[:200]}", hint="Begin with the first page")
    return reader.rows(
        "Its posts",
        f"""
        SELECT r.ref, p.handle, p.name, substr(p.text, 1, 700) AS text, p.posted_at, p.outcome
        FROM (
          SELECT id FROM posts WHERE author IN {_KEYS} AND id < coalesce(:low, 9223372036854775807)
          ORDER BY id DESC LIMIT :most
        ) n JOIN posts p ON p.id = n.id JOIN refs r ON r.id = n.id ORDER BY p.id DESC
        """,
        keys=meant.keys,
        low=low,
        most=POSTS + 1,
    )


def pages(reader: Reader, meant: Meant) -> list[Row]:
    """What a web page said of itself, newest capture first."""
    return reader.rows(
        "What the page says of itself, at each capture",
        f"""
        SELECT substr(p.title, 1, 400) AS title, p.author, p.site, p.published_at, p.modified_at,
          substr(p.description, 1, 600) AS description, p.lang, p.canonical, c.observed_at, c.uid AS capture, r.ref
        FROM (SELECT id FROM pages WHERE ref IN {_KEYS} ORDER BY capture DESC, ref LIMIT :most) n
        JOIN pages p ON p.id = n.id JOIN captures c ON c.id = p.capture JOIN refs r ON r.id = p.ref
        ORDER BY c.leaf DESC, r.ref
        """,
        keys=meant.keys,
        most=PAGES,
    )


def documents(reader: Reader, meant: Meant) -> list[Row]:
    """The documents that it reads as, newest first. Bytes that came twice read as one document."""
    return reader.rows(
        "The documents that it reads as",
        """
        SELECT r.ref, substr(d.title, 1, 400) AS title, d.media_type, d.characters, d.mentions, c.observed_at,
          c.uid AS capture
        FROM json_each(:keys) k JOIN refs n ON n.id = k.value JOIN captures c ON c.ref = n.ref
        JOIN documents d ON d.capture = c.id JOIN refs r ON r.id = d.id
        ORDER BY c.observed_at DESC, r.ref LIMIT :most
        """,
        keys=meant.keys,
        most=DOCUMENTS,
    )


def files(reader: Reader, meant: Meant) -> list[Row]:
    """The bytes that came for a media file, newest first; `erased` where they went."""
    return reader.rows(
        "The bytes that came for it",
        f"""
        SELECT coalesce(b.sha256, '') AS sha256, coalesce(b.size, 0) AS size, f.declared_type, f.sniffed_type,
          b.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id) AS erased,
          c.observed_at, c.uid AS capture
        FROM files f JOIN captures c ON c.id = f.capture LEFT JOIN blobs b ON b.id = f.blob
        WHERE f.ref IN {_KEYS} ORDER BY c.leaf DESC, f.ref LIMIT :most
        """,
        keys=meant.keys,
        most=FILES,
    )


def carriers(reader: Reader, meant: Meant) -> list[Row]:
    """The posts that carry a media file."""
    return reader.rows(
        "The posts that carry it",
        f"""
        SELECT DISTINCT r.ref, p.handle, p.name, substr(p.text, 1, 700) AS text, p.posted_at, p.outcome, m.alt
        FROM (SELECT id FROM media WHERE file IN {_KEYS} ORDER BY id LIMIT :most) n JOIN media m ON m.id = n.id
        JOIN posts p ON p.id = m.post JOIN refs r ON r.id = p.id ORDER BY r.ref, m.alt
        """,
        keys=meant.keys,
        most=FILES,
    )


def edges(reader: Reader, meant: Meant, way: str) -> list[Row]:
    """The first edges `from` it or `to` it by kind, one more than a page shows; with who says so, and when."""
    own, other = ("source", "target") if way == "from" else ("target", "source")
    return reader.rows(
        f"What leads {way} it",
        f"""
        SELECT e.kind, e.evidence, r.ref, r.label, e.pinned, c.observed_at, c.uid AS capture
        FROM (SELECT id FROM edges WHERE {own} IN {_KEYS} ORDER BY kind, id LIMIT :most) n
        JOIN edges e ON e.id = n.id JOIN refs r ON r.id = e.{other} JOIN captures c ON c.id = e.capture
        ORDER BY e.kind, r.ref, e.evidence, e.pinned, e.{own}
        """,
        keys=meant.keys,
        most=EDGES + 1,
    )
