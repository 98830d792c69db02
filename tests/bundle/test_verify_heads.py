"""Earlier heads in a bundle: each bounds the captures that it holds, where the log begins with it and its keys signed
it; and the tokens between which a capture lies agree with each other and with its clock."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import making
import pytest

from archiver.bundle import verify, verify_notes
from archiver.bundle.verify_files import Refused
from archiver.custody import canonical, log, note
from tests.custody import authority

OLD = bytes(range(64, 96))
OLD_KEY = note.verifier_key(making.ORIGIN, OLD)
OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


def test_consistency_of_all_small_logs_agrees_with_the_library() -> None:
    leaves = [bytes([number]) for number in range(40)]
    node = making.node(leaves)
    roots = [log.root(node, size) for size in range(41)]
    for new in range(2, 41):
        for old in range(1, new):
            path = list(log.consistency(node, old, new))
            assert verify_notes.continued(old, new, roots[old], roots[new], path)
            assert not verify_notes.continued(old, new, roots[new], roots[new], path)
            assert not verify_notes.continued(old, new, roots[old], roots[old], path)
            assert not verify_notes.continued(old, new, roots[old], roots[new], [*path, bytes(32)])
            assert not verify_notes.continued(old, new, roots[old], roots[new], path[:-1])
            changed = list(path)
            at = random.Random(old * 64 + new).randrange(len(path))
            changed[at] = hashlib.sha256(path[at]).digest()
            assert not verify_notes.continued(old, new, roots[old], roots[new], changed)


@pytest.mark.parametrize(
    "text",
    ["", "old 5\n", "old 05\n\nx", "old -1\n\nx", "new 5\n\nx", "old 5\nAAAA\n\nx", "old 5\n*\n\nx", "old ٥\n\nx"],
)
def test_what_is_no_proof_of_an_earlier_head(text: str) -> None:
    with pytest.raises(Refused):
        verify_notes.parse_consistency(text, "x")


@dataclass
class Service:
    """A timestamping service that says any time."""

    root: authority.Party = field(default_factory=lambda: authority.party("Root", authority=True))

    def __post_init__(self) -> None:
        self.signer = authority.party("Clock", self.root)

    def stamp(self, text: str, time: str) -> bytes:
        return authority.Making(signer=self.signer)(authority.info(hashlib.sha256(text.encode()).digest(), time=time))


@dataclass
class Story:
    """A bundle of 300 leaves with a head of 100, both dated: of its captures two stand below 100."""

    service: Service = field(default_factory=Service)
    size: int = 100
    stamped: str = "20260301120000Z"
    seed: bytes = making.SEED
    other: Callable[[list[bytes]], list[bytes]] = lambda leaves: leaves  # the history of the earlier head
    over: Callable[[str], str] = lambda text: text  # what the earlier token is over
    named: str = ""  # the time of a token over a head of 4 leaves that the first capture names in `after`
    retire: int = 0  # the leaf at which the old key is given up
    brackets: dict[int, dict[str, str]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    change: Callable[[str], str] = lambda text: text  # what is done to the proof

    def write(self, folder: Path) -> Path:
        made = making.story()
        for place, action in ((2, "add"), *(((self.retire, "retire"),) if self.retire else ())):
            fields = {"name": making.ORIGIN, "vkey": str(OLD_KEY), "action": action}
            made.leaves[place] = canonical.dumps({"v": 1, "type": "key", "seq": str(place), "nonce": "", **fields})
            made.index.setdefault("also", []).append(place)
        if self.named:
            first = self.head(made.leaves, 4)
            token = self.service.stamp(first, self.named)
            made.leaves[5] = made.leaves[5].replace(b'"after":null', f'"after":"{making.sha256(token)}"'.encode())
            made.files |= {"anchors/0-clock.tsr": token, "anchors/checkpoint-4": first.encode()}
        making.prove(made)
        earlier = self.head(self.other(made.leaves), self.size)
        node, whole = making.node(made.leaves), len(made.leaves)
        lines = [f"old {self.size}", *map(note.to_base64, log.consistency(node, self.size, whole)), "", made.note]
        made.files |= {
            "anchors/1-clock.tsr": self.service.stamp(made.note, "20260303120000Z"),
            "anchors/2-clock.tsr": self.service.stamp(self.over(earlier), self.stamped),
            "anchors/checkpoint-300": made.note.encode(),
            f"anchors/checkpoint-{self.size}": earlier.encode(),
            f"proofs/checkpoint-{self.size}.consistency": self.change("\n".join(lines)).encode(),
        }
        for name in self.drop:
            del made.files[name]
        for place, capture in enumerate(made.index["captures"]):
            capture["bracket"] |= self.brackets.get(place, self.told(capture["leaf"]))
        return making.write(made, folder)

    def told(self, leaf: int) -> dict[str, str]:
        if leaf < 100:
            return {"not_after": "2026-03-01T12:00:00Z", "not_after_by": "data/anchors/2-clock.tsr"}
        return {"not_after": "2026-03-03T12:00:00Z", "not_after_by": "data/anchors/1-clock.tsr"}

    def head(self, leaves: list[bytes], size: int) -> str:
        text = str(note.Checkpoint(origin=making.ORIGIN, size=size, root=log.root(making.node(leaves), size)))
        return str(note.SignedNote(text=text, signatures=(note.sign(text, making.ORIGIN, self.seed),)))


def checked(story: Story, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    roots = folder / "roots.pem"
    roots.write_bytes(story.service.root.pem)
    bag = story.write(folder / "bag")
    code = verify.main([str(bag), "--key", str(making.KEY), "--roots", str(roots)])
    return code, capsys.readouterr().out


@OPENSSL
@pytest.mark.parametrize("seed", [making.SEED, OLD], ids=["the same key", "an earlier key"])
def test_an_earlier_head_bounds_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: bytes) -> None:
    """Signed by a key that the log gave up later, it bounds as well."""
    code, out = checked(Story(seed=seed, retire=150), tmp_path, capsys)
    assert code == 0, out
    assert "the log of 300 leaves begins with 1 earlier heads, which its keys signed" in out
    assert "3 times of captures are those of tokens" in out
    assert "2-clock.tsr: the log of 100 leaves was there at 2026-03-01T12:00:00Z" in out


def flipped(text: str) -> str:
    lines = text.split("\n")
    lines[1] = note.to_base64(bytes(32))
    return "\n".join(lines)


def elsewhere(leaves: list[bytes]) -> list[bytes]:
    return [leaf + b" " if place == 50 else leaf for place, leaf in enumerate(leaves)]


WRONG: dict[str, tuple[Story, str]] = {
    "a wrong proof": (Story(change=flipped), "does not begin with it"),
    "a proof cut short": (Story(change=lambda text: text.replace("\n", "\n\n", 2)), "checkpoint-100"),
    "a proof of another size": (Story(change=lambda text: text.replace("old 100", "old 99")), "begins at 99 leaves"),
    "a proof to another head": (
        Story(change=lambda text: text.replace("300\n", "299\n")),
        "leads to another checkpoint",
    ),
    "a head of another history": (Story(other=elsewhere), "does not begin with it"),
    "a token over another head": (Story(over=lambda text: text + "x"), "something else than the checkpoint"),
    "a key that was given up": (Story(seed=OLD, retire=60), "which was no key of the log at 100 leaves"),
    "a key of nobody": (Story(seed=bytes(32)), "no key that the log names signed it"),
    "a proof without its head": (Story(drop=("anchors/checkpoint-100",)), "a proof without its checkpoint"),
    "a time that no token has": (
        Story(brackets={0: {"not_after": "2026-02-28T00:00:00Z"}}),
        'not_after is \\"2026-02-28T00:00:00Z\\"',
    ),
    "a time of the wrong head": (
        Story(brackets={2: {"not_after": "2026-03-01T12:00:00Z"}}),
        'not_after is \\"2026-03-01T12:00:00Z\\"',
    ),
    "a clock ahead of its token": (
        Story(stamped="20260301090000Z", brackets={0: {"not_after": "2026-03-01T09:00:00Z"}}),
        "says that it was made at 2026-03-01T10:00:00Z, tokens say before 2026-03-01T09:00:00Z",
    ),
}


@OPENSSL
@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_an_earlier_head_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    story, told = WRONG[what]
    code, out = checked(story, tmp_path, capsys)
    assert (code, [line for line in out.splitlines() if line.startswith("WRONG") and told in line] != []) == (
        4,
        True,
    ), out


@OPENSSL
def test_without_its_proof_an_earlier_head_bounds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in bundles from before there were such proofs, of which `after` named heads: nothing is wrong with that."""
    old = Story(drop=("proofs/checkpoint-100.consistency",))
    code, out = checked(old, tmp_path, capsys)
    assert (code, 'not_after is \\"2026-03-01T12:00:00Z\\", the token says 2026-03-03T12:00:00Z' in out) == (4, True), (
        out
    )
    late = {"not_after": "2026-03-03T12:00:00Z", "not_after_by": "data/anchors/1-clock.tsr"}
    (tmp_path / "b").mkdir()
    code, out = checked(replace(old, brackets=dict.fromkeys(range(3), late)), tmp_path / "b", capsys)
    assert code == 0, out


@OPENSSL
def test_where_a_closer_token_cannot_be_checked_the_next_one_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another service, whose root is not at hand."""
    story = Story(over=lambda text: text)
    stranger = Service()
    bag = story.write(tmp_path / "bag")
    text = (bag / "data/anchors/checkpoint-100").read_text()
    (bag / "data/anchors/2-clock.tsr").write_bytes(stranger.stamp(text, "20260301120000Z"))
    making.again(bag)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(story.service.root.pem)
    code = verify.main([str(bag), "--key", str(making.KEY), "--roots", str(roots)])
    out = capsys.readouterr().out
    assert code == 4, "bundle.json has the hash of the token that stood there"
    assert "no token that held says so; those that held say 2026-03-03T12:00:00Z" in out


@OPENSSL
def test_tokens_that_contradict_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A capture that names a token of one day, and stood under a head that was dated the day before."""
    code, out = checked(Story(named="20260302120000Z"), tmp_path, capsys)
    assert code == 4, out
    assert "made after 2026-03-02T12:00:00Z and before 2026-03-01T12:00:00Z" in out
    assert "the clock of one of the services is wrong" in out
