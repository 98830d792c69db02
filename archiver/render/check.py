"""What `archiver check` prints: each quotation in the order of the text, then what to look at and what was compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from archiver.jobs.checked import UNFAITHFUL, CheckedDocument, Quotation, Report, Where
from archiver.render import glossary
from archiver.render.check_quotation import SENTENCE, more, print_phrase, print_quotation
from archiver.render.check_told import authors, notes, problem
from archiver.render.text import Styled, line, moment, safe, short, word
from archiver.render.text import as_json as print_json

IN_FULL, PASSAGES, PHRASES, NOTES, WARNED, PROBLEMS = 100, 5, 5, 5, 50, 50
"""How much is shown of what does not stop a check: what does is never left out."""


def print_check(report: Report, *, as_json: bool) -> None:
    """The report of a check: whole as JSON; as text what a person can read, with what was left out counted."""
    problems = [problem(one) for one in report.problems]
    if as_json:
        stops = {"unfaithful": report.unfaithful, "misattributed": report.misattributed}
        print_json(asdict(report) | {"problems": problems} | stops)
        return
    room = IN_FULL
    for document in report.checked:
        room = _document(document, room)
    for told in problems[:PROBLEMS]:
        line((f"! {short(told, 400)}", "yellow"))
    more(len(problems) - PROBLEMS, "file that could not be checked", "files that could not be checked")
    found = [(document, quotation) for document in report.checked for quotation in document.quotations]
    unfaithful = [pair for pair in found if pair[1].verdict in UNFAITHFUL]
    if unfaithful:
        line((f"Altered or put together ({len(unfaithful)}):", "bold red"))
        for document, quotation in unfaithful:
            line(f"  {_jump(document, quotation.where)} ", word(quotation.verdict), f": {_told(quotation)}")
    others = [pair for pair in found if pair[1].misattributed and pair[1].verdict not in UNFAITHFUL]
    if others:
        line((f"Another author's words ({len(others)}):", "bold red"))
        for document, quotation in others:
            line(f"  {_jump(document, quotation.where)} ", word(quotation.verdict), f": {_whose(quotation)}")
    told_of = {id(quotation) for _, quotation in [*unfaithful, *others]}
    warned = [pair for pair in found if glossary.warned(pair[1]) and id(pair[1]) not in told_of]
    if warned:
        line((f"To look at, whatever the verdict ({len(warned)}):", "bold yellow"))
        for document, quotation in warned[:WARNED]:
            why = "; ".join(safe(glossary.warning(flag)) for flag in glossary.warned(quotation))
            line(f"  {_jump(document, quotation.where)} ", word(safe(quotation.verdict)), f": {why}")
        more(len(warned) - WARNED, "of them", "of them")
    _end(report)


def _end(report: Report) -> None:
    if report.counts:
        told: list[str | Styled] = []
        for name, count in report.counts.items():
            told += [", " if told else "", f"{count:,} ", word(safe(name))]
        line("Quotations: ", *told, ".")
    elif report.checked:
        line("No quotations were found: passages in quotation marks, block quotes and embedded posts are looked for.")
    if not report.posts:
        line(
            f"The archive {safe(report.archive)} holds no post yet, so nothing could be compared. "
            "`archiver run FILE` captures the posts that a text names; then check it again."
        )
    else:
        line(against(report))


def against(report: Report) -> str:
    """What the quotations were compared with."""
    posts = "1 post" if report.posts == 1 else f"{report.posts:,} posts"
    documents = "1 document" if report.documents == 1 else f"{report.documents:,} documents"
    until = f" archived until {moment(safe(report.cutoff))}" if report.cutoff else ""
    return f"Against {posts} and {documents}{until}; rules {safe(report.policy)}."


def _jump(document: CheckedDocument, where: Where) -> str:
    """A place as editors and terminals follow it: `article.md:12:5`."""
    return f"{safe(document.name)}:{where.line}:{where.column}"


def _told(quotation: Quotation) -> str:
    """Why a quotation is not faithful, in one line."""
    if quotation.verdict == "spliced":
        return f"put together from {' and '.join(safe(part.post) for part in glossary.parts(quotation))}"
    changes = quotation.compared[0].differences if quotation.compared else ()
    unmarked = [change for change in changes if change.op in glossary.UNMARKED] or list(changes)
    said = [short("".join(words for _, words in glossary.sentence(change)), SENTENCE) for change in unmarked[:3]]
    rest = f" and {len(unmarked) - 3} more changes" if len(unmarked) > 3 else ""
    return "; ".join(said) + rest if said else "its words are not those of the post"


def _whose(quotation: Quotation) -> str:
    """Who is said to have written the words, and in whose posts they stand."""
    found = ", ".join(map(safe, authors(quotation)))
    return f"signed to {safe(glossary.account(quotation.handle))}, found only in posts of {found}"


def _quiet(quotation: Quotation) -> bool:
    """Whether nothing is known of the words and nobody is said to have written them: one line is enough."""
    return (
        quotation.verdict in ("", "not-found", "not-judged")
        and quotation.kind == "passage"
        and not (quotation.handle or quotation.post or quotation.occurrences or glossary.warned(quotation))
    )


def _document(document: CheckedDocument, room: int) -> int:
    """One file, with as many of its quotations in full as there is room for; what room is left."""
    quotations = len(document.quotations)
    counted = "1 quotation" if quotations == 1 else f"{quotations:,} quotations"
    line((safe(document.name), "bold"), f" ({document.characters:,} characters, {counted})")
    held = notes(document)
    for note in held[:NOTES]:
        line(f"  note: {short(note, 200)}")
    more(len(held) - NOTES, "note", "notes")
    if not quotations:
        places = "1 place refers" if document.mentions == 1 else f"{document.mentions:,} places refer"
        line(f"  no quotations; {places} to posts" if document.mentions else "  no quotations")
    passages, left = 0, Counter[str]()
    for quotation in document.quotations:
        if quotation.verdict in UNFAITHFUL or quotation.misattributed:
            print_quotation(quotation)
        elif _quiet(quotation) and passages < PASSAGES:
            passages += 1
            _passage(quotation)
        elif not _quiet(quotation) and room:
            room -= 1
            print_quotation(quotation)
        else:
            left[quotation.verdict or quotation.status] += 1
    if left:
        told = ", ".join(f"{count:,} {safe(name)}" for name, count in sorted(left.items()))
        line(f"  and {sum(left.values()):,} more ({told}); `--json` lists all")
    nowhere = next((one.source for one in document.quotations if _quiet(one) and one.source), "")
    if nowhere:
        line(f"  passages without a source: {safe(nowhere)}")
    for phrase in document.phrases[:PHRASES]:
        print_phrase(phrase)
    more(len(document.phrases) - PHRASES, "phrase that stands in a post", "phrases that stand in posts")
    line()
    return room


def _passage(quotation: Quotation) -> None:
    told = quotation.verdict or quotation.status
    line(f"  {quotation.where} passage: “{short(quotation.words, 80)}” ", word(safe(told)))
