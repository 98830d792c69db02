"""The report of a bundle in a browser from file://: it checks what authors signed, and nothing leaves the page."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import signing

from tests.bundle import browsing

pytestmark = pytest.mark.heavy
Browse = Callable[[str], str]
BOTH = pytest.mark.parametrize("browser", ["chromium", "firefox"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("signed")
    signing.archived(folder)
    return (folder / "bundle/data/report.html").read_text("utf-8")


@pytest.fixture
def trap() -> Iterator[browsing.Trap]:
    made = browsing.Trap()
    yield made
    made.socket.close()


@pytest.fixture
def browse(tmp_path: Path, trap: browsing.Trap, browser: str) -> Browse:
    if not browsing.find(browser):
        pytest.skip(f"no {browser}")

    def browse(page: str) -> str:
        path = tmp_path / "report.html"
        path.write_text(page, "utf-8")
        return browsing.opened(browser, path, tmp_path / "profile", trap.port)

    return browse


def told(dom: str) -> list[str]:
    listed = re.search(r'<ul id="found">(.*?)</ul>', dom, re.S)
    assert listed
    return [html.unescape(line) for line in re.findall(r"<li[^>]*>(.*?)</li>", listed[1])]


def marks(dom: str) -> list[tuple[str, str, str]]:
    """The kind, the state and the words of each proof."""
    found = re.findall(
        r'<span class="proof" data-kind="([^"]+)".*?<span class="check" data-state="(\w+)">(.*?)</span>', dom, re.S
    )
    return [(kind, state, html.unescape(words)) for kind, state, words in found]


@BOTH
def test_it_checks_what_authors_signed(written: str, browse: Browse, trap: browsing.Trap) -> None:
    dom = browse(written)
    found = marks(dom)
    assert {(kind, state) for kind, state, _ in found} == {
        ("atproto-record", "held"), ("plc-log", "held"), ("fep-8b32", "held"), ("nostr-event", "held"),
        ("nostr-event", "refused"), ("atproto-absence", "held"),
    }, found  # fmt: skip
    words = {kind: said for kind, _, said in found}
    assert "whose tree holds the record bafy" in words["atproto-record"]
    assert "the account’s log names it since 2024-01-01T00:00:00.000Z" in words["atproto-record"]
    assert re.search(r"/users/ada#key signed the object$", words["fep-8b32"])
    assert re.search(r"\nHeld: \d+ proofs of authors are as they are told\n", "\n".join(told(dom)) + "\n")
    assert not any(line.startswith("WRONG") for line in told(dom))
    assert not [asked for asked in trap.asked if b"127.0.0.1" in asked or b"example" in asked]


def answer(page: str, mark: bytes) -> tuple[str, bytes]:
    """The block of a captured answer that holds some bytes, and the answer."""
    for block in re.findall(r'<script type="application/json" class="answer">.*?</script>', page):
        body = base64.b64decode(json.loads(block.partition(">")[2].rpartition("<")[0])["body"])
        if mark in body:
            return block, body
    raise AssertionError(mark)


def other_words(page: str) -> str:
    block, body = answer(page, b"I signed this note")
    changed = base64.b64encode(body.replace(b"I signed", b"I singed")).decode()
    return page.replace(block, block.replace(base64.b64encode(body).decode(), changed))


CHANGES: dict[str, tuple[Callable[[str], str], str, str]] = {
    "an answer": (other_words, "wrong", "its answer was changed"),
    "an answer left out": (
        lambda page: page.replace(answer(page, b"I signed this note")[0], ""),
        "unchecked",
        "not in this page: run verify.py",
    ),
    "the words that are shown": (
        lambda page: page.replace(
            f">{signing.SKY}</blockquote>", f">{signing.SKY.replace('June', 'July')}</blockquote>"
        ),
        "wrong",
        "the words that were signed are not among those shown here",
    ),
    "another post": (
        lambda page: re.sub(r'(data-kind="fep-8b32" data-ref="[^"]+)"', r'\g<1>9"', page),
        "wrong",
        "it is about something else than this post",
    ),
    "a refusal that is none": (
        lambda page: re.sub(r'(data-kind="atproto-record".*?data-valid=)"1"', r'\g<1>"0"', page),
        "wrong",
        "holds, though it is told to be refused",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("browser", ["chromium"])
def test_what_was_changed_is_told(written: str, browse: Browse, what: str) -> None:
    change, state, expected = CHANGES[what]
    page = change(written)
    assert page != written
    dom = browse(page)
    assert any(one == state and expected in words for _, one, words in marks(dom)), marks(dom)
    assert (f'<section id="checks" data-state="{state}"' in dom) or state == "unchecked"
