"""The fediverse on recorded answers of GoToSocial, Hollo, Fedify, Mastodon, Pleroma, Misskey and others."""

import copy
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ParseError
from archiver.model import Answer, EdgeKind, Outcome, Reading, Ref, Request, Settings
from archiver.platforms import fediverse
from archiver.platforms.web.address import normal

pytestmark = pytest.mark.corpus
LIVE_SERVERS = ("gotosocial", "hollo", "fedify")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recorded answer as this platform would have asked for it."""

    name: str
    request: Request
    answer: Answer


def case(name: str, route: str, url: str, status: int, kind: str, body: bytes) -> Case:
    ref = Ref(platform="fediverse", kind="account" if route == "actor" else "post", id=url.replace("/api/v1/", "/"))
    given = ()
    if route == "history":
        ref = Ref(platform="fediverse", kind="post", id=ref.id.removesuffix("/history"))
        given = (("uri", ref.id),)
    request = Request(ref=ref, route=route, url=url, given=given)
    return Case(
        name=name,
        request=request,
        answer=Answer(request=request, status=status, headers=(("content-type", kind),), body=body, url=url),
    )


def recorded(folder: Path) -> Iterator[Case]:
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if len(row) >= 4 and row[0] != "path"]
    for name, source, status, kind, *_ in rows:
        path = folder / name
        if name.startswith(LIVE_SERVERS) and source.startswith("GET "):
            url = source.split()[1]
            if "/api/v1/statuses/" in url and url.endswith("/history"):
                yield case(name, "history", url, int(status), kind, path.read_bytes())
            elif "/api/v1/statuses/" in url and url.count("/") == 6:
                yield case(name, "status", url, int(status), kind, path.read_bytes())
            elif path.name.startswith("ap."):
                route = "actor" if path.name.startswith("ap.actor") else "object"
                yield case(name, route, url, int(status), kind, path.read_bytes())
        elif "cassettes" in name:
            for number, item in enumerate(json.loads(path.read_bytes())):
                url, body = item["uri"], json.dumps(item["body"]).encode()
                if item["method"] == "GET" and "/api/v1/statuses/" in url and url.count("/") == 6:
                    yield case(f"{name}#{number}", "status", url, item["status"], "application/json", body)
                elif item["method"] == "GET" and url.endswith("/history"):
                    yield case(f"{name}#{number}", "history", url, item["status"], "application/json", body)
        elif name.startswith("public/"):
            body = path.read_bytes()
            if body.startswith(b"HTTP/"):
                body = body.replace(b"\r\n", b"\n").split(b"\n\n", 1)[1]
            yield case(name, "object", json.loads(body)["id"], 200, "application/activity+json", body)


@pytest.fixture(scope="module")
def cases(corpus: Path) -> list[Case]:
    return list(recorded(corpus / "fediverse"))


def read(item: Case) -> Reading | ParseError:
    try:
        return fediverse.parse(item.request, item.answer)
    except ParseError as error:
        return error


def leaves(value: Any) -> Iterator[Any]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from leaves(getattr(value, field.name))
    elif type(value) is tuple:
        for item in value:
            yield from leaves(item)
    else:
        yield value


def check(reading: Reading) -> None:
    """No value of a wrong type anywhere, and every id is an address."""
    for leaf in leaves(reading):
        assert leaf is None or type(leaf) in {str, int, bool} or isinstance(leaf, Enum), repr(leaf)
    for post in reading.posts:
        assert normal(post.ref.id) is not None
        assert type(post.sensitive) is bool
        assert all(type(number) is int for _, number in post.counts)
        assert all(normal(media.url) is not None for media in post.media)
    for edge in reading.edges:
        assert edge.target.id
        assert edge.target.platform in {"fediverse", "web"}


def test_every_recorded_answer_is_read(cases: list[Case]) -> None:
    refused = []
    for item in cases:
        reading = read(item)
        if isinstance(reading, ParseError):
            refused.append((item.name, str(reading)))
            continue
        check(reading)
        if item.request.route in {"status", "object"}:
            assert reading.findings, item.name
        if item.request.route == "status" and item.answer.status == 200:
            assert reading.posts, item.name
    # One published fixture is not I-JSON; documents that are no actor are refused as actors.
    assert all("stands twice" in reason for _, reason in refused), refused
    posts = sum(len(r.posts) for r in map(read, cases) if isinstance(r, Reading))
    print(f"\n{len(cases)} recorded answers, {posts} sightings, {len(refused)} refused as not I-JSON")


def test_routes_of_one_server_agree(cases: list[Case]) -> None:
    """What the API and ActivityPub show of one post: the same text, time to the second, warning and edges."""
    shown: dict[str, dict[str, Any]] = {}
    for item in cases:
        reading = read(item)
        if item.name.startswith(LIVE_SERVERS) and ".before." not in item.name and isinstance(reading, Reading):
            for post in reading.posts if item.request.route in {"status", "object"} else ():
                if post.pointer == "/":
                    shown.setdefault(post.ref.id, {})[item.request.route] = post
    both = [routes for routes in shown.values() if len(routes) == 2]
    for routes in both:
        api, document = routes["status"], routes["object"]
        assert api.text == document.text
        assert api.posted_at[:19] == document.posted_at[:19]
        assert (api.warning, api.sensitive, len(api.media)) == (
            document.warning,
            document.sensitive,
            len(document.media),
        )
    assert len(both) > 20
    print(f"\n{len(both)} posts through both routes")


def test_forged_boosts_are_not_attributed(cases: list[Case], corpus: Path) -> None:
    by_name = {item.name: item for item in cases}
    boost = by_name["hollo/api.status.boost.json"]
    original = by_name["hollo/api.status.original.json"]
    wrapper, source = read(boost), read(original)
    assert isinstance(wrapper, Reading)
    assert isinstance(source, Reading)
    booster = json.loads(boost.answer.body)["account"]["acct"]
    assert [post.ref for post in wrapper.posts] == [source.posts[0].ref]
    assert [edge.target for edge in wrapper.edges if edge.kind is EdgeKind.REPOSTS] == [source.posts[0].ref]
    forged = read(by_name["hollo/ap.boost.json"])
    assert isinstance(forged, Reading)
    assert [(post.text, post.author) for post in forged.posts] == [(source.posts[0].text, None)]
    federated = json.loads((corpus / "fediverse/federated-copy/gts.search.hollo-boost.json").read_bytes())["statuses"][
        0
    ]
    copied = read(
        case("copy", "status", f"http://localhost:28081/api/v1/statuses/{federated['id']}", 200, "application/json",
             json.dumps(federated).encode())
    )  # fmt: skip
    assert isinstance(copied, Reading)
    assert [(post.author, post.ref.id == federated["uri"]) for post in copied.posts] == [(None, False)]
    for reading in (wrapper, forged, copied):
        assert not any(post.author and booster in post.author.id for post in reading.posts)
    given = (Answer(request=boost.request, status=200, headers=boost.answer.headers, body=boost.answer.body,
                    url=boost.answer.url),)  # fmt: skip
    assert fediverse.plan(boost.request.ref, given, Settings()) == (), "the API named the boost: no note is asked for"


def test_federated_copies_lead_to_their_originals(corpus: Path) -> None:
    files = sorted((corpus / "fediverse/federated-copy").glob("*.json"))
    for path in files:
        (status,) = json.loads(path.read_bytes())["statuses"]
        url = f"http://localhost:28081/api/v1/statuses/{status['id']}"
        item = case(path.name, "status", url, 200, "application/json", json.dumps(status).encode())
        reading = read(item)
        assert isinstance(reading, Reading)
        assert all(post.author is None for post in reading.posts)
        assert status["uri"] in [edge.target.id for edge in reading.edges if edge.kind is EdgeKind.RESOLVES_TO]
        assert [r.url for r in fediverse.plan(item.request.ref, (item.answer,), Settings())] == [status["uri"]]
    print(f"\n{len(files)} federated copies")


def test_no_recorded_answer_but_a_tombstone_or_410_says_deleted(cases: list[Case]) -> None:
    deleted = []
    for item in cases:
        reading = read(item)
        if isinstance(reading, Reading) and any(f.outcome is Outcome.DELETED for f in reading.findings):
            deleted.append(item)
    assert deleted
    assert all(item.answer.status == 410 for item in deleted), [item.name for item in deleted]


def test_quotes_of_every_dialect(cases: list[Case]) -> None:
    """Every recorded object with a quote field yields that field's address as an asserted edge."""
    fields_of_quotes = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")
    counted = 0
    for item in cases:
        document = (
            json.loads(item.answer.body) if item.request.route == "object" and item.answer.status == 200 else None
        )
        if not isinstance(document, dict) or document.get("type") != "Note":
            continue
        wanted = {document[key] for key in fields_of_quotes if document.get(key)}
        reading = read(item)
        assert isinstance(reading, Reading)
        found = {edge.target.id for edge in reading.edges if edge.kind is EdgeKind.QUOTES}
        assert wanted <= found
        counted += len(wanted)
    assert counted > 10
    print(f"\n{counted} quoted addresses")


def test_the_recorded_proof_verifies_and_its_tampered_copies_do_not(cases: list[Case]) -> None:
    by_name = {item.name: item for item in cases}
    item, actor = by_name["fedify/ap.create.with-integrity-proof.json"], by_name["fedify/ap.actor.json"]

    def verdict(body: bytes, key: bytes) -> list[bool | None]:
        came = Answer(request=item.request, status=200, headers=item.answer.headers, body=body, url=item.answer.url)
        said = []
        for request in fediverse.plan(item.request.ref, (came,), Settings()):
            reply = Answer(request=request, status=200, headers=actor.answer.headers, body=key, url=request.url)
            said += [found.valid for found in fediverse.parse(request, reply).proofs]
        return said

    assert verdict(item.answer.body, actor.answer.body) == [True]
    document = json.loads(item.answer.body)
    for path in (("object", "content"), ("object", "published"), ("proof", "created"), ("actor",)):
        changed = copy.deepcopy(document)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = place[path[-1]].replace("2", "3").replace("a", "e")
        assert True not in verdict(json.dumps(changed).encode(), actor.answer.body)


WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1.5,
    "",
    "x",
    [],
    {},
    ["x", 1],
    {"id": 1},
    {"type": ["Note"]},
    [[{"a": None}]],
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key != "@context":
            yield from paths(item, (*at, key))


def test_wrong_types_are_refused_with_a_pointer(cases: list[Case]) -> None:
    """Every value of every recorded answer is replaced, in turn, by wrong ones."""
    tried = refused = 0
    pointers: set[str] = set()
    for item in cases:
        if item.answer.status not in {200, 410}:
            continue
        try:
            document = json.loads(item.answer.body)
        except ValueError:
            continue
        for number, path in enumerate(paths(document)):
            for offset in range(3):
                wrong = WRONG[(number * 3 + offset + len(item.name)) % len(WRONG)]
                undo: tuple[Any, Any] | None = None
                if path:
                    place = document
                    for key in path[:-1]:
                        place = place[key]
                    undo = (place, place[path[-1]])
                    place[path[-1]] = wrong
                body = json.dumps(document if path else wrong).encode()
                answer = Answer(request=item.request, status=item.answer.status, headers=item.answer.headers, body=body,
                                url=item.answer.url)  # fmt: skip
                tried += 1
                try:
                    check(fediverse.parse(item.request, answer))
                except ParseError as error:
                    refused += 1
                    pointers.add(error.pointer)
                fediverse.plan(item.request.ref, (answer,), Settings())
                if undo is not None:
                    undo[0][path[-1]] = undo[1]
    assert tried > 10_000
    assert "" not in pointers, "a refusal names its place"
    print(f"\n{tried} answers with one wrong value: {refused} refused, {tried - refused} read")
