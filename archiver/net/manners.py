"""How each host is asked: pace, requests at once, what may be asked of it in a day, or not at all.

A host is a name with its port where that is not the scheme's: `blog.example`, `127.0.0.1:8080`. Rules name a host, its
subdomains (`*.blog.example`), or a part of a host by the beginning of its path (`web.archive.org/cdx/`), which then has
a pace of its own beside the host's other addresses (a *lane*). Of several rules that set a value the closest counts.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
FULL_STOPS = str.maketrans("。．｡", "...")
"""What IDNA reads as a full stop (RFC 3490 section 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one rule sets; None leaves it to a wider one. Seconds between two starts, requests at once, requests and
    bytes in a UTC day (0: without bound), and `off`: nothing is asked."""

    pace: float | None = None
    at_once: int | None = None
    requests_per_day: int | None = None
    bytes_per_day: int | None = None
    off: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How one address is asked. `host` is whom the day's budget and the switch are of, `lane` what is paced."""

    host: str
    lane: str
    pace: float
    at_once: int
    requests_per_day: int = 0
    bytes_per_day: int = 0
    off: bool = False


DOCUMENTED: Mapping[str, Rule] = {
    # 60 a minute are refused, 24 taken ("the actual hard limits", edgi-govdata-archiving/wayback 0.5.1); who goes on
    # past a 429 is blocked for an hour, doubling. Mementos: 8 a second, the same library's default.
    "web.archive.org/cdx/": Rule(pace=2.5, at_once=1),
    "web.archive.org": Rule(pace=0.125),
    # 1,000 requests a minute for each address (docs.fxtwitter.com): a half of it.
    "api.fxtwitter.com": Rule(pace=0.12),
    # 3,500 requests in 15 minutes for an app (docs.x.com, GET /2/tweets): about nine tenths of it.
    "api.x.com/2/": Rule(pace=0.3),
    # Hosted accounts: 3,000 in 5 minutes for each address; the AppView: "generous" (docs.bsky.app, Rate Limits): half.
    "public.api.bsky.app": Rule(pace=0.2),
    "*.host.bsky.network": Rule(pace=0.2),
    "bsky.social": Rule(pace=0.2),
}
"""Where a limit is documented that differs from a request a second. That is the default for all others, since it is
Mastodon's (300 in 5 minutes for each address, docs.joinmastodon.org/api/rate-limits), and a server of the fediverse
cannot be told by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All rules: those that a person set, by pattern, then those of `DOCUMENTED`, then the person's for all hosts; who
    wants to be slower with everybody is not made faster by what a host documents."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    default: Rule = field(default_factory=Rule)
    pace: float = 1.0
    at_once: int = 4

    def of(self, url: str) -> Manners:
        """The manners towards an address (http or https), or a host that is named without one."""
        return _manners(self, *_place(url))

    def of_host(self, host: str) -> Manners:
        """The manners towards a host as the queue names it."""
        return _manners(self, host, "/")

    @property
    def most_at_once(self) -> int:
        """Requests at once that any host may get."""
        return max(self.at_once, *(rule.at_once or 0 for rule in (self.default, *self.rules.values())))

    def __hash__(self) -> int:
        return id(self)


def host_of(url: str) -> str:
    """Whom an address asks: name and port, without the scheme's own port; empty where it names no host."""
    return _place(url)[0]


def _place(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # what a Location named
        return "", ""
    try:
        name, port = _connected(parts.hostname or ""), parts.port
    except ValueError:
        return "", parts.path
    return (name if port in (None, PORTS.get(parts.scheme)) else f"{name}:{port}"), parts.path


@lru_cache(maxsize=4096)
def _connected(name: str) -> str:
    """The name that is connected to, as `guard.check_url` reads it, whatever its spelling: else each would be a host of
    its own to the switch, the budget and the pace. What the guard refuses stays as it is."""
    if ":" in name:
        with suppress(ValueError):
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        return f"[{name}]"
    if not name.isascii():
        import httpx  # takes 50 ms to import: a run over which nobody is asked has no such host

        name = unicodedata.normalize("NFKC", name).translate(FULL_STOPS).lower()
        with suppress(httpx.InvalidURL):
            name = httpx.URL(f"http://{name}/").raw_host.decode("ascii")
    return name.rstrip(".")


def _lane(host: str, path: str, book: Book) -> str:
    """The longest pattern with a path that this address begins with, else its host; for the odd ports of a public name
    all of them together, since a post can link to sixty thousand."""
    names = {host, _name(host)}
    found = [
        pattern
        for rules in (book.rules, DOCUMENTED)
        for pattern in rules
        if "/" in pattern
        and pattern.partition("/")[0] in names
        and ("/" + pattern.partition("/")[2]) == path[: len("/" + pattern.partition("/")[2])]
    ]
    return max(found, key=len, default=f"{_name(host)}:*" if _odd(host, book) else host)


def _odd(host: str, book: Book) -> bool:
    """Whether a host is a port of a name that is not its scheme's, that no rule names, and not one of our own
    network: whoever allows an address there has named it."""
    if host == _name(host) or host in book.rules:
        return False
    with suppress(ValueError):
        return ipaddress.ip_address(_name(host).strip("[]")).is_global
    return not host.startswith("localhost:")


def _name(host: str) -> str:
    """A host without its port."""
    return host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]


@lru_cache(maxsize=4096)
def _of_lane(book: Book, host: str, lane: str) -> Manners:
    chosen = Rule()
    patterns = _patterns(host, lane)
    chosen = _over(chosen, *(book.rules[pattern] for pattern in patterns if pattern in book.rules))
    documented = _over(Rule(), *(DOCUMENTED[pattern] for pattern in patterns if pattern in DOCUMENTED))
    if documented.pace is not None and book.default.pace is not None:
        documented = replace(documented, pace=max(documented.pace, book.default.pace))
    chosen = _over(chosen, documented, book.default)
    return Manners(
        host=host,
        lane=lane,
        pace=book.pace if chosen.pace is None else chosen.pace,
        at_once=book.at_once if chosen.at_once is None else chosen.at_once,
        requests_per_day=chosen.requests_per_day or 0,
        bytes_per_day=chosen.bytes_per_day or 0,
        off=bool(chosen.off),
    )


def _manners(book: Book, host: str, path: str) -> Manners:
    return _of_lane(book, host, _lane(host, path, book))


def _patterns(host: str, lane: str) -> list[str]:
    """The patterns that fit, the closest first."""
    labels = _name(host).split(".")
    wider = ["*." + ".".join(labels[cut:]) for cut in range(1, len(labels))]
    return list(dict.fromkeys([*([lane] if lane != host else []), host, _name(host), *wider]))


def _over(rule: Rule, *wider: Rule) -> Rule:
    """A rule with what it does not set taken from wider ones."""
    for other in wider:
        missing = {f.name: getattr(other, f.name) for f in fields(Rule) if getattr(rule, f.name) is None}
        rule = replace(rule, **missing)
    return rule
