"""The log of an archive: its keys, its signed heads, what others said of them, and what was done with evidence."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from archiver.bundle.proving import ENDINGS
from archiver.custody import note, ots, sshsig
from archiver.datasette_plugin.custody import proves
from archiver.datasette_plugin.custody.attachment import File, route
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError, ParseError, ProofError

READS = ("log_checkpoint", "log_anchor", "log_key", "log_leaf", "exports", "erasures", "fixities")
FEW, TOKENS, LARGEST = 20, 200, 1 << 20
"""Rows of a list, tokens of one page, bytes of a token or note that are looked at."""
HIGHEST = 1 << 53
_LISTS = {
    "exports": "SELECT leaf, at, who, what, sha256 FROM exports WHERE origin = :log AND leaf < :before "
    "ORDER BY leaf DESC LIMIT :most",
    "erasures": "SELECT leaf, at, who, what, reason, length(sha256) - length(replace(sha256, ' ', '')) "
    "+ (sha256 <> '') AS bodies FROM erasures WHERE origin = :log AND leaf < :before ORDER BY leaf DESC LIMIT :most",
    "fixities": "SELECT leaf, at, checked, wrong, detail FROM fixities WHERE origin = :log AND leaf < :before "
    "ORDER BY leaf DESC LIMIT :most",
}
_TITLES = {"exports": "Bundles that left", "erasures": "Erasures", "fixities": "Fixity runs"}


def gather(reader: Reader, asked: Asked) -> Row:
    """The custody of one log: the archive's own, or that of `?log=NAME`."""
    here = _log(reader, asked.get("log"))
    key = here.pop("id")
    checkpoints, older = _checkpoints(reader, key, asked.number("before", HIGHEST, most=HIGHEST))
    lists, more = {}, {"checkpoints": older}
    for name, sql in _LISTS.items():
        before = asked.number(name, HIGHEST, most=HIGHEST)
        rows = reader.rows(_TITLES[name], sql, log=key, before=before, most=FEW + 1)
        lists[name], more[name] = rows[:FEW], rows[FEW - 1]["leaf"] if len(rows) > FEW else None
    return {
        "log": here,
        "logs": [row["name"] for row in reader.rows("All logs", "SELECT name FROM origin ORDER BY id LIMIT 100")],
        "keys": _keys(reader, key),
        "checkpoints": checkpoints,
        "waiting": reader.rows(
            "Who is still to be asked",
            "SELECT size, kind, service, due_at, attempts, last FROM work_anchor WHERE origin = :log "
            "ORDER BY size DESC, kind DESC, service DESC LIMIT 50",
            log=key,
        ),
        **lists,
        "more": more,
        "layers": proves.LAYERS,
    }


def _log(reader: Reader, name: str) -> Row:
    """The log itself: how many leaves it has, and how many of them are signed and dated."""
    found = reader.row(
        "The log",
        "SELECT id, name, coalesce(vkey, '') AS vkey, site, opened, coalesce(closed, '') AS closed, local FROM origin "
        "WHERE name = :wanted OR (:wanted = '' AND local = 1) ORDER BY id LIMIT 1",
        wanted=name,
    )
    if found is None:
        raise PageError(404, f"there is no log {name[:200]!r} in this archive", hint="Its custody page names them all")
    leaves = reader.value(
        "How many leaves", "SELECT coalesce(max(idx) + 1, 0) FROM log_leaf WHERE origin = :log", log=found["id"]
    )
    head = reader.row(
        "The newest signed head",
        "SELECT size, at FROM log_checkpoint WHERE origin = :log ORDER BY size DESC LIMIT 1",
        log=found["id"],
    )
    dated = reader.row(
        "The largest dated head",
        "SELECT size, at, kind, service FROM log_anchor WHERE origin = :log AND +at <> '' "
        "ORDER BY size DESC, kind DESC, service DESC, token DESC LIMIT 1",
        log=found["id"],
    )
    signed = 0 if head is None else head["size"]
    return {
        **found,
        "leaves": leaves,
        "signed": signed,
        "signed_at": "" if head is None else head["at"],
        "unsigned": max(0, leaves - signed),
        "dated": 0 if dated is None else dated["size"],
        "undated": leaves - (0 if dated is None else dated["size"]),
        "dated_at": "" if dated is None else dated["at"],
        "dated_by": "" if dated is None else f"{dated['kind']} {dated['service']}",
    }


def _keys(reader: Reader, log: int) -> list[Row]:
    """Each key with its two fingerprints: the id of C2SP, and what `ssh-keygen -l` prints of `keys export --ssh`."""
    rows = reader.rows(
        "The keys of the log",
        "SELECT leaf, name, vkey, action, at FROM log_key WHERE origin = :log ORDER BY leaf LIMIT 200",
        log=log,
    )
    retired = {row["vkey"]: row for row in rows if row["action"] == "retire"}
    found = []
    for row in rows:
        if row["action"] != "add":
            continue
        end = retired.get(row["vkey"])
        until = {"retired": None if end is None else end["leaf"], "retired_at": "" if end is None else end["at"]}
        try:
            key = note.VerifierKey.parse(row["vkey"])
            digest = base64.b64encode(hashlib.sha256(sshsig.key_blob(key.public)).digest()).decode().rstrip("=")
            told = {"id": key.id.hex(), "ssh": f"SHA256:{digest}", "fault": ""}
        except ParseError as error:
            told = {"id": "", "ssh": "", "fault": f"this is no key: {error}"}
        found.append({"name": row["name"], "vkey": row["vkey"], "leaf": row["leaf"], "at": row["at"], **told, **until})
    return found


def _checkpoints(reader: Reader, log: int, before: int) -> tuple[list[Row], int | None]:
    """Signed heads, newest first, each with the tokens over it; and where the next page begins."""
    rows = reader.rows(
        "Checkpoints",
        "SELECT size, lower(hex(root)) AS root, at, CASE WHEN length(note) <= :largest THEN note ELSE '' END AS note "
        "FROM log_checkpoint WHERE origin = :log AND size < :before ORDER BY size DESC LIMIT :most",
        log=log,
        before=before,
        most=FEW + 1,
        largest=LARGEST,
    )
    shown = rows[:FEW]
    tokens = reader.rows(
        "What others said of them",
        "SELECT size, kind, service, at, received_at, leaf, length(token) AS bytes, "
        "CASE WHEN length(token) <= :largest THEN token END AS token FROM log_anchor "
        "WHERE origin = :log AND size BETWEEN :low AND :high "
        "ORDER BY size DESC, kind DESC, service DESC, token DESC LIMIT :most",
        log=log,
        low=shown[-1]["size"] if shown else 0,
        high=shown[0]["size"] if shown else -1,
        most=TOKENS,
        largest=LARGEST,
    )
    by_size: dict[int, list[Row]] = {}
    for token in tokens:
        by_size.setdefault(token["size"], []).append(_token(token))
    found = [{**row, **_signers(row.pop("note")), "tokens": by_size.get(row["size"], [])} for row in shown]
    return found, shown[-1]["size"] if len(rows) > FEW else None


def _signers(text: str) -> Row:
    try:
        signed = note.SignedNote.parse(text)
        named = note.Checkpoint.parse(signed.text).origin
    except ParseError as error:
        return {"named": "", "signers": [], "fault": f"this is no signed checkpoint: {error}"}
    lines = [{"name": line.name, "id": line.key_id.hex()} for line in signed.signatures]
    return {"named": named, "signers": lines, "fault": ""}


def _token(row: Row) -> Row:
    """A token without its bytes, and what became of it: dated, pending, in a block, or no time that could be used."""
    token = row.pop("token")
    state, told = ("dated", "") if row["at"] else ("not verified", "no time could be relied on when it came")
    if token is None:
        return {**row, "sha256": "", "state": "not looked at", "told": "it is larger than a token is"}
    if row["kind"] == "ots" and not row["at"]:
        try:
            blocks = ots.OtsProof.parse(token).blocks()
            state, told = "pending", "it stands in no block yet"
            if blocks:
                heights = ", ".join(str(height) for height, _ in blocks)
                state, told = "in a block", f"block {heights}: whoever has its header can read the time"
        except (ParseError, ProofError) as error:
            told = f"this is no proof: {error}"
    return {**row, "sha256": hashlib.sha256(token).hexdigest(), "state": state, "told": told}


def dress(found: Row, asked: Asked) -> Row:
    """Where the files stand, and the further pages of each list."""
    at, name = asked.at, found["log"]["name"]
    pages = {"checkpoints": "before", "exports": "exports", "erasures": "erasures", "fixities": "fixities"}
    chosen = asked.get("log")
    further = {
        of: at("custody", log=chosen, **{argument: found["more"][of]}) if found["more"][of] is not None else ""
        for of, argument in pages.items()
    }
    heads = [
        {
            **head,
            "href": at("checkpoint", name, str(head["size"])),
            "tokens": [
                {**token, "href": at("token", name, str(head["size"]), token["sha256"]) if token["sha256"] else ""}
                for token in head["tokens"]
            ],
        }
        for head in found["checkpoints"]
    ]
    return {"checkpoints": heads, "further": further, "first": at("custody", log=chosen), "says": proves.KINDS}


def checkpoint(reader: Reader, asked: Asked) -> File:
    """A signed head as it is stored: a C2SP signed note."""
    found = _head(reader, asked)
    return File(name=f"checkpoint-{found['size']}.txt", data=str(found["note"]).encode("utf-8"))


def token(reader: Reader, asked: Asked) -> File:
    """What a service sent, byte for byte."""
    found = _head(reader, asked)
    rows = reader.archive.db.execute(
        "SELECT kind, service, token FROM log_anchor WHERE origin = ? AND size = ?", (found["origin"], found["size"])
    )
    for row in rows:
        if hashlib.sha256(row["token"]).hexdigest() == asked.parts["sha256"]:
            name = f"checkpoint-{found['size']}-{row['service']}.{ENDINGS[row['kind']]}"
            return File(name=name, data=bytes(row["token"]))
    raise PageError(404, "no token of that hash is over this checkpoint", hint="The custody page lists them")


def _head(reader: Reader, asked: Asked) -> dict[str, Any]:
    size = asked.parts["size"]
    found = reader.archive.one(
        "SELECT c.origin, c.size, c.note FROM log_checkpoint c JOIN origin o ON o.id = c.origin "
        "WHERE o.name = ? AND c.size = ?",
        asked.parts["log"],
        int(size) if len(size) < 16 else -1,
    )
    if found is None:
        raise PageError(404, f"no checkpoint of {size[:20]} leaves was signed", hint="The custody page lists them")
    return dict(found)


PAGES = (
    Page(
        path="custody",
        template="archiver_custody.html",
        gather=gather,
        dress=dress,
        reads=READS,
        css=("custody.css",),
    ),
)
ROUTES = (
    route(r"checkpoint/(?P<log>[^/]+)/(?P<size>[0-9]+)", checkpoint, ("log_checkpoint",)),
    route(r"token/(?P<log>[^/]+)/(?P<size>[0-9]+)/(?P<sha256>[0-9a-f]{64})", token, ("log_anchor",)),
)
