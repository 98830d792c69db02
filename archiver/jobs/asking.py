"""Puts the network (or a recording) behind the capture loop."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from archiver.errors import InputError
from archiver.jobs.capture import Capturing, Summary
from archiver.jobs.config import Config
from archiver.jobs.gate import Gate
from archiver.jobs.limits import Limits
from archiver.jobs.session import Session
from archiver.jobs.trying import Fetcher
from archiver.net.fetch import Fetcher as NetworkFetcher
from archiver.net.pace import Pace
from archiver.net.policy import Policy
from archiver.net.sign import Signer
from archiver.store import hosts


@contextmanager
def capturing(
    session: Session,
    *,
    replay: Path | None = None,
    limits: Limits | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Iterator[Capturing]:
    """A capture loop over the network as configured, or over a recording."""

    def told(summary: Summary, active: int) -> None:
        if progress is not None:
            progress("captures", summary.captures, active)

    if replay is not None:
        with closing(_recording(replay)) as recording:
            yield Capturing(session, recording, tier="replay", limits=limits, progress=told)
        return
    with closing(network(session.config)) as fetcher:
        job = Capturing(session, fetcher, gate=gate_of(session), limits=limits, progress=told)
        fetcher.gate = job.trying  # redirects to another host pass it, too
        yield job


def gate_of(session: Session, *, pace: Pace | None = None, jitter: Callable[[], float] = random.random) -> Gate:
    """What requests of this archive pass, with what earlier runs left: pauses, failures in a row, counts of the day."""
    today = session.now()[:10]
    return Gate(
        session.config.manners,
        pace or Pace(),
        now=session.now,
        jitter=jitter,
        states=hosts.load(session.archive),
        days=hosts.days(session.archive, today),
    )


def _recording(path: Path) -> Fetcher:
    from archiver.net.replay import ReplayFetcher  # loads what reads recordings: only when one is named

    return ReplayFetcher(path)


def network(config: Config) -> NetworkFetcher:
    """The fetcher with the configured bounds, secrets and signature key."""
    options = {name: value for name, value in config.network.items() if name not in ("contact", "user_agent")}
    options["allow_private"] = tuple(options.get("allow_private", ()))
    policy = Policy(user_agent=config.user_agent, per_host=config.manners.most_at_once, **options)
    signer = None
    if config.key_id:
        try:
            signer = Signer(config.key_id, Path(config.key_file).read_bytes())
        except OSError as error:
            raise InputError(
                f"the signature key cannot be read: {error.strerror}", place=config.key_file or "[fediverse] key_file"
            ) from error
    return NetworkFetcher(policy, config.secrets, signer=signer)
