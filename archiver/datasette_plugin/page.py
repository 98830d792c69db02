"""One page: what it gathers, and how it is answered as HTML, as JSON, or as what is the matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from datasette import NotFound, Response

from archiver.datasette_plugin import policy, trouble
from archiver.datasette_plugin.allowed import ensure, may_write_sql
from archiver.datasette_plugin.archives import is_archive
from archiver.datasette_plugin.places import Places, decode
from archiver.datasette_plugin.reader import Reader, Row, read
from archiver.errors import InputError, IntegrityError, PageError
from archiver.store.archive import DatabaseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a page: the parts of its address, decoded, and the arguments behind the question mark. `site` is
    the scheme and host that the reader asked, without a slash at the end; `closed` are the tables that the reader may
    not see, where a route reads them by itself."""

    at: Places
    parts: dict[str, str]
    args: dict[str, list[str]]
    json: bool = False
    site: str = ""
    closed: frozenset[str] = frozenset()

    def get(self, name: str, default: str = "") -> str:
        """One argument, stripped."""
        return self.args.get(name, [default])[0].strip()

    def number(self, name: str, default: int, *, most: int) -> int:
        """One argument as a whole number from 0 to `most`. PageError when it is none."""
        given = self.get(name)
        if not given:
            return default
        if not (given.isascii() and given.isdecimal()) or len(given) > 18 or int(given) > most:
            raise PageError(400, f"{name} is no number from 0 to {most:,}: {given[:40]!r}", hint="Correct the address")
        return int(given)

    def among(self, name: str, known: tuple[str, ...]) -> str:
        """One argument that is empty or one of those known. PageError when it is something else."""
        given = self.get(name)
        if given and given not in known:
            hint = f"Known are: {', '.join(known)}"
            raise PageError(400, f"there is no {name} {given[:40]!r}", hint=hint)
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the reading room, at `/DATABASE/-/PATH`.

    `path` is the rest of the address as a regular expression whose groups become `Asked.parts`, tilde-decoded.
    `gather` reads the archive and gives plain values: they are the JSON of the page, and the variables of `template`.
    `dress` adds what only HTML needs. `reads` are the tables that a reader must be allowed to see. `css` are files in
    `static` beside `reading-room.css`. `forms` are further forms of the page by the ending of their address: media type
    and what writes them.
    A page is broken off after `milliseconds`, or after the instance's own limit where that is longer.
    """

    path: str
    template: str
    gather: Callable[[Reader, Asked], Row]
    dress: Callable[[Row, Asked], Row] | None = None
    reads: tuple[str, ...] = ("refs",)
    css: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    milliseconds: int = 3000
    variables: dict[str, object] = field(default_factory=dict)
    forms: dict[str, tuple[str, Callable[[Row], str]]] = field(default_factory=dict)

    @property
    def pattern(self) -> str:
        return rf"^/(?P<database>[^/]+)/-/{self.path}(?:\.(?P<form>{'|'.join(['json', *self.forms])}))?$"

    async def __call__(self, datasette: Any, request: Any) -> Response:
        """Answers a request. NotFound where there is no such archive, Forbidden where the reader may not see it."""
        request.scope["archiver_page"] = True  # what breaks from here on is told by `trouble.unhandled`
        given = {name: decode(value) for name, value in request.url_vars.items() if value is not None}
        database, form = given.pop("database"), given.pop("form", "")
        json = form == "json"
        try:
            if not await is_archive(datasette, database):
                if database in datasette.databases:
                    return await trouble.page(datasette, request, trouble.no_archive(database), json=json)
                raise NotFound(f"No database {database}")
        except DatabaseError as error:
            return await trouble.page(datasette, request, trouble.of(error, database), json=json)
        closed = await ensure(datasette, request.actor, database, self.reads)
        at = Places(base=datasette.urls.path("/"), database=database)
        args = {name: request.args.getlist(name) for name in request.args}
        site = datasette.absolute_url(request, "/").removesuffix("/")
        asked = Asked(at=at, parts=given, args=args, json=json, site=site)

        def gather(reader: Reader) -> tuple[Row, Row, list[Row]]:
            found = self.gather(reader, asked)
            dressed = {} if form or self.dress is None else self.dress(found, asked)
            return found, dressed, [asdict(query) for query in reader.queries]

        try:
            limit = max(self.milliseconds, datasette.setting("sql_time_limit_ms"))
            found, dressed, queries = await read(datasette, database, gather, milliseconds=limit, closed=closed)
        except (InputError, PageError, IntegrityError, DatabaseError) as error:
            return await trouble.page(datasette, request, trouble.of(error, database), json=json, at=at)
        if json:
            return Response.json({"ok": True, **found, "queries": queries}, headers=dict(policy.FORMS))
        if form:
            media_type, write = self.forms[form]
            return Response(write(found), content_type=media_type, headers=dict(policy.FORMS))
        path = request.path.removeprefix(at.base).removeprefix("/")  # a proxy may have taken Datasette's prefix off
        shown = {
            **found,
            **dressed,
            **self.variables,
            "database": database,
            "asked": asked,
            "page_css": self.css,
            "page_scripts": self.scripts,
            "json_url": f"{at.base}{path}.json" + (f"?{request.query_string}" if request.query_string else ""),
            "queries": [{**q, "url": at.sql(q["sql"], q["parameters"], one=ONE)} for q in queries]
            if await may_write_sql(datasette, request.actor, database)
            else [],
        }
        html = await datasette.render_template(self.template, shown, request=request, view_name="archiver")
        return Response.html(html, headers=headers(await policy.ours(datasette)))


def headers(content_policy: str) -> dict[str, str]:
    """The headers of an HTML page of ours."""
    return {"content-security-policy": content_policy, **policy.PAGES}


ONE = int(version("datasette").split(".", 1)[0]) >= 1
"""Whether this is Datasette 1.0 or later."""
