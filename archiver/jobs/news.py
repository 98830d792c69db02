"""What is news to an operator who was told before: for `archiver run --quiet`, whose output cron sends as mail.

Told is what changed for the worse, and once a day again what stands and a person can mend; that it is over is told
once, when it has stayed away for an hour. What often heals itself is told when it has stood for an hour; what happened
and does not stand once a day at most, and it has no end.
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
from datetime import timedelta
from pathlib import Path

from archiver.jobs.trouble import BROKEN, Trouble
from archiver.net.clock import text_of, time_of

AGAIN = timedelta(days=1)
OVER = timedelta(hours=1)
"""So long what is over must have stayed away, and what heals itself must have stood."""
SIZE = 1 << 15
MOST, LONGEST = 64, 240
"""Troubles that are remembered, and bytes of each as JSON: together they fit the file."""
_TEXTS = ("level", "what", "told_at", "seen_at", "since")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A trouble: how bad it was last, when it was told (empty: not yet), when it was last seen, and since when it has
    stood. `what` is empty where its end is not told."""

    level: str
    what: str
    told_at: str
    seen_at: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """`troubles` are to be told now, worst first; `over` are sentences that were told and hold no more."""

    troubles: list[Trouble] = field(default_factory=list)
    over: list[str] = field(default_factory=list)


def news(path: Path, troubles: Iterable[Trouble], now: str, *, whole: bool = True) -> News:
    """What is news about the archive at `path`, and remembers that it was told. Not `whole`: these are not all the
    troubles that there may be, so nothing is said to be over."""
    told, at = read(path), time_of(now)
    new, quiet, over, kept = list[Trouble](), list[Trouble](), list[str](), dict[str, Told]()
    for trouble in troubles:
        if trouble.key in kept:
            continue
        tell, kept[trouble.key] = _weighed(trouble, told.pop(trouble.key, None), now)
        (new if tell else quiet).append(trouble)
    for key, one in told.items():
        if whole and at - time_of(one.seen_at) >= OVER:
            over += [one.what] if one.what and one.told_at else []
        else:
            kept[key] = one if time_of(one.seen_at) <= at else Told(**asdict(one) | {"seen_at": now})
    if (kept or told or not path_of(path).exists()) and not _write(path, kept):
        new += [one for one in quiet if not kept[one.key].told_at]  # nobody would remember that it still stands
    return News(troubles=new, over=over)


def _weighed(trouble: Trouble, before: Told | None, now: str) -> tuple[bool, Told]:
    """Whether a trouble is news, and what is remembered of it."""
    at = time_of(now)
    since = now if before is None else min(before.since or now, now)  # a clock that went back
    if before is None or not before.told_at:
        tell = not trouble.heals or at - time_of(since) >= OVER
        told_at = now if tell else ""
    else:
        worse = trouble.level == BROKEN and before.level != BROKEN
        tell = worse or (trouble.again and at - time_of(before.told_at) >= AGAIN)
        told_at = now if tell else min(before.told_at, now)
    what = "" if trouble.passing else _bounded(trouble.what)
    return tell, Told(level=trouble.level, what=what, told_at=told_at, seen_at=now, since=since)


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
        one = {"since": one.get("told_at"), **one} if isinstance(one, dict) else one  # an older version wrote none
        if isinstance(one, dict) and all(isinstance(one.get(name), str) for name in _TEXTS):
            with suppress(ValueError):
                for moment in (one["seen_at"], one["since"], one["told_at"] or one["since"]):
                    text_of(time_of(moment))
                found[key] = Told(**{name: one[name] for name in _TEXTS})
    return found


def _write(path: Path, told: dict[str, Told]) -> bool:
    """Over the file in place: one write, padded to its size, so that a full disk has nothing to refuse. A kill between
    leaves what was there before, or nothing that can be read, and then it is told once more. Whether it was written."""
    kept = dict(sorted(told.items(), key=lambda item: item[1].seen_at)[-MOST:])
    data = json.dumps({key: asdict(one) for key, one in kept.items()}).encode()
    with suppress(OSError):
        handle = _open(path, os.O_WRONLY | os.O_CREAT)
        try:
            return os.pwrite(handle, data.ljust(SIZE), 0) >= SIZE
        finally:
            os.close(handle)
    return False
