"""Candidates are a function of the texts that share keys with a quotation, found whatever else the archive holds."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from archiver.jobs.link import same_handle
from archiver.store import runs, schema
from archiver.store.archive import Archive, open_archive

WORDS = "the of and ferry harbour lantern tide is at lighthouse keeper sails every morning bridge to go un do"
EVERYTHING = 1_000_000


def made(path: Path) -> Archive:
    archive = open_archive(path / "archive.db", now="2024-01-01T00:00:00Z", origin="test.example/log")
    archive.db.execute("PRAGMA synchronous=OFF")
    archive.db.execute("PRAGMA foreign_keys=OFF")
    schema.create(archive.db)
    archive.db.execute("BEGIN")
    return archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = made(tmp_path)
    yield archive
    archive.db.execute("COMMIT")
    archive.close()


def post(
    archive: Archive, text: str, *, name: str = "", at: str = "", handle: str = "", platform: str = "x", of: int = 0
) -> int:
    """A version with one sighting, of a post of its own or `of` another's. `name` stands for ref and content."""
    name = name or text
    key = of or row(archive, "refs", ref=f"{platform}:post:{name}", platform=platform, kind="post")
    if not of:
        row(archive, "posts", id=key, platform=platform, handle=handle, posted_at=at)
    version = row(archive, "versions", post=key, sha256=name, text=text, posted_at=at)
    row(archive, "sightings", version=version, capture=version, handle=handle)
    runs.add_version(archive, version, text)
    return version


def row(archive: Archive, table: str, **values: object) -> int:
    """A row with nothing in the other columns."""
    needed = {c[1]: "" if c[2] == "TEXT" else 0 for c in archive.db.execute(f"PRAGMA table_info({table})") if c[3]}
    whole = needed | values
    marks = ", ".join("?" * len(whole))
    made = archive.db.execute(f"INSERT INTO {table} ({', '.join(whole)}) VALUES ({marks})", tuple(whole.values()))
    return int(made.lastrowid or 0)


def post_of(archive: Archive, version: int) -> int:
    return int(str(archive.value("SELECT post FROM versions WHERE id = ?", version)))


def words(count: int, seed: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS.split(), k=count))


def names(archive: Archive, versions: list[int]) -> list[str]:
    return [str(archive.value("SELECT sha256 FROM versions WHERE id = ?", version)) for version in versions]


# ---- both directions ----------------------------------------------------------------------------------------


def test_a_text_concerns_exactly_the_quotations_that_it_may_be_the_candidate_of(archive: Archive) -> None:
    texts = {n: words(1 + n % 23, n) for n in range(1, 150)}
    versions = {post(archive, text, name=f"{n} {text}"): text for n, text in texts.items()}
    quotations = {n: words(1 + n % 31, 1000 + n) for n in range(1, 150)}
    for mention, quoted in quotations.items():
        runs.add_mention(archive, mention, quoted)
    given = {
        (mention, version)
        for mention, quoted in quotations.items()
        for version in runs.versions_sharing(archive, quoted, EVERYTHING)
    }
    concerned = {
        (mention, version) for version, text in versions.items() for mention in runs.mentions_sharing(archive, text)
    }
    assert given == concerned
    assert 500 < len(given) < len(versions) * len(quotations)


def test_a_long_passage_is_bounded_and_both_directions_still_agree(archive: Archive) -> None:
    rng = random.Random(7)
    passage = " ".join(f"w{rng.randrange(10**9)}" for _ in range(100_000))  # a megabyte
    runs.add_mention(archive, 1, passage)
    assert archive.value("SELECT count(*) FROM _mention_runs") == runs.MOST_KEYS == len(runs.looked_up(passage))
    said = passage.split(" ")
    for start in range(0, 90_000, 900):
        post(archive, " ".join(said[start : start + 30]))
    given = set(runs.versions_sharing(archive, passage, EVERYTHING))
    rows = archive.all("SELECT id, text FROM versions")
    assert given == {row["id"] for row in rows if runs.mentions_sharing(archive, row["text"])}
    assert 0 < len(given) < len(rows)


def test_a_long_post_is_found_by_itself_and_by_a_part(archive: Archive) -> None:
    rng = random.Random(8)
    said = [f"word{rng.randrange(10**6)}" for _ in range(4000)]
    long = post(archive, " ".join(said))
    post(archive, " ".join(said[:40]))
    assert runs.versions_sharing(archive, " ".join(said), 1) == [long]
    assert long in runs.versions_sharing(archive, " ".join(said[1990:2005]), 1)


# ---- what is shared -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quoted",
    [
        "the ferry sails at seven every morning from the northern quay",
        "The ferry … northern quay",
        "the FERRY sails at noon",
        "The ferry leaves at seven every evening from the northern pier",
        "The xx sails at zz every morning yy the northern vv",
        "northern quay",
    ],
    ids=["whole", "elided to pairs", "short and altered", "altered", "every third word replaced", "two words"],
)
def test_altered_and_elided_quotations_find_their_original(archive: Archive, quoted: str) -> None:
    for n in range(40):
        post(archive, words(20, n).replace("ferry", "gull"), name=str(n))
    original = post(archive, "The ferry sails at seven every morning from the northern quay.")
    assert runs.versions_sharing(archive, quoted, 12)[:1] == [original]


def test_words_around_an_ellipsis_are_no_pair() -> None:
    apart, together = runs.runs_of("northern … lighthouse"), runs.runs_of("northern lighthouse")
    assert apart < together


def test_few_words_are_one_key_and_none_are_none(archive: Archive) -> None:
    assert [len(runs.runs_of(text)) for text in ("", "🎉", "go", "go to", "go to it", "lighthouse keeper")] == [
        0, 0, 1, 1, 1, 2
    ]  # fmt: skip
    short = post(archive, "Go!")
    post(archive, "go to the ferry")
    assert runs.versions_sharing(archive, "go", 12) == [short]
    assert runs.versions_sharing(archive, "🎉", 12) == []


def test_a_long_quotation_needs_two_shared_keys(archive: Archive) -> None:
    post(archive, "at the ferry of un do")
    assert runs.versions_sharing(archive, "at the ferry", 12)
    assert not runs.versions_sharing(archive, "at the ferry we saw no one we knew so we all went on to go by bus", 12)


# ---- order --------------------------------------------------------------------------------------------------


def test_the_answer_does_not_depend_on_the_order_of_arrival_nor_on_other_texts(archive: Archive) -> None:
    held = [
        ("a keeper of the ferry", "b", "2024-01-02T00:00:00Z"),
        ("one keeper of the ferry", "a", "2024-01-02T00:00:00Z"),
        ("keeper of the ferry at the bridge", "c", "2024-01-09T00:00:00Z"),
        ("no keeper of the ferry", "d", "2024-01-01T00:00:00Z"),
        ("that keeper of the ferry", "e", ""),
    ]
    for number, order in enumerate(permutations(held)):
        for table in ("refs", "posts", "versions", "sightings", "_version_runs"):
            archive.db.execute(f"DELETE FROM {table}")
        for n in range(number % 3):
            post(archive, f"other words entirely {n}")
        for text, name, at in order:
            post(archive, text, name=name, at=at)
        for limit in range(6):
            found = names(archive, runs.versions_sharing(archive, "keeper of the ferry at the bridge", limit))
            assert found == ["c", "d", "a", "b", "e"][:limit]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Many equals: 2,400 posts of 24 handles, some at one time, some without."""
    archive = made(tmp_path_factory.mktemp("crowd"))
    order = list(range(2400))
    random.Random(3).shuffle(order)
    for n in order:
        at = "" if n % 7 == 0 else f"2024-01-{1 + n % 25:02}T00:00:{n % 3:02}Z"
        server = "@one.example" if n % 48 > 23 else ""
        handle, platform = f"Handle{n % 24}{server}", "fediverse" if n % 5 == 0 else "x"
        post(archive, f"every morning {n}", name=f"{n:04}", at=at, handle=handle, platform=platform)
    yield archive
    archive.close()


@pytest.mark.parametrize("limit", [1, 12, 300, 2300, 2400, 5000])
@pytest.mark.parametrize(
    ("handle", "platform"),
    [("", ""), ("handle3", ""), ("handle3@two.example", ""), ("@HANDLE3@one.example", ""), ("", "x"),
     ("handle4", "fediverse"), ("nobody", ""), ("", "bluesky")],
)  # fmt: skip
def test_many_equals_are_ordered_and_narrowed_as_few_are(
    crowd: Archive, handle: str, platform: str, limit: int
) -> None:
    rows = crowd.all(
        "SELECT v.id, v.sha256, v.posted_at, p.handle, p.platform, r.ref FROM versions v JOIN posts p ON p.id = v.post "
        "JOIN refs r ON r.id = p.id"
    )
    wanted = [
        row for row in rows if (not handle or same_handle(handle, row["handle"])) and platform in ("", row["platform"])
    ]
    wanted.sort(key=lambda row: (row["posted_at"] == "", row["posted_at"], row["ref"], row["sha256"]))
    found = runs.versions_sharing(crowd, "every morning", limit, handle=handle, platform=platform)
    assert found == [row["id"] for row in wanted[:limit]]


def test_a_text_of_nothing_but_the_words_comes_before_earlier_ones_that_hold_more(archive: Archive) -> None:
    for n in range(20):
        post(archive, f"the ferry sails every morning as {n} said", at="2024-01-01T00:00:00Z")
    later = post(archive, "The ferry sails every morning! https://pictures.example/1", at="2024-02-01T00:00:00Z")
    latest = post(archive, "The ferry sails every morning", at="2024-03-01T00:00:00Z")
    assert runs.versions_sharing(archive, "The ferry sails every morning.", 3)[:2] == [later, latest]


# ---- narrowing ----------------------------------------------------------------------------------------------


def test_a_signature_narrows_before_the_limit(archive: Archive) -> None:
    for n in range(40):
        post(archive, f"the ferry sails at seven {n}", at="2024-01-01T00:00:00Z", handle="crowd")
    quiet = post(archive, "the ferry sails", at="2024-02-01T00:00:00Z", handle="Quiet")
    assert quiet not in runs.versions_sharing(archive, "the ferry sails at seven", 12)
    assert runs.versions_sharing(archive, "the ferry sails at seven", 12, handle="@quiet") == [quiet]
    assert runs.versions_sharing(archive, "the ferry sails at seven", 12, handle="quiet", platform="x") == [quiet]
    assert runs.versions_sharing(archive, "the ferry sails at seven", 12, handle="quiet", platform="bluesky") == []


@pytest.mark.parametrize("crowd", [0, 30], ids=["few of the handle", "many of the handle"])
def test_a_post_is_found_by_every_handle_that_it_was_seen_with(archive: Archive, crowd: int) -> None:
    for n in range(crowd):
        post(archive, f"something else {n}", handle="old")
    before = post(archive, "the ferry sails at seven", handle="old")
    after = post(archive, "the ferry sails at eight", handle="new", of=post_of(archive, before))
    stranger = post(archive, "the ferry sails at nine", handle="older")
    for handle in ("old", "new"):
        assert set(runs.versions_sharing(archive, "the ferry sails", 12, handle=handle)) == {before, after}
    assert set(runs.versions_sharing(archive, "the ferry sails", 12)) == {before, after, stranger}


HANDLES = ["ann", "Ann", "@ann", "ann@one.example", "ANN@one.example", "ann@two.example", "anna", "anna@one.example"]


@pytest.mark.parametrize("given", HANDLES)
def test_handles_are_the_same_here_as_for_a_signature(archive: Archive, given: str) -> None:
    held = [handle for handle in HANDLES if not handle.startswith("@")]
    versions = {
        post(archive, "the ferry sails", name=f"{n}", handle=handle, at="2024-01-01T00:00:00Z"): handle
        for n, handle in enumerate(held)
    }
    wanted = {version for version, handle in versions.items() if same_handle(given, handle)}
    assert set(runs.versions_sharing(archive, "the ferry sails", EVERYTHING, handle=given)) == wanted
    assert set(runs.versions_of_day(archive, "x", given, "2024-01-01", "2024-01-01")) == wanted


# ---- by day -------------------------------------------------------------------------------------------------


def test_versions_of_days_are_those_of_the_author_from_the_first_to_the_last(archive: Archive) -> None:
    day = {
        at: post(archive, f"said at {at}", at=at, handle="Ann")
        for at in ("2024-02-27T23:59:59Z", "2024-02-28T00:00:00Z", "2024-02-29T12:00:00.5Z", "2024-02-29T23:59:59Z",
                   "2024-03-01T00:00:00Z", "")
    }  # fmt: skip
    post(archive, "another handle", at="2024-02-29T12:00:00Z", handle="anne")
    post(archive, "another platform", at="2024-02-29T12:00:00Z", handle="ann", platform="bluesky")
    later = post(archive, "an edit", at="2024-02-28T00:00:00Z", of=post_of(archive, day["2024-02-28T00:00:00Z"]))
    first, second, third = (day[at] for at in sorted(day)[2:5])
    assert runs.versions_of_day(archive, "x", "ann", "2024-02-28", "2024-02-29") == [later, first, second, third]
    assert runs.versions_of_day(archive, "x", "@ANN", "2024-02-29", "2024-02-29") == [second, third]
    assert runs.versions_of_day(archive, "x", "ann", "2024-03-02", "2024-03-09") == []
    assert runs.versions_of_day(archive, "x", "ann", "2024-02-30", "no day") == []


def test_times_are_minutes_and_none_is_the_last() -> None:
    told = ["", "now", "2450000.5", "1969-12-31T23:59:59Z", "1970-01-01T00:01:59.999Z", "1970-01-01T02:00:00+02:00",
            "1970-01-01", "9999-12-31T23:59:59Z"]  # fmt: skip
    minutes = [runs.minute_of(at) for at in told]
    assert minutes[:7] == [runs.UNDATED] * 3 + [-1, 1, 0, 0]
    assert minutes[7] < runs.UNDATED


@pytest.mark.parametrize("handle", ["ann", "ann@one.example"])
def test_a_day_is_found_by_the_index(archive: Archive, handle: str) -> None:
    asked: list[str] = []
    archive.db.set_trace_callback(asked.append)
    runs.versions_of_day(archive, "x", handle, "2024-02-28", "2024-02-29")
    archive.db.set_trace_callback(None)
    plan = " ".join(row["detail"] for row in archive.db.execute(f"EXPLAIN QUERY PLAN {asked[0]}"))
    assert "posts_signed" in plan
    assert "SCAN p" not in plan


def test_the_indexes_are_dropped_with_the_tables(tmp_path: Path) -> None:
    archive = made(tmp_path)
    schema.drop(archive.db)
    left = {row[0] for row in archive.db.execute("SELECT name FROM sqlite_schema")}
    assert not {name for name in left if "runs" in name and not name.startswith("work")}
    with pytest.raises(sqlite3.OperationalError):
        runs.versions_sharing(archive, "the ferry sails", 1)
    archive.db.execute("ROLLBACK")
    archive.close()
