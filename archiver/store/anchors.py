"""What outside services said of the log: tokens as they came, by which leaf they re-entered it, and who is to be asked
still. A token, its leaf, its certificates and what was said of their revocation commit together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from archiver.errors import IntegrityError
from archiver.store.archive import Archive
from archiver.store.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A stored checkpoint: size, root and the signed note."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A service that is still to be asked about the checkpoint of `size` leaves, and how the last try ended."""

    size: int
    kind: str
    service: str
    due_at: str
    attempts: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One stored answer. `at` is its own time, empty where none was verified; `chain` are SHA-256 of certificates."""

    id: int
    size: int
    kind: str
    service: str
    token: bytes
    at: str
    received_at: str
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What scheduling needs of a stored timestamp; `leaf` is the one by which it re-entered the log."""

    size: int
    leaf: int
    service: str
    at: str
    received_at: str
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An answer about the revocation of a certificate, to be kept."""

    certificate: bytes
    kind: str
    url: str
    der: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A token that just came, about the checkpoint of `size` leaves. `said` are further fields of its leaf."""

    size: int
    kind: str
    service: str
    token: bytes
    at: str = ""
    chain: tuple[bytes, ...] = ()
    standings: tuple[Standing, ...] = ()
    said: dict[str, str | bool] = field(default_factory=dict)


_TOKEN = "SELECT id, size, kind, service, token, at, received_at, chain FROM log_anchor "


class Anchors:
    """The outside tokens of one log."""

    def __init__(self, archive: Archive, origin: int) -> None:
        self.archive, self.origin = archive, origin

    def newest_head(self) -> Head | None:
        """The newest signed checkpoint."""
        row = self.archive.one(
            "SELECT size, root, note FROM log_checkpoint WHERE origin = ? ORDER BY size DESC LIMIT 1", self.origin
        )
        return None if row is None else Head(**dict(row))

    def head(self, size: int) -> Head | None:
        """The signed checkpoint of that size."""
        row = self.archive.one(
            "SELECT size, root, note FROM log_checkpoint WHERE origin = ? AND size = ?", self.origin, size
        )
        return None if row is None else Head(**dict(row))

    def services(self) -> list[tuple[str, str]]:
        """(kind, name) of every service that ever answered."""
        return [
            (row[0], row[1])
            for row in self.archive.all(
                "SELECT DISTINCT kind, service FROM log_anchor WHERE origin = ? ORDER BY 1, 2", self.origin
            )
        ]

    def newest(self, kind: str, service: str, *, size: int | None = None, verified: bool = False) -> Token | None:
        """The token that a service gave last; of one checkpoint, or of those whose time was verified."""
        row = self.archive.one(
            f"{_TOKEN} WHERE origin = ? AND kind = ? AND service = ? AND (? IS NULL OR size = ?) "
            "AND (at <> '' OR NOT ?) ORDER BY id DESC LIMIT 1",
            self.origin,
            kind,
            service,
            size,
            size,
            verified,
        )
        return None if row is None else Token(**{**dict(row), "chain": tuple(json.loads(row["chain"]))})

    def timestamps(self) -> list[Stamp]:
        """Every timestamp whose time was verified when it came, in the order of the log."""
        rows = self.archive.all(
            "SELECT size, leaf, service, at, received_at, chain FROM log_anchor WHERE origin = ? AND kind = 'rfc3161' "
            "AND at <> '' AND leaf IS NOT NULL ORDER BY leaf",
            self.origin,
        )
        return [Stamp(**{**dict(row), "chain": tuple(json.loads(row["chain"]))}) for row in rows]

    def leaf(self, token: Token) -> int:
        """The leaf by which a token re-entered the log; its size where it has none."""
        row = self.archive.one("SELECT coalesce(leaf, size) FROM log_anchor WHERE id = ?", token.id)
        return token.size if row is None else int(row[0])

    def qualified(self, token: Token) -> bool:
        """Whether the leaf of a token says that its service was configured as a qualified one."""
        row = self.archive.one(
            "SELECT json_extract(CAST(l.data AS TEXT), '$.qualified') FROM log_anchor a JOIN log_leaf l "
            "ON l.origin = a.origin AND l.idx = a.leaf WHERE a.id = ? AND json_valid(CAST(l.data AS TEXT))",
            token.id,
        )
        return row is not None and row[0] == 1

    def covered(self, kind: str, service: str) -> int:
        """The size of the greatest checkpoint that a service answered about, 0 where there is none."""
        row = self.archive.one(
            "SELECT max(size) FROM log_anchor WHERE origin = ? AND kind = ? AND service = ?", self.origin, kind, service
        )
        return 0 if row is None or row[0] is None else int(row[0])

    def only_anchors(self, old: int, new: int) -> bool:
        """Whether the leaves from `old` up to `new` are tokens of services and nothing else."""
        found = self.archive.value(
            "SELECT count(*) FROM log_anchor WHERE origin = ? AND leaf >= ? AND leaf < ?", self.origin, old, new
        )
        return found == new - old

    def certificate(self, sha256: str) -> bytes | None:
        """A stored certificate (DER)."""
        row = self.archive.one("SELECT der FROM certificates WHERE sha256 = ?", sha256)
        return None if row is None else bytes(row[0])

    def standing_since(self, certificate: bytes, since: str) -> bool:
        """Whether an answer about the revocation of this certificate came at `since` or later."""
        sha256 = hashlib.sha256(certificate).hexdigest()
        row = self.archive.one(
            "SELECT 1 FROM revocations WHERE certificate = ? AND received_at >= ? LIMIT 1", sha256, since
        )
        return row is not None

    # ---- who is to be asked -------------------------------------------------------------------------------

    def waiting(self) -> list[Waiting]:
        """Every service that is to be asked, the longest due first."""
        rows = self.archive.all(
            "SELECT size, kind, service, coalesce(due_at, '') AS due_at, attempts, last FROM work_anchor "
            "WHERE origin = ? ORDER BY due_at, size, kind, service",
            self.origin,
        )
        return [Waiting(**dict(row)) for row in rows]

    def wait(self, waiting: Waiting) -> None:
        """Has a service asked about a checkpoint from `due_at` on."""
        self.archive.db.execute(
            "INSERT INTO work_anchor (origin, size, kind, service, due_at, attempts, last) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (origin, size, kind, service) DO UPDATE SET due_at = excluded.due_at, "
            "attempts = excluded.attempts, last = excluded.last",
            (
                self.origin,
                waiting.size,
                waiting.kind,
                waiting.service,
                waiting.due_at,
                waiting.attempts,
                waiting.last,
            ),
        )

    def drop(self, waiting: Waiting) -> None:
        """Has a service asked no more about a checkpoint."""
        self.archive.db.execute(
            "DELETE FROM work_anchor WHERE origin = ? AND size = ? AND kind = ? AND service = ?",
            (self.origin, waiting.size, waiting.kind, waiting.service),
        )

    # ---- what came ----------------------------------------------------------------------------------------

    def add(self, evidence: Evidence, received: Received, *, now: str) -> int | None:
        """Stores a token with its leaf. The index of the leaf; None when this very token is stored already.

        Joins the caller's transaction. IntegrityError when there is no checkpoint of that size.
        """
        with self.archive.transaction():
            present = self.archive.one(
                "SELECT 1 FROM log_anchor WHERE origin = ? AND size = ? AND kind = ? AND service = ? AND token = ?",
                self.origin,
                received.size,
                received.kind,
                received.service,
                received.token,
            )
            if present is not None:
                return None
            head = self.head(received.size)
            if head is None:
                raise IntegrityError(f"a token came about a checkpoint of {received.size} leaves, and none is stored")
            chain = [hashlib.sha256(der).hexdigest() for der in received.chain]
            standings = [(hashlib.sha256(one.der).hexdigest(), one) for one in received.standings]
            leaf = evidence.append(
                "anchor",
                {
                    "size": str(received.size),
                    "root": head.root.hex(),
                    "kind": received.kind,
                    "service": received.service,
                    "token_sha256": hashlib.sha256(received.token).hexdigest(),
                    "at": received.at,
                    "chain_sha256": chain,
                    "revocation_sha256": [sha256 for sha256, _ in standings],
                    **received.said,
                },
            )
            db = self.archive.db
            for sha256, der in zip(chain, received.chain, strict=True):
                if self.archive.one("SELECT 1 FROM certificates WHERE sha256 = ?", sha256) is None:
                    db.execute("INSERT INTO certificates (sha256, der) VALUES (?, ?)", (sha256, der))
            for sha256, one in standings:
                about = hashlib.sha256(one.certificate).hexdigest()
                key = (sha256, about)
                if self.archive.one("SELECT 1 FROM revocations WHERE sha256 = ? AND certificate = ?", *key) is None:
                    db.execute(
                        "INSERT INTO revocations (sha256, certificate, kind, url, der, received_at) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        (*key, one.kind, one.url, one.der, now),
                    )
            db.execute(
                "INSERT INTO log_anchor (origin, size, kind, service, token, at, received_at, chain, leaf) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self.origin,
                    received.size,
                    received.kind,
                    received.service,
                    received.token,
                    received.at,
                    now,
                    json.dumps(chain),
                    leaf,
                ),
            )
        return leaf
