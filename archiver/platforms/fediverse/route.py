"""Which requests follow which answers. Pure: the answers so far decide."""

from __future__ import annotations

from archiver.errors import ParseError
from archiver.model import Answer, Failure, Ref, Request, Settings
from archiver.platforms.fediverse.address import api_id, is_page, place_of, post
from archiver.platforms.fediverse.gathered import web_uri
from archiver.platforms.fediverse.objects import proof_inputs
from archiver.platforms.fediverse.status import is_status
from archiver.platforms.fields import Node, load
from archiver.platforms.web.address import normal

PROFILE = "https://www.w3.org/ns/activitystreams"
ACCEPT = (("Accept", f'application/activity+json, application/ld+json; profile="{PROFILE}"'),)
_API = (("Accept", "application/json"),)
_UNANSWERED = frozenset((Failure.DNS, Failure.CONNECT, Failure.TLS, Failure.BLOCKED))


def is_activity(content_type: str) -> bool:
    """Whether a media type is that of ActivityPub documents (ActivityPub §3.2)."""
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    return kind == "application/activity+json" or (kind == "application/ld+json" and PROFILE in parameters)


def plan(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    """The next requests. A post: the Mastodon API where the address shows its id; then, where that does not give the
    post, or gives a copy of another server's, the ActivityPub object, signed only when `fediverse.signer` is set;
    the history of an edited post; the actor whose key an object's proof names; the web page, as evidence alone, where
    the server keeps its documents to itself."""
    if ref.platform != "fediverse":
        return ()
    signer = bool(settings.options.get("fediverse.signer"))
    if ref.kind in {"post", "repost"} and normal(ref.id) is not None:
        return _post(ref, answers, signer)
    if ref.kind == "account" and normal(ref.id) is not None:
        return _actor(ref, answers, signer)
    if ref.kind == "handle":
        return _handle(ref, answers)
    return ()


def _post(ref: Ref, answers: tuple[Answer, ...], signer: bool) -> tuple[Request, ...]:
    status = _last(answers, "status")
    if status is None and (number := api_id(ref.id)) and (place := place_of(ref.id)):
        url = f"{place.base}/api/v1/statuses/{number}"
        return (Request(ref=ref, route="status", url=url, headers=_API),)
    node, goal = (_status(status) if status else None), ref
    if node is not None and status is not None:
        uri, place = _uri(node), place_of(status.url or status.request.url)
        if place is None or place.owns(uri):
            return _history(ref, uri, node, answers)
        if not uri:
            return ()
        goal = post(uri)  # a copy: only the original's own server can say whose words they are
    elif status is not None and (status.status == 429 or status.failure in _UNANSWERED):
        return ()
    return _object(goal, answers, signer) if is_page(goal.id) else ()


def _object(goal: Ref, answers: tuple[Answer, ...], signer: bool) -> tuple[Request, ...]:
    plain, signed = _last(answers, "object"), _last(answers, "object-signed")
    if plain is None:
        return (Request(ref=goal, route="object", url=goal.id, headers=ACCEPT),)
    if plain.status in {401, 403} and signed is None and signer:
        return (Request(ref=goal, route="object-signed", url=goal.id, headers=ACCEPT, signer=True),)
    came = signed or plain
    node = _document(came)
    if node is None and _last(answers, "page") is None and _guarded(came):
        return (Request(ref=goal, route="page", url=goal.id, headers=(("Accept", "text/html"),)),)
    place = place_of(came.url or came.request.url)
    if node is None or place is None or _last(answers, "actor") is not None:
        return ()
    try:
        given, uri = proof_inputs(node), web_uri(node.string("id"))
    except ParseError:
        return ()
    key = dict(given).get("proof.method", "").partition("#")[0]
    if not given or not place.owns(uri) or not place.owns(key):
        return ()
    return (Request(ref=goal, route="actor", url=key, headers=ACCEPT, given=given, signer=came is signed),)


def _guarded(answer: Answer) -> bool:
    """Whether the server keeps its documents from us, or has none, while it may still show the post as a page."""
    code = answer.status or 0
    return code in {401, 403, 406} or 200 <= code < 300


def _history(ref: Ref, uri: str, node: Node, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if not node.value.get("edited_at") or node.value.get("reblog") or _last(answers, "history") is not None:
        return ()
    status = _last(answers, "status")
    assert status is not None, "the node was read from it"
    url = f"{status.request.url}/history"
    return (Request(ref=ref, route="history", url=url, headers=_API, given=(("uri", uri),)),)


def _actor(ref: Ref, answers: tuple[Answer, ...], signer: bool) -> tuple[Request, ...]:
    if not answers:
        return (Request(ref=ref, route="actor", url=ref.id, headers=ACCEPT),)
    if signer and len(answers) == 1 and answers[0].status in {401, 403}:
        return (Request(ref=ref, route="actor", url=ref.id, headers=ACCEPT, signer=True),)
    return ()


def _handle(ref: Ref, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    user, _, host = ref.id.partition("@")
    base = normal(f"https://{host}/")
    if answers or not user or base is None:
        return ()
    url = f"{base}.well-known/webfinger?resource=acct:{user}@{host}"
    return (Request(ref=ref, route="webfinger", url=url, headers=(("Accept", "application/jrd+json"),)),)


def _last(answers: tuple[Answer, ...], route: str) -> Answer | None:
    return next((answer for answer in reversed(answers) if answer.request.route == route), None)


def _status(answer: Answer) -> Node | None:
    """The status in an answer, or None when it holds none."""
    if answer.status is None or not 200 <= answer.status < 300:
        return None
    try:
        node = load(answer.body)
    except ParseError:
        return None
    return node if is_status(node) else None


def _document(answer: Answer) -> Node | None:
    if answer.status is None or not 200 <= answer.status < 300 or not is_activity(answer.header("content-type")):
        return None
    try:
        node = load(answer.body)
    except ParseError:
        return None
    return node if type(node.value) is dict else None


def _uri(node: Node) -> str:
    try:
        return web_uri(node.string("uri"))
    except ParseError:
        return ""
