"""Nostr by what a real relay answered: all signatures hold, the forged one is refused, and wrong types never store."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.model import Outcome, Reading
from archiver.platforms import nostr
from archiver.platforms.nostr import bip340, files

WRONG: tuple[Any, ...] = (None, True, 7, -1, 1.5, "", "x", [], ["x"], {}, {"x": [{}]}, [[1]])
NAMES = ("relay-answers.json", "sent-events.json")

pytestmark = pytest.mark.corpus


def read(path: Path) -> Reading:
    reading = nostr.imported(path.read_bytes())
    assert reading is not None
    return reading


def test_recorded_events_hold_and_the_forged_one_is_refused(corpus: Path) -> None:
    held = refused = 0
    for name in NAMES:
        reading = read(corpus / "fediverse" / "nostr" / name)
        held += sum(proof.valid is True for proof in reading.proofs)
        bad = [proof for proof in reading.proofs if proof.valid is False]
        refused += len(bad)
        assert all("inside the repost" in proof.detail for proof in bad)
        words = {post.text for post in reading.posts}
        for proof in bad:  # what the forger wrote is nobody's post; the genuine one is
            assert [post for post in reading.posts if post.ref == proof.ref]
            node = json.loads((corpus / "fediverse" / "nostr" / name).read_bytes())
            for step in proof.pointer.split("/")[1:]:
                node = node[int(step)] if isinstance(node, list) else node[step]
            assert json.loads(node)["content"] not in words
        assert reading.unread == ()
        assert {finding.outcome for finding in reading.findings} <= {Outcome.UNKNOWN, Outcome.DELETED}
    print(f"\n{held} proofs of recorded events held, {refused} were refused")
    assert held > 20
    assert refused == len(NAMES)


def test_the_deletion_counts_where_its_event_is(corpus: Path) -> None:
    sent = read(corpus / "fediverse" / "nostr" / "sent-events.json")
    assert [finding.outcome for finding in sent.findings].count(Outcome.DELETED) == 1
    answers = read(corpus / "fediverse" / "nostr" / "relay-answers.json")
    assert Outcome.DELETED not in {finding.outcome for finding in answers.findings}


def test_other_recordings_are_no_files_of_events(corpus: Path) -> None:
    tried = 0
    for path in sorted((corpus / "fediverse").rglob("*.json")):
        if path.name not in NAMES and path.stat().st_size < 1 << 20:
            assert nostr.imported(path.read_bytes()) is None, path
            tried += 1
    print(f"\n{tried} other recordings")


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*at, number))


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    document = copy.deepcopy(document)
    node = document
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return document


def test_wrong_types_at_every_place(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value of each event is replaced: what comes is a reading in which nothing stands that was not signed."""
    verify, known = bip340.verify, dict[tuple[bytes, ...], bool]()

    def remembered(*parts: bytes) -> bool:  # most signatures are those of the unchanged neighbours
        if parts not in known:
            known[parts] = verify(*parts)
        return known[parts]

    monkeypatch.setattr(bip340, "verify", remembered)
    tried, seen = 0, set[str]()
    for name in NAMES:
        document = json.loads((corpus / "fediverse" / "nostr" / name).read_bytes())
        good = read(corpus / "fediverse" / "nostr" / name)
        texts = {(post.ref, post.author, post.text, post.posted_at) for post in good.posts}
        held = files.find(json.dumps(document).encode())
        assert held is not None
        fresh = [node.value for node in held.events if node.value["id"] not in seen]
        seen |= {value["id"] for value in fresh}
        alone = [([value], place) for value in fresh for place in places([value])]
        around = [(document, place) for place in places(document) if len(place) < 2]
        for whole, place in (*alone, *around):
            for value in WRONG:
                body = json.dumps(replaced(whole, place, value)).encode()
                reading = nostr.imported(body)
                tried += 1
                if reading is None:
                    continue
                found = {(post.ref, post.author, post.text, post.posted_at) for post in reading.posts}
                assert found <= texts, (place, value)
                assert not any(one.reason.startswith("a bug") for one in reading.unread)
    print(f"\n{tried} changed documents")
    assert tried > 2500


def test_wrong_types_inside_reposts(corpus: Path) -> None:
    """The event inside a repost is text to the one who signs the repost, so it can hold anything."""
    from archiver.platforms.fields import Node
    from archiver.platforms.nostr import reading as rules
    from archiver.platforms.nostr.event import Event
    from archiver.platforms.nostr.gathered import Gathered

    document = json.loads((corpus / "fediverse" / "nostr" / "sent-events.json").read_bytes())
    held = files.find(json.dumps(document).encode())
    assert held is not None
    tried = 0
    for node in held.events:
        if node.value["kind"] != 6 or not node.value["content"]:
            continue
        inner = json.loads(node.value["content"])
        for place in places(inner):
            for value in WRONG:
                content = json.dumps(replaced(inner, place, value))
                changed = Event(**{**_fields(node.value), "content": content})
                out = Gathered(held=(Outcome.UNKNOWN, ""))
                found = rules._embedded(changed, out, 0)
                tried += 1
                assert all(event.content == inner["content"] and event.id == inner["id"] for event in found)
        assert Node(inner)
    print(f"\n{tried} changed events in reposts")
    assert tried > 200


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"tags": tuple(map(tuple, value["tags"])), "pointer": "/x"}
