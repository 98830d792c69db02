"""What terminal, JSON and page of a check say alike: whose words they are, and why a file was not checked."""

from __future__ import annotations

import re

from archiver.jobs.checked import CheckedDocument, Quotation
from archiver.render import glossary


def authors(quotation: Quotation) -> tuple[str, ...]:
    """The authors of the posts that hold the words, each once, by handle where there is one."""
    held = [one for one in quotation.compared if one.faithful]
    return tuple(dict.fromkeys(glossary.account(one.handle) or one.name or one.post for one in held))


_PLAIN = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        # Pointers that only programs need: the start of a file says nothing, a line is called a line.
        (r" at (?:byte:0|text:1:1|/|\(whole\))$", ""),
        (r" at text:(\d+):(\d+)$", r" (line \1, column \2)"),
        (r" at byte:(\d+)$", r" (at byte \1)"),
        (r" at /(\S+)$", r" (in \1)"),
        # What to do next, where the message does not say it.
        (r": empty( but for [^.]*)?$", r": empty\1: nothing to check. Give a file that holds the text"),
        (r", not a text: too many control characters$", ", not a text. Save it as text, Markdown or HTML first"),
        (r", not a text: convert it .*$", ", not a text. Convert it to text, Markdown or HTML first"),
        (r", not a text$", ", not a text. Give the words themselves, as text, Markdown or HTML"),
        (r": (not JSON: .*|JSON nested too deeply)$", r": \1. Repair it, or have it read with --type text/plain"),
        (r": (not a (?:JSON )?feed: [^.]*)$", r": \1. Have it read with --type text/plain or text/html"),
        (
            r": ([^:]*) is not a document: .*$",
            r": --type says \1, which is no kind of document. Leave --type out, or give text/plain, text/markdown or "
            "text/html",
        ),
        (r": a bug in the parser: (.*)$", r": this program failed on it (\1). Report that, with the file if you may"),
        (r": Permission denied$", ": you may not read this file. Change its permissions, or check a copy"),
        (r"^this is a folder\. .*$", "an empty name names no file. Name a document, or - for standard input"),
    )
)


def problem(message: str) -> str:
    """Why a file could not be checked, as its place, what is wrong and what to do; an unknown message as it is."""
    for pattern, plain in _PLAIN:
        message = pattern.sub(plain, message)
    return message


_STRUCTURED = (".json", ".xml", ".rss", ".atom")


def notes(document: CheckedDocument) -> tuple[str, ...]:
    """What a reader must know of how a file was read: parts that were not, damaged text, and a file that held nothing
    or was taken for plain text though its name says otherwise."""
    told = []
    if not document.characters:
        told.append("nothing in it could be read as text: look at what the file holds")
    elif document.media_type == "text/plain" and document.name.lower().endswith(_STRUCTURED):
        told.append("it is no feed, so all of it was read as plain text, signs of its format included")
    return (*told, *(_placed(note) for note in document.notes))


def _placed(note: str) -> str:
    note = re.sub(r" \((?:byte:0|text:1:1|/)\)$", "", note)
    note = re.sub(r" \(text:(\d+):(\d+)\)$", r" (line \1, column \2)", note)
    return re.sub(r" \(byte:(\d+)\)$", r" (at byte \1)", note)
