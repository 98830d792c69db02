"""Nostr from the command line: a file of events becomes posts, mentions of them are judged, proofs are checked again,
and a bundle carries them. People, keys and words are invented."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from running import Desk

from archiver.cli import main
from archiver.platforms.nostr.nip19 import Code
from tests.nostr_made import ANN, BEN, EVE, key, made

WORDS = "The harbour will be closed from Monday until the works are finished, said the town."
SOON = "This will be gone before long, whatever anybody may say of it later."
NOTE, GONE = made(ANN, WORDS), made(BEN, SOON)
QUOTE = made(BEN, "Look at this.", ["q", NOTE["id"], "", key(ANN)])
REPOST = made(BEN, json.dumps(NOTE), ["e", NOTE["id"], "wss://relay.example"], kind=6)
FORGED = made(EVE, json.dumps(NOTE | {"content": "The harbour will stay open."}), ["e", NOTE["id"], ""], kind=6)
PROFILE = made(ANN, json.dumps({"name": "Ann Lee"}), kind=0)
DELETION = made(BEN, "", ["e", GONE["id"]], kind=5)
OTHERS = made(EVE, "", ["e", NOTE["id"]], kind=5)
EVENTS = (NOTE, GONE, QUOTE, REPOST, FORGED, PROFILE)


def code(event: dict[str, Any]) -> str:
    return str(Code(prefix="note", key=event["id"]))


def ref(event: dict[str, Any]) -> str:
    return f"nostr:note:{event['id']}"


def lines(*events: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, events))


ARTICLE = f"""# News

Ann Lee wrote:

> {WORDS}
>
> — [Ann Lee](https://njump.me/{code(NOTE)})

> The harbour will be closed from Tuesday until the works are finished, said the town.
>
> — [Ann Lee](nostr:{code(NOTE)})

> Something that nobody imported, and that nobody will.
>
> — [Eve](nostr:{Code(prefix="note", key="0a" * 32)})

And Ben, who took it back: “{SOON}” (nostr:{code(GONE)})
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    (work / "archiver.toml").write_text('[archive]\norigin = "log.example/nostr"\noperator = "Desk"\n')
    return Desk(work, work / "archiver.toml")


def test_from_a_file_to_verdicts(desk: Desk) -> None:
    ran = desk.call("run", desk.seed("events.jsonl", lines(*EVENTS)), desk.seed("a.md", ARTICLE), "--offline")
    assert ran.code == 0
    assert "a file of signed posts: 2 posts" not in ran.out, "the quote is a post, too"
    assert "a file of signed posts: 3 posts; 7 signatures hold, 1 refused" in ran.out
    assert f"not stored as a post: {ref(NOTE)}: a copy inside the repost {ref(FORGED)}" in ran.out
    assert desk.table(
        "SELECT r.ref, p.text, a.ref, p.name, p.outcome FROM posts p JOIN refs r ON r.id = p.id "
        "JOIN refs a ON a.id = p.author ORDER BY p.text"
    ) == [
        (ref(QUOTE), "Look at this.", f"nostr:profile:{key(BEN)}", "", "unknown"),
        (ref(NOTE), WORDS, f"nostr:profile:{key(ANN)}", "Ann Lee", "unknown"),
        (ref(GONE), SOON, f"nostr:profile:{key(BEN)}", "", "unknown"),
    ]
    edges = "SELECT e.kind, s.ref, t.ref FROM edges e JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target"
    assert set(desk.table(f"{edges} WHERE e.evidence = 'asserted' AND e.kind <> 'names'")) == {
        ("quotes", ref(QUOTE), ref(NOTE)),
        ("reposts", ref(REPOST), ref(NOTE)),
        ("reposts", ref(FORGED), ref(NOTE)),
    }
    assert desk.table("SELECT valid, count(*) FROM proofs GROUP BY valid ORDER BY valid") == [(0, 1), (1, 7)]
    told = desk.table(
        "SELECT r.ref, s.how, x.verdict, x.reason FROM mentions m JOIN resolutions s ON s.mention = m.id "
        "JOIN refs r ON r.id = s.ref JOIN matches x ON x.mention = m.id AND x.rank = 0 ORDER BY m.ordinal"
    )
    assert [(target, how, verdict) for target, how, verdict, _ in told] == [
        (ref(NOTE), "permalink", "exact"),
        (ref(NOTE), "permalink", "altered"),
        (f"nostr:note:{'0a' * 32}", "permalink", "not-judged"),
        (ref(GONE), "text", "exact"),
    ]
    assert "no relay is spoken to: add the event as a file" in told[2][3]
    assert "no relay is spoken to: add the event as a file" in ran.out
    assert desk.call("rebuild", "--check").out.rstrip().endswith("0 differences")
    shown = desk.call("show", f"nostr:{code(NOTE)}")
    assert f"Ann Lee (nostr:profile:{key(ANN)})" in shown.out
    assert "Proof nostr-event: valid" in shown.out
    assert "Proof nostr-event: REFUSED" in shown.out
    again = desk.call("run", desk.folder / "seeds" / "events.jsonl", "--offline")
    assert (again.code, "1 known already" in again.out) == (0, True)


@pytest.mark.parametrize("first", ["event", "request"])
def test_a_deletion_request_counts_in_whichever_order_it_comes(desk: Desk, first: str) -> None:
    files = [desk.seed("events.json", json.dumps([NOTE, GONE])), desk.seed("asked.json", lines(DELETION, OTHERS))]
    for file in files if first == "event" else reversed(files):
        assert desk.call("run", file, "--offline").code == 0
    copy = desk.seed("copy.json", json.dumps(GONE))
    assert desk.call("run", copy, "--offline").code == 0
    known = "SELECT r.ref, p.outcome FROM posts p JOIN refs r ON r.id = p.id"
    assert dict(desk.table(known)) == {ref(NOTE): "unknown", ref(GONE): "deleted"}
    assert desk.call("rebuild", "--check").out.rstrip().endswith("0 differences")


def test_a_forged_file_takes_nothing_from_the_genuine_event(desk: Desk) -> None:
    assert desk.call("run", desk.seed("events.json", json.dumps(NOTE)), "--offline").code == 0
    forged = desk.seed("forged.json", json.dumps(NOTE | {"content": "Open."}))
    ran = desk.call("run", forged, "--offline")
    assert "not stored as a post" in ran.out
    assert "0 posts; 0 signatures hold, 1 refused" in ran.out
    assert desk.table("SELECT text, outcome, versions FROM posts") == [(WORDS, "unknown", 1)]
    (found,) = desk.table("SELECT outcome, reason FROM outcomes WHERE outcome = 'unreadable'")
    assert found[1] == "the id is not the hash of the event: forged or changed"


def test_verify_names_what_was_changed(desk: Desk) -> None:
    assert desk.call("run", desk.seed("events.jsonl", lines(*EVENTS)), "--offline").code == 0
    held = _verify(desk)
    assert held[0] in (0, 1)
    assert "8 author proofs" in held[1]
    assert "1 author proofs were refused when they were read, and still are" in held[1]
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("DROP TRIGGER IF EXISTS proofs_fixed")
        db.execute("UPDATE proofs SET valid = 1 WHERE valid = 0")
        db.commit()
    ended, out = _verify(desk)
    assert ended == 4
    assert f"the nostr-event proof of {ref(NOTE)} was valid, and now is refused" in out
    with closing(sqlite3.connect(desk.db)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        (row, data) = db.execute("SELECT rowid, data FROM blob_chunks ORDER BY rowid LIMIT 1").fetchone()
        place = data.index(b"harbour")
        db.execute("UPDATE blob_chunks SET data = ? WHERE rowid = ?", (data[:place] + b"H" + data[place + 1 :], row))
        db.commit()
    ended, out = _verify(desk)
    assert ended == 4
    assert "blob" in out


def _verify(desk: Desk) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["verify", str(desk.db)], catch_exceptions=False)
    return ended.exit_code, ended.stdout + ended.stderr


def test_a_bundle_carries_the_events_and_checks_them(desk: Desk, tmp_path: Path) -> None:
    files = (desk.seed("events.jsonl", lines(*EVENTS)), desk.seed("asked.json", json.dumps(DELETION)))
    article = desk.seed("a.md", ARTICLE)
    assert desk.call("run", *files, article, "--offline").code == 0
    written = desk.call("export", "--document", article, "--to", tmp_path / "b.zip")
    assert written.code == 0, written.err
    with zipfile.ZipFile(tmp_path / "b.zip") as zipped:
        index = json.loads(zipped.read("bundle/data/bundle.json"))
        (tmp_path / "verify.py").write_bytes(zipped.read("bundle/verify.py"))
    posts = {post["ref"]: post for post in index["posts"]}
    assert posts[ref(GONE)]["outcome"] == "deleted"
    assert [(one["valid"], one["pointer"]) for one in posts[ref(NOTE)]["proofs"]] == [
        (1, "/0"),
        (1, "/3/content"),
        (0, "/4/content"),
        (1, "/5"),
    ]
    (asked,) = (one for one in posts[ref(GONE)]["proofs"] if one["ref"] == f"nostr:profile:{key(BEN)}")
    assert asked["detail"].startswith(f"asks for the deletion of {GONE['id']}, id {DELETION['id']} and")
    ended = subprocess.run(
        [sys.executable, str(tmp_path / "verify.py"), str(tmp_path / "b.zip")], capture_output=True, text=True
    )
    assert ended.returncode == 1, "only whose key it is was not checked"
    assert ended.stdout.count(f"nostr-event of {ref(NOTE)}: the key {key(ANN)} signed the event") == 2
    assert f"nostr-event of {ref(NOTE)}: REFUSED" in ended.stdout
    assert f"nostr-event of nostr:profile:{key(BEN)}: the key {key(BEN)} signed the event" in ended.stdout
    assert " 0 wrong" in ended.stdout


def test_what_else_an_author_signed_stays_at_home(desk: Desk, tmp_path: Path) -> None:
    other = made(ANN, "", ["e", "0c" * 32], kind=5)
    files = [desk.seed("note.json", json.dumps(NOTE)), desk.seed("other.json", json.dumps([other, PROFILE]))]
    assert desk.call("run", *files, "--offline").code == 0
    assert desk.call("export", ref(NOTE), "--to", tmp_path / "b.zip").code == 0
    with zipfile.ZipFile(tmp_path / "b.zip") as zipped:
        index = json.loads(zipped.read("bundle/data/bundle.json"))
        held = b"".join(zipped.read(name) for name in zipped.namelist())
    assert [(one["ref"], one["valid"]) for one in index["posts"][0]["proofs"]] == [(ref(NOTE), 1)]
    assert len(index["captures"]) == 1
    assert other["id"].encode() not in held


def test_an_erased_note_goes_out_of_reposts_too(desk: Desk) -> None:
    assert desk.call("run", desk.seed("events.json", json.dumps(EVENTS)), "--offline").code == 0
    erased = desk.call("erase", ref(NOTE), "--reason", "asked by its author", "--yes")
    assert erased.code == 0, erased.err
    assert "none is left" in erased.out
    assert WORDS.encode() not in desk.db.read_bytes()
    assert desk.table("SELECT text FROM posts ORDER BY text") == [("Look at this.",), (SOON,)]
    assert desk.call("rebuild", "--check").out.rstrip().endswith("0 differences")
    ended, out = _verify(desk)
    assert ended in (0, 1), out
    kept = desk.rows("SELECT data FROM blob_chunks")
    (copy,) = (json.loads(row[0]) for row in kept if row[0].startswith(b"["))
    assert copy[0].keys() == copy[3]["content"].keys() == {"erased", "sha256"}


def test_a_code_is_a_seed(desk: Desk) -> None:
    assert desk.call("run", desk.seed("note.json", json.dumps(NOTE)), "--offline").code == 0
    ran = desk.call("run", f"nostr:{code(NOTE)}", "--offline")
    assert ran.code == 0
    assert ref(NOTE) in ran.out
    mistyped = desk.call("run", f"nostr:{code(NOTE)[:-1]}x", "--offline")
    assert mistyped.code == 2
    assert "its checksum does not fit" in mistyped.out + mistyped.err


@contextmanager
def gateway(answers: dict[str, bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_gateway_that_is_configured_is_asked_up_the_chain(desk: Desk) -> None:
    answers = {
        f"/e/{QUOTE['id']}": json.dumps(QUOTE).encode(),
        f"/e/{NOTE['id']}": json.dumps({"event": NOTE}).encode(),
        f"/e/{GONE['id']}": json.dumps(GONE | {"content": "Other words."}).encode(),
    }
    article = f"See nostr:{code(QUOTE)} and nostr:{code(GONE)} and nostr:{Code(prefix='note', key='0a' * 32)}\n"
    with gateway(answers) as base:
        desk.config.write_text(
            f'[archive]\norigin = "log.example/nostr"\n[endpoints]\n"nostr.event" = "{base}/e"\n'
            '[network]\nallow_private = ["127.0.0.1"]\n[pace]\ndefault = 0.0\n'
        )
        desk.call("run", desk.seed("a.txt", article))
    assert desk.table("SELECT text, outcome FROM posts ORDER BY text") == [("Look at this.", "live"), (WORDS, "live")]
    outcomes = dict(desk.table("SELECT r.ref, o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref"))
    assert outcomes[ref(GONE)] == "unreadable"
    assert outcomes[f"nostr:note:{'0a' * 32}"] == "unknown"
    assert set(desk.table("SELECT route, tier FROM captures WHERE tier <> 'import'")) == {("event", "wire")}
