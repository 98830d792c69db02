"""Repairs: found where there is damage, replayed exactly, refused when tampered with."""

from dataclasses import replace

import pytest
from ftfy.badness import is_bad
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import repair
from archiver.documents.read import read
from archiver.errors import ParseError
from archiver.model import Repair, Span

CLEAN = [
    "Plain words, nothing more.",
    "L’été à la plage : « déjà vu » — coûteux, œuvre, ça",
    "Größe, Straße, Übermut und Ähnliches",
    "Příliš žluťoučký kůň; łódź, żółw, gęś",
    "Съешь ещё этих мягких булок", "Γεια σου κόσμε", "שלום עולם", "مرحبا بالعالم", "สวัสดีชาวโลก",
    "こんにちは世界、いろは", "你好，世界", "안녕하세요 세계", "नमस्ते दुनिया", "Xin chào thế giới, tiếng Việt",
    "⚡️🎈👩‍👩‍👧 🇳🇴 text", "“quotes” ‘single’ … – — ™ © ½ € £",
]  # fmt: skip


@pytest.mark.parametrize("text", CLEAN)
def test_clean_text_is_left_alone(text: str) -> None:
    assert repair.plan(text) == ()
    assert repair.apply(text, ()) == text


@pytest.mark.parametrize("codec", ["sloppy-windows-1252", "sloppy-windows-1250", "sloppy-windows-1251", "latin-1"])
@pytest.mark.parametrize("text", ["📹", "“quoted words” — and more", "déjà vu, coûteux", "привет, мир"])
def test_damage_is_undone(codec: str, text: str) -> None:
    import ftfy

    damaged = ftfy.apply_plan(text, [("encode", "utf-8"), ("decode", codec)])
    before = f"First line, clean.\nBy Name: {damaged} end\nlast"
    found = repair.plan(before)
    if codec == "sloppy-windows-1251" and text in {"📹", "déjà vu, coûteux"}:
        assert found == ()  # So few letters may be Cyrillic words: ftfy leaves them.
        return
    assert repair.apply(before, found) == f"First line, clean.\nBy Name: {text} end\nlast"
    assert repair.load(repair.dump(found)) == found
    for one in found:
        assert before[one.span.start : one.span.end] == one.before


def test_damage_beside_what_no_code_page_has() -> None:
    before = "⚡️ 🎈 đź“ą: clip 中文"
    assert repair.apply(before, repair.plan(before)) == "⚡️ 🎈 📹: clip 中文"


GOOD = repair.plan("x đź“ą: y")[0]


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, after="📷:"),
        replace(GOOD, before="đź“ą;"),
        replace(GOOD, span=Span(start=1, end=6)),
        replace(GOOD, steps=(("encode", "sloppy-windows-1252"), ("decode", "utf-8"))),
        replace(GOOD, steps=(("encode", "sloppy-windows-1250"),)),
        replace(GOOD, steps=(("decode", "utf-8"),)),
        replace(GOOD, steps=(("encode", "zip"), ("decode", "utf-8"))),
        replace(GOOD, steps=(("apply", "unescape_html"),)),
        replace(GOOD, steps=(("exec", "x"),)),
    ],
)
def test_a_tampered_repair_is_refused(bad: Repair) -> None:
    assert repair.apply("x đź“ą: y", (GOOD,)) == "x 📹: y"
    with pytest.raises(ParseError) as refused:
        repair.apply("x đź“ą: y", (bad,))
    assert refused.value.pointer


def test_overlapping_repairs_are_refused() -> None:
    with pytest.raises(ParseError):
        repair.apply("x đź“ą: y", (GOOD, GOOD))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "[[0,1]]",
        '[[0,1,[["encode","zip"]],"a","b"]]',
        '[[0,2,[],"a","b"]]',
        '[[true,1,[],"","b"]]',
        '[[0,1,[["encode"]],"a","b"]]',
        '[[0,1,{},"a","b"]]',
        '[[-1,0,[],"a","b"]]',
        '[[0,1,[],"a",null]]',
        "[" * 100_000,
    ],
)
def test_what_is_no_list_of_repairs_is_refused(text: str) -> None:
    with pytest.raises(ParseError) as refused:
        repair.load(text)
    assert refused.value.pointer.startswith("/")


@given(st.text(max_size=60))
def test_any_text_plans_and_replays(text: str) -> None:
    found = repair.plan(text)
    assert repair.load(repair.dump(found)) == found
    repair.apply(text, found)


@given(st.lists(st.text(st.sampled_from("ÃÂ©â€™ éàЖвЂ \u00a0œŒa.Z°×²ØÙ–\r🎈"), max_size=12), max_size=8))
def test_many_lines_at_once_are_repaired_as_each_by_itself(lines: list[str]) -> None:
    text, at = "\n".join(lines), 0
    expected: list[Repair] = []
    for line in lines:
        moved = (Span(start=one.span.start + at, end=one.span.end + at) for one in repair.plan(line))
        expected += [replace(one, span=span) for one, span in zip(repair.plan(line), moved, strict=True)]
        at += len(line) + 1
    assert repair.plan(text) == tuple(expected)
    # A block is skipped only where no line and no word in it looks damaged to ftfy.
    looked_at = is_bad(text) or any(mark in text for mark in ("Ã ", "Â ", "Ã\u00a0", "Â\u00a0"))
    assert looked_at or not any(is_bad(piece) for line in lines for piece in (line, *line.split()))


def test_too_much_damage_is_noted_where_repairing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.documents.repair.MAX_PIECES", 3)
    text = "".join(f"clean\nâ€œword {number}â€\u009d\n" for number in range(6))
    repairs, end = repair.planned(text)
    assert len(repairs) == 3
    assert text[:end].count("word") == 3
    document = read(text.encode())
    assert document.repairs == repairs
    assert [note.pointer for note in document.unread if "not repaired" in note.reason] == ["text:6:13"]
    assert repair.planned("â€œword 1â€\u009d\n" * 50)[1] == -1  # the same piece is looked at once
    monkeypatch.setattr("archiver.documents.repair._PIECE", 20)  # a longer line is looked at word by word
    line = " ".join(f"â€œ{number}" for number in range(6))
    repairs, end = repair.planned(line)
    assert [one.after for one in repairs] == ["“0", "“1", "“2"]
    assert end == line.index("â€œ3")
