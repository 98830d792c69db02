"""What was changed, where no faithful reading exists: `altered` with the changed words, or `not-found`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from archiver.model import Change, Span, Verdict, VerdictKind
from archiver.quotes import audit, marks
from archiver.quotes.align import Pair, Segment, common, tighten, window
from archiver.quotes.tokens import Tokens

_SHARE = 0.6  # of the quotation's words in order; below it two texts are not versions of one another
_MOST_CHANGES = 200


def differences(quote: Tokens, held: Tokens, open_start: bool, objections: Sequence[Change] = ()) -> Verdict:
    """`altered` with changes when most words of the quotation stand in order and close together, else `not-found`.

    `objections` are changes that were found already in a reading which held all words.
    """
    quote, exact = _folded(quote), quote.keys
    held, exactly = _folded(held), held.keys
    total = len(quote.keys)
    first = max(0, total - int(len(held.keys) / _SHARE) - 8) if open_start else 0
    known = set(held.keys)
    share = sum(key in known for key in quote.keys[first:]) / max(1, total - first)
    if not objections and not open_start and min(share, len(held.keys) / total) < _SHARE:
        return Verdict(kind=VerdictKind.NOT_FOUND, score=min(share, len(held.keys) / total), reason="few words occur")
    low, high = window(quote.keys[first:], held.keys)
    pairs = [(i + first, j + low) for i, j in common(quote.keys[first:], held.keys[low:high])]
    pairs = tighten(pairs, held.keys)
    if open_start:
        pairs = _likely_start(pairs, total)
        first = pairs[0][0] if pairs else first
    pairs = _without_stragglers(pairs, quote, total - first)
    counted = total - first
    score = len(pairs) / counted if counted else 0.0
    # Short words fit by chance ("the … in the … by"): the letters must be common too.
    letters = sum(len(quote.keys[i]) for i, _ in pairs) / max(1, sum(map(len, quote.keys[total - counted :])))
    if not pairs or (
        not objections and (min(score, letters) < _SHARE or len(pairs) < 2 or (open_start and len(pairs) < 3))
    ):
        return Verdict(kind=VerdictKind.NOT_FOUND, score=score, reason="too few words occur in order")
    runs = _runs(pairs)
    marked = [_replaced(quote, held, i, j) for i, j in pairs if exact[i] != exactly[j]]
    changes = [*objections, *marked, *_changes(quote, held, pairs, first)]
    if open_start and not changes and first and pairs[0][1]:
        # What precedes is all that differs: show it beside the original's beginning.
        first -= min(first, pairs[0][1])
        changes = _changes(quote, held, pairs, first)
    segments = [Segment(start=i, end=i + n, loose=True) for i, _, n in runs]
    added = marks.compare(quote, held, segments, [j for _, j, _ in runs], False).added
    for mark, place in added[:_MOST_CHANGES]:
        span, empty = quote.source.span(mark.start, mark.end), held.span(place, place)
        changes.append(Change(op="added", quoted=mark.text, original="", quoted_span=span, original_span=empty))
    words = [
        word for change in changes if change.op != "elided" for word in (change.quoted + " " + change.original).split()
    ]
    flags = _sensitive(words) + (("diacritics-changed",) if marked else ())
    reason = ""
    kind = VerdictKind.ALTERED
    if not changes:
        kind, reason = VerdictKind.NOT_JUDGED, "the words stand in the original, but only as scattered fragments"
        if len(runs) == 1:
            reason = "the original is truncated: whether the last word quoted was whole there is not known"
    elif all(
        "\ufffd" in _around(quote, change.quoted_span) + _around(held, change.original_span) for change in changes
    ):
        # Letters that a decoder lost can be neither the same nor others.
        kind, reason = VerdictKind.NOT_JUDGED, "where the texts differ, letters were lost to a damaged encoding"
    there = held.span(pairs[0][1], pairs[-1][1] + 1)
    start = 0 if not open_start else quote.span(first, total).start
    end = quote.source.length
    return Verdict(
        kind=kind,
        reason=reason,
        changes=tuple(sorted(changes, key=lambda change: (change.quoted_span, change.original_span)))[:_MOST_CHANGES],
        flags=flags,
        quoted_span=Span(start=start, end=end),
        original_span=Span(
            start=min([there.start, *(change.original_span.start for change in changes)]),
            end=max([there.end, *(change.original_span.end for change in changes)]),
        ),
        score=score,
    )


def _folded(tokens: Tokens) -> Tokens:
    """The words without combining marks: a word that lost its accents is a changed word, and not a missing one."""
    if all(map(str.isascii, tokens.keys)):
        return tokens
    keys = tuple(map(audit.without_marks, tokens.keys))
    return Tokens(source=tokens.source, keys=keys, at=tokens.at, marks=tokens.marks)


def _replaced(quote: Tokens, held: Tokens, i: int, j: int) -> Change:
    return Change(
        op="replaced",
        quoted=quote.raw(i),
        original=held.raw(j),
        quoted_span=quote.span(i, i + 1),
        original_span=held.span(j, j + 1),
    )


def _around(tokens: Tokens, span: Span) -> str:
    """What stands at a span and directly beside it: a lost letter is no part of a word. `span` counts in the text as
    given, as the places of the source do."""
    starts = tokens.source.starts
    low, high = bisect_left(starts, span.start), bisect_left(starts, span.end)
    return tokens.source.text[max(0, low - 1) : high + 1]


def _sensitive(words: list[str]) -> tuple[str, ...]:
    keys = [word.casefold().strip(".,;:!?\"'()[]").replace("'", "").replace("’", "") for word in words]
    hits = (
        ("negation-changed", any(map(audit.is_negation, keys)) or any(map(audit.negation_within, words))),
        ("number-changed", any(map(audit.is_number, keys))),
    )
    return tuple(flag for flag, hit in hits if hit)


def _likely_start(pairs: list[Pair], total: int) -> list[Pair]:
    """The matched words from where a quotation most likely begins: each match counts for, each word between against."""
    best, start = 0.0, len(pairs)
    for n in range(len(pairs) - 1, -1, -1):
        matched, words = len(pairs) - n, total - pairs[n][0]
        gain = matched - 1.2 * (words - matched)
        if gain >= best:
            best, start = gain, n
    return pairs[start:]


def _without_stragglers(pairs: list[Pair], quote: Tokens, total: int) -> list[Pair]:
    """Without first and last matches that stand far off in the original: common words which fit by chance."""
    reach = max(4, total // 2)
    dots = [mark.place for mark in quote.marks if mark.kind == "ellipsis"]

    def apart(left: Pair, right: Pair) -> bool:
        marked = bisect_right(dots, left[0]) < bisect_right(dots, right[0])
        return right[1] - left[1] - (right[0] - left[0]) > reach and not marked

    low, high = 0, len(pairs)
    while high - low > 1 and apart(pairs[low], pairs[low + 1]):
        low += 1
    while high - low > 1 and apart(pairs[high - 2], pairs[high - 1]):
        high -= 1
    return pairs[low:high]


def _runs(pairs: list[Pair]) -> list[tuple[int, int, int]]:
    out: list[tuple[int, int, int]] = []
    for i, j in pairs:
        if out and (i, j) == (out[-1][0] + out[-1][2], out[-1][1] + out[-1][2]):
            out[-1] = (out[-1][0], out[-1][1], out[-1][2] + 1)
        else:
            out.append((i, j, 1))
    return out


def _changes(quote: Tokens, held: Tokens, pairs: list[Pair], first: int) -> list[Change]:
    dots = {mark.place for mark in quote.marks if mark.kind == "ellipsis"}
    last = (len(quote.keys), min(len(held.keys), pairs[-1][1] + 1))
    changes: list[Change] = []
    i, j = first, pairs[0][1] - min(pairs[0][1], pairs[0][0] - first)
    for next_i, next_j in [*pairs, last]:
        if next_i > i or next_j > j:
            if (next_i, next_j) == last:
                next_j = min(len(held.keys), j + next_i - i)
            marked = any(place in dots for place in range(i, next_i + 1))
            op = (
                "replaced"
                if next_i > i and next_j > j
                else "added"
                if next_i > i
                else "elided"
                if marked
                else "removed"
            )
            ours, theirs = quote.span(i, next_i), held.span(j, next_j)
            changes.append(
                Change(
                    op=op,
                    quoted=_text(quote, i, next_i),
                    original=_text(held, j, next_j),
                    quoted_span=ours,
                    original_span=theirs,
                )
            )
        i, j = next_i + 1, next_j + 1
    return changes


def _text(tokens: Tokens, start: int, end: int) -> str:
    return tokens.source.text[tokens.at[start][0] : tokens.at[end - 1][1]] if end > start else ""
