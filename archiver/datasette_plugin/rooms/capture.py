"""One capture: what was asked, what came back, what was read of it, and the proof that it stands in the signed log."""

from __future__ import annotations

import hashlib
import json

from archiver.bundle import recorded
from archiver.datasette_plugin.custody import proves, proving
from archiver.datasette_plugin.custody.attachment import File, route
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.jobs import verifying_now
from archiver.jobs.verifying_rows import UNNAMED
from archiver.store.checkpoints import Tree

READS = ("captures", "blobs", "log_leaf", "log_checkpoint", "log_anchor", "outcomes", "sightings", "documents", "edges")
HEAD = 1 << 16
"""Bytes of a request or a head that are shown; the whole is a file beside."""
MOST, LONG = 50, 8000
"""Rows of each list, characters of a value; of more the beginning is shown, and the row as a file has all."""
_PARTS = ("request", "framing")
_CAPTURE = """
    SELECT c.uid, c.origin, o.name AS log, c.leaf, c.tier, c.platform, c.route, c.ref, c.method, c.url, c.parent, c.hop,
        c.observed_at, c.first_byte_at, c.ended_at, c.recorded_at, c.status, c.failure, c.detail, c.expected,
        c.received, c.entity_sha256, c.declared_type, c.sniffed_type, c.rebuilt, c.peer_ip, c.peer_port,
        c.http_version, c.alpn, c.tls_version, c.tls_cipher, c.tls_chain, c.dns, c.proxy, c.source_blob,
        c.source_pointer, c.site, c.worker, c.operator, c.tool_version, c.config_sha256,
        substr(c.request, 1, :head) AS request, length(c.request) AS request_size,
        substr(c.framing, 1, :head) AS framing, length(c.framing) AS framing_size,
        substr(c.sent, 1, :head) AS sent, length(c.sent) AS sent_size,
        substr(c.response_head, 1, :head) AS response_head, length(c.response_head) AS head_size,
        b.sha256 AS body_sha256, b.size AS body_size,
        EXISTS (SELECT 1 FROM blob_chunks k WHERE k.blob_id = c.blob) AS body_held, c.id AS key
    FROM captures c JOIN origin o ON o.id = c.origin LEFT JOIN blobs b ON b.id = c.blob WHERE c.uid = :uid
"""
_READ = {
    "outcomes": "SELECT r.ref, o.outcome, substr(o.reason, 1, 500) AS reason, o.pointer FROM outcomes o "
    "JOIN refs r ON r.id = o.ref WHERE o.capture = :capture ORDER BY o.ref LIMIT :most",
    "posts": "SELECT r.ref, s.route, s.whole, s.edited, s.handle, s.pointer, v.sha256 AS version "
    "FROM sightings s JOIN versions v ON v.id = s.version JOIN refs r ON r.id = v.post "
    "WHERE s.capture = :capture ORDER BY s.id LIMIT :most",
    "documents": "SELECT r.ref, d.sha256, substr(d.title, 1, 500) AS title, d.media_type, d.mentions FROM documents d "
    "JOIN refs r ON r.id = d.id WHERE d.capture = :capture ORDER BY d.id LIMIT :most",
    "edges": "SELECT e.kind, e.evidence, s.ref AS source, t.ref AS target, e.pointer FROM edges e JOIN refs s "
    "ON s.id = e.source JOIN refs t ON t.id = e.target WHERE e.capture = :capture ORDER BY e.id LIMIT :most",
    "files": "SELECT r.ref, f.sniffed_type, b.sha256 FROM files f JOIN refs r ON r.id = f.ref "
    "LEFT JOIN blobs b ON b.id = f.blob WHERE f.capture = :capture ORDER BY f.id LIMIT :most",
    "unread": "SELECT substr(reason, 1, 500) AS reason, pointer FROM unread WHERE capture = :capture "
    "ORDER BY ordinal LIMIT :most",
    "marks": "SELECT stage, parser, sha256, leaf FROM reading_marks WHERE capture = :capture "
    "ORDER BY stage, id LIMIT :most",
}
_TITLES = {
    "outcomes": "What it says became of what",
    "posts": "Posts that it showed",
    "documents": "Documents that it reads as",
    "edges": "Edges that were read from it",
    "files": "Files that it is",
    "unread": "What could not be read of it",
    "marks": "When it was read, by what, in the log",
}


def gather(reader: Reader, asked: Asked) -> Row:
    """Everything that the archive has of one capture, and whether its row, its leaf and the signed head agree."""
    uid = asked.parts["uid"]
    row = reader.row("The capture", _CAPTURE, uid=uid, head=HEAD)
    if row is None:
        hint = "A capture is named by its UUID, as in bundles and reports. It may be of another archive"
        raise PageError(404, f"no capture {uid[:80]!r}", hint=hint)
    origin, key = row.pop("origin"), row.pop("key")
    cut = [name for name, value in row.items() if isinstance(value, str) and len(value) > LONG and name not in _PARTS]
    row |= {name: f"{row[name][:LONG]}…" for name in cut}
    tree = Tree(reader.archive, origin)
    leaf = proving.leaf(reader, tree, row["leaf"])
    now = verifying_now.check(
        reader.archive,
        [verifying_now.Capture(uid=uid, origin=origin, leaf=row["leaf"], began=row["observed_at"])],
        most_bytes=0,
        tree=tree,
    )
    checked = proving.checked(now)
    read = {name: _bounded(reader.rows(_TITLES[name], sql, capture=key, most=MOST + 1)) for name, sql in _READ.items()}
    return {
        "capture": {
            **row,
            "request": _text(row["request"], row["request_size"]),
            "framing": _text(row["framing"], row["framing_size"]),
            "sent": _wire(row["sent"], row["sent_size"]),
            "response_head": _wire(row["response_head"], row["head_size"]),
            "tls_chain": _list(row["tls_chain"]),
            "dns": _list(row["dns"]),
            "cut": cut,
        },
        "leaf": leaf,
        "checked": checked,
        "bracket": proving.bracket(reader.archive, origin, row["leaf"], leaf["after"], row["observed_at"]),
        "read": {name: rows[:MOST] for name, rows in read.items()},
        "further": [name for name, rows in read.items() if len(rows) > MOST],
        "around": _around(reader, row),
        "erasures": reader.rows(
            "Erasures of what it is about",
            "SELECT at, who, reason, leaf FROM erasures WHERE what = :ref ORDER BY leaf DESC LIMIT 5",
            ref=row["ref"],
        ),
        "unnamed": UNNAMED,
        "cannot": proves.cannot(checked),
    }


def _around(reader: Reader, row: Row) -> Row:
    """The hops of a redirect, and the captures of the same thing before and after."""
    beside = "SELECT uid, observed_at, route, status, failure FROM captures WHERE ref = :ref AND "
    given = {"ref": row["ref"], "at": row["observed_at"], "uid": row["uid"]}
    return {
        "parent": reader.row(
            "What led to it", "SELECT uid, url, status FROM captures WHERE uid = :parent", parent=row["parent"]
        )
        if row["parent"]
        else None,
        "children": reader.rows(
            "What followed it",
            "SELECT uid, url, status, failure FROM captures WHERE parent = :uid AND parent <> '' ORDER BY uid LIMIT 50",
            uid=row["uid"],
        ),
        "earlier": reader.row(
            "The capture of the same thing before",
            f"{beside} (observed_at < :at OR (observed_at = :at AND uid < :uid)) "
            "ORDER BY observed_at DESC, uid DESC LIMIT 1",
            **given,
        ),
        "later": reader.row(
            "The capture of the same thing after",
            f"{beside} (observed_at > :at OR (observed_at = :at AND uid > :uid)) ORDER BY observed_at, uid LIMIT 1",
            **given,
        ),
    }


def _bounded(rows: list[Row]) -> list[Row]:
    """Rows whose texts are no longer than anybody reads."""
    return [{name: v[:LONG] if isinstance(v, str) else v for name, v in row.items()} for row in rows]


def _wire(given: bytes | None, size: int) -> Row:
    """What went over the wire as text: bytes that are no text as \\xNN, lines as they end there."""
    data = given or b""  # a part of no bytes is NULL
    text = data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return {"text": text, "size": size, "shown": len(data), "sha256": _digest(data) if size == len(data) else ""}


def _text(text: str, size: int) -> Row:
    return {"text": text, "size": size, "shown": len(text)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _list(text: str) -> list[str]:
    """A JSON list of texts; what is none, as it stands."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text[:500]]
    return [str(item)[:500] for item in found[:20]] if isinstance(found, list) else [text[:500]]


def dress(found: Row, asked: Asked) -> Row:
    """Where its files and neighbours stand."""
    at, capture = asked.at, found["capture"]
    uid = capture["uid"]
    tokens = {
        side: at("token", capture["log"], str(one["size"]), one["sha256"])
        for side, one in found["bracket"].items()
        if isinstance(one, dict)
    }
    files = {
        "leaf": at("capture", uid, "leaf", form="json"),
        "proof": at("capture", uid, "proof", form="tlog-proof"),
        "row": at("capture", uid, "row", form="json"),
        "sent": at("capture", uid, "sent"),
        "head": at("capture", uid, "head"),
        "verify": at("verify", capture["ref"]),
        "body": at("blob", capture["body_sha256"]) if capture["body_sha256"] else "",
    }
    return {"files": files, "tokens": tokens}


def _row(reader: Reader, asked: Asked) -> Row:
    found = reader.archive.one("SELECT id, origin, leaf FROM captures WHERE uid = ?", asked.parts["uid"])
    if found is None:
        raise PageError(404, f"no capture {asked.parts['uid'][:80]!r}", hint="It may be of another archive")
    return dict(found)


def leaf_file(reader: Reader, asked: Asked) -> File:
    """The bytes of the leaf: what is hashed."""
    row = _row(reader, asked)
    data = reader.archive.value("SELECT data FROM log_leaf WHERE origin = ? AND idx = ?", row["origin"], row["leaf"])
    assert isinstance(data, bytes)
    if not data:
        raise PageError(410, "this leaf was erased: its hash is all that is left", title="Erased")
    return File(name=f"{row['leaf']}.leaf.json", data=data, media_type="application/octet-stream")


def proof_file(reader: Reader, asked: Asked) -> File:
    """The tlog-proof of the leaf."""
    row = _row(reader, asked)
    text = proving.proof(reader.archive, row["origin"], row["leaf"])
    return File(name=f"{row['leaf']}.tlog-proof", data=text.encode("utf-8"))


def row_file(reader: Reader, asked: Asked) -> File:
    """The row as bundles hold it: data/captures/UID.json."""
    row = _row(reader, asked)
    whole = next(recorded.rows(reader.archive, [row["id"]]))
    return File(name=f"{asked.parts['uid']}.json", data=recorded.text(whole))


def wire_file(reader: Reader, asked: Asked) -> File:
    """The request or the head of the answer, byte for byte."""
    row, what = _row(reader, asked), asked.parts["what"]
    column = {"sent": "sent", "head": "response_head"}[what]
    data = reader.archive.value(f"SELECT {column} FROM captures WHERE id = ?", row["id"])
    assert isinstance(data, bytes)
    return File(name=f"{asked.parts['uid']}.{what}.bin", data=data)


PAGES = (
    Page(
        path=r"capture/(?P<uid>[^/.]+)",
        template="archiver_capture.html",
        gather=gather,
        dress=dress,
        reads=READS,
        css=("custody.css",),
    ),
)
_UID = r"capture/(?P<uid>[^/.]+)"
ROUTES = (
    route(rf"{_UID}/leaf\.json", leaf_file, ("captures", "log_leaf")),
    route(rf"{_UID}/proof\.tlog-proof", proof_file, ("captures", "log_leaf", "log_checkpoint")),
    route(rf"{_UID}/row\.json", row_file, ("captures",)),
    route(rf"{_UID}/(?P<what>sent|head)", wire_file, ("captures",)),
)
