"""What `archiver doctor` can say of this machine's clock, from captures and from answers: is it right, did it leap?

Servers send the time with each answer (RFC 9110, Date; where a cache answers, Age says for how long it held it). A
single one may be wrong, so the middle of several hosts is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from statistics import median
from urllib.parse import urlsplit

from archiver.custody import framing
from archiver.errors import ParseError
from archiver.jobs.diagnosed import Sign, ok, warning, wrong
from archiver.net.clock import time_of
from archiver.store.archive import Archive

NEAR, FAR = 5.0, 60.0
"""Seconds by which our clock may differ, and from which on times of captures mislead."""
LEAP = 2.0
"""Seconds by which the clock and the monotonic one may part between two captures of a run."""
LATEST = 500
OLDEST = 2000
"""Seconds that a cache may have held an answer: what is older says little."""
_SET = "Set the clock, and keep it right (chrony, systemd-timesyncd)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one host said: `ahead` seconds is our clock before its."""

    host: str
    ahead: float


def heard(host: str, date: str, age: str, at: str) -> Heard | None:
    """What a Date header says of our clock at `at` (ISO 8601); None where it says nothing."""
    try:
        said = parsedate_to_datetime(date)
        ours = time_of(at)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if said.tzinfo is None:
        return None
    held = int(age) if age.isascii() and age.isdecimal() and len(age) < 9 else 0
    if held > OLDEST:
        return None
    # A Date is cut to seconds: half of one is the mean of what was cut.
    return Heard(host=host, ahead=(ours - said).total_seconds() - held - 0.5)


def told(answers: Iterable[Heard], place: str) -> Iterator[Sign]:
    """What hosts say together."""
    hosts: dict[str, list[float]] = {}
    for one in answers:
        hosts.setdefault(one.host, []).append(one.ahead)
    if not hosts:
        return
    middle = median(median(found) for found in hosts.values())
    way = "ahead of" if middle > 0 else "behind"
    what = f"this clock is {abs(middle):.0f} s {way} that of {len(hosts)} hosts ({', '.join(sorted(hosts)[:3])})"
    if abs(middle) <= NEAR:
        yield ok("clock", f"within {NEAR:.0f} s of that of {len(hosts)} hosts", place)
    elif abs(middle) <= FAR or len(hosts) == 1:
        yield warning("clock", what, _SET, place)
    else:
        yield wrong("clock", what, _SET, place)


def of_captures(archive: Archive, now: str) -> Iterator[Sign]:
    """The clock now against the newest capture, the clock of the last captures against what servers said with them, and
    against the monotonic clock of their runs."""
    rows = archive.all(
        "SELECT uid, url, recorded_at, observed_at, ended_at, mono_ns, worker, site, response_head FROM captures "
        "WHERE tier = 'wire' ORDER BY id DESC LIMIT ?",
        LATEST,
    )
    newest = archive.one("SELECT uid, recorded_at FROM captures ORDER BY id DESC LIMIT 1")
    if newest is None:
        return
    behind = (time_of(newest["recorded_at"]) - time_of(now)).total_seconds()
    if behind > 1:
        what = (
            f"it is {now[:19]}Z, and the newest capture was made at {newest['recorded_at'][:19]}Z: the clock went back"
        )
        yield wrong("clock", what, _SET, str(newest["uid"]))
    answers = [one for row in rows if (one := _of(row["url"], row["response_head"], row["observed_at"]))]
    yield from told(answers, f"{len(rows)} captures")
    leaps, last = list[tuple[str, float]](), dict[tuple[str, str], tuple[datetime, int]]()
    for row in reversed(rows):
        if not row["mono_ns"]:
            continue
        key, wall, mono = (row["site"], row["worker"]), time_of(row["observed_at"]), int(row["mono_ns"])
        before = last.get(key)
        last[key] = wall, mono
        # A process number comes back after a restart of the machine, when its monotonic clock began anew.
        if before is None or mono < before[1]:
            continue
        apart = (wall - before[0]).total_seconds() - (mono - before[1]) / 1e9
        if abs(apart) > LEAP and (mono - before[1]) / 1e9 < 3600:
            leaps.append((str(row["observed_at"]), apart))
    if leaps:
        at, seconds = leaps[-1]
        what = f"it leapt {len(leaps)} times within runs, last by {seconds:+.0f} s before {at[:19]}Z"
        yield warning("clock", what, "Let it be slewed, not stepped (chrony), and the machine not be suspended")
    elif behind <= 1 and rows:
        yield ok("clock", f"no leap within the runs of the last {len(rows)} captures")


def _of(url: str, head: bytes, at: str) -> Heard | None:
    try:
        host = urlsplit(url).hostname or ""
        headers = dict(reversed([(name.lower(), value) for name, value in framing.parse_head(head).headers]))
    except (ParseError, ValueError):
        return None
    return heard(host, headers.get("date", ""), headers.get("age", ""), at)
