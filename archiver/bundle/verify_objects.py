"""Signed JSON: objects of the fediverse (FEP-8b32, eddsa-jcs-2022) and events of Nostr (NIP-01, BIP-340).

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

from archiver.bundle.verify_curves import base58, schnorr
from archiver.bundle.verify_files import Refused
from archiver.bundle.verify_notes import ed25519

# ---- JSON Canonicalization Scheme (RFC 8785) ----------------------------------------------------------------

SAFE = 2**53 - 1


def jcs(value: Any) -> str:
    """The one text of a JSON value. Refused for numbers that JavaScript could not hold, and for lone surrogates."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise Refused("no canonical form: half a character")
        return text
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        if abs(value) > SAFE:
            raise Refused("no canonical form: an integer above 2^53")
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(jcs, value)) + "]"
    names = sorted(value, key=lambda name: str(name).encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{jcs(name)}:{jcs(value[name])}" for name in names) + "}"


def number_text(value: float) -> str:
    """As JavaScript writes it (ECMA-262, Number::toString)."""
    sign, digits, power = Decimal(repr(value)).as_tuple()
    if not isinstance(power, int):
        raise Refused("no canonical form: not a finite number")
    text = "".join(map(str, digits))
    point, text = len(text) + power, text.rstrip("0")
    if not text:
        return "0"
    minus, size = "-" if sign else "", len(text)
    if size <= point <= 21:
        return minus + text.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    tail = f".{text[1:]}" if size > 1 else ""
    return f"{minus}{text[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


# ---- FEP-8b32 -----------------------------------------------------------------------------------------------

OPTIONS = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofPurpose": "assertionMethod"}


def signed_object(document: Any) -> tuple[str, str, bytes, str]:
    """The key that a proof names, its value, what it signs, and the post that it speaks of. Refused where the proof
    cannot be one of the author's for this object."""
    proof = document.get("proof") if isinstance(document, dict) else None
    if not isinstance(proof, dict):
        raise Refused("more than one proof, or none that is an object")
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    value, method = proof.get("proofValue"), proof.get("verificationMethod")
    for name, word in OPTIONS.items():
        if options.get(name) != word:
            raise Refused(f"{name} is not {word}")
    if not isinstance(value, str) or not isinstance(method, str):
        raise Refused("proofValue or verificationMethod is not a string")
    created = "Create" in as_list(document.get("type"))
    inner = document.get("object") if created else document
    if method.partition("#")[0] != author_of(document, "actor" if created else "attributedTo"):
        raise Refused("the key is not the author's")
    unsecured = {name: item for name, item in document.items() if name != "proof"}
    if "@context" in options:
        wanted = as_list(options["@context"])
        if as_list(unsecured.get("@context"))[: len(wanted)] != wanted:
            raise Refused("the proof's @context is not the document's")
        unsecured["@context"] = options["@context"]
    digests = [hashlib.sha256(jcs(one).encode("utf-8")).digest() for one in (options, unsecured)]
    return method, value, b"".join(digests), id_of(inner)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def id_of(value: Any) -> str:
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def author_of(document: dict[str, Any], name: str) -> str:
    """The one author; of several the one that is a Person."""
    people = as_list(document.get(name))
    if len(people) > 1:
        people = [one for one in people if isinstance(one, dict) and "Person" in as_list(one.get("type"))]
    return id_of(people[0]) if len(people) == 1 else ""


def actor_key(actor: Any, method: str) -> bytes | None:
    """The Ed25519 key of a verification method that the actor itself controls; None where it lists none so named."""
    owner = id_of(actor)
    if not owner or method.partition("#")[0] != owner:
        raise Refused("the document is not the key owner's")
    for one in as_list(actor.get("assertionMethod")):
        if not isinstance(one, dict) or one.get("id") != method:
            continue
        if one.get("controller", owner) not in (owner, None):
            raise Refused("the key is controlled by another")
        raw = base58(str(one.get("publicKeyMultibase")))
        if raw[:2] != b"\xed\x01":
            raise Refused("the key is not Ed25519")
        return raw[2:]
    return None


def check_object(document: Any, actor: Any, ref: str) -> str:
    """Who signed this object. Refused with the check that failed."""
    method, value, message, post = signed_object(document)
    key = actor_key(actor, method)
    if key is None:
        raise Refused(f"the actor lists no key {method}")
    if ref != f"fediverse:post:{post}":
        raise Refused(f"what was signed is {post}")
    if not ed25519(key, message, base58(value)):
        raise Refused("the signature does not fit the document")
    return method


# ---- Nostr --------------------------------------------------------------------------------------------------

HEX = re.compile("(?:[0-9a-f]{2})+")
ESCAPED = str.maketrans(
    {"\n": "\\n", '"': '\\"', "\\": "\\\\", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)  # fmt: skip


def check_event(event: Any, ref: str) -> str:
    """The key that signed an event. Refused with the check that failed."""
    sizes = {"id": 64, "pubkey": 64, "sig": 128}
    if not isinstance(event, dict):
        raise Refused("no event stands there")
    if not all(HEX.fullmatch(str(event.get(name))) and len(event[name]) == size for name, size in sizes.items()):
        raise Refused("id, pubkey or sig is not lower-case hexadecimal of its length")
    tags, content = event.get("tags"), event.get("content")
    plain = isinstance(tags, list) and all(isinstance(tag, list) and all_text(tag) for tag in tags)
    if not plain or not isinstance(content, str) or type(event.get("created_at")) is not int:
        raise Refused("created_at, tags or content is not what an event has")
    if type(event.get("kind")) is not int or not 0 <= event["kind"] <= 65535:
        raise Refused("kind is not a number up to 65535")
    fields = [0, event["pubkey"], event["created_at"], event["kind"], tags, content]
    if event["id"] not in (
        event_id(nip01(fields)),
        event_id(json.dumps(fields, ensure_ascii=False, separators=(",", ":"))),
    ):
        raise Refused("the id is not the hash of the event")
    named = {"note": event["id"], "profile": event["pubkey"]}
    kind, _, wanted = ref.partition("nostr:")[2].partition(":")
    if named.get(kind) != wanted:
        raise Refused(f"what was signed is {event['id']} by {event['pubkey']}")
    if not schnorr(bytes.fromhex(event["pubkey"]), bytes.fromhex(event["id"]), bytes.fromhex(event["sig"])):
        raise Refused("the signature does not fit the event")
    return str(event["pubkey"])


def event_id(text: str) -> str:
    try:
        return hashlib.sha256(text.encode("utf-8")).hexdigest()
    except UnicodeEncodeError:
        return ""


def nip01(value: Any) -> str:
    """As NIP-01 writes an event: no spaces, seven characters escaped, all others as they are."""
    if isinstance(value, list):
        return "[" + ",".join(map(nip01, value)) + "]"
    return f'"{value.translate(ESCAPED)}"' if isinstance(value, str) else str(value)


def all_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
