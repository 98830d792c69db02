"""Nostr: signed events, which prove their author by themselves. https://github.com/nostr-protocol/nips

Refs: `nostr:note:ID` (any event, 64 hexadecimal digits), `nostr:profile:KEY`, `nostr:address:KIND:KEY:IDENTIFIER`
(an addressable event, of which each version is an event too).

Relays speak WebSocket and are not spoken to. Events come as files (`imported`: what a client or a relay exported), or
from a gateway that answers HTTPS with the JSON of an event, where `[endpoints]` names one as `nostr.event` (route
`event`; there is none by default, for no such service is documented). Who hands an event on does not matter: what its
key did not sign is not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from archiver.model import Answer, Finding, Outcome, Reading, Ref, Request, Settings
from archiver.platforms import outcomes
from archiver.platforms.fields import load
from archiver.platforms.nostr import files, reading
from archiver.platforms.nostr.address import claim, code_of

__all__ = ["EXAMPLES", "UNASKED", "claim", "imported", "parse", "plan"]

# The event id is the one that NIP-01 shows in an example, the key that of the private key 1.
_NOTE = "nostr:note:5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36"
_KEY = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
_NOTE_CODE = "note1tjpa5aa0rhkx6u5fsdye3tt6477eugv389khtmpucfl45aezdumqkkhgwy"
_EVENT_CODE = (
    "nevent1qqs9eq76w7h3mmrdw2ycxjvc44a2l0v7yxgnjmt4as7vyl66wu3x7dspzdmhxue69uhhyetvv9ujuetcv9khqmr9qvzqqqqqqy7c842f"
)
_NPUB = "npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d"
_NADDR = "naddr1qqzkcmmjv4ksygrehen8a7wuhwk9tgrzjh8gwzc8q2dlekedec5djk0js9d3d7qhnqpsgqqqw4rsj3k0um"
EXAMPLES: Mapping[str, str] = {
    f"nostr:{_NOTE_CODE}": _NOTE,
    f"nostr:{_EVENT_CODE}": _NOTE,
    f"web+nostr:{_EVENT_CODE.upper()}": _NOTE,
    f"https://njump.me/{_EVENT_CODE}": _NOTE,
    f"https://primal.net/e/{_NOTE_CODE}?x=1#y": _NOTE,
    f"https://snort.social/e/{_EVENT_CODE}": _NOTE,
    f"https://nostrudel.ninja/#/n/{_EVENT_CODE}": _NOTE,
    "https://njump.me/e/5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36": _NOTE,
    f"https://coracle.social/{_NPUB}/{_NOTE_CODE}": _NOTE,
    f"nostr:{_NPUB}": f"nostr:profile:{_KEY}",
    f"https://iris.to/{_NPUB}": f"nostr:profile:{_KEY}",
    f"https://habla.news/a/{_NADDR}": f"nostr:address:30023:{_KEY}:lorem",
}
UNASKED = "no relay is spoken to: add the event as a file, as a client or a relay exports it"
"""Why no request is made where `plan` gives none."""
_FILE = (Outcome.UNKNOWN, "held by a file: no relay was asked")


def plan(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    """One GET to the gateway that is configured; `{id}` in its address is replaced by the event's id (`{code}` by the
    NIP-19 code of any ref), else the id is appended. None is made where none is configured."""
    base = settings.endpoint("nostr.event", "")
    code = code_of(ref) if ref.platform == "nostr" else ""
    if answers or not base or not code:
        return ()
    if "{code}" in base:
        url = base.replace("{code}", code)
    elif ref.kind == "note":
        url = base.replace("{id}", ref.id) if "{id}" in base else f"{base}/{ref.id}"
    else:
        return ()
    return (Request(ref=ref, route="event", url=url, headers=(("Accept", "application/json"),)),)


def parse(request: Request, answer: Answer) -> Reading:
    """What a gateway answers. It is nobody's own server: that it has no such event says nothing of the event."""
    if answer.status is None:
        outcome = outcomes.transport(answer) or Outcome.UNREACHABLE
        return Reading(findings=(Finding(ref=request.ref, outcome=outcome),))
    outcome_of_status = outcomes.http(answer.status)
    if outcome_of_status is not None or not 200 <= answer.status < 300:
        outcome = outcome_of_status or Outcome.UNKNOWN
        if outcome in {Outcome.NOT_FOUND, Outcome.DELETED, Outcome.WITHHELD}:
            outcome = Outcome.UNKNOWN
        reason = f"the gateway answers http-{answer.status}"
        return Reading(findings=(Finding(ref=request.ref, outcome=outcome, reason=reason, pointer="status"),))
    held = files.find(answer.body)
    if held is None:
        load(answer.body)  # raises for what is no JSON
        missing = Finding(ref=request.ref, outcome=Outcome.UNKNOWN, reason="the answer of the gateway holds no event")
        return Reading(findings=(missing,))
    found = reading.read(held.events, (Outcome.LIVE, "shown by a gateway"))
    findings = found.findings
    aliases = {alias.alias: alias.ref for alias in found.aliases}
    if not {finding.ref for finding in findings} & {request.ref, aliases.get(request.ref)}:
        missing = Finding(ref=request.ref, outcome=Outcome.UNKNOWN, reason="the gateway answered with another event")
        findings = (missing, *findings)
    return Reading(
        findings=findings,
        posts=found.posts,
        accounts=found.accounts,
        edges=found.edges,
        aliases=found.aliases,
        proofs=found.proofs,
        unread=(*held.others, *found.unread),
    )


def imported(body: bytes) -> Reading | None:
    """What a file of events says (see `files`); None for any other file. Its findings are `unknown`: a file shows that
    an author signed an event, not that a relay still serves it."""
    held = files.find(body)
    if held is None:
        return None
    found = reading.read(held.events, _FILE)
    return Reading(
        findings=found.findings,
        posts=found.posts,
        accounts=found.accounts,
        edges=found.edges,
        aliases=found.aliases,
        proofs=found.proofs,
        unread=(*held.others, *found.unread),
    )
