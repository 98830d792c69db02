"""Citations as a page and as files, and addresses that hold."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.datasette_plugin.places import encode
from archiver.datasette_plugin.rooms.cite import is_local
from tests.datasette_plugin.looking import Seen, post
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.test_post import ADA, BO, IVY, MOSS
from tests.render.test_cite import parsed, schema_says

PAGE = "web:page:https://beacon.lanternwick.example/2026/03/bridge-diary"
PUBLIC = {"host": "room.example"}


def cite(ref: str, form: str = "") -> str:
    return f"/archive/-/cite/{encode(ref)}{form}"


@pytest.mark.parametrize("ref", [ADA, BO, MOSS, IVY, PAGE])
def test_each_form_says_the_same(room: Room, ref: str) -> None:
    found, page = room.json(cite(ref, ".json")), Seen(room.text(cite(ref)))
    (item,) = found["csl"]
    schema_says(item)
    assert json.loads(room.text(cite(ref, ".csl"))) == found["csl"]
    assert room.text(cite(ref, ".bib")) == found["bibtex"]
    assert parsed(found["bibtex"])[""] == item["id"] == found["key"]
    assert found["sha256"]
    for text in (found["text"], found["wikipedia"], found["bibtex"]):
        assert " ".join(text.split()) in page.text
    assert {cite(ref, ".bib"), cite(ref, ".csl")} <= set(page.links)
    assert not page.faults


def test_files_have_their_types(room: Room) -> None:
    assert room.get(cite(ADA, ".bib")).headers["content-type"].startswith("application/x-bibtex")
    held = room.get(cite(ADA, ".csl"))
    assert held.headers["content-type"].startswith("application/vnd.citationstyles.csl+json")
    assert held.headers["x-content-type-options"] == "nosniff"


def test_the_cited_version_is_the_one_that_the_page_shows(room: Room) -> None:
    found, shown = room.json(cite(MOSS, ".json")), room.json(post(MOSS, ".json"))
    assert "five past and at thirty five past" in found["text"]
    cited = next(version for version in shown["versions"] if version["sha256"] == found["sha256"])
    assert cited["text"] == shown["post"]["text"]
    assert found["capture"] in {capture["uid"] for capture in shown["captures"]}


def test_a_deleted_post_is_cited_as_one(room: Room) -> None:
    answer = room.get(cite(IVY, ".json"), headers=PUBLIC)
    found = json.loads(answer.text)
    assert "|url-status=dead" in found["wikipedia"]
    assert "Last seen deleted, 2026-03-30" in found["text"]
    assert found["csl"][0]["status"].startswith("Last seen deleted")


def test_a_public_archive_has_a_permalink_and_a_local_one_says_why_not(room: Room) -> None:
    found = json.loads(room.get(cite(ADA, ".json"), headers=PUBLIC).text)
    assert found["permalink"] == f"http://room.example{post(ADA)}"
    assert f"|archive-url={found['permalink']} |archive-date=2026-03-30" in found["wikipedia"]
    local = room.json(cite(ADA, ".json"))
    assert local["permalink"] == ""
    assert "archive-url" not in local["wikipedia"]
    assert "only this machine or its network can open" in Seen(room.text(cite(ADA))).text


@pytest.mark.parametrize(
    ("site", "local"),
    [
        *(
            (f"http://{host}", True)
            for host in ("127.0.0.1:8001", "localhost:8001", "[::1]:8001", "desk", "192.168.1.5")
        ),
        *((f"http://{host}", True) for host in ("nas.local", "0.0.0.0", "")),
        *((f"https://{host}", False) for host in ("8.8.8.8", "room.example", "room.example.:443")),
    ],
)
def test_what_others_cannot_open_is_no_permalink(site: str, local: bool) -> None:
    assert is_local(site) == local


def test_a_document_is_cited_by_its_name_and_bytes(room: Room) -> None:
    (one,) = room.json(post(BO, ".json"))["quoted_in"]
    ref = "doc:document:" + one["passage"].removeprefix("doc:passage:").partition(":")[0]
    found = room.json(cite(ref, ".json"))
    assert found["csl"][0]["title"] == one["called"] == "bulletin.txt"
    assert ref.endswith(found["sha256"])
    schema_says(found["csl"][0])
    assert "URL" not in found["csl"][0]
    assert found["page"] in Seen(room.text(cite(ref))).links


def test_a_handle_or_an_account_cannot_be_cited(room: Room) -> None:
    page = Seen(room.text(cite("x:handle:ada_of_lanternwick"), 404))
    assert "could be cited" in page.text
    assert room.json(cite("x:post:1", ".json"), 404)["ok"] is False
    assert room.get(cite("x:post:1", ".bib")).status_code == 404


def test_a_citation_holds_after_a_rebuild(db: Path, tmp_path: Path, room: Room) -> None:
    copy = tmp_path / "archive.db"
    shutil.copy(db, copy)
    result = CliRunner().invoke(main, ["rebuild", "--db", str(copy)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    again = Room(copy)
    try:
        for ref in (ADA, MOSS, IVY, PAGE):
            before, after = room.json(cite(ref, ".json")), again.json(cite(ref, ".json"))
            assert {**before, "queries": []} == {**after, "queries": []}
        for ref in (ADA, MOSS, IVY):
            old, new = room.json(post(ref, ".json")), again.json(post(ref, ".json"))
            assert {**old, "queries": [], "row": ""} == {**new, "queries": [], "row": ""}
    finally:
        again.close()
