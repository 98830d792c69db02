"""robots.txt honoured for crawled pages: those that nobody named, one hop from a post (decision 0032).

A host's robots.txt is a capture of its own (ref `web:page:…/robots.txt`, route `robots`), and the archive is where it
is kept: each page that is asked for names in its request the capture that let it pass. The writing thread asks
`before`; threads that follow a redirect ask `permit`, which knows only what was looked up before.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from archiver import schedule
from archiver.jobs import read
from archiver.jobs.looking import Look
from archiver.jobs.session import Session
from archiver.model import Answer, Exchange, Failure, Ref, Request
from archiver.net.manners import host_of
from archiver.net.robots import LIMIT, Rules, address, product
from archiver.net.uid import new_uid
from archiver.platforms.web.address import normal
from archiver.platforms.web.unchanged import ROBOTS
from archiver.store.archive import Row

ROUTE = "robots"
FRESH = timedelta(hours=24)
"""So long the rules hold (RFC 9309 section 2.4)."""
SILENT = timedelta(hours=1)
"""So long a host whose robots.txt cannot be had is not asked for it again."""
KEPT = timedelta(days=30)
"""So old may rules be that stand in for a robots.txt that cannot be had; so long must it have been missing until the
host counts as one without rules (section 2.3.1.4)."""
MOST_BYTES = 4 * LIMIT
LED = 5
"""So many hosts that redirects lead to are asked for their robots.txt for one page."""
HELD = 64
HELD_SIZE = 8 << 20
_CAPTURES = (
    read.CAPTURE + "JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf "
    "WHERE c.ref = ?1 AND c.route = 'robots' AND c.tier = 'wire' AND length(l.data) > 0 "
    "AND (c.blob IS NULL OR EXISTS (SELECT 1 FROM blob_at a WHERE a.blob = c.blob)) "
)
_NEWEST = _CAPTURES + "ORDER BY +c.id DESC LIMIT 1"
_NEWEST_RULES = _CAPTURES + "AND c.status BETWEEN 200 AND 299 AND +c.failure = '' ORDER BY +c.id DESC LIMIT 1"
_MISSING_SINCE = (
    "SELECT min(c.recorded_at) FROM captures c WHERE c.ref = ?1 AND c.route = 'robots' AND c.id > (SELECT "
    "coalesce(max(d.id), 0) FROM captures d WHERE d.ref = ?1 AND d.route = 'robots' AND +d.failure = '' "
    "AND d.status BETWEEN 200 AND 499 AND d.status NOT IN (304, 429))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of one robots.txt between two times. `capture` is the one that it is known from; `rules` are None
    where everything is allowed, or where `missing` says why nothing is asked now."""

    host: str
    capture: str
    since: str
    until: str
    rules: Rules | None = None
    missing: str = ""

    def fresh(self, now: str) -> bool:
        return self.since <= now < self.until

    def refusal(self, url: str, agent: str) -> str:
        """Why an address must not be asked for; empty where it may."""
        if self.missing:
            return f"not asked: robots.txt of {self.host} cannot be had ({self.missing}; capture {self.capture})"
        if self.rules is None or self.rules.allow(url):
            return ""
        rule = self.rules.deciding(url)
        return f"not asked: robots.txt of {self.host} (capture {self.capture}) forbids it to {agent}" + (
            f": {rule}" if rule else ""
        )


class Robots:
    """The robots.txt of one run's hosts. `slower` is told how many seconds a host wants between two requests."""

    def __init__(self, session: Session, *, slower: Callable[[str, float], object] | None = None) -> None:
        self._session, self._slower = session, slower
        self.agent = product(session.config.user_agent)
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._asking: dict[str, tuple[Look, list[Look]]] = {}

    # ---- the writing thread ---------------------------------------------------------------------------------------

    def before(self, look: Look, request: Request) -> Exchange | Request | None:
        """What stands before a request: nothing; the exchange that says that it is forbidden; or the request for a
        robots.txt, which is the caller's to make unless the look now waits for it, or is put off."""
        if not crawled(look):
            return None
        for url in (request.url, *look.led):
            held = self._now(url)
            if held is None:
                off = next((skip.reason for skip in look.skipped if not skip.seconds), "")
                if off and url in look.led:
                    return self._forbidden(request, f"not asked: it leads to {_host(url)}, and {off}")
                return self._wanted(look, url)
            if held.missing:
                look.postponed, look.because = True, held.refusal(url, self.agent)
                look.retry_after = max(look.retry_after, self._seconds(held.until))
                return _request(url)
            if self._slower is not None and held.rules is not None and held.rules.delay:
                self._slower(held.host, held.rules.delay)
            refusal = held.refusal(url, self.agent) if url == request.url else ""
            if refusal:
                look.forbidden = held.host
                return self._forbidden(marked(request, held), refusal)
        return None

    def marked(self, look: Look, request: Request) -> Request:
        """The request for a crawled page with the capture that lets it pass."""
        held = self._now(request.url) if crawled(look) else None
        return request if held is None else marked(request, held)

    def again(self, look: Look, answer: Answer) -> bool:
        """Whether a crawled page has to be asked for once more, for a redirect led to a host whose robots.txt was not
        known to the thread that followed it, and may be now. Remembers where it led, or that it is forbidden there.
        Where the file cannot be had, nothing is forbidden: the page waits as others of that host do."""
        if answer.failure is not Failure.BLOCKED or not crawled(look) or ROBOTS not in dict(answer.request.given):
            return False
        if _address(answer.url) is None:  # what a Location named is no address: it stays blocked
            return False
        held = self._now(answer.url)
        if held is not None and not held.missing and held.refusal(answer.url, self.agent):
            look.forbidden = held.host
            return False
        if len(look.led) >= LED or answer.url in look.led:
            return False
        look.led.append(answer.url)
        return True

    def ended(self, look: Look) -> list[Look]:
        """The looks that waited for what this one asked, if it asked for a robots.txt: they go on."""
        for url, (owner, waiting) in list(self._asking.items()):
            if owner is look:
                del self._asking[url]
                if look.postponed:
                    look.because = look.because or f"not asked: robots.txt of {_host(url)} could not be had"
                for other in waiting:
                    other.waiting -= 1
                    other.skipped += look.skipped
                    other.postponed, other.because = other.postponed or look.postponed, other.because or look.because
                    other.retry_after = max(other.retry_after, look.retry_after)
                return waiting
        return []

    def _wanted(self, look: Look, url: str) -> Request:
        request = _request(url)
        key = (request.method, request.url, request.route, request.signer)
        if key in look.asked:  # it was asked for, and nothing came of it
            look.postponed = True
            look.because = look.because or f"not asked: robots.txt of {_host(url)} could not be had"
        elif request.url in self._asking:
            look.asked.add(key)
            look.waiting += 1
            self._asking[request.url][1].append(look)
        else:
            self._asking[request.url] = (look, [])
        return request

    def _now(self, url: str) -> Held | None:
        """What is known of the robots.txt for an address, from the archive if need be; None where nothing is."""
        key, now = _request(url).url, self._session.now()
        held = self._held.get(key)
        if held is None or not held.fresh(now):
            held = self._load(key, now)
            if held is None or not held.fresh(now):
                self._held.pop(key, None)
                return None
            self._held[key] = held
            while len(self._held) > 1 and (len(self._held) > HELD or sum(map(_size, self._held.values())) > HELD_SIZE):
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return held

    def _load(self, key: str, now: str) -> Held | None:
        archive, ref = self._session.archive, str(_request(key).ref)
        row = archive.one(_NEWEST, ref)
        if row is None:
            return None
        held = Held(host=_host(key), capture=row["uid"], since=row["recorded_at"], until=_after(row, FRESH))
        if row["failure"] == "" and 200 <= row["status"] < 300:
            return self._with_rules(held, row)
        if _has_none(row):
            return held
        held = replace(held, until=_after(row, SILENT))
        missing = row["failure"] or f"HTTP {row['status']}"
        older = archive.one(_NEWEST_RULES, ref)
        if older is not None and older["recorded_at"] <= now < _after(older, KEPT):
            told = self._with_rules(replace(held, capture=older["uid"]), older)
            return told if not told.missing else replace(held, missing=missing)
        first = archive.value(_MISSING_SINCE, ref)
        if first and schedule.parse_time(now) - schedule.parse_time(str(first)) >= KEPT:
            return held
        return replace(held, missing=missing)

    def _with_rules(self, held: Held, row: Row) -> Held:
        answer = read.answer_from_capture(self._session, row)
        if answer.failure is not Failure.NONE:
            return replace(held, until=min(held.until, _after(row, SILENT)), missing=answer.failure.value)
        return replace(held, rules=Rules(answer.body, self.agent))

    def _forbidden(self, request: Request, reason: str) -> Exchange:
        at = self._session.now()
        return Exchange(
            uid=new_uid(),
            request=request,
            url=request.url,
            started_at=at,
            ended_at=at,
            mono_ns=time.monotonic_ns(),
            failure=Failure.BLOCKED,
            detail=reason,
        )

    def _seconds(self, until: str) -> float:
        left = schedule.parse_time(until) - schedule.parse_time(self._session.now())
        return max(0.0, left.total_seconds())

    # ---- any thread -----------------------------------------------------------------------------------------------

    def permit(self, request: Request, url: str) -> str:
        """Why a redirect of a crawled page must not be followed to an address; empty where it may."""
        if ROBOTS not in dict(request.given):
            return ""
        where = _address(url)
        if where is None:  # the guard says why
            return ""
        held = self._held.get(where)
        if held is None or not held.fresh(self._session.now()):
            return f"not asked: robots.txt of {_host(url)} is not known yet"
        return held.refusal(url, self.agent)


def crawled(look: Look) -> bool:
    """Whether nobody named what is looked at: a page that a post links to. Documents and lists name at depth 0."""
    return look.task.purpose == "page" and look.task.depth > 0


def marked(request: Request, held: Held) -> Request:
    """The request with the capture that decided about it."""
    return replace(request, given=(*request.given, (ROBOTS, held.capture)))


def _has_none(row: Row) -> bool:
    """Whether an answer says that there are no rules (section 2.3.1.3), or that nobody is there to have some. A host
    that says 429 wants a pause, whatever the section says of 4xx."""
    failure = Failure(row["failure"])
    if failure is Failure.BLOCKED:  # on the first hop by the guard, which stands before the page, too
        return not row["hop"]
    if failure in (Failure.DNS, Failure.REDIRECTS):
        return True
    return failure is Failure.NONE and 300 <= row["status"] < 500 and row["status"] not in (304, 429)


def _request(url: str) -> Request:
    where = _address(url) or address(url)
    ref = Ref(platform="web", kind="page", id=where)
    return Request(ref=ref, route=ROUTE, url=where, headers=(("Accept", "text/plain,*/*;q=0.5"),), max_bytes=MOST_BYTES)


def _address(url: str) -> str | None:
    """Where the rules for an address stand, in normal form; credentials in a redirect are no part of it. None for what
    is no http(s) address."""
    try:
        scheme, _, rest = address(url).partition("://")
    except ValueError:
        return None
    return normal(f"{scheme}://{rest.rpartition('@')[2]}")


def _host(url: str) -> str:
    return host_of(url) or url


def _after(row: Row, wait: timedelta) -> str:
    return schedule.time_text(schedule.parse_time(row["recorded_at"]) + wait)


def _size(held: Held) -> int:
    return 0 if held.rules is None else held.rules.size
