#!/usr/bin/env python3
"""Checks an evidence bundle: python3 verify.py [FOLDER|ZIP] [--key VKEY]... [--roots PEM]...
                                         [--block HEX]... [--json]

Needs Python 3.8 or newer and nothing else; time stamps are checked by `openssl ts` where it is installed. Nothing is
unpacked, nothing is written beside the bundle, and no network is asked. This file came with the bundle: who doubts it
takes one from the source of the archiver, and the key of the log (--key) and root certificates (--roots) from those
who keep them. Without them it is told, as unchecked, that the bundle vouches for itself.

Ends with 0 when all held, 1 when something could not be checked, 4 when something is wrong, 2 for a wrong command.
What the posts say was read out of the captured bytes by the archiver; here the bytes are checked, not the reading.
Where authors signed their posts, it is checked from these bytes what they signed, and with which key.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from typing import Any

from archiver.bundle.verify_anchors import Anchors, Known, keys_of
from archiver.bundle.verify_captures import capture_faults, cut, unnamed
from archiver.bundle.verify_files import (
    MAX_NOTE,
    Folder,
    Mistaken,
    Refused,
    Report,
    Zip,
    at,
    check_bag,
    load,
    open_bundle,
    read,
    text_of,
    unbase64,
)
from archiver.bundle.verify_notes import (
    Key,
    Note,
    check_seal,
    given_keys,
    included,
    parse_key,
    parse_note,
    parse_proof,
    signed_by,
    signers_line,
)
from archiver.bundle.verify_proofs import Proofs
from archiver.bundle.verify_stamps import given_block, given_root, utc
from archiver.bundle.verify_told import (
    BESIDE,
    SEALED,
    UNSEALED,
    anchor_faults,
    file_faults,
    rows_of,
    told_faults,
    unknown_captures,
)

HEX64 = re.compile(rb'"([0-9a-f]{64})"')
HEAD = "data/proofs/checkpoint"
LEAF = re.compile(r"data/proofs/(0|[1-9][0-9]{0,18})\.leaf\.json", re.A)


class Headless(Refused):
    """Something cannot be checked, since no signed head holds."""


class Bundle:
    """One bundle while it is checked. What was found is in `report`; `leaves` are those that stand in the log."""

    def __init__(self, source: Folder | Zip, known: Known) -> None:
        self.source, self.brought, self.keys, self.report = source, known, known.keys, Report()
        self.known: dict[str, str] = {}
        self.leaves: dict[int, dict[str, Any]] = {}
        self.vouched: set[str] = set()
        self.erased: set[str] = set()
        self.index: dict[str, Any] = {}
        self.note: Note | None = None
        self.signers: list[Key] = []  # keys of the log that signed the head

    def check(self) -> Report:
        for name in ("bag", "log", "leaves", "seal", "index", "captures", "blobs", "proofs", "anchors"):
            before = self.report.count("WRONG")
            try:
                getattr(self, f"check_{name}")(before)
            except Headless as error:
                self.report.say("unchecked", name, str(error))
            except Refused as error:
                self.report.wrong(name, str(error))
        if not any(key.given for key in self.signers or self.keys):
            brought = "".join(f" {key.name}+{key.id.hex()}" for key in self.keys if not key.given)
            self.report.say(
                "unchecked", "trust", f"the keys came with the bundle:{brought}; give those you know: --key"
            )
        return self.report

    def head(self) -> Note:
        """The head of the log that a trusted key signed."""
        if self.note is None:
            raise Headless("without a signed head that holds nothing of this can be checked")
        return self.note

    def names(self, folder: str, end: str = "") -> list[str]:
        return sorted(name for name in self.source.sizes if name.startswith(folder) and name.endswith(end))

    def check_bag(self, before: int) -> None:
        self.known = check_bag(self.source, self.report)

    def check_log(self, before: int) -> None:
        """The checkpoint, and the keys that signed it."""
        own = "data/proofs/log.vkey"
        for line in text_of(read(self.source, own, MAX_NOTE), own).splitlines():
            try:
                key = parse_key(line, False)
            except Refused as error:
                raise Refused(f"{own}: {error}") from None
            if key.type == 4:
                self.report.wrong("log", f"{own}: the key {key.id.hex()} is no key of a log, but of a witness")
            elif not any((key.name, key.id) == (one.name, one.id) for one in self.keys):
                self.keys.append(key)
        note = parse_note(text_of(read(self.source, HEAD, MAX_NOTE), HEAD), HEAD)
        signers: list[Key] = []
        for signature in note.signatures:
            holders = [key for key in self.keys if (key.name, key.id) == signature[:2]]
            if not holders:
                whose = f"{signature[0]} ({signature[1].hex()})"
                self.report.say("unchecked", "log", f"the signature of {whose}: its key is not known, give it: --key")
            for key in holders:
                when = signed_by(note.text, signature, key)
                signers.append(key)
                if key.type == 4:
                    self.report.say("held", "witness", f"{key.name} saw the log with {note.size} leaves at {utc(when)}")
        mine = [key for key in signers if key.type == 1 and key.name == note.origin]
        if not mine or (any(k.given and k.type == 1 for k in self.keys) and not any(k.given for k in mine)):
            given = ", ".join(f"{key.name}+{key.id.hex()}" for key in self.keys if key.given and key.type == 1)
            by = ", ".join(known.hex() for name, known, _ in note.signatures if name == note.origin)
            told = f": {by or 'none of its keys'} did, and you gave {given}" if given else ""
            raise Refused(f"{HEAD}: no key of {note.origin} that you trust signed it{told}")
        self.note, self.signers = note, mine
        for key in self.keys:
            if not key.given and key not in mine:
                self.report.wrong("log", f"{own}: the key {key.id.hex()} did not sign the checkpoint")
        self.check_pem()
        signed = ", ".join(key.id.hex() for key in mine)
        self.report.closed("log", before, f"{note.origin} with {note.size} leaves, signed by {signed}")

    def check_pem(self) -> None:
        """log.pem, by which verify.sh checks, is the same key."""
        name = "data/proofs/log.pem"
        blocks = re.findall("-----BEGIN PUBLIC KEY-----\n([^-]+)-----END", text_of(read(self.source, name), name))
        for block in blocks:
            data = unbase64("".join(block.split()), name)
            if data[:12].hex() != "302a300506032b6570032100" or all(data[12:] != key.public for key in self.signers):
                self.report.wrong("log", f"{name}: holds another key than log.vkey")
        if not blocks:
            self.report.wrong("log", f"{name}: holds no key")

    def own_keys(self, note: Note) -> list[Key]:
        """The keys of the log at its head: those that were given and signed it, and those that its leaves name. What
        came with the bundle says of no key that it is the log's: who has any can sign a genuine head with it, too."""
        named = [key for key, _, retired in keys_of(self.leaves, note.origin) if retired < 0]
        for key in self.signers:
            if not key.given and all(key.public != one.public for one in named):
                told = f"data/proofs/log.vkey: no leaf says that the key {key.id.hex()} is one of the log's"
                self.report.wrong("log", told)
        return [*(key for key in self.signers if key.given), *named]

    def check_seal(self, before: int) -> None:
        """Who sealed the bag, where it is sealed. Whatever no leaf names is bound to the log by the seal alone."""
        keys = self.own_keys(self.head())
        seals = self.names("seal/", ".sig")
        for name in seals:
            sealed = name[len("seal/") : -len(".sig")]
            if not sealed.startswith("tagmanifest-"):
                raise Refused(f"{name}: seals no tag manifest")
            text = text_of(read(self.source, name, MAX_NOTE), name)
            try:
                public = check_seal(text, read(self.source, sealed), "quotechain-bundle")
            except Refused as error:
                raise Refused(f"{name}: {error}") from None
            whose = [key.id.hex() for key in keys if key.public == public]
            if not whose:
                raise Refused(f"{name}: sealed by a key that is none of the log's")
            self.report.closed("seal", before, f"{sealed} is sealed by {whose[0]}: {SEALED}")
        signers = {signers_line(name, key.public) for key in keys for name in (key.name, "log")}
        for name in self.names("seal/"):
            if name == "seal/allowed_signers":
                lines = text_of(read(self.source, name, MAX_NOTE), name).split("\n")
                if lines.pop() or not set(lines) <= signers:
                    self.report.wrong("seal", f"{name}: lets others sign than the keys of the log")
            elif name not in seals:
                self.report.wrong("seal", f"{name}: extra, no seal is so named")
        if not seals:
            self.report.say("unchecked", "seal", UNSEALED)

    def check_leaves(self, before: int) -> None:
        """Each leaf is canonical JSON and stands in the log at its number."""
        head = self.head()
        names = [name for name in self.names("data/proofs/") if LEAF.fullmatch(name)]
        stems = {name[: -len(".leaf.json")] for name in names}
        for name in self.names("data/proofs/", ".tlog-proof"):
            if name[: -len(".tlog-proof")] not in stems:
                self.report.wrong("leaves", f"{name}: a proof without its leaf")
        for name in names:
            try:
                self.check_leaf(name, head)
            except Refused as error:
                self.report.wrong("leaves", str(error))
        found = f"{len(names)} leaves stand in the log where they say, under its {head.size} leaves"
        self.report.closed("leaves", before, found)

    def check_leaf(self, name: str, note: Note) -> None:
        data = read(self.source, name)
        proof = name[: -len(".leaf.json")] + ".tlog-proof"
        index, path, text = parse_proof(text_of(read(self.source, proof, MAX_NOTE), proof), proof)
        head = parse_note(text, proof)
        if head.text != note.text or not set(head.signatures) <= set(note.signatures):
            raise Refused(f"{proof}: leads to another checkpoint than data/proofs/checkpoint")
        if str(index) != LEAF.sub(r"\1", name):
            raise Refused(f"{proof}: is of leaf {index}")
        if not included(data, index, note.size, path, note.root):
            raise Refused(f"{name}: does not stand in the log at {index}")
        leaf = load(data, name)
        plain = json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if plain.encode("utf-8", "replace") != data or at(leaf, "seq") != str(index) or at(leaf, "v") != 1:
            raise Refused(f"{name}: not a canonical leaf of this place")
        self.leaves[index] = leaf
        self.vouched.update(found.decode() for found in HEX64.findall(data))
        if leaf.get("type") == "erase":
            gone = leaf.get("sha256")
            self.erased.update(map(str, gone if isinstance(gone, list) else [gone]))

    def check_captures(self, before: int) -> None:
        """Each capture says what its leaf says, and each capture leaf has its capture."""
        self.head()
        seen: set[int] = set()
        self.columns: set[str] = set()
        for name in self.names("data/captures/", ".json"):
            try:
                seen.add(self.check_capture(name))
            except Refused as error:
                self.report.wrong("captures", str(error))
        for index, leaf in sorted(self.leaves.items()):
            if leaf.get("type") in ("capture", "import") and index not in seen:
                self.report.wrong("captures", f"leaf {index}: its capture is missing")
        self.report.closed("captures", before, f"{len(seen)} captures are as their leaves say, field by field")
        if self.columns:
            told = f"no leaf names {', '.join(sorted(self.columns))} of captures: nothing vouches for what they say"
            self.report.say("absent", "captures", told)

    def check_capture(self, name: str) -> int:
        row = load(read(self.source, name), name)
        index = at(row, "leaf")
        leaf = self.leaves.get(int(index)) if re.fullmatch("[0-9]{1,19}", str(index), re.A) else None
        if leaf is None or leaf.get("type") not in ("capture", "import"):
            raise Refused(f"{name}: no leaf of a capture stands in the log at {str(index)[:50]}")
        if name != f"data/captures/{at(leaf, 'uid')}.json":
            raise Refused(f"{name}: is not the name of the capture {at(leaf, 'uid')}")
        for fault in capture_faults(row, leaf, name):
            self.report.wrong("captures", f"{name}: {fault}")
        self.columns |= unnamed(row)
        body = at(leaf, "response.body_sha256")
        if str(body) in self.erased:
            self.report.say("unchecked", "captures", f"{name}: its body was erased, as the log says")
        elif body and f"data/blobs/{body}" not in self.source.sizes:
            rows = rows_of(self.index, "captures")
            told = [at(row, "body_missing") for row in rows if row.get("uid") == at(leaf, "uid")]
            state = "unchecked" if told and told[0] else "WRONG"
            why = f", {cut(told[0])}" if told and told[0] else ""
            self.report.say(state, "captures", f"{name}: its body data/blobs/{body} is missing{why}")
        elif body and str(self.source.sizes[f"data/blobs/{body}"]) != at(leaf, "response.body_size"):
            self.report.wrong("captures", f"{name}: its body has another size than its leaf says")
        return int(index)

    def check_blobs(self, before: int) -> None:
        """Each blob is what its name says, and a leaf names it."""
        names = self.names("data/blobs/")
        for name in names:
            sha256 = name[len("data/blobs/") :]
            if name in self.known and self.known[name] != sha256:
                self.report.wrong("blobs", f"{name}: its SHA-256 is {self.known[name]}")
            if sha256 not in self.vouched and self.note is not None:
                self.report.wrong("blobs", f"{name}: no leaf in this bundle names it")
        found = f"{len(names)} files have the SHA-256 that is their name"
        self.closed("blobs", before, found, "a leaf names each")

    def closed(self, check: str, before: int, found: str, logged: str) -> None:
        """Says that a check held, as far as there is a head to hold things against."""
        if self.note is not None:
            self.report.closed(check, before, f"{found}, and {logged}")
        elif self.report.count("WRONG") == before:
            self.report.say("unchecked", check, f"{found}; without a signed head that holds nothing more is known")

    def check_index(self, before: int) -> None:
        """bundle.json tells of the same log, captures and files."""
        name = "data/bundle.json"
        index = load(read(self.source, name), name)
        self.index = index if isinstance(index, dict) else {}
        if self.note is not None:
            for fault in told_faults(self.index, self.leaves, self.note, self.signers):
                self.report.wrong("index", f"{name}: {fault}")
        for fault in file_faults(self.index, self.known):
            self.report.wrong("index", f"{name}: {fault}")
        for uid in unknown_captures(self.index):
            why = "which is not in this bundle (erased ones stay behind)"
            self.report.say("unchecked", "index", f"{name}: a post is told from the capture {cut(uid)}, {why}")
        self.closed("index", before, "bundle.json tells of the same files", "of the same log and captures")
        self.report.say("absent", "reading", BESIDE)

    def check_proofs(self, before: int) -> None:
        """What the authors of posts signed themselves."""
        self.head()
        told = [*rows_of(self.index, "posts"), {"proofs": at(self.index, "proofs")}]
        Proofs(self.source, self.report, self.leaves).check(told)

    def check_anchors(self, before: int) -> None:
        """What others say of the checkpoint, and between which times captures were made."""
        anchors = Anchors(self.source, self.report, self.brought, self.head())
        anchors.check(self.leaves, self.index)
        for fault in anchor_faults(self.index, self.known, anchors.said):
            self.report.wrong("time", f"data/bundle.json: {fault}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify.py", description="Checks an evidence bundle.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("bundle", nargs="?", default=here, help="a folder or a zip; the folder of this file by default")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help="a verifier key NAME+ID+KEY that you know, of the log or a witness, or a file of such lines",
    )
    parser.add_argument(
        "--roots", action="append", default=[], help="root certificates that you trust for time stamps (PEM)"
    )
    parser.add_argument(
        "--block",
        action="append",
        default=[],
        help="the header (80 bytes) of a Bitcoin block that a proof names",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    asked = parser.parse_args(arguments)
    if asked.bundle == here and not os.path.isfile(os.path.join(here, "bagit.txt")):
        parser.error("no bundle lies beside this file: name its zip, or the folder with its bagit.txt")
    try:
        keys = [key for text in asked.key for key in given_keys(text)]
        roots, blocks = [given_root(path) for path in asked.roots], [given_block(text) for text in asked.block]
    except (Refused, OSError, ValueError) as error:
        parser.error(str(error))
    try:
        report = Bundle(open_bundle(asked.bundle), Known(keys, roots, blocks)).check()
    except Mistaken as error:
        parser.error(str(error))
    except Refused as error:
        report = Report()
        report.wrong("bundle", str(error))
    print(shown(report, asked.bundle, asked.json))
    return report.code


def shown(report: Report, path: str, as_json: bool) -> str:
    """ASCII, and nothing that a terminal would obey: names and texts in a bundle may be hostile."""
    result = {0: "held", 1: "unchecked", 4: "wrong"}[report.code]
    if as_json:
        lines = [{"state": state.lower(), "check": check, "found": found} for state, check, found in report.lines]
        return json.dumps({"v": 1, "bundle": path, "result": result, "code": report.code, "checks": lines}, indent=1)
    count = report.count
    end = f"{count('held')} held, {count('unchecked')} unchecked, {count('WRONG')} wrong"
    told = [f"{state:<9} {check:<9} {json.dumps(found)[1:-1]}" for state, check, found in report.lines]
    return "\n".join([*told, f"Result: {end}"])


if __name__ == "__main__":
    sys.exit(main())
