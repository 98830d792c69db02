"""Signed heads end runs, and a log that is not the one that was signed is noticed.

The attacks on the file are those of docs and of the threat table that this layer is to catch: what it catches is
shown here, and what it cannot. `C` stands for checkpoints that are stored and proofs of consistency between them, `F`
for a checkpoint that was kept outside the archive (here: beside the key).
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from running import sound
from test_keys import ORIGIN, Office

from archiver.custody import log, note
from archiver.jobs import keyring
from archiver.jobs.config import Config, load
from archiver.jobs.session import open_session
from archiver.store.archive import open_reader
from archiver.store.checkpoints import Tree, folded
from tests.anew import Growing, recompute


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    (work / "archiver.toml").write_text(f'[archive]\norigin = "{ORIGIN}"\noperator = "Desk"\n')
    return Office(work, work / "archiver.toml")


def tree(office: Office) -> Tree:
    return Tree(open_reader(office.db), 1)


def seen(office: Office, name: str = ORIGIN) -> note.Checkpoint:
    kept = keyring.seen(Config(), name)
    assert kept is not None
    return kept


def heads(office: Office) -> list[note.Checkpoint]:
    return [note.Checkpoint.parse(signed.text) for signed in office.notes()]


def owner(office: Office, work: Callable[[sqlite3.Connection], object]) -> None:
    """What the owner of the file does to it: no guard holds."""
    with closing(sqlite3.connect(office.db)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        work(db)
        db.commit()


# ---- what ends a run --------------------------------------------------------------------------------------------


def test_each_run_that_appended_ends_with_a_head_over_everything(office: Office) -> None:
    for number in range(3):
        assert office.run().code == 0
        held = tree(office)
        newest = heads(office)[-1]
        assert (len(heads(office)), newest.size, newest.root) == (number + 1, held.size(), held.root())
        assert seen(office) == newest
    found = recompute(held, [head.size for head in heads(office)])
    for old, new in zip(heads(office), heads(office)[1:], strict=False):
        assert found.roots[old.size] == old.root
        proof = held.consistency(old.size, new.size)
        assert log.check_consistency(old.size, new.size, old.root, new.root, proof)
    before = office.notes()
    assert office.call("run", office.folder / "seeds" / "0.txt", "--offline").code == 0
    assert office.notes() == before, "nothing came: nothing is signed"
    assert office.call("add", office.seed("more.txt", "Added by hand.\n")).code == 0
    assert len(office.notes()) == len(before) + 1
    sound(office)


def test_a_decision_is_signed_at_once(office: Office) -> None:
    office.run("@ann wrote on 2024-10-28: “we have never said any such thing about the ferries of this town”")
    passage = office.value("SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref")
    decided = office.call("resolve", passage, "x:post:1850688931230646300", "--reason", "I saw it", "--json").json
    assert (decided["signed"], decided["notes"]) == (True, [])
    assert heads(office)[-1].size == len(office.leaves()) > decided["leaf"]
    office.path.unlink()
    ended = office.call("resolve", passage, "x:post:1850688931230646301", "--reason", "no, that one")
    assert (ended.code, "Note: checkpoints are unsigned" in ended.out) == (0, True)
    owner(office, forge)
    assert office.call("resolve", passage, "x:post:1850688931230646302", "--reason", "or that one").code == 4


def test_a_run_that_was_broken_off_is_covered_by_the_next(office: Office) -> None:
    office.run()
    with open_session(office.db, load(office.config)) as session, session.archive.transaction():
        session.evidence.append("fixity", {"checked": "0", "wrong": "0", "scope": "a run that came to no end"})
    leaves = len(office.leaves())
    assert heads(office)[-1].size == leaves - 1
    assert office.call("run", office.folder / "seeds" / "0.txt", "--offline").code == 0
    assert heads(office)[-1].size == leaves


def test_a_checkpoint_that_was_stored_and_not_kept_beside_the_key_is_no_fault(office: Office) -> None:
    office.run()
    older = keyring.seen_path(Config(), ORIGIN).read_text()
    office.run()
    keyring.seen_path(Config(), ORIGIN).write_text(older)
    assert office.run().code == 0
    assert seen(office) == heads(office)[-1]
    keyring.seen_path(Config(), ORIGIN).unlink()
    assert office.run().code == 0
    assert seen(office) == heads(office)[-1]


def test_a_checkpoint_that_cannot_be_kept_is_stored_and_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.run()
    monkeypatch.setenv("QUOTECHAIN_KEY", office.path.read_text())
    shutil.rmtree(office.path.parents[1])
    office.path.parents[1].write_text("a file, where a folder should be")
    ended = office.run()
    assert ended.code == 0
    assert "so a restored backup goes unnoticed" in ended.out
    assert len(office.notes()) == 2


@pytest.mark.parametrize("text", ["", "hello\n", "\udcff", f"{ORIGIN}\n007\nAAAA\n\n"])
def test_a_kept_checkpoint_that_cannot_be_read_is_told_and_nothing_is_signed(office: Office, text: str) -> None:
    office.run()
    keyring.seen_path(Config(), ORIGIN).write_bytes(text.encode("utf-8", "surrogateescape"))
    ended = office.run()
    assert ended.code == 2
    assert ".seen: the last signed checkpoint cannot be read" in ended.out
    assert len(office.notes()) == 1
    assert office.value("SELECT count(*) FROM captures") == 2


def test_readings_are_made_again_the_same_after_keys_and_names_changed(office: Office) -> None:
    office.run("@ann wrote on 2024-10-28: “we have never said any such thing about the ferries of this town”")
    assert office.keys("rotate").code == 0
    assert office.keys("new-origin", "--reason", "tried", "--name", "log.example/second").code == 0
    office.run("and another document")
    ended = office.call("rebuild", "--check", "--json")
    assert (ended.code, ended.json["differences"]) == (0, {})


# ---- the file is put back, cut, edited, made anew ---------------------------------------------------------------


def told(office: Office) -> str:
    """What a run says that must not sign; it stores all the same."""
    signed, captures = office.notes(), office.value("SELECT count(*) FROM captures")
    ended = office.run("one more")
    assert ended.code == 4, ended.out
    assert office.notes() == signed
    assert office.value("SELECT count(*) FROM captures") == captures + 1
    (line,) = [line for line in ended.out.splitlines() if line.startswith("! ")]
    assert office.value("SELECT exit_code FROM work_runs ORDER BY id DESC") == 4
    return line


def test_every_command_that_writes_ends_with_4_on_a_restored_backup(office: Office) -> None:
    office.run()
    backup = office.folder / "backup.db"
    shutil.copyfile(office.db, backup)
    office.run()
    shutil.copyfile(backup, office.db)
    ref = office.value("SELECT r.ref FROM documents d JOIN refs r ON r.id = d.id")
    ended = office.call("export", ref, "--to", office.folder / "a.zip")
    told = "\n! the log log.example/keys is not the one that was signed last"
    assert (ended.code, told in ended.out, (office.folder / "a.zip").exists()) == (4, True, True), ended.out
    assert office.call("export", ref, "--to", office.folder / "b.zip", "--json").code == 4
    assert office.call("erase", ref, "--reason", "asked", "--yes").code == 4
    for more in ((), ("--json",)):
        ended = office.keys("rotate", *more)
        assert (ended.code, "is not the one that was signed last" in ended.out) == (4, True)


def test_a_backup_that_was_restored_is_noticed_and_goes_on_under_another_name(office: Office) -> None:
    office.run()
    backup = office.folder / "backup.db"
    shutil.copyfile(office.db, backup)
    office.run()
    later = seen(office)
    shutil.copyfile(backup, office.db)
    assert "restored from a backup" in told(office), "fewer leaves than were signed"
    for _ in range(3):
        office.run("until it is larger than it was")
    assert len(office.leaves()) > later.size
    line = told(office)
    assert f"its first {later.size} leaves are not those that were signed" in line
    assert "archiver keys new-origin" in line
    assert seen(office) == later, "the only thing that remembers is not overwritten"

    size, root = tree(office).size(), tree(office).root()
    assert office.keys("new-origin").code == 2, "a reason is asked for"
    assert office.keys("new-origin", "--reason", "  ").code == 2
    ended = office.keys("new-origin", "--reason", "the disk died; backup of Monday", "--by", "Ann")
    assert ended.code == 0, ended.err
    name = office.value("SELECT name FROM origin")
    assert name.startswith("quotechain/")
    (transfer,) = [leaf for leaf in office.leaves() if leaf["type"] == "transfer"]
    assert (transfer["from"], transfer["to"], transfer["who"]) == (ORIGIN, name, "Ann")
    assert (transfer["size"], transfer["root"], transfer["seq"]) == (str(size), root.hex(), str(size))
    assert office.run().code == 0
    assert [head.origin for head in heads(office)] == [ORIGIN, name, name]
    assert len(office.keys("export").out.splitlines()) == 1
    held = tree(office)
    assert all(held.holds(head) for head in heads(office)), "earlier heads are heads of the same tree"
    assert not held.holds(later), "what was lost stays lost, and whoever kept that head sees it"
    sound(office)


def test_a_copy_that_was_written_on_elsewhere_is_noticed(office: Office) -> None:
    office.run()
    copy = Office(office.folder / "copy", office.config)
    copy.folder.mkdir()
    shutil.copyfile(office.db, copy.db)
    assert copy.run().code == 0
    assert "leaves are not those that were signed" in told(office)


def test_a_tail_that_was_dropped_under_kept_checkpoints_is_noticed_without_any_memory(office: Office) -> None:
    office.run()
    office.run()
    keyring.seen_path(Config(), ORIGIN).unlink()
    owner(office, lambda db: cut(db, len(office.leaves()) - 3))
    assert "a checkpoint of" in told(office)
    ended = office.keys("new-origin", "--reason", "to paper over it")
    assert (ended.code, "does not hold the tree" in ended.err) == (4, True)


def test_a_tail_dropped_with_its_checkpoints_is_noticed_by_what_was_kept_outside_alone(office: Office) -> None:
    office.run()
    smaller = heads(office)[-1].size
    office.run()

    def attack(db: sqlite3.Connection) -> None:
        cut(db, smaller)
        db.execute("DELETE FROM log_checkpoint WHERE size > ?", (smaller,))

    owner(office, attack)
    memory = keyring.seen_path(Config(), ORIGIN)
    kept = memory.read_text()
    assert "restored from a backup" in told(office), "F: the checkpoint beside the key"
    memory.unlink()
    assert office.run().code == 0, "C does not notice it: only what is outside the archive can"
    memory.write_text(kept)
    assert not tree(office).holds(seen(office))


def cut(db: sqlite3.Connection, leaves: int) -> None:
    db.execute("DELETE FROM log_leaf WHERE idx >= ?", (leaves,))
    for table in ("captures", "reading_marks", "statements"):
        db.execute(f"DELETE FROM {table} WHERE leaf >= ?", (leaves,))


def test_an_edited_leaf_is_noticed_by_making_the_tree_anew(office: Office) -> None:
    office.run()

    def attack(db: sqlite3.Connection) -> None:
        db.execute("UPDATE log_leaf SET data = CAST(replace(CAST(data AS TEXT), 'Desk', 'Disk') AS BLOB) WHERE idx = 0")

    owner(office, attack)
    head = heads(office)[-1]
    found = recompute(tree(office))
    assert found.wrong == [0], "B: the hash of the leaf is not its own"
    assert found.roots[found.size] != head.root
    assert tree(office).holds(head), "stored hashes alone do not show it: a full check hashes every leaf"


def test_an_edited_leaf_with_its_hash_is_noticed_by_the_next_run(office: Office) -> None:
    office.run()
    owner(office, forge)
    found = recompute(tree(office))
    assert found.wrong == []
    assert found.roots[found.size] != heads(office)[-1].root, "C: the signed head is another"
    keyring.seen_path(Config(), ORIGIN).unlink()
    assert "leaves of the log are not those that were signed" in told(office)


def forge(db: sqlite3.Connection) -> None:
    """Another operator in the first leaf, with its hash."""
    (data,) = db.execute("SELECT data FROM log_leaf WHERE idx = 0").fetchone()
    data = data.replace(b"Desk", b"Disk")
    db.execute("UPDATE log_leaf SET data = ?, hash = ? WHERE idx = 0", (data, log.leaf_hash(data)))


@pytest.mark.parametrize("many", [False, True], ids=["few leaves", "full tiles"])
def test_a_chain_rebuilt_and_signed_by_the_genuine_key_is_noticed_from_outside_alone(
    office: Office, many: bool
) -> None:
    office.run()
    if many:
        with open_session(office.db, load(office.config)) as session, session.archive.transaction():
            for number in range(600):
                session.evidence.append("fixity", {"checked": str(number), "wrong": "0", "scope": "many"})
    office.run()
    (key,) = keyring.ring(Config(), ORIGIN).keys

    def attack(db: sqlite3.Connection) -> None:
        forge(db)
        hashes = [row[0] for row in db.execute("SELECT hash FROM log_leaf ORDER BY idx")]
        for n in range(len(hashes) // 256):
            tile = b"".join(hashes[n * 256 : n * 256 + 256])
            db.execute("UPDATE log_tile SET data = ? WHERE level = 0 AND n = ?", (tile, n))
        growing = Growing()
        for value in hashes:
            growing.append(value)
            head = note.Checkpoint(origin=ORIGIN, size=growing.size, root=growing.root())
            signed = note.SignedNote(text=str(head), signatures=(key.sign(str(head)),))
            db.execute(
                "UPDATE log_checkpoint SET root = ?, note = ? WHERE size = ?", (head.root, str(signed), head.size)
            )

    owner(office, attack)
    found = recompute(tree(office), [head.size for head in heads(office)])
    assert all(found.roots[head.size] == head.root for head in heads(office)), "C: all agrees"
    memory = keyring.seen_path(Config(), ORIGIN)
    kept = memory.read_text()
    assert "leaves are not those that were signed" in told(office), "F"
    memory.unlink()
    assert office.run().code == 0, "nothing inside shows it"
    memory.write_text(kept)
    assert not tree(office).holds(seen(office))


def test_a_forged_tile_is_noticed_where_it_is_used(office: Office) -> None:
    office.run()
    with open_session(office.db, load(office.config)) as session, session.archive.transaction():
        for number in range(300):
            session.evidence.append("fixity", {"checked": str(number), "wrong": "0", "scope": "many"})
    office.run()
    owner(office, lambda db: db.execute("UPDATE log_tile SET data = zeroblob(8192)"))
    assert "not those that were signed" in told(office)
    assert recompute(tree(office), [heads(office)[-1].size]).roots[heads(office)[-1].size] == heads(office)[-1].root


def test_the_same_name_for_a_new_archive_is_refused_a_signature(office: Office) -> None:
    office.run()
    office.run()
    office.db.unlink()
    ended = office.run()
    assert ended.code == 4
    assert "were signed under its name" in ended.out
    assert office.notes() == []
    assert office.keys("new-origin", "--reason", "begun again", "--name", ORIGIN).code == 2
    assert office.keys("new-origin", "--reason", "begun again", "--name", "log.example/again").code == 0
    assert [head.origin for head in heads(office)] == ["log.example/again"]
    twice = office.keys("new-origin", "--reason", "back", "--name", ORIGIN)
    assert (twice.code, "Choose a new one" in twice.err) == (2, True)


def test_a_log_that_was_renamed_to_evade_what_is_remembered_gets_no_key(office: Office) -> None:
    office.run()
    backup = office.folder / "backup.db"
    shutil.copyfile(office.db, backup)
    office.run()
    shutil.copyfile(backup, office.db)
    owner(office, lambda db: db.execute("UPDATE origin SET name = 'log.example/other'"))
    assert "its keys are those of log.example/keys" in told(office)
    assert office.keys("create").code == 4
    assert len(list(office.path.parent.glob("*.key"))) == 1


def test_a_row_that_is_no_key_is_told(office: Office) -> None:
    office.run()
    owner(office, lambda db: db.execute("UPDATE log_key SET vkey = vkey || 'x'"))
    assert "the key of leaf 3 cannot be read" in told(office)
    assert office.keys("show").code == 4
    owner(office, lambda db: db.execute("UPDATE log_checkpoint SET note = 'hello'"))
    assert office.keys("new-origin", "--reason", "tried").code == 4


def test_what_a_run_found_wrong_stands_in_its_json(office: Office) -> None:
    office.run()
    owner(office, forge)
    ended = office.call("run", office.seed("new.txt", "New.\n"), "--offline", "--json")
    assert (ended.code, "not the one that was signed last" in ended.json["broken"]) == (4, True)
    assert json.loads(json.dumps(ended.json))["log"] == []


def test_a_fold_that_is_remembered_is_that_of_a_full_tile(office: Office) -> None:
    office.run()
    with open_session(office.db, load(office.config)) as session:
        evidence = session.evidence
        for _ in range(5):
            with session.archive.transaction():
                for number in range(200):
                    evidence.append("fixity", {"checked": str(number), "wrong": "0", "scope": "grows"})
            assert evidence.root() == recompute(evidence.tree).roots[evidence.size()]
        for (level, n), fold in evidence.tree.folds.items():
            tile = evidence.tree.tile(level, n)
            assert tile is not None
            assert fold == folded(tile)
