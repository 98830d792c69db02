"""How long media are kept, and how they are shown, by seed or collection: `[retention."NAME"]` of the configuration.

`media = "blur"` has the reading room show what documents of the seed refer to only when somebody asks; the next run
writes the decision into the log. `media = "drop"` with `days` lets `archiver retain --yes` erase media files so many
days after their first capture: bytes go, hashes and proofs stay, and an erase leaf names the policy. A file that
another seed leads to stays until that one lets it go, too. A run only announces what is due: neither a clock that is
wrong for a while nor a line in a configuration may destroy evidence by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What happens to the media that documents of a seed or collection lead to. `days` counts from the first capture of
    a file; 0 for what is never dropped."""

    name: str
    blur: bool = False
    days: int = 0


def parse(place: str, table: object) -> tuple[Policy, ...]:
    """The policies of `[retention]`, in their order. InputError names the table and key that is wrong."""
    if not isinstance(table, dict):
        raise InputError("retention must be a table", place=place, hint='Write [retention."NAME"] above its keys')
    return tuple(_policy(place, str(name), given) for name, given in table.items())


def _policy(place: str, name: str, given: object) -> Policy:
    where = f'[retention."{name}"]'
    if not isinstance(given, dict) or not name:
        raise InputError(f"{where} must be a table", place=place, hint=f'Write {where} above media = "blur"')
    unknown = sorted(set(given) - {"media", "days", "blur"})
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r} in {where}", place=place, hint="Known are media, days, blur")
    media, days, blur = given.get("media", "keep"), given.get("days"), given.get("blur", False)
    if media not in ("keep", "blur", "drop"):
        raise InputError(f'\'media\' in {where} must be "keep", "blur" or "drop"', place=place)
    if not isinstance(blur, bool):
        raise InputError(f"'blur' in {where} must be true or false", place=place)
    if media != "drop" and days is not None:
        raise InputError(f"'days' in {where} goes with media = \"drop\"", place=place)
    if media == "drop" and (isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36_500):
        raise InputError(f"'days' in {where} must be a number of days from 1 to 36500", place=place)
    return Policy(name=name, blur=blur or media == "blur", days=days if isinstance(days, int) else 0)
