"""SSH signatures, with OpenSSH as the judge."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.custody import ed25519, sshsig
from archiver.custody.sshsig import SshSignature
from archiver.errors import ParseError, ProofError

SEED = bytes(range(32))
PUBLIC = ed25519.public_key(SEED)
SPACE = "evidence-bundle"
DATA = b"0123  data/blobs/0123\n" * 40


def test_a_signature_holds_for_its_data_key_and_namespace_only() -> None:
    armoured = sshsig.sign(DATA, SEED, SPACE)
    assert str(sshsig.check(DATA, armoured, PUBLIC, SPACE)) == armoured
    with pytest.raises(ProofError, match="does not hold"):
        sshsig.check(DATA + b"\n", armoured, PUBLIC, SPACE)
    with pytest.raises(ProofError, match="for 'evidence-bundle'"):
        sshsig.check(DATA, armoured, PUBLIC, "file")
    with pytest.raises(ProofError, match="another key"):
        sshsig.check(DATA, armoured, ed25519.public_key(SEED[::-1]), SPACE)


def test_every_flipped_byte_of_a_signature_is_refused() -> None:
    armoured = sshsig.sign(DATA, SEED, SPACE)
    for at, character in enumerate(armoured):
        for bit in (1, 2, 0x20):
            changed = armoured[:at] + chr(ord(character) ^ bit) + armoured[at + 1 :]
            with pytest.raises((ParseError, ProofError)):
                sshsig.check(DATA, changed, PUBLIC, SPACE)
    for at in range(len(armoured)):
        with pytest.raises(ParseError):
            SshSignature.parse(armoured[:at])


def test_other_writings_of_a_signature_are_refused() -> None:
    armoured = sshsig.sign(DATA, SEED, SPACE)
    body = armoured.split("\n", 1)[1].rsplit(sshsig.END)[0]
    one_line = f"{sshsig.BEGIN}\n{body.replace(chr(10), '')}\n{sshsig.END}\n"
    for text in (one_line, armoured.replace("\n", "\r\n"), armoured + "\n", "\n" + armoured, armoured * 200):
        with pytest.raises(ParseError):
            SshSignature.parse(text)


def test_a_signature_that_names_another_namespace_does_not_hold() -> None:
    read = SshSignature.parse(sshsig.sign(DATA, SEED, SPACE))
    moved = str(SshSignature(public=read.public, namespace="file", value=read.value))
    with pytest.raises(ProofError, match="does not hold"):
        sshsig.check(DATA, moved, PUBLIC, "file")


@given(st.binary(min_size=32, max_size=32), st.text(min_size=1, max_size=90).filter(lambda text: text.isprintable()))
def test_signatures_are_read_as_written(public: bytes, namespace: str) -> None:
    for hash in ("sha256", "sha512"):
        made = SshSignature(public=public, namespace=namespace, hash=hash, value=public * 2)
        assert SshSignature.parse(str(made)) == made


@settings(max_examples=300)
@given(st.binary(max_size=200), st.text(max_size=30))
def test_no_text_makes_the_parser_fail_otherwise(data: bytes, text: str) -> None:
    coded = sshsig.to_base64(b"SSHSIG\x00\x00\x00\x01" + data)
    for given_text in (text, f"{sshsig.BEGIN}\n{coded}\n{sshsig.END}\n", f"{sshsig.BEGIN}\n{text}\n{sshsig.END}\n"):
        with contextlib.suppress(ParseError):
            assert str(SshSignature.parse(given_text)) == given_text


def test_what_cannot_be_written_is_not_made() -> None:
    with pytest.raises(ValueError, match="namespace"):
        sshsig.sign(DATA, SEED, "")
    with pytest.raises(ValueError, match="32"):
        sshsig.sign(DATA, SEED[1:], SPACE)
    with pytest.raises(ValueError, match="64 bytes"):
        sshsig.sign_digest(b"short", SEED, SPACE)
    for word in ("", "a b", "a,b", 'a"b', "a*", "a\nb", "!a", "#a"):
        with pytest.raises(ValueError, match="words"):
            sshsig.allowed_signers(word, PUBLIC)
        if word:
            with pytest.raises(ValueError, match="words"):
                sshsig.allowed_signers("a", PUBLIC, namespace=word)


def keygen(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen on this machine")
    return subprocess.run(["ssh-keygen", *arguments], input=data, capture_output=True, check=False, timeout=60)


def test_openssh_accepts_what_we_sign_and_refuses_what_is_changed(tmp_path: Path) -> None:
    signers, seal = tmp_path / "allowed_signers", tmp_path / "manifest.sig"
    signers.write_text(sshsig.allowed_signers("log.example/archive", PUBLIC, namespace=SPACE))
    seal.write_text(sshsig.sign(DATA, SEED, SPACE))
    ask = ["-Y", "verify", "-f", str(signers), "-I", "log.example/archive", "-s", str(seal)]
    assert keygen(*ask, "-n", SPACE, data=DATA).returncode == 0
    assert keygen(*ask, "-n", SPACE, data=DATA[1:]).returncode != 0
    assert keygen(*ask, "-n", "file", data=DATA).returncode != 0
    signers.write_text(sshsig.allowed_signers("log.example/archive", ed25519.public_key(SEED[::-1])))
    assert keygen(*ask, "-n", SPACE, data=DATA).returncode != 0
    signers.write_text(sshsig.allowed_signers("log.example/archive", ed25519.public_key(SEED[::-1]), PUBLIC))
    assert keygen(*ask, "-n", SPACE, data=DATA).returncode == 0


def test_what_openssh_signs_holds(tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert keygen("-q", "-t", "ed25519", "-N", "", "-C", "desk 1", "-f", str(key)).returncode == 0
    (tmp_path / "file").write_bytes(DATA)
    line = key.with_suffix(".pub").read_text().strip()
    blob = sshsig.from_base64(line.split(" ")[1])
    assert sshsig.public_line(blob[-32:], "desk 1") == line
    for hash in ("sha256", "sha512"):
        made = keygen("-Y", "sign", "-q", "-n", "file", "-f", str(key), "-O", f"hashalg={hash}", data=DATA)
        assert sshsig.check(DATA, made.stdout.decode(), blob[-32:], "file").hash == hash
