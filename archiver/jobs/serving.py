"""Which flags Datasette needs to show an archive."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from archiver.errors import InputError

METADATA = Path("datasette-metadata.json")
SETTINGS = {
    "suggest_facets": "off",
    "facet_time_limit_ms": "500",
    "sql_time_limit_ms": "3000",
    "allow_download": "off",
    "max_returned_rows": "1000",
    "truncate_cells_html": "300",
}
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def command_for(
    db: Path, *, port: int, host: str, metadata: Path | None = None, extra: tuple[str, ...] = (), datasette: str = ""
) -> list[str]:
    """The command that serves an archive. `datasette` is the installed version; default: what is installed.

    Datasette 1.0 reads titles from the metadata file but canned queries and facets from the configuration file:
    the same file is given as both. The file is served as it lives (never immutable), because a run may be writing to
    it. Whoever can reach a host that is not loopback gets the tables and the canned queries, but no SQL of their own.
    InputError when there is no archive or no metadata file.
    """
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    described = metadata or METADATA
    if metadata is not None and not described.is_file():
        raise InputError("no such metadata file", place=str(described))
    major = int((datasette or version("datasette")).split(".", 1)[0])
    command = [sys.executable, "-m", "datasette", "serve", str(db), "--host", host, "--port", str(port)]
    if described.is_file():
        described = under_its_name(described, db.stem)
        command += ["--metadata", str(described)]
        if major >= 1:
            command += ["--config", str(described)]
    settings = SETTINGS if host in LOOPBACK else SETTINGS | {"default_allow_sql": "off"}
    for name, value in settings.items():
        command += ["--setting", name, value]
    return [*command, *extra]


def under_its_name(described: Path, name: str) -> Path:
    """A file that describes the database `name`: the given one where it does, else a copy that calls `archive` so.

    Datasette names a database after its file, and closes the tables of bytes only for names that it finds described.
    InputError when the file is no JSON object.
    """
    try:
        metadata = json.loads(described.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"no metadata: {error}", place=str(described)) from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("databases", {}), dict):
        raise InputError("no metadata: an object with databases is expected", place=str(described))
    databases = metadata.get("databases", {})
    if name in databases or "archive" not in databases:
        return described
    metadata["databases"] = {name: databases["archive"]}
    handle, copy = tempfile.mkstemp(prefix="archiver-", suffix="-metadata.json")
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(metadata, file)
    return Path(copy)
