"""Documents, mentions and verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.model.reading import Unread
from archiver.model.words import MentionKind, Ref, Span, VerdictKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the source map: `text` was rendered from `source`. Equal lengths map point to point,
    unequal ones (a character reference, collapsed white space) map whole to whole."""

    text: Span
    source: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address in a document. `text` covers the words that carry it (empty for markup without words)."""

    url: str
    text: Span
    source: Span
    role: str = "a"
    ref: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A plan that undoes damaged encoding in one place; nothing is changed in place. `steps` are pairs of what is
    done (`encode`, `decode`, `transcode` or `apply`) and by what, in ftfy's words, replayed in order on the text of
    `span`, giving `after`."""

    span: Span
    steps: tuple[tuple[str, str], ...]
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a seed or captured page reads as. `source` is the decoded source, `text` its rendering, `runs` map between.

    `sha256` is of the source bytes; `ref` is `doc:document:SHA256`. `encoding` is the codec used and
    `encoding_from` what decided it (bom, http, meta, utf-8, detected). For feeds and address lists, `links`
    with role `entry` or `address` are what the document asks to be looked at.
    """

    ref: Ref
    sha256: str
    media_type: str
    encoding: str
    encoding_from: str
    text: str
    source: str
    runs: tuple[Run, ...] = ()
    links: tuple[Link, ...] = ()
    repairs: tuple[Repair, ...] = ()
    title: str = ""
    lang: str = ""
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A place in a document that refers to a post or quotes words. Its ref is `doc:passage:SHA256:START-END`.

    `text` and `source` are the whole place; `quote` the quoted words alone (None where nothing is quoted).
    `target` is the ref that the place itself names, None where it names none. `day` is the UTC day that a
    signature claims (YYYY-MM-DD, empty where there is none; `dated` is the date as written, `day_zone` is `utc`
    or `local` as the platform's embeds are known to be). `markup` names the form that was recognised.
    """

    kind: MentionKind
    text: Span
    source: Span
    quote: Span | None = None
    platform: str = ""
    target: Ref | None = None
    url: str = ""
    handle: str = ""
    name: str = ""
    day: str = ""
    dated: str = ""
    day_zone: str = ""
    markup: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A difference between quotation and original: `op` is replaced, added, removed, elided or bracketed.
    Spans point into the quotation and the original as given (empty spans mark the place of what is missing)."""

    op: str
    quoted: str
    original: str
    quoted_span: Span
    original_span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one quotation against one original. `steps` are the normalisations that were needed, in order;
    `omitted` the kinds of non-text left out (emoji, links, media); `flags` what a reader must be warned of
    (`negation-elided`, `number-elided`, …). `quoted_span` and `original_span` are what was aligned;
    `score` is the share of the quotation's words found in order, 0 to 1: it never decides. `standard` names what the
    words were held to: `text`, or `speech` where neither side claims to be the letter of what was said."""

    kind: VerdictKind
    standard: str = "text"
    steps: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    omitted: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    quoted_span: Span | None = None
    original_span: Span | None = None
    score: float = 0.0
    reason: str = ""
