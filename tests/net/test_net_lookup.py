"""Names whose servers are silent: they keep nobody else waiting, nor the end of the process."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest

from archiver.model import Failure
from archiver.net.lookup import Lookups
from archiver.net.tape import Stopped

HANGS = """
import threading
from archiver.net.lookup import Lookups
from archiver.net.tape import Stopped

try:
    Lookups(lambda host, port: threading.Event().wait(60) and []).addresses("a.example", 80, 0.05)
except Stopped as stop:
    print(stop.detail)
"""


def test_silent_names_keep_no_other_waiting() -> None:
    release, silent = threading.Event(), threading.Semaphore(0)

    def resolve(host: str, port: int) -> list[str]:
        if host.startswith("silent"):
            silent.release()
            release.wait(20)
            return []
        return ["192.0.2.1"]

    lookups = Lookups(resolve)
    refused: list[Stopped] = []

    def ask(host: str) -> None:
        try:
            lookups.addresses(host, 80, 20)
        except Stopped as stop:
            refused.append(stop)

    threads = [threading.Thread(target=ask, args=(f"silent-{n}.example",)) for n in range(64)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert silent.acquire(timeout=10)
    assert lookups.addresses("fine.example", 80, 10) == ["192.0.2.1"]
    since = time.monotonic()
    lookups.close()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - since < 5, "those that wait are let go"
    assert {stop.failure for stop in refused} == {Failure.DNS}
    assert len(refused) == len(threads)
    with pytest.raises(Stopped, match="the fetcher is closed"):
        lookups.addresses("fine.example", 80, 10)
    release.set()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "was not resolved: .*not known"),
        (UnicodeError("label too long"), "was not resolved: label too long"),
        (TimeoutError("resolver"), "was not resolved"),
        (None, "has no address"),
    ],
)
def test_what_a_resolver_says_is_told(said: Exception | None, told: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if said is not None:
            raise said
        return []

    with pytest.raises(Stopped, match=told) as stopped:
        Lookups(resolve).addresses("a.example", 80, 10)
    assert stopped.value.failure is Failure.DNS


def test_the_process_ends_though_a_name_is_still_being_looked_up() -> None:
    since = time.monotonic()
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=50, check=True)
    assert done.stdout.strip() == "a.example was not resolved in time"
    assert time.monotonic() - since < 30
