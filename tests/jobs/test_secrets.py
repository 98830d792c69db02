"""A secret goes to the server that it is for, and nowhere else: not to the archive, its journal, or any output."""

import base64
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import story
from playing import moved
from running import Desk, lines, sound

TOKEN = "AAAAbearer+of/this==test%2Btoken&x=\"'<>"  # every character that some spelling escapes


@pytest.fixture
def world() -> Iterator[story.World]:
    with story.playing() as world:
        world.x.bearer = TOKEN
        yield world


def spellings(secret: str) -> set[bytes]:
    """The value as it may leak: plain, URL-encoded, escaped, base64 at each offset, hexadecimal, UTF-16."""
    raw = secret.encode()
    found = {raw, raw[::-1], raw.hex().encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")}
    found |= {text.encode() for text in (quote(secret), quote(secret, safe=""), quote_plus(secret))}
    found |= {secret.replace('"', '\\"').encode(), secret.replace("/", "\\/").encode()}
    for coder in (base64.b64encode, base64.urlsafe_b64encode):
        for lead in range(3):
            inner = coder(bytes(lead) + raw)[4 * bool(lead) :]
            found.add(re.sub(rb"=+$", b"", inner)[:-2])
    return found


def leaks(secret: str, *places: bytes | str) -> list[bytes]:
    data = [place.encode("utf-8", "surrogateescape") if isinstance(place, str) else place for place in places]
    return [spelled for spelled in spellings(secret) for place in data if spelled in place]


def test_the_search_finds_what_it_looks_for() -> None:
    for spelled in spellings(TOKEN):
        assert leaks(TOKEN, b"before " + spelled + b" after")
    assert leaks(TOKEN, base64.b64encode(b"Bearer " + TOKEN.encode()))
    assert leaks(TOKEN, base64.b64encode(b"bearer= " + TOKEN.encode() + b" and more"))
    assert not leaks(TOKEN, b"{secret:X_BEARER_TOKEN}", TOKEN[:-1])


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_the_token_reaches_the_api_and_stays_out_of_everything_else(
    world: story.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_BEARER_TOKEN", TOKEN)
    desk = Desk(tmp_path, world.configure(tmp_path))
    seed = desk.seed("list.txt", lines([world.paper.url("/story")]))
    ended = desk.call("run", seed, "--json")
    assert ended.code == 0
    asked = [request for request in world.x.server.log if request.target.startswith("/v2/")]
    assert len(asked) == 4
    assert all(f"Bearer {TOKEN}".encode() in request.raw for request in asked)
    others = [request.raw for request in world.log() if not request.target.startswith("/v2/")]
    assert others
    assert leaks(TOKEN, *others) == []
    outputs = [ended.out, ended.err]
    for command in (
        ("show", world.ref("first"), "--json"),
        ("show", world.ref("first")),
        ("status", "--json"),
        ("status",),
        ("run", str(seed), "--recheck"),
        ("rebuild", "--check", "--json"),
    ):
        done = desk.call(*command)
        assert done.code == 0
        outputs += [done.out, done.err]
    assert leaks(TOKEN, *outputs) == []
    assert len(files(tmp_path)) >= 3
    assert leaks(TOKEN, *files(tmp_path)) == []
    dump = [str(tuple(row)) for (table,) in desk.table("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE TABLE%'")
            for row in desk.rows(f"SELECT * FROM \"{table}\"")]  # fmt: skip
    assert leaks(TOKEN, *dump) == [], "nor hidden by how the file is laid out"
    v2 = desk.rows("SELECT * FROM captures WHERE route = 'v2' ORDER BY leaf")
    assert v2
    for row in v2:
        assert b"authorization: bearer {secret:x_bearer_token}" in row["sent"].lower()
        assert b"{secret:X_BEARER_TOKEN}" in row["response_head"], "the server's echo"
        assert b"{secret:X_BEARER_TOKEN}" in desk.body(row)
        assert row["rebuilt"] == 1, "and it is said that these bytes are not those of the wire"
    sound(desk)


def test_the_journal_of_a_run_that_is_killed_holds_no_token(world: story.World, tmp_path: Path) -> None:
    for server in world.servers:
        server.pause = 0.1
    desk = Desk(tmp_path, world.configure(tmp_path))
    seed = desk.seed("list.txt", lines([world.paper.url("/story"), world.blog.url("/notes")]))
    running = desk.start("run", seed, X_BEARER_TOKEN=TOKEN)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and sum("/v2/" in target for target in world.x.server.targets()) < 3:
        time.sleep(0.01)
    time.sleep(0.15)
    running.send_signal(signal.SIGKILL)
    out, err = running.communicate(timeout=10)
    journal = desk.db.with_name(desk.db.name + "-wal")
    assert journal.stat().st_size > 0
    assert desk.value("SELECT count(*) FROM captures WHERE route = 'v2'") > 0
    assert leaks(TOKEN, *files(tmp_path), out, err) == []
    sound(desk)


def test_a_redirect_does_not_carry_the_token_to_another_server(
    world: story.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_BEARER_TOKEN", TOKEN)
    desk = Desk(tmp_path, world.configure(tmp_path))
    thief, api = world.blog, world.x.server.respond
    encoded = quote(TOKEN, safe="")
    places = {"plain": thief.url("/take"), "echoed": thief.url(f"/take?t={encoded}")}
    for name, place in places.items():
        world.x.server.respond = lambda target, raw, place=place: (
            moved(place) if target.startswith("/v2/") else api(target, raw)
        )
        seed = desk.seed(f"{name}.txt", lines([f"https://x.com/vera_quill/status/{world.tweets['first'].id}"]))
        ended = desk.call("run", seed, "--recheck", "--json")
        assert ended.code in (0, 1)
        assert leaks(TOKEN, *(asked.raw for asked in thief.server.log), ended.out, ended.err) == []
    assert set(thief.server.targets()) == {"/take"}, "with the token in it the address is not asked at all"
    assert leaks(TOKEN, *files(tmp_path)) == []
    post = desk.call("show", world.ref("first"), "--json").json["post"]
    assert post["text"] == story.FIRST, "the next route showed it"


@pytest.mark.parametrize("value", ["short", "two\nlines", " padded-secret-value", "nön-ascii-secret"])
def test_a_token_that_could_not_be_kept_out_of_records_is_refused_without_showing_it(
    world: story.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("X_BEARER_TOKEN", value)
    desk = Desk(tmp_path, world.configure(tmp_path))
    ended = desk.call("run", desk.seed("list.txt", lines([world.paper.url("/story")])))
    assert ended.code == 2
    assert "X_BEARER_TOKEN" in ended.err
    assert value not in ended.err + ended.out
    assert [server.connections for server in world.servers] == [0] * 6
