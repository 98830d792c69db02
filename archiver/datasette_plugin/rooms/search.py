"""Posts, documents and quoted words together: what people type, with filters, facets and snippets."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.reader import Reader, Row
from archiver.datasette_plugin.searching import facets, sections, snippets, things
from archiver.datasette_plugin.searching.asked import KINDS, OUTCOMES, SORTS, Sought, sought
from archiver.datasette_plugin.searching.posts import HITS
from archiver.datasette_plugin.searching.terms import SHORTEST_PREFIX
from archiver.render import markup

READS = ("posts", "versions", "documents", "mentions", "matches", "accounts", "refs", "captures")
_WORD, _ROW = re.compile(r"[^\W\d_]{6,30}"), re.compile(r"[^\W_]{1,30} [^\W_]{1,30} [^\W_]{1,30}")


def gather(reader: Reader, asked: Asked) -> Row:
    """What fits, or, where nothing is asked, what can be asked of this archive."""
    wanted = sought(asked)
    newest = reader.row("The newest capture", "SELECT observed_at FROM captures ORDER BY id DESC LIMIT 1")
    platforms = reader.rows(
        "Platforms of posts",
        "WITH RECURSIVE each(platform) AS (SELECT min(platform) FROM posts UNION ALL SELECT "
        "(SELECT min(platform) FROM posts WHERE platform > each.platform) FROM each WHERE each.platform IS NOT NULL "
        "LIMIT 40) SELECT platform FROM each WHERE platform IS NOT NULL ORDER BY platform",
    )
    out: Row = {
        "asked_for": wanted.args(),
        "searched_for": _told(wanted),
        "upto": "" if newest is None else newest["observed_at"],
        "platforms": [row["platform"] for row in platforms],
        "thing": things.meant(reader, asked, wanted.typed.strip()),
        "accounts": [],
        "examples": [],
        "sections": [],
        "facets": [],
    }
    if wanted.nothing:
        return out | {"examples": _examples(reader, asked)}
    found, ids = sections.gathered(reader, asked, wanted)
    of = wanted.kind or next((kind for kind in KINDS if ids.get(kind)), "")
    return out | {
        "accounts": things.accounts(reader, asked, wanted.typed.strip()),
        "sections": found,
        "facets": facets.counted(reader, asked, wanted, of, ids[of]) if of else [],
        "facets_of": of,
        "facets_over": min(len(ids[of]), HITS) if of else 0,
    }


def _told(wanted: Sought) -> list[Row]:
    """What is looked for, piece by piece: how the words were read."""
    query = wanted.query
    said = [
        *(
            ("word" if len(term.tokens) == 1 else "words in a row", _shown(term.text, term.prefix))
            for term in query.words
        ),
        *(("characters", term.text) for term in query.runs),
        *(("without", term.text) for term in query.excluded),
        ("author", wanted.author),
        ("platform", wanted.platform),
        ("outcome", wanted.outcome),
        ("since", wanted.since),
        ("until", wanted.last_day),
        ("collection", wanted.collection),
    ]
    return [{"what": what, "value": value} for what, value in said if value]


def _shown(text: str, prefix: bool) -> str:
    return f"{text}*" if prefix else text


def _examples(reader: Reader, asked: Asked) -> list[Row]:
    """Searches that find something here, from the newest posts and a document."""
    posts = reader.rows(
        "The newest posts",
        "SELECT handle, substr(text, 1, 300) AS text, platform, posted_at FROM posts WHERE text <> '' "
        "ORDER BY id DESC LIMIT 20",
    )
    words = next((found for row in posts if len(found := _WORD.findall(row["text"])) > 1), [])
    phrase = next((row[0] for row in (_ROW.findall(row["text"]) for row in posts) if row), "")
    handle = next((row["handle"] for row in posts if re.fullmatch(r"[\w.@-]+", row["handle"])), "")
    day = next((row["posted_at"][:10] for row in posts if row["posted_at"]), "")
    made: list[tuple[str, dict[str, Any]]] = []
    if words:
        made += [("a word", {"q": words[0]}), ("words, in whatever order", {"q": f"{words[1]} {words[0]}"})]
        made.append(("how a word begins", {"q": f"{words[0][:5]}*"}))
    if phrase:
        made.append(("words in a row", {"q": f'"{phrase}"'}))
    if handle:
        made.append(("an author", {"q": f"from:@{handle}"}))
    if day:
        made.append(("a day", {"q": f"since:{day} until:{day}"}))
    return [{"what": what, "q": args["q"], "url": asked.at("search", **args)} for what, args in made]


def dress(found: Row, asked: Asked) -> Row:
    """Snippets as HTML, and what the form shows."""
    wanted = sought(asked)
    kinds = [{"kind": "", "label": "All", "url": asked.at("search", **(wanted.args() | {"kind": ""}))}]
    kinds += [
        {"kind": kind, "label": sections.LABELS[kind], "url": asked.at("search", **(wanted.args() | {"kind": kind}))}
        for kind in KINDS
    ]
    counts = {section["kind"]: section for section in found["sections"]}
    return {
        "wanted": wanted,
        "outcomes": OUTCOMES,
        "sorts": [(sort, asked.at("search", **(wanted.args() | {"sort": sort}))) for sort in SORTS],
        "kinds": [kind | {"section": counts.get(kind["kind"])} for kind in kinds],
        "sections": [
            part | {"hits": [hit | {"shown": snippets.dressed(hit["snippet"])} for hit in part["hits"]]}
            for part in found["sections"]
        ],
        "titled": Markup(markup.plain(wanted.typed[:80])),
        "first": asked.at("search", **wanted.args()) if wanted.after else "",
        "nothing_found": not any(part["hits"] or part["next"] for part in found["sections"]),
        "shortest_prefix": SHORTEST_PREFIX,
    }


PAGES = (
    Page(path="search", template="archiver_search.html", gather=gather, dress=dress, reads=READS, css=("search.css",)),
)
