"""XML with places, as far as feeds need it: elements, attributes, character data; forgiving where feeds are careless.

Entities of a DTD are not expanded (so nothing can grow), nothing is fetched, names of HTML references are known.
Linear for any input: every construct either ends or takes the rest of the source, which is then noted.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field

from archiver.documents.encoding import place
from archiver.documents.references import REFERENCE, in_attribute, resolve
from archiver.documents.sourcemap import built
from archiver.model import Run, Span, Unread

_NAME = re.compile(r"</?([A-Za-z_][^\s<>/=]*+)")
_ATTRIBUTE = re.compile(r"""\s*+([^\s<>/="']++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
_TAG_END = re.compile(r"\s*+(/?)>")
_REFERENCE = re.compile(REFERENCE)
_SUBSET = re.compile(r"[\[\]>]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A piece of text read out of a source: `runs` map it there, `span` is where it stands as a whole."""

    text: str
    runs: tuple[Run, ...]
    span: Span


@dataclass(slots=True, kw_only=True)
class Node:
    """One element; `pieces` are its own character data: start, end in the source, and whether as it is (CDATA)."""

    qname: str
    attrs: dict[str, str]
    start: int
    inner: int
    end: int = -1
    inner_end: int = -1
    parent: int = -1
    pieces: list[tuple[int, int, bool]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name without its prefix, in lower case."""
        return self.qname.rpartition(":")[2].lower()

    def get(self, name: str) -> str:
        return self.attrs.get(name, "")

    def value(self, source: str) -> Value:
        """The character data of the element, references resolved."""
        return _value(source, self.pieces, Span(start=self.inner, end=self.inner_end))

    def markup(self, source: str) -> Value:
        """The element's content as the markup that stands there (XHTML inline)."""
        return _value(source, [(self.inner, self.inner_end, True)], Span(start=self.inner, end=self.inner_end))


def nodes(source: str) -> tuple[list[Node], tuple[Unread, ...]]:
    """All elements in document order, and what could not be read: stray and missing tags, unclosed sections."""
    found: list[Node] = []
    stack: list[int] = []
    opened: dict[str, int] = {}
    notes: list[Unread] = []
    at, size = 0, len(source)

    def note(reason: str, where: int) -> None:
        if len(notes) < 20:
            notes.append(Unread(reason=reason, pointer=place(source, where)))

    def text(start: int, end: int, verbatim: bool) -> None:
        if stack and end > start:
            found[stack[-1]].pieces.append((start, end, verbatim))

    def close(count: int, start: int, end: int) -> None:
        for left in range(count, 0, -1):
            node = found[stack.pop()]
            opened[node.qname] -= 1
            node.inner_end, node.end = start, end if left == 1 else start

    while at < size:
        lt = source.find("<", at)
        if lt < 0:
            lt = size
        text(at, lt, False)
        if lt == size:
            break
        section = _section(source, lt)
        if section:
            inner, inner_end, at = section
            if at < 0:
                note("a section that nothing closes takes the rest of the source", lt)
                at = inner_end = size
            if source.startswith("<![CDATA[", lt):
                text(inner, inner_end, True)
            continue
        name = _NAME.match(source, lt)
        if name is None:
            text(lt, lt + 1, True)
            at = lt + 1
            continue
        attrs, end, empty = _tag(source, name.end())
        if end < 0:
            # Where the search came to the end of the source, no later tag is looked for: time stays linear.
            note("a tag that nothing closes", lt)
            at = lt + 1 if end == -1 else size
            text(lt, at, True)
            continue
        at = end
        if source[lt + 1] == "/":
            if not opened.get(name[1]):
                note("an end tag without a start", lt)
                continue
            depth = 1
            while found[stack[-depth]].qname != name[1]:
                depth += 1
            if depth > 1:
                note("an end tag is missing before this one", lt)
            close(depth, lt, end)
            continue
        found.append(Node(qname=name[1], attrs=attrs, start=lt, inner=end, parent=stack[-1] if stack else -1))
        stack.append(len(found) - 1)
        opened[name[1]] = opened.get(name[1], 0) + 1
        if empty:
            close(1, end, end)
    if stack:
        note("the source ends inside an element", size)
        close(len(stack), size, size)
    return found, tuple(notes)


def _section(source: str, lt: int) -> tuple[int, int, int] | None:
    """A comment, CDATA section, instruction or declaration: its content and where it ends (-1: nowhere)."""
    for head, tail in (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")):
        if source.startswith(head, lt):
            inner = lt + len(head)
            end = source.find(tail, inner)
            return inner, end, end + len(tail) if end >= 0 else -1
    if not source.startswith("<!", lt):
        return None
    depth = 0
    for mark in _SUBSET.finditer(source, lt):  # A document type may hold declarations in brackets.
        depth += {"[": 1, "]": -1}.get(mark[0], 0)
        if mark[0] == ">" and depth <= 0:
            return lt + 2, mark.start(), mark.end()
    return lt + 2, len(source), -1


def _tag(source: str, at: int) -> tuple[dict[str, str], int, bool]:
    attrs: dict[str, str] = {}
    while True:
        end = _TAG_END.match(source, at)
        if end:
            return attrs, end.end(), bool(end[1])
        attribute = _ATTRIBUTE.match(source, at)
        if attribute is None:
            return attrs, -1 if source[at : at + 1] else -2, False
        value = attribute[2] if attribute[2] is not None else attribute[3]
        name = attribute[1] if ":" in attribute[1] else attribute[1].lower()
        attrs.setdefault(name, in_attribute(value))
        at = attribute.end()


def _value(source: str, pieces: list[tuple[int, int, bool]], span: Span) -> Value:
    parts: list[str] = []
    runs = array("q")
    length = 0

    def add(text: str, start: int, end: int) -> None:
        nonlocal length
        parts.append(text)
        runs.extend((length, length + len(text), start, end))
        length += len(text)

    for start, end, verbatim in pieces:
        at = start
        for reference in () if verbatim else _REFERENCE.finditer(source, start, end):
            text, used = resolve(reference[0])
            if not used:
                continue
            if reference.start() > at:
                add(source[at : reference.start()], at, reference.start())
            at = reference.start() + used
            add(text, reference.start(), at)
        if at < end:
            add(source[at:end], at, end)
    return Value(text="".join(parts), runs=built(runs), span=span)
