"""Which flags Datasette needs to show an archive, and what is closed when strangers may come."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from datasette.utils import tilde_encode

from archiver.errors import InputError
from archiver.jobs.config import KNOWN_SECRETS, LOG_KEY

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
OWN = {"hosts": ["localhost", "127.0.0.1", "[::1]"]}
"""How a server on loopback sets our own plugin: the names by which it may be asked, see `datasette_plugin.hosts`."""
SECRETS = (LOG_KEY, *KNOWN_SECRETS)
"""Variables of the environment that no server needs: it signs nothing and asks nobody."""


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
    SQL of their own; `public` closes what strangers do not need besides. Further files among `extra` are described as
    archives, too. InputError when there is no archive or no metadata file.
    """
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    described = metadata or METADATA
    if metadata is not None and not described.is_file():
        raise InputError("no such metadata file", place=str(described))
    one = int((datasette or version("datasette")).split(".", 1)[0]) >= 1
    command = [sys.executable, "-m", "datasette", "serve", str(db), "--host", host, "--port", str(port)]
    more = [Path(word).stem for word in extra if word.endswith(".db") and Path(word).is_file()]
    plugin = PLUGIN if public else OWN if host in LOOPBACK else {}
    described = under_its_name(described, db.stem, *more, plugin=plugin)
    command += ["--metadata", str(described)]
    if one:
        command += ["--config", str(described)]
    settings = SETTINGS if host in LOOPBACK else SETTINGS | STRANGERS
    if public:
        settings = settings | PUBLIC | (PUBLIC_OF_ONE if one else {})
    for name, value in settings.items():
        command += ["--setting", name, value]
    return [*command, *extra]


def under_its_name(described: Path, *names: str, plugin: Mapping[str, object] | None = None) -> Path:
    """A file that describes the databases of these names: the given one where that does, else a copy that calls
    `archive` so, closes the tables of bytes, and sets our plugin, where the file does not set it itself. A file that is
    missing describes nothing.

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
    if any(name not in databases for name in names):
        metadata["databases"] = {
            name: databases.get(name, databases.get("archive", {"tables": CLOSED})) for name in names
        }
        changed = True
    if plugin:
        plugins = metadata.setdefault("plugins", {})
        plugins["quotechain"] = {**plugin, **plugins.get("quotechain", {})}
        changed = True
    return _copy(metadata) if changed else described


def _copy(metadata: dict[str, Any]) -> Path:
    """A file that is the same for the same content: the server reads it after this process is gone, so that nobody
    could remove it, and a server that is started every day leaves one."""
    data = json.dumps(metadata).encode("utf-8")
    folder = Path(tempfile.gettempdir(), f"archiver-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        folder = Path(tempfile.mkdtemp(prefix="archiver-"))  # somebody else made it
    copy = folder / f"{hashlib.sha256(data).hexdigest()[:32]}-metadata.json"
    handle, unnamed = tempfile.mkstemp(dir=folder)
    with open(handle, "wb") as file:
        file.write(data)
    os.replace(unnamed, copy)
    return copy


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the server: without the key of the log and the secrets of platforms."""
    return {name: value for name, value in given.items() if name not in SECRETS}


def address_of(db: Path, *, port: int, host: str, extra: tuple[str, ...] = ()) -> str:
    """Where the reading room begins. `extra` may set another prefix (`--setting base_url /reading/`)."""
    base = next((extra[at + 1] for at, word in enumerate(extra[:-1]) if word == "base_url"), "/")
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{base}{tilde_encode(db.stem)}/-/home"
