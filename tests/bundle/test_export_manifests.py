"""C2PA manifests of media on their way into a bundle: found while the file is written, bounded, and never trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from archiver.bundle import report_entries
from archiver.bundle.index import MediaEntry
from archiver.bundle.manifests import LARGEST, LONGEST, MOST, Manifests, entry
from archiver.custody import c2pa_store
from archiver.errors import ParseError
from archiver.store.blobs import BlobStore
from tests.custody import manifests

CAMERA = manifests.signer("Camera of Example", ec.generate_private_key(ec.SECP256R1()))
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\u202e"


class Store:
    """Files by name; it counts how often each is read."""

    def __init__(self, **files: bytes) -> None:
        self.files, self.read = files, list[str]()

    def get(self, name: str) -> Iterator[bytes]:
        self.read.append(name)
        return iter([self.files[name]])


def watched(store: Store, size: int = 7) -> Manifests:
    made = Manifests(cast(BlobStore, store))
    for name, data in store.files.items():
        pieces = [data[:12], *(data[at : at + size] for at in range(12, len(data), size))]
        assert b"".join(made.watch(name, pieces)) == data
    return made


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "mp4"])
@pytest.mark.parametrize("size", [3, 7, 4096])
def test_only_a_file_that_has_a_manifest_is_read_again(kind: str, size: int) -> None:
    made = manifests.Making(signer=CAMERA)
    shape = getattr(manifests, kind)
    with_one = made(shape)
    store = Store(with_one=with_one, without=with_one[:12] + b"nothing of that kind here", text=b"caBX C2PA jumb")
    found = watched(store, size)
    first = found.of("with_one", len(with_one))
    assert first is not None
    assert first["manifests"][0]["title"] == "A calm coast"
    assert found.of("with_one", len(with_one)) is first
    assert (found.of("without", 37), found.of("text", 14), found.of("never seen", 1)) == (None, None, None)
    assert store.read == ["with_one"]
    assert found.of("with_one", LARGEST + 1) is None


def test_no_store_is_found_in_a_file_without_its_mark() -> None:
    for shape in (manifests.jpeg, manifests.png, manifests.webp, manifests.mp4):
        data = manifests.Making(signer=CAMERA)(shape)
        mark = c2pa_store.mark(data[:12])
        assert mark in data
        assert c2pa_store.find(data) is not None
        try:
            assert c2pa_store.find(data.replace(mark, b"x" * len(mark))) is None
        except ParseError:
            pytest.fail("a file without the mark is told to have a store that cannot be read")
    assert c2pa_store.mark(b"%PDF-1.7 ...") == b""


def test_hostile_manifests_are_cut_and_escaped() -> None:
    actions = {"actions": [{"action": f"{HOSTILE}{n}", "digitalSourceType": HOSTILE} for n in range(200)]}
    info = {"name": HOSTILE * 30, "version": HOSTILE}
    making = manifests.Making(
        signer=manifests.signer(HOSTILE[:60], ec.generate_private_key(ec.SECP256R1())),
        claim={"dc:title": HOSTILE * 40, "claim_generator_info": info},
        assertions={"c2pa.actions.v2": actions},
    )
    told = entry(making(manifests.jpeg))
    assert told is not None
    assert len(json.dumps(told)) < 64_000
    (manifest,) = told["manifests"]
    assert len(manifest["title"]) <= LONGEST
    assert len(manifest["generator"]) <= LONGEST
    assert len(manifest["actions"]) == MOST
    item = cast(MediaEntry, {"sha256": "", "type": "", "kind": "image", "url": "", "alt": "", "size": 0, "c2pa": told})
    shown = "".join(report_entries._media(item, lambda path: None, report_entries.Room(0)))
    assert "&lt;script&gt;" in shown
    for word in ("<script", "<img", "\u202e"):
        assert word not in shown


def test_a_manifest_that_cannot_be_read_is_told_and_a_bomb_of_boxes_is_refused() -> None:
    data = manifests.Making(signer=CAMERA)(manifests.jpeg)
    broken = entry(data.replace(b"c2pa.claim.v2", b"c2pa.blame.v2"))
    assert broken is not None
    assert broken["manifests"] == []
    assert broken["unread"].startswith("0 claims")
    deep = manifests.superbox("c2pa", "c2pa")
    for _ in range(2000):
        deep = manifests.superbox("c2pa", "c2pa", deep)
    bomb = entry(manifests.jpeg(deep)[0])
    assert bomb is not None
    assert bomb["unread"]
