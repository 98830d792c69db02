"""Puts the network (or a recording) behind the capture loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver.errors import InputError
from archiver.jobs.capture import Capturing, Summary
from archiver.jobs.config import Config
from archiver.jobs.session import Session
from archiver.jobs.trying import Fetcher
from archiver.net.fetch import Fetcher as NetworkFetcher
from archiver.net.pace import Pace
from archiver.net.policy import Policy
from archiver.net.sign import Signer


@contextmanager
def capturing(
    session: Session, *, replay: Path | None = None, progress: Callable[[str, int, int], None] | None = None
) -> Iterator[Capturing]:
    """A capture loop over the network as configured, or over a recording."""
    fetcher: Fetcher = _recording(replay) if replay is not None else network(session.config)

    def told(summary: Summary, active: int) -> None:
        if progress is not None:
            progress("captures", summary.captures, active)

    try:
        if replay is not None:
            yield Capturing(session, fetcher, tier="replay", progress=told)
        else:
            config = session.config
            pace = Pace(interval=config.pace_default, intervals=config.pace, at_once=config.per_host)
            yield Capturing(session, fetcher, pace=pace, progress=told)
    finally:
        fetcher.close()


def _recording(path: Path) -> Fetcher:
    from archiver.net.replay import ReplayFetcher  # loads what reads recordings: only when one is named

    return ReplayFetcher(path)


def network(config: Config) -> NetworkFetcher:
    """The fetcher with the configured bounds, secrets and signature key."""
    options = {name: value for name, value in config.network.items() if name not in ("contact", "user_agent")}
    options["allow_private"] = tuple(options.get("allow_private", ()))
    policy = Policy(user_agent=config.user_agent, per_host=config.per_host, **options)
    signer = None
    if config.key_id:
        try:
            signer = Signer(config.key_id, Path(config.key_file).read_bytes())
        except OSError as error:
            raise InputError(
                f"the signature key cannot be read: {error.strerror}", place=config.key_file or "[fediverse] key_file"
            ) from error
    return NetworkFetcher(policy, config.secrets, signer=signer)
