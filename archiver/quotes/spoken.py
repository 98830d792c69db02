"""What two transcribers of one speech write differently: notes, fillers, words broken off and words begun again.

Only what is sure to say nothing is found here, for whoever sets it aside says that nothing was lost. The words are
English ones.
"""

from __future__ import annotations

import re

_NOTED = (
    "applause|laughter|laughs?|laughing|chuckles?|"
    "cheers|cheering|boos?|booing|pause|silence|sighs?|coughs?|music|ph|phonetic"
)
NOTES = re.compile(rf"[\[(](?:{_NOTED})(?:(?:,| and|;) (?:{_NOTED}))*\.?[\])]", re.I)
# What says that words were spoken there which nobody heard.
UNHEARD = re.compile(
    r"[\[(][^\[\]()]{0,40}(?:inaudible|unintelligible|indistinct|unclear|crosstalk|cross[ -]talk|overlapping|garbled)"
    r"[^\[\]()]{0,40}[\])]",
    re.I,
)
# In capitals they are names ("ER"); "uh-huh", "mm-hmm" and "uh uh" say yes or no.
FILLERS = re.compile(
    r"(?<![\w'’-])(?:[Uu]h+(?![\s,]{1,3}(?:[Uu]h|huh))|(?:[Uu]m+|[Ee]rm*|[Aa]h+|[Hh]mm+)(?=\s*(?:[,…–—]|\.\.\.)))(?![\w'’-])"
    r"(?:,|\.\.\.|…)?"
    r"|(?:(?<=[,;.!?…–—-])|^)\s*[Yy]ou know(?=\s*[,–—…])[,–—…]?",
)
_UNSURE_UH = re.compile(r"[Uu]h+[\s,]{1,3}$")
# "What I saw, you know, and ..." and "if you ask, you know, ...": here it may be the verb of the sentence.
_CLAUSE_BEFORE = re.compile(
    r"(?:[.!?…\n]\s*|^\s*)(?:(?:and|but|so|or)\s)?(?:(?:what|who|whom|whose|why|how|where|when|which|whether|if|as|"
    r"once|since|because|after|before|although|though|until|unless|while|all)\b[^.!?…\n]*|(?:that|this|these|those|it|him|"
    r"her|them)\W*)$",
    re.I,
)
_CLAUSE_AFTER = re.compile(
    r"\W{0,3}(?:and|but|or|nor|because|that|what|who|why|how|where|when|already|too|well)\b", re.I
)
_CLAUSE = 200  # code points before "you know" that are looked at
# A hyphen at the end of a line breaks a word of its own.
FALSE_STARTS = re.compile(r"(?<![\w'’-])([A-Za-z]{1,3})(?:-{1,2}|–|—)[^\S\n\r]+(?=(?i:\1)[a-z])")
_SHORT = """
ad ag ah ai al am an as at aw ax ay be bi by co de do ed eh el em en er es et eu ex fa go ha he hi ho id if il im in
ir is it je ja jo la li lo ma me mi mu my na ne no nu of oh ok on op or os ow ox oy pa pe pi po re se si so ta te ti
to tu uh um un up us we wo ya ye yo
mr mrs ms dr st nd rd tv pm mp mps mph km kg cm mm ft hr vs pc phd ltd nth hmm shh pst brr tsk psst
"""
# English words and prefixes of two letters, and common ones of other languages; then words without a vowel.
_SHORT_WORDS = frozenset(_SHORT.split())
_CANNOT_END = (
    r"(?:the|a|and|or|our|their|its|your"
    r"|(?:i|we|you|they|he|she|it|that|there)['’](?:m|re|ve|ll|d|s))"
)
_SMALL_WORDS = (
    r"(?:of|in|on|at|to|for|from|with|by|about|into|if|that|is|are|was|were|am|be|been|has|have|will|would|i|we|you|he"
    r"|she|it|they|this|there|the|a|and|or|but|because|so|our|their|its|your|my)"
)
_SUBJECTS = (
    r"(?:(?:i|we|they|he|she)|(?:i|we|they|he|she|it|you|this|there)\s"
    r"(?:will|would|can|could|should|shall|may|might|must|am|are|is|was|were|have|has|do|does|did))"
)
STUTTERS = re.compile(
    rf"(?<![\w'’-])(?:((?:{_SMALL_WORDS} ){{0,2}}{_CANNOT_END})|({_SUBJECTS}))"
    r"(?:\s*(?:,|-{1,2}|–|—|\.\.\.|…))?\s+(?=(\1|\2)(?![\w'’-]|\s+(?:not?|never)(?!\w)))",
    re.I,
)
# What stands before a subject that begins a clause: elsewhere it may end one ("older than I, I think").
_CLAUSE_START = re.compile(r"(?:[.!?;:,…\"“(—–]|\A|(?:[.!?…]\s*|\A)(?:and|but|so|well))\s*\Z", re.I)
_CLAUSE_WORD = re.compile(r"(?<!\w)(?:that|because|if|when|what|where|how|why|which)\s*\Z", re.I)


def without_filler(match: re.Match[str]) -> str:
    """A space for a filler, or the match where it may be an answer or the verb of a sentence."""
    text, start, end = match.string, match.start(), match.end()
    if match.group().rstrip(",.…–—")[-4:].casefold() == "know":
        clause = _CLAUSE_BEFORE.search(text[max(0, start - _CLAUSE) : start]) or _CLAUSE_AFTER.match(text, end)
        return match.group() if clause else " "
    return match.group() if _UNSURE_UH.search(text[max(0, start - 8) : start]) else " "


def begun_again(match: re.Match[str]) -> str:
    """Nothing for a piece that can be no word: without a vowel, or of two letters that are none, and no name."""
    piece = match[1]
    plain = piece.casefold()
    vowel = any(char in "aeiouy" for char in plain)
    if plain in _SHORT_WORDS or (vowel and len(piece) != 2):
        return match.group()
    if piece.islower():
        return ""
    # A capital in the middle of a sentence, or before another, may be a name: "Bo— Bob", "vitamin D— doctors".
    again, begins = match.string.startswith(piece, match.end()), _begins(match)
    sure = (begins and not again) if vowel else (begins or (again and len(piece) > 1))
    return "" if sure and not piece[1:].isupper() else match.group()


def said_once(match: re.Match[str]) -> str:
    """Nothing for the first of two sayings that are alike to the letter, but for the capital of a sentence."""
    first, second = match[1] or match[2], match[3]
    if first != second and not (first[1:] == second[1:] and _begins(match)):
        return match.group()
    if match[2]:
        before = match.string[max(0, match.start() - 16) : match.start()]
        cut = "x" if match.start() > 16 else ""
        if not _CLAUSE_START.search(cut + before) and (" " in first or not _CLAUSE_WORD.search(cut + before)):
            return match.group()
    return ""


def _begins(match: re.Match[str]) -> bool:
    """Whether a match begins a sentence, as far as its text shows."""
    before = match.string[max(0, match.start() - 8) : match.start()].rstrip(" \n\r\t\"'“‘(")
    return not before or before[-1] in ".!?…:"
