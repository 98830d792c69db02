"""`archiver check`: verdicts, places in the file, exit codes; nothing stored, nothing asked, nothing that crashes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from archiver.cli import main
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.platforms import all_platforms
from tests.jobs.histories import Pen, Toy

ADA = "Nobody was hurt when the old tower fell into the harbour on Monday."
MORE = "The council will not repair the eastern pier before the end of summer."
BOB = "Seven ships arrived before the storm began, and none of them was ours."
LATER = "Seven ships arrived before the storm began, and none of them was ours. Thank you all."
ID = "18508000000000000{:02}"

Checker = Callable[..., Result]


def post(number: int, text: str, handle: str, at: str) -> dict[str, Any]:
    fields = {"ref": f"x:post:{ID.format(number)}", "author": None, "text": text, "posted_at": at}
    return {**fields, "handle": handle, "name": handle.title(), "url": f"https://x.com/{handle}/status/{number}"}


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two authors' posts, one of them repeated a day later; and a page that quotes a speech."""
    monkeypatch.setitem(all_platforms(), "toy", Toy())
    path = tmp_path / "a.db"
    with open_session(path, Config()) as session:
        pen = Pen(session)
        pen.answer(
            {
                "posts": [
                    post(1, ADA, "ada_example", "2024-10-28T10:00:00Z"),
                    post(2, MORE, "ada_example", "2024-10-28T11:00:00Z"),
                    post(3, BOB, "bob_example", "2024-10-29T10:00:00Z"),
                    post(4, LATER, "bob_example", "2024-10-30T10:00:00Z"),
                ]
            }
        )
        pen.document("An older report. The harbour master wrote that nobody had asked him about the pier at all, ever.")
        pen.settle()
    return path


@pytest.fixture
def check(archive: Path, tmp_path: Path) -> Checker:
    def checked(text: str | bytes, *options: str, name: str = "draft.md") -> Result:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return CliRunner().invoke(main, ["check", str(file), "--db", str(archive), *options], catch_exceptions=False)

    return checked


def quotations(result: Result) -> list[dict[str, Any]]:
    return [q for document in json.loads(result.stdout)["checked"] for q in document["quotations"]]


def signed(words: str, name: str = "Ada", handle: str = "ada_example", day: str = "October 28, 2024") -> str:
    return f"> {words}\n>\n> — {name} (@{handle}) {day}\n"


def test_a_faithful_quotation_passes(check: Checker) -> None:
    result = check(f"Yesterday:\n\n{signed(ADA)}\nThat was all.\n", "--json")
    assert result.exit_code == 0
    (one,) = quotations(result)
    assert (one["verdict"], one["status"], one["post"]) == ("exact", "resolved", f"x:post:{ID.format(1)}")
    assert one["compared"][0]["address"] == "https://x.com/ada_example/status/1"
    assert (one["where"]["line"], one["where"]["column"]) == (3, 3)


def test_an_altered_quotation_stops_the_press_and_is_shown_in_its_place(check: Checker) -> None:
    altered = ADA.replace("Nobody was hurt", "Ninety were hurt")
    result = check(f"Yesterday:\n\n{signed(altered)}", "--json")
    assert result.exit_code == 8
    (one,) = quotations(result)
    assert one["verdict"] == "altered"
    changes = [d for d in one["compared"][0]["differences"] if d["op"] == "replaced"]
    assert {(d["where"]["line"]) for d in changes} == {3}
    first = changes[0]
    assert first["quoted"].startswith("Ninety")
    assert first["original"].startswith("Nobody")
    assert first["where"]["column"] == 3
    assert one["occurrences"] == []  # the post that it was judged against is no source beside itself
    plain = check(f"Yesterday:\n\n{signed(altered)}")
    assert plain.exit_code == 8
    assert "Ninety" in plain.stdout
    assert "Nobody" in plain.stdout


def test_a_splice_stops_the_press_and_names_both_posts(check: Checker) -> None:
    result = check(signed(f"{ADA} {MORE}"), "--json")
    assert result.exit_code == 8
    (one,) = quotations(result)
    assert one["verdict"] == "spliced"
    parts = [c["post"] for c in one["compared"] if c["verdict"] == "spliced"]
    assert parts == [f"x:post:{ID.format(1)}", f"x:post:{ID.format(2)}"]


def test_words_of_another_author_are_told_as_such(check: Checker) -> None:
    result = check(signed(BOB), "--json")
    (one,) = quotations(result)
    assert one["status"] != "resolved"
    assert one["compared"][0]["handle"] == "bob_example"
    assert "author-differs" in one["compared"][0]["flags"]


def test_all_originals_are_told_earliest_first(check: Checker) -> None:
    result = check(f"Somebody wrote: “{BOB}”\n", "--json")
    (one,) = quotations(result)
    assert [c["posted_at"] for c in one["compared"]] == ["2024-10-29T10:00:00Z", "2024-10-30T10:00:00Z"]
    assert [c["repeats"] for c in one["compared"]] == ["", f"x:post:{ID.format(3)}"]


def test_a_passage_from_a_document_is_found_there(check: Checker) -> None:
    result = check("He noted “nobody had asked him about the pier at all, ever” in a letter.\n", "--json")
    (one,) = quotations(result)
    assert one["source"].startswith("occurs in 1 archived document")
    assert len(one["occurrences"]) == 1


def test_no_source_comes_with_what_was_searched(check: Checker) -> None:
    result = check("As the saying goes: “the moon above the mill is not for sale this week”.\n", "--json")
    assert result.exit_code == 0
    (one,) = quotations(result)
    assert one["verdict"] == "not-found"
    assert one["source"].startswith("no source in the archive (1 document")
    assert "policy" in one["source"]


def test_an_edited_post_is_said_to_read_differently_now(archive: Path, check: Checker) -> None:
    edited = {**post(2, MORE.replace("summer", "autumn"), "ada_example", "2024-10-28T11:00:00Z"), "edited": True}
    with open_session(archive, Config()) as session:
        pen = Pen(session)
        pen.answer({"posts": [edited]})
        pen.settle()
    (one,) = quotations(check(signed(MORE), "--json"))
    assert (one["verdict"], one["compared"][0]["current"]) == ("exact", False)


def test_nothing_is_stored_and_a_writer_does_not_stop_it(archive: Path, check: Checker) -> None:
    before = {item.name: hashlib.sha256(item.read_bytes()).hexdigest() for item in archive.parent.glob("a.db*")}
    with open_session(archive, Config()) as session, session.archive.transaction():
        assert check(signed(ADA)).exit_code == 0
    after = {item.name: hashlib.sha256(item.read_bytes()).hexdigest() for item in archive.parent.glob("a.db*")}
    assert {name: after[name] for name in before if name == "a.db"} == {"a.db": before["a.db"]}


def test_it_says_what_an_archived_copy_of_the_file_would_say(archive: Path, check: Checker) -> None:
    text = "\n".join([signed(ADA), signed(BOB), signed(f"{ADA} {MORE}"), f"And “{LATER}”", signed(MORE[:40] + "…")])
    told = [(q["passage"], q["status"], [(c["verdict"], c["post"]) for c in q["compared"]])
            for q in quotations(check(text, "--json"))]  # fmt: skip
    with open_session(archive, Config()) as session:
        pen = Pen(session)
        pen.document(text, name="draft.md")
        pen.settle()
        rows = session.archive.all(
            "SELECT r.ref, s.status, x.verdict, p.ref AS post FROM mentions m JOIN refs r ON r.id = m.ref "
            "JOIN resolutions s ON s.mention = m.id LEFT JOIN matches x ON x.mention = m.id "
            "LEFT JOIN refs p ON p.id = x.post WHERE m.quote_start IS NOT NULL AND m.document = "
            "(SELECT max(document) FROM mentions) ORDER BY m.ordinal, x.rank"
        )
    stored: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    for row in rows:
        stored.setdefault(row["ref"], (row["status"], []))[1].append((row["verdict"], row["post"] or ""))
    assert told == [(ref, status, found) for ref, (status, found) in stored.items()]
    assert len(told) == 5


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1251", "cp1250", "shift_jis", "gb18030", "euc-kr")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_nine_encodings(check: Checker, encoding: str) -> None:
    result = check(signed(ADA).replace("—", "-").encode(encoding), "--json")
    assert result.exit_code == 0
    assert [q["verdict"] for q in quotations(result)] == ["exact"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "“”", '""', "“one”", "\x00", signed(""),
     "\ufeff“\u202e” — X (@x)", "“" * 5000, "> " * 5000, "[…]" * 3000],
)  # fmt: skip
def test_what_quotes_nothing_or_is_damaged_ends_without_a_false_verdict(check: Checker, text: str) -> None:
    result = check(text, "--json")
    assert result.exit_code in (0, 2)
    assert all(not c["faithful"] for q in quotations(result) for c in q["compared"])


def test_unpaired_surrogates_and_odd_bytes(check: Checker) -> None:
    for data in (b"\xed\xa0\x80" + signed(ADA).encode(), signed(ADA).encode("utf-16-le")[:-1], bytes(range(256)) * 9):
        assert check(data, "--json", name="draft.txt").exit_code in (0, 2)


def test_a_null_byte_between_words_is_no_word(check: Checker) -> None:
    (one,) = quotations(check(f"“{ADA[:20]}\x00{ADA[20:]}”", "--json"))
    assert one["verdict"] in ("normalised", "same-words")
    assert "\x00" not in one["words"]


def test_a_quotation_longer_than_any_post(check: Checker) -> None:
    result = check(signed(f"{ADA} " * 400), "--json")
    assert all(not c["faithful"] for q in quotations(result) for c in q["compared"])


@pytest.mark.heavy
def test_thousands_of_quotations(check: Checker) -> None:
    lines = [f"“The number of ships that came in on day {n} was not what we hoped for”" for n in range(5_000)]
    begin = time.process_time()
    result = check("\n\n".join(lines), "--json")
    assert len(quotations(result)) == 5_000
    assert time.process_time() - begin < 15, "what grows with the square of them would take longer"
    shown = check("\n\n".join(lines[:2_000]))
    assert shown.exit_code == 0
    assert shown.stdout.count("\n") < 1_000


def test_several_files_and_one_that_is_missing(archive: Path, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.md", tmp_path / "good.md"
    bad.write_text(signed(ADA.replace("old", "new")), "utf-8")
    good.write_text(signed(ADA), "utf-8")
    arguments = ["check", str(bad), str(good), str(tmp_path / "none.md"), "--db", str(archive)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 8 | 2
    assert "none.md: no such file" in result.stdout + result.stderr


def test_standard_input(archive: Path) -> None:
    result = CliRunner().invoke(main, ["check", "-", "--db", str(archive), "--json"], input=signed(ADA).encode())
    assert result.exit_code == 0
    assert json.loads(result.stdout)["checked"][0]["name"] == "stdin"


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("https://x.com/a/status/20", "nothing is asked for"),
        (".", "this is a folder"),
        ("no-such-file.md", "no such file"),
    ],
)
def test_what_cannot_be_checked_is_named(archive: Path, file: str, says: str) -> None:
    result = CliRunner().invoke(main, ["check", file, "--db", str(archive)])
    assert result.exit_code == 2
    assert says in result.stdout + result.stderr


def test_without_an_archive(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    result = CliRunner().invoke(main, ["check", str(tmp_path / "a.md"), "--db", str(tmp_path / "none.db")])
    assert result.exit_code == 2
    assert "no archive here yet" in result.stderr
    assert not (tmp_path / "none.db").exists()


def test_readings_of_another_version_are_not_guessed_at(archive: Path, check: Checker) -> None:
    with open_session(archive, Config()) as session:
        session.remember("readings_version", "0")
    result = check(signed(ADA))
    assert result.exit_code == 2
    assert "another version" in result.stderr
    assert "archiver rebuild" in result.stderr


def test_a_folder_that_cannot_be_written(archive: Path, check: Checker) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    archive.parent.chmod(0o500)
    try:
        arguments = ["check", "-", "--db", str(archive)]
        assert CliRunner().invoke(main, arguments, input=signed(ADA).encode()).exit_code == 0
    finally:
        archive.parent.chmod(0o700)


def test_the_page_holds_both_texts(check: Checker, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = check(signed(ADA.replace("Nobody", "Everybody")), "--html", str(page))
    assert result.exit_code == 8
    text = page.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "Everybody" in text
    assert "Nobody" in text
    assert "<script" not in text


def test_a_few_words_in_quotation_marks_are_told_where_a_post_holds_them(check: Checker) -> None:
    result = check("So much for “before the storm began”, or for “a very small hope”.\n", "--json")
    assert result.exit_code == 0
    (document,) = json.loads(result.stdout)["checked"]
    (phrase,) = document["phrases"]
    assert (phrase["words"], phrase["where"]["column"]) == ("before the storm began", 14)
    assert [held["handle"] for held in phrase["posts"]] == ["bob_example", "bob_example"]


THREE = "The eastern pier is open again.\n\nWe thank the eleven divers.\n\nCome and see it on Sunday, all of you."


def test_paragraphs_before_a_signature_are_held_against_the_post_too(archive: Path, check: Checker) -> None:
    with open_session(archive, Config()) as session:
        pen = Pen(session)
        pen.answer({"posts": [post(7, THREE, "ada_example", "2024-10-28T12:00:00Z")]})
        pen.settle()
    sign = " — Ada (@ada_example) October 28, 2024\n"

    def flags(words: str) -> list[str]:
        (one,) = quotations(check(f"It was announced.\n\n{words}{sign}", "--json", name="draft.txt"))
        assert (one["verdict"], one["compared"][0]["post"]) == ("partial", f"x:post:{ID.format(7)}")
        return list(one["compared"][0]["flags"])

    assert "paragraphs-before" in flags(THREE)
    assert "altered-before" in flags(THREE.replace("eleven", "seven"))
    assert not {"paragraphs-before", "altered-before"} & set(flags(THREE.split("\n\n")[-1]))


def test_spoken_words_are_never_called_altered(check: Checker) -> None:
    spoken = "“Nobody was, uh, hurt when the old tower fell into the harbour on Monday,” she said.\n"
    (one,) = quotations(check(spoken, "--json"))
    assert (one["verdict"], one["standard"]) == ("same-words", "speech")
    assert "fillers" in one["compared"][0]["steps"]
    (other,) = quotations(check(spoken.replace("Nobody", "Everybody"), "--json"))
    assert other["verdict"] in ("not-found", "not-judged")


def test_a_splice_of_two_authors_is_told_under_one_name(check: Checker) -> None:
    result = check(signed(f"{ADA} {BOB}"), "--json")
    assert result.exit_code == 8
    (one,) = quotations(result)
    assert [c["handle"] for c in one["compared"] if c["verdict"] == "spliced"] == ["ada_example", "bob_example"]


def test_a_verb_of_saying_beside_a_post_is_no_speech(check: Checker) -> None:
    altered = ADA.replace("Nobody was", "Everybody was")
    for draft in (f"Ada said on X: “{altered}”", f"“{altered},” said Ada in a post.", f"@ada_example said “{altered}”"):
        result = check(draft, "--json")
        assert (result.exit_code, quotations(result)[0]["verdict"]) == (8, "altered"), draft


def test_spoken_words_that_differ_from_a_post_are_shown_and_blame_nobody(check: Checker) -> None:
    result = check(f"The mayor said: “{ADA.replace('Nobody was', 'Everybody was')}”", "--json")
    (one,) = quotations(result)
    assert (result.exit_code, one["verdict"], one["standard"]) == (0, "not-judged", "speech")
    assert "wording-differs" in one["compared"][0]["flags"]
    assert one["compared"][0]["differences"]


def test_short_quotations_that_nothing_holds_are_counted(check: Checker) -> None:
    (document,) = json.loads(check("He spoke of “ninety very hurt people” there.", "--json").stdout)["checked"]
    assert [note for note in document["notes"] if note.startswith("1 in quotation marks")]


def test_two_things_cannot_have_standard_output(check: Checker) -> None:
    assert check(signed(ADA), "--json", "--html", "-").exit_code == 2
