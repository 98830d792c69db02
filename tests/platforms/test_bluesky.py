"""What each answer says, on a network made by the test: sightings, edges, outcomes and proofs."""

import json
from typing import Any

import pytest
from test_bluesky_plan import (
    ALICE,
    BLOB,
    BOB,
    DOCUMENT,
    IMAGE,
    PDS,
    POST,
    QUOTED,
    RECORD,
    REPOST,
    RKEY,
    URI,
    author,
    body,
    car,
    network,
    outcomes,
    quoted_record,
    read,
    refused,
    run,
    strong,
    view,
    view_record,
)
from test_bluesky_plc import MASTER, SIGNING, Log, operation
from test_bluesky_proofs import Signer

from archiver.errors import ParseError
from archiver.model import Answer, EdgeKind, Outcome, Reading, Ref, Request
from archiver.platforms import bluesky
from archiver.platforms.bluesky import dag


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
        ("replies-to", f"bluesky:post:{QUOTED}"),
        ("links-to", "web:page:https://news.example/story?a=1"),
        ("links-to", f"bluesky:post:at://bob.example/app.bsky.feed.post/{RKEY}"),
        ("names", f"bluesky:account:{BOB}"),
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
        ("record", (500, b"RecordNotFound"), Outcome.UNREACHABLE),
        ("record", refused("RecordNotFound", 500), Outcome.UNREACHABLE),
        ("record", refused("RateLimitExceeded", 429), Outcome.RATE_LIMITED),
        ("record", refused("AuthMissing", 401), Outcome.LOGIN_REQUIRED),
        ("record-proof", refused("RepoTakendown"), Outcome.SUSPENDED),
        ("record-proof", refused("MethodNotImplemented", 501), Outcome.UNREACHABLE),
        ("posts", (403, b"<html>Post not found</html>"), Outcome.REFUSED),
        ("posts", (451, b""), Outcome.WITHHELD),
    ],
)
def test_refusals_are_read_by_name_and_status_alone(route: str, answer: tuple[int, bytes], outcome: Outcome) -> None:
    reading = read(POST, network() | {route: answer})[route]
    assert [found for found, _ in outcomes(reading)] == [outcome]
    assert not reading.posts


def test_a_tombstoned_did_is_said_of_the_account_not_of_the_post() -> None:
    log = Log()
    log.operate(
        {"type": "plc_tombstone"},
        MASTER,
        "2024-06-01T00:00:00Z",
        log.operate(operation(), MASTER, "2023-01-01T00:00:00Z"),
    )
    post = Ref.parse(f"bluesky:post:at://{log.did}/app.bsky.feed.post/{RKEY}")
    answers = {"did": (410, b'{"message": "DID not available"}'), "plc-log": (200, body(log.entries))}
    readings = read(post, network() | answers | {"posts": (200, body({"posts": []}))})
    assert list(readings) == ["posts", "did", "plc-log"]
    account = Ref.parse(f"bluesky:account:{log.did}")
    assert outcomes(readings["did"], account) == [(Outcome.DELETED, "HTTP 410")]
    assert outcomes(readings["plc-log"], account) == [(Outcome.DELETED, "plc_tombstone")]
    assert readings["plc-log"].proofs[0].valid is True
    assert [outcomes(reading, post) for reading in readings.values()] == [[(Outcome.UNAVAILABLE, "left out")], [], []]


def test_a_web_server_that_lost_a_did_web_deletes_nobody() -> None:
    post = Ref.parse(f"bluesky:post:at://did:web:news.example/app.bsky.feed.post/{RKEY}")
    for status in (404, 410):
        readings = read(post, network() | {"did": (status, b""), "posts": (200, body({"posts": []}))})
        assert list(readings) == ["posts", "did"]
        assert outcomes(readings["did"], Ref.parse("bluesky:account:did:web:news.example")) == [
            (Outcome.UNAVAILABLE, f"HTTP {status}")
        ]


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


def test_a_log_of_another_host_than_the_documents_is_refused() -> None:
    document = body(DOCUMENT).replace(PDS.encode(), b"https://other.example")
    readings = read(POST, network() | {"did": (200, document)})
    assert [(proof.valid, "another host" in proof.detail) for proof in readings["plc-log"].proofs] == [(False, True)]


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


def test_one_broken_part_does_not_cost_the_others() -> None:
    quote = {"$type": "app.bsky.embed.record", "record": strong(QUOTED, quoted_record("Words of Bob"))}
    media = {"$type": "app.bsky.embed.images", "images": [IMAGE | {"image": None}, IMAGE, IMAGE | {"alt": 5}]}
    whole = {"$type": "app.bsky.embed.recordWithMedia", "record": quote, "media": media}
    reading = single(whole, facets=[{"features": 5}, *RECORD["facets"]])
    assert [edge.kind.value for edge in reading.edges] == ["quotes", "links-to", "links-to", "names"]
    assert [medium.alt for medium in reading.posts[0].media] == ["a chart"]
    assert [part.pointer for part in reading.unread] == [
        "/value/embed/media/images/0/image",
        "/value/embed/media/images/2/alt",
        "/value/facets/0/features",
    ]
    assert not reading.posts[0].whole
    reading = single(whole | {"record": 5})
    assert (len(reading.posts[0].media), reading.unread[0].pointer) == (1, "/value/embed/record")


def test_what_is_not_known_makes_a_sighting_less_than_whole() -> None:
    reading = single({"$type": "org.example.embed.new", "x": 1})
    assert (reading.posts[0].whole, reading.posts[0].text) == (False, "Words")
    assert "org.example.embed.new" in reading.unread[0].reason
    assert reading.unread[0].pointer == "/value/embed"
    assert not single(**{"$type": "org.example.post"}).posts
    facet = {"features": [{"$type": "app.bsky.richtext.facet#link", "uri": "mailto:desk@news.example"}]}
    linked = single(facets=[facet])
    assert (linked.posts[0].whole, linked.edges, len(linked.unread)) == (True, (), 1)
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
