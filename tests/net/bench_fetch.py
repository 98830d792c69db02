"""CPU of fetching 200 JPEG-sized bodies of 80 KB from loopback: http.client, httpx, and the recording fetcher.

Run `python tests/net/bench_fetch.py`; no test, since a shared machine is too noisy to assert on. The server
is a process of its own, so that only the client's CPU is counted.
"""

from __future__ import annotations

import hashlib
import http.client
import multiprocessing
import os
import resource
import socket
import ssl
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

COUNT, SIZE = 200, 80_000


def serve(pipe: Connection) -> None:
    """One connection after the other, kept alive; every request gets the same head and a body of random bytes."""
    body = b"\xff\xd8\xff\xe0" + os.urandom(SIZE - 4)
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % SIZE + body
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            with connection:
                pending = b""
                while piece := connection.recv(65536):
                    pending += piece
                    while b"\r\n\r\n" in pending:
                        pending = pending.partition(b"\r\n\r\n")[2]
                        connection.sendall(reply)


def bare(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(COUNT):
        connection.request("GET", f"/{number}.jpg")
        hashlib.sha256(connection.getresponse().read()).hexdigest()
    connection.close()


def bare_httpx(port: int) -> None:
    import httpx

    with httpx.Client(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
        for number in range(COUNT):
            digest = hashlib.sha256()
            with client.stream("GET", f"http://127.0.0.1:{port}/{number}.jpg") as response:
                for piece in response.iter_raw():
                    digest.update(piece)
            digest.hexdigest()


def recorded(port: int) -> None:
    from archiver.model import Failure, Ref, Request
    from archiver.net.fetch import Fetcher, Policy

    policy = Policy(user_agent="bench", allow_private=("127.0.0.1",))
    with Fetcher(policy, {}) as fetcher:
        for number in range(COUNT):
            url = f"http://127.0.0.1:{port}/{number}.jpg"
            ref = Ref(platform="web", kind="media", id=url)
            (exchange,) = fetcher.fetch(Request(ref=ref, route="media", url=url))
            assert (exchange.failure, exchange.size) == (Failure.NONE, SIZE)


def measure(run: Callable[[int], None], port: int, rounds: int = 5) -> tuple[float, float, float]:
    """The least user CPU, system CPU and wall seconds of some rounds, after one that is not counted (imports)."""
    run(port)
    best = (1e9, 1e9, 1e9)
    for _ in range(rounds):
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        run(port)
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - start
        best = min(best, (after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime, wall))
    return best


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    base = 0.0
    for run in (bare, bare_httpx, recorded):
        user, system, wall = measure(run, port)
        base = base or user
        times = f"user {user:.3f} s  system {system:.3f} s  wall {wall:.3f} s"
        print(f"{run.__name__:12} {times}  user ratio {user / base:.2f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, {sys.version.split()[0]}")
    server.terminate()


if __name__ == "__main__":
    main()
