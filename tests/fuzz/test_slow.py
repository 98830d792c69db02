"""Small pieces repeated without an end: what opens and never closes, in every kind of document and in every answer that
holds markup. Each is read, or refused, in the time that `holding` allows for its size."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from archiver import platforms
from archiver.documents import mentions
from archiver.documents.read import read
from archiver.model import Answer
from tests.fuzz import answers
from tests.fuzz.holding import bounded

SIZE = 100_000  # bytes
PIECES = (
    '<meta http-equiv="refresh" content="0;url=',
    "<a href='",
    "<a href=x>",
    "<",
    "<p>",
    "<div>",
    "<b><i>",
    "<svg>",
    "<table><tr><td>",
    '<blockquote class="twitter-tweet">',
    '<iframe src="https://platform.twitter.com/embed/Tweet.html?id=20">',
    "<!--",
    "<![CDATA[",
    '<script type="application/ld+json">{"a":',
    '<link rel="canonical" href="',
    '<meta property="og:title" content="',
    "<base href='",
    "<item>",
    "<description>",
    "<?xml ",
    "<!DOCTYPE ",
    "&",
    "&amp;",
    "&lt;",
    "&#60;",
    "“",
    '"',
    "'",
    "“a b c d e f g",
    "“a” ",
    '" said A. ',
    "— ",
    "(",
    "[",
    "](",
    "![",
    "`",
    "```\n",
    "~~~\n",
    "*",
    "_",
    "**a",
    "> ",
    "- ",
    "+ ",
    "1) ",
    "1.",
    "\n",
    "\r\n",
    "  \n",
    "---\n",
    " ",
    "a ",
    "a: b\n",
    "@",
    "@a) ",
    "a@b.",
    "#",
    "May 1, 2024 ",
    "1.5.2024 ",
    "https://x.com/a/status/1 ",
    "://",
    "www.a.example/ ",
    "a.b",
    "nostr:note1",
    "[embed]",
    "{{< tweet ",
    "{% tweet ",
    '"",',
    '","',
    ",",
    "\t",
    '{"a":',
    "[[",
    "\\",
    "\\u00e9",
    "=",
    "%",
    "|",
    "\xa0",
    "\u200d",
    "é",
    "... ",
    "[...] ",
)
KINDS = (
    "text/html",
    "text/plain",
    "text/markdown",
    "text/uri-list",
    "text/csv",
    "application/rss+xml",
    "application/feed+json",
)
ROUTES = (
    ("x", "tco", ""),
    ("x", "wayback", ""),
    ("x", "oembed", "html"),
    ("fediverse", "status", "content"),
    ("fediverse", "page", ""),
    ("web", "page", ""),
)

pytestmark = pytest.mark.heavy


def repeated(piece: str) -> str:
    return piece * (SIZE // len(piece.encode()))


@pytest.mark.parametrize("kind", KINDS)
def test_documents_take_time_by_their_size(kind: str) -> None:
    for piece in PIECES:
        data = repeated(piece).encode()
        document = bounded(len(data), partial(read, data, media_type=kind, url="https://news.example/a"))
        if document is not None:
            found = bounded(len(data), partial(mentions.find, document, platforms.claim)) or ()
            bounded(len(data), partial(mentions.wider, document, found))


@pytest.mark.parametrize(("platform", "route", "member"), ROUTES)
def test_answers_take_time_by_their_size(platform: str, route: str, member: str) -> None:
    answer: Answer = next(one for one in answers.of(platform) if one.request.route == route)
    parse = platforms.all_platforms()[platform].parse
    for piece in PIECES:
        body = repeated(piece).encode()
        if member:
            body = json.dumps(json.loads(answer.body) | {member: repeated(piece)}).encode()
        bounded(len(body), partial(parse, answer.request, replace(answer, body=body)))
