"""Events by month and platform: numbers for the table, and bars of the same numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from archiver.datasette_plugin.events.listing import Wanted
from archiver.datasette_plugin.reader import Reader, Row
from archiver.store.fates import EDITED, RETURNED

SERIES = ("deleted", "not shown", "edited", "returned")
"""`deleted` is what a platform calls so; `not shown` is all else that is gone."""
MONTHS = 24
HEIGHT, STEP, BAR, LEFT, BOTTOM = 140, 30, 20, 44, 34


def series(kind: str, outcome: str) -> str:
    """Which of the series counts an event."""
    if kind in (EDITED, RETURNED):
        return kind
    return "deleted" if outcome == "deleted" else "not shown"


def counted(reader: Reader, wanted: Wanted) -> Row:
    """All events by month (the newest first), by platform and by series; months of the platform that is wanted."""
    rows = reader.rows(
        "Events by month and platform",
        "SELECT month, kind, outcome, platform, count(*) AS n FROM events GROUP BY month, kind, outcome, platform "
        "ORDER BY month, kind, outcome, platform",
    )
    months: dict[str, Counter[str]] = {}
    platforms: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for row in rows:
        platforms[row["platform"]] += row["n"]
        if wanted.platform and row["platform"] != wanted.platform:
            continue
        name = series(row["kind"], row["outcome"])
        months.setdefault(row["month"], Counter())[name] += row["n"]
        totals[name] += row["n"]
        if name in ("deleted", "not shown"):
            outcomes[row["outcome"]] += row["n"]
    by_size = sorted(outcomes.items(), key=lambda one: (-one[1], one[0]))
    return {
        "months": [{"month": month, **_all(months[month])} for month in sorted(months, reverse=True)],
        "platforms": [{"platform": name, "n": platforms[name]} for name in sorted(platforms)],
        "outcomes": [{"outcome": name, "n": n} for name, n in by_size],
        "totals": _all(totals),
    }


def _all(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in SERIES}


def bars(months: Iterable[Row]) -> Row:
    """The newest `MONTHS` of them as boxes of a drawing, oldest first; months without events between them too."""
    held = {str(row["month"]): row for row in months}
    shown = _between(min(held), max(held))[-MONTHS:] if held else []
    most = max((sum(held[month][name] for name in SERIES) for month in shown if month in held), default=0)
    columns = []
    for place, month in enumerate(shown):
        counts = held.get(month, dict.fromkeys(SERIES, 0))
        y, boxes = float(HEIGHT), []
        for name in SERIES:
            height = round(counts[name] * (HEIGHT - 12) / max(most, 1), 2)
            if counts[name]:
                height = max(height, 1.5)
                y -= height
                boxes.append({"series": name, "y": round(y, 2), "height": height, "n": counts[name]})
        label = month if place == 0 or month.endswith("-01") else month[5:]
        columns.append({"month": month, "x": LEFT + place * STEP, "boxes": boxes, "label": label})
    return {
        "columns": columns,
        "most": most,
        "width": LEFT + max(len(shown), 8) * STEP + 20,
        "height": HEIGHT + BOTTOM,
        "base": HEIGHT,
        "bar": BAR,
        "left": LEFT,
    }


def _between(first: str, last: str) -> list[str]:
    """Every month from one to another, both included; of a time that is no date only the two. At most 1,200."""
    try:
        year, month = int(first[:4]), int(first[5:7])
        end = (int(last[:4]), int(last[5:7]))
    except ValueError:
        return [first, last] if first != last else [first]
    out: list[str] = []
    while (year, month) <= end and len(out) < 1200:
        out.append(f"{year:04}-{month:02}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out
