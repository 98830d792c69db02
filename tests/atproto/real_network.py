"""Starts the AT Protocol's own software on loopback, and writes to it as clients do.

PostgreSQL, Redis and Node run as processes of their own in a folder that is deleted afterwards. Sources: the lexicons
com.atproto.server, com.atproto.repo, com.atproto.identity and com.atproto.admin; @atproto/dev-env.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
ADMIN = ("admin", "admin-pass")  # what dev-env sets
PATIENCE = 120.0  # seconds until everything answers


@dataclass(frozen=True, kw_only=True)
class Account:
    did: str
    handle: str
    token: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as the host that keeps it named it."""

    uri: str
    cid: str

    @property
    def strong(self) -> dict[str, str]:
        return {"uri": self.uri, "cid": self.cid}

    @property
    def rkey(self) -> str:
        return self.uri.rpartition("/")[2]

    @property
    def ref(self) -> str:
        """As the archiver names it."""
        return f"bluesky:{'repost' if 'feed.repost' in self.uri else 'post'}:{self.uri}"

    @property
    def page(self) -> str:
        """Where the official client would show it."""
        did = self.uri.split("/")[2]
        return f"https://bsky.app/profile/{did}/post/{self.rkey}"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A running network. All addresses are on this machine."""

    plc: str
    pds: str
    appview: str
    control: str
    client: httpx.Client

    def settle(self) -> None:
        """Waits until the AppView has indexed all that was written."""
        self.client.get(f"{self.control}/settle").raise_for_status()

    def call(self, method: str, body: Any = None, *, by: Account | None = None, kind: str = "") -> Any:
        """A procedure of the PDS. Raises httpx.HTTPStatusError where the host refuses it."""
        headers = {"authorization": f"Bearer {by.token}"} if by is not None else {}
        url = f"{self.pds}/xrpc/{method}"
        if isinstance(body, bytes):
            answer = self.client.post(url, content=body, headers=headers | {"content-type": kind})
        else:
            answer = self.client.post(url, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def join(self, name: str) -> Account:
        """A new account, `NAME.test`."""
        told = self.call(
            "com.atproto.server.createAccount",
            {"email": f"{name}@mail.example", "handle": f"{name}.test", "password": f"{name} likes long passwords"},
        )
        return Account(did=told["did"], handle=told["handle"], token=told["accessJwt"])

    def write(self, by: Account, collection: str, record: dict[str, Any]) -> Record:
        """A new record in the account's repository."""
        body = {"repo": by.did, "collection": collection, "record": _record(collection, record)}
        told = self.call("com.atproto.repo.createRecord", body, by=by)
        return Record(uri=told["uri"], cid=told["cid"])

    def post(self, by: Account, text: str, **more: Any) -> Record:
        return self.write(by, "app.bsky.feed.post", {"text": text, "langs": ["en"], **more})

    def quote(self, by: Account, text: str, quoted: Record, **more: Any) -> Record:
        embed = {"$type": "app.bsky.embed.record", "record": quoted.strong}
        return self.post(by, text, embed=embed, **more)

    def upload(self, by: Account, content: bytes, kind: str) -> Any:
        """The blob as records name it."""
        return self.call("com.atproto.repo.uploadBlob", content, by=by, kind=kind)["blob"]

    def rewrite(self, by: Account, record: Record, text: str) -> Record:
        """Other words under the same address: what clients offer as an edit is this call."""
        collection = "app.bsky.feed.post"
        body = {
            "repo": by.did,
            "collection": collection,
            "rkey": record.rkey,
            "record": _record(collection, {"text": text, "langs": ["en"]}),
        }
        told = self.call("com.atproto.repo.putRecord", body, by=by)
        return Record(uri=told["uri"], cid=told["cid"])

    def delete(self, by: Account, record: Record) -> None:
        body = {"repo": by.did, "collection": record.uri.split("/")[3], "rkey": record.rkey}
        self.call("com.atproto.repo.deleteRecord", body, by=by)

    def take_down(self, subject: Record | Account, *, applied: bool = True) -> None:
        """What a moderator does to a post or an account, at its host and at the AppView; `applied` False undoes it."""
        if isinstance(subject, Account):
            named = {"$type": "com.atproto.admin.defs#repoRef", "did": subject.did}
        else:
            named = {"$type": "com.atproto.repo.strongRef", **subject.strong}
        takedown = {"applied": applied, "ref": "1"} if applied else {"applied": False}
        for host in (self.pds, self.appview):
            url = f"{host}/xrpc/com.atproto.admin.updateSubjectStatus"
            self.client.post(url, json={"subject": named, "takedown": takedown}, auth=ADMIN).raise_for_status()

    def leave(self, account: Account) -> None:
        """The account's own deactivation, which it can take back."""
        self.call("com.atproto.server.deactivateAccount", {}, by=account)

    def come_back(self, account: Account) -> None:
        self.call("com.atproto.server.activateAccount", by=account)


def _record(collection: str, record: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"$type": collection, "createdAt": now, **record}


@contextlib.contextmanager
def running(home: Path) -> Iterator[Network]:
    """The network of the software in `home` (see install.sh), until the block ends."""
    for name in ("network.mjs", "loopback.cjs"):
        shutil.copyfile(HERE / name, home / name)
    folder = Path(tempfile.mkdtemp(prefix="quotechain-atproto-"))
    names = ("POSTGRES", "REDIS", "PLC", "PDS", "BSKY", "CONTROL")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_postgres(folder, ports["POSTGRES"]))
        started.append(_redis(folder, ports["REDIS"]))
        for process, name in zip(started, ("POSTGRES", "REDIS"), strict=True):
            _answers(process, ports[name], folder)
        started.append(_node(home, folder, ports))
        _answers(started[-1], ports["CONTROL"], folder)
        with httpx.Client(timeout=60, trust_env=False) as client:
            network = Network(
                plc=f"http://localhost:{ports['PLC']}",
                pds=f"http://localhost:{ports['PDS']}",
                appview=f"http://localhost:{ports['BSKY']}",
                control=f"http://127.0.0.1:{ports['CONTROL']}",
                client=client,
            )
            yield network
            with contextlib.suppress(httpx.HTTPError):  # it may end before it has answered
                client.get(f"{network.control}/stop")
    finally:
        for process in reversed(started):  # the network before its databases
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _start(command: list[str], log: Path, **more: Any) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, **more)


def _postgres(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """PostgreSQL refuses to run as root, so it then runs as the account that Debian's package made for it."""
    found = [Path(shutil.which("initdb") or "").resolve().parent, *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    programs = next(path for path in found if (path / "initdb").exists() and (path / "postgres").exists())
    data = folder / "postgres"
    data.mkdir(mode=0o700)
    owner: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
        folder.chmod(0o755)
        shutil.chown(data, "postgres", "postgres")
    make = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, cwd="/", **owner)
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": data, "fsync": "off", "port": port}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), *settings]
    return _start(command, folder / "postgres.log", cwd="/", **owner)


def _redis(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    return _start(command, folder / "redis.log")


def _node(home: Path, folder: Path, ports: dict[str, int]) -> subprocess.Popen[bytes]:
    own = home / "node" / "bin"
    environment = os.environ | {
        "PATH": f"{own}{os.pathsep}{os.environ['PATH']}" if own.is_dir() else os.environ["PATH"],
        "TMPDIR": str(folder),
        "DB_POSTGRES_URL": f"postgresql://postgres@127.0.0.1:{ports['POSTGRES']}/postgres",
        "DB_POSTGRES_SCHEMA": "network",
        "REDIS_HOST": f"127.0.0.1:{ports['REDIS']}",
        "LOG_ENABLED": "false",
        **{f"{name}_PORT": str(port) for name, port in ports.items()},
    }
    node = shutil.which("node", path=environment["PATH"]) or "node"
    command = [node, "--require", str(home / "loopback.cjs"), str(home / "network.mjs")]
    return _start(command, folder / "node.log", cwd=home, env=environment)


def _answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Waits until somebody listens; RuntimeError, with the ends of the logs, where nobody does."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    told = "\n".join(f"{log.name}: {log.read_text('utf-8', 'replace')[-2000:]}" for log in folder.glob("*.log"))
    raise RuntimeError(f"nothing answers at port {port} of {process.args!r}\n{told}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
