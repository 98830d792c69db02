"""`archiver install-cron`: how the archive is run again and again."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

import click

from archiver.cli import config_of, config_option, db_option
from archiver.errors import InputError
from archiver.jobs.config import LOG_KEY, Config
from archiver.jobs.hooks import SECRET


@click.command("install-cron")
@click.option("--every", type=int, default=15, show_default=True, metavar="MINUTES", help="Minutes between two runs.")
@click.option("--write", is_flag=True, help="Put the line into this user's crontab, in place of an earlier one.")
@click.option("--remove", is_flag=True, help="Take the line out of this user's crontab.")
@click.option("--systemd", is_flag=True, help="Print a systemd service and timer instead.")
@db_option
@config_option
def install_cron(every: int, write: bool, remove: bool, systemd: bool, db: Path, config_path: Path | None) -> None:
    """Prints the crontab line that runs this archive from this folder; --write puts it into the crontab, where all
    other lines stay as they are."""
    from archiver.jobs import cron, crontab, keyring

    if write + remove + systemd > 1:
        raise InputError("--write, --remove and --systemd exclude each other", hint="Choose one")
    config = config_of(config_path)
    archive = str(db.absolute())
    job = cron.Job(
        folder=str(Path.cwd()),
        argv=(*_program(), "run", "--quiet", "--db", archive, *_configured(config_path)),
        every=every,
        environment=tuple((name, os.environ[name]) for name in cron.NEEDED if os.environ.get(name)),
    )
    if systemd:
        keys = Path(config.log_key_file).expanduser().absolute().parent if config.log_key_file else keyring.folder()
        folders = [db.absolute().parent, keys, *([Path(config.metrics).absolute().parent] if config.metrics else [])]
        writes = dict.fromkeys(str(_existing(folder)) for folder in folders)
        made = cron.units(job, name=cron.unit_name(db), user=getpass.getuser(), db=archive, writes=tuple(writes))
        click.echo("\n".join(made.values()), nl=False)
    elif write or remove:
        changed = crontab.change(archive, None if remove else job)
        said = ("Put into the crontab:", str(job)) if write else ("Taken out of the crontab.",)
        click.echo("\n".join(said if changed else ("The crontab says so already.",)))
    else:
        click.echo("\n".join((*cron.HINTS, str(job))))
    for told in () if remove else _missed(config, config_path):
        click.echo(f"archiver: {told}", err=True)


def _missed(config: Config, config_path: Path | None) -> list[str]:
    """What runs that are started from here would not have, and this shell has or may mean to have."""
    told = []
    if not Path("seeds").is_dir() and config_path is None and not config.file:
        told.append("neither seeds/ nor archiver.toml is in this folder, and runs will look for both here")
    here = [name for name in (*config.secrets, LOG_KEY, SECRET) if os.environ.get(name)]
    if here:
        told.append(f"not in the environment of such runs, unless you set it there: {', '.join(here)}")
    return told


def _program() -> tuple[str, ...]:
    """How cron calls this program, which knows neither PATH nor a virtual environment."""
    beside = Path(sys.executable).with_name("archiver")
    return (str(beside),) if beside.is_file() else (sys.executable, "-m", "archiver")


def _existing(folder: Path) -> Path:
    """The folder, or the one above it in which a first run makes it: systemd opens what is there when a run begins."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _configured(config_path: Path | None) -> tuple[str, ...]:
    return () if config_path is None else ("--config", str(config_path.absolute()))
