"""Archives for the pages of documents: the demonstration, and documents and verdicts put beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from archiver.documents import sourcemap
from archiver.jobs import read
from archiver.model import Answer, Failure, Mention, MentionKind, Ref, Request, Span
from archiver.store.archive import Archive, open_archive
from archiver.store.readings import Readings

CAPTURE = 1


@dataclass(frozen=True, slots=True)
class Written:
    """A copy of an archive that a test writes into."""

    archive: Archive

    def document(self, text: str, spans: Sequence[tuple[int, int]] | None = None, **changes: Any) -> str:
        """Stores a plain text as it is read, or with mentions of these places alone; its SHA-256."""
        data = text.encode("utf-8")
        sha256 = hashlib.sha256(data).hexdigest()
        given = (("name", "made.txt"), ("media_type", "text/plain"))
        request = Request(
            ref=Ref(platform="doc", kind="document", id=sha256), route="seed", url="seed:made.txt", given=given
        )
        answer = Answer(
            request=request, status=None, headers=(), body=data, url=request.url, failure=Failure.NONE, detail="", at=""
        )
        result = read.read_answer(answer)
        assert result.document is not None
        mentions = result.mentions if spans is None else [mention(span) for span in spans]
        document = replace(result.document, **changes)
        with self.archive.transaction():
            Readings(self.archive).document(CAPTURE, document, mentions, sourcemap.dump(document.runs), "made")
        return sha256

    def match(self, sha256: str, ordinal: int, verdict: str, **more: Any) -> None:
        """Puts a verdict on a mention, as settling would."""
        row = {
            "verdict": verdict, "flags": "", "version": None, "post": None, "changes": "[]", "faithful": 0, "rank": 0,
            "found_by": "words", "reason": "", "score": "1.0", "steps": "", "omitted": "", "quoted_start": None,
            "quoted_end": None, "original_start": None, "original_end": None, "standard": "text", "policy": "1",
        } | more  # fmt: skip
        mention = self.archive.value(
            "SELECT m.id FROM refs r JOIN mentions m ON m.document = r.id WHERE r.ref = ? AND m.ordinal = ?",
            f"doc:document:{sha256}",
            ordinal,
        )
        self.execute(
            f"INSERT INTO matches (mention, {', '.join(row)}) VALUES (?, {', '.join('?' * len(row))})",
            mention,
            *row.values(),
        )

    def execute(self, sql: str, *values: object) -> None:
        with self.archive.transaction():
            self.archive.db.execute(sql, values)


def mention(span: tuple[int, int]) -> Mention:
    """A passage that covers these code points."""
    place = Span(start=span[0], end=span[1])
    return Mention(kind=MentionKind.PASSAGE, text=place, source=place, quote=place if span[0] < span[1] else None)


@contextmanager
def written(db: Path, path: Path) -> Iterator[Written]:
    """A copy of an archive at `path`, open for writing."""
    shutil.copy(db, path)
    archive = open_archive(path, now="2026-03-16T09:00:00Z", origin="test.example/log", create=False)
    try:
        yield Written(archive)
    finally:
        archive.close()


def change(op: str, quoted: str, original: str, at: int, there: int) -> dict[str, Any]:
    """A change as rows of matches hold it."""
    return {
        "op": op,
        "quoted": quoted,
        "original": original,
        "quoted_span": {"start": at, "end": at + len(quoted)},
        "original_span": {"start": there, "end": there + len(original)},
    }


def changes(*made: dict[str, Any]) -> str:
    return json.dumps(list(made))


def content(node: LexborNode) -> str:
    """The text that a node shows, without numbers that lead to posts and without words for screen readers."""
    out = []
    for child in node.iter(include_text=True):
        kinds = (child.attributes.get("class") or "").split() if child.tag != "-text" else []
        if child.tag == "-text":
            out.append(child.text_content or "")
        elif "data-char" in child.attributes:
            out.append(chr(int(child.attributes["data-char"] or "", 16)))
        elif not {"qc-at", "sr"} & set(kinds):
            out.append(content(child))
    return "".join(out)


def parsed(html: str) -> LexborHTMLParser:
    return LexborHTMLParser(html)


def text_of(page: str) -> str:
    """The text of the part of a document that a page shows."""
    return "".join(content(node) for node in parsed(page).css(".qc-read"))


def dangers(page: str) -> list[str]:
    """What in a page could run, or lead somewhere that no page of ours leads to."""
    found = []
    for node in parsed(page).css("*"):
        for name, value in node.attributes.items():
            address = (value or "").strip().lower()
            if name.startswith("on") or (
                name in ("href", "src", "action") and address.startswith(("javascript:", "data:"))
            ):
                found.append(f"{node.tag} {name}={value}")
            if name in ("srcdoc", "style") and node.tag not in ("html", "body"):
                found.append(f"{node.tag} {name}={value}")
        if node.tag in ("iframe", "object", "embed", "img") or (node.tag == "script" and "alert" in node.text()):
            found.append(node.tag or "")
    return found
