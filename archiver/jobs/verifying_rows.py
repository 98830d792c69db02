"""Rows of evidence against the leaves that stand for them: every field that a leaf names is compared.

A million rows are compared at once, so they are plain tuples here: the index of the leaf, what a person calls the row,
and then the columns in the order of `Table.columns`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from archiver.custody import framing
from archiver.errors import ParseError
from archiver.jobs.verifying_found import Findings, Place
from archiver.store.archive import Archive

Leaf = Mapping[str, Any]
Values = tuple[Any, ...]

UNNAMED = (
    "first_byte_at, recorded_at, detail, expected, sniffed_type, http_version, alpn, dns, proxy, source_blob, site and "
    "worker of captures"
)
"""Columns of captures that no leaf names and that follow from none: nothing vouches for them."""
OTHERS = (
    "sniffed_type of blobs, at of keys and heads, received_at of tokens, received_at and url of revocations, site, "
    "opened and closed of logs"
)
"""Columns of other tables of which the same is true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table whose rows name a leaf: what is selected from it, and what its leaf says of each column."""

    columns: tuple[str, ...]
    select: str
    says: Callable[[Leaf, Values], Values]
    named: str = "t.uid"
    more: str = ""

    def query(self, name: str) -> str:
        """Of one log, the rows from one leaf up to another."""
        return (
            f"SELECT t.leaf, {self.named}, {self.select} FROM {name} t {self.more} "
            "WHERE t.origin = ? AND t.leaf >= ? AND t.leaf < ?"
        )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _plain(*names: str, more: str = "", **others: str) -> Table:
    """Columns that a leaf repeats, under the same name or another (`others`: name in the leaf = what is selected). What
    a leaf leaves out is not compared."""
    selected = {**{name: f"t.{name}" for name in names}, **others}

    def says(leaf: Leaf, row: Values) -> Values:
        return tuple(
            is_ if name not in leaf or _text(leaf[name]) == _text(is_) else leaf[name]
            for name, is_ in zip(selected, row, strict=True)
        )

    return Table(columns=tuple(selected), select=", ".join(selected.values()), says=says, more=more)


def _text(value: object) -> str:
    """Numbers stand as text in some leaves and as numbers in others; lists are joined, or are JSON, in columns."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


# ---- captures -----------------------------------------------------------------------------------------------

_CAPTURE = {
    "sent": "t.sent",
    "response_head": "t.response_head",
    "framing": "t.framing",
    "tls_chain": "t.tls_chain",
    "declared_type": "t.declared_type",
    "size of the blob": "b.size",
    "type": "t.tier = 'import'",
    "uid": "t.uid",
    "ref": "t.ref",
    "platform": "t.platform",
    "route": "t.route",
    "tier": "t.tier",
    "observed_at": "t.observed_at",
    "ended_at": "t.ended_at",
    "mono_ns": "CAST(t.mono_ns AS TEXT)",
    "method": "t.method",
    "url": "t.url",
    "request": "t.request",
    "parent": "t.parent",
    "hop": "t.hop",
    "status": "t.status",
    "blob": "coalesce(b.sha256, '')",
    "received": "CAST(t.received AS TEXT)",
    "entity_sha256": "t.entity_sha256",
    "failure": "t.failure",
    "rebuilt": "t.rebuilt",
    "peer_ip": "t.peer_ip",
    "peer_port": "t.peer_port",
    "tls_version": "t.tls_version",
    "tls_cipher": "t.tls_cipher",
    "source_pointer": "t.source_pointer",
    "tool_version": "t.tool_version",
    "config_sha256": "t.config_sha256",
    "operator": "t.operator",
}


def _capture(leaf: Leaf, row: Values) -> Values:
    clock, request, response, peer = leaf["clock"], leaf["request"], leaf["response"], leaf["peer"]
    sent, head, framed, chain, declared, size = row[:6]
    return (
        sent if request["sent_sha256"] == _digest(sent) else request["sent_sha256"],
        head if response["head_sha256"] == _digest(head) else response["head_sha256"],
        framed if response["framing_sha256"] == _digest(framed.encode()) else response["framing_sha256"],
        chain if peer["chain_sha256"] == json_list(chain) else peer["chain_sha256"],
        declared_type(head, declared) if head else declared,
        size if size is None or str(size) == response["body_size"] else response["body_size"],
        leaf["type"] == "import",
        leaf["uid"],
        leaf["ref"],
        leaf["ref"].partition(":")[0],
        leaf["route"],
        leaf["tier"],
        clock["wall"],
        clock["end"],
        clock["mono"],
        request["method"],
        request["url"],
        request["meaning"],
        request["parent"],
        request["hop"],
        response["status"],
        response["body_sha256"],
        response["body_size"],
        response["entity_sha256"],
        response["failure"],
        response["rebuilt"],
        peer["ip"],
        peer["port"],
        peer["tls"],
        peer["cipher"],
        leaf["source"]["pointer"],
        leaf["tool"]["version"],
        leaf["tool"]["config_sha256"],
        leaf["operator"],
    )


@lru_cache(maxsize=1024)
def json_list(text: str) -> object:
    """A JSON text; few of them recur often. ValueError for what is none."""
    return json.loads(text)


_CONTENT_TYPE = re.compile(rb"^content-type:[ \t]*(.*?)[ \t]*\r?$", re.I | re.M)


def declared_type(head: bytes, stored: str) -> str:
    """The content type that a head declares. A head that cannot be read says nothing against what is stored."""
    lines = _CONTENT_TYPE.findall(head)
    if len(lines) < 2 and (lines[0] if lines else b"") == stored.encode("latin-1", "replace"):
        return stored
    try:
        headers = framing.parse_head(head).headers
    except ParseError:
        return stored
    return next((value for name, value in headers if name == "content-type"), "")


# ---- the others -----------------------------------------------------------------------------------------------


def _reading(leaf: Leaf, row: Values) -> Values:
    return leaf["capture"], leaf["stage"], leaf["parser"], leaf["result_sha256"]


def _anchor(leaf: Leaf, row: Values) -> Values:
    token, chain, root = row[:3]
    return (
        token if leaf["token_sha256"] == _digest(token) else leaf["token_sha256"],
        chain if "chain_sha256" not in leaf or leaf["chain_sha256"] == json_list(chain) else leaf["chain_sha256"],
        root if root is None or leaf["root"] == root.hex() else leaf["root"],
        str(leaf["size"]),
        leaf["kind"],
        leaf["service"],
        leaf["at"],
    )


def _key(leaf: Leaf, row: Values) -> Values:
    return leaf["name"], leaf["vkey"], leaf["action"]


def _statement(leaf: Leaf, row: Values) -> Values:
    return tuple(leaf[name] for name in _STATEMENT)


_STATEMENT = ("uid", "at", "who", "what", "subject", "object", "reason")

TABLES = {
    "captures": Table(
        columns=tuple(_CAPTURE),
        select=", ".join(_CAPTURE.values()),
        says=_capture,
        more="LEFT JOIN blobs b ON b.id = t.blob",
    ),
    "statements": Table(columns=_STATEMENT, select=", ".join(f"t.{column}" for column in _STATEMENT), says=_statement),
    "reading_marks": Table(
        columns=("capture", "stage", "parser", "sha256"),
        select="CAST(c.leaf AS TEXT), t.stage, t.parser, t.sha256",
        says=_reading,
        named="c.uid",
        more="LEFT JOIN captures c ON c.id = t.capture",
    ),
    "derived": _plain(
        *("uid", "at", "tool", "version", "arguments", "inputs"),
        sha256="b.sha256",
        more="LEFT JOIN blobs b ON b.id = t.blob",
    ),
    "log_key": Table(columns=("name", "vkey", "action"), select="t.name, t.vkey, t.action", says=_key, named="t.vkey"),
    "log_anchor": Table(
        columns=("token", "chain", "root", "size", "kind", "service", "at"),
        select="t.token, t.chain, h.root, CAST(t.size AS TEXT), t.kind, t.service, t.at",
        says=_anchor,
        named="t.kind || ' ' || t.service || ' on ' || t.size",
        more="LEFT JOIN log_checkpoint h ON h.origin = t.origin AND h.size = t.size",
    ),
    "erasures": _plain("uid", "at", "who", "what", "sha256", "reason"),
    "exports": _plain("uid", "at", "who", "what", manifest_sha256="t.sha256"),
    "fixities": Table(
        columns=("at", "checked", "wrong", "detail"),
        select="t.at, t.checked, t.wrong, t.detail",
        says=_plain("at", "checked", "wrong", "detail").says,
        named="''",
    ),
}
"""Every table whose rows name a leaf."""

OF_TYPE = {
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
"""Where the row of a leaf stands, by its type."""
ROWLESS = frozenset({"transfer"})
"""Leaves that say all there is to say themselves."""


def present(archive: Archive) -> frozenset[str]:
    """The tables that this archive has: one that an older version made has fewer."""
    return frozenset(row[0] for row in archive.all("SELECT name FROM sqlite_schema WHERE type = 'table'"))


def read(
    archive: Archive, table: str, origin: int, low: int, high: int, wrong: Findings | None = None
) -> dict[int, Values]:
    """The rows of a table whose leaves are [low, high), by leaf. Of two rows for one leaf one is left, and `wrong` is
    told of the other: not every table has an index that allows one alone, and whoever owns the file can drop it."""
    cursor = archive.db.cursor()
    cursor.row_factory = None
    found: dict[int, Values] = {}
    for row in cursor.execute(TABLES[table].query(table), (origin, low, high)):
        if row[0] in found and wrong is not None:
            place = Place(table=table, key=str(row[1] or ""), leaf=row[0])
            wrong.add("row", f"is one more for this leaf, beside {found[row[0]][1] or 'another'}", place)
        found[row[0]] = row
    return found


def compare(leaf: Leaf, table: str, row: Values, wrong: Findings) -> None:
    """Adds the fields of a row that are not what its leaf says."""
    said, is_ = TABLES[table], row[2:]
    try:
        says = said.says(leaf, is_)
        if says == is_:
            return
        differing = [name for name, one, other in zip(said.columns, says, is_, strict=True) if one != other]
        reason = f"is not what its leaf says: {', '.join(differing)}"
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:  # what a leaf lacks, no list
        reason = f"cannot be compared with its leaf: {error!r}"
    wrong.add("row", reason, Place(table=table, key=str(row[1] or ""), leaf=row[0]))


EMPTIED = {"captures": ("sent", "response_head", "framing", "url"), "statements": ("reason",)}
"""What an erasure empties."""


def compare_erased(table: str, row: Values | None, wrong: Findings) -> None:
    """Adds what stands in the row of a leaf that was erased, and should be empty: no leaf says any of it."""
    names = EMPTIED.get(table, ())
    filled = [name for name in names if row is not None and row[2 + TABLES[table].columns.index(name)]]
    if row is not None and filled:
        place = Place(table=table, key=str(row[1] or ""), leaf=row[0])
        wrong.add("row", f"its leaf was erased, and it says something still: {', '.join(filled)}", place)
