"""Configuration: `archiver.toml` beside the archive or named by --config; secrets from the environment only.

[archive]   operator, site, origin                text that stands in captures and names the log
[endpoints] "x.syndication" = "http://…"          a mirror or a test server stands in for a route
[options]   "bluesky.proofs" = "no"               what platforms read; see docs/configuration.md
[network]   user_agent, contact, connect_timeout, read_timeout, total_timeout, max_bytes, max_redirects,
            allow_private, verify
[pace]      default = 1.0, "host" = 0.5           seconds between requests to one host
[hosts]     "NAME" = { off, pace, at_once, … }    how a host is asked, or that it is not; see jobs/hosts.py
[follow]    depth, media, pages, hosts, per_host, wait, robots, conditional
[secrets]   names = ["X_BEARER_TOKEN"]            environment variables that hold secrets
[fediverse] key_id, key_file                      our own actor, for servers that ask for signed requests
[custody]   key_file, renew_days                  where the key that signs the log is; when timestamps are renewed
[anchors]   rfc3161, ots, witness                 outside services that vouch for the log; see jobs/services.py
[retention] "NAME" = { media = "drop", days = 90 }  how long media are kept; see jobs/retention.py
[hooks]     command, webhook, events, timeout      who is told what happened to posts; see jobs/hooks.py
[metrics]   file                                  numbers for Prometheus; see jobs/metrics.py
[watch]     first, grow, rarest, …                when posts are looked at again; see jobs/policies.py
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver import __version__
from archiver.custody import canonical
from archiver.errors import InputError
from archiver.jobs import hooks, hosts, metrics, policies, retention, services
from archiver.model import Settings
from archiver.net.manners import Book

KNOWN_SECRETS = ("X_BEARER_TOKEN", "X_GUEST_BEARER")
LOG_KEY = "QUOTECHAIN_KEY"
"""The environment variable that may hold the private key of the log in place of a file."""
_NETWORK = {
    "user_agent": str,
    "contact": str,
    "connect_timeout": float,
    "read_timeout": float,
    "total_timeout": float,
    "max_bytes": int,
    "max_redirects": int,
    "allow_private": list,
    "verify": str,
}
ENDPOINTS = frozenset({
    "x.v2", "x.syndication", "x.fxtwitter", "x.oembed", "x.tco", "x.guest", "x.graphql", "x.wayback",
    "bluesky.appview", "bluesky.plc", "nostr.event",
})  # fmt: skip
"""Routes whose base address can be replaced; a test compares them with the platforms."""
OPTIONS: dict[str, tuple[str, ...]] = {
    "bluesky.proofs": ("yes", "no"),
    "x.wayback": ("yes", "no"),
    "x.graphql_query_id": (),
    "x.graphql_features": (),
}
"""Options and the words they take; any text where none stand."""
_TABLES: dict[str, dict[str, type] | type] = {
    "archive": {"operator": str, "site": str, "origin": str},
    "endpoints": str,
    "options": str,
    "network": _NETWORK,
    "pace": float,
    "follow": {
        "depth": int,
        "media": bool,
        "pages": bool,
        "hosts": int,
        "per_host": int,
        "wait": float,
        "robots": bool,
        "conditional": bool,
    },
    "secrets": {"names": list},
    "fediverse": {"key_id": str, "key_file": str},
    "custody": {"key_file": str, "renew_days": int},
}
MOST = 1e15
"""Of any number: what is larger can be no time, size or count, and some cannot even be one."""
_FOLLOW = ("depth", "media", "pages", "hosts", "per_host", "robots", "conditional")
ELSEWHERE = ("anchors", "hosts", "hooks", "metrics", "retention", "watch")
"""Tables with a module of their own that reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration. `pace` maps a host to seconds between requests; `follow_*` are how far to go:
    `depth` steps upstream, `wait` the longest pause in seconds that a server may ask for within one run, `robots`
    whether robots.txt decides about crawled pages, `conditional` whether pages are asked for only if they changed.
    `log_key_file` and `log_key` say where the private key of the log is, or hold it. `anchors` are asked to vouch for
    the log, again `renew_days` before the certificates of their timestamps end. `watch` says when posts are looked at
    again. `file` is where it was read, empty where all is default; `absent` secrets are named in it and not at hand."""

    operator: str = ""
    site: str = ""
    origin: str = ""
    settings: Settings = field(default_factory=Settings)
    network: Mapping[str, Any] = field(default_factory=dict)
    pace_default: float = 1.0
    pace: Mapping[str, float] = field(default_factory=dict)
    depth: int = 10
    media: bool = True
    pages: bool = True
    hosts: int = 8
    per_host: int = 4
    wait: float = 60.0
    robots: bool = True
    conditional: bool = True
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    key_id: str = ""
    key_file: str = ""
    log_key_file: str = ""
    log_key: str = field(default="", repr=False)
    renew_days: int = 90
    anchors: tuple[services.Service, ...] = ()
    watch: policies.Watch = field(default_factory=policies.Watch)
    hooks: hooks.Hooks = field(default_factory=hooks.Hooks, repr=False)
    metrics: str = ""
    retention: tuple[retention.Policy, ...] = ()
    manners: Book = field(default_factory=Book)
    sha256: str = ""
    file: str = ""
    absent: tuple[str, ...] = ()

    @property
    def user_agent(self) -> str:
        """Who we say that we are."""
        contact = self.network.get("contact", "")
        default = f"quotechain/{__version__} (archives quoted posts{'; ' + contact if contact else ''})"
        return str(self.network.get("user_agent", default))


def load(
    path: Path | None, *, allow_private: tuple[str, ...] = (), environment: Mapping[str, str] = os.environ
) -> Config:
    """Reads the configuration; with no file, the defaults. InputError names the table and key that is wrong."""
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise InputError("no such file", place=str(path), hint="Name an existing file with --config") from None
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            raise InputError(reason, place=str(path), hint="Name an existing file with --config") from None
        except UnicodeDecodeError as error:
            raise InputError(f"not TOML: byte {error.start} is no UTF-8", place=str(path)) from None
        except ValueError as error:  # of TOML itself, or a number with more digits than Python reads
            raise InputError(f"not TOML: {error}", place=str(path)) from None
        except RecursionError:
            raise InputError("not TOML that can be read: nested too deeply", place=str(path)) from None
    for name, table in raw.items():
        if name not in ELSEWHERE:
            _check(str(path), name, table)
    _check_values(str(path), raw)
    follow, archive, fediverse = raw.get("follow", {}), raw.get("archive", {}), raw.get("fediverse", {})
    names = tuple(raw.get("secrets", {}).get("names", ())) or KNOWN_SECRETS
    secrets = {name: environment[name] for name in names if environment.get(name)}
    options = dict(raw.get("options", {}))
    if fediverse.get("key_id"):
        options["fediverse.signer"] = fediverse["key_id"]
    network = dict(raw.get("network", {}))
    network["allow_private"] = [*network.get("allow_private", []), *allow_private]
    pace = {host: float(seconds) for host, seconds in raw.get("pace", {}).items()}
    manners = hosts.parse(
        str(path),
        raw.get("hosts", {}),
        pace={host: seconds for host, seconds in pace.items() if host != "default"},
        default=pace.get("default"),
        at_once=follow.get("per_host", 4),
    )
    return Config(
        operator=archive.get("operator", ""),
        site=archive.get("site", ""),
        origin=archive.get("origin", ""),
        settings=Settings(endpoints=raw.get("endpoints", {}), secrets=frozenset(secrets), options=options),
        network=network,
        pace_default=pace.pop("default", 1.0),
        pace=pace,
        **{name: follow[name] for name in _FOLLOW if name in follow},
        wait=float(follow.get("wait", 60.0)),
        secrets=secrets,
        key_id=fediverse.get("key_id", ""),
        key_file=fediverse.get("key_file", ""),
        log_key_file=raw.get("custody", {}).get("key_file", ""),
        log_key=environment.get(LOG_KEY, ""),
        renew_days=raw.get("custody", {}).get("renew_days", 90),
        anchors=services.parse(str(path), raw.get("anchors", {})),
        watch=policies.parse(str(path), raw.get("watch", {})),
        hooks=hooks.parse(str(path), raw.get("hooks", {}), environment),
        metrics=metrics.parse(str(path), raw.get("metrics", {})),
        retention=retention.parse(str(path), raw.get("retention", {})),
        manners=manners,
        file="" if path is None else str(path),
        absent=tuple(name for name in raw.get("secrets", {}).get("names", ()) if name not in secrets),
        sha256=canonical.digest(_texts({**raw, "allow_private": list(allow_private)})),
    )


def _check(place: str, name: str, table: object) -> None:
    if name not in _TABLES:
        raise InputError(f"unknown table [{name}]", place=place, hint=f"Known are {', '.join((*_TABLES, *ELSEWHERE))}")
    if not isinstance(table, dict):
        raise InputError(f"{name} must be a table", place=place, hint=f"Write [{name}] above its keys")
    expected = _TABLES[name]
    for key, value in table.items():
        if isinstance(expected, dict) and key not in expected:
            raise InputError(f"unknown key {key!r} in [{name}]", place=place, hint=f"Known are {', '.join(expected)}")
        kind = expected[key] if isinstance(expected, dict) else expected
        right = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
        if not right or (isinstance(value, bool) and kind is not bool):
            raise InputError(f"{key!r} in [{name}] must be {_NAMES[kind]}", place=place)
        if kind is list and not all(isinstance(item, str) for item in value):
            raise InputError(f"{key!r} in [{name}] must be a list of texts", place=place)
        if kind in (int, float) and not 0 <= value <= MOST:
            raise InputError(f"{key!r} in [{name}] must not be negative, infinite or nan, nor over 10^15", place=place)


def _check_values(place: str, raw: dict[str, Any]) -> None:
    """What has the right type and still cannot be meant."""
    for name, address in raw.get("endpoints", {}).items():
        if name not in ENDPOINTS:
            known = ", ".join(sorted(ENDPOINTS))
            raise InputError(f"unknown endpoint {name!r} in [endpoints]", place=place, hint=f"Known are {known}")
        if not address.startswith(("http://", "https://")):
            raise InputError(f"{name!r} in [endpoints] must begin with http:// or https://", place=place)
    for name, word in raw.get("options", {}).items():
        if name not in OPTIONS:
            known = ", ".join(OPTIONS)
            raise InputError(f"unknown option {name!r} in [options]", place=place, hint=f"Known are {known}")
        if OPTIONS[name] and word not in OPTIONS[name]:
            raise InputError(f'{name!r} in [options] must be "yes" or "no"', place=place)
    for key, most in (("hosts", 64), ("per_host", 8)):
        if not 1 <= raw.get("follow", {}).get(key, 1) <= most:
            raise InputError(f"{key!r} in [follow] must be from 1 to {most}", place=place)
    for key in ("connect_timeout", "read_timeout", "total_timeout", "max_bytes"):
        if raw.get("network", {}).get(key, 1) == 0:
            raise InputError(f"{key!r} in [network] must be more than 0", place=place)
    fediverse = raw.get("fediverse", {})
    if bool(fediverse.get("key_id")) != bool(fediverse.get("key_file")):
        raise InputError("[fediverse] needs key_id and key_file together, or neither", place=place)
    files = (("verify", "network", raw.get("network", {})), ("key_file", "fediverse", fediverse))
    for key, table, values in files:
        if values.get(key) and not services.is_file(values[key]):
            raise InputError(f"{key!r} in [{table}] names no file: {values[key]}", place=place)


_NAMES = {str: "a text", int: "an integer", float: "a number", bool: "true or false", list: "a list of texts"}


def _texts(value: Any) -> Any:
    """Numbers as text, so that the whole configuration has a canonical form to hash."""
    if isinstance(value, dict):
        return {"/".join(map(str, key.encode())): _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return str(value)
