"""Pages of documents that were made for it: mentions in every position, hostile rows, megabytes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.datasette_plugin.quoting import layout, parts
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.quoting import Written, change, changes, content, dangers, parsed, text_of, written


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
