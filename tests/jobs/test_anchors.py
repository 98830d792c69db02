"""Outside services vouch for each new head of the log: whole runs against services played on loopback."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from running import Desk, Ended, sound
from tsa import DAY, REJECTED, UTC, Authority, Calendar, Clock, Played, Street, Witness, write_roots

from archiver.cli import main
from archiver.custody import note, ots, timestamp
from archiver.custody.note import SignedNote, VerifierKey
from archiver.jobs.config import load
from archiver.jobs.session import open_session
from tests.custody.authority import OpenSSL
from tests.net.rawserver import RawServer, Reply, message

ORIGIN = "log.example/anchors"


@dataclass
class House:
    """An archive, and the street of services that it may ask."""

    desk: Desk
    street: Street
    tables: str = ""
    seeds: int = 0

    def configure(self, *tables: str) -> None:
        text = f'[archive]\norigin = "{ORIGIN}"\n[network]\nallow_private = ["127.0.0.1"]\n[pace]\ndefault = 0.0\n'
        self.desk.config.write_text(text + "".join(tables))

    def seed(self) -> Path:
        self.seeds += 1
        return self.desk.seed(f"{self.seeds}.txt", f"Nobody is quoted here, number {self.seeds}.\n")

    def run(self, *, fresh: bool = True) -> Ended:
        arguments = [self.seed()] if fresh else [self.desk.folder / "seeds" / "1.txt"]
        return self.desk.call("run", *arguments, "--json")

    def rfc3161(self, clock: Any, name: str = "clock", *, roots: Path | None = None, more: str = "") -> str:
        self.street.services[name] = clock
        named = f'roots = "{roots}"\n' if roots else ""
        return f'[[anchors.rfc3161]]\nname = "{name}"\nurl = "{self.street.url(name)}"\n{named}{more}'

    def ots(self, calendar: Any, name: str = "calendar") -> str:
        self.street.services[name] = calendar
        return f'[[anchors.ots]]\nname = "{name}"\nurl = "{self.street.url(name)}"\n'

    def witness(self, witness: Any, vkey: str, name: str = "witness") -> str:
        self.street.services[name] = witness
        return f'[[anchors.witness]]\nname = "{name}"\nurl = "{self.street.url(name)}"\nvkey = "{vkey}"\n'

    def trusted_log(self) -> list[VerifierKey]:
        """The keys of the log, made by a first run that asks nobody."""
        self.configure()
        assert self.run().code == 0
        return [VerifierKey.parse(vkey) for (vkey,) in self.table("SELECT vkey FROM log_key")]

    def table(self, sql: str, *parameters: object) -> list[Any]:
        with closing(sqlite3.connect(self.desk.db)) as db:
            return db.execute(sql, parameters).fetchall()

    def tokens(self) -> list[tuple[int, str, str, bytes, str]]:
        return self.table("SELECT size, kind, service, token, at FROM log_anchor ORDER BY id")

    def waiting(self) -> list[tuple[int, str, int]]:
        return self.table("SELECT size, service, attempts FROM work_anchor ORDER BY size, service")

    def note(self, size: int) -> str:
        return str(self.table("SELECT note FROM log_checkpoint WHERE size = ?", size)[0][0])

    def due(self) -> None:
        """Lets time pass until every service may be asked again."""
        with closing(sqlite3.connect(self.desk.db)) as db:
            db.execute("UPDATE work_anchor SET due_at = '2000-01-01T00:00:00.000000Z'")
            db.commit()

    def leaves(self, kind: str) -> list[Any]:
        leaves = [json.loads(data) for (data,) in self.table("SELECT data FROM log_leaf ORDER BY idx")]
        return [leaf for leaf in leaves if leaf["type"] == kind]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    work = tmp_path / "work"
    work.mkdir()
    with Street() as street:
        yield House(Desk(work, work / "archiver.toml"), street)


# ---- timestamps ------------------------------------------------------------------------------------------------


def test_a_timestamp_is_kept_byte_for_byte_and_enters_the_log(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock), more="qualified = true\n"))
    ended = house.run()
    assert (ended.code, len(ended.json["log"])) == (0, 2), ended.out
    ((size, kind, service, token, at),) = house.tokens()
    assert (kind, service) == ("rfc3161", "clock")
    digest = hashlib.sha256(house.note(size).encode()).digest()
    parsed = timestamp.Token.parse(token)
    assert timestamp.check(parsed, digest, [clock.root.der]).holds
    assert at == parsed.time
    (leaf,) = house.leaves("anchor")
    chain = [hashlib.sha256(der).hexdigest() for der in (clock.signer.der, clock.root.der)]
    (root,) = house.table("SELECT hex(root) FROM log_checkpoint WHERE size = ?", size)[0]
    expected = {"size": str(size), "root": root.lower(), "kind": kind, "service": service, "at": at}
    assert {key: leaf[key] for key in expected} == expected
    assert (leaf["token_sha256"], leaf["chain_sha256"]) == (hashlib.sha256(token).hexdigest(), chain)
    assert (leaf["url"], leaf["qualified"]) == (house.street.url("clock"), True)
    assert "(qualified, as configured)" in house.desk.call("status").out
    sound(house.desk)
    assert house.table("SELECT chain, leaf FROM log_anchor") == [(json.dumps(chain), int(leaf["seq"]))]
    assert {sha256 for (sha256,) in house.table("SELECT sha256 FROM certificates")} == set(chain)
    assert house.waiting() == []


def test_openssl_accepts_the_token_that_is_kept(house: House, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path / "openssl"
    folder.mkdir()
    service = OpenSSL.make(folder)
    roots = folder / "root.pem"

    def play(path: str, body: bytes) -> Played:
        return Played(service.reply(body), kind="application/timestamp-reply")

    house.configure(house.rfc3161(play, roots=roots))
    assert house.run().code == 0
    ((size, _, _, token, at),) = house.tokens()
    assert at, "its chain leads to the configured root"
    checkpoint = hashlib.sha256(house.note(size).encode()).digest()
    assert service.verifies(token, checkpoint)
    assert not service.verifies(token, hashlib.sha256(checkpoint).digest())


def test_captures_name_the_newest_token_known_before_them(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    house.run()
    first, second = house.leaves("import")
    (token, *_) = [token for _, _, _, token, _ in house.tokens()]
    assert (first["after"], second["after"]) == (None, hashlib.sha256(token).hexdigest())


def test_an_unknown_root_leaves_a_token_unverified_and_without_a_time(house: House, tmp_path: Path) -> None:
    clock, other = Clock.make(), Clock.make()
    house.configure(house.rfc3161(clock, "no-roots"), house.rfc3161(clock, "other", roots=write_roots(tmp_path, other)))
    ended = house.run()
    assert ended.code == 0
    assert [(service, at) for _, _, service, _, at in house.tokens()] == [("no-roots", ""), ("other", "")]
    assert sum("not verified" in told for told in ended.json["notes"]) == 2
    assert "rfc3161 other: an answer about" in house.desk.call("status").out
    assert [one["verified"] for one in house.desk.call("status", "--json").json["vouching"]] == [0, 0]
    assert house.waiting() == []
    house.run()
    assert house.leaves("import")[-1]["after"] is None, "nothing relies on what nobody vouches for"


def bad(clock: Clock, what: str) -> Any:
    """One answer that must be refused."""
    page = Played(b"<!doctype html><title>Maintenance</title>", kind="text/html")
    plays = {
        "a web page": lambda path, body: page,
        "a web page that says it is a timestamp": lambda p, b: Played(page.body, kind="application/timestamp-reply"),
        "an error": lambda path, body: Played(b"out of order", 500, "text/plain"),
        "a redirect": lambda path, body: Played(b"", 302, headers=(("Location", "/elsewhere"),)),
        "nothing": lambda path, body: Played(b"", kind="application/timestamp-reply"),
        "too much": lambda path, body: Played(b"\x30" * 400_000, kind="application/timestamp-reply"),
        "a refusal": lambda path, body: Played(REJECTED, kind="application/timestamp-reply"),
    }
    if what in plays:
        return plays[what]
    changes = {
        "another hash": lambda digest, nonce: clock.token(hashlib.sha256(digest).digest(), nonce),
        "another nonce": lambda digest, nonce: clock.token(digest, nonce + 1),
        "no nonce": lambda digest, nonce: clock.token(digest, None),
        "a changed byte": lambda digest, nonce: clock.token(digest, nonce)[:-1] + b"\x00",
        "half of it": lambda digest, nonce: clock.token(digest, nonce)[:300],
    }
    clock.change = changes[what]
    return clock


BAD = {
    "a web page": "web page",
    "a web page that says it is a timestamp": "web page",
    "an error": "500: out of order",
    "a redirect": "302",
    "nothing": "nothing",
    "too much": "too-large",
    "a refusal": "the service has no time",
    "another hash": "the token is over",
    "another nonce": "nonce",
    "no nonce": "nonce",
    "a changed byte": "signature",
    "half of it": "no timestamp",
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_is_told_and_nothing_is_stored(house: House, tmp_path: Path, what: str) -> None:
    clock = Clock.make()
    house.configure(house.rfc3161(bad(clock, what), roots=write_roots(tmp_path, clock)))
    ended = house.run()
    assert ended.code == 0, "no service keeps a run from its end"
    (told,) = [note for note in ended.json["notes"] if note.startswith("rfc3161 clock")]
    assert BAD[what] in told
    assert "asked again" in told
    assert (house.tokens(), house.leaves("anchor")) == ([], [])
    assert [(service, attempts) for _, service, attempts in house.waiting()] == [("clock", 1)]


def test_a_slow_service_is_left_in_time_and_asked_again(house: House, tmp_path: Path) -> None:
    import threading

    from archiver.jobs.anchor import anchor

    clock, gate = Clock.make(), threading.Event()

    def slow(path: str, body: bytes) -> Played:
        gate.wait(20)
        return clock(path, body)

    house.configure()
    house.run()
    house.configure(house.rfc3161(slow, roots=write_roots(tmp_path, clock)))
    with open_session(house.desk.db, load(house.desk.config)) as session:
        started = time.monotonic()
        told = anchor(session, patience=0.2)
        assert time.monotonic() - started < 5
        assert "timeout" in told.notes[0]
        gate.set()
        assert anchor(session, patience=0.2).notes == [], "it is not due yet"
        assert house.tokens() == []
    house.due()
    assert house.run(fresh=False).code == 0
    assert [at != "" for *_, at in house.tokens()] == [True]


def test_nobody_is_asked_that_is_not_configured_nor_offline(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    table = house.rfc3161(clock, roots=write_roots(tmp_path, clock))
    house.configure()
    house.run()
    house.configure(table)
    assert house.desk.call("run", house.seed(), "--offline").code == 0
    assert house.street.asked == []
    assert house.run(fresh=False).code == 0
    assert house.street.times("clock") == 1
    house.configure()
    house.run()
    assert house.street.times("clock") == 1


def test_the_guard_stands_before_services_too(house: House) -> None:
    house.configure(house.rfc3161(Clock.make()))
    text = house.desk.config.read_text().replace('"127.0.0.1"', "")
    house.desk.config.write_text(text)
    ended = house.run()
    assert any("blocked" in told for told in ended.json["notes"])
    assert house.street.asked == []


def test_tokens_alone_are_no_reason_to_ask_again(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    for _ in range(3):
        assert house.run(fresh=False).code == 0
    heads = [size for (size,) in house.table("SELECT size FROM log_checkpoint")]
    assert len(heads) == 2, "the tokens of the first head are covered by a second, and there it ends"
    assert house.street.times("clock") == 1
    house.run()
    assert house.street.times("clock") == 2


def test_an_older_question_gives_way_to_a_newer_checkpoint(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    roots = write_roots(tmp_path, clock)
    house.configure(house.rfc3161(lambda path, body: Played(status=503), roots=roots))
    house.run()
    ((first, _, _),) = house.waiting()
    ended = house.run()
    ((second, _, attempts),) = house.waiting()
    assert second > first
    assert (house.street.times("clock"), attempts) == (1, 1), "the pause goes on"
    assert any("never vouched" in told and str(first) in told for told in ended.json["notes"])
    house.street.services["clock"] = clock
    house.due()
    house.run(fresh=False)
    assert [size for size, *_ in house.tokens()] == [second]


def test_pauses_double_up_to_a_day(house: House) -> None:
    house.configure(house.rfc3161(lambda path, body: Played(status=503)))
    house.run()
    pauses = []
    for _ in range(12):
        house.due()
        before = datetime.datetime.now(UTC)
        house.run(fresh=False)
        ((due,),) = house.table("SELECT due_at FROM work_anchor")
        pauses.append(round((datetime.datetime.fromisoformat(due) - before).total_seconds() / 60))
    assert pauses[:4] == [10, 20, 40, 80]
    assert pauses[-1] == 24 * 60


def test_clocks_that_differ_are_told(house: House, tmp_path: Path) -> None:
    clock = Clock.make(now=lambda: datetime.datetime.now(UTC) - 3 * DAY)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    ended = house.run()
    assert any("this machine's clock says" in told for told in ended.json["notes"])
    assert [at != "" for *_, at in house.tokens()] == [True]


def test_a_run_that_has_no_time_left_asks_nobody_and_forgets_nobody(house: House, tmp_path: Path) -> None:
    from archiver.jobs.anchor import anchor

    clock = Clock.make()
    house.configure()
    house.run()
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    with open_session(house.desk.db, load(house.desk.config)) as session:
        told = anchor(session, budget=0.0)
    assert "no time was left" in told.notes[0]
    assert (house.street.asked, len(house.waiting())) == ([], 1)


def test_a_service_that_asks_for_a_pause_is_given_it(house: House) -> None:
    house.configure(house.rfc3161(lambda path, body: Played(b"", 429, headers=(("Retry-After", "7200"),))))
    before = datetime.datetime.now(UTC)
    house.run()
    ((due,),) = house.table("SELECT due_at FROM work_anchor")
    assert 120 <= (datetime.datetime.fromisoformat(due) - before).total_seconds() / 60 < 125


def test_one_host_is_asked_at_its_pace(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    roots, at = write_roots(tmp_path, clock), list[float]()

    def timed(path: str, body: bytes) -> Played:
        at.append(time.monotonic())
        return clock(path, body)

    house.configure(*(house.rfc3161(timed, f"clock-{n}", roots=roots) for n in range(3)))
    house.desk.config.write_text(house.desk.config.read_text().replace("default = 0.0", "default = 0.1"))
    house.run()
    assert len(house.tokens()) == 3
    assert min(later - earlier for earlier, later in itertools.pairwise(sorted(at))) > 0.04


def test_a_host_that_cannot_be_asked_in_time_is_left_for_a_later_run(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    roots = write_roots(tmp_path, clock)
    house.configure(*(house.rfc3161(clock, f"clock-{n}", roots=roots) for n in range(2)))
    house.desk.config.write_text(house.desk.config.read_text().replace("default = 0.0", "default = 600"))
    ended = house.run()
    assert (len(house.tokens()), len(house.waiting())) == (1, 1)
    assert any("no time was left" in told for told in ended.json["notes"])


def test_more_services_on_one_host_than_it_is_asked_at_once(house: House, tmp_path: Path) -> None:
    clock = Clock.make()
    roots = write_roots(tmp_path, clock)
    house.configure(*(house.rfc3161(clock, f"clock-{n}", roots=roots) for n in range(10)))
    house.run()
    assert len(house.tokens()) == 10


def test_a_connection_that_was_reset_is_tried_once_more(house: House) -> None:
    answer = bytes(ots.Tree.of([ots.Attestation.pending("https://calendar.example")]))
    replies = [Reply(b"", then="reset"), Reply(message(answer))]
    with RawServer({"/a/digest": replies, "/b/digest": [Reply(b"", then="reset")]}) as raw:
        tables = (f'[[anchors.ots]]\nname = "{name}"\nurl = "{raw.url(f"/{name}")}"\n' for name in "ab")
        house.configure(*tables)
        ended = house.run()
        assert len(raw.got) == 4
    assert [service for _, _, service, _, _ in house.tokens()] == ["a"]
    assert any("ots b" in told and "reset" in told for told in ended.json["notes"])


def test_a_service_that_is_not_configured_any_more_is_forgotten(house: House) -> None:
    house.configure(house.rfc3161(lambda path, body: Played(status=500), "old"))
    house.run()
    house.due()
    house.configure(house.rfc3161(lambda path, body: Played(status=500), "new"))
    assert house.run().code == 0
    assert [service for _, service, _ in house.waiting()] == ["new"]


def test_an_authority_at_a_forbidden_address_is_not_asked(house: House, tmp_path: Path) -> None:
    clock = Clock.make(ocsp_url="http://169.254.169.254/latest", crl_url="ldap://directory.example/cn=list")
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    ended = house.run()
    (told,) = [note for note in ended.json["notes"] if "is not known" in note]
    assert "blocked" in told
    assert [at != "" for *_, at in house.tokens()] == [True]


def test_verify_accepts_what_is_kept_and_names_a_token_that_was_changed(house: House, tmp_path: Path) -> None:
    witness, clock = Witness(trusted=house.trusted_log()), Clock.make(ocsp_url=house.street.url("authority"))
    house.street.services["authority"] = Authority(issuer=clock.root, certificates=[clock.signer])
    house.configure(house.witness(witness, witness.vkey), house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()

    def verify() -> Ended:
        words = ["verify", str(house.desk.db), "--config", str(house.desk.config), "--processes", "0"]
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        return Ended(result.exit_code, result.stdout, result.stderr)

    assert verify().code == 0, verify().out
    with closing(sqlite3.connect(house.desk.db)) as db:
        db.execute("DROP TRIGGER log_anchor_no_update")
        db.execute("UPDATE log_anchor SET token = CAST(token || x'00' AS BLOB) WHERE kind = 'rfc3161'")
        db.commit()
    ended = verify()
    assert ended.code & 4
    assert "rfc3161 clock" in ended.out


# ---- revocation and renewal -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ocsp", "crl"])
def test_what_an_authority_says_of_a_certificate_is_kept(house: House, tmp_path: Path, kind: str) -> None:
    url = house.street.url("authority")
    clock = Clock.make(ocsp_url=url if kind == "ocsp" else "", crl_url=url if kind == "crl" else "")
    authority = Authority(issuer=clock.root, certificates=[clock.signer])
    house.street.services["authority"] = authority
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    ((sha256, certificate, said, der),) = house.table("SELECT sha256, certificate, kind, der FROM revocations")
    assert said == kind
    assert hashlib.sha256(der).hexdigest() == sha256
    assert hashlib.sha256(clock.signer.der).hexdigest() == certificate
    assert house.leaves("anchor")[0]["revocation_sha256"] == [sha256]
    house.run()
    assert (house.street.times("authority"), len(house.tokens())) == (1, 2), "what was said today holds for today"


@pytest.mark.parametrize("kind", ["ocsp", "crl"])
def test_a_revoked_certificate_vouches_for_nothing(house: House, tmp_path: Path, kind: str) -> None:
    url = house.street.url("authority")
    clock = Clock.make(ocsp_url=url if kind == "ocsp" else "", crl_url=url if kind == "crl" else "")
    house.street.services["authority"] = Authority(issuer=clock.root, certificates=[clock.signer], revoked=True)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    ended = house.run()
    assert any("was revoked at" in told for told in ended.json["notes"])
    assert [at for *_, at in house.tokens()] == [""], "it is kept for what the authority said, and states no time"
    house.run()
    assert house.leaves("import")[-1]["after"] is None


def test_an_authority_that_is_silent_or_false_is_told(house: House, tmp_path: Path) -> None:
    one, two = house.street.url("one"), house.street.url("two")
    clock, stranger = Clock.make(ocsp_url=one, crl_url=two), Clock.make()
    house.street.services["one"] = lambda path, body: Played(b"<html>", kind="text/html")
    false = Authority(issuer=clock.root, certificates=[clock.signer], signer=stranger.signer)
    house.street.services["two"] = false
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    ended = house.run()
    (told,) = [note for note in ended.json["notes"] if "is not known" in note]
    assert "web page" in told
    assert "not signed by the issuer" in told
    assert house.table("SELECT count(*) FROM revocations") == [(0,)]
    assert [at != "" for *_, at in house.tokens()] == [True], "the token holds all the same"


def test_a_timestamp_is_taken_again_before_its_certificates_end(house: House, tmp_path: Path) -> None:
    clock = Clock.make(good_for=60 * DAY)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    shown = house.desk.call("status")
    assert "certificates end at" in shown.out
    (vouching,) = house.desk.call("status", "--json").json["vouching"]
    assert (vouching["service"], vouching["ends_soon"]) == ("clock", True)
    house.run(fresh=False)
    assert house.street.times("clock") == 1, "not every day"
    renewed = Clock.make()
    house.street.services["clock"] = renewed
    write_roots(tmp_path, renewed)
    later = (datetime.datetime.now(UTC) + 8 * DAY).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    from archiver.jobs.anchor import anchor

    with open_session(house.desk.db, load(house.desk.config), now=lambda: later) as session:
        told = anchor(session)
    assert (told.stored, house.street.times("clock")) == (1, 2)
    (vouching,) = house.desk.call("status", "--json").json["vouching"]
    assert not vouching["ends_soon"]
    newest = house.table("SELECT max(size) FROM log_checkpoint")[0][0]
    assert house.tokens()[-1][0] == newest


# ---- OpenTimestamps ----------------------------------------------------------------------------------------------


def test_a_calendar_gives_a_pending_proof_and_later_a_block(house: House) -> None:
    calendar = Calendar(url=house.street.url("calendar"))
    house.configure(house.ots(calendar))
    ended = house.run()
    assert ended.code == 0
    ((size, kind, _, pending, at),) = house.tokens()
    proof = ots.OtsProof.parse(pending)
    assert proof.digest == hashlib.sha256(house.note(size).encode()).digest()
    assert (kind, at, len(proof.pending()), proof.blocks()) == ("ots", "", 1, ())
    assert house.waiting() == [(size, "calendar", 0)]
    house.run(fresh=False)
    assert house.street.times("calendar") == 1, "a block takes its time"
    house.due()
    assert house.run(fresh=False).code == 0
    assert (len(house.tokens()), house.waiting()) == (1, [(size, "calendar", 1)])
    calendar.height = 900_000
    house.due()
    ended = house.run(fresh=False)
    _, (_, _, _, whole, at) = house.tokens()
    proof = ots.OtsProof.parse(whole)
    assert [height for height, _ in proof.blocks()] == [900_000]
    assert any("block 900000 of Bitcoin" in told for told in ended.json["log"])
    assert (proof.digest, at, house.waiting()) == (ots.OtsProof.parse(pending).digest, "", [])
    assert [leaf["token_sha256"] for leaf in house.leaves("anchor")] == [
        hashlib.sha256(token).hexdigest() for token in (pending, whole)
    ]


def test_a_newer_checkpoint_does_not_end_the_wait_for_a_block(house: House) -> None:
    calendar = Calendar(url=house.street.url("calendar"))
    house.configure(house.ots(calendar))
    house.run()
    house.run()
    assert len(house.waiting()) == 2
    calendar.height = 5
    house.due()
    house.run(fresh=False)
    assert house.waiting() == []
    assert sum(bool(ots.OtsProof.parse(token).blocks()) for *_, token, _ in house.tokens()) == 2


def test_a_calendar_is_asked_for_few_proofs_in_a_run_and_not_for_ever(house: House) -> None:
    calendar = Calendar(url=house.street.url("calendar"))
    house.configure(house.ots(calendar))
    for _ in range(12):
        house.run()
    house.due()
    house.run(fresh=False)
    assert house.street.times("calendar") == 12 + 10
    with closing(sqlite3.connect(house.desk.db)) as db:
        db.execute("UPDATE work_anchor SET attempts = 100")
        db.commit()
    house.due()
    ended = house.run(fresh=False)
    assert sum("is asked no more" in told for told in ended.json["notes"]) == 10
    assert len(house.waiting()) == 2


@pytest.mark.parametrize("bad", ["page", "rubbish", "error", "nothing"])
def test_a_bad_answer_of_a_calendar_is_told(house: House, bad: str) -> None:
    answers = {
        "page": Played(b"<html></html>", kind="text/html"),
        "rubbish": Played(b"\x00\x01\x02"),
        "error": Played(b"busy", 503, "text/plain"),
        "nothing": Played(b""),
    }
    house.configure(house.ots(lambda path, body: answers[bad]))
    ended = house.run()
    assert any("ots calendar does not vouch" in told for told in ended.json["notes"])
    assert (house.tokens(), len(house.waiting())) == ([], 1)


def test_only_the_configured_calendar_is_asked_for_the_rest(house: House) -> None:
    with Street() as elsewhere:
        host = elsewhere.url("calendar").replace("127.0.0.1", "localhost")
        elsewhere.services["calendar"] = Calendar(url=host, height=7)
        house.configure(house.ots(Calendar(url=host)))
        house.run()
        house.due()
        ended = house.run(fresh=False)
        assert any("configure that calendar" in told for told in ended.json["notes"])
        assert elsewhere.asked == []


# ---- witnesses ---------------------------------------------------------------------------------------------------


def test_a_witness_cosigns_each_head_that_continues_the_last(house: House) -> None:
    witness = Witness(trusted=house.trusted_log())
    house.configure(house.witness(witness, witness.vkey))
    for _ in range(3):
        ended = house.run()
        assert ended.code == 0, ended.out
    key = VerifierKey.parse(witness.vkey)
    tokens = house.tokens()
    assert len(tokens) == 3
    for size, _, _, token, at in tokens:
        time = note.cosigned(SignedNote.parse(house.note(size) + token.decode()), key)
        assert datetime.datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") == at
    assert house.street.times("witness") == 3, "what it cosigned last is known here"
    assert house.leaves("anchor")[0]["vkey"] == witness.vkey


def test_a_witness_that_knows_more_or_less_than_we_remember_is_asked_by_its_own_size(house: House) -> None:
    witness = Witness(trusted=house.trusted_log())
    house.configure(house.witness(witness, witness.vkey))
    house.run()
    house.configure(house.witness(witness, witness.vkey, "renamed"))
    house.run()
    assert house.street.times("renamed") == 2, "409 named the size"
    witness.size, witness.root = 0, Witness().root
    house.run()
    assert house.street.times("renamed") == 4, "a witness that forgot starts anew"
    assert len(house.tokens()) == 3


@pytest.mark.parametrize("how", ["rolled back", "deleted and signed again", "same size"])
def test_a_witness_notices_another_log_under_the_same_name_and_key(house: House, how: str) -> None:
    witness = Witness(trusted=house.trusted_log())
    house.configure(house.witness(witness, witness.vkey))
    assert house.run().code == 0
    if how == "rolled back":
        witness.size += 1000
    elif how == "same size":
        (newest,) = house.table("SELECT max(idx) + 1 FROM log_leaf")[0]
        witness.size = newest
        witness.root = b"\x01" * 32
    else:
        witness.root = b"\x01" * 32
    ended = house.run(fresh=how != "same size")
    if how == "same size":
        house.due()
        from archiver.jobs.anchor import anchor
        from archiver.store.anchors import Anchors, Waiting

        with open_session(house.desk.db, load(house.desk.config)) as session:
            head = Anchors(session.archive, 1).newest_head()
            assert head is not None
            Anchors(session.archive, 1).wait(
                Waiting(size=head.size, kind="witness", service="witness", due_at="", attempts=0, last="")
            )
            told = anchor(session).broken
            assert "other leaves" in told[0]
        return
    assert ended.code == 4
    assert "the witness refused" in ended.json["broken"]
    assert len(house.tokens()) == 1
    asked = house.street.times("witness")
    ended = house.run(fresh=False)
    assert (ended.code, house.street.times("witness")) == (4, asked), "it stands, whether it is asked again or not"
    assert "the witness refused" in ended.json["broken"]
    assert "the witness refused" in house.desk.call("status").out


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Played(b"", 403), "none of the keys"),
        (Played(b"", 404), "does not know the log"),
        (Played(b"no such size", 409, "text/x.tlog.size"), "without the size"),
        (Played(b"007\n", 409, "text/x.tlog.size"), "without the size"),
        (Played(b"<html></html>", kind="text/html"), "web page"),
        (Played(b"\xe2\x80\x94 x AAAA\n", kind="text/plain"), "no cosignature"),
        (Played(b"hello\n", kind="text/plain"), "no cosignature"),
        (Played(b"slow down", 429, "text/plain"), "429: slow down"),
    ],
    ids=str,
)
def test_a_bad_answer_of_a_witness_is_told(house: House, answer: Played, told: str) -> None:
    house.configure(house.witness(lambda path, body: answer, Witness().vkey))
    ended = house.run()
    assert ended.code == 0
    assert any(told in line for line in ended.json["notes"] if line.startswith("witness witness"))
    assert house.tokens() == []


def test_a_cosignature_by_another_key_or_over_another_head_is_refused(house: House) -> None:
    trusted = house.trusted_log()
    stranger, own = Witness(trusted=trusted, seed=b"\x09" * 32), Witness(trusted=trusted)

    def other_head(path: str, body: bytes) -> Played:
        text = note.SignedNote.parse(body.decode().partition("\n\n")[2]).text.replace(ORIGIN, "log.example/other")
        return Played(f"{note.cosign(text, own.name, own.seed, 1_800_000_000)}\n".encode(), kind="text/plain")

    house.configure(house.witness(stranger, own.vkey, "stranger"), house.witness(other_head, own.vkey, "other"))
    ended = house.run()
    refused = [told for told in ended.json["notes"] if "its cosignature was refused" in told]
    assert (len(refused), house.tokens()) == (2, [])


def test_all_kinds_side_by_side(house: House, tmp_path: Path) -> None:
    witness, clock = Witness(trusted=house.trusted_log()), Clock.make()
    house.configure(
        house.witness(witness, witness.vkey),
        house.rfc3161(clock, roots=write_roots(tmp_path, clock)),
        house.rfc3161(lambda path, body: Played(status=500), "broken"),
        house.ots(Calendar(url=house.street.url("calendar"))),
    )
    ended = house.run()
    assert ended.code == 0
    assert sorted(service for _, _, service, _, _ in house.tokens()) == ["calendar", "clock", "witness"]
    assert {size for size, *_ in house.tokens()} == {house.waiting()[0][0]}
    sound(house.desk)
    assert house.desk.call("rebuild", "--check").code == 0
    again = house.desk.call("run", house.seed()).out
    assert "Note: rfc3161 broken never vouched" in again
    assert "witness witness vouches for the checkpoint of" in again
    shown = house.desk.call("status").out
    assert "Anchor witness witness" in shown
    assert "rfc3161 broken" in shown
