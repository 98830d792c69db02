"""`archiver serve` as a process of its own on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.datasette_plugin.walking import EACH, Answer, Walk, walked

ROOT = Path(__file__).parents[3]


@contextmanager
def served(db: Path, *arguments: str) -> Iterator[str]:
    """Its address, without a slash at the end. The process is asked for a page before the address is given out."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "archiver", "serve", "--db", str(db), "--port", str(port), *arguments]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    rest: threading.Thread | None = None
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:  # ends when the process does
            said.append(line)
            if "running on" in line:
                break
        else:
            raise AssertionError("".join(said))
        rest = threading.Thread(target=process.stderr.read)  # a server whose output nobody takes stops answering
        rest.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
        if rest is not None:
            rest.join()
        assert process.stderr is not None
        process.stderr.close()


def walked_over(base: str, database: str, each: int = EACH) -> Walk:
    """Follows the links of a served archive."""
    with httpx.Client(base_url=base, timeout=60, follow_redirects=True) as client:

        def get(path: str) -> Answer:
            found = client.get(path)
            return Answer(found.status_code, found.headers["content-type"], found.text, found.url.path)

        return walked(get, database, each)
