"""What a run finds around it that is not as it was, or not as its configuration says: an archive that was not there, a
configuration that is gone, secrets that are not in its environment. Each harms for years where nobody hears of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from archiver.jobs.session import Session
from archiver.jobs.trouble import ATTENTION, Trouble

CONFIGURED = "configured"
"""Under this name work remembers which file of configuration a run read last."""


def found(session: Session, *, made: bool) -> Iterator[Trouble]:
    """What is the matter. `made`: the archive was not there before."""
    if made:
        yield _new(session)
    before, config = session.state(CONFIGURED), session.config
    if config.file:
        place = _printable(str(Path(config.file).absolute()))
        if place != before:
            session.remember(CONFIGURED, place)
    elif before:
        yield Trouble(
            key="configuration",
            level=ATTENTION,
            what=f"earlier runs read {before}, and this one found no configuration: everything has its default",
            next="Run in its folder, name it with --config, or put it back; an empty file says that none is wanted",
        )
    for name in config.absent:
        yield Trouble(
            key=f"secret {name}",
            level=ATTENTION,
            what=f"the secret {name} is named in [secrets] and is not in the environment of this run",
            next="Set it where runs are started (above the line of the crontab; EnvironmentFile= of systemd)",
        )


def _new(session: Session) -> Trouble:
    """An archive that was made just now: where there was one before, something took its place."""
    name = str(session.archive.value("SELECT name FROM origin WHERE local = 1"))
    return Trouble(
        key="new",
        level=ATTENTION,
        what=f"a new archive was made here, with a log of its own ({name})",
        next="If there was one before, stop runs and put it back: its disk may not be mounted. Else keep a copy of the "
        "new key (archiver keys show)",
        passing=True,
    )


def _printable(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "backslashreplace")
