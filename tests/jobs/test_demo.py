"""The demonstration, as it is committed: run once into an archive of its own, and held to what README.txt promises."""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from archiver.cli import main

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
FIRST, LATER = DEMO / "first", DEMO / "later.warc"
ALTERED, PLAN, CAMERA = "2032522075960246272", "2032366047851446272", "2032805191480246272"
CHAIN = ["2032135780561846272", "2031705444971446272", "2031271334507446272", "2030916496389046272"]
CLAIM, RECORD, HIDDEN = "2032746051793846272", "2032783800529846272", "2031746968581046272"
REPLIES = ["2032046441886646272", "2032038892139446272", "2032033858974646272"]
SOCIAL = "https://social.lanternwick.example"
IVY, JUN = "did:plc:34l4tfaa5kv7gvgvwuyoix2w", "did:plc:yjn54gjeljng4g3jsarrhl3d"
TABLE, MAP, COFFEE, GUESS = "3mgttakvz2222", "3mgv3hznf2222", "3mgw4yvw72222", "3mgwae75i2222"


def archiver(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def look(db: Path, recording: Path, *more: str) -> Result:
    return archiver("run", "data/demo/seeds", "--replay", recording, "--db", db, *more)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """The archive after both looks, and what the two runs printed."""
    db = tmp_path_factory.mktemp("demo") / "demo.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        runs = [look(db, FIRST), look(db, LATER, "--recheck")]
        assert [run.exit_code for run in runs] == [0, 0], [run.output for run in runs]
        yield db, [run.output for run in runs]


class Rows:
    """Questions to the archive; references are given as text."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row

    def all(self, sql: str, *parameters: object) -> list[Any]:
        found = [tuple(row) for row in self.db.execute(sql, parameters)]
        return [row[0] if len(row) == 1 else row for row in found]

    def post(self, ref: str) -> dict[str, Any]:
        found = self.db.execute("SELECT p.* FROM posts p JOIN refs r ON r.id = p.id WHERE r.ref = ?", (ref,)).fetchone()
        return dict(found)

    def matches(self, seed: str, words: str) -> list[dict[str, Any]]:
        """The verdicts on the one mention of a seed whose quoted words begin so, best first."""
        found = self.db.execute(
            "SELECT m.id AS mention, s.status, s.how, p.ref AS resolved, x.*, v.text, q.ref AS post_ref "
            "FROM mentions m JOIN documents d ON d.id = m.document JOIN captures c ON c.id = d.capture "
            "JOIN resolutions s ON s.mention = m.id LEFT JOIN refs p ON p.id = s.ref "
            "LEFT JOIN matches x ON x.mention = m.id LEFT JOIN versions v ON v.id = x.version "
            "LEFT JOIN refs q ON q.id = x.post WHERE c.url = ? AND m.quoted LIKE ? || '%' ORDER BY x.rank",
            (f"seed:data/demo/seeds/{seed}", words),
        ).fetchall()
        rows = [dict(row) for row in found]
        assert len({row["mention"] for row in rows}) == 1, rows
        return rows


@pytest.fixture
def rows(shown: tuple[Path, list[str]]) -> Iterator[Rows]:
    opened = Rows(shown[0])
    yield opened
    opened.db.close()


def x(id: str) -> str:
    return f"x:post:{id}"


def sky(did: str, rkey: str) -> str:
    return f"bluesky:post:at://{did}/app.bsky.feed.post/{rkey}"


def toot(user: str, id: str) -> str:
    return f"fediverse:post:{SOCIAL}/users/{user}/statuses/{id}"


# ---- what the recording answers ---------------------------------------------------------------------------------


def test_everything_that_is_asked_is_in_the_recording(rows: Rows) -> None:
    assert rows.all("SELECT url, failure FROM captures WHERE failure <> ''") == []
    assert rows.all("SELECT c.url, u.reason, u.pointer FROM unread u JOIN captures c ON c.id = u.capture") == []
    assert rows.all("SELECT tier, count(*) > 50 FROM captures GROUP BY tier ORDER BY tier") == [
        ("import", False),
        ("replay", True),
    ]
    days = rows.all("SELECT DISTINCT substr(observed_at, 1, 10) FROM captures WHERE tier = 'replay' ORDER BY 1")
    assert days == ["2026-03-16", "2026-03-30"]


def test_everything_in_the_recording_is_asked(rows: Rows) -> None:
    """But for what a server would answer if it were asked: no handle of jun's is printed, no repository is in doubt."""
    recorded = {entry["url"] for entry in json.loads((FIRST / "index.json").read_text("utf-8"))}
    asked = set(rows.all("SELECT url FROM captures WHERE observed_at LIKE '2026-03-16%'"))
    status = f"https://pds.lanternwick.example/xrpc/com.atproto.sync.getRepoStatus?did={JUN}"
    handle = "https://public.api.bsky.app/xrpc/com.atproto.identity.resolveHandle?handle=jun.lanternwick.example"
    assert recorded - asked == {status, status.replace(JUN, IVY), handle}


# ---- verdicts -----------------------------------------------------------------------------------------------------


def test_a_faithful_quotation(rows: Rows) -> None:
    (best,) = rows.matches("bulletin.txt", "The week without")
    assert (best["status"], best["how"], best["resolved"]) == ("resolved", "short-link", x(PLAN))
    assert (best["verdict"], best["faithful"], best["post_ref"], best["found_by"]) == ("exact", 1, x(PLAN), "target")


def test_a_misquotation_names_the_changed_word(rows: Rows) -> None:
    best = rows.matches("bulletin.txt", "The ferry carried")[0]
    assert (best["resolved"], best["verdict"], best["faithful"]) == (x(ALTERED), "altered", 0)
    assert best["flags"] == "number-changed"
    (change,) = json.loads(best["changes"])
    assert (change["op"], change["quoted"], change["original"]) == ("replaced", "nineteen", "ninety")
    start, end = change["original_span"]["start"], change["original_span"]["end"]
    assert best["text"][start:end] == "ninety"


def test_a_splice_names_both_posts(rows: Rows) -> None:
    first, second, *others = rows.matches("bulletin.txt", "The town says")
    assert (first["status"], first["resolved"]) == ("unresolved", None)
    assert [(row["verdict"], row["post_ref"], row["faithful"]) for row in (first, second)] == [
        ("spliced", x(CLAIM), 0),
        ("spliced", x(RECORD), 0),
    ]
    assert first["quoted_end"] <= second["quoted_start"]
    assert all(row["verdict"] == "altered" for row in others)


def test_damaged_letters_are_undone_and_then_compared(rows: Rows) -> None:
    best = rows.matches("bulletin.txt", "⚡️ The test opening")[0]
    assert (best["resolved"], best["verdict"], best["faithful"]) == (x(CAMERA), "normalised", 1)
    assert "encoding:cp1250" in best["steps"].split()
    assert rows.all('SELECT before, "after", steps FROM repairs') == [
        ("đźŚ‰:", "🌉:", "encode:sloppy-windows-1250 decode:utf-8")
    ]
    (text,) = rows.all("SELECT text FROM documents WHERE text LIKE '%Harbour Camera%'")
    assert "đźŚ‰" in text, "the document itself is never changed"


def test_what_was_never_captured_is_not_judged(rows: Rows) -> None:
    (lost,) = rows.matches("bulletin.txt", "The gulls have been")
    assert (lost["status"], lost["resolved"], lost["verdict"]) == ("unresolved", None, "not-judged")
    (speech,) = rows.matches("bulletin.txt", "The bridge is older")
    assert (speech["status"], speech["resolved"], speech["verdict"]) == ("unresolved", None, "not-found")


def test_embeds_and_notes_are_judged(rows: Rows) -> None:
    verdicts = {
        ("beacon-article.html", "I asked"): ("same-words", x(CHAIN[0]), "embed"),
        ("beacon-article.html", "I drew"): ("exact", sky(JUN, MAP), "embed"),
        ("notes.md", "The tide"): ("truncated", sky(IVY, TABLE), "permalink"),
    }
    for (seed, words), expected in verdicts.items():
        best = rows.matches(seed, words)[0]
        assert (best["verdict"], best["resolved"], best["how"]) == expected
        assert best["faithful"] == 1


def test_a_phrase_stands_in_a_post_that_nobody_linked(rows: Rows) -> None:
    found = rows.all(
        "SELECT t.ref, e.evidence, substr(d.text, 1 + substr(e.pointer, 1, instr(e.pointer, '-') - 1), "
        "substr(e.pointer, instr(e.pointer, '-') + 1, instr(e.pointer, '>') - instr(e.pointer, '-') - 1) - "
        "substr(e.pointer, 1, instr(e.pointer, '-') - 1)) FROM edges e JOIN refs t ON t.id = e.target "
        "JOIN documents d ON d.capture = e.capture JOIN refs s ON s.id = e.source "
        "WHERE e.kind = 'same-text' AND s.ref LIKE 'doc:%' AND NOT EXISTS (SELECT 1 FROM mentions m "
        "JOIN sources x ON x.mention = m.id AND x.source = e.target WHERE m.ref = s.id) ORDER BY t.ref"
    )
    assert found == [
        (x(CHAIN[3]), "inferred", "a small delay with a large view"),
        (x(CHAIN[2]), "inferred", "a forty minute walk around the basin"),
    ]


def test_a_quotation_that_was_put_together_occurs_in_the_posts_of_its_parts(rows: Rows) -> None:
    found = rows.all(
        "SELECT r.ref, m.handle, s.standard, e.evidence FROM sources s JOIN refs r ON r.id = s.source "
        "JOIN mentions m ON m.id = s.mention JOIN edges e ON e.source = m.ref AND e.target = s.source "
        "AND e.kind = 'same-text' ORDER BY s.rank"
    )
    assert found == [(x(post), "ada_of_lanternwick", "text", "inferred") for post in (CLAIM, RECORD)]


# ---- chains -------------------------------------------------------------------------------------------------------


def upstream(rows: Rows, source: str) -> list[tuple[str, str, str]]:
    return rows.all(
        "SELECT e.kind, e.evidence, t.ref FROM edges e JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target "
        "WHERE s.ref = ? AND e.kind IN ('quotes', 'replies-to', 'reposts', 'resolves-to') ORDER BY e.kind, t.ref",
        source,
    )


def test_quotations_lead_to_their_origin(rows: Rows, shown: tuple[Path, list[str]]) -> None:
    for source, target in itertools.pairwise(CHAIN):
        assert upstream(rows, x(source)) == [("quotes", "asserted", x(target))]
    assert upstream(rows, x(CHAIN[-1])) == []
    assert upstream(rows, sky(JUN, MAP)) == [("quotes", "asserted", sky(IVY, TABLE))]
    told = json.loads(archiver("show", x(CHAIN[0]), "--json", "--db", shown[0]).output)
    assert [step["depth"] for step in told["chain"]] == [1, 2, 3]
    assert told["origins"] == [x(CHAIN[-1])]
    printed = archiver("show", x(CHAIN[0]), "--db", shown[0]).output
    assert f"Origin: {x(CHAIN[-1])}, @town_of_lanternwick, 2026-03-09 08:00:00Z" in printed
    assert "We promise a sma…”" in printed, "no line of the tree is cut at the width of a terminal"


def test_replies_a_boost_and_a_copy_lead_to_theirs(rows: Rows, shown: tuple[Path, list[str]]) -> None:
    for source, target in itertools.pairwise(REPLIES):
        assert upstream(rows, x(source)) == [("replies-to", "asserted", x(target))]
    boost = f"fediverse:repost:{SOCIAL}/users/moss/statuses/116215503912960000/activity"
    assert upstream(rows, boost) == [("reposts", "asserted", toot("gale", "116215382016000000"))]
    original = "fediverse:post:https://garden.lanternwick.example/users/fern/statuses/116220336537600000"
    assert upstream(rows, f"fediverse:post:{SOCIAL}/statuses/116210000000000000") == [
        ("resolves-to", "asserted", original)
    ]
    assert rows.post(original)["outcome"] == "live"
    # The server names the post that was answered by its own number: the chain leads through the alias to the post.
    told = json.loads(archiver("show", toot("moss", "116215499980800000"), "--json", "--db", shown[0]).output)
    assert [(step["target"], step["handle"], bool(step["text"])) for step in told["chain"]] == [
        (toot("gale", "116215382016000000"), "gale@social.lanternwick.example", True)
    ]


# ---- two looks ----------------------------------------------------------------------------------------------------


def edits(rows: Rows, ref: str) -> list[tuple[str, str, str, str]]:
    return rows.all(
        "SELECT e.shown_by, e.route, b.text, a.text FROM edits e JOIN refs r ON r.id = e.post "
        "JOIN versions a ON a.id = e.after LEFT JOIN versions b ON b.id = e.before WHERE r.ref = ? "
        "ORDER BY e.shown_by, e.route",
        ref,
    )


def test_an_edit_that_is_marked(rows: Rows) -> None:
    times = "The ferry leaves at {} past and at {} past the hour, from the east steps."
    old, new = times.format("ten", "forty"), times.format("five", "thirty five")
    assert edits(rows, toot("moss", "116215499980800000")) == [
        ("marker", "history", None, new),
        ("marker", "status", old, new),
        ("same-route", "status", old, new),
    ]


def test_an_edit_that_is_not_marked(rows: Rows) -> None:
    price = "The harbour café opens at {} for everybody who has to walk."
    old, new = price.format("five"), price.format("seven")
    assert edits(rows, sky(IVY, COFFEE)) == [
        ("same-route", route, old, new) for route in ("posts", "record", "record-proof")
    ]


def test_nothing_else_was_edited(rows: Rows) -> None:
    assert sorted(rows.all("SELECT DISTINCT r.ref FROM edits e JOIN refs r ON r.id = e.post")) == sorted(
        [toot("moss", "116215499980800000"), sky(IVY, COFFEE)]
    )


def test_deletions(rows: Rows) -> None:
    """Stated by the server; proved by the repository; and on X no reason is given, so none is told."""
    assert sorted(
        rows.all("SELECT r.ref, p.outcome FROM posts p JOIN refs r ON r.id = p.id WHERE p.outcome <> 'live'")
    ) == sorted(
        [(toot("gale", "116223875481600000"), "deleted"), (sky(IVY, GUESS), "deleted"), (x(HIDDEN), "not-found")]
    )
    said = rows.all(
        "SELECT c.route, o.outcome, c.status FROM outcomes o JOIN captures c ON c.id = o.capture "
        "JOIN refs r ON r.id = o.ref WHERE r.ref = ? ORDER BY c.leaf",
        x(HIDDEN),
    )
    assert said == [
        ("syndication", "live", 200),
        ("syndication", "unavailable", 200),
        ("fxtwitter", "not-found", 404),
        ("oembed", "not-found", 404),
    ]
    assert rows.post(x(HIDDEN))["text"].startswith("The inspection of January"), "what was captured stays"


def test_proofs(rows: Rows) -> None:
    assert rows.all("SELECT count(*) FROM proofs WHERE valid IS NOT 1") == [0]
    kinds = dict(rows.all("SELECT kind, count(*) FROM proofs GROUP BY kind"))
    assert kinds["atproto-record"] == 7
    assert kinds["atproto-absence"] == 1
    assert kinds["plc-log"] >= 2
    absent = rows.all("SELECT r.ref FROM proofs p JOIN refs r ON r.id = p.ref WHERE p.kind = 'atproto-absence'")
    assert absent == [sky(IVY, GUESS)]


def test_one_picture_is_kept_once(rows: Rows) -> None:
    rows_of = rows.all(
        "SELECT DISTINCT b.sha256, c.url FROM files f JOIN blobs b ON b.id = f.blob JOIN captures c "
        "ON c.id = f.capture ORDER BY c.url"
    )
    bridge = {sha256 for sha256, url in rows_of if "ridge" in url}
    assert len(bridge) == 1
    assert sum("ridge" in url for _, url in rows_of) == 3
    assert rows.all("SELECT count(*) FROM blobs WHERE sha256 = ?", *bridge) == [1]
    recorded = {hashlib.sha256(path.read_bytes()).hexdigest() for path in FIRST.glob("*.png")}
    assert {sha256 for sha256, _ in rows_of} == recorded


def test_a_linked_page_and_a_listed_page_are_captured(rows: Rows) -> None:
    pages = rows.all("SELECT DISTINCT r.ref, p.title FROM pages p JOIN refs r ON r.id = p.ref ORDER BY 1")
    base = "web:page:https://beacon.lanternwick.example/2026/03"
    assert pages == [(f"{base}/bridge-diary", "A bridge diary"), (f"{base}/inspection", "Where are the papers?")]
    # The listed page was read as a document: the post that it embeds was captured and judged.
    assert rows.all(
        "SELECT x.verdict, q.ref FROM matches x JOIN refs q ON q.id = x.post JOIN mentions m ON m.id = x.mention "
        "JOIN documents d ON d.id = m.document JOIN captures c ON c.id = d.capture WHERE c.url LIKE '%bridge-diary'"
    ) == [("exact", x(REPLIES[1]))]


# ---- commands -----------------------------------------------------------------------------------------------------


def test_the_readings_are_a_function_of_the_evidence(shown: tuple[Path, list[str]]) -> None:
    result = archiver("rebuild", "--check", "--json", "--db", shown[0])
    report = json.loads(result.output)
    assert result.exit_code == 0, result.output
    assert report["differences"] == {}
    assert report["captures"] > 100


def test_what_the_runs_print(shown: tuple[Path, list[str]]) -> None:
    first, second = shown[1]
    assert "says “nineteen” where the post says “ninety”" in first
    assert f"put together from {x(CLAIM)} and {x(RECORD)}" in first
    assert "damaged encoding: đźŚ‰: → 🌉:" in first
    assert "the post is" not in first
    assert second.count("the post is deleted") == 2
    assert second.count("the post is not found, which does not say that it was deleted") == 1
    assert second.count("the post was edited") == 2
    assert "Seeds: 0 stored, 4 known already." in second


def test_what_show_prints(shown: tuple[Path, list[str]]) -> None:
    db = shown[0]
    edited = archiver("show", f"{SOCIAL}/@moss/116215499980800000", "--db", db).output
    assert edited.count("\nEdited between 2026-03-16 09:00:") == 1, "told once, with all that shows it"
    assert ": shown by the platform's marker (status) and two sightings by one route (status)\n" in edited
    assert "\n  “ten” became “five”\n  “forty” became “thirty five”\n" in edited
    assert "Edited before" not in edited, "the history says the same edit again"
    assert edited.count("at forty past the hour") == 1, "versions that read the same stand once"
    deleted = archiver("show", f"https://bsky.app/profile/ivy.lanternwick.example/post/{GUESS}", "--db", db).output
    assert "deleted as of 2026-03-30 09:00:" in deleted
    assert "Proof atproto-absence: valid:" in deleted
    captures = [line for line in deleted.splitlines() if " leaf " in line]
    assert len(captures) == len(set(captures)) == 6
    misquoted = archiver("show", x(ALTERED), "--db", db).output
    assert "replaced: “nineteen” for “ninety”" in misquoted
    assert misquoted.count("Media photo") == 1
    assert "in data/demo/seeds/bulletin.txt" in misquoted
