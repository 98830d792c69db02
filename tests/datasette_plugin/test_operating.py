"""What the operator of a server risks: its keys, its names, the files that it leaves, and a second archive."""

from __future__ import annotations

import json
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from archiver.bundle import shell
from archiver.datasette_plugin import hosts
from archiver.jobs.serving import OWN, command_for, environment, under_its_name
from tests.datasette_plugin.opening import METADATA, Room
from tests.datasette_plugin.walking import Walk


def described(command: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(Path(command[command.index("--metadata") + 1]).read_text("utf-8"))
    return given


# ---- keys -------------------------------------------------------------------------------------------------------


def test_no_key_reaches_the_server() -> None:
    given = {"QUOTECHAIN_KEY": "PRIVATE+KEY+x", "X_BEARER_TOKEN": "x", "X_GUEST_BEARER": "x", "DATASETTE_SECRET": "y"}
    assert environment(given) == {"DATASETTE_SECRET": "y"}


# ---- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("localhost", True), ("LOCALHOST:8001", True), ("127.0.0.1:8001", True), ("[::1]:8001", True), ("[::1]", True),
        ("localhost.", True), ("evil.example", False), ("evil.example:8001", False), ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False), ("localhost@evil.example", False), ("", False),
        ("[::1].evil.example", False),
        ("localhost:80:80", False), ("localhost/", False), ("local\x00host", False), ("0.0.0.0:8001", False),
    ],
)  # fmt: skip
def test_only_names_of_this_machine_are_answered(host: str, answered: bool) -> None:
    assert hosts.known(host, OWN["hosts"]) is answered


def test_a_page_of_the_web_that_leads_its_name_here_reads_nothing(db: Path) -> None:
    """DNS rebinding: the browser takes the page and this server for the same site."""
    own = Room(db, metadata=METADATA | {"plugins": {"quotechain": OWN}})
    try:
        for path in ("/", "/archive/-/home", "/archive/-/home.json", "/archive.json", "/archive/-/bundle/x.zip"):
            answer = own.get(path, headers={"host": "evil.example:8001"})
            assert answer.status_code == 421, path
            assert "posts" not in answer.text
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert own.get("/archive/-/home", headers={"host": "127.0.0.1:8001"}).status_code == 200
    finally:
        own.close()


@pytest.mark.parametrize("given", [["*"], ["Archive.Example"], []])
def test_a_web_server_in_front_may_hand_on_its_name(db: Path, given: list[str]) -> None:
    behind = Room(db, metadata=METADATA | {"plugins": {"quotechain": {"hosts": given}}})
    try:
        assert behind.get("/archive/-/home", headers={"host": "archive.example"}).status_code == 200
    finally:
        behind.close()


@pytest.mark.parametrize(
    ("host", "public", "expected"),
    [("127.0.0.1", False, OWN), ("::1", False, OWN), ("127.0.0.1", True, {}), ("0.0.0.0", False, {})],
)
def test_serve_names_them_on_this_machine_alone(
    tmp_path: Path, host: str, public: bool, expected: dict[str, list[str]]
) -> None:
    (tmp_path / "archive.db").touch()
    plugins = described(command_for(tmp_path / "archive.db", port=8001, host=host, public=public)).get("plugins", {})
    assert plugins.get("quotechain", {}).get("hosts") == expected.get("hosts")


def test_what_the_operator_names_comes_first(tmp_path: Path) -> None:
    (tmp_path / "archive.db").touch()
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"plugins": {"quotechain": {"hosts": ["archive.example"]}}}))
    given = described(command_for(tmp_path / "archive.db", port=8001, host="127.0.0.1", metadata=own))
    assert given["plugins"]["quotechain"]["hosts"] == ["archive.example"]


# ---- files ------------------------------------------------------------------------------------------------------


def test_a_server_that_is_started_often_leaves_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = {under_its_name(tmp_path / "none.json", "a", plugin=OWN) for _ in range(3)}
    (found,) = made
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [found]
    assert found.parent.stat().st_mode & 0o777 == 0o700
    assert found.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    taken = tmp_path / f"archiver-{os.getuid()}"
    taken.mkdir()
    taken.chmod(0o777)
    found = under_its_name(tmp_path / "none.json", "a", plugin=OWN)
    assert found.parent != taken
    taken.rmdir()
    taken.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    assert under_its_name(tmp_path / "none.json", "a", plugin=OWN).parent != taken
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_second_archive_is_described_and_its_bytes_are_closed(tmp_path: Path) -> None:
    for name in ("archive", "other case"):
        (tmp_path / f"{name}.db").touch()
    more = (str(tmp_path / "other case.db"), "--cors", "missing.db")
    given = described(command_for(tmp_path / "archive.db", port=8001, host="127.0.0.1", extra=more))
    assert set(given["databases"]) == {"archive", "other case"}
    for database in given["databases"].values():
        assert database["tables"]["blob_chunks"]["allow"] is False


# ---- many at once -----------------------------------------------------------------------------------------------


def test_bundles_that_are_made_at_the_same_time_hold_the_same_program() -> None:
    """Two threads that parsed it together broke each other: one of 200 downloads ended in a 500."""
    with ThreadPoolExecutor(8) as threads:
        made = {id(found.result()) for found in [threads.submit(shell.verifier) for _ in range(32)]}
    assert len(made) == 1


def test_a_query_for_a_bundle_holds_one_row_at_a_time(kept: Room) -> None:
    large = (
        "SELECT ref FROM (SELECT 'x:post:' || printf('%.*c', 4000000, 'x') AS ref FROM log_leaf, log_leaf LIMIT 400)"
    )
    tracemalloc.start()
    try:
        told = kept.json(f"/archive/-/bundle.json?{urlencode({'query': large})}", 400)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "is no ref" in told["error"]
    assert peak < 40_000_000


# ---- caches and browsers ----------------------------------------------------------------------------------------


def test_no_page_is_kept_by_a_cache_between(room: Room, walk: Walk) -> None:
    """It depends on who asks and by which name, and what it shows may be erased a moment later."""
    for path in [*walk.ours(), "/archive/-/post/x:post:1", "/archive/-/home.json?x=1", "/archive/-/nothing"]:
        kept_by = room.get(path, follow_redirects=True).headers.get("cache-control", "")
        assert "private" in kept_by, path


@pytest.mark.parametrize("form", ["chain/{}.graphml", "chain/{}.dot", "cite/{}.bib", "cite/{}.csl", "post/{}.json"])
def test_other_forms_of_a_page_run_nothing(room: Room, form: str) -> None:
    """Browsers show any XML, and run the XHTML in it, were it ever there."""
    answer = room.get(f"/archive/-/{form.format('x:post:2032746051793846272')}")
    assert answer.status_code == 200
    held = answer.headers["content-security-policy"]
    assert held.startswith("sandbox;")
    assert "unsafe-inline" not in held
