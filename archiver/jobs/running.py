"""What `archiver doctor` says of runs: who starts them, when the last one ended, whether one is stuck."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from archiver.errors import InputError
from archiver.jobs import cron, crontab, holding
from archiver.jobs.diagnosed import Sign, ok, warning, wrong
from archiver.net.clock import time_of
from archiver.store.archive import Archive

DAEMONS = frozenset({"cron", "crond", "fcron"})
"""Names of programs that read a user's crontab."""
ELSEWHERE = ("/etc/crontab", "/etc/cron.d", "/etc/systemd/system", "/usr/lib/systemd/system", "~/.config/systemd/user")
LATE = timedelta(hours=1)
"""How long after its time a run may end."""
STALE = timedelta(days=1)


def runs(archive: Archive, db: Path, *, now: str, environment: Mapping[str, str]) -> Iterator[Sign]:
    """What starts runs over an archive, and how the last ones went."""
    path, lines = str(db.absolute()), b""
    try:
        lines = crontab.read()
        job = cron.found(lines, path)
    except InputError as error:
        job = None
        yield ok("cron", f"the crontab cannot be asked: {error.message}")
    every = None
    if job is not None:
        every = timedelta(minutes=job.every)
        yield from _job(job, environment)
    elif cron.names(lines, path):
        yield ok("cron", "a line of the crontab names it that was written by hand: whether it works is not looked at")
    elif place := _elsewhere(path):
        yield ok("cron", "it is named in another place", place)
    else:
        yield warning("cron", "nothing runs this archive by itself", "`archiver install-cron` prints the line for it")
    yield from _last(archive, now, every)
    held = holding.holder(db)
    if held is not None and held.stuck:
        yield wrong("runs", str(held), holding.advice(held), path)
    elif held is not None:
        yield ok("runs", str(held), path)


def _job(job: cron.Job, environment: Mapping[str, str]) -> Iterator[Sign]:
    """Whether the line of the crontab can work."""
    program, good = job.argv[0], True
    if not os.access(program, os.X_OK) or not Path(job.folder).is_dir():
        good = False
        what = f"the line of the crontab calls {program} in {job.folder}, and one of them is not there"
        yield wrong("cron", what, "`archiver install-cron --write` mends it")
    for name in cron.NEEDED:
        here, there = environment.get(name, ""), dict(job.environment).get(name, "")
        if here != there:
            good = False
            what = (
                f"{name} is {here or 'not set'} here, and {there or 'not set'} in the line: another key would be used"
            )
            yield warning("cron", what, "Run this as cron does, or `archiver install-cron --write`")
    if not _daemon():
        good = False
        yield warning(
            "cron", "a line is in the crontab, and no cron runs on this machine", "Start it (systemctl start cron)"
        )
    if good:
        yield ok("cron", f"every {job.every} minutes, by this user's crontab")


def _daemon(proc: Path = Path("/proc")) -> bool:
    """Whether a program that reads crontabs runs; True where that cannot be seen."""
    found = False
    for entry in proc.glob("[0-9]*/comm"):
        found = True
        try:
            if entry.read_text().strip() in DAEMONS:
                return True
        except (OSError, ValueError):
            continue
    return not found


def _elsewhere(path: str) -> str:
    """A file of the system, or of this user's systemd, that names the archive."""
    for place in (Path(text).expanduser() for text in ELSEWHERE):
        files = [place] if place.is_file() else sorted(place.glob("*")) if place.is_dir() else []
        for file in files:
            try:
                if file.is_file() and file.stat().st_size < 1 << 16:
                    text = file.read_bytes()
                    if b"archiver" in text and path.encode(errors="surrogateescape") in text:
                        return str(file)
            except OSError:
                continue
    return ""


def _last(archive: Archive, now: str, every: timedelta | None) -> Iterator[Sign]:
    """How the last run ended, and whether the next is overdue."""
    last = archive.one("SELECT started_at, ended_at, exit_code FROM work_runs ORDER BY id DESC LIMIT 1")
    ended = archive.one("SELECT ended_at, exit_code FROM work_runs WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1")
    if last is None or ended is None:
        yield warning("runs", "no run ever ended", "`archiver run SEED`, and see what it says")
        return
    since = time_of(now) - time_of(ended["ended_at"])
    at, code = f"{ended['ended_at'][:19]}Z", int(ended["exit_code"] or 0)
    if every is not None and since > 3 * every + LATE:
        what = f"the last run ended at {at}, and cron should start one every {every / timedelta(minutes=1):.0f} minutes"
        yield wrong("runs", what, "Look at cron's log (journalctl -u cron) and its mail")
    elif since > STALE:
        yield warning("runs", f"the last run ended at {at}", "Nothing is watched meanwhile: `archiver install-cron`")
    elif code & 4:
        yield wrong(
            "runs", f"the last run, at {at}, found that the archive does not agree with itself", "`archiver verify`"
        )
    elif code & 2:
        yield warning("runs", f"the last run, at {at}, could not use what it was given", "Run it by hand, and read")
    else:
        waits = ", something waits to be tried again" if code & 1 else ""
        yield ok("runs", f"the last one ended at {at}{waits}")
