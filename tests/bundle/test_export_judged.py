"""Programs of others accept an exported bundle and name what was changed in it."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archiver.bundle import drafts
from archiver.custody import note, timestamp
from archiver.jobs.config import Config
from archiver.jobs.run import Options, run_archive
from archiver.jobs.services import Service
from archiver.jobs.session import open_session
from archiver.net import warc
from archiver.store.anchors import Anchors, Received
from tests.bundle.leaving import ADA, House, files_of, flipped, index_of, judge, sha256
from tests.custody.authority import OpenSSL

EYE_SEED = bytes(range(7, 39))
EYE = note.verifier_key("eye.example", EYE_SEED, note.COSIGNATURE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House.build(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def bag(house: House) -> Path:
    """Everything of the demonstration."""
    house.export("all.zip", collection="seeds")
    return house.unpacked("all.zip")


@pytest.fixture
def copy(bag: Path, tmp_path: Path) -> Path:
    """One to change."""
    return Path(shutil.copytree(bag, tmp_path / "bundle"))


def verify(bundle: Path, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    """What the verify.py of a bundle says of it, run by itself: nothing of this project can be imported."""
    program = bundle / "verify.py" if bundle.is_dir() else bundle.parent / "verify.py"
    done = subprocess.run(
        [sys.executable, "-I", str(program), str(bundle), "--json", *arguments], capture_output=True, check=False
    )
    return done.returncode, json.loads(done.stdout)["checks"]


# ---- judges -----------------------------------------------------------------------------------------------------


def test_sha256sum_accepts_and_the_manifest_is_complete(bag: Path) -> None:
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        assert judge("sha256sum", "-c", "--quiet", "--strict", manifest, cwd=bag) == (0, "")
    for manifest in ("manifest-sha512.txt", "tagmanifest-sha512.txt"):
        assert judge("sha512sum", "-c", "--quiet", "--strict", manifest, cwd=bag) == (0, "")
    listed = {line.split("  ", 1)[1] for line in (bag / "manifest-sha256.txt").read_text().splitlines()}
    assert listed == {path for path in files_of(bag) if path.startswith("data/")}
    tags = {line.split("  ", 1)[1] for line in (bag / "tagmanifest-sha256.txt").read_text().splitlines()}
    outside = {path for path in files_of(bag) if not path.startswith(("data/", "seal/", "tagmanifest-"))}
    assert tags == outside


def test_bagit_accepts_and_refuses(bag: Path, copy: Path) -> None:
    assert judge("bagit.py", "--validate", "--quiet", bag)[0] == 0
    (copy / "data" / "extra.txt").write_text("not listed")
    assert judge("bagit.py", "--validate", "--quiet", copy)[0] != 0
    (copy / "data" / "extra.txt").unlink()
    (copy / "data/posts.csv").write_bytes(flipped((copy / "data/posts.csv").read_bytes()))
    code, told = judge("bagit.py", "--validate", copy)
    assert (code != 0, "data/posts.csv" in told) == (True, True), told
    (copy / "data/posts.csv").unlink()
    assert judge("bagit.py", "--validate", "--quiet", copy)[0] != 0


def test_unzip_accepts_and_refuses(house: House, bag: Path, tmp_path: Path) -> None:
    code, told = judge("unzip", "-t", house.folder / "all.zip")
    assert code == 0, told
    assert "No errors detected" in told
    data = (house.folder / "all.zip").read_bytes()
    at = data.index((bag / "data/posts.csv").read_bytes())
    (tmp_path / "changed.zip").write_bytes(flipped(data, at))
    code, told = judge("unzip", "-t", tmp_path / "changed.zip")
    assert (code != 0, "bad CRC" in told, "data/posts.csv" in told) == (True, True, True), told


def test_ssh_keygen_accepts_the_seal_and_refuses_another_manifest(bag: Path) -> None:
    origin = (bag / "seal/allowed_signers").read_text().split()[0]
    signed = (bag / "tagmanifest-sha256.txt").read_bytes()
    command = ("-Y", "verify", "-f", "seal/allowed_signers", "-I", origin, "-n", "quotechain-bundle")
    command = (*command, "-s", "seal/tagmanifest-sha256.txt.sig")
    code, told = judge("ssh-keygen", *command, stdin=signed, cwd=bag)
    assert code == 0, told
    assert "Good" in told
    assert judge("ssh-keygen", *command, stdin=flipped(signed), cwd=bag)[0] != 0


def test_wacz_accepts_and_refuses(bag: Path, tmp_path: Path) -> None:
    pytest.importorskip("wacz", reason="wacz is not installed")
    path = bag / "data/web/captures.wacz"
    code, told = judge("wacz", "validate", "-f", path)
    assert (code, "Validation succeeded" in told) == (0, True), told
    data = path.read_bytes()
    changed = tmp_path / "changed.wacz"
    changed.write_bytes(data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 201 OK", 1))
    code, told = judge("wacz", "validate", "-f", changed)
    assert code != 0 or "Validation failed" in told or "Bad CRC" in told, told


def test_openssl_reads_the_public_key(bag: Path) -> None:
    code, told = judge("openssl", "pkey", "-pubin", "-in", bag / "data/proofs/log.pem", "-text", "-noout")
    public = note.VerifierKey.parse((bag / "data/proofs/log.vkey").read_text().splitlines()[0]).public
    assert code == 0
    assert public.hex() in told.replace(":", "").replace("\n", "").replace(" ", "")


@pytest.mark.heavy
def test_its_own_checks_accept(house: House, bag: Path) -> None:
    key = (bag / "data/proofs/log.vkey").read_text().strip()
    code, checks = verify(bag, "--key", key)
    assert (code, {check["state"] for check in checks} - {"held", "absent"}) == (0, set()), checks
    shutil.copy(bag / "verify.py", house.folder / "verify.py")
    assert verify(house.folder / "all.zip", "--key", key)[0] == 0
    assert judge("sh", "verify.sh", cwd=bag)[0] == 0


# ---- tampered twins ----------------------------------------------------------------------------------------------


def test_each_changed_file_of_the_payload_is_named(copy: Path) -> None:
    payload = [path for path in files_of(copy) if path.startswith("data/")]
    assert len(payload) > 200
    empty = [path for path in payload if not (copy / path).read_bytes()]
    for path in payload:
        data = (copy / path).read_bytes()
        (copy / path).write_bytes(flipped(data) if data else b"x")
    code, told = judge("sha256sum", "-c", "--quiet", "manifest-sha256.txt", cwd=copy)
    assert code == 1
    named = {line.removesuffix(": FAILED") for line in told.splitlines() if line.endswith(": FAILED")}
    assert named == set(payload)
    assert len(empty) == 1  # the body of redirects
    shutil.copy(copy / "verify.py", copy.parent / "v.py")
    code, checks = verify(copy)
    assert code == 4
    wrong = " ".join(check["found"] for check in checks if check["state"] == "wrong")
    assert [path for path in payload if f"{path}: changed" not in wrong] == []


def test_each_changed_tag_file_is_named(bag: Path, tmp_path: Path) -> None:
    outside = [path for path in files_of(bag) if not path.startswith("data/")]
    assert {"verify.py", "verify.sh", "seal/allowed_signers", "bagit.txt"} <= set(outside)
    for number, path in enumerate(outside):
        copy = Path(shutil.copytree(bag, tmp_path / str(number)))
        program = tmp_path / "verify.py"
        shutil.copy(bag / "verify.py", program)
        (copy / path).write_bytes(flipped((copy / path).read_bytes()))
        done = subprocess.run(
            [sys.executable, "-I", str(program), str(copy), "--json"], capture_output=True, check=False
        )
        checks = json.loads(done.stdout)["checks"]
        wrong = [check["found"] for check in checks if check["state"] == "wrong"]
        assert done.returncode == 4, path
        # Nothing lists the tag manifests: a change in one is a file that it does not name, or names by another hash.
        named = "manifest-sha" if path.startswith("tagmanifest-") else path.rpartition("/")[2]
        assert any(named in found for found in wrong), (path, wrong)
        shutil.rmtree(copy)


# ---- what others say of the time ---------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_timestamps_leave_as_openssl_reads_them_and_bound_the_captures(tmp_path: Path) -> None:
    house = House.build(tmp_path)
    (tmp_path / "tsa").mkdir()
    tsa = OpenSSL.make(tmp_path / "tsa")
    roots = tmp_path / "tsa" / "root.pem"
    service = Service(kind="rfc3161", name="clock", url="https://clock.example/", roots=str(roots))
    with open_session(house.db, house.config) as session:
        row = session.archive.one("SELECT size, note FROM log_checkpoint")
        assert row is not None
        digest = hashlib.sha256(row["note"].encode()).digest()
        token = timestamp.Token.parse(tsa.reply(timestamp.query(digest, 7)))
        received = Received(
            size=row["size"],
            kind="rfc3161",
            service="clock",
            token=bytes(token),
            at=token.time,
            chain=(tsa.signer.der, tsa.middle.der),
        )
        held = Anchors(session.archive, session.evidence.origin)
        held.add(session.evidence, received, now=session.now())
        text = note.SignedNote.parse(row["note"]).text
        when = int(datetime.datetime.fromisoformat(token.time).timestamp()) - 1
        earlier = datetime.datetime.fromtimestamp(when, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = f"{note.cosign(text, EYE.name, EYE_SEED, when)}\n".encode()
        seen = Received(size=row["size"], kind="witness", service="eye", token=line, at=earlier)
        held.add(session.evidence, seen, now=session.now())
    later = house.desk.seed("later.txt", f"Ada wrote https://x.com/ada_of_lanternwick/status/{ADA.split(':')[2]}\n")
    run_archive(house.db, house.config, Options(seeds=(str(later),), offline=True))
    config = Config(log_key_file=house.config.log_key_file, anchors=(service,))
    anchored = House(house.folder, config)
    anchored.export("first.zip", ADA)
    bag = anchored.unpacked("first.zip")
    index = index_of(bag)
    brackets = {entry["url"].rpartition("/")[2]: entry["bracket"] for entry in index["captures"]}
    (anchor,) = [entry for entry in index["anchors"] if entry["kind"] == "rfc3161"]
    # The document that came later is not below the dated head: nothing bounds it yet, and that head bounds the others.
    assert brackets["later.txt"]["not_before"] == token.time == anchor["at"]
    assert brackets["later.txt"]["not_before_by"] == anchor["path"]
    assert brackets["beacon-article.html"]["not_before"] is None
    assert brackets.pop("later.txt")["not_after"] is None
    assert {bracket["not_after"] for bracket in brackets.values()} == {earlier}
    over, answer = bag / anchor["over"], bag / anchor["path"]
    (root,) = anchor["roots"]
    check = ("openssl", "ts", "-verify", "-data", over, "-in", answer, "-CAfile", bag / root)
    assert judge(*check)[0] == 0
    # In an answer nobody vouches for the certificates that came along: what is signed, and the signature at its end.
    digest = hashlib.sha256(over.read_bytes()).digest()
    for path, at in ((over, 0), (over, -1), (answer, answer.read_bytes().index(digest)), (answer, -5)):
        data = path.read_bytes()
        path.write_bytes(flipped(data, at % len(data)))
        assert judge(*check)[0] != 0, (path.name, at)
        path.write_bytes(data)
    assert judge(*check)[0] == 0
    assert [sha256((bag / path).read_bytes()) for path in anchor["chain"]] == [
        sha256(tsa.signer.der),
        sha256(tsa.middle.der),
    ]
    # What nothing later speaks of is proved under the dated head.
    anchored.export("second.zip", "x:post:2031746968581046272")
    second = anchored.unpacked("second.zip")
    held = index_of(second)
    assert held["size"] == anchor["size"]
    assert {entry["bracket"]["not_after"] for entry in held["captures"]} == {earlier}
    assert {entry["kind"]: entry["at"] for entry in held["anchors"]}["rfc3161"] == token.time
    under = note.SignedNote.parse((second / "data/proofs/checkpoint").read_bytes())
    assert note.cosigned(under, EYE) == when
    assert (second / held["anchors"][0]["over"]).read_bytes() != (second / "data/proofs/checkpoint").read_bytes()
    shutil.copy(bag / "verify.py", tmp_path / "verify.py")
    known = ("--roots", str(roots), "--key", held["vkeys"][0], "--key", str(EYE))
    for name in ("first.zip", "second.zip"):
        code, checks = verify(tmp_path / name, *known)
        assert (code, [check["found"] for check in checks if check["state"] == "wrong"]) == (0, [])


# ---- the formats --------------------------------------------------------------------------------------------------


def test_the_web_archive_holds_the_messages_as_they_came(house: House, bag: Path, tmp_path: Path) -> None:
    code, told = judge("unzip", "-q", "-d", tmp_path, bag / "data/web/captures.wacz")
    assert code == 0, told
    path = tmp_path / "archive/captures.warc"
    answers = {(answer.url, answer.observed_at): answer for answer in warc.index(path)}
    rows = [row for row in house.desk.rows("SELECT * FROM captures") if row["response_head"]]
    told_of = {entry["uid"] for entry in index_of(bag)["captures"]}
    seen = 0
    for row in rows:
        if row["uid"] in told_of:
            answer = answers[row["url"], row["observed_at"]]
            assert b"".join(warc.block(path, answer.offset)) in {
                house.desk.message(other)
                for other in rows
                if (other["url"], other["observed_at"]) == (row["url"], row["observed_at"])
            }
            seen += 1
    assert seen == sum(1 for entry in index_of(bag)["captures"] if entry["tier"] != "import") > 40
    assert judge("warcio", "check", path)[0] == 0
    lines = (tmp_path / "indexes/index.cdx").read_text().splitlines()
    assert lines == sorted(lines)
    data = path.read_bytes()
    for line in lines:
        fields = json.loads(line.split(" ", 2)[2])
        start, length = int(fields["offset"]), int(fields["length"])
        record = data[start : start + length]
        assert record.startswith(b"WARC/1.1\r\nWARC-Type: response\r\n")
        assert record.endswith(b"\r\n\r\n")
        assert fields["url"].encode() in record


def test_tables_say_what_the_index_says(bag: Path) -> None:
    index = index_of(bag)
    rows = {
        name: list(csv.DictReader(io.StringIO((bag / f"data/{name}.csv").read_bytes().decode(), newline="")))
        for name in ("posts", "edges", "captures", "verdicts")
    }
    assert [row["text"] for row in rows["posts"]] == [post["text"] for post in index["posts"]]
    assert [row["uid"] for row in rows["captures"]] == [entry["uid"] for entry in index["captures"]]
    assert [(row["passage"], row["verdict"], row["words"]) for row in rows["verdicts"]] == [
        (entry["passage"], entry["verdict"], entry["words"]) for entry in index["verdicts"]
    ]
    altered = next(row for row in rows["verdicts"] if row["verdict"] == "altered")
    assert json.loads(altered["changes"])[0]["quoted"]
    assert len(rows["edges"]) == sum(len(post["edges"]) for post in index["posts"])


def test_provenance_speaks_only_of_what_it_names(bag: Path) -> None:
    told = json.loads((bag / "data/metadata/prov.json").read_bytes())
    things = {"prov:entity": told["entity"], "prov:generatedEntity": told["entity"], "prov:usedEntity": told["entity"]}
    things |= {"prov:activity": told["activity"], "prov:agent": told["agent"]}
    counted = 0
    for relation in ("wasGeneratedBy", "used", "wasDerivedFrom", "wasAssociatedWith"):
        for statement in told[relation].values():
            for name, value in statement.items():
                if name in things:
                    assert value in things[name], (relation, value)
                    counted += 1
    assert counted > 100
    verdicts = {entity["qc:verdict"] for entity in told["entity"].values() if "qc:verdict" in entity}
    assert verdicts == {entry["verdict"] for entry in index_of(bag)["verdicts"] if entry["verdict"]}


@pytest.mark.heavy
def test_case_validate_accepts(bag: Path) -> None:
    code, told = judge("case_validate", bag / "data/metadata/case.jsonld")
    assert (code, "Conforms: True" in told) == (0, True), told


@pytest.mark.heavy
def test_case_validate_refuses_what_was_changed(bag: Path, tmp_path: Path) -> None:
    """One run for several changes, each in another capture: a run takes half a minute."""
    told = json.loads((bag / "data/metadata/case.jsonld").read_bytes())
    bodies = [node for node in told["@graph"] if node["@type"] == "uco-observable:File"]
    actions = [node for node in told["@graph"] if node["@type"] == "case-investigation:InvestigativeAction"]
    contents = [body["uco-core:hasFacet"][1] for body in bodies[:3]]
    contents[0]["uco-observable:sizeInBytes"] = "436 bytes"
    contents[1]["uco-observable:hash"]["uco-types:hashValue"] = "not in hexadecimal"
    del contents[2]["uco-observable:hash"]["uco-types:hashMethod"]
    actions[0]["uco-action:startTime"] = "yesterday"
    (tmp_path / "case.jsonld").write_text(json.dumps(told))
    code, said = judge("case_validate", tmp_path / "case.jsonld")
    assert (code != 0, "Conforms: False" in said) == (True, True), said
    for word in ("sizeInBytes", "hashValue", "hashMethod", "startTime"):
        assert word in said, word


def test_the_research_object_names_files_that_are_there(bag: Path) -> None:
    graph = json.loads((bag / "data/ro-crate-metadata.json").read_bytes())["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    assert len(by_id) == len(graph)
    parts = [part["@id"] for part in by_id["./"]["hasPart"]]
    assert {"report.html", "bundle.json", "web/captures.wacz", "blobs/"} <= set(parts)
    for name in parts:
        assert (bag / "data" / name).exists(), name
        if "sha256" in by_id[name]:
            assert sha256((bag / "data" / name).read_bytes()) == by_id[name]["sha256"]
    folders = {path.name + "/" for path in (bag / "data").iterdir() if path.is_dir()}
    assert folders - set(parts) == {"web/", "metadata/"}  # whose files are named one by one


def test_drafts_leave_open_what_only_a_person_can_say(bag: Path) -> None:
    index = index_of(bag)
    certificate = (bag / "data/certificate-902.md").read_text("utf-8")
    collected = (bag / "data/collection-log.md").read_text("utf-8")
    assert f"Signature: {drafts.BLANK}" in certificate
    assert f"Collected by (name, role, organisation): {drafts.BLANK}" in collected
    assert certificate.count(drafts.BLANK) > 10
    for entry in index["captures"]:
        assert f"| {entry['uid']} |" in certificate
        assert f"## {entry['uid']}\n" in collected
    assert collected.count("Full-page capture: none was made") == len(index["captures"])
    assert "those marked `(replay)` from a recording. The system did not ask a server for them" in certificate
    assert "are not in this bundle since" not in certificate
    assert collected.count("- Method: read from a recording that was given to the system (GET, route ") > 10


def test_a_certificate_swears_to_what_was_fetched_and_to_nothing_that_was_not(bag: Path) -> None:
    index = index_of(bag)
    fetched: Any = {**index, "captures": [{**index["captures"][0], "tier": "wire"}]}
    assert "The system did not ask" not in "".join(drafts.certificate(fetched))
    fetched["captures"][0]["body_missing"] = "erased"
    fetched["erased"] = [{"leaf": 7, "ref": "x:post:20", "why": "2026-03-01: asked for"}]
    told = "".join(drafts.certificate(fetched))
    assert "1 captures are not in this bundle since they were erased, and 1 of those listed" in told


def test_foreign_words_stay_words_in_drafts() -> None:
    assert drafts.cell("\u202eabc\u2066") == "U+202EabcU+2066"
    told = drafts.cell("a|b\n# <script>x</script> [y](z) `c`")
    assert told == "a\\|b \\# \\<script\\>x\\</script\\> \\[y\\](z) \\`c\\`"
