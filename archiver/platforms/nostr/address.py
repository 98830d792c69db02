"""Addresses of Nostr: `nostr:` URIs (NIP-21) and the web addresses of gateways and clients that carry a code (NIP-19).

A web address counts only on the hosts below, so that pages of other sites stay pages: njump and its mirrors, the
clients that it sends readers to (github.com/fiatjaf/njump, clients.json), and others whose links are about.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from archiver.errors import ParseError
from archiver.model import Ref
from archiver.platforms.nostr.event import is_digits
from archiver.platforms.nostr.nip19 import Code
from archiver.platforms.web.address import normal

HOSTS = frozenset({
    "njump.me", "njump.to", "nostr.com", "nostr.at", "nostr.eu", "nostr.ae", "primal.net", "iris.to", "coracle.social",
    "nostrudel.ninja", "nostter.app", "lumilumi.app", "jumble.social", "nosta.me", "olas.app", "phoenix.social",
    "nosotros.app", "fevela.me", "zap.stream", "habla.news", "yakihonne.com", "pareto.space", "shosho.live",
    "snort.social", "nostr.band", "damus.io", "satellite.earth", "highlighter.com", "nostr.guru",
})  # fmt: skip
_SCHEME = re.compile(r"(?:web\+)?nostr:(?://)?", re.IGNORECASE)
_CODE = re.compile(r"(?:note|nevent|naddr|npub|nprofile)1[02-9ac-hj-np-z]+", re.IGNORECASE | re.ASCII)
_NOTES, _PROFILES = frozenset({"e", "note", "notes", "n"}), frozenset({"p", "profile", "u", "user"})
_LONGEST = 16_384
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
ADDRESSABLE = range(30_000, 40_000)


def claim(url: str) -> Ref | None:
    """The ref of the note, profile or addressable event that an address names; None for any other. A code whose
    checksum does not fit names nothing."""
    if len(url) > _LONGEST:
        return None
    scheme = _SCHEME.match(url)
    if scheme is not None:
        return _of_code(re.split("[/?#]", url[scheme.end() :], maxsplit=1)[0])
    if normal(url) is None:
        return None
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")
    if not any(".".join(labels[place:]) in HOSTS for place in range(len(labels) - 1)):
        return None
    fragment = parts.fragment if parts.fragment.startswith(("/", "!")) else ""
    steps = [unquote(step).removeprefix("@") for step in f"{parts.path}/{fragment}".split("/") if step]
    found = [ref for place, step in enumerate(steps) if (ref := _of_step(step, steps[place - 1] if place else ""))]
    return next((ref for ref in found if ref.kind != "profile"), found[0] if found else None)


def _of_step(step: str, before: str) -> Ref | None:
    step = _SCHEME.sub("", step, count=1)
    if not is_digits(step, 64):
        return _of_code(step.partition("?")[0])
    if before.lower() in _PROFILES:
        return profile(step)
    return note(step) if before.lower() in _NOTES else None


def _of_code(text: str) -> Ref | None:
    if _CODE.fullmatch(text) is None:
        return None
    try:
        code = Code.parse(text)
    except ParseError:
        return None
    if code.prefix in {"npub", "nprofile"}:
        return profile(code.key)
    if code.prefix in {"note", "nevent"}:
        return note(code.key)
    return address(code.kind or 0, code.key, code.identifier)


def note(key: str) -> Ref:
    """The ref of an event by its id."""
    return Ref(platform="nostr", kind="note", id=key)


def profile(key: str) -> Ref:
    """The ref of an author by the public key."""
    return Ref(platform="nostr", kind="profile", id=key)


def address(kind: int, key: str, identifier: str) -> Ref | None:
    """The ref of an addressable event, of which an author may sign many versions (NIP-01): `KIND:PUBKEY:IDENTIFIER`.
    None for other kinds, and for identifiers that cannot stand in a ref."""
    if kind not in ADDRESSABLE or len(identifier) > 1000 or _CONTROL.search(identifier):
        return None
    return Ref(platform="nostr", kind="address", id=f"{kind}:{key}:{identifier}")


def of_coordinate(text: str) -> Ref | None:
    """The ref that the value of an `a` tag names (`KIND:PUBKEY:IDENTIFIER`); None where it names none."""
    kind, _, rest = text.partition(":")
    key, colon, identifier = rest.partition(":")
    if not (kind.isascii() and kind.isdigit() and len(kind) <= 5 and colon and is_digits(key, 64)):
        return None
    return address(int(kind), key, identifier)


def of_event(text: str) -> Ref | None:
    """The ref that the value of an `e` or `q` tag names: an id, or the coordinate of an addressable event."""
    return note(text) if is_digits(text, 64) else of_coordinate(text)


def code_of(ref: Ref) -> str:
    """The code that names a ref; empty for a ref that is none of this platform's."""
    if ref.kind in {"note", "profile"} and is_digits(ref.id, 64):
        return str(Code(prefix="note" if ref.kind == "note" else "npub", key=ref.id))
    if ref.kind == "address" and (found := of_coordinate(ref.id)) == ref and found is not None:
        kind, key, identifier = ref.id.split(":", 2)
        if len(identifier.encode()) <= 255:
            return str(Code(prefix="naddr", key=key, identifier=identifier, kind=int(kind)))
    return ""
