"""Writing evidence: a capture, its published blob and its leaf in one transaction; statements; reading marks."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from archiver.custody import canonical, log, note
from archiver.errors import IntegrityError
from archiver.model import Exchange, Ref, Request
from archiver.store import checkpoints
from archiver.store.archive import Archive
from archiver.store.blobs import CHUNK, BlobStore, Staged
from archiver.store.dating import Newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Who writes: stands in every capture."""

    version: str
    config_sha256: str
    operator: str = ""
    site: str = ""
    worker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A capture or statement as stored: its local id, uid and leaf, and the local id of its blob."""

    id: int
    uid: str
    leaf: int
    blob: int | None = None


class Evidence:
    """The append-only side of one archive: the sequencer of its log. Appending is idempotent by uid, so that a
    worker that never heard the answer may hand in the same record again."""

    def __init__(self, archive: Archive, tool: Tool, *, now: Callable[[], str]) -> None:
        self.archive, self.tool, self.now = archive, tool, now
        self.blobs = BlobStore(archive)
        self.origin = int(archive.db.execute("SELECT id FROM origin WHERE local = 1").fetchone()[0])
        self.tree = checkpoints.Tree(archive, self.origin)
        self._newest = Newest(archive)

    def record(self, *exchanges: Exchange) -> tuple[Recorded, ...]:
        """Stores the hops of one try: all of them or none."""
        staged = [self._stage(exchange) for exchange in exchanges]
        with self.archive.transaction():
            after = self._newest.before(min(exchange.started_at for exchange in exchanges))
            return tuple(self._record(exchange, body, after) for exchange, body in zip(exchanges, staged, strict=True))

    def _stage(self, exchange: Exchange) -> Staged | None:
        if exchange.body is None:
            return None
        exchange.body.seek(0)
        return self.blobs.stage(
            exchange.sha256, exchange.size, pieces(exchange.body), sniffed_type=exchange.sniffed_type
        )

    def _present(self, exchange: Exchange) -> Recorded | None:
        """The capture that has this uid already. IntegrityError when it is another one."""
        row = self.archive.one(
            "SELECT c.id, c.leaf, c.blob, c.url, c.observed_at, c.status, b.sha256 FROM captures c "
            "LEFT JOIN blobs b ON b.id = c.blob WHERE c.uid = ?",
            exchange.uid,
        )
        if row is None:
            return None
        held = (row["url"], row["observed_at"], row["status"], row["sha256"] or "")
        if held != (exchange.url, exchange.started_at, exchange.status, exchange.sha256):
            raise IntegrityError(f"the uid {exchange.uid} was given to two captures")
        return Recorded(id=row["id"], uid=exchange.uid, leaf=row["leaf"], blob=row["blob"])

    def _record(self, exchange: Exchange, staged: Staged | None, after: str | None) -> Recorded:
        present = self._present(exchange)
        if present is not None:
            return present
        blob = None if staged is None else self.blobs.publish(staged)
        request, peer, recorded_at = exchange.request, exchange.connection, self.now()
        meaning, ref = dump_request(request), str(request.ref)
        chain = [hashlib.sha256(der).hexdigest() for der in peer.chain]
        leaf = self.append(
            "capture" if exchange.tier != "import" else "import",
            {
                "uid": exchange.uid,
                "ref": ref,
                "route": request.route,
                "tier": exchange.tier,
                "after": after,
                "clock": {"wall": exchange.started_at, "end": exchange.ended_at, "mono": str(exchange.mono_ns)},
                "request": {
                    "method": request.method,
                    "url": exchange.url,
                    "sent_sha256": hashlib.sha256(exchange.sent).hexdigest(),
                    "meaning": meaning,
                    "parent": exchange.parent,
                    "hop": exchange.hop,
                },
                "response": {
                    "status": exchange.status,
                    "head_sha256": hashlib.sha256(exchange.response_head).hexdigest(),
                    "body_sha256": exchange.sha256 if staged else "",
                    "body_size": str(exchange.size),
                    "entity_sha256": exchange.entity_sha256,
                    "framing_sha256": hashlib.sha256(exchange.framing.encode()).hexdigest(),
                    "failure": exchange.failure.value,
                    "rebuilt": exchange.rebuilt,
                },
                "peer": {
                    "ip": peer.peer_ip,
                    "port": peer.peer_port,
                    "tls": peer.tls_version,
                    "cipher": peer.tls_cipher,
                    "chain_sha256": chain,
                },
                "objects": [],
                "source": {"pointer": exchange.source_pointer},
                "tool": {"version": self.tool.version, "config_sha256": self.tool.config_sha256},
                "operator": self.tool.operator,
            },
        )
        db = self.archive.db
        for sha256, der in zip(chain, peer.chain, strict=True):
            if self.archive.one("SELECT 1 FROM certificates WHERE sha256 = ?", sha256) is None:
                db.execute("INSERT INTO certificates (sha256, der) VALUES (?, ?)", (sha256, der))
        row: dict[str, Any] = {
            "uid": exchange.uid,
            "origin": self.origin,
            "leaf": leaf,
            "tier": exchange.tier,
            "platform": request.ref.platform,
            "route": request.route,
            "ref": ref,
            "request": meaning,
            "method": request.method,
            "url": exchange.url,
            "parent": exchange.parent,
            "hop": exchange.hop,
            "observed_at": exchange.started_at,
            "recorded_at": recorded_at,
            "first_byte_at": exchange.first_byte_at,
            "ended_at": exchange.ended_at,
            "mono_ns": exchange.mono_ns,
            "sent": exchange.sent,
            "status": exchange.status,
            "response_head": exchange.response_head,
            "framing": exchange.framing,
            "blob": blob,
            "entity_sha256": exchange.entity_sha256,
            "declared_type": next((v for k, v in exchange.headers if k == "content-type"), ""),
            "sniffed_type": exchange.sniffed_type,
            "failure": exchange.failure.value,
            "detail": exchange.detail,
            "expected": exchange.expected,
            "received": exchange.size,
            "rebuilt": int(exchange.rebuilt),
            "peer_ip": peer.peer_ip,
            "peer_port": peer.peer_port,
            "http_version": peer.http_version,
            "alpn": peer.alpn,
            "tls_version": peer.tls_version,
            "tls_cipher": peer.tls_cipher,
            "tls_chain": json.dumps(chain),
            "dns": json.dumps(peer.dns),
            "proxy": peer.proxy,
            "source_pointer": exchange.source_pointer,
            "site": self.tool.site,
            "worker": self.tool.worker,
            "operator": self.tool.operator,
            "tool_version": self.tool.version,
            "config_sha256": self.tool.config_sha256,
        }
        return Recorded(id=self._insert("captures", row), uid=exchange.uid, leaf=leaf, blob=blob)

    def state(self, uid: str, *, who: str, what: str, subject: str, object: str, reason: str) -> Recorded:
        """Records what a person decided, as a statement."""
        at = self.now()
        fields = {"uid": uid, "at": at, "who": who, "what": what, "subject": subject, "object": object}
        fields["reason"] = reason
        with self.archive.transaction():
            leaf = self.append("statement", dict(fields))
            row = self._insert("statements", {**fields, "origin": self.origin, "leaf": leaf})
        return Recorded(id=row, uid=uid, leaf=leaf)

    def mark(
        self, capture: int, stage: str, parser: str, sha256: str, *, leaf: int | None = None, fresh: bool = False
    ) -> bool:
        """Logs what a parser said of a capture, unless it says the same as before. Whether a leaf was written.

        `leaf` is the capture's own, looked up when it is not given; `fresh` says that it was never marked.
        """
        if not fresh:
            before = self.archive.one(
                "SELECT sha256 FROM reading_marks WHERE capture = ? AND stage = ? ORDER BY id DESC LIMIT 1",
                capture,
                stage,
            )
            if before is not None and before["sha256"] == sha256:
                return False
        index = leaf
        if index is None:
            index = int(str(self.archive.value("SELECT leaf FROM captures WHERE id = ?", capture)))
        with self.archive.transaction():
            leaf = self.append(
                "reading", {"capture": str(index), "stage": stage, "parser": parser, "result_sha256": sha256}
            )
            self._insert(
                "reading_marks",
                {
                    "capture": capture,
                    "stage": stage,
                    "parser": parser,
                    "sha256": sha256,
                    "origin": self.origin,
                    "leaf": leaf,
                },
            )
        return True

    # ---- the log ----------------------------------------------------------------------------------------

    def append(self, kind: str, fields: dict[str, Any]) -> int:
        """Appends one leaf inside the caller's transaction, and the tiles that it completes. Its index.

        The size is read inside the transaction: no process caches the tree. A leaf carries a 128-bit nonce,
        so that a short post cannot be guessed from a hash.
        """
        db = self.archive.db
        if not db.in_transaction:
            raise sqlite3.ProgrammingError("a leaf is appended inside the transaction of what it stands for")
        index = self.size()
        data = canonical.dumps(
            {"v": 1, "type": kind, "seq": str(index), "nonce": secrets.token_hex(16), **fields},
        )
        db.execute(
            "INSERT INTO log_leaf (origin, idx, data, hash) VALUES (?, ?, ?, ?)",
            (self.origin, index, data, log.leaf_hash(data)),
        )
        for level, n in log.completed_tiles(index + 1):
            if level == 0:
                rows = db.execute(
                    "SELECT hash FROM log_leaf WHERE origin = ? AND idx >= ? AND idx < ? ORDER BY idx",
                    (self.origin, n * log.WIDTH, (n + 1) * log.WIDTH),
                )
                hashes = [row[0] for row in rows]
            else:
                node = self.tree.reader()
                hashes = [node(level * log.HEIGHT, n * log.WIDTH + i) for i in range(log.WIDTH)]
            db.execute(
                "INSERT INTO log_tile (origin, level, n, data) VALUES (?, ?, ?, ?)",
                (self.origin, level, n, b"".join(hashes)),
            )
        return index

    def size(self) -> int:
        """How many leaves the log has."""
        return self.tree.size()

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree."""
        return self.tree.reader()(level, index)

    def root(self) -> bytes:
        """The tree head over the whole log."""
        return self.tree.root()

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The proof that leaf `index` is in the tree of `size` leaves (all of them by default)."""
        return self.tree.inclusion(index, size)

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the tree of `new` leaves (all of them by default) starts with that of `old`."""
        return self.tree.consistency(old, new)

    def checkpoint(self, sign: checkpoints.Sign) -> note.Checkpoint | None:
        """Signs the present head and stores it, in a transaction of its own; None when no leaf came since the last."""
        return checkpoints.add(self.archive, self.tree, sign, at=self.now())

    def key(self, name: str, vkey: str, action: str) -> int:
        """Records that a key signs this log from here on (add) or no more (retire). The index of its leaf."""
        with self.archive.transaction():
            leaf = self.append("key", {"name": name, "vkey": vkey, "action": action})
            row = {"origin": self.origin, "leaf": leaf, "name": name, "vkey": vkey, "action": action, "at": self.now()}
            self._insert("log_key", row)
        return leaf

    def _insert(self, table: str, row: dict[str, Any]) -> int:
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        cursor = self.archive.db.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            tuple(row.values()),
        )
        return int(cursor.lastrowid or 0)


def pieces(body: BinaryIO) -> Iterator[bytes]:
    """A file in pieces of one chunk."""
    while piece := body.read(CHUNK):
        yield piece


def dump_request(request: Request) -> str:
    """The meaning of a request as JSON text, kept with its capture, so that reading it is repeatable."""
    return canonical.dumps(
        {
            "ref": str(request.ref),
            "route": request.route,
            "url": request.url,
            "method": request.method,
            "headers": [list(pair) for pair in request.headers],
            "body": request.body.hex(),
            "refs": [str(ref) for ref in request.refs],
            "given": [list(pair) for pair in request.given],
            "signer": request.signer,
            "follow": request.follow,
            "max_bytes": str(request.max_bytes),
        }
    ).decode()


def load_request(text: str) -> Request:
    """The inverse of `dump_request`."""
    fields = json.loads(text)
    return Request(
        ref=Ref.parse(fields["ref"]),
        route=fields["route"],
        url=fields["url"],
        method=fields["method"],
        headers=tuple((name, value) for name, value in fields["headers"]),
        body=bytes.fromhex(fields["body"]),
        refs=tuple(Ref.parse(ref) for ref in fields["refs"]),
        given=tuple((name, value) for name, value in fields["given"]),
        signer=fields["signer"],
        follow=fields["follow"],
        max_bytes=int(fields["max_bytes"]),
    )
