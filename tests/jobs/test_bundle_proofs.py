"""Posts that their authors signed, from the servers to a bundle: what a stranger needs to check them is in it, and
verify.py checks it from the captured bytes alone. A forger here owns the archive: hashes and leaves fit his bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import libipld
import pytest
import signing
import sky

from archiver.bundle import verify_proofs
from archiver.bundle.verify_files import Folder, Report
from archiver.bundle.verify_proofs import Proofs
from tests import noding

BLUESKY = "bluesky:post:at://"


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    signing.archived(folder)
    return folder / "bundle"


def index_of(bag: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((bag / "data/bundle.json").read_bytes())
    return loaded


def test_all_that_a_proof_needs_leaves_with_it(bag: Path) -> None:
    index = index_of(bag)
    told = {(one["kind"], one["valid"], one["pointer"]) for post in index["posts"] for one in post["proofs"]}
    assert {("atproto-record", 1, ""), ("plc-log", 1, ""), ("fep-8b32", 1, "/proof")} <= told
    lost = [(one["kind"], one["valid"], one["ref"].rpartition("/")[2]) for one in index["proofs"]]
    assert ("atproto-absence", 1, signing.LOST) in lost, "what is proved of a post that was never seen stays at home"
    assert "plc-log" in {kind for kind, _, _ in lost}
    assert {("nostr-event", 1, "/1"), ("nostr-event", 1, "/2/2/content"), ("nostr-event", 0, "/3/content")} <= told
    routes = {(one["route"], one["status"]) for one in index["captures"]}
    assert {(route, 200) for route in ("record-proof", "plc-log", "did", "object", "actor")} <= routes
    for post in index["posts"]:
        if post["ref"].startswith(BLUESKY):
            assert "plc-log" in {one["kind"] for one in post["proofs"]}, "the keys of the account stay at home"


def test_what_a_file_says_of_itself_is_in_the_index_and_in_the_report(bag: Path) -> None:
    (item,) = [item for post in index_of(bag)["posts"] for item in post["media"] if item["c2pa"]]
    (manifest,) = item["c2pa"]["manifests"]
    assert (manifest["title"], manifest["synthetic"]) == (signing.HOSTILE, True)
    assert [manifest[name]["state"] for name in ("signature", "binding", "contents")] == ["holds"] * 3
    page = (bag / "data/report.html").read_text("utf-8")
    assert "Its manifest claims that a trained model had a part in it." in page
    assert "Camera of Example" in page
    assert signing.HOSTILE not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;document.title") >= 1


def test_the_program_that_travels_along_checks_them(bag: Path) -> None:
    """As another process, with nothing of ours on its path."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", bag / "verify.py", "--json"], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)
    proofs = [line["found"] for line in found["checks"] if line["check"] == "proofs"]
    assert {line["state"] for line in found["checks"] if line["check"] == "proofs"} == {"held"}
    assert (done.returncode, done.stderr) == (1, "")  # whose keys the log has is not known to it
    for told in (
        "whose tree holds the record bafy", "the account's log names it since 2024-01-01T00:00:00.000Z (data/captures/",
        "1 signed operation leads from the DID of 2024-01-01T00:00:00.000Z to its present state; its key is did:key:z",
        "/users/ada#key signed the object (data/captures/", "records are those that their CIDs name",
        f"the key {signing.NOTER.public} signed the event ", " of kind 1, which says that it was made at 2024-03-01T09",
        "REFUSED: the id is not the hash of the event (bundle.json says: refused)",
    ):  # fmt: skip
        assert any(told in line for line in proofs), (told, proofs)


# ---- forgers --------------------------------------------------------------------------------------------------------


class Forgery:
    """A bundle in memory whose hashes and leaves always fit: only what others signed cannot be made anew."""

    def __init__(self, bag: Path) -> None:
        index = index_of(bag)
        self.posts: list[dict[str, Any]] = [*index["posts"], {"ref": "", "versions": [], "proofs": index["proofs"]}]
        self.leaves: dict[int, dict[str, Any]] = {
            one["index"]: json.loads((bag / one["leaf"]).read_bytes()) for one in index["leaves"]
        }
        self.files = {
            f"data/blobs/{path.name}": path.read_bytes() for path in (bag / "data/blobs").iterdir() if path.is_file()
        }

    @property
    def sizes(self) -> dict[str, int]:
        return {name: len(data) for name, data in self.files.items()}

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO(self.files[name])

    def leaf(self, route: str) -> dict[str, Any]:
        """The capture by a route about a post that is there."""
        return next(one for one in self.all_of(route) if not one["ref"].endswith(signing.LOST))

    def all_of(self, route: str) -> list[dict[str, Any]]:
        return [one for one in self.leaves.values() if one.get("route") == route and one["response"]["status"] == 200]

    def entity(self, leaf: dict[str, Any]) -> bytes:
        return self.files[f"data/blobs/{leaf['response']['body_sha256']}"]

    def put(self, leaf: dict[str, Any], entity: bytes, coded: Callable[[bytes], bytes] = lambda data: data) -> None:
        body = coded(entity)
        sha256 = hashlib.sha256(body).hexdigest()
        self.files[f"data/blobs/{sha256}"] = body
        leaf["response"] |= {"body_sha256": sha256, "entity_sha256": hashlib.sha256(entity).hexdigest()}

    def change(self, route: str, old: bytes, new: bytes) -> None:
        for leaf in self.all_of(route):
            assert old in self.entity(leaf)
            self.put(leaf, self.entity(leaf).replace(old, new))

    def give(self, route: str, **facts: str) -> None:
        """Changes what was known before a request."""
        for leaf in self.all_of(route):
            meaning = json.loads(leaf["request"]["meaning"])
            meaning["given"] = [[name, facts.get(name, value)] for name, value in meaning["given"]]
            leaf["request"]["meaning"] = json.dumps(meaning)

    def proofs(self, kind: str) -> list[dict[str, Any]]:
        return [row for post in self.posts for row in post["proofs"] if row["kind"] == kind]

    def job(self) -> dict[str, Any]:
        """What the report gets of the same, without the lines of CIDs, which it does not check."""
        rows = [row for post in self.posts for row in post["proofs"] if row["kind"] != "atproto-cid"]
        leaves = [leaf for leaf in self.leaves.values() if leaf["type"] in ("capture", "import")]
        names = {leaf["uid"]: f"data/blobs/{leaf['response']['body_sha256']}" for leaf in leaves}
        bodies = {uid: self.files[name] for uid, name in names.items() if name in self.files}
        return noding.job(leaves, bodies, rows)

    def page(self) -> list[tuple[str, str]]:
        """What the report says: the state and the words of each line."""
        (found,) = noding.ran([self.job()])
        assert isinstance(found, list), found
        return [(one["state"], one["told"]) for one in found]

    def check(self) -> list[tuple[str, str]]:
        report = Report()
        Proofs(cast(Folder, self), report, self.leaves).check(self.posts)
        return [(state, found) for state, _, found in report.lines]


@pytest.fixture
def forged(bag: Path) -> Forgery:
    return Forgery(bag)


def says(forged: Forgery, state: str, kind: str, told: str, *, page: str | None = None) -> None:
    """verify.py says so, and the report does too: with the same words, or with those of `page`."""
    found = forged.check()
    assert any(one == state and kind in line and told in line for one, line in found), found
    if page != "":
        shown, words = forged.page(), (told if page is None else page).partition(" (bundle.json")[0]
        assert any(one == state.lower() and words in line for one, line in shown), shown


def test_untouched_it_holds(forged: Forgery) -> None:
    assert {state for state, _ in forged.check()} == {"held"}
    assert {state for state, _ in forged.page()} == {"held"}


def changed_car(forged: Forgery, *, resigned: bool) -> None:
    """Other words in the signed record, with every hash above them made anew."""
    leaf = forged.leaf("record-proof")
    parts = sky_blocks(forged.entity(leaf))
    record = libipld.decode_dag_cbor(next(block for block in parts if b"createdAt" in block))
    record["text"] = "Other words."
    block = libipld.encode_dag_cbor(record)
    node = libipld.decode_dag_cbor(
        next(one for one in parts if b"app.bsky.feed.post/" in one and b"createdAt" not in one)
    )
    node["e"][0]["v"] = sky.cid(block)
    tree = libipld.encode_dag_cbor(node)
    commit = libipld.decode_dag_cbor(next(one for one in parts if b"rev" in one and b"sig" in one))
    commit["data"] = sky.cid(tree)
    signature = commit.pop("sig")
    if resigned:
        signature = sky.Key(77).sign(libipld.encode_dag_cbor(commit))
    top = libipld.encode_dag_cbor(commit | {"sig": signature})
    header = libipld.encode_dag_cbor({"version": 1, "roots": [sky.cid(top)]})
    rows = [header, *(sky.cid(one) + one for one in (top, tree, block))]
    forged.put(leaf, b"".join(sky.varint(len(one)) + one for one in rows))


def sky_blocks(car: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(car):
        size = shift = 0
        while True:
            byte, at = car[at], at + 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        found.append(car[at + 36 : at + size])
        at += size
    return found


def test_other_words_under_the_authors_name_are_refused(forged: Forgery) -> None:
    changed_car(forged, resigned=False)
    says(forged, "WRONG", "atproto-record", "REFUSED: the signature does not verify (bundle.json says: valid)")


def test_words_signed_with_the_forgers_key_are_refused_by_the_log_of_the_account(forged: Forgery) -> None:
    """He also says that the DID document named his key; the log that leads from the DID to a key does not."""
    changed_car(forged, resigned=True)
    mine = sky.Key(77).multibase
    for route in ("record-proof", "plc-log", "did"):
        forged.give(route, key=mine)
    says(
        forged,
        "unchecked",
        "atproto-record",
        "no log and no document of the account in this",
        page="no log and no document of the account",
    )
    says(forged, "WRONG", "plc-log", "REFUSED: the DID document named another signing key than the log")


def test_a_record_that_is_there_is_not_proved_to_be_absent(forged: Forgery) -> None:
    there, lost = forged.leaf("record-proof"), forged.proofs("atproto-absence")
    says(forged, "held", "atproto-absence", "whose tree holds no record of this name")
    for row in lost:
        row |= {"ref": there["ref"], "capture": there["uid"]}
    says(forged, "WRONG", "atproto-absence", "REFUSED: did:key", page="REFUSED: the key z")


def test_a_log_with_another_key_is_no_log_of_this_did(forged: Forgery) -> None:
    leaf = forged.leaf("plc-log")
    (entry,) = json.loads(forged.entity(leaf))
    operation = {name: value for name, value in entry["operation"].items() if name != "sig"}
    operation["verificationMethods"] = {"atproto": sky.Key(77).did_key}
    operation["rotationKeys"] = [sky.Key(78).did_key]
    mark = sky.Key(78).sign(libipld.encode_dag_cbor(operation))
    operation["sig"] = base64.urlsafe_b64encode(mark).decode().rstrip("=")
    entry |= {"operation": operation, "cid": sky.cid_text(sky.cid(libipld.encode_dag_cbor(operation)))}
    for one in forged.all_of("plc-log"):
        forged.put(one, json.dumps([entry]).encode())
    says(forged, "WRONG", "plc-log", "REFUSED: the DID is not the hash of the genesis operation")


def without(forged: Forgery, route: str) -> None:
    """As if a bundle had come without these captures."""
    gone = {leaf["uid"] for leaf in forged.all_of(route)}
    forged.leaves = {index: leaf for index, leaf in forged.leaves.items() if leaf.get("uid") not in gone}
    for post in forged.posts:
        post["proofs"] = [row for row in post["proofs"] if row["capture"] not in gone]


def test_without_a_log_the_document_of_a_host_names_the_key_and_without_both_nobody_does(forged: Forgery) -> None:
    without(forged, "plc-log")
    says(forged, "held", "atproto-record", "gave names it", page="gave names it")
    without(forged, "did")
    says(forged, "unchecked", "atproto-record", "no log and no document", page="no log and no document")


def test_a_key_that_the_log_names_as_given_up_is_unchecked_whatever_a_document_says(forged: Forgery) -> None:
    """Whoever got hold of it could sign with it."""
    (entry,) = json.loads(forged.entity(forged.leaf("plc-log")))
    operation = {name: value for name, value in entry["operation"].items() if name != "sig"}
    operation |= {"verificationMethods": {"atproto": sky.Key(99).did_key}, "prev": entry["cid"]}
    mark = sky.Key(2).sign(libipld.encode_dag_cbor(operation))
    operation["sig"] = base64.urlsafe_b64encode(mark).decode().rstrip("=")
    following = entry | {"operation": operation, "createdAt": "2025-01-01T00:00:00.000Z"}
    following["cid"] = sky.cid_text(sky.cid(libipld.encode_dag_cbor(operation)))
    there = int(forged.leaf("record-proof")["seq"])
    logs = sorted(forged.all_of("plc-log"), key=lambda leaf: int(leaf["seq"]))
    before = [leaf for leaf in logs if int(leaf["seq"]) < there]
    assert before
    for leaf in [*before[:-1], *(leaf for leaf in logs if leaf not in before)]:
        forged.put(leaf, json.dumps([entry, following]).encode())
    says(forged, "held", "atproto-record", "log names it since 2024-01-01T00:00:00.000Z (", page="whose tree holds the")
    forged.put(before[-1], json.dumps([entry, following]).encode())
    told = "log names it since 2024-01-01T00:00:00.000Z until 2025-01-01T00:00:00.000Z"
    says(forged, "unchecked", "atproto-record", told)


def test_other_words_in_the_index_than_those_that_were_signed(forged: Forgery) -> None:
    for post in forged.posts:
        for version in post["versions"]:
            version["text"] = version["text"].replace("minutes", "hours")
    says(forged, "WRONG", "bluesky:post", "bundle.json shows other words than those that were signed", page="")


def test_a_refusal_that_the_index_keeps_quiet_and_one_that_it_invents(forged: Forgery) -> None:
    for row in forged.proofs("atproto-record"):
        row["valid"] = 0
    says(forged, "WRONG", "atproto-record", "holds: did:key", page="holds, though it is told to be refused")
    for row in forged.proofs("atproto-record"):
        row["valid"] = None
    says(forged, "held", "atproto-record", "holds the record")
    changed_car(forged, resigned=False)
    says(
        forged, "unchecked", "atproto-record", "REFUSED: the signature does not verify (bundle.json says: not checked)"
    )
    for row in forged.proofs("atproto-record"):
        row["valid"] = 0
    says(forged, "held", "atproto-record", "REFUSED: the signature does not verify (bundle.json says: refused)")
    for row in forged.proofs("atproto-record"):
        row["valid"] = True
    says(forged, "WRONG", "atproto-record", "which is no answer", page="")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"ref": "bluesky:post:at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3l7gexamp2kc2"},
            "something else",
        ),
        ({"capture": "0190"}, "its capture is not in this bundle"),
        ({"kind": "atproto-absence"}, "whose tree holds the record"),
    ],
)
def test_a_proof_that_speaks_of_something_else(forged: Forgery, change: dict[str, str], told: str) -> None:
    for row in forged.proofs("atproto-record"):
        row |= change
    says(forged, "WRONG", "REFUSED", told, page="" if "capture" in change else None)


def test_a_signed_object_that_was_changed_or_is_another(forged: Forgery) -> None:
    forged.change("object", b"I signed", b"I singed")
    says(forged, "WRONG", "fep-8b32", "REFUSED: the signature does not fit the document")


def test_a_key_that_the_author_does_not_hold(forged: Forgery) -> None:
    forged.change("actor", b"#key", b"#lost")
    says(forged, "WRONG", "fep-8b32", "REFUSED: the actor lists no key")


def test_a_signature_for_another_post(forged: Forgery) -> None:
    for row in forged.proofs("fep-8b32"):
        row["ref"] += "9"
    says(forged, "WRONG", "fep-8b32", "REFUSED: what was signed is http")


def noted(forged: Forgery) -> dict[str, Any]:
    """The file of events that came in."""
    uids = {row["capture"] for row in forged.proofs("nostr-event")}
    (leaf,) = [leaf for leaf in forged.leaves.values() if leaf.get("uid") in uids]
    return leaf


def written(leaf: dict[str, Any], forged: Forgery, change: Callable[[list[Any]], object]) -> None:
    events = [json.loads(line) for line in forged.entity(leaf).splitlines()]
    change(events)
    forged.put(leaf, "\n".join(map(json.dumps, events)).encode())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda events: events[1].update(content="I was never there."), "the id is not the hash of the event"),
        (
            lambda events: events[1].update(created_at=events[1]["created_at"] - 9),
            "the id is not the hash of the event",
        ),
        (lambda events: events[1].update(sig=events[3]["sig"]), "the signature does not fit the event"),
        (lambda events: events[1].update(pubkey=signing.OTHER.public), "the id is not the hash of the event"),
        (lambda events: events[1].update(signing.OTHER.event(1, signing.NOTED)), "what was signed is"),
        (lambda events: events[1].update(tags=[["t", 7]]), "created_at, tags or content"),
        (lambda events: events[1].update(sig=None), "id, pubkey or sig is not lower-case hexadecimal"),
        (lambda events: events.__setitem__(1, "x"), ""),
        (lambda events: events.__setitem__(1, 7), "no event stands there"),
        (lambda events: events[2][2].update(content="no JSON"), ""),
    ],
)
def test_events_that_were_changed_are_refused(
    forged: Forgery, change: Callable[[list[Any]], object], told: str
) -> None:
    written(noted(forged), forged, change)
    says(forged, "WRONG", "nostr-event", f"REFUSED: {told}")


def test_events_that_one_document_holds_are_found_too(forged: Forgery) -> None:
    leaf = noted(forged)
    events = [json.loads(line) for line in forged.entity(leaf).splitlines()]
    forged.put(leaf, b"\xef\xbb\xbf" + json.dumps(events).encode())
    assert {state for state, _ in forged.check()} == {"held"}
    forged.put(leaf, "\n".join(["", json.dumps(events[0]), "", *map(json.dumps, events[1:]), "{", ""]).encode())
    assert {state for state, _ in forged.check()} == {"held"}
    assert {state for state, _ in forged.page()} == {"held"}


def test_what_is_missing_is_unchecked_with_the_reason(forged: Forgery) -> None:
    for leaf in forged.all_of("object"):
        del forged.files[f"data/blobs/{leaf['response']['body_sha256']}"]
    says(forged, "unchecked", "fep-8b32", "")
    for leaf in forged.all_of("record-proof"):
        del forged.files[f"data/blobs/{leaf['response']['body_sha256']}"]
    says(forged, "unchecked", "atproto-record", "its answer is not in this", page="its answer is not in this page")
    for row in forged.proofs("plc-log"):
        row["kind"] = "of-the-future"
    says(forged, "unchecked", "of-the-future", "no check of this kind is known here")
    for row in forged.proofs("of-the-future"):
        row["valid"] = None
    assert ("absent", "1 of kinds that neither the archive nor this program checks") in [
        (state, line.replace("2 of", "1 of").replace("3 of", "1 of")) for state, line in forged.check()
    ]


def test_a_bundle_of_before_pointers_is_not_called_wrong(forged: Forgery) -> None:
    for post in forged.posts:
        for row in post["proofs"]:
            del row["pointer"]
    found = forged.check()
    assert {state for state, _ in found} == {"held", "unchecked"}
    assert all("an older bundle" in line for state, line in found if state == "unchecked")


@pytest.mark.parametrize(
    "coded",
    [
        lambda data: gzip.compress(data, mtime=0),
        lambda data: gzip.compress(data[:9], mtime=0) + gzip.compress(data[9:], mtime=0),
        zlib.compress,
        lambda data: zlib.compress(data)[2:-4],
    ],
    ids=["gzip", "gzip in two members", "deflate", "deflate without its head"],
)
def test_answers_are_read_however_they_were_packed(forged: Forgery, coded: Callable[[bytes], bytes]) -> None:
    for leaf in [*forged.all_of("record-proof"), *forged.all_of("plc-log"), *forged.all_of("object")]:
        forged.put(leaf, forged.entity(leaf), coded)
    assert {state for state, _ in forged.check()} == {"held"}
    # A browser does not read a second member, and says so.
    assert {state for state, _ in forged.page()} <= {"held", "unchecked"}


def test_a_coding_that_is_not_known_and_a_bomb_are_unchecked(forged: Forgery, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = forged.leaf("record-proof")
    forged.put(leaf, forged.entity(leaf), lambda data: b"\x1b" + data)
    says(forged, "unchecked", "atproto-record", "packed in a way")
    monkeypatch.setattr(verify_proofs, "MAX_ANSWER", 1 << 20)
    bomb = gzip.compress(bytes(2 << 20), mtime=0)
    forged.put(leaf, b"", lambda data: bomb)
    assert verify_proofs.unpacked(bomb, 31) is None
    assert verify_proofs.unpacked(gzip.compress(b"", mtime=0) * 2000, 31) is None
    says(forged, "unchecked", "atproto-record", "packed in a way")


WRONG_TYPES: list[Any] = [None, True, 7, 1.5, "x", [], {}, [None], {"a": 1}]


def test_wrong_types_anywhere_are_told_and_never_stop_the_checks(forged: Forgery) -> None:
    """Each value of what was captured, and of what bundle.json says of it, by wrong ones."""

    def places(value: Any) -> list[tuple[Any, Any]]:
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else [])
        return [(value, key) for key, _ in pairs] + [place for _, inner in pairs for place in places(inner)]

    tried, sound = 0, forged.posts

    def wrongly(holder: Any, key: Any, number: int) -> None:
        nonlocal tried
        kept = holder[key]
        for wrong in WRONG_TYPES[number % 9 :: 6]:
            holder[key] = wrong
            checked()
            tried += 1
        holder[key] = kept

    def checked() -> None:
        if document is not None:
            forged.put(leaf, json.dumps(document).encode())
        forged.check()

    document: Any = None
    for route, kind in (
        ("plc-log", "plc-log"),
        ("did", "atproto-record"),
        ("object", "fep-8b32"),
        ("actor", "fep-8b32"),
    ):
        rows = [row for row in forged.proofs(kind) if kind == "plc-log" or row["valid"]][:1]
        forged.posts, leaf = [{"proofs": rows}], forged.leaf(route)
        document = json.loads(forged.entity(leaf))
        for number, (holder, key) in enumerate(places(document)):
            wrongly(holder, key, number)
        forged.put(leaf, json.dumps(document).encode())
        forged.posts = sound
    document = None
    forged.posts = [post for post in sound if post["ref"].startswith("fediverse")]
    for number, (holder, key) in enumerate(places(forged.posts[0])):
        wrongly(holder, key, number)
    assert tried > 200


def test_the_report_too_survives_wrong_types(forged: Forgery) -> None:
    jobs, kinds = [], []
    for route, kind in (("plc-log", ""), ("did", ""), ("object", "fep-8b32"), ("actor", "fep-8b32")):
        leaf = forged.leaf(route)
        kept = forged.entity(leaf)
        for wrong in WRONG_TYPES:
            forged.put(leaf, json.dumps(wrong).encode())
            jobs.append(json.loads(json.dumps(forged.job())))
            kinds.append(kind)
        forged.put(leaf, kept)
    for found, job, kind in zip(noding.ran(jobs), jobs, kinds, strict=True):
        states = {row["kind"]: one["state"] for row, one in zip(job["rows"], found, strict=True)}
        assert states.get(kind) != "held"
        assert set(states.values()) <= {"held", "wrong", "unchecked"}
