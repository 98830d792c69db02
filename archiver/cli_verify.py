"""`archiver verify`: recomputes and compares everything that an archive can say of itself."""

from __future__ import annotations

import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import click

from archiver.cli import DEFAULT_DB, FAILED, INTEGRITY, config_of, config_option, json_option
from archiver.custody import certificates
from archiver.errors import InputError, ParseError
from archiver.jobs import verify as jobs
from archiver.jobs.verifying_heads import read_kept, read_keys
from archiver.net.clock import text_of
from archiver.render.verify import print_verified, progress_bar

ARCHIVE = b"SQLite format 3\0"


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_DB)
@click.option("--since", default="", metavar="DATE", help="Only what was recorded from this day (UTC) on.")
@click.option("--sample", type=click.IntRange(min=0), metavar="N", help="Hash only N blobs, chosen at random.")
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A checkpoint that somebody kept: the log must continue it. Repeatable.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY",
    help="The public key of the log, or of a witness, that you have from elsewhere, or the file that `keys export` "
    "wrote. Repeatable.",
)
@click.option(
    "--roots",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PEM",
    help="Root certificates that you trust for timestamps, beside those of the configuration. Repeatable.",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    metavar="HEX",
    help="The header (80 bytes) of a Bitcoin block that an OpenTimestamps proof names. Repeatable.",
)
@click.option("--log", "record", is_flag=True, help="Keep the outcome in the log, as a `fixity` leaf.")
@click.option("--processes", type=click.IntRange(0, 256), default=0, help="Default: one for each core.")
@config_option
@json_option
def verify(
    path: Path,
    since: str,
    sample: int | None,
    kept: tuple[Path, ...],
    keys: tuple[str, ...],
    roots: tuple[Path, ...],
    blocks: tuple[str, ...],
    record: bool,
    processes: int,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Hashes every blob of the archive at PATH again, recomputes its log, and holds rows, signed heads, outside tokens,
    clocks and authors' proofs against it. Changes nothing. Exit code 4 says that something is wrong, 1 that something
    could not be checked; what, and why, is named.

    PATH may also be a bundle, a zip or its unpacked folder: then its files, proofs, captures and tokens are checked, as
    the verify.py in it would, with --key, --roots and --block only."""
    if _is_bundle(path):
        given = {"--since": since, "--sample": sample, "--checkpoint": kept, "--log": record}
        if unfit := [name for name, value in given.items() if value]:
            raise InputError(
                f"{unfit[0]} is for archives", place=str(path), hint="A bundle takes --key, --roots and --block"
            )
        from archiver.bundle.verify import main as check  # what travels with a bundle, and stands alone

        more = [part for text in keys for key in read_keys(text) for part in ("--key", str(key))]
        more += [part for file in roots if _roots(file) for part in ("--roots", str(file))]
        more += [part for text in blocks for part in ("--block", _header(text).hex())]
        sys.exit(check([str(path), *more, *(["--json"] if as_json else [])]))
    _must_be_archive(path)
    options = jobs.Options(
        since=_moment(since),
        sample=sample,
        kept=tuple(read_kept(file) for file in kept),
        keys=tuple(key for text in keys for key in read_keys(text)),
        roots=tuple(root for file in roots for root in _roots(file)),
        headers=tuple(_header(text) for text in blocks),
        processes=processes,
    )
    config = config_of(config_path)
    if record:
        from archiver.jobs.session import open_session  # loads every parser, which takes 200 ms
        from archiver.jobs.verifying_record import record as keep

        with open_session(path, config, doing="verify") as session:  # held from the start: nobody writes in between
            with progress_bar(quiet=as_json) as progress:
                report = jobs.verify(path, config, options, progress=progress)
            keep(session, report)
    else:
        with progress_bar(quiet=as_json) as progress:
            report = jobs.verify(path, config, options, progress=progress, alone=True)
    print_verified(report, as_json=as_json)
    sys.exit(INTEGRITY * bool(report.wrong_counts) | FAILED * bool(report.unchecked_counts))


def _is_bundle(path: Path) -> bool:
    """Whether this is the folder of a bag, or a zip: also one that lost its end on its way. An archive is none,
    whatever stands at its end."""
    if path.is_dir():
        return (path / "bagit.txt").is_file()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(len(ARCHIVE))
    return start.startswith(b"PK\3\4") or (start != ARCHIVE and zipfile.is_zipfile(path))


def _must_be_archive(path: Path) -> None:
    """What is neither archive nor bundle is told as what it is."""
    if path.is_dir():
        inside = path / "bundle"
        hint = f"Name {inside}" if (inside / "bagit.txt").is_file() else "Name an archive file or a bundle"
        raise InputError("this is a folder, not an archive or a bundle", place=str(path), hint=hint)
    if not path.exists():
        if path == DEFAULT_DB:
            raise InputError("no archive here yet", place=str(path), hint="Run `archiver run SEED` first")
        raise InputError("no such file", place=str(path), hint="Name an archive file or a bundle")
    with path.open("rb") as file:
        start = file.read(len(ARCHIVE))
    if start != ARCHIVE:
        what = "this is neither an archive nor a bundle" if start else "this file is empty"
        raise InputError(what, place=str(path), hint="Name an archive, or a bundle: its zip or its unpacked folder")


def _moment(text: str) -> str:
    """A day or a moment as the archive writes times."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("this is no date", place="--since", hint="Write it as 2026-03-16") from None
    return text_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _header(text: str) -> bytes:
    try:
        header = bytes.fromhex(text)
    except ValueError:
        header = b""
    if len(header) != 80:
        raise InputError("this is no header of a block", place="--block", hint="Give its 160 hexadecimal digits")
    return header


def _roots(file: Path) -> tuple[bytes, ...]:
    try:
        return certificates.from_pem(file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(file), hint="Give a PEM file") from None
    except ParseError as error:
        raise InputError(error.message, place=str(file), hint="Give a PEM file of root certificates") from None
