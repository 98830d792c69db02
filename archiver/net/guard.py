"""Which addresses may be asked. Everything here refuses by raising BlockedError; nothing here opens a connection.

`check_url` looks at the address as written, `check_address` at each address that a name resolved to. The
second one decides: it is called when connecting, for every hop, on the very addresses that are connected to,
so that no spelling and no name server can lead around it. Ranges: the IANA special-purpose address
registries for IPv4 and IPv6 (RFC 6890 and its updates).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata

import httpx

from archiver.errors import BlockedError
from archiver.net.manners import FULL_STOPS
from archiver.net.policy import Address, Policy

_V4 = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "cloud metadata"),
    ("169.254.0.0/16", "link-local, cloud metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
_V6 = (
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("::/96", "IPv4-compatible"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard only"),
    ("2001::/32", "Teredo"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_RANGES_V4 = tuple((ipaddress.IPv4Network(text), rule) for text, rule in _V4)
_RANGES_V6 = tuple((ipaddress.IPv6Network(text), rule) for text, rule in _V6)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def check_url(url: str, policy: Policy) -> httpx.URL:
    """The address, parsed, if it may be asked. Raises BlockedError with the rule; a name is not resolved here.

    Refused: schemes other than http and https, credentials, ports out of range, hosts that are not a name or
    a plainly written IP address (percent-encoding, zone ids, 0x7f.1, 2130706433), and refused IP literals.
    """
    if _CONTROL.search(url):
        raise BlockedError("a control character in the address")
    scheme, colon, rest = url.partition(":")
    if scheme.lower() not in ("http", "https") or not colon:
        raise BlockedError(f"scheme {scheme[:20]!r} is neither http nor https")
    if not rest.startswith("//"):
        raise BlockedError("the address names no host")
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0]
    if "@" in authority:
        raise BlockedError("credentials in the address")
    if "%" in authority:
        raise BlockedError("percent-encoding in the host")
    plain = unicodedata.normalize("NFKC", authority).translate(FULL_STOPS)
    if plain != authority and re.search(r"[/?#@%\\\s]", plain):
        raise BlockedError("the host contains a character that stands for a delimiter")
    try:
        parsed = httpx.URL(f"{scheme.lower()}://{plain}{rest[2 + len(authority) :]}")
        host, port = parsed.raw_host.decode("ascii"), parsed.port
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise BlockedError(f"not a valid address: {error}") from None
    # httpx reads an empty port as none; what it refuses above 65535 differs by version, so it is checked here too.
    if port is not None and not 0 < port < 65536:
        raise BlockedError(f"port {port} is out of range")
    _check_host(host, effective_port(parsed), policy)
    return parsed


def effective_port(url: httpx.URL) -> int:
    """The port that is connected to."""
    return url.port or (443 if url.scheme == "https" else 80)


def canonical_host(host: str) -> str:
    """A host name in lower case without the final dot: the form that allowances and paces are kept under."""
    return host.lower().rstrip(".")


def _check_host(host: str, port: int, policy: Policy) -> None:
    if ":" in host:
        try:
            check_address(host, host, policy, port)
        except ValueError:
            raise BlockedError("not an IPv6 address") from None
        return
    name = host.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            check_address(host, host, policy, port)
        except ValueError:
            raise BlockedError("an IPv4 address that is not written as four decimal numbers") from None
        return
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise BlockedError("not a host name")


def check_address(ip: str, host: str, policy: Policy, port: int = 0) -> None:
    """Refuse an IP address that is not public unless the policy names it, or the host that resolved to it.

    Raises BlockedError with the rule, ValueError when `ip` is not an IP address in standard form.
    """
    address = ipaddress.ip_address(ip)
    rule = refused_by(address)
    if rule and not any(entry.covers(address, canonical_host(host), port) for entry in policy.allowances):
        raise BlockedError(f"{address} is not public: {rule}")


def refused_by(address: Address) -> str:
    """The rule that keeps an address from being asked; empty for public addresses."""
    if isinstance(address, ipaddress.IPv4Address):
        return next((rule for network, rule in _RANGES_V4 if address in network), "")
    if address.scope_id is not None:
        return "zone id"
    if address in _NAT64:
        # A network with IPv6 only reaches public IPv4 servers through this prefix (RFC 6052): what is inside decides.
        rule = refused_by(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        return f"NAT64 of {rule}" if rule else ""
    rule = next((rule for network, rule in _RANGES_V6 if address in network), "")
    return rule or ("" if address in _GLOBAL_V6 else "not global unicast")
