"""Verify now: each check has something tampered that it names, and the work has bounds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from archiver.datasette_plugin.custody.busy import CHECKS, Places
from archiver.errors import PageError
from archiver.jobs import verifying_now
from archiver.store.archive import open_reader
from tests.bundle.leaving import ADA, House, flipped
from tests.datasette_plugin import keeping
from tests.datasette_plugin.opening import Room

PAGE = f"/archive/-/verify/{ADA}"
Change = Callable[[sqlite3.Connection], None]
FIRST = f"(SELECT id FROM captures WHERE ref = '{ADA}' ORDER BY id LIMIT 1)"


def behind(house: House, ref: str = ADA) -> set[str]:
    """The captures of a post, looked up by another way: those that showed it, judged it or were made to ask for it."""
    db = open_reader(house.db)
    rows = db.all(
        "SELECT DISTINCT c.uid FROM captures c LEFT JOIN sightings s ON s.capture = c.id LEFT JOIN versions v "
        "ON v.id = s.version LEFT JOIN outcomes o ON o.capture = c.id LEFT JOIN files f ON f.capture = c.id "
        "LEFT JOIN media m ON m.file = f.ref JOIN refs r ON r.ref = ? AND r.id IN (v.post, o.ref, m.post)",
        ref,
    )
    db.db.close()
    return {row["uid"] for row in rows}


def test_every_capture_of_a_post_holds(kept: Room, house: House) -> None:
    found = kept.json(f"{PAGE}.json")
    assert found["state"] == "held"
    assert {one["uid"] for one in found["captures"]} == behind(house)
    assert len(found["captures"]) >= 2
    assert {(one["leaf"], one["head"], one["body"]) for one in found["captures"]} <= {
        ("held", "held", "held"), ("held", "held", "none")
    }  # fmt: skip
    (log,) = found["logs"]
    assert log["keys"] == [keeping.value(house.db, "SELECT vkey FROM log_key")]
    assert found["bytes"] > 0
    page = kept.text(PAGE)
    assert f"All {len(found['captures'])} captures hold" in page
    assert "The public key came out of the same file" in page
    assert log["keys"][0] in page
    assert f'href="/archive/-/bundle/{ADA}"' in page


def test_a_document_is_verified_by_its_seed(kept: Room, house: House) -> None:
    ref = str(keeping.value(house.db, "SELECT r.ref FROM documents d JOIN refs r ON r.id = d.id LIMIT 1"))
    found = kept.json(f"/archive/-/verify/{ref}.json")
    assert found["state"] == "held"
    assert "import" in {one["tier"] for one in found["captures"]}


def test_what_is_unknown_is_told(kept: Room) -> None:
    assert "knows nothing of" in kept.json("/archive/-/verify/x:post:1.json", 404)["error"]
    assert (
        "<script>"
        not in kept.text("/archive/-/verify/%3Cscript%3Ealert(1)~2F", 404).split("<main")[1].split("</main")[0]
    )


def test_what_was_never_signed_is_not_called_held(room: Room) -> None:
    found = room.json(f"{PAGE}.json")
    assert found["state"] == "not checked"
    assert {one["head"] for one in found["captures"]} == {"not checked"}
    assert {one["leaf"] for one in found["captures"]} == {"held"}
    page = room.text(PAGE)
    assert "no checkpoint of this log was ever signed" in page
    assert f"0 of {len(found['captures'])} captures hold in every point" in page
    assert "public key" not in " ".join(found["cannot"]), "no key signed anything here"


def test_the_key_that_came_in_the_file_is_named_where_one_signed(kept: Room, room: Room) -> None:
    assert "public key" in " ".join(kept.json(f"{PAGE}.json")["cannot"])
    uid = room.json(f"{PAGE}.json")["captures"][0]["uid"]
    assert "public key" not in " ".join(room.json(f"/archive/-/capture/{uid}.json")["cannot"])


def flip_blob(db: sqlite3.Connection) -> None:
    blob, data = db.execute(
        f"SELECT blob_id, data FROM blob_chunks WHERE blob_id = (SELECT blob FROM captures WHERE id = {FIRST})"
    ).fetchone()
    db.execute("UPDATE blob_chunks SET data = ? WHERE blob_id = ?", (flipped(data), blob))


def drop_blob(db: sqlite3.Connection) -> None:
    db.execute(f"DELETE FROM blob_chunks WHERE blob_id = (SELECT blob FROM captures WHERE id = {FIRST})")


def flip_leaf(db: sqlite3.Connection) -> None:
    index, data = db.execute(
        f"SELECT idx, data FROM log_leaf WHERE idx = (SELECT leaf FROM captures WHERE id = {FIRST})"
    ).fetchone()
    db.execute("UPDATE log_leaf SET data = ? WHERE idx = ?", (data.replace(b'"GET"', b'"PUT"'), index))


def empty_leaf(db: sqlite3.Connection) -> None:
    db.execute(f"UPDATE log_leaf SET data = x'' WHERE idx = (SELECT leaf FROM captures WHERE id = {FIRST})")


def drop_leaf(db: sqlite3.Connection) -> None:
    db.execute(f"DELETE FROM log_leaf WHERE idx = (SELECT leaf FROM captures WHERE id = {FIRST})")


def change_row(db: sqlite3.Connection) -> None:
    db.execute(f"UPDATE captures SET status = 404 WHERE id = {FIRST}")


def flip_tile(db: sqlite3.Connection) -> None:
    (data,) = db.execute("SELECT data FROM log_tile WHERE level = 0 AND n = 0").fetchone()
    db.execute("UPDATE log_tile SET data = ? WHERE level = 0 AND n = 0", (flipped(data, 0),))


def short_tile(db: sqlite3.Connection) -> None:
    db.execute("UPDATE log_tile SET data = x'00' WHERE level = 0 AND n = 0")


def change_root(db: sqlite3.Connection) -> None:
    db.execute("UPDATE log_checkpoint SET root = zeroblob(32)")


def change_note(db: sqlite3.Connection) -> None:
    db.execute("UPDATE log_checkpoint SET note = 'nothing'")


def change_signature(db: sqlite3.Connection) -> None:
    for size, text in db.execute("SELECT size, note FROM log_checkpoint").fetchall():
        line = text.rstrip("\n")
        last = line[-6]
        db.execute(
            "UPDATE log_checkpoint SET note = ? WHERE size = ?",
            (f"{line[:-6]}{'A' if last != 'A' else 'B'}{line[-5:]}\n", size),
        )


def drop_key(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM log_key")


def other_key(db: sqlite3.Connection) -> None:
    db.execute("UPDATE log_key SET action = 'retire'")


@pytest.mark.parametrize(
    ("change", "told", "place"),
    [
        (flip_blob, "have the hash", "blob"),
        (drop_blob, "have the hash", "blob"),
        (flip_leaf, "its bytes do not have the hash that is stored", "leaf"),
        (empty_leaf, "no `erase` leaf says that they were taken out", "leaf"),
        (drop_leaf, "is not there", "leaf"),
        (change_row, "is not what its leaf says: status", "row"),
        (flip_tile, "are not those that were signed", "checkpoint"),
        (short_tile, "has 1 bytes", "tile"),
        (change_root, "another size or root", "checkpoint"),
        (change_note, "is no signed checkpoint", "checkpoint"),
        (change_signature, "signature", "signature"),
        (drop_key, "no key of this log signed it", "signature"),
        (other_key, "no key of this log signed it", "signature"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_whatever_was_changed_is_named(house: House, tmp_path: Path, change: Change, told: str, place: str) -> None:
    copy = keeping.copied(house, tmp_path)
    with keeping.owner(copy.db) as db:
        change(db)
    opened = Room(copy.db)
    try:
        found = opened.json(f"{PAGE}.json")
        assert found["state"] == "wrong"
        wrong = [one for part in (*found["logs"], *found["captures"]) for one in part["wrong"]]
        assert any(told in one["reason"] and one["check"] == place for one in wrong), wrong
        page = opened.text(PAGE)
        assert "WRONG" in page
        assert "Evidence does not agree with itself" in page
    finally:
        opened.close()


def test_what_was_erased_is_no_fault(house: House, tmp_path: Path) -> None:
    copy = keeping.copied(house, tmp_path)
    assert copy.desk.call("erase", ADA, "--reason", "asked", "--who", "Ada", "--yes").code == 0
    opened = Room(copy.db)
    try:
        found = opened.json(f"{PAGE}.json")
        assert [one for part in (*found["logs"], *found["captures"]) for one in part["wrong"]] == []
        assert "erased" in {one["body"] for one in found["captures"]}
    finally:
        opened.close()


def captures(house: House) -> list[verifying_now.Capture]:
    archive = open_reader(house.db)
    rows = archive.all(
        "SELECT c.uid, c.origin, c.leaf, c.observed_at, c.blob, b.sha256, b.size FROM captures c "
        "JOIN blobs b ON b.id = c.blob ORDER BY c.id LIMIT 5"
    )
    archive.db.close()
    return [
        verifying_now.Capture(
            uid=row["uid"], origin=row["origin"], leaf=row["leaf"], began=row["observed_at"], blob=row["blob"],
            sha256=row["sha256"], size=row["size"],
        )
        for row in rows
    ]  # fmt: skip


def test_bytes_beyond_the_bound_are_named_and_not_called_held(house: House) -> None:
    archive = open_reader(house.db)
    try:
        now = verifying_now.check(archive, captures(house), most_bytes=1)
        assert now.state == "not checked"
        assert now.size == 0
        assert all("are the most at once" in one.unchecked[0].reason for one in now.captures)
        whole = verifying_now.check(archive, captures(house), most_bytes=1 << 20)
        assert (whole.state, whole.size > 0) == ("held", True)
    finally:
        archive.db.close()


def test_what_was_not_reached_in_time_is_counted(house: House) -> None:
    archive = open_reader(house.db)
    looks = iter((False, False, True))
    try:
        now = verifying_now.check(archive, captures(house), most_bytes=1 << 20, late=lambda: next(looks))
        assert (len(now.captures), now.left, now.state) == (2, 3, "not checked")
        assert verifying_now.check(archive, [], most_bytes=1).state == "not checked"
    finally:
        archive.db.close()


def test_older_captures_stand_on_the_next_page(kept: Room) -> None:
    found = kept.json(f"{PAGE}.json")
    uids = [one["uid"] for one in found["captures"]]
    assert uids == sorted(uids, reverse=True)
    older = kept.json(f"{PAGE}.json?before={uids[0]}")
    assert [one["uid"] for one in older["captures"]] == uids[1:]
    none = kept.json(f"{PAGE}.json?before={uids[-1]}")
    assert (none["captures"], none["state"]) == ([], "not checked")
    assert "nothing could be checked" in kept.text(f"{PAGE}?before={uids[-1]}")


def test_one_more_at_once_is_asked_to_come_again(kept: Room) -> None:
    with CHECKS.one(), CHECKS.one():
        answer = kept.get(PAGE)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "under way" in answer.text
    assert kept.get(PAGE).status_code == 200


def test_a_place_is_given_back_after_a_fault() -> None:
    places = Places(1, "things")
    with pytest.raises(ValueError, match="fault"), places.one():
        raise ValueError("fault")
    with places.one(), pytest.raises(PageError, match="1 things"), places.one():
        pass
