"""An archive of posts that their authors signed: a repository of the AT Protocol, an ActivityPub note with a proof
(FEP-8b32) and a picture with a C2PA manifest; people are invented, and the servers are on loopback."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libipld
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playing import NOTHING, Reply, Server, message
from running import Desk
from sky import Bluesky

from archiver.bundle.verify_curves import K1, combined
from archiver.model import Ref
from archiver.platforms.nostr.address import code_of
from tests.custody import manifests

NOTE, PERSON, LOST = "/notes/9abcdefg12", "/users/ada", "3l7gexamp2kd2"
SKY = "The minutes of the June meeting name the engineer who signed the survey."
WORDS = "I signed this note with a key of my own."
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v1"]
ACTIVITY = "Content-Type: application/activity+json"


def picture(title: str = "A calm coast") -> bytes:
    """A JPEG with a manifest that says that a trained model made it."""
    camera = manifests.signer("Camera of Example", ec.generate_private_key(ec.SECP256R1()))
    return manifests.Making(signer=camera, claim={"dc:title": title})(manifests.jpeg)


class Noter:
    """A key of Nostr, and what it signs: BIP-340 with a nonce that is always the same, for tests alone."""

    def __init__(self, secret: int) -> None:
        point = combined(K1, secret, 0, K1.base)
        assert point is not None
        self.secret = secret if point[1] % 2 == 0 else K1.order - secret
        self.public = point[0].to_bytes(32, "big").hex()

    def event(self, kind: int, content: str, *tags: list[str], at: int = 1_709_283_600) -> dict[str, Any]:
        fields = [0, self.public, at, kind, list(tags), content]
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
        id = hashlib.sha256(text.encode()).digest()
        return {"id": id.hex(), "pubkey": self.public, "created_at": at, "kind": kind, "tags": list(tags),
                "content": content, "sig": self.sign(id).hex()}  # fmt: skip

    def sign(self, message: bytes) -> bytes:
        nonce = int.from_bytes(hashlib.sha256(self.secret.to_bytes(32, "big") + message).digest(), "big") % K1.order
        point = combined(K1, nonce, 0, K1.base)
        assert point is not None
        nonce, start = (nonce if point[1] % 2 == 0 else K1.order - nonce), point[0].to_bytes(32, "big")
        tag = hashlib.sha256(b"BIP0340/challenge").digest()
        told = hashlib.sha256(tag + tag + start + bytes.fromhex(self.public) + message).digest()
        return start + ((nonce + int.from_bytes(told, "big") * self.secret) % K1.order).to_bytes(32, "big")


NOTER, OTHER = Noter(1234567), Noter(7654321)
NOTED = 'I was on the bridge this morning,\nand it was "closed" \\ again: 🌉'


def events() -> list[Any]:
    """What a client exports: a profile, a note, a repost with a copy of it, a repost with a copy that was changed."""
    note, profile = NOTER.event(1, NOTED), NOTER.event(0, json.dumps({"name": "Mira"}))
    true = OTHER.event(6, json.dumps(note), ["e", note["id"]], ["p", NOTER.public])
    changed = note | {"content": "I was never on the bridge."}
    false = OTHER.event(6, json.dumps(changed), ["e", note["id"]], ["p", NOTER.public], at=1_709_283_700)
    return [profile, note, ["EVENT", "sub", true], false]


class Person:
    """A server with one person, whose notes are signed (eddsa-jcs-2022), and one picture."""

    def __init__(self, image: bytes) -> None:
        self.server = Server(self._respond)
        self.key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
        self.image = image
        self.id, self.uri = self.server.base + PERSON, self.server.base + NOTE
        document = {
            "@context": CONTEXT, "id": self.uri, "type": "Note", "attributedTo": self.id, "content": f"<p>{WORDS}</p>",
            "published": "2024-03-01T09:00:00Z", "to": "https://www.w3.org/ns/activitystreams#Public",
            "attachment": [{"type": "Document", "mediaType": "image/jpeg", "url": f"{self.server.base}/media/p.jpg"}],
        }  # fmt: skip
        self.note = self.signed(document)

    def signed(self, document: dict[str, Any]) -> dict[str, Any]:
        options = {"@context": CONTEXT, "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022",
                   "proofPurpose": "assertionMethod", "verificationMethod": f"{self.id}#key",
                   "created": "2024-03-01T09:00:00Z"}  # fmt: skip
        digests = [hashlib.sha256(rfc8785.dumps(one)).digest() for one in (options, document)]
        value = str(libipld.encode_multibase("z", self.key.sign(b"".join(digests))))
        return document | {"proof": options | {"proofValue": value}}

    def actor(self) -> dict[str, Any]:
        key = str(libipld.encode_multibase("z", b"\xed\x01" + self.key.public_key().public_bytes_raw()))
        method = {"id": f"{self.id}#key", "type": "Multikey", "controller": self.id, "publicKeyMultibase": key}
        return {"@context": CONTEXT, "id": self.id, "type": "Person", "preferredUsername": "ada", "name": HOSTILE,
                "assertionMethod": [method]}  # fmt: skip

    def _respond(self, target: str, raw: bytes) -> Reply:
        del raw
        if target in (NOTE, PERSON):
            value = self.note if target == NOTE else self.actor()
            return message(json.dumps(value).encode(), ACTIVITY)
        return message(self.image, "Content-Type: image/jpeg") if target == "/media/p.jpg" else NOTHING


@dataclass
class World:
    """Who is there."""

    person: Person = field(default_factory=lambda: Person(picture(HOSTILE)))
    bluesky: Bluesky = field(default_factory=lambda: Bluesky("ines.example", "3l7gexamp2kc2"))

    @property
    def servers(self) -> list[Server]:
        return [self.person.server, self.bluesky.pds, self.bluesky.net]

    def configure(self, folder: Path) -> Path:
        lines = ["[archive]", 'operator = "Desk"', f'origin = "log.example/{secrets.token_hex(8)}"']
        lines += ["[endpoints]", *(f'"{name}" = "{url}"' for name, url in self.bluesky.endpoints().items())]
        places = ", ".join(f'"{server.place}"' for server in self.servers)
        lines += ["[network]", f"allow_private = [{places}]", "[pace]", "default = 0.0"]
        path = folder / "archiver.toml"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path


@contextmanager
def playing() -> Iterator[World]:
    world = World()
    try:
        world.bluesky.write(SKY, "2024-10-24T08:00:00.000Z", quoted=LOST, image=manifests.JFIF + manifests.PICTURE)
        yield world
    finally:
        for server in world.servers:
            server.close()


def archived(folder: Path, change: Callable[[World], None] = lambda world: None) -> Desk:
    """The archive after one run over all posts, and a bundle of them in `folder/bundle`."""
    folder.mkdir(parents=True, exist_ok=True)
    with playing() as world:
        change(world)
        desk = Desk(folder, world.configure(folder))
        lines = "\n".join(map(json.dumps, events()))
        told = [Ref(platform="nostr", kind="note", id=one["id"]) for one in (events()[1], events()[2][2], events()[3])]
        addresses = [
            *(f"nostr:{code_of(ref)}" for ref in told),
            world.person.uri,
            world.bluesky.url(),
            world.bluesky.url(LOST),
        ]
        ended = desk.call("run", desk.seed("list.txt", "\n".join(addresses)), desk.seed("n.jsonl", lines))
        assert ended.code in (0, 1), ended
    ended = desk.call("export", "--collection", "seeds", "--to", folder / "all.zip")
    assert ended.code == 0, ended
    with zipfile.ZipFile(folder / "all.zip") as packed:
        packed.extractall(folder)
    return desk


def copied(bag: Path, folder: Path) -> Path:
    shutil.copytree(bag, folder)
    return folder
