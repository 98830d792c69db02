"""What makes the tables of readings pleasant to browse: a short label for each row that others point to, and views.

Neither holds anything of its own. Labels are generated columns, worked out when they are read; Datasette shows them
in place of integer keys. No view is recursive: a filter on a recursive view walks everything (chains are canned
queries with a parameter instead).
"""

from __future__ import annotations

from dataclasses import dataclass

# A label is read for each link of a page, so it is short; what is cut says so. `doc` refs hold a SHA-256.
LABELS = {
    "refs": "CASE WHEN platform = 'doc' THEN 'doc:' || kind || ':' || substr(remote_id, 1, 8) || '…' || "
    "substr(remote_id, 65) ELSE ref END",
    "documents": "CASE WHEN title <> '' THEN substr(title, 1, 80) ELSE media_type || ' ' || substr(sha256, 1, 8) END",
    "mentions": "CASE WHEN quoted = '' THEN kind || ' ' || url WHEN length(quoted) > 80 "
    "THEN substr(quoted, 1, 80) || '…' ELSE quoted END",
    "posts": "CASE WHEN handle <> '' THEN '@' || handle || ': ' ELSE '' END || substr(text, 1, 80) || "
    "CASE WHEN length(text) > 80 THEN '…' ELSE '' END",
    "versions": "CASE WHEN text = '' THEN 'no words' WHEN length(text) > 80 THEN substr(text, 1, 80) || '…' "
    "ELSE text END",
    "accounts": "CASE WHEN handle <> '' THEN '@' || handle WHEN name <> '' THEN name ELSE 'account ' || id END",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view. `columns` are the words of its SELECT in order."""

    name: str
    about: str
    columns: tuple[str, ...]
    sql: str


# No view joins: SQLite does not leave a join out of a count. What stands beside a row is asked for by itself, so that
# counting rows reads one index and a page works out what it shows.
_MATCH = "FROM matches x WHERE x.mention = m.id AND x.rank = 0 ORDER BY x.id LIMIT 1"
_RESOLUTION = "FROM resolutions s WHERE s.mention = m.id"
_POST = f"coalesce((SELECT coalesce(s.ref, s.candidate) {_RESOLUTION}), (SELECT x.post {_MATCH}))"
VIEWS = (
    View(
        name="gone",
        about="Posts that were shown and are not shown any more. The outcome is what the "
        "platform answered: only deleted means deleted.",
        columns=("outcome", "handle", "text", "posted_at", "last_seen", "outcome_at", "address", "ref"),
        sql="SELECT p.outcome, p.handle, p.text, p.posted_at, p.last_seen, p.outcome_at, p.url AS address, "
        "(SELECT r.ref FROM refs r WHERE r.id = p.id) AS ref FROM posts p WHERE p.outcome IN ('suspended', "
        "'protected', 'withheld', 'age-gated', 'login-required', 'deleted', 'not-found', 'unavailable')",
    ),
    View(
        name="quotations",
        about="One row a mention: the document, its words, the post that it stands for, and the best verdict. An empty "
        "verdict means that nothing was compared: resolution and reason say why. Original is the version that was "
        "compared, or else the post as last seen.",
        columns=(
            *("document", "kind", "quoted", "verdict", "flags", "original", "outcome", "handle", "day"),
            *("resolution", "how", "reason", "post", "address", "passage"),
        ),
        sql="SELECT (SELECT c.url FROM documents d JOIN captures c ON c.id = d.capture WHERE d.id = m.document) "
        f"AS document, m.kind, m.quoted, (SELECT x.verdict {_MATCH}) AS verdict, (SELECT x.flags {_MATCH}) AS flags, "
        f"coalesce((SELECT v.text FROM versions v WHERE v.id = (SELECT x.version {_MATCH})), "
        f"(SELECT o.text FROM posts o WHERE o.id = {_POST})) AS original, "
        f"(SELECT o.outcome FROM posts o WHERE o.id = {_POST}) AS outcome, m.handle, m.day, "
        f"(SELECT s.status {_RESOLUTION}) AS resolution, (SELECT s.how {_RESOLUTION}) AS how, "
        f"coalesce((SELECT nullif(s.reason, '') {_RESOLUTION}), (SELECT x.reason {_MATCH}), '') AS reason, "
        f"(SELECT p.ref FROM refs p WHERE p.id = {_POST}) AS post, "
        f"(SELECT o.url FROM posts o WHERE o.id = {_POST}) AS address, "
        "(SELECT r.ref FROM refs r WHERE r.id = m.ref) AS passage FROM mentions m",
    ),
)
