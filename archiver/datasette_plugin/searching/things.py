"""A pasted address or ref leads to the thing itself, and a handle to its accounts."""

from __future__ import annotations

import re

from archiver.datasette_plugin.page import Asked
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import InputError
from archiver.jobs.aliases import canonical
from archiver.jobs.show import find
from archiver.model import Ref
from archiver.platforms import claim

_HANDLE = re.compile(r"@?[\w.-]{1,100}(?:@[\w.-]{1,150})?")
ACCOUNTS = 5


def meant(reader: Reader, asked: Asked, typed: str) -> Row | None:
    """What an address, a ref or the name of a seed stands for. None for words. `state` is `here`, `named` (something
    refers to it, and it was never captured) or `unknown`."""
    if not typed or len(typed) > 2000 or any(char.isspace() or char == "\0" for char in typed):
        return None
    looks = "://" in typed or re.fullmatch(r"[a-z0-9-]+:[a-z-]+:.+", typed) is not None or typed.startswith("www.")
    try:
        ref: Ref | None = find(reader.archive, typed)
    except InputError:
        ref = None
    if ref is not None:
        text = str(ref)
        held = reader.value(
            "Whether it was captured",
            "SELECT EXISTS (SELECT 1 FROM captures WHERE ref = :ref) OR EXISTS (SELECT 1 FROM refs r "
            "WHERE r.ref = :ref AND (r.id IN (SELECT id FROM posts) OR r.id IN (SELECT id FROM accounts) "
            "OR r.id IN (SELECT id FROM documents)))",
            ref=text,
        )
        return {"state": "here" if held else "named", "ref": text, "url": asked.at.ref(text), "typed": typed}
    if not looks:
        return None
    known = _claimed(typed)
    return {
        "state": "unknown",
        "ref": "" if known is None else str(canonical(reader.archive, known)),
        "url": "",
        "typed": typed,
    }


def _claimed(typed: str) -> Ref | None:
    if "://" in typed or typed.startswith("www."):
        return claim(typed)
    try:
        return Ref.parse(typed)
    except InputError:
        return None


def accounts(reader: Reader, asked: Asked, typed: str) -> list[Row]:
    """Accounts that were ever seen with a handle, where one word was typed."""
    if not _HANDLE.fullmatch(typed):
        return []
    rows = reader.rows(
        "Accounts that had this handle",
        "SELECT DISTINCT r.ref, n.handle, n.name, a.platform FROM account_names n JOIN accounts a ON a.id = n.account "
        "JOIN refs r ON r.id = a.id WHERE n.handle IN (:handle, '@' || :handle) ORDER BY r.ref, n.name LIMIT 20",
        handle=typed.removeprefix("@"),
    )
    found = {row["ref"]: row | {"url": asked.at.ref(row["ref"])} for row in reversed(rows)}
    return list(reversed(found.values()))[:ACCOUNTS]
