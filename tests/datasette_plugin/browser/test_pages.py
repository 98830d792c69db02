"""Each page of the reading room in Chromium, light and dark, from a phone to a wide screen, on two archives: that of
the demonstration, and that of `seeds/` where no host could be reached. Pictures stay in `build/screenshots`."""

from pathlib import Path
from typing import Any

import pytest

from tests.datasette_plugin.browser.conftest import Site
from tests.datasette_plugin.browser.looking import ROOT, SCHEMES, WIDTHS, Looked
from tests.datasette_plugin.opening import ONE
from tests.datasette_plugin.walking import KINDS

pytestmark = pytest.mark.heavy
PICTURES = ROOT / "build" / "screenshots" / ("datasette-1" if ONE else "datasette-0")
OWN = (
    "",
    "{database}",
    "{database}/posts",
    "{database}/posts?_facet=platform",
    "{database}/gone",
    "{database}/nothing",
)
"""Datasette's own pages: their colours are ours in the dark, their markup is Datasette's."""


@pytest.fixture(params=["demo", "seed"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(f"{request.param}_site")
    return found


def test_every_link_leads_somewhere(site: Site) -> None:
    assert site.walk.pages["home"]
    assert site.walk.broken == []


def test_every_kind_of_page_is_linked(demo_site: Site) -> None:
    assert set(KINDS) - set(demo_site.walk.pages) == set()


def sample(site: Site, kind: str) -> list[str]:
    """Two addresses of a kind of page: the first, and the one with the longest address."""
    found = site.walk.pages.get(kind, [])
    return list(dict.fromkeys([*found[:1], *sorted(found, key=len)[-1:]]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_holds_still_fits_and_can_be_used_by_all(axe: None, browser: Any, site: Site, kind: str) -> None:
    wrong: list[str] = []
    addresses = sample(site, kind)
    if not addresses:
        pytest.skip(f"the {site.name} archive has no page of this kind")
    for scheme in SCHEMES:
        for width in WIDTHS:
            if scheme == "dark" and width == 800:
                continue  # the same rules as at the other widths
            looked = Looked(browser, site.base, scheme=scheme, width=width)
            try:
                for number, address in enumerate(addresses):
                    looked.open(address)
                    found = looked.overflow() + looked.shifts()
                    if width != 800:
                        found += looked.axe()
                    if scheme == "light" and width != 800:
                        found += looked.keyboard()
                    found += looked.complaints
                    wrong += [f"{address} {scheme} {width}: {one}" for one in dict.fromkeys(found)]
                    looked.picture(PICTURES / f"{site.name}-{kind}-{number}-{scheme}-{width}.jpg")
            finally:
                looked.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_datasettes_own_pages_can_be_read(axe: None, browser: Any, demo_site: Site, scheme: str) -> None:
    wrong: list[str] = []
    more = [path.lstrip("/") for path in demo_site.walk.other["datasette"] if path.startswith(f"/{demo_site.database}")]
    for width in (360, 1400):
        looked = Looked(browser, demo_site.base, scheme=scheme, width=width)
        try:
            for number, path in enumerate(dict.fromkeys([*OWN, *more])):
                looked.open("/" + path.format(database=demo_site.database))
                found = looked.axe(only=("color-contrast",)) + [
                    one for one in looked.complaints if path != "{database}/nothing" or "404" not in one
                ]
                wrong += [f"{path} {scheme} {width}: {one}" for one in dict.fromkeys(found)]
                looked.picture(PICTURES / f"own-{number:02}-{scheme}-{width}.jpg")
        finally:
            looked.close()
    assert not wrong, "\n".join(wrong)


def test_the_keyboard_goes_through_the_room(browser: Any, demo_site: Site) -> None:
    looked = Looked(browser, demo_site.base)
    try:
        looked.open(f"/{demo_site.database}/-/home")
        for name in ("search", "documents", "quotations"):
            for _ in range(30):
                looked.page.keyboard.press("Tab")
                if (
                    looked.page.evaluate("document.activeElement.getAttribute('href')")
                    == f"/{demo_site.database}/-/{name}"
                ):
                    break
            with looked.page.expect_navigation():
                looked.page.keyboard.press("Enter")
            assert looked.page.url.endswith(f"/-/{name}")
        looked.page.evaluate("document.querySelector('.qc-skip').focus()")
        looked.page.keyboard.press("Enter")
        assert looked.page.evaluate("document.activeElement.id") == "content"
        assert looked.complaints == []
    finally:
        looked.close()


def test_pictures_are_kept(browser: Any, demo_site: Site, tmp_path: Path) -> None:
    looked = Looked(browser, demo_site.base)
    try:
        looked.open(f"/{demo_site.database}/-/home")
        looked.picture(tmp_path / "pictures" / "home.jpg")
        assert (tmp_path / "pictures" / "home.jpg").read_bytes().startswith(b"\xff\xd8")
    finally:
        looked.close()
