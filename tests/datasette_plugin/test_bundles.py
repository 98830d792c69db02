"""Bundles from the browser: what would leave is said before, what leaves is checked by the programs that check any
bundle, and nothing is left on the disk of the server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.datasette_plugin.custody import handing
from archiver.datasette_plugin.custody.busy import BUNDLES
from archiver.errors import InputError, PageError
from archiver.jobs.export import Asked
from archiver.jobs.handing import SAID, hand_out
from archiver.store.archive import open_reader
from tests.bundle.leaving import ADA, MADE, House, flipped, sha256
from tests.datasette_plugin import keeping
from tests.datasette_plugin.opening import METADATA, Room

PAGE, ZIP = f"/archive/-/bundle/{ADA}", f"/archive/-/bundle/{ADA}.zip"
UNSEALED = {"bundle/bag-info.txt", "bundle/tagmanifest-sha256.txt", "bundle/tagmanifest-sha512.txt"}
"""What tells a bundle that was handed out from one that was exported, beside the seal."""


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made, to be looked into."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def left(folder: Path) -> list[str]:
    """What lies there beside the database that Datasette 1.0 makes for itself."""
    return [name for name in os.listdir(folder) if not name.startswith("datasette_temp")]


def test_the_page_says_what_would_leave_before_it_does(kept: Room, house: House) -> None:
    found = kept.json(f"{PAGE}.json")
    listed = house.desk.call("export", ADA, "--dry-run", "--json").json
    for name in ("posts", "documents", "captures", "neighbours", "leaves", "erased", "missing"):
        count = listed[name] if isinstance(listed[name], int) else len(listed[name])
        assert found["counts"][name] == count, name
    assert (found["bytes"], found["counts"]["bodies"]) == (listed["size"], listed["blobs"])
    assert (found["posts"], found["sealed"], found["download"]) == (listed["posts"], False, ZIP)
    page = kept.text(PAGE)
    for told in (f'href="{ZIP}"', "It is not sealed", "No leaf of the log says that it left", "bag-info.txt"):
        assert told in page


def test_verify_py_and_archiver_verify_accept_it_but_for_the_seal(tmp_path: Path) -> None:
    house = House.build(tmp_path)  # without tokens: those of the others are none
    opened = Room(house.db)
    try:
        answer = opened.get(ZIP)
    finally:
        opened.close()
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    path, verifier = tmp_path / "evidence.zip", tmp_path / "verify.py"
    path.write_bytes(answer.content)
    held = entries(answer.content)
    verifier.write_bytes(held["bundle/verify.py"])
    key = str(keeping.value(house.db, "SELECT vkey FROM log_key"))
    command = [sys.executable, "-I", str(verifier), str(path), "--key", key]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    told = done.stdout.decode()
    assert done.returncode == 1, told
    assert "WRONG" not in told
    assert [line.split()[1] for line in told.splitlines() if line.startswith("unchecked")] == ["seal"], told
    again = CliRunner().invoke(main, ["verify", str(path), "--key", key])
    assert (again.exit_code, "0 wrong" in again.output) == (1, True)
    path.write_bytes(flipped(answer.content))
    assert CliRunner().invoke(main, ["verify", str(path), "--key", key]).exit_code == 4


def test_it_is_what_export_writes_but_for_seal_and_a_line(house: House, tmp_path: Path) -> None:
    house = keeping.copied(house, tmp_path)
    house.export("twin.zip", ADA)
    archive = open_reader(house.db)
    file = io.BytesIO()
    try:
        written = hand_out(archive, Asked(refs=(ADA,)), file, made=MADE)
    finally:
        archive.db.close()
    ours, theirs = entries(file.getvalue()), entries((house.folder / "twin.zip").read_bytes())
    assert {name for name in theirs if name not in ours} == {
        "bundle/seal/allowed_signers",
        "bundle/seal/tagmanifest-sha256.txt.sig",
    }
    assert {name for name in ours if ours[name] != theirs.get(name)} == UNSEALED
    assert SAID in ours["bundle/bag-info.txt"].decode().replace("\n ", "")
    assert written.manifest_sha256 == sha256(ours["bundle/manifest-sha256.txt"])


def test_a_document_a_collection_and_a_selection_leave_too(kept: Room, house: House) -> None:
    document = str(keeping.value(house.db, "SELECT r.ref FROM documents d JOIN refs r ON r.id = d.id LIMIT 1"))
    of_document = entries(kept.get(f"/archive/-/bundle/{document}.zip").content)
    assert document in {one["ref"] for one in json.loads(of_document["bundle/data/bundle.json"])["documents"]}
    bo = "x:post:2032522075960246272"
    for chosen in (urlencode({"ref": [ADA, bo]}, doseq=True), urlencode({"refs": f"{ADA}\n{bo}"})):
        found = kept.json(f"/archive/-/bundle.json?{chosen}")
        assert {ADA, bo} <= set(found["posts"])
        index = json.loads(entries(kept.get(found["download"]).content)["bundle/data/bundle.json"])
        assert set(index["named"]) >= {ADA, bo}
    asking = kept.text("/archive/-/bundle")
    assert '<label for="qc-refs">' in asking
    assert '<label for="qc-query">' in asking
    assert kept.get("/archive/-/bundle.zip").status_code == 404


def test_a_query_chooses_as_for_export(kept: Room, house: House) -> None:
    query = "SELECT ref FROM gone ORDER BY ref"
    found = kept.json(f"/archive/-/bundle.json?{urlencode({'query': query})}")
    listed = house.desk.call("export", "--query", query, "--dry-run", "--json").json
    assert (found["what"], found["posts"]) == (f"query {query}", listed["posts"])
    index = json.loads(entries(kept.get(found["download"]).content)["bundle/data/bundle.json"])
    assert index["what"] == f"query {query}"


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("DELETE FROM posts", 400, "Statement must be a SELECT"),
        ("PRAGMA user_version", 400, "cannot be answered"),
        ("SELECT nowhere FROM posts", 400, "no such column"),
        ("SELECT 1", 400, "which is no ref"),
        ("SELECT '<script>' FROM posts", 400, "which is no ref"),
        ("SELECT NULL", 400, "which is no ref"),
        ("SELECT 'x:post:1'", 404, "knows nothing of x:post:1"),
        ("SELECT ref FROM refs WHERE 0", 404, "finds nothing"),
        ("SELECT 'x:post:' || a.idx || '-' || b.idx FROM log_leaf a, log_leaf b LIMIT 501", 400, "500 rows"),
        ("SELECT zeroblob(300000000)", 400, "cannot be answered"),
    ],
)
def test_a_query_that_cannot_choose_is_told(kept: Room, query: str, status: int, told: str) -> None:
    asked = urlencode({"query": query})
    assert told in kept.json(f"/archive/-/bundle.json?{asked}", status)["error"]
    answer = kept.get(f"/archive/-/bundle.zip?{asked}")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (status, "text/html")
    assert "<script>document" not in answer.text


def test_a_query_without_end_is_ended(house: House) -> None:
    hasty = Room(house.db, sql_time_limit_ms=50)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT count(*) FROM n"
    try:
        told = hasty.json(f"/archive/-/bundle.json?{urlencode({'query': endless})}", 400)
        assert "took too long" in told["error"]
    finally:
        hasty.close()


def test_a_query_needs_the_permission_for_sql(house: House) -> None:
    closed = Room(house.db, default_allow_sql=False)
    try:
        for form in ("", ".json", ".zip"):
            assert closed.get(f"/archive/-/bundle{form}?query=SELECT+ref+FROM+gone").status_code == 403
        assert closed.get(PAGE).status_code == 200
        assert "qc-query" not in closed.text("/archive/-/bundle")
    finally:
        closed.close()


def test_whoever_may_not_see_captures_gets_no_bundle(house: House) -> None:
    closed = Room(house.db, metadata={"databases": {"archive": {"tables": {"captures": {"allow": False}}}}})
    try:
        assert [closed.get(path).status_code for path in (PAGE, ZIP, "/archive/-/bundle")] == [403, 403, 403]
    finally:
        closed.close()


@pytest.mark.parametrize("place", ["instance", "database"])
def test_bundles_can_be_switched_off(house: House, place: str) -> None:
    off = {"plugins": {"quotechain": {"bundles": False}}}
    metadata = METADATA | (off if place == "instance" else {"databases": {"archive": off}})
    closed = Room(house.db, metadata=metadata)
    try:
        for path in (PAGE, ZIP, "/archive/-/bundle"):
            answer = closed.get(path)
            assert (answer.status_code, "cannot be downloaded here" in answer.text) == (403, True)
    finally:
        closed.close()


def test_a_bundle_beyond_the_bound_is_not_offered_and_not_made(house: House, folder: Path) -> None:
    small = Room(house.db, metadata=METADATA | {"plugins": {"quotechain": {"bundle_megabytes": 0}}})
    try:
        page = small.text(PAGE)
        assert ".zip" not in page.split("<main")[1].replace("evidence.zip", "")
        assert "larger than the" in page
        assert "larger than the 0 bytes" in small.text(ZIP, 413)
        assert left(folder) == []
    finally:
        small.close()


def test_what_is_unknown_or_not_signed_is_told(kept: Room, room: Room) -> None:
    assert "knows nothing of" in kept.text("/archive/-/bundle/x:post:1", 404)
    assert "knows nothing of" in kept.text("/archive/-/bundle/x:post:1.zip", 404)
    many = urlencode({"ref": [f"x:post:{n}" for n in range(501)]}, doseq=True)
    assert "More than 500 refs" in kept.text(f"/archive/-/bundle?{many}", 400)
    assert "It cannot be downloaded yet" in room.text(PAGE)
    assert room.json(f"{PAGE}.json")["download"] == ""
    assert "No signed checkpoint covers" in room.text(ZIP, 404)


def test_evidence_that_was_changed_leaves_no_bundle(house: House, tmp_path: Path, folder: Path) -> None:
    copy = keeping.copied(house, tmp_path)
    with keeping.owner(copy.db) as db:
        for key, data in db.execute("SELECT rowid, data FROM blob_chunks").fetchall():
            db.execute("UPDATE blob_chunks SET data = ? WHERE rowid = ?", (flipped(data), key))
    opened = Room(copy.db)
    try:
        answer = opened.get(ZIP)
        assert (answer.status_code, "holds other bytes" in answer.text) == (500, True)
        assert left(folder) == []
    finally:
        opened.close()


def test_the_head_of_an_answer_costs_no_bundle(kept: Room, folder: Path) -> None:
    answer = kept.loop.run_until_complete(kept.datasette.client.head(ZIP))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-disposition"].startswith('attachment; filename="evidence-x-post-')


def test_a_third_at_once_is_asked_to_come_again(kept: Room) -> None:
    with BUNDLES.one(), BUNDLES.one():
        answer = kept.get(ZIP)
        assert (answer.status_code, "2 bundles are under way" in answer.text) == (503, True)
        assert answer.headers["retry-after"]
    assert kept.get(ZIP).status_code == 200


class Client:
    """Whoever asks, and goes away: at once, or after so many pieces."""

    def __init__(self, *, pieces: int | None = None) -> None:
        self.pieces = pieces
        self.got: list[dict[str, Any]] = []
        self.away = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.pieces is not None:
            await self.away.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: dict[str, Any]) -> None:
        self.got.append(event)
        if self.pieces is not None and len(self.got) > self.pieces:
            raise OSError("the connection is gone")


def test_whoever_goes_away_leaves_no_work_and_no_file(house: House, folder: Path) -> None:
    async def asked() -> bool:
        with tempfile.TemporaryFile() as file:
            choice = Asked(refs=(ADA,))
            return await handing.built(house.db, choice, None, file, Client().receive, most=1 << 30, closed=frozenset())

    assert asyncio.run(asked()) is False
    assert left(folder) == []


def test_half_a_stream_is_half_of_what_was_announced(folder: Path) -> None:
    async def half() -> Client:
        client = Client(pieces=2)
        with tempfile.TemporaryFile() as file:
            file.write(bytes(handing.PIECE * 5))
            await handing.sent(file, {"content-type": "application/zip"}, client.send)
        return client

    start, *pieces = asyncio.run(half()).got
    assert (b"content-length", str(handing.PIECE * 5).encode()) in start["headers"]
    assert [(len(piece["body"]), piece["more_body"]) for piece in pieces] == [(handing.PIECE, True)] * 2
    assert left(folder) == []


def test_a_whole_stream_is_whole(folder: Path) -> None:
    async def whole() -> Client:
        client = Client(pieces=99)
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * (handing.PIECE + 1))
            await handing.sent(file, {}, client.send)
        return client

    _, *pieces = asyncio.run(whole()).got
    assert [(len(piece["body"]), piece["more_body"]) for piece in pieces] == [(handing.PIECE, True), (1, False)]


@pytest.mark.parametrize(("most", "why", "status"), [(3, "", 413), (99, "nobody waits", 503)])
def test_a_bounded_file_refuses_to_go_on(most: int, why: str, status: int) -> None:
    file = handing.Bounded(io.BytesIO(), most, lambda: why)
    with pytest.raises(PageError) as refused:
        file.write(b"four")
    assert refused.value.status == status
    assert file.tell() == 0


def test_who_only_reads_signs_nothing(db: Path) -> None:
    archive = open_reader(db)
    try:
        with pytest.raises(InputError, match="no signed checkpoint covers"):
            hand_out(archive, Asked(refs=(ADA,)), io.BytesIO(), made=MADE)
    finally:
        archive.db.close()
