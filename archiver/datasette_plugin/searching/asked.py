"""What is searched for: words and filters, from the address and from what was typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.searching.terms import Query, parse
from archiver.errors import PageError
from archiver.model import Outcome

KINDS = ("posts", "documents", "quotations", "versions")
SORTS = ("newest", "best")
OUTCOMES = tuple(map(str, Outcome))
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_PLATFORM = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A search. Filters are empty where they do not narrow it; `until` is the first day that is not meant any more."""

    query: Query
    typed: str = ""
    kind: str = ""
    sort: str = "newest"
    author: str = ""
    platform: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    last_day: str = ""
    collection: str = ""
    after: str = ""

    @property
    def nothing(self) -> bool:
        """Whether nothing is asked at all."""
        return self.query.empty and not (self.author or self.filtered or self.collection)

    @property
    def filtered(self) -> bool:
        """Whether a filter narrows posts that the full-text index knows nothing of."""
        return bool(self.platform or self.outcome or self.since or self.until)

    def args(self) -> dict[str, Any]:
        """The arguments of an address that asks for the same, from its first page."""
        return {
            "q": self.typed,
            "kind": self.kind,
            "sort": "" if self.sort == "newest" else self.sort,
            "author": self.author,
            "platform": self.platform,
            "outcome": self.outcome,
            "since": self.since,
            "until": self.last_day,
            "collection": self.collection,
        }


def sought(asked: Asked) -> Sought:
    """The search of a request. Fields inside the words count like those of the form, which come first. PageError for a
    form's field that cannot be meant; the same in the words are words."""
    query = parse(asked.get("q"))
    typed = dict(query.fields)
    platform = asked.get("platform") or _fitting(_PLATFORM, typed.pop("platform", ""))
    if platform and not _PLATFORM.fullmatch(platform):
        raise PageError(400, f"there is no platform {platform[:40]!r}", hint="Choose one on the page")
    outcome = asked.among("outcome", OUTCOMES) or next((one for one in OUTCOMES if one == typed.get("outcome")), "")
    since, _ = _days(asked, "since", typed)
    last_day, until = _days(asked, "until", typed)
    return Sought(
        query=query,
        typed=asked.get("q")[:2000],
        kind=asked.among("kind", KINDS),
        sort=asked.among("sort", SORTS) or "newest",
        author=(asked.get("author") or typed.get("from", "")).lstrip("@")[:200],
        platform=platform,
        outcome=outcome,
        since=since,
        until=until,
        last_day=last_day,
        collection=(asked.get("collection") or typed.get("in", ""))[:200],
        after=asked.get("after"),
    )


def _fitting(pattern: re.Pattern[str], given: str) -> str:
    return given.lower() if pattern.fullmatch(given.lower()) else ""


def _days(asked: Asked, name: str, typed: dict[str, str]) -> tuple[str, str]:
    """A day, month or year as it was given, and the first day after it; both empty where none was given."""
    given = asked.get(name) or _fitting(_DAY, typed.get(name, ""))
    if not given:
        return "", ""
    try:
        if not _DAY.fullmatch(given):
            raise ValueError(given)
        year, month, day = (*map(int, given.split("-")), 0, 0)[:3]
        first = date(year, month or 1, day or 1)
        if day:
            after = first + timedelta(days=1)
        elif month:
            after = date(year + month // 12, month % 12 + 1, 1)
        else:
            after = date(year + 1, 1, 1)
    except (ValueError, OverflowError):
        if not asked.get(name):
            return "", ""
        raise PageError(400, f"{name} is no day: {given[:40]!r}", hint="Write YYYY-MM-DD, YYYY-MM or YYYY") from None
    return given, after.isoformat()
