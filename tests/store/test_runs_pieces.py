"""The posts that hold a quotation piece by piece are those that a search of all texts, word by word, would choose."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from archiver.store import pieces, runs
from archiver.store.archive import Archive
from tests.store.test_runs import EVERYTHING, made, names, post, words


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = made(tmp_path)
    yield archive
    archive.db.execute("COMMIT")
    archive.close()


def covering(archive: Archive, quoted: str, limit: int = 16, *, least: int = 4, handle: str = "") -> list[str]:
    return names(archive, pieces.versions_covering(archive, quoted, limit, least=least, handle=handle))


def searched(texts: dict[str, tuple[str, str]], quoted: list[str], least: int) -> list[str]:
    """The same by trying every run of every text (by name: its time and words)."""

    def reach(text: list[str], start: int) -> int:
        best = 0
        for at in range(len(text)):
            size = 0
            while text[at + size : at + size + 1] == quoted[start + size : start + size + 1] != []:
                size += 1
            best = max(best, size)
        return best

    ends = {
        name: [start + reach(text.split(), start) for start in range(len(quoted))] for name, (_, text) in texts.items()
    }
    found: list[str] = []
    place = 0
    while place < len(quoted):
        wanted = []
        for name, (at, _) in texts.items():
            for start in range(place + 1):
                end = ends[name][start]
                if end > place and end - start >= least:
                    wanted.append((-end, start, at == "", at[:16], at, name))
        if not wanted:
            place += 1
            continue
        best = min(wanted)
        found.append(best[-1])
        place = -best[0]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("least", [3, 4, 6])
def test_it_finds_what_a_search_of_every_text_finds(archive: Archive, least: int) -> None:
    rng = random.Random(least)
    quotations = [words(1 + n % 30, 5000 + n).split() for n in range(50)]
    texts: dict[str, tuple[str, str]] = {}
    for n in range(120):
        said = words(rng.randrange(1, 12), n).split()
        for _ in range(rng.randrange(3)):  # with stretches of quotations, some of them torn
            quoted = rng.choice(quotations)
            start = rng.randrange(len(quoted))
            said[len(said) // 2 : len(said) // 2] = quoted[start : start + rng.randrange(3, 12)]
        at = rng.choice(["", f"2024-01-0{1 + n % 5}T00:00:{n % 3:02}Z", f"2023-12-0{1 + n % 5}T00:00:00Z"])
        texts[f"{n:03}"] = at, " ".join(said)
    order = list(texts)
    rng.shuffle(order)
    for name in order:
        post(archive, texts[name][1], name=name, at=texts[name][0])
    found = [covering(archive, " ".join(quoted), EVERYTHING, least=least) for quoted in quotations]
    assert found == [searched(texts, quoted, least) for quoted in quotations]
    assert sum(map(len, found)) > 15
    assert max(map(len, found)) > 1


def test_who_holds_a_piece_is_concerned_by_a_new_text(archive: Archive) -> None:
    """What proposes a text for a splice also leads from the text to the quotation."""
    quotations = {n: words(4 + n % 40, 3000 + n) for n in range(1, 120)}
    for mention, quoted in quotations.items():
        runs.add_mention(archive, mention, quoted)
    texts = [words(20, 100 + n) + " " + quotations[1 + n % 119][:60] for n in range(150)]
    versions = {post(archive, text, name=f"{n}"): text for n, text in enumerate(texts)}
    concerned = {version: runs.mentions_sharing(archive, text) for version, text in versions.items()}
    given = [
        (mention, version)
        for mention, quoted in quotations.items()
        for version in pieces.versions_covering(archive, quoted, EVERYTHING, least=4)
    ]
    assert len(given) > 100
    assert all(mention in concerned[version] for mention, version in given)


def test_runs_of_three_that_stand_apart_are_no_piece(archive: Archive) -> None:
    torn = "keeper of the gull of the old gull the old bridge gull old bridge sails"
    post(archive, torn, name="torn", at="2020-01-01T00:00:00Z")
    quoted = "keeper of the old bridge sails"
    assert covering(archive, quoted) == []
    post(archive, f"A {quoted} on", name="whole", at="2024-01-01T00:00:00Z")
    assert covering(archive, quoted) == ["whole"]


def test_words_in_no_piece_are_left_out(archive: Archive) -> None:
    post(archive, "the ferry sails every morning", name="a")
    post(archive, "under the old bridge to town", name="b")
    assert covering(archive, "the ferry sails every morning gull gull under the old bridge") == ["a", "b"]
    assert covering(archive, "gull the ferry sails gull gull gull the old bridge gull") == []
    assert covering(archive, "") == covering(archive, "🎉") == covering(archive, "the ferry") == []


def test_one_post_that_holds_all_is_all(archive: Archive) -> None:
    quoted = "the ferry sails every morning under the old bridge to town"
    post(archive, "the ferry sails every morning under", name="a", at="2020-01-01T00:00:00Z")
    post(archive, "every morning under the old bridge to town", name="b", at="2020-01-01T00:00:00Z")
    assert covering(archive, quoted) == ["a", "b"]
    post(archive, f"so {quoted} again", name="whole", at="2024-01-01T00:00:00Z")
    assert covering(archive, quoted) == ["whole"]


def test_a_post_whose_piece_returns_is_named_once_and_the_limit_counts_pieces(archive: Archive) -> None:
    post(archive, "the ferry sails every morning", name="a")
    post(archive, "under the old bridge to town", name="b")
    quoted = "the ferry sails every morning under the old bridge to town the ferry sails every morning"
    assert covering(archive, quoted) == ["a", "b"]
    assert covering(archive, quoted, 1) == ["a"]
    assert covering(archive, quoted, 0) == []


def test_of_equals_the_earliest_and_none_by_arrival(archive: Archive) -> None:
    held = [
        ("b", "2024-01-02T00:00:30Z"),
        ("a", "2024-01-02T00:00:30Z"),
        ("c", "2024-01-02T00:00:10Z"),
        ("d", ""),
        ("e", "2024-01-03T00:00:00Z"),
    ]
    for order in permutations(held):
        for table in ("refs", "posts", "versions", "sightings", "_version_runs"):
            archive.db.execute(f"DELETE FROM {table}")
        for name, at in order:
            post(archive, f"{name} the ferry sails every morning {name}", name=name, at=at)
        assert covering(archive, "the ferry sails every morning") == ["c"]


def test_a_signature_narrows_it(archive: Archive) -> None:
    post(archive, "the ferry sails every morning to town", name="other", handle="Other")
    mine = post(archive, "now the ferry sails every day", name="mine", handle="Mine")
    quoted = "the ferry sails every morning to town"
    assert covering(archive, quoted) == ["other"]
    assert covering(archive, quoted, handle="@mine") == ["mine"]
    assert covering(archive, quoted, handle="nobody") == []
    assert pieces.versions_covering(archive, quoted, 9, least=4, handle="mine", platform="x") == [mine]
    assert pieces.versions_covering(archive, quoted, 9, least=4, handle="mine", platform="bluesky") == []


def test_a_passage_whose_keys_are_sampled_gives_nothing(archive: Archive) -> None:
    said = [f"word{n}" for n in range(3000)]
    post(archive, " ".join(said[:40]), name="part")
    assert covering(archive, " ".join(said[:900])) == ["part"]
    assert covering(archive, " ".join(said)) == []


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ("gull " * 2000, "gull " * 30),
        ("the ferry sails at {} " * 500, "the ferry sails at"),
        ("{} ".join(["the ferry", "ferry sails", "sails at", "the ferry sails"] * 300), "the ferry sails at the ferry"),
    ],
    ids=["one word", "one phrase", "phrases"],
)
def test_what_repeats_itself_is_bounded(archive: Archive, quoted: str, text: str) -> None:
    for n in range(600):
        post(archive, f"{text} {n}", name=f"{n:03}", at="2024-01-01T00:00:00Z")
    hostile = quoted.format(*range(2000))
    begin = time.process_time()
    assert covering(archive, hostile)[:1] in ([], ["000"])
    assert time.process_time() - begin < 5


def test_only_so_much_is_read(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    torn = "keeper of the gull of the old gull the old bridge gull old bridge sails"
    for n in range(9):
        post(archive, torn, name=f"torn{n}", at="2020-01-01T00:00:00Z")
    post(archive, "keeper of the old bridge sails", name="whole", at="2024-01-01T00:00:00Z")
    assert covering(archive, "keeper of the old bridge sails") == ["whole"]
    monkeypatch.setattr(pieces, "MOST_READ", 5 * (len(torn) + 30))
    assert covering(archive, "keeper of the old bridge sails") == []
