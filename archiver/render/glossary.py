"""What the words of a check mean, in plain English: one table for the terminal and for the page."""

from __future__ import annotations

from archiver.jobs.checked import Compared, Difference, Quotation
from archiver.quotes.audit import warnings
from archiver.quotes.meaning import FLAGS

STEPS = {
    "html-entities": "HTML character references",
    "nfc": "composed and decomposed letters",
    "invisible": "invisible characters",
    "ellipsis": "shape of ellipses",
    "quotes": "typographic quotes",
    "dashes": "shape of dashes",
    "white-space": "white space",
    "links": "links",
    "emoji": "emoji",
    "letter-forms": "letter forms (full-width, mathematical, ligatures, digits of another script)",
    "points": "vowel points and Greek accents",
    "number-groups": "separators of thousands",
    "marks": "@ and # before words",
    "ampersand": "“&” for “and”",
    "apostrophes": "apostrophes",
    "case": "capitals",
    "punctuation": "punctuation",
    "word-breaks": "where words break",
    "interjections": "what a transcriber noted, such as [applause]",
    "fillers": "fillers, such as “uh” and “you know”",
    "false-starts": "words that were broken off and begun again",
    "stutters": "words that were said twice",
    "contractions": "contractions, such as “we’re” for “we are”",
    "number-words": "numbers in words or figures",
    "repost-mark": "“RT @name” before the words",
}
"""Differences in writing that were evened out before the words agreed."""

OUTCOMES = {
    "live": "the platform shows the post",
    "deleted": "the post is deleted",
    "suspended": "the author’s account is suspended",
    "protected": "the author shows the post to followers only",
    "withheld": "the platform withholds the post in some places",
    "age-gated": "the platform shows the post to adults only",
    "login-required": "the platform shows the post only to people who are logged in",
    "not-found": "the platform says that it does not find the post, which does not say that it was deleted",
    "unavailable": "the platform does not show the post and does not say why",
    "rate-limited": "the platform had too many requests to answer",
    "refused": "the server refused to answer",
    "blocked": "the address was not asked, by our own rules",
    "too-large": "the answer was too large to keep",
    "truncated": "the answer broke off",
    "unreachable": "the server could not be reached",
    "unreadable": "the answer could not be read",
    "unknown": "what became of the post is not known",
}
"""What the platform last said of a post: from its own signals, never from words in a page."""

STANDARDS = {
    "text": "held to the standard for written words: no letter of a word may change",
    "speech": "held to the standard for speech: spoken words have no letter, so they are never called altered",
}

KINDS = {
    "embed": "embedded post",
    "permalink": "quotation with an address",
    "short-link": "quotation with a short link",
    "media-link": "quotation with the link of a medium",
    "signed-quotation": "quotation",
    "passage": "passage",
}

FOUND_BY = {
    "target": "the post that the quotation names, or that a person named for it",
    "signature": "the author and day that the quotation is signed with",
    "words": "its words",
}


def step(name: str) -> str:
    """A normalisation step in plain words; an unknown one as it is."""
    if name.startswith("encoding:"):
        return f"damaged encoding (UTF-8 read as {name.removeprefix('encoding:')})"
    return STEPS.get(name, name)


def warning(name: str) -> str:
    """A flag in plain words; an unknown one as it is."""
    return FLAGS.get(name, name)


def fate(compared: Compared) -> str:
    """What became of the post, as `outcome_at` says when that was seen; empty while it is live."""
    if compared.outcome in ("", "live"):
        return ""
    return OUTCOMES.get(compared.outcome, f"the outcome of the post is {compared.outcome}")


UNMARKED = ("replaced", "added", "removed")
"""Changes that a quotation does not own up to; the others, elided and bracketed, are marked by its author."""


def sentence(change: Difference) -> tuple[tuple[str, str], ...]:
    """What a change did, as pieces of (whose, words): "" is ours, "quoted" and "original" are theirs."""
    quoted, original = ("quoted", change.quoted), ("original", change.original)
    match change.op:
        case "replaced":
            return ("", "says “"), quoted, ("", "” where the post says “"), original, ("", "”")
        case "added":
            return ("", "adds “"), quoted, ("", "”")
        case "removed":
            return ("", "leaves out “"), original, ("", "”")
        case "elided":
            return ("", "“"), quoted, ("", "” stands for “"), original, ("", "”")
        case "bracketed" if change.original:
            return ("", "“"), quoted, ("", "” stands in place of “"), original, ("", "”")
        case "bracketed":
            return ("", "inserts “"), quoted, ("", "”")
    return ("", f"{change.op}: “"), quoted, ("", "” and “"), original, ("", "”")


def warned(quotation: Quotation) -> tuple[str, ...]:
    """What the verdict that leads warns of; notes on how the words are quoted are no warnings."""
    return warns(quotation.compared[0]) if quotation.compared else ()


def warns(compared: Compared) -> tuple[str, ...]:
    """The flags of one comparison that warn."""
    return warnings(compared.flags)


def account(handle: str) -> str:
    """A handle with one sign before it."""
    return f"@{handle.removeprefix('@')}" if handle else ""


def parts(quotation: Quotation) -> tuple[Compared, ...]:
    """The posts that a spliced quotation was put together from, in its order."""
    return tuple(one for one in quotation.compared if one.verdict == "spliced")
