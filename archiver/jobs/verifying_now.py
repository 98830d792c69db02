"""A few captures checked while somebody waits: `archiver verify` for one post, with its parts and within bounds.

Of each capture: its leaf hashes to the stored hash, the row agrees with the leaf, the leaf leads to the newest signed
head, the bytes hash to their name. Of each log: that head against the tree, and its signature against the keys that
the log itself names. Tokens, authors' proofs, other leaves and what was read are left to `archiver verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from archiver.custody import log, note
from archiver.errors import IntegrityError
from archiver.jobs import bracketing, verifying_blobs, verifying_erased, verifying_heads, verifying_log, verifying_rows
from archiver.jobs.verifying_found import Erased, Finding, Findings, Outside, Place
from archiver.store.archive import Archive, Row
from archiver.store.blobs import CHUNK
from archiver.store.checkpoints import Tree

HELD, WRONG, UNCHECKED = "held", "wrong", "not checked"
SHARED = 100
"""Paths that share what they read of the log: most of their upper hashes are the same. 20 kB each are kept so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What is to be checked: local keys, and the body with its size in bytes (0 and empty where none came)."""

    uid: str
    origin: int
    leaf: int
    began: str
    blob: int | None = None
    sha256: str = ""
    size: int = 0


@dataclass(slots=True, kw_only=True)
class Checked:
    """One capture: `leaf` (with its row), `head` and `body` are held, wrong, not checked, or for a body none or
    erased. `wrong` and `unchecked` say why."""

    uid: str
    index: int
    leaf: str = UNCHECKED
    head: str = UNCHECKED
    body: str = "none"
    wrong: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)

    @property
    def state(self) -> str:
        return WRONG if self.wrong else UNCHECKED if self.unchecked else HELD


@dataclass(slots=True, kw_only=True)
class Log:
    """One log: its newest signed head of `size` leaves out of `leaves`, and the keys (vkeys) that signed it."""

    name: str
    leaves: int
    size: int = 0
    root: str = ""
    at: str = ""
    keys: list[str] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Now:
    """All that was checked: `size` bytes of bodies were hashed; `left` captures were not looked at for want of time."""

    logs: list[Log] = field(default_factory=list)
    captures: list[Checked] = field(default_factory=list)
    size: int = 0
    left: int = 0

    @property
    def state(self) -> str:
        if any(log.wrong for log in self.logs) or any(capture.wrong for capture in self.captures):
            return WRONG
        open_ = any(log.unchecked for log in self.logs) or any(capture.unchecked for capture in self.captures)
        return UNCHECKED if self.left or not self.captures or open_ else HELD


class _Log:
    """One log while its captures are checked."""

    def __init__(self, archive: Archive, tree: Tree) -> None:
        self.archive, self.origin, self.tree = archive, tree.origin, tree
        self.told = Log(name=self.tree.name(), leaves=self.tree.size())
        self.head: note.Checkpoint | None = None
        self._node, self._proofs = tree.reader(), 0
        self._tables = verifying_rows.present(archive)
        self._last: tuple[int, Row | None] = (-1, None)
        self._erased: Erased | None = None
        wrong, unchecked = Findings(), Findings()
        self._heads(wrong, unchecked)
        self.told.wrong, self.told.unchecked = wrong.held, unchecked.held

    def _heads(self, wrong: Findings, unchecked: Findings) -> None:
        stored = verifying_heads.newest(self.archive, self.origin)
        place = Place(table="log_checkpoint", key=self.told.name)
        if stored is None:
            unchecked.add("checkpoint", "no checkpoint of this log was ever signed", place)
            return
        history = self.tree.key_history()[: verifying_heads.MOST_KEYS]
        keys = verifying_heads.Keys(history, (), wrong)
        try:
            verifying_heads.check((stored,), self.told.leaves, self.tree.root, keys.names(), keys, wrong)
        except IntegrityError as error:
            wrong.add("tile", str(error), place)
        self.told.size, self.told.root, self.told.at = stored.size, stored.root.hex(), stored.at
        if stored.head is None or stored.signed is None:
            return
        self.head = stored.head
        ids = {(line.name, line.key_id) for line in stored.signed.signatures}
        for leaf, key in keys.added:
            if (key.name, key.id) in ids:
                self.told.keys.append(str(key))
                self.leaf(leaf, Outside(), wrong, unchecked)
                self.inclusion(leaf, wrong, unchecked)

    @property
    def erased(self) -> Erased:
        """Read only where something is missing: for that all `erase` leaves are asked."""
        if self._erased is None:
            self._erased = verifying_erased.erased(self.archive, None)
        return self._erased

    def leaf(self, index: int, outside: Outside, wrong: Findings, unchecked: Findings) -> None:
        """The bytes of a leaf against their hash, and the row against the leaf."""
        row = self._row(index)
        gone = (
            frozenset({index}) if row is not None and not row["data"] and index in self.erased.leaves else frozenset()
        )
        span = verifying_log.Span(
            origin=self.origin, low=index, high=index + 1, erased=gone, outside=outside, alone=True
        )
        found = verifying_log.check_span(self.archive, span, self._tables)
        wrong.take(found.wrong)
        unchecked.take(found.unchecked)

    def inclusion(self, index: int, wrong: Findings, unchecked: Findings) -> None:
        """The path from a leaf, as its bytes are now, to the newest signed head."""
        place = Place(table="log_leaf", leaf=index)
        if self.head is None or index >= self.head.size:
            reason = "no signed head that can be read covers it: the next run signs one, where the log has a key"
            unchecked.add("checkpoint", reason, place)
            return
        row = self._row(index)
        if row is None:
            return  # told as the leaf that is not there
        hashed = log.leaf_hash(row["data"]) if row["data"] else bytes(row["hash"])
        if self._proofs % SHARED == 0:
            self._node = lru_cache(maxsize=None)(self.tree.reader())
        self._proofs += 1
        try:
            path = self.tree.inclusion(index, self.head.size, reader=self._node)
        except (IntegrityError, ValueError) as error:
            wrong.add("tile", f"there is no path to the signed head: {error}", place)
            return
        if not log.check_inclusion(hashed, index, self.head.size, path, self.head.root):
            wrong.add("tile", f"does not lead to the signed head of {self.head.size} leaves", place)

    def _row(self, index: int) -> Row | None:
        """The row of a leaf, which its three checks ask for one after the other."""
        if self._last[0] != index:
            sql = "SELECT data, hash FROM log_leaf WHERE origin = ? AND idx = ?"
            self._last = index, self.archive.one(sql, self.origin, index)
        return self._last[1]

    def outside(self, capture: Capture, unchecked: Findings) -> Outside:
        """The token that a capture names, so far as it was found: it is not verified here."""
        row = self._row(capture.leaf)
        fields = verifying_log.read_leaf(row["data"]) if row is not None and row["data"] else {}
        after = None if isinstance(fields, str) else fields.get("after")
        if not isinstance(after, str):
            return Outside()
        if bracketing.named_token(self.archive, after, capture.began) is None:
            reason = f"the token that it names was not found among the newest before it: {after}"
            unchecked.add("after", reason, Place(table="captures", key=capture.uid, leaf=capture.leaf))
        return Outside(stored=frozenset({after}))


def check(
    archive: Archive,
    captures: Sequence[Capture],
    *,
    most_bytes: int,
    late: Callable[[], bool] = lambda: False,
    tree: Tree | None = None,
) -> Now:
    """Checks captures in the order given, hashing `most_bytes` of bodies at most, until `late` says that it is time to
    end: what was not reached is counted. `tree` is that of one of their logs, where it is at hand: what it folded once
    (of a large log that takes longer than all else) is not folded again."""
    now, logs, bodies = Now(), dict[int, _Log](), dict[int, tuple[str, list[Finding], list[Finding]]]()
    for number, capture in enumerate(captures):
        if late():
            now.left = len(captures) - number
            break
        if capture.origin not in logs:
            own = tree is not None and tree.origin == capture.origin
            logs[capture.origin] = _Log(archive, tree if tree is not None and own else Tree(archive, capture.origin))
        now.captures.append(_capture(archive, logs[capture.origin], capture, bodies, now, most_bytes))
    now.logs = [held.told for held in logs.values()]
    return now


def _capture(
    archive: Archive,
    held: _Log,
    capture: Capture,
    bodies: dict[int, tuple[str, list[Finding], list[Finding]]],
    now: Now,
    most_bytes: int,
) -> Checked:
    made = Checked(uid=capture.uid, index=capture.leaf)
    wrong, unchecked = Findings(), Findings()
    held.leaf(capture.leaf, held.outside(capture, unchecked), wrong, unchecked)
    made.leaf = _word(wrong, unchecked)
    above, open_ = Findings(), Findings()
    held.inclusion(capture.leaf, above, open_)
    made.head = _word(above, open_)
    wrong.take(above)
    unchecked.take(open_)
    made.wrong, made.unchecked = wrong.held, unchecked.held
    if capture.blob is not None:
        if capture.blob not in bodies:
            bodies[capture.blob] = _body(archive, held, capture, now, most_bytes)
        made.body, faults, doubts = bodies[capture.blob]
        made.wrong += faults
        made.unchecked += doubts
    return made


def _body(
    archive: Archive, held: _Log, capture: Capture, now: Now, most_bytes: int
) -> tuple[str, list[Finding], list[Finding]]:
    wrong, unchecked = Findings(), Findings()
    blob, sha256, size = capture.blob or 0, capture.sha256, capture.size
    # What a row says of its size may have been changed, too: so many whole chunks are there.
    chunks = int(str(archive.value("SELECT count(*) FROM blob_chunks WHERE blob_id = ?", blob)))
    there = chunks > 0
    if there and now.size + max(size, (chunks - 1) * CHUNK) > most_bytes:
        reason = f"its {size:,} bytes were not hashed: {most_bytes:,} are the most at once"
        unchecked.add("blob", reason, Place(table="blobs", key=sha256))
        return UNCHECKED, wrong.held, unchecked.held
    gone = frozenset() if there or not size else held.erased.blobs & {sha256}
    found = verifying_blobs.check_batch(
        archive, verifying_blobs.Batch(blobs=((blob, sha256, size),), erased=frozenset(gone))
    )
    now.size += found.size
    wrong.take(found.wrong)
    unchecked.take(found.unchecked)
    return "erased" if found.erased else _word(wrong, unchecked), wrong.held, unchecked.held


def _word(wrong: Findings, unchecked: Findings) -> str:
    return WRONG if wrong else UNCHECKED if unchecked else HELD
