"""A witness that others wrote (PyPI `aics-witness`), in a process of its own with an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tsa import Played

from archiver.custody.note import Checkpoint, SignedNote, VerifierKey

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(os.environ.get("QUOTECHAIN_WITNESS", ROOT / ".venv-witness" / "bin" / "aics-witness"))
MISSING = "no aics-witness (it needs Python 3.12): run `make witness`"


@dataclass
class Real:
    """A witness in a process of its own."""

    folder: Path
    vkey: str
    process: subprocess.Popen[str] | None = None
    url: str = ""

    @classmethod
    def make(cls, folder: Path) -> Real:
        folder.mkdir(parents=True)
        made = cls(folder, "")
        made.vkey = made.command("init", "--name", "witness.example/real").strip().split("\n")[-1]
        return made

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [PROGRAM, *words, "--config", self.folder / "witness.json"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def serve(self) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--config", self.folder / "witness.json", "--listen", "127.0.0.1:0"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]
                return
        raise AssertionError("the witness ended before it listened")

    def close(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            assert self.process.stderr is not None
            self.process.stderr.close()
            self.process = None

    def table(self) -> str:
        return f'[[anchors.witness]]\nname = "real"\nurl = "{self.url}"\nvkey = "{self.vkey}"\n'


class Logs(list[VerifierKey]):
    """The logs that a witness is told of. It is told before it serves."""

    def __init__(self, real: Real) -> None:
        super().__init__()
        self.real = real

    def append(self, key: VerifierKey) -> None:
        super().append(key)
        self.real.command("add-log", "--origin", key.name, "--vkey", str(key))


@dataclass
class Outside:
    """The real witness where the archive of `sealed` asks its own: one POST over loopback for each question. Its clock
    is its own; `now` is told to it in vain."""

    real: Real
    size: int = 0
    trusted: list[VerifierKey] = field(default_factory=list)
    now: Callable[[], float] = lambda: 0.0

    def __post_init__(self) -> None:
        self.trusted = Logs(self.real)

    @property
    def vkey(self) -> str:
        return self.real.vkey

    def __call__(self, path: str, body: bytes) -> Played:
        if self.real.process is None:
            self.real.serve()
        request = urllib.request.Request(f"{self.real.url}/{path}", data=body, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.size = Checkpoint.parse(SignedNote.parse(body.decode().partition("\n\n")[2]).text).size
                return Played(answer.read(), answer.status, answer.headers.get_content_type())
        except urllib.error.HTTPError as error:
            with error:
                return Played(error.read(), error.code, error.headers.get_content_type())

    def copy(self, folder: Path) -> Outside:
        """Another process with what this one remembers, which must not be running."""
        assert self.real.process is None
        shutil.copytree(self.real.folder, folder)
        return Outside(Real(folder, self.real.vkey), size=self.size)
