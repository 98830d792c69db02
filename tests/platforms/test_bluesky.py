"""Plan and parse on answers made here: fictional accounts, keys and repositories of the test."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import libipld
import pytest
from test_bluesky_proofs import MASTER, SIGNING, Log, Repository, Signer, link, operation

from archiver.errors import ParseError, ProofError
from archiver.model import Answer, Edge, EdgeKind, Failure, Finding, Outcome, Reading, Ref, Request, Settings
from archiver.platforms import bluesky
from archiver.platforms.bluesky import dag
from archiver.platforms.bluesky.addresses import AtUri, record_ref

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
)
def test_refs_of_others_are_not_planned(text: str) -> None:
    assert bluesky.plan(Ref.parse(text), (), Settings()) == ()


def test_a_view_is_read_with_everything_in_it() -> None:
    reading = read(POST, network())["posts"]
    post, quoted = reading.posts
    assert post.ref == POST
    assert (post.text, post.posted_at, post.lang) == (RECORD["text"], "2024-05-01T10:00:00Z", "en")
    assert (post.handle, post.name, post.warning, post.sensitive) == ("alice.example", "Alice", "graphic-media", True)
    assert (post.version_id, post.whole, post.url) == (
        dag.record_cid(RECORD),
        True,
        f"https://bsky.app/profile/{ALICE}/post/{RKEY}",
    )
    assert post.counts == (("replies", 1), ("reposts", 0))
    assert post.conversation == Ref.parse(f"bluesky:post:{QUOTED}")
    (image,) = post.media
    assert (image.key, image.url, image.rank, image.sha256) == (BLOB, "https://cdn.example/f", 1, "")
    assert (image.alt, image.width, image.height) == ("a chart", 640, 360)
    assert (quoted.text, quoted.handle, quoted.pointer) == (
        "Words of Bob",
        "bob.example",
        "/posts/0/embed/record/record",
    )
    assert [(edge.kind.value, str(edge.target)) for edge in reading.edges] == [
        ("quotes", f"bluesky:post:{QUOTED}"),
        ("links-to", "web:page:https://news.example/story?a=1"),
        ("links-to", f"bluesky:post:at://bob.example/app.bsky.feed.post/{RKEY}"),
        ("names", f"bluesky:account:{BOB}"),
        ("replies-to", f"bluesky:post:{QUOTED}"),
    ]
    assert reading.edges[0].pinned == quoted.version_id
    assert [(proof.kind, proof.valid) for proof in reading.proofs] == [("atproto-cid", True)] * 2
    assert {finding.outcome for finding in reading.findings} == {Outcome.LIVE}
    assert not reading.unread


def test_the_host_gives_the_original_media_and_the_proof_the_same_version() -> None:
    readings = read(POST, network())
    for route in ("record", "record-proof"):
        (post,) = readings[route].posts
        (image,) = post.media
        assert image.url == f"{PDS}/xrpc/com.atproto.sync.getBlob?did={ALICE}&cid={BLOB}"
        assert (image.rank, image.sha256, image.content_type) == (10, bytes(range(32)).hex(), "image/jpeg")
        assert (post.text, post.version_id) == (RECORD["text"], dag.record_cid(RECORD))
        assert len(readings[route].edges) == 5
        assert outcomes(readings[route]) == [(Outcome.LIVE, "")]
    assert [(proof.kind, proof.valid) for proof in readings["record-proof"].proofs] == [
        ("atproto-record", True),
        ("atproto-cid", True),
    ]
    assert [(proof.kind, proof.valid) for proof in readings["plc-log"].proofs] == [("plc-log", True)]


def test_a_rewritten_post_under_a_quote_is_noticed_and_both_versions_kept() -> None:
    answers = network() | {"posts": (200, body({"posts": [view(view_record("Other words"))]}))}
    reading = read(POST, answers)["posts"]
    (rewrite,) = [proof for proof in reading.proofs if proof.kind == "atproto-pinned-version"]
    quote = next(edge for edge in reading.edges if edge.kind is EdgeKind.QUOTES)
    assert (rewrite.valid, rewrite.ref) == (False, quote.target)
    assert quote.pinned == dag.record_cid(quoted_record("Words of Bob"))
    assert reading.posts[1].version_id == dag.record_cid(quoted_record("Other words"))
    assert quote.pinned in rewrite.detail
    assert reading.posts[1].version_id in rewrite.detail


def test_words_that_do_not_hash_to_their_cid_are_not_given_that_version() -> None:
    changed = RECORD | {"text": "Words that Alice did not write"}
    answers = network() | {
        "posts": (200, body({"posts": [view(record=changed)]})),
        "record": (200, body({"uri": URI, "cid": dag.record_cid(RECORD), "value": changed})),
    }
    readings = read(POST, answers)
    for route in ("posts", "record"):
        assert readings[route].posts[0].version_id == ""
        assert (readings[route].proofs[0].kind, readings[route].proofs[0].valid) == ("atproto-cid", False)


@pytest.mark.parametrize(
    ("kind", "member", "outcome"),
    [
        ("viewNotFound", "notFound", Outcome.UNAVAILABLE),
        ("viewBlocked", "blocked", Outcome.UNAVAILABLE),
        ("viewDetached", "detached", Outcome.UNKNOWN),
    ],
)
def test_what_stands_in_place_of_a_quoted_post(kind: str, member: str, outcome: Outcome) -> None:
    quoted = {"$type": f"app.bsky.embed.record#{kind}", "uri": QUOTED, member: True}
    reading = read(POST, network() | {"posts": (200, body({"posts": [view(quoted)]}))})["posts"]
    assert outcomes(reading, Ref.parse(f"bluesky:post:{QUOTED}")) == [(outcome, kind)]
    assert len(reading.posts) == 1
    assert [edge.kind for edge in reading.edges].count(EdgeKind.QUOTES) == 1


def test_a_quoted_view_that_cannot_be_read_costs_nothing_else() -> None:
    for quoted in (view_record("x", author=5), view_record("x", cid="x"), {"$type": "new", "uri": QUOTED}, {"uri": 5}):
        reading = read(POST, network() | {"posts": (200, body({"posts": [view(quoted)]}))})["posts"]
        assert reading.posts[0].text == RECORD["text"]
        assert reading.unread
        assert outcomes(reading) == [(Outcome.LIVE, "")]


def test_a_quote_that_the_record_does_not_name_is_not_believed() -> None:
    stranger = view_record("x", uri=QUOTED.replace(RKEY[-1], "7"), author=author(BOB, "bob.example"))
    reading = read(POST, network() | {"posts": (200, body({"posts": [view(stranger)]}))})["posts"]
    assert len(reading.posts) == 1
    assert "does not name" in reading.unread[0].reason


def test_left_out_is_not_deleted() -> None:
    readings = read(POST, network() | {"posts": (200, body({"posts": []}))})
    assert outcomes(readings["posts"]) == [(Outcome.UNAVAILABLE, "left out")]
    broken = read(POST, network() | {"posts": (200, body({"posts": [view(uri=7)]}))})
    assert outcomes(broken["posts"]) == [(Outcome.UNREADABLE, "a view could not be read")]


def test_absent_withheld_and_deactivated_are_told_apart() -> None:
    gone = {"posts": (200, body({"posts": []})), "record": refused("RecordNotFound")}
    absent = read(POST, network() | gone | {"record-proof": (200, car({"app.bsky.feed.post/222": RECORD}))})
    assert outcomes(absent["record"]) == [(Outcome.NOT_FOUND, "RecordNotFound")]
    assert outcomes(absent["record-proof"]) == [(Outcome.NOT_FOUND, "absent-from-repository")]
    assert [(proof.kind, proof.valid) for proof in absent["record-proof"].proofs] == [("atproto-absence", True)]
    assert outcomes(absent["repo-status"]) == []

    withheld = read(POST, network() | gone)
    assert outcomes(withheld["record-proof"])[0][0] is Outcome.WITHHELD
    assert withheld["record-proof"].posts[0].text == RECORD["text"]

    status = (200, body({"did": ALICE, "active": False, "status": "deactivated"}))
    closed = {"record": refused("InvalidRequest"), "record-proof": refused("RepoDeactivated"), "repo-status": status}
    deactivated = read(POST, network() | closed)
    assert outcomes(deactivated["record"]) == [(Outcome.UNAVAILABLE, "InvalidRequest")]
    assert outcomes(deactivated["record-proof"]) == [(Outcome.UNAVAILABLE, "RepoDeactivated")]
    assert outcomes(deactivated["repo-status"]) == [(Outcome.UNAVAILABLE, "deactivated")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("deleted", Outcome.DELETED),
        ("takendown", Outcome.SUSPENDED),
        ("suspended", Outcome.SUSPENDED),
        ("deactivated", Outcome.UNAVAILABLE),
        ("throttled", Outcome.UNAVAILABLE),
        (None, Outcome.UNAVAILABLE),
    ],
)
def test_the_status_of_an_account_is_that_of_its_posts_unless_active(status: str | None, outcome: Outcome) -> None:
    content = body({"did": ALICE, "active": False, "status": status})
    answers = network() | {"record": refused("RecordNotFound"), "repo-status": (200, content)}
    reading = read(POST, answers)["repo-status"]
    assert outcomes(reading) == [(outcome, status or "inactive")]
    assert outcomes(reading, Ref.parse(f"bluesky:account:{ALICE}")) == [(outcome, status or "inactive")]


@pytest.mark.parametrize(
    ("route", "answer", "outcome"),
    [
        ("record", (404, b"not here"), Outcome.UNAVAILABLE),
        ("record", (410, b""), Outcome.UNAVAILABLE),
        ("record", (500, b"RecordNotFound"), Outcome.UNAVAILABLE),
        ("record", refused("RecordNotFound", 500), Outcome.UNAVAILABLE),
        ("record", refused("RateLimitExceeded", 429), Outcome.RATE_LIMITED),
        ("record", refused("AuthMissing", 401), Outcome.LOGIN_REQUIRED),
        ("record-proof", refused("RepoTakendown"), Outcome.SUSPENDED),
        ("record-proof", refused("MethodNotImplemented", 501), Outcome.UNAVAILABLE),
        ("posts", (403, b"<html>Post not found</html>"), Outcome.REFUSED),
        ("posts", (451, b""), Outcome.WITHHELD),
    ],
)
def test_refusals_are_read_by_name_and_status_alone(route: str, answer: tuple[int, bytes], outcome: Outcome) -> None:
    reading = read(POST, network() | {route: answer})[route]
    assert [found for found, _ in outcomes(reading)] == [outcome]
    assert not reading.posts


def test_a_tombstoned_did_is_said_of_the_account_not_of_the_post() -> None:
    reading = read(POST, network() | {"did": (410, b'{"message": "DID not available"}')})["did"]
    assert outcomes(reading) == []
    assert outcomes(reading, Ref.parse(f"bluesky:account:{ALICE}")) == [(Outcome.DELETED, "HTTP 410")]


def test_refused_proofs_say_why_and_bring_no_words() -> None:
    tampered = {
        "does not verify": car({f"app.bsky.feed.post/{RKEY}": RECORD}, Signer(99)),
        "does not match": network()["record-proof"][1].replace(b"Words of Alice", b"Words of Malic"),
        "cut": network()["record-proof"][1][:-3],
        "not DAG-CBOR": b"<html>",
    }
    for reason, content in tampered.items():
        reading = read(POST, network() | {"record-proof": (200, content)})["record-proof"]
        (proof,) = reading.proofs
        assert (proof.kind, proof.valid) == ("atproto-record", False)
        assert reason in proof.detail or "cut" in proof.detail
        assert outcomes(reading) == [(Outcome.UNKNOWN, "proof refused")]
        assert not reading.posts


def test_a_log_of_another_key_than_the_documents_is_refused() -> None:
    document = json.loads(body(DOCUMENT).replace(SIGNING.multibase.encode(), Signer(98).multibase.encode()))
    readings = read(POST, network() | {"did": (200, body(document))})
    assert [(proof.valid, "another signing key" in proof.detail) for proof in readings["plc-log"].proofs] == [
        (False, True)
    ]
    assert readings["record-proof"].proofs[0].valid is False


def test_a_document_without_key_leaves_the_proof_unchecked() -> None:
    readings = read(POST, network() | {"did": (200, body(DOCUMENT | {"verificationMethod": []}))})
    assert readings["record-proof"].proofs[0].valid is None
    assert outcomes(readings["record-proof"]) == [(Outcome.UNKNOWN, "unproved")]


def test_a_repost_names_what_it_reposts_and_through_whom() -> None:
    target, via = strong(QUOTED, quoted_record("Words of Bob")), strong(QUOTED.replace("feed.post", "feed.repost"), {})
    value = {"$type": "app.bsky.feed.repost", "subject": target, "via": via, "createdAt": "2024-05-02T10:00:00Z"}
    answers = network() | {
        "record": (200, body({"uri": REPOST.id, "cid": dag.record_cid(value), "value": value})),
        "record-proof": (200, car({f"app.bsky.feed.repost/{RKEY}": value})),
    }
    readings = read(REPOST, answers)
    assert "posts" not in readings
    for route in ("record", "record-proof"):
        assert [(edge.kind.value, edge.target.kind) for edge in readings[route].edges] == [
            ("reposts", "post"),
            ("reposts", "repost"),
        ]
        assert readings[route].edges[0].pinned == target["cid"]
        assert readings[route].posts[0].posted_at == "2024-05-02T10:00:00Z"


def test_an_account_by_did_and_by_handle() -> None:
    account, handle = Ref.parse(f"bluesky:account:{ALICE}"), Ref.parse("bluesky:handle:alice.example")
    assert list(run(account, network())) == ["profile", "did", "plc-log", "repo-status"]
    assert list(run(handle, network())) == ["resolve-handle", "profile", "did", "plc-log", "repo-status"]
    readings = read(account, network())
    assert (readings["profile"].accounts[0].ref, readings["profile"].accounts[0].name) == (account, "Alice")
    assert readings["did"].accounts[0].handle == "alice.example"
    assert outcomes(readings["repo-status"], account) == [(Outcome.LIVE, "")]
    suspended = read(account, network() | {"profile": refused("AccountTakedown")})
    assert outcomes(suspended["profile"], account) == [(Outcome.SUSPENDED, "AccountTakedown")]


def single(embed: Any = None, **changes: Any) -> Reading:
    value = quoted_record("Words") | ({"embed": embed} if embed else {}) | changes
    content = body({"uri": URI, "cid": dag.record_cid(value), "value": value})
    return read(POST, network() | {"record": (200, content)})["record"]


def test_embeds_of_each_kind() -> None:
    video = {"$type": "blob", "ref": {"$link": BLOB}, "mimeType": "video/mp4", "size": 9}
    captions = [{"lang": "en", "file": video | {"mimeType": "text/vtt"}}]
    reading = single({"$type": "app.bsky.embed.video", "video": video, "alt": "a film", "captions": captions})
    assert [(item.kind, item.alt, item.content_type) for item in reading.posts[0].media] == [
        ("video", "a film", "video/mp4"),
        ("captions", "", "text/vtt"),
    ]
    reading = single({"$type": "app.bsky.embed.gallery", "items": [IMAGE, IMAGE]})
    assert [item.rank for item in reading.posts[0].media] == [10, 10]
    old = {"alt": "", "image": {"cid": BLOB, "mimeType": "image/png"}}
    assert single({"$type": "app.bsky.embed.images", "images": [old]}).posts[0].media[0].key == BLOB
    card = {"uri": "https://news.example/", "title": "", "description": "", "thumb": video}
    reading = single({"$type": "app.bsky.embed.external", "external": card})
    assert [str(edge.target) for edge in reading.edges] == ["web:page:https://news.example/"]
    assert reading.posts[0].media[0].kind == "thumbnail"
    listed = strong(f"at://{BOB}/app.bsky.graph.list/a", {})
    reading = single({"$type": "app.bsky.embed.record", "record": listed})
    assert [(edge.kind.value, edge.target.kind) for edge in reading.edges] == [("embeds", "record")]


def test_what_is_not_known_makes_a_sighting_less_than_whole() -> None:
    reading = single({"$type": "org.example.embed.new", "x": 1})
    assert (reading.posts[0].whole, reading.posts[0].text) == (False, "Words")
    assert "org.example.embed.new" in reading.unread[0].reason
    assert reading.unread[0].pointer == "/value/embed"
    assert not single(**{"$type": "org.example.post"}).posts
    zoneless = single(createdAt="2023-07-21T01:33:51.481951")
    assert (zoneless.posts[0].posted_at, zoneless.posts[0].whole) == ("", True)
    assert zoneless.unread[0].pointer == "/value/createdAt"
    damaged = single(createdAt=None, langs=7, labels=[])
    assert (damaged.posts[0].text, damaged.posts[0].lang, damaged.posts[0].warning) == ("Words", "", "")
    assert [part.pointer for part in damaged.unread] == ["/value/createdAt", "/value/langs", "/value/labels"]


def test_a_view_that_leaves_media_of_a_quoted_post_out_is_not_whole() -> None:
    value = quoted_record("Words of Bob") | {"embed": {"$type": "app.bsky.embed.images", "images": [IMAGE]}}
    quoted = view_record("", value=value, cid=dag.record_cid(value))
    del quoted["embeds"]
    post = read(POST, network() | {"posts": (200, body({"posts": [view(quoted)]}))})["posts"].posts[1]
    assert (post.whole, post.media[0].url, post.media[0].key) == (False, "", BLOB)


def test_quotes_nested_beyond_reason_end() -> None:
    quoted: Any = view_record("x")
    for _ in range(60):
        value = quoted_record("x") | {"embed": {"$type": "app.bsky.embed.record", "record": strong(QUOTED, {})}}
        embeds = [{"$type": "app.bsky.embed.record#view", "record": quoted}]
        quoted = view_record("x", value=value, cid=dag.record_cid(value), embeds=embeds)
    reading = read(POST, network() | {"posts": (200, body({"posts": [view(quoted)]}))})["posts"]
    assert "nested too deeply" in reading.unread[0].reason
    assert len(reading.posts) == 9


def test_unknown_routes_are_parse_errors() -> None:
    request = Request(ref=POST, route="other", url="https://a.example")
    with pytest.raises(ParseError):
        bluesky.parse(request, Answer(request=request, status=200))


# Mutation: each value of an answer replaced by wrong ones.

MARK = "wr\0ng"
WRONG: tuple[Any, ...] = (None, True, 7, -1.5, MARK, [], [MARK], {}, {"a": [{"b": MARK}]})


def mutations(value: Any) -> Iterator[Any]:
    """The document with one value, at each path in turn, replaced by each wrong one."""
    yield from WRONG
    if isinstance(value, dict):
        for key, member in value.items():
            yield {name: kept for name, kept in value.items() if name != key}
            for changed in mutations(member):
                yield value | {key: changed}
    elif isinstance(value, list):
        for index, member in enumerate(value):
            for changed in mutations(member):
                yield [*value[:index], changed, *value[index + 1 :]]


FREE = {"text", "name", "alt", "warning", "lang", "content_type", "reason", "detail"}
TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}


def check_values(value: Any) -> None:
    """Every field has the type that the model gives it, and the wrong string stands in none that names something."""
    for field in dataclasses.fields(value):
        member = getattr(value, field.name)
        if field.type in TYPES:
            assert type(member) is TYPES[str(field.type)], (value, field.name)
        for item in member if isinstance(member, tuple) else (member,):
            if dataclasses.is_dataclass(item):
                check_values(item)
            elif isinstance(item, str) and field.name not in FREE | {"pointer"}:
                assert "wr" not in item or "ng" not in item.partition("wr")[2], (field.name, item)
    if isinstance(value, Edge | Finding):
        assert isinstance(getattr(value, "target", value.ref if isinstance(value, Finding) else None), Ref)


def parsed(request: Request, content: bytes) -> Reading | ParseError:
    try:
        return bluesky.parse(request, Answer(request=request, status=200, body=content))
    except ParseError as error:
        return error


def check_mutations(request: Request, content: bytes) -> int:
    """Parse every mutation of a JSON answer and check what comes out; give how many there were."""
    readings = [parsed(request, body(mutated)) for mutated in mutations(json.loads(content))]
    for reading in readings:
        if isinstance(reading, ParseError):
            assert reading.pointer
        else:
            check_values(reading)
    return len(readings)


@pytest.mark.parametrize(
    ("route", "least"),
    [("resolve-handle", 15), ("posts", 900), ("profile", 40), ("did", 120), ("record", 550), ("repo-status", 30)],
)
def test_wrong_values_are_refused_or_left_unread(route: str, least: int) -> None:
    ref = Ref.parse(f"bluesky:account:{ALICE}") if route == "profile" else POST
    ref = BY_HANDLE if route == "resolve-handle" else ref
    answers = network() | ({"record": refused("RecordNotFound")} if route == "repo-status" else {})
    answer = run(ref, answers)[route]
    assert check_mutations(answer.request, answers[route][1]) >= least


def test_wrong_values_in_a_log_are_refused_and_never_proved() -> None:
    request = run(POST, network())["plc-log"].request
    readings = [parsed(request, body(mutated)) for mutated in mutations(LOG.entries)]
    assert all(reading.pointer for reading in readings if isinstance(reading, ParseError))
    proofs = [proof for reading in readings if isinstance(reading, Reading) for proof in reading.proofs]
    # Three changes change nothing: a null `prev` for the null that stands there, `nullified` left out or null.
    assert [proof.valid for proof in proofs].count(True) == 3
    assert len(proofs) > 50


def in_repository(value: Any) -> bytes | None:
    """A proof of the record; None for values that no repository can hold (fractions)."""
    try:
        return car({f"app.bsky.feed.post/{RKEY}": value})
    except ProofError:
        return None


def test_wrong_values_in_a_signed_record_are_refused_or_left_unread() -> None:
    """The author signs whatever the client wrote: a proof does not make a record well formed."""
    request = run(POST, network())["record-proof"].request
    contents = [in_repository(mutated) for mutated in mutations(RECORD)]
    readings = [bluesky.parse(request, Answer(request=request, status=200, body=car)) for car in contents if car]
    for reading in readings:
        check_values(reading)
        assert (reading.proofs[0].kind, reading.proofs[0].valid) == ("atproto-record", True)
    assert len(readings) > 450


@pytest.mark.parametrize("depth", [300, 700, 960, 5000, 200_000])
def test_nesting_is_refused_not_followed(depth: int) -> None:
    answers, deep = network(), b"[" * depth + b"]" * depth
    got = run(POST, answers)
    for route, name in (("posts", b'"text"'), ("record", b'"text"'), ("plc-log", b'"alsoKnownAs"'), ("did", b'"id"')):
        content = answers[route][1].replace(name, b'"deep": ' + deep + b", " + name, 1)
        reading = parsed(got[route].request, content)
        if isinstance(reading, Reading):
            assert not [proof for proof in reading.proofs if proof.valid and proof.ref != QUOTED_REF]
        else:
            assert reading.pointer
    block = b"\x81" * depth + b"\x00"
    repository = Repository({}, SIGNING, did=ALICE)
    repository.blocks[link(block)] = block
    reading = bluesky.parse(
        got["record-proof"].request, dataclasses.replace(got["record-proof"], body=repository.car())
    )
    assert outcomes(reading) == [(Outcome.NOT_FOUND, "absent-from-repository")]
    tree = Repository({}, SIGNING, did=ALICE, data=link(block))
    tree.blocks[link(block)] = block
    refusal = bluesky.parse(got["record-proof"].request, dataclasses.replace(got["record-proof"], body=tree.car()))
    assert outcomes(refusal) == [(Outcome.UNKNOWN, "proof refused")]


def test_libipld_writes_a_record_as_we_hash_it() -> None:
    """One record by hand: sorted keys, lengths first; so that both sides are not wrong together."""
    assert libipld.encode_dag_cbor({"bb": 1, "a": "x"}) == b"\xa2\x61a\x61x\x62bb\x01"
    uri = AtUri.parse(URI)
    assert record_ref(uri) == POST
