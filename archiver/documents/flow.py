"""Rendered text as it grows: white space collapsed as a browser does, with the run of source behind each piece."""

from __future__ import annotations

import re
from array import array

from archiver.documents.references import REFERENCE, resolve
from archiver.documents.sourcemap import built
from archiver.documents.tokens import WS
from archiver.model import Run

_COLLAPSED = re.compile(rf"[{WS}]{{2,}}+|{REFERENCE}")
_PREFORMATTED = re.compile(rf"\r\n?|{REFERENCE}")
# Beyond so many runs the map becomes coarse (whole to whole, over so many code points): memory stays bounded.
MAX_RUNS = 500_000
_COARSE = 4096
_SPACES = str.maketrans("\t\n\f\r", "    ")


class Flow:
    """Collects text. White space and line breaks wait until the next visible character, so none stands at an end.

    `length` is what stands already. `starts` holds, for each element by its number, where its text starts;
    -1 while it waits for its first character.
    """

    __slots__ = (
        "_break",
        "_last",
        "_parts",
        "_runs",
        "_space",
        "_waiting",
        "hidden",
        "length",
        "pre",
        "source",
        "starts",
    )

    def __init__(self, source: str) -> None:
        self.source = source
        self.length, self.hidden, self.pre = 0, 0, 0
        self.starts = array("q")
        self._parts: list[str] = []
        # Four numbers a run (start and end in the text, in the source): a page has very many runs.
        self._runs = array("q")
        self._last = (0, -1, 0, -1)  # The run that may still grow.
        self._break = 0
        self._space: tuple[int, int, str] | None = None
        self._waiting: list[int] = []

    def open(self) -> None:
        """The next element begins here."""
        self._waiting.append(len(self.starts))
        self.starts.append(-1)

    def place(self) -> None:
        """The next element has no text: it stands here."""
        self.starts.append(self.length)

    def close(self, element: int) -> int:
        """The element ends here; where its text ends."""
        if self.starts[element] < 0:
            self.starts[element] = self.length
        return self.length

    def block(self, lines: int) -> None:
        """A block edge: at least so many line breaks before the next character."""
        self._break, self._space = max(self._break, lines), None

    def line(self) -> None:
        """A forced line break."""
        if not self.hidden:
            self._break, self._space = self._break + 1, None

    def cell(self, at: int) -> None:
        """The edge between two cells of a row."""
        if not self._break and not self.hidden and self.length:
            self._space = (at, at, "\t")

    def insert(self, text: str, start: int, end: int) -> None:
        """Text that the given piece of source stands for as a whole."""
        if not self.hidden:
            self._emit(text, start, end)

    def text(self, start: int, end: int) -> None:
        """Character data of the source, with references."""
        if self.hidden:
            return
        at = start
        for match in (_PREFORMATTED if self.pre else _COLLAPSED).finditer(self.source, start, end):
            found, head, used = match[0], match.start(), match.end() - match.start()
            text = ""
            if found[0] == "&":
                text, used = resolve(found)
                if not used:
                    continue
            if head > at:
                self._plain(at, head)
            at = head + used
            if found[0] != "&":
                self._break += bool(self.pre)
                if not self.pre:
                    self._gap(head, at)
            elif text in WS and not self.pre:
                self._gap(head, at)
            else:
                self._emit(text, head, at)
        if at < end:
            self._plain(at, end)

    def literal(self, start: int, end: int) -> None:
        """Character data without references, kept as it is."""
        if end > start and not self.hidden:
            self._verbatim(start, end)

    def rendered(self) -> tuple[str, tuple[Run, ...]]:
        """The whole text and its map."""
        if self._last[1] > 0:
            self._runs.extend(self._last)
            self._last = (0, -1, 0, -1)
        return "".join(self._parts), built(self._runs)

    def _plain(self, start: int, end: int) -> None:
        """A piece without references; outside preformatted text its white space is single."""
        if self.pre:
            self._verbatim(start, end)
            return
        if self.source[start] in WS:
            self._gap(start, start + 1)
            start += 1
            if start == end:
                return
        trailing = self.source[end - 1] in WS
        piece = self.source[start : end - trailing]
        if not piece:
            return
        if "\n" in piece or "\t" in piece or "\r" in piece or "\f" in piece:
            piece = piece.translate(_SPACES)
        self._emit(piece, start, end - trailing)
        if trailing:
            self._gap(end - 1, end)

    def _verbatim(self, start: int, end: int) -> None:
        """Line feeds at the end wait like any other line break: a block edge may follow."""
        piece = self.source[start:end].rstrip("\n")
        if piece:
            self._emit(piece, start, start + len(piece))
        self._break += end - start - len(piece)

    def _gap(self, start: int, end: int) -> None:
        if self.length and not self._break and self._space is None:
            self._space = (start, end, " ")

    def _emit(self, text: str, start: int, end: int) -> None:
        if self._break:
            if self.length:
                self._parts.append("\n" * self._break)
                self.length += self._break
            self._break, self._space = 0, None
        elif self._space is not None:
            first, last, blank = self._space
            self._space = None
            self._append(blank, first, last)
        if self._waiting:
            for element in self._waiting:
                if self.starts[element] < 0:
                    self.starts[element] = self.length
            self._waiting.clear()
        self._append(text, start, end)

    def _append(self, text: str, start: int, end: int) -> None:
        before = self.length
        self.length = after = before + len(text)
        self._parts.append(text)
        if start == end:
            return  # A separator that the source has no character for.
        text_start, text_end, source_start, source_end = self._last
        if text_end == before and source_end == start and after - before == end - start:
            joins = after - text_start == end - source_start
        else:
            joins = False
        if not joins and len(self._runs) >= 4 * MAX_RUNS and source_end - source_start < _COARSE:
            joins = after - text_start != end - source_start
        if joins:
            self._last = (text_start, after, source_start, end)
            return
        if text_end > 0:
            self._runs.extend(self._last)
        self._last = (before, after, start, end)
