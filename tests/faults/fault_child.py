"""The archiver as a process of its own, whose names are resolved by the test's name server ($FAULT_NAMES, a port on
loopback), and which says at its end what memory it took at most ($FAULT_MEMORY, a file).

The system's resolver cannot be pointed at a port by a process without privileges, so this stands in its place: the one
function of the standard library that asks it. Everything else is the archiver as it is installed.
"""

from __future__ import annotations

import atexit
import ipaddress
import itertools
import os
import resource
import socket
import struct
import sys
from pathlib import Path
from typing import Any

PATIENCE = 12.0
"""Seconds for which a name server that does not answer is waited for, as resolvers do."""
CODES = {2: socket.EAI_AGAIN, 3: socket.EAI_NONAME}
_system = socket.getaddrinfo
_ids = itertools.count(1)


def lookup(name: str, kind: int, family: socket.AddressFamily) -> list[str]:
    """Addresses of one kind, asked of the test's name server. Raises gaierror as the system's resolver does."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    query = struct.pack(">HHHHHH", next(_ids) & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(PATIENCE)
        asking.sendto(query, ("127.0.0.1", int(os.environ["FAULT_NAMES"])))
        try:
            answer = asking.recv(4096)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution") from None
    code = answer[3] & 15
    if code:
        raise socket.gaierror(CODES[code], "Name or service not known" if code == 3 else "Temporary failure")
    size = 4 if family is socket.AF_INET else 16
    at, found = len(query), []
    for _ in range(struct.unpack_from(">H", answer, 6)[0]):
        at += 12
        found.append(str(ipaddress.ip_address(answer[at : at + size])))
        at += size
    return found


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, ...]]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return list(_system(host, port, family, type, proto, flags))
    name = host.rstrip(".")
    found: list[tuple[Any, ...]] = []
    for kind, wanted in ((1, socket.AF_INET), (28, socket.AF_INET6)):
        for address in lookup(name, kind, wanted):
            place = (address, port) if kind == 1 else (address, port, 0, 0)
            found.append((wanted, socket.SOCK_STREAM, 6, "", place))
    if not found:
        raise socket.gaierror(socket.EAI_NODATA, "No address associated with hostname")
    return found


def peak() -> int:
    """Bytes. Of this process alone where the system tells: the other figure counts what the parent was at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) << 10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def main() -> None:
    socket.getaddrinfo = getaddrinfo  # type: ignore[assignment]
    atexit.register(lambda: Path(os.environ["FAULT_MEMORY"]).write_text(str(peak())))
    from archiver.cli import main as archiver

    archiver()


if __name__ == "__main__":
    main()
