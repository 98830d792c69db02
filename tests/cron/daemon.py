"""The real cron daemon runs the line that `install-cron` wrote: `make cron`, not part of `make test`.

Needs the cron of the system and a user who may start it (root, as in a container of CI): elsewhere it is skipped with
the reason. The crontab of the user is put back at the end. Takes up to a minute and some seconds, for cron's shortest
time is a minute.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from archiver.jobs import cron

PATIENCE = 85
PAGE = b"<!doctype html><title>Ferry</title><p>The ferry carried nineteen people this morning."


class Slow(ThreadingHTTPServer):
    """A page that is answered only when the test says so: a run that asks for it is at work meanwhile."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked, self.go = threading.Event(), threading.Event()


class Answers(BaseHTTPRequestHandler):
    server: Slow

    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            self.send_error(404)
            return
        self.server.asked.set()
        self.server.go.wait(PATIENCE)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def crontab() -> Iterator[None]:
    """This user's crontab, put back at the end."""
    if shutil.which("cron") is None or shutil.which("crontab") is None:
        pytest.skip("cron is not installed: apt-get install cron")
    if os.geteuid() != 0:
        pytest.skip("only root may start the daemon")
    before = subprocess.run(["crontab", "-l"], capture_output=True, check=False)
    yield
    if before.returncode == 0:
        subprocess.run(["crontab", "-"], input=before.stdout, check=True)
    else:
        subprocess.run(["crontab", "-r"], capture_output=True, check=False)


@pytest.fixture
def daemon(crontab: None) -> Iterator[str]:
    """A cron that runs: that of the system, or one that is started here and ended by its own process id."""
    with suppress(OSError, ValueError):
        pid = int(Path("/run/crond.pid").read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == "cron":
            yield "the one that was running"
            return
    with subprocess.Popen(["cron", "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        time.sleep(0.5)
        if started.poll() is not None:
            pytest.skip(f"cron does not start here: it ended with {started.returncode}")
        try:
            yield f"process {started.pid}"
        finally:
            started.terminate()
            started.wait(10)


@pytest.fixture
def slow() -> Iterator[Slow]:
    with Slow() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.go.set()
        server.shutdown()


def archiver(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("archiver")), *arguments]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=60)


def rows(db: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def until(what: str, done: threading.Event | None, db: Path, sql: str, seconds: float) -> None:
    """Waits for a sign from the run that cron started."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done is not None and done.wait(0.2):
            return
        if done is None and db.exists() and rows(db, sql):
            return
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def test_cron_runs_the_line_and_a_second_run_steps_aside(
    daemon: str, slow: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "an archive, 50% done & it's böse"
    (home / "seeds").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config 100%"))
    address = f"http://127.0.0.1:{slow.server_port}/ferry"
    (home / "seeds" / "list.urls").write_text(f"{address}\n")
    (home / "archiver.toml").write_text(f'[network]\nallow_private = ["127.0.0.1:{slow.server_port}"]\n')
    db = home / "data" / "archive.db"
    for said in ("Put into the crontab", "says so already"):
        written = archiver(home, "install-cron", "--every", "1", "--write")
        assert written.returncode == 0, written.stderr
        assert said in written.stdout
    kept = subprocess.run(["crontab", "-l"], capture_output=True, check=True).stdout
    job = cron.found(kept, str(db))
    assert job is not None
    assert job.folder == str(home)
    began = time.monotonic()
    until("cron's run asks for the page", slow.asked, db, "", PATIENCE)
    waited = time.monotonic() - began

    # The run that cron started is at work: a second one, the same command, steps aside at once and truthfully.
    began = time.monotonic()
    second = subprocess.run(
        job.argv,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=os.environ | dict(job.environment),
    )
    aside = time.monotonic() - began
    assert second.returncode in (0, 1), second.stderr
    assert rows(db, "SELECT count(*) FROM work_runs") == [(1,)], "the second run began nothing"
    loud = archiver(home, "run")
    assert "another archiver is at work" in loud.stdout + loud.stderr
    assert rows(db, "SELECT count(*) FROM work_runs") == [(1,)]

    slow.go.set()
    until("cron's run ends", None, db, "SELECT 1 FROM work_runs WHERE ended_at IS NOT NULL", 20)
    seen = archiver(home, "doctor", "--json")
    signs = json.loads(seen.stdout)["signs"]
    assert not [sign for sign in signs if sign["state"] == "wrong" and sign["check"] != "file system"], seen.stdout
    assert [sign["what"] for sign in signs if sign["check"] == "cron"] == ["every 1 minutes, by this user's crontab"]
    archiver(home, "install-cron", "--remove")
    assert cron.found(subprocess.run(["crontab", "-l"], capture_output=True, check=False).stdout, str(db)) is None
    [(command, code, captures)] = rows(db, "SELECT command, exit_code, captures FROM work_runs ORDER BY id LIMIT 1")
    assert "run --quiet" in str(command)
    assert code == 0
    assert captures
    assert rows(db, "SELECT status FROM captures WHERE url LIKE '%/ferry'") == [(200,)]
    assert (home / "config 100%" / "quotechain" / "keys").is_dir(), "the key is where this shell would look for it"
    verified = archiver(home, "verify", str(db), "--json")
    assert json.loads(verified.stdout)["wrong_counts"] == {}
    print(f"cron ({daemon}) began a run after {waited:.0f} s; a second one stepped aside in {aside:.2f} s")
