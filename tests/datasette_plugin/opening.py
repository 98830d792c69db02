"""Datasette in this process, as `archiver serve` would start it, and the archive of the demonstration."""

from __future__ import annotations

import asyncio
import contextlib
import json
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from datasette.app import Datasette

from archiver.cli import main
from archiver.jobs.serving import SETTINGS

ROOT = Path(__file__).parents[2]
METADATA = json.loads((ROOT / "datasette-metadata.json").read_text("utf-8"))
ONE = int(version("datasette").split(".", 1)[0]) >= 1


def make_demo(path: Path) -> Path:
    """Runs the demonstration into `path`: edited, deleted, misquoted and spliced posts. Its seeds are named as from the
    folder of the project, so that pages and pictures of it show no path of this machine."""
    for recording, more in (("first", []), ("later.warc", ["--recheck"])):
        arguments = ["run", "data/demo/seeds", *more, "--replay", f"data/demo/{recording}", "--db", str(path.resolve())]
        with contextlib.chdir(ROOT):
            result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code in (0, 1), result.output
    return path


class Room:
    """Datasette in this process, with the settings that `archiver serve` gives, but for time: how busy the machine is
    decides no test."""

    def __init__(self, *files: Path, metadata: dict[str, Any] | None = None, **changes: Any) -> None:
        settings = {name: {"on": True, "off": False}.get(value, value) for name, value in SETTINGS.items()}
        settings = {name: int(value) if isinstance(value, str) else value for name, value in settings.items()}
        settings |= {"sql_time_limit_ms": 60_000} | changes
        described = deepcopy(METADATA if metadata is None else metadata)  # Datasette changes what it is given
        more = {"config": described} if ONE else {}
        self.datasette = Datasette([str(file) for file in files], metadata=described, settings=settings, **more)
        self.loop = asyncio.new_event_loop()

    def get(self, path: str, **more: Any) -> Any:
        return self.loop.run_until_complete(self.datasette.client.get(path, **more))

    def post(self, path: str, **more: Any) -> Any:
        return self.loop.run_until_complete(self.datasette.client.post(path, **more))

    def text(self, path: str, status: int = 200) -> str:
        answer = self.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return str(answer.text)

    def json(self, path: str, status: int = 200) -> Any:
        """A page of ours as JSON."""
        return json.loads(self.text(path, status))

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Rows of a table of Datasette: both lines give objects when they are asked to."""
        answer = json.loads(self.text(path + ("&" if "?" in path else "?") + "_shape=objects"))
        return list(answer["rows"])

    def close(self) -> None:
        for database in self.datasette.databases.values():
            if hasattr(database, "close"):
                database.close()
        if self.datasette.executor is not None:
            self.datasette.executor.shutdown(wait=True)
        self.loop.close()
