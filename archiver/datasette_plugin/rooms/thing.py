"""A thing that is no post: an account with its names over time, a web page with its titles, where a short link leads, a
media file, or whatever else anything refers to."""

from __future__ import annotations

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.post import around, history, things
from archiver.datasette_plugin.post.meant import Meant, meant
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.render.glossary import warning

KINDS = {
    "account": "Account",
    "handle": "Handle",
    "page": "Web page",
    "short": "Short link",
    "media": "Media file",
    "profile": "Profile",
    "conversation": "Conversation",
}
"""What each kind of ref is called."""


def gather(reader: Reader, asked: Asked) -> Row:
    """Whatever is known of it. PageError for what this archive has never met, and for a post or a document."""
    found = meant(reader, asked)
    if found.is_post or found.ref.platform == "doc":
        kind = "a post" if found.is_post else "a document"
        links = ((asked.at.ref(str(found.ref)), f"What is known of {found.ref}"),)
        raise PageError(404, f"{found.ref} is {kind}", hint="It has a page of its own", links=links)
    captures = history.captures(reader, found)
    return {
        **found.plain(),
        "kind": found.ref.kind,
        "platform": found.ref.platform,
        **_own(reader, asked, found),
        "leads_from": things.edges(reader, found, "from"),
        "leads_to": things.edges(reader, found, "to"),
        "pointing": around.pointing(reader, found),
        "quoted_in": around.told(around.quoted(reader, found))[: around.QUOTED],
        "proofs": history.proofs(reader, found),
        "captures": captures,
        "captures_total": history.counted(reader, found) if captures else 0,
        "erased": history.erased(reader, found),
        "statements": history.statements(reader, found),
        "queued": history.queued(reader, found),
        "links": {name: asked.at(name, str(found.ref)) for name in ("chain", "cite")},
    }


def _own(reader: Reader, asked: Asked, found: Meant) -> Row:
    """What only its kind has."""
    own: Row = {"account": None, "posts": [], "next": "", "pages": [], "documents": [], "files": [], "carriers": []}
    if found.ref.kind in ("account", "handle", "profile"):
        own["account"] = things.account(reader, found)
        posts = things.posts(reader, found, asked)
        own["posts"] = posts[: things.POSTS]
        if len(posts) > things.POSTS:
            own["next"] = asked.at("thing", str(found.ref), after=posts[things.POSTS - 1]["ref"])
    elif found.ref.kind == "media":
        own |= {"files": things.files(reader, found), "carriers": things.carriers(reader, found)}
    else:
        own |= {"pages": things.pages(reader, found), "documents": things.documents(reader, found)}
    return own


def dress(found: Row, asked: Asked) -> Row:
    """What its kind is called, and the first page of a list."""
    after = asked.get("after")
    return {
        "called": KINDS.get(found["kind"], "Thing"),
        "given": found["asked"],
        "first": asked.at("thing", found["ref"]) if after else "",
        "most": things.EDGES,
        "flag": warning,
        "states": {1: "valid", 0: "refused", None: "not checked"},
    }


PAGES = (
    Page(
        path="thing/(?P<ref>.+?)",
        template="archiver_thing.html",
        gather=gather,
        dress=dress,
        reads=(
            "posts",
            "accounts",
            "account_names",
            "captures",
            "refs",
            "edges",
            "pages",
            "documents",
            "media",
            "files",
        ),
        css=("reading-room-post.css",),
    ),
)
