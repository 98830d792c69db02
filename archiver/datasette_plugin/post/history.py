"""What an archive saw of one post: versions, sightings, captures, edits, proofs. Each list is bounded and says so."""

from __future__ import annotations

from collections.abc import Sequence

from archiver.datasette_plugin.post.meant import Meant
from archiver.datasette_plugin.reader import Reader, Row
from archiver.jobs import bracketing

CHARACTERS = 20_000
"""Code points of one text that a page shows."""
VERSIONS, SIGHTINGS, CAPTURES, EDITS, PROOFS = 50, 500, 200, 50, 50
_KEYS = "(SELECT value FROM json_each(:keys))"


def head(reader: Reader, meant: Meant) -> Row | None:
    """The post as last seen."""
    return reader.row(
        "The post as last seen",
        """
        SELECT p.platform, a.ref AS author, p.handle, p.name, substr(p.text, 1, :most) AS text,
          length(p.text) AS characters, p.posted_at, p.lang, p.url, p.warning, p.outcome, p.outcome_at, p.first_seen,
          p.last_seen, p.versions, p.edits, p.truncated
        FROM posts p LEFT JOIN refs a ON a.id = p.author WHERE p.id = :main
        """,
        main=meant.main,
        most=CHARACTERS,
    )


def versions(reader: Reader, meant: Meant) -> list[Row]:
    """The newest versions, by when they were first seen, numbered; `same_words`: those that the page shows above."""
    rows = reader.rows(
        "Its versions",
        f"""
        SELECT v.sha256, substr(v.text, 1, :most) AS text, length(v.text) AS characters, v.posted_at, v.edited_at,
          v.truncated, v.lang, v.warning, v.sensitive, v.version_id,
          v.text = (SELECT text FROM posts WHERE id = :main) AS same_words,
          f.observed_at AS first_seen, f.uid AS first_capture, l.observed_at AS last_seen, l.uid AS last_capture,
          r.ref AS seen_as
        FROM (SELECT id FROM versions WHERE post IN {_KEYS} ORDER BY id DESC LIMIT :rows) n
        JOIN versions v ON v.id = n.id
        JOIN refs r ON r.id = v.post
        LEFT JOIN captures f ON f.id = (SELECT min(capture) FROM sightings WHERE version = v.id)
        LEFT JOIN captures l ON l.id = (SELECT max(capture) FROM sightings WHERE version = v.id)
        ORDER BY f.leaf, v.sha256
        """,
        keys=meant.keys,
        main=meant.main,
        most=CHARACTERS,
        rows=VERSIONS,
    )
    return [{"number": number, **row} for number, row in enumerate(rows, 1)]


def sightings(reader: Reader, meant: Meant) -> list[Row]:
    """The newest sightings, newest first."""
    return reader.rows(
        "Which capture showed which version, by which route",
        f"""
        SELECT v.sha256 AS version, c.uid AS capture, c.observed_at, c.leaf, s.route, s.whole, s.edited, s.handle,
          s.name, s.pointer
        FROM (
          SELECT s.id FROM versions v JOIN sightings s ON s.version = v.id WHERE v.post IN {_KEYS}
          ORDER BY s.capture DESC, s.version, s.pointer LIMIT :most
        ) n JOIN sightings s ON s.id = n.id JOIN versions v ON v.id = s.version JOIN captures c ON c.id = s.capture
        ORDER BY c.leaf DESC, s.pointer, v.sha256
        """,
        keys=meant.keys,
        most=SIGHTINGS,
    )


def captures(reader: Reader, meant: Meant) -> list[Row]:
    """What the newest captures say of it, newest first; once where one says the same of several names of it."""
    rows = reader.rows(
        "What each capture says of it",
        f"""
        SELECT c.uid, c.observed_at, c.route, c.status, c.failure, c.tier, o.outcome, o.reason, c.leaf, r.ref
        FROM (
          SELECT id FROM outcomes WHERE ref IN {_KEYS} ORDER BY capture DESC, ref LIMIT :most
        ) n JOIN outcomes o ON o.id = n.id JOIN captures c ON c.id = o.capture JOIN refs r ON r.id = o.ref
        ORDER BY c.leaf DESC, r.ref <> :ref, r.ref
        """,
        keys=meant.keys,
        ref=str(meant.ref),
        most=CAPTURES,
    )
    return list({(row["uid"], row["outcome"]): row for row in reversed(rows)}.values())[::-1]


def counted(reader: Reader, meant: Meant) -> int:
    """How many captures say something of it."""
    found = reader.value(
        "How many captures say something of it",
        f"SELECT count(DISTINCT capture) FROM outcomes WHERE ref IN {_KEYS}",
        keys=meant.keys,
    )
    return int(found)


def edits(reader: Reader, meant: Meant) -> list[Row]:
    """Edits, oldest first: what shows each (`shown_by`: by and route), and between which two observations it was."""
    rows = reader.rows(
        "How it was edited",
        f"""
        SELECT e.shown_by, e.route, b.sha256 AS before, a.sha256 AS after, a.edited_at AS claimed_at,
          cb.observed_at AS last_seen_before, cb.uid AS capture_before, ca.observed_at AS first_seen_after,
          ca.uid AS capture_after
        FROM edits e JOIN versions a ON a.id = e.after LEFT JOIN versions b ON b.id = e.before
        JOIN captures ca ON ca.id = e.capture_after LEFT JOIN captures cb ON cb.id = e.capture_before
        WHERE e.post IN {_KEYS} ORDER BY ca.leaf, e.shown_by, e.route, b.sha256, a.sha256 LIMIT :most
        """,
        keys=meant.keys,
        most=EDITS,
    )
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        same = tuple(str(row[name]) for name in ("before", "after", "capture_before", "capture_after"))
        told = found.setdefault(same, row | {"shown_by": []})
        told["shown_by"].append({"by": row["shown_by"], "route": row["route"]})
    return [{name: value for name, value in row.items() if name != "route"} for row in found.values()]


def proofs(reader: Reader, meant: Meant) -> list[Row]:
    """The author's own proofs, of the newest that were read; those that say the same as one. `valid` is 1, 0 for one
    that is refused, None for one that was not checked."""
    return reader.rows(
        "The author's own proofs",
        f"""
        SELECT p.kind, p.valid, p.detail, count(*) AS captures, max(c.observed_at) AS last_at, max(c.uid) AS capture
        FROM (SELECT id FROM proofs WHERE ref IN {_KEYS} ORDER BY id DESC LIMIT :read) n
        JOIN proofs p ON p.id = n.id JOIN captures c ON c.id = p.capture
        GROUP BY p.kind, p.valid, p.detail ORDER BY p.kind, p.valid, p.detail LIMIT :most
        """,
        keys=meant.keys,
        read=20 * PROOFS,
        most=PROOFS,
    )


def erased(reader: Reader, meant: Meant) -> list[Row]:
    """When, by whom and why it was erased."""
    return reader.rows(
        "How it was erased",
        "SELECT e.at, e.who, e.reason, e.what, e.leaf FROM erasures e WHERE e.what IN "
        "(SELECT r.ref FROM json_each(:keys) k JOIN refs r ON r.id = k.value) ORDER BY e.origin, e.leaf LIMIT 50",
        keys=meant.keys,
    )


def statements(reader: Reader, meant: Meant) -> list[Row]:
    """What people decided about it."""
    return reader.rows(
        "What people decided about it",
        "SELECT s.at, s.who, s.what, s.object, s.reason, s.leaf FROM statements s WHERE s.subject IN "
        "(SELECT r.ref FROM json_each(:keys) k JOIN refs r ON r.id = k.value) ORDER BY s.origin, s.leaf LIMIT 50",
        keys=meant.keys,
    )


def queued(reader: Reader, meant: Meant) -> Row | None:
    """When it is looked at next; `kept` is 0 where no seed keeps it."""
    return reader.row(
        "When it is looked at next",
        "SELECT q.due_at, q.attempts, q.last_outcome, q.last_at, q.purpose, q.kept FROM work_queue q WHERE q.ref IN "
        "(SELECT r.ref FROM json_each(:keys) k JOIN refs r ON r.id = k.value) "
        "ORDER BY q.due_at IS NULL, q.due_at, q.kept DESC, q.ref LIMIT 1",
        keys=meant.keys,
    )


def bracket(reader: Reader, capture: str) -> Row:
    """Between which times of others a capture stands, by the token that it names as older than itself and those over a
    head that holds it; `signed` is the size of the first signed head that does. Empty where no one vouches for it."""
    row = reader.row(
        "Where in the log the capture stands",
        "SELECT c.origin, c.leaf, c.observed_at, CASE WHEN json_valid(CAST(l.data AS TEXT)) THEN "
        "json_extract(CAST(l.data AS TEXT), '$.after') END AS named, "
        "(SELECT k.size FROM log_checkpoint k WHERE k.origin = c.origin AND k.size > c.leaf ORDER BY k.size LIMIT 1) "
        "AS signed FROM captures c JOIN log_leaf l ON l.origin = c.origin AND l.idx = c.leaf WHERE c.uid = :capture",
        capture=capture,
    )
    if row is None:
        return {"not_before": "", "not_before_by": "", "not_after": "", "not_after_by": "", "signed": None}
    named = None if row["named"] is None else str(row["named"])
    found = bracketing.bracket(reader.archive, row["origin"], row["leaf"], named, row["observed_at"])
    return {
        "not_before": "" if found.before is None else found.before.at,
        "not_before_by": "" if found.before is None else found.before.service,
        "not_after": "" if found.after is None else found.after.at,
        "not_after_by": "" if found.after is None else found.after.service,
        "signed": row["signed"],
    }


def routes(seen: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    """By route: what its newest capture showed (one that tells the history shows several versions), and whether these
    are the words that stand above. Routes may render one post differently: that alone shows no edit."""
    versions = {version["sha256"]: version for version in known}
    found: dict[str, Row] = {}
    for one in seen:  # newest first
        new = {
            "route": one["route"],
            "last_at": one["observed_at"],
            "capture": one["capture"],
            "whole": bool(one["whole"]),
        }
        route = found.setdefault(one["route"], new | {"versions": [], "sightings": 0})
        route["sightings"] += 1
        route["first_at"] = one["observed_at"]
        if one["capture"] == route["capture"]:
            route["versions"].append(one["version"])
    for route in found.values():
        shown = [versions[version] for version in route["versions"] if version in versions]
        route["versions"] = list(dict.fromkeys(route["versions"]))
        route["numbers"] = sorted({version["number"] for version in shown})
        route["truncated"] = any(version["truncated"] for version in shown)
        same = {bool(version["same_words"]) for version in shown}
        route["shows"] = "unlisted" if not same else "some" if len(same) > 1 else "same" if True in same else "other"
    return sorted(found.values(), key=lambda route: (route["first_at"], route["route"]))


def names(seen: Sequence[Row]) -> list[Row]:
    """Under which handle and name it was seen, and from when to when. Routes without a name say nothing."""
    found: dict[tuple[str, str], Row] = {}
    for one in reversed(seen):
        if one["handle"] or one["name"]:
            known = found.setdefault(
                (one["handle"], one["name"]),
                {"handle": one["handle"], "name": one["name"], "first_at": one["observed_at"], "sightings": 0},
            )
            known["last_at"], known["sightings"] = one["observed_at"], known["sightings"] + 1
    return list(found.values())
