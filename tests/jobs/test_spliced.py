"""A quotation of several posts is told however many others hold its words here and there, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.jobs.config import Config
from archiver.jobs.rebuild import rebuild
from archiver.jobs.session import open_session
from archiver.platforms import all_platforms
from tests.jobs.histories import Pen, Toy

FIRST = "The mayor said at the opening that we will all remember this day at the harbour"
SECOND = "I told them on Monday that nobody in this town will have to pay for the ferry"
LEFT = "The mayor said at the opening that we will"
RIGHT = "will have to pay for the ferry"
SPLICE = f"{LEFT} {RIGHT.removeprefix('will ')}"
WORDS = SPLICE.split()


@pytest.fixture
def pen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pen]:
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    with open_session(tmp_path / "a.db", Config()) as opened:
        yield Pen(opened)
        assert rebuild(opened, check=True).differences == {}


def post(number: int, text: str, handle: str = "ada_example", at: str = "2024-10-28T10:00:00Z") -> dict[str, Any]:
    fields = {"ref": f"x:post:{1850800000000000000 + number}", "author": None, "text": text, "posted_at": at}
    return {**fields, "handle": handle, "name": handle}


def scraps(count: int, words: list[str], of: int = 9) -> list[str]:
    """Posts that hold many runs of three words, each somewhere else and none longer."""
    rng = random.Random(11)
    starts = range(len(words) - 2)
    return [
        " ".join(
            f"{' '.join(words[start : start + 3])} gull{n}x{start}" for start in sorted(rng.sample(starts, of), key=str)
        )
        for n in range(count)
    ]


def judged(pen: Pen, text: str, *crowd: dict[str, Any]) -> tuple[str, list[str]]:
    """The verdict on the only quotation of a document and, of a spliced one, the texts of its posts in order."""
    pen.answer({"posts": list(crowd)})
    pen.document(text)
    pen.settle()
    rows = pen.session.archive.all(
        "SELECT x.verdict, v.text FROM matches x LEFT JOIN versions v ON v.id = x.version ORDER BY x.mention, x.rank"
    )
    return rows[0][0], [row[1] for row in rows if row[0] == "spliced"]


def quoted(words: str) -> str:
    return f"Somebody wrote: “{words}”\n"


def signed(words: str, handle: str = "ada_example") -> str:
    return f"“{words}”\n— Some Name (@{handle}) October 28, 2024\n"


CROWD = [post(100 + n, text, "crowd", f"2023-01-01T{n // 60:02}:{n % 60:02}:00Z")
         for n, text in enumerate(scraps(300, WORDS))]  # fmt: skip
TWO = [post(1, FIRST), post(2, SECOND, "bob_example")]


@pytest.mark.parametrize("draft", [quoted, signed], ids=["unsigned", "signed"])
@pytest.mark.parametrize("crowd", [[], CROWD], ids=["alone", "in a crowd"])
def test_a_splice_is_told_however_many_posts_share_its_runs(pen: Pen, draft: Any, crowd: list[dict[str, Any]]) -> None:
    assert judged(pen, draft(SPLICE), *crowd, *TWO) == ("spliced", [FIRST, SECOND])


def test_a_splice_is_told_beside_an_author_who_posts_all_day(pen: Pen) -> None:
    day = [
        post(500 + n, f"Gulls over pier {n} again.", at=f"2024-10-28T09:{n % 60:02}:{n // 60:02}Z") for n in range(90)
    ]
    assert judged(pen, signed(SPLICE), *day, *TWO) == ("spliced", [FIRST, SECOND])


def test_a_splice_is_told_beside_long_versions_of_the_post_that_is_named(pen: Pen) -> None:
    """Texts that are too long for one search hide no other."""
    long = " ".join(f"gull{n}" for n in range(3500))
    for n in range(3):
        pen.answer({"posts": [post(3, f"{long} {n}")]})
    link = '<a href="https://twitter.com/ada_example/status/1850800000000000003">October 28, 2024</a>'
    embed = f'<blockquote class="twitter-tweet"><p>{SPLICE}</p>&mdash; A (@ada_example) {link}</blockquote>'
    assert judged(pen, embed, *TWO) == ("spliced", [FIRST, SECOND])


def test_the_earliest_of_those_that_hold_a_piece_is_named(pen: Pen) -> None:
    said = [*TWO, post(3, f"Hear, hear: {SECOND}", "cleo_example", "2024-10-27T10:00:00Z"), *CROWD]
    assert judged(pen, quoted(SPLICE), *said)[1] == [FIRST, f"Hear, hear: {SECOND}"]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_neither_the_order_of_arrival_nor_other_texts_change_it(pen: Pen, order: int) -> None:
    said = [*TWO, *CROWD]
    random.Random(order).shuffle(said)
    for n in range(0, len(said), 60):
        pen.answer({"posts": said[n : n + 60]}, route=f"part{n}")
    others = [post(900 + n, f"Nothing of the kind stands in post {n}, not one word in a row.") for n in range(order)]
    assert judged(pen, quoted(SPLICE), *others) == ("spliced", [FIRST, SECOND])


def test_a_splice_is_told_when_its_second_post_arrives_later(pen: Pen) -> None:
    assert judged(pen, quoted(SPLICE), *CROWD, TWO[0])[0] != "spliced"
    pen.answer({"posts": [TWO[1]]}, route="later")
    pen.settle()
    assert pen.session.archive.value("SELECT verdict FROM matches WHERE rank = 0") == "spliced"


# ---- what is no splice ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("draft", [quoted, signed], ids=["unsigned", "signed"])
@pytest.mark.parametrize(
    "words",
    [SPLICE.replace("opening", "closing"), SPLICE.replace("ferry", "bridge"), SPLICE.replace("have to", "never"),
     SPLICE.replace("we will have", "we will not have")],
    ids=["in the first", "at the end", "in the second", "between"],
)  # fmt: skip
def test_a_changed_word_in_a_part_makes_it_no_splice(pen: Pen, draft: Any, words: str) -> None:
    assert judged(pen, draft(words), *CROWD, *TWO)[0] in ("altered", "not-found")


@pytest.mark.parametrize("draft", [quoted, signed], ids=["unsigned", "signed"])
@pytest.mark.parametrize(
    ("words", "by_chance"),
    [
        (SECOND.replace("have to pay", "not have to pay"), "This town will not have to wait"),
        (SECOND.replace("nobody", "everybody"), "We hear on Monday that everybody in this town will dance"),
        (SECOND.replace("ferry", "bridge"), "Who is to pay for the bridge"),
        (SECOND.replace("I told", "They told"), "They told them on Monday that it rains"),
    ],
    ids=["put in", "replaced", "at the end", "at the beginning"],
)
def test_a_changed_word_that_another_post_holds_too_makes_no_splice(
    pen: Pen, draft: Any, words: str, by_chance: str
) -> None:
    other = post(7, by_chance, "cleo_example")
    assert judged(pen, draft(words), post(2, SECOND), other) == ("altered", [])


def test_a_part_with_a_changed_word_is_none_though_another_post_holds_it(pen: Pen) -> None:
    chance = post(7, "A closing that we saw, said at the closing that we dread", "cleo_example")
    words = SPLICE.replace("opening", "closing")
    assert judged(pen, quoted(words), *TWO, chance)[0] in ("altered", "not-found")


@pytest.mark.parametrize("crowd", [[], CROWD], ids=["alone", "in a crowd"])
def test_what_one_post_holds_whole_is_no_splice(pen: Pen, crowd: list[dict[str, Any]]) -> None:
    whole = post(8, f"As they say: {SPLICE}", "cleo_example", "2025-01-01T00:00:00Z")
    assert judged(pen, quoted(SPLICE), *crowd, *TWO, whole) == ("partial", [])
