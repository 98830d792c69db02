"""Wrong values: each value of each kind of answer replaced, and nesting without end."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from test_bluesky_plan import (
    ALICE,
    BY_HANDLE,
    LOG,
    POST,
    QUOTED_REF,
    RECORD,
    RKEY,
    body,
    car,
    network,
    outcomes,
    refused,
    run,
)
from test_bluesky_plc import SIGNING
from test_bluesky_proofs import Repository, link

from archiver.errors import ParseError, ProofError
from archiver.model import Answer, Edge, Finding, Outcome, Reading, Ref, Request
from archiver.platforms import bluesky

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
