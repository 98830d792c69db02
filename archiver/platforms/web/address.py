"""Web addresses as refs, normalised only where RFC 3986 §6.2.2.1 and §6.2.3 say that nothing changes: scheme and
host in lower case, an IDN host as its A-label, the default port and the fragment dropped, an empty path written `/`.
Path and query stay verbatim: two spellings may be two pages."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urljoin

from archiver.model import Ref

LONGEST = 16_384
_URL = re.compile(r"(https?)://([^/?#\\]*)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_FORBIDDEN = re.compile("[\x00-\x20\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=256)  # each platform asks for the same address in turn
def normal(url: str) -> str | None:
    """The normal form of an absolute http(s) address; None when it is none, has no valid host, or carries
    credentials (an address with a password in it must not become a public ref)."""
    if len(url) > LONGEST or _FORBIDDEN.search(url):
        return None
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, authority, rest = match[1].lower(), match[2], match[3]
    place = _authority(authority, _PORTS[scheme])
    if place is None or rest.startswith("\\"):
        return None
    return f"{scheme}://{place}{rest if rest.startswith('/') else '/' + rest}"


def _authority(authority: str, default: int) -> str | None:
    if "@" in authority:
        return None
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, ""
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536):
        return None
    name = _host(host)
    if name is None:
        return None
    return name if not port or int(port) == default else f"{name}:{int(port)}"


def _host(host: str) -> str | None:
    if host.startswith("[") and host.endswith("]"):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    if not host or len(host) > 253:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    host = host.lower()
    labels = host.removesuffix(".").split(".")
    return host if all(_LABEL.fullmatch(label) for label in labels) else None


def host_of(url: str) -> str:
    """Host and port of a normal address, as they stand in it."""
    return url.split("/", 3)[2]


def page(url: str) -> Ref | None:
    """`web:page:URL` for an absolute address, or None."""
    address = normal(url)
    return None if address is None else Ref(platform="web", kind="page", id=address)


def resolve(base: str, href: str) -> str | None:
    """An href as a browser reads it (WHATWG URL: ends trimmed, tabs and line breaks out, blanks as %20) against a
    base, in normal form; None for other schemes and for what is no address."""
    text = re.sub("[\t\n\r]", "", href.strip("\x00\t\n\f\r ")).replace(" ", "%20")
    if len(text) > LONGEST:
        return None
    try:
        return normal(urljoin(base, text))
    except ValueError:  # urllib's word for a malformed authority
        return None
