"""Runs the command line on a world, and looks into what it left: rows, rebuilt messages, the log."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from archiver.cli import main
from archiver.custody import framing


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A folder with a configuration and an archive."""

    folder: Path
    config: Path

    @property
    def db(self) -> Path:
        return self.folder / "archive.db"

    def command(self, name: str, *arguments: str | Path) -> list[str]:
        more = [] if name in ("show", "status") else ["--config", str(self.config)]
        return [name, *map(str, arguments), "--db", str(self.db), *more]

    def call(self, name: str, *arguments: str | Path) -> Ended:
        """In this process."""
        result = CliRunner().invoke(main, self.command(name, *arguments), catch_exceptions=False)
        return Ended(result.exit_code, result.stdout, result.stderr)

    def start(self, name: str, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        """As a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "archiver", *self.command(name, *arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def rows(self, sql: str, *parameters: object) -> list[Any]:
        with closing(sqlite3.connect(f"{self.db.resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(sql, parameters).fetchall()

    def table(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.rows(sql)]

    def value(self, sql: str, *parameters: object) -> Any:
        return self.rows(sql, *parameters)[0][0]

    def body(self, capture: Any) -> bytes:
        chunks = self.rows("SELECT data FROM blob_chunks WHERE blob_id = ? ORDER BY n", capture["blob"])
        return b"".join(row["data"] for row in chunks)

    def entity(self, capture: Any) -> bytes:
        """The body after content decoding, by the head that was recorded."""
        coded = b"content-encoding: gzip" in capture["response_head"].lower()
        return gzip.decompress(self.body(capture)) if coded else self.body(capture)

    def message(self, capture: Any) -> bytes:
        """The answer as it stood on the wire, from what was stored."""
        return framing.join(capture["response_head"], io.BytesIO(self.body(capture)), capture["framing"])

    def seed(self, name: str, content: str | bytes) -> Path:
        path = self.folder / "seeds" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, written anew."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def pointed(document: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer names."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def sound(desk: Desk) -> None:
    """What must hold of every archive at every moment between two transactions."""
    leaves = desk.rows("SELECT idx, data, hash FROM log_leaf ORDER BY idx")
    assert [row["idx"] for row in leaves] == list(range(len(leaves)))
    assert all(hashlib.sha256(b"\x00" + row["data"]).digest() == row["hash"] for row in leaves)
    by_index = {row["idx"]: json.loads(row["data"]) for row in leaves}
    captures = desk.rows("SELECT * FROM captures ORDER BY id")
    assert len({row["uid"] for row in captures}) == len(captures)
    logged = [index for index, leaf in by_index.items() if leaf["type"] in ("capture", "import")]
    assert sorted(row["leaf"] for row in captures) == logged
    for row in captures:
        leaf, response = by_index[row["leaf"]], by_index[row["leaf"]]["response"]
        assert (leaf["uid"], leaf["ref"], leaf["route"], leaf["tier"]) == (
            row["uid"],
            row["ref"],
            row["route"],
            row["tier"],
        )
        assert leaf["request"]["sent_sha256"] == digest(row["sent"])
        assert response["head_sha256"] == digest(row["response_head"])
        assert response["framing_sha256"] == digest(row["framing"].encode())
        assert (response["status"], response["failure"]) == (row["status"], row["failure"])
        assert response["entity_sha256"] == row["entity_sha256"]
        if row["blob"] is not None:
            body = desk.body(row)
            assert response["body_sha256"] == digest(body)
            assert (int(response["body_size"]), row["received"]) == (len(body), len(body))
            assert desk.value("SELECT sha256 FROM blobs WHERE id = ?", row["blob"]) == digest(body)
            if not row["failure"]:
                assert row["entity_sha256"] == digest(desk.entity(row))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def lines(addresses: Iterable[str]) -> str:
    return "".join(f"{address}\n" for address in addresses)
