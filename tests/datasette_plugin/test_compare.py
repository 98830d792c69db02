"""Two versions of a post beside each other."""

import re
from pathlib import Path

import pytest

from archiver.datasette_plugin.places import encode
from archiver.datasette_plugin.post.differing import inline, sides
from archiver.quotes.between import between
from tests.datasette_plugin.looking import NASTY, Seen, post
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.test_post import MOSS, changed


def versions(room: Room) -> list[str]:
    return [version["sha256"] for version in room.json(post(MOSS, ".json"))["versions"]]


def compare(before: str, after: str, form: str = "") -> str:
    return f"/archive/-/compare/{encode(MOSS)}/{before}/{after}{form}"


def test_an_edit_is_shown_on_both_sides(room: Room) -> None:
    before, after = versions(room)[:2]
    page, found = room.text(compare(before, after)), room.json(compare(before, after, ".json"))
    changes = [(one["op"], one["before"]["text"], one["after"]["text"]) for one in found["differences"]]
    assert changes == [("replaced", "ten", "five"), ("replaced", "forty", "thirty five")]
    assert found["edit"]["shown_by"] == "marker"
    assert found["whole"] is True
    seen = Seen(page)
    assert "An edit: between 2026-03-16 09:00:23Z" in seen.text
    assert compare(after, before) in seen.links
    assert post(MOSS) in seen.links
    assert not seen.faults


def test_a_difference_between_routes_is_no_edit(room: Room) -> None:
    status, _, history = versions(room)[:3]
    found = room.json(compare(status, history, ".json"))
    assert found["edit"] is None
    assert found["routes_in_common"] == []
    assert found["same_words"] is True
    page = Seen(room.text(compare(status, history))).text
    assert "No edit between these two is shown. No route showed both" in page
    assert "The words are the same, to the letter" in page
    assert "its language" in page


def test_the_beginning_of_a_hash_is_enough(room: Room) -> None:
    before, after = versions(room)[:2]
    assert room.json(compare(before[:12], after[:12], ".json"))["before"]["sha256"] == before


@pytest.mark.parametrize(
    ("before", "status", "told"),
    [
        ("0" * 64, 404, "No version of"),
        ("zz", 400, "is no SHA-256"),
        ("1" * 7, 400, "is no SHA-256"),
        (encode(NASTY), 400, "is no SHA-256"),
    ],
)
def test_a_hash_that_no_version_has_is_told(room: Room, before: str, status: int, told: str) -> None:
    page = Seen(room.text(compare(before, versions(room)[0]), status))
    assert told in page.text
    assert not page.faults


def test_a_version_of_another_post_is_none_of_this(room: Room) -> None:
    other = room.json(post("x:post:2032522075960246272", ".json"))["versions"][0]["sha256"]
    assert "No version of" in room.text(compare(other, versions(room)[0]), 404)


def test_hostile_words_stay_words(db: Path, tmp_path: Path) -> None:
    hostile = Room(changed(db, tmp_path, ("UPDATE versions SET text = ?1 || id || ?1, lang = ?1", (NASTY,))))
    try:
        page = Seen(hostile.text(compare(*versions(hostile)[:2])))
        assert not page.faults
        assert "alert(1)" in page.text
    finally:
        hostile.close()


def plain(marked: str) -> str:
    """The words of a side without the labels for screen readers."""
    return re.sub(r"<[^>]+>", "", re.sub(r'<span class="sr"[^>]*>.*?</span>', "", marked))


def test_a_side_is_its_text() -> None:
    before, after = "The ferry leaves at ten & goes.", "The <b>ferry</b> leaves at five and goes."
    left, right = sides(before, after, between(before, after))
    assert plain(left) == "The ferry leaves at ten &amp; goes."
    assert plain(right) == "The &lt;b&gt;ferry&lt;/b&gt; leaves at five and goes."
    assert left.count("<del") >= 1
    assert right.count("<ins") >= 1


def test_both_in_one_leave_out_what_is_long_and_the_same() -> None:
    before = "start " + "same " * 1000 + "old " + "same " * 1000 + "end"
    told = inline(before, before.replace("old", "new"))
    assert len(plain(told)) < 1000
    assert "old" in told.split("<del>")[1]
    assert "new" in told.split("<ins>")[1]
    assert " … " in told


def test_many_differences_are_cut_and_counted() -> None:
    before = " ".join(f"a{n} same" for n in range(100))
    told = inline(before, before.replace("a", "b").replace("sbme", "same"), most=10)
    assert told.count("<del>") == 10
    assert "[90 more differences]" in told
