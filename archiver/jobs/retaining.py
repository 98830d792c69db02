"""Carries out the policies of `retention`: decisions for the log, what is due, and its erasure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from archiver import schedule
from archiver.jobs import erase
from archiver.jobs.retention import Policy
from archiver.jobs.session import Session
from archiver.jobs.trouble import ATTENTION, Trouble
from archiver.net.uid import new_uid
from archiver.store import blurring
from archiver.store.archive import Archive

GRACE = timedelta(days=7)
"""How long what is due stays announced before it may go."""
ANNOUNCED = "retention_announced"
LOOKED = "retention_looked"
"""Under this name work remembers the day and the policies for which was looked, and the line of the report."""
BY_CONFIGURATION = "[retention] of the configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A media file whose time is over: its refs, bytes, first capture, by which policy, since when it is announced
    (empty: not yet), and whether it may go now."""

    sha256: str
    refs: tuple[str, ...]
    size: int
    since: str
    policy: str
    announced: str = ""
    ripe: bool = False


def decide(session: Session, policies: Sequence[Policy]) -> list[str]:
    """Writes into the log which media are blurred by the configuration, where it says otherwise than the log. What a
    person decided by other means is left alone. What is new, a line each."""
    held, told = blurring.in_force(session.archive), list[str]()
    wanted = {policy.name for policy in policies if policy.blur}
    ours = {name for name, reason in held.items() if reason == BY_CONFIGURATION}
    changes = [(name, blurring.BLUR) for name in sorted(wanted - set(held))]
    changes += [(name, blurring.SHOW) for name in sorted(ours - wanted)]
    for name, what in changes:
        session.evidence.state(
            new_uid(),
            who=session.config.operator,
            what=what,
            subject=f"{blurring.SUBJECT}{name}",
            object="",
            reason=BY_CONFIGURATION,
        )
        told.append(f"media of {name} are {'blurred' if what == blurring.BLUR else 'no longer blurred'} from now on")
    return told


_FILES = """
SELECT b.sha256, b.size, c.observed_at, b.id AS blob,
    (SELECT json_group_array(ref) FROM (
        SELECT DISTINCT r.ref FROM files f JOIN refs r ON r.id = f.ref WHERE f.blob = b.id ORDER BY r.ref)) AS refs,
    (SELECT json_group_array(k.post) FROM media_carriers k WHERE k.blob = b.id) AS posts
FROM (SELECT DISTINCT m.blob FROM json_each(?) j JOIN media_carriers m ON m.post = j.value) x
JOIN blobs b ON b.id = x.blob
JOIN captures c ON c.id = (SELECT min(n.capture) FROM files n WHERE n.blob = b.id)
WHERE EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = b.id) AND c.observed_at <= ? ORDER BY b.sha256
"""


# Erasing is by address and takes every whole answer that came from it, whatever else rests on the same bytes.
_ELSEWHERE = """
SELECT 1 FROM captures c WHERE c.blob = ?1
AND c.ref NOT IN (SELECT r.ref FROM files f JOIN refs r ON r.id = f.ref WHERE f.blob = ?1) LIMIT 1
"""
_ALSO_GIVEN = """
SELECT DISTINCT c.blob FROM json_each(?1) j JOIN captures c ON c.ref = j.value
WHERE c.status = 200 AND EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = c.blob)
"""


def due(archive: Archive, policies: Sequence[Policy], *, now: str) -> list[Due]:
    """The media files whose time is over by every policy that concerns them, and that nothing else leads to."""
    dropping = [policy for policy in policies if policy.days]
    if not dropping:
        return []
    documents = {policy: blurring.documents(archive, policy.name) for policy in dropping}
    every = {int(row[0]) for row in archive.all("SELECT id FROM documents")}
    kept = blurring.led_to(archive, every - set[int]().union(*documents.values()))
    led = {policy: blurring.led_to(archive, found) for policy, found in documents.items()}
    announced = _announced(archive)
    moment, found = schedule.parse_time(now), dict[int, Due]()
    youngest = schedule.time_text(moment - timedelta(days=min(policy.days for policy in dropping)))
    for row in archive.all(_FILES, json.dumps(sorted(set[int]().union(*led.values()))), youngest):
        posts = set(json.loads(row["posts"]))
        concerned = [policy for policy in dropping if posts & led[policy]]
        age = moment - schedule.parse_time(row["observed_at"])
        if posts & kept or not all(any(post in led[policy] for policy in concerned) for post in posts):
            continue
        if any(age < timedelta(days=policy.days) for policy in concerned):
            continue
        if archive.one(_ELSEWHERE, row["blob"]) is not None:
            continue
        since = announced.get(row["sha256"], "")
        longest = max(concerned, key=lambda policy: (policy.days, policy.name))
        found[row["blob"]] = Due(
            sha256=row["sha256"],
            refs=tuple(json.loads(row["refs"])),
            size=row["size"],
            since=row["observed_at"],
            policy=f"{longest.name}: {longest.days} days",
            announced=since,
            ripe=bool(since) and moment - schedule.parse_time(since) >= GRACE,
        )
    return _alone(archive, found)


def _alone(archive: Archive, found: dict[int, Due]) -> list[Due]:
    """Those whose addresses gave nothing that stays."""
    given = {blob: _given(archive, one.refs) for blob, one in found.items()}
    while kept := [blob for blob in found if not given[blob] <= found.keys()]:
        for blob in kept:
            del found[blob]
    return list(found.values())


def _given(archive: Archive, refs: tuple[str, ...]) -> set[int]:
    return {int(row[0]) for row in archive.all(_ALSO_GIVEN, json.dumps(refs))}


def _announced(archive: Archive) -> dict[str, str]:
    row = archive.one("SELECT value FROM work_state WHERE name = ?", ANNOUNCED)
    held = json.loads(row[0]) if row is not None else {}
    return {str(sha256): str(at) for sha256, at in held.items()}


def announce(session: Session, policies: Sequence[Policy]) -> list[str]:
    """Remembers what is due since when; what is due no longer is forgotten, and begins anew if it is again. A line for
    the report where something is due. Looked for once a day: it takes a walk over documents and files, and the command
    that erases looks again."""
    now = session.now()
    looked = json.dumps([now[:10], *map(repr, policies)])
    seen = session.state(LOOKED).partition("\n")
    if seen[0] == looked:
        return [seen[2]] if seen[2] else []
    told = _announce(session, policies, now)
    session.remember(LOOKED, "\n".join([looked, *told]))
    return told


def _announce(session: Session, policies: Sequence[Policy], now: str) -> list[str]:
    found = due(session.archive, policies, now=now)
    before = _announced(session.archive)
    if found or before:
        # A clock that stood ahead for a while has announced in what is the future now: that does not count.
        held = {one.sha256: min(before.get(one.sha256, now), now) for one in found}
        session.remember(ANNOUNCED, json.dumps(held, sort_keys=True))
    if not found:
        return []
    first = min(schedule.parse_time(before.get(one.sha256, now)) for one in found) + GRACE
    size = sum(one.size for one in found)
    return [
        f"retention: {len(found)} media files ({size:,} bytes) have had their time; `archiver retain` lists them, and "
        f"erases them with --yes from {schedule.time_text(first)[:10]} on"
    ]


def unheeded(session: Session) -> list[Trouble]:
    """Whether media that may go have been there for another week: who only reads mail never saw them announced."""
    until = schedule.time_text(schedule.parse_time(session.now()) - 2 * GRACE)
    count = sum(at <= until for at in _announced(session.archive).values())
    if not count:
        return []
    what = f"retention: {count} media files were announced two weeks ago or earlier, and nobody erased them"
    next_ = "`archiver retain` lists them, and erases them with --yes"
    return [Trouble(key="retention", level=ATTENTION, what=what, next=next_)]


@dataclass(slots=True, kw_only=True)
class Dropped:
    """What was erased: the files, and what an erasure left or could not do, a line each."""

    files: list[Due]
    notes: list[str]
    broken: bool = False
    cleaned: bool = True


def drop(session: Session, policies: Sequence[Policy], *, who: str) -> Dropped:
    """Erases what was announced long enough ago. The reason in the log names the policy."""
    ripe = [one for one in due(session.archive, policies, now=session.now()) if one.ripe]
    wanted: Mapping[str, str] = {ref: f"retention policy {one.policy}" for one in ripe for ref in one.refs}
    if not wanted:
        return Dropped(files=[], notes=[])
    done = erase.erase_files(session, wanted, who=who)
    _announce(session, policies, session.now())
    session.remember(LOOKED, "")
    return Dropped(files=ripe, notes=done.notes, broken=done.broken, cleaned=done.cleaned)
