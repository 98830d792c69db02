"""Whether a document says of words in quotation marks that they were spoken: speech is held to its own standard."""

from __future__ import annotations

import re

_SAYING = (
    "said says say saying told tells added adds stated states explained asked replied recalled insisted warned noted "
    "announced argued continued concluded declared admitted remarked testified sagte sagt erklärte betonte meinte "
    "déclaré dit affirmé expliqué ajouté dijo afirmó declaró añadió explicó disse afirmou detto dichiarato spiegato "
    "сказал сказала заявил заявила отметил отметила добавил сказав заявив powiedział powiedziała zei sade"
)
_WRITING = (
    "wrote writes posted posts tweeted tweets retweeted schrieb schreibt twitterte écrit tweeté escribió tuiteó "
    "scritto scrive twittato escreveu tuitou написал написала пишет napisał napisała pisze schreef skrev"
)
_VERBS, _ATTRIBUTING = frozenset(_SAYING.split()), frozenset(f"{_SAYING} {_WRITING}".split())
_WORD = re.compile(r"\w+")
_ASIDE = re.compile(r"[\s,.—–-]{0,4}")
_NAME = re.compile(r"[\w.’'-]+")
_SENTENCE_END = re.compile(r"[.!?]")
# "said on X", "said in a post", an address or a handle beside it: these are written words, whatever the verb.
_PLACES = (
    "tweet tweets tweeted tweeting retweet retweets retweeted retweeting post posts posted posting wrote writes "
    "written thread Twitter Bluesky Mastodon Facebook Threads Instagram Telegram"
)
_WRITTEN = frozenset(_PLACES.split())
_ADDRESSED = re.compile(r"\bon X\b|\bTruth Social\b|(?<!\w)@\w|https?://")
_ADDRESSING = ("on X", "Truth Social", "@", "://")
_SENTENCE = re.compile(r"[.!?][\s\"”]+(?=[A-Z])")
_ABBREVIATED = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Gen|Prof|Rev|Lt|Col|Sgt|Jr|Sr|Mme|Hr|Fr)\.")
_STOPS = re.compile(r"[.!?;:…\n\r]")
_LONGEST_ASIDE = 120  # code points of an attribution between two parts of a statement


def said(before: str, behind: str) -> bool:
    """Whether a verb of saying stands beside words in quotation marks, given the lines before and behind them."""
    return _said_behind(behind) or _said_before(before)


def written(before: str, behind: str) -> bool:
    """Whether the sentence around the marks says that the words were written."""
    beside = f"{_SENTENCE.split(before)[-1]}\n{_SENTENCE.split(behind)[0]}"
    if not _WRITTEN.isdisjoint(_WORD.findall(beside)):
        return True
    return any(sign in beside for sign in _ADDRESSING) and _ADDRESSED.search(beside) is not None


def continues(between: str, following: str) -> bool:
    """Whether words in quotation marks go on behind an attribution (“We will go,” she wrote, “and we will win”): what
    stands between is one verb of saying or writing in the same sentence, and the next part begins without a capital."""
    if not 2 <= len(between) <= _LONGEST_ASIDE:
        return False
    if _STOPS.search(_ABBREVIATED.sub("", between)):
        return False
    verbs = sum(word in _ATTRIBUTING for word in _WORD.findall(between.lower()))
    first = _WORD.search(following)
    return verbs == 1 and first is not None and (first[0] == "I" or not first[0][0].isupper())


def _said_behind(text: str) -> bool:
    """A verb after at most five words of a name: “…,” Ann Lee of the council said."""
    aside = _ASIDE.match(text)
    start = aside.end() if aside else 0
    for token in text[start:].split(" ", 6)[:6]:
        head = _WORD.match(token)
        if head and head[0].lower() in _VERBS:
            return True
        if not _NAME.fullmatch(token):
            return False
    return False


def _said_before(text: str) -> bool:
    """A verb in the last 60 characters, in the sentence that the marks stand in: Ann Lee told us on Monday: “…”."""
    tail = _SENTENCE_END.split(text)[-1]
    for word in reversed(list(_WORD.finditer(tail))):
        if word[0].lower() in _VERBS:
            rest = tail[word.end() :]
            rest = rest[:-1] if len(rest) > 60 and rest[-1].isspace() else rest
            return len(rest.removesuffix(":").removesuffix(",") if len(rest) > 60 else rest) <= 60
    return False
