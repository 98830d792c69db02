"""Browsers that open one page from the disk and give it back after its scripts ran: Chromium, and Firefox by Marionette
(its own remote protocol: numbered JSON messages over loopback). All that they ask for goes to a proxy of the test."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

NAMES = {"chromium": ("chromium", "chromium-browser", "google-chrome"), "firefox": ("firefox-esr", "firefox")}
LONGEST = 60.0
READY = """
const done = arguments[0], state = () => document.getElementById("checks").dataset.state;
const look = () => state() !== "none" || performance.now() > 4000
  ? done(document.documentElement.outerHTML) : setTimeout(look, 20);
look();
"""


class Trap:
    """A proxy that answers nobody and remembers which names were asked for."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.asked: list[bytes] = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.hear, args=(connection,), daemon=True).start()

    def hear(self, connection: socket.socket) -> None:
        """What is asked on one connection; one that is opened in advance asks nothing."""
        with connection:
            connection.settimeout(LONGEST)
            try:
                asked = connection.recv(4096)
            except OSError:
                return
        if asked:
            self.asked.append(asked)

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port

    def of(self, name: bytes) -> list[bytes]:
        return [asked for asked in self.asked if name in asked]


OWN = re.compile(
    rb"[A-Z]+ (https?://)?([a-z0-9-]+\.)*(google|googleapis|gvt1|mozilla|firefox|mozgcp)\.(com|net|org)[:/]"
)
"""Requests of a browser to its maker: for updates, lists and the time, whatever page is open."""


def strangers(trap: Trap) -> list[bytes]:
    """What was asked of others than the maker of the browser."""
    return [asked for asked in trap.asked if not OWN.match(asked)]


def find(browser: str) -> str:
    """The program of a browser, empty where there is none."""
    return next((found for name in NAMES[browser] if (found := shutil.which(name))), "")


def opened(browser: str, page: Path, folder: Path, proxy: int) -> str:
    """The page after its checks, as HTML. `folder` is for the browser's own files."""
    folder.mkdir(exist_ok=True)
    return (_chromium if browser == "chromium" else _firefox)(find(browser), page, folder, proxy)


def _chromium(program: str, page: Path, folder: Path, proxy: int) -> str:
    command = [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
        f"--user-data-dir={folder}", f"--proxy-server=127.0.0.1:{proxy}", "--proxy-bypass-list=<-loopback>",
        "--virtual-time-budget=20000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=2 * LONGEST, check=False)
    assert "<html" in ended.stdout, ended.stderr[-2000:]
    return ended.stdout


def _firefox(program: str, page: Path, folder: Path, proxy: int) -> str:
    prefs: dict[str, Any] = {
        "marionette.port": 0, "remote.log.level": "Info", "network.proxy.type": 1, "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": proxy, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": proxy,
        "network.proxy.no_proxies_on": "",
    }  # fmt: skip
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in prefs.items()]
    (folder / "user.js").write_text("".join(lines))
    command = [program, "--headless", "--no-remote", "--marionette", "--profile", str(folder)]
    environment = os.environ | {"HOME": str(folder)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment) as running:
        try:
            assert running.stdout is not None
            said = (re.search(rb"Listening on port (\d+)", line) for line in running.stdout)
            port = next((int(found[1]) for found in said if found), 0)
            assert port, "the browser ended"
            threading.Thread(target=running.stdout.read, daemon=True).start()
            return _asked(port, page.as_uri())
        finally:
            running.terminate()


def _asked(port: int, address: str) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection,
        connection.makefile("rb") as answers,
    ):
        numbers = iter(range(1, 100))

        def message() -> Any:
            size = b""
            while (byte := answers.read(1)) not in (b":", b""):
                size += byte
            return json.loads(answers.read(int(size)))

        def call(name: str, **parameters: object) -> Any:
            data = json.dumps([0, next(numbers), name, parameters]).encode()
            connection.sendall(b"%d:%s" % (len(data), data))
            _, _, error, result = message()
            assert error is None, error
            return result

        message()  # who it is
        call("WebDriver:NewSession")
        call("WebDriver:Navigate", url=address)
        page: str = call("WebDriver:ExecuteAsyncScript", script=READY, args=[])["value"]
        return page
