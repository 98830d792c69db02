"""Archives that attack their reader: no page lets anything through, and each page stays up."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.datasette_plugin import hostile
from tests.datasette_plugin.opening import METADATA, ONE, Room
from tests.datasette_plugin.walking import KINDS, Answer, Walk, walked

DESCRIBED = METADATA["databases"]["archive"]["tables"]
TABLES = sorted(name for name, table in DESCRIBED.items() if table.get("allow") is not False)
LARGEST = 4_000_000
"""Characters of one page."""
HARMLESS = re.compile(r"image/(?:png|jpeg|gif|webp|avif|bmp)|video/|audio/|application/(?:octet-stream|zip|json)")


@pytest.mark.parametrize(
    "html",
    [
        f"<p><{hostile.TAG}>", f"<script>{hostile.RUN}</script>", f"<p onclick='{hostile.RUN}'>", "<base href=x>",
        "<a href='javascript:x'>", "<a href=' java\nscript:x'>", "<img src='data:text/html,x'>", "<p>49qc-tpl",
        "<p>a\u202eb", "<svg><a xlink:href='javascript:x'></a></svg>",
    ],
)  # fmt: skip
def test_what_comes_through_is_seen(html: str) -> None:
    assert hostile.escapes(html, ours=True)


def test_what_is_escaped_is_none() -> None:
    fine = f"<p title='&lt;{hostile.TAG}&gt;'>&lt;script&gt;{hostile.RUN}<a href='/archive/-/home'>x</a><img src='/x'>"
    assert hostile.escapes(fine, ours=True) == []


@pytest.fixture(
    scope="module",
    params=["rows", *(pytest.param(name, marks=pytest.mark.heavy) for name in ("intake", "some-rows", "whole"))],
)
def attacked(request: pytest.FixtureRequest, db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Room on a hostile archive, where its links lead, and whether its rows still fit together."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "archive.db"
    if request.param == "intake":
        hostile.through_intake(db, path, folder / "seeds")
    else:
        hostile.attacked(db, path, whole=request.param == "whole", every=3 if request.param == "some-rows" else 1)
    room = Room(path)

    def get(address: str) -> Answer:
        found = room.get(address, follow_redirects=True)
        text = found.text if "html" in found.headers.get("content-type", "") else ""
        return Answer(found.status_code, found.headers.get("content-type", ""), text, found.url.path)

    yield room, walked(get, "archive", each=4), request.param
    room.close()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_comes_through_our_pages(attacked: Any, kind: str) -> None:
    room, walk, _ = attacked
    for address in walk.pages.get(kind, []):
        answer = room.get(address, follow_redirects=True)
        assert hostile.escapes(answer.text, ours=True) == [], address
        assert len(answer.text) < LARGEST, address
        form = address.replace("?", ".json?") if "?" in address else f"{address}.json"
        told = room.get(form, follow_redirects=True)
        assert "json" in told.headers["content-type"], form
        assert told.headers["x-content-type-options"] == "nosniff"


def test_our_pages_stay_up(attacked: Any) -> None:
    _, walk, name = attacked
    down = [one for one in walk.broken if re.search(r"\((?:5\d\d)\)", one)]
    assert name == "whole" or down == []


def test_streams_cannot_run(attacked: Any) -> None:
    room, walk, _ = attacked
    for address in walk.streams():
        answer = room.get(address)
        kind = answer.headers.get("content-type", "")
        assert answer.headers["x-content-type-options"] == "nosniff", address
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, address
        if not HARMLESS.match(kind):
            ran = [] if "sandbox" in policy or "html" not in kind else hostile.escapes(answer.text, ours=True)
            assert ran == [], address
        assert "svg" not in kind or "attachment" in answer.headers.get("content-disposition", ""), address


@pytest.mark.parametrize("table", TABLES)
def test_nothing_comes_through_datasettes_pages(attacked: Any, table: str) -> None:
    """Its pages of tables and rows, with our hooks in them."""
    room, _, name = attacked
    if name == "intake":
        pytest.skip("the rows hold less than those of the others")
    answer = room.get(f"/archive/{table}?_size=40")
    assert answer.status_code in (200, 400), table
    assert hostile.escapes(answer.text, ours=False) == [], table
    row = re.search(rf'href="(/archive/{table}/[^"?/]+)"', answer.text)
    if row:
        shown = room.get(row[1])
        assert shown.status_code < 500
        assert hostile.escapes(shown.text, ours=False) == [], row[1]


TYPED = [attack for attack in hostile.ATTACKS if isinstance(attack, str)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_address_says_comes_through_nowhere(room: Room, walk: Walk, kind: str) -> None:
    """Attacks in the address itself: in its parts, and in its arguments."""
    found = walk.pages.get(kind) or [f"/archive/-/{kind}"]
    plain = urlsplit(found[0]).path
    for attack in TYPED[:17]:
        typed = quote(attack, safe="")
        for address in (f"/archive/-/{kind}/{typed}", f"{plain}?q={typed}&at={typed}&after={typed}&{typed}=1"):
            answer = room.get(address, follow_redirects=True)
            assert answer.status_code < 500, address
            if "html" in answer.headers["content-type"]:
                assert hostile.escapes(answer.text, ours=True) == [], address


def test_no_query_takes_the_memory(room: Room) -> None:
    own = "/archive/-/query" if ONE else "/archive"
    asked = ("select zeroblob(300000000)", "select hex(zeroblob(200000000))", "select replace('x', 'x', zeroblob(9e7))")
    for sql in asked:
        answer = room.get(f"{own}.json", params={"sql": sql})
        assert answer.status_code == 400, sql
    long = room.get(f"{own}.json", params={"sql": "select printf('%.*c', 300000000, 'x')"})
    assert len(long.text) < 10_000


@pytest.mark.heavy
def test_ten_megabytes_and_a_hundred_thousand_edges(db: Path, tmp_path: Path) -> None:
    """One post with a text of 10 MB that 100,000 posts quote, and a document of 10 MB: each page is bounded."""
    path = tmp_path / "archive.db"
    shutil.copy(db, path)
    with closing(sqlite3.connect(path)) as connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        target, ref = connection.execute(
            "SELECT e.target, r.ref FROM edges e JOIN posts p ON p.id = e.target JOIN refs r ON r.id = p.id "
            "WHERE e.kind = 'quotes' ORDER BY e.id LIMIT 1"
        ).fetchone()
        first = connection.execute("SELECT max(id) + 1 FROM refs").fetchone()[0]
        made = range(first, first + 100_000)
        connection.executemany(
            "INSERT INTO refs (id, ref, platform, kind, remote_id) VALUES (?, ?, 'x', 'post', ?)",
            ((key, f"x:post:{key}", str(key)) for key in made),
        )
        connection.executemany(
            "INSERT INTO edges (kind, source, target, evidence, pinned, capture, pointer) "
            "VALUES ('quotes', ?, ?, 'asserted', '', 1, '')",
            ((key, target) for key in made),
        )
        large = "<script>window.__pwned=1</script> words and more words " * 190_000
        connection.execute("UPDATE posts SET text = ? WHERE id = ?", (large, target))
        connection.execute("UPDATE versions SET text = ? WHERE post = ?", (large, target))
        (sha256,) = connection.execute("SELECT sha256 FROM documents ORDER BY id LIMIT 1").fetchone()
        connection.execute("UPDATE documents SET text = text || ? WHERE sha256 = ?", (large, sha256))
        connection.commit()
    room = Room(path)
    try:
        for address in (
            f"/archive/-/post/{ref}", f"/archive/-/chain/{ref}", f"/archive/-/document/{sha256}", "/archive/-/home",
            "/archive/-/documents", "/archive/-/quotations", "/archive/-/search?q=words", "/archive/-/gone",
            f"/archive/-/cite/{ref}", f"/archive/-/bundle/{ref}", f"/archive/posts/{target}", "/archive/posts",
        ):  # fmt: skip
            answer = room.get(address, follow_redirects=True)
            assert answer.status_code in (200, 413), (address, answer.text[-600:])
            assert len(answer.text) < LARGEST or address.startswith("/archive/posts/"), (address, len(answer.text))
            assert hostile.escapes(answer.text, ours="/-/" in address) == [], address
    finally:
        room.close()
