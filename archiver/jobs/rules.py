"""Under which rules the stored readings stand.

Every match row names its rules (`policy`). Mentions have no such column, and a document without a quotation has no
match, so it is remembered from which leaf on captures were read for mentions under which policy.
"""

from __future__ import annotations

from dataclasses import dataclass

from archiver.errors import InputError
from archiver.jobs import before, ruling
from archiver.store.archive import Archive

STATE = "mention_rules"
"""Under this name work remembers a `MentionRules`."""
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRules:
    """Policies of mentions, oldest first, each with the leaf from which on captures were read under it. As text:
    `mentions/1@0 mentions/2@5321`."""

    since: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return " ".join(f"{policy}@{leaf}" for policy, leaf in self.since)

    @classmethod
    def parse(cls, text: str) -> MentionRules:
        """The inverse of `str`. Raises InputError."""
        since: list[tuple[str, int]] = []
        for word in text.split(" "):
            policy, _, leaf = word.rpartition("@")
            canonical = leaf.isascii() and leaf.isdecimal() and leaf == str(int(leaf))
            if not policy or not canonical or (since and int(leaf) < since[-1][1]):
                raise InputError(f"{text!r} does not say since when which rules hold", hint="archiver rebuild")
            since.append((policy, int(leaf)))
        return cls(since=tuple(since))

    def of(self, leaf: int) -> str:
        """The policy under which the capture at this leaf was read."""
        return next((policy for policy, start in reversed(self.since) if start <= leaf), self.since[0][0])

    def then(self, policy: str, leaf: int) -> MentionRules:
        """The same, and this policy from a leaf on."""
        if self.since[-1][0] == policy:
            return self
        kept = tuple(pair for pair in self.since if pair[1] < leaf)
        return MentionRules(since=(*kept, (policy, leaf)))

    @property
    def policies(self) -> frozenset[str]:
        """Every policy under which anything stored may have been read."""
        return frozenset(policy for policy, _ in self.since)


def mentions_of(policy: str) -> str:
    """The part of a match's policy that names the rules of mentions."""
    return policy.partition(" ")[0]


def under(mentions: str) -> str:
    """The present policy for verdicts on mentions that were found under these rules of mentions."""
    return f"{mentions} {ruling.POLICY.partition(' ')[2]}"


def now(archive: Archive, remembered: str, read_upto: str) -> MentionRules:
    """What `STATE` must say from now on: what it says, and the present rules for what will be read."""
    present, unread = mentions_of(ruling.POLICY), int(read_upto or -1) + 1
    if remembered:
        return MentionRules.parse(remembered).then(present, unread)
    found = {mentions_of(row[0]) for row in archive.all("SELECT DISTINCT policy FROM matches")}
    if not unread or found == {present}:
        return MentionRules(since=((present, 0),))
    return MentionRules(since=((UNKNOWN, 0),)).then(present, unread)


def older(archive: Archive) -> dict[str, int]:
    """How many mentions have a verdict under which other rules than the present ones; empty when there are none.

    One look-up where there are none: a row that is settled later gets a higher id than every row that stands, so the
    first row is of the oldest rules.
    """
    first = archive.one("SELECT policy FROM matches ORDER BY id LIMIT 1")
    if first is None or first[0] == ruling.POLICY:
        return {}
    rows = archive.all(
        "SELECT policy, count(*) FROM matches WHERE rank = 0 AND policy <> ? GROUP BY policy ORDER BY policy",
        ruling.POLICY,
    )
    return {str(row[0]): int(row[1]) for row in rows}


def told(older: dict[str, int], verdicts: int, replaced: int) -> list[str]:
    """What a person must know of older rules, in sentences; none when there is nothing to tell. `replaced` mentions
    were judged again under newer rules, and nobody was told what became of them."""
    sentences = []
    if older:
        of = f"{sum(older.values())} verdicts of {verdicts}"
        under = ", ".join(older)
        sentences.append(f"{of} were made under older rules ({under}): `archiver rebuild --matches` judges them again")
    if replaced:
        what = "1 mention was" if replaced == 1 else f"{replaced} mentions were"
        sentences.append(f"{what} judged again under newer rules: `archiver rebuild --matches` tells what differs")
    return sentences


def notes(archive: Archive) -> list[str]:
    """The same sentences of an archive."""
    held = older(archive)
    verdicts = int(str(archive.value("SELECT count(*) FROM matches WHERE rank = 0"))) if held else 0
    return told(held, verdicts, before.kept(archive))
