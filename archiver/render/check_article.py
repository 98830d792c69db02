"""One quotation on the page of a check: beside the post, with what was changed, and where the post comes from."""

from __future__ import annotations

from archiver.jobs.checked import UNFAITHFUL, Compared, Difference, Occurrence, Quotation, Where
from archiver.quotes.meaning import VERDICTS
from archiver.render import glossary
from archiver.render.check_told import authors
from archiver.render.markup import address, each, facts, items, marked, name, text
from archiver.render.text import moment

OTHERS = 20
FITS = ("exact", "normalised", "same-words", "partial", "truncated", "elided", "bracketed")
"""Verdicts that are faithful, each in its named way."""


def chip(verdict: str) -> str:
    """A verdict, or a status where there is none."""
    kind = " stop" if verdict in UNFAITHFUL else " fits" if verdict in FITS else ""
    return f'<span class="verdict{kind}">{text(verdict)}</span>'


def signed(quotation: Quotation) -> str:
    """Whose words they are said to be."""
    who = [name(one) for one in (glossary.account(quotation.handle), quotation.name) if one]
    told = " ".join([who[0], f"({who[1]})"]) if len(who) > 1 else "".join(who)
    when = f', <span class="day">{text(quotation.day)}</span>' if quotation.day else ""
    return f"signed to {told}{when}" if told else f"unsigned{when}"


def article(place: str, file: str, quotation: Quotation) -> str:
    """One quotation; `place` is its id in the page."""
    verdict = quotation.verdict or quotation.status
    leading = quotation.compared[0] if quotation.compared else None
    kind = glossary.KINDS.get(quotation.kind, quotation.kind)
    meaning = VERDICTS.get(verdict, "")
    spoken = f" It is {text(glossary.STANDARDS['speech'])}." if quotation.standard == "speech" else ""
    out = [
        f'<article id="{place}" aria-labelledby="{place}-h">\n<h3 id="{place}-h">'
        f'<a class="at" href="#{place}">{quotation.where.line}:{quotation.where.column}</a> {chip(verdict)} '
        f'<span class="signed">{text(kind)}, {signed(quotation)}</span></h3>\n'
        f'<p class="quiet">{text(meaning)}{spoken}</p>\n'
    ]
    if quotation.misattributed:
        whose = f"signed to {name(glossary.account(quotation.handle))}, found only in posts of"
        out.append(f'<p class="bad">Another author’s words: {whose} {each(authors(quotation), name)}.</p>\n')
    if quotation.verdict == "spliced":
        out += [f"<h4>{text(one.reason)}</h4>\n{_beside(file, quotation, one)}" for one in glossary.parts(quotation)]
        others = [one for one in quotation.compared if one.verdict != "spliced"]
    else:
        out.append(_beside(file, quotation, leading))
        others = list(quotation.compared[1:])
    out.append(_others(others, fits="also fits" if leading is not None and leading.faithful else "but this fits"))
    out.append(_whose(quotation))
    out.append("</article>\n")
    return "".join(out)


def _range(where: Where) -> str:
    start, end = f"{where.line}:{where.column}", f"{where.end_line}:{where.end_column}"
    return start if start == end else f"{start} to {end}"


def _beside(file: str, quotation: Quotation, compared: Compared | None) -> str:
    """The quotation and one post, side by side."""
    changes = () if compared is None else compared.differences
    part = (0, 0) if compared is None else (compared.quoted_start, compared.quoted_end)
    spans = [(one.quoted_start, one.quoted_end) for one in changes]
    ours = marked(quotation.words, part, spans, {n: _ours(one) for n, one in enumerate(changes)})
    out = [
        '<div class="sides">\n<div class="side">\n'
        f"<h4>The quotation: {name(file)}, {_range(quotation.where)}</h4>\n"
        f'<blockquote class="words" dir="auto" lang="">{ours}</blockquote>\n</div>\n<div class="side">\n'
    ]
    if compared is None or not compared.text:
        why = text(compared.reason) if compared is not None and compared.reason else "nothing was compared"
        out.append(f'<h4>No post</h4>\n<p class="none">{why}</p>\n</div>\n</div>\n')
    else:
        spans = [(one.original_start, one.original_end) for one in changes]
        stretch = (compared.original_start, compared.original_end)
        theirs = marked(compared.text, stretch, spans, {n: _theirs(one) for n, one in enumerate(changes)})
        whose = name(glossary.account(compared.handle) or compared.name or compared.post)
        out.append(
            f"<h4>As captured: the post of {whose}</h4>\n"
            f'<blockquote class="words" dir="auto" lang="">{theirs}</blockquote>\n</div>\n</div>\n'
        )
    if compared is not None:
        out.append(items("ol", [_change(one) for one in changes], kind="changes"))
        out.append(_notes(compared))
        out.append(_provenance(compared))
    return "".join(out)


def _ours(change: Difference) -> tuple[str, str]:
    if change.op not in glossary.UNMARKED:
        return ("span", "marked by the quotation") if change.op in ("elided", "bracketed") else ("del", "differs")
    if change.op == "removed":
        return "del", "words of the post are missing"
    return "del", "not in the post"


def _theirs(change: Difference) -> tuple[str, str]:
    if change.op not in glossary.UNMARKED:
        kind = "span" if change.op in ("elided", "bracketed") else "ins"
        return kind, "what the quotation marks" if kind == "span" else "differs"
    if change.op == "added":
        return "ins", "the quotation adds words"
    return "ins", "not in the quotation"


_ELEMENTS = {"": "{}", "quoted": '<del><bdi lang="">{}</bdi></del>', "original": '<ins><bdi lang="">{}</bdi></ins>'}


def _change(change: Difference) -> str:
    marked_by_us = change.op not in ("elided", "bracketed")
    told = "".join(
        (_ELEMENTS[whose] if marked_by_us or not whose else '<bdi class="own" lang="">{}</bdi>').format(text(words))
        for whose, words in glossary.sentence(change)
    )
    return f'<span class="at">{_range(change.where)}</span> {told}'


def _flag(kind: str, flag: str) -> str:
    return f'{kind}: {text(glossary.warning(flag))} <span class="code">({text(flag)})</span>'


def _notes(compared: Compared) -> str:
    """Warnings first, then what was evened out and left out."""
    warns = glossary.warns(compared)
    out = items("ul", [_flag("Warning", flag) for flag in warns], kind="warnings")
    out += items("ul", [_flag("Note", flag) for flag in compared.flags if flag not in warns], kind="notes")
    if compared.text and not compared.current:
        out += '<p class="bad">As last seen, the post reads differently from the version compared here.</p>\n'
    gone = glossary.fate(compared)
    if gone:
        at = text(moment(compared.outcome_at)) if compared.outcome_at else "last"
        out += f'<p class="bad">As seen {at}: {text(gone)}.</p>\n'
    if compared.steps:
        out += (
            f"<p>The words agree after this was evened out: {each([glossary.step(s) for s in compared.steps])}.</p>\n"
        )
    if compared.omitted:
        out += f"<p>Left out without a mark: {each(compared.omitted)}.</p>\n"
    if compared.reason and compared.text and compared.verdict != "spliced":
        out += f'<p class="quiet" dir="auto">{text(compared.reason)}</p>\n'
    return out


def _provenance(compared: Compared) -> str:
    """Where the post comes from, so that it can be found again in the archive."""
    if not compared.post:
        return ""
    who = [name(one) for one in (glossary.account(compared.handle), compared.name) if one]
    return facts(
        (
            ("Post", f'<bdi class="ref">{text(compared.post)}</bdi>'),
            ("Address", address(compared.address) if compared.address else ""),
            ("Author", " ".join([who[0], f"({who[1]})"]) if len(who) > 1 else "".join(who)),
            ("Time it claims", text(moment(compared.posted_at))),
            ("First seen", text(moment(compared.first_seen))),
            ("Capture", f'<span class="hash">{text(compared.capture)}</span>' if compared.capture else ""),
            (
                "SHA-256 of the version",
                f'<span class="hash">{text(compared.version)}</span>' if compared.version else "",
            ),
            ("Found by", text(glossary.FOUND_BY.get(compared.found_by, compared.found_by))),
            ("Nearly repeats", f'<bdi class="ref">{text(compared.repeats)}</bdi>' if compared.repeats else ""),
        ),
        kind="facts small",
    )


def _others(others: list[Compared], *, fits: str) -> str:
    """Further posts that hold the words, or were compared with them."""
    lines = []
    for one in others[:OTHERS]:
        what = fits if one.faithful else "compared too"
        changes = "; ".join(_change(change) for change in one.differences if change.op in glossary.UNMARKED)
        said = f"<p>{changes}</p>" if changes else ""
        lines.append(f"{chip(one.verdict)} {what}{said}\n{_notes(one)}{_provenance(one)}")
    if len(others) > OTHERS:
        lines.append(f"and {len(others) - OTHERS:,} more, which the JSON of the check lists")
    return f"<h4>Other posts</h4>\n{items('ul', lines, kind='more')}" if lines else ""


def _whose(quotation: Quotation) -> str:
    """What the mention stands for, how that is known, and where else the words occur."""
    told = text(quotation.status) + (f" by {text(quotation.how)}" if quotation.how else "")
    if quotation.post and quotation.post not in {one.post for one in quotation.compared}:
        told += f', <bdi class="ref">{text(quotation.post)}</bdi>'
    if quotation.reason:
        told += f': <bdi lang="">{text(quotation.reason)}</bdi>'
    rows = [
        ("Attribution", told),
        ("Address given", address(quotation.url) if quotation.url else ""),
        ("Source", f'<bdi lang="">{text(quotation.source)}</bdi>' if quotation.source else ""),
        ("Passage", f'<span class="hash">{text(quotation.passage)}</span>'),
    ]
    return facts(rows, kind="facts small") + items("ul", [_occurrence(one) for one in quotation.occurrences])


def _occurrence(one: Occurrence) -> str:
    claimed = f", dated {text(moment(one.claimed_at))}" if one.claimed_at else ""
    seen = f", first seen {text(moment(one.first_seen))}" if one.first_seen else ""
    spoken = ", held to the standard for speech" if one.standard == "speech" else ""
    return (
        f"{name(one.name or one.ref)}{claimed}{seen}: {one.words} equal words in a row, {chip(one.verdict)}{spoken} "
        f'<span class="hash">{text(one.ref)}</span>'
    )
