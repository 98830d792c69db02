"""The elements of a rendering, kept as columns of numbers: a page has very many, and few are ever looked at."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.model import Span

Attributes = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element or comment (`#comment`). `outer` and `inner` are ranges of the source, `text` of the rendering.

    `parent` is the index of the element around it, -1 at the top. Where an end tag is implied, `outer` and
    `inner` end at the same place.
    """

    tag: str
    attrs: Attributes
    outer: Span
    inner: Span
    text: Span
    parent: int = -1

    def get(self, name: str) -> str:
        """The value of an attribute, or an empty string."""
        return next((value for key, value in self.attrs if key == name), "")


class Elements:
    """The elements in document order, by index; an element is built when it is first asked for.

    A column has one entry an element: `tags`, `attrs`, `parents`, and the six ends of its ranges.
    """

    __slots__ = (
        "_built",
        "attrs",
        "inner_ends",
        "inner_starts",
        "outer_ends",
        "outer_starts",
        "parents",
        "tags",
        "text_ends",
        "text_starts",
    )

    def __init__(self, text_starts: array[int]) -> None:
        self.tags: list[str] = []
        self.attrs: list[Attributes] = []
        self.parents = array("q")
        self.outer_starts, self.outer_ends = array("q"), array("q")
        self.inner_starts, self.inner_ends = array("q"), array("q")
        self.text_starts, self.text_ends = text_starts, array("q")
        self._built: dict[int, Element] = {}

    def __len__(self) -> int:
        return len(self.tags)

    def __iter__(self) -> Iterator[Element]:
        return (self[number] for number in range(len(self.tags)))

    def __getitem__(self, number: int) -> Element:
        found = self._built.get(number)
        if found is None:
            found = self._built[number] = Element(
                tag=self.tags[number],
                attrs=self.attrs[number],
                outer=Span(start=self.outer_starts[number], end=self.outer_ends[number]),
                inner=Span(start=self.inner_starts[number], end=self.inner_ends[number]),
                text=Span(start=self.text_starts[number], end=self.text_ends[number]),
                parent=self.parents[number],
            )
        return found

    def tagged(self, tags: frozenset[str]) -> Iterator[Element]:
        """The elements of some names, in order; no other is built."""
        return (self[number] for number, tag in enumerate(self.tags) if tag in tags)

    def places(self, tags: frozenset[str]) -> list[Span]:
        """Where the elements of some names lie in the source, without those that lie in another of them."""
        found: list[Span] = []
        end = 0
        for number, tag in enumerate(self.tags):
            if tag in tags and self.outer_ends[number] > end:
                end = self.outer_ends[number]
                found.append(Span(start=self.outer_starts[number], end=end))
        return found

    def inside(self, number: int, most: int, tags: frozenset[str]) -> tuple[Element, ...]:
        """The elements of some names among those that start inside an element, at most so many of all, in order."""
        end = bisect_left(self.outer_starts, self.outer_ends[number], lo=number + 1)
        names = self.tags[number + 1 : min(end, number + most)]
        if tags.isdisjoint(names):
            return ()
        return tuple(self[inner] for inner, tag in enumerate(names, number + 1) if tag in tags)

    def add(
        self, tag: str, attrs: Attributes, outer: tuple[int, int], inner: tuple[int, int], text_end: int, parent: int
    ) -> int:
        """Notes an element that begins; its number. Ends of -1 are set when it ends."""
        number = len(self.tags)
        self.tags.append(tag)
        self.attrs.append(attrs)
        self.outer_starts.append(outer[0])
        self.outer_ends.append(outer[1])
        self.inner_starts.append(inner[0])
        self.inner_ends.append(inner[1])
        self.text_ends.append(text_end)
        self.parents.append(parent)
        return number
