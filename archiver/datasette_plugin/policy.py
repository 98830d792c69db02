"""Headers that keep what is archived from doing anything in the reader's browser, and the reader unseen by platforms.

Content Security Policy Level 3. Datasette's own pages carry inline scripts, so theirs is the weaker one; our pages
allow scripts from our own files, and of inline ones only those that stand in Datasette's frame when it holds no content
of an archive (see `frame_hashes`). Pictures and video come from this server alone, so opening a page asks no platform.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

_COMMON = (
    "default-src 'none'; img-src 'self' data:; media-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-src 'none'; frame-ancestors 'none'; base-uri 'none'; style-src 'self' 'unsafe-inline'; "
)
DATASETTE = f"{_COMMON}script-src 'self' 'unsafe-inline'"
BYTES = "sandbox; default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
"""For bytes that a stranger sent: nothing in them runs or asks, whatever they are."""
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
PAGES = {**ALWAYS, "cache-control": "private, no-cache"}
"""For what a page of ours answers: no cache between hands it to others, or keeps what was erased meanwhile; it may
depend on who asks, and a permalink on the name by which the server was asked."""
FORMS = {**PAGES, "content-security-policy": BYTES}
"""For other forms of a page: a browser shows XML of any kind, and runs what is XHTML in it."""
_INLINE = re.compile(r"<script(?:\s+type=\"module\")?\s*>(.*?)</script>", re.S)


def frame_hashes(frame: str) -> str:
    """Sources for the inline scripts of a page of Datasette that holds nothing of an archive."""
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in _INLINE.findall(frame))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)


async def ours(datasette: Any) -> str:
    """The policy of our own pages."""
    held: str | None = datasette.__dict__.get("_archiver_policy")
    if held is None:
        frame = await datasette.render_template("archiver_frame.html", {})
        held = datasette.__dict__["_archiver_policy"] = f"{_COMMON}script-src 'self' {frame_hashes(frame)}".rstrip()
    return held


def wrapper(datasette: Any) -> Callable[[Any], Any]:
    """Adds the headers to every answer of an instance, where the answer does not set its own."""

    def wrap(app: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            async def guarded(event: Any) -> None:
                if event["type"] == "http.response.start":
                    headers = list(event.get("headers") or [])
                    have = {name.lower() for name, _ in headers}
                    for name, value in {"content-security-policy": DATASETTE, **ALWAYS}.items():
                        if name.encode() not in have:
                            headers.append((name.encode(), value.encode()))
                    event = {**event, "headers": headers}
                await send(event)

            await app(scope, receive, guarded)

        return answer

    return wrap
