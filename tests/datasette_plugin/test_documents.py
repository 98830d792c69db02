"""Documents beside what they quote: parts and marks as pure functions, and what the pages say."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.datasette_plugin.quoting import highlight, layout, parts
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.quoting import Written, change, changes, content, dangers, parsed, text_of, written

PIECES = ("a", "word ", "\n", "\n\n", "x" * 900, "long line of words " * 40, "é", "‮", "<b>")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)
SPANS = st.lists(st.tuples(st.integers(-5, 60), st.integers(0, 60)), max_size=12)


# ---- pure -------------------------------------------------------------------------------------------------------


@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_parts_are_the_text_and_stay_small(text: str) -> None:
    found = []
    for number in range(1, parts.parts(len(text)) + 1):
        low, high = parts.window(number, len(text))
        found.append(parts.part(number, len(text), text[low:high]))
    assert found[0].start == 0
    assert found[-1].end == len(text)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(part.end - part.start <= parts.SIZE + parts.SLACK for part in found)


def test_a_part_ends_with_a_paragraph_where_one_ends_near() -> None:
    text = "x" * (parts.SIZE - 100) + "\n\n" + "y" * parts.SIZE
    low, high = parts.window(1, len(text))
    assert parts.part(1, len(text), text[low:high]).end == parts.SIZE - 98
    solid = "x" * (2 * parts.SIZE)
    assert parts.part(1, len(solid), solid[: parts.SIZE]).end == parts.SIZE


@given(TEXTS, SPANS)
@settings(max_examples=50, deadline=None)
def test_rows_are_the_text_and_hold_what_begins_in_them(text: str, spans: list[tuple[int, int]]) -> None:
    places = sorted((start, start + length) for start, length in spans)
    rows = parts.rows(text, places)
    assert "".join(text[row.start : row.end] for row in rows) == text
    assert [number for row in rows for number in row.begin] == list(range(len(places)))
    for row in rows:
        for number in row.begin:
            start, end = (min(max(at, 0), len(text)) for at in places[number])
            assert row.start <= start
            assert max(start, end) <= row.end


@given(st.text(max_size=60), SPANS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=4))
@settings(max_examples=80, deadline=None)
def test_what_is_marked_is_the_text(text: str, spans: list[tuple[int, int]], changed: list[tuple[int, int]]) -> None:
    places = [
        highlight.Place(
            start=start,
            end=start + length,
            number=str(number),
            href=f"#p-{number}",
            anchor=f"q-{number}",
            kind=highlight.WORST[number % 4],
            label="altered",
            changes=tuple((at, at + wide, "not in the post") for at, wide in changed) if number == 0 else (),
        )
        for number, (start, length) in enumerate(spans)
    ]
    shown = parsed(f'<div id="all">{highlight.highlighted(text, places)}</div>')
    node = shown.css_first("#all")
    assert node is not None
    assert content(node) == text
    numbers = [content(one) for one in shown.css("a.qc-at")]
    assert sorted(numbers) == sorted(str(number) for number in range(len(places)))
    assert not dangers(str(shown.html))


def test_the_worst_of_several_colours_what_they_share_and_each_has_its_number() -> None:
    places = [
        highlight.Place(start=0, end=9, number="1", href="#p-1", kind="good", label="exact"),
        highlight.Place(start=4, end=9, number="2", href="#p-2", kind="bad", label="altered"),
        highlight.Place(start=4, end=9, number="3", href="#p-3", kind="quiet"),
        highlight.Place(start=6, end=6, number="4", href="#p-4"),
    ]
    shown = str(highlight.highlighted("one two three", places))
    assert re.findall(r'<mark class="qc-m qc-(\w+)">', shown) == ["good", "bad", "bad"]
    assert re.findall(r">(\d)</a>", shown) == ["1", "2", "3", "4"]
    assert "Mention 2, altered" in shown


# ---- the demonstration ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shas(room: Room) -> dict[str, str]:
    """The documents of the demonstration by the end of their names."""
    return {
        re.split(r"[/]", one["name"])[-1]: one["sha256"] for one in room.json("/archive/-/documents.json")["documents"]
    }


def test_the_list_says_how_much_of_each_document_is_held(room: Room, shas: dict[str, str]) -> None:
    listed = {one["sha256"]: one for one in room.json("/archive/-/documents.json")["documents"]}
    bulletin = listed[shas["bulletin.txt"]]["coverage"]
    assert (bulletin["found"], bulletin["captured"], bulletin["open"], bulletin["worst"]) == (6, 3, 3, "altered")
    assert bulletin["open_by"] == {"unresolved": 3}
    notes = listed[shas["notes.md"]]["coverage"]
    assert (notes["gone"], notes["gone_by"]) == (2, {"deleted": 1, "not-found": 1})
    addresses = listed[shas["addresses.txt"]]["coverage"]
    assert (addresses["found"], addresses["captured"], addresses["known"], addresses["worst"]) == (5, 4, 1, "")
    page = room.text("/archive/-/documents")
    for one in listed.values():
        assert f'href="/archive/-/document/{one["sha256"]}"' in page
    assert "altered" in page


def test_the_list_is_paged_and_filtered(room: Room, shas: dict[str, str]) -> None:
    everything = [one["sha256"] for one in room.json("/archive/-/documents.json")["documents"]]
    after = room.json(f"/archive/-/documents.json?after={everything[1]}")["documents"]
    assert [one["sha256"] for one in after] == everything[2:]
    seeds = [one["sha256"] for one in room.json("/archive/-/documents.json?collection=seeds")["documents"]]
    assert shas["bulletin.txt"] in seeds
    assert shas["inspection"] not in seeds  # a page that was captured, which nobody gave
    assert room.json(f"/archive/-/documents.json?collection=seeds&after={seeds[-1]}")["documents"] == []
    room.text("/archive/-/documents?collection=none", 404)
    room.text("/archive/-/documents?after=" + "0" * 64, 404)


def test_a_misquoted_post_stands_beside_its_quotation_with_both_words_marked(room: Room, shas: dict[str, str]) -> None:
    page = room.text(f"/archive/-/document/{shas['bulletin.txt']}")
    tree = parsed(page)
    changed = [content(node) for node in tree.css(".qc-read del")]
    assert changed == ["nineteen"]
    card = tree.css_first("#p-226-379")
    assert card is not None
    assert [content(node) for node in card.css(".qc-text ins")] == ["ninety"]
    assert "says “nineteen” where the post says “ninety”" in content(card)
    assert "a number is among the changed words" in content(card)
    assert 'href="/archive/-/post/x:post:2032522075960246272"' in page
    there = tree.css_first("#q-226-379")
    assert there is not None
    assert there.attributes["href"] == "#p-226-379"
    assert card.css_first('a[href="#q-226-379"]') is not None
    assert text_of(page) == room.json(f"/archive/-/document/{shas['bulletin.txt']}.json")["part"]["text"]


def test_a_splice_stands_beside_every_post_that_it_was_made_of(room: Room, shas: dict[str, str]) -> None:
    card = parsed(room.text(f"/archive/-/document/{shas['bulletin.txt']}")).css_first("#p-380-557")
    assert card is not None
    assert [content(node).split(".")[0] for node in card.css(".qc-text")] == [
        "The town says that the bridge was inspected in January",
        "The harbour office holds no paper about any inspection this year",
    ]
    assert "part 1 of 2" in content(card)
    assert "part 2 of 2" in content(card)


def test_what_is_not_known_is_told_with_the_reason(room: Room, shas: dict[str, str]) -> None:
    tree = parsed(room.text(f"/archive/-/document/{shas['bulletin.txt']}"))
    card = tree.css_first("#p-799-928")
    assert card is not None
    told = content(card)
    assert "t.co/DemoPic99 was asked for 2 times: not-found (HTTP 404)" in told
    assert "2032607639761846272" in told  # where ids of that day begin
    assert "no post of @cleo_of_lanternwick of 2026-03-14 was captured" in told
    passage = tree.css_first("#p-1138-1246")
    assert passage is not None
    badge = passage.css_first(".qc-badge")
    assert badge is not None
    assert (content(badge), (badge.attributes["class"] or "").split()) == ("not-found", ["qc-badge", "qc-quiet"])


def test_edited_deleted_and_reposted_posts_are_told(room: Room, shas: dict[str, str]) -> None:
    notes = content(parsed(room.text(f"/archive/-/document/{shas['notes.md']}")).css_first("main"))  # type: ignore[arg-type]
    assert "the post is deleted" in notes
    assert "edited" in notes
    assert "it does not find the post, which does not say that it was deleted" in notes
    addresses = room.text(f"/archive/-/document/{shas['addresses.txt']}")
    assert "A repost of" in addresses


def test_damaged_encoding_is_told_with_its_repair(room: Room, shas: dict[str, str]) -> None:
    found = room.json(f"/archive/-/document/{shas['bulletin.txt']}.json")
    assert found["repairs_count"] == 1
    assert (found["repairs"][0]["before"], found["repairs"][0]["after"]) == ("đźŚ‰:", "🌉:")
    assert "encode:sloppy-windows-1250 decode:utf-8" in room.text(f"/archive/-/document/{shas['bulletin.txt']}")


def test_a_document_says_how_it_was_read_and_leads_on(room: Room, shas: dict[str, str]) -> None:
    sha256 = shas["bulletin.txt"]
    found, page = room.json(f"/archive/-/document/{sha256}.json"), room.text(f"/archive/-/document/{sha256}")
    assert found["document"]["media_type"] == "text/plain"
    assert [one["uid"] for one in found["captures"]] == [found["document"]["capture"]]
    for place in ("capture/" + found["document"]["capture"], "blob/" + sha256, f"bundle/doc:document:{sha256}"):
        assert f'href="/archive/-/{place}"' in page
    assert "This page as JSON" in page


def test_a_place_that_is_asked_for_is_in_view(room: Room, shas: dict[str, str]) -> None:
    base = f"/archive/-/document/{shas['bulletin.txt']}"
    card = parsed(room.text(f"{base}?at=226-379")).css_first("#p-226-379")
    assert card is not None
    assert "qc-here" in (card.attributes["class"] or "")
    anywhere = parsed(room.text(f"{base}?at=4-8"))
    asked = anywhere.css_first("#q-4-8")
    assert asked is not None
    assert "the place asked for" in (asked.attributes["aria-label"] or "")
    assert text_of(room.text(f"{base}?at=4-8")) == room.json(f"{base}.json")["part"]["text"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("at=9-4", 400), ("at=x", 400), ("at=1", 400), ("at=0-999999", 404), ("at=-1-2", 400), ("at=٣-٤", 400),
        ("part=2", 404), ("part=x", 400), ("part=-1", 400), ("from=7", 404), ("from=x", 400), ("list=x", 400),
    ],
)  # fmt: skip
def test_a_wrong_place_is_told(room: Room, shas: dict[str, str], arguments: str, status: int) -> None:
    room.text(f"/archive/-/document/{shas['bulletin.txt']}?{arguments}", status)
    assert room.json(f"/archive/-/document/{shas['bulletin.txt']}.json?{arguments}", status)["ok"] is False


def test_an_unknown_document_is_told(room: Room) -> None:
    assert "holds no document" in room.text("/archive/-/document/" + "0" * 64, 404)


# ---- documents that were made for it ----------------------------------------------------------------------------


@pytest.fixture
def made(db: Path, tmp_path: Path) -> Iterator[tuple[Written, Path]]:
    path = tmp_path / "archive.db"
    with written(db, path) as archive:
        yield archive, path


def opened(path: Path) -> Room:
    return Room(path)


def test_mentions_that_overlap_nest_and_are_equal_are_all_shown(made: tuple[Written, Path]) -> None:
    archive, path = made
    text = "One two three four five.\nSix seven eight.\n\nNine ten.\n"
    spans = [(0, 0), (0, 24), (4, 13), (8, 40), (14, 18), (14, 18), (43, 52), (len(text), len(text))]
    sha256 = archive.document(text, spans)
    archive.match(sha256, 2, "altered", changes=changes(change("added", "two", "", 0, 0)), quoted_start=0, quoted_end=9)
    room = opened(path)
    try:
        page = room.text(f"/archive/-/document/{sha256}")
        assert text_of(page) == text
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        for start, end in spans:
            assert f"q-{start}-{end}" in ids
            assert f"p-{start}-{end}" in ids
        assert "q-14-18-2" in ids
        assert [content(node) for node in parsed(page).css(".qc-read del")] == ["two"]
        assert "Not looked up yet" in page
    finally:
        room.close()


def test_a_long_document_is_shown_in_parts_that_together_are_it(made: tuple[Written, Path]) -> None:
    archive, path = made
    lines = [f"Line {n} of a text that nobody quotes, so that it grows and grows.\n" for n in range(700)]
    text = "".join(lines)
    spans = [(n * 300, n * 300 + 20) for n in range(len(text) // 300)] + [(parts.SIZE - 3000, parts.SIZE + 3000)]
    sha256 = archive.document(text, sorted(spans))
    room = opened(path)
    try:
        found = [room.text(f"/archive/-/document/{sha256}?part={n}") for n in (1, 2, 3)]
        assert "".join(text_of(page) for page in found) == text
        assert "Reaching into this part" in found[1]
        assert "Reaching into this part" not in found[0]
        assert f"Marked here are mentions 1 to {layout.CARDS}; in this part begin 1 to " in found[0]
        room.text(f"/archive/-/document/{sha256}?part=4", 404)
        first = room.json(f"/archive/-/document/{sha256}.json")
        assert len(first["mentions"]) == layout.CARDS
        assert len(first["list"]) == 50
        assert first["list_next"] == 51
        seen: list[int] = []
        for part in (1, 2, 3):
            at, last = 0, 1
            while at < last:
                more = f"&from={at + 1}" if seen and at else ""
                page = room.json(f"/archive/-/document/{sha256}.json?part={part}{more}")
                seen += [one["number"] for one in page["mentions"]]
                at, last = page["mentions_in_part"]["shown_last"], page["mentions_in_part"]["last"]
        assert seen == list(range(1, len(spans) + 1))
        far = room.json(f"/archive/-/document/{sha256}.json?at=44700-44720")
        assert far["part"]["number"] == 3
        assert far["part"]["start"] <= 44700 < far["part"]["end"]
        assert any(one["start"] == 44700 for one in far["mentions"])
        edge = first["part"]["end"]  # a part ends before its measure: what stands behind it is in the next
        assert room.json(f"/archive/-/document/{sha256}.json?at={edge}-{edge + 1}")["part"]["number"] == 2
    finally:
        room.close()


PAYLOAD = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}‮evil⁦"


def test_a_hostile_document_runs_nothing(made: tuple[Written, Path]) -> None:
    archive, path = made
    text = f"{PAYLOAD}\n\n“{PAYLOAD} and some more words to quote”\n\x07\u2028 \U000e0041"
    span = (text.index("“"), len(text) - 6)
    sha256 = archive.document(text, [span], title=PAYLOAD, lang=PAYLOAD)
    version = archive.archive.one("SELECT v.id, v.post FROM versions v ORDER BY v.id LIMIT 1")
    assert version is not None
    archive.match(
        sha256,
        0,
        PAYLOAD,
        flags=PAYLOAD,
        steps=PAYLOAD,
        omitted=PAYLOAD,
        reason=PAYLOAD,
        found_by=PAYLOAD,
        standard=PAYLOAD,
        version=version["id"],
        post=version["post"],
        changes=changes(change(PAYLOAD, PAYLOAD, PAYLOAD, 1, 0)),
        quoted_start=0,
        quoted_end=10**6,
        original_start=0,
        original_end=10**6,
    )
    archive.execute("UPDATE versions SET text = ?", PAYLOAD * 3)
    archive.execute(
        "UPDATE posts SET text = ?, handle = ?, name = ?, outcome = ?, url = 'javascript:alert(1)'", *[PAYLOAD] * 4
    )
    names = ("handle", "name", "day", "url", "platform", "kind", "markup")
    archive.execute(f"UPDATE mentions SET {', '.join(f'{name} = ?' for name in names)}", *[PAYLOAD] * len(names))
    archive.execute("UPDATE resolutions SET reason = ?, how = ?, id_low = ?, id_high = ?", *[PAYLOAD] * 4)
    archive.execute(
        "INSERT INTO resolutions (mention, status, how, id_low, id_high, reason) "
        "SELECT max(id), ?, ?, ?, ?, ? FROM mentions",
        *[PAYLOAD] * 5,
    )
    archive.execute("UPDATE repairs SET before = ?, after = ?, steps = ?", *[PAYLOAD] * 3)
    archive.execute("UPDATE collections SET name = ? WHERE name = 'made'", PAYLOAD)
    room = opened(path)
    try:
        assert dangers(f"<p onclick=x>{PAYLOAD}</p>") != []
        for address in (f"document/{sha256}", "documents", "quotations", f"quotations?document={sha256}"):
            page = room.text(f"/archive/-/{address}")
            assert dangers(page) == [], address
            assert "{{7*7}}" in page
            assert re.findall(".{180}\u202e", page) == [], address
            assert "49evil" not in page
        assert text_of(room.text(f"/archive/-/document/{sha256}")) == text
        for one in room.json("/archive/-/documents.json")["documents"]:
            assert dangers(room.text(f"/archive/-/document/{one['sha256']}")) == []
    finally:
        room.close()


@pytest.mark.parametrize("written_changes", ["", "no JSON", "{}", '[{"op": 1}]', "[1]", "[" * 5000, "null"])
def test_changes_that_are_none_are_told_as_not_listed(made: tuple[Written, Path], written_changes: str) -> None:
    archive, path = made
    sha256 = archive.document("Some words that somebody quotes here.", [(0, 30)])
    archive.match(sha256, 0, "altered", changes=written_changes)
    room = opened(path)
    try:
        shown = room.json(f"/archive/-/document/{sha256}.json")["mentions"][0]["compared"][0]
        assert shown["changes_listed"] is (written_changes == "{}")
        assert shown["changes"] == []
        assert ("too long or could not be read" in room.text(f"/archive/-/document/{sha256}")) is (
            written_changes != "{}"
        )
    finally:
        room.close()


def test_an_erased_document_says_that_it_was_erased(made: tuple[Written, Path]) -> None:
    archive, path = made
    archive.execute(
        "INSERT INTO erasures (uid, origin, leaf, at, who, what, sha256, reason) SELECT 'u', origin, idx, "
        "'2026-04-01T00:00:00Z', 'ada', 'doc:document:' || ?, ?, 'asked to' FROM log_leaf ORDER BY idx LIMIT 1",
        "e" * 64,
        "e" * 64,
    )
    room = opened(path)
    try:
        page = room.text("/archive/-/document/" + "e" * 64, 410)
        assert "erased on 2026-04-01" in page
        assert "asked to" in page
        assert room.json("/archive/-/document/" + "e" * 64 + ".json", 410)["ok"] is False
    finally:
        room.close()


def test_a_window_of_long_words_and_posts_is_shown_around_what_was_changed(made: tuple[Written, Path]) -> None:
    archive, path = made
    words = "said again and again " * 200 + "nineteen people " + "and so on " * 100
    sha256 = archive.document(words, [(0, len(words))])
    at = words.index("nineteen")
    version = archive.archive.one("SELECT v.id, v.post FROM versions v ORDER BY v.id LIMIT 1")
    assert version is not None
    there = "Before. " * 500
    archive.execute(
        "UPDATE versions SET text = ? WHERE id = ?", f"{there}ninety people{'. After' * 500}", version["id"]
    )
    archive.match(
        sha256, 0, "altered", version=version["id"], post=version["post"], quoted_start=at, quoted_end=at + 15,
        original_start=len(there), original_end=len(there) + 13,
        changes=changes(change("replaced", "nineteen", "ninety", at, len(there))),
    )  # fmt: skip
    room = opened(path)
    try:
        for address in (f"document/{sha256}", f"quotations?document={sha256}"):
            page = room.text(f"/archive/-/{address}")
            tree = parsed(page)
            assert [content(node) for node in tree.css(".qc-text ins")] == ["ninety"], address
            assert "nineteen" in [content(node) for node in tree.css("del")]
            assert len(page) < 100_000
        shown = room.json(f"/archive/-/document/{sha256}.json")["mentions"][0]
        assert len(shown["words"]) <= 1500
        assert len(shown["compared"][0]["text"]) <= 1500
        assert json.dumps(shown)
    finally:
        room.close()


def test_whoever_may_not_see_a_table_sees_no_page_that_reads_it(db: Path, shas: dict[str, str]) -> None:
    room = Room(db, metadata={"databases": {"archive": {"tables": {"mentions": {"allow": False}}}}})
    try:
        for address in ("documents", f"document/{shas['bulletin.txt']}", "quotations", "quotations.json"):
            assert room.get(f"/archive/-/{address}").status_code == 403, address
    finally:
        room.close()


# ---- megabytes --------------------------------------------------------------------------------------------------


@pytest.mark.heavy
def test_ten_megabytes_and_twenty_thousand_mentions_are_pages_of_kilobytes(made: tuple[Written, Path]) -> None:
    archive, path = made
    text = "Words upon words, of which some are quoted in places.\n" * 190_000
    spans = [(n * 500, n * 500 + 20) for n in range(20_000)] + [(0, len(text))]
    sha256 = archive.document(text, sorted(spans))
    for ordinal in (0, 1):
        archive.match(sha256, ordinal, "exact", quoted_start=0, quoted_end=len(text))
    room = opened(path)
    try:
        held = parts.parts(len(text))
        for arguments in ("", "part=2", f"part={held}", "at=5000000-5000020", f"at=0-{len(text)}", "list=19990"):
            page = room.text(f"/archive/-/document/{sha256}?{arguments}")
            assert len(page) < 400_000, arguments
            assert len(text_of(page)) <= parts.SIZE + parts.SLACK
        assert room.json(f"/archive/-/document/{sha256}.json?part=7")["carried"][0]["end"] == len(text)
        assert room.json(f"/archive/-/document/{sha256}.json")["coverage"]["found"] == len(spans)
        listed = room.json("/archive/-/documents.json")["documents"]
        assert next(one for one in listed if one["sha256"] == sha256)["coverage"] is None
        assert "its own page counts them" in room.text("/archive/-/documents")
        assert len(room.text(f"/archive/-/quotations?document={sha256}")) < 400_000
    finally:
        room.close()


@pytest.mark.heavy
def test_a_post_and_changes_of_megabytes_are_pages_of_kilobytes(made: tuple[Written, Path]) -> None:
    archive, path = made
    sha256 = archive.document("Some words that somebody quotes here. " * 1000, [(0, 37_000)])
    version = archive.archive.one("SELECT v.id, v.post FROM versions v ORDER BY v.id LIMIT 1")
    assert version is not None
    long = "m" * 10_000_000
    archive.execute("UPDATE versions SET text = ? WHERE id = ?", long, version["id"])
    archive.execute("UPDATE posts SET text = ? WHERE id = ?", long, version["post"])
    every = changes(*[change("replaced", "ab", "cd", n * 3, n * 3) for n in range(12_000)])
    few = changes(*[change("replaced", "ab", long[:1000], n * 3, 9_000_000) for n in range(60)])
    for rank, listed in enumerate((few, every)):
        archive.match(
            sha256, 0, "altered", rank=rank, version=version["id"], post=version["post"], changes=listed,
            quoted_start=0, quoted_end=37_000, original_start=9_000_000, original_end=10_000_000,
        )  # fmt: skip
    room = opened(path)
    try:
        for address in (f"document/{sha256}", "quotations", f"document/{sha256}.json", "quotations.json"):
            assert len(room.text(f"/archive/-/{address}")) < 600_000, address
        compared = room.json(f"/archive/-/document/{sha256}.json")["mentions"][0]["compared"]
        assert [one["changes_listed"] for one in compared] == [True, False]
    finally:
        room.close()
