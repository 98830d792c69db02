"""From the text in an answer to `Post.text`.

One rule for all routes: the words as the author wrote them, with X's three character references undone and
each t.co link replaced by the `expanded_url` that the answer itself gives for it. Leading @mentions of a reply
stay (embeds carry them). At the end, what X appends and does not show as text goes: the links of attached media,
and the permalink of the post that is quoted. A link that the answer does not explain stays as it is.

Links are found by their own text, never by index: the bases of indices differ between routes (UTF-16 units,
code points, with or without character references), the words of a link do not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_TCO = re.compile(r"https?://t\.co/[A-Za-z0-9]+", re.ASCII)
_TCO_LAST = re.compile(r"(\s*)(https?://t\.co/[A-Za-z0-9]+)\s*\Z", re.ASCII)
_REFERENCE = re.compile(r"&(amp|lt|gt);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}
_CUT_RETWEET = re.compile(r"RT @\w{1,20}: .*(?:…|\.\.\.)(?:\s*https?://t\.co/\w*)?\Z", re.DOTALL)


def unescape(text: str) -> str:
    """X escapes exactly three characters in texts; undone in one pass, so `&amp;lt;` becomes `&lt;`."""
    return _REFERENCE.sub(lambda match: _CHARACTERS[match[1]], text) if "&" in text else text


def plain(text: str, links: Mapping[str, str], hidden: Collection[str], *, escaped: bool, quotes: bool) -> str:
    """`Post.text` by the rule above.

    `links` maps a t.co address to where it leads; `hidden` are the addresses of media and of the quoted post;
    `escaped` is whether character references stand in the text. With `quotes`, a last link that the answer does
    not explain is the quoted post's permalink: X takes it out of the entities and may leave it in the text.
    """
    if "://t.co/" not in text:
        return unescape(text) if escaped else text
    while last := _TCO_LAST.search(text):
        address = last[2]
        if address not in hidden and (address in links or not quotes):
            break
        text = text[: last.start()]
    pieces: list[str] = []
    at = 0
    for match in _TCO.finditer(text):
        between = text[at : match.start()]
        pieces.append(unescape(between) if escaped else between)
        pieces.append(_expanded(match[0], links))
        at = match.end()
    tail = text[at:]
    pieces.append(unescape(tail) if escaped else tail)
    return "".join(pieces)


def _expanded(address: str, links: Mapping[str, str]) -> str:
    known = links.get(address)
    if known is not None:
        return known
    # Letters may follow a link without a space: then the longest known link that this begins with is meant.
    prefix = max((link for link in links if address.startswith(link)), key=len, default="")
    return links[prefix] + address[len(prefix) :] if prefix else address


def is_cut_retweet(text: str) -> bool:
    """Whether this is an old-style retweet that was cut to fit: `RT @name: …` that ends in an ellipsis."""
    return text.startswith("RT @") and _CUT_RETWEET.match(text) is not None
