"""Nostr: codes and addresses, events with their ids and signatures, and what is read from them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from archiver.errors import ParseError, ProofError
from archiver.model import Answer, EdgeKind, Evidence, Outcome, Reading, Ref, Request, Settings
from archiver.platforms import HANDED, all_platforms, imported, nostr, unasked
from archiver.platforms import claim as claim_any
from archiver.platforms.fields import Node
from archiver.platforms.nostr import event as events
from archiver.platforms.nostr.address import code_of, of_coordinate
from archiver.platforms.nostr.nip19 import Code
from tests.nostr_made import ANN, BEN, EVE, NOON, key, made

CODES = [code.split(":")[-1] for code in nostr.EXAMPLES if code.startswith("nostr:")]


def read(*items: Any) -> Reading:
    reading = imported(json.dumps(items).encode())
    assert reading is not None
    return reading


def outcomes(reading: Reading) -> dict[str, tuple[str, str]]:
    return {str(one.ref): (one.outcome.value, one.reason) for one in reading.findings}


def edges(reading: Reading) -> set[tuple[str, str, str, str]]:
    return {(e.kind.value, e.source.id[:8], e.target.id[:8], e.evidence.value) for e in reading.edges}


def note(event: dict[str, Any]) -> str:
    return f"nostr:note:{event['id']}"


# ---- codes and addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("url", "ref"), nostr.EXAMPLES.items())
def test_examples_are_claimed_by_nostr_alone(url: str, ref: str) -> None:
    assert str(nostr.claim(url)) == ref == str(claim_any(url))
    assert str(Ref.parse(ref)) == ref
    others = [name for name, one in all_platforms().items() if name not in ("nostr", "web") and one.claim(url)]
    assert others == []


def test_platforms_that_read_files_are_named() -> None:
    assert {name for name, one in all_platforms().items() if hasattr(one, "imported")} == set(HANDED)


@pytest.mark.parametrize("text", CODES)
def test_a_code_is_written_as_it_was_read(text: str) -> None:
    code = Code.parse(text)
    assert str(code) == text
    assert Code.parse(str(code)) == code == Code.parse(text.upper())


def test_codes_with_every_part() -> None:
    for code in (
        Code(prefix="nevent", key="0f" * 32, relays=("wss://a.example", "wss://b.example"), author="1e" * 32, kind=1),
        Code(prefix="nprofile", key="0f" * 32, relays=("wss://a.example",)),
        Code(prefix="naddr", key="0f" * 32, identifier="", kind=30023),
        Code(prefix="naddr", key="0f" * 32, identifier="größe", relays=("wss://a.example",), kind=30023),
    ):
        assert Code.parse(str(code)) == code


def test_the_examples_of_nip_19() -> None:
    long = "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4m"
    long += "hxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p"
    assert Code.parse(long) == Code(
        prefix="nprofile",
        key="3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d",
        relays=("wss://r.x.com", "wss://djbas.sadkb.com"),
    )
    short = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
    assert Code.parse(short).key == "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"


@pytest.mark.parametrize("text", CODES)
def test_changed_codes_are_refused(text: str) -> None:
    chance = random.Random(19)
    for place in chance.sample(range(text.index("1") + 1, len(text)), 20):
        other = chance.choice([letter for letter in "qpzry9x8gf2tvdw0s3jn54khce6mua7l" if letter != text[place]])
        changed = text[:place] + other + text[place + 1 :]
        with pytest.raises(ParseError, match="checksum"):
            Code.parse(changed)
        assert nostr.claim(f"nostr:{changed}") is None
        assert nostr.claim(f"https://njump.me/{changed}") is None


@pytest.mark.parametrize(
    "text",
    ["", "1", "note1", "note1qqqqqqqq", "Note1" + CODES[0][5:],
     "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
     "note1" + "b" * 58, "note1" + "q" * 6000, "nöte1qqqqqq", "a" * 20, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"],
)  # fmt: skip
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(ParseError):
        Code.parse(text)
    assert nostr.claim(f"nostr:{text}") is None


@pytest.mark.parametrize(
    ("prefix", "data"),
    [("note", b"\x01" * 31), ("npub", b"\x01" * 33), ("nevent", b""), ("nevent", b"\x00\x20" + b"\x01" * 31),
     ("nevent", b"\x00\x1f" + b"\x01" * 31), ("nevent", b"\x01\x01a"), ("naddr", b"\x00\x01a"),
     ("naddr", b"\x00\x01a\x02\x20" + b"\x01" * 32), ("nevent", b"\x00"),
     ("nprofile", b"\x00\x20" + b"\x01" * 32 + b"\x01\x01\xff"),
     ("naddr", b"\x00\x01\xff\x02\x20" + b"\x01" * 32 + b"\x03\x04\x00\x00\x75\x47"),
     ("nevent", b"\x00\x20" + b"\x01" * 32 + b"\x03\x02\x00\x01"), ("nsec", b"\x01" * 32), ("nrelay", b"\x00\x01a")],
)  # fmt: skip
def test_codes_that_hold_something_else(prefix: str, data: bytes) -> None:
    from archiver.platforms.nostr.nip19 import _written

    with pytest.raises(ParseError):
        Code.parse(_written(prefix, data))


def test_unknown_parts_of_a_code_are_passed_over() -> None:
    from archiver.platforms.nostr.nip19 import _written

    data = b"\x09\x02xx\x00\x20" + b"\x0f" * 32
    assert Code.parse(_written("nevent", data)) == Code(prefix="nevent", key="0f" * 32)


@pytest.mark.parametrize(
    "url",
    [
        f"https://news.example/{CODES[0]}",
        f"https://notnjump.me/{CODES[0]}",
        f"https://user:word@njump.me/{CODES[0]}",
        "https://njump.me/about",
        "https://njump.me/" + "0f" * 32,
        "nostr:",
        "nostr:note:" + "0f" * 32,
        CODES[0],
        f"ftp://njump.me/{CODES[0]}",
        "nostr:" + str(Code(prefix="naddr", key="0f" * 32, identifier="x", kind=1)),
        "nostr:" + str(Code(prefix="naddr", key="0f" * 32, identifier="a\nb", kind=30023)),
        "https://njump.me/" + "x" * 20_000,
    ],
)
def test_other_addresses_are_not_claimed(url: str) -> None:
    assert nostr.claim(url) is None


def test_refs_have_codes() -> None:
    for text in set(nostr.EXAMPLES.values()):
        ref = Ref.parse(text)
        assert nostr.claim(f"nostr:{code_of(ref)}") == ref
    assert code_of(Ref.parse("nostr:note:x")) == code_of(Ref.parse("nostr:address:1:2:3")) == ""
    assert of_coordinate(f"30023:{key(ANN)}:") == Ref.parse(f"nostr:address:30023:{key(ANN)}:")


# ---- events ---------------------------------------------------------------------------------------------------


def test_an_event_holds_and_each_change_is_refused() -> None:
    genuine = made(ANN, "Nobody said “that”.\n\tOr so.", ["t", "words"], ["p", key(BEN)])
    events.check(events.read(Node(genuine)))
    twins = [
        genuine | {"content": genuine["content"] + " "},
        genuine | {"created_at": NOON + 1},
        genuine | {"kind": 11},
        genuine | {"tags": [["t", "words"]]},
        genuine | {"tags": [["t", "words", ""], ["p", key(BEN)]]},
        genuine | {"pubkey": key(BEN)},
        genuine | {"id": made(ANN, "x")["id"]},
        genuine | {"sig": made(ANN, "x")["sig"]},
        genuine | {"sig": genuine["sig"][:-1] + ("0" if genuine["sig"][-1] != "0" else "1")},
        made(EVE, genuine["content"], *genuine["tags"]) | {"pubkey": key(ANN)},
    ]
    for twin in twins:
        with pytest.raises(ProofError):
            events.check(events.read(Node(twin)))
        reading = read(twin)
        assert not reading.posts
        assert [proof.valid for proof in reading.proofs] == [False]
        assert outcomes(reading)[note(twin)][0] == "unreadable"


def test_ids_of_both_writings() -> None:
    content = 'a "b" \\ \b\f\n\r\t é 🇰🇷 \x7f \u2028 \x01\x1b'
    encoder = made(ANN, content)
    strict = events.serialised(events.read(Node(encoder)))
    assert "\x01\x1b" in strict
    nip01 = made(ANN, content, written=strict)
    assert encoder["id"] != nip01["id"]
    for event in (encoder, nip01):
        events.check(events.read(Node(event)))
        (post,) = read(event).posts
        assert post.text == content
        assert post.author == Ref.parse(f"nostr:profile:{key(ANN)}")


def test_half_a_character_has_no_id() -> None:
    broken = made(ANN, "x") | {"content": "\ud800"}
    with pytest.raises(ProofError, match="UTF-8"):
        events.check(events.read(Node(broken)))


def test_a_nul_is_replaced_in_the_text_alone() -> None:
    (post,) = read(made(ANN, "a\x00b")).posts
    assert post.text == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("member", "value"),
    [("id", "0F" * 32), ("id", "0f" * 31), ("pubkey", None), ("sig", 7), ("kind", 65_536), ("kind", -1), ("kind", True),
     ("kind", 1.0), ("created_at", -1), ("created_at", 2**63), ("created_at", "1"), ("tags", {}), ("tags", [[]]),
     ("tags", [["e", None]]), ("tags", ["e"]), ("content", None), ("content", ["x"])],
)  # fmt: skip
def test_wrong_members_are_named_and_nothing_is_stored(member: str, value: Any) -> None:
    event = made(ANN, "words") | {member: value}
    with pytest.raises(ParseError) as error:
        events.read(Node(event, "/0"))
    assert error.value.pointer.startswith(f"/0/{member}")
    reading = read(event)
    assert (reading.posts, reading.proofs, reading.findings) == ((), (), ())
    assert reading.unread[0].pointer.startswith(f"/0/{member}")


# ---- what is read ---------------------------------------------------------------------------------------------


def test_a_note_with_everything() -> None:
    picture, digest = "https://media.example/a.png", "ab" * 32
    quoted, answered, root = made(BEN, "quoted"), made(BEN, "answered"), made(EVE, "root")
    inline = Code(prefix="nevent", key=made(EVE, "inline")["id"])
    event = made(
        ANN,
        f"See {picture} and https://news.example/story (https://film.example/b.mp4?x=1) nostr:{inline}",
        ["e", root["id"], "", "root"],
        ["e", answered["id"], "", "reply"],
        ["q", quoted["id"], "wss://relay.example", key(BEN)],
        ["p", key(BEN)],
        ["l", "en", "ISO-639-1"],
        ["content-warning", "blood"],
        ["imeta", f"url {picture}", "m image/png", "dim 640x480", "alt A street", f"x {digest}"],
        ["imeta", "url data:x"],
    )
    reading = read(event)
    (post,) = reading.posts
    assert (str(post.ref), str(post.author)) == (note(event), f"nostr:profile:{key(ANN)}")
    assert (post.posted_at, post.lang, post.warning, post.sensitive) == ("2024-10-28T12:00:00Z", "en", "blood", True)
    assert post.conversation == Ref.parse(note(root))
    assert (post.whole, post.truncated, post.pointer) == (True, False, "/0")
    first, second = post.media
    assert (first.url, first.kind, first.width, first.height) == (picture, "image", 640, 480)
    assert (first.alt, first.content_type, first.sha256) == ("A street", "image/png", digest)
    assert (second.url, second.kind) == ("https://film.example/b.mp4?x=1", "video")
    mine = event["id"][:8]
    assert edges(reading) == {
        ("replies-to", mine, answered["id"][:8], "asserted"),
        ("quotes", mine, quoted["id"][:8], "asserted"),
        ("quotes", mine, inline.key[:8], "claimed"),
        ("names", mine, key(BEN)[:8], "asserted"),
        ("links-to", mine, "https://", "asserted"),
    }
    assert [edge.target.id for edge in reading.edges if edge.kind is EdgeKind.LINKS_TO] == [
        "https://news.example/story"
    ]
    assert outcomes(reading)[note(event)] == ("unknown", "held by a file: no relay was asked")
    assert [one.reason for one in reading.unread] == ["a medium without a web address"]
    (proof,) = reading.proofs
    assert (proof.kind, str(proof.ref), proof.valid, proof.pointer) == ("nostr-event", note(event), True, "/0")
    assert "the author writes 2024-10-28T12:00:00Z" in proof.detail


@pytest.mark.parametrize(
    ("tags", "answered", "root"),
    [
        ([["e", "0a" * 32]], "0a", "0a"),
        ([["e", "0a" * 32], ["e", "0b" * 32]], "0b", "0a"),
        ([["e", "0a" * 32], ["e", "0c" * 32], ["e", "0b" * 32, ""]], "0b", "0a"),
        ([["e", "0a" * 32, "", "root"]], "0a", "0a"),
        ([["e", "0a" * 32, "", "root"], ["e", "0b" * 32, "", "reply"], ["e", "0c" * 32, "", "mention"]], "0b", "0a"),
        ([["e", "0c" * 32, "", "mention"]], "", ""),
        ([["e", "no id"]], "", ""),
        ([], "", ""),
    ],
)
def test_replies_of_nip_10(tags: list[list[str]], answered: str, root: str) -> None:
    reading = read(made(ANN, "words", *tags))
    found = [edge.target.id[:2] for edge in reading.edges if edge.kind is EdgeKind.REPLIES_TO]
    assert found == ([answered] if answered else [])
    conversation = reading.posts[0].conversation
    assert (conversation.id[:2] if conversation else "") == root


def test_a_tag_that_the_text_names_by_its_place_is_no_reply() -> None:
    reading = read(made(ANN, "as #[0] says", ["e", "0a" * 32]))
    assert [edge.kind for edge in reading.edges] == []


def test_a_comment_answers_its_parent() -> None:
    coordinate = f"30023:{key(BEN)}:lorem"
    event = made(ANN, "No.", ["A", coordinate], ["K", "30023"], ["e", "0a" * 32], ["k", "1111"], kind=1111)
    reading = read(event)
    assert [edge.target.id[:2] for edge in reading.edges if edge.kind is EdgeKind.REPLIES_TO] == ["0a"]
    assert reading.posts[0].conversation == Ref.parse(f"nostr:address:{coordinate}")
    page = read(made(ANN, "Nice.", ["i", "https://news.example/a"], ["k", "web"], kind=1111))
    assert [str(edge.target) for edge in page.edges] == ["web:page:https://news.example/a"]


def test_versions_of_an_article() -> None:
    tags = [["d", "lorem"], ["title", "Lorem"], ["published_at", str(NOON - 100)]]
    first, second = made(ANN, "One.", *tags, kind=30023, at=NOON), made(ANN, "Two.", *tags, kind=30023, at=NOON + 60)
    reading = read(second, first)
    ref = f"nostr:address:30023:{key(ANN)}:lorem"
    assert [(str(post.ref), post.text, post.version_id) for post in reading.posts] == [
        (ref, "Lorem\n\nTwo.", second["id"]),
        (ref, "Lorem\n\nOne.", first["id"]),
    ]
    assert {(str(alias.alias), str(alias.ref)) for alias in reading.aliases} == {
        (note(first), ref),
        (note(second), ref),
    }
    assert {post.edited_at for post in reading.posts} == {"2024-10-28T12:00:00Z", "2024-10-28T12:01:00Z"}
    assert not any(post.whole for post in reading.posts)


def test_a_profile_gives_its_author_a_name_and_no_handle() -> None:
    profile = made(ANN, json.dumps({"name": "ann", "display_name": "Ann Lee", "nip05": "ann@example.com"}), kind=0)
    reading = read(made(ANN, "words"), profile, made(BEN, "other"))
    assert {(post.text, post.name, post.handle) for post in reading.posts} == {
        ("words", "Ann Lee", ""),
        ("other", "", ""),
    }
    assert {account.name for account in reading.accounts if account.ref.id == key(ANN)} == {"Ann Lee"}
    assert (f"nostr:profile:{key(ANN)}", True) in {(str(proof.ref), proof.valid) for proof in reading.proofs}
    for content in ("no JSON", "[]", '{"name": 7}', '{"name": {"a": 1}}'):
        broken = read(made(ANN, content, kind=0), made(ANN, "words"))
        assert broken.posts[0].name == ""
        assert broken.unread[0].reason.startswith("a profile that cannot be read")


def test_reposts_read_what_is_inside_for_its_own_signature() -> None:
    original = made(ANN, "Genuine words")
    forged = original | {"content": "Forged words"}
    tags = (["e", original["id"], "wss://relay.example"], ["p", key(ANN)])
    repost = made(BEN, json.dumps(original), *tags, kind=6)
    reading = read(repost)
    assert [(post.text, post.author and post.author.id, post.pointer) for post in reading.posts] == [
        ("Genuine words", key(ANN), "/0/content")
    ]
    assert ("reposts", repost["id"][:8], original["id"][:8], "asserted") in edges(reading)
    bad = made(EVE, json.dumps(forged), *tags, kind=6)
    reading = read(bad)
    assert reading.posts == ()
    refused = [proof for proof in reading.proofs if proof.valid is False]
    assert [(str(proof.ref), proof.pointer) for proof in refused] == [(note(original), "/0/content")]
    assert note(bad) in refused[0].detail, "whose copy it is, so that nobody blames the author"
    assert note(original) not in outcomes(reading)
    both = read(original, bad)
    assert outcomes(both)[note(original)][0] == "unknown"
    assert [post.text for post in both.posts] == ["Genuine words"]


def test_reposts_of_other_things() -> None:
    original = made(ANN, "words")
    empty = read(made(BEN, "", ["e", original["id"]], kind=6))
    assert [edge.kind for edge in empty.edges] == [EdgeKind.NAMES, EdgeKind.REPOSTS]
    assert not empty.unread
    other = read(made(BEN, json.dumps(original), ["e", "0a" * 32], kind=6))
    assert other.unread[0].reason.startswith("the repost names another event")
    untagged = read(made(BEN, json.dumps(original), kind=16))
    assert untagged.edges[-1].target == Ref.parse(note(original))
    for content in ("no JSON", "[]", json.dumps({"content": "x"})):
        assert read(made(BEN, content, ["e", original["id"]], kind=6)).unread
    assert read(made(BEN, "", kind=6)).unread[0].reason == "a repost that names no event"


def test_reposts_inside_reposts_end() -> None:
    event = made(ANN, "words")
    for _ in range(6):
        event = made(BEN, json.dumps(event), ["e", event["id"]], kind=6)
    reading = read(event)
    assert any(one.reason == "a repost of what is no event" for one in reading.unread)
    assert reading.posts == ()


def test_deletion_requests_count_for_the_same_key_alone() -> None:
    mine, other = made(ANN, "mine"), made(BEN, "other")
    request = made(ANN, "", ["e", mine["id"]], ["e", other["id"]], ["e", "0a" * 32], ["e", "x"], kind=5)
    asked = f"deletion requested by nostr:profile:{key(ANN)}"
    for order in ((mine, other, request), (request, mine, other)):
        reading = read(*order)
        told = outcomes(reading)
        assert told[note(mine)] == ("deleted", asked)
        assert told[note(other)] == ("unknown", "held by a file: no relay was asked")
        assert told[f"nostr:note:{'0a' * 32}"] == ("unknown", asked)
        assert {"a deletion request by another key than the author's: without effect"} <= {
            one.reason for one in reading.unread
        }
    again = read(request, made(ANN, "", ["e", request["id"]], kind=5))
    assert outcomes(again)[note(request)][0] == "unknown", "a request cannot be taken back"


def test_deletion_requests_for_addresses() -> None:
    old = made(ANN, "One.", ["d", "lorem"], kind=30023)
    new = made(ANN, "Two.", ["d", "lorem"], kind=30023, at=NOON + 120)
    coordinate = f"30023:{key(ANN)}:lorem"
    request = made(ANN, "", ["a", coordinate], ["e", old["id"]], kind=5, at=NOON + 60)
    ref = f"nostr:address:{coordinate}"
    assert outcomes(read(old, request))[ref][0] == "deleted"
    assert outcomes(read(old, new, request))[ref][0] == "unknown", "a newer version stands"
    assert outcomes(read(old, made(EVE, "", ["a", coordinate], kind=5)))[ref][0] == "unknown"


def test_a_forged_deletion_deletes_nothing() -> None:
    mine = made(ANN, "mine")
    forged = made(EVE, "", ["e", mine["id"]], kind=5) | {"pubkey": key(ANN)}
    assert outcomes(read(mine, forged))[note(mine)][0] == "unknown"


def test_other_kinds_are_noted() -> None:
    reading = read(made(ANN, "+", ["e", "0a" * 32], kind=7))
    assert reading.posts == ()
    assert [one.reason for one in reading.unread] == ["an event of kind 7: signed, but not read"]
    assert reading.proofs[0].valid


def test_a_time_beyond_all_dates() -> None:
    (post,) = read(made(ANN, "words", at=10**15)).posts
    assert post.posted_at == ""


# ---- files ----------------------------------------------------------------------------------------------------


def test_every_shape_of_a_file() -> None:
    one, two = made(ANN, "one"), made(BEN, "two")
    lines = b"\n".join((json.dumps(one).encode(), b"", json.dumps(["EVENT", "sub", two]).encode(), b'["EOSE","sub"]\r'))
    shapes: list[tuple[bytes, list[str]]] = [
        (json.dumps(one).encode(), [""]),
        (json.dumps([one, two]).encode(), ["/0", "/1"]),
        (json.dumps(["EVENT", "sub", one]).encode(), ["/2"]),
        (json.dumps(["EVENT", one]).encode(), ["/1"]),
        (json.dumps([["EVENT", "sub", one], ["EOSE", "sub"], ["OK", "0a", False, "invalid"]]).encode(), ["/0/2"]),
        (json.dumps({"a/b": [one], "c": two, "empty": []}).encode(), ["/a~1b/0", "/c"]),
        (b"\xef\xbb\xbf" + json.dumps(one, indent=1).encode(), [""]),
        (lines, ["/0", "/1/2"]),
        (b"\xef\xbb\xbf" + lines, ["/0", "/1/2"]),
    ]
    for body, pointers in shapes:
        reading = nostr.imported(body)
        assert reading is not None
        assert [proof.pointer for proof in reading.proofs] == pointers
        assert all(proof.valid for proof in reading.proofs)
        assert reading.unread == ()


def test_a_bad_line_is_named_and_the_others_are_read() -> None:
    one, two = made(ANN, "one"), made(BEN, "two")
    missing = {name: value for name, value in one.items() if name != "sig"}
    body = "\n".join((json.dumps(one), '{"id": "cut o', json.dumps(two), json.dumps(two), json.dumps(missing)))
    reading = nostr.imported(body.encode())
    assert reading is not None
    assert [post.text for post in reading.posts] == ["one", "two", "two"]
    assert [unread.pointer for unread in reading.unread] == ["/1", "/4"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Prose about \"pubkey\" and \"sig\".",
        b'{"pubkey": 1, "sig": 2',
        b'[{"pubkey": "a", "sig": "b"}, {"pubkey": "a", "sig": "b"}]',
        b'{"version": "https://jsonfeed.org/version/1.1", "items": []}',
        b"[" * 100_000 + b'"pubkey" "sig"',
        json.dumps([made(ANN, "one"), "prose", "prose"]).encode(),
        b"\xff\xfe" + b'"pubkey" "sig"',
    ],
)  # fmt: skip
def test_other_files_are_documents(body: bytes) -> None:
    assert nostr.imported(body) is None


# ---- gateways -------------------------------------------------------------------------------------------------


def asked(base: str, ref: Ref) -> str:
    requests = nostr.plan(ref, (), Settings(endpoints={"nostr.event": base} if base else {}))
    return requests[0].url if requests else ""


def test_only_a_configured_gateway_is_asked() -> None:
    ref = Ref.parse("nostr:note:" + "0a" * 32)
    profile = Ref.parse(f"nostr:profile:{key(ANN)}")
    assert asked("", ref) == ""
    assert asked("https://gate.example/e/", ref) == f"https://gate.example/e/{ref.id}"
    assert asked("https://gate.example/e?id={id}", ref) == f"https://gate.example/e?id={ref.id}"
    assert asked("https://gate.example/{code}.json", profile) == f"https://gate.example/{code_of(profile)}.json"
    assert asked("https://gate.example/e", profile) == ""
    assert asked("https://gate.example/e", Ref.parse("nostr:note:x")) == ""
    assert "no relay is spoken to" in unasked(ref)
    assert unasked(Ref.parse("x:post:20")) == "it was not asked for yet"


def answered(ref: str, body: bytes, status: int | None = 200) -> Reading:
    request = Request(ref=Ref.parse(ref), route="event", url="https://gate.example/e")
    return nostr.parse(request, Answer(request=request, status=status, body=body, url=request.url))


def test_a_gateway_is_believed_for_what_is_signed() -> None:
    event = made(ANN, "words")
    shown = answered(note(event), json.dumps({"event": event}).encode())
    assert outcomes(shown) == {note(event): ("live", "shown by a gateway")}
    assert [post.text for post in shown.posts] == ["words"]
    forged = answered(note(event), json.dumps(event | {"content": "other"}).encode())
    assert outcomes(forged)[note(event)][0] == "unreadable"
    assert forged.posts == ()
    another = answered(note(event), json.dumps(made(ANN, "another")).encode())
    assert outcomes(another)[note(event)] == ("unknown", "the gateway answered with another event")
    assert outcomes(answered(note(event), b"{}"))[note(event)][0] == "unknown"
    with pytest.raises(ParseError):
        answered(note(event), b"<html>")
    for status in (404, 410, 451, 301):
        assert outcomes(answered(note(event), b"", status))[note(event)][0] == "unknown"
    assert outcomes(answered(note(event), b"", 429))[note(event)][0] == Outcome.RATE_LIMITED
    assert outcomes(answered(note(event), b"", None))[note(event)][0] == Outcome.UNREACHABLE


def test_evidence_classes() -> None:
    code = Code(prefix="note", key="0a" * 32)
    tagged = read(made(ANN, f"nostr:{code}", ["q", "0a" * 32]))
    assert [edge.evidence for edge in tagged.edges] == [Evidence.ASSERTED]
