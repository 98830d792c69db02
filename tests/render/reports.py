"""Reports of checks, made by hand: an invented town, each verdict once."""

import hashlib
from collections import Counter
from dataclasses import replace

from archiver.jobs.checked import (
    CheckedDocument,
    Compared,
    Difference,
    Holder,
    Occurrence,
    Phrase,
    Quotation,
    Report,
    Where,
)

SHA = hashlib.sha256(b"an article").hexdigest()


def where(line: int, column: int, length: int = 10) -> Where:
    return Where(line=line, column=column, end_line=line, end_column=column + length)


def difference(op: str, words: str, text: str, quoted: str, original: str, *, line: int = 12) -> Difference:
    """A change of `quoted` (in the words) for `original` (in the text of the post). A leading `|` marks a place of no
    length: what follows it stands there."""
    quoted_start = words.index(quoted.removeprefix("|")) if quoted else len(words)
    original_start = text.index(original.removeprefix("|")) if original else len(text)
    quoted = "" if quoted.startswith("|") else quoted
    original = "" if original.startswith("|") else original
    return Difference(
        op=op,
        quoted=quoted,
        original=original,
        quoted_start=quoted_start,
        quoted_end=quoted_start + len(quoted),
        original_start=original_start,
        original_end=original_start + len(original),
        where=where(line, quoted_start + 2, len(quoted)),
    )


def compared(verdict: str, number: int, text: str, words: str = "", **more: object) -> Compared:
    held = words or text
    at = max(0, text.find(held))
    given: dict[str, object] = {
        "verdict": verdict,
        "standard": "text",
        "faithful": verdict not in ("altered", "spliced", "not-found", "not-judged"),
        "found_by": "target",
        "post": f"x:post:{2030000000000000000 + number}",
        "address": f"https://x.example/ada/status/{2030000000000000000 + number}",
        "handle": "ada_of_lanternwick",
        "name": "Ada of Lanternwick",
        "posted_at": "2026-03-13T09:00:27.000Z",
        "text": text,
        "outcome": "live",
        "outcome_at": "2026-03-16T10:00:00.000Z",
        "first_seen": "2026-03-14T08:00:00.000Z",
        "capture": f"019cf2a8-0000-7000-8000-{number:012d}",
        "version": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "quoted_end": len(words or text),
        "original_start": at,
        "original_end": at + len(held) if held in text else len(text),
    }
    return Compared(**(given | more))  # type: ignore[arg-type]


def quotation(words: str, verdict: str, *against: Compared, line: int = 12, **more: object) -> Quotation:
    given: dict[str, object] = {
        "passage": f"doc:passage:{SHA}:{line * 100}-{line * 100 + len(words)}",
        "kind": "signed-quotation",
        "markup": "signature",
        "where": where(line, 2, len(words)),
        "words": words,
        "handle": "ada_of_lanternwick",
        "name": "Ada of Lanternwick",
        "day": "2026-03-13",
        "url": "",
        "status": "resolved",
        "how": "permalink",
        "post": against[0].post if against else "",
        "reason": "",
        "verdict": verdict,
        "standard": "text",
        "compared": against,
    }
    return Quotation(**(given | more))  # type: ignore[arg-type]


def holder(number: int) -> Holder:
    return Holder(
        post=f"x:post:{number}",
        handle="ada_of_lanternwick",
        posted_at="2026-03-13T09:00:27.000Z",
        address=f"https://x.example/i/status/{number}",
    )


FERRY = "The ferry carried ninety people this morning, and did not leave anybody on the quay. Thank you all."


def altered(line: int = 12) -> Quotation:
    words = "The ferry carried nineteen people this very morning, and did leave anybody on the quay."
    changes = (
        difference("replaced", words, FERRY, "nineteen", "ninety", line=line),
        difference("added", words, FERRY, "very ", "|morning", line=line),
        difference("removed", words, FERRY, "|leave", "not ", line=line),
    )
    told = compared(
        "altered",
        1,
        FERRY,
        differences=changes,
        flags=("negation-changed", "number-changed"),
        quoted_end=len(words),
        original_end=FERRY.index(" Thank"),
        outcome="deleted",
    )
    fits = compared("exact", 2, words, handle="bo_of_lanternwick", name="Bo", found_by="words", repeats="x:post:7")
    return quotation(words, "altered", told, fits, line=line)


def spliced(line: int = 14) -> Quotation:
    one, two = "The town says that the bridge was inspected.", "The harbour office holds no paper of it."
    words = f"{one} {two}"
    parts = (
        compared("spliced", 3, one, quoted_end=len(one), reason="part 1 of 2"),
        compared("spliced", 4, f"Bo asks: {two}", two, quoted_start=len(one) + 1, quoted_end=len(words),
                 reason="part 2 of 2", steps=("quotes", "white-space")),
    )  # fmt: skip
    return quotation(words, "spliced", *parts, line=line, status="unresolved", how="", post="")


def elided(line: int = 16) -> Quotation:
    text = "I will not vote for the new bridge unless it is inspected again. It is a fine bridge."
    words = "I will … vote for [it]"
    changes = (
        difference("elided", words, text, "…", "not ", line=line),
        difference("bracketed", words, text, "[it]", "the new bridge", line=line),
    )
    flags = ("negation-elided", "bracket-replaces")
    told = compared("elided", 5, text, differences=changes, flags=flags, original_end=text.index(" unless"))
    return quotation(words, "elided", told, line=line)


def of_another(line: int = 30) -> Quotation:
    """Faithful words, signed to Ada, that stand in a post of Bo alone."""
    words = "The gulls of the quay have been seen to queue for the ferry."
    post = {"handle": "bo_of_lanternwick", "name": "Bo", "found_by": "words", "flags": ("author-differs",)}
    return quotation(words, "exact", compared("exact", 20, words, **post), line=line, status="unresolved", post="")


def every_verdict() -> Report:
    """One file with each verdict, one that quotes nothing, one that could not be read."""
    plain = "The gulls of the quay have been seen to queue for the ferry."
    longer = f"Neighbours! {plain} Nobody was hurt."
    curly = "It’s the gulls’ ferry now — all of it."
    right_to_left = "הגשר סגור עד הקיץ, והמעבורת חינם."
    held = (
        Occurrence(ref=f"doc:document:{SHA}", name="bulletin.txt", words=9, claimed_at="2017-03-01", verdict="partial",
                   first_seen="2026-03-14T08:00:00.000Z", standard="text"),
    )  # fmt: skip
    quotations = (
        quotation(plain, "exact", compared("exact", 10, plain), line=3, kind="embed"),
        quotation("It's the gulls' ferry now - all of it.", "normalised",
                  compared("normalised", 11, curly, steps=("quotes", "dashes")), line=5),
        quotation(plain, "partial", compared("partial", 12, longer, plain, current=False), line=7),
        quotation("the gulls of the quay have been seen to queue for the ferry", "same-words",
                  compared("same-words", 10, plain, steps=("case", "punctuation"), omitted=("emoji",)), line=9),
        quotation(right_to_left, "exact", compared("exact", 13, right_to_left), line=10, handle="", name="", day=""),
        altered(),
        spliced(),
        elided(),
        quotation("The gulls of the quay have been se…", "truncated", compared("truncated", 10, plain), line=18),
        quotation("The gulls [of the quay] have been seen", "bracketed",
                  compared("bracketed", 10, "The gulls have been seen", flags=("author-differs",)), line=20),
        quotation("Nobody ever asked the fish market before the date was set.", "not-found",
                  Compared(verdict="not-found", standard="text", faithful=False, found_by="words", post="",
                           reason="no captured post holds all of these words"),
                  line=22, kind="passage", handle="", name="", day="", status="unresolved", how="",
                  reason="no address of a post stands in it", occurrences=held,
                  source="occurs in 1 archived document, earliest 2017-03-01 (bulletin.txt)"),
        quotation("We were told to wait, uh, for the tide.", "not-judged",
                  compared("not-judged", 15, "We were told to wait for a tide.", standard="speech",
                           flags=("wording-differs",), reason="two reports of one speech differ", quoted_end=0,
                           original_end=0), line=24, standard="speech"),
        quotation("a short passage", "not-found", line=26, kind="passage", handle="", name="", day="",
                  status="unresolved", how="", post=""),
    )  # fmt: skip
    document = CheckedDocument(
        name="article.md",
        ref=f"doc:document:{SHA}",
        media_type="text/markdown",
        encoding="utf-8",
        characters=2345,
        mentions=15,
        notes=("damaged encoding: đźŚ‰ → 🌉",),
        quotations=quotations,
        phrases=(Phrase(where=where(28, 4, 19), words="delay with a large", posts=(holder(1), holder(2))),),
    )
    empty = replace(
        document, phrases=(), name="plain.txt", ref="doc:document:" + "0" * 64, mentions=2, notes=(), quotations=()
    )
    return report(document, empty, problems=["letter.pdf: no document that can be read (at byte:0)"])


def report(*documents: CheckedDocument, problems: list[str] | None = None, posts: int = 1234) -> Report:
    counted = Counter(q.verdict or q.status for document in documents for q in document.quotations)
    return Report(
        archive="data/archive.db",
        posts=posts,
        documents=56,
        cutoff="2026-03-16T10:00:00.000Z",
        policy="mentions/4 quotes/2 match/2",
        counts=dict(sorted(counted.items())),
        problems=problems or [],
        checked=list(documents),
    )


def one_file(*quotations: Quotation) -> Report:
    """A report of one file that holds these quotations."""
    return report(replace(every_verdict().checked[0], quotations=quotations, phrases=(), notes=()))
