"""Documents, quoted words, and versions of posts that read otherwise now: by the full-text index, newest first."""

from __future__ import annotations

import json

from archiver.datasette_plugin.reader import Reader, Row
from archiver.datasette_plugin.searching.asked import Sought
from archiver.datasette_plugin.searching.posts import HITS, READ, SCANNED, Hits

DOCUMENTS_READ = 10_000_000
"""Characters of documents that are read for a run that no index finds, the newest first."""
MENTIONS_READ = 10_000
DATED = 1000
"""Documents with the words whose day is looked up."""
FAR = 20_000_000
"""Characters of documents that one page looks through for the place of a word."""


def documents(reader: Reader, wanted: Sought, below: int) -> Hits:
    """Documents whose title or text fits. Author, platform and outcome are those of posts: no document has them."""
    if wanted.query.empty or wanted.author or wanted.platform or wanted.outcome:
        return Hits(ids=[])
    where, names = _days(wanted)
    if wanted.collection:
        where += (
            " AND k.id IN (SELECT h.document FROM collection_documents h JOIN collections n ON n.id = h.collection "
        )
        where += "WHERE n.name = :collection)"
        names["collection"] = wanted.collection
    # What stands behind the text of a document is read only where a day is asked for.
    join = "JOIN documents d ON d.id = k.id JOIN captures c ON c.id = d.capture" if wanted.since or wanted.until else ""
    names |= {"below": below, "most": HITS + 1}
    match, most = wanted.query.match(), DATED if join else SCANNED
    if match and not wanted.query.runs:
        rows = reader.rows(
            "Documents with the words",
            "SELECT k.id FROM (SELECT rowid AS id FROM documents_fts WHERE documents_fts MATCH :match "
            f"AND rowid < :below ORDER BY rowid DESC LIMIT :scanned) k {join} WHERE {where} LIMIT :most",
            **names,
            match=match,
            scanned=most,
        )
        ids = sorted((int(row["id"]) for row in rows), reverse=True)
        if where == "1":
            return Hits(ids=ids)
        last = reader.value(
            "Whether there are more documents with the words",
            "SELECT rowid FROM documents_fts WHERE documents_fts MATCH :match AND rowid < :below "
            "ORDER BY rowid DESC LIMIT 1 OFFSET :last",
            match=match,
            below=below,
            last=most,
        )
        told = f"Of the documents with the words the newest {most:,} were looked at: there may be more further back."
        return Hits(ids=ids, limits=[told] if last is not None else [])
    for number, term in enumerate(wanted.query.runs):
        where += f" AND (instr(d.text, :sign_{number}) > 0 OR instr(d.title, :sign_{number}) > 0)"
        names[f"sign_{number}"] = term.text
    if match:
        where += " AND d.id IN (SELECT rowid FROM documents_fts WHERE documents_fts MATCH :match)"
        names["match"] = match
    rows = reader.rows(
        "Documents that hold the characters",
        "SELECT d.id FROM (SELECT id, sum(characters) OVER (ORDER BY id DESC) AS upto FROM "
        "(SELECT id, characters FROM documents WHERE id < :below ORDER BY id DESC LIMIT 1000)) k "
        "CROSS JOIN documents d ON d.id = k.id JOIN captures c ON c.id = d.capture "
        f"WHERE k.upto <= :characters AND {where} ORDER BY d.id DESC LIMIT :most",
        **names,
        characters=DOCUMENTS_READ,
    )
    told = f"Documents were looked through letter by letter, the newest {DOCUMENTS_READ:,} characters of them."
    return Hits(ids=[int(row["id"]) for row in rows], limits=[told])


def _days(wanted: Sought) -> tuple[str, dict[str, object]]:
    """The day of a document is that of its capture."""
    where, names = "1", dict[str, object]()
    if wanted.since:
        where, names["since"] = f"{where} AND c.observed_at >= :since", wanted.since
    if wanted.until:
        where, names["until"] = f"{where} AND c.observed_at < :until", wanted.until
    return where, names


def quotations(reader: Reader, wanted: Sought, below: int) -> Hits:
    """Places in documents whose quoted words fit. The outcome of a post and the day say nothing of them."""
    if wanted.query.empty or wanted.outcome or wanted.since or wanted.until:
        return Hits(ids=[])
    where, names = "1", dict[str, object]()
    if wanted.platform:
        where, names["platform"] = f"{where} AND m.platform = :platform", wanted.platform
    if wanted.author:
        where, names["author"] = f"{where} AND lower(ltrim(m.handle, '@')) = :author", wanted.author.lower()
    if wanted.collection:
        where += " AND m.document IN (SELECT h.document FROM collection_documents h JOIN collections n "
        where += "ON n.id = h.collection WHERE n.name = :collection)"
        names["collection"] = wanted.collection
    names |= {"below": below, "most": HITS + 1}
    match = wanted.query.match()
    for number, term in enumerate(wanted.query.runs):
        where += f" AND instr(m.quoted, :sign_{number}) > 0"
        names[f"sign_{number}"] = term.text
    if match:
        hits = "SELECT rowid AS id FROM mentions_fts WHERE mentions_fts MATCH :match AND rowid < :below "
        names["match"] = match
    else:
        hits = "SELECT id FROM mentions WHERE id < :below "
    order = "rowid" if match else "id"
    rows = reader.rows(
        "Quoted words that fit",
        f"SELECT m.id FROM ({hits} ORDER BY {order} DESC LIMIT :scanned) k CROSS JOIN mentions m ON m.id = k.id "
        f"WHERE {where} LIMIT :most",
        **names,
        scanned=MENTIONS_READ,
    )
    ids = sorted((int(row["id"]) for row in rows), reverse=True)
    told = f"Of quotations the newest {MENTIONS_READ:,} were looked through letter by letter."
    return Hits(ids=ids, limits=[] if match else [told])


def versions(reader: Reader, wanted: Sought, below: int) -> Hits:
    """Versions with the words, of posts that do not read so now: among the newest hits alone."""
    if not wanted.query.match() or wanted.query.runs:
        return Hits(ids=[])
    where, names = "1", dict[str, object]()
    for column, value in (("platform", wanted.platform), ("outcome", wanted.outcome)):
        if value:
            where += f" AND p.{column} = :{column}"
            names[column] = value
    if wanted.author:
        where, names["author"] = f"{where} AND lower(p.handle) = :author", wanted.author.lower()
    if wanted.since:
        where, names["since"] = f"{where} AND p.posted_at >= :since", wanted.since
    if wanted.until:
        where, names["until"] = f"{where} AND p.posted_at < :until", wanted.until
    rows = reader.rows(
        "Versions with words that the post has no more",
        "SELECT v.id, substr(p.text, 1, :read) AS now FROM (SELECT rowid AS id FROM versions_fts "
        "WHERE versions_fts MATCH :match AND rowid < :below ORDER BY rowid DESC LIMIT :scanned) k "
        "CROSS JOIN versions v ON v.id = k.id CROSS JOIN posts p ON p.id = v.post "
        f"WHERE p.versions > 1 AND v.text <> p.text AND {where}",
        **names,
        match=wanted.query.match(),
        below=below,
        scanned=2 * HITS,
        read=READ,
    )
    ids = sorted((int(row["id"]) for row in rows if not wanted.query.fits(row["now"])), reverse=True)
    return Hits(ids=ids)


_DOCUMENTS = """
SELECT d.id, r.ref, d.sha256, d.title, d.media_type, d.characters, d.mentions, c.url, c.observed_at,
    substr(d.text, 1, :read) AS text, coalesce((SELECT group_concat(n.name, ', ') FROM collection_documents h
    JOIN collections n ON n.id = h.collection WHERE h.document = d.id), '') AS collections
FROM json_each(:ids) j CROSS JOIN documents d ON d.id = j.value JOIN refs r ON r.id = d.id
JOIN captures c ON c.id = d.capture ORDER BY d.id DESC
"""
_QUOTATIONS = """
SELECT m.id, r.ref, m.kind, m.platform, m.handle, substr(m.quoted, 1, :read) AS text, d.sha256, d.title, c.url,
    coalesce(x.verdict, '') AS verdict, coalesce(s.status, '') AS status
FROM json_each(:ids) j CROSS JOIN mentions m ON m.id = j.value JOIN refs r ON r.id = m.ref
JOIN documents d ON d.id = m.document JOIN captures c ON c.id = d.capture
LEFT JOIN resolutions s ON s.mention = m.id LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 ORDER BY m.id DESC
"""
_VERSIONS = """
SELECT v.id, r.ref, v.sha256, p.handle, p.name, p.platform, p.outcome, v.posted_at, substr(v.text, 1, :read) AS text
FROM json_each(:ids) j CROSS JOIN versions v ON v.id = j.value JOIN posts p ON p.id = v.post
JOIN refs r ON r.id = v.post ORDER BY v.id DESC
"""
_ROWS = {"documents": _DOCUMENTS, "quotations": _QUOTATIONS, "versions": _VERSIONS}


def rows(reader: Reader, kind: str, ids: list[int], *, read: int = READ) -> list[Row]:
    """What is shown of hits of a kind, with their texts cut to so many characters."""
    return reader.rows(f"What is shown of {kind}", _ROWS[kind], ids=json.dumps(ids), read=read)


def far(reader: Reader, wanted: Sought, document: Row, left: int) -> Row | None:
    """A later stretch of a long document, around the first of the words that stands there: `text` and where it begins
    (`offset`). None where it is not found, or where more than `left` characters would have to be read."""
    if document["characters"] > left or not wanted.query.words:
        return None
    return reader.row(
        "Where the words stand in a long document",
        "SELECT max(1, k.at - 2000) - 1 AS offset, substr(d.text, max(1, k.at - 2000), 6000) AS text FROM "
        "(SELECT id, instr(lower(text), :word) AS at FROM documents WHERE id = :id) k JOIN documents d ON d.id = k.id "
        "WHERE k.at > 0",
        id=document["id"],
        word=wanted.query.words[0].text.lower(),
    )
