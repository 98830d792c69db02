"""Citations of a post, a document or a page, to copy or as files. Their addresses hold after `archiver rebuild`."""

from __future__ import annotations

import ipaddress
import json
from urllib.parse import urlsplit

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.post import history
from archiver.datasette_plugin.post.meant import Meant, meant
from archiver.datasette_plugin.quoting.told import called
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.render import cite
from archiver.render.cite import Cited

BIBTEX, CSL = "application/x-bibtex; charset=utf-8", "application/vnd.citationstyles.csl+json; charset=utf-8"
SIGHTINGS = 200
"""Among how many of the newest sightings the one that is cited is looked for."""
_NEWEST = """
    SELECT v.sha256, substr(v.text, 1, :most) AS text, v.posted_at, v.lang, c.uid AS capture, c.observed_at, s.handle,
      s.name
    FROM (
      SELECT s.id FROM versions v JOIN sightings s ON s.version = v.id
      WHERE v.post IN (SELECT value FROM json_each(:keys)) ORDER BY s.capture DESC, s.version, s.pointer LIMIT :rows
    ) n JOIN sightings s ON s.id = n.id JOIN versions v ON v.id = s.version JOIN captures c ON c.id = s.capture
    ORDER BY v.text = (SELECT text FROM posts WHERE id = :main) DESC, s.whole DESC, c.leaf DESC, s.pointer, v.sha256
    LIMIT 1"""
_PAGE = """
    SELECT p.title, p.author, p.site, p.published_at, p.lang, p.canonical, c.uid AS capture, c.observed_at, c.url,
      coalesce(nullif(c.entity_sha256, ''), b.sha256, '') AS sha256
    FROM pages p JOIN captures c ON c.id = p.capture LEFT JOIN blobs b ON b.id = c.blob
    WHERE p.ref IN (SELECT value FROM json_each(:keys)) ORDER BY c.leaf DESC, p.id LIMIT 1"""
_DOCUMENT = """
    SELECT substr(d.title, 1, 2000) AS title, d.lang, d.sha256, c.uid AS capture, c.observed_at, c.url, p.author,
      p.published_at
    FROM documents d JOIN captures c ON c.id = d.capture LEFT JOIN pages p ON p.capture = c.id
    WHERE d.id IN (SELECT value FROM json_each(:keys)) ORDER BY c.leaf DESC, d.id, p.id LIMIT 1"""
_OUTCOME = """
    SELECT o.outcome, c.observed_at FROM outcomes o JOIN captures c ON c.id = o.capture
    WHERE o.ref IN (SELECT value FROM json_each(:keys)) ORDER BY o.capture DESC, o.ref LIMIT 1"""


def gather(reader: Reader, asked: Asked) -> Row:
    """What is cited, and its citations. PageError where nothing was captured that could be cited."""
    found = meant(reader, asked)
    what = _post if found.main is not None else _document if str(found.ref).startswith("doc:document:") else _page
    cited = what(reader, asked, found)
    if cited is None:
        links = ((asked.at.ref(str(found.ref)), f"What is known of {found.ref}"),)
        hint = "Posts, documents and web pages can be cited once they were captured"
        raise PageError(404, f"nothing of {found.ref} is here that could be cited", hint=hint, links=links)
    return {
        **found.plain(),
        "key": cite.key(cited),
        "text": cite.plain(cited),
        "bibtex": cite.bibtex(cited),
        "csl": [cite.csl(cited)],
        "wikipedia": cite.wikipedia(cited),
        "permalink": cited.permalink,
        "local": not cited.permalink,
        "page": asked.at.ref(str(found.ref)),
        "sha256": cited.sha256,
        "capture": cited.capture,
        "captured_at": cited.captured_at,
        "outcome": cited.outcome,
    }


def _post(reader: Reader, asked: Asked, found: Meant) -> Cited | None:
    post = history.head(reader, found)
    newest = reader.row(
        "The version that is cited", _NEWEST, keys=found.keys, main=found.main, most=history.CHARACTERS, rows=SIGHTINGS
    )
    if post is None or newest is None:
        return None
    return Cited(
        ref=str(found.ref),
        platform=post["platform"],
        page=False,
        handle=newest["handle"] or post["handle"],
        name=newest["name"] or post["name"],
        text=newest["text"],
        posted_at=newest["posted_at"] or post["posted_at"],
        url=post["url"],
        lang=newest["lang"] or post["lang"],
        outcome=post["outcome"],
        outcome_at=post["outcome_at"],
        archive=reader.database,
        permalink=_permalink(asked, found),
        sha256=newest["sha256"],
        capture=newest["capture"],
        captured_at=newest["observed_at"],
    )


def _page(reader: Reader, asked: Asked, found: Meant) -> Cited | None:
    page = reader.row("The page that is cited", _PAGE, keys=found.keys)
    if page is None:
        return None
    outcome = reader.row("What became of it", _OUTCOME, keys=found.keys) or {"outcome": "", "observed_at": ""}
    return Cited(
        ref=str(found.ref),
        platform=found.ref.platform,
        page=True,
        handle="",
        name=page["author"],
        text=page["title"],
        posted_at=page["published_at"],
        url=page["canonical"] or page["url"],
        lang=page["lang"],
        outcome=outcome["outcome"],
        outcome_at=outcome["observed_at"],
        archive=reader.database,
        permalink=_permalink(asked, found),
        sha256=page["sha256"],
        capture=page["capture"],
        captured_at=page["observed_at"],
    )


def _document(reader: Reader, asked: Asked, found: Meant) -> Cited | None:
    """A document as it was read: a seed has no address that others could open, only its name."""
    document = reader.row("The document that is cited", _DOCUMENT, keys=found.keys)
    if document is None:
        return None
    address = str(document["url"])
    return Cited(
        ref=str(found.ref),
        platform="doc",
        page=True,
        handle="",
        name=document["author"] or "",
        text=called(document["title"], address),
        posted_at=document["published_at"] or "",
        url="" if address.startswith("seed:") else address,
        lang=document["lang"],
        outcome="",
        outcome_at="",
        archive=reader.database,
        permalink=_permalink(asked, found),
        sha256=document["sha256"],
        capture=document["capture"],
        captured_at=document["observed_at"],
    )


def _permalink(asked: Asked, found: Meant) -> str:
    """The address of the page in this archive; empty where only this machine or its network could open it."""
    return "" if is_local(asked.site) else cite.link(f"{asked.site}{asked.at.ref(str(found.ref))}")


def is_local(site: str) -> bool:
    """Whether a scheme and host name nothing that others could open: this machine, a private address, a bare name."""
    host = (urlsplit(site).hostname or "").rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".internal", ".lan", ".home.arpa"))


def _bib(found: Row) -> str:
    return str(found["bibtex"])


def _csl(found: Row) -> str:
    """One field a line, as people read it."""
    fields = (",\n  ".join(f"{_json(name)}: {_json(value)}" for name, value in item.items()) for item in found["csl"])
    return "[\n" + ",\n".join(f"{{ {field} }}" for field in fields) + "\n]\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def dress(found: Row, asked: Asked) -> Row:
    """CSL-JSON as the file has it."""
    return {"csl_text": _csl(found)}


PAGES = (
    Page(
        path="cite/(?P<ref>.+?)",
        template="archiver_cite.html",
        gather=gather,
        dress=dress,
        reads=("posts", "versions", "sightings", "captures", "refs", "pages", "documents"),
        css=("reading-room-post.css",),
        forms={"bib": (BIBTEX, _bib), "csl": (CSL, _csl)},
    ),
)
