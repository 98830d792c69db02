"""How long one run may take and how much it may fetch: `--max-time 10m`, `--max-bytes 2GB`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.errors import InputError
from archiver.schedule import Period

_UNITS = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1}
_SIZE = re.compile(r"([1-9][0-9]{0,15})(TB|GB|MB|KB|B)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Size:
    """A number of bytes, written with its largest whole unit (powers of ten).

    >>> str(Size.parse("2000MB")), str(Size.parse("1500kb"))
    ('2GB', '1500KB')
    """

    bytes: int

    def __str__(self) -> str:
        unit = next(name for name, size in _UNITS.items() if self.bytes % size == 0)
        return f"{self.bytes // _UNITS[unit]}{unit}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """The inverse of `str`. InputError for anything else."""
        match = _SIZE.fullmatch(text)
        if match is None:
            raise InputError(f"{text!r} is no number of bytes", hint="Write a number and B, KB, MB, GB or TB: 500MB")
        return cls(bytes=int(match[1]) * _UNITS[match[2].upper()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run; None is none. When one is reached, looks under way end and nothing new begins."""

    time: Period | None = None
    size: Size | None = None

    def reached(self, seconds: float, received: int) -> str:
        """The bound that a run of so many seconds and received bytes has reached; empty for none."""
        if self.time is not None and seconds >= self.time.seconds:
            return f"--max-time {self.time}"
        if self.size is not None and received >= self.size.bytes:
            return f"--max-bytes {self.size}"
        return ""
