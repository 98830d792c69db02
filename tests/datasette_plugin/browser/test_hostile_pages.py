"""Hostile archives in Chromium: nothing in them runs, asks another host, or opens a dialog."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.datasette_plugin import hostile
from tests.datasette_plugin.browser.conftest import Site
from tests.datasette_plugin.browser.looking import Looked
from tests.datasette_plugin.browser.serving import served, walked_over

pytestmark = pytest.mark.heavy
TABLES = ("posts", "versions", "documents", "mentions", "media", "captures", "accounts", "refs", "matches", "gone")
PROVOKE = """
() => {
  for (const e of document.querySelectorAll("main *, table *")) {
    for (const kind of ["mouseover", "focus", "pointerenter", "load", "error", "toggle", "animationstart"]) {
      e.dispatchEvent(new Event(kind));
    }
  }
  for (const e of document.querySelectorAll("details")) e.open = true;
  return [typeof window.__pwned, document.querySelectorAll("qc-evil").length];
}
"""


@pytest.fixture(scope="module", params=["intake", "rows", "whole"])
def site(request: pytest.FixtureRequest, db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "archive.db"
    if request.param == "intake":
        hostile.through_intake(db, path, folder / "seeds")
    else:
        hostile.attacked(db, path, whole=request.param == "whole")
    with served(path) as base:
        yield Site(request.param, base, path.stem, walked_over(base, path.stem, each=2))


def test_nothing_runs(browser: Any, site: Site) -> None:
    own = [f"/{site.database}/{table}?_size=20" for table in TABLES] + [f"/{site.database}/posts/1", "/"]
    wrong = []
    looked = Looked(browser, site.base)
    try:
        for address in [*(path for found in site.walk.pages.values() for path in found), *own]:
            looked.open(address)
            ran, elements = looked.page.evaluate(PROVOKE)
            refused = [one for one in looked.complaints if "Content Security Policy" in one or "dialog" in one]
            asked = [one for one in looked.complaints if "another host" in one]
            if ran != "undefined" or elements or refused or asked:
                wrong.append(f"{address}: {ran} {elements} {refused} {asked}")
    finally:
        looked.close()
    assert not wrong, "\n".join(wrong)


def test_bytes_do_not_run(browser: Any, site: Site) -> None:
    """Whatever Chromium makes of an address of bytes: it keeps it as a file, or no script of it runs."""
    from playwright.sync_api import Error

    streams = ("blob", "thumb", "head", "gone.atom")
    found = [path for kind, paths in site.walk.other.items() if kind in streams for path in paths]
    assert found
    looked = Looked(browser, site.base)
    try:
        for address in found:
            try:
                looked.page.goto(site.base + address, wait_until="commit")
            except Error as error:
                if "Download is starting" not in str(error):
                    raise
                continue
            assert looked.page.evaluate("typeof window.__pwned") == "undefined"
        assert not [one for one in looked.complaints if "another host" in one or "dialog" in one]
    finally:
        looked.close()
