"""Everything that an archive knows of one ref."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from archiver import graph
from archiver.custody import c2pa_told
from archiver.errors import InputError
from archiver.jobs.aliases import canonical
from archiver.jobs.changes import changes
from archiver.model import EdgeKind, Evidence, Ref
from archiver.platforms import claim
from archiver.store.archive import Archive
from archiver.store.blobs import BlobStore


@dataclass(slots=True, kw_only=True)
class Shown:
    """What is known of one ref: rows of the archive as plain values, ready for JSON."""

    ref: str
    aliases: list[str] = field(default_factory=list)
    post: dict[str, Any] | None = None
    account: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    page: dict[str, Any] | None = None
    versions: list[dict[str, Any]] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    happened: list[dict[str, Any]] = field(default_factory=list)
    chain: list[dict[str, Any]] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    pointed_at_by: list[dict[str, Any]] = field(default_factory=list)
    media: list[dict[str, Any]] = field(default_factory=list)
    captures: list[dict[str, Any]] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)
    quotations: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[dict[str, Any]] = field(default_factory=list)
    queue: dict[str, Any] | None = None
    erased: list[dict[str, Any]] = field(default_factory=list)


_HERE = "m.id IN (SELECT id FROM mentions WHERE document = ?1 UNION SELECT id FROM mentions WHERE ref = ?1)"
# The mentions by an index of posts: else SQLite walks them all, in the order in which they are told.
_OF_POSTS = (
    "x.post IN (SELECT value FROM json_each(?1)) "
    "AND m.id IN (SELECT y.mention FROM json_each(?1) j CROSS JOIN matches y ON y.post = j.value)"
)
_SHORTENED = re.compile(r"doc:(document|passage):([0-9a-f]{6,64})(?:…|\.\.\.|\\u2026)?(:[0-9]+-[0-9]+)?")
_ERASED_WHY = (
    "(SELECT substr(e.at, 1, 10) || ': ' || e.reason FROM erasures e WHERE instr(e.sha256, b.sha256) "
    "ORDER BY e.id DESC LIMIT 1)"
)
_MANIFEST_BYTES = 256 << 20
"""How many bytes of the media of one ref are searched for manifests, one file in memory at a time."""
_HINT = "Give a ref (x:post:20), the address of a post, the name of a seed, or a doc: ref as a report shows it"


def find(archive: Archive, what: str) -> Ref:
    """The canonical ref that a person means: a ref, an address, the name of a seed, or a document's ref as reports
    shorten it. InputError when the archive has never met it, or when several fit."""
    asked = _shortened(archive, what)
    if asked is None and ("://" in what or "." in what.split("/", 1)[0] or what.startswith("nostr:")):
        asked = claim(what)
    if asked is None:
        with suppress(InputError):
            asked = Ref.parse(what)
    if asked is not None:
        asked = canonical(archive, asked)
        if archive.one("SELECT 1 FROM refs WHERE ref = ?", str(asked)) is not None:
            return asked
    newest = archive.one(
        "SELECT ref FROM captures WHERE tier = 'import' AND url = ? ORDER BY id DESC LIMIT 1", f"seed:{what}"
    )
    if newest is not None:
        return Ref.parse(newest["ref"])
    if _unread(archive):
        reason = f"{what!r} cannot be looked for: what was captured is to be read again by this version"
        raise InputError(reason, hint="`archiver rebuild` does it, and so does the next run")
    if asked is None:
        raise InputError(f"the archive knows nothing of {what!r}", hint=_HINT)
    raise InputError(f"the archive knows nothing of {asked}", hint="`archiver run ADDRESS` captures it")


def _unread(archive: Archive) -> bool:
    """Whether a newer version dropped the readings of an older one, and none were made since."""
    read = archive.one("SELECT 1 FROM work_state WHERE name = 'read_upto'")
    return read is None and archive.one("SELECT 1 FROM captures LIMIT 1") is not None


def find_mention(archive: Archive, what: str) -> str:
    """The ref of a mention, whole or as reports shorten it. InputError when there is none."""
    ref = _shortened(archive, what)
    found = archive.one("SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref WHERE r.ref = ?", str(ref or what))
    if found is None:
        raise InputError(f"no mention {what}", hint="Copy its ref from `archiver run`, `archiver show` or the mentions")
    return str(found[0])


def _shortened(archive: Archive, what: str) -> Ref | None:
    match = _SHORTENED.fullmatch(what)
    if match is None:
        return None
    kind, digits, place = match[1], match[2], match[3] or ""
    begin = f"doc:{kind}:{digits}"
    found = archive.all(
        "SELECT ref FROM refs WHERE ref >= ? AND ref < ? AND substr(ref, ?) = ? ORDER BY ref LIMIT 2",
        begin,
        f"{begin}g",  # after every hexadecimal digit and the colon
        len(f"doc:{kind}:") + 65,
        place,
    )
    if len(found) > 1:
        raise InputError(f"several documents begin with {digits}", hint="Give more digits")
    return Ref.parse(found[0]["ref"]) if found else None


def show_ref(archive: Archive, what: str) -> Shown:
    """Everything about a post, document, account or page."""
    ref = find(archive, what)
    key = int(str(archive.value("SELECT id FROM refs WHERE ref = ?", str(ref))))
    same = [key, *(int(r[0]) for r in archive.all("SELECT alias FROM aliases WHERE ref = ? ORDER BY alias", key))]
    group = json.dumps(same)
    held = archive.one(
        "SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id <> ? LIMIT 1", group, key
    )
    main = key if held is None else int(held[0])

    def rows(sql: str, *parameters: object) -> list[dict[str, Any]]:
        return [dict(row) for row in archive.all(sql, *(parameters or (group,)))]

    def row(sql: str) -> dict[str, Any] | None:
        found = archive.one(sql, main)
        return None if found is None else dict(found)

    def upstream(here: Ref) -> Iterable[tuple[EdgeKind, Evidence, Ref]]:
        found = archive.all(
            "SELECT DISTINCT e.kind, e.evidence, t.ref FROM edges e JOIN refs s ON s.id = e.source "
            "JOIN refs t ON t.id = e.target WHERE (s.ref = ? OR s.id IN (SELECT a.alias FROM aliases a "
            "JOIN refs r ON r.id = a.ref WHERE r.ref = ?)) AND +e.kind IN ('quotes', 'reposts', 'replies-to') "
            "ORDER BY e.kind, t.ref, e.evidence",
            str(here),
            str(here),
        )
        steps = [(EdgeKind(r["kind"]), Evidence(r["evidence"]), canonical(archive, Ref.parse(r["ref"]))) for r in found]
        return [step for step in dict.fromkeys(steps) if step[2] != here]

    steps = graph.chain(ref, upstream)
    shown = Shown(ref=str(ref), origins=[str(origin) for origin in graph.origins(ref, steps)] if steps else [])
    shown.chain = [_step(archive, step) for step in steps]
    shown.aliases = [
        r["ref"]
        for r in rows(
            "SELECT f.ref FROM aliases a JOIN refs f ON f.id = a.alias "
            "WHERE a.ref IN (SELECT value FROM json_each(?)) ORDER BY f.ref"
        )
    ]
    shown.post = row(
        "SELECT p.platform, a.ref AS author, p.handle, p.name, p.text, p.posted_at, p.lang, p.url, p.warning, "
        "p.outcome, p.outcome_at, p.first_seen, p.last_seen, p.versions, p.edits, p.truncated FROM posts p "
        "LEFT JOIN refs a ON a.id = p.author WHERE p.id = ?"
    )
    shown.account = row("SELECT platform, handle, name, url FROM accounts WHERE id = ?")
    shown.document = row(
        "SELECT d.sha256, d.media_type, d.encoding, d.encoding_from, d.title, d.lang, d.characters, d.mentions, "
        "c.url, c.observed_at FROM documents d JOIN captures c ON c.id = d.capture WHERE d.id = ?"
    )
    shown.page = row(
        "SELECT p.title, p.author, p.site, p.published_at, p.modified_at, p.canonical FROM pages p JOIN captures c "
        "ON c.id = p.capture WHERE p.ref = ? ORDER BY c.leaf DESC LIMIT 1"
    )
    shown.versions = rows(
        "SELECT v.sha256, v.text, v.posted_at, v.version_id, v.edited_at, v.truncated, "
        "min(c.observed_at) AS first_seen, max(c.observed_at) AS last_seen, "
        "group_concat(DISTINCT s.route) AS routes FROM versions v "
        "JOIN sightings s ON s.version = v.id JOIN captures c ON c.id = s.capture "
        "WHERE v.post IN (SELECT value FROM json_each(?)) GROUP BY v.id ORDER BY min(c.leaf), v.sha256"
    )
    shown.edits = rows(
        "SELECT e.shown_by, e.route, b.text AS before, a.text AS after, cb.observed_at AS last_seen_before, "
        "ca.observed_at AS first_seen_after FROM edits e JOIN versions a ON a.id = e.after "
        "LEFT JOIN versions b ON b.id = e.before JOIN captures ca ON ca.id = e.capture_after "
        "LEFT JOIN captures cb ON cb.id = e.capture_before "
        "WHERE e.post IN (SELECT value FROM json_each(?)) ORDER BY ca.leaf, e.shown_by"
    )
    tables = {str(r["name"]) for r in archive.all("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    shown.happened = changes(archive, group) if "events" in tables else []  # an older archive has none
    shown.pointed_at_by = rows(
        "SELECT e.kind, e.evidence, s.ref AS source, e.pointer FROM edges e JOIN refs s ON s.id = e.source "
        "WHERE e.target IN (SELECT value FROM json_each(?)) ORDER BY e.kind, s.ref LIMIT 100"
    )
    shown.media = rows(
        "SELECT DISTINCT m.key, m.kind, m.url, m.alt, m.width, m.height, b.sha256, b.size, "
        "b.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id) AS erased, "
        f"{_ERASED_WHY if 'erasures' in tables else 'NULL'} AS erased_why FROM media m "
        "LEFT JOIN files f ON f.ref = m.file LEFT JOIN blobs b ON b.id = f.blob "
        "WHERE m.post IN (SELECT value FROM json_each(?)) ORDER BY m.key, m.rank DESC, m.url"
    )
    _manifests(archive, shown.media)
    shown.captures = rows(
        "SELECT DISTINCT c.uid, c.observed_at, c.route, c.status, c.failure, c.url, o.outcome, o.reason, c.leaf, "
        "c.tier FROM outcomes o JOIN captures c ON c.id = o.capture "
        "WHERE o.ref IN (SELECT value FROM json_each(?)) ORDER BY c.leaf DESC LIMIT 50"
    )
    shown.proofs = rows(
        "SELECT p.kind, p.valid, p.detail, c.observed_at FROM proofs p JOIN captures c ON c.id = p.capture "
        "WHERE p.ref IN (SELECT value FROM json_each(?)) ORDER BY c.leaf, p.kind, p.pointer"
    )
    shown.quotations = _quotations(archive, _OF_POSTS, group, most=200)
    shown.mentions = _quotations(archive, _HERE, key, most=-1)
    kept = "kept" if "work_seeds" in tables else "1 AS kept"
    queued = archive.one(
        f"SELECT q.due_at, q.attempts, q.last_outcome, q.last_at, q.purpose, q.depth, {kept} FROM work_queue q WHERE "
        "q.ref IN (SELECT r.ref FROM json_each(?) j JOIN refs r ON r.id = j.value) "
        "ORDER BY q.due_at IS NULL, q.due_at, kept DESC, q.ref LIMIT 1",
        group,
    )
    shown.queue = None if queued is None else dict(queued)
    if "erasures" in tables:
        shown.erased = rows(
            "SELECT e.at, e.who, e.reason, e.leaf FROM erasures e JOIN refs r ON r.ref = e.what "
            "WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY e.id"
        )
    return shown


def _manifests(archive: Archive, media: list[dict[str, Any]]) -> None:
    """Adds to each kept file what its C2PA manifests claim, as `c2pa`: None where it has none, or was not looked at."""
    blobs, told, left = BlobStore(archive), dict[str, dict[str, Any] | None](), _MANIFEST_BYTES
    for item in media:
        sha256, size = item["sha256"], item["size"]
        item["c2pa"] = None
        if not sha256:
            continue
        if sha256 not in told and size <= left:
            left -= size
            told[sha256] = c2pa_told.report(b"".join(blobs.get(sha256)))
        item["c2pa"] = told.get(sha256)


def _step(archive: Archive, step: graph.Step) -> dict[str, Any]:
    post = archive.one(
        "SELECT handle, text, posted_at, outcome FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?",
        str(step.target),
    )
    seen = post or archive.one(
        "SELECT '' AS handle, '' AS text, '' AS posted_at, o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref "
        "JOIN captures c ON c.id = o.capture WHERE r.ref = ? ORDER BY c.leaf DESC LIMIT 1",
        str(step.target),
    )
    fields = {name: "" if seen is None else seen[name] for name in ("handle", "text", "posted_at", "outcome")}
    return {
        "depth": step.depth,
        "kind": step.kind.value,
        "evidence": step.evidence.value,
        "source": str(step.source),
        "target": str(step.target),
        "again": step.again,
        **fields,
    }


def _quotations(archive: Archive, where: str, given: object, *, most: int) -> list[dict[str, Any]]:
    """Mentions with their verdicts: those of a document, one alone, or those that were judged against a post."""
    found = archive.all(
        "SELECT r.ref AS passage, c.url AS document, m.kind, m.markup, m.quoted, m.url, m.handle, m.day, s.status, "
        "s.how, s.reason, s.id_low, s.id_high, p.ref AS post, x.rank, x.verdict, x.flags, x.steps, x.omitted, "
        "x.changes, x.reason AS told FROM mentions m JOIN refs r ON r.id = m.ref JOIN documents d ON d.id = m.document "
        "JOIN captures c ON c.id = d.capture LEFT JOIN resolutions s ON s.mention = m.id "
        "LEFT JOIN matches x ON x.mention = m.id LEFT JOIN refs p ON p.id = coalesce(x.post, s.ref, s.candidate) "
        f"WHERE {where} ORDER BY m.document, m.ordinal, x.rank LIMIT ?2",
        given,
        most,
    )
    rows = [dict(row) for row in found]
    for row in rows:
        row["document"] = row["document"].removeprefix("seed:")
        row["changes"] = json.loads(row["changes"]) if row["changes"] else []
    return rows
