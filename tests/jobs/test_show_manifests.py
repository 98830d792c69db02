"""`archiver show` says below each kept file what its C2PA manifests claim and what of it holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import story
from cryptography.hazmat.primitives.asymmetric import ec
from running import Desk, lines

from tests.custody import manifests

CAMERA = manifests.signer("Camera of Example", ec.generate_private_key(ec.SECP256R1()))
SIGNED = manifests.Making(signer=CAMERA)(manifests.jpeg)
HOLDS = "the file is as it was when it was signed: holds"
FAILS = "the file is as it was when it was signed: does not hold"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (SIGNED, [f"  {HOLDS}", "claims that a trained model made", "signature (ES256, a certificate in the name of"]),
        (SIGNED[:-3] + b"x" + SIGNED[-2:], [f"  {FAILS}", "): holds. A signature that holds shows that whoever"]),
        (
            SIGNED.replace(b"A calm", b"A grim"),
            [f"  {HOLDS}", "title “A grim coast”", "): does not hold (the signature"],
        ),
        (SIGNED.replace(b"c2pa.claim.v2", b"c2pa.blame.v2"), ["  C2PA manifest that cannot be read: 0 claims"]),
        (manifests.JFIF + manifests.PICTURE, []),
    ],
)
def test_manifests_are_told_below_their_file(file: bytes, said: list[str], tmp_path: Path) -> None:
    with story.playing() as world:
        world.mastodon.files["/media/poster.jpg"] = ("image/jpeg", file)
        desk = Desk(tmp_path, world.configure(tmp_path))
        address = world.mastodon.url("ruth", "113300000000000001")
        desk.call("run", desk.seed("list.txt", lines([address])))
        (ref,) = desk.table(
            "SELECT DISTINCT r.ref FROM media m JOIN refs r ON r.id = m.post JOIN files f ON f.ref = m.file "
            "WHERE f.blob IS NOT NULL"
        )
        text, found = desk.call("show", *ref).out, desk.call("show", *ref, "--json").json
    assert text.count("Media image") == 1
    for words in said:
        assert words in text
    assert ("C2PA" in text) == bool(said)
    (item,) = [item for item in found["media"] if item["sha256"]]
    assert (item["c2pa"] is None) == (not said)
    if said:
        assert "\n".join(item["c2pa"]["told"]).replace("  ", " ") in text.replace("\n  ", "\n")
        assert [one["active"] for one in item["c2pa"]["manifests"]] in ([True], [])
