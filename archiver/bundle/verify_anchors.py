"""What others say of the log: time stamps, OpenTimestamps proofs, cosignatures, the earlier heads that they are over,
and the times that follow for captures.

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import calendar
import hashlib
import re
import time
from bisect import bisect_right
from typing import Any, NamedTuple

from archiver.bundle.verify_captures import cut
from archiver.bundle.verify_files import MAX_NOTE, Folder, Refused, Report, Zip, at, read, text_of
from archiver.bundle.verify_notes import (
    Key,
    Note,
    continued,
    parse_consistency,
    parse_key,
    parse_note,
    signature_line,
    signed_by,
)
from archiver.bundle.verify_stamps import Unchecked, attestations, block_time, check_stamp, stamped, utc

HEAD_FILE = "data/proofs/checkpoint"
EARLIER = re.compile(r"data/proofs/checkpoint-(0|[1-9][0-9]{0,18})\.consistency", re.A)
TO_DO = {
    "bitcoin": ". Take the header of that block from a node that you trust (bitcoin-cli getblockheader HASH false) and "
    "give it: --block HEX",
    "pending": ". It stands in no block yet: `ots upgrade` asks that calendar, and a later export may have more",
}
SLACK = 60  # seconds by which two clocks may differ without a word about it


class Known(NamedTuple):
    """What the verifier holds, and the keys that came with the bundle. `roots` are PEM, `blocks` headers of blocks."""

    keys: list[Key]
    roots: list[bytes]
    blocks: list[bytes]


class Anchors:
    """The tokens of one bundle. `texts` is what they may be over, with the head that it tells of; `linked` are the size
    and root of the head and of those earlier ones with which its log begins; `times` of tokens that held, by their
    SHA-256: head and time."""

    def __init__(self, source: Folder | Zip, report: Report, known: Known, note: Note) -> None:
        self.source, self.report, self.note = source, report, note
        self.keys, self.roots, self.blocks = known.keys, known.roots, known.blocks
        self.texts: dict[bytes, Note] = {}
        self.times: dict[str, tuple[Note, int]] = {}
        self.said: dict[str, tuple[int, str]] = {}  # by the paths of tokens that held: size of the head, and time
        self.ended: dict[str, tuple[bytes, bytes, list[bytes], list[bytes]]] = {}  # by certificates that have expired
        self.linked = {(note.size, note.root)}

    def check(self, leaves: dict[int, dict[str, Any]], index: dict[str, Any]) -> None:
        self.open(HEAD_FILE)
        self.check_heads(leaves)
        own = self.names("roots/")
        roots = self.roots or [read(self.source, name, MAX_NOTE) for name in own]
        checks = {".tsr": self.check_time, ".ots": self.check_ots, ".cosig": self.check_cosignature}
        for name in self.names():
            try:
                for end, check in checks.items():
                    if name.endswith(end):
                        check(name, read(self.source, name, MAX_NOTE), roots)
            except Refused as error:
                self.report.wrong("time", f"{name}: {error}")
            except Unchecked as error:
                self.report.say("unchecked", "time", f"{name}: {error}")
        if not any(name.endswith(tuple(checks)) for name in self.names()):
            self.report.say("absent", "time", "nobody outside vouches for any time: there is no token")
        self.check_renewals(leaves)
        self.check_brackets(leaves, index)

    def names(self, start: str = "") -> list[str]:
        return sorted(name for name in self.source.sizes if name.startswith(f"data/anchors/{start}"))

    def open(self, name: str, renamed: bool = False) -> Note:
        """A checkpoint. Tokens may be over all of it, over its text, or over it with the log's own signatures alone.
        `renamed` allows for one from before the log had its name."""
        data = read(self.source, name, MAX_NOTE)
        text = text_of(data, name)
        note = parse_note(text, name)
        if note.origin != self.note.origin and not renamed:
            raise Refused(f"{name}: a checkpoint of another log")
        if note.size == self.note.size and note.root != self.note.root:
            self.report.wrong("time", f"{name}: another log of the same name and size: two stories were signed")
        log = [line for line in text.rpartition("\n\n")[2].split("\n") if line.split(" ")[1:2] == [note.origin]]
        alone = note.text + "\n" + "".join(f"{line}\n" for line in log)
        self.texts.update(dict.fromkeys((data, note.text.encode(), alone.encode()), note))
        return note

    def check_heads(self, leaves: dict[int, dict[str, Any]]) -> None:
        """Earlier heads: a key of the log signed each, and the log begins with each for which that is claimed."""
        before, counted, seen = self.report.count("WRONG"), 0, set()
        for name in self.names("checkpoint-"):
            try:
                proof = f"data/proofs/checkpoint-{name.rpartition('-')[2]}.consistency"
                claimed = proof in self.source.sizes
                note = self.open(name, claimed)
                if claimed:
                    seen.add(proof)
                    self.check_earlier(name, note, proof, leaves)
                    counted += 1
            except Refused as error:
                self.report.wrong("heads", str(error))
        for proof in sorted(filter(EARLIER.fullmatch, self.source.sizes)):
            if proof not in seen:
                self.report.wrong("heads", f"{proof}: a proof without its checkpoint")
        if counted:
            told = f"the log of {self.note.size} leaves begins with {counted} earlier heads, which its keys signed"
            self.report.closed("heads", before, told)

    def check_earlier(self, name: str, note: Note, proof: str, leaves: dict[int, dict[str, Any]]) -> None:
        """One earlier head. Refused when the log does not begin with it, or none of its keys of then signed it."""
        old, path, newer = parse_consistency(text_of(read(self.source, proof, MAX_NOTE), proof), proof)
        if (old, f"data/anchors/checkpoint-{old}") != (note.size, name):
            raise Refused(f"{proof}: begins at {old} leaves, and {name} has {note.size}")
        if parse_note(newer, proof).text != self.note.text:
            raise Refused(f"{proof}: leads to another checkpoint than {HEAD_FILE}")
        if not continued(old, self.note.size, note.root, self.note.root, path):
            raise Refused(f"{name}: the log of {self.note.size} leaves does not begin with it")
        signers: list[str] = []
        late: list[str] = []
        for key, added, retired in keys_of(leaves, note.origin):
            for signature in note.signatures:
                if signature[:2] == (key.name, key.id):
                    signed_by(note.text, signature, key)
                    (signers if added < note.size and not (added < retired < note.size) else late).append(key.id.hex())
        if late and not signers:
            raise Refused(
                f"{name}: signed by {', '.join(late)} alone, which was no key of the log at {note.size} leaves"
            )
        if not signers:
            raise Refused(f"{name}: no key that the log names signed it")
        self.linked.add((note.size, note.root))

    def check_time(self, name: str, token: bytes, roots: list[bytes]) -> None:
        along = [read(self.source, one, MAX_NOTE) for one in self.names("certificates/")]
        when, text, beside = check_stamp(token, list(self.texts), roots, along)
        self.times[hashlib.sha256(token).hexdigest()] = self.texts[text], when
        size = self.texts[text].size
        self.said[name] = size, utc(when)
        self.report.say("held", "time", f"{name}: the log of {size} leaves was there at {utc(when)}{beside}")
        if beside:
            self.ended[name] = token, text, roots, along
        if not self.roots:
            self.report.say("unchecked", "trust", f"{name}: its root came with the bundle; give one you know: --roots")

    def check_ots(self, name: str, proof: bytes, roots: list[bytes]) -> None:
        texts = list(self.texts)
        found = list(attestations(proof, texts))
        size = self.texts[stamped(proof, texts)].size
        for kind, told, root in found:
            given = [block for block in self.blocks if kind == "bitcoin" and block[36:68] == root]
            if given:
                when = f"{told}, as the block that you gave has: the log of {size} leaves was there"
                self.report.say("held", "time", f"{name}: {when} at {utc(block_time(given[0]) + 7200)} at the latest")
                return
        for kind, told, _ in found:
            self.report.say("unchecked", "time", f"{name}: {kind}: {told}{TO_DO.get(kind, '')}")

    def check_cosignature(self, name: str, lines: bytes, roots: list[bytes]) -> None:
        for line in text_of(lines, name).splitlines():
            signature = signature_line(line, name)
            holders = [key for key in self.keys if (key.name, key.id, key.type) == (*signature[:2], 4)]
            if not holders:
                raise Unchecked(f"the key of {signature[0]} ({signature[1].hex()}) is not known, give it: --key")
            for text, note in self.texts.items():
                try:
                    when = signed_by(text.decode(), signature, holders[0])
                except Refused:
                    continue
                told = f"{name}: {holders[0].name} saw the log of {note.size} leaves at {utc(when)}"
                self.report.say("held", "witness", told)
                self.times[hashlib.sha256(lines).hexdigest()] = note, when
                self.said[name] = note.size, utc(when)
                break
            else:
                raise Refused(f"the signature of {holders[0].name} is over none of the checkpoints")

    def check_renewals(self, leaves: dict[int, dict[str, Any]]) -> None:
        """Which tokens, whose certificates expired, stood in the log while these were good: a newer token says so, over
        a head that holds the leaf of the older one."""
        logged = {
            str(leaf.get("token_sha256")): index for index, leaf in leaves.items() if leaf.get("type") == "anchor"
        }
        linked = [(when, note) for note, when in self.times.values() if (note.size, note.root) in self.linked]
        for name, (token, text, roots, along) in sorted(self.ended.items()):
            place = logged.get(hashlib.sha256(token).hexdigest())
            newer = [(when, note.size) for when, note in linked if place is not None and note.size > place]
            for when, size in sorted(newer)[-1:] + sorted(newer)[:1]:
                try:
                    check_stamp(token, [text], roots, along, when)
                except (Refused, Unchecked):
                    continue
                told = f"its certificates were good at {utc(when)}, when the log of {size} leaves held it"
                self.report.say("held", "time", f"{name}: renewed: {told}")
                break
            else:
                told = "no newer token here holds it: who has the key of the certificate now could have made it"
                self.report.say("unchecked", "time", f"{name}: {told}")

    def bounds(self) -> tuple[list[int], list[int]]:
        """Sizes of dated heads in ascending order, and for each the earliest time from there on."""
        dated = sorted((note.size, when) for note, when in self.times.values() if (note.size, note.root) in self.linked)
        first: list[int] = []
        for _, when in reversed(dated):
            first.append(min(when, first[-1] if first else when))
        return [size for size, _ in dated], first[::-1]

    def check_brackets(self, leaves: dict[int, dict[str, Any]], index: dict[str, Any]) -> None:
        """The times between which captures were made, as bundle.json tells them, are those of tokens that held."""
        before, counted, rows = self.report.count("WRONG"), 0, at(index, "captures")
        sizes, times = self.bounds()
        for row in rows if isinstance(rows, list) else ():
            place = at(row, "leaf")
            leaf = leaves.get(place, {}) if isinstance(place, int) else {}
            older = self.times.get(str(leaf.get("after")))
            held = bisect_right(sizes, place) if isinstance(place, int) else len(sizes)
            least, most = older[1] if older else None, times[held] if held < len(sizes) else None
            uid = cut(at(row, "uid"))
            for field, known in (("not_before", least), ("not_after", most)):
                told, by = at(row, f"bracket.{field}"), at(row, f"bracket.{field}_by")
                said = None if known is None else utc(known)
                counted += told is not None and _second(told) == said
                if told is not None and (said is None or (str(by) in self.source.sizes and str(by) not in self.said)):
                    others = f"; those that held say {said}" if said else ""
                    reason = f"no token that held says so{others}"
                    self.report.say("unchecked", "brackets", f"{uid}: {field} {cut(told)}: {reason}")
                elif told is not None and _second(told) != said:
                    self.report.wrong("brackets", f"{uid}: {field} is {cut(told)}, the token says {said}")
            self.check_clock(uid, leaf, least, most)
        if counted:
            self.report.closed("brackets", before, f"{counted} times of captures are those of tokens")

    def check_clock(self, uid: str, leaf: dict[str, Any], least: int | None, most: int | None) -> None:
        """The clock of a capture against the tokens around it. What was imported tells of times before."""
        wall = _second(at(leaf, "clock.wall"))
        if least is not None and most is not None and least > most + SLACK:
            told = f"made after {utc(least)} and before {utc(most)}: the clock of one of the services is wrong"
            self.report.wrong("brackets", f"{uid}: {told}")
        elif re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", wall, re.A):
            try:
                clock = calendar.timegm(time.strptime(wall, "%Y-%m-%dT%H:%M:%SZ"))
            except ValueError:
                return
            early = least is not None and leaf.get("tier") == "wire" and clock < least - SLACK
            if early or (most is not None and clock > most + SLACK):
                bound = f"after {utc(least)}" if early and least is not None else f"before {utc(most or 0)}"
                self.report.wrong("brackets", f"{uid}: says that it was made at {wall}, tokens say {bound}")


def keys_of(leaves: dict[int, dict[str, Any]], origin: str) -> list[tuple[Key, int, int]]:
    """The keys of a log by that name: from which leaf on they signed, and the leaf at which they ceased to, or -1."""
    found: dict[str, tuple[Key, int, int]] = {}
    for index, leaf in sorted(leaves.items()):
        vkey = str(leaf.get("vkey"))
        if leaf.get("type") == "key" and leaf.get("name") == origin:
            if leaf.get("action") == "add":
                found.setdefault(vkey, (parse_key(vkey, False), index, -1))
            elif vkey in found and found[vkey][2] < 0:
                found[vkey] = (*found[vkey][:2], index)
    return list(found.values())


def _second(moment: Any) -> str:
    """A time without the part of its second."""
    return re.sub(r"\.[0-9]+Z$", "Z", str(moment))
