"""`archiver doctor`: looks at everything that a run depends on, and says what is wrong and what to do. Changes nothing.

By default nobody is asked; what this machine, the archive and its history say is enough for most of it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archiver.errors import ArchiverError, InputError, IntegrityError
from archiver.jobs import clocks, keyring, keys, machine, running
from archiver.jobs.config import KNOWN_SECRETS, LOG_KEY, Config, load
from archiver.jobs.diagnosed import OK, WRONG, Sign, ok, warning, wrong
from archiver.jobs.hooks import SECRET
from archiver.net.clock import utc_now
from archiver.store.archive import Archive, DatabaseError, migrations, open_reader
from archiver.store.checkpoints import Tree

DEFAULT_CONFIG = Path("archiver.toml")
CRON_PATH = "/usr/bin:/bin"
SMALL = 256 << 20
"""Bytes of an archive that SQLite checks in a second or two."""


@dataclass(slots=True, kw_only=True)
class Diagnosis:
    """Everything that was looked at, in order."""

    archive: str
    at: str
    signs: list[Sign] = field(default_factory=list)

    @property
    def code(self) -> int:
        """0 all is well, 1 somebody should look, 2 something is wrong."""
        states = {sign.state for sign in self.signs}
        return 2 if WRONG in states else int(bool(states - {OK}))


def diagnose(
    db: Path,
    config_path: Path | None,
    *,
    network: bool = False,
    probe: bool = False,
    examples: Iterable[str] = (),
    now: Callable[[], str] = utc_now,
    environment: Mapping[str, str] = os.environ,
) -> Diagnosis:
    """Looks at all of it. `network` asks the services that vouch for the log, `probe` each route of each platform.
    InputError only for an example that no platform knows."""
    found = Diagnosis(archive=str(db.absolute()), at=now())
    signs = found.signs
    config, told = _configuration(config_path, environment)
    signs += told
    archive, told = _opened(db)
    signs += told
    try:
        signs += machine.disk(db, archive, now=found.at, largest=int(config.network.get("max_bytes", machine.SPOOL)))
        signs += machine.file_system(db)
        signs += machine.permissions(db)
        signs += machine.versions()
        if archive is not None:
            signs += _guarded("archive", _file(archive))
            signs += _guarded("key", _keys(archive, config, environment))
            signs += _guarded("clock", clocks.of_captures(archive, found.at))
            signs += _guarded("runs", running.runs(archive, db, now=found.at, environment=environment))
        if network or probe:
            from archiver.jobs import probing  # loads every platform and httpx: only when somebody is to be asked

            signs += probing.anchors(config) if network else ()
            signs += probing.probe(config, archive, examples) if probe else ()
    finally:
        if archive is not None:
            archive.db.close()
    return found


def _guarded(check: str, signs: Iterator[Sign]) -> list[Sign]:
    """What an archive could be asked, as far as it could be read."""
    found = list[Sign]()
    try:
        found.extend(signs)  # what came before an error stays
    except (DatabaseError, IntegrityError, ValueError) as error:
        next_ = "Run `archiver verify`, and look for a backup"
        found.append(wrong(check, f"the archive does not say what it must: {error}", next_))
    return found


# ---- configuration ----------------------------------------------------------------------------------------


def _configuration(path: Path | None, environment: Mapping[str, str]) -> tuple[Config, list[Sign]]:
    """The configuration as far as it can be used, and what is the matter with it."""
    chosen = path or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    try:
        config = load(chosen, environment=environment)
    except InputError as error:
        hint = error.hint or "Mend it: docs/configuration.md lists every table and key"
        return Config(), [wrong("configuration", error.message, hint, error.place or str(chosen))]
    place = str(chosen or "")
    said = "read, every key known" if chosen else "no archiver.toml here: everything has its default"
    return config, [ok("configuration", said, place), *_told(config, chosen, environment)]


def _told(config: Config, path: Path | None, environment: Mapping[str, str]) -> Iterator[Sign]:
    place = str(path or "archiver.toml")
    if path is not None:
        mode = path.stat().st_mode
        if mode & (stat.S_IWOTH | stat.S_IWGRP):
            what = f"others than its owner may change it (mode {mode & 0o777:o}), and it names commands and addresses"
            yield wrong("configuration", what, f"chmod go-w {path}", place)
    if not (config.network.get("contact") or config.network.get("user_agent")):
        what = "no contact: whoever is asked too often cannot tell you"
        yield warning("configuration", what, 'Set contact = "…" in [network]: an address that you read', place)
    yield from _hooks(config, place)
    if config.key_file and Path(config.key_file).stat().st_mode & 0o077:
        what = "others than its owner may use the key that signs requests"
        yield wrong("secrets", what, f"chmod 600 {config.key_file}", config.key_file)
    raw = tomllib.loads(path.read_text("utf-8")) if path is not None else {}
    named = tuple(raw.get("secrets", {}).get("names", ()))
    for name in named:
        if not environment.get(name):
            what = f"the secret {name} is named, and not in this environment"
            yield warning("secrets", what, "Set it where the archiver is started (for cron: above the line)", place)
    unused = [name for name in KNOWN_SECRETS if environment.get(name) and named and name not in named]
    if "X_GUEST_BEARER" in config.secrets and "x.graphql_query_id" not in config.settings.options:
        unused.append("X_GUEST_BEARER")
    for name in dict.fromkeys(unused):
        what = f"the secret {name} is in the environment, and nothing uses it"
        yield warning("secrets", what, "Configure what needs it, or take it out of the environment", place)
    if used := sorted(set(config.secrets) - set(unused)):
        yield ok("secrets", f"{len(used)} at hand: {', '.join(used)}")


def _hooks(config: Config, place: str) -> Iterator[Sign]:
    """Whether who is named in `[hooks]` and `[metrics]` can be told, before there is something to tell."""
    if config.hooks.command:
        program = config.hooks.command[0]
        if shutil.which(program) is None:
            what = f"the command of [hooks] cannot be started: {program}"
            yield wrong("hooks", what, "Name a program that is there and may be executed, by its whole path", place)
        elif "/" not in program and shutil.which(program, path=CRON_PATH) is None:
            what = f"the command of [hooks] is found here, and cron looks in /usr/bin and /bin alone: {program}"
            yield warning("hooks", what, "Name it by its whole path", place)
    if config.hooks.webhook and not config.hooks.secret:
        what = f"the environment has no {SECRET}, and nothing is posted unsigned"
        yield wrong("hooks", what, "Set it here and where runs are started (docs/operation.md)", place)
    if config.metrics:
        folder = Path(config.metrics).absolute().parent
        if not folder.is_dir():
            yield wrong("metrics", f"no such folder: {folder}", "Make it, or name another file in [metrics]", place)
        elif not os.access(folder, os.W_OK):
            yield wrong("metrics", f"this user may not write there: {folder}", "Give it to this user", place)


# ---- the archive ------------------------------------------------------------------------------------------


def _opened(db: Path) -> tuple[Archive | None, list[Sign]]:
    """The archive for reading, and what is the matter with it."""
    if not db.exists():
        return None, [warning("archive", "no archive here yet", "Run `archiver run SEED` first", str(db))]
    try:
        archive = open_reader(db)
        version, known = int(str(archive.value("PRAGMA user_version"))), migrations()[-1][0]
    except (ArchiverError, DatabaseError, OSError, UnicodeDecodeError) as error:
        what = error.message if isinstance(error, InputError) else f"it cannot be read: {error}"
        return None, [wrong("archive", what, "Name the archive with --db, or put a backup back", str(db))]
    if version > known:
        archive.db.close()
        what = f"it has schema {version}, and this version knows {known}"
        return None, [wrong("archive", what, "Install the newer quotechain", str(db))]
    if version < known:
        what = f"it has schema {version}: the next run copies it and brings it to {known}"
        return archive, [warning("archive", what, "Make a backup on another disk first, if you have none", str(db))]
    return archive, [ok("archive", f"schema {version}", str(db))]


def _file(archive: Archive) -> Iterator[Sign]:
    """SQLite's own opinion of the file; of a large one only `archiver verify` and a backup know more."""
    size, place = archive.path.stat().st_size, str(archive.path)
    if size > SMALL:
        yield ok("archive", "too large to be checked here: `archiver verify` and `archiver backup` do", place)
        return
    faults = [str(row[0]) for row in archive.all("PRAGMA quick_check(3)")]
    if faults == ["ok"]:
        yield ok("archive", "SQLite finds the file sound", place)
    else:
        what = f"SQLite finds the file unsound: {'; '.join(faults)}"
        yield wrong("archive", what, "Stop runs, keep this file, and put a backup back (docs/operation.md)", place)


def _keys(archive: Archive, config: Config, environment: Mapping[str, str]) -> Iterator[Sign]:
    """Whether the log is signed, can be signed again, and is still the one that was signed."""
    if archive.one("SELECT 1 FROM sqlite_schema WHERE name = 'log_key'") is None:
        yield warning("key", "an archive of this schema is not signed", "The next run signs it")
        return
    for origin, name in archive.all("SELECT id, name FROM origin WHERE local = 1"):
        tree = Tree(archive, origin)
        shown = keys.show(tree, config)
        yield from _key(tree, shown, config, archive.path)
        try:
            head = keyring.seen(config, name)
        except InputError as error:
            yield wrong("log", error.message, error.hint, error.place)
            continue
        if head is not None and not tree.holds(head):
            what = f"it is not the log that was signed last: {head.size} leaves were, and it has {shown.leaves}"
            what += " of them" if shown.leaves < head.size else ", others than those"
            hint = (
                "It was restored, copied or changed: docs/operation.md, When the backup is older than what was signed"
            )
            yield wrong("log", what, hint, str(archive.path))
        elif head is not None:
            yield ok("log", f"it holds the head of {head.size} leaves that was signed last", name)
    if environment.get(LOG_KEY):
        what = f"the key comes from {LOG_KEY}, which cron and systemd do not have by themselves"
        yield warning("key", what, "Set it for them, too, or use a key file")


def _key(tree: Tree, shown: keys.Shown, config: Config, db: Path) -> Iterator[Sign]:
    active = [key for key in shown.keys if key.retired is None]
    if shown.problem:
        yield wrong("key", shown.problem, "", shown.place)
    elif not active:
        yield warning(
            "key", "no key signs this log yet", "The next run makes one, or `archiver keys create`", shown.place
        )
    elif missing := [key.key_id for key in active if not key.here]:
        hint = "Put it there; if it is lost, `archiver keys rotate` adds another"
        some = warning if len(missing) < len(active) else wrong
        yield some("key", f"the private part of {', '.join(missing)} is not there", hint, shown.place)
    else:
        yield ok(
            "key", f"{len(active)} at hand; the first {shown.signed} of {shown.leaves} leaves are signed", shown.place
        )
    path = Path(shown.place)
    if config.log_key or not path.exists():
        return
    if path.resolve().is_relative_to(db.resolve().parent):
        what = "the key lies beside the archive: whoever copies the folder can sign in its name"
        yield warning("key", what, "Name another place by key_file in [custody]", shown.place)
    if path.parent.stat().st_mode & 0o022:
        yield wrong("key", "others may replace the key file", f"chmod go-w {path.parent}", str(path.parent))
    if not os.access(path.parent, os.W_OK):
        what = "the head that is signed cannot be kept beside the key: a restored backup would go unnoticed"
        yield warning("key", what, "Let this user write there", str(path.parent))
