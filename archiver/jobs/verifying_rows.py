"""Rows of evidence against the leaves that stand for them: every field that a leaf names is compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from archiver.custody import framing
from archiver.errors import ParseError
from archiver.jobs.verifying_found import Findings, Place
from archiver.store.archive import Archive, Row

Leaf = Mapping[str, Any]

UNNAMED = (
    "first_byte_at, recorded_at, detail, expected, sniffed_type, http_version, alpn, dns, proxy, source_blob, site and "
    "worker of captures"
)
"""Columns of captures that no leaf names and that follow from none: nothing vouches for them."""

TABLES = {
    "capture": "captures",
    "import": "captures",
    "statement": "statements",
    "reading": "reading_marks",
    "derived": "derived",
    "key": "log_key",
    "anchor": "log_anchor",
    "erase": "erasures",
    "export": "exports",
    "fixity": "fixities",
}
"""Where the row of a leaf stands, by its type. A `transfer` leaf has none."""
ROWLESS = frozenset({"transfer"})

_WHERE = " WHERE t.origin = ? AND t.leaf >= ? AND t.leaf < ?"
QUERIES = {
    "captures": "SELECT t.*, b.sha256 AS blob_sha256, b.size AS blob_size FROM captures t "
    "LEFT JOIN blobs b ON b.id = t.blob" + _WHERE,
    "statements": "SELECT t.* FROM statements t" + _WHERE,
    "reading_marks": "SELECT t.leaf, t.stage, t.parser, t.sha256, c.leaf AS capture_leaf, c.uid FROM reading_marks t "
    "LEFT JOIN captures c ON c.id = t.capture" + _WHERE,
    "derived": "SELECT t.*, b.sha256 AS sha256 FROM derived t LEFT JOIN blobs b ON b.id = t.blob" + _WHERE,
    "log_key": "SELECT t.* FROM log_key t" + _WHERE,
    "log_anchor": "SELECT t.*, h.root AS head_root FROM log_anchor t LEFT JOIN log_checkpoint h "
    "ON h.origin = t.origin AND h.size = t.size" + _WHERE,
    "erasures": "SELECT t.* FROM erasures t" + _WHERE,
    "exports": "SELECT t.* FROM exports t" + _WHERE,
    "fixities": "SELECT t.* FROM fixities t" + _WHERE,
}
"""Every table whose rows name a leaf, with what its rows are compared by."""


def present(archive: Archive) -> frozenset[str]:
    """The tables that this archive has: one that an older version made has fewer."""
    return frozenset(row[0] for row in archive.all("SELECT name FROM sqlite_schema WHERE type = 'table'"))


def name_of(table: str, row: Row) -> str:
    """What a person calls a row: its uid where it has one."""
    keys = row.keys()
    if table == "log_key":
        return str(row["vkey"])
    if table == "log_anchor":
        return f"{row['kind']} {row['service']} on {row['size']}"
    return str(row["uid"]) if "uid" in keys and row["uid"] is not None else ""


def compare(leaf: Leaf, table: str, row: Row, index: int, wrong: Findings) -> None:
    """Adds the fields of a row that are not what its leaf says."""
    try:
        differing = [name for name, says, is_ in _PAIRS[table](leaf, row) if says != is_]
    except (KeyError, TypeError, ValueError) as error:  # what a leaf lacks, or a column that cannot be read
        reason = f"cannot be compared with its leaf: {error!r}"
    else:
        reason = f"is not what its leaf says: {', '.join(differing)}" if differing else ""
    if reason:
        wrong.add("row", reason, Place(table=table, key=name_of(table, row), leaf=index))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


Pairs = list[tuple[str, object, object]]


def _capture(leaf: Leaf, row: Row) -> Pairs:
    clock, request, response, peer = leaf["clock"], leaf["request"], leaf["response"], leaf["peer"]
    pairs: Pairs = [
        ("type", leaf["type"] == "import", row["tier"] == "import"),
        ("uid", leaf["uid"], row["uid"]),
        ("ref", leaf["ref"], row["ref"]),
        ("platform", leaf["ref"].partition(":")[0], row["platform"]),
        ("route", leaf["route"], row["route"]),
        ("tier", leaf["tier"], row["tier"]),
        ("observed_at", clock["wall"], row["observed_at"]),
        ("ended_at", clock["end"], row["ended_at"]),
        ("mono_ns", clock["mono"], str(row["mono_ns"])),
        ("method", request["method"], row["method"]),
        ("url", request["url"], row["url"]),
        ("sent", request["sent_sha256"], _digest(row["sent"])),
        ("request", request["meaning"], row["request"]),
        ("parent", request["parent"], row["parent"]),
        ("hop", request["hop"], row["hop"]),
        ("status", response["status"], row["status"]),
        ("response_head", response["head_sha256"], _digest(row["response_head"])),
        ("framing", response["framing_sha256"], _digest(row["framing"].encode())),
        ("blob", response["body_sha256"], row["blob_sha256"] or ""),
        ("received", response["body_size"], str(row["received"])),
        ("entity_sha256", response["entity_sha256"], row["entity_sha256"]),
        ("failure", response["failure"], row["failure"]),
        ("rebuilt", response["rebuilt"], bool(row["rebuilt"])),
        ("peer_ip", peer["ip"], row["peer_ip"]),
        ("peer_port", peer["port"], row["peer_port"]),
        ("tls_version", peer["tls"], row["tls_version"]),
        ("tls_cipher", peer["cipher"], row["tls_cipher"]),
        ("tls_chain", peer["chain_sha256"], json.loads(row["tls_chain"])),
        ("source_pointer", leaf["source"]["pointer"], row["source_pointer"]),
        ("tool_version", leaf["tool"]["version"], row["tool_version"]),
        ("config_sha256", leaf["tool"]["config_sha256"], row["config_sha256"]),
        ("operator", leaf["operator"], row["operator"]),
    ]
    if row["blob_size"] is not None:
        pairs.append(("size of the blob", response["body_size"], str(row["blob_size"])))
    if row["response_head"]:
        pairs.append(("declared_type", _declared(row["response_head"], row["declared_type"]), row["declared_type"]))
    return pairs


def _declared(head: bytes, stored: str) -> str:
    """The content type that a head declares. A head that cannot be read says nothing against what is stored."""
    lines = head.lower()
    if not stored and b"content-type" not in lines:
        return stored
    try:
        headers = framing.parse_head(head).headers
    except ParseError:
        return stored
    return next((value for name, value in headers if name == "content-type"), "")


def _statement(leaf: Leaf, row: Row) -> Pairs:
    return [(name, leaf[name], row[name]) for name in ("uid", "at", "who", "what", "subject", "object", "reason")]


def _reading(leaf: Leaf, row: Row) -> Pairs:
    return [
        ("capture", leaf["capture"], str(row["capture_leaf"])),
        ("stage", leaf["stage"], row["stage"]),
        ("parser", leaf["parser"], row["parser"]),
        ("sha256", leaf["result_sha256"], row["sha256"]),
    ]


def _key(leaf: Leaf, row: Row) -> Pairs:
    return [(name, leaf[name], row[name]) for name in ("name", "vkey", "action")]


def _anchor(leaf: Leaf, row: Row) -> Pairs:
    pairs: Pairs = [(name, leaf[name], row[name]) for name in ("kind", "service", "at")]
    pairs += [("size", str(leaf["size"]), str(row["size"])), ("token", leaf["token_sha256"], _digest(row["token"]))]
    if "chain_sha256" in leaf:
        pairs.append(("chain", leaf["chain_sha256"], json.loads(row["chain"])))
    if row["head_root"] is not None:
        pairs.append(("root", leaf["root"], bytes(row["head_root"]).hex()))
    return pairs


def _named(*columns: tuple[str, str]) -> Callable[[Leaf, Row], Pairs]:
    """Fields of a leaf and the columns that repeat them; those that a leaf leaves out are not compared."""

    def pairs(leaf: Leaf, row: Row) -> Pairs:
        return [(column, _text(leaf[name]), _text(row[column])) for name, column in columns if name in leaf]

    return pairs


def _text(value: object) -> str:
    """Numbers stand as text in some leaves and as numbers in others; lists are joined as columns hold them."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    text = str(value)
    return " ".join(json.loads(text)) if text.startswith('["') else text


_PAIRS: dict[str, Callable[[Leaf, Row], Pairs]] = {
    "captures": _capture,
    "statements": _statement,
    "reading_marks": _reading,
    "derived": _named(
        *((name, name) for name in ("uid", "at", "tool", "version", "arguments", "inputs", "sha256")),
    ),
    "log_key": _key,
    "log_anchor": _anchor,
    "erasures": _named(*((name, name) for name in ("uid", "at", "who", "what", "sha256", "reason"))),
    "exports": _named(*((name, name) for name in ("uid", "at", "who", "what")), ("manifest_sha256", "sha256")),
    "fixities": _named(*((name, name) for name in ("at", "checked", "wrong", "detail"))),
}
