"""What a run did, for programs: one JSON object a line, as it happens (`archiver run --log-json FILE|-`).

Every line has `at` (UTC, ISO 8601), `event` and `run` (the number of the run in `work_runs`, 0 before it has one). The
events and their further fields stand in `EVENTS`; docs/operation.md describes them. Refs stand in the lines, and no
words of posts, no addresses with what is secret in them, no headers and no bodies.

The log is bounded: `MOST` lines a run, of which the last are kept for how the run ended, values of at most `LONGEST`
code points, and a FILE that has grown beyond `FILE` bytes is put aside as FILE.1 when a run begins. Where it cannot be
written the run goes on without it, and says so.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from archiver.model import Exchange
from archiver.net.clock import time_of, utc_now

MOST, LONGEST, FILE = 200_000, 500, 64 << 20
EVENTS = {
    "start": ("version", "pid", "archive", "seeds", "offline"),
    "capture": ("uid", "ref", "host", "route", "status", "failure", "bytes", "ms"),
    "outcome": ("ref", "host", "outcome", "attempts", "due"),
    "paused": ("host", "seconds"),
    "happened": ("new",),
    "note": ("text",),
    "problem": ("text",),
    "failed": ("kind", "text"),
    "end": (
        "exit",
        "seconds",
        "captures",
        "bytes",
        "looks",
        "outcomes",
        "scheduled",
        "due",
        "waiting",
        "next_due",
        "left_out",
    ),
}
"""Events and the fields that their lines have besides `at`, `event` and `run`."""
_ALWAYS = ("start", "failed", "end")
Value = str | int | float | bool | None | dict[str, int]


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


class EventLog:
    """Lines to a file or to standard output. Every method is harmless where nothing can be written."""

    def __init__(self, out: TextIO | FileIO | None = None, *, now: Callable[[], str] = utc_now) -> None:
        self.out, self.now = out, now
        self.run = 0
        self.lines = self.left_out = 0
        self.trouble = ""

    @classmethod
    def to(cls, where: str) -> EventLog:
        """To a path, `-` for standard output, or nowhere where it is empty. A file that cannot be opened is a trouble,
        and keeps nobody from running."""
        if not where or where == "-":
            return cls(sys.stdout if where else None)
        path = Path(where)
        try:
            if path.is_file() and path.stat().st_size > FILE:
                os.replace(path, path.with_name(path.name + ".1"))
            return cls(FileIO(path, "a"))  # unbuffered: a kill loses no line, and a full disk leaves none to be written
        except OSError as error:
            log = cls()
            log.trouble = f"the log for programs cannot be written: {where}: {error.strerror}"
            return log

    def say(self, event: str, **fields: Value) -> None:
        """Writes one line."""
        if self.out is None:
            return
        assert set(fields) <= set(EVENTS[event]), event
        if self.lines >= MOST and event not in _ALWAYS:
            self.left_out += 1
            return
        self.lines += 1
        line = {"at": self.now(), "event": event, "run": self.run}
        bounded = {name: value[:LONGEST] if isinstance(value, str) else value for name, value in fields.items()}
        try:
            text = json.dumps({**line, **bounded}) + "\n"
            if isinstance(self.out, FileIO):
                self.out.write(text.encode())
            else:
                self.out.write(text)
                self.out.flush()
        except OSError as error:
            self.trouble = f"the log for programs ended early: {error.strerror}"
            self.close()

    def capture(self, exchange: Exchange) -> None:
        """Writes the line of a capture."""
        if self.out is None:
            return
        taken = time_of(exchange.ended_at) - time_of(exchange.started_at)
        self.say(
            "capture",
            uid=exchange.uid,
            ref=str(exchange.request.ref),
            host=_host(exchange.url),
            route=exchange.request.route,
            status=exchange.status,
            failure=exchange.failure.value,
            bytes=exchange.size,
            ms=round(taken.total_seconds() * 1000),
        )

    def close(self) -> None:
        """Closes a file of ours."""
        out, self.out = self.out, None
        if isinstance(out, FileIO):
            with suppress(OSError):
                out.close()
