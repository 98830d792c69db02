"""`archiver keys`: private keys stay private, whole and of their own log; every refusal says what to do."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from running import Desk, Ended, sound

from archiver.cli import main
from archiver.custody import note
from archiver.errors import InputError
from archiver.jobs import keyring
from archiver.jobs.config import Config, load

SEED, OTHER = bytes(range(32)), bytes(range(1, 33))
ORIGIN = "log.example/keys"


@dataclass(frozen=True)
class Office(Desk):
    """An archive of a log with a known name; its keys are in a folder of this test."""

    def run(self, words: str = "Nobody is quoted here.") -> Ended:
        count = len(list((self.folder / "seeds").glob("*"))) if (self.folder / "seeds").exists() else 0
        return self.call("run", self.seed(f"{count}.txt", f"{words} {count}\n"), "--offline")

    def keys(self, name: str, *arguments: str) -> Ended:
        more = [] if name == "export" else ["--config", str(self.config)]
        words = ["keys", name, *arguments, "--db", str(self.db), *more]
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        return Ended(result.exit_code, result.stdout, result.stderr)

    @property
    def path(self) -> Path:
        return keyring.key_path(Config(), ORIGIN)

    def notes(self) -> list[note.SignedNote]:
        return [note.SignedNote.parse(text) for (text,) in self.table("SELECT note FROM log_checkpoint ORDER BY size")]

    def leaves(self) -> list[Any]:
        return [json.loads(data) for (data,) in self.table("SELECT data FROM log_leaf ORDER BY idx")]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    (work / "archiver.toml").write_text(f'[archive]\norigin = "{ORIGIN}"\noperator = "Desk"\n')
    return Office(work, work / "archiver.toml")


def private(office: Office, text: str, mode: int = 0o600) -> Path:
    office.path.parent.mkdir(parents=True, exist_ok=True)
    office.path.write_text(text)
    office.path.chmod(mode)
    return office.path


def pem(key: Any, *, encrypted: bool = False) -> str:
    secret = serialization.BestAvailableEncryption(b"x") if encrypted else serialization.NoEncryption()
    data: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    return data.decode()


SKEY = keyring.PrivateKey(name=ORIGIN, seed=SEED).secret()


# ---- making ---------------------------------------------------------------------------------------------------


def test_the_first_run_makes_a_key_and_says_so_in_one_line(office: Office) -> None:
    ended = office.run()
    assert ended.code == 0
    (line,) = [line for line in ended.out.splitlines() if "its key" in line]
    assert str(office.path) in line
    assert stat.S_IMODE(office.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(office.path.parent.stat().st_mode) == 0o700
    assert not office.path.is_relative_to(office.folder)
    assert "its key" not in office.run().out
    (add,) = [leaf for leaf in office.leaves() if leaf["type"] == "key"]
    vkey = office.value("SELECT vkey FROM origin")
    assert {key: add[key] for key in ("name", "vkey", "action")} == {"name": ORIGIN, "vkey": vkey, "action": "add"}
    assert office.table("SELECT name, vkey, action FROM log_key") == [(ORIGIN, vkey, "add")]
    for signed in office.notes():
        assert note.verify(signed, [note.VerifierKey.parse(vkey)]) == (ORIGIN,)
    sound(office)


def test_no_secret_stands_in_the_archive_or_in_what_is_printed(office: Office) -> None:
    printed = [office.run()] + [
        office.keys(*words) for words in (("show",), ("rotate",), ("export",), ("show", "--json"))
    ]
    lines = office.path.read_text().splitlines()
    assert len(lines) == 2
    files = b"".join(path.read_bytes() for path in office.folder.rglob("*") if path.is_file())
    for line in lines:
        material = line.split("+", 4)[4]
        for secret in (material, base64.b64encode(base64.b64decode(material)[1:]).decode()):
            assert not any(secret in ended.out + ended.err for ended in printed)
            assert secret.encode() not in files
        assert base64.b64decode(material)[1:] not in files


def test_create_refuses_a_second_key_and_an_archive_that_is_not_there(office: Office) -> None:
    ended = office.keys("create")
    assert ended.code == 2
    assert "no archive here yet" in ended.err
    assert "archiver run SEED" in ended.err
    assert not office.db.exists()
    office.run()
    before, key = office.leaves(), office.path.read_text()
    ended = office.keys("create")
    assert ended.code == 2
    assert "has a key already" in ended.err
    assert "rotate" in ended.err
    assert (office.leaves(), office.path.read_text()) == (before, key)


def test_status_says_how_much_of_the_log_is_signed(office: Office, tmp_path: Path) -> None:
    (tmp_path / "tape").mkdir()
    (tmp_path / "tape" / "index.json").write_text("[]")
    office.call("run", office.seed("a.txt", "Nobody is quoted here.\n"), "--replay", tmp_path / "tape")
    assert "and no key signs them: `archiver keys create` makes one" in office.call("status").out
    office.keys("create")
    assert ", all signed at 20" in office.call("status").out
    held = office.call("status", "--json").json
    assert (held["signed"], len(held["keys"])) == (held["leaves"], 1)
    kept = office.path.read_text()
    office.path.unlink()
    office.run()
    assert f", the first {held['leaves']} signed at 20" in office.call("status").out
    private(office, kept)


@pytest.mark.parametrize("words", [("export",), ("show",)])
def test_looking_needs_an_archive_too(office: Office, words: tuple[str, ...]) -> None:
    ended = office.keys(*words)
    assert (ended.code, "no archive here yet" in ended.err) == (2, True)


def test_a_recording_that_is_replayed_makes_no_key_but_uses_one(office: Office, tmp_path: Path) -> None:
    (tmp_path / "tape").mkdir()
    (tmp_path / "tape" / "index.json").write_text("[]")
    seed = office.seed("a.txt", "Nobody is quoted here.\n")
    ended = office.call("run", seed, "--replay", tmp_path / "tape")
    assert (ended.code, "its key" in ended.out, office.path.exists(), office.notes()) == (0, False, False, [])
    ended = office.keys("create")
    assert ended.code == 0
    assert ended.out.startswith(f"made: {ORIGIN}+")
    assert len(office.notes()) == 1
    office.call("run", office.seed("b.txt", "Nor here.\n"), "--replay", tmp_path / "tape")
    assert len(office.notes()) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_leaves_a_run_unsigned_and_says_so(office: Office) -> None:
    config = office.path.parents[2]
    config.mkdir()
    config.chmod(0o500)
    ended = office.run()
    assert ended.code == 0
    assert "unsigned until `archiver keys create`" in ended.out


def test_a_place_that_is_no_folder_leaves_a_run_unsigned_and_says_so(office: Office) -> None:
    office.path.parents[2].write_text("a file, where the folder of configurations should be")
    ended = office.run()
    assert ended.code == 0, "what cannot be signed keeps nothing from being stored"
    assert "unsigned until `archiver keys create`" in ended.out
    assert office.notes() == []
    office.path.parents[2].unlink()
    assert "has its key now" in office.run().out
    assert [note.Checkpoint.parse(signed.text).size for signed in office.notes()] == [len(office.leaves())]


def test_a_name_that_cannot_be_signed_is_told(office: Office) -> None:
    office.config.write_text('[archive]\norigin = "my log"\n')
    ended = office.run()
    assert ended.code == 0
    assert "checkpoints are unsigned" in ended.out
    assert "new-origin --name" in ended.out
    assert office.keys("new-origin", "--name", ORIGIN, "--reason", "a name that can be signed").code == 0
    assert len(office.notes()) == 1


# ---- what a key file may hold ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(SEED).decode(),
        f"# a comment\n\n  {base64.b64encode(SEED).decode()}  \n",
        pem(Ed25519PrivateKey.from_private_bytes(SEED)),
        SKEY + "\n",
    ],
    ids=["base64", "comment", "pem", "note"],
)
def test_a_key_that_is_at_hand_is_taken(office: Office, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = str(note.verifier_key(ORIGIN, SEED))
    private(office, text)
    ended = office.run()
    assert ended.code == 0
    assert "is signed by the key" in ended.out
    assert office.value("SELECT vkey FROM origin") == expected
    assert office.path.read_text() == text, "what a person put there stays as it is"
    office.path.unlink()
    monkeypatch.setenv("QUOTECHAIN_KEY", text)
    assert office.run().code == 0
    assert len(office.notes()) == 2
    assert not office.path.exists()


BAD = [
    ("", "no key stands here"),
    ("# only a comment\n", "no key stands here"),
    ("hello\n", "no base64"),
    ("é\n", "no base64"),
    (base64.b64encode(SEED[:31]).decode(), "32 bytes, this has 31"),
    (base64.b64encode(SEED + b"\x00").decode(), "32 bytes, this has 33"),
    (f"{base64.b64encode(SEED).decode()}\n{base64.b64encode(b'short').decode()}", "32 bytes, this has 5"),
    (SKEY[:-6] + ("A" if SKEY[-6] != "A" else "B") + SKEY[-5:], "damaged"),
    (SKEY.replace("+keys+", "+kays+").replace("log.example", "log.exemple"), "damaged"),
    ("PRIVATE+KEY+", "damaged"),
    ("PRIVATE+KEY+a b+00000000+AQ==", "32 bytes, this has 0"),
    ("PRIVATE+KEY+x+y", "damaged"),
    (keyring.PrivateKey(name="other.example/log", seed=SEED).secret(), "the key of other.example/log, not of"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM cannot be read"),
    (pem(Ed25519PrivateKey.from_private_bytes(SEED), encrypted=True), "unencrypted"),
    (pem(ec.generate_private_key(ec.SECP256R1())), "no Ed25519 key"),
]


@pytest.mark.parametrize(("text", "reason"), BAD, ids=range(len(BAD)))
def test_a_key_that_cannot_be_used_is_told_and_nothing_is_lost(
    office: Office, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    private(office, text)
    ended = office.run()
    assert ended.code == 2
    assert reason in ended.out
    assert office.path.name in ended.out
    made = office.keys("create")
    assert (made.code, reason in made.err) == (2, True)
    assert office.notes() == []
    assert office.value("SELECT count(*) FROM captures") == 1
    assert office.path.read_text() == text
    for secret in text.split():
        if len(secret) > 20 and "+" not in secret:
            assert secret not in ended.out + made.err
    office.path.unlink()
    if text:
        monkeypatch.setenv("QUOTECHAIN_KEY", text)
        ended = office.run()
        assert (ended.code, reason in ended.out, "QUOTECHAIN_KEY" in ended.out) == (2, True, True)


MUTATED = st.tuples(
    st.sampled_from([SKEY, BAD[3][0], pem(Ed25519PrivateKey.from_private_bytes(SEED))]), st.integers(0, 200)
)


@settings(deadline=None)  # the first one loads cryptography
@given(st.text() | MUTATED.map(lambda one: one[0][: one[1]] + chr(one[1]) + one[0][one[1] + 1 :]), st.text())
def test_no_text_is_more_than_refused(text: str, origin: str) -> None:
    held: tuple[keyring.PrivateKey, ...] = ()
    with suppress(InputError):
        held = keyring.parsed(text, origin, place="here")
    assert all(len(key.seed) == 32 and str(key.public) for key in held)


def test_keys_are_written_as_they_are_read(office: Office) -> None:
    keys = tuple(keyring.PrivateKey(name=name, seed=seed) for name in (ORIGIN, "b") for seed in (SEED, OTHER))
    text = "".join(f"{key.secret()}\n" for key in keys)
    assert keyring.parsed(text, "c", place="here") == keys
    assert SEED not in repr(keys).encode("latin-1", "replace")
    assert SKEY not in repr(keyring.Ring(place="here", path=None, keys=keys))


def test_an_archive_of_an_older_version_has_no_keys_to_show(office: Office) -> None:
    office.run()
    with closing(sqlite3.connect(office.db)) as db:
        db.execute("DROP TABLE log_key")
    for words in (("show",), ("export",)):
        ended = office.keys(*words)
        assert (ended.code, "made by an older version" in ended.err) == (2, True)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_can_use_is_refused(office: Office, mode: int) -> None:
    office.run()
    office.path.chmod(mode)
    ended = office.run()
    assert ended.code == 2
    assert f"chmod 600 {office.path}" in ended.out
    assert f"mode {mode:o}" in ended.out
    assert len(office.notes()) == 1
    assert f"mode {mode:o}" in office.keys("show").out
    assert office.keys("rotate").code == 2
    office.path.chmod(0o600)
    assert office.run().code == 0
    assert len(office.notes()) == 2


def test_a_folder_or_a_pipe_is_no_key(office: Office) -> None:
    office.path.mkdir(parents=True)
    assert "no plain file" in office.run().out
    office.path.rmdir()
    os.mkfifo(office.path, 0o600)
    ended = office.run()
    assert (ended.code, "no plain file" in ended.out) == (2, True)


def test_a_key_that_is_lost_is_told_and_never_replaced_by_itself(office: Office) -> None:
    office.run()
    kept = office.path.read_text()
    office.path.unlink()
    ended = office.run()
    assert ended.code == 0
    assert "checkpoints are unsigned: the key of this log" in ended.out
    assert not office.path.exists()
    assert len(office.notes()) == 1
    private(office, base64.b64encode(OTHER).decode())
    assert "checkpoints are unsigned: the key of this log" in office.run().out, "another key is not its key"
    private(office, kept)
    assert "unsigned" not in office.run().out
    assert len(office.notes()) == 2


# ---- replacing and giving up ------------------------------------------------------------------------------------


def names(signed: note.SignedNote) -> list[str]:
    return [signature.key_id.hex() for signature in signed.signatures]


def test_both_keys_sign_until_the_old_one_is_retired(office: Office) -> None:
    office.run()
    ended = office.keys("rotate")
    assert ended.code == 0
    old, new = (note.VerifierKey.parse(vkey) for (vkey,) in office.table("SELECT vkey FROM log_key ORDER BY leaf"))
    assert ended.out.startswith(f"added: {new}")
    office.run()
    assert [names(signed) for signed in office.notes()] == [[old.id.hex()], *[[old.id.hex(), new.id.hex()]] * 2]
    assert office.value("SELECT vkey FROM origin") == str(new)
    exported = office.keys("export").out.splitlines()
    assert exported == [str(old), str(new)]
    assert office.keys("retire", new.id.hex()[:7] + "x").code == 2
    ended = office.keys("retire", old.id.hex().upper())
    assert ended.code == 0, ended.err
    office.run()
    assert [names(signed) for signed in office.notes()[3:]] == [[new.id.hex()]] * 2
    assert len(office.path.read_text().splitlines()) == 1
    assert office.keys("export").out.splitlines() == [str(new)]
    last = office.keys("retire", new.id.hex())
    assert (last.code, "the only key" in last.err) == (2, True)
    shown = office.keys("show", "--json").json
    assert [(key["key_id"], key["here"], key["retired"] is None) for key in shown["keys"]] == [
        (old.id.hex(), False, False),
        (new.id.hex(), True, True),
    ]
    assert shown["signed"] == shown["leaves"]
    sound(office)


def test_rotate_needs_a_first_key_and_helps_where_it_was_lost(office: Office) -> None:
    office.path.parents[2].write_text("no folder")
    office.run()
    ended = office.keys("rotate")
    assert (ended.code, "no key yet" in ended.err) == (2, True)
    office.path.parents[2].unlink()
    office.run()
    office.path.unlink()
    ended = office.keys("rotate")
    assert ended.code == 0
    assert "give it up with `archiver keys retire`" in ended.out
    assert len(names(office.notes()[-1])) == 1
    lost = office.keys("show", "--json").json["keys"][0]["key_id"]
    assert office.keys("retire", lost).code == 0


def test_keys_of_the_environment_are_replaced_there(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (base64.b64encode(seed).decode() for seed in (SEED, OTHER))
    monkeypatch.setenv("QUOTECHAIN_KEY", first)
    office.run()
    ended = office.keys("rotate")
    assert (ended.code, "after the old one" in ended.err) == (2, True)
    monkeypatch.setenv("QUOTECHAIN_KEY", f"{first}\n{second}")
    assert office.keys("rotate").code == 0
    old, new = (note.verifier_key(ORIGIN, seed).id.hex() for seed in (SEED, OTHER))
    assert names(office.notes()[-1]) == [old, new]
    ended = office.keys("retire", old)
    assert (ended.code, "take it out of QUOTECHAIN_KEY" in ended.out) == (0, True)
    assert names(office.notes()[-1]) == [new]
    assert not office.path.exists()


def test_the_last_key_at_hand_is_not_given_up(office: Office) -> None:
    office.run()
    office.keys("rotate")
    old, new = office.path.read_text().splitlines()
    private(office, old + "\n")
    key_id = office.keys("show", "--json").json["keys"][0]["key_id"]
    ended = office.keys("retire", key_id)
    assert (ended.code, "nothing could be signed" in ended.err) == (2, True)
    private(office, f"{old}\n{new}\n")
    assert office.keys("retire", key_id).code == 0


def test_a_configured_file_is_taken_and_may_hold_keys_of_several_logs(office: Office) -> None:
    path = office.folder.parent / "elsewhere" / "all.keys"
    office.config.write_text(f'[archive]\norigin = "{ORIGIN}"\n[custody]\nkey_file = "{path}"\n')
    other = keyring.PrivateKey(name="other.example/log", seed=OTHER).secret()
    path.parent.mkdir()
    path.write_text(other + "\n")
    path.chmod(0o600)
    assert office.run().code == 0
    assert path.read_text().startswith(other)
    assert len(path.read_text().splitlines()) == 2
    assert keyring.seen_path(load(office.config), ORIGIN).parent == path.parent
    assert not office.path.exists()


def test_a_key_beside_the_archive_is_told(office: Office) -> None:
    office.config.write_text(f'[archive]\norigin = "{ORIGIN}"\n[custody]\nkey_file = "{office.folder}/log.key"\n')
    assert "whoever copies the folder can sign" in office.run().out


def test_nothing_is_half_written_where_the_disk_refuses(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.run()
    before, leaves = office.path.read_text(), office.leaves()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        ended = office.keys("rotate")
    assert (ended.code, "No space left" in ended.err) == (2, True)
    assert office.path.read_text() == before
    assert sorted(path.suffix for path in office.path.parent.iterdir()) == [".key", ".seen"]
    assert office.leaves() == leaves


# ---- other people's tools ---------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_checks_a_checkpoint_by_the_exported_key(office: Office, tmp_path: Path) -> None:
    office.run()
    (tmp_path / "key.pem").write_text(office.keys("export", "--pem").out)
    signed = office.notes()[-1]
    (tmp_path / "sig").write_bytes(signed.signatures[0].value)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(tmp_path / "key.pem"), "-rawin"]
    for text, code in ((signed.text, 0), (signed.text.replace("\n", "\n1", 1), 1)):
        (tmp_path / "text").write_text(text)
        ended = subprocess.run(
            [*command, "-in", str(tmp_path / "text"), "-sigfile", str(tmp_path / "sig")], capture_output=True
        )
        assert ended.returncode == code, ended.stderr


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_ssh_reads_the_exported_key(office: Office, tmp_path: Path) -> None:
    office.run()
    (tmp_path / "key.pub").write_text(office.keys("export", "--ssh").out)
    ended = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], capture_output=True, text=True)
    assert (ended.returncode, ORIGIN in ended.stdout, "ED25519" in ended.stdout) == (0, True, True)
