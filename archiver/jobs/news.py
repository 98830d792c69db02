"""What is news to an operator who was told before: for `archiver run --quiet`, whose output cron sends as mail.

Told is what changed for the worse, and once a day again what stands and a person can mend; that it is over is told
once, when it has stayed away for an hour. What happened and does not stand is told once a day at most, and has no end.
What was told is remembered in `NAME.told` beside the archive, not in it: a disk that is full, or an archive that cannot
be opened, is told once a day, too. The file has one size from the first time that news were looked for, so that writing
over it needs no room. Where it cannot be written everything is told each time.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from archiver.jobs.trouble import BROKEN, Trouble
from archiver.net.clock import text_of, time_of

AGAIN = timedelta(days=1)
OVER = timedelta(hours=1)
SIZE = 1 << 15
MOST, LONGEST = 64, 240
"""Troubles that are remembered, and bytes of each as JSON: together they fit the file."""
_TEXTS = ("level", "what", "told_at", "seen_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A trouble that was told: how bad it was then, when that was, and when it was last seen. `what` is empty where its
    end is not told."""

    level: str
    what: str
    told_at: str
    seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """`troubles` are to be told now, worst first; `over` are sentences that were told and hold no more."""

    troubles: list[Trouble] = field(default_factory=list)
    over: list[str] = field(default_factory=list)


def news(path: Path, troubles: Iterable[Trouble], now: str, *, whole: bool = True) -> News:
    """What is news about the archive at `path`, and remembers that it was told. Not `whole`: these are not all the
    troubles that there may be, so nothing is said to be over."""
    told, at = read(path), time_of(now)
    new, over, kept = list[Trouble](), list[str](), dict[str, Told]()
    for trouble in troubles:
        if trouble.key in kept:
            continue
        before = told.pop(trouble.key, None)
        if _is_news(trouble, before, at):
            new.append(trouble)
            told_at = now
        else:
            told_at = min(before.told_at, now) if before is not None else now  # a clock that went back
        level, what = trouble.level, "" if trouble.passing else _bounded(trouble.what)
        kept[trouble.key] = Told(level=level, what=what, told_at=told_at, seen_at=now)
    for key, one in told.items():
        if whole and at - time_of(one.seen_at) >= OVER:
            over += [one.what] if one.what else []
        else:
            kept[key] = one if time_of(one.seen_at) <= at else Told(**asdict(one) | {"seen_at": now})
    if kept or told or not path_of(path).exists():
        _write(path, kept)
    return News(troubles=new, over=over)


def _is_news(trouble: Trouble, before: Told | None, now: datetime) -> bool:
    if before is None or (trouble.level == BROKEN and before.level != BROKEN):
        return True
    return trouble.again and now - time_of(before.told_at) >= AGAIN


def _bounded(text: str) -> str:
    """The beginning of a text that takes no more than LONGEST bytes as JSON."""
    if len(json.dumps(text)) <= LONGEST:
        return text
    cut = text[:LONGEST]
    while len(json.dumps(cut + "…")) > LONGEST:
        cut = cut[: len(cut) * 9 // 10]
    return cut + "…"


def path_of(path: Path) -> Path:
    """Where it is remembered."""
    return path.with_name(path.name + ".told")


def _open(path: Path, flags: int) -> int:
    """OSError also where a link or a pipe stands in its place: who made the folder may not have been us."""
    handle = os.open(path_of(path), flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"{path_of(path).name} is no file")
    return handle


def read(path: Path) -> dict[str, Told]:
    """What was told; nothing where the file says what nobody of us wrote."""
    try:
        with open(_open(path, os.O_RDONLY), "rb") as file:
            raw = json.loads(file.read(SIZE))
    except (OSError, ValueError, RecursionError):
        return {}
    found: dict[str, Told] = {}
    for key, one in raw.items() if isinstance(raw, dict) else ():
        if isinstance(one, dict) and all(isinstance(one.get(name), str) for name in _TEXTS):
            with suppress(ValueError):
                text_of(time_of(one["told_at"])), text_of(time_of(one["seen_at"]))
                found[key] = Told(**{name: one[name] for name in _TEXTS})
    return found


def _write(path: Path, told: dict[str, Told]) -> None:
    """Over the file in place: one write, padded to its size, so that a full disk has nothing to refuse. A kill between
    leaves what was there before, or nothing that can be read, and then it is told once more."""
    kept = dict(sorted(told.items(), key=lambda item: item[1].seen_at)[-MOST:])
    data = json.dumps({key: asdict(one) for key, one in kept.items()}).encode()
    with suppress(OSError):
        handle = _open(path, os.O_WRONLY | os.O_CREAT)
        try:
            os.pwrite(handle, data.ljust(SIZE), 0)
        finally:
            os.close(handle)
