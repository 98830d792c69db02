"""All quotations with their verdicts, altered first: both sides of each, and what they can be narrowed to."""

from __future__ import annotations

from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.quoting import choice, sides, told
from archiver.datasette_plugin.quoting.coverage import SEVERITY
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.quotes.meaning import FLAGS, VERDICTS

SHOWN = 20
CHANGED = {
    "replaced": "words were replaced",
    "added": "words were added",
    "removed": "words were left out",
    "elided": "an ellipsis stands for words",
    "bracketed": "brackets mark the quoter’s words",
}
"""What a kind of change is, to readers."""


def gather(reader: Reader, asked: Asked) -> Row:
    """A page of quotations, how many there are by verdict, and by what else they differ."""
    wanted = choice.Choice.of(asked)
    document = None
    if wanted.document:
        document = reader.row(
            "The document",
            "SELECT substr(d.title, 1, 200) AS title, c.url FROM refs r JOIN documents d ON d.id = r.id "
            "JOIN captures c ON c.id = d.capture WHERE r.ref = 'doc:document:' || :document",
            document=wanted.document,
        )
        if document is None:
            links = ((asked.at("documents"), "All documents"),)
            raise PageError(404, f"This archive holds no document {wanted.document}", links=links)
    after = asked.get("after")
    found = choice.find(reader, wanted, after, SHOWN)
    return {
        "asked_for": wanted.given,
        "document": document and {"sha256": wanted.document, "name": told.called(document["title"], document["url"])},
        "verdicts": choice.verdicts(reader, wanted),
        "kinds": choice.kinds(reader, wanted),
        "quotations": told.mentions(reader, [(row["document"], row["ordinal"]) for row in found.rows]),
        "next": found.after,
        "looked_through": found.looked,
        "after": after,
    }


def dress(found: Row, asked: Asked) -> Row:
    """The quotations with their sides, and the choices that a reader has."""
    given = found["asked_for"]
    labels = {"flag": FLAGS, "change": CHANGED}
    narrowed = [
        (
            title,
            [
                (value, labels.get(name, {}).get(value, value), n, asked.at("quotations", **{**given, name: value}))
                for value, n in list(found["kinds"][name].items())[:30]
                if given.get(name) != value
            ],
        )
        for name, title in (
            ("change", "Changes"),
            ("flag", "Flags"),
            ("platform", "Platforms"),
            ("resolution", "Known"),
        )
    ]
    return {
        "shown": [sides.dressed(one) for one in found["quotations"]],
        "narrowed": [(title, values) for title, values in narrowed if values],
        "chosen": [
            (name, value, asked.at("quotations", **{key: one for key, one in given.items() if key != name}))
            for name, value in given.items()
        ],
        "by_verdict": [
            (name, n, asked.at("quotations", **{**given, "verdict": name})) for name, n in found["verdicts"].items()
        ],
        "first_page": asked.at("quotations", **given),
        "next_page": asked.at("quotations", **given, after=found["next"]) if found["next"] else "",
        "offered": {
            "verdict": [(name, name) for name in SEVERITY],
            "change": list(CHANGED.items()),
            "flag": sorted(FLAGS.items(), key=lambda one: one[1]),
            "platform": [(name, name) for name in choice.PLATFORMS],
            "resolution": [(name, name) for name in choice.RESOLUTIONS],
        },
        "meaning": VERDICTS.get(given.get("verdict", ""), ""),
    }


PAGES = (
    Page(
        path="quotations",
        template="archiver_quotations.html",
        gather=gather,
        dress=dress,
        reads=("documents", "mentions", "resolutions", "matches", "posts", "versions", "sources", "captures", "edges"),
        css=("quoting.css",),
    ),
)
