"""Texts that hold a phrase: look-ups in the index of runs of three words (`runs`) and in that of marks (`marks`).

Every text that holds a phrase holds all of its runs, so what is found here has only to be read.
"""

from __future__ import annotations

import json

from archiver.store import marks, runs
from archiver.store.archive import Archive, Row

LENGTH = runs.LENGTH
"""A phrase of fewer words is looked for in its own document only."""


def _runs(words: tuple[str, ...]) -> list[int]:
    return sorted({runs.run(words[n:]) for n in range(len(words) - LENGTH + 1)})


def versions(archive: Archive, words: tuple[str, ...], limit: int) -> list[Row]:
    """Versions of posts that hold every run of the words: ref and text, the earliest claimed time first."""
    keys = _runs(words)
    return archive.all(
        "SELECT r.ref, v.text FROM (SELECT id FROM _version_runs WHERE run IN (SELECT value FROM json_each(?)) "
        "GROUP BY id HAVING count(*) = ?) h JOIN versions v ON v.id = h.id JOIN refs r ON r.id = v.post "
        "ORDER BY v.posted_at = '', v.posted_at, r.ref, v.sha256 LIMIT ?",
        json.dumps(keys),
        len(keys),
        limit,
    )


def mentions(archive: Archive, words: tuple[str, ...], apart: int, limit: int) -> list[Row]:
    """Quoted words of other documents than `apart` that hold every run of the words, in the order of their refs."""
    keys = _runs(words)
    own = archive.one("SELECT min(id), max(id) FROM mentions WHERE document = ?", apart)
    low, high = (0, 0) if own is None or own[0] is None else own  # a document's mentions were stored in one go
    return archive.all(
        "SELECT r.ref, m.quoted, m.quote_start, m.quote_end FROM (SELECT k.id FROM json_each(?) j "
        "CROSS JOIN json_each(?) g CROSS JOIN _mention_runs k ON k.run = j.value "
        "AND k.id > json_extract(g.value, '$[0]') AND k.id < json_extract(g.value, '$[1]') "
        "GROUP BY k.id HAVING count(*) = ?) h "
        "JOIN mentions m ON m.id = h.id JOIN refs r ON r.id = m.ref WHERE m.document <> ? ORDER BY r.ref LIMIT ?",
        json.dumps(keys),
        json.dumps([[-1, low], [high, 1 << 62]]),
        len(keys),
        apart,
        limit,
    )


def documents(archive: Archive, words: tuple[str, ...], apart: set[int], limit: int) -> list[Row]:
    """Documents that may hold words, eight or more: ref, and where (`at`) a run of them stands in the text (`id`)."""
    return archive.all(
        f"SELECT k.id, k.at, r.ref FROM {marks.BESIDE} JOIN refs r ON r.id = k.id ORDER BY r.ref, k.at LIMIT ?",
        json.dumps([marks.first_mark(words)]),
        marks.gaps(apart),
        limit,
    )
