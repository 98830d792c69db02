"""The player of web archives (replayweb.page) in headless Chromium, on loopback: what it shows and what it asks for.

A page of the test holds the player in a frame, looks into it, and posts what it sees to the server of the test. Every
other host is behind the proxy of the test, which answers nobody.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import browsing

PLAYER = Path(__file__).parent.parent.parent / ".venv-judges/replaywebpage"
WATCH = Path(__file__).with_name("replaying.html")
PATIENCE = 60


@dataclass(frozen=True)
class Shown:
    """What the player showed: its text, that of the replayed page in double brackets; the bodies that it gave back, as
    (status, size, SHA-256) by address; and which hashes it found right, by file."""

    text: str
    bodies: dict[str, tuple[int, int, str]]
    hashes: dict[str, bool]


class Server(SimpleHTTPRequestHandler):
    """The player, one web archive, and the page that watches."""

    archive: Path
    told: queue.Queue[bytes]

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0]
        places = {"/watch.html": WATCH, "/captures.wacz": self.archive}
        return str(places.get(name) or PLAYER / name.lstrip("/"))

    def do_GET(self) -> None:
        """The web archive with ranges, by which the player reads a zip; everything else as it is."""
        if self.translate_path(self.path) != str(self.archive):
            super().do_GET()
            return
        data, asked = self.archive.read_bytes(), self.headers.get("Range", "").removeprefix("bytes=")
        first, _, last = asked.partition("-")
        start = int(first) if first else max(0, len(data) - int(last)) if last else 0
        piece = data[start : int(last) + 1] if first and last else data[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(piece)))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{start + len(piece) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(piece)

    def do_POST(self) -> None:
        self.told.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not a word."""


def replayed(
    archive: Path,
    folder: Path,
    proxy: int,
    *,
    url: str,
    expected: str,
    wanted: Sequence[str] = (),
    view: str = "pages",
    leak: str = "",
) -> Shown:
    """What the player shows of a web archive, when `expected` stands in it or after a while without. `url` is the
    address that it is told to show, `wanted` are those whose bodies are asked of it, `leak` one that the page of the
    test asks for by itself. `folder` is for the browser's own files."""
    told: queue.Queue[bytes] = queue.Queue()
    handler = type("Handler", (Server,), {"archive": archive, "told": told})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked = {"source": "captures.wacz", "view": urlencode({"view": view, "url": url}), "expected": expected}
    asked |= {"wanted": json.dumps(list(wanted)), "patience": "20000", "leak": leak}
    page = f"http://127.0.0.1:{server.server_address[1]}/watch.html?{urlencode(asked)}"
    command = [
        browsing.find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder}", f"--proxy-server=127.0.0.1:{proxy}", page,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            found = json.loads(told.get(timeout=PATIENCE))
        finally:
            running.terminate()
            server.shutdown()
            server.server_close()
    return Shown(
        text=found["text"],
        bodies={url: (status, size, sha256) for url, (status, size, sha256) in found["bodies"].items()},
        hashes=dict(found["verified"]),
    )
