"""What leaves the house, what does not, and what is left when it cannot."""

from __future__ import annotations

import base64
import json
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archiver.bundle import verify
from archiver.custody import note
from archiver.custody.proof import LogProof, check
from archiver.errors import InputError, IntegrityError
from archiver.jobs import keys
from archiver.jobs.config import Config
from archiver.jobs.export import Asked, export, listed
from archiver.jobs.session import open_session
from archiver.store.archive import open_reader
from tests.bundle.leaving import ADA, House, files_of, index_of, sha256
from tests.jobs.running import Desk, merkle_root


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House.build(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def bag(house: House) -> Path:
    house.export("one.zip", ADA)
    return house.unpacked("one.zip")


@pytest.fixture
def own(tmp_path: Path) -> House:
    """An archive of the test's own."""
    return House.build(tmp_path)


def expected(house: House, uids: set[str]) -> dict[int, str]:
    """Index → type of the leaves that belong to some captures, looked up by another way: in the leaves themselves."""
    leaves = {row["idx"]: json.loads(row["data"]) for row in house.desk.rows("SELECT idx, data FROM log_leaf")}
    own = {index for index, leaf in leaves.items() if leaf.get("uid") in uids and leaf["type"] != "export"}
    read = {index for index, leaf in leaves.items() if leaf["type"] == "reading" and int(leaf["capture"]) in own}
    signing = {index for index, leaf in leaves.items() if leaf["type"] == "key"}
    return {index: leaves[index]["type"] for index in sorted(own | read | signing)}


def test_a_bundle_holds_the_post_its_chain_and_the_document_that_quotes_it(house: House, bag: Path) -> None:
    index = index_of(bag)
    chain = [step["target"] for post in index["posts"] for step in post["chain"]]
    assert [post["ref"] for post in index["posts"] if post["named"]] == [ADA]
    assert len(chain) == 3
    assert {post["ref"] for post in index["posts"]} == {ADA, *chain}
    assert [entry["url"] for entry in index["documents"]] == ["seed:data/demo/seeds/beacon-article.html"]
    (verdict,) = index["verdicts"]
    assert (verdict["post"], bool(verdict["verdict"])) == (ADA, True)
    (picture,) = [item for post in index["posts"] for item in post["media"] if item["sha256"]]
    assert sha256((bag / "data/blobs" / picture["sha256"]).read_bytes()) == picture["sha256"]


def test_bodies_heads_and_requests_leave_byte_for_byte(house: House, bag: Path) -> None:
    for entry in index_of(bag)["captures"]:
        told = json.loads((bag / f"data/captures/{entry['uid']}.json").read_bytes())
        (row,) = house.desk.rows("SELECT * FROM captures WHERE uid = ?", entry["uid"])
        assert base64.b64decode(told["response_head"]) == row["response_head"]
        assert base64.b64decode(told["sent"]) == row["sent"]
        assert (bag / "data/blobs" / told["body_sha256"]).read_bytes() == house.desk.body(row)
        rest = set(row.keys()) - {"id", "blob", "origin", "sent", "response_head"}
        assert {name: told[name] for name in rest} == {name: row[name] for name in rest}
        assert set(told) == rest | {"origin", "sent", "response_head", "body_sha256", "body_size"}


def test_every_leaf_is_proved_and_no_other_leaf_leaves(house: House, bag: Path) -> None:
    index = index_of(bag)
    vkeys = [note.VerifierKey.parse(line) for line in (bag / "data/proofs/log.vkey").read_text().splitlines()]
    assert [str(key) for key in vkeys] == index["vkeys"]
    told = {leaf["index"]: leaf["type"] for leaf in index["leaves"]}
    assert told == expected(house, {entry["uid"] for entry in index["captures"]})
    held = house.desk.rows("SELECT idx, data FROM log_leaf")
    by_index = {row["idx"]: row["data"] for row in held}
    for leaf in index["leaves"]:
        data = (bag / leaf["leaf"]).read_bytes()
        assert data == by_index[leaf["index"]]
        proof = LogProof.parse((bag / leaf["proof"]).read_bytes())
        assert proof.index == leaf["index"]
        assert check(data, proof, vkeys).root.hex() == index["root"]
    files = files_of(bag)
    assert {path for path in files if path.startswith("data/proofs/") and path.endswith(".leaf.json")} == {
        leaf["leaf"] for leaf in index["leaves"]
    }
    everything = b"".join(files.values())
    assert [row["idx"] for row in held if row["idx"] not in told and row["data"] in everything] == []
    absent = {row["uid"] for row in house.desk.rows("SELECT uid FROM captures")}
    absent -= {entry["uid"] for entry in index["captures"]}
    assert len(absent) > 20
    assert [uid for uid in absent if uid.encode() in everything] == []


def test_no_local_key_leaves(bag: Path) -> None:
    """Integer keys are of this file alone. The index has no field that could hold one."""

    def names(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from value
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from names(item)

    index = index_of(bag)
    index.pop("files")
    assert "id" not in set(names(index))
    for path in (bag / "data/captures").iterdir():
        assert {"id", "blob"}.isdisjoint(json.loads(path.read_bytes()))


def test_the_zip_is_stored_sorted_and_dateless(house: House, bag: Path) -> None:
    with zipfile.ZipFile(house.folder / "one.zip") as packed:
        entries = packed.infolist()
        assert packed.testzip() is None
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert all(name.startswith("bundle/") and name.isascii() and " " not in name and "%" not in name for name in names)
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}


def test_the_same_export_twice_gives_the_same_bytes(house: House, bag: Path) -> None:
    """Though the first one appended a leaf, and a new head was signed over it."""
    again = house.export("again.zip", ADA)
    assert (house.folder / "again.zip").read_bytes() == (house.folder / "one.zip").read_bytes()
    assert again.head < again.leaf
    other = house.export("later.zip", ADA, made="2026-04-02T12:00:00.000000Z")
    assert other.written.manifest_sha256 != again.written.manifest_sha256


def test_an_export_is_logged_once_it_is_whole(own: House) -> None:
    exported = own.export("a.zip", ADA)
    (row,) = own.desk.rows("SELECT * FROM exports")
    leaf = json.loads(own.desk.value("SELECT data FROM log_leaf WHERE idx = ?", exported.leaf))
    manifest = sha256((own.unpacked("a.zip") / "manifest-sha256.txt").read_bytes())
    assert (leaf["type"], leaf["manifest_sha256"], leaf["what"]) == ("export", manifest, ADA)
    assert leaf["leaves"] == len(index_of(own.unpacked("a.zip"))["leaves"])
    assert (row["leaf"], row["sha256"], row["what"], row["who"]) == (exported.leaf, manifest, ADA, "Desk")
    assert (row["uid"], row["at"]) == (leaf["uid"], leaf["at"])
    assert own.desk.value("SELECT max(size) FROM log_checkpoint") == exported.leaf + 1


def test_documents_collections_and_queries_name_what_leaves(house: House) -> None:
    article = "data/demo/seeds/beacon-article.html"
    one = house.export("document.zip", documents=(article,))
    same = house.export("named.zip", article)
    assert one.written.posts == same.written.posts > 0
    whole = house.export("collection.zip", collection="seeds")
    held = house.desk.value("SELECT count(*) FROM collection_documents")
    assert whole.written.documents == held > 1
    index = index_of(house.unpacked("collection.zip"))
    judged = house.desk.value(
        "SELECT count(*) FROM matches x JOIN mentions m ON m.id = x.mention WHERE m.document IN "
        "(SELECT document FROM collection_documents)"
    )
    assert sum(1 for entry in index["verdicts"] if entry["verdict"]) == judged
    query = "SELECT r.ref FROM posts p JOIN refs r ON r.id = p.id WHERE p.platform = 'bluesky'"
    asked = house.export("query.zip", query=query)
    named = {post["ref"] for post in index_of(house.unpacked("query.zip"))["posts"] if post["named"]}
    assert {row["ref"] for row in house.desk.rows(query)} <= named
    assert asked.written.posts >= len(named)


def test_a_dry_run_lists_what_would_leave_and_changes_nothing(house: House, bag: Path) -> None:
    before = house.desk.value("SELECT count(*) FROM log_leaf")
    ended = house.desk.call("export", ADA, "--dry-run", "--json")
    assert ended.code == 0
    assert ADA in ended.json["posts"]
    told = listed(open_reader(house.db), Asked(refs=(ADA,)))
    index = index_of(bag)
    assert {uid for uid, _ in told.captures} == {entry["uid"] for entry in index["captures"]}
    assert told.leaves == len(index["leaves"])
    assert told.size == sum(
        house.desk.value("SELECT sum(size) FROM blobs WHERE id IN (SELECT blob FROM captures WHERE uid = ?)", uid)
        for uid, _ in told.captures
    )
    assert house.desk.value("SELECT count(*) FROM log_leaf") == before
    plain = house.desk.call("export", ADA, "--dry-run")
    assert "would leave the house" in plain.out


def test_posts_that_stand_in_the_same_answer_are_told(house: House) -> None:
    """A body is evidence and never cut: whoever else stands in it leaves the house, too."""
    sights = house.desk.rows(
        "SELECT r.ref, s.capture FROM sightings s JOIN versions v ON v.id = s.version JOIN refs r ON r.id = v.post"
    )
    by_capture: dict[int, set[str]] = {}
    for row in sights:
        by_capture.setdefault(row["capture"], set()).add(row["ref"])
    shared = next(refs for refs in by_capture.values() if len(refs) > 1)
    told = [listed(open_reader(house.db), Asked(refs=(ref,))) for ref in sorted(shared)]
    assert any({ref for ref, _ in one.neighbours} & shared for one in told)
    assert all({ref for ref, _ in one.neighbours}.isdisjoint(one.posts) for one in told)


# ---- bad input --------------------------------------------------------------------------------------------------


def test_what_cannot_be_exported_is_told(house: House) -> None:
    before = house.desk.value("SELECT count(*) FROM log_leaf")
    for asked, told in (
        (Asked(), "nothing was named"),
        (Asked(refs=("x:post:1",)), "knows nothing of x:post:1"),
        (Asked(documents=(ADA,)), "is no document"),
        (Asked(collection="nowhere"), "no collection 'nowhere'"),
        (Asked(query="SELECT 1"), "gives 1, which is no ref"),
        (Asked(query="SELECT ref FROM refs WHERE 0"), "finds nothing"),
        (Asked(query="SELECT"), "cannot be answered"),
        (Asked(query="DELETE FROM refs"), "cannot be answered"),
    ):
        with open_session(house.db, house.config) as session, pytest.raises(InputError, match=told):
            export(session, asked, house.folder / "never.zip")
    assert house.desk.value("SELECT count(*) FROM log_leaf") == before
    assert not list(house.folder.glob("*never*"))


def test_an_existing_file_is_never_replaced(house: House) -> None:
    there = house.folder / "there.zip"
    there.write_text("mine")
    with pytest.raises(InputError, match="this file exists"):
        house.export("there.zip", ADA)
    assert there.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(house: House) -> None:
    before = house.desk.value("SELECT count(*) FROM exports")
    with pytest.raises(InputError, match="No such file or directory"):
        house.export("nowhere/a.zip", ADA)
    assert house.desk.value("SELECT count(*) FROM exports") == before


def test_without_a_key_the_way_to_one_is_told(tmp_path: Path) -> None:
    house = House.build(tmp_path, key=False)
    with pytest.raises(InputError, match=r"no signed checkpoint covers .*`archiver keys create`"):
        house.export("a.zip", ADA)
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []
    assert house.desk.value("SELECT count(*) FROM exports") == 0


def test_without_its_private_key_a_signed_log_is_exported_unsealed(own: House) -> None:
    (own.folder / "keys" / "log.key").rename(own.folder / "away.key")
    exported = own.export("a.zip", ADA)
    assert not exported.sealed
    assert any("no seal" in line for line in exported.notes)
    assert not (own.unpacked("a.zip") / "seal").exists()


def test_what_is_not_signed_yet_is_signed_first(own: House) -> None:
    with closing(sqlite3.connect(own.db)) as db:
        db.execute("DROP TRIGGER log_checkpoint_no_delete")
        db.execute("DELETE FROM log_checkpoint")
        db.commit()
    exported = own.export("a.zip", ADA)
    assert exported.head == own.desk.value("SELECT min(size) FROM log_checkpoint")


# ---- evidence that is not what was logged ------------------------------------------------------------------------


def change(house: House, table: str, sql: str, *parameters: object) -> None:
    """What the owner of the file can do."""
    with closing(sqlite3.connect(house.db)) as db:
        for action in ("update", "delete", "replace"):
            db.execute(f"DROP TRIGGER IF EXISTS {table}_no_{action}")
        db.execute(sql, parameters)
        db.commit()


@pytest.mark.parametrize(
    ("table", "sql", "told"),
    [
        ("blob_chunks", "UPDATE blob_chunks SET data = x'00' WHERE blob_id = ?1 AND ?2", "holds other bytes"),
        ("blob_chunks", "DELETE FROM blob_chunks WHERE blob_id = ?1 AND ?2", "are gone, and nobody erased them"),
        ("log_leaf", "UPDATE log_leaf SET data = x'7b7d' WHERE idx = ?2 AND ?1", "is not the one that was logged"),
        (
            "log_leaf",
            "UPDATE log_leaf SET hash = zeroblob(32) WHERE idx = ?2 AND ?1",
            "not the one|does not hold the tree",
        ),
    ],
)
def test_evidence_that_was_changed_is_no_bundle(own: House, table: str, sql: str, told: str) -> None:
    (row,) = own.desk.rows("SELECT blob, leaf FROM captures WHERE ref = ? LIMIT 1", ADA)
    change(own, table, sql, row["blob"], row["leaf"])
    with pytest.raises(IntegrityError, match=told):
        own.export("a.zip", ADA)
    assert [path.name for path in own.folder.iterdir() if "a.zip" in path.name] == []
    assert own.desk.value("SELECT count(*) FROM exports") == 0


@pytest.mark.parametrize("change", ["retire", "rename"])
def test_a_key_that_was_given_up_proves_no_new_bundle(
    own: House, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readers are told the keys that sign now: a bundle is proved and sealed by one of them, under a later head."""
    first = own.export("before.zip", ADA)
    with open_session(own.db, own.config) as session:
        (old,) = session.evidence.tree.active()
        if change == "retire":
            keys.rotate(session)
            keys.retire(session, old.id.hex())
        else:
            keys.new_origin(session, name="desk.example/new", reason="a backup was restored", by="Desk")
        (new,) = session.evidence.tree.active()
    second = own.export("after.zip", ADA)
    assert (first.sealed, second.sealed, second.notes) == (True, True, ())
    assert second.head > first.head
    assert second.written.manifest_sha256 == own.export("again.zip", ADA).written.manifest_sha256
    for name, key, code in (("before", old, 0), ("after", new, 0), ("before", new, 4), ("after", old, 4)):
        assert verify.main([str(own.folder / f"{name}.zip"), "--key", str(key)]) == code, capsys.readouterr().out


def test_a_lost_key_keeps_nothing_from_being_exported(own: House) -> None:
    with open_session(own.db, own.config) as session:
        (old,) = session.evidence.tree.active()
        keys.rotate(session)
        keys.retire(session, old.id.hex())
    Path(own.config.log_key_file).unlink()
    made = own.export("after.zip", ADA)
    assert not made.sealed
    assert [line.partition(":")[0] for line in made.notes] == ["checkpoints are unsigned", "the bundle has no seal"]


def test_nothing_is_no_bundle(own: House) -> None:
    (own.folder / "archiver.toml").write_text(f'[custody]\nkey_file = "{own.folder}/keys/log.key"\n')
    desk = Desk(own.folder, own.folder / "archiver.toml")
    with closing(sqlite3.connect(own.db)) as db, db:
        db.execute("INSERT INTO refs (ref, platform, kind, remote_id) VALUES ('x:post:20', 'x', 'post', '20')")
    met = desk.call("export", "x:post:20", "--to", own.folder / "a.zip")
    assert (met.code, "was captured. Capture it first" in met.err) == (2, True), met.err
    bo = "x:post:2032522075960246272"  # whom nothing else shows
    assert desk.call("erase", bo, "--reason", "asked for", "--who", "Desk", "--yes").code == 0
    gone = desk.call("export", bo, "--to", own.folder / "a.zip")
    assert (gone.code, f"all that was captured of {bo} was erased" in gone.err) == (2, True), gone.err
    assert not (own.folder / "a.zip").exists()
    # What was erased was captured: nothing may say that it was not.
    reasons = {row["reason"] for row in desk.rows("SELECT reason FROM matches")}
    told = "no post of @bo_of_lanternwick of 2026-03-13 is in the archive, from which 1 thing was erased"
    assert (told in reasons, any("was captured" in reason for reason in reasons)) == (True, False), reasons
    assert "no post in the archive, from which 1 thing was erased, holds all of these words" in reasons
    assert desk.call("erase", ADA, "--reason", "asked for", "--who", "Desk", "--yes").code == 0
    reasons = {row["reason"] for row in desk.rows("SELECT reason FROM matches")}
    assert any(reason.startswith(f"no capture shows the text of {ADA}; it was erased 20") for reason in reasons)
    assert desk.call("rebuild", "--check").code == 0


def test_what_was_erased_is_told_as_erased(own: House) -> None:
    """The bytes are gone on purpose: the rest is proved as before, and the bundle says what is missing and why."""
    (row,) = own.desk.rows(
        "SELECT c.uid, c.blob, b.sha256 FROM captures c JOIN blobs b ON b.id = c.blob WHERE c.ref LIKE 'web:media:%' "
        "AND c.url LIKE '%LanternwickDemoBridge.png%'"
    )
    change(own, "blob_chunks", "DELETE FROM blob_chunks WHERE blob_id = ?", row["blob"])
    change(
        own,
        "erasures",
        "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) "
        "VALUES ('u', 1, 0, '2026-01-01T00:00:00Z', 'Desk', 'blob', ?, 'a child is shown')",
        row["sha256"],
    )
    own.export("a.zip", ADA)
    bag = own.unpacked("a.zip")
    (entry,) = [entry for entry in index_of(bag)["captures"] if entry["uid"] == row["uid"]]
    assert entry["body_missing"] == "erased 2026-01-01T00:00:00Z: a child is shown"
    assert not (bag / "data/blobs" / row["sha256"]).exists()
    assert "not in this bundle: erased 2026-01-01T00:00:00Z" in (bag / "data/collection-log.md").read_text()


def test_an_erased_post_stays_at_home_and_the_copies_without_it_leave(own: House) -> None:
    """The post that Ada quotes is erased: what was asked about it stays, and so does the answer that shows it."""
    (own.folder / "archiver.toml").write_text(f'[custody]\nkey_file = "{own.folder}/keys/log.key"\n')
    own.export("before.zip", ADA)
    before = index_of(own.unpacked("before.zip"))
    gone = before["posts"][0]["chain"] or next(post["chain"] for post in before["posts"] if post["chain"])
    ref = gone[1]["target"]
    words = next(post["text"] for post in before["posts"] if post["ref"] == ref)
    desk = Desk(own.folder, own.folder / "archiver.toml")
    erased = desk.call("erase", ref, "--reason", "asked for", "--who", "Desk", "--yes")
    assert erased.code == 0, erased.err
    own.export("after.zip", ADA)
    bag = own.unpacked("after.zip")
    index = index_of(bag)
    assert [entry["ref"] for entry in index["erased"]] == [ref]
    assert index["erased"][0]["leaf"] not in {leaf["index"] for leaf in index["leaves"]}
    assert {entry["ref"] for entry in index["captures"]}.isdisjoint({ref})
    missing = {entry["body_sha256"] for entry in index["captures"] if entry["body_missing"]}
    (copy,) = index["derived"]
    assert set(copy["inputs"]) == missing
    assert sha256((bag / "data/blobs" / copy["sha256"]).read_bytes()) == copy["sha256"]
    assert "derived" in {leaf["type"] for leaf in index["leaves"]}
    assert [path for path, data in files_of(bag).items() if words.encode() in data] == []
    assert "Not in this bundle, since it was erased" in (bag / "data/collection-log.md").read_text()
    assert "1 captures stay at home" in desk.call("export", ADA, "--dry-run").out


def test_the_root_in_the_index_is_that_of_the_log(house: House, bag: Path) -> None:
    size = index_of(bag)["size"]
    leaves = [row["data"] for row in house.desk.rows("SELECT data FROM log_leaf WHERE idx < ? ORDER BY idx", size)]
    assert merkle_root(leaves).hex() == index_of(bag)["root"]


def test_the_command_tells_what_it_did(own: House) -> None:
    (own.folder / "archiver.toml").write_text(f'[custody]\nkey_file = "{own.folder}/keys/log.key"\n')
    desk = Desk(own.folder, own.folder / "archiver.toml")
    ended = desk.call("export", ADA, "--to", own.folder / "a.zip")
    assert ended.code == 0, ended.err
    assert f"{own.folder / 'a.zip'}: " in ended.out
    assert "logged as leaf" in ended.out
    missing = desk.call("export", ADA)
    assert (missing.code, "--dry-run" in missing.err) == (2, True)
    nothing = desk.call("export", "--to", own.folder / "b.zip")
    assert (nothing.code, "nothing was named" in nothing.err) == (2, True)


def test_no_archive_is_told(tmp_path: Path) -> None:
    desk = House(tmp_path, Config()).desk
    ended = desk.call("export", ADA, "--to", tmp_path / "a.zip", "--config", "none.toml")
    assert ended.code == 2
    assert "no archive here yet" in ended.err or "no such file" in ended.err
