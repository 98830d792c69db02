"""What `archiver check` prints: each quotation in the order of the text, then what to look at and what was compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from archiver.jobs.checked import (
    UNFAITHFUL,
    CheckedDocument,
    Compared,
    Difference,
    Occurrence,
    Quotation,
    Report,
    Where,
)
from archiver.render import glossary
from archiver.render.excerpt import excerpt, flat
from archiver.render.text import Styled, line, moment, safe, short, word
from archiver.render.text import as_json as print_json

IN_FULL, PASSAGES, OTHERS, OCCURRENCES, NOTES, WARNED, PROBLEMS = 100, 5, 5, 5, 5, 50, 50
"""How much is shown of what is no altered or spliced quotation: those are never left out."""
WORDS, SENTENCE = 240, 160
QUOTED, ORIGINAL = "red strike", "green"
SAID = {"quoted": QUOTED, "original": ORIGINAL, "": ""}


def print_check(report: Report, *, as_json: bool) -> None:
    """The report of a check: whole as JSON; as text what a person can read, with what was left out counted."""
    if as_json:
        print_json(asdict(report) | {"unfaithful": report.unfaithful})
        return
    room = IN_FULL
    for document in report.checked:
        room = _document(document, room)
    for problem in report.problems[:PROBLEMS]:
        line((f"! {short(problem, 400)}", "yellow"))
    _more(len(report.problems) - PROBLEMS, "file that could not be checked", "files that could not be checked")
    found = [(document, quotation) for document in report.checked for quotation in document.quotations]
    unfaithful = [pair for pair in found if pair[1].verdict in UNFAITHFUL]
    if unfaithful:
        line((f"Altered or put together ({len(unfaithful)}):", "bold red"))
        for document, quotation in unfaithful:
            line(f"  {_jump(document, quotation.where)} ", word(quotation.verdict), f": {_told(quotation)}")
    warned = [pair for pair in found if glossary.warned(pair[1]) and pair[1].verdict not in UNFAITHFUL]
    if warned:
        line((f"To look at, whatever the verdict ({len(warned)}):", "bold yellow"))
        for document, quotation in warned[:WARNED]:
            told = "; ".join(safe(glossary.warning(flag)) for flag in glossary.warned(quotation))
            line(f"  {_jump(document, quotation.where)} ", word(safe(quotation.verdict)), f": {told}")
        _more(len(warned) - WARNED, "of them", "of them")
    _end(report)


def _end(report: Report) -> None:
    if report.counts:
        told: list[str | Styled] = []
        for name, count in report.counts.items():
            told += [", " if told else "", f"{count:,} ", word(safe(name))]
        line("Quotations: ", *told, ".")
    elif report.checked:
        line("Nothing is quoted here: no words in quotation marks, no block quotes, no embedded posts were found.")
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


def _more(count: int, one: str, many: str) -> None:
    if count > 0:
        line(f"  and {count:,} more {one if count == 1 else many}; `--json` lists all")


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
    more = f" and {len(unmarked) - 3} more changes" if len(unmarked) > 3 else ""
    return "; ".join(said) + more if said else "its words are not those of the post"


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
    for note in document.notes[:NOTES]:
        line(f"  note: {short(note, 200)}")
    _more(len(document.notes) - NOTES, "note", "notes")
    if not quotations:
        places = "1 place refers" if document.mentions == 1 else f"{document.mentions:,} places refer"
        line(f"  nothing is quoted; {places} to posts" if document.mentions else "  nothing is quoted")
    passages, left = 0, Counter[str]()
    for quotation in document.quotations:
        if quotation.verdict in UNFAITHFUL:
            _quotation(quotation)
        elif _quiet(quotation) and passages < PASSAGES:
            passages += 1
            _passage(quotation)
        elif not _quiet(quotation) and room:
            room -= 1
            _quotation(quotation)
        else:
            left[quotation.verdict or quotation.status] += 1
    if left:
        told = ", ".join(f"{count:,} {safe(name)}" for name, count in sorted(left.items()))
        line(f"  and {sum(left.values()):,} more ({told}); `--json` lists all")
    line()
    return room


def _passage(quotation: Quotation) -> None:
    told = quotation.verdict or quotation.status
    line(f"  {quotation.where} passage: “{short(quotation.words, 80)}” ", word(safe(told)))


def _quotation(quotation: Quotation) -> None:
    name = f" ({short(quotation.name, 60)})" if quotation.name else ""
    who = f" {safe(glossary.account(quotation.handle))}{name}" if quotation.handle else name
    when = f" {safe(quotation.day)}" if quotation.day else ""
    verdict = safe(quotation.verdict or quotation.status)
    line("  ", (str(quotation.where), "bold"), f" {safe(quotation.kind)}{who}{when}: ", word(verdict))
    leading = quotation.compared[0] if quotation.compared else None
    changes = () if leading is None else leading.differences
    styles = {number: QUOTED for number, change in enumerate(changes) if change.op in glossary.UNMARKED}
    spans = [(change.quoted_start, change.quoted_end) for change in changes]
    line("    “", *excerpt(quotation.words, (0, 0), spans, styles, WORDS), "”")
    if quotation.standard == "speech":
        line(f"    {glossary.STANDARDS['speech']}")
    if quotation.verdict == "spliced":
        for part in glossary.parts(quotation):
            _part(quotation, part)
    elif leading is not None:
        _leading(leading)
    others = [one for one in quotation.compared[1:] if quotation.verdict != "spliced" or one.verdict != "spliced"]
    _others(others, "also fits" if leading is not None and leading.faithful else "but this fits")
    _whose(quotation)


def _leading(compared: Compared) -> None:
    """The post that the verdict is about, with what was changed, evened out, left out or must be warned of."""
    for change in compared.differences:
        _change(change, whole=bool(compared.flags) or change.op in glossary.UNMARKED)
    if compared.text and not compared.faithful:
        styles = {n: ORIGINAL for n, one in enumerate(compared.differences) if one.op in glossary.UNMARKED}
        spans = [(one.original_start, one.original_end) for one in compared.differences]
        stretch = (compared.original_start, compared.original_end)
        line("    the post says: “", *excerpt(compared.text, stretch, spans, styles, WORDS), "”")
    _notes(compared, "    ")
    _post(compared, "    ")
    if compared.reason:
        line(f"    {short(compared.reason, 200)}")


def _change(change: Difference, *, whole: bool) -> None:
    """One change with its place; `whole`: however long it is."""
    told: list[str | Styled] = []
    for whose, words in glossary.sentence(change):
        told.append((flat(words) if whole else short(words, SENTENCE), SAID[whose]))
    unmarked = change.op in glossary.UNMARKED
    line(f"    {change.where.line}:{change.where.column} ", *(told if unmarked else [piece[0] for piece in told]))


def _notes(compared: Compared, indent: str) -> None:
    for flag in compared.flags:
        line(indent, (f"! {safe(glossary.warning(flag))}", "bold yellow"))
    if compared.steps:
        line(f"{indent}after: {', '.join(safe(glossary.step(step)) for step in compared.steps)}")
    if compared.omitted:
        line(f"{indent}left out: {', '.join(safe(kind) for kind in compared.omitted)}")


def _post(compared: Compared, indent: str) -> None:
    """Which post it is, and what became of it."""
    if compared.post:
        line(f"{indent}post {_named(compared)}")
        if compared.address:
            line(indent, (safe(compared.address), "dim"))
    gone = glossary.fate(compared)
    if gone:
        at = f" (seen {moment(safe(compared.outcome_at))})" if compared.outcome_at else ""
        line(indent, (f"{safe(gone)}{at}", "red"))
    if compared.post and compared.text and not compared.current:
        line(indent, ("as last seen, the post reads differently", "yellow"))


def _named(compared: Compared) -> str:
    name = f" ({short(compared.name, 60)})" if compared.name else ""
    who = f"by {safe(glossary.account(compared.handle))}{name}, " if compared.handle else ""
    posted = f"{moment(safe(compared.posted_at))}, " if compared.posted_at else ""
    return f"{who}{posted}{safe(compared.post)}"


def _part(quotation: Quotation, part: Compared) -> None:
    """One part of a quotation that was put together from several posts."""
    words = quotation.words[part.quoted_start : part.quoted_end]
    line("    ", (short(part.reason or "part", 60), "magenta"), f": “{short(words, SENTENCE)}”")
    for change in part.differences:
        _change(change, whole=bool(part.flags))
    _notes(part, "      ")
    _post(part, "      ")


def _others(others: list[Compared], fits: str) -> None:
    """Further posts that hold the words, or were compared with them."""
    for one in others[:OTHERS]:
        told = [safe(glossary.warning(flag)) for flag in one.flags]
        told += [f"a near-duplicate of {safe(one.repeats)}"] if one.repeats else []
        more = f"; {'; '.join(told)}" if told else ""
        line(f"    {fits if one.faithful else 'compared too'}: {_named(one)}, ", word(safe(one.verdict)), more)
    _more(len(others) - OTHERS, "post", "posts")


def _whose(quotation: Quotation) -> None:
    """What the mention stands for, where no post was compared, and where else the words occur."""
    posts = {one.post for one in quotation.compared}
    if quotation.post and quotation.post not in posts:
        line(
            f"    {safe(quotation.status)} {safe(quotation.post)}"
            + (f" by {safe(quotation.how)}" if quotation.how else "")
        )
    if quotation.reason:
        line(f"    {short(quotation.reason, 200)}")
    if quotation.source:
        line(f"    {short(quotation.source, 300)}")
    for one in quotation.occurrences[:OCCURRENCES]:
        _occurrence(one)
    _more(len(quotation.occurrences) - OCCURRENCES, "place", "places")


def _occurrence(one: Occurrence) -> None:
    """A document that holds a run of the words."""
    claimed = f", dated {moment(safe(one.claimed_at))}" if one.claimed_at else ""
    seen = f", first seen {moment(safe(one.first_seen))}" if one.first_seen else ""
    held = f"{one.words} of the words in a row"
    line(f"      in {short(one.name or one.ref, 90)}{claimed}{seen}: {held}, ", word(safe(one.verdict)), _speech(one))


def _speech(one: Occurrence) -> str:
    return ", held to the standard for speech" if one.standard == "speech" else ""
