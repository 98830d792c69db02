"""The custody page: what it says of the log, its keys, heads and tokens, and the files that it hands out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from archiver.custody import note, sshsig
from archiver.datasette_plugin.custody import proves
from tests.bundle.leaving import House, judge
from tests.datasette_plugin import keeping
from tests.datasette_plugin.opening import ROOT, Room

HOSTILE = '"><script>document.title=1</script>\u202e'


def test_the_log_its_keys_and_what_is_signed_and_dated(kept: Room, house: House) -> None:
    found = kept.json("/archive/-/custody.json")
    leaves = keeping.value(house.db, "SELECT count(*) FROM log_leaf")
    dated = keeping.value(house.db, "SELECT max(size) FROM log_anchor WHERE at <> ''")
    log = found["log"]
    assert (log["leaves"], log["signed"], log["unsigned"]) == (leaves, leaves, 0)
    assert (log["dated"], log["dated_at"]) == (dated, keeping.AFTER)
    (key,) = found["keys"]
    assert key["vkey"] == keeping.value(house.db, "SELECT vkey FROM log_key")
    assert key["id"] == note.VerifierKey.parse(key["vkey"]).id.hex()
    page = kept.text("/archive/-/custody")
    for told in (key["vkey"], key["id"], key["ssh"], f"{leaves:,} leaves", "signs now", 'data-copy="vkey-1"'):
        assert str(told).replace("+", "+") in page, told


def test_the_fingerprint_is_that_of_ssh_keygen(kept: Room, tmp_path: Path) -> None:
    (key,) = kept.json("/archive/-/custody.json")["keys"]
    line = tmp_path / "key.pub"
    line.write_text(sshsig.public_line(note.VerifierKey.parse(key["vkey"]).public, "log"), "utf-8")
    code, told = judge("ssh-keygen", "-l", "-f", line)
    assert code == 0
    assert key["ssh"] in told.split()


def test_heads_stand_newest_first_and_are_files(kept: Room, house: House) -> None:
    found = kept.json("/archive/-/custody.json")
    sizes = [head["size"] for head in found["checkpoints"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) >= 3
    key = note.VerifierKey.parse(found["keys"][0]["vkey"])
    page = kept.text("/archive/-/custody")
    for head in found["checkpoints"]:
        path = f"/archive/-/checkpoint/{found['log']['name'].replace('/', '~2F')}/{head['size']}"
        assert f'href="{path}"' in page
        answer = kept.get(path)
        signed = note.SignedNote.parse(answer.content)
        assert note.Checkpoint.parse(signed.text).root.hex() == head["root"]
        assert note.signers(signed, [key]) == (key,)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]
    assert kept.get(f"{path}9").status_code == 404
    assert kept.get("/archive/-/checkpoint/nobody/131").status_code == 404
    assert kept.get(f"/archive/-/checkpoint/nobody/{'9' * 40}").status_code == 404


def test_tokens_say_their_own_time_or_why_there_is_none(kept: Room) -> None:
    found = kept.json("/archive/-/custody.json")
    tokens = [token for head in found["checkpoints"] for token in head["tokens"]]
    told = {(token["service"], token["at"]): token["state"] for token in tokens}
    assert told == {
        ("Clock", keeping.BEFORE): "dated",
        ("Clock", keeping.AFTER): "dated",
        ("Calendar", ""): "not verified",
        ("Another", ""): "not verified",
    }
    page = kept.text("/archive/-/custody")
    assert "this is no proof" in page  # the bytes of the calendar are none
    for head in found["checkpoints"]:
        for token in head["tokens"]:
            path = f"/archive/-/token/{found['log']['name'].replace('/', '~2F')}/{head['size']}/{token['sha256']}"
            assert f'href="{path}"' in page
            answer = kept.get(path)
            assert hashlib.sha256(answer.content).hexdigest() == token["sha256"]
            assert answer.headers["content-type"] == "application/octet-stream"
    assert kept.get(f"{path[:-4]}0000").status_code == 404


def test_what_each_layer_proves_is_said_in_the_words_of_the_docs(kept: Room) -> None:
    text = (ROOT / "docs" / "custody.md").read_text("utf-8")
    rows = {line.split("|")[2].strip() for line in text.splitlines() if line.startswith("| ") and line.count("|") == 3}
    for says, _ in proves.ALL:
        assert says in rows, says
    page = kept.text("/archive/-/custody")
    assert "no mechanism here shows that" in page
    assert len(kept.json("/archive/-/custody.json")["layers"]) == len(proves.ALL)


def test_exports_and_fixity_runs_are_listed(kept: Room, house: House) -> None:
    found = kept.json("/archive/-/custody.json")
    (export,) = found["exports"]
    assert export["sha256"] == keeping.value(house.db, "SELECT sha256 FROM exports")
    (fixity,) = found["fixities"]
    assert (fixity["wrong"], fixity["checked"] > 0) == (keeping.value(house.db, "SELECT wrong FROM fixities"), True)
    assert found["erasures"] == []
    assert "Nothing was erased" in kept.text("/archive/-/custody")


def test_lists_go_on_where_they_ended(kept: Room) -> None:
    found = kept.json("/archive/-/custody.json")
    newest, second = (head["size"] for head in found["checkpoints"][:2])
    older = kept.json(f"/archive/-/custody.json?before={newest}")
    assert older["checkpoints"][0]["size"] == second
    assert kept.json("/archive/-/custody.json?before=1")["checkpoints"] == []
    assert "No checkpoint that small" in kept.text("/archive/-/custody?before=1")
    assert kept.json("/archive/-/custody.json?exports=0")["exports"] == []


@pytest.mark.parametrize("wrong", ["before=-1", "before=x", "exports=1e3", f"before={'9' * 20}", "fixities=%00"])
def test_a_wrong_place_is_told(kept: Room, wrong: str) -> None:
    assert "is no number" in kept.json(f"/archive/-/custody.json?{wrong}", 400)["error"]


def test_an_unknown_log_is_told(kept: Room) -> None:
    assert "There is no log" in kept.text("/archive/-/custody?log=%3Cscript%3E", 404)


def test_a_log_without_key_says_that_nothing_is_signed(room: Room) -> None:
    page = room.text("/archive/-/custody")
    assert "No head of it was ever signed" in page
    assert "archiver keys create" in page
    assert room.json("/archive/-/custody.json")["log"]["signed"] == 0
    assert "newest signed head" not in page.split("The SQL of this page")[0], (
        "there is none that leaves could come after"
    )
    assert "file and key" not in page, "there is no key that anybody could hold"


def test_whoever_may_not_see_a_table_of_custody_sees_no_page_of_it(house: House) -> None:
    closed = Room(house.db, metadata={"databases": {"archive": {"tables": {"log_anchor": {"allow": False}}}}})
    try:
        assert closed.get("/archive/-/custody").status_code == 403
        assert closed.get(f"/archive/-/token/x/1/{'0' * 64}").status_code == 403
    finally:
        closed.close()


def test_hostile_rows_are_shown_as_text(house: House, tmp_path: Path) -> None:
    copy = keeping.copied(house, tmp_path)
    with keeping.owner(copy.db) as db:
        newest = db.execute("SELECT max(size) FROM log_checkpoint").fetchone()[0]
        db.execute("UPDATE origin SET name = ?, site = ?", (HOSTILE, HOSTILE))
        db.execute("UPDATE log_key SET vkey = ?, name = ?", (HOSTILE, HOSTILE))
        db.execute("UPDATE log_anchor SET service = ?", (HOSTILE,))
        db.execute("UPDATE log_checkpoint SET note = ? WHERE size = ?", (HOSTILE, newest))
        db.execute("UPDATE exports SET who = ?, what = ?, sha256 = ?", (HOSTILE, HOSTILE * 1000, HOSTILE))
        db.execute("UPDATE fixities SET detail = ?, wrong = 3", (HOSTILE,))
        db.execute(
            "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) VALUES ('e', 1, 1, ?, ?, ?, ?, ?)",
            (HOSTILE,) * 5,
        )
        db.execute("INSERT INTO work_anchor VALUES (1, 5, 'ots', ?, ?, 2, ?)", (HOSTILE,) * 3)
    changed = Room(copy.db)
    try:
        page = changed.text("/archive/-/custody")
        assert "<script>document" not in page
        assert "\u202e" not in page
        assert "this is no signed checkpoint" in page
        assert "this is no key" in page
        assert len(page) < 200_000
        (waiting,) = changed.json("/archive/-/custody.json")["waiting"]
        assert waiting["last"] == HOSTILE
    finally:
        changed.close()
