"""An archive of a real AT Protocol network: posts are captured, then deleted, rewritten, taken down, left behind and
brought back, and later runs say which of these it was. `make atproto` installs the network and runs this."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import real_network
from PIL import Image
from real_network import Account, Network, Record

from archiver.bundle.verify_curves import signer_of
from archiver.bundle.verify_files import Refused
from archiver.bundle.verify_repo import check_record
from tests.jobs.running import Desk, Ended, sound

pytestmark = pytest.mark.heavy

HOME = os.environ.get("QUOTECHAIN_ATPROTO", "")
ORIGIN = "The ferry stops at noon, said the harbour office, and nobody 🚢 had told the island."
BEFORE = "The pier opens again on Monday morning, the council told the fishermen today."
AFTER = BEFORE.replace("Monday", "Friday")
NOBODY = "2222222222222"


@dataclass(frozen=True, kw_only=True)
class Written:
    """What fictional people wrote, by what will become of it."""

    people: dict[str, Account]
    posts: dict[str, Record]
    picture: bytes


@dataclass(frozen=True, kw_only=True)
class Archived:
    """The archive after each of the runs, told as rows."""

    network: Network
    written: Written
    desk: Desk
    rewritten: Record
    runs: tuple[Ended, ...]

    def ref(self, name: str) -> str:
        return self.written.posts[name].ref

    def shown(self, name: str) -> Any:
        return self.desk.call("show", self.ref(name), "--json").json

    def findings(self, name: str, run: int) -> dict[str, tuple[str, str]]:
        """What each route said of a post in one of the runs: route → (outcome, reason)."""
        rows = self.desk.rows(
            "SELECT c.route, o.outcome, o.reason, c.observed_at FROM outcomes o JOIN captures c ON c.id = o.capture "
            "JOIN refs r ON r.id = o.ref WHERE r.ref = ? AND c.ref = r.ref ORDER BY c.leaf",
            self.ref(name),
        )
        begun = [start for (start,) in self.desk.table("SELECT started_at FROM work_runs ORDER BY id")] + ["9"]
        return {
            row["route"]: (row["outcome"], row["reason"])
            for row in rows
            if begun[run] <= row["observed_at"] < begun[run + 1]
        }

    def proofs(self, name: str) -> list[tuple[str, int | None]]:
        rows = self.desk.rows(
            "SELECT p.kind, p.valid FROM proofs p JOIN refs r ON r.id = p.ref JOIN captures c ON c.id = p.capture "
            "WHERE r.ref = ? AND c.route = 'record-proof' AND p.kind <> 'atproto-cid' ORDER BY c.leaf",
            self.ref(name),
        )
        return [(row["kind"], row["valid"]) for row in rows]

    def events(self, name: str) -> list[tuple[str, str]]:
        rows = self.desk.rows(
            "SELECT e.kind, e.outcome FROM events e JOIN refs r ON r.id = e.post WHERE r.ref = ? ORDER BY e.at, e.id",
            self.ref(name),
        )
        return [(row["kind"], row["outcome"]) for row in rows]


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (48, 32), (20, 90, 140)).save(content, "JPEG")
    return content.getvalue()


def write(network: Network) -> Written:
    names = ("ada", "ben", "cleo", "dora", "eve", "finn", "gus")
    people = {name: network.join(f"{name}-{os.getpid()}") for name in names}
    image = picture()
    posts: dict[str, Record] = {}
    blob = network.upload(people["ada"], image, "image/jpeg")
    images = {"$type": "app.bsky.embed.images", "images": [{"alt": "a ferry", "image": blob}]}
    posts["origin"] = network.post(people["ada"], ORIGIN, embed=images)
    posts["quote"] = network.quote(people["ben"], "Nobody told the island?", posts["origin"])
    chart = network.upload(people["cleo"], image + b"\0", "image/jpeg")
    media = {"$type": "app.bsky.embed.images", "images": [{"alt": "a chart", "image": chart}]}
    record = {"$type": "app.bsky.embed.record", "record": posts["quote"].strong}
    both = {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": media}
    posts["quote of a quote"] = network.post(people["cleo"], "The timetable says otherwise", embed=both)
    posts["reply"] = network.post(
        people["dora"], "I was there", reply={"root": posts["origin"].strong, "parent": posts["origin"].strong}
    )
    posts["repost"] = network.write(people["dora"], "app.bsky.feed.repost", {"subject": posts["origin"].strong})
    for name, author, text in (
        ("deleted", "finn", "I will not say this twice."),
        ("rewritten", "finn", BEFORE),
        ("hidden", "finn", "A word that the host does not like."),
        ("left", "eve", "I am only here until Sunday."),
        ("banned", "gus", "Buy my boat."),
    ):
        posts[name] = network.post(people[author], text)
        posts[f"quote of {name}"] = network.quote(people["ben"], f"See what {author} says", posts[name])
    network.settle()
    return Written(people=people, posts=posts, picture=image)


def change(network: Network, written: Written) -> Record:
    people, posts = written.people, written.posts
    network.delete(people["finn"], posts["deleted"])
    rewritten = network.rewrite(people["finn"], posts["rewritten"], AFTER)
    network.take_down(posts["hidden"])
    network.leave(people["eve"])
    network.take_down(people["gus"])
    network.settle()
    return rewritten


def undo(network: Network, written: Written) -> None:
    network.take_down(written.posts["hidden"], applied=False)
    network.come_back(written.people["eve"])
    network.take_down(written.people["gus"], applied=False)
    network.settle()


def desk_for(folder: Path, network: Network, written: Written) -> Desk:
    config = folder / "archiver.toml"
    config.write_text(
        f'[endpoints]\n"bluesky.appview" = "{network.appview}"\n"bluesky.plc" = "{network.plc}"\n'
        '[network]\nallow_private = ["localhost"]\n[pace]\ndefault = 0.0\n[follow]\npages = false\nwait = 5.0\n'
    )
    desk = Desk(folder, config)
    posts = written.posts
    pages = [record.page for name, record in posts.items() if name != "repost"]
    never = posts["origin"].page.replace(posts["origin"].rkey, NOBODY)
    desk.seed("list.txt", "".join(f"{line}\n" for line in (*pages, posts["repost"].uri, never)))
    quotations = (
        f'<p>“{ORIGIN}” (<a href="{posts["origin"].page}">the harbour</a>)</p>'
        f'<blockquote class="bluesky-embed" data-bluesky-uri="{posts["rewritten"].uri}"><p>{BEFORE}</p>'
        f'&mdash; Finn (<a href="{posts["rewritten"].page}">@finn.test</a>)</blockquote>'
    )
    desk.seed("story.html", f"<!doctype html><title>The pier</title><article>{quotations}</article>")
    return desk


def ran(desk: Desk, *more: str) -> Ended:
    """One run in a process of its own, as cron would have it."""
    process = desk.start("run", str(desk.folder / "seeds"), "--json", *more)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the run does not end: {out}{err}") from None
    return Ended(process.returncode, out, err)


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    if not HOME or not (Path(HOME) / "installed").exists():
        pytest.skip("no AT Protocol network is installed: `make atproto` does that, where it can")
    with real_network.running(Path(HOME).resolve()) as network:
        written = write(network)
        desk = desk_for(tmp_path_factory.mktemp("atproto"), network, written)
        first = ran(desk)
        rewritten = change(network, written)
        second = ran(desk, "--recheck")
        undo(network, written)
        third = ran(desk, "--recheck")
        yield Archived(network=network, written=written, desk=desk, rewritten=rewritten, runs=(first, second, third))


def test_a_network_is_archived_with_its_quotes_replies_reposts_and_pictures(archived: Archived) -> None:
    assert archived.runs[0].code == 0, archived.runs[0]
    shown = archived.shown("quote of a quote")
    assert [step["target"] for step in shown["chain"]] == [archived.ref("quote"), archived.ref("origin")]
    assert shown["origins"] == [archived.ref("origin")]
    edges = set(
        archived.desk.table(
            "SELECT e.kind, s.ref, t.ref FROM edges e JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target "
            "WHERE e.evidence = 'asserted'"
        )
    )
    assert ("replies-to", archived.ref("reply"), archived.ref("origin")) in edges
    assert ("reposts", archived.ref("repost"), archived.ref("origin")) in edges
    held = {sha256 for (sha256,) in archived.desk.table("SELECT sha256 FROM blobs")}
    assert hashlib.sha256(archived.written.picture).hexdigest() in held, "the uploaded bytes, not a rendering"
    for name in archived.written.posts:
        routes = archived.findings(name, 0)
        assert {outcome for outcome, _ in routes.values()} == {"live"}, (name, routes)
        assert archived.proofs(name)[0] == ("atproto-record", 1), name


def test_every_account_has_a_log_that_holds(archived: Archived) -> None:
    rows = archived.desk.table(
        "SELECT DISTINCT r.ref, p.valid FROM proofs p JOIN refs r ON r.id = p.ref WHERE p.kind = 'plc-log'"
    )
    assert set(rows) == {(f"bluesky:account:{account.did}", 1) for account in archived.written.people.values()}


def test_a_deleted_post_is_deleted_and_its_absence_is_proved(archived: Archived) -> None:
    said = archived.findings("deleted", 1)
    assert said["posts"] == ("unavailable", "left out")
    assert said["record"] == ("not-found", "RecordNotFound")
    assert said["record-proof"] == ("not-found", "absent-from-repository")
    assert archived.proofs("deleted") == [("atproto-record", 1), ("atproto-absence", 1), ("atproto-absence", 1)]
    post = archived.shown("deleted")["post"]
    assert (post["outcome"], post["text"]) == ("deleted", "I will not say this twice.")
    assert archived.events("deleted") == [("gone", "deleted")]


def test_a_post_that_its_host_took_down_is_withheld_not_deleted(archived: Archived) -> None:
    """The author's repository still holds it, and the author's key says so."""
    said = archived.findings("hidden", 1)
    assert said["record"] == ("not-found", "RecordNotFound")
    assert said["record-proof"] == ("withheld", "held by the repository, not shown by its host")
    assert archived.proofs("hidden") == [("atproto-record", 1)] * 3
    assert archived.events("hidden") == [("gone", "withheld"), ("returned", "live")]


def test_a_rewritten_post_is_edited_and_keeps_both_versions(archived: Archived) -> None:
    assert {outcome for outcome, _ in archived.findings("rewritten", 1).values()} == {"live"}
    shown = archived.shown("rewritten")
    assert (shown["post"]["outcome"], shown["post"]["text"]) == ("live", AFTER)
    assert {(edit["before"], edit["after"]) for edit in shown["edits"]} == {(BEFORE, AFTER)}
    assert [kind for kind, _ in archived.events("rewritten")] == ["edited"]
    versions = archived.desk.rows(
        "SELECT DISTINCT v.version_id, v.text FROM versions v JOIN refs r ON r.id = v.post WHERE r.ref = ?",
        archived.ref("rewritten"),
    )
    known = {(archived.written.posts["rewritten"].cid, BEFORE), (archived.rewritten.cid, AFTER)}
    assert {(row["version_id"], row["text"]) for row in versions} == known
    pinned = archived.desk.rows(
        "SELECT p.valid FROM proofs p JOIN refs r ON r.id = p.ref "
        "WHERE r.ref = ? AND p.kind = 'atproto-pinned-version'",
        archived.ref("rewritten"),
    )
    assert {row["valid"] for row in pinned} == {0}, "who quoted it pinned the words that are no longer shown"
    verdicts = dict(
        archived.desk.table(
            "SELECT m.quoted, x.verdict FROM matches x JOIN mentions m ON m.id = x.mention WHERE x.rank = 0"
        )
    )
    assert verdicts[BEFORE] == "exact", "faithful to the version that was there"


def test_an_account_that_left_and_one_that_was_banned_are_neither_deleted(archived: Archived) -> None:
    left, banned = archived.findings("left", 1), archived.findings("banned", 1)
    assert left["repo-status"] == ("unavailable", "deactivated")
    assert banned["repo-status"] == ("suspended", "takendown")
    assert archived.events("left") == [("gone", "unavailable"), ("returned", "live")]
    assert archived.events("banned") == [("gone", "suspended"), ("returned", "live")]


def test_what_never_was_is_not_found_and_never_deleted(archived: Archived) -> None:
    never = archived.ref("origin").replace(archived.written.posts["origin"].rkey, NOBODY)
    rows = archived.desk.rows(
        "SELECT o.outcome, o.reason FROM outcomes o JOIN captures c ON c.id = o.capture JOIN refs r ON r.id = o.ref "
        "WHERE r.ref = ? AND c.route = 'record-proof'",
        never,
    )
    assert {tuple(row) for row in rows} == {("not-found", "absent-from-repository")}
    assert archived.desk.rows("SELECT 1 FROM events e JOIN refs r ON r.id = e.post WHERE r.ref = ?", never) == []


def test_the_archive_agrees_with_itself(archived: Archived) -> None:
    sound(archived.desk)
    check = archived.desk.call("rebuild", "--check", "--json")
    assert (check.code, check.json["differences"]) == (0, {})
    command = [sys.executable, "-m", "archiver", "verify", str(archived.desk.db), "--json"]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def exported(archived: Archived, folder: Path) -> Path:
    """A bundle of what was lost, unpacked."""
    bundle = folder / "bundle.zip"
    names = ("deleted", "hidden", "rewritten", "origin")
    told = archived.desk.call("export", *map(archived.ref, names), "--to", bundle, "--json")
    assert told.code == 0, told
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder / "bundle"


def verified(folder: Path) -> tuple[int, str]:
    """What the verify.py of a bundle says, with no library of ours in reach."""
    (program,) = folder.rglob("verify.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=program.parent,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_stranger_checks_the_proof_of_absence_in_a_bundle(archived: Archived, tmp_path: Path) -> None:
    folder = exported(archived, tmp_path)
    code, told = verified(folder)
    assert code in (0, 1), told  # 1: nobody vouched for the key
    held = [line["found"] for line in json.loads(told)["checks"] if line["state"] == "held"]
    gone, shown = archived.ref("deleted"), archived.ref("hidden")
    assert any(f"atproto-absence of {gone}" in line for line in held), told
    assert any(f"atproto-record of {shown}" in line for line in held), told
    assert not any(f"atproto-absence of {shown}" in line for line in held)


def test_a_forged_proof_of_absence_is_refused(archived: Archived, tmp_path: Path) -> None:
    row = archived.desk.rows(
        "SELECT c.* FROM proofs p JOIN captures c ON c.id = p.capture "
        "WHERE p.kind = 'atproto-absence' AND c.ref = ? ORDER BY c.leaf",
        archived.ref("deleted"),
    )[0]
    car = archived.desk.entity(row)
    given = dict(json.loads(row["request"])["given"])
    key, uri = signer_of(given["key-type"], given["key"]), row["ref"].split(":", 2)[2].split("/", 3)
    assert check_record(car, uri[2], uri[3], key).cid is None
    for at in range(0, len(car), 7):
        with pytest.raises(Refused):
            check_record(car[:at] + bytes([car[at] ^ 1]) + car[at + 1 :], uri[2], uri[3], key)
    folder = exported(archived, tmp_path)
    stored = archived.desk.body(row)
    (body,) = folder.rglob(f"blobs/{hashlib.sha256(stored).hexdigest()}")
    content = bytearray(stored)
    content[len(content) // 2] ^= 1
    body.write_bytes(bytes(content))
    code, told = verified(folder)
    assert code == 4, told
