"""Numbers for Prometheus, as a file that the textfile collector of its node exporter reads: the text exposition format
0.0.4, written whole or not at all, at the end of each run, also of one that failed.

[metrics] file = "…"    where; `archiver run --metrics FILE` says so for one run
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import __version__
from archiver.errors import InputError

if TYPE_CHECKING:
    from archiver.jobs.health import Health
    from archiver.jobs.status import Status

_PREFIX = "quotechain_"
KEPT = ("last_success_timestamp_seconds",)
"""What is carried over from the file before, where the archive cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run went: exit code, Unix seconds of its end, seconds that it took, captures, bytes received, looks by
    outcome, and what reached the end (empty: all of it)."""

    exit_code: int
    ended: float
    seconds: float
    captures: int = 0
    received: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: name without prefix, what it says, its type, and its samples: (labels, value)."""

    name: str
    about: str
    samples: tuple[tuple[dict[str, str], float], ...]
    kind: str = "gauge"


def parse(place: str, raw: object) -> str:
    """The file of a `[metrics]` table, empty where none is named. InputError names what is wrong."""
    if not isinstance(raw, dict):
        raise InputError("metrics must be a table", place=place, hint="Write [metrics] above its keys")
    for key in raw:
        if key != "file":
            raise InputError(f"unknown key {key!r} in [metrics]", place=place, hint="Known is file")
    value = raw.get("file", "")
    if not isinstance(value, str) or "\0" in value:
        raise InputError("'file' in [metrics] must be a text", place=place)
    return value


def of_run(ran: Ran) -> list[Metric]:
    """What is known of every run, also of one that could not open its archive."""
    return [
        _one("run_timestamp_seconds", "When the last run ended.", ran.ended),
        _one("run_duration_seconds", "How long the last run took.", ran.seconds),
        _one("run_exit_code", "Exit code of the last run; its bits are documented.", ran.exit_code),
        _one("run_captures", "Captures of the last run.", ran.captures),
        _one("run_received_bytes", "Bytes of bodies that the last run received.", ran.received),
        _by("run_looks", "Looks of the last run by how they ended.", "outcome", ran.outcomes),
        Metric(name="info", about="The version that ran last.", samples=(({"version": __version__}, 1.0),)),
    ]


def of_archive(status: Status, health: Health, last_success: float) -> list[Metric]:
    """What the archive says of itself; `last_success` in Unix seconds, 0 where there was none."""
    queue = status.backlog
    states = {"scheduled": queue.scheduled, "due": queue.due, "overdue": queue.overdue, "failed": queue.waiting}
    levels = ("ok", "attention", "broken")
    found = [
        _by("health", "1 for the present verdict.", "verdict", {one: int(one == health.verdict) for one in levels}),
        _one("log_leaves", "Leaves of the log.", status.leaves),
        _one("log_signed_leaves", "Leaves under the newest signed head.", status.signed),
        _by("rows", "Rows of tables.", "table", status.counts),
        _by("posts", "Posts by what their answers together say.", "outcome", status.outcomes),
        _by("quotations", "Quotations by leading verdict.", "verdict", status.verdicts),
        _by("queue_refs", "Refs in the queue.", "state", states),
        _one("hosts_paused", "Hosts that are left alone for now.", len(status.paused)),
        _by("hook_events_waiting", "Events that hooks are still to be told.", "hook", _waiting(status)),
        _one("anchor_questions_open", "Questions to outside services that are open.", len(status.unanswered)),
        _one("blob_bytes", "Bytes of bodies, as stored.", status.blob_bytes),
        _one("file_bytes", "Bytes of the archive file and its write-ahead log.", status.disk.file),
        _one("disk_free_bytes", "Bytes free on the file system of the archive.", status.disk.free),
        _routes(status),
    ]
    if last_success:
        about = "When a run last ended without bad input and with sound evidence."
        found.append(_one("last_success_timestamp_seconds", about, last_success))
    return found


def written(metrics: Iterable[Metric], archive: str) -> str:
    """The text. Every sample has the label `archive`."""
    lines: list[str] = []
    for metric in metrics:
        if not metric.samples:
            continue
        name = _PREFIX + metric.name
        lines += [f"# HELP {name} {_escaped(metric.about)}", f"# TYPE {name} {metric.kind}"]
        for labels, value in metric.samples:
            told = ",".join(f'{key}="{_label(text)}"' for key, text in {"archive": archive, **labels}.items())
            lines.append(f"{name}{{{told}}} {_number(value)}")
    return "\n".join(lines) + "\n"


def carried(path: Path) -> str:
    """Lines of the file before that hold although the archive cannot be read."""
    names = tuple(_PREFIX + name for name in KEPT)
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    found = [line for line in lines if line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(names)]
    return "".join(f"{line}\n" for line in found)


def write(path: Path, text: str) -> str:
    """Puts the text in the place of the file, whole. Why it could not: empty when it could."""
    unnamed = ""
    try:
        handle, unnamed = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # the node exporter runs as another user
        os.replace(unnamed, path)
    except OSError as error:
        if unnamed:
            with suppress(OSError):
                os.unlink(unnamed)
        return f"the metrics cannot be written: {path}: {error.strerror}"
    return ""


def _one(name: str, about: str, value: float) -> Metric:
    return Metric(name=name, about=about, samples=(({}, float(value)),))


def _by(name: str, about: str, label: str, values: dict[str, int]) -> Metric:
    return Metric(name=name, about=about, samples=tuple(({label: key}, float(n)) for key, n in sorted(values.items())))


def _waiting(status: Status) -> dict[str, int]:
    return {one.channel: one.events for one in status.hooks}


def _routes(status: Status) -> Metric:
    words = ("answered", "refused", "failed")
    samples = [
        ({"route": one.name, "result": word}, float(n))
        for one in status.routes
        for word, n in zip(words, one.day, strict=True)
    ]
    about = "Tries of each route since yesterday's midnight (UTC) by result."
    return Metric(name="route_tries", about=about, samples=tuple(samples))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
