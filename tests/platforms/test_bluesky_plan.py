"""A network made here (fictional accounts, keys and repositories) and the plans that ask it."""

import json
from typing import Any

import pytest
from test_bluesky_plc import MASTER, SIGNING, Log, operation
from test_bluesky_proofs import Repository, Signer

from archiver.model import Answer, Failure, Outcome, Reading, Ref, Settings
from archiver.platforms import bluesky
from archiver.platforms.bluesky import dag

LOG = Log()
LOG.operate(operation("alice.example"), MASTER, "2023-01-01T00:00:00.000Z")
ALICE = LOG.did
BOB = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"
PDS = "https://pds.example"
APPVIEW = "https://public.api.bsky.app/xrpc"
RKEY = "3kaheyt6vpc22"
URI = f"at://{ALICE}/app.bsky.feed.post/{RKEY}"
QUOTED = f"at://{BOB}/app.bsky.feed.post/3kaheyt6vpc23"
POST, BY_HANDLE = Ref.parse(f"bluesky:post:{URI}"), Ref.parse(f"bluesky:post:{URI.replace(ALICE, 'alice.example')}")
QUOTED_REF = Ref.parse(f"bluesky:post:{QUOTED}")
REPOST = Ref.parse(f"bluesky:repost:at://{ALICE}/app.bsky.feed.repost/{RKEY}")
BLOB = dag.cid_text(dag.BLOB + bytes(range(32)))


def quoted_record(text: str) -> dict[str, Any]:
    return {"$type": "app.bsky.feed.post", "text": text, "createdAt": "2024-04-30T10:00:00.000Z"}


def strong(uri: str, record: Any) -> dict[str, str]:
    return {"uri": uri, "cid": dag.record_cid(record)}


IMAGE = {
    "alt": "a chart",
    "image": {"$type": "blob", "ref": {"$link": BLOB}, "mimeType": "image/jpeg", "size": 10},
    "aspectRatio": {"width": 640, "height": 360},
}
RECORD: dict[str, Any] = {
    "$type": "app.bsky.feed.post",
    "text": "Words of Alice, see news.example/… @bob",
    "createdAt": "2024-05-01T12:00:00.000+02:00",
    "langs": ["en", "de"],
    "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "graphic-media"}]},
    "reply": {"parent": strong(QUOTED, quoted_record("Parent")), "root": strong(QUOTED, quoted_record("Parent"))},
    "facets": [
        {
            "index": {"byteStart": 0, "byteEnd": 5},
            "features": [
                {"$type": "app.bsky.richtext.facet#link", "uri": "https://news.example/story?a=1"},
                {"$type": "app.bsky.richtext.facet#link", "uri": f"https://bsky.app/profile/bob.example/post/{RKEY}"},
                {"$type": "app.bsky.richtext.facet#mention", "did": BOB},
                {"$type": "app.bsky.richtext.facet#tag", "tag": "words"},
            ],
        }
    ],
    "embed": {
        "$type": "app.bsky.embed.recordWithMedia",
        "record": {"$type": "app.bsky.embed.record", "record": strong(QUOTED, quoted_record("Words of Bob"))},
        "media": {"$type": "app.bsky.embed.images", "images": [IMAGE]},
    },
}


def author(did: str, handle: str) -> dict[str, Any]:
    return {"did": did, "handle": handle, "displayName": handle.split(".")[0].title(), "labels": []}


def view_record(text: str, **changes: Any) -> dict[str, Any]:
    value = quoted_record(text)
    return {
        "$type": "app.bsky.embed.record#viewRecord",
        "uri": QUOTED,
        "cid": dag.record_cid(value),
        "author": author(BOB, "bob.example"),
        "value": value,
        "likeCount": 2,
        "embeds": [],
        "indexedAt": "2024-05-09T10:00:00.000Z",
    } | changes


def view(quoted: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "uri": URI,
        "cid": dag.record_cid(RECORD),
        "author": author(ALICE, "alice.example"),
        "record": RECORD,
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia#view",
            "record": {"record": quoted or view_record("Words of Bob")},
            "media": {
                "$type": "app.bsky.embed.images#view",
                "images": [{"thumb": "https://cdn.example/t", "fullsize": "https://cdn.example/f", "alt": "a chart"}],
            },
        },
        "replyCount": 1,
        "repostCount": 0,
        "indexedAt": "2024-05-09T10:00:00.000Z",
        "labels": [],
    } | changes


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def block(value: dict[str, Any]) -> Any:
    return dag.from_json(value)


DOCUMENT = {
    "id": ALICE,
    "alsoKnownAs": ["at://alice.example"],
    "verificationMethod": [
        {"id": f"{ALICE}#atproto", "type": "Multikey", "controller": ALICE, "publicKeyMultibase": SIGNING.multibase}
    ],
    "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": PDS}],
}
PATH = f"collection=app.bsky.feed.post&rkey={RKEY}"
ROUTES = {
    "resolve-handle": f"{APPVIEW}/com.atproto.identity.resolveHandle?handle=alice.example",
    "handle-did": "https://alice.example/.well-known/atproto-did",
    "posts": f"{APPVIEW}/app.bsky.feed.getPosts?uris={URI}",
    "profile": f"{APPVIEW}/app.bsky.actor.getProfile?actor={ALICE}",
    "did": f"https://plc.directory/{ALICE}",
    "plc-log": f"https://plc.directory/{ALICE}/log/audit",
    "record": f"{PDS}/xrpc/com.atproto.repo.getRecord?repo={ALICE}&{PATH}",
    "record-proof": f"{PDS}/xrpc/com.atproto.sync.getRecord?did={ALICE}&{PATH}",
    "repo-status": f"{PDS}/xrpc/com.atproto.sync.getRepoStatus?did={ALICE}",
}


def car(records: dict[str, Any], signer: Signer = SIGNING) -> bytes:
    return Repository({key: block(value) for key, value in records.items()}, signer, did=ALICE).car()


def network() -> dict[str, tuple[int, bytes]]:
    """Everything answers, and the post is live."""
    return {
        "resolve-handle": (200, body({"did": ALICE})),
        "posts": (200, body({"posts": [view()]})),
        "profile": (200, body(author(ALICE, "alice.example"))),
        "did": (200, body(DOCUMENT)),
        "plc-log": (200, body(LOG.entries)),
        "record": (200, body({"uri": URI, "cid": dag.record_cid(RECORD), "value": RECORD})),
        "record-proof": (200, car({f"app.bsky.feed.post/{RKEY}": RECORD})),
        "repo-status": (200, body({"did": ALICE, "active": True, "rev": RKEY})),
    }


def run(ref: Ref, answers: dict[str, tuple[int, bytes]], settings: Settings | None = None) -> dict[str, Answer]:
    """Plan, answer and plan again until nothing is wanted; a route without an answer times out."""
    got: tuple[Answer, ...] = ()
    for _ in range(10):
        requests = bluesky.plan(ref, got, settings or Settings())
        if not requests:
            return {answer.request.route: answer for answer in got}
        for request in requests:
            status, content = answers.get(request.route, (None, b""))
            failure = Failure.NONE if status else Failure.TIMEOUT
            got += (Answer(request=request, status=status, body=content, failure=failure),)
    raise AssertionError("the plan does not end")


def read(ref: Ref, answers: dict[str, tuple[int, bytes]]) -> dict[str, Reading]:
    return {route: bluesky.parse(answer.request, answer) for route, answer in run(ref, answers).items()}


def outcomes(reading: Reading, ref: Ref = POST) -> list[tuple[Outcome, str]]:
    return [(finding.outcome, finding.reason) for finding in reading.findings if finding.ref == ref]


def refused(name: str, status: int = 400) -> tuple[int, bytes]:
    return status, body({"error": name, "message": "no words decide"})


def test_the_plan_of_a_post_asks_each_route_once() -> None:
    got = run(POST, network())
    assert list(got) == ["posts", "did", "plc-log", "record", "record-proof"]
    assert {route: answer.request.url for route, answer in got.items()} == {route: ROUTES[route] for route in got}
    assert ("pds", PDS) in got["record"].request.given
    assert ("key", SIGNING.multibase) in got["record-proof"].request.given


def test_a_handle_is_resolved_first_and_then_asked_by_did() -> None:
    got = run(BY_HANDLE, network())
    assert list(got) == ["resolve-handle", "posts", "did", "plc-log", "record", "record-proof"]
    assert got["resolve-handle"].request.url == ROUTES["resolve-handle"]
    assert got["posts"].request.ref == POST
    reading = bluesky.parse(got["resolve-handle"].request, got["resolve-handle"])
    assert {(str(alias.alias), str(alias.ref)) for alias in reading.aliases} == {
        (str(BY_HANDLE), str(POST)),
        ("bluesky:handle:alice.example", f"bluesky:account:{ALICE}"),
    }


def test_the_handles_own_host_answers_for_a_silent_appview() -> None:
    answers = network() | {"handle-did": (200, f"{ALICE}\n".encode())}
    del answers["resolve-handle"], answers["posts"]
    got = run(BY_HANDLE, answers)
    assert list(got) == ["resolve-handle", "handle-did", "posts", "did", "plc-log", "record", "record-proof"]
    assert got["handle-did"].request.url == ROUTES["handle-did"]
    assert bluesky.parse(got["posts"].request, got["posts"]).findings[0].outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize("ref", [POST, BY_HANDLE, REPOST, Ref.parse(f"bluesky:account:{ALICE}")])
def test_offline_the_plan_ends(ref: Ref) -> None:
    for answer in run(ref, {}).values():
        findings = bluesky.parse(answer.request, answer).findings
        assert findings
        assert {finding.outcome for finding in findings} == {Outcome.UNREACHABLE}


@pytest.mark.parametrize("route", ["resolve-handle", "handle-did", "did", "record"])
@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"<html>", b'{"did": 1, "id": 1}', b"\xff"])
def test_broken_answers_do_not_stop_the_plan_from_ending(route: str, content: bytes) -> None:
    assert run(BY_HANDLE, network() | {route: (200, content)})
    assert run(BY_HANDLE, network() | {"resolve-handle": refused("InvalidRequest"), route: (200, content)})


def test_settings_move_endpoints_and_leave_proofs_out() -> None:
    endpoints = {"bluesky.appview": "http://127.0.0.1:1/", "bluesky.plc": "http://127.0.0.1:2"}
    got = run(POST, network(), Settings(endpoints=endpoints, options={"bluesky.proofs": "no"}))
    assert list(got) == ["posts", "did", "record"]
    assert got["posts"].request.url.startswith("http://127.0.0.1:1/xrpc/app.bsky.feed.getPosts")
    assert got["did"].request.url == f"http://127.0.0.1:2/{ALICE}"


def test_a_did_web_is_asked_at_its_host_and_has_no_log() -> None:
    ref = Ref.parse("bluesky:post:at://did:web:news.example/app.bsky.feed.post/a")
    document = json.loads(body(DOCUMENT).replace(ALICE.encode(), b"did:web:news.example"))
    got = run(ref, network() | {"did": (200, body(document))})
    assert list(got) == ["posts", "did", "record", "record-proof"]
    assert got["did"].request.url == "https://news.example/.well-known/did.json"


@pytest.mark.parametrize(
    "text",
    [
        "x:post:20",
        "bluesky:post:20",
        f"bluesky:post:at://{ALICE}",
        f"bluesky:repost:{URI}",
        "bluesky:account:x",
        "bluesky:x:y",
    ],
    ids=range(6),  # the account is another one in each process
)
def test_refs_of_others_are_not_planned(text: str) -> None:
    assert bluesky.plan(Ref.parse(text), (), Settings()) == ()
