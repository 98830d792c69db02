"""`archiver verify`: everything that an archive can say of itself is recomputed and compared. Reads only.

What is compared: each blob with its hash; each leaf with its hash, its canonical form and its row; the tiles and the
head of the log; each signed head with the log and with the keys; what outside services said of heads; the clock of
each capture with the outside times around it; authors' own proofs; heads that somebody kept elsewhere.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from archiver.custody import log, note
from archiver.errors import InputError, IntegrityError
from archiver.jobs import (
    keyring,
    verifying_anchors,
    verifying_blobs,
    verifying_erased,
    verifying_heads,
    verifying_log,
    verifying_rows,
)
from archiver.jobs.config import Config
from archiver.jobs.verifying_found import Erased, Finding, Findings, Outside, Place
from archiver.jobs.verifying_pool import Pool, cores
from archiver.store.archive import GUARDED, Archive, DatabaseError, migrations, open_reader
from archiver.store.checkpoints import Tree
from archiver.store.schema import READINGS_VERSION, programs

Progress = Callable[[str, int, int], None]
"""(what, how much is done, of how much)"""
FEW_LEAVES, FEW_BYTES = 20_000, 64 << 20
"""Up to here no processes are started: that takes a quarter of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`since` (ISO 8601) leaves what was recorded before it to its stored hashes; `sample` hashes only so many blobs,
    chosen at random. `kept` are checkpoints from elsewhere, `keys` those that the verifier holds, of the log and of
    witnesses; `roots` certificates (DER) that it trusts for timestamps, `headers` those of Bitcoin blocks (80
    bytes each). `now` (ISO 8601, UTC) is the present unless it is given: certificates may have ended. With `beside`
    the archive must hold the head that stands beside its key; a copy of it need not, since a run goes on."""

    since: str = ""
    sample: int | None = None
    kept: tuple[verifying_heads.Kept, ...] = ()
    keys: tuple[note.VerifierKey, ...] = ()
    roots: tuple[bytes, ...] = ()
    headers: tuple[bytes, ...] = ()
    processes: int = 0
    now: str = ""
    beside: bool = True


@dataclass(slots=True, kw_only=True)
class Verified:
    """What was checked (`held` counts by kind), what is wrong, what could not be checked and why, and notes."""

    archive: str
    scope: str
    logs: list[str] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    wrong: list[Finding] = field(default_factory=list)
    wrong_counts: dict[str, int] = field(default_factory=dict)
    unchecked: list[Finding] = field(default_factory=list)
    unchecked_counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    fixity: int | None = None

    @property
    def faults(self) -> int:
        return sum(self.wrong_counts.values())


class _Verification:
    def __init__(self, archive: Archive, config: Config, options: Options, progress: Progress | None) -> None:
        self.archive, self.config, self.options = archive, config, options
        self.progress = progress or (lambda what, done, of: None)
        self.wrong, self.unchecked = Findings(), Findings()
        self.report = Verified(archive=str(archive.path), scope=_scope(options))
        self.held: dict[str, int] = {}
        self.tables = verifying_rows.present(archive)
        self.placed: set[str] = set()

    def count(self, what: str, number: int) -> None:
        if number:
            self.held[what] = self.held.get(what, 0) + number

    def run(self, pool: Pool) -> Verified:
        leaves = int(str(self.archive.value("SELECT count(*) FROM log_leaf")))
        size = int(str(self.archive.value("SELECT coalesce(sum(size), 0) FROM blobs")))
        if not self.options.processes and leaves <= FEW_LEAVES and size <= FEW_BYTES:
            pool.processes = 1
        for row in self.archive.all("SELECT id, name, vkey FROM origin ORDER BY id"):
            self.log(pool, row["id"], row["name"], row["vkey"])
        self.of_no_log()
        if erased := self.held.get("erased leaves"):
            told = f"{erased} leaves were erased: what is left of their rows (when, which status) nothing vouches for"
            self.report.notes.append(told)
        self.blobs(pool)
        pool.close()
        self.guards()
        self.readings()
        self.proofs()
        for kept in self.options.kept:
            if kept.place not in self.placed:
                reason = f"is a head of the log {kept.head.origin}, which this archive does not hold"
                self.wrong.add("kept", reason, Place(table="origin", key=kept.place))
        self.report.notes.append(f"No leaf names {verifying_rows.UNNAMED}: nothing vouches for these columns.")
        self.report.notes.append(f"Nor {verifying_rows.OTHERS}.")
        self.report.held = self.held
        self.report.wrong, self.report.wrong_counts = self.wrong.held, dict(self.wrong.counts)
        self.report.unchecked, self.report.unchecked_counts = self.unchecked.held, dict(self.unchecked.counts)
        return self.report

    # ---- the log ----------------------------------------------------------------------------------------

    def log(self, pool: Pool, origin: int, name: str, vkey: str | None) -> None:
        tree = Tree(self.archive, origin)
        size = tree.size()
        self.report.logs.append(f"{name}, {size} leaves")
        custody = "log_checkpoint" in self.tables
        heads = verifying_heads.stored(self.archive, origin) if custody else ()
        history = tree.key_history() if "log_key" in self.tables else ()
        keys = verifying_heads.Keys(history, self.options.keys, self.wrong)
        names = keys.names() | {name}
        signing = keys.at(size)
        if signing and name not in {key.name for key in signing}:
            reason = f"its name is {name}, and its keys are those of {', '.join(sorted({key.name for key in signing}))}"
            self.wrong.add("row", reason, Place(table="origin", key=name))
        if vkey and vkey not in map(str, signing):
            reason = f"its key is {vkey}, and no leaf says that this one signs it"
            self.wrong.add("row", reason, Place(table="origin", key=name))
        kept = self.kept(name, names)
        anchored = self.anchors(origin, heads) if custody else None
        outside = Outside() if anchored is None else anchored.outside
        sizes = [head.size for head in heads] + [one.head.size for one in kept]
        erased, first = self.erased(origin), self.first(origin)
        recomputed, bracketed = verifying_log.Recomputed(), 0
        spans = verifying_log.spans(origin, size, sizes, erased, outside, first=first)
        for found in pool.run(self.archive, verifying_log.check_span, spans):
            recomputed.take(found)
            bracketed += found.bracketed
            self.wrong.take(found.wrong)
            self.unchecked.take(found.unchecked)
            for what, number in (("leaves", found.leaves), ("rows", found.rows), ("erased leaves", found.erased)):
                self.count(what, number)
            self.progress("leaves", min(found.low + verifying_log.SPAN, size), size)
        recomputed.finish()
        self.tiles(origin, size, recomputed)
        self.beyond(origin, size)
        if first:
            self.report.notes.append(f"{first} leaves from before {self.options.since} were taken by their stored hash")
        verifying_heads.check(heads, size, recomputed.root, names, keys, self.wrong)
        verifying_heads.check_given(heads, keys, self.wrong, self.unchecked)
        for one in kept:
            verifying_heads.check_kept(one, size, recomputed.root, keys, self.wrong, self.unchecked)
        self.count("checkpoints", len(heads))
        self.count("kept checkpoints", len(kept))
        self.told(name, size, heads, bracketed, outside)

    def kept(self, name: str, names: frozenset[str]) -> list[verifying_heads.Kept]:
        """The kept checkpoints that are of this log, with the one that stands beside its key."""
        found = [one for one in self.options.kept if one.head.origin in names]
        self.placed.update(one.place for one in found)
        if not self.options.beside:
            return found
        try:
            beside = keyring.seen(self.config, name)
            place = str(keyring.seen_path(self.config, name)) if beside is not None else ""
        except InputError as error:
            self.unchecked.add("kept", str(error), Place(table="log_leaf"))
            return found
        if beside is not None:
            found.append(verifying_heads.Kept(place=place, head=beside, signed=None, own=True))
        return found

    def anchors(self, origin: int, heads: tuple[verifying_heads.Stored, ...]) -> verifying_anchors.Anchored:
        trust = verifying_anchors.trust_of(self.config, self.options.roots, self.options.keys, self.options.headers)
        found = (self.archive, origin, heads, trust, self.wrong, self.unchecked)
        anchored = verifying_anchors.check(*found, now=self.options.now)
        self.report.notes += anchored.notes
        for kind, number in anchored.held.items():
            self.count(f"{kind} tokens", number)
        return anchored

    def erased(self, origin: int | None) -> Erased:
        return verifying_erased.erased(self.archive, origin) if "erasures" in self.tables else Erased()

    def first(self, origin: int) -> int:
        """The leaf from which on leaves are checked."""
        if not self.options.since:
            return 0
        row = self.archive.one(
            "SELECT min(leaf) FROM captures WHERE origin = ? AND recorded_at >= ?", origin, self.options.since
        )
        return Tree(self.archive, origin).size() if row is None or row[0] is None else int(row[0])

    def tiles(self, origin: int, size: int, recomputed: verifying_log.Recomputed) -> None:
        for level, n, tile in recomputed.tiles():
            row = self.archive.one(
                "SELECT data FROM log_tile WHERE origin = ? AND level = ? AND n = ?", origin, level, n
            )
            verifying_log.compare_tile(level, n, None if row is None else row["data"], tile, self.wrong)
        self.count("tiles", size // log.WIDTH + sum(1 for _ in recomputed.tiles()))

    def beyond(self, origin: int, size: int) -> None:
        """Rows and tiles that stand where the log does not reach."""
        for table in verifying_rows.TABLES:
            if table not in self.tables:
                continue
            for low, high in ((size, 2**63 - 1), (-(2**63), 0)):
                for row in verifying_rows.read(self.archive, table, origin, low, high).values():
                    place = Place(table=table, key=str(row[1] or ""), leaf=row[0])
                    self.wrong.add("row", f"names a leaf that the log of {size} does not have", place)
        for row in self.archive.db.execute("SELECT idx FROM log_leaf WHERE origin = ? AND idx < 0", (origin,)):
            self.wrong.add("leaf", "stands before the first", Place(table="log_leaf", leaf=row["idx"]))
        for row in self.archive.db.execute(
            "SELECT level, n FROM log_tile WHERE origin = ? AND (n < 0 OR level < 0 OR level > 6 "
            "OR n >= (? >> (8 * (level + 1))))",
            (origin, size),
        ):
            place = Place(table="log_tile", key=f"{row['level']}/{row['n']}")
            self.wrong.add("tile", f"stands where a log of {size} leaves has no full tile", place)

    def of_no_log(self) -> None:
        """Rows of a log that is not there: nothing was compared with them, and whoever reads the table sees them."""
        known = sorted(row[0] for row in self.archive.all("SELECT id FROM origin"))
        gaps = list(pairwise([-(2**63), *known, 2**63 - 1]))
        for table in ("log_leaf", "log_tile", "log_checkpoint", *verifying_rows.TABLES):
            for low, high in gaps if table in self.tables else ():
                found = self.archive.value(f"SELECT count(*) FROM {table} WHERE origin > ? AND origin < ?", low, high)
                if found:
                    self.wrong.add("row", f"{found} rows name a log that is not there", Place(table=table))

    def told(
        self,
        name: str,
        size: int,
        heads: tuple[verifying_heads.Stored, ...],
        bracketed: int,
        outside: Outside,
    ) -> None:
        """What is not wrong and should be known."""
        newest = max((head.size for head in heads), default=0)
        if size and not heads:
            reason = "no checkpoint was ever signed: nothing shows that the log was not rewritten as a whole. "
            reason += "`archiver keys create` makes a key and signs it"
            self.unchecked.add("checkpoint", reason, Place(table="log_checkpoint", key=name))
        elif newest < size:
            self.report.notes.append(
                f"{size - newest} leaves came after the newest checkpoint: the next run signs them"
            )
        if heads and not self.options.keys:
            self.report.notes.append(
                "Signatures were checked with the keys that the log itself names: give the key that you hold from "
                "elsewhere with --key"
            )
        if heads and not outside.heads:
            self.report.notes.append(
                "No verified outside token stands over a checkpoint: whoever holds the key could have rewritten it all"
            )
        if bracketed:
            self.count("captures with a bracket of time", bracketed)

    # ---- the rest ---------------------------------------------------------------------------------------

    def blobs(self, pool: Pool) -> None:
        chosen, total = self.chosen()
        done = 0
        for found in pool.run(
            self.archive, verifying_blobs.check_batch, verifying_blobs.batches(chosen, self.erased(None).blobs)
        ):
            done += found.size
            self.wrong.take(found.wrong)
            self.unchecked.take(found.unchecked)
            self.count("blobs", found.blobs)
            self.count("bytes of blobs", found.size)
            self.count("erased blobs", found.erased)
            self.progress("bytes", done, total)

    def chosen(self) -> tuple[Iterator[tuple[int, str, int]], int]:
        """The blobs to hash, and their bytes in all."""
        options = self.options
        where, given = "", tuple[str, ...]()
        if options.since:
            where = (
                "WHERE id IN (SELECT blob FROM captures WHERE recorded_at >= ? "
                "UNION SELECT blob FROM derived WHERE at >= ?)"
            )
            given = (options.since, options.since)
        if options.sample is not None:
            ids = [row[0] for row in self.archive.db.execute(f"SELECT id FROM blobs {where}", given)]
            picked = sorted(random.SystemRandom().sample(ids, min(options.sample, len(ids))))
            self.report.notes.append(f"{len(picked)} of {len(ids)} blobs, chosen at random, were hashed")
            where, given = "WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(picked),)
        total = int(str(self.archive.value(f"SELECT coalesce(sum(size), 0) FROM blobs {where}", *given)))
        rows = self.archive.db.execute(f"SELECT id, sha256, size FROM blobs {where} ORDER BY id", given)
        return ((row[0], row[1], row[2]) for row in rows), total

    def proofs(self) -> None:
        if "proofs" not in self.tables or self.archive.one("SELECT 1 FROM proofs LIMIT 1") is None:
            return
        from archiver.jobs import verifying_proofs  # loads every parser, which takes 200 ms

        proven = verifying_proofs.check(self.archive, self.erased(None), self.wrong, self.unchecked)
        self.count("author proofs", proven.held)
        if proven.erased:
            self.report.notes.append(f"{proven.erased} author proofs went with captures that were erased")
        if proven.refused:
            self.report.notes.append(f"{proven.refused} author proofs were refused when they were read, and still are")

    def guards(self) -> None:
        """The triggers that keep mistakes from evidence: who drops them may have had a reason."""
        held = {row[0] for row in self.archive.all("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
        wanted = {
            f"{table}_no_{action}"
            for table in GUARDED
            if table in self.tables
            for action in ("update", "delete", "replace")
        }
        if missing := sorted(wanted - held):
            self.report.notes.append(f"Triggers that keep evidence from change are missing: {', '.join(missing)}")

    def readings(self) -> None:
        """What posts, verdicts and outcomes say is not compared here, and is told; the views and triggers that make
        people see them are."""
        if "posts" not in self.tables:
            return
        self.report.notes.append(
            "What was read of the evidence (posts, outcomes, verdicts, documents and what else can be made again) was "
            "not compared: `archiver rebuild --check` does. What is due and was run is no evidence"
        )
        made = self.archive.one("SELECT value FROM work_state WHERE name = 'readings_version'")
        schema_now = self.archive.value("PRAGMA user_version")
        if made is None or (schema_now, made[0]) != (migrations()[-1][0], READINGS_VERSION):
            return
        wanted = programs()
        for row in self.archive.all("SELECT name, type, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"):
            place = Place(table=row["type"], key=row["name"])
            if row["name"] in wanted and wanted[row["name"]] != row["sql"]:
                self.wrong.add("file", f"is not the {row['type']} that this version makes", place)
            elif row["name"] not in wanted and row["type"] == "trigger":
                reason = "is none that this version makes: it may change what is read, also while it is read again"
                self.unchecked.add("file", reason, place)


def _scope(options: Options) -> str:
    parts = [f"since {options.since}"] if options.since else []
    parts += [f"{options.sample} blobs at random"] if options.sample is not None else []
    return ", ".join(parts) or "everything"


def verify(
    db: Path, config: Config, options: Options, *, progress: Progress | None = None, alone: bool = False
) -> Verified:
    """Checks an archive, in one state of it. InputError when it cannot be opened, or a kept checkpoint is not one.

    `alone` says that this process has not opened the archive: then processes for a large one start sooner.
    """
    pool = Pool(db, options.processes or cores())
    try:
        if alone and db.is_file() and db.stat().st_size > FEW_BYTES:
            pool.fork()
        archive = open_reader(db)
        try:
            archive.db.text_factory = verifying_log.any_text
            archive.db.execute("BEGIN")
            return _Verification(archive, config, options, progress).run(pool)
        except DatabaseError as error:
            raise IntegrityError(f"{db} cannot be read: {error}") from error
        finally:
            archive.db.close()
    finally:
        pool.close()
