"""Talks with outside services, led by hand: whatever is answered, they end, and keep nothing that is not right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.custody import log, note, ots
from archiver.model import Answer, Failure, Request
from archiver.net import timestamps
from archiver.net.timestamps import Said, State, Talk
from tests.custody.authority import TIME, Making, info, party

DIGEST = hashlib.sha256(b"a checkpoint").digest()
NOW = "2026-03-01T12:00:00.000000Z"
ROOT = party("Root of Example", authority=True)
SIGNER = party("Clock of Example", ROOT)
REPLY = Making(signer=SIGNER)(info(DIGEST, nonce=7))
SEED, WITNESS_SEED = b"\x01" * 32, b"\x02" * 32
LOG = note.verifier_key("log.example/talk", SEED)
WITNESS = note.verifier_key("witness.example/w1", WITNESS_SEED, note.COSIGNATURE)
LEAVES = [log.leaf_hash(bytes([n])) for n in range(40)]


def node(level: int, index: int) -> bytes:
    return log.fold(LEAVES[index << level : (index + 1) << level])


def signed(size: int) -> str:
    head = str(note.Checkpoint(origin=LOG.name, size=size, root=log.root(node, size)))
    return str(note.SignedNote(text=head, signatures=(note.sign(head, LOG.name, SEED),)))


NOTE = signed(40)
COSIGNED = f"{note.cosign(note.SignedNote.parse(NOTE).text, WITNESS.name, WITNESS_SEED, 1_800_000_000)}\n".encode()
PENDING = ots.Tree.of([ots.Attestation.pending("https://calendar.example")])
HELD = bytes(ots.stamped(DIGEST, b"", bytes(PENDING)))


def clock(**more: object) -> Talk:
    given = {"nonce": 7, "roots": [ROOT.der], "now": NOW, **more}
    return timestamps.timestamp_of("https://clock.example/tsr", DIGEST, **given)  # type: ignore[arg-type]


def witness(old: int = 10) -> Talk:
    return timestamps.cosignature_of(
        "https://witness.example/", WITNESS, NOTE, old, lambda size: log.consistency(node, size, 40)
    )


TALKS: dict[str, Callable[[], Talk]] = {
    "timestamp": clock,
    "stamp": lambda: timestamps.stamp_of("https://calendar.example", DIGEST),
    "upgrade": lambda: timestamps.upgrade_of("https://calendar.example", HELD),
    "cosignature": witness,
}


def lead(talk: Talk, *answers: tuple[int | None, bytes, str] | Failure) -> tuple[Said, list[Request]]:
    """Leads a talk to its end; the last answer is given again and again."""
    asked: list[Request] = []
    try:
        request = next(talk)
        while True:
            asked.append(request)
            assert len(asked) < 10
            given = answers[min(len(asked), len(answers)) - 1]
            if isinstance(given, Failure):
                answer = Answer(request=request, status=None, failure=given, detail="as a test wants it")
            else:
                status, body, kind = given
                answer = Answer(request=request, status=status, headers=(("content-type", kind),), body=body)
            request = talk.send(answer)
    except StopIteration as stop:
        said: Said = stop.value
        return said, asked


def right(body: bytes) -> tuple[int, bytes, str]:
    return 200, body, "application/octet-stream"


RIGHT = {
    "timestamp": (REPLY, State.HOLDS),
    "stamp": (bytes(PENDING), State.PENDING),
    "upgrade": (bytes(ots.Tree.of([ots.Attestation.bitcoin(3)])), State.HOLDS),
    "cosignature": (COSIGNED, State.HOLDS),
}


@pytest.mark.parametrize("name", TALKS)
def test_the_right_answer_is_kept(name: str) -> None:
    body, state = RIGHT[name]
    said, (request,) = lead(TALKS[name](), right(body))
    assert (said.state, said.reason == "" or state is State.PENDING) == (state, True)
    assert said.token
    assert not request.follow
    assert 0 < request.max_bytes <= timestamps.MAX_TOKEN


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("failure", [failure for failure in Failure if failure is not Failure.NONE])
def test_no_answer_is_told_with_its_kind(name: str, failure: Failure) -> None:
    said, _ = lead(TALKS[name](), failure)
    assert said.token == b""
    assert failure.value in said.reason


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_another_status_keeps_nothing(name: str, status: int) -> None:
    said, _ = lead(TALKS[name](), (status, RIGHT[name][0], "application/octet-stream"))
    assert (said.token, said.state in (State.NOTHING, State.DISPUTED, State.PENDING)) == (b"", True)
    assert said.reason


@pytest.mark.parametrize("name", TALKS)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=400), status=st.sampled_from([200, 409]))
def test_chance_bytes_end_a_talk_and_keep_nothing(name: str, body: bytes, status: int) -> None:
    said, _ = lead(TALKS[name](), (status, body, "application/octet-stream"))
    if said.token:  # some bytes are an OpenTimestamps proof
        assert name in ("stamp", "upgrade")
        assert ots.OtsProof.parse(said.token).digest == DIGEST
    else:
        assert said.reason


@pytest.mark.parametrize("name", ["timestamp", "cosignature"])
def test_a_changed_byte_never_vouches(name: str) -> None:
    """What the signature covers cannot change; what holds all the same are bytes that it does not cover."""
    body, _ = RIGHT[name]
    step = 1 if name == "cosignature" else 5
    for at in range(0, len(body), step):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        said, _ = lead(TALKS[name](), right(changed))
        if said.state is State.HOLDS:
            assert name == "timestamp"
            assert said.time == "2026-03-01T12:00:00Z"
            assert said.chain == (SIGNER.der, ROOT.der)
        elif said.token:
            assert (said.state, said.time) == (State.UNVERIFIED, "")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Making(signer=SIGNER)(info(hashlib.sha256(b"else").digest(), nonce=7)), "the token is over"),
        (Making(signer=SIGNER)(info(DIGEST, nonce=8)), "nonce"),
        (Making(signer=SIGNER)(info(DIGEST, nonce=None)), "nonce"),
        (Making(signer=SIGNER, signed_content=b"other")(info(DIGEST, nonce=7)), "timestamp was refused"),
    ],
)
def test_a_token_that_contradicts_what_was_asked_is_refused(reply: bytes, reason: str) -> None:
    said, _ = lead(clock(), right(reply))
    assert (said.state, said.token) == (State.NOTHING, b"")
    assert reason in said.reason


def test_a_token_without_known_roots_is_kept_and_states_nothing() -> None:
    stranger = party("Root of Nobody", authority=True)
    for roots in ([], [stranger.der]):
        said, _ = lead(clock(roots=roots), right(REPLY))
        assert (said.state, said.token, said.time, said.chain[0]) == (State.UNVERIFIED, REPLY, "", SIGNER.der)


def test_another_policy_than_was_asked_for_is_refused() -> None:
    said, _ = lead(clock(policy="1.2.3.4"), right(REPLY))
    assert (said.state, "under the policy" in said.reason) == (State.NOTHING, True)
    assert TIME.startswith("2026")


def test_a_witness_that_names_another_size_is_asked_again_three_times_at_most() -> None:
    said, asked = lead(witness(), (409, b"20\n", "text/x.tlog.size"), right(COSIGNED))
    assert said.state is State.HOLDS
    assert [request.body.split(b"\n")[0] for request in asked] == [b"old 10", b"old 20"]
    proof = [note.from_base64(line.decode()) for line in asked[1].body.split(b"\n\n")[0].split(b"\n")[1:]]
    assert log.check_consistency(20, 40, log.root(node, 20), log.root(node, 40), proof)
    assert asked[1].body.endswith(b"\n\n" + NOTE.encode())
    sizes = [(409, f"{size}\n".encode(), "text/x.tlog.size") for size in (20, 30, 20, 30, 20)]
    said, asked = lead(witness(), *sizes)
    assert (said.state, len(asked)) == (State.NOTHING, timestamps.TURNS)


@pytest.mark.parametrize(
    ("old", "answer", "state"),
    [
        (10, (409, b"41\n", "text/x.tlog.size"), State.DISPUTED),
        (40, (409, b"40\n", "text/x.tlog.size"), State.DISPUTED),
        (10, (422, b"", ""), State.DISPUTED),
        (10, (409, b"10\n", "text/x.tlog.size"), State.NOTHING),
        (10, (409, b"010\n", "text/x.tlog.size"), State.NOTHING),
        (10, (409, b"-1\n", "text/x.tlog.size"), State.NOTHING),
        (10, (409, b"99999999999999999999\n", "text/x.tlog.size"), State.NOTHING),
        (10, (404, b"", ""), State.NOTHING),
    ],
)
def test_what_a_refusal_of_a_witness_means(old: int, answer: tuple[int, bytes, str], state: State) -> None:
    said, (_,) = lead(witness(old), answer)
    assert (said.state, said.token) == (state, b"")


@pytest.mark.parametrize("old", [0, 40])
def test_no_proof_is_sent_where_none_is_needed(old: int) -> None:
    _, (request,) = lead(witness(old), right(COSIGNED))
    assert request.body == f"old {old}\n\n{NOTE}".encode()


def test_lines_of_other_witnesses_do_no_harm_and_alone_do_not_help() -> None:
    other = f"{note.cosign(note.SignedNote.parse(NOTE).text, 'witness.example/w2', SEED, 1_800_000_000)}\n".encode()
    said, _ = lead(witness(), right(other + COSIGNED))
    assert (said.state, said.token) == (State.HOLDS, other + COSIGNED)
    said, _ = lead(witness(), right(other))
    assert (said.state, "did not cosign" in said.reason) == (State.NOTHING, True)


def test_a_calendar_is_asked_for_what_it_said() -> None:
    commitment = hashlib.sha256(DIGEST + b"x").digest()
    steps = ots.Operation(tag=ots.APPEND, argument=b"x"), ots.Operation(tag=ots.SHA256)
    end = ots.Tree.of([ots.Attestation.pending("https://calendar.example")])
    answer = ots.Tree.of((), [(steps[0], ots.Tree.of((), [(steps[1], end)]))])
    said, (request,) = lead(timestamps.stamp_of("https://calendar.example/", DIGEST), right(bytes(answer)))
    assert (request.url, request.body) == ("https://calendar.example/digest", DIGEST)
    later, (request,) = lead(
        timestamps.upgrade_of("https://calendar.example/", said.token),
        right(bytes(ots.Tree.of([ots.Attestation.bitcoin(9)]))),
    )
    assert (request.url, request.method) == (f"https://calendar.example/timestamp/{commitment.hex()}", "GET")
    assert ots.OtsProof.parse(later.token).blocks() == ((9, commitment),)
    waits, _ = lead(timestamps.upgrade_of("https://calendar.example", said.token), (404, b"Pending", "text/plain"))
    assert (waits.state, waits.token, "no block yet" in waits.reason) == (State.PENDING, b"", True)


def test_a_proof_that_names_another_calendar_is_not_followed() -> None:
    said, asked = lead(timestamps.upgrade_of("https://calendar.example.evil.example", HELD), right(b""))
    assert (asked, said.state) == ([], State.PENDING)
    assert "https://calendar.example" in said.reason
