"""The fediverse: Mastodon's API and ActivityPub, which claim the same addresses.

Refs: `fediverse:post:URI` (the ActivityPub id; before it is known, the address as given), `fediverse:repost:URI` (a
boost), `fediverse:account:URI`, `fediverse:handle:user@host`, `fediverse:conversation:ID`. Routes: `status`,
`history` (Mastodon API), `object`, `object-signed`, `actor`, `webfinger`, and `page`: the post's web page where its
server answers nothing else (many answer 200 to any path, so a page does not show that the post lives).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archiver.errors import ParseError
from archiver.model import Answer, Finding, Outcome, Proof, Reading, Ref, Request
from archiver.platforms import outcomes, web
from archiver.platforms.fediverse.address import account, claim, place_of
from archiver.platforms.fediverse.gathered import Gathered, web_uri
from archiver.platforms.fediverse.objects import read_actor, read_object
from archiver.platforms.fediverse.proof import KIND
from archiver.platforms.fediverse.route import is_activity, plan
from archiver.platforms.fediverse.status import is_status, read_history, read_status
from archiver.platforms.fields import Node, load

__all__ = ["EXAMPLES", "claim", "parse", "plan"]

EXAMPLES: Mapping[str, str] = {
    "https://social.example/@ada/109876543210987654": "fediverse:post:https://social.example/@ada/109876543210987654",
    "https://social.example/@bo@other.example/109876543210987654?x=1#y": (
        "fediverse:post:https://social.example/@bo@other.example/109876543210987654"
    ),
    "https://social.example/users/ada/statuses/12": "fediverse:post:https://social.example/users/ada/statuses/12",
    "https://social.example/ap/users/109876543210987600/statuses/109876543210987654": (
        "fediverse:post:https://social.example/ap/users/109876543210987600/statuses/109876543210987654"
    ),
    "https://social.example/users/ada/statuses/12/activity": (
        "fediverse:repost:https://social.example/users/ada/statuses/12/activity"
    ),
    "http://gts.example:8080/@ada/statuses/01HZ0000000000000000000000": (
        "fediverse:post:http://gts.example:8080/@ada/statuses/01HZ0000000000000000000000"
    ),
    "https://hollo.example/@ada/01890a5d-ac96-774b-bcce-b302099a8057": (
        "fediverse:post:https://hollo.example/@ada/01890a5d-ac96-774b-bcce-b302099a8057"
    ),
    "https://pleroma.example/notice/AZ0Example0000Flak": "fediverse:post:https://pleroma.example/notice/AZ0Example0000Flak",
    "https://pleroma.example/objects/01890a5d-ac96-774b-bcce-b302099a8057": (
        "fediverse:post:https://pleroma.example/objects/01890a5d-ac96-774b-bcce-b302099a8057"
    ),
    "https://misskey.example/notes/9abcdefg12": "fediverse:post:https://misskey.example/notes/9abcdefg12",
    "https://social.example/@Ada@Other.example": "fediverse:handle:ada@other.example",
}


def parse(request: Request, answer: Answer) -> Reading:
    """What one answer says. Raises ParseError, with a pointer, for a document that is not what its format says."""
    place, status = place_of(answer.url or request.url), answer.status
    if status is None or place is None:
        outcome = outcomes.transport(answer) or Outcome.UNREACHABLE
        return Reading(findings=(Finding(ref=request.ref, outcome=outcome),))
    out = Gathered(place=place)
    if request.route == "status":
        _status(request, answer, status, out)
    elif request.route == "history":
        # Not every server has it (404), and its absence says nothing of the post.
        if 200 <= status < 300:
            read_history(load(answer.body), request, out)
    elif request.route == "page":
        return _page(request, answer, status)
    elif request.route == "webfinger":
        _webfinger(request, answer, status, out)
    else:
        _document(request, answer, status, out)
    return out.reading()


def _status(request: Request, answer: Answer, status: int, out: Gathered) -> None:
    """`/api/v1/statuses/:id`. Any site answers 404 to a path that it does not have: only the API's own JSON counts."""
    node = _json(answer)
    outcome, reason = outcomes.http(status), f"http-{status}"
    if outcome is not None:
        speaks = node is not None and type(node.value) is dict and "error" in node.value
        if outcome in {Outcome.NOT_FOUND, Outcome.DELETED} and not speaks:
            outcome, reason = Outcome.UNKNOWN, f"no Mastodon API ({reason})"
        out.found(request.ref, outcome, reason, "status")
    elif 200 <= status < 300 and node is not None and is_status(node):
        read_status(node, request, out)
    elif 200 <= status < 300 and node is None and "json" in answer.header("content-type"):
        load(answer.body)  # raises: what calls itself JSON and cannot be read
    else:
        out.found(request.ref, Outcome.UNKNOWN, f"no Mastodon API ({reason})", "status")


def _document(request: Request, answer: Answer, status: int, out: Gathered) -> None:
    """An ActivityPub object or actor. Only the media types of the standard count: else a file that a user uploaded
    could speak for its host."""
    outcome, kind = outcomes.http(status), answer.header("content-type")
    document = load(answer.body) if is_activity(kind) and (outcome is None or status == 410) and answer.body else None
    about_post = request.route != "actor" or request.ref.kind == "account"
    if status == 410 and document is not None and type(document.value) is dict and document.get("type") is not None:
        read_object(document, request, out)
        if not any(finding.ref == request.ref for finding in out.findings):
            out.found(request.ref, Outcome.DELETED, "http-410", "status")
    elif outcome is not None:
        if about_post:
            out.found(request.ref, outcome, f"http-{status}", "status")
        elif "proof.ref" in dict(request.given):
            ref = Ref.parse(dict(request.given)["proof.ref"])
            out.proofs.append(Proof(kind=KIND, ref=ref, valid=None, detail=f"the key's actor answered {status}"))
    elif not 200 <= status < 300 or document is None:
        if about_post:
            reason = f"no ActivityPub (http-{status}, {kind.split(';')[0].strip() or 'no type'})"
            out.found(request.ref, Outcome.UNKNOWN, reason[:200], "status")
    elif request.route == "actor":
        read_actor(document, request, out)
    else:
        read_object(document, request, out)


def _page(request: Request, answer: Answer, status: int) -> Reading:
    """The post's web page, read as a page; a status of failure counts for the post too."""
    about = web.claim(request.url)
    if about is None:
        return Reading()
    reading = web.parse(replace(request, ref=about), answer)
    outcome = outcomes.http(status)
    if outcome is None:
        return reading
    finding = Finding(ref=request.ref, outcome=outcome, reason=f"page: http-{status}", pointer="status")
    return replace(reading, findings=(finding, *reading.findings))


def _webfinger(request: Request, answer: Answer, status: int, out: Gathered) -> None:
    """RFC 7033: the handle's own host names the actor."""
    outcome = outcomes.http(status)
    node = _json(answer)
    if outcome is not None or node is None:
        out.found(request.ref, outcome or Outcome.UNKNOWN, f"http-{status}", "status")
        return
    user, _, host = request.ref.id.partition("@")
    subject = node.at("subject").text().lower()
    if host != out.place.host or subject != f"acct:{user}@{host}":
        out.found(request.ref, Outcome.UNKNOWN, "the answer is about another handle or from another host", "/subject")
        return
    for link in node.list("links"):
        if link.string("rel") == "self" and is_activity(link.string("type")) and (uri := web_uri(link.string("href"))):
            out.found(request.ref, Outcome.LIVE, "", link.pointer)
            out.alias(request.ref, account(uri), link.pointer)
            return
    out.found(request.ref, Outcome.UNKNOWN, "no actor is named", "/links")


def _json(answer: Answer) -> Node | None:
    try:
        return load(answer.body)
    except ParseError:
        return None
