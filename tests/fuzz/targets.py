"""What is attacked: each target makes one input out of choices, hands it over, and holds what comes out.

A target raises `Unsound`, or whatever else the code under attack let through; both are findings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

from archiver import platforms
from archiver.bundle import verify_curves, verify_repo
from archiver.bundle.verify_files import Refused
from archiver.documents import mentions
from archiver.documents.read import read
from archiver.errors import ArchiverError
from archiver.model import Answer, Reading, Ref, Settings
from archiver.platforms.bluesky import keys, proof
from archiver.platforms.bluesky.addresses import AtUri
from tests.fuzz import answers, mutating, wholes, wire
from tests.fuzz.choosing import Chooser
from tests.fuzz.holding import bounded, need, sound

NAMES = ("bluesky", "fediverse", "nostr", "web", "x")
STATUSES = (
    200,
    200,
    200,
    200,
    200,
    200,
    201,
    204,
    206,
    301,
    302,
    400,
    401,
    403,
    404,
    410,
    418,
    429,
    451,
    500,
    503,
    599,
)
EVERYTHING = Settings(
    options={"x.wayback": "yes", "x.graphql_query_id": "Q", "fediverse.signer": "https://us.example/actor"},
    secrets=frozenset({"X_BEARER_TOKEN", "X_GUEST_BEARER"}),
    endpoints={"nostr.event": "https://gate.example/{code}"},
)


def answered(platform: str, chooser: Chooser) -> None:
    """A platform reads an answer that is not quite right; then it plans what to ask next."""
    known = answers.of(platform)
    answer = chooser.pick(known)
    body = answer.body
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        body = mutating.content(chooser, body)
    else:
        body = mutating.encoded(chooser, mutating.document(chooser, value))
    headers = answer.headers
    if chooser.number(8) == 1:
        headers = (*headers[1:], wire.header(chooser))
    if chooser.number(8) == 1:
        answer = replace(answer, url=mutating.string(chooser, answer.url))
    answer = replace(answer, body=body, headers=headers, status=chooser.pick(STATUSES))
    module = platforms.all_platforms()[platform]
    parse = partial(module.parse, answer.request, answer)
    reading = bounded(len(body), parse)
    if reading is not None:
        held(reading)
        need(parse() == reading, "the same answer is read differently")
    others = tuple(other for other in known if other.request.ref == answer.request.ref and other is not answer)
    _planned(answer.request.ref, (answer,))
    _planned(answer.request.ref, (*others[: chooser.number(4)], answer))


def held(reading: Any) -> None:
    need(type(reading) is Reading, f"{type(reading).__name__} is no reading")
    sound(reading)


def _planned(ref: Ref, given: tuple[Answer, ...]) -> None:
    module = platforms.platform_of(ref)
    if module is None:
        return
    size = sum(len(answer.body) for answer in given)
    for settings in (Settings(), EVERYTHING):
        for request in bounded(3 * size, partial(module.plan, ref, given, settings)) or ():
            sound(request)
            need(platforms.platform_of(request.ref) is not None, f"{request.ref} is of no platform")


@cache
def _addresses() -> tuple[str, ...]:
    return tuple(url for module in platforms.all_platforms().values() for url in module.EXAMPLES)


def claimed(chooser: Chooser) -> None:
    """An address that is not quite right: nobody's, or somebody's whom it makes ask http(s) alone."""
    url = chooser.pick(_addresses())
    for _ in range(1 + chooser.number(3)):
        url = mutating.string(chooser, url)
    ref = bounded(len(url), partial(platforms.claim, url))
    if ref is None:
        return
    sound(ref)
    need(platforms.claim(url) == ref, f"{url!r} is claimed differently the second time")
    _planned(ref, ())
    if ref.platform == "web":
        need(platforms.claim(ref.id) is not None, f"{ref.id!r}, the normal form of {url!r}, is no address")


CHARSETS = (
    "",
    "",
    "",
    "utf-8",
    "latin-1",
    "windows-1252",
    "utf-16",
    "utf-7",
    "idna",
    "punycode",
    "shift_jis",
    "unknown",
    "\0",
    "x" * 99,
)


def documented(chooser: Chooser) -> None:
    """A document that is not quite right is read, and what it quotes is found within its bounds."""
    kind, text = chooser.pick(wholes.DOCUMENTS)
    data = text.encode()
    kind = chooser.pick((kind, kind, kind, "", "text/html", "application/json", "text/x\0"))
    charset, column = chooser.pick(CHARSETS), chooser.pick(("", "", "", "", "url", "\0"))
    if not data:
        data = mutating.encoded(chooser, mutating.document(chooser, wholes.FEED))
    data = mutating.content(chooser, data)
    if len(data) > 60_000:
        return  # megabytes made to be slow are tried elsewhere
    make = partial(read, data, media_type=kind, charset=charset, url="https://news.example/a", column=column)
    document = bounded(len(data), make)
    if document is None:
        return
    typed_but_text(document)
    need(make() == document, "the same bytes are read differently")
    end, source = len(document.text), len(document.source)
    for run in document.runs:
        need(run.text.end <= end and run.source.end <= source, f"a run ends behind the document: {run}")
    for link in document.links:
        need(link.text.end <= end and link.source.end <= source, f"a link ends behind the document: {link}")
    found = bounded(len(data), partial(mentions.find, document, platforms.claim)) or ()
    order = [(one.text.start, one.text.end, one.kind, one.source.start) for one in found]
    need(order == sorted(order), "mentions are out of order")
    for one in found:
        sound(one)
        need(one.text.end <= end and one.source.end <= source, f"a mention ends behind the document: {one}")
        need(one.quote is None or one.quote.end <= end, f"a quotation ends behind the document: {one}")
        mentions.words(document, one)
    need(mentions.find(document, platforms.claim) == found, "the same mentions are found differently")
    bounded(len(data), partial(mentions.wider, document, found))


def typed_but_text(document: Any) -> None:
    """A document's text and source are the decoded bytes as they are, NUL and all; the rest can be stored."""
    for name in ("text", "source"):
        need(type(getattr(document, name)) is str, f"{name} is no text")
        getattr(document, name).encode()  # what cannot be encoded cannot be stored: UnicodeEncodeError is a finding
    blank = replace(document, text="", source="", repairs=())
    sound(blank)


def proved(chooser: Chooser) -> None:
    """An author's proof that is not quite right: the archive and the verify.py of its bundles say the same of it."""
    known = [answer for answer in answers.of("bluesky") if answer.request.route == "record-proof"]
    answer = chooser.pick(known)
    given, uri = dict(answer.request.given), AtUri.parse(answer.request.ref.id)
    car = mutating.content(chooser, answer.body)
    rkey = uri.rkey if chooser.number(4) else mutating.string(chooser, uri.rkey).encode("utf-8", "replace").decode()
    key = keys.from_multibase(given["key-type"], given["key"])
    where = {"did": uri.authority, "collection": uri.collection, "rkey": rkey}
    ours = bounded(len(car), partial(proof.verify_record, car, key=key, **where))
    name, signer = f"{uri.collection}/{rkey}", verify_curves.signer_of(given["key-type"], given["key"])
    try:
        theirs = verify_repo.check_record(car, uri.authority, name, signer)
    except (Refused, UnicodeEncodeError):
        need(ours is None, "the archive takes a proof that verify.py refuses")
        return
    need(ours is not None, "verify.py takes a proof that the archive refuses")
    need((ours.rev, ours.record, ours.cid or "") == (theirs.rev, theirs.record, str(theirs.cid or "")), "two readings")


TARGETS: dict[str, Callable[[Chooser], None]] = {
    **{name: partial(answered, name) for name in NAMES},
    "proof": proved,
    "claim": claimed,
    "document": documented,
    "redirect": wire.redirected,
    "head": wire.headed,
    "robots": wire.crawled,
    "replay": wire.replayed,
    "config": wire.configured,
    "format": wire.formatted,
}


def run(name: str, data: bytes) -> None:
    """One input of a target. What the guard and the parsers refuse is refused with errors of our own tree."""
    try:
        TARGETS[name](Chooser(data))
    except ArchiverError as error:
        raise AssertionError(f"{type(error).__name__} where nothing may be refused: {error}") from error
