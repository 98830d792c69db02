"""One run of the archiver over faults, as a process of its own, and what it left."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fault_servers import NameServer, Place, Servers, Told, serving
from fault_table import HOME, OTHER, Fault
from fault_tls import Authority

CHILD = Path(__file__).with_name("fault_child.py")
ROOT = CHILD.parents[2]
MAX_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a run made of one fault: its outcome, when it is due again (seconds after the look; None: never), and its
    captures, oldest first."""

    outcome: str
    due: float | None
    captures: list[Any]


@dataclass(kw_only=True)
class World:
    """The servers of these faults, and runs over them in `folder`."""

    folder: Path
    faults: Sequence[Fault]
    more: str = ""
    places: dict[str, Place] = field(default_factory=dict)
    servers: Servers = field(default_factory=Servers)

    def __post_init__(self) -> None:
        authority = Authority(self.folder)
        for fault in self.faults:
            serve = fault.serve
            if fault.tls not in ("", "raw"):
                serve = _secured(serve, authority, fault)
            place = self.servers.add(serve, address=fault.address)
            self.places[fault.name] = place
        told = {fault.host: fault.told for fault in self.faults}
        told["fine.faults.example"] = (Told(addresses=(HOME,)),)
        self.names = NameServer(told)
        self.forbidden = _forbidden(self.servers, [place.port for place in self.places.values()])
        for fault in self.faults:
            if fault.closed:
                self.servers.forget(self.places[fault.name])
        (self.folder / "archiver.toml").write_text(
            f'[archive]\norigin = "log.example/{secrets.token_hex(8)}"\n'
            f'[network]\nallow_private = ["{HOME}", "::1"]\nverify = "{authority.file}"\n'
            f"connect_timeout = 1.0\nread_timeout = 1.0\ntotal_timeout = 1.3\nmax_bytes = {MAX_BYTES}\n"
            f"[pace]\ndefault = 0.0\n[follow]\nhosts = 64\nwait = 0.9\npages = false\n{self.more}",
            "utf-8",
        )

    @property
    def db(self) -> Path:
        return self.folder / "archive.db"

    def address(self, fault: Fault, path: str = "/") -> str:
        return f"{'https' if fault.tls else 'http'}://{fault.host}:{self.places[fault.name].port}{path}"

    def run(self, *addresses: str, seconds: float = 60.0) -> Ended:
        """`archiver run` over a list of addresses, in which time and memory are measured."""
        seed = self.folder / "list.txt"
        seed.write_text("".join(f"{address}\n" for address in addresses), "utf-8")
        return self.call("run", seed, "--db", self.db, "--config", self.folder / "archiver.toml", seconds=seconds)

    def call(self, *command: str | Path, seconds: float = 60.0) -> Ended:
        """One command of the archiver."""
        memory = self.folder / "memory"
        since = time.monotonic()
        running = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", str(CHILD), *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "FAULT_NAMES": str(self.names.port), "FAULT_MEMORY": str(memory)},
        )
        try:
            out, err = running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGABRT)  # it then says where each of its threads stands
            out, err = running.communicate(timeout=20)
            raise AssertionError(f"not over after {seconds:g} s\n{err}") from None
        took = time.monotonic() - since
        return Ended(code=running.returncode, out=out, err=err, took=took, peak=int(memory.read_text()))

    def serving(self) -> Any:
        return serving(self.servers, self.names)

    def rows(self, sql: str, *parameters: object) -> list[Any]:
        with closing(sqlite3.connect(f"{self.db.resolve().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(sql, parameters).fetchall()

    def seen(self) -> dict[str, Seen]:
        """What the archive says of the page of each fault, by its name."""
        tasks = {row["ref"]: row for row in self.rows("SELECT * FROM work_queue")}
        captures: dict[str, list[Any]] = {}
        for row in self.rows("SELECT * FROM captures ORDER BY id"):
            captures.setdefault(row["ref"], []).append(row)
        found = {}
        for fault in self.faults:
            ref = f"web:page:{self.address(fault)}"
            task, due = tasks[ref], None
            if task["due_at"] is not None:
                due = (datetime.fromisoformat(task["due_at"]) - datetime.fromisoformat(task["last_at"])).total_seconds()
            found[fault.name] = Seen(outcome=task["last_outcome"], due=due, captures=captures.get(ref, []))
        return found


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended: `took` seconds, `peak` bytes."""

    code: int
    out: str
    err: str
    took: float
    peak: int


def _secured(serve: Any, authority: Authority, fault: Fault) -> Any:
    context = authority.server(fault.host, fault.tls)

    def secured(line: Any) -> None:
        line.secure(context)
        serve(line)

    return secured


def _forbidden(servers: Servers, ports: Iterable[int]) -> dict[int, Place]:
    """Listeners on the other private address, at the ports of all faults: a connection to one of them is a breach."""
    found = {}
    for port in ports:
        try:
            found[port] = servers.add(lambda line: None, address=OTHER, port=port)
        except OSError:  # an address that this system does not have, or a port that another took
            continue
    return found


def has_ipv6() -> bool:
    """Whether this machine can listen on ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
