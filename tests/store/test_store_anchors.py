"""Tokens of outside services: each with its leaf, certificates and standings, or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from archiver.custody import note
from archiver.errors import IntegrityError
from archiver.store.anchors import Anchors, Received, Standing, Waiting
from archiver.store.archive import open_archive
from archiver.store.evidence import Evidence, Tool

NOW = "2026-03-01T12:00:00.000000Z"
ORIGIN = "log.example/store"
TOKEN = Received(
    size=2,
    kind="rfc3161",
    service="clock",
    token=b"token",
    at="2026-03-01T11:59:59Z",
    chain=(b"signer", b"root"),
    standings=(Standing(certificate=b"signer", kind="ocsp", url="http://authority.example", der=b"good"),),
    said={"url": "https://clock.example", "qualified": True},
)


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    archive = open_archive(tmp_path / "a.db", now=NOW, origin=ORIGIN)
    made = Evidence(archive, Tool(version="1", config_sha256=""), now=lambda: NOW)
    with archive.transaction():
        for n in range(2):
            made.append("fixity", {"n": str(n)})
    made.checkpoint(lambda text: [note.sign(text, ORIGIN, b"\x01" * 32)])
    return made


def test_a_token_comes_with_all_that_it_needs(evidence: Evidence) -> None:
    held = Anchors(evidence.archive, evidence.origin)
    leaf = held.add(evidence, TOKEN, now=NOW)
    assert leaf == 2
    data = json.loads(evidence.archive.value("SELECT data FROM log_leaf WHERE idx = 2"))  # type: ignore[arg-type]
    assert data["chain_sha256"] == [hashlib.sha256(der).hexdigest() for der in TOKEN.chain]
    assert data["revocation_sha256"] == [hashlib.sha256(b"good").hexdigest()]
    assert [held.certificate(sha256) for sha256 in data["chain_sha256"]] == list(TOKEN.chain)
    newest = held.newest("rfc3161", "clock", verified=True)
    assert newest is not None
    assert (newest.token, newest.chain, held.qualified(newest)) == (b"token", tuple(data["chain_sha256"]), True)
    assert held.standing_since(b"signer", NOW)
    assert not held.standing_since(b"root", NOW)
    assert not held.standing_since(b"signer", "2026-03-01T12:00:00.000001Z")
    assert (held.covered("rfc3161", "clock"), held.covered("rfc3161", "other")) == (2, 0)
    assert held.only_anchors(2, 3)
    assert not held.only_anchors(1, 3)


def test_the_same_token_is_stored_once_and_another_beside_it(evidence: Evidence) -> None:
    held = Anchors(evidence.archive, evidence.origin)
    assert held.add(evidence, TOKEN, now=NOW) == 2
    assert held.add(evidence, TOKEN, now=NOW) is None
    assert held.add(evidence, replace(TOKEN, token=b"later", at=""), now=NOW) == 3
    newest, verified = held.newest("rfc3161", "clock"), held.newest("rfc3161", "clock", verified=True)
    assert newest is not None
    assert verified is not None
    assert (newest.token, verified.token) == (b"later", b"token")
    assert evidence.archive.value("SELECT count(*) FROM certificates") == 2
    assert evidence.archive.value("SELECT count(*) FROM revocations") == 1


def test_a_token_about_no_checkpoint_leaves_nothing_behind(evidence: Evidence) -> None:
    held = Anchors(evidence.archive, evidence.origin)
    with pytest.raises(IntegrityError, match="checkpoint of 1 leaves"):
        held.add(evidence, replace(TOKEN, size=1), now=NOW)
    assert (evidence.size(), evidence.archive.value("SELECT count(*) FROM certificates")) == (2, 0)


def test_a_failure_in_the_middle_leaves_nothing_behind(evidence: Evidence) -> None:
    held = Anchors(evidence.archive, evidence.origin)
    evidence.archive.db.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON log_anchor BEGIN SELECT raise(ABORT, 'x'); END"
    )
    with pytest.raises(Exception, match="x"):
        held.add(evidence, TOKEN, now=NOW)
    for table in ("certificates", "revocations", "log_anchor"):
        assert evidence.archive.value(f"SELECT count(*) FROM {table}") == 0
    assert evidence.size() == 2


def test_questions_are_remembered_and_forgotten(evidence: Evidence) -> None:
    held = Anchors(evidence.archive, evidence.origin)
    first = Waiting(size=2, kind="ots", service="b", due_at="2026-03-02", attempts=0, last="")
    second = replace(first, service="a", due_at="2026-03-01")
    held.wait(first)
    held.wait(second)
    assert held.waiting() == [second, first]
    held.wait(replace(first, due_at="2026-02-01", attempts=1, last="busy"))
    assert [(one.service, one.attempts, one.last) for one in held.waiting()] == [("b", 1, "busy"), ("a", 0, "")]
    held.drop(first)
    assert held.waiting() == [second]
