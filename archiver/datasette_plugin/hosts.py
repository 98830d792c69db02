"""By which names a server may be asked. A page of the web that a researcher has open can make its own name lead to this
machine (DNS rebinding), and would then read the whole archive as if it were its own: a server on loopback answers only
for names of this machine.

Set in the configuration as `plugins: {quotechain: {hosts: [...]}}`, names without a port; without it, or with `"*"`
among them, any name is answered. `archiver serve` sets it on loopback, but for `--public`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_NAME = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:]*)(?::[0-9]*)?")
_SAID = (
    b"This server is not asked by this name. Where a web server in front of it hands the name on, add it to the "
    b'metadata: {"plugins": {"quotechain": {"hosts": ["NAME"]}}}\n'
)


def known(host: str, hosts: list[str]) -> bool:
    """Whether a Host header names one of these.

    >>> known("LOCALHOST:8001", ["localhost"]), known("localhost.evil.example", ["localhost"])
    (True, False)
    """
    found = _NAME.fullmatch(host.strip())
    return found is not None and found[1].lower().removesuffix(".") in {name.lower() for name in hosts}


def wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Refuses requests by another name (421, RFC 9110 section 15.5.20), where the settings name those that it has."""

    def wrap(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            hosts = (datasette.plugin_config("quotechain") or {}).get("hosts") if scope["type"] == "http" else None
            named = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name.lower() == b"host"]
            if not hosts or "*" in hosts or (len(named) == 1 and known(named[0], hosts)):
                await app(scope, receive, send)
                return
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_SAID))]
            await send({"type": "http.response.start", "status": 421, "headers": headers})
            await send({"type": "http.response.body", "body": _SAID})

        return answer

    return wrap
