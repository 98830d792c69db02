"""Addresses of pages. They are made of refs, hashes and names, never of integer keys, so a citation survives `rebuild`.

A part is tilde-encoded as Datasette does it (`~2F` for `/`, `~2E` for `.`), because proxies change percent-encoded
slashes; colons stay, so that refs can be read: `/archive/-/post/x:post:20`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from archiver.model import POST_KINDS

NAVIGATION = (
    ("home", "Overview"),
    ("search", "Search"),
    ("documents", "Documents"),
    ("quotations", "Quotations"),
    ("gone", "Gone and edited"),
    ("media", "Media"),
    ("seeds", "Seeds and runs"),
    ("custody", "Custody"),
)
_PLAIN = re.compile(r"[A-Za-z0-9_:-]*")
_ENCODED = re.compile(r"~([0-9A-Fa-f]{2})")


def encode(part: str) -> str:
    """One part of a path.

    >>> encode("web:page:https://a.example/")
    'web:page:https:~2F~2Fa~2Eexample~2F'
    """
    if _PLAIN.fullmatch(part):  # most are hashes and refs of posts, and a page may name a thousand
        return part
    raw = part.encode("utf-8", "replace")
    return "".join(chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"~{byte:02X}" for byte in raw)


def decode(part: str) -> str:
    """The inverse of `encode`; also reads what a person typed without encoding it."""
    raw = _ENCODED.sub(lambda found: chr(int(found[1], 16)), part.encode("utf-8", "replace").decode("latin-1"))
    return raw.encode("latin-1").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The pages of one archive. `base` is Datasette's own prefix, ending in a slash."""

    base: str
    database: str

    def __call__(self, page: str, *parts: str, form: str = "", **args: object) -> str:
        """The address of a page: `form` is "json" or another extension, `args` without a value are left out.

        >>> Places(base="/", database="archive")("post", "x:post:20", form="json")
        '/archive/-/post/x:post:20.json'
        """
        path = "/".join([encode(self.database), "-", page, *(encode(str(part)) for part in parts)])
        given = {name: value for name, value in args.items() if value not in (None, "", False)}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        return f"{self.base}{path}{'.' + form if form else ''}{query}"

    def ref(self, ref: str) -> str:
        """The page that shows a ref: of a document, of a place in one, of a post, or of any other thing."""
        platform, _, rest = ref.partition(":")
        kind, _, remote = rest.partition(":")
        if platform == "doc" and kind == "document":
            return self("document", remote)
        if platform == "doc" and kind == "passage":
            document, _, place = remote.partition(":")
            return f"{self('document', document, at=place)}#q-{place}"
        return self("post" if kind in POST_KINDS else "thing", ref)

    def sql(self, sql: str, parameters: dict[str, object], *, one: bool) -> str:
        """Datasette's own page for a query; `one` says that this is Datasette 1.0, which moved it."""
        path = f"{self.base}{encode(self.database)}{'/-/query' if one else ''}"
        return f"{path}?{urlencode({'sql': sql, **{name: '' if v is None else v for name, v in parameters.items()}})}"
