"""Outside services that may be asked about the log, as `[anchors]` of the configuration names them. None is built in:
who is told that an archive exists, and when it grows, is for its owner to say.

[[anchors.rfc3161]]  name, url, roots (PEM file), qualified = true | false, policy
[[anchors.ots]]      name, url
[[anchors.witness]]  name, url, vkey
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.custody import certificates
from archiver.custody.note import COSIGNATURE, VerifierKey
from archiver.errors import InputError, ParseError

RFC3161, OTS, WITNESS = "rfc3161", "ots", "witness"
_KEYS: dict[str, dict[str, type]] = {
    RFC3161: {"name": str, "url": str, "roots": str, "qualified": bool, "policy": str},
    OTS: {"name": str, "url": str},
    WITNESS: {"name": str, "url": str, "vkey": str},
}
MOST = 32
_RELATIVE = "Relative paths begin in the folder in which the command runs"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,17})){1,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. `roots` is a PEM file of certificates that are trusted for it, empty where nobody is; `qualified`
    is what its owner says of it (eIDAS article 42), checked by nothing here; `policy` the one asked for; `vkey` the
    key of a witness."""

    kind: str
    name: str
    url: str
    roots: str = ""
    qualified: bool = False
    policy: str = ""
    vkey: str = ""

    @property
    def label(self) -> str:
        return f"{self.kind} {self.name}"

    def trusted(self) -> tuple[bytes, ...]:
        """The configured roots (DER). InputError when the file cannot be read."""
        if not self.roots:
            return ()
        try:
            return certificates.from_pem(Path(self.roots).read_bytes())
        except OSError as error:
            raise InputError(f"the roots of {self.name} cannot be read: {error.strerror}", place=self.roots) from None
        except ParseError as error:
            raise InputError(error.message, place=self.roots, hint="Give a PEM file of root certificates") from None


def is_file(name: str) -> bool:
    """Whether a file is there: what can be no name of a file (too long, NUL) is none."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def parse(place: str, raw: object) -> tuple[Service, ...]:
    """The services of an `[anchors]` table, in the order of the file. InputError names what is wrong."""
    if not isinstance(raw, dict):
        raise InputError("anchors must be a table", place=place, hint="Write [[anchors.rfc3161]] above the keys of one")
    found: list[Service] = []
    for kind, entries in raw.items():
        if kind not in _KEYS:
            known = ", ".join(f"[[anchors.{name}]]" for name in _KEYS)
            raise InputError(f"unknown kind {kind!r} in [anchors]", place=place, hint=f"Known are {known}")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            hint = f"Write [[anchors.{kind}]], with two brackets, above the keys of each"
            raise InputError(f"anchors.{kind} must be a list of tables", place=place, hint=hint)
        found += [_service(place, kind, entry) for entry in entries]
    if len(found) > MOST:
        raise InputError(f"{len(found)} services in [anchors]", place=place, hint=f"At most {MOST} are asked")
    labels = [service.label for service in found]
    if twice := next((label for label in labels if labels.count(label) > 1), ""):
        raise InputError(f"{twice} stands twice in [anchors]", place=place, hint="Give each a name of its own")
    return tuple(found)


def _service(place: str, kind: str, entry: Mapping[str, Any]) -> Service:
    table, known = f"[[anchors.{kind}]]", _KEYS[kind]
    for key, value in entry.items():
        if key not in known:
            raise InputError(f"unknown key {key!r} in {table}", place=place, hint=f"Known are {', '.join(known)}")
        if not isinstance(value, known[key]):
            wanted = "a text" if known[key] is str else "true or false"
            raise InputError(f"{key!r} in {table} must be {wanted}", place=place)
    for key in ("name", "url", *(("vkey",) if kind == WITNESS else ())):
        if not entry.get(key):
            raise InputError(f"{table} needs {key!r}", place=place)
    service = Service(kind=kind, **entry)
    if not _NAME.fullmatch(service.name):
        hint = "It names files, too: small letters, digits, dots, dashes and underscores, 64 at most"
        raise InputError(f"{service.name!r} is no name for a service", place=place, hint=hint)
    if not service.url.startswith(("http://", "https://")):
        raise InputError(f"'url' of {service.label} must begin with http:// or https://", place=place)
    if service.policy and not _OID.fullmatch(service.policy):
        hint = "It is written with dots, as 1.3.6.1.4.1.99999.1"
        raise InputError(f"'policy' of {service.label} is no object identifier", place=place, hint=hint)
    if service.roots and not is_file(service.roots):
        raise InputError(f"'roots' of {service.label} names no file: {service.roots}", place=place, hint=_RELATIVE)
    if service.vkey:
        _witness_key(place, service)
    return service


def _witness_key(place: str, service: Service) -> None:
    try:
        key = VerifierKey.parse(service.vkey)
    except ParseError as error:
        reason = f"'vkey' of {service.label} cannot be read: {error.message}"
        raise InputError(reason, place=place, hint="Its owner publishes it: NAME+ID+KEY") from None
    if key.type != COSIGNATURE:
        reason = f"'vkey' of {service.label} is of type {key.type}, not of a witness (4)"
        raise InputError(reason, place=place, hint="Its owner publishes it: NAME+ID+KEY")
