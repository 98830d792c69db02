"""What the words of a check mean, in plain English: one table for the terminal and for the page."""

from __future__ import annotations

from archiver.jobs.checked import Compared, Difference, Quotation
from archiver.quotes.audit import warnings

VERDICTS = {
    "exact": "The words are those of the post, character by character.",
    "normalised": "The words are those of the whole post; only how it is written differs (shape of quotation marks, "
    "dashes and ellipses, white space, character references, invisible characters, damaged encoding).",
    "same-words": "The words stand in the post without a gap; capitals, punctuation, emoji or links differ.",
    "partial": "The words stand in the post without a gap; the post says more before or after them.",
    "truncated": "The words stand in the post up to where the quotation breaks off, as feeds cut long posts.",
    "elided": "Parts of the post are left out, and the quotation marks each such place with an ellipsis.",
    "bracketed": "The quotation adds or replaces words, and marks them with brackets.",
    "spliced": "No single post says this: the words were put together from several posts.",
    "altered": "The words are not those of the post: words were replaced, added or left out without a mark.",
    "not-found": "No post in the archive holds these words. This says nothing of whether they were ever posted.",
    "not-judged": "Nothing is said of these words, neither for nor against them; the reason stands with them.",
}
"""Verdicts, and what each one says."""

FLAGS = {
    "negation-elided": "what is left out holds a negation",
    "number-elided": "what is left out holds a number",
    "condition-elided": "what is left out holds a condition or a limiting word, such as “if”, “but” or “only”",
    "sentence-joined": "the ellipsis joins words of different sentences",
    "ellipsis-of-the-original": "the post has an ellipsis of its own where the quotation leaves words out",
    "fragments": "only single words and short pieces of the post are quoted",
    "elided-within": "the ellipsis leaves out words of one sentence",
    "clause-elided": "the ellipsis leaves out a part that commas or brackets set apart",
    "bracket-adds": "what stands in brackets is not the author’s",
    "bracket-replaces": "words in brackets stand in place of words of the post",
    "paragraphs-before": "the paragraphs before it in the document belong to the same post, and agree with it",
    "altered-before": "the paragraph before it in the document seems to be of the same post, but differs from it",
    "condition-added": "words in brackets add a condition or a limiting word that the post does not have",
    "dash-lost": "a number lost its dash, as in “3 4” for “3-4”",
    "words-joined": "two words are written as one, as “#TheMill” and “the mill”",
    "diacritics-changed": "a word has other accents than in the post",
    "mid-sentence": "in the post the sentence begins earlier or goes on: read all of it",
    "compound-cut": "in the post the first or last word is part of a longer one, as “hunter” of “Nazi-hunter”",
    "number-at-edge": "a number stands at the edge of the quoted words, and what belongs to it may be cut off",
    "taken-back": "in the post something takes the words back: “NOT!”, “/s”, “Satire:”, a cross, a wink",
    "word-cut": "the last word quoted is cut off in the middle",
    "quoted-in-post": "the post itself cites these words: they may be somebody else’s",
    "under-heading": "in the post the words stand below a line that ends in a colon: read that line",
    "answers-question": "in the post a question stands before the words",
    "comment-follows": "in the post a very short sentence follows, which may be a comment on the words",
    "context-negation": "in the post a negation stands in the sentence of the quoted words, outside them",
    "document-negation": "a negation or a word such as “rumor” stands before the words in the document’s own sentence",
    "context-condition": "in the post a condition (“if”, “unless”) stands directly beside the quoted words",
    "signs-differ": "signs beside the words are other ones: a minus, a currency, “<”, a separator in a number",
    "bidi-override": "characters that turn the direction of writing were added or lost: it may read differently",
    "question-mark": "a question mark was added or lost",
    "quotation-marks-differ": "words stand in quotation marks on one side only",
    "comment-differs": "a sign of doubt or irony was added or lost, such as “(?)” or “(!)”",
    "emoticon-differs": "an emoticon was added, lost or changed, such as “:)”",
    "mark-lost": "a name lost or got its “@”",
    "left-out-within": "an emoji or a link within a sentence or beside a number was left out: it may stand for a word",
    "punctuation-turns": "a stop moved, or punctuation differs beside a negation: the words may say something else",
    "punctuation-within": "commas, stops or other punctuation between the words differ",
    "case-within": "capitals within sentences differ",
    "case-changes-word": "a word stands in capitals on one side only, which may be another word, as “us” and “US”",
    "letters-differ": "a word is spelt in another way that counts as the same, as “ß” and “ss”",
    "vowel-points": "vowel points were added or lost",
    "number-form": "thousands are written in another way, as “1,000” and “1000”",
    "apostrophe-lost": "a word lost its apostrophe, which may make another word of it, as of “we’ll”",
    "apostrophe-added": "a word has an apostrophe that the post does not have, which may make another word of it",
    "links-differ": "a link was added, or a shortened one stands for another; where it leads is not known",
    "repost-mark": "“RT @name” or “@name:” stands before the words; whether they are that author’s is not known",
    "start-guessed": "where the quotation begins in the text is a guess",
    "negation-changed": "a negation is among the changed words",
    "number-changed": "a number is among the changed words",
    "wording-differs": "two reports of one speech differ; which one is right cannot be told from text",
    "author-differs": "the signature names another author than the post has",
    "day-differs": "the signature names another day than the post has",
    "copy": "the words were compared with a copy of the post on another server, not with the author’s own server",
}
"""What a reader must be told beside the verdict: warnings, and notes on how the words are quoted."""

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
