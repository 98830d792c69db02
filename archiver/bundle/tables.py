"""The index as tables for spreadsheets and notebooks: CSV (RFC 4180) in UTF-8, every text as it was read.

Values are not disarmed: a post may begin with `=` or `@`, and a changed text would be no evidence. Open them as text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from archiver.bundle.index import Index

POSTS: tuple[str, ...] = (
    *("ref", "named", "platform", "url", "author", "handle", "name", "posted_at", "text", "lang", "warning"),
    *("outcome", "outcome_at", "truncated", "aliases", "versions", "edits", "captures"),
)
EDGES: tuple[str, ...] = ("kind", "evidence", "source", "target", "capture", "pointer")
CAPTURES: tuple[str, ...] = (
    *("uid", "leaf", "tier", "ref", "route", "method", "url", "status", "failure", "observed_at", "ended_at"),
    *("body_sha256", "body_size", "declared_type", "sniffed_type", "not_before", "not_after"),
)
VERDICTS: tuple[str, ...] = (
    *("passage", "document", "kind", "words", "handle", "name", "day", "status", "post", "version", "text"),
    *("verdict", "standard", "faithful", "flags", "changes", "reason", "policy"),
)


def tables(index: Index) -> dict[str, Iterator[str]]:
    """File names and their CSV, line by line."""
    posts = ({**post, "versions": len(post["versions"]), "edits": len(post["edits"])} for post in index["posts"])
    captures = ({**capture, **capture["bracket"]} for capture in index["captures"])
    edges = (dict(edge) for post in index["posts"] for edge in post["edges"])
    return {
        "posts.csv": _csv(POSTS, posts),
        "edges.csv": _csv(EDGES, edges),
        "captures.csv": _csv(CAPTURES, captures),
        "verdicts.csv": _csv(VERDICTS, (dict(row) for row in index["verdicts"])),
    }


class _Line:
    """Gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _csv(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    line: Any = csv.writer(_Line(), lineterminator="\r\n").writerow
    yield line(names)
    for row in rows:
        yield line([value if type(value := row[name]) is str else _cell(value) for name in names])


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return " ".join(value)
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value
