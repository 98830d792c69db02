"""Tells hooks what waits in the outbox: at the end of a run, in bounded time, and again in later runs where one did not
take it. Each event at least once, in no promised order, with an id by which a receiver drops doubles. Nothing that a
hook does ends or fails a run.

Posts are signed as Standard Webhooks 1.0 say (github.com/standard-webhooks/standard-webhooks, spec): the headers
`webhook-id`, `webhook-timestamp` (Unix seconds of this try) and `webhook-signature` (`v1,` and the base64 of the
HMAC-SHA256 of `ID.TIMESTAMP.BODY`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from archiver.errors import InputError
from archiver.jobs.config import KNOWN_SECRETS, LOG_KEY, Config
from archiver.jobs.hooks import COMMAND, FAILING, SECRET, WEBHOOK, Hooks
from archiver.jobs.session import Session
from archiver.model import Failure, Ref, Request
from archiver.net.clock import text_of, time_of
from archiver.store.told import Entry, Outbox

BUDGET = 30.0
"""Seconds for one hook in one run."""
MOST, IN_A_ROW = 500, 3
"""Events that one hook is told in one run; failures in a row after which it is left alone until the next."""
FIRST, LONGEST = timedelta(minutes=1), timedelta(days=1)
MAX_ANSWER = 1 << 16

Tell = Callable[[Entry], tuple[str, float]]
"""An event → why it was not taken (empty: it was), and for how many seconds the hook asked to be left alone."""


@dataclass(slots=True, kw_only=True)
class Delivered:
    """`told` counts events that hooks took; `notes` say which hook began to fail, and which takes events again."""

    told: int = 0
    notes: list[str] = field(default_factory=list)


def deliver(session: Session, *, clock: Callable[[], float] = time.monotonic) -> Delivered:
    """Tells every configured hook what is due."""
    result, outbox = Delivered(), Outbox(session.archive)
    hooks = session.config.hooks
    for channel in hooks.channels:
        due = [entry for entry in outbox.due(channel, session.now(), MOST) if not _erased(session, outbox, entry)]
        if not due:
            continue
        if channel == WEBHOOK and not hooks.secret:
            _note(session, result, channel, f"the environment has no {SECRET}, and nothing is posted unsigned")
            continue
        with _teller(session.config, channel) as tell:
            _deliver(session, outbox, result, due, tell, clock() + BUDGET, clock)
    return result


def _erased(session: Session, outbox: Outbox, entry: Entry) -> bool:
    """Whether what an event is about was erased since it was queued: then nobody is told."""
    data = json.loads(entry.body)["data"]
    about = [data.get(name) or "" for name in ("ref", "post", "document")]
    if session.archive.one("SELECT 1 FROM erasures WHERE what IN (?, ?, ?)", *about) is None:
        return False
    outbox.took(entry, session.now())
    return True


def _deliver(
    session: Session,
    outbox: Outbox,
    result: Delivered,
    due: list[Entry],
    tell: Tell,
    deadline: float,
    clock: Callable[[], float],
) -> None:
    row, reason, told = 0, "", 0
    for entry in due:
        if clock() >= deadline or row >= IN_A_ROW:
            break
        why, pause = tell(entry)
        now = session.now()
        if why:
            row, reason = row + 1, why
            wait = min(max(FIRST * 2 ** min(entry.tries, 11), timedelta(seconds=pause)), LONGEST)
            outbox.later(entry, text_of(time_of(now) + wait))
        else:
            row, told = 0, told + 1
            outbox.took(entry, now)
    result.told += told
    _note(session, result, due[0].channel, "" if told else reason)


def _note(session: Session, result: Delivered, channel: str, reason: str) -> None:
    """Says once that a hook began to fail, and once that it takes events again."""
    since = session.state(FAILING + channel)
    if reason and not since:
        session.remember(FAILING + channel, f"{session.now()} {reason}")
        result.notes.append(f"the {channel} of [hooks] took no event: {reason}. It is told again in later runs")
    elif not reason and since:
        session.archive.db.execute("DELETE FROM work_state WHERE name = ?", (FAILING + channel,))
        result.notes.append(f"the {channel} of [hooks] takes events again, since {since[:16]}Z it took none")


@contextmanager
def _teller(config: Config, channel: str) -> Iterator[Tell]:
    if channel == COMMAND:
        yield lambda entry: (run_command(config.hooks, entry, environment_of(config)), 0.0)
        return
    with _posting(config) as tell:
        yield tell


# ---- a program --------------------------------------------------------------------------------------------


def environment_of(config: Config) -> dict[str, str]:
    """Our environment without what a hook need not know: keys and secrets."""
    hidden = {LOG_KEY, SECRET, *KNOWN_SECRETS, *config.secrets}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def run_command(hooks: Hooks, entry: Entry, environment: dict[str, str]) -> str:
    """Starts the program and hands it the event. Why it did not take it: empty when it ended with 0. What it prints is
    dropped; what it started itself ends with it when its time is over."""
    try:
        process = subprocess.Popen(
            hooks.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"it cannot be started: {getattr(error, 'strerror', None) or error}"
    try:
        process.communicate(entry.body.encode() + b"\n", timeout=hooks.timeout)
    except subprocess.TimeoutExpired:
        return f"it did not end within {hooks.timeout:g} seconds"
    finally:
        if process.poll() is None:  # also when the run is interrupted meanwhile
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode < 0:
        return f"it was ended by signal {-process.returncode}"
    return "" if process.returncode == 0 else f"it ended with {process.returncode}"


# ---- an address -------------------------------------------------------------------------------------------


def signature(secret: bytes, id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    mac = hmac.new(secret, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


@contextmanager
def _posting(config: Config) -> Iterator[Tell]:
    """Posts through the fetcher of captures, with its guard; without its pace, and knowing no secret."""
    from archiver.jobs.asking import network  # loads httpx: only when something is posted

    hooks = config.hooks
    limits = dict.fromkeys(("connect_timeout", "read_timeout", "total_timeout"), hooks.timeout)
    bare = replace(config, network={**config.network, **limits}, secrets={}, key_id="")
    with network(bare) as fetcher:

        def post(entry: Entry) -> tuple[str, float]:
            timestamp, body = int(time.time()), entry.body.encode()
            request = Request(
                ref=Ref(platform="web", kind="page", id=hooks.webhook),
                route="hook",
                url=hooks.webhook,
                method="POST",
                headers=(
                    ("Accept", "*/*"),
                    ("Accept-Encoding", "identity"),
                    ("Content-Type", "application/json"),
                    ("webhook-id", entry.id),
                    ("webhook-timestamp", str(timestamp)),
                    ("webhook-signature", signature(hooks.secret, entry.id, timestamp, body)),
                ),
                body=body,
                follow=False,
                max_bytes=MAX_ANSWER,
            )
            try:
                exchange = fetcher.fetch(request)[-1]
            except InputError as error:
                return str(error), 0.0
            if exchange.body is not None:
                exchange.body.close()
            # Its head says whether it took the event: a body that is cut off or too large changes nothing.
            if exchange.status is not None and 200 <= exchange.status < 300:
                return "", 0.0
            if exchange.status is not None:
                return f"it answered {exchange.status}", _pause(exchange.headers)
            failure = exchange.failure if exchange.failure is not Failure.NONE else Failure.RESET
            return f"no answer came: {failure.value}" + f" ({exchange.detail})" * bool(exchange.detail), 0.0

        yield post


def _pause(headers: tuple[tuple[str, str], ...]) -> float:
    value = next((value for name, value in headers if name.lower() == "retry-after"), "")
    return float(value) if value.isascii() and value.isdecimal() and len(value) <= 6 else 0.0
