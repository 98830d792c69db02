"""What stops a publication: altered and spliced words, and words under another author's name; and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from selectolax.lexbor import LexborHTMLParser

from archiver.cli import main
from archiver.jobs.checked import TELLING, Quotation
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.platforms import all_platforms
from archiver.quotes import shingles
from archiver.render.check import WARNED, print_check
from archiver.render.check_html import html_of
from archiver.render.check_told import problem
from tests.jobs.histories import Pen, Toy
from tests.render import reports

ADA = "Nobody was hurt when the old tower fell into the harbour on Monday."
BO = "Seven ships arrived before the storm began, and none of them was ours."
SHORT = "All seven ships are safe."
NOW = "2026-03-17T08:00:00.000Z"

Checker = Callable[..., Result]


def post(number: int, text: str, handle: str) -> dict[str, Any]:
    return {
        "ref": f"x:post:{1850800000000000000 + number}",
        "author": None,
        "text": text,
        "posted_at": "2024-10-28T10:00:00Z",
        "handle": handle,
        "name": handle.title(),
        "url": f"https://x.com/{handle}/status/{1850800000000000000 + number}",
    }


def signed(words: str, handle: str, link: int = 0) -> str:
    day = "October 28, 2024"
    if link:
        url = f"https://twitter.com/{handle}/status/{1850800000000000000 + link}"
        body = f'<p lang="en">{words}</p>&mdash; A Name (@{handle}) <a href="{url}">{day}</a>'
        return f'<blockquote class="twitter-tweet">{body}</blockquote>\n'
    return f"> {words}\n>\n> — A Name (@{handle}) {day}\n"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checker:
    """Checks a text against the posts of two people."""
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    db = tmp_path / "a.db"
    with open_session(db, Config()) as session:
        pen = Pen(session)
        pen.answer({"posts": [post(1, ADA, "ada_example"), post(2, BO, "bo_example"), post(3, SHORT, "bo_example")]})
        pen.settle()

    def checked(text: str, *options: str | Path) -> Result:
        (tmp_path / "draft.md").write_text(text, "utf-8")
        arguments = ["check", str(tmp_path / "draft.md"), "--db", str(db), *map(str, options)]
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    return checked


def test_words_under_another_authors_name_stop_the_press(check: Checker) -> None:
    for text in (signed(BO, "ada_example"), signed(BO, "nobody_example"), signed(BO, "ada_example", link=2)):
        result = check(text, "--json")
        told = json.loads(result.stdout)
        assert (result.exit_code, told["unfaithful"], told["misattributed"]) == (8, False, True), text
        out = check(text).stdout
        assert "Another author's words (1):" in out
        assert "found only in posts of @bo_example" in out


@pytest.mark.parametrize(
    "text",
    [
        signed(BO, "bo_example"),
        signed(BO, "Bo_Example"),
        signed(BO, "bo_example", link=2),
        f"Somebody wrote: “{BO}”\n",
        signed(SHORT, "ada_example"),  # others may have said as much and were not captured
        signed("The moon above the old mill is not for sale this week at all.", "ada_example"),
    ],
)
def test_what_names_the_author_or_none_or_is_not_found_does_not(check: Checker, text: str) -> None:
    result = check(text, "--json")
    assert (result.exit_code, json.loads(result.stdout)["misattributed"]) == (0, False)


def test_it_stays_one_bit_with_an_altered_quotation(check: Checker) -> None:
    result = check(
        signed(BO, "ada_example") + "\n\n" + signed(ADA.replace("Nobody", "Everybody"), "ada_example"), "--json"
    )
    told = json.loads(result.stdout)
    assert (result.exit_code, told["unfaithful"], told["misattributed"]) == (8, True, True)


def test_who_else_may_be_the_author_is_no_misattribution() -> None:
    """Of several posts that hold the words one is of the author named; or two names are one post's for a reason."""
    held = reports.of_another()
    assert held.misattributed
    (only,) = held.compared
    own = replace(only, flags=(), handle="ada_of_lanternwick", post="x:post:7")
    innocent: dict[str, Quotation] = {
        "another post is of the author": replace(held, compared=(only, own)),
        "no author is named": replace(held, handle=""),
        "spoken words": replace(held, standard="speech"),
        "a copy on another server": replace(held, compared=(replace(only, flags=("author-differs", "copy")),)),
        "words that begin with RT": replace(held, compared=(replace(only, steps=("repost-mark",)),)),
        "the address of a repost": replace(held, post="x:repost:20"),
        "the day alone differs": replace(held, compared=(replace(only, flags=("day-differs",)),)),
        "nothing is compared": replace(held, compared=()),
        "no post is quoted faithfully": replace(held, compared=(replace(only, faithful=False),)),
        "few words, found by themselves": replace(held, words="The gulls of the quay have been"),
    }
    for why, quotation in innocent.items():
        assert not quotation.misattributed, why
    assert len(shingles.words(innocent["few words, found by themselves"].words)) == TELLING - 1
    named = replace(only, found_by="target")
    assert replace(innocent["few words, found by themselves"], compared=(named,)).misattributed


def test_all_of_them_are_told_and_not_among_what_is_only_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    many = reports.one_file(*(reports.of_another(line=n + 1) for n in range(WARNED + 30)), reports.altered(line=900))
    print_check(many, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    at = lines.index(f"Another author's words ({WARNED + 30}):")
    sentence = "exact: signed to @ada_of_lanternwick, found only in posts of @bo_of_lanternwick"
    assert lines[at + 1 : at + WARNED + 31] == [f"  article.md:{n + 1}:2 {sentence}" for n in range(WARNED + 30)]
    assert not any(line.startswith("To look at") and f"({WARNED + 30})" in line for line in lines)


def test_the_page_says_whose_words_they_are() -> None:
    tree = LexborHTMLParser(html_of(reports.one_file(reports.of_another(), reports.altered()), made_at=NOW))
    sentence = "signed to @ada_of_lanternwick, found only in posts of @bo_of_lanternwick"
    assert [node.text() for node in tree.css("nav h3")] == ["Altered or put together (1)", "Another author’s words (1)"]
    assert sentence in tree.css_first("nav").text(deep=True)
    assert sentence in tree.css("article")[0].text(deep=True)
    assert "1 names another author than the posts that hold its words." in tree.css_first(".result").text(deep=True)


def test_a_page_replaces_a_page_and_nothing_else(check: Checker, tmp_path: Path) -> None:
    """The draft itself, the archive and anybody's file stay what they are; and what was found is told all the same."""
    page, text = tmp_path / "page.html", signed(ADA.replace("Nobody", "Everybody"), "ada_example")
    assert check(text, "--html", page).exit_code == 8
    page.write_text(page.read_text("utf-8").replace("Everybody", "Somebody"), "utf-8")
    assert check(text, "--html", page).exit_code == 8
    assert "Everybody" in page.read_text("utf-8")
    (tmp_path / "mine.html").write_text("<!doctype html>\n<title>Mine</title>", "utf-8")
    for name in ("draft.md", "a.db", "mine.html"):
        before = (tmp_path / name).read_bytes()
        result = check(text, "--html", tmp_path / name)
        assert result.exit_code == 8 | 2, name
        assert "no page of an earlier check, so it is not replaced. Give --html another name" in result.stderr
        assert "article" not in result.stderr
        assert "Everybody" in result.stdout
        assert (tmp_path / name).read_bytes() == (text.encode() if name == "draft.md" else before)
    assert check(text, "--html", "/dev/null").exit_code == 8
    assert sorted(item.name for item in tmp_path.iterdir() if item.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("none/page.html", "the folder of this page does not exist. Make it"), ("draft.md/x.html", "cannot be written")],
)
def test_a_page_that_cannot_be_written_is_refused_with_the_next_step(
    check: Checker, tmp_path: Path, name: str, says: str
) -> None:
    result = check(signed(ADA, "ada_example"), "--html", tmp_path / name)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"archiver: {tmp_path / name}: ")
    assert says in result.stderr
    assert "exact" in result.stdout


DAMAGED = {
    "empty.md": (b"", "empty: nothing to check. Give a file that holds the text"),
    "white.md": (b"\xef\xbb\xbf \n", "nothing to check"),
    "noise.txt": (bytes(range(1, 9)) * 90, "binary data, not a text. Save it as text, Markdown or HTML first"),
    "letter.pdf": (b"%PDF-1.7 x", "this looks like a PDF, not a text. Convert it to text, Markdown or HTML first"),
    "picture.md": (b"RIFF0000WEBPx", "not a text. Give the words themselves, as text, Markdown or HTML"),
    "feed.json": (b'{"version": "https://jsonfeed.org/version/1", ', "(line 1, column 47). Repair it, or have it read"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_read_is_told_as_people_speak(check: Checker, tmp_path: Path, name: str) -> None:
    data, says = DAMAGED[name]
    (tmp_path / name).write_bytes(data)
    told = [check("Nobody is quoted here.", tmp_path / name, *options).stdout for options in ((), ("--json",))]
    assert says in told[0]
    assert [says in problem for problem in json.loads(told[1])["problems"]] == [True]
    assert not any(machine in text for text in told for machine in ("byte:", "text:1", " at /"))


def test_a_kind_of_document_that_does_not_exist_is_the_options_fault(check: Checker) -> None:
    result = check("Nobody is quoted here.", "--type", "application/x-y")
    assert result.exit_code == 2
    assert "draft.md: --type says application/x-y, which is no kind of document. Leave --type out" in result.stdout


NOTED = {
    "odd.json": (b'{"a": [1, 2, {"b": "x"}]}', "note: it is no feed, so all of it was read as plain text"),
    "feed.json": (b'{"version": "https://jsonfeed.org/version/1", "items": 3}', "note: nothing in it could be read"),
    "feed.rss": (b"<?xml version='1.0'?><rss><channel><item>", "(line 1, column "),
    "odd.html": (b"<html><meta charset='odd'><p>Hello.", "note: 'odd' (meta) names no encoding of documents\n"),
}


@pytest.mark.parametrize("name", NOTED)
def test_how_a_file_was_read_is_told_where_it_may_surprise(check: Checker, tmp_path: Path, name: str) -> None:
    data, says = NOTED[name]
    (tmp_path / name).write_bytes(data)
    result = check("Nobody is quoted here.", tmp_path / name, "--html", tmp_path / "page.html")
    assert result.exit_code == 0
    assert says in result.stdout
    page = LexborHTMLParser((tmp_path / "page.html").read_text("utf-8"))
    assert says.removeprefix("note: ").strip() in page.css_first("main").text(deep=True)
    assert "byte:" not in result.stdout
    assert "text:1" not in result.stdout
    assert "note" not in check("Nobody is quoted here.").stdout


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        ("a.md: Permission denied", "a.md: you may not read this file. Change its permissions, or check a copy"),
        (
            "a.md: a bug in the parser: KeyError: 'x'",
            "a.md: this program failed on it (KeyError: 'x'). Report that, with the file if you may",
        ),
        ("a.json: odd at /items/0/id", "a.json: odd (in items/0/id)"),
        ("a.md: odd at byte:17", "a.md: odd (at byte 17)"),
        ("a.md: meet at noon", "a.md: meet at noon"),
        ("a.md: odd at (whole)", "a.md: odd"),
        (
            "this is a folder. Name the files in it",
            "an empty name names no file. Name a document, or - for standard input",
        ),
    ],
)
def test_messages_of_other_parts_are_told_in_plain_words(message: str, plain: str) -> None:
    assert problem(message) == plain
    assert problem(plain) == plain
