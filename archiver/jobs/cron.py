"""The line with which cron runs the archive, and the units with which systemd does: made, read back, and put among what
else stands in a crontab.

A crontab ends a command at `%` (crontab(5)); how it takes a backslash differs between crons, so none is ever written
but the one before `%`. systemd expands `%` in all values and `$` in arguments (systemd.service(5), systemd.unit(5)).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from archiver.errors import InputError, ParseError

LONGEST = 900
"""Bytes of a line: crons cut at about a thousand."""
EVERY = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440)
"""Minutes between two runs that a crontab can say."""
NEEDED = ("XDG_CONFIG_HOME",)
"""Variables of this shell that decide where keys are: cron does not have them."""
_BAD = re.compile(r"[\x00-\x1f\x7f]")
_MOMENT = re.compile(r"(?P<moment>(\S+ ){4}\S+) (?P<command>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run: `argv` is called in `folder` every `every` minutes, with `environment` added to what cron gives.

    >>> str(Job(folder="/srv/50%", argv=("/opt/archiver", "run"), every=15))
    "*/15 * * * * cd '/srv/50\\\\%' && /opt/archiver run"
    """

    folder: str
    argv: tuple[str, ...]
    every: int = 15
    environment: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The line of a crontab. InputError when no line can say it."""
        for text in (self.folder, *self.argv, *(value for _, value in self.environment)):
            if _BAD.search(text) or "\\" in text:
                reason = f"a crontab cannot say a path with control characters or backslashes: {text!r}"
                raise InputError(reason, hint="Use --systemd, or another folder")
        given = [f"{name}={shlex.quote(value)}" for name, value in self.environment]
        command = f"cd {shlex.quote(self.folder)} && {' '.join([*given, shlex.join(self.argv)])}"
        line = f"{moment(self.every)} {command.replace('%', chr(92) + '%')}"
        if len(line.encode("utf-8", "surrogateescape")) > LONGEST:
            raise InputError(f"the line would be longer than {LONGEST} bytes", hint="Use --systemd, or shorter paths")
        return line

    @classmethod
    def parse(cls, line: str) -> Job:
        """The inverse of `str`. ParseError for a line of another form."""
        found = _MOMENT.fullmatch(line)
        moments = {moment(every): every for every in EVERY}
        if found is None or found["moment"] not in moments:
            raise ParseError("this is no line of ours")
        try:
            words = shlex.split(found["command"].replace("\\%", "%"))
        except ValueError as error:
            raise ParseError(f"this is no command: {error}") from None
        if len(words) < 4 or words[0] != "cd" or words[2] != "&&":
            raise ParseError("this is no command of ours")
        rest, environment = words[3:], list[tuple[str, str]]()
        while rest and re.match(r"[A-Z_]+=", rest[0]):
            name, _, value = rest.pop(0).partition("=")
            environment.append((name, value))
        made = cls(folder=words[1], argv=tuple(rest), every=moments[found["moment"]], environment=tuple(environment))
        try:
            same = bool(rest) and str(made) == line
        except InputError:
            same = False
        if not same:
            raise ParseError("this is no command of ours")
        return made


def moment(every: int) -> str:
    """The five fields of a crontab. InputError for minutes that they cannot say."""
    if every not in EVERY:
        raise InputError(f"no crontab says every {every} minutes", place="--every", hint=f"Choose one of {EVERY}")
    if every < 60:
        return f"{'*' if every == 1 else f'*/{every}'} * * * *"
    hours = every // 60
    return f"0 {'*' if hours == 1 else '0' if hours == 24 else f'*/{hours}'} * * *"


# ---- a crontab --------------------------------------------------------------------------------------------


def _markers(db: str) -> tuple[bytes, bytes]:
    name = _BAD.sub("?", db).encode("utf-8", "surrogateescape")
    return b"# >>> quotechain " + name, b"# <<< quotechain " + name


def placed(crontab: bytes, db: str, job: Job | None) -> bytes:
    """A crontab with the line of the archive `db` between its markers, once; without it where `job` is None. All other
    bytes stay. InputError when the markers were taken apart."""
    begin, end = _markers(db)
    lines = crontab.splitlines(keepends=True)
    bare = [line.rstrip(b"\r\n") for line in lines]
    if bare.count(begin) > 1 or bare.count(begin) != bare.count(end):
        raise InputError("the markers in this crontab are not a pair", place=begin.decode(errors="replace"), hint=_HAND)
    told = () if job is None else (*HINTS, str(job))
    mine = [begin + b"\n", *(line.encode("utf-8", "surrogateescape") + b"\n" for line in told), end + b"\n"]
    mine = mine if told else []
    if begin in bare:
        first, last = bare.index(begin), bare.index(end)
        if last < first:
            raise InputError("the markers are in the wrong order", place=begin.decode(errors="replace"), hint=_HAND)
        return b"".join([*lines[:first], *mine, *lines[last + 1 :]])
    if mine and lines and not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    return b"".join([*lines, *mine])


_HAND = "Mend it with `crontab -e`"


HINTS = (
    "# Two runs never overlap: the second one steps aside. cron mails what is printed to MAILTO; --quiet prints only",
    "# what needs somebody. Secrets that archiver.toml names are not in cron's environment: set them above.",
)


def found(crontab: bytes, db: str) -> Job | None:
    """The job of an archive in a crontab: a line of the form that is written here."""
    for line in crontab.decode("utf-8", "surrogateescape").splitlines():
        try:
            job = Job.parse(line)
        except ParseError:
            continue
        if archive_of(job) == db:
            return job
    return None


def names(crontab: bytes, db: str) -> bool:
    """Whether a line of whatever form, that is no comment, names this program and an archive."""
    wanted = db.replace("%", "\\%").encode("utf-8", "surrogateescape")
    lines = [line.strip() for line in crontab.splitlines()]
    return any(b"archiver" in line and wanted in line for line in lines if not line.startswith(b"#"))


def archive_of(job: Job) -> str:
    """The archive that a job runs over."""
    given = job.argv[job.argv.index("--db") + 1] if "--db" in job.argv[:-1] else "data/archive.db"
    return str(PurePosixPath(job.folder) / given)


# ---- systemd ----------------------------------------------------------------------------------------------

_SERVICE = """\
# {name}.service: one run. Put it into /etc/systemd/system beside {name}.timer, then:
#   systemctl daemon-reload && systemctl enable --now {name}.timer
# Secrets: EnvironmentFile=/etc/quotechain/secrets (mode 600, lines of NAME=VALUE).
# systemd mails nobody: what a run says stands in `journalctl -u {name}`, and while one hangs no other is started. Let a
# monitor call `archiver status --check`, and name a unit in OnFailure= below that tells you.
[Unit]
Description=quotechain: one run over {db}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={user}
WorkingDirectory={folder}
{environment}ExecStart={command}
# 1: something was not captured and will be tried again.
SuccessExitStatus=1
Nice=10
IOSchedulingClass=idle
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writes}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""

_TIMER = """\
# {name}.timer
[Unit]
Description=quotechain: when to run over {db}

[Timer]
OnCalendar={calendar}
RandomizedDelaySec=60
Persistent=true

[Install]
WantedBy=timers.target
"""


def units(job: Job, *, name: str, user: str, db: str, writes: tuple[str, ...]) -> dict[str, str]:
    """A service and a timer, by file name. `writes` are the folders that a run writes to. InputError for what no unit
    can say."""
    texts = (job.folder, db, user, *job.argv, *writes, *(value for _, value in job.environment))
    if bad := next((text for text in texts if _BAD.search(text)), ""):
        raise InputError(f"a unit cannot say a path with control characters: {bad!r}", hint="Use another folder")
    if job.folder != job.folder.strip() or job.folder.endswith("\\"):
        raise InputError(f"a unit cannot say this folder: {job.folder!r}", hint="Use another folder")
    # A program may not have such a name, and its `$` would not be expanded; as an argument of env it may.
    argv = ("/usr/bin/env", *job.argv) if re.search(r"[$'\"\\]", job.argv[0]) else job.argv
    described = db.replace("%", "%%").rstrip("\\")
    values = {
        "name": name,
        "db": described,
        "user": user,
        "folder": job.folder.replace("%", "%%"),
        "environment": "".join(f"Environment={_quoted(f'{key}={value}')}\n" for key, value in job.environment),
        "command": " ".join(_quoted(word).replace("$", "$$") for word in argv),
        "writes": " ".join(_quoted(f"-{path}") for path in writes),
        "calendar": calendar(job.every),
    }
    return {f"{name}.service": _SERVICE.format(**values), f"{name}.timer": _TIMER.format(**values)}


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[^A-Za-z0-9_@%+=:,./-]", word) or not word else escaped


def calendar(every: int) -> str:
    """The same moments as `moment`, as systemd.time(7) writes them."""
    moment(every)
    if every < 60:
        return f"*:0/{every}"
    return "hourly" if every == 60 else "daily" if every == 1440 else f"0/{every // 60}:00"


def unit_name(db: Path) -> str:
    """A name for units that is plain and tells archives apart."""
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", db.stem).strip("-")
    return "quotechain" if stem in ("", "archive") else f"quotechain-{stem}"
