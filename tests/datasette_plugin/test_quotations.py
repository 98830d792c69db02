"""The list of quotations: what is altered first, what it is narrowed to, how it goes on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archiver.datasette_plugin.quoting import choice
from archiver.datasette_plugin.quoting.coverage import SEVERITY
from archiver.quotes.meaning import VERDICTS
from tests.datasette_plugin.opening import Room
from tests.datasette_plugin.quoting import Written, change, changes, content, parsed, written

LIST = "/archive/-/quotations.json"


def verdicts(found: dict[str, Any]) -> list[str]:
    return [one["verdict"] for one in found["quotations"]]


def test_every_verdict_has_its_place_in_the_order() -> None:
    assert sorted(SEVERITY) == sorted(VERDICTS)
    assert SEVERITY[:2] == ("altered", "spliced")


def test_altered_comes_first_then_spliced_with_both_sides(room: Room) -> None:
    found = room.json(LIST)
    shown = verdicts(found)
    assert shown[:2] == ["altered", "spliced"]
    assert shown == sorted(shown, key=SEVERITY.index)
    assert sum(found["verdicts"].values()) == len(shown)
    tree = parsed(room.text("/archive/-/quotations"))
    cards = tree.css("section.qc-quote")
    assert len(cards) == len(shown)
    assert [content(node) for node in cards[0].css(".qc-text del")] == ["nineteen"]
    assert [content(node) for node in cards[0].css(".qc-text ins")] == ["ninety"]
    for one, card in zip(found["quotations"], cards, strict=True):
        assert one["words"] in content(card)
        assert f"at={one['start']}-{one['end']}#q-{one['start']}-{one['end']}" in (card.html or "")


def test_it_is_narrowed_by_what_was_changed(room: Room) -> None:
    altered = room.json(f"{LIST}?verdict=altered")
    assert verdicts(altered) == ["altered"]
    assert altered["kinds"]["change"] == {"replaced": 1}
    assert altered["kinds"]["flag"] == {"number-changed": 1}
    assert altered["kinds"]["platform"] == {"x": 1}
    assert altered["kinds"]["cut_off"] is False
    assert verdicts(room.json(f"{LIST}?change=replaced&flag=number-changed&platform=x&resolution=resolved")) == [
        "altered"
    ]
    for other in ("change=removed", "flag=bidi-override", "platform=nostr", "resolution=media-source"):
        found = room.json(f"{LIST}?verdict=altered&{other}")
        assert verdicts(found) == []
        assert "No quotation fits" in room.text(f"/archive/-/quotations?verdict=altered&{other}")
    assert set(verdicts(room.json(f"{LIST}?resolution=unresolved"))) == {"spliced", "not-found", "not-judged"}


def test_it_is_narrowed_to_an_author_whoever_holds_the_words(room: Room) -> None:
    assert verdicts(room.json(f"{LIST}?author=@Bo_of_Lanternwick"))[0] == "altered"
    cleo = room.json(f"{LIST}?author=cleo_of_lanternwick")  # nothing of hers was captured: the signature names her
    assert verdicts(cleo) == ["not-judged"]
    assert cleo["verdicts"] == {"not-judged": 1}
    assert verdicts(room.json(f"{LIST}?author=nobody")) == []


def test_it_is_narrowed_to_a_document(room: Room) -> None:
    everything = room.json(LIST)["quotations"]
    document = everything[0]["document"]
    found = room.json(f"{LIST}?document={document}")
    assert [one["passage"] for one in found["quotations"]] == [
        one["passage"] for one in everything if one["document"] == document
    ]
    assert verdicts(room.json(f"{LIST}?document={document}&verdict=spliced")) == ["spliced"]
    assert verdicts(room.json(f"{LIST}?document={document}&author=bo_of_lanternwick")) == ["altered"]
    room.text("/archive/-/quotations?document=" + "0" * 64, 404)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("verdict=wrong", 400), ("change=x", 400), ("flag=%22%3E", 400), ("platform=myspace", 400),
        ("resolution=x", 400), ("document=x", 400), ("after=x", 404), ("after=1.2.3", 404), ("after=a.9.9.9", 404),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(room: Room, arguments: str, status: int) -> None:
    room.text(f"/archive/-/quotations?{arguments}", status)
    assert room.json(f"{LIST}?{arguments}", status)["ok"] is False


@pytest.fixture(scope="module")
def many(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Room, str]]:
    """A document of 130 quotations of several verdicts, one of them behind ten thousand rows."""
    path = tmp_path_factory.mktemp("quotations") / "archive.db"
    with written(db, path) as archive:
        sha256 = fill(archive)
    opened = Room(path)
    yield opened, sha256
    opened.close()


def fill(archive: Written) -> str:
    spans = [(n * 10, n * 10 + 9) for n in range(130)]
    sha256 = archive.document("some text " * 130, spans)
    for n in range(130):
        verdict = ("exact", "altered", "partial", "spliced")[n % 4]
        changed = changes(change("removed", "", "words", 0, 0)) if n == 129 else "[]"
        archive.match(sha256, n, verdict, found_by=choice.FOUND_BY[n % 3], changes=changed)
        if n == 120:
            mention = archive.archive.value("SELECT max(mention) FROM matches")
            archive.execute(
                "INSERT INTO matches SELECT NULL, ?, 'altered', '', NULL, NULL, '[]', 0, j.value, 'target', '', '1', "
                "'', '', NULL, NULL, NULL, NULL, 'text', '1' FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL "
                f"SELECT value + 1 FROM n WHERE value < {choice.SCAN + 50}) SELECT value FROM n) j",
                mention,
            )
    return sha256


def walked(room: Room, arguments: str) -> tuple[list[dict[str, Any]], int]:
    """Every quotation of all pages of a choice, and how many pages there were."""
    seen: list[dict[str, Any]] = []
    after, pages = "", 0
    while pages == 0 or after:
        found = room.json(f"{LIST}?{arguments}&after={after}")
        seen += found["quotations"]
        after, pages = found["next"], pages + 1
        assert pages < 60
    return seen, pages


@pytest.mark.parametrize("narrow", [False, True])
def test_pages_go_through_all_of_them_once_and_in_order(many: tuple[Room, str], narrow: bool) -> None:
    room, sha256 = many
    seen, _ = walked(room, f"document={sha256}" if narrow else "")
    of_document = [one for one in seen if one["document"] == sha256]
    assert sorted(one["number"] for one in of_document) == list(range(1, 131))
    assert len({one["passage"] for one in seen}) == len(seen)
    order = [SEVERITY.index(one["verdict"]) for one in seen]
    assert order == sorted(order)
    assert sum(room.json(f"{LIST}?" + (f"document={sha256}" if narrow else ""))["verdicts"].values()) == len(seen)


def test_a_page_looks_through_so_many_and_the_next_goes_on(many: tuple[Room, str]) -> None:
    room, _ = many
    first = room.json(f"{LIST}?verdict=altered&change=removed")
    assert first["looked_through"] == choice.SCAN
    assert first["quotations"] == []
    page = room.text("/archive/-/quotations?verdict=altered&change=removed")
    assert "None of the 10,000 that were looked through here fits" in page
    assert "Next page" in page
    seen, pages = walked(room, "verdict=altered&change=removed")
    assert [one["number"] for one in seen] == [130]
    assert pages == 2


def test_queries_of_these_pages_are_served_by_indexes(many: tuple[Room, str]) -> None:
    room, sha256 = many
    path = str(room.datasette.databases["archive"].path)
    addresses = (
        "documents.json", "documents.json?collection=seeds", f"document/{sha256}.json?at=0-9",
        "quotations.json", "quotations.json?verdict=altered", "quotations.json?author=bo_of_lanternwick",
        f"quotations.json?document={sha256}&author=x", "quotations.json?verdict=altered&change=removed",
    )  # fmt: skip
    assert walks(path, "SELECT * FROM matches WHERE changes = :x", {"x": "1"}) == ["SCAN matches"]
    for address in addresses:
        for query in room.json(f"/archive/-/{address}")["queries"]:
            assert walks(path, query["sql"], query["parameters"]) == [], (address, query["name"])


def walks(path: str, sql: str, parameters: dict[str, object]) -> list[str]:
    """The steps of a plan that go through a whole table of the archive, but for those that hold a few rows."""
    with closing(sqlite3.connect(path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    made = [step.split()[1] for step in plan if step.startswith(("MATERIALIZE ", "CO-ROUTINE "))]
    small = ("collections", "tallies", "j", "(subquery-1)", *made)
    found = [step for step in plan if step.startswith("SCAN ") and step.split()[1] not in small]
    return [step for step in found if "USING COVERING INDEX documents_capture" not in step]
