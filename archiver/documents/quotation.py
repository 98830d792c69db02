"""Which words a signature signs: from where the quotation starts to where the signature begins.

The end is certain: the signature, or the media link before it, for X puts `pic.twitter.com/KEY` last; the few
words that a site injects between that link and the dash (and known calls to sign up) are not the post's. The
start is the later of the end of the signature before, the start of the block quotation that holds the
signature, and the paragraph (after a blank line, or the start of the document).

It is *delimited* when a block or a tag gives it, or a line boundary does, nothing stands behind the signature
in its line, and what lies between is no longer than one post as X embeds show it. Otherwise (running text
goes on behind the signature, so it may have begun before the quotation, too) it is *open*: the longest
plausible window, in which the aligner looks for the real start.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from archiver.documents.addresses import MEDIA_LINK
from archiver.documents.signatures import Signature
from archiver.model import Span

SHOWN = 320  # code points: 280 weighted characters; recorded embeds of longer posts are cut at 304 at most
WINDOW = 4000
_INJECTED = 80
_NESTED = 64  # blocks looked at for the one that holds a place: bounds the time on hostile input
_CALL = re.compile(
    r"(?:SIGN UP FOR (?:OUR|THE)[A-Z ]{0,30} NEWSLETTERS?|ADVERTISEMENT|STORY CONTINUES BELOW(?: ADVERTISEMENT)?)$"
)  # what sites are known to put between a post and its signature; capitals alone prove nothing
_EDGES = " \t\r\n\u00a0\u200b\\*_>|"
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,400}>")
_BREAK_TAG = re.compile(r"(?:<br ?/?>|</?p>|&nbsp;)$", re.IGNORECASE)
_MARKS = {"“": "”", "„": "“”", "«": "»", '"': '"', "「": "」", "『": "』"}
_EDGE_LINE = re.compile(r"#{1,6}\s|>|```|~~~|[-*=_]{3,}$|<h[1-6]", re.IGNORECASE)
_ONLY_LINKS = re.compile(r"(?:\s{0,9}https?://\S{1,2000}){1,4}\s{0,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The signed words: `span` in the text, and whether their start is a guess."""

    span: Span
    open: bool


def signed(text: str, signature: Signature, floor: int, blocks: tuple[Span, ...] = ()) -> Words | None:
    """The words before a signature; None where there are none. `floor` is where the signature before ended, `blocks`
    the block quotations of the document, in order."""
    block = _around(blocks, signature.span.start)
    low = max(floor, block.start) if block else floor
    end = end_before(text, signature.span.start, low)
    if end <= low:
        return None
    if block and block.start >= floor:
        start, bounded = low, True
    else:
        start = _paragraph(text, low, end)
        bounded = start == 0 or (text[start - 1] == "\n" and (start > floor or floor == 0 or text[floor - 1] == "\n"))
        bounded = bounded and end - start <= SHOWN and _ends_line(text, signature.span.end)
    while start < end and text[start] in _EDGES:
        start += 1
    tag = _TAG.match(text, start, end)
    if tag:
        start, bounded = tag.end(), True
    start, end = trimmed(text, start, end)
    if start >= end:
        return None
    if not bounded and end - start > WINDOW:
        space = text.find(" ", end - WINDOW, end)
        start = space + 1 if space >= 0 else end - WINDOW
    return Words(span=Span(start=start, end=end), open=not bounded)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A range without white space at its ends, and without the one pair of quotation marks that encloses it."""
    while start < end and text[start] in _EDGES:
        start += 1
    end = _trimmed_end(text, end, start)
    closing = _MARKS.get(text[start], "") if start < end else ""
    if end - start > 2 and text[end - 1] in closing and not any(mark in text[start + 1 : end - 1] for mark in closing):
        return trimmed(text, start + 1, end - 1)
    return start, end


def without_media(text: str, start: int, end: int) -> int:
    """Where words end when the media links after them are left out."""
    while True:
        while end > start and text[end - 1] in _EDGES:
            end -= 1
        links = list(MEDIA_LINK.finditer(text, max(start, end - 60), end))
        if not links or links[-1].end() != end:
            return end
        end = links[-1].start()


def end_before(text: str, before: int, low: int) -> int:
    """Where the words before a signature end: without its media link, and without what a site put between them."""
    end = before
    while end > low:
        end = _trimmed_end(text, end, low)
        tag = _BREAK_TAG.search(text, max(low, end - 8), end)
        if not tag or tag.end() != end:
            break
        end = tag.start()
    if text[end - 1 : end] == "[" and end > low:
        end = _trimmed_end(text, end - 1, low)  # the signature as a whole is a Markdown link
    call = _CALL.search(text, max(low, end - 80), end)
    if call and call.start() > low:
        end = _trimmed_end(text, call.start(), low)
    links = list(MEDIA_LINK.finditer(text, max(low, end - 300), end))
    if links and "\n\n" not in text[links[-1].end() : end] and end - links[-1].end() <= _injected(text, links[-1]):
        end = links[-1].start()
        if text[end - 1 : end] == "[":
            end -= 1
        end = without_media(text, low, end)
    return end


def _trimmed_end(text: str, end: int, low: int) -> int:
    """Where words end without what is no word; a tag is left whole."""
    while end > low and text[end - 1] in _EDGES:
        if text[end - 1] == ">":
            tag = text.rfind("<", max(low, end - 400), end)
            if tag >= 0 and _TAG.fullmatch(text, tag, end):
                break
        end -= 1
    return end


def _ends_line(text: str, place: int) -> bool:
    rest = text[place : place + 24].partition("\n")[0]
    return not _TAG.sub("", rest).strip(' \t\r.*_)|”"')


def _injected(text: str, link: re.Match[str]) -> int:
    """How much may stand behind a media link; a Markdown link's address comes on top."""
    address = re.compile(r"\]\([^()\s]{0,200}\)").match(text, link.end())
    return _INJECTED + (len(address[0]) if address else 0)


def _paragraph(text: str, low: int, end: int) -> int:
    """The start of the paragraph that ends at `end`; a paragraph of links alone belongs to the one before it."""
    tail = end
    while True:
        start = low
        line = tail
        while line > low:
            head = text.rfind("\n", low, line)
            if head < 0:
                break
            above = text.rfind("\n", low, head)
            if not text[above + 1 if above >= 0 else low : head].strip(" \t>\r"):
                start = head + 1
                break
            line = head
        if start <= low or not _ONLY_LINKS.fullmatch(text, start, end):
            return start
        tail = start - 1
        while tail > low and text[tail - 1].isspace():
            tail -= 1


def wider(text: str, start: int, low: int) -> int:
    """Where words may start at the earliest, given where they start if they are one paragraph: as many paragraphs
    further up as a long post has code points, but never beyond `low`, a heading, a quotation or a line of code."""
    reach = max(low, start - WINDOW)
    found = start
    while found > reach:
        above = text.rfind("\n", reach, found)
        head = _paragraph(text, reach, max(reach, above)) if above >= 0 else reach
        paragraph = text[head:found].strip()
        if head >= found or _EDGE_LINE.match(paragraph) or (head == reach and reach > low):
            break
        found = head
    return found


def _around(blocks: tuple[Span, ...], position: int) -> Span | None:
    """The innermost block that holds a position."""
    last = bisect_right(blocks, position, key=lambda block: block.start)
    for block in reversed(blocks[max(0, last - _NESTED) : last]):
        if block.end > position:
            return block
    return None
