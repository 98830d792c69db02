"""Whether bundle.json tells of the log, of captures, statements, made files and tokens what their leaves and files say.

What posts say is not checked here or anywhere: the archiver read it out of the captured bytes. A part of verify.py, so:
Python 3.8, the standard library, and nothing of the archiver but other parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from archiver.bundle.verify_captures import FIELDS, cut, same
from archiver.bundle.verify_files import at
from archiver.bundle.verify_notes import Key, Note

LOGGED = {
    "statement": ("uid", "at", "who", "what", "subject", "object", "reason"),
    "derived": ("uid", "at", "tool", "version", "arguments", "inputs", "sha256"),
}
OF_CAPTURES = (
    "leaf", "ref", "url", "route", "status", "observed_at", "body_sha256", "tier", "method", "parent", "failure",
    "ended_at",
)  # fmt: skip
OWN = ("data/bundle.json", "data/report.html")  # what `files` of bundle.json leaves out
BESIDE = (
    "no check reads posts again: posts, authors, outcomes, verdicts and documents in bundle.json, the report, tables, "
    "metadata and web archive are the word of whoever wrote the bundle, and so is that nothing was left out"
)
SEALED = "so every file is as its holder wrote it"
UNSEALED = "the bag is not sealed: anybody may have written what no leaf names (posts, verdicts, the report, tables)"


def rows_of(index: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The entries of bundle.json of one kind."""
    rows = index.get(kind)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def told_faults(index: dict[str, Any], leaves: dict[int, dict[str, Any]], note: Note, keys: list[Key]) -> Iterator[str]:
    """What bundle.json tells otherwise than the head, its keys and the leaves."""
    if (at(index, "origin"), str(at(index, "size"))) != (note.origin, str(note.size)):
        yield "origin and size are not those of the checkpoint"
    if index.get("root", note.root.hex()) != note.root.hex():
        yield f"root is {cut(index['root'])}, the checkpoint says {note.root.hex()}"
    signers = {(key.name, key.id.hex()) for key in keys}
    vkeys = index.get("vkeys", [])
    for vkey in vkeys if isinstance(vkeys, list) else [vkeys]:
        if tuple(str(vkey).split("+")[:2]) not in signers:
            yield f"the key {cut(vkey)} is none that signed the checkpoint"
    yield from _captures(index, leaves)
    for kind, fields in LOGGED.items():
        for row in rows_of(index, f"{kind}s" if kind == "statement" else kind):
            leaf = _leaf(row.get("leaf"), leaves)
            given = [" ".join(map(str, one)) if isinstance(one, list) else one for one in map(row.get, fields)]
            if leaf.get("type") != kind or given != [leaf.get(field) for field in fields]:
                yield f"the {kind} {cut(at(row, 'uid'))} is not as it was logged"
    for row in rows_of(index, "leaves"):
        leaf = _leaf(row.get("index"), leaves)
        if leaf and row.get("type", "") not in ("", leaf.get("type")):
            yield f"the leaf {cut(row.get('index'))} of type {cut(row.get('type'))} is not as it was logged"
    for row in rows_of(index, "erased"):
        if _leaf(row.get("leaf"), leaves):
            yield f"the leaf {cut(row.get('leaf'))} is told to be erased, and is here"


def _captures(index: dict[str, Any], leaves: dict[int, dict[str, Any]]) -> Iterator[str]:
    held = {str(at(leaf, "uid")): leaf for leaf in leaves.values() if leaf.get("type") in ("capture", "import")}
    told = Counter(str(row.get("uid")) for row in rows_of(index, "captures"))
    for uid in sorted(set(held) ^ set(told)):
        yield f"the capture {cut(uid)} stands in it or in the log, not in both"
    for row in rows_of(index, "captures"):
        uid = str(row.get("uid"))
        if told[uid] > 1:
            yield f"the capture {cut(uid)} stands in it {told[uid]} times"
        for field in OF_CAPTURES:
            given, logged = row.get(field), at(held.get(uid), FIELDS[field])
            if uid in held and field in row and not same(given, logged):
                yield f"{uid}: {field} is {cut(given)}, its leaf says {cut(logged)}"


def unknown_captures(index: dict[str, Any]) -> list[str]:
    """Captures from which posts are told, and which are not in the bundle."""
    told = {str(row.get("uid")) for row in rows_of(index, "captures")}
    return sorted({str(uid) for post in rows_of(index, "posts") for uid in _named(post)} - told - {"", "None"})


def _named(post: dict[str, Any]) -> Iterator[Any]:
    """The captures from which a post is told."""
    for one in (post, *rows_of(post, "versions")):
        uids = one.get("captures")
        yield from uids if isinstance(uids, list) else ()
        for seen in rows_of(one, "sightings"):
            yield seen.get("capture")
    for kind in ("outcomes", "edges", "proofs"):
        yield from (row.get("capture") for row in rows_of(post, kind))


def _leaf(index: Any, leaves: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The leaf that an entry names; empty where it is not in the bundle."""
    return leaves.get(index, {}) if type(index) is int else {}


def file_faults(index: dict[str, Any], known: dict[str, str]) -> Iterator[str]:
    """What `files` tells otherwise than the files, and those that it leaves out."""
    files = index.get("files")
    files = files if isinstance(files, dict) else {}
    short = {path if path in known else f"data/{path}": path for path in files}
    for name, path in short.items():
        if known.get(name) != files[path]:
            yield f"{cut(path)} is missing, or has another SHA-256"
    for name in sorted(known):
        if name.startswith("data/") and name not in OWN and name not in short:
            yield f"its list of files leaves {cut(name)} out"
    for row in rows_of(index, "leaves"):
        if f"data/proofs/{row.get('index')}.leaf.json" not in known:
            yield f"the leaf {cut(row.get('index'))} of its list is not here"


def anchor_faults(index: dict[str, Any], known: dict[str, str], said: dict[str, tuple[int, str]]) -> Iterator[str]:
    """What is told of tokens otherwise than their files, and than those that held: `said` is their size and time."""
    for row in rows_of(index, "anchors"):
        path = str(row.get("path"))
        if path not in known or row.get("sha256", known[path]) != known[path]:
            yield f"the token {cut(path)} is missing, or has another SHA-256"
        elif path in said:
            size, when = said[path]
            told = str(row.get("at") or when).partition(".")[0].rstrip("Z")
            if (row.get("size", size), told) != (size, when.rstrip("Z")):
                given = f"{cut(row.get('at'))} over {cut(row.get('size'))} leaves"
                yield f"the token {cut(path)} is told to be of {given}, and says {when} over {size}"
