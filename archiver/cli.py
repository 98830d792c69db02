"""The command line. Heavy imports wait until a command needs them, so that `archiver --version` is quick.

Exit codes are bits: 0 all done; 1 something was not captured and will be tried again, or cannot be; 2 bad input
(also click's own code for a wrong option); 4 integrity: stored evidence or readings do not agree; 8 `check` found an
altered or spliced quotation, or words under another author's name.
"""

from __future__ import annotations

import dataclasses
import errno
import gc
import importlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver import __version__
from archiver.errors import ArchiverError, InputError, IntegrityError
from archiver.store.refusals import DatabaseError, refusal

if TYPE_CHECKING:
    from archiver.jobs.config import Config

FAILED, BAD_INPUT, INTEGRITY, UNFAITHFUL = 1, 2, 4, 8
DEFAULT_DB = Path("data/archive.db")


def _archive_of(context: click.Context, option: click.Parameter, value: Path) -> Path:
    """Keeps which archive a command uses, so that an error of its file can name it."""
    del option
    context.meta[ARCHIVE] = value
    return value


ARCHIVE = "archiver.archive"
db_option = click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_DB,
    show_default=True,
    callback=_archive_of,
    help="The archive file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), help="Configuration; default archiver.toml if present."
)
private_option = click.option(
    "--allow-private",
    multiple=True,
    metavar="HOST",
    help="A private host, address or range (with :PORT if wanted) that may be asked. Repeatable.",
)
seed_options = (
    click.option("--collection", default="", help="Name under which these seeds are filed."),
    click.option("--column", default="", help="Column that holds the addresses, for .csv and .tsv."),
    click.option("--type", "media_type", default="", help="Media type of the seeds, when it cannot be seen."),
)


def with_seed_options(command: Any) -> Any:
    """Adds the options that say how seeds are read."""
    for option in reversed(seed_options):
        command = option(command)
    return command


ELSEWHERE = {
    "run": "archiver.cli_run",
    "status": "archiver.cli_run",
    "keys": "archiver.cli_keys",
    "export": "archiver.cli_export",
    "verify": "archiver.cli_verify",
    "erase": "archiver.cli_erase",
    "seeds": "archiver.cli_seeds",
    "retain": "archiver.cli_retain",
    "backup": "archiver.cli_backup",
    "install-cron": "archiver.cli_cron",
    "doctor": "archiver.cli_doctor",
}
"""Commands with a module of their own, loaded when asked for: name → module with a command of that name."""

ORDER = ("run", "add", "status", "show", "check", "resolve", "rebuild", "serve")
"""What stands first in the list of commands."""


def _say(text: str, *, err: bool = False) -> None:
    from archiver.render.text import say  # only where something is said: `--version` loads nothing of weight

    say(text, err=err)


class Commands(click.Group):
    """Turns every error raised on purpose into one line and a truthful exit code."""

    def list_commands(self, context: click.Context) -> list[str]:
        names = [*self.commands, *ELSEWHERE]
        return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), names.index(name)))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in ELSEWHERE:
            return super().get_command(context, name)
        found = getattr(importlib.import_module(ELSEWHERE[name]), name.replace("-", "_"))
        return found if isinstance(found, click.Command) else None

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo("archiver: interrupted. What was stored is kept; run the command again to go on.", err=True)
            context.exit(FAILED)
        except DatabaseError as error:
            told = refusal(error, context.meta.get(ARCHIVE, DEFAULT_DB))
            if told is None:
                raise  # a fault of this program
            _say(f"archiver: {told}", err=True)
            context.exit(INTEGRITY if isinstance(told, IntegrityError) else BAD_INPUT)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # nobody reads on: click ends quietly
            place = f"{error.filename}: " if error.filename else ""
            _say(f"archiver: {place}{error.strerror or error}", err=True)
            context.exit(BAD_INPUT)
        except InputError as error:
            _say(f"archiver: {error}", err=True)
            context.exit(BAD_INPUT)
        except IntegrityError as error:
            _say(f"archiver: the archive does not agree with itself: {error}", err=True)
            context.exit(INTEGRITY)
        except ArchiverError as error:
            _say(f"archiver: {error}", err=True)
            context.exit(BAD_INPUT)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="archiver")
def main() -> None:
    """Captures the social posts that documents quote, follows them to their origin, judges the quotations."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an archive holds letters that a terminal may not have
    gc.set_threshold(20_000, 20, 20)  # what a command imports stays: looking for garbage in it was 8 % of a start


def config_of(path: Path | None, allow_private: tuple[str, ...] = ()) -> Config:
    from archiver.jobs.config import load

    default = Path("archiver.toml")
    return load(path or (default if default.is_file() else None), allow_private=allow_private)


@main.command()
@click.argument("seeds", nargs=-1, required=True)
@with_seed_options
@db_option
@config_option
@json_option
def add(
    seeds: tuple[str, ...],
    collection: str,
    column: str,
    media_type: str,
    db: Path,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Stores and reads SEEDS and queues what they quote, without asking anybody."""
    from archiver.jobs.run import Options, run_archive
    from archiver.render.run import print_run

    options = Options(
        seeds=seeds,
        collection=collection,
        column=column,
        media_type=media_type,
        offline=True,
        command=" ".join(sys.argv[1:]),
    )
    report = run_archive(db, config_of(config_path), options)
    print_run(report, db, as_json=as_json)
    sys.exit(BAD_INPUT * bool(report.problems) | INTEGRITY * bool(report.broken))


@main.command()
@click.argument("what")
@db_option
@json_option
def show(what: str, db: Path, as_json: bool) -> None:
    """A post, document, mention or account: versions, chain, captures, verdicts. WHAT is a ref (x:post:20), an address,
    the name of a seed, or a doc: ref as a report shortens it."""
    from archiver.jobs.show import show_ref
    from archiver.render.show import print_shown
    from archiver.store.archive import open_reader

    print_shown(show_ref(open_reader(db), what), as_json=as_json)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|-...")
@click.option("--type", "media_type", default="", help="Media type of the files, when it cannot be seen.")
@click.option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="PATH",
    help="Write one self-contained page with the texts side by side; - for standard output, in place of the report.",
)
@db_option
@json_option
def check(files: tuple[str, ...], media_type: str, html_path: Path | None, db: Path, as_json: bool) -> None:
    """Compares every quotation in FILE (or - for standard input) with the archive. Asks nobody and stores nothing.
    Exit code 8 says that a quotation was altered or put together from several posts, or that its words were found only
    in posts of another author than the one that it names."""
    from archiver.jobs.check import check_files
    from archiver.net.clock import utc_now
    from archiver.render.check import print_check

    if as_json and str(html_path) == "-":
        raise InputError("--json and --html - both want standard output", hint="Give --html a path")
    report = check_files(db, files, media_type=media_type, stdin=sys.stdin.buffer if "-" in files else None)
    unwritten = ""
    if html_path is not None:
        from archiver.render.check_html import html_of
        from archiver.render.check_page import write_page

        page = html_of(report, made_at=utc_now())
        if str(html_path) == "-":
            click.echo(page, nl=False)
        else:
            try:
                write_page(html_path, page)
            except InputError as error:
                unwritten = f"archiver: {error}"  # what was found is told all the same
    if html_path is None or str(html_path) != "-":
        print_check(report, as_json=as_json)
    if unwritten:
        _say(unwritten, err=True)
    stops = report.unfaithful or report.misattributed
    sys.exit(UNFAITHFUL * stops | BAD_INPUT * bool(report.problems or unwritten))


@main.command()
@click.argument("mention")
@click.argument("url")
@click.option("--reason", required=True, help="Why this mention is that post: kept with the decision.")
@click.option("--by", default="", help="Who decides; default is the operator of the configuration.")
@db_option
@config_option
@json_option
def resolve(mention: str, url: str, reason: str, by: str, db: Path, config_path: Path | None, as_json: bool) -> None:
    """Records your decision that MENTION (a doc:passage ref) is the post at URL (an address or a ref)."""
    from archiver.jobs.deciding import resolve_mention

    decided = resolve_mention(db, config_of(config_path), mention, url, reason=reason, by=by)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(decided), indent=2))
    else:
        _say(f"{decided.mention} is {decided.post} (leaf {decided.leaf}): {decided.reason}")
        click.echo(
            "It is queued: `archiver run` captures it." if decided.queued else "It was queued or captured before."
        )
        for told in decided.notes:
            _say(f"Note: {told}")
    sys.exit(INTEGRITY if decided.broken else 0)


@main.command()
@click.option(
    "--matches",
    is_flag=True,
    help="Judge every mention again under the present rules and say what is said otherwise; captures are read again "
    "only where mentions are found by other rules.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Only compare: change nothing, exit with 4 when something differs; a changed rule is no fault, so with 1 "
    "where mentions were found by older rules and, with --matches, when something would be said otherwise.",
)
@db_option
@config_option
@json_option
def rebuild(matches: bool, check: bool, db: Path, config_path: Path | None, as_json: bool) -> None:
    """Makes all readings again from the evidence, or with --matches the verdicts alone."""
    from archiver.jobs.rebuild import rebuild as run_rebuild
    from archiver.jobs.rejudge import forget, rejudge
    from archiver.jobs.session import open_session
    from archiver.render.rebuild import print_rebuilt, print_rejudged

    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    with open_session(db, config_of(config_path)) as session:
        if matches:
            rejudged = rejudge(session, check=check)
            print_rejudged(rejudged, check=check, as_json=as_json)
            if not check:
                sys.stdout.flush()
                forget(session)  # what was before is kept until it was told, also where nobody read on
        else:
            report = run_rebuild(session, check=check)
    if matches:
        sys.exit(FAILED if check and rejudged.changed else 0)
    print_rebuilt(report, check=check, as_json=as_json)
    differs = INTEGRITY if report.comparable else FAILED
    sys.exit(differs if check and report.differences else 0)


@main.command(context_settings={"ignore_unknown_options": True})
@db_option
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True, help="Where it listens.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Who can reach it; default: this machine only.")
@click.option(
    "--public", is_flag=True, help="For strangers: no SQL, no bundles, lower limits, no pages about the server."
)
@click.option("--metadata", type=click.Path(path_type=Path), help="Default: datasette-metadata.json.")
@click.option("--print", "print_only", is_flag=True, help="Print the command instead of running it.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(
    db: Path, port: int, host: str, public: bool, metadata: Path | None, print_only: bool, arguments: tuple[str, ...]
) -> None:
    """Opens Datasette on the archive, with the flags that the installed Datasette needs."""
    import os
    import shlex

    from archiver.jobs.serving import LOOPBACK, address_of, command_for, environment
    from archiver.store.archive import open_reader

    command = command_for(db, port=port, host=host, metadata=metadata, extra=arguments, public=public)
    if host not in LOOPBACK and not public:
        click.echo(
            f"Whoever can reach {host} reads all of this archive, deleted posts too, and sees which files it is made "
            "of. Add --public, and put a log-in in front (docs/reading-room.md).",
            err=True,
        )
    if print_only:
        click.echo(shlex.join(command))
        return
    open_reader(db).close()  # what cannot be read is told here: Datasette would print a traceback
    click.echo(f"Reading room: {address_of(db, port=port, host=host, extra=arguments)}", err=True)
    os.execve(command[0], command, environment(os.environ))
