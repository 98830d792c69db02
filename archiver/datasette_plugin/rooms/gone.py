"""What disappeared, came back or changed, between which two observations: a page, and a feed of the same."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from datasette import NotFound, Response
from markupsafe import Markup

from archiver.datasette_plugin import policy, trouble
from archiver.datasette_plugin.allowed import ensure
from archiver.datasette_plugin.archives import is_archive
from archiver.datasette_plugin.events import chart, details, feed, listing
from archiver.datasette_plugin.events.listing import Wanted
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.places import Places, decode, encode
from archiver.datasette_plugin.reader import Reader, Row, read
from archiver.errors import InputError, PageError
from archiver.render import markup
from archiver.store.archive import DatabaseError

PER_PAGE, ENTRIES = 25, 100
READS = ("events", "posts", "versions", "outcomes", "documents", "mentions", "matches", "captures")


def gather(reader: Reader, asked: Asked) -> Row:
    """The events that fit, with the numbers of all."""
    wanted = Wanted.of(asked)
    found = listing.events(reader, wanted, most=PER_PAGE)
    shown = [details.told(reader, event) for event in found.rows]
    newest = reader.row("The newest capture", "SELECT observed_at FROM captures ORDER BY id DESC LIMIT 1")
    return {
        "asked_for": wanted.args() | {"after": wanted.after},
        "events": [
            event
            | {
                "url": asked.at("post", event["ref"]),
                "compare_url": _compare(asked.at, event),
                "capture_urls": [
                    None if one is None else asked.at("capture", one["uid"])
                    for one in (event["last_before"], event["first_after"])
                ],
                "documents": [one | {"url": asked.at.ref(one["passage"])} for one in event["documents"]],
                "unfaithful": [one | {"url": asked.at.ref(one["passage"])} for one in event["unfaithful"]],
            }
            for event in shown
        ],
        "looked_down_to": found.upto,
        "next": _more(asked, wanted, found.more) if found.more else "",
        "upto": "" if newest is None else newest["observed_at"],
        **chart.counted(reader, wanted),
        "feed": _feed(asked.at, wanted.platform),
    }


def _more(asked: Asked, wanted: Wanted, after: str) -> str:
    args: dict[str, Any] = {**wanted.args(), "after": after}
    return asked.at("gone", form="json" if asked.json else "", **args)


def _feed(at: Places, platform: str) -> str:
    return at("gone", form="atom", platform=platform)


def _compare(at: Places, event: Row) -> str:
    edit = event["edit"]
    if edit is None or edit["before"] is None or edit["before"]["sha256"] == edit["after"]["sha256"]:
        return ""
    return at("compare", event["ref"], edit["before"]["sha256"], edit["after"]["sha256"])


def dress(found: Row, asked: Asked) -> Row:
    """The drawing, both sides of each edit, and the addresses of filters."""
    wanted = Wanted.of(asked)

    def narrowed(**changes: Any) -> str:
        args: dict[str, Any] = {**wanted.args(), **changes}
        return asked.at("gone", **args)

    edits = {event["key"]: _sides(event["edit"]) for event in found["events"] if event["edit"] is not None}
    return {
        "wanted": wanted,
        "kinds": listing.KINDS,
        "all_outcomes": listing.OUTCOMES,
        "bars": chart.bars(found["months"]),
        "series": chart.SERIES,
        "sides": edits,
        "narrowed": narrowed,
        "first": narrowed() if wanted.after else "",
        "filtered": any(wanted.args().values()),
        "never_shown": f"{asked.at.base}{encode(asked.at.database)}/never_shown",
    }


def _sides(edit: Row) -> dict[str, Markup | None]:
    """Both versions as HTML: what left in `del`, what came in `ins`."""
    out: dict[str, Markup | None] = {}
    for side, element, label in (("before", "del", "removed"), ("after", "ins", "added")):
        if edit[side] is None:
            out[side] = None
            continue
        text, place, pieces = edit[side]["text"], 0, list[str]()
        for start, end in (one[side] for one in edit["differences"]):
            if start == end:
                continue
            pieces.append(markup.text(text[place:start]))
            begin, stop = (f'<span class="qc-sr" dir="ltr">{word}</span>' for word in (f"[{label}: ", "]"))
            pieces.append(f"<{element}>{begin}{markup.text(text[start:end])}{stop}</{element}>")
            place = end
        pieces.append(markup.text(text[place:]))
        out[side] = Markup("".join(pieces) + (" […]" if edit[side]["cut"] else ""))
    return out


async def atom(datasette: Any, request: Any) -> Response:
    """The newest events as a feed: the same permissions, `?platform=`, ETag and Last-Modified (RFC 9110)."""
    request.scope["archiver_page"] = True  # what breaks from here on is told by `trouble.unhandled`
    database = decode(request.url_vars["database"])
    if not await is_archive(datasette, database):
        if database in datasette.databases:
            return await trouble.page(datasette, request, trouble.no_archive(database), json=False)
        raise NotFound(f"No database {database}")
    closed = await ensure(datasette, request.actor, database, READS)
    at = Places(base=datasette.urls.path("/"), database=database)
    args = {name: request.args.getlist(name) for name in request.args if name == "platform"}
    site = datasette.absolute_url(request, "/").removesuffix("/")
    asked = Asked(at=at, parts={}, args=args, site=site)
    try:
        limit = datasette.setting("sql_time_limit_ms")
        body, changed = await read(
            datasette, database, lambda reader: _write(reader, asked), milliseconds=limit, closed=closed
        )
    except (InputError, PageError, DatabaseError) as error:
        return await trouble.page(datasette, request, trouble.of(error, database), json=False, at=at)
    tag = f'"{hashlib.sha256(body.encode("utf-8")).hexdigest()[:32]}"'
    headers = {
        **policy.ALWAYS,
        "content-security-policy": policy.BYTES,
        "etag": tag,
        "cache-control": "private, no-cache",
    }
    if changed is not None:
        headers["last-modified"] = format_datetime(changed, usegmt=True)
    if _unchanged(request, tag, changed):
        return Response("", status=304, headers=headers, content_type="application/atom+xml")
    return Response(body, headers=headers, content_type="application/atom+xml; charset=utf-8")


def _write(reader: Reader, asked: Asked) -> tuple[str, datetime | None]:
    wanted = Wanted.of(asked)
    found = listing.events(reader, wanted, most=ENTRIES)
    events = [details.told(reader, event, judged=False) for event in found.rows]
    origin = reader.row("The log", "SELECT name, opened FROM origin WHERE local = 1 ORDER BY id LIMIT 1")
    erased = reader.value("The newest erasure", "SELECT at FROM erasures ORDER BY id DESC LIMIT 1")
    updated = max([event["told_at"] for event in events] or ["" if origin is None else origin["opened"]])
    head = feed.Feed(
        origin="" if origin is None else origin["name"],
        database=asked.at.database,
        home=asked.site + asked.at("gone", platform=wanted.platform),
        here=asked.site + _feed(asked.at, wanted.platform),
        updated=updated or "1970-01-01T00:00:00Z",
        platform=wanted.platform,
    )
    body = feed.written(head, [(event, asked.site + asked.at("post", event["ref"])) for event in events])
    return body, _moment(max(updated, str(erased or "")))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
    except ValueError:
        return None


def _unchanged(request: Any, tag: str, changed: datetime | None) -> bool:
    """Whether the reader has this feed already. A date counts only where no tag is given."""
    given = request.headers.get("if-none-match")
    if given is not None:
        return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since") or "")
    except (TypeError, ValueError, OverflowError):
        return False
    return changed is not None and since.tzinfo is not None and changed <= since


PAGES = (
    Page(
        path="gone",
        template="archiver_gone.html",
        gather=gather,
        dress=dress,
        reads=READS,
        css=("gone.css",),
    ),
)
ROUTES = ((r"^/(?P<database>[^/]+)/-/gone\.atom$", atom),)
