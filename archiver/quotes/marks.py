"""Emoji and links between the words of a quotation, beside those of the original. What is left out is named;
what is added or replaced makes another text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from archiver.quotes import audit
from archiver.quotes.align import Segment
from archiver.quotes.normal import SHORT_HOSTS
from archiver.quotes.tokens import Mark, Tokens

_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")
_MOST_LINKS = 500  # links in one place that a cut one is compared with
_STATUS = re.compile(r"(?:mobile\.)?(?:twitter|x)\.com/\w+/status/\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """`omitted`: the kinds of non-text left out of the comparison (emoji, links, media). `added`: marks of the
    quotation that the original does not hold there, each with the number of original words before it. `flags`:
    `links-differ` where a short link stands for another link, `negation-elided` where an emoji such as ❌ is gone,
    `taken-back` where one such as 🙄 is,
    `left-out-within` where emoji or links stood within a sentence."""

    omitted: frozenset[str]
    flags: tuple[str, ...]
    added: tuple[tuple[Mark, int], ...]


def compare(quote: Tokens, held: Tokens, segments: Sequence[Segment], starts: Sequence[int], whole: bool) -> Compared:
    """Emoji and links of the placed segments. `whole`: the segments cover all words of the original."""
    ours = [mark for mark in quote.marks if mark.kind in ("emoji", "link")]
    theirs = [mark for mark in held.marks if mark.kind in ("emoji", "link")]
    if not ours and not theirs:
        return Compared(omitted=frozenset(), flags=(), added=())
    firsts = [segment.start for segment in segments]
    omitted: set[str] = set()
    added: list[tuple[Mark, int]] = []
    matched: set[int] = set()
    differ = negated = winked = within = False
    dotted = {mark.place for mark in quote.marks if mark.kind == "ellipsis"}
    cut = {mark.start for mark in quote.marks if mark.kind == "ellipsis"}
    for kind in ("emoji", "link"):
        candidates = [n for n, mark in enumerate(theirs) if mark.kind == kind]
        at = 0
        there = _places(theirs, candidates, kind)
        for mark in ours:
            if mark.kind != kind or mark.place < firsts[0] or (mark.place == firsts[0] > 0):
                continue
            low, high = _range(mark.place, segments, starts, firsts)
            while at < len(candidates) and theirs[candidates[at]].place < low:
                at += 1
            equal = there.get(_plain(mark.text) if kind == "link" else mark.text, [])
            n = bisect_left(equal, at)
            here = equal[n] if n < len(equal) and theirs[candidates[equal[n]]].place <= high else -1
            if here < 0 and kind == "emoji" and at < len(candidates):
                # A lost skin tone is a lost bit of non-text.
                other = theirs[candidates[at]]
                if other.place <= high and _TONE.search(other.text) and _TONE.sub("", other.text) == mark.text:
                    here = at
                    omitted.add("emoji")
            if here < 0 and kind == "link" and mark.end in cut:
                reached = range(at, min(len(candidates), at + _MOST_LINKS))
                near = (n for n in reached if theirs[candidates[n]].place <= high)
                here = next((n for n in near if same(mark.text, theirs[candidates[n]].text, True)), -1)
                if here < 0:
                    equal = [n for n in reached if same(mark.text, theirs[candidates[n]].text, True)]
            if here >= 0:
                matched.add(candidates[here])
                at = here + 1
            elif kind == "link" and any(n >= at for n in equal):
                # The original's own link, but with words before it that the quotation does not have.
                added.append((mark, low))
            elif kind == "link" and opaque(mark.text):
                # The address of a medium is added by whoever shows the post; any other may lead elsewhere.
                medium = mark.text.lower().startswith("pic.")
                another = at < len(candidates) and low <= theirs[candidates[at]].place <= high
                another = another and theirs[candidates[at]].text.lower().startswith("pic.")
                differ = differ or (mark.place not in dotted and (not medium or another))
                omitted.add("media" if medium else "links")
            elif (
                kind == "link"
                and at < len(candidates)
                and low <= theirs[candidates[at]].place <= high
                and opaque(theirs[candidates[at]].text)
            ):
                differ = True
                omitted.add("links")
                matched.add(candidates[at])
                at += 1
            else:
                added.append((mark, low))
    end = starts[-1] + segments[-1].end - segments[-1].start
    joints = [
        (at + left.end - left.start, following)
        for left, at, right, following in zip(segments, starts, segments[1:], starts[1:], strict=False)
        if right.loose
    ]
    lows = [low for low, _ in joints]
    for n, mark in enumerate(theirs):
        joint = bisect_right(lows, mark.place) - 1
        if n in matched or (joint >= 0 and mark.place <= joints[joint][1]):
            continue
        if starts[0] < mark.place < end or (whole and starts[0] <= mark.place <= end):
            omitted.add("emoji" if mark.kind == "emoji" else "links")
            negated = negated or mark.text[0] in audit.NEGATING_EMOJI
            within = within or _within(held, mark)
            winked = winked or mark.text[0] in audit.TURNING_EMOJI - audit.NEGATING_EMOJI
    flags = (
        ("links-differ", differ), ("negation-elided", negated), ("taken-back", winked), ("left-out-within", within)
    )  # fmt: skip
    return Compared(omitted=frozenset(omitted), flags=tuple(flag for flag, hit in flags if hit), added=tuple(added))


def _within(held: Tokens, mark: Mark) -> bool:
    """Whether a mark stands where it may stand for a word: before a word that begins no sentence, or at a number."""
    if not 0 < mark.place < len(held.keys):
        return mark.place == 0 and bool(held.keys) and held.raw(0)[0].islower() and mark.kind == "link"
    following = held.raw(mark.place)
    if held.keys[mark.place][:1].isdigit() or following[0].islower():
        return True
    return mark.kind == "emoji" and following[0].upper() == following[0].lower() and following[0].isalpha()


def _places(theirs: Sequence[Mark], candidates: Sequence[int], kind: str) -> dict[str, list[int]]:
    """Where each emoji, or each address, stands among the candidates."""
    out: dict[str, list[int]] = {}
    for n, at in enumerate(candidates):
        text = theirs[at].text
        out.setdefault(_plain(text) if kind == "link" else text, []).append(n)
    return out


def _range(place: int, segments: Sequence[Segment], starts: Sequence[int], firsts: Sequence[int]) -> tuple[int, int]:
    """The places in the original where a mark before word `place` of the quotation may stand."""
    n = max(0, bisect_right(firsts, place) - 1)
    here = starts[n] + place - segments[n].start
    if place == segments[n].start and n > 0:
        before = segments[n - 1]
        return starts[n - 1] + before.end - before.start, here
    if place > segments[n].end:
        here = starts[n] + segments[n].end - segments[n].start
    return here, here


def _plain(link: str) -> str:
    link = re.sub(r"^https?:/{0,2}", "", link, flags=re.I).removeprefix("www.").rstrip("/")
    host, slash, path = link.partition("/")
    return host.casefold() + slash + path


def opaque(link: str) -> bool:
    """Whether a link stands for another address or a medium, so that its text says nothing of its target."""
    plain = _plain(link)
    return plain.split("/")[0] in SHORT_HOSTS or "." not in plain or _STATUS.match(plain) is not None


def same(ours: str, theirs: str, cut: bool) -> bool:
    """Whether two links show the same address; a cut one shows its beginning."""
    a, b = _plain(ours), _plain(theirs)
    return a == b or (cut and bool(a) and b.startswith(a))
