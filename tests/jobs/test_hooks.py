"""Hooks are told of what happened to posts: by a program and by a signed POST, each event once and nothing twice, and
nothing that they do harms a run."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import story
from playing import Reply, Server, message
from running import Desk, lines
from standardwebhooks import Webhook, WebhookVerificationError

from archiver.errors import InputError
from archiver.jobs import hooks, telling
from archiver.jobs.config import load
from archiver.jobs.rebuild import rebuild
from archiver.jobs.reporting import Report
from archiver.jobs.run import Options, run_archive
from archiver.jobs.session import open_session
from archiver.net.clock import text_of
from archiver.store.told import Entry

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TAKEN = message(b"", status="204 No Content")


@dataclass
class Receiver:
    """A server that takes, or refuses, what is posted to it."""

    reply: Reply = TAKEN
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.server = Server(lambda target, raw: self.reply)

    def posts(self) -> list[tuple[dict[str, str], bytes]]:
        found = []
        for asked in list(self.server.log):
            head, _, body = asked.raw.partition(b"\r\n\r\n")
            pairs = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
            found.append(({name.lower(): value for name, value in pairs}, body))
        return found

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts()]


@dataclass
class Newsroom:
    """The story, a receiver, a program that appends what it gets to a file, and a clock."""

    world: story.World
    desk: Desk
    seed: Path
    receiver: Receiver
    program: Path
    ahead: timedelta = field(default_factory=timedelta)

    @property
    def told(self) -> Path:
        return self.program.with_name("told.jsonl")

    def now(self) -> str:
        return text_of(datetime.now(UTC) + self.ahead)

    def configured(self, *, webhook: bool = True, command: bool = True, secret: str = SECRET) -> hooks.Hooks:
        raw: dict[str, Any] = {"webhook": f"{self.receiver.server.base}/hook"} if webhook else {}
        raw |= {"command": [str(self.program)]} if command else {}
        return hooks.parse("here", raw, {hooks.SECRET: secret})

    def run(self, told: hooks.Hooks | None = None, *, later: timedelta = timedelta(), recheck: bool = False) -> Report:
        self.ahead += later
        private = (self.receiver.server.place,)
        config = replace(load(self.desk.config, allow_private=private), hooks=told or self.configured())
        options = Options(seeds=(str(self.seed),), recheck=recheck)
        return run_archive(self.desk.db, config, options, now=self.now)

    def by_program(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.told.read_text().splitlines()] if self.told.exists() else []


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    with story.playing() as world:
        desk = Desk(tmp_path, world.configure(tmp_path))
        seed = desk.seed("list.txt", lines([world.paper.url("/story")]))
        world.x.busy.clear()
        world.x.stale.clear()
        receiver = Receiver()
        append = f"import sys; open({str(tmp_path / 'told.jsonl')!r}, 'ab').write(sys.stdin.buffer.read())"
        room = Newsroom(world, desk, seed, receiver, script(tmp_path / "notify me", append))
        try:
            yield room
        finally:
            receiver.server.close()


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return sorted(event["type"] for event in events)


def about(room: Newsroom, events: list[dict[str, Any]], kind: str, part: str) -> dict[str, Any]:
    """The one event of this kind about a post of the story."""
    (one,) = [event for event in events if event["type"] == kind and event["data"]["ref"] == room.world.ref(part)]
    return one


def changed(room: Newsroom) -> None:
    """One post is edited, another goes."""
    tweets = room.world.tweets
    tweets["third"].text = story.THIRD.replace("every single morning", "now and then")
    room.world.x.delete(tweets["picture"])


def test_what_stood_only_beside_another_post_is_told_as_that(room: Newsroom) -> None:
    room.world.x.stale.add(room.world.tweets["gone"].id)
    room.run()
    was, now = about(room, room.by_program(), "post.gone", "gone")["data"]["between"]
    assert (was["beside"], now["beside"]) == (room.world.ref("first"), "")


def test_a_program_and_a_webhook_are_told_the_same_once(room: Newsroom) -> None:
    first = room.run()
    altered = [event for event in room.receiver.events() if event["type"] == "quotation.altered"]
    assert first.happened == len(room.receiver.events()) == len(room.by_program()) >= 1
    (one,) = altered
    assert one["data"]["post"] == room.world.ref("third")
    assert one["data"]["document"].startswith("doc:document:")
    changed(room)
    before = len(room.by_program())
    report = room.run(later=timedelta(days=1, minutes=1), recheck=True)
    new = room.by_program()[before:]
    gone = about(room, new, "post.gone", "picture")
    assert gone["data"]["outcome"] in ("not-found", "deleted")
    was, now = gone["data"]["between"]
    assert was["at"] < now["at"] == gone["timestamp"]
    assert room.desk.value("SELECT count(*) FROM captures WHERE uid IN (?, ?)", was["capture"], now["capture"]) == 2
    assert about(room, new, "post.edited", "third")["data"]["outcome"] == "same-route"
    assert report.happened == len(new)
    assert room.receiver.events() == room.by_program(), "both are told the same"
    assert len({event["id"] for event in room.by_program()}) == len(room.by_program())
    assert story.THIRD[:40] not in json.dumps(room.by_program()), "no words of posts"
    room.world.x.posts[room.world.tweets["picture"].id].gone = False
    room.run(later=timedelta(days=2), recheck=True)
    back = room.by_program()[before + len(new) :]
    assert about(room, back, "post.returned", "picture")
    count = len(room.by_program())
    room.run(later=timedelta(days=4))
    assert room.run().happened == 0
    assert len(room.by_program()) == count


def test_a_copy_in_another_post_brings_nothing_back(room: Newsroom) -> None:
    room.world.x.stale.add(room.world.tweets["gone"].id)  # it is gone, and the post that quotes it shows it still
    for _ in range(4):
        room.run(later=timedelta(days=1), recheck=True)
    ref = room.world.ref("gone")
    assert [one["type"] for one in room.by_program() if one["data"]["ref"] == ref] == ["post.gone"]
    room.world.tweets["gone"].gone = False
    room.run(later=timedelta(days=1), recheck=True)
    assert [one["type"] for one in room.by_program() if one["data"]["ref"] == ref] == ["post.gone", "post.returned"]
    config = replace(load(room.desk.config), hooks=room.configured())
    with open_session(room.desk.db, config) as session:
        session.archive.db.execute("UPDATE work_state SET value = '0 0' WHERE name = 'told hooks'")
    assert room.run().happened == 0


def test_nothing_is_told_twice_after_a_rebuild(room: Newsroom) -> None:
    room.run()
    changed(room)
    room.run(later=timedelta(days=1, minutes=1), recheck=True)
    told = room.by_program()
    config = replace(load(room.desk.config), hooks=room.configured())
    with open_session(room.desk.db, config) as session:
        assert not rebuild(session, check=False).differences
    assert room.run().happened == 0
    with open_session(room.desk.db, config) as session:  # as a version does that reads otherwise, or not at all
        session.archive.db.execute("UPDATE work_state SET value = '0 0' WHERE name = 'told hooks'")
    assert room.run().happened == 0
    assert room.by_program() == told
    assert room.desk.call("rebuild", "--check").code == 0


def test_what_does_not_stand_any_more_is_taken_back(room: Newsroom) -> None:
    room.run()
    changed(room)
    room.run(later=timedelta(days=1, minutes=1), recheck=True)
    gone = about(room, room.by_program(), "post.gone", "picture")
    with open_session(room.desk.db, load(room.desk.config)) as session:  # as another way of reading would have it
        post = session.archive.value("SELECT id FROM refs WHERE ref = ?", room.world.ref("picture"))
        session.archive.db.execute("DELETE FROM events WHERE post = ? AND kind = 'gone'", (post,))
        session.archive.db.execute("UPDATE work_state SET value = '0 0' WHERE name = 'told hooks'")
    before = len(room.by_program())
    assert room.run().happened == 1
    (back,) = room.by_program()[before:]
    assert (back["type"], back["data"]["retracts"]) == ("retracted", gone["id"])
    with open_session(room.desk.db, load(room.desk.config)) as session:
        rebuild(session, check=False)
        session.archive.db.execute("UPDATE work_state SET value = '0 0' WHERE name = 'told hooks'")
    assert room.run().happened == 1
    again = room.by_program()[-1]
    assert (again["type"], again["data"]["replaces"]) == ("post.gone", back["id"])
    assert again["id"] not in (gone["id"], back["id"])


def test_what_stood_before_hooks_were_configured_is_not_told(room: Newsroom) -> None:
    nobody = hooks.Hooks()
    room.run(nobody)
    changed(room)
    room.run(nobody, later=timedelta(days=1, minutes=1), recheck=True)
    assert room.desk.value("SELECT count(*) FROM events") >= 2
    room.run(later=timedelta(days=2), recheck=True)
    assert room.by_program() == []
    room.world.x.delete(room.world.tweets["first"])
    room.run(later=timedelta(days=2), recheck=True)
    assert about(room, room.by_program(), "post.gone", "first")
    assert room.world.ref("picture") not in json.dumps(room.by_program())


def test_a_post_is_signed_as_standard_webhooks_say(room: Newsroom) -> None:
    room.run()
    (headers, body), *_ = room.receiver.posts()
    judge = Webhook(SECRET)
    told = judge.verify(body, {name: headers[name] for name in headers if name.startswith("webhook-")})
    assert told["id"] == headers["webhook-id"]
    assert headers["content-type"] == "application/json"
    assert SECRET.removeprefix("whsec_") not in room.desk.db.read_bytes().decode("latin-1")
    for name, value in (
        ("webhook-signature", headers["webhook-signature"][:-4] + "AAA="),
        ("webhook-id", headers["webhook-id"][:-1] + "9"),
        ("webhook-timestamp", str(int(headers["webhook-timestamp"]) - 1)),
    ):
        with pytest.raises(WebhookVerificationError):
            judge.verify(body, headers | {name: value})
    with pytest.raises(WebhookVerificationError):
        judge.verify(body + b" ", headers)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (message(b"no", status="500 Internal Server Error"), "it answered 500"),
        (message(b"", "Location: /elsewhere", status="302 Found"), "it answered 302"),
        (message(b"", status="410 Gone"), "it answered 410"),
        (Reply(b"", then="close"), "no answer came"),
    ],
)
def test_a_webhook_that_fails_is_told_once_and_asked_again_until_it_takes_each_event(
    room: Newsroom, reply: Reply, told: str
) -> None:
    room.receiver.reply = reply
    only = room.configured(command=False)
    report = room.run(only)
    assert [note for note in report.notes if told in note and "webhook" in note]
    waiting = room.desk.value("SELECT count(*) FROM work_told WHERE due_at IS NOT NULL")
    assert waiting == report.happened >= 1
    room.receiver.server.log.clear()
    assert not [note for note in room.run(only).notes if "webhook" in note], "it is not asked again at once"
    assert room.receiver.posts() == []
    again = room.run(only, later=timedelta(minutes=2))
    assert not [note for note in again.notes if "webhook" in note], "it is told once"
    assert 1 <= len(room.receiver.posts()) <= 2 * telling.IN_A_ROW
    assert room.desk.value("SELECT count(*) FROM work_told WHERE due_at IS NOT NULL") == waiting
    room.receiver.reply = TAKEN
    room.receiver.server.log.clear()
    better = room.run(only, later=timedelta(days=1))
    told_now = waiting + better.happened
    assert len(room.receiver.events()) == len({event["id"] for event in room.receiver.events()}) == told_now
    assert [note for note in better.notes if "takes events again" in note]
    more = room.run(only).happened
    assert (more, len(room.receiver.events())) == (0, told_now), "what it took is not told again"
    assert room.desk.value("SELECT count(*) FROM work_told WHERE body <> ''") == 0, "only ids are kept"


def test_what_waits_for_a_hook_is_told_by_status_while_there_is_one(room: Newsroom) -> None:
    room.receiver.reply = message(b"", status="503 Service Unavailable")
    report = room.run(room.configured(command=False))
    whole = room.desk.config.read_text()
    room.desk.config.write_text(f'{whole}\n[hooks]\nwebhook = "{room.receiver.server.base}/hook"\n')
    config = ("--config", room.desk.config)
    waits = room.desk.call("status", "--json", *config).json["hooks"]
    assert [(one["channel"], one["events"]) for one in waits] == [("webhook", report.happened)]
    assert "it answered 503" in waits[0]["failing"]
    room.desk.config.write_text(whole)
    assert room.desk.call("status", "--json", *config).json["hooks"] == []


def test_without_a_secret_nothing_is_posted_and_with_it_all(room: Newsroom) -> None:
    report = room.run(room.configured(command=False, secret=""))
    assert room.receiver.posts() == []
    assert [note for note in report.notes if hooks.SECRET in note]
    room.run(room.configured(command=False))
    assert len(room.receiver.posts()) == report.happened >= 1


def test_a_run_that_is_killed_while_it_tells_loses_no_event(room: Newsroom) -> None:
    room.receiver.reply = Reply(b"", then="hang")
    text = f'[hooks]\nwebhook = "{room.receiver.server.base}/hook"\ntimeout = 60\n'
    room.desk.config.write_text(f"{room.desk.config.read_text()}\n{text}")
    words = (room.seed, "--allow-private", room.receiver.server.place)
    killed = room.desk.start("run", *words, QUOTECHAIN_WEBHOOK_SECRET=SECRET)
    assert room.receiver.server.wait_for(1)
    killed.kill()
    killed.communicate(timeout=20)
    waiting = room.desk.value("SELECT count(*) FROM work_told WHERE due_at IS NOT NULL")
    first = room.receiver.events()[0]["id"]
    room.receiver.reply = TAKEN
    again = room.desk.start("run", *words, QUOTECHAIN_WEBHOOK_SECRET=SECRET)
    _, told = again.communicate(timeout=40)
    assert again.returncode in (0, 1), told
    ids = [event["id"] for event in room.receiver.events()]
    assert (ids.count(first), len(set(ids))) == (2, waiting), "at least once, and its id says that it is the same"
    assert room.desk.value("SELECT count(*) FROM work_told WHERE due_at IS NOT NULL") == 0


def test_an_address_that_the_guard_refuses_is_not_posted_to(room: Newsroom) -> None:
    only = room.configured(command=False)
    config = replace(load(room.desk.config), hooks=only)  # nobody allowed the receiver's private address
    report = run_archive(room.desk.db, config, Options(seeds=(str(room.seed),)), now=room.now)
    assert room.receiver.posts() == []
    assert [note for note in report.notes if "not public" in note]


def test_a_program_that_fails_harms_no_run(room: Newsroom) -> None:
    script(room.program, "import sys; sys.exit(3)")
    report = room.run(room.configured(webhook=False))
    assert report.captures > 5
    assert [note for note in report.notes if "it ended with 3" in note]
    room.program.unlink()
    room.run(room.configured(webhook=False), later=timedelta(minutes=2))
    assert room.desk.value("SELECT count(*) FROM work_told WHERE due_at IS NOT NULL") == report.happened


def test_what_was_erased_since_is_told_to_nobody(room: Newsroom) -> None:
    room.receiver.reply = message(b"", status="503 Service Unavailable")
    only = room.configured(command=False)
    room.run(only)
    room.world.x.delete(room.world.tweets["picture"])
    room.run(only, later=timedelta(days=1, minutes=1), recheck=True)
    ref = room.world.ref("picture")
    assert ref in "".join(row[0] for row in room.desk.table("SELECT body FROM work_told WHERE due_at IS NOT NULL"))
    assert room.desk.call("erase", ref, "--reason", "asked", "--yes").code == 0
    room.receiver.reply = TAKEN
    room.receiver.server.log.clear()
    room.run(only, later=timedelta(days=2))
    assert room.receiver.posts()
    assert ref not in json.dumps(room.receiver.events())
    assert ref not in "".join(row[0] for row in room.desk.table("SELECT body FROM work_told"))


ENTRY = Entry(id="a-b.1", channel="command", body='{"id":"a-b.1"}', made_at="2026-01-01T00:00:00Z", tries=0)


def timed(call: Callable[[], str]) -> tuple[str, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began


def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    text = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)\n"
    )
    told = hooks.Hooks(command=(str(script(tmp_path / "hang", text)),), timeout=1.5)
    why, seconds = timed(lambda: telling.run_command(told, ENTRY, dict(os.environ)))
    assert why == "it did not end within 1.5 seconds"
    assert seconds < 10
    deadline = time.monotonic() + 5
    alive = [int(pid) for pid in pids.read_text().split()]
    while (alive := [pid for pid in alive if _runs(pid)]) and time.monotonic() < deadline:
        pass
    assert alive == []


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # a child that nobody waited for yet does nothing


def test_a_program_gets_no_secret_no_shell_and_the_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QUOTECHAIN_KEY", hooks.SECRET, "X_BEARER_TOKEN", "MINE"):
        monkeypatch.setenv(name, f"value of {name}")
    text = (
        "import json, os, sys\n"
        f"open({str(tmp_path / 'got')!r}, 'w').write(json.dumps([sys.argv[1:], sys.stdin.read(), dict(os.environ)]))\n"
    )
    words = ("$(touch pwned)", "a b", "; exit 1", "*")
    told = hooks.Hooks(command=(str(script(tmp_path / "got it", text)), *words))
    config = replace(load(None, environment={}), secrets={"MINE": "x"}, hooks=told)
    assert telling.run_command(told, ENTRY, telling.environment_of(config)) == ""
    arguments, stdin, environment = json.loads((tmp_path / "got").read_text())
    assert tuple(arguments) == words
    assert json.loads(stdin) == {"id": "a-b.1"}
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"QUOTECHAIN_KEY", hooks.SECRET, "X_BEARER_TOKEN", "MINE"} & set(environment)


@pytest.mark.parametrize("text", ["", "import sys; sys.stdin.close()", "import time"])
def test_a_program_need_not_read(tmp_path: Path, text: str) -> None:
    told = hooks.Hooks(command=(str(script(tmp_path / "deaf", text)),))
    assert telling.run_command(told, replace(ENTRY, body="x" * 1_000_000), dict(os.environ)) == ""


def test_a_program_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    told = hooks.Hooks(command=(str(tmp_path / "nothing"),))
    assert "No such file" in telling.run_command(told, ENTRY, {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hooks = 3\n", "must be a table"),
        ('[hooks]\ncomand = ["x"]\n', "unknown key 'comand'"),
        ('[hooks]\ncommand = "notify me"\n', "a list of texts"),
        ("[hooks]\ncommand = []\n", "a list of texts"),
        ('[hooks]\ncommand = ["a\\u0000"]\n', "holds a NUL"),
        ('[hooks]\nwebhook = "ftp://x.example"\n', "must begin with http"),
        ("[hooks]\nwebhook = true\n", "must be a text"),
        ('[hooks]\nevents = ["deleted"]\n', "unknown event 'deleted'"),
        ("[hooks]\ntimeout = 0\n", "more than 0"),
        ("[hooks]\ntimeout = 1000\n", "at most 60"),
        ("[hooks]\ntimeout = true\n", "seconds"),
        ("[hooks]\ntimeout = nan\n", "seconds"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "archiver.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        load(path, environment={})


@pytest.mark.parametrize("secret", ["short", "whsec_", "whsec_AAAA", "whsec_!!!!" + "A" * 40, "A" * 44])
def test_a_secret_that_is_none_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "archiver.toml"
    path.write_text('[hooks]\nwebhook = "https://x.example"\n')
    with pytest.raises(InputError, match=hooks.SECRET) as refused:
        load(path, environment={hooks.SECRET: secret})
    assert secret not in str(refused.value).replace("whsec_ and", "").replace('"whsec_$', "")
    kept = load(path, environment={hooks.SECRET: SECRET})
    assert len(kept.hooks.secret) == 24
    assert SECRET not in repr(kept)
