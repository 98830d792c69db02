"""Authors' own proofs, checked again from the captured bytes: whose key signed what, and how the key is known.

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from archiver.bundle.verify_captures import cut
from archiver.bundle.verify_curves import Signer, did_key, signer_of
from archiver.bundle.verify_files import Folder, Refused, Report, Zip, at, load, read
from archiver.bundle.verify_objects import all_text, check_event, check_object
from archiver.bundle.verify_repo import Found, cbor, check_plc, check_record, cid_of, from_json, read_car, uncbor
from archiver.bundle.verify_stamps import Unchecked, utc

MAX_ANSWER, MAX_MEMBERS = 80 << 20, 1000
SAID: dict[Any, str] = {1: "valid", 0: "refused", None: "not checked"}

KINDS = {
    "atproto-record": "present", "atproto-absence": "absent", "atproto-cid": "named", "plc-log": "plc",
    "fep-8b32": "signed", "nostr-event": "event",
}  # fmt: skip
"""The checks, by the kinds of proofs."""


class Named(NamedTuple):
    """A key that an account had, and who says so. The lower the rank, the better: 0 in a log that leads from the DID to
    it, 1 in a document that a host gave, 2 in a log as a key that was given up."""

    key: Signer
    how: str
    rank: int


class Held(NamedTuple):
    """What a check showed, and the words that were signed, where it is known which they are."""

    told: str
    words: str | None = None
    pointer: str = ""
    author: str = ""


class Proofs:
    """Checks what bundle.json says of authors' proofs. `leaves` stand in the log."""

    def __init__(self, source: Folder | Zip, report: Report, leaves: dict[int, dict[str, Any]]) -> None:
        self.source, self.report = source, report
        self.captures = [leaf for _, leaf in sorted(leaves.items()) if leaf.get("type") in ("capture", "import")]
        self.by_uid = {str(leaf.get("uid")): leaf for leaf in self.captures}
        self.keys: dict[str, list[tuple[int, list[Named]]]] = {}
        self.done: dict[tuple[str, ...], Held | None] = {}
        self.file: tuple[str, Any] = ("", None)
        self.same, self.unknown = 0, 0

    def check(self, posts: list[dict[str, Any]]) -> None:
        for post in posts:
            names = names_of(post)
            for row in rows_in(post.get("proofs")):
                if not isinstance(row, dict):
                    self.report.wrong("proofs", "data/bundle.json: a proof that is no object")
                    continue
                held = self.checked(row)
                if names and str(row.get("ref")) not in names:
                    place = f"data/bundle.json: {cut(post['ref'])}"
                    self.report.wrong("proofs", f"{place}: shows a proof of something else: {cut(row.get('ref'))}")
                elif names and held is not None:
                    self.check_words(post, row, held)
        if self.same:
            self.report.say("held", "proofs", f"{self.same} records are those that their CIDs name")
        if self.unknown:
            self.report.say(
                "absent", "proofs", f"{self.unknown} of kinds that neither the archive nor this program checks"
            )
        if not self.done:
            self.report.say("absent", "proofs", "no post in this bundle bears a proof of its author")

    def checked(self, row: dict[str, Any]) -> Held | None:
        """Says once what is found of a proof; what was shown, where it holds."""
        key = tuple(str(row.get(name, "")) for name in ("kind", "ref", "capture", "pointer"))
        if key in self.done:
            return self.done[key]
        kind, ref, uid, pointer = key
        place = f"data/captures/{uid}.json: {kind} of {ref}"
        said, held = row.get("valid"), None
        self.done[key] = None
        if said is not None and (type(said) is not int or said not in (0, 1)):
            self.report.wrong("proofs", f"{place}: bundle.json says {cut(said)} of it, which is no answer")
            return None
        if kind not in KINDS and said is None:
            self.unknown += 1
            return None
        try:
            if row.get("pointer") is None and kind in ("atproto-cid", "nostr-event"):
                raise Unchecked("an older bundle: it does not say where in its capture it stands")
            held = self.proof(kind, ref, uid, pointer)
            state, found = ("WRONG", f"holds: {held.told}") if said == 0 else ("held", held.told)
        except Refused as error:
            state, found = {1: "WRONG", 0: "held", None: "unchecked"}[said], f"REFUSED: {error}"
        except Unchecked as error:
            state, found = "unchecked", str(error)
        except (RecursionError, UnicodeError):
            state, found = "WRONG" if said == 1 else "unchecked", "REFUSED: it cannot be read"
        if kind == "atproto-cid" and state == "held" and held is not None:
            self.same += 1
        else:
            agreed = "" if state == "held" and held is not None else f" (bundle.json says: {SAID[said]})"
            self.report.say(state, "proofs", f"{place}: {found}{agreed}")
        self.done[key] = held if state == "held" else None
        return self.done[key]

    def check_words(self, post: dict[str, Any], row: dict[str, Any], held: Held) -> None:
        """The post shows the words that were signed, where bundle.json says that it read them there and among all that
        it shows, and the author whose key it was."""
        place = f"data/captures/{row.get('capture')}.json: {row.get('ref')}"
        author = post.get("author")
        if held.author and row.get("ref") == post.get("ref") and author not in ("", None, held.author):
            self.report.wrong("proofs", f"{place}: bundle.json shows the author {cut(author)}, signed by {held.author}")
        texts = [at(one, "text") for one in (post, *rows_in(post.get("versions")))]
        if held.words and held.words not in texts:
            self.report.wrong("proofs", f"{place}: bundle.json shows no version with the words that were signed")
        for version in rows_in(post.get("versions")):
            for sighting in rows_in(at(version, "sightings")):
                where = (at(sighting, "capture"), at(sighting, "pointer"))
                told = at(version, "text")
                if held.words is not None and where == (row.get("capture"), held.pointer) and told != held.words:
                    self.report.wrong("proofs", f"{place}: bundle.json shows other words than those that were signed")

    def proof(self, kind: str, ref: str, uid: str, pointer: str) -> Held:
        leaf = self.by_uid.get(uid)
        if leaf is None:
            raise Refused("its capture is not in this bundle")
        if kind not in KINDS:
            raise Unchecked("no check of this kind is known here")
        held: Held = getattr(self, KINDS[kind])(ref, leaf, pointer)
        return held

    # ---- the bytes of captures ----------------------------------------------------------------------------

    def entity(self, leaf: dict[str, Any]) -> bytes:
        """The decoded answer of a capture: whichever decoding gives the hash that its leaf names."""
        body, whole = at(leaf, "response.body_sha256"), at(leaf, "response.entity_sha256")
        name = f"data/blobs/{body}"
        if not body or name not in self.source.sizes:
            raise Unchecked("its answer is not in this bundle")
        data = read(self.source, name, MAX_ANSWER)
        if hashlib.sha256(data).hexdigest() != body:
            raise Refused("its answer was changed")
        for form in (0, 31, 15, -15):  # as it is, gzip, deflate with and without a head
            found = unpacked(data, form) if form else data
            if found is not None and hashlib.sha256(found).hexdigest() == whole:
                return found
        raise Unchecked("its answer is packed in a way that Python's own library does not know")

    def document(self, leaf: dict[str, Any]) -> Any:
        data = self.entity(leaf)
        return load(data[3:] if data[:3] == b"\xef\xbb\xbf" else data, "its answer")

    def about(self, ref: str, *routes: str) -> Iterator[dict[str, Any]]:
        """The captures that were asked for by these routes, and answered."""
        for leaf in self.captures:
            if leaf.get("ref") == ref and leaf.get("route") in routes and at(leaf, "response.status") == 200:
                yield leaf

    def known(self, did: str, place: int) -> list[Named]:
        """The keys of an account at a place in the log of the archive: by the account's own log as it was captured last
        before, or else first after. Where such a log holds, a document by its side can add no key."""
        if did not in self.keys:
            found: dict[str, list[tuple[int, list[Named]]]] = {"plc-log": [], "did": []}
            for leaf in self.about(f"bluesky:account:{did}", *found):
                try:
                    found[str(leaf["route"])].append((int(leaf["seq"]), list(self.keys_in(leaf, did))))
                except (Refused, Unchecked):
                    continue  # what is wrong with it is told where bundle.json speaks of it
            self.keys[did] = found["plc-log"] or found["did"]
        held = self.keys[did]
        before = [keys for seq, keys in held if seq < place]
        return before[-1] if before else held[0][1] if held else []

    def keys_in(self, leaf: dict[str, Any], did: str) -> Iterator[Named]:
        document, place = self.document(leaf), f"data/captures/{leaf.get('uid')}.json"
        if leaf.get("route") == "plc-log":
            branch = check_plc(document, did)
            for number, one in enumerate(branch):
                if one.key and (not number or branch[number - 1].key != one.key):
                    after = next((later.told_at for later in branch[number:] if later.key != one.key), "")
                    how = (
                        f"the account's log names it since {one.told_at}{f' until {after}' if after else ''} ({place})"
                    )
                    yield Named(did_key(one.key), how, 2 if after else 0)
        elif at(document, "id") == did:
            for method in rows_in(document.get("verificationMethod")):
                if at(method, "id") in ("#atproto", f"{did}#atproto"):
                    key = signer_of(str(at(method, "type")), str(at(method, "publicKeyMultibase")))
                    host = cut(at(leaf, "request.url"))
                    yield Named(key, f"the DID document that {host} gave names it ({place})", 1)
                    return

    # ---- the kinds of proofs ------------------------------------------------------------------------------

    def present(self, ref: str, leaf: dict[str, Any], pointer: str) -> Held:
        """A repository of the AT Protocol holds the record."""
        del pointer
        found, commit, how = self.repository(ref, leaf)
        if found.record is None:
            raise Refused(f"{commit}, whose tree holds no record of this name")
        try:
            text = at(uncbor(found.record), "text")
        except Refused:
            text = None
        words = text.replace("\x00", "\ufffd") if isinstance(text, str) else None
        return Held(
            f"{commit}, whose tree holds the record {found.cid}; {how}", words, f"/{found.cid}", account_of(ref)
        )

    def absent(self, ref: str, leaf: dict[str, Any], pointer: str) -> Held:
        """A repository of the AT Protocol holds no such record."""
        del pointer
        found, commit, how = self.repository(ref, leaf)
        if found.cid is not None:
            raise Refused(f"{commit}, whose tree holds the record {found.cid}")
        return Held(f"{commit}, whose tree holds no record of this name; {how}")

    def repository(self, ref: str, leaf: dict[str, Any]) -> tuple[Found, str, str]:
        """What a CAR proves, the key and commit in words, and who says that it is the account's key."""
        given, uri = given_of(leaf), ref.split(":", 2)[-1]
        did, _, name = uri[len("at://") :].partition("/")
        if not uri.startswith("at://") or leaf.get("ref") != ref:
            raise Refused("its capture is about something else")
        if not given.get("key"):
            raise Unchecked("no signing key was known when it was captured")
        key = signer_of(given.get("key-type", ""), given["key"])
        found = check_record(self.entity(leaf), did, name, key)
        commit = f"{key} signed commit {found.commit}"
        at_that_time = self.known(did, int(leaf["seq"]))
        named = sorted((one for one in at_that_time if one.key == key), key=lambda one: one.rank)
        if not named:
            raise Unchecked(f"{commit}, but no log and no document of the account in this bundle names this key")
        if named[0].rank > 1:
            raise Unchecked(f"{commit}, but {named[0].how}: not when the log was captured")
        return found, commit, named[0].how

    def named(self, ref: str, leaf: dict[str, Any], pointer: str) -> Held:
        """A record is the one that its CID names."""
        del ref
        if leaf.get("route") == "record-proof":
            if pointer[1:] not in {str(cid) for cid in read_car(self.entity(leaf))[1]}:
                raise Refused(f"no block of the CAR is {pointer[1:]}")
            return Held(pointer)
        document = self.document(leaf)
        shown, actual = at_pointer(document, pointer.rpartition("/")[0]), at_pointer(document, pointer)
        cid = cid_of(cbor(from_json(actual)))
        if at(shown, "cid") != str(cid):
            raise Refused(f"the record is {cid}, shown as {cut(at(shown, 'cid'))}")
        return Held(pointer)

    def plc(self, ref: str, leaf: dict[str, Any], pointer: str) -> Held:
        """The log of a did:plc leads by signatures from the DID to the key and host that were used."""
        del pointer
        given, did = given_of(leaf), ref.split(":", 2)[-1]
        branch = check_plc(self.document(leaf), did)
        head = branch[-1]
        if given.get("key") and (
            not head.key or signer_of(given.get("key-type", ""), given["key"]) != did_key(head.key)
        ):
            raise Refused("the DID document named another signing key than the log")
        if given.get("pds") and given["pds"].lower() != head.host.rstrip("/").lower():
            raise Refused("the DID document named another host than the log")
        now = f"its key is {head.key}" if head.key else "it ends with a tombstone"
        verb = "operations lead" if len(branch) > 1 else "operation leads"
        return Held(f"{len(branch)} signed {verb} from the DID of {branch[0].told_at} to its present state; {now}")

    def signed(self, ref: str, leaf: dict[str, Any], pointer: str) -> Held:
        """An object of the fediverse and its proof, by the key that its author's document lists."""
        del pointer
        if leaf.get("route") != "actor":
            raise Unchecked("its author's key was not captured, or is none that can be checked")
        actor, faults = self.document(leaf), []  # type: Any, list[str]
        for other in self.about(str(leaf.get("ref")), "object", "object-signed"):
            try:
                method = check_object(self.document(other), actor, ref)
            except Unchecked:
                continue
            except Refused as error:
                faults.append(str(error))
                continue
            told = f"{method} signed the object (data/captures/{other.get('uid')}.json)"
            return Held(f"{told}; whether the post shows its words is not compared")
        if not faults:
            raise Unchecked("the object that was signed is not in this bundle")
        raise Refused(faults[0])

    def event(self, ref: str, leaf: dict[str, Any], pointer: str) -> Held:
        """An event of Nostr: the name of its author is the key itself. It may stand in lines of JSON, and as a text in
        the event of another."""
        uid = str(leaf.get("uid"))
        if self.file[0] != uid:  # one file may hold the events of ten thousand posts
            self.file = (uid, documents(self.entity(leaf)))
        event = self.file[1]
        for step in pointer.split("/")[1:]:
            event = at_pointer(opened(event), f"/{step}")
        event = opened(event)
        public = check_event(event, ref)
        what = f"the event {event['id']} of kind {event['kind']}"
        told = f"the key {public} signed {what}, which says that it was made at {utc(event['created_at'])}"
        words = re.sub("[\x00\ud800-\udfff]", "\ufffd", event["content"]) if event["kind"] == 1 else None
        return Held(told, words, pointer, f"nostr:profile:{public}")


def account_of(ref: str) -> str:
    """The account in whose repository a record of the AT Protocol stands; empty for any other ref."""
    did = ref.partition("at://")[2].partition("/")[0]
    return f"bluesky:account:{did}" if did else ""


def names_of(post: dict[str, Any]) -> set[str]:
    """What the proofs of a post may be about: the post, under all its names, and the accounts that may have signed it.
    Empty for what stands in no post."""
    if not post.get("ref"):
        return set()
    names = {str(post["ref"]), *map(str, rows_in(post.get("aliases")))}
    return (names | {account_of(name) for name in names} | {str(post.get("author"))}) - {""}


def documents(data: bytes) -> Any:
    """A document of JSON, or lines of JSON as an array; a line that is none is null."""
    data = data[3:] if data[:3] == b"\xef\xbb\xbf" else data
    try:
        return load(data, "its answer")
    except Refused:
        found: list[Any] = []
    for line in data.split(b"\n"):
        if line.strip():
            try:
                found.append(load(line, "its answer"))
            except Refused:
                found.append(None)
    return found


def opened(value: Any) -> Any:
    """What a text holds as JSON."""
    return load(value.encode("utf-8"), "its answer") if isinstance(value, str) else value


def given_of(leaf: dict[str, Any]) -> dict[str, str]:
    """What was known before a request was made, as its leaf says."""
    meaning = load(str(at(leaf, "request.meaning")).encode("utf-8", "replace"), "request.meaning")
    given = at(meaning, "given") or []
    if not isinstance(given, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all_text(pair) for pair in given
    ):
        raise Refused("its leaf does not say what was given")
    return {str(name): str(value) for name, value in given}


def unpacked(data: bytes, form: int) -> bytes | None:
    """Content decoding; None where the data are not of this form, or swell beyond the bound."""
    out = b""
    try:
        for _ in range(MAX_MEMBERS):
            if not data:
                return out
            one = zlib.decompressobj(form)
            out += one.decompress(data, max(MAX_ANSWER - len(out), 1))
            if one.unconsumed_tail or not one.eof:
                return None
            data = one.unused_data
    except zlib.error:
        pass
    return None


def rows_in(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def at_pointer(value: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer leads to; None where there is nothing."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
