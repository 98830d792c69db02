"""Every page and stream of the reading room: the modules in `rooms` are discovered, each names its own."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

from archiver.datasette_plugin import rooms
from archiver.datasette_plugin.page import Page


def pages() -> list[Page]:
    """All pages, by the order of their modules' names."""
    return [page for module in _modules() for page in getattr(module, "PAGES", ())]


def every() -> list[tuple[str, Callable[..., Any]]]:
    """What Datasette is given: patterns and views. A room may name raw `ROUTES` beside its pages, for streams."""
    found: list[tuple[str, Callable[..., Any]]] = [(page.pattern, _view(page)) for page in pages()]
    found += [route for module in _modules() for route in getattr(module, "ROUTES", ())]
    return found


def _view(page: Page) -> Callable[..., Any]:
    async def view(datasette: Any, request: Any) -> Any:
        return await page(datasette, request)

    return view


def _modules() -> list[Any]:
    return [import_module(f"{rooms.__name__}.{found.name}") for found in pkgutil.iter_modules(rooms.__path__)]
