"""The reading room: a Datasette plugin that shows an archive as pages that answer a researcher's first question.

Works unchanged on Datasette 0.65 and 1.0 (reference: https://docs.datasette.io/en/stable/plugin_hooks.html). Each
page has its JSON (the same address with `.json`), the SQL that made it, and an address made of refs and hashes, which
survives `archiver rebuild`. What a page shows is gathered by the modules in `rooms`; this file only ties them to
Datasette. Databases that are no archives are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from datasette import hookimpl

from archiver import __version__
from archiver.datasette_plugin import (
    archives,
    cells,
    functions,
    hosts,
    policy,
    public,
    routes,
    searched,
    trouble,
    words,
)
from archiver.datasette_plugin.places import NAVIGATION
from archiver.datasette_plugin.rooms import home


@hookimpl
def startup(datasette: Any) -> None:
    from archiver.datasette_plugin import rules

    trouble.without_rich()
    rules.remember(datasette)


@hookimpl(hookwrapper=True)
def register_facet_classes() -> Generator[None, Any, None]:
    """Puts our facet of a column in the place of Datasette's. What it is made of loads all plugins, this one too."""
    from datasette.facets import ColumnFacet

    from archiver.datasette_plugin import counted

    outcome = yield
    given = outcome.get_result()
    outcome.force_result([[counted.Counted if one is ColumnFacet else one for one in some] for some in given])


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Any]]]:
    return routes.every()


@hookimpl
def prepare_connection(conn: Any) -> None:
    functions.prepare(conn)


@hookimpl
def prepare_jinja2_environment(env: Any) -> None:
    words.teach(env)


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:
    guarded, named, closed = policy.wrapper(datasette), hosts.wrapper(datasette), public.wrapper(datasette)
    bounded = searched.wrapper(datasette)
    return lambda app: guarded(named(closed(bounded(app))))


@hookimpl
def extra_css_urls(datasette: Any) -> list[str]:
    return [static(datasette, "reading-room.css"), static(datasette, "datasette-own.css")]


@hookimpl
def extra_js_urls(datasette: Any) -> list[dict[str, object]]:
    return [{"url": static(datasette, "reading-room.js"), "module": True}]


@hookimpl
def extra_template_vars(
    datasette: Any, database: str | None, table: str | None, view_name: str, request: Any
) -> Callable[[], Any]:
    async def variables() -> dict[str, object]:
        """What `base.html` needs to show the way around: `at` is None where no archive is meant."""
        at = await archives.meant(datasette, database, request)
        row = request.url_vars.get("pks", "") if view_name == "row" and at is not None else ""
        led = await cells.row_page(datasette, request.actor, at, table or "", row) if at is not None and row else ""
        return {
            "at": at,
            "archiver_navigation": NAVIGATION,
            "archiver_overview": lambda: home.short(datasette, request, at),
            "archiver_row": led,
            "archiver_static": lambda name: static(datasette, name),
        }

    return variables


@hookimpl
def render_cell(value: Any, column: str, table: str | None, database: str | None, datasette: Any) -> Any:
    at = archives.held(datasette, database)
    return None if at is None else cells.cell(at, table, column, value)


@hookimpl(tryfirst=True)
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Callable[[], Any]:
    async def told() -> Any:
        return await trouble.unhandled(datasette, request, exception)

    return told


def static(datasette: Any, name: str) -> str:
    """The address of one of our static files; it changes with the version, so that browsers fetch it anew."""
    path: str = datasette.urls.static_plugins("quotechain", name)
    return f"{path}?v={__version__}"
