"""How much expensive work may be under way at once in one server: whoever comes later is asked to come again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from archiver.errors import PageError


class Places:
    """So many at once. PageError (503, with Retry-After) for one more: nobody waits in line, so no line can grow."""

    def __init__(self, most: int, what: str) -> None:
        self._free, self._what, self._most = threading.BoundedSemaphore(most), what, most

    @contextmanager
    def one(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            told = f"{self._most} {self._what} are under way already"
            raise PageError(503, told, hint="Load this page again in some seconds")
        try:
            yield
        finally:
            self._free.release()


CHECKS = Places(2, "verifications")
"""Each holds one of Datasette's threads, of which there are three by default: one is left for other pages."""
BUNDLES = Places(2, "bundles")
"""Each may hold as many bytes on the disk as the largest bundle."""
