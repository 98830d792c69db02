"""Search: what people type, what is found, what is told where nothing is, and how far one page looks."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from archiver.datasette_plugin.searching import snippets
from archiver.datasette_plugin.searching.terms import MOST, folded, parse
from archiver.store import runs
from tests.datasette_plugin import filling
from tests.datasette_plugin.filling import fill
from tests.datasette_plugin.opening import Room

PAYLOAD = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202eturned\x02mark\x03 {{7*7}} quagga'
TOKYO = "今日は東京タワーの近くで橋を見ました 🦡"
DEEP = "filler words " * 4000 + "the wombat stands here"


@pytest.fixture(scope="module")
def many(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The demonstration with posts of our own: many alike, hostile ones, and some in scripts without spaces."""
    path = tmp_path_factory.mktemp("search") / "archive.db"
    shutil.copy(db, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as sql:
        sql.execute("BEGIN")
        for n in range(120):
            text = f"the numbat looks at number {n}" + (" and a bilby" if n % 10 == 0 else "")
            day = f"2020-{n % 12 + 1:02}-0{n % 9 + 1}T10:00:00Z"
            handle = ("ada", "bo_b", "boxb", "Ada@a.example")[n % 4]
            outcome = ("live", "deleted", "live")[n % 3]
            more = {"handle": handle, "outcome": outcome, "posted_at": day}
            post = filling.post(sql, f"{('x', 'bluesky')[n % 2]}:post:{7000 + n}", text=text, **more)
            _version(sql, post, text)
        _version(sql, filling.post(sql, "x:post:8001", text=TOKYO, handle="tokyo"), TOKYO)
        evil = filling.post(sql, "x:post:8002", text=PAYLOAD, handle=PAYLOAD, name=PAYLOAD)
        _version(sql, evil, PAYLOAD)
        changed = filling.post(sql, "x:post:8003", text="we sold ninety boats", versions=2, edits=1)
        _version(sql, changed, "we sold nineteen zeppelins")
        _version(sql, changed, "we sold ninety boats")
        capture = sql.execute("SELECT min(id) FROM captures").fetchone()[0]
        for n, text in enumerate((DEEP, f"about {TOKYO}", PAYLOAD)):
            sha256 = f"{n:064x}"
            ref = fill(sql, "refs", ref=f"doc:document:{sha256}", platform="doc", kind="document", remote_id=sha256)
            more = {"title": f"{PAYLOAD} {n}", "media_type": "text/html", "characters": len(text)}
            fill(sql, "documents", id=ref, sha256=sha256, text=text, capture=capture, **more)
            place = fill(sql, "refs", ref=f"doc:passage:{sha256}:0-9", platform="doc", kind="passage", remote_id="0-9")
            fill(sql, "mentions", document=ref, ref=place, kind="passage", quoted=text[:300], handle=PAYLOAD)
        sql.execute("COMMIT")
    room = Room(path)
    yield room
    room.close()


def _version(sql: sqlite3.Connection, post: int, text: str) -> None:
    version = fill(sql, "versions", post=post, text=text, sha256=f"{post}:{text}")
    keys = runs.runs_of(text)
    rows = ((key, version, 0, len(keys)) for key in sorted(keys))
    sql.executemany("INSERT INTO _version_runs (run, id, minute, keys) VALUES (?, ?, ?, ?)", rows)


def ask(room: Room, **args: str) -> Any:
    return room.json(f"/archive/-/search.json?{urlencode(args)}")


def hits(room: Room, kind: str, **args: str) -> list[dict[str, Any]]:
    (section,) = ask(room, kind=kind, **args)["sections"]
    return list(section["hits"])


# ---- what people type -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "match", "signs"),
    [
        *(("bridge", '"bridge"', ()), ("swing bridge", '"swing" AND "bridge"', ()), ("don't", '"don\'t"', ())),
        *(('"swing bridge"', '"swing bridge"', ()), ("“swing bridge”", '"swing bridge"', ()), ("#NATO", '"#NATO"', ())),
        *(('"never closed', '"never closed"', ()), ("bri*", '"bri"*', ()), ("b*", '"b"', ()), ("*", "", ())),
        *(("https://x.com/a/1?b", '"https://x.com/a/1?b"', ()), ("NOT OR (", '"NOT" AND "OR"', ()), ('"', "", ())),
        *(("bridge -swing", '("bridge") NOT "swing"', ()), ("- bridge", '"bridge"', ()), ("-swing", "", ())),
        *(
            ("東京", "", ("東京",)),
            ("🌉 bridge", '"bridge"', ("🌉",)),
            ("iPhone手机", "", ("iPhone手机",)),
            ("--", "", ()),
        ),
        *(("bridge bridge", '"bridge"', ()), ("from:@ada bridge", '"bridge"', ()), ("a\x00b", '"a" AND "b"', ())),
    ],
)
def test_what_is_typed_becomes_terms(typed: str, match: str, signs: tuple[str, ...]) -> None:
    query = parse(typed)
    assert query.match() == match
    assert tuple(term.text for term in query.runs) == signs


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_nothing_that_is_typed_is_an_error_of_the_index(typed: str) -> None:
    query = parse(typed)
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.execute("CREATE VIRTUAL TABLE f USING fts5(text, handle, tokenize='unicode61')")
        if query.match():
            clean = query.match().encode("utf-8", "replace").decode("utf-8")
            sql.execute("SELECT * FROM f WHERE f MATCH ?", (f"{{text}} : ({clean})",)).fetchall()
    assert len(query.terms) <= MOST
    query.fits(typed)


WORDS = st.lists(st.sampled_from(["bridge", "Ferry", "CAFÉ", "don't", "x-ray", "naïve", "2026", "Ωmega"]), max_size=6)


@settings(max_examples=50)
@given(WORDS, WORDS)
def test_a_text_that_is_read_fits_where_the_index_says_so(held: list[str], sought: list[str]) -> None:
    query, text = parse(" ".join(sought)), " ".join(held)
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.execute("CREATE VIRTUAL TABLE f USING fts5(text, tokenize='unicode61')")
        sql.execute("INSERT INTO f VALUES (?)", (text,))
        if query.match():
            found = sql.execute("SELECT count(*) FROM f WHERE f MATCH ?", (query.match(),)).fetchone()[0]
            assert query.fits(text) == bool(found)


@given(st.text(max_size=60))
def test_folding_keeps_places(text: str) -> None:
    low, places = folded(text)
    assert len(low) == len(places)
    assert list(places) == sorted(places)
    assert all(0 <= place < len(text) for place in places)


@pytest.mark.parametrize(
    "typed",
    [
        "don't",
        "#NATO",
        "https://x.com/a/status/1",
        "*",
        '"',
        '"open',
        "a AND (",
        "NEAR(a b)",
        "東",
        "🌉",
        "-",
        "-a",
        "^a:b",
        "{text} : a",
        "\x00",
        "'; DROP TABLE posts",
        "a" * 3000,
        "(" * 500,
        "from:",
        "from:@",
        "since:never",
        "x" + "*" * 50,
        "\u202eabc",
        "platform:NOWHERE",
        "outcome:lost",
        "until:9999-99",
        "ref:that:is-none",
        "x:post:",
        "𞤀",
        "हिन्दी",
    ],
)
def test_whatever_people_type_is_answered(room: Room, typed: str) -> None:
    found = ask(room, q=typed)
    assert found["ok"] is True
    page = room.text(f"/archive/-/search?{urlencode({'q': typed})}")
    assert "qc-search" in page
    assert "\u202e" not in HTMLParser(page).css_first("title").text()


# ---- what is found ----------------------------------------------------------------------------------------------


def test_posts_documents_and_quoted_words_together(room: Room) -> None:
    found = {section["kind"]: section for section in ask(room, q="bridge")["sections"]}
    assert {kind: section["count"] for kind, section in found.items()} == {
        "posts": 10,
        "documents": 5,
        "quotations": 3,
        "versions": 0,
    }
    for section in found.values():
        for hit in section["hits"]:
            piece = hit["snippet"]
            assert [piece["text"][a:b].lower() for a, b in piece["marks"]], hit
            assert {piece["text"][a:b].lower() for a, b in piece["marks"]} == {"bridge"}


def test_the_page_shows_what_its_json_says(room: Room) -> None:
    found, page = ask(room, q="bridge"), HTMLParser(room.text("/archive/-/search?q=bridge"))
    assert [link.attributes["href"] for link in page.css(".qc-hit h3 a")] == [
        hit["url"] for section in found["sections"] for hit in section["hits"]
    ]
    marks = [mark.text() for mark in page.css(".qc-snippet mark")]
    assert len(marks) == sum(len(hit["snippet"]["marks"]) for part in found["sections"] for hit in part["hits"])
    assert page.css_first('input[name="q"]').attributes["value"] == "bridge"


def test_a_document_is_opened_where_the_words_stand(many: Room) -> None:
    (hit,) = hits(many, "documents", q="wombat")
    start, end = (int(one) for one in hit["url"].split("at=")[1].split("-"))
    assert DEEP[start:end] == "wombat"
    assert hit["snippet"]["more_before"] is True


def test_phrases_prefixes_and_words_left_out(many: Room) -> None:
    assert len(hits(many, "posts", q='"numbat looks at"')) == 25
    assert hits(many, "posts", q='"looks numbat"') == []
    assert len(hits(many, "posts", q="bilb*")) == 12
    assert hits(many, "posts", q="bil") == []
    assert len(hits(many, "posts", q="bilby -10")) == 11
    assert len(hits(many, "posts", q="BÍLBY")) == 12


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"q": "bilby", "platform": "bluesky"}, 0),
        ({"q": "bilby", "platform": "x"}, 12),
        ({"q": "bilby outcome:deleted"}, 4),
        ({"q": "bilby", "outcome": "deleted", "platform": "x"}, 4),
        ({"q": "bilby", "since": "2020-01", "until": "2020-01"}, 2),
        ({"q": "bilby since:2020-01-01 until:2020-01-01"}, 1),
        ({"q": "bilby", "until": "2019"}, 0),
        ({"q": "bilby", "since": "2020"}, 12),
        ({"q": "bilby from:@ada"}, 6),
        ({"q": "bilby", "author": "@ADA@a.example"}, 0),
        ({"q": "numbat number 3", "author": "ada@a.example"}, 1),
        ({"q": "bilby from:bo_b"}, 0),
        ({"q": "from:bo_b"}, 25),
        ({"q": "number 1 from:bo_b"}, 1),
        ({"q": "number 2 from:bo_b"}, 0),
        ({"outcome": "deleted", "platform": "bluesky", "since": "2020", "until": "2021"}, 20),
    ],
)
def test_filters(many: Room, args: dict[str, str], expected: int) -> None:
    assert len(hits(many, "posts", **args)) == expected


@pytest.mark.parametrize(
    "asked",
    [
        "kind=people",
        "sort=random",
        "platform=%3Cx%3E",
        "outcome=lost",
        "since=yesterday",
        "until=2026-02-30",
        "q=a&kind=posts&after=x:post:none",
        "q=a&kind=versions&after=x",
    ],
)
def test_a_field_that_cannot_be_meant_is_refused(room: Room, asked: str) -> None:
    assert room.json(f"/archive/-/search.json?{asked}", 400)["next"]


@pytest.mark.parametrize(("few", "scanned"), [(2000, 10_000), (5, 10_000), (5, 7)])
def test_each_way_to_filter_finds_the_same(many: Room, monkeypatch: pytest.MonkeyPatch, few: int, scanned: int) -> None:
    monkeypatch.setattr("archiver.datasette_plugin.searching.posts.FEW", few)
    monkeypatch.setattr("archiver.datasette_plugin.searching.posts.SCANNED", scanned)
    path = f"/archive/-/search.json?{urlencode({'q': 'numbat', 'kind': 'posts', 'outcome': 'deleted'})}"
    seen, limits = [], 0
    while path:
        (section,) = many.json(path)["sections"]
        seen += [hit["ref"] for hit in section["hits"]]
        limits += len(section["limits"])
        path = section["next"]
    assert len(seen) == len(set(seen)) == 40
    assert bool(limits) == (scanned == 7)


@pytest.mark.parametrize("sort", ["newest", "best"])
def test_pages_are_walked(many: Room, sort: str) -> None:
    path = f"/archive/-/search.json?q=numbat&kind=posts&sort={sort}"
    seen: list[str] = []
    while path:
        (section,) = many.json(path)["sections"]
        seen += [hit["ref"] for hit in section["hits"]]
        path = section["next"]
    assert len(seen) == len(set(seen)) == 120


def test_best_puts_what_fits_closely_first(many: Room) -> None:
    best = hits(many, "posts", q="numbat bilby", sort="best")
    assert len(best) == 12
    assert hits(many, "posts", q="numbat bilby")[0]["ref"] == "x:post:7110"
    assert best[0]["ref"] != "x:post:7110"


def test_words_that_a_post_has_no_more(many: Room) -> None:
    (hit,) = hits(many, "versions", q="zeppelins")
    assert hit["ref"] == "x:post:8003"
    assert hits(many, "posts", q="zeppelins") == []
    assert hits(many, "versions", q="sold") == []
    page = many.text("/archive/-/search?q=zeppelins")
    assert "Posts that do not read so any more" in page
    assert "nineteen <mark>zeppelins</mark>" in page


@pytest.mark.parametrize("typed", ["東京タワー", "東京", "橋", "🦡", "東京 橋", '"東京タワーの近く"'])
def test_scripts_without_spaces(many: Room, typed: str) -> None:
    assert [hit["ref"] for hit in hits(many, "posts", q=typed)] == ["x:post:8001"]
    assert len(hits(many, "documents", q=typed)) == 1
    assert len(hits(many, "quotations", q=typed)) == 1


@pytest.mark.parametrize("typed", ["東京橋", "大阪", "京東", "🌁", "東京 numbat"])
def test_characters_that_do_not_stand_together_are_not_found(many: Room, typed: str) -> None:
    assert hits(many, "posts", q=typed) == []


def test_how_far_letters_were_looked_for_is_told(many: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.datasette_plugin.searching.posts.LETTERS", 50)
    (section,) = ask(many, q="ß橋", kind="posts")["sections"]
    assert section["limits"] == ["Looked through the newest 50 posts: there may be more further back."]
    assert section["next"]
    assert "newest 50 posts" in many.text("/archive/-/search?kind=posts&q=" + quote("🦄"))


def test_facets_count_and_narrow(many: Room) -> None:
    found = ask(many, q="numbat")
    facets = {facet["name"]: {one["value"]: one for one in facet["values"]} for facet in found["facets"]}
    assert {value: one["n"] for value, one in facets["platform"].items()} == {"x": 60, "bluesky": 60}
    assert facets["outcome"]["deleted"]["n"] == 40
    assert facets["month"]["2020-01"]["n"] == 10
    for facet, value, count in (("platform", "x", 60), ("month", "2020-01", 10), ("handle", "boxb", 30)):
        narrowed = many.json(facets[facet][value]["url"].replace("/search?", "/search.json?"))
        assert {part["kind"]: part["count"] for part in narrowed["sections"]}["posts"] == count
    assert found["facets_over"] == 120


# ---- the thing itself -------------------------------------------------------------------------------------------


def test_an_address_or_a_ref_leads_to_the_thing(room: Room) -> None:
    for typed in (
        "https://x.com/ada_of_lanternwick/status/2032135780561846272",
        "x:post:2032135780561846272",
        "https://mobile.twitter.com/ada_of_lanternwick/status/2032135780561846272?s=20",
    ):
        thing = ask(room, q=typed)["thing"]
        assert (thing["state"], thing["ref"]) == ("here", "x:post:2032135780561846272"), typed
        assert thing["url"] == "/archive/-/post/x:post:2032135780561846272"
    page = room.text("/archive/-/search?q=x:post:2032135780561846272")
    assert "This is in the archive" in page
    assert "Nothing in this archive fits" not in page, "the thing itself does"


def test_what_was_never_captured_says_how_to(room: Room) -> None:
    typed = "https://x.com/nobody/status/1234567890123"
    thing = ask(room, q=typed)["thing"]
    assert (thing["state"], thing["ref"], thing["url"]) == ("unknown", "x:post:1234567890123", "")
    assert f"archiver run {typed}" in HTMLParser(room.text(f"/archive/-/search?{urlencode({'q': typed})}")).text()
    assert ask(room, q="bridge")["thing"] is None
    assert ask(room, q="two words")["thing"] is None


def test_a_handle_leads_to_its_accounts(room: Room) -> None:
    (account,) = ask(room, q="@ada_of_lanternwick")["accounts"]
    assert account["url"].startswith("/archive/-/thing/x:account:")
    assert ask(room, q="@nobody")["accounts"] == []


# ---- what is told -----------------------------------------------------------------------------------------------


def test_the_empty_page_explains_itself_with_what_is_here(room: Room) -> None:
    found = room.json("/archive/-/search.json")
    assert len(found["examples"]) == 6
    for example in found["examples"]:
        answer = room.json(example["url"].replace("/search?", "/search.json?"))
        assert any(section["hits"] for section in answer["sections"]), example
    page = room.text("/archive/-/search")
    assert all(quote(example["q"].split()[0].strip('"')[:4]) in page for example in found["examples"])


def test_no_results_say_what_was_searched_and_until_when(room: Room) -> None:
    page = HTMLParser(room.text("/archive/-/search?q=unheardof")).css_first("main").text()
    assert "Nothing in this archive fits" in page
    assert "2026-03-30" in page
    assert "says nothing of what exists elsewhere" in page


def test_hostile_words_stay_words(many: Room) -> None:
    page = many.text("/archive/-/search?q=quagga&sort=best")
    parsed = HTMLParser(page)
    kinds = [section.attributes["aria-labelledby"] for section in parsed.css("section[aria-labelledby]")]
    assert kinds == ["qc-posts", "qc-documents", "qc-quotations"]
    assert not parsed.css("main script, main img, [onerror]")
    assert "\u202e" not in page
    assert "U+202E" in page
    assert [mark.text() for mark in parsed.css(".qc-snippet mark")].count("quagga") == 3
    assert "mark" not in [mark.text() for mark in parsed.css(".qc-snippet mark")]
    again = many.text(f"/archive/-/search?{urlencode({'q': PAYLOAD, 'author': PAYLOAD})}")
    assert not HTMLParser(again).css("main script, main img, [onerror]")


@given(st.text(max_size=400), st.sampled_from(["a", "bridge", "é", "東", '"a b"', "a b c"]))
def test_a_snippet_is_a_piece_of_the_text_with_its_marks(text: str, typed: str) -> None:
    query = parse(typed)
    piece = snippets.snippet(query, text)
    assert text[piece["start"] :].startswith(piece["text"])
    assert piece["more_after"] == (piece["start"] + len(piece["text"]) < len(text))
    at = 0
    for start, end in piece["marks"]:
        assert at <= start < end <= len(piece["text"])
        at = end
    shown = HTMLParser(f"<p>{snippets.dressed(piece)}</p>")
    assert len(shown.css("mark")) == len(piece["marks"])


def test_whoever_may_not_see_the_archive_finds_nothing(db: Path) -> None:
    for metadata in ({"allow": False}, {"tables": {"mentions": {"allow": False}}}):
        closed = Room(db, metadata={"databases": {"archive": metadata}})
        try:
            assert closed.get("/archive/-/search?q=bridge").status_code == 403
            assert closed.get("/archive/-/search.json?q=bridge").status_code == 403
        finally:
            closed.close()
