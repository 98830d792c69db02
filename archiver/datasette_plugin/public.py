"""What is closed where strangers may come (`archiver serve --public`): Datasette's pages about the server itself, which
tell paths, versions and settings, and the search engines, because an archive keeps what its authors took back.

Set in the configuration as `plugins: {quotechain: {public: true}}`; `open` beside it is a list of further addresses
that an authentication plugin needs, such as `/-/github-auth-start`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

OPEN = ("/-/static", "/-/static-plugins", "/-/login", "/-/logout", "/-/actor", "/-/jump", "/-/queries")
"""Addresses below `/-/` that stay open, each with what stands below it or a form behind it (`.json`)."""
ROBOTS = b"User-agent: *\nDisallow: /\n"
NO_ROBOTS = ("x-robots-tag", "noindex, nofollow")
_SAID = b"This page is closed here: it tells of the server, not of the archive.\n"


def settings(datasette: Any) -> dict[str, Any]:
    """The settings of our plugin, on either line of Datasette."""
    return dict(datasette.plugin_config("quotechain") or {})


def closed(path: str, base: str, more: tuple[str, ...] = ()) -> bool:
    """Whether an address is none of a public archive's. `base` is Datasette's prefix, which a proxy may have taken off.

    >>> closed("/-/databases", "/"), closed("/-/login", "/"), closed("/archive/-/home", "/")
    (True, False, False)
    """
    path = "/" + path.removeprefix(base).lstrip("/")
    if not path.startswith("/-/") or path in ("/-/", "/-/.json"):  # the second is 1.0's other address of the first page
        return False
    return not any(path == known or path.startswith((f"{known}/", f"{known}.")) for known in (*OPEN, *more))


def wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Answers for closed addresses and for robots, where the settings say that strangers may come."""

    def wrap(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            given = settings(datasette) if scope["type"] == "http" else {}
            if not given.get("public"):
                await app(scope, receive, send)
                return
            base, path = datasette.setting("base_url"), scope["path"]
            if "/" + path.removeprefix(base).lstrip("/") == "/robots.txt":
                await _plain(send, 200, ROBOTS)
            elif closed(path, base, tuple(given.get("open", ()))):
                await _plain(send, 403, _SAID)
            else:
                await app(scope, receive, _unlisted(send))

        return answer

    return wrap


def _unlisted(send: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def add(event: Any) -> None:
        if event["type"] == "http.response.start":
            name, value = NO_ROBOTS
            event = {**event, "headers": [*(event.get("headers") or []), (name.encode(), value.encode())]}
        await send(event)

    return add


async def _plain(send: Callable[[Any], Awaitable[None]], status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
