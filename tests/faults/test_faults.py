"""Servers, connections and names that fail, on real sockets: each ends in the right outcome, the run goes on with all
others and ends in bounded time and memory, and what it recorded holds.
"""

from __future__ import annotations

from pathlib import Path

import fault_docs
from fault_runs import MAX_BYTES, Seen, World, has_ipv6
from fault_table import FAULTS, Fault

from archiver.model import Outcome
from archiver.store.fates import GONE

MEMORY = 150_000_000
"""Bytes that a run may take, whatever servers do."""
HOUR, DAY = 3600.0, 86_400.0
AGAIN = {
    "soon": (60.0, HOUR),
    "asked": (6000.0, 8 * DAY),  # the date of one was reckoned when the tests began
    "watched": (2 * HOUR, 2 * DAY),
    "rarely": (7 * DAY, 400 * DAY),
}
"""Seconds until the next look, at least and at most."""


def wrong(fault: Fault, seen: Seen) -> str:
    """What a run made wrong of a fault; empty when all is as the table says."""
    last = seen.captures[-1] if seen.captures else None
    if last is None:
        return "nothing was recorded"
    told = (seen.outcome, last["failure"], last["status"])
    wanted = [(fault.outcome, failure, fault.status) for failure in fault.failure.split("|")]
    if told not in wanted:
        return f"{told}, not {wanted}: {last['detail']}"
    least, most = AGAIN[fault.again]
    if seen.due is None or not least <= seen.due <= most:
        return f"looked at again after {seen.due} s, which is not {fault.again}"
    if not fault.captures[0] <= len(seen.captures) <= fault.captures[1]:
        return f"{len(seen.captures)} captures"
    return ""


def test_whatever_servers_do_a_run_ends_and_says_rightly_how(tmp_path: Path) -> None:
    faults = [fault for fault in FAULTS if ":" not in fault.address or has_ipv6()]
    world = World(folder=tmp_path, faults=faults)
    with world.serving():
        ended = world.run(*map(world.address, faults))
    seen = world.seen()
    bad = {fault.name: told for fault in faults if (told := wrong(fault, seen[fault.name]))}
    captures = world.rows("SELECT count(*) AS n FROM captures")[0]["n"]
    print(f"{len(faults)} faults, {captures} captures in {ended.took:.1f} s, {ended.peak / 1e6:.0f} MB")
    assert not bad, "\n".join(f"{name}: {told}" for name, told in bad.items())
    assert (ended.code, "Traceback" in ended.err) == (1, False), ended.err
    assert ended.peak < MEMORY
    taken = {fault.name: world.places[fault.name].sent for fault in faults if fault.most}
    assert all(taken[fault.name] <= fault.most + 2 * MAX_BYTES for fault in faults if fault.most), taken
    assert [place.connections for place in world.forbidden.values()] == [0] * len(world.forbidden)
    verified = world.call("verify", world.db)
    assert verified.code == 0, verified.out + verified.err
    rebuilt = world.call("rebuild", "--check", "--db", world.db)
    assert rebuilt.code == 0, rebuilt.out + rebuilt.err


def test_each_fault_has_a_host_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_table_is_documented() -> None:
    assert fault_docs.PAGE.read_text("utf-8") == fault_docs.written(), "run python tests/faults/fault_docs.py"


def test_no_fault_says_that_a_post_is_gone() -> None:
    speak = {"not-found", "gone", "login", "withheld"}  # statuses that speak of the page itself
    assert {fault.name for fault in FAULTS if Outcome(fault.outcome) in GONE} == speak
    assert [fault.name for fault in FAULTS if fault.outcome == "deleted"] == ["gone"]
