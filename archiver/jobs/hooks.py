"""Who is told when a post was edited, went or came back, or a quotation turned out altered, as `[hooks]` of the
configuration names them. Nobody is told by default.

[hooks]  command = ["notify", "--desk"]   a program that gets one event as JSON on standard input, without a shell
         webhook = "https://…"            an address that one event is posted to as JSON, signed
         events  = ["gone", "altered"]    which kinds; default all
         timeout = 10                     seconds for one event
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.errors import InputError

SECRET = "QUOTECHAIN_WEBHOOK_SECRET"
"""The environment variable that holds the secret that posts to the webhook are signed with."""
PREFIX = "whsec_"
KINDS = ("edited", "gone", "returned", "altered")
COMMAND, WEBHOOK = "command", "webhook"
FAILING = "told failing "
"""Under names that begin so work remembers since when a hook takes nothing, and why."""
LONGEST = 60.0
"""Seconds: a hook holds up the end of a run."""
_KEYS: dict[str, type] = {"command": list, "webhook": str, "events": list, "timeout": float}
_MAKE = f'Make one with: echo "{PREFIX}$(openssl rand -base64 32)"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """`command` and `webhook` are told of events of `kinds`, each within `timeout` seconds. `secret` signs what is
    posted: 24 to 64 bytes, empty where the environment holds none."""

    command: tuple[str, ...] = ()
    webhook: str = ""
    kinds: tuple[str, ...] = KINDS
    timeout: float = 10.0
    secret: bytes = field(default=b"", repr=False)

    @property
    def channels(self) -> tuple[str, ...]:
        """Which hooks there are."""
        return (COMMAND,) * bool(self.command) + (WEBHOOK,) * bool(self.webhook)


def parse(place: str, raw: object, environment: Mapping[str, str]) -> Hooks:
    """The `[hooks]` table and the secret. InputError names what is wrong, and repeats no secret."""
    if not isinstance(raw, dict):
        raise InputError("hooks must be a table", place=place, hint="Write [hooks] above its keys")
    for key, value in raw.items():
        if key not in _KEYS:
            raise InputError(f"unknown key {key!r} in [hooks]", place=place, hint=f"Known are {', '.join(_KEYS)}")
        if key == "timeout":
            right = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= LONGEST
            wanted = f"seconds, more than 0 and at most {LONGEST:g}"
        elif _KEYS[key] is list:
            right = isinstance(value, list) and bool(value) and all(isinstance(one, str) and one for one in value)
            wanted = "a list of texts, none of them empty"
        else:
            right, wanted = isinstance(value, str), "a text"
        if not right:
            raise InputError(f"{key!r} in [hooks] must be {wanted}", place=place)
    return _hooks(place, raw, environment)


def _hooks(place: str, raw: Mapping[str, Any], environment: Mapping[str, str]) -> Hooks:
    webhook = raw.get("webhook", "")
    if webhook and not webhook.startswith(("http://", "https://")):
        raise InputError("'webhook' in [hooks] must begin with http:// or https://", place=place)
    for kind in raw.get("events", ()):
        if kind not in KINDS:
            raise InputError(f"unknown event {kind!r} in [hooks]", place=place, hint=f"Known are {', '.join(KINDS)}")
    if any("\0" in word for word in raw.get("command", ())):
        raise InputError("'command' in [hooks] holds a NUL", place=place)
    return Hooks(
        command=tuple(raw.get("command", ())),
        webhook=webhook,
        kinds=tuple(kind for kind in KINDS if kind in raw.get("events", KINDS)),
        timeout=float(raw.get("timeout", 10.0)),
        secret=_secret(environment.get(SECRET, "")) if webhook else b"",
    )


def _secret(text: str) -> bytes:
    """The bytes of a secret as Standard Webhooks write it. InputError says what is wrong without showing it."""
    if not text:
        return b""
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(PREFIX) or not 24 <= len(secret) <= 64:
        raise InputError(f"it must be {PREFIX} and the base64 of 24 to 64 bytes", place=SECRET, hint=_MAKE)
    return secret
