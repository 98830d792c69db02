"""Evidence bundles from the browser: what would leave, and the zip itself."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from datasette import Forbidden, Response
from datasette.utils import InvalidSql, sqlite_timelimit, validate_sql_select

from archiver.datasette_plugin import trouble
from archiver.datasette_plugin.allowed import may_write_sql
from archiver.datasette_plugin.custody import attachment, handing
from archiver.datasette_plugin.custody.busy import BUNDLES, CHECKS
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import InputError, IntegrityError, PageError
from archiver.jobs import export
from archiver.model import Ref
from archiver.net.clock import utc_now
from archiver.store.archive import DatabaseError

READS = ("refs", "posts", "versions", "documents", "mentions", "matches", "media", "captures", "blobs", "log_leaf")
MOST_REFS, SHOWN = 500, 100
LONGEST = 10_000
"""Characters of a ref that a query gives."""
MEGABYTES = 1000
"""The largest bundle that is built, where `bundle_megabytes` says nothing else."""
A_CAPTURE, A_LEAF, AT_LEAST = 8_000, 3_000, 250_000
"""What a zip holds besides bodies, about: for each capture and leaf, and the checks and lists that are in each one."""


def _settings(datasette: Any, database: str) -> tuple[bool, int]:
    """Whether bundles may be downloaded, and of how many bytes at most: the settings of our plugin, those of the
    database first. Both are asked: where a database has others of its own, Datasette 1.0a41 forgets the general ones.
    """
    general = datasette.plugin_config("quotechain") or {}
    given = {**general, **(datasette.plugin_config("quotechain", database=database) or {})}
    return bool(given.get("bundles", True)), int(given.get("bundle_megabytes", MEGABYTES)) * 1_000_000


async def _chosen(datasette: Any, request: Any, asked: Asked) -> tuple[export.Asked, list[Ref] | None, int]:
    """What is asked for; the refs that its query gave; the most bytes. PageError where this instance hands out none,
    Forbidden where the reader may ask no SQL."""
    database = asked.at.database
    allowed, most = _settings(datasette, database)
    if not allowed:
        hint = "Ask its keeper for one: `archiver export` writes it on the machine of the archive"
        raise PageError(403, "bundles cannot be downloaded here", hint=hint, title="Switched off")
    refs = [asked.parts["ref"]] if "ref" in asked.parts else [ref.strip() for ref in asked.args.get("ref", [])]
    refs += asked.get("refs").split()
    if len(refs) > MOST_REFS:
        raise PageError(400, f"more than {MOST_REFS} refs at once", hint="Name them to `archiver export`, or fewer")
    query = asked.get("query")
    choice = export.Asked(
        refs=tuple(dict.fromkeys(filter(None, refs))),
        documents=tuple(filter(None, asked.args.get("document", []))),
        query=query,
        collection=asked.get("collection"),
    )
    return choice, await _queried(datasette, request, database, query) if query else None, most


async def _queried(datasette: Any, request: Any, database: str, query: str) -> list[Ref]:
    """The refs in the first column of a query. One row is held at a time: 500 of 4 MiB each would be 2 GB."""
    if not await may_write_sql(datasette, request.actor, database):
        raise Forbidden("execute-sql")
    try:
        validate_sql_select(query)
        limit = datasette.setting("sql_time_limit_ms")
        refs: list[Ref] = await datasette.databases[database].execute_fn(partial(_refs_of, query, limit))
    except (InvalidSql, DatabaseError) as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            raise PageError(400, "the query took too long", hint="Narrow it") from None
        raise PageError(400, f"the query cannot be answered: {error}", hint="Correct it") from None
    if not refs:
        raise PageError(404, "the query finds nothing", hint="Widen it")
    return refs


def _refs_of(query: str, milliseconds: int, conn: Any) -> list[Ref]:
    refs: list[Ref] = []
    with sqlite_timelimit(conn, milliseconds), closing(conn.cursor()) as cursor:
        for row in cursor.execute(query):
            try:
                if len(row[0]) > LONGEST:
                    raise TypeError
                refs.append(Ref.parse(row[0]))
            except (InputError, TypeError, AttributeError):
                hint = "Its first column must hold refs, as in SELECT ref FROM gone"
                raise PageError(400, f"the query gives {str(row[0])[:80]!r}, which is no ref", hint=hint) from None
            if len(refs) > MOST_REFS:
                told = f"the query finds more than {MOST_REFS} rows"
                raise PageError(400, told, hint="Use `archiver export --query`")
    return refs


def gather(
    choice: export.Asked, found: list[Ref] | None, most: int, may_query: bool, reader: Reader, asked: Asked
) -> Row:
    """What would leave the house. Nothing is written for it. Without a choice, what there is to choose from."""
    if not (choice.refs or choice.documents or choice.query or choice.collection):
        names = reader.rows("Collections", "SELECT name FROM collections ORDER BY name LIMIT 200")
        return {"what": "", "collections": [row["name"] for row in names], "may_query": may_query}
    try:
        with CHECKS.one():
            listed = export.listed(reader.archive, choice, found)
    except IntegrityError as error:
        raise PageError(500, f"this cannot be exported: {error}", hint="Run `archiver verify`") from None
    about = AT_LEAST + listed.size + listed.carried + A_CAPTURE * len(listed.captures) + A_LEAF * listed.leaves
    return {
        "what": listed.what,
        "counts": {
            "posts": len(listed.posts),
            "documents": len(listed.documents),
            "captures": len(listed.captures),
            "neighbours": len(listed.neighbours),
            "bodies": listed.blobs,
            "leaves": listed.leaves,
            "missing": len(listed.missing),
            "erased": listed.erased,
        },
        "bytes": listed.size,
        "about": about,
        "most": most,
        "head": listed.head,
        "sealed": False,
        "posts": list(listed.posts[:SHOWN]),
        "documents": list(listed.documents[:SHOWN]),
        "captures": [{"uid": uid, "url": url[:500]} for uid, url in listed.captures[:SHOWN]],
        "neighbours": [{"ref": ref, "handle": handle} for ref, handle in listed.neighbours[:SHOWN]],
        "missing": [{"sha256": sha256, "reason": reason} for sha256, reason in list(listed.missing)[:SHOWN]],
        "download": _address(asked, "zip") if listed.head and about <= most else "",
    }


def _address(asked: Asked, form: str) -> str:
    """The address of a choice as a zip."""
    if "ref" in asked.parts:
        return asked.at("bundle", asked.parts["ref"], form=form)
    kept = ("ref", "refs", "document", "collection", "query")
    given: dict[str, object] = {name: asked.args[name] for name in kept if asked.get(name)}
    return asked.at("bundle", form=form, **given)


def _page(path: str, gather: Callable[[Reader, Asked], Row]) -> Page:
    return Page(
        path=path,
        template="archiver_bundle.html",
        gather=gather,
        reads=READS,
        css=("custody.css",),
        milliseconds=10_000,
    )


def _listing(path: str) -> tuple[str, Callable[..., Any]]:
    """The page that says what would leave. What needs Datasette (settings, SQL) is settled before it is gathered."""

    async def view(datasette: Any, request: Any) -> Any:
        asked = await attachment.opened(datasette, request, READS)
        if isinstance(asked, Response):
            return asked
        try:
            choice, found, most = await _chosen(datasette, request, asked)
        except PageError as error:
            json = request.url_vars.get("form") == "json"
            return await trouble.page(datasette, request, error, json=json, at=asked.at)
        may_query = await may_write_sql(datasette, request.actor, asked.at.database)
        shown = _page(path, partial(gather, choice, found, most, may_query))
        return await shown(datasette, request)

    return _page(path, partial(gather, export.Asked(), None, 0, False)).pattern, view


async def _zip(datasette: Any, request: Any, receive: Any, send: Any) -> Response | None:
    """The bundle. What is the matter is told as a page, as long as nothing was sent."""
    asked = await attachment.opened(datasette, request, READS)
    if isinstance(asked, Response):
        return asked
    database = asked.at.database
    headers = {"content-type": "application/zip", **attachment.headers(_name(asked))}
    try:
        if request.method not in ("GET", "HEAD"):
            raise PageError(405, "a bundle is only handed out", hint="Ask for it with GET")
        choice, found, most = await _chosen(datasette, request, asked)
        if request.method == "HEAD":
            return Response("", content_type="application/zip", headers=headers)
        with BUNDLES.one(), tempfile.TemporaryFile(prefix="archiver-bundle-") as file:
            path = Path(datasette.databases[database].path)
            if await handing.built(path, choice, found, file, receive, most=most, closed=asked.closed):
                await handing.sent(file, headers, send)
    except (InputError, PageError, IntegrityError, DatabaseError) as error:
        return await trouble.page(datasette, request, trouble.of(error, database), json=False, at=asked.at)
    return None


def _name(asked: Asked) -> str:
    """A file name that says what it is of, and when."""
    of = re.sub(r"[^A-Za-z0-9-]+", "-", asked.parts.get("ref", "selection")).strip("-")[:60]
    return f"evidence-{of}-{utc_now()[:10]}.zip"


_OF_REF = r"bundle/(?P<ref>[^/.]+)"
ROUTES = (
    _listing(_OF_REF),
    _listing("bundle"),
    (rf"^/(?P<database>[^/]+)/-/{_OF_REF}\.zip$", _zip),
    (r"^/(?P<database>[^/]+)/-/bundle\.zip$", _zip),
)
