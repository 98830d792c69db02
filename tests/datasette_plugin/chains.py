"""Archives of invented rows whose edges make the shapes that a chain can have. Every key is valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from archiver.store import schema
from archiver.store.archive import Archive, open_archive

NOW = "2026-03-16T09:00:00Z"


@dataclass(slots=True)
class Rows:
    """Writes rows into a new archive; refs, captures and leaves are made as they are needed."""

    archive: Archive
    ids: dict[str, int] = field(default_factory=dict)
    captures: int = 0

    def ref(self, ref: str) -> int:
        if ref not in self.ids:
            platform, kind, remote = ref.split(":", 2)
            columns = "(id, ref, platform, kind, remote_id)"
            number = len(self.ids) + 1
            self.archive.db.execute(
                f"INSERT INTO refs {columns} VALUES (?, ?, ?, ?, ?)", (number, ref, platform, kind, remote)
            )
            self.ids[ref] = number
        return self.ids[ref]

    def capture(self, *, url: str = "https://social.example/", at: str = NOW) -> int:
        self.captures += 1
        n = self.captures
        self.archive.db.execute("INSERT INTO log_leaf (origin, idx, data, hash) VALUES (1, ?, x'7b7d', x'')", (n,))
        columns = (
            "id, uid, origin, leaf, tier, platform, route, ref, request, method, url, observed_at, recorded_at, "
            "ended_at, sent, status, response_head, failure, received, tool_version, config_sha256"
        )
        values = (n, f"{n:036x}", 1, n, "wire", "x", "syndication", "x:post:1", "{}", "GET", url, at, at, at)
        values += (b"", 200, b"", "", 1, "0", "0" * 64)  # type: ignore[assignment]
        marks = ", ".join("?" * len(values))
        self.archive.db.execute(f"INSERT INTO captures ({columns}) VALUES ({marks})", values)
        return n

    def post(
        self, ref: str, text: str = "Words.", *, handle: str = "", at: str = "", outcome: str = "live", name: str = ""
    ) -> None:
        columns = (
            "id, platform, handle, text, posted_at, outcome, outcome_at, edits, versions, first_seen, last_seen, url, "
            "name, lang, warning, truncated"
        )
        values = (self.ref(ref), ref.split(":")[0], handle, text, at, outcome, NOW, 0, 1, NOW, NOW, "", name, "", "", 0)
        marks = ", ".join("?" * len(values))
        self.archive.db.execute(f"INSERT INTO posts ({columns}) VALUES ({marks})", values)

    def edge(
        self, source: str, kind: str, target: str, evidence: str = "asserted", *, pinned: str = "", pointer: str = "/q"
    ) -> None:
        self.archive.db.execute(
            "INSERT INTO edges (kind, source, target, evidence, pinned, capture, pointer) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (kind, self.ref(source), self.ref(target), evidence, pinned, self.capture(), pointer),
        )

    def edges(self, kind: str, sources: Iterable[str], target: str) -> None:
        """Many edges of one capture, from refs that are new."""
        capture, to, first = self.capture(), self.ref(target), len(self.ids) + 1
        new = {ref: number for number, ref in enumerate(sources, start=first)}
        self.ids |= new
        self.archive.db.executemany(
            "INSERT INTO refs (id, ref, platform, kind, remote_id) VALUES (?, ?, ?, ?, ?)",
            ((number, ref, *ref.split(":", 2)) for ref, number in new.items()),
        )
        self.archive.db.executemany(
            "INSERT INTO edges (kind, source, target, evidence, pinned, capture, pointer) "
            "VALUES (?, ?, ?, 'asserted', '', ?, '/q')",
            ((kind, number, to, capture) for number in new.values()),
        )

    def alias(self, alias: str, ref: str) -> None:
        self.archive.db.execute(
            "INSERT INTO aliases (alias, ref, capture, pointer, observed_at) VALUES (?, ?, ?, '', ?)",
            (self.ref(alias), self.ref(ref), self.capture(), NOW),
        )

    def outcome(self, ref: str, outcome: str, reason: str = "") -> None:
        self.archive.db.execute(
            "INSERT INTO outcomes (ref, outcome, reason, capture, pointer) VALUES (?, ?, ?, ?, '')",
            (self.ref(ref), outcome, reason, self.capture()),
        )

    def document(self, ref: str, title: str, *, mentions: int = 1) -> None:
        columns = (
            "id, title, media_type, mentions, characters, lang, text, capture, sha256, encoding, encoding_from, "
            "source_map"
        )
        capture = self.capture(url=f"seed:folder/{title or 'letter.txt'}")
        values = (self.ref(ref), title, "text/html", mentions, 9, "en", "Text.", capture, ref[-64:], "utf-8", "", "[]")
        self.archive.db.execute(f"INSERT INTO documents ({columns}) VALUES ({', '.join('?' * 12)})", values)


@contextmanager
def rows(path: Path) -> Iterator[Rows]:
    """A new archive at `path`, closed at the end."""
    archive = open_archive(path, now=NOW, origin="chains.example/log")
    archive.db.execute("PRAGMA synchronous=OFF")
    try:
        with archive.transaction():
            schema.create(archive.db)
            yield Rows(archive)
    finally:
        archive.close()
