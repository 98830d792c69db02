"""Writing readings. Everything here can be made again from the evidence, in log order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from archiver.custody import canonical
from archiver.errors import IntegrityError
from archiver.model import (
    Account,
    Alias,
    Document,
    Edge,
    EdgeKind,
    Evidence,
    Mention,
    Post,
    Reading,
    Ref,
    Span,
    Unread,
)
from archiver.store import marks, runs
from archiver.store.archive import Archive
from archiver.store.schema import BY_NAME


class Readings:
    """The readings of one archive. Every method runs inside the caller's transaction."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    # ---- rows -------------------------------------------------------------------------------------------

    def ref(self, ref: Ref) -> int:
        """The local id of a ref, made when it is new."""
        text = str(ref)
        row = self.archive.one("SELECT id FROM refs WHERE ref = ?", text)
        if row is not None:
            return int(row[0])
        cursor = self.archive.db.execute(
            "INSERT INTO refs (ref, platform, kind, remote_id) VALUES (?, ?, ?, ?)",
            (text, ref.platform, ref.kind, ref.id),
        )
        return int(cursor.lastrowid or 0)

    def add(self, table: str, row: Mapping[str, Any]) -> tuple[int, bool]:
        """Adds a row unless its natural key is there. The id, and whether it is new."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        cursor = self.archive.db.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING id", tuple(row.values())
        )
        made = cursor.fetchone()
        if made is not None:
            return int(made[0]), True
        unique = BY_NAME[table].unique
        where = " AND ".join(f"{name} IS ?" for name in unique)
        found = self.archive.one(f"SELECT id FROM {table} WHERE {where}", *(row[name] for name in unique))
        if found is None:
            raise IntegrityError(f"{table} refused a row that it does not hold")
        return int(found[0]), False

    # ---- what a parser said -----------------------------------------------------------------------------

    def write(self, capture: int, route: str, observed_at: str, reading: Reading) -> set[int]:
        """Stores what a parser said of one capture. The local ids of the posts that it touches."""
        touched: set[int] = set()
        for finding in reading.findings:
            ref = self.ref(finding.ref)
            self.add(
                "outcomes",
                {
                    "capture": capture,
                    "ref": ref,
                    "outcome": finding.outcome.value,
                    "reason": finding.reason,
                    "pointer": finding.pointer,
                },
            )
            touched.add(ref)
        for account in reading.accounts:
            self._account(capture, account)
        for alias in reading.aliases:
            self.alias(capture, observed_at, alias)
            touched.add(self.ref(alias.ref))  # what was said of the alias before is now said of it
        for post in reading.posts:
            touched.add(self._post(capture, route, post))
        for edge in reading.edges:
            self.edge(capture, edge)
        for proof in reading.proofs:
            valid = None if proof.valid is None else int(proof.valid)
            row = {"capture": capture, "ref": self.ref(proof.ref), "kind": proof.kind, "valid": valid}
            self.add("proofs", {**row, "detail": proof.detail, "pointer": proof.pointer})
        for page in reading.pages:
            fields = {name: getattr(page, name) for name in page.__slots__ if name != "ref"}
            self.add("pages", {"capture": capture, "ref": self.ref(page.ref), **fields})
        self._unread(capture, reading.unread)
        return touched

    def _unread(self, capture: int, parts: tuple[Unread, ...]) -> None:
        """Notes of what could not be read, after those that the capture has already: a page is read as an answer and
        as a document."""
        if not parts:
            return
        row = self.archive.one("SELECT count(*) FROM unread WHERE capture = ?", capture)
        for number, part in enumerate(parts, 0 if row is None else int(row[0])):
            self.add("unread", {"capture": capture, "ordinal": number, "reason": part.reason, "pointer": part.pointer})

    def _account(self, capture: int, account: Account) -> None:
        ref = self.ref(account.ref)
        known = {"handle": account.handle, "name": account.name, "url": account.url}
        self.archive.db.execute(
            "INSERT INTO accounts (id, platform, handle, name, url) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET "
            "handle = CASE WHEN excluded.handle <> '' THEN excluded.handle ELSE handle END, "
            "name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE name END, "
            "url = CASE WHEN excluded.url <> '' THEN excluded.url ELSE url END",
            (ref, account.ref.platform, *known.values()),
        )
        if account.handle or account.name:
            row = {"account": ref, "handle": account.handle, "name": account.name}
            self.add("account_names", {**row, "capture": capture, "pointer": account.pointer})

    def alias(self, capture: int, observed_at: str, alias: Alias) -> None:
        """Records that two refs are the same thing, as a capture showed."""
        if alias.alias == alias.ref:
            return
        row = {"alias": self.ref(alias.alias), "ref": self.ref(alias.ref), "capture": capture}
        self.add("aliases", {**row, "pointer": alias.pointer, "observed_at": observed_at})

    def edge(self, capture: int, edge: Edge) -> None:
        """Records an edge; the first capture that showed it stands in the row."""
        row = {"kind": edge.kind.value, "source": self.ref(edge.source), "target": self.ref(edge.target)}
        row |= {"evidence": edge.evidence.value, "pinned": edge.pinned}
        self.add("edges", {**row, "capture": capture, "pointer": edge.pointer})

    def _post(self, capture: int, route: str, post: Post) -> int:
        ref = self.ref(post.ref)
        author = None if post.author is None else self.ref(post.author)
        self.add(
            "posts",
            {
                "id": ref,
                "platform": post.ref.platform,
                "author": author,
                **dict.fromkeys(("handle", "name", "text", "posted_at", "lang", "url", "warning"), ""),
                **dict.fromkeys(("outcome", "outcome_at", "first_seen", "last_seen"), ""),
                **dict.fromkeys(("versions", "edits", "truncated"), 0),
            },
        )
        self.archive.db.execute(
            "UPDATE posts SET author = coalesce(?, author), url = CASE WHEN ? <> '' THEN ? ELSE url END WHERE id = ?",
            (author, post.url, post.url, ref),
        )
        version, new = self.add(
            "versions",
            {
                "post": ref,
                "sha256": content_hash(post),
                "text": post.text,
                "posted_at": post.posted_at,
                "lang": post.lang,
                "warning": post.warning,
                "sensitive": int(post.sensitive),
                "version_id": post.version_id,
                "edited_at": post.edited_at,
                "truncated": int(post.truncated),
            },
        )
        if new:
            runs.add_version(self.archive, version, post.text)
            marks.add_version(self.archive, version, post.text)
        self.add(
            "sightings",
            {
                "version": version,
                "capture": capture,
                "route": route,
                "pointer": post.pointer,
                "whole": int(post.whole),
                "edited": int(post.edited),
                "handle": post.handle,
                "name": post.name,
                "counts": json.dumps(dict(post.counts), sort_keys=True),
            },
        )
        for item in post.media:
            fields = {name: getattr(item, name) for name in item.__slots__ if name != "pointer"}
            file = self.ref(Ref(platform="web", kind="media", id=item.url)) if item.url else None
            self.add("media", {"post": ref, **fields, "file": file, "capture": capture, "pointer": item.pointer})
        return ref

    def file(self, capture: int, ref: Ref, blob: int | None, declared_type: str, sniffed_type: str) -> None:
        """Records that a media file was fetched whole."""
        row = {"ref": self.ref(ref), "capture": capture, "blob": blob}
        self.add("files", {**row, "declared_type": declared_type, "sniffed_type": sniffed_type})

    # ---- documents --------------------------------------------------------------------------------------

    def document(
        self, capture: int, document: Document, mentions: Iterable[Mention], source_map: str, collection: str
    ) -> int:
        """Stores what a capture reads as, with its mentions. The local id of the document's ref."""
        ref = self.ref(document.ref)
        found = list(mentions)
        _, new = self.add(
            "documents",
            {
                "id": ref,
                "capture": capture,
                "sha256": document.sha256,
                "media_type": document.media_type,
                "encoding": document.encoding,
                "encoding_from": document.encoding_from,
                "title": document.title,
                "lang": document.lang,
                "text": document.text,
                "source_map": source_map,
                "characters": len(document.text),
                "mentions": len(found),
            },
        )
        if collection:
            name, _ = self.add("collections", {"name": collection})
            self.add("collection_documents", {"collection": name, "document": ref, "capture": capture})
        if not new:
            return ref
        marks.add_document(self.archive, ref, document.text)
        from archiver.documents.mentions import wider  # loads how mentions are found: only to store some

        for number, (mention, wide) in enumerate(zip(found, wider(document, found), strict=True)):
            self._mention(ref, document, number, mention, wide)
        for number, repair in enumerate(document.repairs):
            row = {"document": ref, "ordinal": number, "start": repair.span.start, "end": repair.span.end}
            steps = " ".join(f"{step}:{codec}" for step, codec in repair.steps)
            self.add("repairs", {**row, "steps": steps, "before": repair.before, "after": repair.after})
        self._unread(capture, document.unread)
        for mention in found:
            self._claims(capture, passage(document.sha256, mention.text), mention)
        return ref

    def _mention(self, document: int, read: Document, number: int, mention: Mention, wide: str) -> None:
        from archiver.documents.mentions import words  # as above

        quote, quoted = mention.quote, "" if mention.quote is None else words(read, mention)
        row = {
            "ref": self.ref(passage(read.sha256, mention.text)),
            "document": document,
            "ordinal": number,
            "kind": mention.kind.value,
            "text_start": mention.text.start,
            "text_end": mention.text.end,
            "source_start": mention.source.start,
            "source_end": mention.source.end,
            "quote_start": None if quote is None else quote.start,
            "quote_end": None if quote is None else quote.end,
            "quoted": quoted,
            "wider": wide,
            "platform": mention.platform,
            "target": None if mention.target is None else self.ref(mention.target),
        }
        row |= {
            name: getattr(mention, name) for name in ("url", "handle", "name", "day", "dated", "day_zone", "markup")
        }
        key, _ = self.add("mentions", row)
        runs.add_mention(self.archive, key, quoted)
        marks.add_passage(self.archive, key, quoted)
        for place, link in enumerate(mention.links):
            target = None if link.ref is None else self.ref(link.ref)
            self.add(
                "mention_links", {"mention": key, "ordinal": place, "role": link.role, "url": link.url, "ref": target}
            )

    def _claims(self, capture: int, source: Ref, mention: Mention) -> None:
        """What the document itself says: claimed edges, whether or not their ends are ever captured."""
        place = str(mention.text)
        kind = EdgeKind.EMBEDS if mention.kind == "embed" else EdgeKind.LINKS_TO
        targets = [(kind, mention.target)] if mention.target is not None else []
        targets += [(EdgeKind.LINKS_TO, link.ref) for link in mention.links if link.ref is not None]
        if mention.handle and mention.platform:
            handle = Ref(platform=mention.platform, kind="handle", id=mention.handle.lower())
            targets.append((EdgeKind.NAMES, handle))
        for edge_kind, target in targets:
            self.edge(
                capture,
                Edge(kind=edge_kind, source=source, target=target, evidence=Evidence.CLAIMED, pointer=place),
            )


def passage(sha256: str, span: Span) -> Ref:
    """The ref of a place in a document."""
    return Ref(platform="doc", kind="passage", id=f"{sha256}:{span}")


def content_hash(post: Post) -> str:
    """What makes a version: words, warning, media and the platform's own version id; never counts or names."""
    return canonical.digest(
        {
            "text": post.text,
            "warning": post.warning,
            "sensitive": post.sensitive,
            "posted_at": post.posted_at,
            "lang": post.lang,
            "media": sorted([item.key, item.alt] for item in post.media),
            "version_id": post.version_id,
            "edited_at": post.edited_at,
            "truncated": post.truncated,
        }
    )
