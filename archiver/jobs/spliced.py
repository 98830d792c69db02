"""A quotation that was put together from several posts: which posts are tried, and which of them really bring words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archiver.jobs import originals
from archiver.jobs.originals import Original
from archiver.jobs.places import Place
from archiver.model import Verdict
from archiver.quotes import shingles, splice, verdict
from archiver.store import pieces
from archiver.store.archive import Archive

PIECE = 6
"""Words in a row by which a post of anybody is proposed: shorter runs are common property, of which any sentence can be
put together. Of a signature's author `splice.LEAST_WORDS` do."""
LEAST_BROUGHT = 3
"""Words that each post brings and its neighbour in the quotation does not hold: fewer are words that were changed."""


def parts(
    archive: Archive, mention: Place, first: Iterable[Original], then: Iterable[Original]
) -> tuple[tuple[Original, Verdict], ...]:
    """The parts of a quotation of several posts, in order, each with its post and a faithful verdict whose spans count
    in the whole quotation; none when it is not such a one.

    Tried are the originals of `first`, the few posts that hold most of the quotation piece by piece, and those of
    `then`: as many of them as one search takes.
    """
    if mention.speech:
        return ()
    held = _searched([*first, *_holding_pieces(archive, mention), *then])
    if len({original.post for original in held}) < 2:
        return ()
    found = verdict.splice(mention.quoted, [original.text for original in held]) or ()
    if _changed_by_a_word(mention.quoted, found, held):
        return ()
    return tuple((held[index], told) for index, told in found)


def _holding_pieces(archive: Archive, mention: Place) -> list[Original]:
    """The fewest posts of the signature's author and platform, then of anybody, that hold the words between them."""
    most, found = splice.MOST_PARTS, list[int]()
    if mention.handle:
        own = {"handle": mention.handle, "platform": mention.platform}
        found = pieces.versions_covering(archive, mention.quoted, most, least=splice.LEAST_WORDS, **own)
    found += pieces.versions_covering(archive, mention.quoted, most, least=PIECE)
    return originals.of_versions(archive, list(dict.fromkeys(found)))


def _searched(held: Iterable[Original]) -> list[Original]:
    """Each version once, in order, as far as one search goes; a text that is too long for what is left is passed over,
    so that it hides no other."""
    kept: dict[int, Original] = {}
    room = splice.MOST_TEXT
    for original in held:
        if original.version not in kept and len(original.text) <= room and len(kept) < splice.MOST_ORIGINALS:
            kept[original.version] = original
            room -= len(original.text)
    return list(kept.values())


def _changed_by_a_word(quoted: str, found: Sequence[tuple[int, Verdict]], held: Sequence[Original]) -> bool:
    """Whether two or three parts in a row are what one of their posts says, but for a word or two. Somebody changed
    these; that they stand in another post, with a few words around them, is chance."""
    starts = [0 if told.quoted_span is None else told.quoted_span.start for _, told in found]
    ends = [*starts[1:], len(quoted)]
    for begin in range(len(found)):
        for end in range(begin + 2, min(begin + 3, len(found)) + 1):
            together = quoted[starts[begin] : ends[end - 1]].strip()
            words = len(shingles.words(together))
            posts = {index for index, _ in found[begin:end]}
            for index in posts if len(posts) > 1 else ():
                told = verdict.judge(together, held[index].text)
                missing = 0 if verdict.is_faithful(told.kind) else round((1 - told.score) * words)
                if missing < LEAST_BROUGHT:
                    return True
    return False
