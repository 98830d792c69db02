"""`archiver doctor`: each thing that it looks at, well and ill. An ill one must be named, with its next step."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from playing import NOTHING, Reply, Server, message

from archiver.errors import ArchiverError, InputError
from archiver.jobs import clocks, machine, probing, running
from archiver.jobs.backup import back_up
from archiver.jobs.config import load
from archiver.jobs.diagnosed import OK, WARNING, WRONG, Sign
from archiver.jobs.doctor import Diagnosis, diagnose
from archiver.model import Exchange, Ref, Request
from archiver.net.clock import text_of, time_of
from archiver.store import backups
from archiver.store.archive import open_archive, open_reader
from archiver.store.evidence import Evidence, Tool
from tests.jobs.running import Desk
from tests.store.test_migrations import evidence, laid

TEXT = "> The ferry carried nineteen people this morning.\n> — @bo_of_lanternwick, 14 March 2026\n"
QUIET = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An archive that is well, in a home of its own, without a crontab."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setattr(running, "ELSEWHERE", ())
    (tmp_path / "data").mkdir()
    made = Desk(tmp_path / "data", tmp_path / "archiver.toml")
    made.config.write_text('[archive]\norigin = "doctor.example/log"\n[network]\ncontact = "desk@press.example"\n')
    (tmp_path / "first.md").write_text(TEXT)
    assert made.call("run", tmp_path / "first.md", "--offline").code == 0
    return made


def looked(desk: Desk, **environment: str) -> Diagnosis:
    return diagnose(desk.db, desk.config, environment={**os.environ, **environment})


def ill(found: Diagnosis, check: str, state: str, words: str) -> Sign:
    """The one sign of that kind; it has a next step."""
    signs = [sign for sign in found.signs if sign.check == check and sign.state == state and words in sign.what]
    assert len(signs) == 1, [sign for sign in found.signs if sign.state != OK]
    return signs[0]


def states(found: Diagnosis) -> set[tuple[str, str]]:
    """What is not well, but for the disk that tests are on and the crontab that they have not."""
    return {(s.check, s.state) for s in found.signs if s.state != OK} - {
        *(("file system", WARNING), ("file system", WRONG), ("cron", WARNING), ("disk", WARNING)),
    }


def test_an_archive_that_is_well(desk: Desk) -> None:
    found = looked(desk)
    assert states(found) == set()
    checks = [sign.check for sign in found.signs]
    assert set(checks) >= {"configuration", "archive", "disk", "file system", "permissions", "versions", "key", "log"}
    assert all(sign.next for sign in found.signs if sign.state != OK)
    before = desk.db.read_bytes()
    told = desk.call("doctor", "--json")
    assert told.json["exit_code"] == told.code
    assert desk.db.read_bytes() == before, "it changes nothing"
    plain = desk.call("doctor")
    assert "nothing runs this archive by itself" in plain.out
    assert plain.out.count("→") == sum(sign.state != OK for sign in found.signs)


def test_hooks_and_metrics_that_cannot_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    good, home = desk.config.read_text(), desk.folder.parent / "tools"
    home.mkdir(exist_ok=True)
    tell = home / "tell-the-desk"
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}:/usr/bin:/bin")

    def hooked(text: str, **environment: str) -> Diagnosis:
        desk.config.write_text(f"{good}{text}\n")
        return looked(desk, **environment)

    ill(hooked(f'[hooks]\ncommand = ["{tell}"]'), "hooks", WRONG, "cannot be started")
    tell.write_text("#!/bin/sh\n")
    ill(hooked(f'[hooks]\ncommand = ["{tell}"]'), "hooks", WRONG, "cannot be started")
    tell.chmod(0o755)
    assert "hooks" not in {check for check, _ in states(hooked(f'[hooks]\ncommand = ["{tell}"]'))}
    ill(hooked('[hooks]\ncommand = ["tell-the-desk"]'), "hooks", WARNING, "cron looks in /usr/bin and /bin alone")
    ill(hooked('[hooks]\ncommand = ["no-such-program"]'), "hooks", WRONG, "cannot be started")
    assert "hooks" not in {check for check, _ in states(hooked('[hooks]\ncommand = ["sh", "-c", "true"]'))}
    webhook = '[hooks]\nwebhook = "https://desk.example/x"'
    ill(hooked(webhook), "hooks", WRONG, "nothing is posted unsigned")
    secret = "whsec_" + "A" * 32
    assert "hooks" not in {check for check, _ in states(hooked(webhook, QUOTECHAIN_WEBHOOK_SECRET=secret))}
    ill(hooked(f'[metrics]\nfile = "{home}/none/x.prom"'), "metrics", WRONG, "no such folder")
    assert "metrics" not in {check for check, _ in states(hooked(f'[metrics]\nfile = "{home}/x.prom"'))}


def test_exit_codes_say_how_bad_it_is() -> None:
    signs = {state: Sign(check="x", state=state, what="", next="y") for state in (OK, WARNING, WRONG)}
    for held, code in (((OK,), 0), ((OK, WARNING), 1), ((WARNING, WRONG), 2), ((), 0)):
        assert Diagnosis(archive="", at="", signs=[signs[state] for state in held]).code == code


# ---- configuration and secrets ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[archive]\nopertor = 'me'\n", "unknown key 'opertor'"),
        ("[nets]\n", "unknown table [nets]"),
        ("not toml", "not TOML"),
        ("[pace]\ndefault = 'fast'\n", "must be a number"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_and_the_rest_is_looked_at(
    desk: Desk, text: str, words: str
) -> None:
    desk.config.write_text(text)
    found = looked(desk)
    assert ill(found, "configuration", WRONG, words).place.startswith(str(desk.config))
    assert any(sign.check == "archive" and sign.state == OK for sign in found.signs)
    assert found.code == 2


def test_secrets_that_are_named_and_absent_or_present_and_unused(desk: Desk) -> None:
    good = desk.config.read_text()
    assert states(looked(desk, X_BEARER_TOKEN="t")) == set()
    ill(looked(desk, X_GUEST_BEARER="t"), "secrets", WARNING, "X_GUEST_BEARER is in the environment, and nothing uses")
    desk.config.write_text(f'{good}[secrets]\nnames = ["MY_TOKEN"]\n')
    found = looked(desk, X_BEARER_TOKEN="hidden-words")
    ill(found, "secrets", WARNING, "MY_TOKEN is named, and not in this environment")
    ill(found, "secrets", WARNING, "X_BEARER_TOKEN is in the environment, and nothing uses")
    assert "hidden-words" not in repr(found)
    assert ("secrets", WARNING) not in states(looked(desk, MY_TOKEN="t"))


def test_the_key_that_signs_requests_is_its_owners_alone(desk: Desk) -> None:
    key = desk.folder / "actor.pem"
    key.write_text("not looked into")
    os.chmod(key, 0o640)
    with desk.config.open("a") as file:
        file.write(f'[fediverse]\nkey_id = "https://press.example/actor#main-key"\nkey_file = "{key}"\n')
    ill(looked(desk), "secrets", WRONG, "the key that signs requests")
    os.chmod(key, 0o600)
    assert states(looked(desk)) == set()


def test_nobody_else_may_change_the_configuration_and_hosts_can_reach_somebody(desk: Desk) -> None:
    os.chmod(desk.config, 0o664)
    ill(looked(desk), "configuration", WRONG, "others than its owner may change it")
    os.chmod(desk.config, 0o644)
    desk.config.write_text('[archive]\norigin = "doctor.example/log"\n')
    ill(looked(desk), "configuration", WARNING, "no contact")


# ---- the archive, its key, its log ------------------------------------------------------------------------


def test_archives_that_cannot_be_read(desk: Desk, tmp_path: Path) -> None:
    none = diagnose(tmp_path / "none.db", desk.config)
    ill(none, "archive", WARNING, "no archive here yet")
    (tmp_path / "other.db").write_bytes(b"no database at all")
    ill(diagnose(tmp_path / "other.db", desk.config), "archive", WRONG, "")
    for number, start in enumerate((20, 60, 100)):
        data = bytearray(desk.db.read_bytes())
        data[start : start + 40] = b"\xa5" * 40
        (tmp_path / f"{number}.db").write_bytes(data)
        assert diagnose(tmp_path / f"{number}.db", desk.config).code == 2
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("PRAGMA user_version = 999")
        db.commit()
    ill(looked(desk), "archive", WRONG, "schema 999")
    old = laid(tmp_path, 1)
    found = diagnose(old, desk.config)
    ill(found, "archive", WARNING, "schema 1: the next run copies it")
    assert old.stat().st_size > 0
    assert not list(tmp_path.glob("*.backup")), "it is not migrated"
    for version in (3, 7):
        ill(diagnose(laid(tmp_path, version), desk.config), "archive", WARNING, f"schema {version}")


def test_a_file_that_is_not_sound(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.db)) as db:
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'captures'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(desk.db.read_bytes())
    data[(page - 1) * size : page * size] = bytes(size)
    desk.db.write_bytes(data)
    found = looked(desk)
    assert any(sign.check == "archive" and sign.state == WRONG for sign in found.signs)
    assert found.code == 2


def test_damaged_files_are_told_and_never_break_off(desk: Desk, tmp_path: Path) -> None:
    """Changed bytes at places drawn by chance, from a fixed seed: doctor goes on, a backup is whole or none."""
    whole = laid(tmp_path, 7)
    chance, base, made = random.Random(5), whole.read_bytes(), 0
    config = load(desk.config)
    for number in range(12):
        data = bytearray(base)
        for _ in range(chance.choice((1, 3, 20))):
            at, size = chance.randrange(len(data)), chance.choice((1, 100, 4096))
            data[at : at + size] = chance.randbytes(len(data[at : at + size]))
        path, copy = tmp_path / f"{number}.db", tmp_path / f"copy{number}.db"
        path.write_bytes(data)
        assert diagnose(path, desk.config).code in (0, 1, 2)
        try:
            back_up(path, config, copy)
        except (ArchiverError, sqlite3.DatabaseError):
            assert not copy.exists()
        else:
            made += 1
            assert evidence(copy) == evidence(whole)
    print(f"12 damaged files, of {made} a whole copy could be made")


def test_keys_that_others_read_or_that_are_gone(desk: Desk) -> None:
    [key] = (desk.folder.parent / "home" / "config" / "quotechain" / "keys").glob("*.key")
    os.chmod(key, 0o644)
    sign = ill(looked(desk), "key", WRONG, "others than its owner may use this private key")
    assert key.read_text().split("+", 4)[-1].strip() not in repr(sign)
    os.chmod(key, 0o600)
    os.chmod(key.parent, 0o777)
    ill(looked(desk), "key", WRONG, "others may replace the key file")
    os.chmod(key.parent, 0o700)
    moved = desk.folder / "beside.key"
    moved.write_bytes(key.read_bytes())
    os.chmod(moved, 0o600)
    good = desk.config.read_text()
    desk.config.write_text(f'{good}[custody]\nkey_file = "{moved}"\n')
    ill(looked(desk), "key", WARNING, "the key lies beside the archive")
    desk.config.write_text(good)
    ill(looked(desk, QUOTECHAIN_KEY="AAAA"), "key", WRONG, "an Ed25519 seed has 32 bytes")
    key.unlink()
    ill(looked(desk), "key", WRONG, "the private part of")


def test_a_log_that_was_rolled_back(desk: Desk, tmp_path: Path) -> None:
    old = desk.db.read_bytes()
    (tmp_path / "second.md").write_text(TEXT + "second")
    assert desk.call("run", tmp_path / "second.md", "--offline").code == 0
    assert states(looked(desk)) == set()
    desk.db.write_bytes(old)
    sign = ill(looked(desk), "log", WRONG, "it is not the log that was signed last")
    assert "operation.md" in sign.next


# ---- disk, file system, permissions -----------------------------------------------------------------------


def test_a_disk_that_fills_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    size = desk.db.stat().st_size
    for free, state, words in (
        (50 << 20, WRONG, "free"),
        (200 << 20, WARNING, "a body of"),
    ):
        monkeypatch.setattr(backups, "free_bytes", lambda folder, free=free: free)
        found = looked(desk)
        assert [s for s in found.signs if s.check == "disk" and s.state == state and words in s.what]
    monkeypatch.setattr(backups, "free_bytes", lambda folder: 1 << 40)
    assert not [s for s in looked(desk).signs if s.check == "disk" and s.state != OK]
    monkeypatch.setattr(machine, "growth", lambda archive, now: 1 << 36)
    ill(looked(desk), "disk", WARNING, "enough for 16 days")
    monkeypatch.setattr(machine, "growth", lambda archive, now: 1 << 40)
    ill(looked(desk), "disk", WRONG, "a day")
    assert size > 0


def test_growth_is_counted_from_captures(desk: Desk) -> None:
    with closing(open_reader(desk.db).db) as db:
        newest = db.execute("SELECT max(recorded_at) FROM captures").fetchone()[0]
    archive = open_reader(desk.db)
    try:
        day = machine.growth(archive, newest)
        assert day >= machine.ROW
        assert machine.growth(archive, text_of(time_of(newest) + timedelta(days=3))) < day
        assert machine.growth(archive, text_of(time_of(newest) + timedelta(days=30))) == 0
    finally:
        archive.db.close()


MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 21 0:40 / /mnt/share rw,relatime - nfs4 server:/export rw,vers=4.2
31 21 0:41 / /mnt/with\\040space rw - {kind} x rw
32 31 0:42 / /mnt/with\\040space/inner rw master:1 - xfs /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("kind", "state"),
    [("nfs", WRONG), ("nfs4", WRONG), ("cifs", WRONG), ("9p", WRONG), ("fuse.sshfs", WRONG), ("tmpfs", WRONG),
     ("overlay", WARNING), ("fuse.mergerfs", WARNING), ("ext4", OK), ("xfs", OK), ("btrfs", OK), ("zfs", OK)],
)  # fmt: skip
def test_file_systems_that_lie_or_forget(
    kind: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"31 21 0:41 / {str(tmp_path).replace(' ', chr(92) + '040')} rw - {kind} x rw\n")
    signs = list(machine.file_system(tmp_path / "archive.db", str(mounts)))
    assert [sign.state for sign in signs] == [state]
    assert kind in signs[0].what


def test_mounts_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(kind="cifs"))
    for folder, found in (
        ("/mnt/share/archive", ("nfs4", "/mnt/share")),
        ("/mnt/shared", ("ext4", "/")),
        ("/mnt/with space/x", ("cifs", "/mnt/with space")),
        ("/mnt/with space/inner/x", ("xfs", "/mnt/with space/inner")),
        ("/", ("ext4", "/")),
    ):
        assert machine.mounted(Path(folder), str(mounts)) == found
    for broken in ("", "x\n", "1 2 3 4 5 6 7 8 9 10\n", "- - - - - - - - - -\n"):
        mounts.write_text(broken)
        machine.mounted(Path("/srv"), str(mounts))
    assert machine.mounted(Path("/srv"), str(tmp_path / "none")) == ("", "")


def test_an_archive_that_anybody_may_change(desk: Desk) -> None:
    os.chmod(desk.db, 0o666)
    ill(looked(desk), "permissions", WRONG, "anybody may change it")
    os.chmod(desk.db, 0o600)
    os.chmod(desk.folder, 0o777)
    ill(looked(desk), "permissions", WRONG, "anybody may replace the archive")


def test_what_the_program_runs_on() -> None:
    [sign] = machine.versions()
    assert sign.state == OK
    assert sqlite3.sqlite_version in sign.what


# ---- the clock --------------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 16, 12, 0, 0, tzinfo=UTC)


def said(ahead: float, *, age: str = "", host: str = "a.example") -> clocks.Heard | None:
    """A server whose clock is right, asked while ours is `ahead`."""
    held = int(age or 0)
    return clocks.heard(
        host,
        format_datetime(NOON - timedelta(seconds=held), usegmt=True),
        age,
        text_of(NOON + timedelta(seconds=ahead + 0.5)),
    )


@pytest.mark.parametrize("age", ["", "30", "1999"])
@pytest.mark.parametrize("ahead", [-7200.0, -3.0, 0.0, 3.0, 90.0])
def test_a_date_tells_how_far_our_clock_is_off(ahead: float, age: str) -> None:
    one = said(ahead, age=age)
    assert one is not None
    assert abs(one.ahead - ahead) < 0.01


def test_what_says_nothing_of_the_time() -> None:
    assert said(0, age="90000") is None
    huge = "Mon, 16 Mar 99999999999999 12:00:00 GMT"
    for date in ("", "yesterday", "Mon, 99 Mar 2026 99:00:00 GMT", "Mon, 16 Mar 2026 12:00:00 -0000", huge):
        assert clocks.heard("a.example", date, "", text_of(NOON)) is None
    assert clocks.heard("a.example", format_datetime(NOON, usegmt=True), "", "no time") is None
    assert list(clocks.told([], "")) == []


def test_the_middle_of_several_hosts_counts() -> None:
    def verdict(*aheads: float) -> str:
        hosts = [said(ahead, host=f"{number}.example") for number, ahead in enumerate(aheads)]
        [sign] = clocks.told([one for one in hosts if one is not None], "")
        return sign.state

    assert verdict(0, 1, -1) == OK
    assert verdict(0, 0.5, 86400) == OK, "one wrong server is outvoted"
    assert verdict(20, 21, 19) == WARNING
    assert verdict(3600, 3601, 3599) == WRONG
    assert verdict(-3600, -3601, 0) == WRONG
    assert verdict(3600) == WARNING, "a single server may be the one that is wrong"


def test_a_clock_that_went_back_or_leapt(desk: Desk, tmp_path: Path) -> None:
    with closing(open_reader(desk.db).db) as db:
        newest = time_of(db.execute("SELECT max(recorded_at) FROM captures").fetchone()[0])
    back = diagnose(desk.db, desk.config, now=lambda: text_of(newest - timedelta(hours=1)))
    ill(back, "clock", WRONG, "the clock went back")


def captured(desk: Desk, moments: list[tuple[float, float, float]], worker: str = "pid-7") -> None:
    """Captures at (our clock, the monotonic clock, the server's clock), in seconds since noon."""
    archive = open_archive(desk.db, now=text_of(NOON), origin="")
    evidence = Evidence(archive, Tool(version="0", config_sha256="0" * 64, worker=worker), now=lambda: text_of(NOON))
    for number, (wall, mono, server) in enumerate(moments):
        url = f"http://host{number % 3}.example/page{worker}{number}"
        at = text_of(NOON + timedelta(seconds=wall))
        date = format_datetime(NOON + timedelta(seconds=server), usegmt=True)
        evidence.record(
            Exchange(
                uid=f"{worker}-{number}",
                request=Request(ref=Ref.parse(f"web:page:{url}"), route="page", url=url),
                url=url,
                started_at=at,
                ended_at=at,
                mono_ns=int((5000 + mono) * 1e9),
                status=204,
                response_head=f"HTTP/1.1 204 No Content\r\nDate: {date}\r\n\r\n".encode(),
            )
        )
    archive.close()


@pytest.mark.parametrize(
    ("moments", "state", "words"),
    [
        ([(0, 0, 0), (10, 10, 10), (20, 20, 20)], OK, "within 5 s"),
        ([(0, 0, 0), (10, 10, 10), (20, 20, 20)], OK, "no leap"),
        ([(0, 0, 0), (3610, 10, 10), (3620, 20, 20)], WARNING, "leapt 1 times within runs, last by +3600 s"),
        ([(0, 0, 0), (-3590, 10, 10), (-3580, 20, 20)], WARNING, "last by -3600 s"),
        ([(900, 0, 0), (910, 10, 10), (920, 20, 20)], WRONG, "900 s ahead of"),
        ([(-900, 0, 0), (-890, 10, 10), (-880, 20, 20)], WRONG, "900 s behind"),
        ([(0, 20, 0), (10, 10, 10), (20, 1, 20)], OK, "no leap"),  # the machine began anew
    ],
)
def test_the_clock_of_captures(desk: Desk, moments: list[tuple[float, float, float]], state: str, words: str) -> None:
    captured(desk, moments)
    signs = [sign for sign in looked(desk).signs if sign.check == "clock" and words in sign.what]
    assert [sign.state for sign in signs] == [state]


def test_two_runs_are_not_one_that_leapt(desk: Desk) -> None:
    captured(desk, [(0, 0, 0), (10, 10, 10)])
    captured(desk, [(5000, 11, 5000), (5010, 21, 5010)], worker="pid-8")
    assert not [s for s in looked(desk).signs if s.check == "clock" and s.state == WARNING]


# ---- runs -------------------------------------------------------------------------------------------------


def test_runs_that_ended_long_ago_or_badly(desk: Desk) -> None:
    later = diagnose(desk.db, desk.config, now=lambda: text_of(datetime.now(UTC) + timedelta(days=2)))
    ill(later, "runs", WARNING, "the last run ended at")
    for code, state, words in (
        (4, WRONG, "does not agree"),
        (2, WARNING, "could not use"),
        (1, OK, "waits to be tried"),
    ):
        with closing(sqlite3.connect(desk.db)) as db:
            db.execute("UPDATE work_runs SET exit_code = ?", (code,))
            db.commit()
        signs = [sign for sign in looked(desk).signs if sign.check == "runs"]
        assert [(sign.state, words in sign.what) for sign in signs] == [(state, True)]
    with closing(sqlite3.connect(desk.db)) as db:
        db.execute("DELETE FROM work_runs")
        db.commit()
    ill(looked(desk), "runs", WARNING, "no run ever ended")


def test_lines_of_a_crontab_that_cannot_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    home = desk.folder.parent / "home"
    spool = home / "spool"
    (home / "crontab").write_text(f'#!/bin/sh\n/bin/cat "{spool}"\n')
    (home / "crontab").chmod(0o755)
    config = os.environ["XDG_CONFIG_HOME"]
    program = home / "crontab"

    def line(folder: Path, program: Path, environment: str) -> None:
        spool.write_text(f"*/15 * * * * cd {folder} && XDG_CONFIG_HOME={environment} {program} run --db {desk.db}\n")

    monkeypatch.setattr(running, "_daemon", lambda: True)
    line(home, program, config)
    assert [sign.state for sign in looked(desk).signs if sign.check == "cron"] == [OK]
    later = diagnose(desk.db, desk.config, now=lambda: text_of(datetime.now(UTC) + timedelta(hours=3)))
    ill(later, "runs", WRONG, "cron should start one every 15 minutes")
    line(home / "gone", program, config)
    ill(looked(desk), "cron", WRONG, "one of them is not there")
    line(home, home / "no-program", config)
    ill(looked(desk), "cron", WRONG, "one of them is not there")
    line(home, program, "/another/place")
    ill(looked(desk), "cron", WARNING, "another key would be used")
    spool.write_text(f"*/15 * * * * cd {home} && {program} run --db {desk.db} 2>&1 | /usr/bin/archiver-mail\n")
    assert [(s.state, "written by hand" in s.what) for s in looked(desk).signs if s.check == "cron"] == [(OK, True)]
    spool.write_text(f"# */15 * * * * cd {home} && archiver run --db {desk.db} 2>&1\n")
    ill(looked(desk), "cron", WARNING, "nothing runs this archive")
    line(home, program, config)
    monkeypatch.setattr(running, "_daemon", lambda: False)
    ill(looked(desk), "cron", WARNING, "no cron runs on this machine")
    unit = home / "unit.service"
    unit.write_text(f"ExecStart=/opt/archiver run --db {desk.db}\n")
    spool.write_text("")
    monkeypatch.setattr(running, "ELSEWHERE", (str(unit),))
    assert [(s.state, s.place) for s in looked(desk).signs if s.check == "cron"] == [(OK, str(unit))]


# ---- asking -----------------------------------------------------------------------------------------------


def test_routes_are_asked_once_each_and_told(desk: Desk) -> None:
    def respond(target: str, raw: bytes) -> Reply:
        return NOTHING if "tweet-result" in target else message(b"", status="403 Forbidden")

    server = Server(respond)
    try:
        base = server.base
        desk.config.write_text(
            desk.config.read_text()
            + f'allow_private = ["127.0.0.1:{server.port}"]\n[pace]\ndefault = 0.0\n'
            + "[endpoints]\n"
            + "".join(f'"{name}" = "{base}"\n' for name in ("x.syndication", "x.fxtwitter", "x.oembed"))
            + "".join(f'"{name}" = "{base}"\n' for name in ("bluesky.appview", "bluesky.plc"))
        )
        signs = list(probing.probe(load(desk.config), None, [f"{base}/page"]))
    finally:
        server.close()
    routes = {sign.what.split(":")[0]: sign.state for sign in signs if sign.check == "routes"}
    assert routes["x syndication"] == OK, "a structured not-found shows that it works"
    assert routes["x fxtwitter"] == routes["x oembed"] == WARNING, (
        "routes behind the first that answered are asked, too"
    )
    assert routes["web page"] == WARNING
    assert routes["bluesky posts"] == WARNING
    asked = [one.raw for one in server.log]
    assert len(asked) == len(set(asked)), "each is asked once"
    assert all(sign.next for sign in signs if sign.state != OK)


def test_a_host_that_is_switched_off_is_not_probed(desk: Desk) -> None:
    server = Server(lambda target, raw: NOTHING)
    try:
        desk.config.write_text(
            desk.config.read_text()
            + f'allow_private = ["{server.place}"]\n[hosts."{server.place}"]\noff = true\n[endpoints]\n'
            + "".join(
                f'"{name}" = "{server.base}"\n'
                for name in ("x.syndication", "x.fxtwitter", "x.oembed", "bluesky.appview", "bluesky.plc")
            )
        )
        signs = list(probing.probe(load(desk.config), None, [f"{server.base}/page"]))
    finally:
        server.close()
    assert server.log == []
    routes = [sign for sign in signs if "switched off" in sign.what]
    assert len(routes) >= 4
    assert {sign.state for sign in routes} == {OK}


def test_a_host_that_asked_to_be_left_alone_is_not_probed_before_that_is_over(desk: Desk) -> None:
    server = Server(lambda target, raw: NOTHING)
    try:
        with closing(sqlite3.connect(desk.db)) as db:
            until = text_of(datetime.now(UTC) + timedelta(hours=2))
            db.execute("INSERT INTO work_hosts (host, not_before) VALUES (?, ?)", (server.place, until))
            db.commit()
        desk.config.write_text(desk.config.read_text() + f'allow_private = ["{server.place}"]\n[endpoints]\n')
        for name in ("x.syndication", "x.fxtwitter", "x.oembed", "bluesky.appview", "bluesky.plc"):
            desk.config.write_text(desk.config.read_text() + f'"{name}" = "{server.base}"\n')
        with closing(open_reader(desk.db)) as archive:
            signs = list(probing.probe(load(desk.config), archive, [f"{server.base}/page"]))
    finally:
        server.close()
    assert server.log == []
    routes = [sign for sign in signs if f"left alone until {until}" in sign.what]
    assert len(routes) >= 4
    assert {sign.state for sign in routes} == {OK}


def test_an_address_that_nobody_knows_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="no platform knows"):
        list(probing.probe(load(desk.config), None, ["gopher://old.example"]))


def test_services_are_asked_about_nothing_of_ours(desk: Desk) -> None:
    server = Server(lambda target, raw: message(b"", status="405 Method Not Allowed"))
    try:
        base = server.base
        desk.config.write_text(
            desk.config.read_text()
            + f'allow_private = ["127.0.0.1:{server.port}"]\n[pace]\ndefault = 0.0\n'
            + f'[[anchors.rfc3161]]\nname = "clock"\nurl = "{base}/tsr"\n'
            + f'[[anchors.ots]]\nname = "calendar"\nurl = "{base}"\n'
        )
        signs = [sign for sign in probing.anchors(load(desk.config)) if sign.check == "anchors"]
    finally:
        server.close()
    assert [sign.state for sign in signs] == [WARNING, WARNING]
    bodies = [one.raw for one in server.log]
    assert len(bodies) == 2
    with closing(open_reader(desk.db).db) as db:
        roots = [bytes(row[0]) for row in db.execute("SELECT root FROM log_checkpoint")]
    assert not any(root in body for root in roots for body in bodies)
    assert [s.state for s in probing.anchors(load(None))] == [OK]
