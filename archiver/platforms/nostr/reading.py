"""Events → Reading. Only what its author's own key signed is read: an event whose id or signature does not hold is an
outcome `unreadable` and a refused proof, never a post.

    kind 0                  the author's profile (NIP-01)
    1, 11, 20–22, 1111      notes, threads, pictures, films, comments (NIP-10, 7D, 68, 71, 22)
    30023                   articles: versions of an address (NIP-23)
    5                       deletion requests (NIP-09): they count for events of the same key alone
    6, 16                   reposts (NIP-18); the event inside is read for its own signature

An event proves who signed it, not when: `created_at` is what the author wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from archiver.errors import ParseError, ProofError
from archiver.model import Account, Alias, EdgeKind, Outcome, Proof, Reading, Ref
from archiver.platforms.fields import Node, iso, load
from archiver.platforms.nostr import event as events
from archiver.platforms.nostr.address import ADDRESSABLE, address, code_of, note, of_coordinate, of_event, profile
from archiver.platforms.nostr.event import Event
from archiver.platforms.nostr.gathered import Gathered
from archiver.platforms.nostr.notes import ARTICLE, POSTS, read_post

KIND = "nostr-event"
REQUESTED = "deletion requested by "
"""What the reason of a finding begins with where an event asks for a deletion; the ref of its author follows."""
_PROFILE, _DELETION, _REPOSTS = 0, 5, frozenset({6, 16})
_DEEPEST = 1  # a repost of a repost is read, what is inside the inner one is not
_LAST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def read(nodes: Iterable[Node], held: tuple[Outcome, str]) -> Reading:
    """What events say. `held` is the outcome, with its reason, for those whose signature holds."""
    out = Gathered(held=held)
    found: list[Event] = []
    for node in nodes:
        found += _checked(node, out, 0, "")
    for event in sorted(found, key=lambda event: (event.kind == _PROFILE, event.created_at)):
        if event.kind == _PROFILE:
            _profile(event, out)
    for event in found:
        _event(event, out)
    for event in found:
        if event.kind == _DELETION:
            _deletion(event, out)
    return out.reading()


def moment(seconds: int) -> str:
    """A time of an event as UTC ISO 8601; empty beyond what a date can hold."""
    return iso(datetime.fromtimestamp(seconds, UTC)) if seconds <= _LAST else ""


def _checked(node: Node, out: Gathered, depth: int, inside: str) -> list[Event]:
    """The event at a place whose id and signature hold, and those inside it; `inside` names the repost around it."""
    try:
        event = events.read(node)
    except ParseError as error:
        out.skip(f"no event of Nostr: {error.message}", error.pointer)
        return []
    ref = note(event.id)
    try:
        events.check(event)
    except ProofError as error:
        where = f"a copy inside the repost {inside}: " if inside else ""
        out.proofs.append(
            Proof(kind=KIND, ref=ref, valid=False, detail=f"{where}{error}: forged or changed", pointer=event.pointer)
        )
        if not inside:  # what a repost holds says nothing of the event that it claims to be
            out.found(ref, Outcome.UNREADABLE, f"{error}: forged or changed", event.pointer)
        return []
    # What an author's key says of the author, or of several notes, is a proof of the author's, and stands by each note.
    about = profile(event.pubkey) if event.kind in {_PROFILE, _DELETION} else ref
    out.proofs.append(Proof(kind=KIND, ref=about, valid=True, detail=_detail(event), pointer=event.pointer))
    out.valid[event.id] = event
    return [event, *(_embedded(event, out, depth) if event.kind in _REPOSTS and event.content.strip() else ())]


def _detail(event: Event) -> str:
    at = moment(event.created_at) or str(event.created_at)
    what = {_PROFILE: "a profile, ", _DELETION: f"asks for the deletion of {_named(event)}, "}.get(event.kind, "")
    return f"{what}id {event.id} and BIP-340 signature by {code_of(profile(event.pubkey))}; the author writes {at}"


def _named(event: Event) -> str:
    """The first of what a deletion request names, and how many more."""
    values = [tag[1] for name in ("e", "a") for _, tag in event.named(name) if of_event(tag[1]) is not None]
    more = f" and {len(values) - 1} more" if len(values) > 1 else ""
    return f"{values[0]}{more}" if values else "nothing"


def _embedded(event: Event, out: Gathered, depth: int) -> list[Event]:
    """The event that a repost carries as text, for its own signature."""
    pointer = f"{event.pointer}/content"
    try:
        inner = load(event.content.encode())
    except ParseError as error:
        out.skip(f"a repost of what is no JSON: {error.message}", pointer)
        return []
    if not events.looks_like_event(inner) or depth == _DEEPEST:
        out.skip("a repost of what is no event", pointer)
        return []
    found = _checked(Node(inner.value, pointer), out, depth + 1, str(note(event.id)))
    named = [tag[1] for _, tag in event.named("e")]
    if found and named and found[0].id not in named:
        out.skip(f"the repost names another event than the one inside it, {found[0].id}", pointer)
    return found


def _event(event: Event, out: Gathered) -> None:
    ref = note(event.id)
    if event.kind == _PROFILE:
        out.shown(ref, event.pointer)
        return
    out.accounts.append(_account(event.pubkey, out.names.get(event.pubkey, ""), event.pointer))
    version_of = address(event.kind, event.pubkey, event.value("d")) if event.kind in ADDRESSABLE else None
    if version_of is not None:
        out.aliases.append(Alias(alias=ref, ref=version_of, pointer=f"{event.pointer}/id"))
        ref = version_of
    out.shown(ref, event.pointer)
    if event.kind in POSTS or (event.kind == ARTICLE and version_of is not None):
        read_post(event, ref, moment, out)
    elif event.kind in _REPOSTS:
        _repost(event, ref, out)
    elif event.kind != _DELETION:
        out.skip(f"an event of kind {event.kind}: signed, but not read", event.pointer)


def _account(key: str, name: str, pointer: str) -> Account:
    ref = profile(key)
    return Account(ref=ref, name=name, url=f"nostr:{code_of(ref)}", pointer=f"{pointer}/pubkey")


def _profile(event: Event, out: Gathered) -> None:
    """The name that an author claims. A `nip05` address is not looked up, so it is no handle."""
    pointer = f"{event.pointer}/content"
    try:
        about = Node(load(event.content.encode()).value, pointer)
        name = (about.string("display_name") or about.string("name")).strip()[:200]
    except ParseError as error:
        out.skip(f"a profile that cannot be read: {error.message}", pointer)
        return
    if name:
        out.names[event.pubkey] = name
        out.accounts.append(_account(event.pubkey, name, event.pointer))


def _repost(event: Event, ref: Ref, out: Gathered) -> None:
    """Whom it reposts: by the tag; a repost without one, by the event inside it."""
    out.edge(EdgeKind.NAMES, ref, profile(event.pubkey), f"{event.pointer}/pubkey")
    tags = [(place, of_event(tag[1])) for name in ("e", "a") for place, tag in event.named(name)]
    goals = [(place, goal) for place, goal in tags if goal is not None]
    if goals:
        place, goal = goals[0]
        out.edge(EdgeKind.REPOSTS, ref, goal, f"{event.pointer}/tags/{place}/1")
        return
    inner = next((one for one in out.valid.values() if one.pointer == f"{event.pointer}/content"), None)
    if inner is None:
        out.skip("a repost that names no event", event.pointer)
        return
    out.edge(EdgeKind.REPOSTS, ref, note(inner.id), inner.pointer)


def _deletion(event: Event, out: Gathered) -> None:
    """A request counts for events of the same key. Where the event that it names is not in this answer, its author is
    not known here: whether the request counts is decided where all captures are known (`store.summaries`)."""
    reason = f"{REQUESTED}{profile(event.pubkey)}"
    for place, tag in event.named("e"):
        pointer = f"{event.pointer}/tags/{place}/1"
        if not events.is_digits(tag[1], 64):
            out.skip("a deletion request for what is no id", pointer)
            continue
        target = out.valid.get(tag[1])
        if target is None:
            out.found(note(tag[1]), Outcome.UNKNOWN, reason, pointer)
        elif target.pubkey != event.pubkey:
            out.skip("a deletion request by another key than the author's: without effect", pointer)
        elif target.kind == _DELETION or target.kind in ADDRESSABLE:
            out.skip(f"a deletion request for an event of kind {target.kind}: without effect here", pointer)
        else:
            out.found(note(tag[1]), Outcome.DELETED, reason, pointer)
    for place, tag in event.named("a"):
        pointer, goal = f"{event.pointer}/tags/{place}/1", of_coordinate(tag[1])
        if goal is None or goal.id.split(":")[1] != event.pubkey:
            out.skip("a deletion request for an address of another key, or for none: without effect", pointer)
            continue
        newer = [one for one in out.valid.values() if _at(one) == goal and one.created_at > event.created_at]
        if not newer:
            out.found(goal, Outcome.DELETED, f"versions until {moment(event.created_at)} {reason}", pointer)


def _at(event: Event) -> Ref | None:
    return address(event.kind, event.pubkey, event.value("d"))
