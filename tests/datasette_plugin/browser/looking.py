"""What a page does in Chromium: each function gives a list of what is wrong with it, empty when nothing is.

Chromium is the system's own (`chromium` on the path): no browser is downloaded. It can reach loopback alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bundle import browsing

ROOT = Path(__file__).parents[3]
AXE = ROOT / ".venv-judges" / "axe-core" / "axe.min.js"
CHROMIUM = browsing.find("chromium")
WIDTHS = (360, 800, 1400)
SCHEMES = ("light", "dark")
TABS = 40
"""How many steps of the tab key are followed on one page."""

QUESTIONS = Path(__file__).with_suffix(".js")


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser. It knows no name but those of this machine."""
    from playwright.sync_api import sync_playwright

    rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", rules])
        try:
            yield browser
        finally:
            browser.close()


class Looked:
    """One page of the browser, and all that it complains of while it is open."""

    def __init__(self, browser: Any, base: str, *, scheme: str = "light", width: int = 1400) -> None:
        self.base = base
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.page.add_init_script(QUESTIONS.read_text("utf-8"))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("dialog", self._dialog)
        self.context.on("request", self._request)
        self.context.on("requestfailed", self._failed)
        self.context.on("response", self._response)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text[:300]}")

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message[:100]}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        found = urlsplit(request.url)
        if found.scheme not in ("data", "blob", "about") and f"{found.scheme}://{found.netloc}" != self.base:
            self.complaints.append(f"request to another host: {request.url[:200]}")

    def _failed(self, request: Any) -> None:
        if not (request.resource_type == "media" and "ERR_ABORTED" in (request.failure or "")):  # a video read in part
            self.complaints.append(f"failed request: {request.url[:200]} {request.failure}")

    def _response(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.url[:200]}")

    def open(self, path: str) -> None:
        self.complaints.clear()
        self.page.goto(self.base + path, wait_until="load")
        self.page.evaluate("qcLook.settled()")

    def overflow(self) -> list[str]:
        found: list[str] = self.page.evaluate("qcLook.overflow()")
        return found

    def shifts(self) -> list[str]:
        moved, what = self.page.evaluate("qcLook.shifted()")
        return [f"the layout shifts by {moved:.2f}: {what}"] if moved >= 0.1 else []

    def axe(self, *, only: tuple[str, ...] = ()) -> list[str]:
        """Findings of axe-core that it calls serious or critical."""
        self.page.evaluate(AXE.read_text("utf-8"))
        options: dict[str, object] = {"resultTypes": ["violations"]}
        if only:
            options["runOnly"] = {"type": "rule", "values": list(only)}
        found = self.page.evaluate("(options) => axe.run(document, options)", options)
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:160]} {_why(node)}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:4]
        ]

    def keyboard(self, most: int = TABS) -> list[str]:
        """The tab key stops at each thing that can be used, in the order of the page, and shows where it is."""
        stops = min(int(self.page.evaluate("qcLook.focusable()")), most)
        came: list[int] = []
        wrong: list[str] = []
        for _ in range(3 * stops + 5):
            if came and came[-1] >= stops - 1:
                break
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate("qcLook.focused()")
            if focused is None:
                break
            if focused["at"] < 0 or (came and focused["at"] == came[-1]):
                continue  # a region that scrolls, or a part of the same control
            came.append(focused["at"])
            if not focused["seen"]:
                wrong.append(f"no focus is seen on {focused['name']}")
        missed = [at for at in range(stops) if at not in came]
        if missed:
            first = self.page.evaluate("(at) => qcLook.named(at)", missed[0])
            wrong.append(f"the tab key does not stop at {first!r}, nor at {len(missed) - 1} more")
        if came != sorted(came):
            wrong.append(f"the tab key jumps about: {came}")
        return wrong

    def picture(self, to: Path, *, highest: int = 2600) -> None:
        """A screenshot of the whole page, of no more than `highest` pixels."""
        to.parent.mkdir(parents=True, exist_ok=True)
        size = self.page.evaluate("qcLook.size()")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], highest)}
        more = {"type": "jpeg", "quality": 60} if to.suffix == ".jpg" else {}
        self.page.screenshot(path=str(to), full_page=True, clip=clip, animations="disabled", **more)

    def close(self) -> None:
        self.context.close()


def _why(node: dict[str, Any]) -> str:
    messages = [check["message"] for part in ("any", "all", "none") for check in node[part]]
    return messages[0][:200] if messages else ""
