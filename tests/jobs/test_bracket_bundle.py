"""Bundles of several evenings, each with a signed head and those who vouch for it: what a stranger learns of the times
between which captures were made, end to end."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_anchors import House, house
from tsa import UTC, Calendar, Clock, write_roots

from archiver.bundle import verify, verify_stamps
from archiver.custody import log, note, ots
from archiver.jobs.config import Config
from archiver.jobs.verify import Options
from archiver.jobs.verify import verify as archive_verify
from tests.bundle.making import again

__all__ = ["house"]
EVENINGS = 4


@dataclass
class Evenings:
    """One document an evening."""

    house: House
    clock: Clock
    roots: Path

    def bundle(self, folder: Path, *documents: str) -> Path:
        """All or some of the documents, exported and unpacked."""
        named = documents or tuple(f"{number}.txt" for number in range(1, self.house.seeds + 1))
        more = [part for name in named for part in ("--document", str(self.house.desk.folder / "seeds" / name))]
        ended = self.house.desk.call("export", *more, "--to", folder.with_suffix(".zip"))
        assert ended.code == 0, ended.out
        with zipfile.ZipFile(folder.with_suffix(".zip")) as file:
            file.extractall(folder.with_suffix(".all"))
        return folder.with_suffix(".all") / "bundle"

    def vkey(self) -> str:
        return str(self.house.table("SELECT vkey FROM log_key")[0][0])

    def check(self, bag: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
        capsys.readouterr()
        code = verify.main([str(bag), "--key", self.vkey(), "--roots", str(self.roots), *more])
        return code, capsys.readouterr().out


@pytest.fixture
def evenings(house: House, tmp_path: Path) -> Evenings:
    clock = Clock.make()
    roots = write_roots(tmp_path, clock)
    house.configure(house.rfc3161(clock, roots=roots))
    for _ in range(EVENINGS):
        assert house.run().code == 0
    return Evenings(house, clock, roots)


def brackets(bag: Path) -> list[dict[str, Any]]:
    index = json.loads((bag / "data/bundle.json").read_text())
    return [capture["bracket"] for capture in index["captures"]]


def test_each_capture_is_bounded_by_the_first_token_behind_it(
    evenings: Evenings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = evenings.bundle(tmp_path / "all")
    tokens = {hashlib.sha256(token).hexdigest(): (size, at) for size, _, _, token, at in evenings.house.tokens()}
    index = json.loads((bag / "data/bundle.json").read_text())
    first = sorted((size, at) for size, at in tokens.values())
    assert len(index["captures"]) == EVENINGS
    for capture in index["captures"]:
        size, at = next(pair for pair in first if pair[0] > capture["leaf"])
        assert capture["bracket"]["not_after"] == at
        (anchor,) = [one for one in index["anchors"] if one["path"] == capture["bracket"]["not_after_by"]]
        assert (anchor["size"], anchor["over"]) == (size, f"data/anchors/checkpoint-{size}")
    code, out = evenings.check(bag, capsys)
    assert code == 0, out
    assert f"begins with {EVENINGS - 1} earlier heads" in out
    node = making_node(evenings.house)
    for path in sorted(bag.glob("data/proofs/checkpoint-*.consistency")):  # the body of C2SP's add-checkpoint
        lines, _, signed = path.read_text().partition("\n\n")
        old, *hashes = lines.split("\n")
        newer = note.Checkpoint.parse(note.SignedNote.parse(signed).text)
        proof = [note.from_base64(line) for line in hashes]
        size = int(old.removeprefix("old "))
        assert log.check_consistency(size, newer.size, log.root(node, size), newer.root, proof)


def making_node(house: House) -> log.NodeHash:
    hashes = [row[0] for row in house.table("SELECT hash FROM log_leaf ORDER BY idx")]
    return lambda level, n: log.fold(hashes[n << level : (n + 1) << level])


def test_only_heads_that_bound_something_go_along(evenings: Evenings, tmp_path: Path) -> None:
    """Of one document its own head, and the token that its capture names."""
    bag = evenings.bundle(tmp_path / "one", "3.txt")
    heads = sorted(path.name for path in bag.glob("data/anchors/checkpoint-*"))
    assert len(heads) == 2
    assert len(list(bag.glob("data/proofs/*.consistency"))) == 1
    ((bracket),) = brackets(bag)
    assert bracket["not_before"] <= bracket["not_after"]


@pytest.mark.parametrize("what", ["proof", "head", "token"])
def test_each_part_that_was_changed_is_named(
    evenings: Evenings, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    bag = evenings.bundle(tmp_path / "all")
    proof = min(bag.glob("data/proofs/*.consistency"), key=lambda path: int(path.stem.partition("-")[2]))
    head = bag / "data/anchors" / proof.stem
    if what == "proof":
        other = max(bag.glob("data/proofs/*.consistency"), key=lambda path: int(path.stem.partition("-")[2]))
        lines = other.read_text().split("\n")
        proof.write_text("\n".join([proof.read_text().split("\n")[0], *lines[1:]]))
    elif what == "head":
        text = head.read_text().split("\n")
        head.write_text("\n".join([*text[:2], note.to_base64(bytes(32)), *text[3:]]))
    else:
        index = json.loads((bag / "data/bundle.json").read_text())
        over = [one["path"] for one in index["anchors"] if one["over"] == f"data/anchors/{head.name}"]
        (bag / over[0]).write_bytes(evenings.clock.token(bytes(32), 7))
    again(bag)
    code, out = evenings.check(bag, capsys)
    told = {"token": "something else than the checkpoint"}.get(what, "does not begin with it")
    named = [line for line in out.splitlines() if line.startswith("WRONG") and told in line]
    assert (code, named != []) == (4, True), out


def test_a_key_that_was_rotated_still_bounds_what_it_signed(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock.make()
    roots = write_roots(tmp_path, clock)
    house.configure(house.rfc3161(clock, roots=roots))
    house.run()
    first = house.table("SELECT vkey FROM log_key")[0][0]
    assert house.desk.call("keys", "rotate").code == 0
    assert house.desk.call("keys", "retire", note.VerifierKey.parse(first).id.hex()).code == 0
    house.run()
    kept = Evenings(house, clock, roots)
    bag = kept.bundle(tmp_path / "all")
    new = house.table("SELECT vkey FROM log_key WHERE action = 'add' ORDER BY leaf DESC")[0][0]
    assert first not in (bag / "data/proofs/log.vkey").read_text()
    assert verify.main([str(bag), "--key", new, "--roots", str(roots)]) == 0
    assert "begins with 1 earlier heads" in capsys.readouterr().out


def test_heads_from_before_the_log_had_its_name_bound_as_well(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock.make()
    roots = write_roots(tmp_path, clock)
    house.configure(house.rfc3161(clock, roots=roots))
    house.run()
    ended = house.desk.call("keys", "new-origin", "--reason", "restored from a backup", "--name", "log.example/again")
    assert ended.code == 0, ended.out
    house.run()
    bag = Evenings(house, clock, roots).bundle(tmp_path / "all")
    index = json.loads((bag / "data/bundle.json").read_text())
    assert index["origin"] == "log.example/again"
    first, second = (capture["bracket"]["not_after_by"] for capture in index["captures"])
    assert first != second
    assert verify.main([str(bag), "--key", index["vkeys"][0], "--roots", str(roots)]) == 0
    out = capsys.readouterr().out
    assert "begins with 1 earlier heads" in out
    (proof,) = bag.glob("data/proofs/*.consistency")
    proof.unlink()
    again(bag)
    assert verify.main([str(bag), "--key", index["vkeys"][0], "--roots", str(roots)]) == 4
    assert "a checkpoint of another log" in capsys.readouterr().out


# ---- a token that is dated ahead ---------------------------------------------------------------------------------


def test_a_token_that_is_dated_ahead_is_told_and_named_by_no_capture(house: House, tmp_path: Path) -> None:
    """Its service's clock runs ahead, or ours behind: what came after it was not for sure made after its time. Another
    service's token is named in its place."""
    ahead = Clock.make(now=lambda: datetime.datetime.now(UTC) + datetime.timedelta(minutes=30))
    right = Clock.make()
    house.configure(
        house.rfc3161(ahead, "ahead", roots=write_roots(tmp_path, ahead, "a.pem")),
        house.rfc3161(right, "right", roots=write_roots(tmp_path, right, "r.pem")),
    )
    ended = house.run()
    (told,) = [line for line in ended.json["notes"] if "rfc3161 ahead" in line]
    assert "no capture names its token as older than itself" in told
    house.run()
    tokens = {service: hashlib.sha256(token).hexdigest() for _, _, service, token, _ in reversed(house.tokens())}
    assert house.leaves("import")[-1]["after"] == tokens["right"]


def test_a_capture_that_names_a_token_dated_ahead_is_not_said_to_be_later(evenings: Evenings, tmp_path: Path) -> None:
    """As captures did before that was looked at."""
    before = brackets(evenings.bundle(tmp_path / "before", "3.txt"))
    with closing(sqlite3.connect(evenings.house.desk.db)) as db:
        db.execute("DROP TRIGGER log_anchor_no_update")
        db.execute("UPDATE log_anchor SET received_at = '2026-01-01T00:00:00.000000Z'")
        db.commit()
    after = brackets(evenings.bundle(tmp_path / "after", "3.txt"))
    assert before[0]["not_before"]
    assert (after[0]["not_before"], after[0]["not_before_by"]) == (None, None)
    assert after[0]["not_after"] == before[0]["not_after"]


def test_services_that_contradict_each_other_are_named_and_captures_are_not(house: House, tmp_path: Path) -> None:
    """One is three hours ahead; the captures behind its token are not called wrong for it."""
    ahead = Clock.make(now=lambda: datetime.datetime.now(UTC) + datetime.timedelta(hours=3))
    right = Clock.make()
    house.configure(house.rfc3161(ahead, "ahead", roots=write_roots(tmp_path, ahead, "a.pem")))
    house.run()
    house.configure(house.rfc3161(right, "right", roots=write_roots(tmp_path, right, "r.pem")))
    house.run()
    report = archive_verify(house.desk.db, Config(), Options(roots=(ahead.root.der, right.root.der)))
    (finding,) = report.wrong
    assert (finding.check, finding.place.key) == ("anchor", "rfc3161 ahead on 4")
    assert ", and rfc3161 right, over " in finding.reason
    assert "the clock of one of them was wrong" in finding.reason


def test_within_its_stated_accuracy_a_token_is_not_ahead() -> None:
    from archiver.custody import der
    from archiver.store.dating import dated_ahead
    from tests.custody import authority

    signer = authority.party("Clock", authority.party("Root", authority=True))
    seconds = der.write(der.SEQUENCE, der.write_integer(100))
    made = authority.Making(signer=signer)
    vague = made(authority.info(bytes(32), accuracy=seconds))
    exact = made(authority.info(bytes(32)))
    at = "2026-03-01T12:00:00Z"
    for received, expected in (
        ("2026-03-01T12:00:01.000000Z", (False, False)),
        ("2026-03-01T11:59:01.000000Z", (False, False)),
        ("2026-03-01T11:58:00.000000Z", (True, False)),
        ("2026-03-01T11:57:19.000000Z", (True, True)),
        ("2026-02-01T12:00:00.000000Z", (True, True)),
    ):
        found = tuple(dated_ahead("rfc3161", token, at, received) for token in (exact, vague))
        assert found == expected, received
    assert dated_ahead("rfc3161", b"no token", at, "2026-03-01T11:58:00Z")
    assert dated_ahead("witness", b"", at, "2026-03-01T11:58:00Z")
    assert not dated_ahead("ots", b"", "", "2026-03-01T11:58:00Z")


# ---- OpenTimestamps ----------------------------------------------------------------------------------------------


def mined(root: bytes, time: int) -> bytes:
    """A header of an invented chain on which anybody finds a block at the second try."""
    for nonce in range(1 << 16):
        header = bytes(36) + root + time.to_bytes(4, "little") + bytes.fromhex("ffff7f20") + nonce.to_bytes(4, "little")
        if hashlib.sha256(hashlib.sha256(header).digest()).digest()[31] < 0x7F:
            return header
    raise AssertionError


@dataclass
class Chained:
    """An archive with one head, and a calendar that says in which block it stands."""

    evenings: Evenings
    bag: Path
    root: bytes


@pytest.fixture
def chained(house: House, tmp_path: Path) -> Chained:
    calendar, clock = Calendar(url=house.street.url("calendar")), Clock.make()
    house.configure(house.ots(calendar))
    assert house.run().code == 0
    calendar.height = 900_000
    house.due()
    assert house.run(fresh=False).code == 0
    bag = Evenings(house, clock, write_roots(tmp_path, clock)).bundle(tmp_path / "chained")
    ((_, root),) = ots.OtsProof.parse(house.tokens()[-1][3]).blocks()
    return Chained(Evenings(house, clock, tmp_path / "roots.pem"), bag, root)


def test_the_stock_library_reads_the_proof_of_a_bundle_and_agrees(chained: Chained) -> None:
    timestamp = pytest.importorskip("opentimestamps.core.timestamp", reason="opentimestamps is not installed")
    serialize = pytest.importorskip("opentimestamps.core.serialize", reason="opentimestamps is not installed")
    notary = pytest.importorskip("opentimestamps.core.notary", reason="opentimestamps is not installed")
    (path,) = chained.bag.glob("data/anchors/*.ots")
    (over,) = chained.bag.glob("data/anchors/checkpoint-*")
    data = path.read_bytes()
    detached = timestamp.DetachedTimestampFile.deserialize(serialize.StreamDeserializationContext(io.BytesIO(data)))
    assert detached.file_digest == hashlib.sha256(over.read_bytes()).digest()
    found = {(type(one), getattr(one, "height", 0)): message for message, one in detached.timestamp.all_attestations()}
    assert found[notary.BitcoinBlockHeaderAttestation, 900_000] == chained.root
    assert any(kind is notary.PendingAttestation for kind, _ in found)


def test_a_block_that_is_given_states_a_time(
    chained: Chained, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bag, evenings = chained.bag, chained.evenings
    code, out = evenings.check(bag, capsys)
    assert code == 1, out
    assert f"block 900000 must have the Merkle root {chained.root[::-1].hex()}" in out
    assert "give it: --block HEX" in out
    header = mined(chained.root, 1_772_600_000)
    code, out = evenings.check(bag, capsys, "--block", header.hex())
    assert (code, "the header that was given for its block" in out) == (4, True), "so little work anybody does"
    monkeypatch.setattr(verify_stamps, "FLOOR", 0)
    code, out = evenings.check(bag, capsys, "--block", header.hex())
    assert code == 0, out
    assert "leaves was there at 2026-03-04T06:53:20Z at the latest" in out
    idle = header[:76] + bytes(4)
    while hashlib.sha256(hashlib.sha256(idle).digest()).digest()[31] < 0x80:
        idle = idle[:76] + (int.from_bytes(idle[76:], "little") + 1).to_bytes(4, "little")
    code, out = evenings.check(bag, capsys, "--block", idle.hex())
    assert (code, "work of the header that was given for its block is not done" in out) == (4, True), out
    other = mined(bytes(32), 1_772_600_000)
    assert evenings.check(bag, capsys, "--block", other.hex())[0] == 1, "of another block: it says nothing here"
    with pytest.raises(SystemExit):
        verify.main([str(bag), "--block", "00"])


def test_a_proof_in_a_bundle_that_was_changed_is_named(chained: Chained, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = chained.bag.glob("data/anchors/*.ots")
    data = path.read_bytes()
    at = data.index(hashlib.sha256(next(chained.bag.glob("data/anchors/checkpoint-*")).read_bytes()).digest())
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    again(chained.bag)
    code, out = chained.evenings.check(chained.bag, capsys)
    assert (code, "an OpenTimestamps proof of something else than the checkpoint" in out) == (4, True), out


def test_the_command_takes_the_block_of_a_bundle(chained: Chained) -> None:
    header = mined(chained.root, 1_772_600_000).hex()
    command = [sys.executable, "-m", "archiver", "verify", chained.bag, "--key", chained.evenings.vkey()]
    done = subprocess.run([*command, "--block", header], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "the header that was given for its block" in done.stdout) == (4, True), done.stdout
    done = subprocess.run([*command, "--block", "00"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "160 hexadecimal digits" in done.stderr) == (2, True), done.stderr
