"""Asks each platform's routes once, as a capture would, and each service that vouches for the log: do they answer?

What comes is told and thrown away. Addresses are those that a person names, else a platform's own examples (where they
are no invented hosts), else the post that this archive saw last. A plan ends with the first route that answers; to hear
of the others too, what came is then shown to it as failed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from archiver.errors import InputError
from archiver.jobs import clocks, services
from archiver.jobs.config import Config
from archiver.jobs.conversing import converse, late, network
from archiver.jobs.diagnosed import Sign, ok, warning, wrong
from archiver.jobs.read import read_answer
from archiver.model import Answer, Failure, Outcome, Ref, Request
from archiver.net import timestamps
from archiver.net.clock import utc_now
from archiver.net.timestamps import Said, State
from archiver.platforms import Platform, all_platforms, claim
from archiver.store import hosts
from archiver.store.archive import Archive

PATIENCE, BUDGET = 20.0, 60.0
"""Seconds for one answer, and for all platforms, which are asked side by side."""
MOST = 16
"""Requests to one platform."""
OFF, LEFT = "it is switched off ([hosts])", "it is left alone until "
"""Why a host is not asked."""
INVENTED = (".example", ".test", ".invalid", ".localhost", "example.com", "example.net", "example.org", "localhost")
"""Names that nobody has (RFC 2606, RFC 6761)."""
WORKS = frozenset({Outcome.LIVE, Outcome.NOT_FOUND, Outcome.DELETED, Outcome.SUSPENDED, Outcome.PROTECTED})
WORKS |= {Outcome.WITHHELD, Outcome.AGE_GATED, Outcome.UNAVAILABLE}
"""What only a route that works can say, of whatever post."""


@dataclass(slots=True)
class _Heard:
    """What was heard on the way about the clock."""

    answers: list[clocks.Heard]

    def take(self, answer: Answer) -> None:
        host = urlsplit(answer.url or answer.request.url).hostname or ""
        one = clocks.heard(host, answer.header("date"), answer.header("age"), answer.at)
        if one is not None:
            self.answers.append(one)


def probe(config: Config, archive: Archive | None, given: Iterable[str]) -> Iterator[Sign]:
    """Each route of each platform, asked once at the pace of the configuration. InputError for an address that no
    platform knows."""
    named: dict[str, Ref] = {}
    for address in given:
        ref = claim(address)
        if ref is None:
            raise InputError("no platform knows this address", place=address, hint="Give the address of a post or page")
        named.setdefault(ref.platform, ref)
    refs = {
        name: named.get(name) or _example(platform) or _known(archive, name)
        for name, platform in all_platforms().items()
    }
    about, deadline, left = _Heard([]), time.monotonic() + BUDGET, _left_alone(archive)
    with network(config, PATIENCE) as ask, ThreadPoolExecutor(len(refs)) as pool:

        def bounded(request: Request) -> Answer:
            manners = config.manners.of(request.url)
            why = OFF if manners.off else LEFT + left[manners.host] if manners.host in left else ""
            if why:
                return Answer(request=request, status=None, failure=Failure.BLOCKED, detail=why)
            return ask(request, deadline) if time.monotonic() < deadline else late(request)

        def one(name: str) -> list[Sign]:
            ref = refs[name]
            if ref is None:
                return [ok("routes", f"{name}: not asked, no address of it is known here: give one with --example")]
            signs = list(_platform(config, all_platforms()[name], ref, bounded, about))
            return signs or [ok("routes", f"{name}: nothing is asked for {ref}, as configured")]

        for signs in pool.map(one, refs):
            yield from signs
    yield from clocks.told(about.answers, "answers now")


def _left_alone(archive: Archive | None) -> dict[str, str]:
    """The hosts that asked for a pause or failed, each with the time until which nobody asks them."""
    sql = "SELECT 1 FROM pragma_table_info('work_hosts') WHERE name = 'opened_at'"
    if archive is None or archive.one(sql) is None:  # nothing, or of an older schema
        return {}
    return {state.host: state.not_before for state in hosts.load(archive) if state.not_before > utc_now()}


def _example(platform: Platform) -> Ref | None:
    """The first example of a post whose host may exist."""
    for address, text in platform.EXAMPLES.items():
        host = urlsplit(address).hostname or ""
        invented = any(name in f"{host}/{text}" for name in INVENTED) or host.replace(".", "").isdigit()
        if host and not invented and text.split(":")[1] in ("post", "note"):
            return claim(address)
    return None


def _known(archive: Archive | None, platform: str) -> Ref | None:
    """What this archive saw last of a platform."""
    if archive is None:
        return None
    row = archive.one(
        "SELECT ref FROM captures WHERE platform = ? AND status BETWEEN 200 AND 299 AND tier = 'wire' "
        "AND route NOT IN ('media', 'robots') ORDER BY id DESC LIMIT 1",
        platform,
    )
    return None if row is None else Ref.parse(str(row["ref"]))


def _platform(
    config: Config, platform: Platform, ref: Ref, ask: Callable[[Request], Answer], about: _Heard
) -> Iterator[Sign]:
    """Its routes, first as a capture would ask them, then those behind the ones that answered."""
    came: dict[tuple[str, str, str, bytes], Answer] = {}
    for failing in (False, True):
        shown: list[Answer] = []
        for _ in range(MOST):
            wanted = [
                request
                for request in platform.plan(ref, tuple(shown), config.settings)
                if request not in [answer.request for answer in shown]
            ]
            if not wanted or len(came) >= MOST:
                break
            for request in wanted:
                key = (request.route, request.method, request.url, request.body)
                fresh = key not in came
                if fresh:
                    came[key] = ask(request)
                    about.take(came[key])
                    yield _route(platform, ref, request, came[key])
                shown.append(_failed(came[key]) if failing else came[key])


def _failed(answer: Answer) -> Answer:
    return replace(answer, status=None, headers=(), body=b"", failure=Failure.CONNECT, detail="shown as failed")


def _route(platform: Platform, ref: Ref, request: Request, answer: Answer) -> Sign:
    host = urlsplit(request.url).hostname or request.url
    name = f"{ref.platform} {request.route}"
    if answer.detail.startswith((OFF, LEFT)):
        return ok("routes", f"{name}: {host} was not asked, {answer.detail}", str(ref))
    found = {finding.outcome for finding in read_answer(answer).reading.findings}
    how = ", ".join(sorted(outcome.value for outcome in found)) or "read"
    status = f"HTTP {answer.status}" if answer.status is not None else answer.failure.value
    works = answer.failure is Failure.NONE and (found <= WORKS if found else 200 <= (answer.status or 0) < 300)
    what = f"{name}: {host} answers ({status}: {how})"
    if works:
        return ok("routes", what, str(ref))
    detail = f"; {answer.detail}" if answer.detail else ""
    what = f"{name}: {host} gives no usable answer ({status}: {how}{detail})"
    return warning("routes", what, _NEXT.get(next(iter(found), Outcome.UNKNOWN), _LOOK), str(ref))


_LOOK = "Look at it again later; other routes of the platform may do"
_NEXT: Mapping[Outcome, str] = {
    Outcome.UNREACHABLE: "See whether this machine reaches the host at all (curl -I), then wait",
    Outcome.RATE_LIMITED: "Wait, and ask more slowly ([pace])",
    Outcome.LOGIN_REQUIRED: "The platform shows nothing without a log-in: other routes must do",
    Outcome.BLOCKED: "Our guard refused the address: name it with allow_private if it is yours",
}


# ---- services that vouch for the log ----------------------------------------------------------------------


def anchors(config: Config) -> Iterator[Sign]:
    """Each configured service, asked once about random bytes; nothing of it is kept. A witness would have to sign, so
    it is only asked whether it is there."""
    if not config.anchors:
        yield ok("anchors", "none is configured: nobody outside vouches for the log")
        return
    talks, there = {}, []
    for service in config.anchors:
        digest = secrets.token_bytes(32)
        if service.kind == services.RFC3161:
            try:
                roots = service.trusted()
            except InputError as error:
                yield wrong("anchors", f"{service.label}: {error.message}", "Give a PEM file", error.place)
                continue
            talks[service.label] = timestamps.timestamp_of(
                service.url, digest, nonce=secrets.randbits(63), roots=roots, policy=service.policy, now=utc_now()
            )
        elif service.kind == services.OTS:
            talks[service.label] = timestamps.stamp_of(service.url, digest)
        else:
            there.append(service)
    about = _Heard([])
    with network(config, PATIENCE) as ask:

        def listening(request: Request, deadline: float) -> Answer:
            answer = ask(request, deadline)
            about.take(answer)
            return answer

        for label, ended in converse(talks, listening, budget=BUDGET).items():
            yield _service(label, ended.said)
        for service in there:
            ref = Ref(platform="web", kind="page", id=service.url)
            answer = listening(Request(ref=ref, route="anchor", url=service.url), time.monotonic() + PATIENCE)
            if answer.status is not None:
                what = f"{service.label} is there (HTTP {answer.status}); whether it signs, the next run shows"
                yield ok("anchors", what, service.url)
            else:
                yield warning("anchors", f"{service.label}: {answer.failure.value} {answer.detail}", _LOOK, service.url)
    yield from clocks.told(about.answers, "services")


def _service(label: str, said: Said) -> Sign:
    match said.state:
        case State.HOLDS | State.PENDING:
            return ok("anchors", f"{label} answers" + (f", its clock says {said.time}" if said.time else ""))
        case State.UNVERIFIED:
            return warning("anchors", f"{label} answers, and its token is {said.reason}", "Name its roots in [anchors]")
        case _:
            return warning("anchors", f"{label}: {said.reason}", "Look at its address, or ask whoever runs it")
