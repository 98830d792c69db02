"""What an outsider sees of an archive through a connection that only reads, and what must hold of it at every moment
between two commands: nothing that was seen once is gone or otherwise, nothing stands twice, nothing is half there."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.starter import Done, Starter
from tests.jobs.running import Desk

KEPT = {
    "captures": "SELECT uid, leaf, url, status, failure, entity_sha256, blob, hex(response_head) FROM captures",
    "leaves": "SELECT idx, hex(hash) FROM log_leaf",
    "blobs": "SELECT sha256, size FROM blobs",
    "heads": "SELECT size, hex(root) FROM log_checkpoint",
    "keys": "SELECT leaf, vkey FROM log_key",
}
"""What is never changed once it was there; the first column is the key."""
LOOKED = "SELECT ref, last_at FROM work_queue WHERE last_at <> ''"
SERIAL = re.compile(r"(?i)x-serial: (\d+)")


@dataclass(kw_only=True)
class Seen:
    """What was seen of one archive, ever. `done` maps a ref whose look was over to the last capture at that time."""

    rows: dict[str, dict[Any, tuple[Any, ...]]] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    def see(self, path: Path) -> None:
        """Looks at the archive, and holds what is there against what was there."""
        with closing(_reader(path)) as db:
            db.execute("BEGIN")  # one moment, though a run writes on
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            if "work_queue" not in tables:
                assert not self.rows, "the archive was there"
                return
            for name, query in KEPT.items():
                if query.rpartition(" ")[2] not in tables:
                    continue  # an older schema
                now = {row[0]: tuple(row) for row in db.execute(query)}
                held = self.rows.setdefault(name, {})
                lost = [key for key, row in held.items() if now.get(key) != row]
                assert not lost, f"{len(lost)} {name} are gone or otherwise: {lost[:3]}"
                held |= now
            self._looks(db)

    def _looks(self, db: sqlite3.Connection) -> None:
        newest = db.execute("SELECT coalesce(max(id), 0) FROM captures").fetchone()[0]
        for ref, until in self.done.items():
            more = db.execute("SELECT count(*) FROM captures WHERE ref = ? AND id > ?", (ref, until)).fetchone()[0]
            assert not more, f"{ref} was looked at again though its look was over"
        now = {row[0] for row in db.execute(LOOKED)}
        assert not self.done.keys() - now, "a look that was over is over no more"
        for ref in now - self.done.keys():
            self.done[ref] = newest

    @property
    def captures(self) -> int:
        return len(self.rows.get("captures", ()))


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)


def whole(path: Path) -> None:
    """What SQLite says of its file, and what no leaf vouches for: bytes that are half there, rows that stand twice."""
    with closing(_reader(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        torn = (
            "SELECT b.id FROM blobs b WHERE EXISTS (SELECT 1 FROM blob_at WHERE blob = b.id) AND b.size <> "
            "(SELECT coalesce(sum(length(data)), 0) FROM blob_chunks WHERE blob_id = b.id)"
        )
        assert db.execute(torn).fetchall() == [], "a blob is half there"
        left = "SELECT count(*) FROM blob_chunks WHERE blob_id NOT IN (SELECT id FROM blobs)"
        assert db.execute(left).fetchone()[0] == 0, "chunks that no blob publishes are left"
        heads = [bytes(row[0]).decode("latin-1") for row in db.execute("SELECT response_head FROM captures")]
        serials = Counter(found[1] for head in heads if (found := SERIAL.search(head)))
        assert not [serial for serial, n in serials.items() if n > 1], "one answer was recorded twice"


def command(desk: Desk, name: str, *arguments: str | Path) -> list[str]:
    if name == "verify":
        return ["verify", str(desk.db), "--config", str(desk.config), *map(str, arguments)]
    return desk.command(name, *arguments)


def verified(starter: Starter, desk: Desk) -> None:
    """`archiver verify` finds nothing wrong, and nothing that it could not check."""
    done = starter.call(command(desk, "verify"))
    assert done.code == 0, done.out
    assert "Everything that was checked holds." in done.out


def unchanged(starter: Starter, desk: Desk) -> None:
    """Readings are what the evidence says."""
    done = starter.call(command(desk, "rebuild", "--check"))
    assert (done.code, "0 differences" in done.out) == (0, True), done.out


def told(done: Done, *places: str, codes: Iterable[int] = (2,)) -> None:
    """A failure ends with a message that names the place and the next step, and no traceback."""
    assert "Traceback" not in done.out, done.out
    assert done.code in tuple(codes), (done.code, done.out)
    line = next((line for line in done.out.splitlines() if line.startswith("archiver: ")), "")
    assert line, done.out
    assert any(place in line for place in places), line


READINGS = {
    "posts": "SELECT r.ref, p.handle, p.text, p.posted_at, p.outcome, p.versions FROM posts p JOIN refs r USING (id)",
    "edges": "SELECT e.kind, s.ref, t.ref, e.evidence FROM edges e JOIN refs s ON s.id = e.source "
    "JOIN refs t ON t.id = e.target",
    "verdicts": "SELECT m.quoted, x.verdict, x.rank FROM matches x JOIN mentions m ON m.id = x.mention",
    "resolutions": "SELECT r.ref, s.status, s.how FROM resolutions s JOIN mentions m ON m.id = s.mention "
    "JOIN refs r ON r.id = m.ref",
    "media": "SELECT DISTINCT r.ref, m.url, m.kind, b.sha256 FROM media m JOIN refs r ON r.id = m.post "
    "LEFT JOIN files f ON f.ref = m.file LEFT JOIN blobs b ON b.id = f.blob",
    "queue": "SELECT ref, last_outcome, purpose FROM work_queue",
    "blobs": "SELECT sha256, size FROM blobs",
}
"""What must be the same however often a run was killed, by natural keys."""


def result(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    """What an archive says in the end; `asked` are its captures without times and repetitions."""
    said = {name: sorted(desk.table(query), key=repr) for name, query in READINGS.items()}
    said["asked"] = sorted(set(desk.table("SELECT route, url, status, failure, entity_sha256 FROM captures")), key=repr)
    return said
