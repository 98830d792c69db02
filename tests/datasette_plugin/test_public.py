"""What strangers get (`archiver serve --public`), and a log-in in front of everything."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.datasette_plugin import public
from archiver.jobs.serving import (
    CLOSED,
    PLUGIN,
    PUBLIC,
    PUBLIC_OF_ONE,
    SETTINGS,
    address_of,
    command_for,
    under_its_name,
)
from tests.datasette_plugin.opening import METADATA, ONE, Room
from tests.datasette_plugin.walking import Walk

ABOUT_THE_SERVER = (
    "versions", "plugins", "metadata", "settings", "config", "databases", "threads", "allow-debug", "messages",
    "patterns", "permissions", "schema", "api", "password-tool", "allowed", "rules", "check", "actions",
    "create-token", "auth-token", "debug/autocomplete",
)  # fmt: skip
WORD = "correct horse battery staple"


def settings_of(command: list[str]) -> dict[str, str]:
    return {command[at + 1]: command[at + 2] for at, word in enumerate(command) if word == "--setting"}


# ---- the command ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["0.65.5", "1.0a41"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_public_sets_the_hardened_settings(tmp_path: Path, line: str, host: str) -> None:
    (tmp_path / "archive.db").touch()
    command = command_for(tmp_path / "archive.db", port=8001, host=host, datasette=line, public=True)
    more = PUBLIC_OF_ONE if line.startswith("1") else {}
    assert settings_of(command) == SETTINGS | PUBLIC | more
    assert settings_of(command)["default_allow_sql"] == settings_of(command)["allow_download"] == "off"
    given = json.loads(Path(command[command.index("--metadata") + 1]).read_text("utf-8"))
    assert given["plugins"]["quotechain"] == PLUGIN
    assert ("--config" in command) is line.startswith("1")


def test_public_keeps_what_the_operator_set(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"plugins": {"quotechain": {"bundles": True}, "other": {"x": 1}}, "allow": {"id": "*"}}))
    given = json.loads(under_its_name(own, "archive", plugin=PLUGIN).read_text("utf-8"))
    assert given["plugins"] == {"quotechain": {"public": True, "bundles": True}, "other": {"x": 1}}
    assert given["allow"] == {"id": "*"}


def test_bytes_are_closed_also_where_nothing_is_described(tmp_path: Path) -> None:
    for described in (tmp_path / "none.json", tmp_path / "empty.json"):
        (tmp_path / "empty.json").write_text("{}")
        given = json.loads(under_its_name(described, "case 7").read_text("utf-8"))
        assert given["databases"]["case 7"]["tables"] == CLOSED


def test_the_command_tells_where_the_room_is_and_what_is_dangerous(tmp_path: Path) -> None:
    db = tmp_path / "court case.db"
    db.touch()
    assert address_of(db, port=8001, host="127.0.0.1") == "http://127.0.0.1:8001/court+case/-/home"
    below = address_of(db, port=1, host="::1", extra=("--setting", "base_url", "/reading/"))
    assert below.startswith("http://[::1]:1/reading/")
    for arguments, told in (([], False), (["--host", "0.0.0.0"], True), (["--host", "0.0.0.0", "--public"], False)):
        result = CliRunner().invoke(main, ["serve", "--db", str(db), "--print", *arguments])
        assert result.exit_code == 0
        assert ("--public" in result.stderr) is told


@pytest.mark.parametrize("raw", [b"<html>404</html>" * 100, b"", b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_archive_is_not_served(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "archive.db").write_bytes(raw)
    result = CliRunner().invoke(main, ["serve", "--db", str(tmp_path / "archive.db")])
    assert result.exit_code == 2
    assert "Choose another --db" in result.stderr
    assert "Reading room" not in result.stderr


# ---- what is closed ---------------------------------------------------------------------------------------------


def numbers(given: dict[str, str]) -> dict[str, Any]:
    flags: dict[str, Any] = {"on": True, "off": False}
    return {name: flags[value] if value in flags else int(value) for name, value in given.items()}


@pytest.fixture(scope="module")
def strangers(db: Path) -> Iterator[Room]:
    """As `--public` would start it."""
    metadata = METADATA | {"plugins": {"quotechain": PLUGIN}}
    opened = Room(db, metadata=metadata, **numbers(PUBLIC | (PUBLIC_OF_ONE if ONE else {})))
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ABOUT_THE_SERVER)
def test_pages_about_the_server_are_closed(strangers: Room, name: str) -> None:
    for path in (f"/-/{name}", f"/-/{name}.json"):
        answer = strangers.get(path)
        assert answer.status_code == 403, path
        assert str(Path.home()) not in answer.text


def test_they_are_open_on_the_own_machine(room: Room) -> None:
    assert room.get("/-/versions").status_code == room.get("/-/databases.json").status_code == 200
    assert "x-robots-tag" not in room.get("/").headers


def test_strangers_keep_the_pages_and_robots_are_sent_away(strangers: Room) -> None:
    for path in ("/", "/archive", "/archive/posts", "/archive/-/home", "/archive/-/home.json"):
        answer = strangers.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert "?sql=" not in answer.text
    robots = strangers.get("/robots.txt")
    assert (robots.status_code, robots.text) == (200, public.ROBOTS.decode())
    assert strangers.get("/archive/posts?_size=500").status_code == 400
    own = "/archive/-/query" if ONE else "/archive"
    assert strangers.get(f"{own}?sql=select+1").status_code == 403


def test_no_path_of_the_server_is_told(strangers: Room, db: Path) -> None:
    """Also in what is the matter."""
    for path in ("/", "/archive", "/archive.json", "/archive/-/home", "/archive/-/nothing", "/archive/nothing", "/x"):
        assert str(db.parent) not in strangers.get(path).text, path


@pytest.mark.parametrize(
    ("path", "shut"),
    [
        ("/-/databases", True), ("/-/databases.json", True), ("/reading/-/databases", True), ("//-/databases", True),
        ("/-/loginx", True), ("/-/", False), ("/-/login", False), ("/-/static/app.css", False), ("/-/own/x", False),
        ("/-/owner", True), ("/archive/-/home", False), ("/", False), ("/-archive", False),
    ],
)  # fmt: skip
def test_what_stays_open_is_listed(path: str, shut: bool) -> None:
    assert public.closed(path, "/reading/", ("/-/own",)) is shut


# ---- a log-in ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(db: Path) -> Iterator[Room]:
    """A log-in in front of the whole instance, by datasette-auth-passwords."""
    passwords = pytest.importorskip("datasette_auth_passwords.utils")
    accounts = {"ada_password_hash": passwords.hash_password(WORD)}
    metadata = deepcopy(METADATA) | {"allow": {"id": "ada"}, "plugins": {"datasette-auth-passwords": accounts}}
    opened = Room(db, metadata=metadata)
    yield opened
    opened.close()


def test_a_log_in_covers_every_page_and_stream(locked: Room, walk: Walk) -> None:
    found = walk.ours()
    assert found
    assert locked.get(found[0], auth=("ada", "wrong")).status_code == 403  # a password takes a while, on purpose
    assert locked.get(found[0], auth=("ada", WORD), follow_redirects=True).status_code == 200
    known = {"cookie": f"ds_actor={locked.datasette.sign({'a': {'id': 'ada'}}, 'actor')}"}
    for path in found:
        assert locked.get(path).status_code == 403, path
        assert locked.get(path, headers=known, follow_redirects=True).status_code == 200, path


def test_the_form_logs_in(locked: Room) -> None:
    form = locked.get("/-/login")
    assert form.status_code == 200
    csrf = form.cookies.get("ds_csrftoken", "")
    given = {"username": "ada", "password": WORD, "csrftoken": csrf}
    headers = {"cookie": f"ds_csrftoken={csrf}"}
    wrong = locked.post("/-/login", data=given | {"password": "wrong"}, headers=headers)
    assert wrong.status_code == 200
    assert "ds_actor" not in wrong.cookies
    answer = locked.post("/-/login", data=given, headers=headers)
    assert answer.status_code == 302
    actor = {"cookie": f"ds_actor={answer.cookies['ds_actor']}"}
    assert "ada" in locked.get("/archive/-/home", headers=actor).text
    assert locked.get("/archive/-/home").status_code == 403
