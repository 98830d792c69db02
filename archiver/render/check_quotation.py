"""One quotation as `archiver check` prints it: the words, the verdict, each change in its place, the post."""

from __future__ import annotations

from archiver.jobs.checked import Compared, Difference, Occurrence, Phrase, Quotation
from archiver.render import glossary
from archiver.render.excerpt import excerpt, flat
from archiver.render.text import Styled, line, moment, safe, short, word

OTHERS, OCCURRENCES, HOLDERS = 5, 5, 3
"""Further posts, places that hold the words, and posts that hold a phrase, before the rest is counted."""
WORDS, SENTENCE = 240, 160
QUOTED, ORIGINAL = "red strike", "green"
SAID = {"quoted": QUOTED, "original": ORIGINAL, "": ""}


def more(count: int, one: str, many: str) -> None:
    """How much was left out; nothing where nothing was."""
    if count > 0:
        line(f"  and {count:,} more {one if count == 1 else many}; `--json` lists all")


def print_quotation(quotation: Quotation) -> None:
    """All of one quotation."""
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
    warns = glossary.warns(compared)
    for flag in compared.flags:
        told = safe(glossary.warning(flag))
        line(indent, (f"! {told}", "bold yellow") if flag in warns else f"note: {told}")
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
        notes = f"; {'; '.join(told)}" if told else ""
        line(f"    {fits if one.faithful else 'compared too'}: {_named(one)}, ", word(safe(one.verdict)), notes)
    more(len(others) - OTHERS, "post", "posts")


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
    more(len(quotation.occurrences) - OCCURRENCES, "place", "places")


def _occurrence(one: Occurrence) -> None:
    """A document that holds a run of the words."""
    claimed = f", dated {moment(safe(one.claimed_at))}" if one.claimed_at else ""
    seen = f", first seen {moment(safe(one.first_seen))}" if one.first_seen else ""
    held = f"{one.words} equal words in a row"
    line(f"      in {short(one.name or one.ref, 90)}{claimed}{seen}: {held}, ", word(safe(one.verdict)), _speech(one))


def _speech(one: Occurrence) -> str:
    return ", held to the standard for speech" if one.standard == "speech" else ""


def print_phrase(phrase: Phrase) -> None:
    """Words that are too few to be judged, with the posts where they stand."""
    held = [_holder(one.post, one.handle, one.posted_at) for one in phrase.posts[:HOLDERS]]
    left = len(phrase.posts) - HOLDERS
    held += [f"{left:,} more posts" if left > 1 else "1 more post"] if left > 0 else []
    line(f"  {phrase.where} phrase: “{short(phrase.words, 80)}” stands in {'; '.join(held)}")


def _holder(post: str, handle: str, posted_at: str) -> str:
    who = f" by {safe(glossary.account(handle))}" if handle else ""
    when = f", {moment(safe(posted_at))}" if posted_at else ""
    return f"{safe(post)}{who}{when}"
