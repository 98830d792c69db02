"""What the network layer may do: bounds, manners and which private addresses a person has named."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from archiver.errors import InputError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HEAD_LIMIT = 96 * 1024
"""The largest response head that can be allowed: the HTTP parser underneath (h11) stops at 100 KiB."""


MAX_BYTES = 256 << 20
"""Of a received body, where nobody set another bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One entry of --allow-private: a host name, an IP address or a CIDR range, each with an optional port (0: any).

    >>> str(Allowance.parse("[::1]:8080"))
    '[::1]:8080'
    """

    host: str = ""
    network: Network | None = None
    port: int = 0

    def __str__(self) -> str:
        name = self.host
        if self.network is not None:
            whole = self.network.prefixlen == self.network.max_prefixlen
            name = str(self.network.network_address) if whole else str(self.network)
            if self.port and self.network.version == 6:
                name = f"[{name}]"
        return f"{name}:{self.port}" if self.port else name

    @classmethod
    def parse(cls, text: str) -> Allowance:
        """The inverse of `str`. Raises InputError for wildcards, ranges of everything, and what is no address."""
        hint = "Name a host, an IP address or a CIDR range, with a port if need be, for example 127.0.0.1:8080"
        name, port = _split_port(text.strip(), hint)
        bare = name.removeprefix("[").removesuffix("]")
        try:
            network = ipaddress.ip_network(bare)
        except ValueError:
            network = None
        if network is not None:
            if network.prefixlen == 0:
                raise InputError(f"{text!r} would allow every address", place="--allow-private", hint=hint)
            return cls(network=network, port=port)
        labels = bare.lower().removesuffix(".").split(".")
        if name != bare or not all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels):
            raise InputError(f"{text!r} names no host", place="--allow-private", hint=hint)
        if labels[-1].isdecimal():
            raise InputError(f"{text!r} is not an IP address", place="--allow-private", hint=hint)
        return cls(host=".".join(labels), port=port)

    def covers(self, address: Address, host: str, port: int) -> bool:
        """Whether this entry names the address, or the host (lower case, no final dot) that resolved to it."""
        if self.port and self.port != port:
            return False
        if self.network is not None:
            return address.version == self.network.version and address in self.network
        return host == self.host


def _split_port(text: str, hint: str) -> tuple[str, int]:
    name, colon, port = text.rpartition(":")
    if not colon or (":" in name and not name.endswith("]")):
        return text, 0
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
        raise InputError(f"{text!r} has no valid port", place="--allow-private", hint=hint)
    return name, int(port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Bounds of the network layer. Times are seconds, sizes bytes; raises InputError for what cannot be kept.

    `total_timeout` bounds one exchange from connecting to its last byte, whatever the server trickles.
    `max_bytes` bounds the received body, `max_head` and `max_fields` the response head, `max_entity` and
    `max_ratio` what content decoding may give. Bodies above `spool_bytes` wait in a temporary file.
    `allow_private` are texts of Allowance. `verify` is a CA file, empty for the default certificates.
    """

    user_agent: str
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 600.0
    max_bytes: int = MAX_BYTES
    max_head: int = HEAD_LIMIT
    max_fields: int = 1000
    max_entity: int = 1 << 30
    max_ratio: int = 200
    max_redirects: int = 5
    allow_private: tuple[str, ...] = ()
    spool_bytes: int = 1 << 20
    verify: str = ""
    per_host: int = 4
    allowances: tuple[Allowance, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.user_agent.isprintable() or not self.user_agent.strip() or not self.user_agent.isascii():
            raise InputError("the User-Agent is not one line of ASCII text", place="user_agent")
        if not 1 <= self.per_host <= 8:
            raise InputError(f"{self.per_host} connections to one host", place="per_host", hint="Choose 1 to 8")
        if not 0 < self.max_head <= HEAD_LIMIT:
            raise InputError(f"{self.max_head} bytes of head", place="max_head", hint=f"At most {HEAD_LIMIT}")
        if min(self.connect_timeout, self.read_timeout, self.total_timeout) <= 0 or self.max_redirects < 0:
            raise InputError("a time-out or bound is not positive", place="policy")
        object.__setattr__(self, "allowances", tuple(map(Allowance.parse, self.allow_private)))
