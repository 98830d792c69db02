"""What a command loads and what a capture costs, counted: speed that cannot be lost unnoticed, without a clock."""

import json
import queue
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from archiver.jobs import follow, intake
from archiver.jobs.asking import capturing
from archiver.jobs.config import Config
from archiver.jobs.looking import Event
from archiver.jobs.session import open_session
from archiver.jobs.settle import settle

HEAVY = {
    "httpx",
    "httpcore",
    "sqlite_utils",
    "datasette",
    "ftfy",
    "dateparser",
    "cryptography",
    "rich",
    "warcio",
    "PIL",
}
LOADED = """
import sys
from archiver.cli import main
try:
    main(sys.argv[1:], prog_name="archiver")
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules)
"""


def loaded(*arguments: str | Path, folder: Path | None = None) -> set[str]:
    """The modules that a command of its own process has loaded at its end."""
    command = [sys.executable, "-c", LOADED, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    return set(ended.stdout.splitlines()[-1].split())


def test_the_version_loads_nothing_of_weight() -> None:
    modules = loaded("--version")
    assert not modules & HEAVY
    errors = {"archiver.errors", "archiver.store", "archiver.store.refusals"}  # what a command may end with
    assert {name for name in modules if name.startswith("archiver.")} == {"archiver.cli", *errors}


def test_reading_a_plain_seed_loads_no_network_no_proofs_and_no_repair(tmp_path: Path) -> None:
    """The run that stores it signs the log, which takes cryptography; the next one has nothing to sign."""
    seed = tmp_path / "seed.txt"
    seed.write_text("Nobody is quoted here.\n")
    for allowed in ({"cryptography"}, set[str]()):
        modules = loaded("run", seed, "--offline", "--db", tmp_path / "archive.db")
        assert modules & HEAVY == allowed
        assert "archiver.platforms.bluesky.proof" not in modules


def test_a_run_with_nothing_to_do_loads_nothing_that_reads(tmp_path: Path) -> None:
    """Cron starts it every few minutes: most of what it takes is what it loads."""
    seed = tmp_path / "seed.txt"
    seed.write_text("Nobody is quoted here.\n")
    loaded("run", seed, "--offline", "--db", tmp_path / "archive.db")
    for _ in range(2):  # the run after the first one settles what that one signed
        modules = loaded("run", "--quiet", "--db", tmp_path / "archive.db", folder=tmp_path)
    assert not modules & HEAVY, modules & HEAVY
    assert not modules & {"archiver.jobs.follow", "archiver.documents.read", "archiver.documents.mentions"}


def test_looking_at_an_archive_loads_no_network(tmp_path: Path) -> None:
    seed = tmp_path / "seed.txt"
    seed.write_text("Nobody is quoted here.\n")
    loaded("add", seed, "--db", tmp_path / "archive.db")
    assert not loaded("status", "--db", tmp_path / "archive.db") & (HEAVY - {"rich"})


def test_the_network_is_loaded_without_the_command_line_of_httpx() -> None:
    """httpx brings rich and pygments with it where they are installed."""
    script = "import sys, archiver.jobs.asking; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(ended.stdout.split())
    assert "httpx" in modules
    assert not modules & (HEAVY - {"httpx", "httpcore"})


class Prompt(queue.SimpleQueue[Event]):
    """Answers that always come before the writer looks for them: what is counted hangs on no race of threads."""

    def get_nowait(self) -> Event:
        return self.get(timeout=20)


def statements(folder: Path, count: int) -> Counter[str]:
    """The first words of the statements that a run over `count` recorded pictures executes."""
    folder.mkdir()
    addresses = [f"https://pictures.example/{number}.jpg" for number in range(count)]
    answers = []
    for number, address in enumerate(addresses):
        (folder / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + number.to_bytes(4, "big") * 1000)
        answer = {"status": 200, "headers": [["Content-Type", "image/jpeg"]], "body_file": f"{number}.jpg"}
        answers.append({"method": "GET", "url": address, "observed_at": "2026-01-02T03:04:05Z", **answer})
    (folder / "index.json").write_text(json.dumps(answers))
    seed = folder / "list.urls"
    seed.write_text("".join(f"{address}\n" for address in addresses))
    seen: Counter[str] = Counter()
    with open_session(folder / "archive.db", Config()) as session:
        session.archive.db.set_trace_callback(lambda sql: seen.update([sql.split(None, 1)[0]]))
        assert intake.take(session, [str(seed)]).queued == count
        with capturing(session, replay=folder) as job:
            job.trying.events = Prompt()
            assert job.run().captures == count
        session.archive.db.set_trace_callback(None)
    return seen


@pytest.fixture(scope="module")
def a_hundred_more(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """What a hundred captures more make a run execute."""
    folder = tmp_path_factory.mktemp("cost")
    few, many = statements(folder / "few", 50), statements(folder / "many", 150)
    return Counter({word: many[word] - few[word] for word in many})


def test_a_document_that_names_many_posts_pairs_none_that_nobody_captured(tmp_path: Path) -> None:
    """A list of sixteen thousand posts would take hours: counted in calls, for one post more."""
    calls: list[int] = []
    for count in (50, 400):
        seed = tmp_path / f"{count}.html"
        seed.write_text("".join(f"<p>https://x.com/i/status/{1000 + n}</p>\n" for n in range(count)))
        with open_session(tmp_path / f"{count}.db", Config()) as session:
            assert intake.take(session, [str(seed)]).queued == count
            counted: Counter[str] = Counter()
            sys.setprofile(lambda frame, event, _, counted=counted: counted.update([event]))
            settle(session)
            sys.setprofile(None)
        calls.append(counted["call"] // count)
    assert calls[1] < 1.5 * calls[0], calls


def test_what_a_newer_version_reads_again_is_committed_in_hundreds(tmp_path: Path) -> None:
    """Each commit waits for the disk: of a million captures, one by one, a run after an upgrade took hours."""
    statements(tmp_path / "archive", 250)
    db = tmp_path / "archive" / "archive.db"
    with open_session(db, Config()) as session:
        session.remember("readings_version", "0")
    commits: list[str] = []
    with open_session(db, Config()) as session:
        session.archive.db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        assert follow.catch_up(session) == 251
        assert session.archive.value("SELECT count(*) FROM outcomes") >= 250
    assert len(commits) <= 4


def test_a_capture_costs_one_commit(a_hundred_more: Counter[str]) -> None:
    assert 100 <= a_hundred_more["COMMIT"] <= 101
    assert a_hundred_more["BEGIN"] == a_hundred_more["COMMIT"]


def test_a_capture_costs_few_statements(a_hundred_more: Counter[str]) -> None:
    """From queueing to the end of its look; statements of triggers count too. One of them asks for the newest outside
    token, which the leaf names: asked anew each time, since a token may be stored while a run goes on; some keep the
    counts of pages (tallies of refs, outcomes and media), what the bytes of a file are, what led to it, and
    what its host was asked today."""
    assert a_hundred_more["SELECT"] + a_hundred_more["WITH"] <= 1100
    assert a_hundred_more.total() <= 3600, dict(a_hundred_more)
