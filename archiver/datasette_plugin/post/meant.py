"""Which thing an address means: a ref, the address of a post as a platform writes it, or another name of either."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import unquote

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import InputError, PageError
from archiver.jobs.show import find
from archiver.model import POST_KINDS, Ref

LONGEST = 8000
"""Characters of an address."""
NAMES = 200
"""How many names of one thing are looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A thing under its canonical ref. `asked` is how the reader called it, `aliases` are its other names; `keys` is a
    JSON list of the local keys of all of them, `main` the key whose row of `posts` is shown (None where there is none).
    """

    ref: Ref
    asked: str
    aliases: tuple[str, ...]
    keys: str
    main: int | None

    @property
    def is_post(self) -> bool:
        return self.main is not None or self.ref.kind in POST_KINDS

    def plain(self) -> Row:
        """As JSON says it."""
        return {"ref": str(self.ref), "asked": self.asked, "aliases": list(self.aliases)}


def meant(reader: Reader, asked: Asked) -> Meant:
    """What the address of the page, or its argument `url`, means. PageError when this archive has never met it."""
    given = asked.parts.get("ref") or asked.get("url")
    if not given:
        raise PageError(400, "no post is named", hint="Give its ref or its address: post/x:post:20, post?url=https://…")
    if len(given) > LONGEST:
        raise PageError(404, f"no address here has {len(given):,} characters", hint="Correct the address")
    ref = _found(reader, asked, given)
    names = reader.rows(
        "The other names of this",
        """
        WITH RECURSIVE held(id) AS (
          SELECT id FROM refs WHERE ref = :ref
          UNION SELECT a.alias FROM held JOIN aliases a ON a.ref = held.id LIMIT :most
        )
        SELECT r.id, r.ref FROM held JOIN refs r ON r.id = held.id ORDER BY r.ref <> :ref, r.ref
        """,
        ref=str(ref),
        most=NAMES,
    )
    keys = json.dumps([row["id"] for row in names])
    main = reader.value(
        "Under which of them it was read",
        "SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(:keys)) ORDER BY id <> :first, id LIMIT 1",
        keys=keys,
        first=names[0]["id"] if names else 0,
    )
    aliases = tuple(row["ref"] for row in names if row["ref"] != str(ref))
    return Meant(ref=ref, asked=given, aliases=aliases, keys=keys, main=main)


def _found(reader: Reader, asked: Asked, given: str) -> Ref:
    try:
        return find(reader.archive, given)
    except InputError as error:
        decoded = unquote(given)  # as a browser writes what was pasted behind the slash
        if decoded != given:
            try:
                return find(reader.archive, decoded)
            except InputError:
                pass
        hint = f"{error.hint}. Where it should be here: search for its words, or for its author"
        links = ((asked.at("search", q=given[:200]), "Search this archive for it"),)
        raise PageError(404, error.message, hint=hint, links=links) from None
