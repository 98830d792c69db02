"""Timestamps are renewed before their certificates end, without being told; and what holds after they ended, or after a
certificate was revoked, is judged by what newer tokens hold. Clocks are handed in, certificates end."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_anchors import House, house
from tsa import DAY, UTC, Authority, Clock, Witness, write_roots

from archiver.bundle.verify import main as bundle_verify
from archiver.custody import certificates
from archiver.jobs import anchored, checkpoint
from archiver.jobs.anchor import Anchored, anchor
from archiver.jobs.config import load
from archiver.jobs.session import open_session
from archiver.jobs.status import status_of
from archiver.jobs.verify import Options, Verified, verify
from archiver.jobs.verifying_found import Findings
from archiver.jobs.verifying_renewed import Vouched, renewed
from archiver.net.clock import text_of
from archiver.store.anchors import Anchors
from archiver.store.archive import open_reader

__all__ = ["house"]
NOW = datetime.datetime.now(UTC)


def later(days: float) -> str:
    return text_of(NOW + days * DAY)


def evening(house: House, days: float, *clocks: Clock, sign: bool = True) -> Anchored:
    """The end of a run so many days from now, at which no document came."""
    for clock in clocks:
        clock.now = lambda: NOW + days * DAY
    with open_session(house.desk.db, load(house.desk.config), now=lambda: later(days)) as session:
        if sign:
            checkpoint.seal(session, make=False)
        return anchor(session)


def judged(house: House, days: float, *services: Clock, **more: Any) -> Verified:
    roots = tuple(clock.root.der for clock in services)
    return verify(house.desk.db, load(house.desk.config), Options(roots=roots, now=later(days), **more))


def test_a_timestamp_is_renewed_when_it_is_due_and_not_before(house: House, tmp_path: Path) -> None:
    """Nothing was captured since: the token itself is the leaf that the newer head holds."""
    clock = Clock.make(good_for=200 * DAY)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    (stamp,) = _held(house).timestamps()
    size, leaf, until = stamp.size, stamp.leaf, anchored.until(_held(house), stamp)
    assert certificates.describe(clock.signer.der).not_after == until
    status = status_of(open_reader(house.desk.db))
    assert status.exposed is not None
    assert (status.exposed.service, status.exposed.count, status.exposed.until) == ("clock", 1, until)
    assert status.exposed.renew_at[:10] == later(110)[:10] or status.exposed.renew_at[:10] == later(109)[:10]
    assert "from 20" in next(line for line in house.desk.call("status").out.splitlines() if "Timestamps:" in line)
    newer = Clock.make(good_for=1000 * DAY)
    house.street.services["clock"] = newer
    write_roots(tmp_path, newer)
    assert evening(house, 100, newer).stored == 0
    assert evening(house, 111, newer).stored == 1
    first, second = _held(house).timestamps()
    assert (first.size, first.leaf) == (size, leaf)
    assert second.size > first.leaf
    assert evening(house, 112, newer).stored == 0
    now = status_of(open_reader(house.desk.db), now=lambda: later(112)).exposed
    assert now is not None
    assert (now.until[:4], now.count) == (certificates.describe(newer.signer.der).not_after[:4], 2), "one covers both"
    assert evening(house, 250, newer).stored == 0


def _held(house: House) -> Anchors:
    return Anchors(open_reader(house.desk.db), 1)


def test_the_days_are_configured(house: House, tmp_path: Path) -> None:
    clock = Clock.make(good_for=200 * DAY)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)), "[custody]\nrenew_days = 150\n")
    house.run()
    assert (evening(house, 49, clock).stored, evening(house, 51, clock).stored) == (0, 1)
    shown = house.desk.call("status", "--config", str(house.desk.config), "--json").json["exposed"]
    assert shown["renew_at"] < later(51)


def test_another_service_renews_what_one_gave_that_is_not_asked_any_more(house: House, tmp_path: Path) -> None:
    gone, stays = Clock.make(good_for=200 * DAY), Clock.make(good_for=2000 * DAY)
    roots = write_roots(tmp_path, stays, "s.pem")
    house.configure(house.rfc3161(gone, "gone", roots=write_roots(tmp_path, gone, "g.pem")))
    house.run()
    house.configure(house.rfc3161(stays, "stays", roots=roots))
    assert evening(house, 1, stays).stored == 1, "it has not vouched for anything yet"
    assert evening(house, 120, stays).stored == 0, "that one covers the other already"
    with open_session(
        house.desk.db, load(house.desk.config)
    ) as session:  # a token that came before the head was signed
        exposed = anchored.exposed(Anchors(session.archive, 1), later(120), 90)
    assert exposed is not None
    assert exposed.service == "stays"


def test_what_no_signed_head_holds_yet_is_told(house: House, tmp_path: Path) -> None:
    clock = Clock.make(good_for=60 * DAY)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    told = evening(house, 10, clock, sign=False)
    assert told.stored == 0
    assert any("no signed checkpoint holds them yet" in line for line in told.notes)
    assert evening(house, 10, clock).stored == 1


# ---- after the end -------------------------------------------------------------------------------------------


def test_a_timestamp_that_ended_is_held_by_its_renewal(house: House, tmp_path: Path) -> None:
    clock, newer = Clock.make(good_for=200 * DAY), Clock.make(good_for=2000 * DAY)
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    house.run()
    assert judged(house, 100, clock).unchecked == []
    (finding,) = judged(house, 300, clock).unchecked
    assert finding.check == "anchor"
    assert "its certificates ended at" in finding.reason
    assert "no token from before then vouches that it was there" in finding.reason
    house.street.services["clock"] = newer
    write_roots(tmp_path, newer)
    assert evening(house, 150, newer).stored == 1
    report = judged(house, 300, clock, newer)
    assert (report.wrong, report.unchecked, report.held["rfc3161 tokens"]) == ([], [], 2)
    (note,) = [note for note in report.notes if "renewed by" in note]
    assert note.startswith("1 timestamp of rfc3161 clock: its certificates ended at ")
    assert "held, renewed by rfc3161 clock at " in note
    assert len(judged(house, 3000, clock, newer).unchecked) == 2, "the newer one ended as well, and holds nothing"


def vouched(size: int, leaf: int, time: str, until: str = "", kind: str = "rfc3161") -> Vouched:
    return Vouched(kind=kind, service=f"s{size}", size=size, leaf=leaf, time=time, until=until, why="it ended at")


@pytest.mark.parametrize(
    ("newer", "holds"),
    [
        ((20, 21, "2026-06-01T00:00:00Z", "2030-01-01T00:00:00Z"), True),
        ((11, 21, "2026-06-01T00:00:00Z", "2030-01-01T00:00:00Z"), True),
        ((10, 21, "2026-06-01T00:00:00Z", "2030-01-01T00:00:00Z"), False),  # over a head that does not hold it
        ((20, 21, "2027-06-01T00:00:00Z", "2030-01-01T00:00:00Z"), False),  # taken after the end
        ((20, 21, "2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z"), False),  # ended itself
        ((20, 21, "2026-06-01T00:00:00Z", "", "witness"), True),
    ],
)
def test_which_tokens_renew(newer: tuple[Any, ...], holds: bool) -> None:
    old = vouched(5, 10, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    unchecked = Findings()
    held, notes = renewed([old, vouched(*newer)], "2028-01-01T00:00:00Z", unchecked)
    assert (old in held, len(notes) == 1) == (holds, holds)
    assert bool([one for one in unchecked.held if one.place.leaf == 10]) is not holds


def test_renewals_of_renewals_hold_each_other() -> None:
    tokens = [
        vouched(10 * n, 10 * n + 1, f"20{20 + 2 * n}-06-01T00:00:00Z", f"20{23 + 2 * n}-01-01T00:00:00Z")
        for n in range(1, 20)
    ]
    unchecked = Findings()
    held, _ = renewed(tokens, "2060-01-01T00:00:00Z", unchecked)
    assert (len(held), unchecked.total) == (19, 0)
    held, _ = renewed(tokens[:9] + tokens[10:], "2060-01-01T00:00:00Z", unchecked)
    assert (len(held), unchecked.total) == (9, 9), "one that is missing breaks the chain below it"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize("newer", ["in time", "too late", "none"])
def test_a_bundle_brings_what_renews_a_timestamp_that_ended(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], newer: str
) -> None:
    """The leaf of the token, and a head that holds it and was dated while its certificates were good."""
    clock, other = Clock.make(good_for=-10 * DAY), Clock.make()
    house.configure()
    house.run()
    house.configure(house.rfc3161(clock, "old", roots=write_roots(tmp_path, clock, "old.pem")))
    evening(house, -20, clock)
    if newer != "none":
        house.configure(house.rfc3161(other, "new", roots=write_roots(tmp_path, other, "new.pem")))
        evening(house, -15 if newer == "in time" else -5, other)
    path = tmp_path / "bundle.zip"
    seed = house.desk.folder / "seeds" / "1.txt"
    assert house.desk.call("export", "--document", str(seed), "--to", path).code == 0
    roots = [part for one in (clock, other) for part in ("--roots", str(write_roots(tmp_path, one, f"{id(one)}.pem")))]
    key = str(house.table("SELECT vkey FROM log_key")[0][0])
    capsys.readouterr()
    code = bundle_verify([str(path), "--key", key, *roots])
    out = capsys.readouterr().out
    assert "by a certificate that has expired since" in out
    if newer == "in time":
        assert "old.tsr: renewed: its certificates were good at" in out
        assert "begins with 1 earlier heads" in out
    else:
        assert "old.tsr: no newer token here holds it" in out
    wrong = [line for line in out.splitlines() if line.startswith("WRONG") and "says that it was made at" not in line]
    assert wrong == [], out
    assert code == 4, "the capture is of today, and its token was dated back by this test"


# ---- revoked -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ocsp", "crl"])
@pytest.mark.parametrize("reason", ["keyCompromise", "superseded"])
def test_older_tokens_are_judged_by_what_an_authority_says_later(
    house: House, tmp_path: Path, kind: str, reason: str
) -> None:
    """The answer to a newer question is kept, though its token is refused; and it is about the older token, too."""
    url = house.street.url("authority")
    clock = Clock.make(ocsp_url=url if kind == "ocsp" else "", crl_url=url if kind == "crl" else "")
    authority = Authority(issuer=clock.root, certificates=[clock.signer], reason=reason)
    house.street.services["authority"] = authority
    house.configure()
    house.run()
    house.configure(house.rfc3161(clock, roots=write_roots(tmp_path, clock)))
    evening(house, -3, clock)
    assert judged(house, 0, clock).unchecked == []
    authority.revoked, clock.now = True, lambda: NOW
    assert any("was revoked at" in note for note in house.run().json["notes"])
    report = judged(house, 1, clock)
    assert report.wrong == []
    assert any("were never relied on" in note or "was never relied on" in note for note in report.notes)
    if reason == "superseded":
        assert report.unchecked == [], "nobody had the key then: what it signed before holds"
    else:
        (finding,) = report.unchecked
        assert "a certificate of its chain was revoked (keyCompromise) at" in finding.reason


def test_a_token_of_a_key_that_was_given_away_is_held_by_another_service(house: House, tmp_path: Path) -> None:
    """RFC 3161, section 4: two timestamps of two services tell genuine tokens from those that were dated back."""
    clock = Clock.make(ocsp_url=house.street.url("authority"))
    authority = Authority(issuer=clock.root, certificates=[clock.signer], reason="keyCompromise")
    house.street.services["authority"] = authority
    house.configure()
    house.run()
    witness = Witness(trusted=house.trusted_log(), now=lambda: (NOW - 2 * DAY).timestamp())
    table = house.rfc3161(clock, roots=write_roots(tmp_path, clock))
    house.configure(table)
    evening(house, -3, clock)
    house.configure(house.witness(witness, witness.vkey))
    house.run()
    house.configure(table)
    authority.revoked, clock.now = True, lambda: NOW
    assert any("was revoked at" in note for note in house.run().json["notes"])
    house.configure(table, house.witness(witness, witness.vkey))
    report = judged(house, 1, clock)
    assert (report.wrong, report.unchecked) == ([], [])
    assert any("renewed by witness witness" in note for note in report.notes), report.notes
