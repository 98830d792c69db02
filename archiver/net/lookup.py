"""Looking names up by the system's resolver, which cannot be interrupted: it can only be left alone.

Each look-up has a thread of its own. In a pool, a few names whose servers are silent would keep all others waiting, and
the process would not end before the last of them had given up.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress

from archiver.model import Failure
from archiver.net.tape import Stopped

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, by the system's resolver, in its order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Lookups:
    """The look-ups under way. Usable from any thread; all of them end when it is closed."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._waiting: set[Future[list[str]]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def addresses(self, host: str, port: int, timeout: float) -> list[str]:
        """All addresses of a name, within `timeout` seconds. Stopped with DNS when there are none."""
        future: Future[list[str]] = Future()
        with self._lock:
            if self._closed:
                raise Stopped(Failure.DNS, f"{host} was not resolved: the fetcher is closed")
            self._waiting.add(future)
        # A daemon, for the end of the process is not to wait for a name server.
        threading.Thread(target=self._look, args=(future, host, port), name="resolve", daemon=True).start()
        try:
            found = future.result(timeout)
        except FutureTimeout:
            raise Stopped(Failure.DNS, f"{host} was not resolved in time") from None
        except (OSError, UnicodeError) as error:
            raise Stopped(Failure.DNS, f"{host} was not resolved: {error}") from None
        finally:
            with self._lock:
                self._waiting.discard(future)
        if not found:
            raise Stopped(Failure.DNS, f"{host} has no address")
        return found

    def close(self) -> None:
        """Ends all look-ups, and lets none begin."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
        for future in waiting:
            with suppress(InvalidStateError):  # its answer came meanwhile
                future.set_exception(OSError("the fetcher is closed"))

    def _look(self, future: Future[list[str]], host: str, port: int) -> None:
        try:
            found = self._resolve(host, port)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which knows what to do with it
            with suppress(InvalidStateError):
                future.set_exception(error)
        else:
            with suppress(InvalidStateError):
                future.set_result(found)
