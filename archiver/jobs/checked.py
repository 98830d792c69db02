"""What `archiver check` found: plain values that a terminal, JSON and HTML show alike."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.model import VerdictKind
from archiver.quotes import shingles

UNFAITHFUL = (VerdictKind.ALTERED.value, VerdictKind.SPLICED.value)
"""Verdicts that a pre-publication check stops at: no post says what the quotation makes it say."""
SPEECH, AUTHOR_DIFFERS = "speech", "author-differs"
TELLING = 8
"""So many words together tell whose they are: fewer may stand in posts of many people that were not captured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A stretch of the file as it was given: lines and columns from 1, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}-{self.end_line}:{self.end_column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A change between quotation and original. The ranges count code points of `Quotation.words` and `Compared.text`;
    `where` is the changed place in the file."""

    op: str
    quoted: str
    original: str
    quoted_start: int
    quoted_end: int
    original_start: int
    original_end: int
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One post version with the verdict of the words against it. `text` is the version as captured, `current` whether
    the post, as last seen, still reads so; `repeats` names the earlier post that this one (nearly) repeats."""

    verdict: str
    standard: str
    faithful: bool
    found_by: str
    post: str
    address: str = ""
    handle: str = ""
    name: str = ""
    posted_at: str = ""
    text: str = ""
    current: bool = True
    outcome: str = ""
    outcome_at: str = ""
    first_seen: str = ""
    capture: str = ""
    version: str = ""
    quoted_start: int = 0
    quoted_end: int = 0
    original_start: int = 0
    original_end: int = 0
    steps: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    repeats: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An archived document or post that holds a run of at least eight of the words."""

    ref: str
    name: str
    words: int
    claimed_at: str
    first_seen: str
    verdict: str
    standard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """One quotation of the file. `verdict` and `standard` are those of the first of `compared`; `post` is what it
    stands for, with `status`, `how` and `reason` as `archiver show` gives them. `source` says where else the words
    occur in the archive, empty where a post was found."""

    passage: str
    kind: str
    markup: str
    where: Where
    words: str
    handle: str
    name: str
    day: str
    url: str
    status: str
    how: str
    post: str
    reason: str
    verdict: str
    standard: str
    compared: tuple[Compared, ...] = ()
    source: str = ""
    occurrences: tuple[Occurrence, ...] = ()

    @property
    def misattributed(self) -> bool:
        """Whether it names an author, and the words stand only in posts of others: in the post whose address it gives,
        or, without an address, at least `TELLING` words that no captured post of the named author holds. Spoken words,
        copies on another server and reposts (whose names are two people's) are told with a flag alone."""
        faithful = [one for one in self.compared if one.faithful]
        if not faithful or self.standard == SPEECH or ":repost:" in self.post:
            return False
        others = all(AUTHOR_DIFFERS in one.flags and not _of_two(one) for one in faithful)
        named = any(one.found_by == "target" for one in faithful)
        return bool(self.handle) and others and (named or len(shingles.words(self.words)) >= TELLING)


def _of_two(compared: Compared) -> bool:
    """Whether a post is shown under another name than its author's: by another server, or as somebody's repost."""
    return "copy" in compared.flags or "repost-mark" in compared.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A post that holds a phrase word by word."""

    post: str
    handle: str
    posted_at: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words in quotation marks that are too few to be a passage (three to seven), and the posts where they stand
    together, the earliest claimed time first. Such words prove nothing of where they come from."""

    where: Where
    words: str
    posts: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDocument:
    """One file. `mentions` counts all places that refer to posts, quoting or not; `notes` are parts that could not be
    read and damaged text; `phrases` are only those that stand in an archived post."""

    name: str
    ref: str
    media_type: str
    encoding: str
    characters: int
    mentions: int
    notes: tuple[str, ...]
    quotations: tuple[Quotation, ...]
    phrases: tuple[Phrase, ...] = ()


@dataclass(slots=True, kw_only=True)
class Report:
    """What was compared with what: `posts` and `documents` of the archive as of its capture at `cutoff`, under the
    rules that `policy` names. `counts` are quotations by verdict; `problems` files that could not be checked."""

    archive: str
    posts: int
    documents: int
    cutoff: str
    policy: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    checked: list[CheckedDocument] = field(default_factory=list)

    @property
    def unfaithful(self) -> bool:
        """Whether a quotation was altered or put together from several posts."""
        return any(self.counts.get(verdict) for verdict in UNFAITHFUL)

    @property
    def misattributed(self) -> bool:
        """Whether words were found only under another author's name than the one given."""
        return any(quotation.misattributed for document in self.checked for quotation in document.quotations)
