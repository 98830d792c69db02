"""C2PA manifests (Content Credentials) of captured media: what they claim, and which of their hashes and signatures
hold. They are read and shown, never written, and nothing is decided from them.

C2PA specification 1.0 to 2.2. A signature that holds says that whoever has the key of the certificate signed the
claim. Whether that certificate is anybody's to be trusted is not judged: anybody can make one with any name in it.
That a file has no manifest says nothing either: most platforms take it out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archiver.custody import c2pa_store, cbor, certificates, cose, jumbf
from archiver.custody.c2pa_assertions import Action, Ingredient, actions, base_label, content, ingredient, items, text
from archiver.custody.c2pa_binding import HASHES, bind
from archiver.custody.c2pa_stamp import Stamp, stamped
from archiver.custody.cose import Check, State
from archiver.errors import ParseError

MAX_MANIFESTS = 64
MAX_DECODED = 128
"""Assertions of all manifests whose content is read."""
_CLAIMS = ("c2pa.claim", "c2pa.claim.v2")
_HOLDS = Check(state=State.HOLDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A statement of a manifest by its label. `check` says whether it is the one that the claim names by its hash;
    `gathered` that the claim generator only passes it on."""

    label: str
    check: Check
    gathered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest of a file. The active one speaks of the file; the others speak of what it was made from.

    `generator`, `title` and `format` are what the claim says; `algorithm` and `signer` are those of the signature
    (None where the certificate cannot be read). `binding` says whether the bytes of the file are those that the claim
    is about, `notes` what could not be read.
    """

    label: str
    active: bool
    signature: Check
    binding: Check
    generator: str = ""
    title: str = ""
    format: str = ""
    assertions: tuple[Assertion, ...] = ()
    actions: tuple[Action, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    algorithm: str = ""
    signer: certificates.Description | None = None
    stamp: Stamp | None = None
    notes: tuple[str, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether an action says that the picture, or part of it, was made by a trained model."""
        return any(action.synthetic for action in self.actions)

    @property
    def contents(self) -> Check:
        """Whether its assertions are those that the claim names: the worst of their checks."""
        for state in (State.FAILS, State.UNCHECKED):
            for assertion in self.assertions:
                if assertion.check.state is state:
                    return Check(state=state, reason=f"{assertion.label}: {assertion.check.reason}")
        return _HOLDS


def read(data: bytes, *, roots: Iterable[bytes] = ()) -> tuple[Manifest, ...]:
    """The manifests in a JPEG, PNG, RIFF (WebP, WAVE, AVI) or ISO BMFF (MP4, HEIF, AVIF) file: the active one first,
    then the others, newest first. Empty when there are none.

    `roots` are certificates (DER) of timestamping services. ParseError when the active manifest cannot be read.
    """
    store = c2pa_store.find(data)
    if store is None:
        return ()
    root = jumbf.parse(store.data)
    if root.label != "c2pa" or not root.is_a("c2pa"):
        raise ParseError("the store of manifests is labelled otherwise")
    found = [child for child in root.children if child.is_a("c2ma") or child.is_a("c2um") or child.is_a("c2cm")]
    if not found or len(found) > MAX_MANIFESTS:
        raise ParseError(f"a store of {len(found)} manifests")
    if len({box.label for box in found}) < len(found):
        raise ParseError("two manifests bear one label")
    vouching, turns = tuple(roots), iter(range(MAX_DECODED))
    active, *others = reversed(found)
    manifests = [_Reading(active, vouching, turns).manifest(data, store.ranges)]
    for box in others:
        try:
            manifests.append(_Reading(box, vouching, turns).manifest(None, ()))
        except ParseError as error:
            unread = Check(state=State.UNCHECKED, reason="the manifest cannot be read")
            reason = f"the manifest cannot be read: {error}"
            manifests.append(Manifest(label=box.label, active=False, signature=unread, binding=unread, notes=(reason,)))
    return tuple(manifests)


class _Reading:
    """One manifest while it is read. `turns` has one item for each assertion that may still be read."""

    def __init__(self, box: jumbf.Superbox, roots: Sequence[bytes], turns: Iterator[int]) -> None:
        self.box, self.roots, self.turns = box, roots, turns
        self.notes: list[str] = []
        if box.is_a("c2cm"):
            raise ParseError("the manifest is compressed, which is not read here")
        claims = [held for label in _CLAIMS if (held := box.child(label)) is not None]
        if len(claims) != 1:
            raise ParseError(f"{len(claims)} claims in one manifest", pointer=box.label)
        self.claim_bytes = claims[0].payload("cbor")
        claim = cbor.decode(self.claim_bytes)
        if not isinstance(claim, dict):
            raise ParseError("the claim is not a map", pointer=box.label)
        self.claim: dict[int | str, cbor.Value] = claim
        store = box.child("c2pa.assertions")
        self.store: tuple[jumbf.Superbox, ...] = () if store is None else store.children
        if len({child.label for child in self.store}) < len(self.store):
            raise ParseError("two assertions bear one label", pointer=box.label)

    def manifest(self, data: bytes | None, ranges: tuple[tuple[int, int], ...]) -> Manifest:
        """`data` is the file for the active manifest, None for the others."""
        signature, sign1 = self._signature()
        assertions = self._assertions(active=data is not None)
        signer = None
        if sign1 is not None and sign1.chain:
            try:
                signer = certificates.describe(sign1.chain[0])
            except ParseError as error:
                self.notes.append(f"the certificate of the signer: {error.message}")
        done: list[Action] = []
        ingredients: list[Ingredient] = []
        for child in self.store:
            if base_label(child.label) not in ("c2pa.actions", "c2pa.ingredient"):
                continue
            if next(self.turns, None) is None:
                self.notes.append(f"{child.label}: not read, since {MAX_DECODED} others were")
                continue
            try:
                match base_label(child.label):
                    case "c2pa.actions":
                        done += actions(child)
                    case "c2pa.ingredient":
                        ingredients.append(ingredient(child))
            except ParseError as error:
                self.notes.append(f"{child.label}: {error}")
        return Manifest(
            label=self.box.label,
            active=data is not None,
            signature=signature,
            binding=self._binding(assertions, data, ranges),
            generator=self._generator(),
            title=text(self.claim, "dc:title"),
            format=text(self.claim, "dc:format"),
            assertions=assertions,
            actions=tuple(done),
            ingredients=tuple(ingredients),
            algorithm="" if sign1 is None else sign1.algorithm,
            signer=signer,
            stamp=None if sign1 is None else stamped(sign1, self.claim_bytes, self.roots),
            notes=tuple(self.notes),
        )

    def _generator(self) -> str:
        told = text(self.claim, "claim_generator")
        if told:
            return told
        info = self.claim.get("claim_generator_info")
        first = info[0] if isinstance(info, list) and info else info
        if not isinstance(first, dict):
            return ""
        return " ".join(filter(None, (text(first, "name"), text(first, "version"))))

    def _signature(self) -> tuple[Check, cose.Sign1 | None]:
        held = self.box.child("c2pa.signature")
        if held is None:
            return Check(state=State.FAILS, reason="the manifest is not signed"), None
        if self._own(text(self.claim, "signature")) != "c2pa.signature":
            return Check(state=State.FAILS, reason="the claim names another signature than its own"), None
        try:
            sign1 = cose.parse(held.payload("cbor"))
        except ParseError as error:
            return Check(state=State.UNCHECKED, reason=str(error)), None
        return cose.check(sign1, self.claim_bytes), sign1

    def _own(self, uri: str) -> str:
        """The path inside this manifest that a JUMBF URI names; empty when it names none. The first writers left out
        the slash before the name of the store."""
        path = uri.removeprefix("self#jumbf=")
        if path == uri:
            return ""
        whole = f"/{path}" if path.startswith("c2pa/") else path
        return whole.removeprefix(f"/c2pa/{self.box.label}/")

    def _algorithm(self, fields: dict[int | str, cbor.Value]) -> str:
        return text(fields, "alg") or text(self.claim, "alg") or "sha256"

    def _assertions(self, *, active: bool) -> tuple[Assertion, ...]:
        """What the claim names, with whether it is what it was, then what is there and is not named."""
        boxes = {f"c2pa.assertions/{child.label}": child for child in self.store}
        sums: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        found: list[Assertion] = []
        named = set()
        for key in ("assertions", "created_assertions", "gathered_assertions"):
            for at, entry in enumerate(items(self.claim, key)):
                if not isinstance(entry, dict):
                    raise ParseError("an assertion is not named by a map", pointer=f"/{key}/{at}")
                uri, algorithm = text(entry, "url"), self._algorithm(entry)
                path = self._own(uri)
                named.add(path)
                box = boxes.get(path)
                if box is None:
                    check = Check(
                        state=State.FAILS if active else State.UNCHECKED,
                        reason="it is not there" if active else "it is not there: a later manifest may have removed it",
                    )
                elif algorithm not in HASHES:
                    check = Check(state=State.UNCHECKED, reason=f"the hash {algorithm[:40]} is not known here")
                else:
                    if (path, algorithm) not in sums:
                        sums[path, algorithm] = _sums(box, algorithm)
                    check = _named(entry.get("hash"), *sums[path, algorithm])
                label = path.removeprefix("c2pa.assertions/") or uri
                found.append(Assertion(label=label, check=check, gathered=key == "gathered_assertions"))
        unnamed = Check(state=State.FAILS, reason="the claim does not name it")
        return (
            *found,
            *(Assertion(label=box.label, check=unnamed) for path, box in boxes.items() if path not in named),
        )

    def _binding(
        self, assertions: tuple[Assertion, ...], data: bytes | None, ranges: tuple[tuple[int, int], ...]
    ) -> Check:
        """Whether the file is the one that `c2pa.hash.data` was made over, but for the manifest in it."""

        def unchecked(reason: str) -> Check:
            return Check(state=State.UNCHECKED, reason=reason)

        if data is None:
            return unchecked("it speaks of an earlier file, which is not at hand")
        bound = [child for child in self.store if child.label.startswith("c2pa.hash.")]
        if not bound and self.box.is_a("c2um"):
            return unchecked("the binding is in an earlier manifest, which this one updates")
        if len(bound) != 1:
            return unchecked(f"the manifest has {len(bound)} hashes of its file")
        label = bound[0].label
        if base_label(label) != "c2pa.hash.data":
            return unchecked(f"a hash of the kind {label} is not computed here")
        for check in (assertion.check for assertion in assertions if assertion.label == label):
            if check.state is not State.HOLDS:
                return Check(state=check.state, reason=f"{label}: {check.reason}")
        try:
            return bind(content(bound[0]), text(self.claim, "alg"), data, ranges)
        except ParseError as error:
            return unchecked(f"{label}: {error}")


def _sums(box: jumbf.Superbox, algorithm: str) -> tuple[bytes, bytes]:
    """The hash of an assertion, and the one that drafts before version 1.0 had: of its last box alone."""
    last = box.boxes[-1].content if box.boxes else b""
    return hashlib.new(algorithm, box.content).digest(), hashlib.new(algorithm, last).digest()


def _named(hash: cbor.Value, whole: bytes, draft: bytes) -> Check:
    if hash == whole:
        return _HOLDS
    if hash == draft:
        return Check(state=State.UNCHECKED, reason="it is hashed as in drafts before version 1.0")
    return Check(state=State.FAILS, reason="it is not the one that the claim names: its hash differs")
