"""`archiver check`: every quotation of a text against the archive. Reads only, stores nothing, asks nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from archiver.errors import InputError
from archiver.jobs import read, ruling, sources
from archiver.jobs.checked import Report
from archiver.jobs.checking import checked_document
from archiver.jobs.intake import printable
from archiver.store import schema
from archiver.store.archive import Archive, open_reader


def check_files(db: Path, files: Iterable[str], *, media_type: str = "", stdin: BinaryIO | None = None) -> Report:
    """Checks files, `-` for standard input, against one state of the archive. InputError when the archive cannot be
    read; a file that cannot be checked is a message in `problems`, and the rest goes on."""
    archive = open_reader(db)
    try:
        archive.db.execute("BEGIN")  # one state, whatever a run beside it writes
        _current(archive)
        coverage = sources.coverage(archive)
        report = Report(
            archive=str(db),
            posts=coverage.posts,
            documents=coverage.documents,
            cutoff=coverage.cutoff,
            policy=ruling.POLICY,
        )
        for file in files:
            name = "stdin" if file == "-" else printable(file)
            try:
                report.checked.append(checked_document(archive, coverage, name, _bytes(file, stdin), media_type))
            except InputError as error:
                report.problems.append(printable(str(error)))
            except OSError as error:
                report.problems.append(printable(f"{file}: {error.strerror or error}"))
        counted = Counter(q.verdict or q.status for document in report.checked for q in document.quotations)
        report.counts = dict(sorted(counted.items()))
        return report
    finally:
        archive.db.close()


def _current(archive: Archive) -> None:
    """Readings of another version have other tables; only a writer may make them again."""
    row = archive.one("SELECT value FROM work_state WHERE name = 'readings_version'")
    if row is None or row[0] != schema.READINGS_VERSION:
        raise InputError(
            "the readings of this archive were made by another version",
            place=str(archive.path),
            hint=f"Run `archiver rebuild --db {archive.path}` once, then check again",
        )


def _bytes(file: str, stdin: BinaryIO | None) -> bytes:
    if file == "-":
        if stdin is None:
            raise InputError("nothing on standard input", place="-", hint="Pipe a document into the command")
        data = stdin.read(read.MAX_SEED + 1)
    else:
        path = Path(file)
        if "://" in file and not path.exists():
            raise InputError(
                "an address cannot be checked: nothing is asked for", place=file, hint="Give a saved copy of the page"
            )
        if path.is_dir():
            raise InputError("this is a folder", place=file, hint="Name the files in it")
        if not path.exists():
            raise InputError("no such file", place=file, hint="Name a document, or - for standard input")
        with path.open("rb") as body:
            data = body.read(read.MAX_SEED + 1)
    if len(data) > read.MAX_SEED:
        raise InputError(f"more than {read.MAX_SEED:,} bytes", place=file, hint="Check it in parts")
    return data
