"""HTTP signatures of our own actor, for fediverse servers that answer signed reads only.

draft-cavage-http-signatures-12 with RSA-SHA256 over `(request-target) host date`, as Mastodon and
GoToSocial check it. The signature is recorded: it is no secret. The key never leaves this object.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from archiver.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class Signer:
    """Signs reads as the actor whose key is `key_id` (an address, usually ACTOR#main-key).

    `private_pem` is an unencrypted RSA key of at least 2048 bits, PKCS#8 or PKCS#1. Raises InputError.
    """

    def __init__(
        self, key_id: str, private_pem: bytes, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        if not key_id.isascii() or not key_id.isprintable() or '"' in key_id or not key_id:
            raise InputError(f"{key_id!r} is not a key id", place="key_id", hint="Give the address of the actor's key")
        self._key_id, self._now = key_id, now
        self._key = _load(private_pem)

    def headers(self, method: str, target: str, host: str) -> tuple[tuple[str, str], ...]:
        """Date and Signature for a request without a body. `target` is path and query, `host` the Host header."""
        # cryptography takes 40 ms to import, and most runs sign nothing.
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        date = format_datetime(self._now().astimezone(UTC), usegmt=True)
        text = signing_string(method, target, host, date)
        signature = base64.b64encode(self._key.sign(text.encode("latin-1"), PKCS1v15(), SHA256())).decode()
        named = f'keyId="{self._key_id}",algorithm="rsa-sha256",headers="(request-target) host date"'
        return (("Date", date), ("Signature", f'{named},signature="{signature}"'))


def signing_string(method: str, target: str, host: str, date: str) -> str:
    """The text that is signed (section 2.3 of the draft)."""
    return f"(request-target): {method.lower()} {target}\nhost: {host}\ndate: {date}"


def _load(pem: bytes) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    hint = "Give an unencrypted RSA key of at least 2048 bits as PEM"
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise InputError("the signing key cannot be read", place="private_pem", hint=hint) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise InputError("the signing key is not RSA of 2048 bits or more", place="private_pem", hint=hint)
    return key
