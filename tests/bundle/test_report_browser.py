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
from browsing import Trap

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
    assert trap.of(b"example") == []


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


LEAK = (
    '<img src="http://leak.example/a"><link rel="stylesheet" href="http://leak.example/b"><iframe src="http://leak.example/c">'
    '</iframe><script src="http://leak.example/d"></script><style>body{background:url(http://leak.example/e)}</style>'
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    '<meta http-equiv="refresh" content="0;url=http://leak.example/f"><object data="http://leak.example/g"></object>'
)


@BOTH
def test_were_anything_to_slip_through_the_policy_would_stop_it(written: str, browse: Browse, trap: Trap) -> None:
    """Markup put into the page by force loads nothing and runs nothing; without the policy it would."""
    inside = LEAK.replace("<meta", "<x-meta")  # no policy stops a page from being left
    dom = browse(written.replace("<header>", f"{inside}<header>", 1))
    assert title(dom) == "Evidence of social posts"
    assert trap.of(b"leak.example") == []
    dom = browse(re.sub(r"<meta http-equiv=.*?>\n", "", written, count=1).replace("<header>", f"{inside}<header>", 1))
    assert title(dom) == "owned"
    assert trap.of(b"leak.example"), "the trap itself does not work"
