"""Which seeds keep which refs: what somebody took away is not looked at again, what cannot be read decides nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from archiver.cli import main
from archiver.errors import InputError
from archiver.jobs import follow, intake, keeping, watching
from archiver.jobs.config import Config
from archiver.jobs.policies import parse
from archiver.jobs.session import Session, open_session
from archiver.model import Ref
from archiver.schedule import Period

NOW = "2026-03-01T00:00:00.000000Z"
A, B, C, D = (f"x:post:18500000000000000{n}" for n in range(4))


def url(ref: str) -> str:
    return f"https://x.com/i/status/{ref.rsplit(':', 1)[1]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").mkdir()
    write("a.txt", A, B)
    write("b.txt", B, C)
    return tmp_path / "seeds"


def write(name: str, *refs: str) -> Path:
    path = Path("seeds", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{url(ref)}\n" for ref in refs))
    return path


@pytest.fixture
def session(folder: Path) -> Iterator[Session]:
    with open_session(folder.parent / "a.db", Config(), now=lambda: NOW) as opened:
        opened.archive.db.execute("PRAGMA synchronous=OFF")
        yield opened


def run(session: Session, *seeds: str) -> intake.Taken:
    taken = intake.take(session, seeds or ("seeds",))
    assert not taken.problems, taken.problems
    return taken


def due(session: Session) -> set[str]:
    rows = session.archive.all("SELECT ref, due_at, kept FROM work_queue")
    assert all(row["kept"] or row["due_at"] is None for row in rows), "what is not kept waits for nothing"
    return {row["ref"] for row in rows if row["due_at"] is not None}


def leads(session: Session, source: str, target: str, *, depth: int = 1) -> None:
    """As if a look at the first post had shown that it quotes the second."""
    ref = Ref.parse(target)
    follow.enqueue(session, ref, purpose="post", depth=depth, seed="seeds/a.txt", led_by=source)


def test_a_seed_that_was_taken_away_keeps_nothing_and_comes_back(session: Session, folder: Path) -> None:
    run(session)
    leads(session, A, D)
    assert due(session) == {A, B, C, D}
    Path("seeds/a.txt").rename("a.txt")
    taken = run(session)
    assert due(session) == {B, C}, "another seed leads to B"
    assert taken.dropped == [
        "seeds/a.txt: not found in its folder any more; 2 refs that only it led to are not looked at again"
    ]
    assert run(session).notes == [], "told once"
    Path("a.txt").rename("seeds/a.txt")
    run(session)
    assert due(session) == {A, B, C, D}


def test_what_quotes_itself_in_a_circle_keeps_nothing(session: Session, folder: Path) -> None:
    run(session)
    for source, target in ((A, D), (D, A), (D, C)):
        leads(session, source, target)
    Path("seeds/a.txt").unlink()
    run(session)
    assert due(session) == {B, C}


def test_what_two_kept_posts_lead_to_goes_with_the_last(session: Session, folder: Path) -> None:
    run(session)
    leads(session, A, D)
    leads(session, C, D)
    Path("seeds/a.txt").unlink()
    write("other.txt", B)
    run(session)
    assert due(session) == {B, C, D}
    Path("seeds/b.txt").unlink()
    run(session)
    assert due(session) == {B}


def test_a_list_that_was_changed_keeps_what_it_names_now(session: Session, folder: Path) -> None:
    run(session)
    leads(session, A, D)
    write("a.txt", B)
    taken = run(session)
    assert due(session) == {B, C}
    assert taken.notes == ["seeds/a.txt: was changed; 2 refs that only it led to are not looked at again"]
    write("a.txt", B, A)
    run(session)
    assert due(session) == {A, B, C, D}, "what it names again is due, with what that led to"


def test_a_file_that_was_cut_off_decides_nothing(session: Session, folder: Path) -> None:
    run(session)
    Path("seeds/a.txt").write_text("Nothing is named here.\n")
    taken = run(session)
    assert due(session) == {A, B, C}
    assert [note for note in taken.notes if "names nothing any more" in note]
    Path("seeds/a.txt").write_bytes(bytes(range(256)) * 20)
    assert intake.take(session, ("seeds",)).problems
    assert due(session) == {A, B, C}


def test_a_folder_that_is_missing_empty_or_closed_decides_nothing(session: Session, folder: Path) -> None:
    write("deep/c.txt", D)
    run(session)
    Path("seeds").rename("away")
    assert intake.take(session, ("seeds",)).problems
    Path("seeds").mkdir()
    (told,) = intake.take(session, ("seeds",)).problems
    assert "holds no seeds" in told
    Path("seeds").rmdir()
    Path("away").rename("seeds")
    Path("seeds/deep").rename("deep")  # as a disk that is not mounted
    Path("seeds/deep").mkdir()
    (note,) = run(session).notes
    assert note.startswith("seeds/deep/c.txt: is not there, nor anything else in its folder, so it is kept")
    Path("seeds/deep").rmdir()
    assert len(run(session).notes) == 1
    assert due(session) == {A, B, C, D}
    Path("deep").rename("seeds/deep")
    assert run(session).notes == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_still_there_and_the_others_are_read(session: Session, folder: Path) -> None:
    run(session)
    Path("seeds/a.txt").chmod(0)
    write("later.txt", D)
    taken = intake.take(session, ("seeds",))
    Path("seeds/a.txt").chmod(0o644)
    assert taken.problems == ["seeds/a.txt: Permission denied"]
    assert due(session) == {A, B, C, D}


def test_a_broken_file_of_a_folder_does_not_keep_the_others_from_being_read(session: Session, folder: Path) -> None:
    Path("seeds/a.txt").write_bytes(b"")
    write("later.txt", D)
    taken = intake.take(session, ("seeds",))
    assert len(taken.problems) == 1
    assert due(session) == {B, C, D}


def test_a_run_over_other_seeds_drops_nothing(session: Session, folder: Path) -> None:
    run(session)
    Path("seeds/a.txt").unlink()
    run(session, "seeds/b.txt")
    Path("more").mkdir()
    Path("more/m.txt").write_text(url(D))
    run(session, "more")
    assert due(session) == {A, B, C, D}


def test_a_folder_by_its_other_name_drops_nothing_that_is_there(session: Session, folder: Path) -> None:
    run(session)
    taken = run(session, str(folder))
    assert taken.notes == []
    assert due(session) == {A, B, C}


def test_a_file_of_the_same_name_elsewhere_replaces_nothing(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(session)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    Path("seeds").mkdir()
    write("a.txt", D)
    taken = run(session)
    assert taken.stored == 1
    assert due(session) == {A, B, C, D}
    monkeypatch.chdir(tmp_path)
    run(session)
    assert due(session) == {A, B, C, D}


def test_another_column_of_a_table_replaces_nothing(session: Session, folder: Path) -> None:
    Path("table.csv").write_text(f"one,two\n{url(A)},{url(D)}\n")
    for column in ("one", "two", "one"):
        intake.take(session, ("table.csv",), column=column)
    assert due(session) == {A, D}
    Path("table.csv").write_text(f"one,two\n{url(B)},{url(C)}\n")
    intake.take(session, ("table.csv",), column="one")
    assert due(session) == {B}, "the whole file was written anew"


def test_what_is_kept_again_is_asked_no_sooner_than_what_is_new(session: Session, folder: Path) -> None:
    run(session)
    session.archive.db.execute("UPDATE work_queue SET last_at = ? WHERE ref = ?", ("2026-02-28T22:00:00.000000Z", A))
    keeping.drop(session, "seeds/a.txt", "closed")
    assert keeping.keep(session, "seeds/a.txt") == 1
    found = session.archive.value("SELECT due_at FROM work_queue WHERE ref = ?", A)
    assert found == "2026-03-01T04:00:00.000000Z", "six hours after its last look"


def test_what_comes_by_a_pipe_replaces_nothing(session: Session, tmp_path: Path) -> None:
    for ref in (A, D):
        Path("pipe").write_text(url(ref))
        with Path("pipe").open("rb") as pipe:
            intake.take(session, ("-",), stdin=pipe)
    assert due(session) == {A, D}


def test_a_new_seed_makes_due_what_nobody_watched_any_more(session: Session, folder: Path) -> None:
    run(session)
    db = session.archive.db
    db.execute("UPDATE work_queue SET due_at = NULL, last_at = ?, last_outcome = 'deleted' WHERE ref = ?", (NOW, A))
    run(session)
    assert A not in due(session), "its own seed was asked already"
    write("new.txt", A)
    run(session)
    assert A in due(session)


def test_a_seed_that_a_person_dropped_makes_nothing_due_that_nobody_keeps(session: Session, folder: Path) -> None:
    run(session)
    for name in ("seeds/a.txt", "seeds/b.txt"):
        keeping.drop(session, name, "closed")
    session.archive.db.execute("UPDATE work_queue SET last_at = ?, last_outcome = 'live' WHERE ref = ?", (NOW, C))
    write("a.txt", A, C)
    run(session)
    assert due(session) == set()


@pytest.mark.parametrize(("outcome", "again"), [("blocked", True), ("too-large", True), ("live", False)])
def test_a_file_that_we_refused_is_asked_for_when_it_is_kept_again(
    session: Session, folder: Path, outcome: str, again: bool
) -> None:
    run(session)
    session.archive.db.execute(
        "UPDATE work_queue SET purpose = 'media', last_at = ?, last_outcome = ? WHERE ref = ?", (NOW, outcome, A)
    )
    keeping.drop(session, "seeds/a.txt", "closed")
    keeping.keep(session, "seeds/a.txt")
    assert (A in due(session)) == again


def test_older_archives_know_of_each_ref_only_its_seed(session: Session, folder: Path) -> None:
    """Their migration cannot tell what a list names from what its posts led to: edges can."""
    run(session)
    leads(session, B, D)
    db = session.archive.db
    source, target = (session.readings.ref(Ref.parse(ref)) for ref in (B, D))
    db.execute("DELETE FROM work_led WHERE led_by = ?", (B,))
    db.execute("INSERT INTO work_led VALUES (?, 'seed:seeds/a.txt')", (D,))
    db.execute(
        "INSERT INTO edges (kind, source, target, evidence, capture, pointer, pinned) "
        "SELECT 'quotes', ?, ?, 'asserted', min(id), '', '' FROM captures",
        (source, target),
    )
    write("a.txt", B)
    run(session)
    assert due(session) == {B, C, D}


def test_a_person_drops_and_keeps_seeds(folder: Path) -> None:
    runner, db = CliRunner(), str(folder.parent / "a.db")

    def call(*arguments: str) -> str:
        result = runner.invoke(main, [*arguments, "--db", db], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    def waiting() -> set[str]:
        with closing(sqlite3.connect(db)) as opened:
            return {row[0] for row in opened.execute("SELECT ref FROM work_queue WHERE due_at IS NOT NULL")}

    call("add", "seeds")
    told = call("seeds", "drop", "seeds/a*", "--reason", "the case is closed")
    assert told == "seeds/a.txt: the case is closed; 1 ref that only it led to is not looked at again\n"
    assert waiting() == {B, C}
    call("add", "seeds")
    assert waiting() == {B, C}, "a run that finds it does not overrule a person"
    listed = call("seeds")
    assert "seeds/a.txt  2 refs, kept no longer since " in listed
    assert "the case is closed" in listed
    assert "seeds/b.txt  2 refs, kept\n" in listed
    assert call("seeds", "keep", "seeds/a.txt") == "seeds/a.txt: kept; 1 ref looked at again\n"
    assert waiting() == {A, B, C}
    result = runner.invoke(main, ["seeds", "drop", "none", "--reason", "x", "--db", db])
    assert (result.exit_code, "no seed 'none'" in result.output) == (2, True)
    result = runner.invoke(main, ["seeds", "drop", "seeds/a.txt", "--reason", " ", "--db", db])
    assert result.exit_code == 2


def test_a_name_that_is_no_seed_is_refused(session: Session) -> None:
    with pytest.raises(InputError, match="no seed"):
        keeping.known(session.archive, "nothing")


def test_of_several_seeds_the_most_eager_says_how_a_ref_is_watched(session: Session, folder: Path) -> None:
    run(session)
    leads(session, C, D)
    session.config = Config(
        watch=parse(
            "archiver.toml",
            {
                "rarest": "20d",
                "platforms": {"x": {"rarest": "10d"}},
                "collections": {"seeds": {"rarest": "9d"}},
                "seeds": {"seeds/*": {"rarest": "8d"}, "seeds/b.txt": {"rarest": "7d"}},
            },
        )
    )

    def rarest(ref: str, seed: str) -> Period:
        return watching.policy_of(session, Ref.parse(ref), seed).rarest

    assert str(rarest(A, "seeds/a.txt")) == "8d"
    assert str(rarest(B, "seeds/a.txt")) == "7d"
    assert str(rarest(D, "seeds/a.txt")) == "7d", "through the post that led there"
    keeping.drop(session, "seeds/b.txt", "closed")
    assert str(rarest(B, "seeds/a.txt")) == "8d"
    assert str(rarest("x:post:1", "elsewhere.txt")) == "10d"
