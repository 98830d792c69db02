"""Verdicts of older rules: told as such, judged again on demand, and never replaced without being kept until told.

Older rules are data here: another policy while a history is written, or rows as older rules would have left them.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archiver.cli import main
from archiver.errors import InputError
from archiver.jobs import before, rejudge, rules, ruling, settle
from archiver.jobs.before import Placed, Said
from archiver.jobs.config import Config
from archiver.jobs.differing import Changed, Changes, paired
from archiver.jobs.rebuild import rebuild
from archiver.jobs.rules import MentionRules
from archiver.jobs.session import Session, open_session
from archiver.jobs.status import status_of
from archiver.model import Span
from archiver.platforms import all_platforms
from archiver.render.rebuild import print_rejudged
from tests.jobs.histories import POSTS, Pen, Random, Toy

MENTIONS = rules.mentions_of(ruling.POLICY)
OLD = f"{MENTIONS} quotes/0 match/0"
OTHER = "mentions/0 quotes/0 match/0"
WORDS = (
    "the harbour bridge will close at nine tonight",
    "nobody was hurt when the old tower fell",
    "seven ships arrived before the storm began",
)


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(all_platforms(), "toy", Toy())  # a platform that exists in this test alone
    return tmp_path / "a.db"


@pytest.fixture
def session(db: Path) -> Iterator[Session]:
    with opened(db) as session:
        yield session


def opened(db: Path):  # type: ignore[no-untyped-def]
    return open_session(db, Config())


def said(number: int, text: str) -> dict[str, object]:
    post = {"ref": POSTS[number], "author": "x:account:1", "text": text, "posted_at": "2024-10-28T10:00:00Z"}
    return {"posts": [{**post, "handle": "ada_example", "name": "Ada"}]}


def quoting(number: int, words: str) -> str:
    link = f"https://twitter.com/ada_example/status/{POSTS[number].split(':')[2]}"
    return (
        f'<blockquote class="twitter-tweet"><p lang="en">{words}</p>&mdash; Ada (@ada_example) '
        f'<a href="{link}">October 28, 2024</a></blockquote>\n\n'
    )


def story(session: Session) -> Pen:
    """Three posts; a document that quotes each of them faithfully, and one that quotes the first."""
    pen = Pen(session)
    for number, words in enumerate(WORDS):
        pen.answer(said(number, words))
    pen.document("".join(quoting(number, words) for number, words in enumerate(WORDS)), name="all.md")
    pen.document(quoting(0, WORDS[0]), name="one.md")
    pen.settle()
    return pen


def verdicts(session: Session) -> list[tuple[str, str]]:
    return [
        (row[0], row[1])
        for row in session.archive.all(
            "SELECT x.verdict, x.policy FROM matches x JOIN mentions m ON m.id = x.mention JOIN documents d "
            "ON d.id = m.document WHERE x.rank = 0 ORDER BY d.capture, m.ordinal"
        )
    ]


def leaves(session: Session) -> list[str]:
    return [json.loads(row[0])["type"] for row in session.archive.all("SELECT data FROM log_leaf ORDER BY idx")]


def left_by_older_rules(session: Session, policy: str = OLD) -> None:
    """Rows as older rules could have left them: three words judged otherwise, one of them dangerously."""
    db = session.archive.db
    db.execute("UPDATE matches SET policy = ?", (policy,))
    keys = [row[0] for row in session.archive.all("SELECT id FROM matches ORDER BY mention, rank")]
    change = json.dumps([{"op": "replaced", "quoted": "nine", "original": "ten"}])
    db.execute("UPDATE matches SET flags = 'negation-elided' WHERE id = ?", (keys[0],))
    db.execute("UPDATE matches SET verdict = 'normalised' WHERE id = ?", (keys[1],))
    db.execute("UPDATE matches SET verdict = 'altered', faithful = 0, changes = ? WHERE id = ?", (change, keys[3]))


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)


def test_nothing_is_said_of_an_empty_archive(session: Session) -> None:
    report = rejudge.rejudge(session)
    assert (report.documents, report.mentions, report.policies, list(report.changed)) == (0, 0, {}, [])
    assert rules.notes(session.archive) == []


def test_where_the_rules_are_the_same_nothing_changes_not_even_the_log(session: Session) -> None:
    story(session)
    size, rows = session.evidence.size(), verdicts(session)
    report = rejudge.rejudge(session)
    assert (report.documents, report.mentions, report.policies) == (2, 4, {ruling.POLICY: 4})
    assert (list(report.changed), report.captures, report.reread) == ([], 0, False)
    rejudge.forget(session)
    assert (session.evidence.size(), verdicts(session)) == (size, rows)
    assert rebuild(session, check=True).differences == {}


def test_what_is_said_otherwise_is_told_most_dangerous_first(session: Session) -> None:
    story(session)
    left_by_older_rules(session)
    size = session.evidence.size()
    assert len(rules.notes(session.archive)) == 1
    assert "4 verdicts of 4 were made under older rules" in rules.notes(session.archive)[0]
    assert status_of(session.archive).older == {OLD: 4}
    report = rejudge.rejudge(session)
    assert (report.mentions, report.policies, report.policy) == (4, {OLD: 4}, ruling.POLICY)
    assert [(one.kinds, one.name) for one in report.changed] == [
        ("altered → exact", "one.md"),
        ("normalised → exact", "all.md"),
        ("exact → exact", "all.md"),
    ]
    assert report.changed.kinds == {"altered → exact": 1, "normalised → exact": 1, "exact → exact": 1}
    worst = next(iter(report.changed))
    assert worst.old is not None
    assert worst.new is not None
    assert worst.old.changes == (("replaced", "nine", "ten"),)
    assert (worst.old.policy, worst.new.policy) == (OLD, ruling.POLICY)
    assert worst.words == WORDS[0]
    assert worst.old.post == worst.new.post == POSTS[0]
    assert worst.passage.startswith("doc:passage:")
    last = list(report.changed)[2]
    assert last.old is not None
    assert last.new is not None
    assert (last.old.flags, last.new.flags) == ("negation-elided", "")
    assert verdicts(session) == [("exact", ruling.POLICY)] * 4
    assert session.evidence.size() == size, "the log holds these results already"
    rejudge.forget(session)
    assert rules.notes(session.archive) == []
    assert before.kept(session.archive) == 0
    assert rebuild(session, check=True).differences == {}


def test_faithful_to_altered_stands_before_all_else(session: Session) -> None:
    pen = story(session)
    pen.document(quoting(0, WORDS[0].replace("nine", "ten")) + quoting(1, "nothing like it at all"), name="z.md")
    pen.settle()
    left_by_older_rules(session)
    session.archive.db.execute("UPDATE matches SET verdict = 'exact', faithful = 1, changes = '[]' WHERE id >= 5")
    report = rejudge.rejudge(session, check=True)
    assert next(iter(report.changed)).kinds == "exact → altered"
    assert [one.rank for one in report.changed] == sorted(one.rank for one in report.changed)


def test_the_log_grows_by_one_reading_for_each_document_whose_rows_change(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(ruling, "POLICY", OLD)
        pen = story(session)
        pen.document("Nobody is quoted here.\n", name="plain.md")
        pen.settle()
    assert verdicts(session) == [("exact", OLD)] * 4
    held = leaves(session)
    captures = session.archive.value("SELECT count(*) FROM captures")
    report = rejudge.rejudge(session)
    assert (list(report.changed), report.policies) == ([], {OLD: 4}), "the same is said, by other rules"
    assert leaves(session) == [*held, "reading", "reading"]
    assert session.archive.value("SELECT count(*) FROM captures") == captures
    marks = session.archive.all("SELECT stage, parser FROM reading_marks ORDER BY id DESC LIMIT 2")
    assert [tuple(row) for row in marks] == [("match", ruling.POLICY)] * 2
    assert rebuild(session, check=True).differences == {}


def test_a_check_changes_nothing(session: Session) -> None:
    story(session)
    left_by_older_rules(session)
    dump = list(session.archive.db.iterdump())
    report = rejudge.rejudge(session, check=True)
    assert [one.kinds for one in report.changed] == ["altered → exact", "normalised → exact", "exact → exact"]
    assert list(session.archive.db.iterdump()) == dump
    session.archive.db.execute("UPDATE work_state SET value = 'mentions/0@0' WHERE name = ?", (rules.STATE,))
    dump = list(session.archive.db.iterdump())
    assert rejudge.rejudge(session, check=True).reread
    assert list(session.archive.db.iterdump()) == dump


def test_a_run_never_mixes_rules_in_a_document_and_keeps_what_it_replaces(session: Session) -> None:
    """New evidence settles one document under the present rules; the other keeps its old verdicts and their policy."""
    pen = story(session)
    left_by_older_rules(session)
    mention = session.archive.value("SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref ORDER BY m.id LIMIT 1")
    pen.decide(str(mention), POSTS[0])
    assert settle.settle(session).documents == 1
    policies = "SELECT count(DISTINCT x.policy) FROM matches x JOIN mentions m ON m.id = x.mention GROUP BY m.document"
    assert [row[0] for row in session.archive.all(policies)] == [1, 1]
    assert [policy for _, policy in verdicts(session)] == [ruling.POLICY] * 3 + [OLD]
    told = rules.notes(session.archive)
    assert "1 verdicts of 4 were made under older rules" in told[0]
    assert "3 mentions were judged again under newer rules" in told[1]
    assert status_of(session.archive).replaced == 3
    report = rejudge.rejudge(session)
    assert report.earlier == 3
    assert [one.kinds for one in report.changed] == ["altered → exact", "normalised → exact", "exact → exact"]
    assert all(one.old is not None and one.old.policy == OLD for one in report.changed)


def test_what_was_not_told_is_told_again(session: Session) -> None:
    """The command died after it judged and before anybody read its report."""
    story(session)
    left_by_older_rules(session)
    first = rejudge.rejudge(session)
    again = rejudge.rejudge(session)
    assert list(again.changed) == list(first.changed)
    assert again.resumed
    rejudge.forget(session)
    assert list(rejudge.rejudge(session).changed) == []


def many(session: Session, count: int) -> None:
    pen = Pen(session)
    for number, words in enumerate(WORDS):
        pen.answer(said(number, words))
    for number in range(count):
        pen.document(f"Document {number}.\n\n" + quoting(number % 3, WORDS[number % 3]), name=f"{number}.md")
    pen.settle()
    session.archive.db.execute("UPDATE matches SET policy = ?, verdict = 'altered', faithful = 0", (OLD,))


def test_a_rejudging_that_was_killed_goes_on_where_it_stood(db: Path) -> None:
    count = 4 * settle.BATCH
    with opened(db) as session:
        many(session, count)
        size = session.evidence.size()
    running = subprocess.Popen(
        [sys.executable, "-m", "archiver", "rebuild", "--matches", "--db", str(db)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)) as reader:
        while (
            running.poll() is None
            and not reader.execute("SELECT 1 FROM work_state WHERE name = ?", (rejudge.STATE,)).fetchone()
        ):
            pass
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=20)
        assert running.returncode == -signal.SIGKILL, "it was killed while at work"
        rows = reader.execute("SELECT policy, count(*) FROM matches GROUP BY 1").fetchall()
    done = dict(rows).get(ruling.POLICY, 0)
    print(f"killed after {done} of {count} documents")
    assert 0 < done < count
    assert done % settle.BATCH == 0, "a batch is whole or absent"
    with opened(db) as session:
        report = rejudge.rejudge(session)
        assert report.resumed
        assert (report.documents, report.mentions, report.policies) == (count, count, {OLD: count})
        assert report.changed.kinds == {"altered → exact": count}, "also what was judged before the kill is told"
        assert session.evidence.size() == size
        assert {policy for _, policy in verdicts(session)} == {ruling.POLICY}


def test_evidence_that_comes_after_a_rejudging_was_broken_off_is_settled(db: Path) -> None:
    count = 3 * settle.BATCH
    with opened(db) as session, closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)) as reader:
        many(session, count)

        def stop() -> int:
            return int(
                reader.execute("SELECT 1 FROM work_state WHERE name = ?", (rejudge.STATE,)).fetchone() is not None
            )

        session.archive.db.set_progress_handler(stop, 1000)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            rejudge.rejudge(session)
        session.archive.db.set_progress_handler(None, 0)
        assert [policy for _, policy in verdicts(session)].count(ruling.POLICY) == settle.BATCH
        pen = Pen(session)
        pen.answer(said(1, WORDS[1] + " and more"))
        pen.document(quoting(1, WORDS[1] + " and more"), name="later.md")
        pen.settle()
        report = rejudge.rejudge(session)
        assert report.resumed
        assert len(report.changed) == count
        rejudge.forget(session)
        assert rebuild(session, check=True).differences == {}


def test_mentions_of_other_rules_are_found_again(session: Session) -> None:
    """Older rules cut one mention otherwise and did not find another: the captures are read again."""
    story(session)
    db = session.archive.db
    first, second = (int(row[0]) for row in session.archive.all("SELECT id FROM mentions ORDER BY id LIMIT 2"))
    left_by_older_rules(session, OTHER)
    db.execute("UPDATE work_state SET value = 'mentions/0@0' WHERE name = ?", (rules.STATE,))
    passage = str(
        session.archive.value("SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref WHERE m.id = ?", first)
    )
    place = Span.parse(passage.rpartition(":")[2])
    cut = f"{passage.rpartition(':')[0]}:{place.start + 5}-{place.end + 1}"
    db.execute("INSERT INTO refs (ref, platform, kind, remote_id) VALUES (?, 'doc', 'passage', ?)", (cut, cut[12:]))
    db.execute("UPDATE mentions SET ref = last_insert_rowid() WHERE id = ?", (first,))
    for table in ("matches", "resolutions"):
        db.execute(f"DELETE FROM {table} WHERE mention = ?", (second,))
    db.execute("DELETE FROM mentions WHERE id = ?", (second,))
    db.execute("DELETE FROM work_queue")
    report = rejudge.rejudge(session)
    assert report.reread
    assert report.captures == session.archive.value("SELECT count(*) FROM captures")
    assert (report.documents, report.mentions, report.policies) == (2, 3, {OTHER: 3})
    told = [(one.kinds, bool(one.was_at), one.words) for one in report.changed]
    assert told == [
        ("altered → exact", False, WORDS[0]),
        ("no mention → exact", False, WORDS[1]),
        ("exact → exact", True, WORDS[0]),
    ]
    assert list(report.changed)[2].was_at == cut
    assert report.queued >= 1, "what the new mention refers to is asked for"
    assert session.archive.one("SELECT 1 FROM work_queue WHERE ref = ?", POSTS[1]) is not None
    rejudge.forget(session)
    assert session.state(rules.STATE) == f"{MENTIONS}@0"
    assert rebuild(session, check=True).differences == {}


def test_a_document_without_any_mention_then_is_told_when_it_has_one_now(session: Session) -> None:
    story(session)
    db = session.archive.db
    one = session.archive.value("SELECT document FROM mentions ORDER BY id DESC LIMIT 1")
    for table in ("matches", "resolutions"):
        db.execute(f"DELETE FROM {table} WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", (one,))
    db.execute("DELETE FROM mention_links WHERE mention IN (SELECT id FROM mentions WHERE document = ?)", (one,))
    db.execute("DELETE FROM mentions WHERE document = ?", (one,))
    db.execute("UPDATE work_state SET value = 'mentions/0@0' WHERE name = ?", (rules.STATE,))
    report = rejudge.rejudge(session)
    assert [(one.kinds, one.name) for one in report.changed] == [("no mention → exact", "one.md")]


def test_rows_name_the_rules_by_which_their_mentions_were_found(session: Session) -> None:
    """A document read under older rules of mentions is settled by a run of newer ones: its mentions stay as they are,
    and the policy of its rows says so."""
    pen = story(session)
    session.archive.db.execute("UPDATE work_state SET value = 'mentions/0@0' WHERE name = ?", (rules.STATE,))
    present = rules.now(session.archive, session.state(rules.STATE), session.state("read_upto"))
    session.remember(rules.STATE, str(present))
    pen.document(quoting(1, WORDS[1]), name="new.md")
    pen.answer(said(0, WORDS[0] + " and more"))
    pen.settle()
    tail = ruling.POLICY.partition(" ")[2]
    policies = [policy for _, policy in verdicts(session)]
    assert policies == [f"mentions/0 {tail}"] * 4 + [ruling.POLICY]
    assert rules.older(session.archive) == {f"mentions/0 {tail}": 4}
    report = rejudge.rejudge(session)
    assert report.reread
    assert {policy for _, policy in verdicts(session)} == {ruling.POLICY}
    assert rebuild(session, check=True).differences == {}


def test_verdicts_of_an_older_version_of_the_tables_are_kept(db: Path) -> None:
    with opened(db) as session:
        story(session)
        left_by_older_rules(session)
        session.remember("readings_version", "1")
    with opened(db) as session:
        assert any("version 1" in note for note in session.notes)
        assert session.archive.value("SELECT count(*) FROM matches") == 0
        assert before.kept(session.archive) == 4
        Pen(session).settle()  # a run reads and settles everything
        assert "4 mentions were judged again under newer rules" in rules.notes(session.archive)[0]
    with opened(db) as session:
        report = rejudge.rejudge(session)
        assert (report.earlier, report.earlier_policies) == (4, {OLD: 4})
        assert [one.kinds for one in report.changed] == ["altered → exact", "normalised → exact", "exact → exact"]
        rejudge.forget(session)
        assert rules.notes(session.archive) == []
        assert rebuild(session, check=True).differences == {}


def test_an_older_version_is_read_by_the_command_itself(db: Path) -> None:
    with opened(db) as session:
        story(session)
        left_by_older_rules(session)
        session.remember("readings_version", "1")
    with opened(db) as session:
        checked = rejudge.rejudge(session, check=True)
        assert checked.captures == session.archive.value("SELECT count(*) FROM captures")
        assert (len(checked.changed), checked.earlier_policies) == (3, {OLD: 4})
        assert len(verdicts(session)) == 4, "a check does not leave an archive without readings"
        report = rejudge.rejudge(session)
        assert (report.captures, list(report.changed)) == (0, list(checked.changed))


def test_tables_that_cannot_be_compared_are_said_to_be(db: Path) -> None:
    with opened(db) as session:
        story(session)
        session.archive.db.execute("ALTER TABLE matches RENAME COLUMN policy TO rules")
        session.remember("readings_version", "1")
    with opened(db) as session:
        assert any("cannot be compared" in note for note in session.notes)
        assert list(rejudge.rejudge(session).changed) == []


def test_a_whole_rebuild_keeps_what_it_replaces(session: Session) -> None:
    story(session)
    left_by_older_rules(session)
    report = rebuild(session, check=False)
    assert any("--matches" in note for note in report.notes)
    assert len(list(rejudge.rejudge(session).changed)) == 3
    rejudge.forget(session)
    assert rebuild(session, check=False).notes == []
    assert before.kept(session.archive) == 0


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_older_rules_is_judged_again_whole(
    session: Session, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Part of a history is written under older rules; some of their verdicts are others. Exactly those are told."""
    with monkeypatch.context() as older:
        older.setattr(ruling, "POLICY", OLD)
        Random(seed).write(Pen(session), 30)
    draw = random.Random(seed)
    rows = session.archive.all(
        "SELECT x.id, r.ref FROM matches x JOIN mentions m ON m.id = x.mention JOIN refs r ON r.id = m.ref "
        "WHERE x.rank = 0 ORDER BY x.id"
    )
    wrong = draw.sample(rows, len(rows) // 3)
    session.archive.db.executemany("UPDATE matches SET flags = 'wrong' WHERE id = ?", ((row["id"],) for row in wrong))
    report = rejudge.rejudge(session)
    assert report.policies == {OLD: len(rows)}
    assert sorted(one.passage for one in report.changed) == sorted(row["ref"] for row in wrong)
    assert session.archive.all("SELECT 1 FROM matches WHERE policy <> ?", ruling.POLICY) == []
    assert rebuild(session, check=True).differences == {}
    print(f"{len(rows)} verdicts, {len(wrong)} told")


def test_the_command(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(db.parent)  # no folder seeds/ here
    missing = call("rebuild", "--matches", "--db", db)
    assert (missing.exit_code, "no archive here yet" in missing.stderr) == (2, True)
    with opened(db) as session:
        story(session)
        left_by_older_rules(session)
    told = call("status", "--db", db).stdout
    assert f"4 verdicts of 4 were made under older rules ({OLD}): `archiver rebuild --matches`" in told
    assert "Note: 4 verdicts of 4 were made under older rules" in call("run", "--offline", "--db", db).stdout
    whole = call("rebuild", "--check", "--db", db)
    assert (whole.exit_code, "nothing was compared with them" in whole.stdout) == (0, True)
    checked = call("rebuild", "--matches", "--check", "--db", db)
    assert checked.exit_code == 1, "something would be said otherwise"
    assert "would change" in checked.stdout
    assert "No verdict was changed" in checked.stdout
    done = call("rebuild", "--matches", "--db", db)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"4 mentions in 2 documents were judged again under {ruling.POLICY}."
    assert lines[1] == f"Verdicts before: 4 under {OLD}."
    assert lines.index("  altered → exact: 1") < lines.index("  normalised → exact: 1")
    assert "    before: says “nine” where the post says “ten”" in lines
    assert f"    {OLD} → {ruling.POLICY}" in lines
    again = call("rebuild", "--matches", "--check", "--db", db)
    assert (again.exit_code, "Nothing is said otherwise than before." in again.stdout) == (0, True)
    assert "older rules" not in call("status", "--db", db).stdout
    assert call("rebuild", "--check", "--db", db).exit_code == 0
    with opened(db) as session:
        session.archive.db.execute("UPDATE matches SET flags = 'wrong' WHERE rank = 0")
    assert call("rebuild", "--check", "--db", db).exit_code == 4
    with opened(db) as session:
        session.archive.db.execute("UPDATE work_state SET value = 'mentions/0@0' WHERE name = ?", (rules.STATE,))
    assert call("rebuild", "--check", "--db", db).exit_code == 1, "a changed rule is no fault"


def test_the_report_is_bounded_as_text_and_whole_as_json(db: Path) -> None:
    with opened(db) as session:
        many(session, 60)
    data = call("rebuild", "--matches", "--check", "--json", "--db", db)
    report = json.loads(data.stdout)
    assert (data.exit_code, report["check"], len(report["changed"])) == (1, True, 60)
    assert report["kinds"] == {"altered → exact": 60}
    assert set(report["changed"][0]) == {"document", "name", "passage", "was_at", "words", "old", "new"}
    text = call("rebuild", "--matches", "--db", db).stdout
    assert "… and 20 more: --json lists all." in text
    assert text.count("doc:passage:") == 40


def test_a_report_that_nobody_could_read_is_not_lost(db: Path) -> None:
    with opened(db) as session:
        many(session, 60)
    running = subprocess.Popen(
        [sys.executable, "-m", "archiver", "rebuild", "--matches", "--json", "--db", str(db)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.wait(timeout=60) != 0
    assert running.stderr is not None
    running.stderr.close()
    assert len(json.loads(call("rebuild", "--matches", "--json", "--db", db).stdout)["changed"]) == 60


def test_a_changed_rule_is_no_fault_and_hides_none(session: Session) -> None:
    """A check of everything compares no verdict of older rules, and all the others."""
    story(session)
    left_by_older_rules(session)
    report = rebuild(session, check=True)
    assert report.differences == {}
    assert any("older rules" in note for note in report.notes)
    assert before.kept(session.archive) == 0
    one = "SELECT id FROM mentions WHERE document = (SELECT max(id) FROM documents)"
    change = f"UPDATE matches SET policy = ?, faithful = 0 WHERE mention IN ({one})"
    session.archive.db.execute(change, (ruling.POLICY,))
    report = rebuild(session, check=True)
    assert report.differences == {"matches": (1, 1), "tallies": (4, 2)}, "verdicts are counted by their rules"
    session.archive.db.execute("UPDATE work_state SET value = 'mentions/0@0' WHERE name = ?", (rules.STATE,))
    report = rebuild(session, check=True)
    assert (report.comparable, any("mentions were found by older rules" in note for note in report.notes)) == (
        False,
        True,
    )


def test_a_seed_that_a_crash_left_unread_is_followed_by_a_rebuild(session: Session) -> None:
    Pen(session).document(quoting(0, WORDS[0]), readable=False)
    rebuild(session, check=False)
    assert session.archive.one("SELECT 1 FROM work_queue WHERE ref = ?", POSTS[0]) is not None


def test_many_mentions_that_are_all_cut_otherwise_are_paired_in_time() -> None:
    olds = [placed(n * 10, n * 10 + 8) for n in range(20_000)]
    news = [placed(n * 10 + 1, n * 10 + 9) for n in range(20_000)]
    assert paired(olds, news) == list(zip(olds, news, strict=True))


def placed(start: int, end: int, number: int = 0) -> Placed:
    what = Said(
        words="w", status="", ref="", verdict="", faithful=False, post="", flags="", changes=(), reason="", policy=""
    )
    passage = f"doc:passage:{'a' * 64}:{start}-{end}"
    return Placed(name=f"before {passage} {number}", passage=passage, said=what)


def test_mentions_are_paired_by_place_then_by_what_they_share() -> None:
    same, cut, wider, gone, new = placed(0, 10), placed(20, 40), placed(18, 44), placed(50, 60), placed(70, 80)
    pairs = paired([same, cut, gone], [same, wider, new])
    assert pairs == [(same, same), (cut, wider), (gone, None), (None, new)]
    assert paired([placed(0, 10)], [placed(10, 20)]) == [(placed(0, 10), None), (None, placed(10, 20))]
    twice = [placed(0, 10, 0), placed(0, 10, 1)]
    assert paired(twice, twice) == [(twice[0], twice[0]), (twice[1], twice[1])]


@pytest.mark.parametrize("text", ["mentions/1@0", "mentions/1@0 mentions/2@53", "unknown@0 mentions/2@7"])
def test_rules_of_mentions_are_written_as_they_are_read(text: str) -> None:
    assert str(MentionRules.parse(text)) == text


@pytest.mark.parametrize("text", ["", "mentions/1", "@4", "mentions/1@", "a@-1", "a@01", "a@5 b@4", "a@0  b@1", "a@٣"])
def test_rules_of_mentions_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        MentionRules.parse(text)


def test_rules_of_mentions_hold_from_their_leaf_on() -> None:
    held = MentionRules.parse("a@0 b@10")
    assert [held.of(leaf) for leaf in (0, 9, 10, 99)] == ["a", "a", "b", "b"]
    assert held.then("b", 50) == held
    assert str(held.then("c", 50)) == "a@0 b@10 c@50"
    assert str(held.then("c", 10)) == "a@0 c@10", "nothing was read under b"
    assert str(MentionRules.parse("a@0").then("b", 0)) == "b@0"
    assert held.policies == {"a", "b"}


def changed(number: int, old: str, new: str) -> Changed:
    """A change of one verdict into another, `number` for all that tells it from others."""
    said = replace(placed(0, 9).said, words=f"words {number} \u2028 “\U0001f309”", changes=(("replaced", "a", "b"),))
    sides = [None if kind == "" else replace(said, verdict=kind, faithful=kind == "exact") for kind in (old, new)]
    passage = f"doc:passage:{number:064x}:0-9"
    return Changed(document="", name="", passage=passage, was_at="", words=said.words, old=sides[0], new=sides[1])


KINDS = (("exact", "exact"), ("altered", "exact"), ("", "exact"), ("exact", "altered"), ("not-found", "altered"))


def test_changes_come_back_as_they_went_in_most_dangerous_first(tmp_path: Path) -> None:
    changes = Changes(tmp_path)
    assert (list(changes), len(changes), changes.kinds, bool(changes)) == ([], 0, {}, False)
    given = [changed(number, *KINDS[number % 5]) for number in range(50)]
    for number, one in enumerate(given):
        changes.add(one)
        assert next(iter(changes)).rank == min(other.rank for other in given[: number + 1]), "read while it grows"
    assert list(changes) == sorted(given, key=lambda one: one.rank)
    assert [pair[0] for pair in zip(changes, changes, strict=True)] == list(changes), "by two readers at once"
    assert list(changes.kinds) == [
        "exact → altered", "altered → exact", "no mention → exact", "not-found → altered", "exact → exact",
    ]  # fmt: skip
    assert set(changes.kinds.values()) == {10}
    assert list(tmp_path.iterdir()) == [], "no file to be left behind"


@pytest.mark.heavy
def test_many_changes_take_no_more_memory_than_a_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    peaks, one = [], changed(1, "exact", "altered")
    for count in (50, 100, 3_000):  # the first try loads what any needs
        report, sink = rejudge.Rejudged(policy=ruling.POLICY, changed=Changes(tmp_path)), Counting()
        tracemalloc.start()
        try:
            for _ in range(count):
                report.changed.add(one)
            with contextlib.redirect_stdout(sink):
                print_rejudged(report, check=False, as_json=True)
                print_rejudged(report, check=False, as_json=False)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    with capsys.disabled():
        print(f"\n3,000 changes: {sink.size:,} characters, at most {peaks[2]:,} bytes; 100: {peaks[1]:,} bytes")
    assert sink.size > 1_500_000
    assert peaks[2] < peaks[1] + 300_000


class Counting(io.StringIO):
    """Standard output that keeps nothing but its size."""

    size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        return len(text)
