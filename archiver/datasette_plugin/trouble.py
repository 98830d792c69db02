"""What is the matter, told as a page: unknown ids, erased posts, half-built, old, locked or damaged archives."""

from __future__ import annotations

import re
import traceback
from importlib import import_module
from typing import Any

from datasette import NotFound, Response

from archiver.datasette_plugin import archives, policy
from archiver.datasette_plugin.places import Places
from archiver.errors import InputError, IntegrityError, PageError
from archiver.store.archive import DatabaseError

BUSY, LOCKED, NOMEM, INTERRUPTED, IOERR, CORRUPT, CANTOPEN, TOOBIG = 5, 6, 7, 9, 10, 11, 14, 18
AUTH, NOTADB = 23, 26
"""Result codes of https://www.sqlite.org/rescode.html."""
_TELL = {
    BUSY: (503, "The archive is locked by another program", "Wait for it to end, then load this page again"),
    LOCKED: (503, "The archive is locked by another program", "Wait for it to end, then load this page again"),
    NOMEM: (503, "There was not enough memory for this page", "Ask for less, or try again later"),
    INTERRUPTED: (503, "This page took too long and was broken off", "Narrow what is asked for"),
    IOERR: (503, "The file of the archive could not be read", "Look at the disk, then run `archiver verify`"),
    CORRUPT: (500, "The file of the archive is damaged", "Run `archiver verify`, and fetch a backup"),
    CANTOPEN: (
        503,
        "The file of the archive could not be opened",
        "See that it is there, and that its folder can be written to while no run has it open",
    ),
    TOOBIG: (413, "One value of this page is larger than a page may read", "Export it: `archiver export`"),
    AUTH: (403, "This page reads a table that is closed to you", "Log in as somebody who may see it"),
    NOTADB: (500, "The file is no archive, or damaged", "Run `archiver verify`, and fetch a backup"),
}
_WORD = re.compile(r"[a-z]+ ")
_MISSING = re.compile(r"no such (?:table|column|function)")


def of(error: Exception, database: str) -> PageError:
    """What an error means to the reader of a page."""
    if isinstance(error, PageError):
        return error
    if isinstance(error, InputError):
        return PageError(404, error.message, hint=error.hint)
    if isinstance(error, IntegrityError):
        return PageError(500, f"The archive does not agree with itself: {error}", hint="Run `archiver verify`")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _TELL:
        status, message, hint = _TELL[code]
        return PageError(status, message, hint=hint)
    if _MISSING.search(str(error)):
        hint = f"Run `archiver run` once with this version: it brings {database} up to date and reads all of it anew"
        return PageError(503, "This archive is half built, or was made by another version of quotechain", hint=hint)
    return PageError(500, f"The archive could not be read: {error}", hint="Run `archiver verify`")


def no_archive(database: str) -> PageError:
    """For a database that Datasette serves and that is no archive, or not now."""
    hint = "Its tables are shown by Datasette itself. If it should be an archive, run `archiver verify`"
    return PageError(404, f"the database {database} is no archive that can be read", hint=hint)


def without_rich() -> None:
    """Takes rich from Datasette's handler of errors, as if it were not installed (it is, for our own terminal output):
    the handler prints all local variables of each failed request, and where nothing answers an address it asks rich
    for a traceback that is not there, fails, and the reader gets no page at all."""
    import_module("datasette.handle_exception").__dict__["rich"] = None


async def unhandled(datasette: Any, request: Any, exception: Exception) -> Response | None:
    """An address that nothing answers, a file that cannot be read, and a mistake of ours on one of our pages. None
    leaves it to Datasette."""
    path = request.path.removesuffix(".json")
    json = request.path.endswith(".json")
    no_page = PageError(404, "There is no page at this address")
    nowhere = "/-/" in path  # Datasette looks for a table of the name "-"
    if isinstance(exception, NotFound):
        told = no_page if nowhere or str(exception) == "404" else PageError(404, str(exception))
    elif nowhere and "no such table: -" in str(exception):
        told = no_page
    elif isinstance(exception, DatabaseError):  # Datasette's own pages tell what is wrong with SQL, not with a file
        told = of(exception, "the archive")
    elif "/-/" in path and request.scope.get("archiver_page"):
        traceback.print_exception(exception)
        told = PageError(500, "This page broke off: a mistake in quotechain, not in what you asked", hint=_BROKE)
    else:
        return None
    at = await archives.meant(datasette, None, request)
    return await page(datasette, request, told, json=json, at=at)


_BROKE = "The server's output says where; nothing in the archive was changed. Please report it"


def sentence(message: str) -> str:
    """A message as the first sentence of a page. On a terminal it stands behind the place that it is about, so it
    begins small; refs and quoted words are left as they are.

    >>> sentence("no such capture"), sentence("x:post:20 is no document")
    ('No such capture', 'x:post:20 is no document')
    """
    return message[:1].upper() + message[1:] if _WORD.match(message) else message


async def page(datasette: Any, request: Any, told: PageError, *, json: bool, at: Places | None = None) -> Response:
    """Tells it as HTML or as JSON, with the status that fits."""
    more = {"retry-after": "5"} if told.status == 503 else {}
    if json:
        body = {"ok": False, "status": told.status, "error": told.message, "next": told.hint, "title": told.title}
        return Response.json(body, status=told.status, headers={**policy.FORMS, **more})
    shown = {
        "told": told,
        "sentence": sentence(told.message),
        "at": at,
        "database": None if at is None else at.database,
    }
    html = await datasette.render_template("archiver_trouble.html", shown, request=request, view_name="archiver")
    held = {"content-security-policy": await policy.ours(datasette), **policy.PAGES, **more}
    return Response.html(html, status=told.status, headers=held)
