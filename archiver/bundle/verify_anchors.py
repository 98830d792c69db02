"""What others say of the log: time stamps, OpenTimestamps proofs, cosignatures, and the times that follow for captures.

A part of verify.py, so: Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from archiver.bundle.verify_captures import cut
from archiver.bundle.verify_files import MAX_NOTE, Folder, Refused, Report, Zip, at, read, text_of
from archiver.bundle.verify_notes import Key, Note, parse_note, signature_line, signed_by
from archiver.bundle.verify_stamps import Unchecked, attestations, check_stamp, utc


class Anchors:
    """The tokens of one bundle. `texts` is what they may be over, with the head that it tells of; `times` of those that
    held, by their SHA-256: head and time."""

    def __init__(self, source: Folder | Zip, report: Report, keys: list[Key], roots: list[bytes], note: Note) -> None:
        self.source, self.report, self.keys, self.roots, self.note = source, report, keys, roots, note
        self.texts: dict[bytes, Note] = {}
        self.times: dict[str, tuple[Note, int]] = {}
        self.held: set[str] = set()  # paths of tokens that held

    def check(self, leaves: dict[int, dict[str, Any]], index: dict[str, Any]) -> None:
        self.open("data/proofs/checkpoint")
        for name in self.names("checkpoint-"):
            self.open(name)
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
        self.check_brackets(leaves, index)

    def names(self, start: str = "") -> list[str]:
        return sorted(name for name in self.source.sizes if name.startswith(f"data/anchors/{start}"))

    def open(self, name: str) -> None:
        """A checkpoint. Tokens may be over all of it, over its text, or over it with the log's own signatures alone."""
        data = read(self.source, name, MAX_NOTE)
        text = text_of(data, name)
        note = parse_note(text, name)
        if note.origin != self.note.origin:
            raise Refused(f"{name}: a checkpoint of another log")
        if note.size == self.note.size and note.root != self.note.root:
            self.report.wrong("time", f"{name}: another log of the same name and size: two stories were signed")
        log = [line for line in text.rpartition("\n\n")[2].split("\n") if line.split(" ")[1:2] == [note.origin]]
        alone = note.text + "\n" + "".join(f"{line}\n" for line in log)
        self.texts.update(dict.fromkeys((data, note.text.encode(), alone.encode()), note))

    def check_time(self, name: str, token: bytes, roots: list[bytes]) -> None:
        along = [read(self.source, one, MAX_NOTE) for one in self.names("certificates/")]
        when, text, beside = check_stamp(token, list(self.texts), roots, along)
        self.times[hashlib.sha256(token).hexdigest()] = self.texts[text], when
        self.held.add(name)
        size = self.texts[text].size
        self.report.say("held", "time", f"{name}: the log of {size} leaves was there at {utc(when)}{beside}")
        if not self.roots:
            self.report.say("unchecked", "trust", f"{name}: its root came with the bundle; give one you know: --roots")

    def check_ots(self, name: str, proof: bytes, roots: list[bytes]) -> None:
        for kind, told in attestations(proof, list(self.texts)):
            self.report.say("unchecked", "time", f"{name}: {kind}: {told}")

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
                self.held.add(name)
                break
            else:
                raise Refused(f"the signature of {holders[0].name} is over none of the checkpoints")

    def check_brackets(self, leaves: dict[int, dict[str, Any]], index: dict[str, Any]) -> None:
        """The times between which captures were made, as bundle.json tells them, are those of tokens that held."""
        before, counted, rows = self.report.count("WRONG"), 0, at(index, "captures")
        dated = [
            when for head, when in self.times.values() if (head.size, head.root) == (self.note.size, self.note.root)
        ]
        first = utc(min(dated)) if dated else None
        for row in rows if isinstance(rows, list) else ():
            leaf = leaves.get(at(row, "leaf"), {}) if isinstance(at(row, "leaf"), int) else {}
            older = self.times.get(str(leaf.get("after")))
            for field, known in (("not_before", utc(older[1]) if older else None), ("not_after", first)):
                told, uid = at(row, f"bracket.{field}"), cut(at(row, "uid"))
                counted += told is not None and _second(told) == known
                by = at(row, f"bracket.{field}_by")
                if told is not None and (known is None or (str(by) in self.source.sizes and str(by) not in self.held)):
                    self.report.say("unchecked", "brackets", f"{uid}: {field} {cut(told)}: no token that held says so")
                elif told is not None and _second(told) != known:
                    self.report.wrong("brackets", f"{uid}: {field} is {cut(told)}, the token says {known}")
        if counted:
            self.report.closed("brackets", before, f"{counted} times of captures are those of tokens")


def _second(moment: Any) -> str:
    """A time without the part of its second."""
    return re.sub(r"\.[0-9]+Z$", "Z", str(moment))
