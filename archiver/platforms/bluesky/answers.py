"""What each answer says. The outcome of a post comes from these signals and no others:

    posts          shown → live. Left out → unavailable: an AppView leaves out what is deleted, taken down,
                   deactivated or unknown to it, and does not say which
    record         shown → live. RecordNotFound → not-found: a host says so of deleted and of taken-down records
    record-proof   the signed repository holds the record → live, or withheld when `record` (asked before, in `given`)
                   had answered RecordNotFound: the author's repository still holds what the host does not show.
                   It does not hold it → not-found, reason `absent-from-repository`, with a proof. Whether it was ever
                   there only the archive knows: an earlier sighting together with this proof means deleted
    repo-status    of the account: deleted → deleted; takendown, suspended → suspended; deactivated and the rest →
                   unavailable, with the status as reason. An active account says nothing of one post

Errors are read by their XRPC name, never by their message. A 404 or 410 without such a name comes from a proxy or a
missing method and says nothing of the post.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from archiver.errors import ParseError, ProofError
from archiver.model import (
    Account,
    Alias,
    Answer,
    Edge,
    Finding,
    Outcome,
    Post,
    Proof,
    Reading,
    Ref,
    Request,
    Unread,
)
from archiver.platforms.bluesky import dag, keys, plc, proof
from archiver.platforms.bluesky.addresses import AtUri, account_ref, record_ref, tid_microseconds
from archiver.platforms.bluesky.embeds import Source
from archiver.platforms.bluesky.names import read_cid, read_uri
from archiver.platforms.bluesky.records import read_record
from archiver.platforms.bluesky.routes import error_name, resolved_did
from archiver.platforms.bluesky.views import Item, read_account, read_post
from archiver.platforms.fields import Node, iso, load
from archiver.platforms.outcomes import http, transport

ABSENT = "absent-from-repository"
_ERRORS = {
    "RecordNotFound": Outcome.NOT_FOUND,
    "HandleNotFound": Outcome.NOT_FOUND,
    "RepoNotFound": Outcome.UNAVAILABLE,
    "RepoDeactivated": Outcome.UNAVAILABLE,
    "AccountDeactivated": Outcome.UNAVAILABLE,
    "RepoTakendown": Outcome.SUSPENDED,
    "RepoSuspended": Outcome.SUSPENDED,
    "AccountTakedown": Outcome.SUSPENDED,
    # What hosts answer for accounts and records that they do not have, when they name no better reason.
    "InvalidRequest": Outcome.UNAVAILABLE,
}
_STATUSES = {"deleted": Outcome.DELETED, "takendown": Outcome.SUSPENDED, "suspended": Outcome.SUSPENDED}


def parse(request: Request, answer: Answer) -> Reading:
    """What an answer says. Raises ParseError, with a pointer, where it is not what its route promises.

    Pointers into a CAR are `/CID/…`: the block, then the place in its JSON form.
    """
    outcome = transport(answer)
    if outcome is not None:
        reason = answer.failure.value
        return _reading(Finding(ref=ref, outcome=outcome, reason=reason) for ref in (request.ref, *request.refs))
    reader = _READERS.get(request.route)
    if reader is None:
        raise ParseError(f"no route {request.route!r}", pointer="/")
    if answer.status != 200:
        return _reading(_refusal(request, answer))
    return _reading(reader(request, answer))


def _reading(items: Iterable[Item]) -> Reading:
    found = list(items)
    return Reading(
        findings=tuple(item for item in found if isinstance(item, Finding)),
        posts=tuple(item for item in found if isinstance(item, Post)),
        accounts=tuple(item for item in found if isinstance(item, Account)),
        edges=tuple(item for item in found if isinstance(item, Edge)),
        aliases=tuple(item for item in found if isinstance(item, Alias)),
        proofs=tuple(item for item in found if isinstance(item, Proof)),
        unread=tuple(item for item in found if isinstance(item, Unread)),
    )


def _given(request: Request, name: str) -> str:
    return next((value for key, value in request.given if key == name), "")


def _refusal(request: Request, answer: Answer) -> Iterator[Item]:
    """An answer other than 200. 404 and 410 mean something in the PLC directory alone, and there of the account."""
    status, name, pointer = answer.status or 0, error_name(answer), ""
    outcome = http(status) or Outcome.UNKNOWN
    if name in _ERRORS and 400 <= status < 500:
        outcome, pointer = _ERRORS[name], "/error"
    elif outcome in {Outcome.NOT_FOUND, Outcome.DELETED} and not (
        request.route == "did" and request.ref.id.startswith("did:plc:")
    ):
        outcome = Outcome.UNAVAILABLE
    for ref in (request.ref, *request.refs):
        yield Finding(ref=ref, outcome=outcome, reason=name or f"HTTP {status}", pointer=pointer)


def _resolve_handle(request: Request, answer: Answer) -> Iterator[Item]:
    did = resolved_did(answer)
    yield Finding(ref=request.ref, outcome=Outcome.LIVE, reason="resolves")
    yield Alias(alias=request.ref, ref=account_ref(did), pointer="/did" if request.route == "resolve-handle" else "")
    for ref in request.refs:
        uri = AtUri.parse(ref.id)
        yield Alias(alias=ref, ref=record_ref(AtUri(authority=did, collection=uri.collection, rkey=uri.rkey)))


def _posts(request: Request, answer: Answer) -> Iterator[Item]:
    items: list[Item] = []
    views = tuple(load(answer.body).at("posts").items())
    broken = False
    for view in views:
        try:
            items += list(read_post(view))
        except ParseError as error:
            broken = True
            items.append(Unread(reason=error.message, pointer=error.pointer))
    yield from items
    shown = {item.ref for item in items if isinstance(item, Finding) and item.outcome is Outcome.LIVE}
    for ref in (request.ref, *request.refs):
        if ref not in shown and broken:
            yield Finding(ref=ref, outcome=Outcome.UNREADABLE, reason="a view could not be read", pointer="/posts")
        elif ref not in shown:
            yield Finding(ref=ref, outcome=Outcome.UNAVAILABLE, reason="left out", pointer="/posts")


def _profile(request: Request, answer: Answer) -> Iterator[Item]:
    profile = load(answer.body)
    account, *aliases = read_account(profile)
    if isinstance(account, Account) and account.ref != request.ref:
        raise profile.at("did").fail("the DID that was asked for")
    yield Finding(ref=request.ref, outcome=Outcome.LIVE)
    yield from (account, *aliases)


def _did(request: Request, answer: Answer) -> Iterator[Item]:
    did = _given(request, "did")
    document = plc.read_document(load(answer.body), did)
    yield Account(ref=account_ref(did), handle=document.handle, url=f"https://bsky.app/profile/{did}")


def _plc_log(request: Request, answer: Answer) -> Iterator[Item]:
    did, log = _given(request, "did"), load(answer.body)
    ref = account_ref(did)
    try:
        state = plc.verify_log(log, did)
        detail = f"{state.operations} operations, {state.nullified} nullified, since {state.created_at}"
        named = _given(request, "key")
        if named and not state.key:
            raise ProofError(f"{detail}; the log ends without a signing key, the DID document names one")
        if named and keys.from_multibase(_given(request, "key-type"), named) != keys.PublicKey.parse(state.key):
            raise ProofError(f"{detail}; the DID document names another signing key than the log")
        if (host := _given(request, "pds")) and host != plc.origin(state.pds):
            raise ProofError(f"{detail}; the DID document names another host than the log")
    except ProofError as error:
        yield Proof(kind="plc-log", ref=ref, valid=False, detail=str(error))
        return
    yield Proof(kind="plc-log", ref=ref, valid=True, detail=detail)
    if state.tombstone:
        yield Finding(ref=ref, outcome=Outcome.DELETED, reason="plc_tombstone")


def _record(request: Request, answer: Answer) -> Iterator[Item]:
    body, ref = load(answer.body), request.ref
    uri = read_uri(body.at("uri"))
    if record_ref(uri) != ref:
        raise body.at("uri").fail("the AT URI that was asked for")
    source = Source(uri=uri, cid=read_cid(body.at("cid")), pds=_given(request, "pds"), pointer="/value")
    yield from read_record(body.at("value"), source)
    yield Finding(ref=ref, outcome=Outcome.LIVE)


def _record_proof(request: Request, answer: Answer) -> Iterator[Item]:
    ref, uri = request.ref, AtUri.parse(request.ref.id)
    try:
        key = keys.from_multibase(_given(request, "key-type"), _given(request, "key"))
    except ProofError as error:
        yield Proof(kind="atproto-record", ref=ref, valid=None, detail=f"no usable signing key: {error}")
        yield Finding(ref=ref, outcome=Outcome.UNKNOWN, reason="unproved")
        return
    try:
        proven = proof.verify_record(answer.body, did=uri.authority, collection=uri.collection, rkey=uri.rkey, key=key)
    except ProofError as error:
        yield Proof(kind="atproto-record", ref=ref, valid=False, detail=str(error))
        yield Finding(ref=ref, outcome=Outcome.UNKNOWN, reason="proof refused")
        return
    detail = f"commit {proven.commit}, rev {proven.rev} ({_rev_time(proven.rev)}), signed by {key}"
    if proven.cid is None or proven.record is None:
        yield Proof(kind="atproto-absence", ref=ref, valid=True, detail=detail)
        yield Finding(ref=ref, outcome=Outcome.NOT_FOUND, reason=ABSENT)
        return
    yield Proof(kind="atproto-record", ref=ref, valid=True, detail=f"{detail}, holds {proven.cid}")
    hidden = _given(request, "record-error") == "RecordNotFound"
    yield Finding(
        ref=ref,
        outcome=Outcome.WITHHELD if hidden else Outcome.LIVE,
        reason="held by the repository, not shown by its host" if hidden else "",
    )
    yield from _proven_record(
        proven.record, Source(uri=uri, cid=proven.cid, pds=_given(request, "pds"), pointer=f"/{proven.cid}")
    )


def _proven_record(block: bytes, source: Source) -> Iterator[Item]:
    try:
        record = Node(dag.to_json(dag.decode(block)), f"/{source.cid}")
        yield from read_record(record, source)
    except ProofError as error:
        yield Unread(reason=str(error), pointer=f"/{source.cid}")
    except ParseError as error:
        yield Unread(reason=error.message, pointer=error.pointer)


def _rev_time(rev: str) -> str:
    """The host's clock at the commit, which the author's client does not set; empty beyond what a date can hold."""
    try:
        return iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=tid_microseconds(rev)))
    except OverflowError:
        return ""


def _repo_status(request: Request, answer: Answer) -> Iterator[Item]:
    body, did = load(answer.body), _given(request, "did")
    if body.at("did").text() != did:
        raise body.at("did").fail("the DID that was asked for")
    active, status = body.at("active"), body.string("status")
    account: Ref = account_ref(did)
    if body.truth("active"):
        yield Finding(ref=account, outcome=Outcome.LIVE, pointer=active.pointer)
        return
    outcome = _STATUSES.get(status, Outcome.UNAVAILABLE)
    pointer = "/status" if status else active.pointer
    for ref in dict.fromkeys((account, request.ref)):
        yield Finding(ref=ref, outcome=outcome, reason=status or "inactive", pointer=pointer)


_READERS: dict[str, Callable[[Request, Answer], Iterator[Item]]] = {
    "resolve-handle": _resolve_handle,
    "handle-did": _resolve_handle,
    "posts": _posts,
    "profile": _profile,
    "did": _did,
    "plc-log": _plc_log,
    "record": _record,
    "record-proof": _record_proof,
    "repo-status": _repo_status,
}
