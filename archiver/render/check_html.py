"""A check as one page for people who have nothing installed: no script, no address that is asked for, one file.

Equal reports and times give equal pages. Every quotation has an address of its own in the page, made of its passage.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

from archiver import __version__
from archiver.jobs.checked import UNFAITHFUL, CheckedDocument, Holder, Quotation, Report
from archiver.quotes.meaning import VERDICTS
from archiver.render import glossary
from archiver.render.check_article import FITS, article, chip
from archiver.render.check_legend import legend
from archiver.render.check_style import STYLE, STYLE_SOURCE
from archiver.render.check_told import authors, notes, problem
from archiver.render.markup import address, each, facts, items, name, text
from archiver.render.text import moment

POLICY = f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'"
TITLE = "Quotations checked against the archive"
OPEN_CONTENTS = 50
"""So many quotations stand open in the contents; more are folded away."""

Placed = tuple[str, CheckedDocument, Quotation]
"""A quotation with the name of its place in the page."""


def html_of(report: Report, *, made_at: str) -> str:
    """The report as one self-contained page (HTML, to be written as UTF-8); `made_at` is the time that it states."""
    files = list(_placed(report))
    placed = [one for _, quotations in files for one in quotations]
    head = f"{_result(report, placed)}{_facts(report, made_at)}{_problems(report)}"
    contents, words = _contents(placed), _words(placed)
    shown = "".join(_file(document, quotations) for document, quotations in files)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#quotations">To the quotations</a>\n'
        f"<header>\n<h1>{TITLE}</h1>\n{head}</header>\n{contents}"
        f'<main id="quotations">\n{legend(head + contents + shown)}{shown}</main>\n{words}</body>\n</html>\n'
    )


def _placed(report: Report) -> Iterable[tuple[CheckedDocument, list[Placed]]]:
    """The quotations of each file with their places: the same file given twice has its places twice."""
    taken: dict[str, int] = {}
    for document in report.checked:
        quotations = []
        for quotation in document.quotations:
            place = anchor(quotation.passage)
            taken[place] = taken.get(place, 0) + 1
            again = f"-again-{taken[place]}" if taken[place] > 1 else ""
            quotations.append((place + again, document, quotation))
        yield document, quotations


def anchor(passage: str) -> str:
    """The place of a passage in the page: `q-`, twelve digits of the SHA-256 of its document, its range."""
    known = re.fullmatch(r"doc:passage:([0-9a-f]{64}):([0-9]+-[0-9]+)", passage)
    if known:
        return f"q-{known[1][:12]}-{known[2]}"
    return f"q-{hashlib.sha256(passage.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _counted(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"


def _result(report: Report, placed: list[Placed]) -> str:
    total = _counted(len(placed), "quotation", "quotations")
    stopped = sum(quotation.verdict in UNFAITHFUL for _, _, quotation in placed)
    fitting = sum(quotation.verdict in FITS for _, _, quotation in placed)
    unsaid = len(placed) - stopped - fitting
    if not placed:
        told = "No quotations were found: passages in quotation marks, block quotes and embedded posts are looked for."
    elif stopped:
        which = "is" if stopped == 1 else "are"
        told = f'<span class="bad">{stopped:,} of {total} {which} not faithful:</span> altered, or put together.'
    else:
        told = f"None of {total} was found to be altered or put together from several posts."
    others = sum(quotation.misattributed and quotation.verdict not in UNFAITHFUL for _, _, quotation in placed)
    if others:
        which, its = ("1 names", "its") if others == 1 else (f"{others:,} name", "their")
        told += f' <span class="bad">{which} another author</span> than the posts that hold {its} words.'
    if placed:
        told += f" Faithful, each in the way that its verdict names: {fitting:,}. Neither found nor judged: {unsaid:,}."
    counts = [f"{chip(verdict)} {count:,}" for verdict, count in report.counts.items()]
    empty = "" if report.posts else '<p class="bad">The archive holds no post: nothing could be compared.</p>\n'
    return f'<p class="result">{told}</p>\n{empty}{items("ul", counts, kind="counts")}'


def _facts(report: Report, made_at: str) -> str:
    held = f"{_counted(report.posts, 'post', 'posts')} and {_counted(report.documents, 'document', 'documents')}"
    return facts(
        (
            ("Files", each([document.name for document in report.checked], name)),
            ("Compared with", f"{held} of the archive {name(report.archive)}; nobody was asked"),
            ("Archived until", text(moment(report.cutoff)) or "nothing was archived yet"),
            ("Rules", text(report.policy)),
            ("Made", f"{text(moment(made_at))} by quotechain {text(__version__)}"),
        )
    )


def _problems(report: Report) -> str:
    if not report.problems:
        return ""
    lines = [f'<span dir="auto">{text(problem(one))}</span>' for one in report.problems]
    return f'<p class="bad">Not checked:</p>\n{items("ul", lines)}'


def _contents(placed: list[Placed]) -> str:
    if not placed:
        return ""
    stopped, others, warned, rest = _sorted(placed)
    several = len({id(document) for _, document, _ in placed}) > 1
    out = ['<nav aria-labelledby="contents">\n<h2 id="contents">Contents</h2>\n']
    for title, held, says in (
        ("Altered or put together", stopped, None),
        ("Another author’s words", others, _whose),
        ("To look at, whatever the verdict", warned, _warnings),
    ):
        if held:
            out.append(f"<h3>{title} ({len(held):,})</h3>\n{_list(held, several, says)}")
    if rest and len(rest) <= OPEN_CONTENTS:
        out.append(f"<h3>The others ({len(rest):,})</h3>\n{_list(rest, several, None)}")
    elif rest:
        listed = _list(rest, several, None)
        out.append(f"<details><summary>The others ({len(rest):,})</summary>\n{listed}</details>\n")
    out.append('<p><a href="#meaning">What the words mean</a></p>\n</nav>\n')
    return "".join(out)


def _sorted(placed: list[Placed]) -> tuple[list[Placed], list[Placed], list[Placed], list[Placed]]:
    """What is not faithful, what is under another author's name, what else is warned of, and the rest."""
    stopped, others, warned, rest = [], [], [], []
    for one in placed:
        if one[2].verdict in UNFAITHFUL:
            stopped.append(one)
        elif one[2].misattributed:
            others.append(one)
        elif glossary.warned(one[2]):
            warned.append(one)
        else:
            rest.append(one)
    return stopped, others, warned, rest


def _whose(quotation: Quotation) -> str:
    signed = name(glossary.account(quotation.handle))
    return f": signed to {signed}, found only in posts of {each(authors(quotation), name)}"


def _warnings(quotation: Quotation) -> str:
    return f": {'; '.join(text(glossary.warning(flag)) for flag in glossary.warned(quotation))}"


def _list(placed: list[Placed], several: bool, says: Callable[[Quotation], str] | None) -> str:
    lines = []
    for place, document, quotation in placed:
        file = f"{name(document.name)}:" if several else ""
        at = f'<a class="at" href="#{place}">{file}{quotation.where.line}:{quotation.where.column}</a>'
        words = " ".join(quotation.words.split())
        words = words if len(words) <= 90 else words[:89].rstrip() + "…"
        told = says(quotation) if says is not None else ""
        lines.append(f"{at} {chip(quotation.verdict or quotation.status)} “{name(words)}”{told}")
    return items("ul", lines, kind="toc files" if several else "toc")


def _file(document: CheckedDocument, quotations: list[Placed]) -> str:
    about = facts(
        (
            ("Read as", f"{text(document.media_type)}, {text(document.encoding)}, {document.characters:,} characters"),
            ("Document", f'<span class="hash">{text(document.ref)}</span>'),
            ("Refers to posts", _counted(document.mentions, "place, quoting or not", "places, quoting or not")),
        ),
        kind="facts small",
    )
    noted = items("ul", [f'<span dir="auto">{text(note)}</span>' for note in notes(document)], kind="quiet")
    nothing = "" if quotations else "<p>No quotations in this file.</p>\n"
    articles = "".join(article(place, document.name, quotation) for place, _, quotation in quotations)
    shown = f"{about}{noted}{nothing}{articles}{_phrases(document)}"
    return f"<section>\n<h2>{name(document.name)}</h2>\n{shown}</section>\n"


def _phrases(document: CheckedDocument) -> str:
    """Words that are too few to be judged, with the posts where they stand."""
    lines = []
    for phrase in document.phrases:
        held = items("ul", [_holder(one) for one in phrase.posts])
        place = f'<span class="at">{phrase.where.line}:{phrase.where.column}</span>'
        lines.append(f"{place} “{name(phrase.words)}” stands in\n{held}")
    if not lines:
        return ""
    return (
        "<h3>Phrases that stand in archived posts</h3>\n"
        '<p class="quiet">Words in quotation marks that are too few to be judged: that they stand in a post does not '
        f"say that they come from it.</p>\n{items('ul', lines, kind='phrases')}"
    )


def _holder(one: Holder) -> str:
    who = f" by {name(glossary.account(one.handle))}" if one.handle else ""
    when = f", {text(moment(one.posted_at))}" if one.posted_at else ""
    link = f", {address(one.address)}" if one.address else ""
    return f'<bdi class="ref">{text(one.post)}</bdi>{who}{when}{link}'


def _code(code: str, means: Callable[[str], str]) -> tuple[str, str]:
    return f'<span class="code">{text(code)}</span>', text(means(code))


def _words(placed: list[Placed]) -> str:
    """What the codes of this page mean, and what it does not say."""
    held = [compared for _, _, quotation in placed for compared in quotation.compared]
    verdicts = [(chip(verdict), text(meaning)) for verdict, meaning in VERDICTS.items()]
    flags = [_code(flag, glossary.warning) for flag in sorted({flag for one in held for flag in one.flags})]
    steps = [_code(step, glossary.step) for step in sorted({step for one in held for step in one.steps})]
    speech = glossary.STANDARDS["speech"] if any(q.standard == "speech" for _, _, q in placed) else ""
    return (
        '<section class="words-of" aria-labelledby="meaning">\n<h2 id="meaning">What the words mean</h2>\n'
        "<h3>Verdicts</h3>\n"
        + facts(verdicts)
        + (f"<h3>Warnings</h3>\n{facts(flags)}" if flags else "")
        + (f"<h3>What was evened out before the words agreed</h3>\n{facts(steps)}" if steps else "")
        + (f"<h3>Speech</h3>\n<p>Marked as speech: {text(speech)}.</p>\n" if speech else "")
        + "<h3>What this page does not say</h3>\n<p>A verdict is about words, not about meaning. A post that is not in "
        "the archive was not compared. A capture shows what a server answered at that time, not that the author wrote "
        "it. This page is a copy: the evidence is in the archive, under the capture and the SHA-256 named with each "
        "post.</p>\n</section>\n"
    )
