"""UUIDv7 (RFC 9562 section 5.7): ids that sort by time, so that an index on them grows at its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable


def uuid7(ms: int, random: bytes) -> str:
    """The UUIDv7 of a Unix time in milliseconds and 10 random bytes, in lower case. Raises ValueError out of range."""
    if not 0 <= ms < 1 << 48 or len(random) != 10:
        raise ValueError("a UUIDv7 takes 48 bits of milliseconds and 10 random bytes")
    low = int.from_bytes(random, "big")
    number = ms << 80 | 7 << 76 | (low >> 68 & 0xFFF) << 64 | 2 << 62 | low & (1 << 62) - 1
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Uids:
    """Hands out UUIDv7s, each greater than the one before, from any thread.

    Within one millisecond, and when the clock steps back, the 74 random bits count up from where they were
    (RFC 9562 section 6.2, method 2); if they run over, the time field runs ahead by a millisecond.
    """

    def __init__(self, *, now: Callable[[], float] = time.time, random: Callable[[int], bytes] = os.urandom) -> None:
        self._now, self._random = now, random
        self._lock = threading.Lock()
        self._ms = -1
        self._low = 0

    def __call__(self) -> str:
        with self._lock:
            ms = int(self._now() * 1000)
            if ms > self._ms:
                # One leading bit stays 0, so that counting up has room within the millisecond.
                self._ms, self._low = ms, self._fresh() >> 1
            else:
                self._low += 1 + (self._fresh() >> 42)
                if self._low >> 74:
                    self._ms, self._low = self._ms + 1, self._fresh() >> 1
            high, low = self._low >> 62, self._low & (1 << 62) - 1
            return uuid7(self._ms, (high << 68 | low).to_bytes(10, "big"))

    def _fresh(self) -> int:
        return int.from_bytes(self._random(10), "big") >> 6


new_uid = Uids()
"""The generator of this process."""
