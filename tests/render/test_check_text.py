"""What `archiver check` prints: every change in its place, nothing hidden, nothing obeyed."""

import ast
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.jobs.match import WARNINGS
from archiver.model import MentionKind, Outcome, VerdictKind
from archiver.quotes import meaning, normal
from archiver.quotes.audit import NOTES
from archiver.quotes.speech import SPEECH
from archiver.render import glossary
from archiver.render.check import IN_FULL, PASSAGES, PHRASES, WARNED, print_check
from archiver.render.check_quotation import HOLDERS, OTHERS
from archiver.render.check_told import problem
from archiver.render.excerpt import excerpt, flat
from archiver.render.marked import pieces
from archiver.render.text import as_json
from tests.render import reports

QUOTES = Path(__file__).parent.parent.parent / "archiver" / "quotes"
HOSTILE = "\x1b[31m\x1b]0;title\x07 \x00 \u202egnp.exe\u2066 \ud800 \x9b31m"
"""What a terminal would obey: colours, a title, the order of letters; and what cannot be printed at all."""


class Terminal(io.StringIO):
    """Standard output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def printed(capsys: pytest.CaptureFixture[str], report: Any) -> list[str]:
    print_check(report, as_json=False)
    return capsys.readouterr().out.splitlines()


def on_terminal(monkeypatch: pytest.MonkeyPatch, report: Any, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "120", **environment}.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    print_check(report, as_json=False)
    return terminal.getvalue()


def test_quotations_stand_in_the_order_of_the_text_and_the_altered_ones_again_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, reports.every_verdict())
    heads = [line for line in lines if re.match(r"  \d+:\d+-\d+:\d+ (?!phrase)", line)]
    places = [int(line.split(":")[0]) for line in heads]
    assert places == sorted(places) == [3, 5, 7, 9, 10, 12, 14, 16, 18, 20, 22, 24, 26]
    end = lines.index("Altered or put together (2):")
    assert lines[end + 1].startswith(
        "  article.md:12:2 altered: says “nineteen” where the post says “ninety”; adds “very ”"
    )
    assert lines[end + 2].startswith("  article.md:14:2 spliced: put together from x:post:")
    assert lines[end + 3] == "Another author's words (1):"
    assert lines[end + 4].startswith(
        "  article.md:20:2 bracketed: signed to @ada_of_lanternwick, found only in posts of"
    )
    assert lines[end + 5] == "To look at, whatever the verdict (2):"
    assert "negation" in lines[end + 6]
    assert "article.md:16:2" in lines[end + 6]
    assert lines[-1] == (
        "Against 1,234 posts and 56 documents archived until 2026-03-16 10:00:00Z; rules mentions/4 quotes/2 match/2."
    )
    assert lines[-2].startswith("Quotations: 1 altered, 1 bracketed, 1 elided, 2 exact, ")


def test_each_change_is_told_with_its_place_and_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, reports.one_file(reports.altered()))
    assert "    12:20 says “nineteen” where the post says “ninety”" in lines
    assert "    12:41 adds “very ”" in lines
    assert "    12:63 leaves out “not ”" in lines
    assert any(line.startswith("    the post says: “The ferry carried ninety people") for line in lines)
    assert "    the post is deleted (seen 2026-03-16 10:00:00Z)" in lines
    assert "    ! a negation is among the changed words" in lines
    fits = next(line for line in lines if "but this fits" in line)
    assert "@bo_of_lanternwick (Bo)" in fits
    assert fits.endswith("exact; a near-duplicate of x:post:7")


def test_parts_sources_speech_and_earlier_versions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(printed(capsys, reports.every_verdict()))
    for told in (
        "    part 2 of 2: “The harbour office holds no paper of it.”",
        "      after: typographic quotes, white space",
        "    left out: emoji",
        "    as last seen, the post reads differently",
        "    occurs in 1 archived document, earliest 2017-03-01 (bulletin.txt)",
        "      in bulletin.txt, dated 2017-03-01, first seen 2026-03-14 08:00:00Z: 9 equal words in a row, partial",
        "    held to the standard for speech",
        "    16:9 “…” stands for “not ”",
        "    16:20 “[it]” stands in place of “the new bridge”",
        "  26:2-26:17 passage: “a short passage” not-found",
        "! letter.pdf: no document that can be read",
        "plain.txt (2,345 characters, 0 quotations)\n  no quotations; 2 places refer to posts",
    ):
        assert told in text, told


def test_a_change_far_inside_a_long_text_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    filler = "word " * 500
    ours = "x" * 900
    words, text = f"{filler}{ours} {filler}nineteen {filler}", f"{filler}{filler}ninety {filler}"
    changes = (
        reports.difference("added", words, text, ours, "|word"),
        reports.difference("replaced", words, text, "nineteen", "ninety"),
    )
    told = reports.compared("altered", 1, text, differences=changes, quoted_end=len(words))
    lines = printed(capsys, reports.one_file(reports.quotation(words, "altered", told)))
    shown = next(line for line in lines if line.startswith("    “"))
    assert ours in shown
    assert "nineteen" in shown
    assert len(shown) < len(ours) + 500
    assert " […] " in shown
    assert f"    12:2502 adds “{ours}”" in lines
    post = next(line for line in lines if line.startswith("    the post says"))
    assert "ninety" in post
    assert len(post) < 400


@given(st.text(max_size=600), st.lists(st.tuples(st.integers(-5, 620), st.integers(-5, 620)), max_size=6))
def test_an_excerpt_never_leaves_out_what_is_marked(text: str, spans: list[tuple[int, int]]) -> None:
    spans = [(min(span), max(span)) for span in spans]
    shown = excerpt(text, (0, 0), spans, dict.fromkeys(range(len(spans)), "red"), 80)
    marked = "".join(piece[0] for piece in shown if isinstance(piece, tuple))
    expected = [piece.text for piece in pieces(text, (0, 0), spans) if piece.marks and piece.text]
    assert marked.split() == "".join(flat(one) for one in expected).split()
    if not spans:
        assert sum(len(piece) for piece in shown) <= 2 * 6 * 80 + 40  # escapes are up to six signs long


@given(
    st.text(max_size=80),
    st.tuples(st.integers(-5, 90), st.integers(-5, 90)),
    st.lists(st.tuples(st.integers(-5, 90), st.integers(-5, 90)), max_size=8),
)
def test_pieces_give_back_the_text_and_each_mark(
    text: str, stretch: tuple[int, int], marks: list[tuple[int, int]]
) -> None:
    held = list(pieces(text, stretch, marks))
    assert "".join(piece.text for piece in held) == text
    for number, (start, end) in enumerate(marks):
        start = min(max(start, 0), len(text))
        covered = [piece.text for piece in held if number in piece.marks]
        assert covered, "no mark is lost"
        assert "".join(covered) == text[start : max(start, min(end, len(text)))]


def test_ten_thousand_quotations_are_bounded_and_no_altered_one_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = reports.every_verdict().checked[0].quotations
    quiet, exact, warned = plain[-1], plain[0], plain[7]
    many = [replace((quiet, exact, warned)[n % 3], where=reports.where(n + 1, 1)) for n in range(9_970)]
    many[100:100] = [reports.altered(line=50_000 + n) for n in range(30)]
    started = time.process_time()
    lines = printed(capsys, reports.one_file(*many))
    with capsys.disabled():
        print(f"\n10,000 quotations: {len(lines)} lines in {time.process_time() - started:.2f} s")
    jumps = [line for line in lines if line.startswith("  article.md:5") and " altered: " in line]
    assert len(jumps) == 30
    assert sum(line.startswith("  50") and line.endswith(": altered") for line in lines) == 30
    assert len(lines) < 30 * 13 + IN_FULL * 6 + PASSAGES + WARNED + 50
    left = next(line for line in lines if line.startswith("  and ") and "not-found" in line)
    assert left == "  and 9,865 more (3,273 elided, 3,273 exact, 3,319 not-found); `--json` lists all"


def test_more_files_than_fit_still_name_the_altered_ones(capsys: pytest.CaptureFixture[str]) -> None:
    exact = reports.every_verdict().checked[0].quotations[0]
    file = replace(reports.every_verdict().checked[0], quotations=(exact,) * 60, notes=())
    last = replace(file, name="last.md", quotations=(exact, reports.altered()))
    lines = printed(capsys, reports.report(file, file, last))
    assert any(line.startswith("  last.md:12:2 altered: ") for line in lines)
    assert sum(line.endswith(": exact") for line in lines) == IN_FULL


def test_other_posts_are_counted_beyond_a_bound(capsys: pytest.CaptureFixture[str]) -> None:
    exact = reports.every_verdict().checked[0].quotations[0]
    lines = printed(capsys, reports.one_file(replace(exact, compared=exact.compared * 20)))
    assert sum("also fits" in line for line in lines) == OTHERS
    assert f"  and {19 - OTHERS} more posts; `--json` lists all" in lines


def test_phrases_are_told_with_the_posts_that_hold_them(capsys: pytest.CaptureFixture[str]) -> None:
    document = reports.every_verdict().checked[0]
    told = (
        "  28:4-28:23 phrase: “delay with a large” stands in x:post:1 by @ada_of_lanternwick, 2026-03-13 09:00:27Z; x:"
    )
    assert any(line.startswith(told) for line in printed(capsys, reports.report(document)))
    held = replace(document.phrases[0], posts=tuple(map(reports.holder, range(HOLDERS + 4))))
    lines = printed(capsys, reports.report(replace(document, phrases=(held,) * (PHRASES + 3))))
    assert sum(" phrase: " in line and line.endswith("; 4 more posts") for line in lines) == PHRASES
    assert "  and 3 more phrases that stand in posts; `--json` lists all" in lines


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_deleted_is_called_deleted(capsys: pytest.CaptureFixture[str], outcome: Outcome) -> None:
    exact = reports.every_verdict().checked[0].quotations[0]
    held = replace(exact, compared=(replace(exact.compared[0], outcome=outcome.value),))
    text = "\n".join(printed(capsys, reports.one_file(held)))
    assert ("the post is deleted" in text) == (outcome is Outcome.DELETED)
    assert (glossary.OUTCOMES[outcome] in text) == (outcome is not Outcome.LIVE)


def test_an_empty_archive_and_a_text_without_quotations_are_told_kindly(capsys: pytest.CaptureFixture[str]) -> None:
    document = replace(reports.every_verdict().checked[1], mentions=0)
    lines = printed(capsys, reports.report(document, posts=0))
    assert "  no quotations" in lines
    assert any(line.startswith("No quotations were found") for line in lines)
    assert "holds no post yet" in lines[-1]
    assert "`archiver run FILE`" in lines[-1]


def test_unknown_names_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    exact = reports.every_verdict().checked[0].quotations[0]
    strange = replace(exact.compared[0], flags=("moon-phase",), steps=("moonlight", "encoding:cp1252"), outcome="eaten")
    strange = replace(strange, differences=(reports.difference("moved", exact.words, exact.words, "gulls", "quay"),))
    text = "\n".join(printed(capsys, reports.one_file(replace(exact, compared=(strange,)))))
    assert "! moon-phase" in text
    assert "after: moonlight, damaged encoding (UTF-8 read as cp1252)" in text
    assert "the outcome of the post is eaten" in text
    assert "moved: “gulls” and “quay”" in text


def test_colours_on_a_terminal_say_nothing_that_plain_words_do_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = reports.every_verdict()
    plain = "\n".join(printed(capsys, report))
    assert "\x1b" not in plain
    coloured = on_terminal(monkeypatch, report)
    assert "\x1b[9;31mnineteen\x1b[0m" in coloured
    assert "\x1b[32mninety\x1b[0m" in coloured
    uncoloured = on_terminal(monkeypatch, report, NO_COLOR="1")
    assert "[31m" not in uncoloured
    assert ";31m" not in uncoloured
    assert "[32m" not in uncoloured
    assert _bare(coloured) == _bare(uncoloured) == plain.split()


def _bare(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).split()


def replaced(value: Any, text: str, number: int) -> Any:
    """The value with every string and number replaced, and what decides the form kept."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("op", "verdict", "status", "kind", "outcome")
        given = {one.name: getattr(value, one.name) for one in fields(value)}
        return replace(value, **{n: v if n in kept else replaced(v, text, number) for n, v in given.items()})
    if isinstance(value, tuple | list):
        return type(value)(replaced(one, text, number) for one in value)
    if isinstance(value, dict):
        return {text: number}
    if isinstance(value, str):
        return text
    return value if isinstance(value, bool) else number


@pytest.mark.parametrize("number", [-7, 0, 3, 10**9])
def test_archived_text_is_shown_and_never_obeyed(capsys: pytest.CaptureFixture[str], number: int) -> None:
    text = "\n".join(printed(capsys, replaced(reports.every_verdict(), HOSTILE, number)))
    assert "\\u001b" in text
    assert "\\u202e" in text
    assert not {"\x1b", "\x07", "\x00", "\u202e", "\u2066", "\ud800", "\x9b"} & set(text)
    text.encode("utf-8")


def test_json_holds_all_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    for report in (reports.every_verdict(), replaced(reports.every_verdict(), HOSTILE, 3)):
        print_check(report, as_json=True)
        read = json.loads(capsys.readouterr().out)
        assert read.pop("unfaithful") is report.unfaithful
        assert read.pop("misattributed") is report.misattributed
        as_json(asdict(report) | {"problems": [problem(one) for one in report.problems]})
        assert read == json.loads(capsys.readouterr().out)
    assert reports.every_verdict().unfaithful


def _flags() -> Iterator[str]:
    """The flags that verdicts on words can raise: names that are added to flags, returned or listed as flags."""
    for file in QUOTES.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.AugAssign(target=ast.Name(id="flags"), value=value):
                    yield from _names(value)
                case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(name))])) if "-" in name:
                    yield name
                case ast.Tuple(elts=[ast.Constant(value=str(name)), *_]) if name.endswith(
                    ("-elided", "-changed", "-differ", "-differs")
                ):
                    yield name
                case ast.keyword(arg="flags", value=value):
                    yield from _names(value)
                case ast.Assign(targets=[ast.Name(id=name), *_] | [ast.Tuple(elts=[ast.Name(id=name), *_])]) if (
                    name.isupper() and file.stem in ("edges", "forms", "signs")
                ):
                    yield from (word for word in _names(node.value) if re.fullmatch("[a-z]+(-[a-z]+)+", word))


def _names(value: ast.expr) -> Iterator[str]:
    for part in ast.walk(value):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def test_every_word_that_a_verdict_may_use_is_explained() -> None:
    assert set(meaning.VERDICTS) == {kind.value for kind in VerdictKind}
    assert set(glossary.OUTCOMES) == {outcome.value for outcome in Outcome}
    assert set(glossary.KINDS) == {kind.value for kind in MentionKind}
    assert {*normal.VERBATIM, *normal.WORDS, *SPEECH, "repost-mark"} <= set(glossary.STEPS)
    used = {*_flags(), *WARNINGS, *NOTES}
    assert {
        "negation-elided",
        "sentence-joined",
        "links-differ",
        "number-changed",
        "apostrophe-lost",
        "mid-sentence",
    } <= (used)
    assert used <= set(meaning.FLAGS), used - set(meaning.FLAGS)
