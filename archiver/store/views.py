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


# Every join but the first table's is a LEFT JOIN to one row by its key, so that counting rows skips the joins.
VIEWS = (
    View(
        name="gone",
        about="Posts that were captured and that their platform has since refused to show. The outcome is what the "
        "platform answered: only deleted means deleted.",
        columns=("outcome", "handle", "text", "posted_at", "last_seen", "outcome_at", "address", "ref"),
        sql="SELECT p.outcome, p.handle, p.text, p.posted_at, p.last_seen, p.outcome_at, p.url AS address, r.ref "
        "FROM posts p LEFT JOIN refs r ON r.id = p.id WHERE p.outcome IN ('suspended', 'protected', 'withheld', "
        "'age-gated', 'login-required', 'deleted', 'not-found', 'unavailable')",
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
        sql="SELECT c.url AS document, m.kind, m.quoted, x.verdict, x.flags, coalesce(v.text, o.text) AS original, "
        "o.outcome, m.handle, m.day, s.status AS resolution, s.how, coalesce(nullif(s.reason, ''), x.reason, '') "
        "AS reason, p.ref AS post, o.url AS address, r.ref AS passage FROM mentions m LEFT JOIN refs r ON r.id = m.ref "
        "LEFT JOIN documents d ON d.id = m.document LEFT JOIN captures c ON c.id = d.capture "
        "LEFT JOIN resolutions s ON s.mention = m.id "
        "LEFT JOIN matches x ON x.id = (SELECT min(b.id) FROM matches b WHERE b.mention = m.id AND b.rank = 0) "
        "LEFT JOIN versions v ON v.id = x.version "
        "LEFT JOIN refs p ON p.id = coalesce(s.ref, s.candidate, x.post) LEFT JOIN posts o ON o.id = p.id",
    ),
)
