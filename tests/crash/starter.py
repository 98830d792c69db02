"""Starts `archiver` commands as processes of their own, in a hundredth of a second instead of half a one: a process
that has imported everything forks for each command. What it forks is killed like any other process.

`python -m tests.crash.starter` reads one JSON line a command, {"arguments", "out", "armed"}, and writes one line with
the process id and one with how it ended (the exit code, or the negated signal), as `subprocess` has it.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import subprocess
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CRASHED = 70  # exit code where a command ended with a traceback
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said on both streams."""

    code: int
    out: str


class Running:
    """A command under way."""

    def __init__(self, starter: Starter, pid: int, out: Path) -> None:
        self.starter, self.pid, self.out = starter, pid, out

    def ended(self, seconds: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        return bool(select.select([self.starter.process.stdout], [], [], seconds)[0])

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)  # not reaped before `wait`: the id cannot be another's

    def wait(self) -> Done:
        assert self.starter.process.stdout is not None
        line = self.starter.process.stdout.readline()
        self.starter.reap()
        return Done(int(line), self.out.read_text("utf-8", "replace"))


class Starter:
    """The process that forks; `environment` is for all that it starts."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        (folder / "empty").mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.starter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=folder / "empty",  # where there is no folder of seeds that a run would take unasked
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )

    def start(self, arguments: Iterable[str | Path], *, armed: Mapping[str, int] | None = None) -> Running:
        """Starts a command; `armed` are settings of the shim (see `shim.c`)."""
        out = self.folder / "out.txt"
        job = {"arguments": [str(argument) for argument in arguments], "out": str(out), "armed": dict(armed or {})}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        return Running(self, int(self.process.stdout.readline()), out)

    def call(self, arguments: Iterable[str | Path], *, armed: Mapping[str, int] | None = None) -> Done:
        return self.start(arguments, armed=armed).wait()

    def reap(self) -> None:
        """Lets the process that was waited for go."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(20)


def _child(job: Mapping[str, object]) -> int:
    handle = os.open(str(job["out"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from archiver.cli import main

    armed = job["armed"]
    assert isinstance(armed, dict)
    if armed:
        shim = ctypes.CDLL(None)
        for name, value in armed.items():
            assert shim.shim_set(name.encode(), ctypes.c_longlong(value)) == 0, name
    arguments = job["arguments"]
    assert isinstance(arguments, list)
    try:
        main(args=arguments, prog_name="archiver")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - what nobody caught is told, as the interpreter does
        traceback.print_exc()
        return CRASHED
    finally:
        if armed:
            shim.shim_end()
    return 0


def _serve() -> None:
    # What the commands import anyway, so that it is imported once.
    import archiver.cli_erase
    import archiver.cli_keys
    import archiver.cli_run
    import archiver.cli_verify
    import archiver.jobs.anchor
    import archiver.jobs.asking
    import archiver.jobs.rebuild
    import archiver.jobs.run
    import archiver.render.rebuild
    import archiver.render.run  # noqa: F401

    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            code = CRASHED
            try:
                code = _child(json.loads(line))
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(pid, flush=True)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        print(code, flush=True)
        sys.stdin.readline()  # until then the id stays taken, so that a signal meets no other process
        os.waitpid(pid, 0)


if __name__ == "__main__":
    _serve()
