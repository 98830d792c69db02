"""C2PA manifests: what they claim is read, what was tampered with is told, and strangers' bytes end in ParseError."""

from __future__ import annotations

import hashlib
import io
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from archiver.custody import c2pa, c2pa_store, c2pa_told, cose, jumbf
from archiver.custody.cose import State
from archiver.errors import ParseError
from tests.custody import authority, manifests
from tests.custody.manifests import LABEL, Making, cbor

File = Callable[[bytes], tuple[bytes, int, int]]
FILES: dict[str, File] = {
    "png": manifests.png,
    "jpeg": manifests.jpeg,
    "jpeg in pieces": lambda store: manifests.jpeg(store, most=300),
    "webp": manifests.webp,
    "mp4": manifests.mp4,
}
TYPES = {"png": "image/png", "webp": "image/webp", "mp4": "video/mp4"}
CAMERA = manifests.signer("Camera of Example", ec.generate_private_key(ec.SECP256R1()))


def one(data: bytes) -> c2pa.Manifest:
    (found,) = c2pa.read(data)
    return found


def states(found: c2pa.Manifest) -> tuple[str, str, str]:
    return found.binding.state.value, found.contents.state.value, found.signature.state.value


HOLD = ("holds", "holds", "holds")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("file", FILES)
def test_a_manifest_is_read_from_every_kind_of_file(file: str, version: int) -> None:
    found = one(Making(signer=CAMERA, version=version)(FILES[file]))
    assert states(found) == HOLD
    assert (found.label, found.active, found.title, found.algorithm) == (LABEL, True, "A calm coast", "ES256")
    assert found.generator == ("Example_Camera/1.0" if version == 1 else "Example Camera 1.0")
    assert found.format == ("image/jpeg" if version == 1 else "")
    assert [assertion.label for assertion in found.assertions] == ["c2pa.actions.v2", "c2pa.hash.data"]
    assert [action.source_type for action in found.actions] == [manifests.AI]
    assert found.synthetic
    assert found.signer is not None
    assert found.signer.subject == "O=Example Press,CN=Camera of Example"
    assert found.signer.issuer == "O=Example Press,CN=Root of Example"
    assert (found.signer.not_before, found.signer.not_after) == ("2026-01-01T00:00:00Z", "2046-01-01T00:00:00Z")
    assert (found.stamp, found.ingredients, found.notes) == (None, (), ())


KEYS = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "PS256": rsa.generate_private_key(65537, 2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_algorithm_of_the_specification(algorithm: str) -> None:
    signer = manifests.signer("Camera of Example", KEYS[algorithm])
    assert states(one(Making(signer=signer, algorithm=algorithm)(manifests.png))) == HOLD
    tampered = one(Making(signer=signer, algorithm=algorithm, signed=lambda claim: claim + b"x")(manifests.png))
    assert tampered.signature.state is State.FAILS


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("file", FILES)
def test_a_flipped_byte_of_the_picture_breaks_the_binding_and_nothing_else(file: str) -> None:
    data = Making(signer=CAMERA)(FILES[file])
    place = {"png": data.find(b"IDAT") + 8, "webp": 23, "mp4": data.find(b"what is")}.get(file, len(data) - 3)
    found = one(flipped(data, place))
    assert states(found) == ("does not hold", "holds", "holds")
    assert "hash differs" in found.binding.reason
    if file == "webp":  # which ends with its manifest
        with pytest.raises(ParseError, match="cut off"):
            one(data[:-2])
    else:
        assert states(one(data[:-1])) == ("does not hold", "holds", "holds")


def test_a_flipped_byte_of_the_claim_breaks_the_signature() -> None:
    data = Making(signer=CAMERA)(manifests.png)
    found = one(flipped(data, data.find(b"A calm coast") + 3))
    assert found.title == "A c`lm coast"
    assert states(found) == ("holds", "holds", "does not hold")


def test_a_flipped_byte_of_an_assertion_is_told_although_the_signature_holds() -> None:
    data = Making(signer=CAMERA)(manifests.png)
    found = one(data.replace(b"trainedAlgorithmicMedia", b"trainedAlgorithmicMedic", 1))
    assert states(found) == ("holds", "does not hold", "holds")
    assert found.contents.reason.startswith("c2pa.actions.v2: ")
    found = one(flipped(data, data.find(b"\x64hash\x58\x20") + 10))
    assert (found.binding.state, found.contents.state) == (State.FAILS, State.FAILS)


def test_an_assertion_that_was_slipped_in_or_taken_out_is_told() -> None:
    slipped = manifests.superbox("cbor", "c2pa.actions", manifests.box("cbor", cbor({"actions": []})))
    found = one(Making(signer=CAMERA, unnamed=(slipped,))(manifests.png))
    assert found.contents == cose.Check(state=State.FAILS, reason="c2pa.actions: the claim does not name it")
    named = [{"url": f"self#jumbf=c2pa.assertions/{label}", "hash": b""} for label in ("c2pa.hash.data", "gone")]
    found = one(Making(signer=CAMERA, claim={"created_assertions": named})(manifests.png))
    assert [(one.label, one.check.reason[:15]) for one in found.assertions] == [
        ("c2pa.hash.data", "it is not the o"),
        ("gone", "it is not there"),
        ("c2pa.actions.v2", "the claim does "),
    ]
    assert found.binding.state is State.FAILS


def test_what_the_first_writers_did_is_read_and_their_hashes_of_drafts_are_not_called_wrong() -> None:
    """They left out the slash of addresses; drafts hashed what is in an assertion, not the assertion."""
    actions = cbor({"actions": [{"action": "c2pa.created"}]})
    box = manifests.superbox("cbor", "c2pa.actions.v2", manifests.box("cbor", actions))
    for hashed, state in ((box[8:], "holds"), (actions, "not checked"), (actions[1:], "does not hold")):
        url = f"self#jumbf=c2pa/{LABEL}/c2pa.assertions/c2pa.actions.v2"
        named = [{"url": url, "hash": hashlib.sha256(hashed).digest(), "alg": "sha256"}]
        claim = {"created_assertions": named, "signature": f"self#jumbf=c2pa/{LABEL}/c2pa.signature"}
        made = {"c2pa.actions.v2": actions, "c2pa.hash.data": None}
        found = one(Making(signer=CAMERA, claim=claim, assertions=made)(manifests.png))
        assert states(found) == ("not checked", state, "holds")
        assert [assertion.label for assertion in found.assertions] == ["c2pa.actions.v2"]


CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "leaves out the picture, too": (
        {"exclusions": lambda start, size: [{"start": start, "length": size + 20}]},
        "binding", "not checked", "leaves out 20 bytes that are not the manifest's"),
    "leaves out more elsewhere": (
        {"exclusions": lambda start, size: [{"start": start, "length": size}, {"start": 1, "length": 4}]},
        "binding", "not checked", "leaves out 4 bytes"),
    "ranges that overlap": (
        {"exclusions": lambda start, size: [{"start": start, "length": size}, {"start": start + 1, "length": 4}]},
        "binding", "does not hold", "overlap"),
    "a range behind the end": (
        {"exclusions": lambda start, size: [{"start": start, "length": 1 << 40}]},
        "binding", "does not hold", "behind the end"),
    "a range before the start": (
        {"data_hash": {"exclusions": [{"start": -1, "length": 4}]}}, "binding", "not checked", "a range is none"),
    "ranges without end": (
        {"data_hash": {"exclusions": [{"start": 0, "length": 0}] * 300}}, "binding", "not checked", "300 ranges"),
    "an unknown hash": ({"data_hash": {"alg": "md5"}}, "binding", "not checked", "md5"),
    "no hash": ({"data_hash": {"hash": "text"}}, "binding", "not checked", "not a hash"),
    "no binding": ({"assertions": {"c2pa.hash.data": None}}, "binding", "not checked", "0 hashes"),
    "two bindings": ({"assertions": {"c2pa.hash.boxes": {}}}, "binding", "not checked", "2 hashes"),
    "a binding of boxes": (
        {"assertions": {"c2pa.hash.data": None, "c2pa.hash.bmff.v3": {}}}, "binding", "not checked", "bmff.v3"),
    "an update": (
        {"kind": "c2um", "assertions": {"c2pa.hash.data": None}}, "binding", "not checked", "an earlier manifest"),
    "a payload of its own": ({"payload": b"another claim"}, "signature", "does not hold", "is not what the"),
    "another's signature": (
        {"claim": {"signature": "self#jumbf=/c2pa/urn:other/c2pa.signature"}}, "signature", "does not hold", "another"),
    "no name of a signature": ({"claim": {"signature": None}}, "signature", "does not hold", "another"),
    "an unknown algorithm": ({"protected": {1: -65535}}, "signature", "not checked", "algorithm"),
    "an algorithm of another key": ({"protected": {1: -37}}, "signature", "not checked", "not one for PS256"),
    "critical headers": ({"protected": {2: ["more"]}}, "signature", "not checked", "critical"),
    "no certificate": ({"protected": {33: []}}, "signature", "not checked", "did not come along"),
    "a certificate that is none": ({"protected": {33: b"x"}}, "signature", "not checked", "cannot be read"),
    "certificates of another kind": ({"protected": {33: ["x"]}}, "signature", "not checked", "not a few byte strings"),
    "certificates in two places": (
        {"unprotected": lambda *_: {"x5chain": b""}}, "signature", "not checked", "several places"),
    "an unknown hash of assertions": ({"claim": {"alg": "md5"}}, "contents", "not checked", "md5"),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_what_cannot_be_said_is_not_said_to_hold(what: str) -> None:
    made, name, state, reason = CASES[what]
    check = getattr(one(Making(signer=CAMERA, **made)(manifests.png)), name)
    assert check.state.value == state
    assert reason in check.reason


def test_certificates_beside_the_signed_header_and_no_tag_are_read_too() -> None:
    """Earlier writers: certificates in the unprotected header, under a name."""
    older = cbor({1: -7})
    sign1 = [
        older,
        {"x5chain": [CAMERA.der]},
        None,
        manifests.sign(CAMERA.key, "ES256", cbor(["Signature1", older, b"", b"claim"])),
    ]
    assert cose.check(cose.parse(cbor(sign1)), b"claim").state is State.HOLDS
    assert cose.check(cose.parse(cbor((18, sign1))), b"another").state is State.FAILS
    with pytest.raises(ParseError, match="tag 17"):
        cose.parse(cbor((17, sign1)))


# ---- what else is in a manifest ------------------------------------------------------------------------------------


def test_actions_and_ingredients_are_read() -> None:
    parent = "urn:c2pa:00000000-0000-4000-8000-00000000000f"
    uri = f"self#jumbf=/c2pa/{parent}"
    actions = {
        "actions": [
            {"action": "c2pa.opened", "softwareAgent": {"name": "Example Editor"}, "parameters": {"x": [1, 2.5]}},
            {"action": "c2pa.edited", "softwareAgent": "Example Editor 2"},
        ],
        "templates": [{"action": "c2pa.edited", "digitalSourceType": "http://example.org/humanEdits"}],
    }
    before = Making(signer=CAMERA, label=parent, version=1).manifest(manifests.jpeg)
    making = Making(
        signer=CAMERA,
        before=(before,),
        assertions={
            "c2pa.actions.v2": actions,
            "c2pa.ingredient.v3": {"dc:title": "sea.jpg", "relationship": "parentOf", "activeManifest": {"url": uri}},
            "c2pa.ingredient__1": {"dc:title": "sky.jpg", "dc:format": "image/jpeg", "c2pa_manifest": {"url": uri}},
        },
    )
    active, earlier = c2pa.read(making(manifests.png))
    assert [(one.action, one.agent) for one in active.actions] == [
        ("c2pa.opened", "Example Editor"),
        ("c2pa.edited", "Example Editor 2"),
        ("c2pa.edited", ""),
    ]
    assert [(one.title, one.relationship, one.manifest) for one in active.ingredients] == [
        ("sea.jpg", "parentOf", uri),
        ("sky.jpg", "", uri),
    ]
    assert (active.synthetic, earlier.synthetic, earlier.active, earlier.label) == (False, True, False, parent)
    assert states(active) == HOLD
    assert (earlier.signature.state, earlier.binding.state) == (State.HOLDS, State.UNCHECKED)
    told = c2pa_told.sentences((active, earlier))
    assert f"earlier manifest {parent} claims that a trained model made" in told[0]
    assert "made from 2 ingredients" in told[0]


@pytest.mark.parametrize(
    ("label", "content", "pointer"),
    [
        ("c2pa.actions", {"actions": [{"action": 7}]}, "/action"),
        ("c2pa.actions", {"actions": {}}, "/actions"),
        ("c2pa.actions", {"actions": [7]}, "/actions/0"),
        ("c2pa.actions", {"actions": [{}] * 300}, "300 actions"),
        ("c2pa.actions", b"\xff", "CBOR"),
        ("c2pa.ingredient", [], "not a map"),
        ("c2pa.ingredient.v3", {"dc:title": "x" * 5000}, "5000 characters"),
    ],
)
def test_assertions_that_cannot_be_read_are_named_and_the_rest_is_read(label: str, content: Any, pointer: str) -> None:
    found = one(Making(signer=CAMERA, assertions={label: content})(manifests.png))
    assert states(found) == HOLD
    assert len(found.notes) == 1
    assert found.notes[0].startswith(f"{label}: ")
    assert pointer in found.notes[0]
    assert "1 part could not be read" in c2pa_told.sentences((found,))[0]


# ---- timestamps ----------------------------------------------------------------------------------------------------

CLOCK_ROOT = authority.party("Root of Clocks", authority=True)
# Its signatures have one length, which a manifest needs: its own size stands in it.
CLOCK = authority.party("Clock of Example", CLOCK_ROOT, key=ed25519.Ed25519PrivateKey.generate())


def stamped(name: str, over: Callable[[bytes, bytes], bytes], *, whole: bool) -> Callable[[bytes, bytes, bytes], Any]:
    def header(claim: bytes, protected: bytes, signature: bytes) -> Any:
        data = cbor(["CounterSignature", protected, b"", over(claim, signature)])
        answer = authority.Making(signer=CLOCK, sign=authority.ed)(authority.info(hashlib.sha256(data).digest()))
        token = answer if whole else answer[answer.find(b"\x30\x03\x02\x01\x00") + 5 :]
        return {name: {"tstTokens": [{"val": token}]}}

    return header


STAMPS = {
    "sigTst": stamped("sigTst", lambda claim, _: claim, whole=True),
    "sigTst2": stamped("sigTst2", lambda _, signature: cbor(signature), whole=False),
    "sigTst2 without the wrapping": stamped("sigTst2", lambda _, signature: signature, whole=False),
}


@pytest.mark.parametrize("what", STAMPS)
def test_a_timestamp_is_read_and_holds_under_a_root_that_was_given(what: str) -> None:
    data = Making(signer=CAMERA, unprotected=STAMPS[what])(manifests.png)
    (found,) = c2pa.read(data, roots=[CLOCK_ROOT.der])
    assert found.stamp == c2pa.Stamp(
        time="2026-03-01T12:00:00Z", service="CN=Clock of Example", check=cose.Check(state=State.HOLDS)
    )
    unknown = one(data).stamp
    assert unknown is not None
    assert (unknown.check.state, unknown.time) == (State.UNCHECKED, "2026-03-01T12:00:00Z")
    assert unknown.check.reason == "it holds together, but nobody here vouches for its service"
    (other,) = c2pa.read(data, roots=[CAMERA.der])
    assert other.stamp is not None
    assert other.stamp.check.state is State.UNCHECKED
    assert "no root of the configured ones" in other.stamp.check.reason
    assert states(found) == states(other) == HOLD
    assert "timestamp of 2026-03-01T12:00:00Z: not checked" in c2pa_told.sentences(c2pa.read(data))[1]


@pytest.mark.parametrize(
    ("header", "state", "reason"),
    [
        (stamped("sigTst", lambda *_: b"another claim", whole=True), State.FAILS, "the token is over"),
        (stamped("sigTst2", lambda *_: b"another signature", whole=False), State.FAILS, "the token is over"),
        (lambda *_: {"sigTst": {"tstTokens": [{"val": b"\x30\x00"}]}}, State.UNCHECKED, "cannot be read"),
        (lambda *_: {"sigTst": {"tstTokens": []}}, State.UNCHECKED, "not where it should be"),
        (lambda *_: {"sigTst2": 7}, State.UNCHECKED, "not where it should be"),
    ],
)
def test_a_timestamp_over_something_else_does_not_hold(header: Any, state: State, reason: str) -> None:
    (found,) = c2pa.read(Making(signer=CAMERA, unprotected=header)(manifests.png), roots=[CLOCK_ROOT.der])
    assert found.stamp is not None
    assert found.stamp.check.state is state
    assert reason in found.stamp.check.reason
    assert found.signature.state is State.HOLDS


# ---- strangers' bytes ----------------------------------------------------------------------------------------------


def test_files_without_a_manifest_have_none() -> None:
    for data in (b"", b"text", manifests.JFIF + manifests.PICTURE, b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x08ftyp"):
        assert c2pa.read(data) == ()
        assert c2pa_told.report(data) is None


REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "two stores": lambda store: manifests.png(store)[0][:33]
    + manifests.chunk(b"caBX", store) * 2 + manifests.chunk(b"IEND", b""),
    "a piece is missing": lambda store: manifests.JFIF + without_second(manifests.segments(store, most=300)),
    "pieces from two on": lambda store: manifests.JFIF + manifests.segments(store, first=2) + manifests.PICTURE,
    "the last piece is missing": lambda store: manifests.JFIF + manifests.segments(store, most=300)[:640]
    + manifests.PICTURE,
    "no manifest in it": lambda _: manifests.png(manifests.superbox("c2pa", "c2pa"))[0],
    "another label": lambda _: manifests.png(manifests.superbox("c2pa", "other"))[0],
    "no superbox": lambda _: manifests.png(manifests.box("free", b""))[0],
    "no box": lambda _: manifests.png(b"\0\0")[0],
    "bytes behind it": lambda store: manifests.png(store + b"more")[0],
    "the store is cut off": lambda store: manifests.png(store[:-1])[0],
    "one label twice": lambda store: manifests.png(
        manifests.superbox("c2pa", "c2pa", store[38:], store[38:]))[0],
    "boxes without end": lambda _: manifests.png(
        manifests.superbox("c2pa", "c2pa", *[manifests.box("free")] * 5000))[0],
    "boxes in boxes": lambda _: manifests.png(nested(30))[0],
    "a hundred manifests": lambda _: manifests.png(
        manifests.superbox("c2pa", "c2pa", *[manifests.superbox("c2ma", f"m{n}") for n in range(100)]))[0],
    "a manifest without a claim": lambda _: manifests.png(
        manifests.superbox("c2pa", "c2pa", manifests.superbox("c2ma", LABEL)))[0],
}  # fmt: skip


def without_second(segments: bytes) -> bytes:
    return segments[:320] + segments[640:]


def nested(depth: int) -> bytes:
    made = b""
    for _ in range(depth):
        made = manifests.superbox("c2pa", "c2pa", made)
    return made


@pytest.mark.parametrize("what", REFUSED)
def test_stores_that_cannot_be_read_are_refused(what: str) -> None:
    making = Making(signer=CAMERA)
    data = REFUSED[what](making.store(making.manifest(manifests.png)))
    with pytest.raises(ParseError):
        c2pa.read(data)
    told = c2pa_told.report(data)
    assert told is not None
    assert told["unread"]
    assert told["told"][0].startswith("C2PA manifest that cannot be read: ")


def test_an_earlier_manifest_that_cannot_be_read_hides_nothing() -> None:
    making = Making(signer=CAMERA, before=(manifests.superbox("c2ma", "urn:broken"),))
    active, broken = c2pa.read(making(manifests.png))
    assert states(active) == HOLD
    assert broken.label == "urn:broken"
    assert "0 claims" in broken.notes[0]


def changed(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, doubled, dropped or set to lengths that are wrong."""
    made = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(made))
        match chance.randrange(5):
            case 0:
                made[at] = chance.randrange(256)
            case 1:
                made[at] ^= 1 << chance.randrange(8)
            case 2:
                del made[at : at + chance.randrange(1, 9)]
            case 3:
                made[at:at] = made[at : at + chance.randrange(1, 40)]
            case _:
                made[at : at + 4] = chance.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x9f\x9f\xbf\xbf"])
    return bytes(made)


@pytest.mark.parametrize("file", FILES)
def test_damaged_files_are_read_or_refused_and_never_pass_for_what_was_signed(file: str) -> None:
    data = Making(signer=CAMERA, unprotected=STAMPS["sigTst2"])(FILES[file])
    genuine, chance, counts, held = one(data), random.Random(file), [0, 0, 0], 0
    assert states(genuine) == HOLD
    for _ in range(600):
        made = changed(data, chance)
        try:
            found = c2pa.read(made)
        except ParseError:
            counts[0] += 1
            continue
        assert json.dumps(c2pa_told.report(made)) is not None
        counts[1 if found else 2] += 1
        if found and all(state == "holds" for state in states(found[0])):
            held += 1
            # What is neither signed nor hashed may differ: the padding, the timestamp, the wrapping.
            loose = {"stamp": None, "notes": []}
            assert c2pa_told.values(found[0]) | loose == c2pa_told.values(genuine) | loose
    print(file, dict(zip(("refused", "read", "none"), counts, strict=True)), f"{held} hold")
    assert min(counts[:2]) > 20


WRONG: tuple[Any, ...] = (None, True, 7, -1, 1.5, "text", b"bytes", [], [[]], {}, {"url": 7}, (1, 2))


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value inside."""
    inside = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [here, *(path for key, inner in inside for path in paths(inner, (*here, key)))]


def replaced(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    if not path:
        return wrong
    made = list(value) if isinstance(value, list) else dict(value)
    made[path[0]] = replaced(value[path[0]], path[1:], wrong)
    return made


CLAIM = {
    "claim_generator": "Example/1",
    "claim_generator_info": [{"name": "Example", "version": "1"}],
    "created_assertions": [{"url": "self#jumbf=c2pa.assertions/c2pa.actions.v2", "hash": b"x", "alg": "sha256"}],
    "signature": "self#jumbf=c2pa.signature",
    "dc:title": "A calm coast",
    "dc:format": "image/png",
    "alg": "sha256",
}
ACTIONS = {
    "actions": [{"action": "c2pa.created", "digitalSourceType": manifests.AI, "softwareAgent": {"name": "Example"}}],
    "templates": [{"action": "c2pa.created"}],
}
INGREDIENT = {"dc:title": "sea", "dc:format": "image/png", "relationship": "parentOf", "activeManifest": {"url": "x"}}
BINDING = {"exclusions": [{"start": 1, "length": 2}], "alg": "sha256", "hash": b"x", "pad": b""}


@pytest.mark.parametrize("kind", ["claim", "c2pa.actions.v2", "c2pa.ingredient.v3", "c2pa.hash.data", "signature"])
def test_values_of_wrong_types_are_named_or_refused_and_never_shown(kind: str) -> None:
    """Signed as they are, so that nothing but the reading itself can refuse them."""
    sound = {"claim": CLAIM, "c2pa.actions.v2": ACTIONS, "c2pa.ingredient.v3": INGREDIENT, "c2pa.hash.data": BINDING}
    sign1 = [cbor({1: -7, 33: [CAMERA.der]}), {"sigTst": {"tstTokens": [{"val": b"x"}]}}, None, b"x" * 64]
    given, refused, read = sound.get(kind, sign1), 0, 0
    for path in paths(given):
        for wrong in WRONG:
            made = replaced(given, path, wrong)
            if kind == "signature":
                parts = [manifests.box("cbor", cbor(CLAIM)), manifests.box("cbor", cbor(made))]
                boxes = [manifests.superbox("c2cl", "c2pa.claim", parts[0])]
                boxes.append(manifests.superbox("c2cs", "c2pa.signature", parts[1]))
                data = manifests.png(manifests.superbox("c2pa", "c2pa", manifests.superbox("c2ma", LABEL, *boxes)))[0]
            elif kind == "claim":
                if not isinstance(made, dict):
                    continue
                data = Making(signer=CAMERA, claim=made)(manifests.png)
            elif kind == "c2pa.hash.data" and isinstance(made, dict) and "hash" in made:
                data = Making(signer=CAMERA, data_hash=made)(manifests.png)
            else:
                data = Making(signer=CAMERA, assertions={kind: cbor(made)})(manifests.png)
            try:
                found = one(data)
            except ParseError:
                refused += 1
                continue
            read += 1
            told = [found.generator, found.title, found.format]
            told += [text for each in found.actions for text in (each.action, each.source_type, each.agent)]
            told += [text for each in found.ingredients for text in (each.title, each.relationship, each.manifest)]
            assert all(type(text) is str for text in told), (path, wrong)
            assert kind != "c2pa.hash.data" or found.binding.state is not State.HOLDS, (path, wrong)
            assert kind != "signature" or found.signature.state is not State.HOLDS, (path, wrong)
            assert json.dumps(c2pa_told.report(data))
    print(f"{kind}: {refused} refused, {read} read")
    assert read


BOMBS: dict[str, Callable[[], bytes]] = {
    "segments": lambda: b"\xff\xd8" + b"\xff\xe1\x00\x02" * 4_000_000,
    "fill bytes": lambda: b"\xff\xd8" + b"\xff" * 16_000_000,
    "chunks": lambda: b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0tEXt\0\0\0\0" * 1_400_000,
    "boxes": lambda: b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 2_000_000,
    "riff": lambda: b"RIFF\0\0\0\0WEBP" + b"JUNK\0\0\0\0" * 2_000_000,
    "a store of zeros": lambda: manifests.png(manifests.superbox("c2pa", "c2pa", b"\0" * (16 << 20)))[0],
    "a store too large": lambda: manifests.png(b"\0" * (33 << 20))[0],
    "assertions of small items": lambda: bombs_in_assertions(),
    "one assertion named often": lambda: Making(
        signer=CAMERA,
        assertions={"big": b"\x5a\x00\x40\x00\x00" + b"\0" * (4 << 20)},
        claim={"gathered_assertions": [{"url": "self#jumbf=c2pa.assertions/big", "hash": b""}] * 2500},
    )(manifests.png),
}


def bombs_in_assertions() -> bytes:
    items = b"\x9a\x00\x00\x3f\x00" + b"\x00" * 0x3F00
    return Making(signer=CAMERA, assertions={f"c2pa.actions__{n}": b"\xa1\x67actions" + items for n in range(1, 700)})(
        manifests.png
    )


@pytest.mark.parametrize("what", BOMBS)
def test_files_that_are_made_to_be_slow_end_soon(what: str) -> None:
    data = BOMBS[what]()
    begun = time.process_time()
    try:
        c2pa.read(data)
    except ParseError:
        print("refused:", end=" ")
    took = time.process_time() - begun
    print(f"{what}: {len(data):,} bytes, {took:.2f} s")
    assert took < 4


def test_a_jumbf_box_of_64_bit_length_is_read() -> None:
    making = Making(signer=CAMERA)
    store = making.store(making.manifest(manifests.png))
    long = b"\0\0\0\1jumb" + (len(store) + 8).to_bytes(8, "big") + store[8:]
    assert jumbf.parse(long) == jumbf.parse(store)
    found = c2pa_store.find(manifests.png(long)[0])
    assert found is not None
    assert found.data == long


# ---- what others say -----------------------------------------------------------------------------------------------


def judged(kind: str, data: bytes) -> dict[str, Any]:
    """What the library of the C2PA's own members says of a file."""
    judge = pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    found: dict[str, Any] = json.loads(judge.Reader(kind, io.BytesIO(data)).json())
    return found


def failures(found: dict[str, Any]) -> set[str]:
    return {status["code"] for status in found.get("validation_status", ())} - {"signingCredential.untrusted"}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("file", FILES)
def test_another_implementation_agrees_about_our_files(file: str, version: int) -> None:
    kind = TYPES.get(file, "image/jpeg")
    data = Making(signer=CAMERA, version=version)(FILES[file])
    theirs, ours = judged(kind, data), one(data)
    assert (theirs["validation_state"], failures(theirs)) == ("Valid", set())
    told = theirs["manifests"][theirs["active_manifest"]]
    assert (theirs["active_manifest"], told["title"]) == (ours.label, ours.title)
    assert told["signature_info"]["common_name"] == "Camera of Example"
    place = {"png": data.find(b"IDAT") + 8, "webp": 23, "mp4": data.find(b"what is")}.get(file, len(data) - 3)
    assert "assertion.dataHash.mismatch" in failures(judged(kind, flipped(data, place)))
    broken = failures(judged(kind, flipped(data, data.find(b"A calm coast"))))
    assert "claimSignature.mismatch" in broken


@pytest.mark.parametrize("file", ["png", "jpeg", "webp", "mp4"])
def test_files_of_another_implementation_are_read(file: str) -> None:
    judge = pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    kind = TYPES.get(file, "image/jpeg")
    data, start, size = FILES[file](b"\0" * 64)
    plain = data[:start] + data[start + size :]
    if file == "webp":
        plain = plain[:4] + (len(plain) - 8).to_bytes(4, "little") + plain[8:]
    told = {
        "claim_generator_info": [{"name": "Example Editor", "version": "2"}],
        "title": "A calm coast",
        "format": kind,
        "assertions": [
            {
                "label": "c2pa.actions",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": manifests.AI}]},
            },
            {"label": "org.example.long", "data": {"words": "sea " * 40_000}},
        ],
    }
    key = CAMERA.key_pem
    root = authority.party("Root of Example", authority=True)
    info = judge.C2paSignerInfo(b"es256", CAMERA.pem + root.pem, key, None)
    made = io.BytesIO()
    judge.Builder(json.dumps(told)).sign(judge.Signer.from_info(info), kind, io.BytesIO(plain), made)
    found = one(made.getvalue())
    bound = State.UNCHECKED if file == "mp4" else State.HOLDS  # a hash of boxes, which is not computed here
    assert (found.binding.state, found.contents.state, found.signature.state) == (bound, State.HOLDS, State.HOLDS)
    assert (found.generator, found.title, found.synthetic) == ("Example Editor 2", "A calm coast", True)
    if file != "mp4":
        at = 23 if file == "webp" else len(made.getvalue()) - 3
        assert one(flipped(made.getvalue(), at)).binding.state is State.FAILS
