"""Lists of addresses: one a line (text/uri-list, RFC 2483), or a column of a table (RFC 4180; tab, semicolon or comma).

The text is the source. Each address is a link of role `address` at its place; each line that should hold one and
does not is noted with its number, so that no line is lost in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.documents.addresses import has_code, with_scheme
from archiver.errors import InputError, ParseError
from archiver.model import Link, Span, Unread

_LINE = re.compile(r"[^\r\n]++")
_ADDRESS = re.compile(
    r"<?((?:https?|at)://[^\s<>\"]++|(?:web\+)?nostr:[a-z]{4,8}1[a-z0-9]++|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}/[^\s<>\"]++)>?",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\s|]++")
_NOTED = 100
_SENTENCE = 5  # Words from which a line may be a quotation.

# One cell of a table: the range of its content, and whether it is quoted.
Cell = tuple[int, int, bool]


def is_list(text: str) -> bool:
    """Whether a text is a list of addresses, one a line, comments (`#`) and empty lines aside.

    Lines that hold none do not make it prose while they are few and short: `lines` notes them. A line of five words
    or more may be a quotation, which only a text that is read as prose keeps.
    """
    addresses = others = longest = 0
    for line in _LINE.finditer(text):
        words = line[0].strip()
        if not words or words.startswith("#"):
            continue
        found = _ADDRESS.match(words)
        rest = words[found.end() :].lstrip() if found else words
        if found and ("://" in found[1] or has_code(found[1])) and (not rest or rest.startswith("#")):
            addresses += 1
            continue
        others += 1
        longest = max(longest, len(rest.split()))
        if longest >= _SENTENCE:
            return False
    return addresses > others and (longest <= 1 or addresses >= 4 * others)


def lines(text: str) -> tuple[tuple[Link, ...], tuple[Unread, ...]]:
    """The addresses of a list of one a line, and the lines that hold none. `#` starts a comment line."""
    links: list[Link] = []
    notes = _Notes()
    number, at = 1, 0
    for line in _LINE.finditer(text):
        number += _breaks(text, at, line.start())
        at = line.end()
        words = line[0].strip()
        if not words or words.startswith("#"):
            continue
        start = line.start() + line[0].index(words)
        found = _ADDRESS.match(text, start, start + len(words))
        if not found:
            notes.add(f"no address: {words[:80]!r}", number)
            continue
        links.append(_link(found))
        if found.end() < start + len(words) and not text[found.end() : start + len(words)].lstrip().startswith("#"):
            notes.add("words after the address were not read", number)
    if not links:
        raise ParseError("a list of addresses without any address", pointer="text:1:1")
    return tuple(links), notes.all()


def table(text: str, *, delimiter: str = "", column: str = "") -> tuple[tuple[Link, ...], tuple[Unread, ...]]:
    """The addresses of one column: the named one, else the one that holds most of them.

    Raises InputError when there is no such column or none holds addresses.
    """
    delimiter = delimiter or _delimiter(text)
    notes = _Notes()
    rows = list(_rows(text, delimiter, notes))
    if not rows:
        raise ParseError("a table without rows", pointer="text:1:1")
    header = [_value(text, cell).strip() for cell in rows[0][1]]
    named = bool(column)
    chosen, others = (_named(header, column), []) if named else _fullest(text, rows)
    if others:
        notes.add(f"column {', '.join(map(str, others))} holds addresses too and was not read", 1)
    links: list[Link] = []
    for index, (number, cells) in enumerate(rows):
        found = list(_addresses(text, cells[chosen])) if chosen < len(cells) else []
        links += found
        if not found and not (index == 0 and (named or _heads(header))):
            notes.add(f"no address in column {chosen + 1}", number)
    if not links:
        raise InputError(
            f"column {column or chosen + 1} holds no address",
            place="line 1",
            hint=f"Name the column that does; there are: {', '.join(header[:20])}",
        )
    return tuple(links), notes.all()


class _Notes:
    """What could not be read, up to a bound, and how much more."""

    def __init__(self) -> None:
        self._notes: list[Unread] = []
        self._more = 0

    def add(self, reason: str, line: int) -> None:
        if len(self._notes) < _NOTED:
            self._notes.append(Unread(reason=reason, pointer=f"text:{line}:1"))
        else:
            self._more += 1

    def all(self) -> tuple[Unread, ...]:
        more = (Unread(reason=f"{self._more} further lines were not read", pointer=""),) if self._more else ()
        return (*self._notes, *more)


def _rows(text: str, delimiter: str, notes: _Notes) -> Iterator[tuple[int, list[Cell]]]:
    """The rows with their line numbers; rows without any content are left out."""
    plain = re.compile(rf"[^{re.escape(delimiter)}\r\n]*+")
    quoted = re.compile(r'"((?:[^"]++|"")*+)"')
    at, number, size, unclosed = 0, 1, len(text), False
    while at < size:
        cells: list[Cell] = []
        start = at
        while True:
            cell = None if unclosed or not text.startswith('"', at) else quoted.match(text, at)
            if cell:
                cells.append((cell.start(1), cell.end(1), True))
                at = cell.end()
                rest = plain.match(text, at)
                at = rest.end() if rest else at
            else:
                if text.startswith('"', at) and not unclosed:
                    unclosed = True  # Nothing closes it, so nothing closes a later one either: look no more.
                    notes.add("a quotation mark that nothing closes", number + _breaks(text, start, at))
                rest = plain.match(text, at)
                end = rest.end() if rest else at
                cells.append((at, end, False))
                at = end
            if not text.startswith(delimiter, at):
                break
            at += len(delimiter)
        if any(begin < end for begin, end, _ in cells):
            yield number, cells
        number += _breaks(text, start, at)
        if at < size:
            step = 2 if text.startswith("\r\n", at) else 1
            at, number = at + step, number + 1


def _breaks(text: str, start: int, end: int) -> int:
    return text.count("\n", start, end) + text.count("\r", start, end) - text.count("\r\n", start, end)


def _value(text: str, cell: Cell) -> str:
    start, end, quoted = cell
    return text[start:end].replace('""', '"') if quoted else text[start:end]


def _addresses(text: str, cell: Cell) -> Iterator[Link]:
    """The addresses of a cell: all its words must be some."""
    start, end, _ = cell
    if text.find("/", start, end) < 0 and text.find("nostr:", start, end) < 0:
        return  # Every other address has a slash, and most cells of a table have none.
    found = []
    for word in _WORDS.finditer(text, start, end):
        address = _ADDRESS.fullmatch(text, word.start(), word.end())
        if not address:
            return
        found.append(_link(address))
    yield from found


def _link(address: re.Match[str]) -> Link:
    span = Span(start=address.start(1), end=address.end(1))
    return Link(url=with_scheme(address[1]), text=span, source=span, role="address")


def _delimiter(text: str) -> str:
    """The delimiter that the first line has most of; a comma when it has none."""
    first = _LINE.search(text)
    counts = {mark: first[0].count(mark) if first else 0 for mark in (",", ";", "\t")}
    return max(counts, key=lambda mark: counts[mark])


def _named(header: list[str], column: str) -> int:
    folded = [name.casefold() for name in header]
    if column in header:
        return header.index(column)
    if column.strip().casefold() in folded:
        return folded.index(column.strip().casefold())
    raise InputError(f"there is no column {column!r}", place="line 1", hint=f"There are: {', '.join(header[:20])}")


def _fullest(text: str, rows: list[tuple[int, list[Cell]]]) -> tuple[int, list[int]]:
    """The column with most addresses, and the numbers (from 1) of others that are mostly addresses too."""
    counts: dict[int, int] = {}
    for _, cells in rows:
        for index, cell in enumerate(cells):
            if any(True for _ in _addresses(text, cell)):
                counts[index] = counts.get(index, 0) + 1
    if not counts:
        raise InputError("no column holds addresses", place="line 1", hint="Give a table with a column of addresses")
    chosen = max(counts, key=lambda index: (counts[index], -index))
    return chosen, sorted(index + 1 for index, count in counts.items() if index != chosen and count * 2 > len(rows))


def _heads(header: list[str]) -> bool:
    """Whether a first row looks like names of columns: short words, no address and no number."""
    return all(len(name) < 60 and "://" not in name and not name.isdecimal() for name in header)
