"""replayweb.page shows the captures of a bundle as they came, and lets no page of them ask anybody else."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import browsing
import pytest
import replaying
from browsing import Trap, strangers
from replaying import Shown, replayed

from archiver.bundle import recorded, wacz
from archiver.bundle.spool import Spools
from archiver.custody import framing
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.model import Exchange, Ref, Request
from tests.bundle.leaving import House, flipped, judge

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not browsing.find("chromium"), reason="no chromium"),
    pytest.mark.skipif(not (replaying.PLAYER / "ui.js").exists(), reason="no replayweb.page: make judges"),
]
WHEN = "2026-02-03T04:05:06.000000Z"
POST = "https://social.lanternwick.example/api/v1/statuses/116215499980800000"
WORDS = "The ferry leaves at ten past and at forty past the hour, from the east steps."
SITE = "https://news.example"
LEAKS = (
    '<img src="https://leak.example/a.png"><script src="https://leak.example/b.js"></script>'
    '<link rel="stylesheet" href="https://leak.example/c.css"><iframe src="https://leak.example/d"></iframe>'
    "<style>p { background: url(https://leak.example/e) }</style>"
    "<script>fetch('https://leak.example/f'); new Image().src = 'https://leak.example/g';</script>"
)
PAGE = (
    f"<!doctype html><title>Ferry</title><p>The ferry of Tuesday leaves at noon.</p>{LEAKS}"
    f"<p id=told></p><script>fetch('{SITE}/told.json').then((one) => one.json())"
    ".then((one) => { document.getElementById('told').textContent = one.words; });</script>"
).encode()
LATE = "<!doctype html><title>Späte Fähre</title><p>Die späte Fähre fährt um zehn.</p>".encode()
TOLD = b'{"words": "The harbour master said so."}'


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.socket.close()


def message(kind: str, body: bytes, *more: str, chunked: bool = False) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {kind}", *more, "", ""]).encode()
    if not chunked:
        return head + body
    pieces = [body[at : at + 40] for at in range(0, len(body), 40)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def exchange(number: int, url: str, on_the_wire: bytes) -> Exchange:
    head, body, around = framing.split(on_the_wire)
    sha256 = hashlib.sha256(body).hexdigest()
    return Exchange(
        uid=f"01990000-0000-7000-8000-{number:012d}",
        request=Request(ref=Ref.parse(f"web:page:{url}"), route="page", url=url),
        url=url,
        started_at=WHEN,
        ended_at=WHEN,
        tier="wire",
        sent=f"GET {url} HTTP/1.1\r\n\r\n".encode(),
        response_head=head,
        framing=around,
        status=200,
        body=io.BytesIO(body),
        sha256=sha256,
        entity_sha256=sha256,
        size=len(body),
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages as they come: plain, compressed and in chunks, with what they load."""
    folder = tmp_path_factory.mktemp("pages")
    coded = ("Content-Encoding: gzip", "Transfer-Encoding: chunked")
    came = [
        (f"{SITE}/ferry", message("text/html", PAGE)),
        (f"{SITE}/late", message("text/html; charset=utf-8", gzip.compress(LATE, mtime=0), *coded, chunked=True)),
        (f"{SITE}/told.json", message("application/json", TOLD, f"Content-Length: {len(TOLD)}")),
    ]
    path = folder / "captures.wacz"
    with open_session(folder / "a.db", Config()) as session, Spools() as spools, path.open("wb") as file:
        exchanges = [exchange(number, url, data) for number, (url, data) in enumerate(came)]
        kept = [stored.id for one in exchanges for stored in session.evidence.record(one)]
        wacz.write(
            file,
            session.archive,
            kept,
            recorded.Held(blobs=recorded.array("q"), size=sum(one.size for one in exchanges), missing={}),
            spools=spools,
            origin="log.example",
            size=3,
            made=WHEN,
            tool="quotechain 0",
            title="Pages",
        )
    return path


def inside(shown: Shown) -> str:
    """The text of the replayed page alone."""
    return " ".join(re.findall(r"\[\[(.*?)\]\]", shown.text, re.S))


def test_a_captured_answer_is_replayed_as_it_came(tmp_path: Path, trap: Trap) -> None:
    house = House.build(tmp_path / "house")
    house.export("all.zip", collection="seeds")
    bag = house.unpacked("all.zip")
    rows = house.desk.rows(
        "SELECT c.url, b.sha256, b.size FROM captures c JOIN blobs b ON b.id = c.blob WHERE status = 200"
    )
    kept = {row["url"]: (200, row["size"], row["sha256"]) for row in rows if row["url"].startswith("https://social.")}
    assert len(kept) > 3
    absent = "https://nobody.example/"
    wacz = bag / "data/web/captures.wacz"
    shown = replayed(wacz, tmp_path / "b", trap.port, url=POST, expected=WORDS, wanted=[*kept, absent])
    assert WORDS in inside(shown)
    assert shown.bodies.pop(absent)[0] == 404
    assert shown.bodies == kept
    assert strangers(trap) == []


def test_captured_pages_are_replayed_and_ask_nobody_else(pages: Path, tmp_path: Path, trap: Trap) -> None:
    assert judge("wacz", "validate", "-f", pages)[0] == 0
    wanted = [f"{SITE}/ferry", f"{SITE}/late", f"{SITE}/told.json"]
    told = "The harbour master said so."
    shown = replayed(pages, tmp_path / "a", trap.port, url=wanted[0], expected=told, wanted=wanted)
    assert "The ferry of Tuesday leaves at noon." in inside(shown)
    assert told in inside(shown), "what the page loads by its script is replayed, too"
    assert {url: kept[1:] for url, kept in shown.bodies.items()} == {
        url: (len(body), hashlib.sha256(body).hexdigest()) for url, body in zip(wanted, (PAGE, LATE, TOLD), strict=True)
    }
    shown = replayed(pages, tmp_path / "b", trap.port, url=wanted[1], expected="Die späte Fähre")
    assert "Die späte Fähre fährt um zehn." in inside(shown)
    assert strangers(trap) == []


def test_the_player_lists_the_pages(pages: Path, tmp_path: Path, trap: Trap) -> None:
    shown = replayed(pages, tmp_path / "a", trap.port, url="", expected=f"{SITE}/late")
    assert all(f"{SITE}/{name}" in shown.text for name in ("ferry", "late"))


def test_the_trap_would_notice(pages: Path, tmp_path: Path, trap: Trap) -> None:
    leak = "http://leak.example/from-the-test"
    replayed(pages, tmp_path / "a", trap.port, url=f"{SITE}/ferry", expected="noon", leak=leak)
    assert strangers(trap) != []
    assert all(b"leak.example/from-the-test" in asked for asked in strangers(trap))


def test_the_player_checks_no_hash_but_others_do(pages: Path, tmp_path: Path, trap: Trap) -> None:
    """It shows changed words: its checks are off as it is served. So a web archive is judged by its bundle's manifest,
    and by `wacz validate`."""
    changed = tmp_path / "captures.wacz"
    changed.write_bytes(pages.read_bytes().replace(b"leaves at noon", b"leaves at moon"))
    shown = replayed(changed, tmp_path / "a", trap.port, url=f"{SITE}/ferry", expected="moon")
    assert "The ferry of Tuesday leaves at moon." in inside(shown)
    code, told = judge("wacz", "validate", "-f", changed)
    assert (code, "Validation succeeded" in told) != (0, True), told


@pytest.mark.parametrize("where", ["archive/captures.warc", "indexes/index.cdx", "pages/pages.jsonl", "datapackage"])
def test_a_flipped_byte_of_a_web_archive_is_refused(pages: Path, tmp_path: Path, where: str) -> None:
    data = pages.read_bytes()
    at = data.index(where.encode()) + 200
    changed = tmp_path / "captures.wacz"
    changed.write_bytes(flipped(data, at))
    code, told = judge("wacz", "validate", "-f", changed)
    assert (code, "Validation succeeded" in told) != (0, True), told
