"""Which flags Datasette needs to show an archive."""

from __future__ import annotations

import sys
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
        command += ["--metadata", str(described)]
        if major >= 1:
            command += ["--config", str(described)]
    settings = SETTINGS if host in LOOPBACK else SETTINGS | {"default_allow_sql": "off"}
    for name, value in settings.items():
        command += ["--setting", name, value]
    return [*command, *extra]
