"""The recorded network: a real AppView, host (PDS) and PLC directory, with posts edited, deleted, taken down,
deactivated, blocked, detached and backdated."""

import base64
import csv
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import libipld
import pytest
from test_bluesky_mutations import check_mutations, mutations, parsed
from test_bluesky_proofs import Repository, link, rewritten

from archiver.errors import ParseError, ProofError
from archiver.model import Answer, EdgeKind, Failure, Outcome, Reading, Ref, Request, Settings
from archiver.platforms import bluesky
from archiver.platforms.bluesky import dag, keys, plc, proof
from archiver.platforms.fields import load

pytestmark = pytest.mark.corpus

Answers = dict[str, tuple[int, bytes]]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The folder, and what was answered by address; `before` are answers from before a deletion or an edit."""

    folder: Path
    answers: Answers
    before: Answers
    settings: Settings

    def urls(self, method: str) -> Answers:
        return {url: answer for url, answer in self.answers.items() if f"{method}?" in url}


@pytest.fixture(scope="module")
def recorded(corpus: Path) -> Recording:
    folder = corpus / "atproto"
    answers: Answers = {}
    before: Answers = {}
    hosts: dict[str, str] = {}
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        for path, request, status, *_ in csv.reader(lines, delimiter="\t"):
            if request.startswith("GET http") and path.startswith("local/"):
                url = request.removeprefix("GET ")
                (before if ".before" in path else answers)[url] = int(status), (folder / path).read_bytes()
                hosts.setdefault(path.split("/")[1].split(".")[0], "://".join(urlsplit(url)[:2]))
    endpoints = {"bluesky.appview": hosts["appview"], "bluesky.plc": hosts["plc"]}
    return Recording(folder=folder, answers=answers, before=before, settings=Settings(endpoints=endpoints))


def run(recorded: Recording, ref: Ref, answers: Answers | None = None) -> dict[str, Answer]:
    got: tuple[Answer, ...] = ()
    for _ in range(10):
        requests = bluesky.plan(ref, got, recorded.settings)
        if not requests:
            break
        for request in requests:
            status, content = (answers or recorded.answers).get(unquote(request.url), (None, b""))
            failure = Failure.NONE if status else Failure.NOT_RECORDED
            got += (Answer(request=request, status=status, body=content, failure=failure),)
    return {answer.request.route: answer for answer in got}


def read(recorded: Recording, ref: Ref) -> dict[str, Reading]:
    return {route: bluesky.parse(answer.request, answer) for route, answer in run(recorded, ref).items()}


def asked(url: str) -> Ref:
    """The ref that a recorded request of getPosts, getRecord or getPostThread was about."""
    query = parse_qs(urlsplit(url).query)
    if "collection" not in query:
        uri = query.get("uris", query.get("uri", [""]))[0]
    else:
        uri = f"at://{query.get('did', query.get('repo', ['']))[0]}/{query['collection'][0]}/{query['rkey'][0]}"
    ref = bluesky.claim(uri)
    assert ref is not None
    return ref


def post_of(recorded: Recording, name: str) -> Ref:
    """The post that `local/appview.getPosts.NAME.json` asked for, from the manifest."""
    with (recorded.folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        for path, request, *_ in csv.reader(lines, delimiter="\t"):
            if path == f"local/appview.getPosts.{name}.json":
                return asked(request.removeprefix("GET "))
    raise AssertionError(name)


def outcomes(reading: Reading, ref: Ref) -> list[Outcome]:
    return [finding.outcome for finding in reading.findings if finding.ref == ref]


def test_every_recorded_post_is_read_and_its_record_hashes_to_its_cid(recorded: Recording) -> None:
    refs = {asked(url) for url in recorded.urls("app.bsky.feed.getPosts") if url.count("at://") == 1}
    ran, checked = 0, 0
    for ref in sorted(refs):
        reading = read(recorded, ref)["posts"]
        assert outcomes(reading, ref)[0] in {Outcome.LIVE, Outcome.UNAVAILABLE}
        assert not reading.unread
        assert all(post.whole or not any(medium.url for medium in post.media) for post in reading.posts)
        checks = [proof.valid for proof in reading.proofs if proof.kind == "atproto-cid"]
        assert len(checks) == len(reading.posts)
        assert all(checks)
        ran, checked = ran + 1, checked + len(checks)
    print(f"{ran} getPosts answers, {checked} records hashed")
    assert ran >= 20


def test_every_proof_is_verified_and_agrees_with_the_record(recorded: Recording) -> None:
    present = absent = 0
    for url, (status, _) in recorded.urls("com.atproto.sync.getRecord").items():
        ref = asked(url)
        if status != 200 or f"getRecord?repo={url.split('did=')[1]}" not in " ".join(recorded.answers):
            continue
        readings = read(recorded, ref)
        (first, *_) = readings["record-proof"].proofs
        assert first.valid is True
        absent += first.kind == "atproto-absence"
        present += first.kind == "atproto-record"
        if readings["record"].posts:
            assert readings["record-proof"].posts[0].text == readings["record"].posts[0].text
            assert readings["record-proof"].posts[0].version_id == readings["record"].posts[0].version_id
            assert readings["record-proof"].posts[0].media == tuple(
                medium for medium in readings["record-proof"].posts[0].media if medium.rank == 10
            )
    print(f"{present} records proved present, {absent} proved absent")
    assert present >= 10
    assert absent >= 1


def signing_key(recorded: Recording, did: str) -> keys.PublicKey:
    url = next(url for url in recorded.answers if url.endswith(f"/{did}"))
    document = plc.read_document(load(recorded.answers[url][1]), did)
    return keys.from_multibase(document.key_type, document.key)


def test_tampered_proofs_are_refused(recorded: Recording) -> None:
    ran, documents = 0, [url for url in recorded.answers if re.search(r"/did:plc:[a-z2-7]{24}$", url)]
    dids = [url.rpartition("/")[2] for url in documents]
    for url, (status, car) in recorded.urls("com.atproto.sync.getRecord").items():
        if status != 200:
            continue
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        did = query.pop("did")
        key, other = signing_key(recorded, did), next(name for name in dids if name != did)
        verified = proof.verify_record(car, did=did, **query, key=key)
        root, blocks = proof.read_car(car)
        repository = Repository.__new__(Repository)
        repository.blocks, repository.root = blocks, root
        signature = libipld.decode_dag_cbor(blocks[root])["sig"]
        order = keys._ORDERS[key.curve]
        twin = signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
        attempts: list[tuple[bytes, str, keys.PublicKey]] = [
            (car, other, key),
            (car, did, signing_key(recorded, other)),
            (car[:-10], did, key),
            (rewritten(repository, signature, twin), did, key),
            (rewritten(repository, signature, bytes([signature[0] ^ 1]) + signature[1:]), did, key),
            (repository.car(without=root), did, key),
        ]
        if verified.record is not None:
            changed = verified.record.replace(b"createdAt", b"createdat")
            attempts.append((rewritten(repository, verified.record, changed), did, key))
            attempts.append((car.replace(verified.record, changed), did, key))
            attempts.append((repository.car(without=link(verified.record)), did, key))
        for data, claimed, public in attempts:
            with pytest.raises(ProofError):
                proof.verify_record(data, did=claimed, **query, key=public)
            ran += 1
        for cid in blocks:  # a node taken away is refused, or was not needed: never another answer
            assert same_or_refused(repository.car(without=cid), verified, did, query, key)
            ran += 1
        for place in range(0, len(car), max(1, len(car) // 40)):
            flipped = car[:place] + bytes([car[place] ^ 1]) + car[place + 1 :]
            assert same_or_refused(flipped, verified, did, query, key)
            ran += 1
    print(f"{ran} tampered proofs")
    assert ran > 500


def same_or_refused(car: bytes, whole: proof.Proven, did: str, query: dict[str, str], key: keys.PublicKey) -> bool:
    try:
        return proof.verify_record(car, did=did, **query, key=key) == whole
    except ProofError:
        return True


def test_a_record_is_proved_before_its_deletion_and_its_absence_after(recorded: Recording) -> None:
    ref = post_of(recorded, "deleted")
    earlier = {**recorded.answers, **recorded.before}
    answer = run(recorded, ref, earlier)["record-proof"]
    reading = bluesky.parse(answer.request, answer)
    assert (reading.proofs[0].kind, reading.proofs[0].valid) == ("atproto-record", True)
    assert reading.posts[0].version_id
    later = read(recorded, ref)
    assert (later["record-proof"].proofs[0].kind, later["record-proof"].proofs[0].valid) == ("atproto-absence", True)
    assert outcomes(later["record-proof"], ref) == [Outcome.NOT_FOUND]


def test_deleted_taken_down_and_deactivated_are_told_apart(recorded: Recording) -> None:
    found = {}
    for name in ("deleted", "takendown", "deactivated"):
        ref = post_of(recorded, name)
        readings = read(recorded, ref)
        assert outcomes(readings["posts"], ref) == [Outcome.UNAVAILABLE]
        found[name] = outcomes(readings["record-proof"], ref)
        if name == "takendown":
            assert readings["record-proof"].posts[0].text
        if name == "deactivated":
            assert [finding.reason for finding in readings["repo-status"].findings] == ["deactivated"] * 2
    assert found == {
        "deleted": [Outcome.NOT_FOUND],
        "takendown": [Outcome.WITHHELD],
        "deactivated": [Outcome.UNAVAILABLE],
    }


def test_quotes_of_what_is_not_shown(recorded: Recording) -> None:
    expected = {
        "quote-of-deleted": [Outcome.UNAVAILABLE],
        "quote-of-takendown": [Outcome.UNAVAILABLE],
        "quote-of-deactivated": [Outcome.UNAVAILABLE],
        "quote-of-blocked": [Outcome.UNAVAILABLE],
        "quote-detached": [Outcome.UNKNOWN],
        "quote-of-edited": [Outcome.LIVE],
    }
    for name, outcome in expected.items():
        reading = read(recorded, post_of(recorded, name))["posts"]
        (quote,) = [edge for edge in reading.edges if edge.kind is EdgeKind.QUOTES]
        assert outcomes(reading, quote.target) == outcome, name
        assert quote.pinned
    listed = read(recorded, post_of(recorded, "quote-of-list"))["posts"]
    assert [edge.kind for edge in listed.edges] == [EdgeKind.EMBEDS]


def test_only_the_rewritten_quote_is_noticed(recorded: Recording) -> None:
    noticed = []
    for url in recorded.urls("app.bsky.feed.getPosts"):
        if url.count("at://") == 1:
            reading = read(recorded, asked(url))["posts"]
            noticed += [asked(url) for proof in reading.proofs if proof.kind == "atproto-pinned-version"]
    assert noticed == [post_of(recorded, "quote-of-edited")]
    reading = read(recorded, noticed[0])["posts"]
    quote = next(edge for edge in reading.edges if edge.kind is EdgeKind.QUOTES)
    edited = read(recorded, post_of(recorded, "edited"))["record"].posts[0]
    assert quote.pinned != edited.version_id == reading.posts[1].version_id


def test_original_media_hash_to_their_cid(recorded: Recording) -> None:
    ran = 0
    for name in ("alice", "video"):
        for medium in read(recorded, post_of(recorded, name))["record"].posts[0].media:
            assert hashlib.sha256(recorded.answers[medium.url][1]).hexdigest() == medium.sha256
            ran += 1
    print(f"{ran} blobs")
    assert ran == 3


def test_reposts_and_handles(recorded: Recording) -> None:
    reposts = [url for url in recorded.urls("com.atproto.repo.getRecord") if "app.bsky.feed.repost" in url]
    edges = [edge.target.kind for url in reposts for edge in read(recorded, asked(url))["record"].edges]
    assert sorted(edges) == ["post", "post", "repost"]
    resolved = []
    for url, (status, _) in recorded.urls("com.atproto.identity.resolveHandle").items():
        if urlsplit(url).netloc in recorded.settings.endpoints["bluesky.appview"]:
            handle = Ref.parse(f"bluesky:handle:{url.rpartition('=')[2]}")
            reading = read(recorded, handle)["resolve-handle"]
            assert outcomes(reading, handle) == [Outcome.LIVE if status == 200 else Outcome.UNAVAILABLE]
            resolved.append(len(reading.aliases))
    assert sorted(resolved) == [0, 1]


def test_every_audit_log_is_verified_and_tampered_ones_are_refused(recorded: Recording) -> None:
    logs = {url: content for url, (_, content) in recorded.answers.items() if url.endswith("/log/audit")}
    ran = 0
    for url, content in logs.items():
        did = url.split("/")[-3]
        state = plc.verify_log(load(content), did)
        assert keys.PublicKey.parse(state.key) == signing_key(recorded, did)
        request = Request(ref=Ref.parse(f"bluesky:account:{did}"), route="plc-log", url=url, given=(("did", did),))
        original = json.loads(content)
        for mutated in mutations(original):
            reading = parsed(request, json.dumps(mutated).encode())
            ran += 1
            if isinstance(reading, ParseError):
                assert reading.pointer
            elif any(proof.valid for proof in reading.proofs):
                assert [entry["operation"] for entry in mutated] == [entry["operation"] for entry in original]
    print(f"{len(logs)} logs verified, {ran} mutations refused or unsigned")
    assert len(logs) >= 9


def test_mutations_of_each_kind_of_recorded_answer(recorded: Recording) -> None:
    ran, routes = 0, set()
    names = ("quote2-with-media", "quote-of-edited", "quote-of-blocked", "quote-detached", "video", "deactivated")
    subjects = [post_of(recorded, name) for name in (*names, "link-card", "self-label", "reply3")]
    subjects += [asked(url) for url in recorded.urls("com.atproto.repo.getRecord") if "feed.repost" in url]
    subjects.append(
        next(Ref.parse(f"bluesky:account:{url.split('did=')[1]}") for url in recorded.urls("getRepoStatus"))
    )
    for ref in subjects:
        for route, answer in run(recorded, ref).items():
            if answer.status == 200 and answer.body.startswith(b"{"):
                ran += check_mutations(answer.request, answer.body)
                routes.add(route)
    print(f"{ran} mutations of {', '.join(sorted(routes))}")
    assert routes >= {"posts", "did", "record", "repo-status"}
    assert ran > 4000


def test_a_view_of_the_production_network(corpus: Path) -> None:
    path = corpus / "atproto" / "public" / "marshalx-test-data" / "test_data__thread_view_post_with_embed_media.json"
    view = json.loads(path.read_text("utf-8"))["thread"]["post"]
    ref = bluesky.claim(view["uri"])
    assert ref is not None
    request = Request(ref=ref, route="posts", url="https://public.api.bsky.app/")
    reading = bluesky.parse(request, Answer(request=request, status=200, body=json.dumps({"posts": [view]}).encode()))
    assert [proof.valid for proof in reading.proofs] == [True, True]
    assert [edge.kind for edge in reading.edges] == [EdgeKind.QUOTES]
    assert [post.whole for post in reading.posts] == [True, True]
    assert [medium.rank for medium in reading.posts[0].media] == [1]
    assert not reading.unread


# The public vectors.


@pytest.fixture
def vectors(corpus: Path) -> Callable[[str], list[dict[str, object]]]:
    folder = corpus / "atproto" / "public" / "atproto-interop"
    return lambda name: json.loads((folder / name).read_text("utf-8"))


def unpadded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def test_signature_vectors(vectors: Callable[[str], list[dict[str, str]]]) -> None:
    cases = vectors("crypto__signature-fixtures.json")
    for case in cases:
        key = keys.PublicKey.parse(case["publicKeyDid"])
        assert key == keys.from_multibase(case["didDocSuite"], case["publicKeyMultibase"])
        found = keys.signer((key,), unpadded(case["messageBase64"]), unpadded(case["signatureBase64"]))
        assert (found == 0) is case["validSignature"], case["comment"]
    print(f"{len(cases)} signatures")
    assert len(cases) >= 6


def test_data_model_vectors(vectors: Callable[[str], list[dict[str, str]]]) -> None:
    cases = vectors("tests__data-model-fixtures.json")
    for case in cases:
        block = unpadded(case["cbor_base64"])
        assert dag.encode(dag.from_json(case["json"])) == block
        assert dag.record_cid(case["json"]) == dag.cid_of(block) == case["cid"]
        assert dag.to_json(dag.decode(block)) == case["json"]
    print(f"{len(cases)} values")
    assert cases


def test_car_vectors(vectors: Callable[[str], list[dict[str, object]]]) -> None:
    (case,) = vectors("tests__car-file-fixtures.json")
    root, blocks = proof.read_car(unpadded(str(case["car"])))
    assert dag.cid_text(root) == case["root"]
    expected = {entry["cid"]: unpadded(entry["bytes"]) for entry in case["blocks"]}  # type: ignore[attr-defined]
    assert {dag.cid_text(cid): block for cid, block in blocks.items()} == expected


def test_commit_proof_vectors(vectors: Callable[[str], list[dict[str, object]]]) -> None:
    """Each tree before and after a commit: our layers give the published roots, and each key is found or absent."""
    cases, found = vectors("tests__commit-proof-fixtures.json"), 0
    for case in cases:
        leaf = dag.cid_bytes(str(case["leafValue"]))
        before, adds, dels = (set(case[name]) for name in ("keys", "adds", "dels"))  # type: ignore[call-overload]
        for held, absent, root in (
            (before, adds, case["rootBeforeCommit"]),
            ((before | adds) - dels, dels, case["rootAfterCommit"]),
        ):
            tree = Repository.__new__(Repository)
            tree.blocks = {}
            items = sorted((str(key).encode(), leaf) for key in held)
            top = tree.tree(items, max(proof.key_layer(key) for key, _ in items))
            assert top is not None
            assert dag.cid_text(top) == root, case["comment"]
            assert all(proof.find(tree.blocks, top, key) == leaf for key, _ in items)
            assert all(proof.find(tree.blocks, top, str(key).encode()) is None for key in absent)
            found += len(items) + len(absent)
    print(f"{len(cases)} commits, {found} keys")
    assert len(cases) >= 6
