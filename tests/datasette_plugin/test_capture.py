"""A capture as a page: what was asked and answered, its leaf, and a proof that a stranger can follow."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from archiver.custody import log, note
from archiver.custody.proof import LogProof, check
from tests.bundle.leaving import ADA, House
from tests.datasette_plugin import keeping
from tests.datasette_plugin.opening import Room

HOSTILE = '"><script>document.title=1</script>\u202e'


def uid_of(house: House, where: str = "ref = 'x:post:2032135780561846272' ORDER BY id") -> str:
    return str(keeping.value(house.db, f"SELECT uid FROM captures WHERE {where}"))


def of_second_look(house: House) -> str:
    return uid_of(house, f"ref = '{ADA}' ORDER BY id DESC")


def test_a_stranger_can_follow_the_steps_to_the_signed_head(kept: Room, house: House) -> None:
    uid = uid_of(house)
    found = kept.json(f"/archive/-/capture/{uid}.json")
    leaf = kept.get(f"/archive/-/capture/{uid}/leaf.json").content
    assert leaf.decode() == found["leaf"]["text"]
    value = hashlib.sha256(b"\x00" + leaf).digest()
    assert value.hex() == found["leaf"]["hash"]
    for step in found["leaf"]["proof"]["steps"]:
        given = bytes.fromhex(step["hash"])
        pair = given + value if step["side"] == "left" else value + given
        value = hashlib.sha256(b"\x01" + pair).digest()
        assert value.hex() == step["result"]
    assert value.hex() == found["leaf"]["proof"]["root"]
    path = f"/archive/-/checkpoint/{found['capture']['log'].replace('/', '~2F')}/{found['leaf']['proof']['size']}"
    assert f'href="{path}"' in kept.text(f"/archive/-/capture/{uid}")
    assert kept.text(path).split("\n")[2] == base64.b64encode(value).decode()
    assert found["checked"]["state"] == "held"


def test_the_proof_is_one_that_programs_of_others_read(kept: Room, house: House) -> None:
    uid = uid_of(house)
    leaf = kept.get(f"/archive/-/capture/{uid}/leaf.json").content
    answer = kept.get(f"/archive/-/capture/{uid}/proof.tlog-proof")
    assert answer.headers["content-disposition"].startswith("attachment")
    proof = LogProof.parse(answer.content)
    key = note.VerifierKey.parse(str(keeping.value(house.db, "SELECT vkey FROM log_key")))
    head = check(leaf, proof, [key])
    assert head.size == keeping.value(house.db, "SELECT max(size) FROM log_checkpoint")
    assert not log.check_inclusion(log.leaf_hash(leaf + b" "), proof.index, head.size, proof.hashes, head.root)


def test_the_row_is_the_file_of_a_bundle(kept: Room, house: House) -> None:
    with zipfile.ZipFile(house.folder / "one.zip") as packed:
        names = [name for name in packed.namelist() if "/captures/" in name]
        for name in names:
            uid = Path(name).stem
            assert kept.get(f"/archive/-/capture/{uid}/row.json").content == packed.read(name)
    assert len(names) > 3


def test_request_and_head_are_shown_and_handed_out_byte_for_byte(kept: Room, house: House) -> None:
    uid = uid_of(house)
    head = keeping.value(house.db, "SELECT response_head FROM captures WHERE uid = ?", uid)
    assert isinstance(head, bytes)
    assert kept.get(f"/archive/-/capture/{uid}/head").content == head
    assert kept.get(f"/archive/-/capture/{uid}/sent").content == b""  # a recording holds no requests
    found = kept.json(f"/archive/-/capture/{uid}.json")["capture"]["response_head"]
    assert (found["text"], found["size"]) == (head.decode().replace("\r\n", "\n"), len(head))
    assert found["sha256"] == hashlib.sha256(head).hexdigest()
    page = kept.text(f"/archive/-/capture/{uid}")
    assert "HTTP/1.1 200 OK\n" in page
    assert "A recording was read: no server was asked" in page
    assert kept.get(f"/archive/-/capture/{uid}/body").status_code == 404


def test_what_was_read_of_it_is_linked(kept: Room, house: House) -> None:
    uid = uid_of(house)
    found = kept.json(f"/archive/-/capture/{uid}.json")
    assert {one["ref"] for one in found["read"]["posts"]} >= {ADA}
    assert [one["outcome"] for one in found["read"]["outcomes"] if one["ref"] == ADA] == ["live"]
    assert found["around"]["later"]["uid"] == of_second_look(house)
    page = kept.text(f"/archive/-/capture/{uid}")
    assert f'href="/archive/-/post/{ADA}"' in page
    assert f'href="/archive/-/blob/{found["capture"]["body_sha256"]}"' in page
    assert f'href="/archive/-/verify/{ADA}"' in page
    seed = uid_of(house, "tier = 'import'")
    assert 'href="/archive/-/document/' in kept.text(f"/archive/-/capture/{seed}")
    assert "A file was read" in kept.text(f"/archive/-/capture/{seed}")


def test_the_bracket_is_that_of_the_tokens_around_it(kept: Room, house: House) -> None:
    first = kept.json(f"/archive/-/capture/{uid_of(house)}.json")["bracket"]
    assert first["not_before"] is None
    assert (first["not_after"]["at"], first["not_after"]["service"]) == (keeping.BEFORE, "Clock")
    second = kept.json(f"/archive/-/capture/{of_second_look(house)}.json")["bracket"]
    assert (second["not_before"]["at"], second["not_after"]["at"]) == (keeping.BEFORE, keeping.AFTER)
    page = kept.text(f"/archive/-/capture/{of_second_look(house)}")
    assert f'{second["not_after"]["sha256"]}"' in page


@pytest.mark.parametrize("wrong", ["x", "01a20000-0000-7000-8000-000000000000", "~00", "%22%3E%3Cscript%3E", "A" * 999])
def test_an_unknown_capture_is_told(kept: Room, wrong: str) -> None:
    assert "No capture" in kept.text(f"/archive/-/capture/{wrong}", 404)
    assert kept.json(f"/archive/-/capture/{wrong}.json", 404)["ok"] is False
    for file in ("leaf.json", "proof.tlog-proof", "row.json", "sent", "head"):
        assert kept.get(f"/archive/-/capture/{wrong}/{file}").status_code == 404


def test_a_capture_that_no_head_covers_says_so(room: Room, db: Path) -> None:
    uid = keeping.value(db, "SELECT uid FROM captures ORDER BY id LIMIT 1")
    found = room.json(f"/archive/-/capture/{uid}.json")
    assert found["leaf"]["proof"] is None
    assert found["checked"]["state"] == "not checked"
    assert "none covers it yet" in room.text(f"/archive/-/capture/{uid}")
    assert room.get(f"/archive/-/capture/{uid}/proof.tlog-proof").status_code == 404


def test_an_erased_capture_keeps_its_hashes_and_says_who_and_why(house: House, tmp_path: Path) -> None:
    copy = keeping.copied(house, tmp_path)
    uid = uid_of(house)
    done = copy.desk.call("erase", ADA, "--reason", f"asked {HOSTILE}", "--who", "Ada", "--yes")
    assert done.code == 0, done.err
    opened = Room(copy.db)
    try:
        page = opened.text(f"/archive/-/capture/{uid}")
        assert "was erased" in page
        assert "asked &quot;&gt;&lt;script&gt;" in page
        assert "<script>document" not in page
        found = opened.json(f"/archive/-/capture/{uid}.json")
        assert found["leaf"]["erased"] is True
        assert found["leaf"]["hash"]
        assert found["checked"]["state"] == "held"  # its hash still leads to the head
        assert opened.get(f"/archive/-/capture/{uid}/leaf.json").status_code == 410
        assert LogProof.parse(opened.get(f"/archive/-/capture/{uid}/proof.tlog-proof").content)
    finally:
        opened.close()


def test_a_hostile_capture_is_shown_as_text_and_in_bounds(house: House, tmp_path: Path) -> None:
    copy = keeping.copied(house, tmp_path)
    uid = uid_of(house)
    head = (b"HTTP/1.1 200 \xff\xfe</pre>" + HOSTILE.encode() + b"\r\n") + b"X-Filler: " + bytes(range(256)) * 4_000
    text = ("url", "detail", "declared_type", "sniffed_type", "route", "peer_ip", "proxy", "worker", "dns", "tls_chain")
    with keeping.owner(copy.db) as db:
        db.execute(f"UPDATE captures SET {', '.join(f'{name} = ?' for name in text)}", (HOSTILE,) * len(text))
        db.execute("UPDATE captures SET response_head = ?, sent = ? WHERE uid = ?", (head, head, uid))
        db.execute("UPDATE captures SET operator = ? WHERE uid = ?", (HOSTILE * 10_000, uid))
        db.execute("UPDATE outcomes SET reason = ?, pointer = ?", (HOSTILE * 1000, HOSTILE))
    opened = Room(copy.db)
    try:
        page = opened.text(f"/archive/-/capture/{uid}")
        assert "<script>document" not in page
        assert "\u202e" not in page
        assert "\\xff\\xfe" in page
        assert "cannot be compared with its leaf" in page
        assert len(page) < 4_000_000
        found = opened.json(f"/archive/-/capture/{uid}.json")
        assert found["checked"]["state"] == "wrong"
        assert found["capture"]["sent"] | {"text": ""} == {
            "text": "", "size": len(head), "shown": 1 << 16, "sha256": ""
        }  # fmt: skip
        assert opened.get(f"/archive/-/capture/{uid}/head").content == head
        assert json.dumps(found)
    finally:
        opened.close()


def test_whoever_may_not_see_captures_gets_no_file_of_one(house: House) -> None:
    closed = Room(house.db, metadata={"databases": {"archive": {"tables": {"captures": {"allow": False}}}}})
    try:
        for path in ("", ".json", "/leaf.json", "/proof.tlog-proof", "/row.json", "/head"):
            assert closed.get(f"/archive/-/capture/{uid_of(house)}{path}").status_code == 403
    finally:
        closed.close()


def test_the_hops_of_a_redirect_lead_to_each_other(house: House, tmp_path: Path) -> None:
    copy = keeping.copied(house, tmp_path)
    first, second = uid_of(house), of_second_look(house)
    with keeping.owner(copy.db) as db:
        db.execute("UPDATE captures SET parent = ?, hop = 1 WHERE uid = ?", (first, second))
    opened = Room(copy.db)
    try:
        led = opened.json(f"/archive/-/capture/{first}.json")["around"]
        assert ([one["uid"] for one in led["children"]], led["parent"]) == ([second], None)
        assert opened.json(f"/archive/-/capture/{second}.json")["around"]["parent"]["uid"] == first
        assert f'href="/archive/-/capture/{first}">What led here' in opened.text(f"/archive/-/capture/{second}")
    finally:
        opened.close()
