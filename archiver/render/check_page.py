"""Writing the page of a check, without ever replacing a file that is no such page: a draft or an archive, for one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from archiver.errors import InputError
from archiver.render.check_html import TITLE

_BEGIN, _HEAD = b"<!doctype html>", 2000


def write_page(path: Path, page: str) -> None:
    """Writes a page to a new file, or whole in the place of an earlier page of a check. InputError where the path is a
    file of another kind, or cannot be written."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(page, "utf-8")  # a pipe or a device
            return
        if path.exists() and not _is_page(path):
            raise InputError(
                "this file is no page of an earlier check, so it is not replaced",
                place=str(path),
                hint="Give --html another name",
            )
        _replace(path.resolve(), page.encode("utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            "the folder of this page does not exist", place=str(path), hint="Make it, or give --html another path"
        ) from error
    except OSError as error:
        raise InputError(
            f"the page cannot be written: {error.strerror or error}",
            place=str(path),
            hint="Give --html a path where you may write",
        ) from error


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return not head or (head.startswith(_BEGIN) and f"<title>{TITLE}</title>".encode() in head)


def _replace(path: Path, page: bytes) -> None:
    """Puts the whole page in its place at once: whoever reads finds the earlier page or this one."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:80]}.", delete=False) as file:
        try:
            file.write(page)
            file.flush()
            os.chmod(file.name, mode)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    """The bits that new files of this process lack."""
    held = os.umask(0)
    os.umask(held)
    return held
