"""Which flags Datasette needs to show an archive, and what is closed when strangers may come."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datasette.utils import tilde_encode

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
STRANGERS = {"default_allow_sql": "off"}
"""What changes where others than the users of this machine can ask."""
PUBLIC = STRANGERS | {
    "sql_time_limit_ms": "2000",
    "facet_time_limit_ms": "200",
    "max_returned_rows": "200",
    "default_page_size": "50",
    "allow_csv_stream": "off",
    "max_csv_mb": "10",
    "template_debug": "off",
    "trace_debug": "off",
}
"""What changes with `--public`."""
PUBLIC_OF_ONE = {"allow_signed_tokens": "off"}
"""The same, where Datasette is 1.0 or later."""
PLUGIN = {"public": True, "bundles": False}
"""How `--public` sets our own plugin: see `datasette_plugin.public`."""
CLOSED = {"blob_chunks": {"allow": False}}
"""Bytes that a stranger sent: no page of Datasette may hand them out."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def command_for(
    db: Path,
    *,
    port: int,
    host: str,
    metadata: Path | None = None,
    extra: tuple[str, ...] = (),
    datasette: str = "",
    public: bool = False,
) -> list[str]:
    """The command that serves an archive. `datasette` is the installed version; default: what is installed.

    Datasette 1.0 reads titles from the metadata file but canned queries, facets and the settings of plugins from the
    configuration file: the same file is given as both. The file is served as it lives (never immutable), because a run
    may be writing to it. Whoever can reach a host that is not loopback gets the tables and the canned queries, but no
    SQL of their own; `public` closes what strangers do not need besides. InputError when there is no archive or no
    metadata file.
    """
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    described = metadata or METADATA
    if metadata is not None and not described.is_file():
        raise InputError("no such metadata file", place=str(described))
    one = int((datasette or version("datasette")).split(".", 1)[0]) >= 1
    command = [sys.executable, "-m", "datasette", "serve", str(db), "--host", host, "--port", str(port)]
    described = under_its_name(described, db.stem, public=public)
    command += ["--metadata", str(described)]
    if one:
        command += ["--config", str(described)]
    settings = SETTINGS if host in LOOPBACK else SETTINGS | STRANGERS
    if public:
        settings = settings | PUBLIC | (PUBLIC_OF_ONE if one else {})
    for name, value in settings.items():
        command += ["--setting", name, value]
    return [*command, *extra]


def under_its_name(described: Path, name: str, *, public: bool = False) -> Path:
    """A file that describes the database `name`: the given one where that does, else a copy that calls `archive` so,
    closes the tables of bytes, and tells our plugin when strangers may come. A file that is missing describes nothing.

    Datasette names a database after its file, and closes tables only for names that it finds described. InputError
    when the file is no JSON object.
    """
    try:
        metadata: Any = json.loads(described.read_text("utf-8")) if described.exists() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"no metadata: {error}", place=str(described)) from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("databases", {}), dict):
        raise InputError("no metadata: an object with databases is expected", place=str(described))
    databases = metadata.get("databases", {})
    changed = False
    if name not in databases:
        metadata["databases"] = {name: databases.get("archive", {"tables": CLOSED})}
        changed = True
    if public:
        plugins = metadata.setdefault("plugins", {})
        plugins["quotechain"] = PLUGIN | plugins.get("quotechain", {})
        changed = True
    return _copy(metadata) if changed else described


def _copy(metadata: dict[str, Any]) -> Path:
    handle, copy = tempfile.mkstemp(prefix="archiver-", suffix="-metadata.json")
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(metadata, file)
    return Path(copy)


def address_of(db: Path, *, port: int, host: str, extra: tuple[str, ...] = ()) -> str:
    """Where the reading room begins. `extra` may set another prefix (`--setting base_url /reading/`)."""
    base = next((extra[at + 1] for at, word in enumerate(extra[:-1]) if word == "base_url"), "/")
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{base}{tilde_encode(db.stem)}/-/home"
