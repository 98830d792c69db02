"""What is asked, in which order. Each route is asked once, so a plan ends whatever the answers are.

    1  resolve-handle   only for a handle: the AppView says which DID it has; when it does not,
       handle-did       the handle's own host does (`/.well-known/atproto-did`)
    2  posts            app.bsky.feed.getPosts (for an account: `profile`, app.bsky.actor.getProfile)
       did              the DID document: PLC directory, or the host of a did:web
    3  plc-log          the audit log of a did:plc (also when `did` says 410: the log proves the tombstone)
       record           com.atproto.repo.getRecord from the account's own host (PDS)
    4  record-proof     com.atproto.sync.getRecord: the author's proof that the record is there, or is not
       repo-status      com.atproto.sync.getRepoStatus, when `record` did not show it; always for an account

A silent AppView does not stop the rest once the DID is known. Endpoints: `bluesky.appview`, `bluesky.plc`. Option
`bluesky.proofs` = `no` leaves out `plc-log` and `record-proof`.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from archiver.errors import InputError, ParseError
from archiver.model import Answer, Failure, Ref, Request, Settings
from archiver.platforms.bluesky.addresses import (
    AtUri,
    account_ref,
    actor_ref,
    is_blessed_did,
    is_did,
    is_handle,
    record_ref,
)
from archiver.platforms.bluesky.plc import DidDocument, document_url, read_document
from archiver.platforms.fields import Node, load

APPVIEW = "https://public.api.bsky.app"
PLC = "https://plc.directory"
JSON = (("accept", "application/json"),)
CAR = (("accept", "application/vnd.ipld.car"),)
RECORDS = frozenset(["post", "repost", "record"])
# After these the host is not asked again: it did not speak, or our guard does not let it.
HOST_SILENT = frozenset([Failure.DNS, Failure.CONNECT, Failure.TLS, Failure.BLOCKED])


def plan(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    """The requests that are still to be made for a ref, given the answers so far; empty when done."""
    uri = _target(ref)
    if uri is None:
        return ()
    done = {answer.request.route: answer for answer in answers}
    if not is_did(uri.authority):
        resolving = _resolve(ref, uri.authority, done, settings)
        if resolving:
            return resolving
        did = next(filter(None, (_did_in(done.get(route)) for route in ("resolve-handle", "handle-did"))), "")
        if not did:
            return ()
        uri = replace(uri, authority=did)
    wanted = _from_directories(uri, settings)
    document, answer = _document(done.get("did"), uri.authority), done.get("did")
    if document is not None:
        wanted += _from_host(uri, document, done.get("record"), settings)
    elif answer is not None and answer.status == 410:
        wanted += _log(uri.authority, (("did", uri.authority),), settings)  # a tombstone, which the log proves
    return tuple(request for request in wanted if request.route not in done)


def _target(ref: Ref) -> AtUri | None:
    """The AT URI of what is asked for: a record, or an account alone. None for what this platform does not have."""
    if ref.platform != "bluesky":
        return None
    try:
        uri = AtUri.parse(ref.id if ref.kind in RECORDS else f"at://{ref.id}")
    except InputError:
        return None
    if not (is_blessed_did(uri.authority) or is_handle(uri.authority)):
        return None
    if ref.kind in RECORDS:
        return uri if uri.rkey and record_ref(uri) == ref else None
    return uri if ref == actor_ref(uri.authority) and not uri.collection else None


def _resolve(ref: Ref, handle: str, done: dict[str, Answer], settings: Settings) -> tuple[Request, ...]:
    subject = actor_ref(handle)
    others = () if ref == subject else (ref,)
    if "resolve-handle" not in done:
        base = settings.endpoint("bluesky.appview", APPVIEW)
        url = f"{base}/xrpc/com.atproto.identity.resolveHandle?handle={quote(handle)}"
        return (Request(ref=subject, refs=others, route="resolve-handle", url=url, headers=JSON),)
    if "handle-did" not in done and not _did_in(done["resolve-handle"]):
        url = f"https://{handle}/.well-known/atproto-did"
        return (Request(ref=subject, refs=others, route="handle-did", url=url),)
    return ()


def _from_directories(uri: AtUri, settings: Settings) -> tuple[Request, ...]:
    """What needs the DID alone."""
    did, appview = uri.authority, settings.endpoint("bluesky.appview", APPVIEW)
    account, given = account_ref(did), (("did", did),)
    document = Request(
        ref=account,
        route="did",
        url=document_url(did, settings.endpoint("bluesky.plc", PLC)),
        headers=JSON,
        given=given,
    )
    if not uri.rkey:
        url = f"{appview}/xrpc/app.bsky.actor.getProfile?actor={_quote(did)}"
        return Request(ref=account, route="profile", url=url, headers=JSON, given=given), document
    ref = record_ref(uri)
    if ref.kind != "post":
        return (document,)
    url = f"{appview}/xrpc/app.bsky.feed.getPosts?uris={_quote(str(uri))}"
    return Request(ref=ref, route="posts", url=url, headers=JSON, given=given), document


def _from_host(uri: AtUri, document: DidDocument, record: Answer | None, settings: Settings) -> tuple[Request, ...]:
    """What needs the DID document: the log that proves it, and the account's own host."""
    did = uri.authority
    ref = record_ref(uri) if uri.rkey else account_ref(did)
    facts = (("did", did), ("pds", document.pds), ("key-type", document.key_type), ("key", document.key))
    given = tuple((name, value) for name, value in facts if value)
    wanted = list(_log(did, given, settings))
    if not document.pds:
        return tuple(wanted)
    status = f"{document.pds}/xrpc/com.atproto.sync.getRepoStatus?did={_quote(did)}"
    repo_status = Request(ref=ref, route="repo-status", url=status, headers=JSON, given=given)
    if not uri.rkey:
        return (*wanted, repo_status)
    path = f"collection={_quote(uri.collection)}&rkey={_quote(uri.rkey)}"
    get = f"{document.pds}/xrpc/com.atproto.repo.getRecord?repo={_quote(did)}&{path}"
    wanted.append(Request(ref=ref, route="record", url=get, headers=JSON, given=given))
    if record is None or record.failure in HOST_SILENT:
        return tuple(wanted)
    if _proofs(settings):
        sync = f"{document.pds}/xrpc/com.atproto.sync.getRecord?did={_quote(did)}&{path}"
        error = error_name(record)
        known = (*given, ("record-error", error)) if error else given
        wanted.append(Request(ref=ref, route="record-proof", url=sync, headers=CAR, given=known))
    if record.status not in {None, 200}:
        wanted.append(repo_status)
    return tuple(wanted)


def _proofs(settings: Settings) -> bool:
    return settings.options.get("bluesky.proofs") != "no"


def _log(did: str, given: tuple[tuple[str, str], ...], settings: Settings) -> tuple[Request, ...]:
    if not (_proofs(settings) and did.startswith("did:plc:")):
        return ()
    url = f"{document_url(did, settings.endpoint('bluesky.plc', PLC))}/log/audit"
    return (Request(ref=account_ref(did), route="plc-log", url=url, headers=JSON, given=given),)


def _quote(text: str) -> str:
    return quote(text, safe=":/")


def error_name(answer: Answer) -> str:
    """The XRPC error name of an answer that is not 200; empty where it has none."""
    if answer.status == 200:
        return ""
    try:
        name = load(answer.body).at("error").text()
    except ParseError:
        return ""
    return name if name.isascii() and name.isalnum() and len(name) <= 64 else ""


def resolved_did(answer: Answer) -> str:
    """The DID that an answer to `resolve-handle` (JSON) or `handle-did` (plain text) names. Raises ParseError."""
    if answer.request.route == "resolve-handle":
        node = load(answer.body).at("did")
    else:
        node = Node(answer.body.decode("utf-8", "replace").strip())
    if not is_blessed_did(did := node.text()):
        raise node.fail("a DID")
    return did


def _did_in(answer: Answer | None) -> str:
    if answer is None or answer.status != 200 or answer.failure is not Failure.NONE:
        return ""
    try:
        return resolved_did(answer)
    except ParseError:
        return ""


def _document(answer: Answer | None, did: str) -> DidDocument | None:
    if answer is None or answer.status != 200 or answer.failure is not Failure.NONE:
        return None
    try:
        return read_document(load(answer.body), did)
    except ParseError:
        return None
