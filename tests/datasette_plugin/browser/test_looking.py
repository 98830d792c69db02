"""Each look at a page finds what it is for: pages that are wrong on purpose, each in one way."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.datasette_plugin.browser.looking import Looked

pytestmark = pytest.mark.heavy
HEAD = "<!doctype html><html lang=en><meta name=viewport content='width=device-width'><title>t</title><body><main>"
PAGES = {
    "fine": "<h1>A page</h1><p><a href=/fine>A link</a> and words</p>",
    "wide": "<div style='width:3000px'>wide</div>",
    "spills": "<p style='width:80px;white-space:nowrap'>words that do not fit into eighty pixels at all</p>",
    "svg": "<svg width=40 height=20><text y=15>words that leave the drawing</text></svg>",
    "shifts": "<div id=x></div><p>text</p><script>"
    "const painted = new PerformanceObserver(() => { x.style.height = '600px'; }); "
    "painted.observe({ type: 'paint', buffered: true })</script>",
    "pale": "<p style='color:#ccc;background:#fff'>pale words</p>",
    "unnamed": "<button></button><img src=/fine.png>",
    "trap": "<a href=/fine id=a>one</a> <a href=/fine>two</a><script>document.addEventListener('keydown', (e) => "
    "{ if (e.key === 'Tab') { e.preventDefault(); a.focus(); } })</script>",
    "jumps": "<a href=/fine tabindex=2>one</a> <a href=/fine tabindex=1>two</a>",
    "hidden": "<style>a:focus{outline:none}</style><a href=/fine>one</a>",
    "error": "<script>console.error('no')</script>",
    "throws": "<script>nothing()</script>",
    "missing": "<img alt=x src=/none.png>",
    "elsewhere": "<img alt=x src='http://evil.example/x.png'>",
    "asks": "<script>alert(1)</script>",
}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGES.get(self.path.lstrip("/"))
            self.send_response(404 if body is None else 200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((HEAD + (body or "")).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def looked(browser: Any, base: str) -> Iterator[Looked]:
    opened = Looked(browser, base, width=360)
    yield opened
    opened.close()


def test_a_page_that_is_fine_has_nothing(axe: None, looked: Looked) -> None:
    looked.open("/fine")
    found = looked.overflow() + looked.shifts() + looked.axe() + looked.keyboard() + looked.complaints
    assert [one for one in found if "favicon" not in one and "404 (Not Found)" not in one] == []


@pytest.mark.parametrize("name", ["wide", "spills", "svg"])
def test_what_does_not_fit_is_seen(looked: Looked, name: str) -> None:
    looked.open(f"/{name}")
    assert looked.overflow()


def test_what_moves_is_seen(looked: Looked) -> None:
    looked.open("/shifts")
    looked.page.wait_for_function("document.getElementById('x').style.height === '600px'")
    looked.page.evaluate("qcLook.settled()")
    looked.page.wait_for_function("qcLook.shifted()[0] > 0")
    assert looked.shifts()


@pytest.mark.parametrize("name", ["pale", "unnamed"])
def test_what_cannot_be_read_is_seen(axe: None, looked: Looked, name: str) -> None:
    looked.open(f"/{name}")
    assert looked.axe()


@pytest.mark.parametrize("name", ["trap", "jumps", "hidden"])
def test_what_the_keyboard_cannot_do_is_seen(looked: Looked, name: str) -> None:
    looked.open(f"/{name}")
    assert looked.keyboard()


@pytest.mark.parametrize(
    ("name", "said"),
    [("error", "console"), ("throws", "script"), ("missing", "404"), ("elsewhere", "another host"), ("asks", "dialog")],
)
def test_what_a_page_does_is_seen(looked: Looked, name: str, said: str) -> None:
    looked.open(f"/{name}")
    assert any(said in one for one in looked.complaints), looked.complaints
