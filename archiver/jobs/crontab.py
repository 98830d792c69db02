"""This user's crontab, read and written with crontab(1), which tells cron of a change."""

from __future__ import annotations

import os
import subprocess

from archiver.errors import InputError
from archiver.jobs import cron

SECONDS = 20


def read() -> bytes:
    """The crontab as it is, empty where there is none. InputError where this machine has no crontab(1), or it fails."""
    ended = _crontab("-l")
    if ended.returncode and b"no crontab" not in ended.stderr:
        raise InputError(
            f"crontab -l: {ended.stderr.decode(errors='replace').strip()}", hint="Ask who runs this machine"
        )
    return ended.stdout if not ended.returncode else b""


def change(db: str, job: cron.Job | None) -> bool:
    """Puts the line of an archive into the crontab, or takes it out; whether that changed anything. InputError, and
    nothing is changed, where it cannot be done."""
    before = read()
    after = cron.placed(before, db, job)
    if after == before:
        return False
    ended = _crontab("-", given=after)
    if ended.returncode:
        raise InputError(
            f"crontab refused it: {ended.stderr.decode(errors='replace').strip()}", hint="Nothing was changed"
        )
    if read() != after:
        raise InputError("the crontab is not what was written", hint="Look at it with `crontab -l`")
    return True


def _crontab(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C"}  # "no crontab for" in English
    try:
        return subprocess.run(
            ["crontab", *arguments], input=given, capture_output=True, check=False, timeout=SECONDS, env=environment
        )
    except FileNotFoundError:
        hint = "Install cron, or use --systemd"
        raise InputError("this machine has no crontab command", hint=hint) from None
    except subprocess.TimeoutExpired:
        raise InputError("crontab did not end", hint="Ask who runs this machine") from None
