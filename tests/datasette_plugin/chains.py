"""Archives of invented rows whose edges make the shapes that a chain can have. Every key is valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from archiver.datasette_plugin.chain.fans import LONG
from archiver.store import schema
from archiver.store.archive import Archive, open_archive

FAN = LONG + 30
"""Edges of the post that many repost: more than one page lists."""
NOW = "2026-03-16T09:00:00Z"
DOCUMENT = f"doc:document:{'d' * 64}"
EVIL = "\"'></text></svg><script>window.pwned=1</script><img src=x onerror=alert(1)>{{7*7}}]]>-->\\\u202egnp"


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


def fill(made: Rows) -> None:
    """Shapes: a circle (loop), one that was never captured between two (gap), an alias in the middle, a long chain,
    times that cannot be, several kinds of edges between two, an erased post, hostile words."""
    for ref in ("x:post:a1", "x:post:a2"):
        made.post(ref, handle=ref[-2:], at=NOW)
    made.edge("x:post:a1", "quotes", "x:post:a2")
    made.edge("x:post:a2", "quotes", "x:post:a1")

    made.post("x:post:b1", handle="above", at="2026-03-01T00:00:00Z")
    made.post("x:post:b3", handle="below", at="2026-03-03T00:00:00Z")
    made.edge("x:post:b3", "quotes", "x:post:b2")
    made.edge("x:post:b2", "quotes", "x:post:b1")
    made.outcome("x:post:b2", "not-found", "HTTP 404")
    made.post("x:post:b4", handle="gone_between", at="2026-03-02T00:00:00Z", outcome="deleted")
    made.edge("x:post:b3", "replies-to", "x:post:b4")
    made.edge("x:post:b4", "quotes", "x:post:b1")
    made.edge("x:post:b3", "quotes", "x:post:never")

    made.post("x:post:c1", handle="origin")
    made.post("x:post:c2", handle="middle")
    made.post("x:post:c3", handle="late")
    made.alias("x:post:c2-edit", "x:post:c2")
    made.alias("x:post:c2-older", "x:post:c2-edit")
    made.edge("x:post:c3", "quotes", "x:post:c2-older")
    made.edge("x:post:c2-edit", "replies-to", "x:post:c1")
    made.alias("x:post:round", "x:post:trip")
    made.alias("x:post:trip", "x:post:round")
    made.edge("x:post:round", "quotes", "x:post:c1")

    for number in range(1, 16):
        made.edge(f"x:post:long{number}", "reposts", f"x:post:long{number + 1}")

    made.post("x:post:2030916496389046272", handle="liar", at="2020-01-01T00:00:00Z")
    made.post("x:post:later", handle="later", at="2020-01-02T00:00:00Z")
    made.edge("x:post:2030916496389046272", "quotes", "x:post:later")

    made.document(DOCUMENT, "A letter", mentions=2)
    for start in (0, 9):
        passage = f"doc:passage:{'d' * 64}:{start}-{start + 9}"
        made.edge(passage, "embeds", "x:post:c3", "claimed", pointer=f"{start}-{start + 9}")
        made.edge(passage, "same-text", "x:post:c1", "inferred")
        made.edge(passage, "same-text", f"doc:passage:{'d' * 64}:5-6", "inferred")
        made.edge(passage, "names", "x:handle:late", "claimed")
    made.edge(f"doc:passage:{'d' * 64}:0-9", "links-to", "x:short:abc", "claimed")
    made.edge("x:short:abc", "resolves-to", "x:post:c3", pinned="https://social.example/c3")
    made.outcome("x:short:abc", "live", "HTTP 301")
    made.edge("web:page:https://news.example/", "embeds", "x:post:c3", "claimed")

    made.post("x:post:many", handle="many")
    for number in range(FAN):
        made.edge(f"x:post:fan{number:03d}", "reposts", "x:post:many" if number % 2 else "x:post:many-alias")
    made.alias("x:post:many-alias", "x:post:many")

    made.edge("x:post:wiped", "quotes", "x:post:c1")
    made.archive.db.execute(
        "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) "
        f"VALUES ('{'e' * 36}', 1, {made.capture()}, '{NOW}', 'keeper', 'x:post:wiped', '', 'asked')"
    )

    made.post("x:post:huge", "漢" * 3_000_000, handle="h" * 3_000_000, name="n" * 3_000_000)
    made.edge("x:post:huge", "quotes", "x:post:rtl", pointer="p" * 3_000_000)

    evil = f"x:post:{EVIL}"
    made.post(evil, EVIL * 3, handle=EVIL, name=EVIL, at=EVIL, outcome=EVIL)
    made.post(
        "x:post:rtl", "שלום 👩‍👩‍👧 " * 40, handle="漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", name="W" * 300
    )
    made.edge(evil, "quotes", "x:post:rtl", pinned=EVIL, pointer=EVIL)
    made.edge("x:post:rtl", "quotes", "x:post:c1")
    made.document(f"doc:document:{'e' * 64}", EVIL)
    made.edge(f"doc:passage:{'e' * 64}:0-1", "quotes", evil, "claimed", pointer=EVIL)
    made.edge(f"web:page:https://news.example/{EVIL}", "links-to", evil, "claimed")
    made.outcome(f"web:page:https://news.example/{EVIL}", "unreachable", EVIL)
