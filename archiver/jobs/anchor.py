"""Has outside services vouch for the newest checkpoint: after it was signed, in bounded time, and again in later runs
where one did not answer. Nothing here keeps a post from being captured, and no service is asked that the configuration
does not name. Requests to services are no captures (docs/decisions/0018): what is kept is the token, byte for byte.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256

from archiver.custody import ots
from archiver.custody.note import VerifierKey
from archiver.errors import InputError, IntegrityError
from archiver.jobs import services
from archiver.jobs.anchored import exposed, renew_at, until
from archiver.jobs.conversing import Ended, converse, network
from archiver.jobs.services import Service
from archiver.jobs.session import Session
from archiver.net import timestamps
from archiver.net.clock import text_of, time_of
from archiver.net.timestamps import Said, State, Talk
from archiver.store.anchors import Anchors, Head, Received, Standing, Waiting
from archiver.store.dating import dated_ahead

PATIENCE = 20.0
"""Seconds for one answer of one service, whatever it trickles."""
BUDGET = 60.0
"""Seconds for all services of one run; who has not been asked by then is asked in the next."""
FIRST, LONGEST = timedelta(minutes=5), timedelta(days=1)
"""The pause after a first failure, doubled each time, and the longest one."""
BLOCKS = timedelta(hours=1)
"""How often a calendar is asked whether a proof stands in a block; after some tries twice as seldom."""
UPGRADES, GIVE_UP = 10, 100
"""Proofs of one calendar that are asked for in one run; tries after which one is given up."""
AGREE = timedelta(hours=1)
"""How far the clock of a service and ours may be apart without a word about it."""
STANDING = timedelta(days=1)
"""How long an answer about the revocation of a certificate is taken for new."""
RENEWED = timedelta(days=7)

Key = tuple[int, str, str]


@dataclass(slots=True, kw_only=True)
class Anchored:
    """`told` says who vouched for what, `notes` who did not and why, `broken` that a witness holds another log under
    this name. `stored` counts tokens."""

    stored: int = 0
    told: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def anchor(session: Session, *, budget: float = BUDGET, patience: float = PATIENCE) -> Anchored:
    """Asks every configured service that is due. Never raises for what a service does, nor for missing roots."""
    result = Anchored()
    held = Anchors(session.archive, session.evidence.origin)
    configured = {(service.kind, service.name): service for service in session.config.anchors}
    with session.archive.transaction():
        _forget(held, configured)
        head = held.newest_head()
        if head is not None:
            for service in configured.values():
                _plan(session, held, service, head, result)
    due = _due(session, held)
    for waiting in held.waiting():
        if waiting not in due and waiting.last.startswith(timestamps.REFUSED):  # it stands until the witness is content
            result.broken.append(_disputed(configured[waiting.kind, waiting.service], waiting.size, waiting.last))
    talks: dict[Key, Talk] = {}
    for waiting in due:
        service = configured[waiting.kind, waiting.service]
        try:
            talks[waiting.size, waiting.kind, waiting.service] = _talk(session, held, service, waiting)
        except InputError as error:
            result.notes.append(f"{service.label} was not asked: {error}")
    if not talks:
        return result
    try:
        with network(session.config, patience) as ask:
            ended = converse(talks, ask, budget=budget)
    except IntegrityError as error:  # a proof for a witness could not be made
        result.broken.append(str(error))
        return result
    for waiting in due:
        end = ended.get((waiting.size, waiting.kind, waiting.service))
        if end is not None:
            _keep(session, held, configured[waiting.kind, waiting.service], waiting, end, result)
    return result


def _forget(held: Anchors, configured: Mapping[tuple[str, str], Service]) -> None:
    """Services that are not configured any more are not asked."""
    for waiting in held.waiting():
        if (waiting.kind, waiting.service) not in configured or held.head(waiting.size) is None:
            held.drop(waiting)


def _plan(session: Session, held: Anchors, service: Service, head: Head, result: Anchored) -> None:
    """One open question a service, about the newest checkpoint, which covers what the older ones did.

    A checkpoint that covers nothing new but tokens is no reason to ask again: there would be no end of it.
    """
    covered = held.covered(service.kind, service.name)
    open_ones = [
        waiting
        for waiting in held.waiting()
        if (waiting.kind, waiting.service) == (service.kind, service.name)
        and held.newest(service.kind, service.name, size=waiting.size) is None
    ]
    older = [waiting for waiting in open_ones if waiting.size < head.size]
    for waiting in older:
        held.drop(waiting)
        never = f"{service.label} never vouched for the checkpoint of {waiting.size} leaves"
        result.notes.append(f"{never}: that of {head.size} covers it")
    if len(open_ones) > len(older):
        return
    fresh = covered < head.size and not (covered and held.only_anchors(covered, head.size))
    if not fresh and not older and not _to_renew(session, held, service, head, result):
        return
    if any((waiting.size, waiting.kind, waiting.service) == (head.size, *_name(service)) for waiting in held.waiting()):
        return
    tries = max((waiting.attempts for waiting in older), default=0)
    due = max((waiting.due_at for waiting in older), default=session.now())
    last = older[-1].last if older else ""
    held.wait(Waiting(size=head.size, kind=service.kind, service=service.name, due_at=due, attempts=tries, last=last))


def _name(service: Service) -> tuple[str, str]:
    return service.kind, service.name


def _to_renew(session: Session, held: Anchors, service: Service, head: Head, result: Anchored) -> bool:
    """Whether another timestamp is due from this service, and not every day: the certificates behind its last one end
    soon, or timestamps that nothing newer covers do, whoever gave them. What it is asked about is the newest head,
    which holds the leaf of the token that ends: the run signed one after that leaf came."""
    if service.kind != services.RFC3161:
        return False
    now, days = session.now(), session.config.renew_days
    last = held.newest(service.kind, service.name)
    if last is not None and time_of(now) - time_of(last.received_at) <= RENEWED:
        return False
    token, weak = held.newest(service.kind, service.name, verified=True), exposed(held, now, days)
    own = renew_at(until(held, token), days) if token is not None else ""
    leaves = [held.leaf(token)] if token is not None and own and time_of(own) <= time_of(now) else []
    leaves += [weak.leaf] if weak is not None and time_of(weak.renew_at) <= time_of(now) else []
    if leaves and max(leaves) >= head.size:
        told = f"{service.label} is to renew timestamps that end soon, and no signed checkpoint holds them yet"
        result.notes.append(f"{told}: see why checkpoints are unsigned")
        return False
    return bool(leaves)


def _due(session: Session, held: Anchors) -> list[Waiting]:
    """Questions that are due; of the proofs that wait for a block, a few of each calendar."""
    now, found = session.now(), list[Waiting]()
    upgrades: dict[str, int] = {}
    for waiting in held.waiting():
        if waiting.due_at > now:
            continue
        if _pending(held, waiting) is not None:
            upgrades[waiting.service] = upgrades.get(waiting.service, 0) + 1
            if upgrades[waiting.service] > UPGRADES:
                continue
        found.append(waiting)
    return found


def _pending(held: Anchors, waiting: Waiting) -> bytes | None:
    """The proof that waits for a block, where that is what is waited for."""
    if waiting.kind != services.OTS:
        return None
    token = held.newest(waiting.kind, waiting.service, size=waiting.size)
    return None if token is None else token.token


def _talk(session: Session, held: Anchors, service: Service, waiting: Waiting) -> Talk:
    head = held.head(waiting.size)
    assert head is not None  # those without one were dropped above
    digest = sha256(head.note.encode()).digest()
    if service.kind == services.RFC3161:
        now = session.now()
        since = text_of(time_of(now) - STANDING)
        return timestamps.timestamp_of(
            service.url,
            digest,
            nonce=secrets.randbits(63),
            roots=service.trusted(),
            policy=service.policy,
            now=now,
            known=lambda certificate: held.standing_since(certificate, since),
        )
    if service.kind == services.OTS:
        proof = _pending(held, waiting)
        return timestamps.stamp_of(service.url, digest) if proof is None else timestamps.upgrade_of(service.url, proof)
    covered = min(held.covered(service.kind, service.name), head.size)
    return timestamps.cosignature_of(
        service.url,
        VerifierKey.parse(service.vkey),
        head.note,
        covered,
        lambda old: session.evidence.consistency(old, head.size),
    )


# ---- what came --------------------------------------------------------------------------------------------


def _keep(session: Session, held: Anchors, service: Service, waiting: Waiting, end: Ended, result: Anchored) -> None:
    """Stores what came, and says when the service is asked again."""
    said = end.said
    now, upgrading = session.now(), _pending(held, waiting) is not None
    with session.archive.transaction():
        if said.token:
            received = Received(
                size=waiting.size,
                kind=service.kind,
                service=service.name,
                token=said.token,
                at=said.time,
                chain=said.chain,
                standings=tuple(
                    Standing(certificate=one.certificate, kind=one.kind, url=one.url, der=one.der)
                    for one in said.revocations
                ),
                said=_named(service),
            )
            result.stored += held.add(session.evidence, received, now=now) is not None
        again = _again(waiting, end, now, upgrading=upgrading)
        if again is None:
            held.drop(waiting)
        else:
            held.wait(again)
    _tell(service, waiting, said, again, now, result, upgrading=upgrading)


def _named(service: Service) -> dict[str, str | bool]:
    """What the leaf says of a service, as it was configured."""
    said: dict[str, str | bool] = {"url": service.url}
    if service.kind == services.RFC3161:
        said["qualified"] = service.qualified
    if service.vkey:
        said["vkey"] = service.vkey
    return said


def _again(waiting: Waiting, end: Ended, now: str, *, upgrading: bool) -> Waiting | None:
    """When the service is asked again about this checkpoint; None when it is not."""
    said = end.said
    if said.state in (State.HOLDS, State.UNVERIFIED):
        return None
    tries = waiting.attempts + 1
    if upgrading:
        pause = min(BLOCKS * 2 ** (tries // 12), LONGEST)
        if tries > GIVE_UP:
            return None
    elif said.state is State.PENDING:
        tries, pause = 0, BLOCKS
    elif said.state is State.DISPUTED:
        pause = FIRST
    else:
        pause = min(FIRST * 2 ** min(tries - 1, 16), LONGEST)
    pause = min(max(pause, timedelta(seconds=end.retry_after)), LONGEST)
    return replace(waiting, due_at=text_of(time_of(now) + pause), attempts=tries, last=said.reason)


def _blocks(said: Said) -> str:
    heights = sorted({height for height, _ in ots.OtsProof.parse(said.token).blocks()})
    return " and ".join(f"block {height} of Bitcoin" for height in heights)


def _disputed(service: Service, size: int, reason: str) -> str:
    return f"{service.label} does not vouch for the checkpoint of {size} leaves: {reason}"


def _tell(
    service: Service,
    waiting: Waiting,
    said: Said,
    again: Waiting | None,
    now: str,
    result: Anchored,
    *,
    upgrading: bool,
) -> None:
    what = f"the checkpoint of {waiting.size} leaves"
    result.notes += [f"{service.label}: {told}" for told in said.notes]
    match said.state:
        case State.HOLDS:
            qualified = " (qualified, as configured)" if service.qualified else ""
            result.told.append(
                f"{service.label}{qualified} vouches for {what} at {said.time}."
                if said.time
                else f"The proof of {service.label} for {what} is whole: it names {_blocks(said)}, whose header "
                "`archiver verify` tells you to compare."
            )
            if said.time and dated_ahead(service.kind, said.token, said.time, now):
                clocks = f"{service.label} says that it is {said.time}, and this machine's clock says only {now}"
                result.notes.append(f"{clocks}: no capture names its token as older than itself")
            elif said.time and abs(time_of(said.time) - time_of(now)) > AGREE:
                result.notes.append(f"{service.label} says that it is {said.time}, and this machine's clock says {now}")
        case State.UNVERIFIED:
            result.notes.append(f"{service.label} answered about {what}, and its token is kept: {said.reason}")
        case State.PENDING if not upgrading:
            result.told.append(f"{service.label} took {what}; in some hours it can say in which block it stands.")
        case State.PENDING if again is None:
            result.notes.append(f"{service.label} is asked no more about {what}: {said.reason}")
        case State.PENDING:
            if "no block yet" not in said.reason:
                result.notes.append(f"{service.label}: {said.reason}")
        case State.DISPUTED:
            result.broken.append(_disputed(service, waiting.size, said.reason))
        case State.NOTHING:
            later = "It is asked no more" if again is None else f"It is asked again from {again.due_at[:16]}Z on"
            result.notes.append(f"{service.label} does not vouch for {what}: {said.reason}. {later}")
