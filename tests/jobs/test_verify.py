"""`archiver verify`: each check has something tampered that it names, and what cannot be checked is told apart from
what is wrong. Who notices which attack stands in test_attacks.py."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
import sealed
from click.testing import CliRunner
from running import Ended
from sealed import Desk, owner
from story import playing
from tsa import Authority, Calendar, write_roots

from archiver.cli import main
from archiver.custody import canonical, log, note, ots
from archiver.jobs import checkpoint, keys, verifying_blobs, verifying_log, verifying_pool
from archiver.jobs import verify as verifying
from archiver.jobs import verifying_rows as rows
from archiver.jobs.config import Config
from archiver.jobs.verify import Options, verify
from archiver.jobs.verifying_found import MOST, Erased, Findings, Outside, Place
from archiver.render.verify import print_verified
from archiver.store.anchors import Anchors, Received
from archiver.store.archive import Archive, open_archive, open_reader
from archiver.store.checkpoints import Tree
from archiver.store.evidence import Evidence, Tool
from tests.anew import recompute

UID = "0190-000020"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return sealed.build(tmp_path_factory.mktemp("sealed") / "desk")


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    return sealed.copied(made, tmp_path / "desk")


def called(desk: Desk, *arguments: str | Path) -> Ended:
    """The command as a stranger calls it, who holds the keys and the roots."""
    given = ["--key", str(desk.vkey), "--key", desk.witness.vkey, "--roots", write_roots(desk.folder, desk.tsa)]
    plain = desk.folder / "plain.toml"
    plain.write_text(f'[custody]\nkey_file = "{desk.folder}/none"\n')
    words = ["verify", *arguments, *given, "--config", plain]
    if not any(isinstance(argument, Path) and argument.suffix == ".db" for argument in arguments):
        words.insert(1, desk.db)
    result = CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)


def test_a_sound_archive_holds(desk: Desk) -> None:
    before = hashlib.sha256(desk.db.read_bytes()).digest()
    done = called(desk)
    assert (done.code, done.err) == (0, "")
    assert "Everything that was checked holds." in done.out
    assert "3 rfc3161 tokens, 3 witness tokens" in done.out
    assert hashlib.sha256(desk.db.read_bytes()).digest() == before
    report = called(desk, "--json").json
    assert (report["wrong"], report["unchecked"]) == ([], [])
    held = report["held"]
    assert (held["leaves"], held["rows"]) == (610, 610)
    assert (held["checkpoints"], held["tiles"], held["captures with a bracket of time"]) == (3, 2, 300)
    assert "vouches for these columns" in done.out, "what no leaf names is told"


def test_everything_that_a_run_stores_holds(tmp_path: Path) -> None:
    """Every capture of a whole run over servers that redirect, fail, cut and compress, and every author's proof."""
    with playing() as world:
        config = world.configure(tmp_path)
        seed = tmp_path / "seed.urls"
        addresses = [
            f"{world.paper.server.base}/story",
            f"{world.blog.server.base}/notes",
            f"{world.blog.server.base}/round",
        ]
        addresses += [f"{world.blog.server.base}/film", world.bluesky.url()]
        seed.write_text("".join(f"{address}\n" for address in addresses))
        db = tmp_path / "archive.db"
        for _ in range(2):
            CliRunner().invoke(main, ["run", str(seed), "--db", str(db), "--config", str(config), "--recheck"])
    done = CliRunner().invoke(main, ["verify", str(db), "--config", str(config), "--json"], catch_exceptions=False)
    report = json.loads(done.stdout)
    assert (report["wrong"], report["unchecked"], done.exit_code) == ([], [], 0)
    assert report["held"]["author proofs"] > 0
    assert report["held"]["rows"] == report["held"]["leaves"] > 50
    assert report["held"]["kept checkpoints"] == 1, "the one beside the key"


# ---- what is wrong is named -------------------------------------------------------------------------------------


def sql(*statements: str) -> Callable[[sqlite3.Connection], None]:
    def work(db: sqlite3.Connection) -> None:
        for statement in statements:
            assert db.execute(statement).rowcount != 0, statement

    return work


CAPTURE = f"UPDATE captures SET {{}} WHERE uid = '{UID}'"
COLUMNS = {
    "uid": "'other'",
    "ref": "'web:page:https://site.example/post/21'",
    "platform": "'x'",
    "route": "'media'",
    "tier": "'replay'",
    "observed_at": "'2020-01-01T00:00:00.000000Z'",
    "ended_at": "'2020-01-01T00:00:00.000000Z'",
    "mono_ns": "5",
    "sent": "x'00'",
    "request": "'{}'",
    "method": "'POST'",
    "url": "'https://site.example/post/21'",
    "parent": "'0190-000019'",
    "hop": "1",
    "status": "404",
    "response_head": "x'00'",
    "framing": "'[]'",
    "blob": "1",
    "entity_sha256": "''",
    "declared_type": "'text/html'",
    "failure": "'timeout'",
    "received": "1",
    "rebuilt": "1",
    "peer_ip": "'192.0.2.1'",
    "peer_port": "1",
    "tls_version": "'TLSv1.3'",
    "tls_cipher": "'x'",
    "tls_chain": "'[\"00\"]'",
    "source_pointer": "'/0'",
    "operator": "'Nobody'",
    "tool_version": "'9'",
    "config_sha256": "'0'",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_of_a_capture_that_a_leaf_names(desk: Desk, column: str) -> None:
    with owner(desk) as db:
        leaf = db.execute("SELECT leaf FROM captures WHERE uid = ?", (UID,)).fetchone()[0]
        sql(CAPTURE.format(f"{column} = {COLUMNS[column]}"))(db)
    report = desk.verify()
    (finding,) = report.wrong
    assert (finding.check, finding.place.table, finding.place.leaf) == ("row", "captures", leaf)
    assert column in finding.reason
    assert finding.place.key == ("other" if column == "uid" else UID)


def test_every_column_of_captures_is_compared_or_told(made: Desk) -> None:
    with closing(sqlite3.connect(made.db)) as db:
        columns = {row[1] for row in db.execute("PRAGMA table_info(captures)")}
    from archiver.jobs.verifying_rows import UNNAMED

    told = {word.strip() for word in UNNAMED.replace(" and ", ", ").replace(" of captures", "").split(",")}
    assert columns == set(COLUMNS) | told | {"id", "origin", "leaf"}


def one(statement: str, check: str, where: str, reason: str) -> tuple[tuple[str, ...], str, str, str]:
    return (statement,), check, where, reason


TAMPERED = {
    "statement": one("UPDATE statements SET who = 'x' WHERE id = 1", "row", "statement statement-0 (leaf 280)", "who"),
    "mark": one("UPDATE reading_marks SET sha256 = '' WHERE id = 7", "row", "reading 0190-000006 (leaf 13)", "sha256"),
    "mark of another": one(
        "UPDATE reading_marks SET capture = 9 WHERE id = 7", "row", "reading 0190-000008 (leaf 13)", "capture"
    ),
    "key": one("UPDATE log_key SET action = 'retire'", "row", "key", "action"),
    "token": one("UPDATE log_anchor SET at = '2020-01-01T00:00:00Z' WHERE id = 1", "row", "rfc3161 clock", "at"),
    "time of a token": one("UPDATE log_anchor SET at = '2020-01-01T00:00:00Z' WHERE id = 1", "anchor", "token", "says"),
    "chain": one("UPDATE log_anchor SET chain = '[]' WHERE id = 1", "row", "rfc3161 clock", "chain"),
    "token of another head": one(
        "UPDATE log_anchor SET token = (SELECT token FROM log_anchor WHERE id = 3) WHERE id = 1",
        "anchor",
        "rfc3161 clock on 282",
        "the token is over",
    ),
    "cosignature": one(
        "UPDATE log_anchor SET token = (SELECT token FROM log_anchor WHERE id = 4) WHERE id = 2",
        "anchor",
        "witness w1",
        "does not hold",
    ),
    "certificate": one("UPDATE certificates SET der = x'00'", "row", "certificates", "do not have the hash"),
    "leaf's bytes": one(
        "UPDATE log_leaf SET data = CAST(data || ' ' AS BLOB) WHERE idx = 5", "leaf", "leaf 5", "the hash"
    ),
    "leaf's form": one(
        "UPDATE log_leaf SET data = CAST(data || ' ' AS BLOB) WHERE idx = 5", "leaf", "leaf 5", "canonical form"
    ),
    "leaf's hash": one("UPDATE log_leaf SET hash = zeroblob(32) WHERE idx = 5", "leaf", "leaf 5", "the hash"),
    "leaf before the first": one("UPDATE log_leaf SET idx = -1 WHERE idx = 5", "leaf", "leaf -1", "before the first"),
    "text that is none": one(
        "UPDATE captures SET url = CAST(x'ff' AS TEXT) WHERE leaf = 4", "row", "capture 0190-000002 (leaf 4)", "url"
    ),
    "note that is no text": one(
        "UPDATE log_checkpoint SET note = CAST(x'ff' AS TEXT) WHERE size = 282", "checkpoint", "282", "no signed"
    ),
    "leaf gone": one("DELETE FROM log_leaf WHERE idx = 5", "leaf", "leaf 5", "is not there"),
    "leaf emptied": one("UPDATE log_leaf SET data = x'' WHERE idx = 5", "leaf", "leaf 5", "not there, and no"),
    "row without leaf": one("DELETE FROM log_leaf WHERE idx = 4", "row", "capture 0190-000002 (leaf 4)", "no leaf"),
    "leaf without row": one(
        "DELETE FROM captures WHERE uid = '0190-000002'", "row", "capture 0190-000002 (leaf 4)", "has no row"
    ),
    "row beyond": one("UPDATE statements SET leaf = 5000 WHERE id = 1", "row", "statement", "does not have"),
    "row before": one("UPDATE statements SET leaf = -5 WHERE id = 1", "row", "statement", "does not have"),
    "tile": one("UPDATE log_tile SET data = zeroblob(8192) WHERE n = 1", "tile", "tile 0/1", "256 of its 256"),
    "tile cut": one("UPDATE log_tile SET data = substr(data, 1, 64) WHERE n = 1", "tile", "tile 0/1", "254 of its"),
    "tile gone": one("DELETE FROM log_tile WHERE n = 1", "tile", "tile 0/1", "is not there"),
    "tile beyond": one("UPDATE log_tile SET n = 7 WHERE n = 1", "tile", "tile 0/7", "has no full tile"),
    "blob": one("UPDATE blob_chunks SET data = x'00' WHERE blob_id = 3", "blob", "blob ", "have the hash"),
    "blob's name": one("UPDATE blobs SET sha256 = 'no' WHERE id = 3", "blob", "blob no", "have the hash"),
    "blob's size": one("UPDATE blobs SET size = 7 WHERE id = 3", "blob", "blob ", "bytes, not 7"),
    "blob gone": one("DELETE FROM blob_chunks WHERE blob_id = 3", "blob", "blob ", "have the hash"),
    "chunk gone": one("UPDATE blob_chunks SET n = 1 WHERE blob_id = 3", "blob", "blob ", "chunks of it"),
    "root": one("UPDATE log_checkpoint SET root = zeroblob(32) WHERE size = 282", "checkpoint", "282", "its row"),
    "note": one("UPDATE log_checkpoint SET note = 'x' WHERE size = 282", "checkpoint", "282", "no signed checkpoint"),
    "name": one(
        "UPDATE log_checkpoint SET note = replace(note, 'sealed', 'other') WHERE size = 282",
        "checkpoint",
        "282",
        "of another log",
    ),
    "signature": one(
        "UPDATE log_checkpoint SET note = (SELECT substr(c.note, 1, instr(c.note, char(10) || char(10)) + 1) || substr("
        "n.note, instr(n.note, char(10) || char(10)) + 2) FROM log_checkpoint c, log_checkpoint n WHERE c.size = 282 "
        "AND n.size > 282 ORDER BY n.size LIMIT 1) WHERE size = 282",
        "signature",
        "checkpoint 282",
        "does not hold",
    ),
    "head gone": one("DELETE FROM log_checkpoint WHERE size = 282", "anchor", "on 282", "is not there"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_is_wrong_is_named(desk: Desk, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    statements, check, where, reason = TAMPERED[what]
    with owner(desk) as db:
        sql(*statements)(db)
    report = desk.verify()
    print_verified(report, as_json=False)
    printed = capsys.readouterr().out
    mine = [finding for finding in report.wrong if finding.check == check]
    assert mine, report.wrong
    assert any(reason in finding.reason for finding in mine), mine
    assert any(where in line and reason in line for line in printed.splitlines()), printed
    assert called(desk).code & 4


def test_a_leaf_is_read_in_one_way_only() -> None:
    good = canonical.dumps(
        {"v": 1, "type": "x", "seq": "0", "ü": 1} if False else {"v": 1, "type": "ü", "n": 2**53 - 1}
    )
    assert isinstance(verifying_log.read_leaf(good), dict)
    for bad in (
        b"",
        b"[]",
        b"null",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        '{"ü":1}'.encode(),
        b'{"a":1}\n',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b"[" * 100_000,
    ):
        assert isinstance(verifying_log.read_leaf(bad), str), bad


def test_the_tree_is_what_another_way_of_making_it_gives(made: Desk) -> None:
    archive = open_reader(made.db)
    sizes = [1, 2, 255, 256, 257, 511, 512, 513, 609, 610]
    judge = recompute(Tree(archive, 1), sizes)
    found = verifying_log.Recomputed()
    for span in verifying_log.spans(1, 610, sizes, Erased(), Outside()):
        found.take(verifying_log.check_span(archive, span))
    found.finish()
    assert {size: found.root(size) for size in sizes} == judge.roots | {610: judge.roots[610]}
    archive.db.close()


def test_large_logs_have_tiles_above_tiles(tmp_path: Path) -> None:
    """65,536 leaves and some: three levels, several spans, in two processes, and heads in the middle of them."""
    archive = open_archive(tmp_path / "a.db", now="2026-01-01T00:00:00Z", origin="large.example/log")
    count = 66_100
    hashes = []
    with archive.transaction():
        for index in range(count):
            fields = {"v": 1, "type": "transfer", "seq": str(index), "nonce": "0" * 32}
            data = canonical.dumps(fields)
            hashes.append(log.leaf_hash(data))
            archive.db.execute("INSERT INTO log_leaf VALUES (1, ?, ?, ?)", (index, data, hashes[-1]))
        level, row = 0, hashes
        while len(row) >= log.WIDTH:
            tiles = [row[n : n + 256] for n in range(0, len(row) - 255, 256)]
            for n, tile in enumerate(tiles):
                archive.db.execute("INSERT INTO log_tile VALUES (1, ?, ?, ?)", (level, n, b"".join(tile)))
            level, row = level + 1, [log.fold(tile) for tile in tiles]
    assert level == 2
    tree = Tree(archive, 1)
    kept_at = [
        note.Checkpoint(origin="large.example/log", size=n, root=tree.root(n)) for n in (1, 8191, 65_536, 66_001)
    ]
    options = Options(kept=tuple(sealed.Kept(place=str(h.size), head=h, signed=None) for h in kept_at), processes=2)
    report = verify(archive.path, Config(log_key_file=str(tmp_path / "none")), options)
    assert (report.wrong, report.held["leaves"], report.held["tiles"]) == ([], count, 258 + 1)
    other = note.Checkpoint(origin="large.example/log", size=65_537, root=bytes(32))
    options = Options(kept=(sealed.Kept(place="other", head=other, signed=None),), processes=2)
    assert [f.check for f in verify(archive.path, Config(), options).wrong] == ["kept"]
    archive.close()


# ---- what could not be checked, and what was not asked for ------------------------------------------------------


def test_without_keys_and_roots_tokens_are_not_checked_and_nothing_is_called_wrong(desk: Desk) -> None:
    report = verify(desk.db, Config(log_key_file=str(desk.folder / "none")), Options())
    assert report.wrong == []
    reasons = {finding.reason for finding in report.unchecked}
    assert reasons == {
        "no roots are configured for this service: name their file by `roots`, or give it with --roots",
        "no key of this witness is known here: witness.example/w1",
    }
    plain = desk.folder / "plain.toml"
    plain.write_text("")
    done = CliRunner().invoke(main, ["verify", str(desk.db), "--config", str(plain)])
    assert done.exit_code == 1
    assert "Not checked: outside tokens (6)" in done.stdout


def test_services_of_the_configuration_are_trusted(desk: Desk) -> None:
    roots = write_roots(desk.folder, desk.tsa)
    config = desk.folder / "archiver.toml"
    config.write_text(
        f'[[anchors.rfc3161]]\nname = "clock"\nurl = "https://tsa.example"\nroots = "{roots}"\n'
        f'[[anchors.witness]]\nname = "w1"\nurl = "https://w.example"\nvkey = "{desk.witness.vkey}"\n'
        f'[custody]\nkey_file = "{desk.folder}/keys/log.key"\n'
    )
    done = CliRunner().invoke(main, ["verify", str(desk.db), "--config", str(config), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["unchecked"]) == (0, [])


def test_a_key_that_is_held_elsewhere_is_what_counts(desk: Desk) -> None:
    """Whoever has the file but not the key can rewrite it whole, with a key of their own. The log's own word on its
    keys agrees; the key that somebody holds does not."""
    seed = b"\x09" * 32
    own = note.verifier_key(sealed.ORIGIN, seed)
    genuine = desk.vkey
    with owner(desk) as db:
        sealed.edit(db, 20, b"another sentence\n" * 40)
        row = db.execute("SELECT leaf FROM log_key").fetchone()
        sealed.put_leaf(db, row["leaf"], sealed.leaf(db, row["leaf"]) | {"vkey": str(own)})
        db.execute("UPDATE log_key SET vkey = ?", (str(own),))
        db.execute("UPDATE origin SET vkey = ?", (str(own),))
        for anchor in db.execute("SELECT leaf FROM log_anchor").fetchall():
            fields = sealed.leaf(db, anchor["leaf"])
            sealed.put_leaf(db, anchor["leaf"], {n: fields[n] for n in ("v", "nonce", "seq")} | {"type": "transfer"})
        db.execute("DELETE FROM log_anchor")
        for capture in db.execute("SELECT leaf FROM captures").fetchall():
            sealed.put_leaf(db, capture["leaf"], sealed.leaf(db, capture["leaf"]) | {"after": None})
        desk.seed = seed
        sealed.resign(desk, db)
    assert desk.verify(keys=()).wrong == []
    report = desk.verify(keys=(genuine,))
    assert {finding.check for finding in report.wrong} == {"signature"}
    assert "the key that you hold" in report.wrong[0].reason


def test_a_log_that_was_never_signed_is_told(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.db", now="2026-01-01T00:00:00Z", origin="bare.example/log")
    evidence = Evidence(archive, Tool(version="0", config_sha256=""), now=lambda: "2026-01-01T00:00:00Z")
    empty = verify(archive.path, Config(), Options())
    assert (empty.wrong, empty.unchecked, empty.logs) == ([], [], ["bare.example/log, 0 leaves"])
    evidence.state("s", who="x", what="resolves", subject="a", object="b", reason="c")
    report = verify(archive.path, Config(), Options())
    assert [finding.check for finding in report.unchecked] == ["checkpoint"]
    archive.close()


def test_what_was_erased_is_not_called_broken(desk: Desk) -> None:
    with desk.open() as session, session.archive.transaction():
        row = session.archive.one("SELECT c.leaf, b.id, b.sha256 FROM captures c JOIN blobs b ON b.id = c.blob LIMIT 1")
        assert row is not None
        fields = {"what": "x:post:20", "sha256": [row["sha256"]], "leaf_indexes": [row["leaf"]], "reason": "law"}
        index = session.evidence.append("erase", {**fields, "who": "Desk"})
        values = ("e1", index, "2026-01-01T00:00:00Z", "Desk", "x:post:20", row["sha256"], "law")
        session.archive.db.execute(
            "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) VALUES (?, 1, ?, ?, ?, ?, ?, ?)",
            values,
        )
    with owner(desk) as db:
        db.execute("DELETE FROM blob_chunks WHERE blob_id = ?", (row["id"],))
        db.execute("UPDATE log_leaf SET data = x'' WHERE idx = ?", (row["leaf"],))
        empty = "sent = x'', response_head = x'', framing = '', url = ''"
        db.execute(f"UPDATE captures SET {empty} WHERE leaf = ?", (row["leaf"],))
    report = desk.verify()
    assert report.wrong == []
    assert (report.held["erased leaves"], report.held["erased blobs"]) == (1, 1)
    assert any("1 leaves were erased: what is left of their rows" in told for told in report.notes)
    with owner(desk) as db:
        db.execute("UPDATE captures SET url = 'https://social.example/gone' WHERE leaf = ?", (row["leaf"],))
    (finding,) = desk.verify().wrong
    assert (finding.place.leaf, finding.reason) == (
        row["leaf"],
        "its leaf was erased, and it says something still: url",
    )
    with owner(desk) as db:
        db.execute("UPDATE log_leaf SET data = x'' WHERE idx = 40")
    assert [finding.place.leaf for finding in desk.verify().wrong if finding.check == "leaf"] == [40]


def test_only_what_is_new_or_some_of_it(desk: Desk) -> None:
    third = desk.host.at.date().isoformat()
    done = called(desk, "--since", third, "--json").json
    assert done["scope"].startswith(f"since {third}")
    assert done["held"]["leaves"] < 50
    assert any("taken by their stored hash" in note for note in done["notes"])
    with owner(desk) as db:
        sql("UPDATE blob_chunks SET data = x'00' WHERE blob_id = 3", CAPTURE.format("url = 'x'"))(db)
    assert called(desk, "--since", third).code == 0
    assert called(desk).code == 4
    few = called(desk, "--sample", "10", "--json").json
    assert (few["held"]["blobs"], few["held"]["leaves"]) == (10, 610)
    assert called(desk, "--sample", "0").code == 4, "the log is checked whole"
    assert called(desk, "--since", "yesterday").code == 2


def test_the_outcome_can_be_kept_in_the_log(desk: Desk) -> None:
    config = desk.folder / "archiver.toml"
    config.write_text(f'[custody]\nkey_file = "{desk.folder}/keys/log.key"\n')
    words = ["verify", str(desk.db), "--config", str(config), "--roots", str(write_roots(desk.folder, desk.tsa))]
    words += ["--key", desk.witness.vkey, "--log"]
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    assert (done.exit_code, "Recorded as leaf 610" in done.stdout) == (0, True)
    with closing(sqlite3.connect(desk.db)) as db:
        fields = json.loads(db.execute("SELECT data FROM log_leaf WHERE idx = 610").fetchone()[0])
        row = db.execute("SELECT leaf, checked, wrong FROM fixities").fetchall()
        assert (fields["type"], fields["wrong"], fields["scope"]) == ("fixity", "0", "everything")
        assert row == [(610, int(fields["checked"]), 0)]
        assert db.execute("SELECT max(size) FROM log_checkpoint").fetchone()[0] == 611
    again = CliRunner().invoke(main, words[:-1], catch_exceptions=False)
    assert again.exit_code == 0
    with owner(desk) as db:
        sql("UPDATE fixities SET wrong = 1")(db)
    assert CliRunner().invoke(main, words[:-1]).exit_code == 4


def test_a_fault_is_kept_in_the_log_and_not_signed(desk: Desk) -> None:
    with owner(desk) as db:
        sql("UPDATE blob_chunks SET data = x'00' WHERE blob_id = 3")(db)
    done = called(desk, "--log")
    assert done.code == 4
    assert "is not signed" in done.out
    with closing(sqlite3.connect(desk.db)) as db:
        assert db.execute("SELECT wrong FROM fixities").fetchall() == [(1,)]
        assert db.execute("SELECT max(size) FROM log_checkpoint").fetchone()[0] == 608


# ---- kept heads ---------------------------------------------------------------------------------------------------


def test_a_kept_head_is_read_from_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    for text in (desk.heads[1], desk.heads[1].partition("\n\n")[0] + "\n"):
        file.write_text(text)
        done = called(desk, "--checkpoint", file)
        assert done.code == (0 if "\n\n" in text else 1), done.out
    assert "is your word" in done.out
    file.write_text(desk.heads[2])
    shutil.copy(desk.folder / "backup-1.db", desk.db)
    done = called(desk, "--checkpoint", file)
    assert (done.code, "608 leaves were signed, and the log has" in done.out) == (4, True)
    file.write_text(desk.heads[0].replace("sealed", "other"))
    assert called(desk, "--checkpoint", file).code == 4, "a head of another log"


@pytest.mark.parametrize("text", ["", "hello", "a\n1\n\n", "a\n01\nAAAA\n"])
def test_what_is_no_head_is_refused(desk: Desk, tmp_path: Path, text: str) -> None:
    file = tmp_path / "kept.txt"
    file.write_text(text)
    done = called(desk, "--checkpoint", file)
    assert (done.code, "this is no checkpoint" in done.err) == (2, True)


def test_a_changed_head_is_refused(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    file.write_text(desk.heads[0].replace("\n282\n", "\n281\n"))
    done = called(desk, "--checkpoint", file)
    assert (done.code, "This file was changed since it was signed" in done.err) == (2, True)
    assert called(desk, "--checkpoint", tmp_path / "none").code == 2


# ---- processes, files ---------------------------------------------------------------------------------------------


def test_processes_find_what_one_finds(desk: Desk) -> None:
    with owner(desk) as db:
        sql("UPDATE blob_chunks SET data = x'00' WHERE blob_id = 3", CAPTURE.format("url = 'x'"))(db)
    here, there = desk.verify(processes=1), desk.verify(processes=2)
    assert asdict(here) == asdict(there)


def test_copies_of_this_process_find_what_one_finds(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large archive gets from the command, which has not opened it before."""
    with owner(desk) as db:
        sql("UPDATE blob_chunks SET data = x'00' WHERE blob_id = 3", CAPTURE.format("url = 'x'"))(db)
    here = desk.verify(processes=1)
    begun: list[str] = []
    start = verifying_pool.Pool._started

    def started(pool: verifying_pool.Pool, method: str) -> ProcessPoolExecutor:
        begun.append(method)
        return start(pool, method)

    monkeypatch.setattr(verifying_pool.Pool, "_started", started)
    monkeypatch.setattr(verifying, "FEW_LEAVES", 0)
    monkeypatch.setattr(verifying, "FEW_BYTES", 0)
    for alone in (True, False):
        assert asdict(desk.verify(processes=0, alone=alone)) == asdict(here)
    single = verifying_pool.cores() < 2
    forks = sys.platform == "linux" and threading.active_count() == 1
    assert begun == ([] if single else ["fork" if forks else "spawn", "spawn"])


def _fails(archive: Archive, task: int) -> int:
    """Ends the process that it is in, if it is not the one that asked."""
    import multiprocessing
    import os

    if task == 3 and multiprocessing.parent_process() is not None:
        os._exit(9)
    return task


def test_a_process_that_ends_takes_nothing_with_it(desk: Desk) -> None:
    pool = verifying_pool.Pool(desk.db, 2)
    archive = open_reader(desk.db)
    try:
        assert list(pool.run(archive, _fails, range(12))) == list(range(12))
    finally:
        pool.close()
        archive.db.close()


def test_blobs_of_every_size(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.db", now="2026-01-01T00:00:00Z", origin="blobs.example/log")
    store = Evidence(archive, Tool(version="0", config_sha256=""), now=lambda: "").blobs
    for size in (0, 1, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 3 << 20):
        data = bytes(size)
        store.put(hashlib.sha256(data).hexdigest(), size, [data])
    rows = [tuple(row) for row in archive.all("SELECT id, sha256, size FROM blobs")]
    found = verifying_blobs.check_batch(archive, verifying_blobs.Batch(blobs=tuple(rows)))
    assert (found.blobs, found.size, found.wrong.total) == (7, sum(row[2] for row in rows), 0)
    other = tuple((row[0], "0" * 64, row[2]) for row in rows)
    assert verifying_blobs.check_batch(archive, verifying_blobs.Batch(blobs=other)).wrong.total == 7
    archive.close()


def test_batches_are_bounded() -> None:
    blobs = [(n, f"{n:064x}", 1 << 20) for n in range(100)] + [(n, f"{n:064x}", 10) for n in range(100, 5000)]
    made = list(verifying_blobs.batches(blobs, frozenset({f"{7:064x}"})))
    assert [blob for batch in made for blob in batch.blobs] == blobs
    assert max(sum(blob[2] for blob in batch.blobs) for batch in made) <= verifying_blobs.BATCH_BYTES
    assert max(len(batch.blobs) for batch in made) <= verifying_blobs.BATCH_BLOBS
    assert [batch.erased for batch in made if batch.erased] == [frozenset({f"{7:064x}"})]


def test_findings_are_bounded_and_counted() -> None:
    first, second = Findings(), Findings()
    for findings in (first, second):
        for index in range(MOST + 10):
            findings.add("row", "is wrong", Place(leaf=index))
    first.take(second)
    assert (len(first.held), first.counts["row"], first.total) == (MOST, 2 * MOST + 20, 2 * MOST + 20)


def test_a_file_that_is_broken_is_told(desk: Desk) -> None:
    data = bytearray(desk.db.read_bytes())
    for at in range(8192, len(data) // 2, 4096):
        data[at : at + 64] = b"\xff" * 64
    desk.db.write_bytes(data)
    done = called(desk)
    assert done.code in (2, 4)
    assert "cannot be read" in done.err or "cannot be opened" in done.err or "WRONG" in done.out


@pytest.mark.parametrize("make", ["absent", "folder", "text"])
def test_what_is_no_archive(desk: Desk, tmp_path: Path, make: str) -> None:
    path = tmp_path / "other.db"
    if make == "folder":
        path.mkdir()
    if make == "text":
        path.write_text("no archive")
    done = called(desk, path)
    assert (done.code, done.err.startswith("archiver: ")) == (2, True)
    assert called(desk, path, "--log").code == 2
    assert make != "absent" or not path.exists()


@pytest.mark.parametrize("given", ["nokey", "a+b+c", "/"])
def test_what_is_no_key(desk: Desk, given: str) -> None:
    assert called(desk, "--key", given).code == 2
    assert called(desk, "--roots", desk.db).code == 2


def test_missing_triggers_are_told(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("DROP TRIGGER captures_no_update")
        db.commit()
    done = called(desk)
    assert (done.code, "captures_no_update" in done.out) == (0, True)


def test_an_older_archive_has_no_heads(tmp_path: Path) -> None:
    """As a version before signed heads left it."""
    archive = open_archive(tmp_path / "old.db", now="2026-01-01T00:00:00Z", origin="old.example/log")
    for table in ("work_anchor", "fixities", "exports", "erasures", "log_anchor", "log_checkpoint", "log_key"):
        archive.db.execute(f"DROP TABLE {table}")
    archive.close()
    report = verify(tmp_path / "old.db", Config(), Options())
    assert report.wrong == []


def test_progress_is_told_to_its_end(desk: Desk) -> None:
    seen: list[tuple[str, int, int]] = []
    verify(desk.db, Config(), Options(), progress=lambda what, done, of: seen.append((what, done, of)))
    assert [one for one in seen if one[1] == one[2]] == [("leaves", 610, 610), ("bytes", 351_280, 351_280)]


def test_an_authors_proof_that_was_changed_is_named(tmp_path: Path) -> None:
    with playing() as world:
        config = world.configure(tmp_path)
        seed = tmp_path / "seed.urls"
        seed.write_text(f"{world.bluesky.url()}\n")
        db = tmp_path / "archive.db"
        CliRunner().invoke(main, ["run", str(seed), "--db", str(db), "--config", str(config)])
    with closing(sqlite3.connect(db)) as file:
        (changed,) = file.execute("SELECT count(*) FROM proofs WHERE valid = 1").fetchone()
        file.execute("UPDATE proofs SET valid = 0 WHERE valid = 1")
        file.commit()
    done = CliRunner().invoke(main, ["verify", str(db), "--config", str(config), "--json"])
    report = json.loads(done.stdout)
    assert (done.exit_code, report["wrong_counts"]) == (4, {"proof": changed})
    assert "was refused, and now is valid" in report["wrong"][0]["reason"]


# ---- names, keys and services ---------------------------------------------------------------------------------


def test_keys_come_and_go_and_old_heads_still_hold(desk: Desk) -> None:
    with desk.open() as session:
        keys.rotate(session)
        first = checkpoint.seal(session, make=False)
        keys.retire(session, desk.vkey.id.hex())
        checkpoint.seal(session, make=False)
        keys.new_origin(session, name="log.example/anew", reason="a backup was restored", by="Desk")
        last = checkpoint.seal(session, make=False)
    assert first.head is not None
    assert last.head is not None
    assert (len(first.signers), last.head.origin) == (2, "log.example/anew")
    report = desk.verify()
    assert (report.wrong, report.held["checkpoints"]) == ([], 6)
    assert desk.verify(kept=(sealed.kept(desk.heads[0]),)).wrong == [], "a head under the old name"


def test_a_head_that_a_retired_key_signed_is_named(desk: Desk) -> None:
    with desk.open() as session:
        keys.rotate(session)
        keys.retire(session, desk.vkey.id.hex())
        session.evidence.checkpoint(lambda text: (note.sign(text, sealed.ORIGIN, desk.seed),))
    (finding,) = desk.verify().wrong
    assert (finding.check, "were not those of the log then" in finding.reason) == ("signature", True)


def test_a_log_that_was_renamed_is_named(desk: Desk) -> None:
    with owner(desk) as db:
        sql("UPDATE origin SET name = 'log.example/other'")(db)
    findings = desk.verify().wrong
    assert [(finding.check, finding.place.table) for finding in findings] == [("row", "origin")]


def header(root: bytes, time: int) -> bytes:
    """A header whose work is not done: nobody can make one whose is."""
    return (
        (2).to_bytes(4, "little") + bytes(32) + root + time.to_bytes(4, "little") + bytes.fromhex("17034219") + bytes(4)
    )


def test_a_proof_that_stands_in_a_block_waits_for_its_header(desk: Desk) -> None:
    calendar = Calendar(url="https://calendar.example")
    with desk.open() as session:
        held = Anchors(session.archive, 1)
        head = held.newest_head()
        assert head is not None
        digest = hashlib.sha256(head.note.encode()).digest()
        pending = ots.stamped(digest, b"", calendar("digest", digest).body)
        held.add(session.evidence, Received(size=head.size, kind="ots", service="c", token=bytes(pending)), now="2026")
    (finding,) = desk.verify().unchecked
    assert "stands in no block yet" in finding.reason
    with desk.open() as session:
        calendar.height = 900_000
        ((_, commitment),) = pending.pending()
        grown = ots.merge(pending, commitment, calendar(f"timestamp/{commitment.hex()}", b"").body)
        held = Anchors(session.archive, 1)
        held.add(session.evidence, Received(size=head.size, kind="ots", service="c", token=bytes(grown)), now="2026")
    (finding,) = desk.verify().unchecked
    ((height, root),) = grown.blocks()
    assert (height, root[::-1].hex() in finding.reason) == (900_000, True)
    (finding,) = desk.verify(headers=(header(root, 1_700_000_000),)).wrong
    assert (finding.check, "work of this header is not done" in finding.reason) == ("anchor", True)
    assert called(desk, "--block", "00").code == 2
    with owner(desk) as db:
        sql("UPDATE log_anchor SET size = 282 WHERE kind = 'ots'")(db)
    assert "over other bytes" in next(f.reason for f in desk.verify().wrong if f.check == "anchor")


@pytest.mark.parametrize("revoked", [False, True])
def test_a_certificate_that_was_revoked_when_it_signed_is_named(desk: Desk, revoked: bool) -> None:
    authority = Authority(issuer=desk.tsa.root, certificates=[desk.tsa.signer], revoked=revoked)
    der = authority.standing(desk.tsa.signer)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with owner(desk) as db:
        about = hashlib.sha256(desk.tsa.signer.der).hexdigest()
        values = (hashlib.sha256(der).hexdigest(), about, "ocsp", "https://ocsp.example", der, now)
        db.execute("INSERT INTO revocations VALUES (?, ?, ?, ?, ?, ?)", values)
    assert desk.verify().wrong == [], "it was revoked after it had signed, if at all"
    with desk.open() as session:
        desk.host.at = datetime.datetime.now(datetime.UTC)
        session.evidence.record(sealed.exchange(9000, desk.host.shown, b"the next one"))
        checkpoint.seal(session, make=False)
        sealed.vouched(desk, session)
    found = [finding.reason for finding in desk.verify().wrong]
    assert [reason.partition(" at ")[0] for reason in found] == ["a certificate of its chain was revoked"] * revoked


# ---- bad input ------------------------------------------------------------------------------------------------

WRONG = (None, True, -1, 2**53 - 1, "", "other", [], ["other"], {}, {"a": [1]})


def paths(value: object, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if at:
        yield at
    if isinstance(value, dict):
        for name in value:
            yield from paths(value[name], (*at, name))


def kinds(desk: Desk) -> dict[str, int]:
    """One leaf of each type."""
    with closing(sqlite3.connect(desk.db)) as db:
        return {json.loads(data)["type"]: index for index, data in db.execute("SELECT idx, data FROM log_leaf")}


def test_no_leaf_however_wrong_stops_a_verification(desk: Desk) -> None:
    """Each value of each kind of leaf is replaced by wrong ones; what its row does not say too is named."""
    found = kinds(desk)
    assert set(found) == {"capture", "reading", "statement", "key", "anchor"}
    free = {("nonce",), ("objects",), ("url",), ("vkey",), ("revocation_sha256",)}
    tried = 0
    archive = open_reader(desk.db)
    size = int(str(archive.value("SELECT count(*) FROM log_leaf")))
    outside = Outside(after={"other": "2020-01-01T00:00:00Z"}, heads=(), logged=(), stored=frozenset({"other"}))
    for kind, index in found.items():
        data = archive.value("SELECT data FROM log_leaf WHERE idx = ?", index)
        fields = json.loads(data)  # type: ignore[arg-type]
        tables = {t: rows.read(archive, t, 1, index, index + 1) for t in rows.TABLES}
        for path in paths(fields):
            for value in WRONG:
                changed = json.loads(data)  # type: ignore[arg-type]
                inner = changed
                for name in path[:-1]:
                    inner = inner[name]
                if inner[path[-1]] == value and type(inner[path[-1]]) is type(value):
                    continue
                inner[path[-1]] = value
                held = {table: dict(one) for table, one in tables.items()}
                found_here = verifying_log.SpanFound(low=index)
                span = verifying_log.Span(origin=1, low=index, high=size, outside=outside)
                text = canonical.dumps(changed)
                verifying_log._leaf(span, index, text, log.leaf_hash(text), held, found_here)
                tried += 1
                if (
                    path in free
                    or (path == ("after",) and value in (None, "other"))
                    or (kind, path) == ("key", ("url",))
                ):
                    continue
                assert found_here.wrong or found_here.unchecked, (kind, path, value)
    archive.db.close()
    assert tried > 500
