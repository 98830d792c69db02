"""Lists and tables of addresses, each at its place, each bad line noted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import listing
from archiver.errors import InputError, ParseError


def test_one_address_a_line() -> None:
    text = "https://a.example/1\r\n# note\n\nnot one\n  x.example/a/status/1 # mine\n<https://b.example/q> and more\n"
    links, notes = listing.lines(text)
    assert [(link.url, text[link.source.start : link.source.end], link.role) for link in links] == [
        ("https://a.example/1", "https://a.example/1", "address"),
        ("https://x.example/a/status/1", "x.example/a/status/1", "address"),
        ("https://b.example/q", "https://b.example/q", "address"),
    ]
    assert [note.pointer for note in notes] == ["text:4:1", "text:6:1"]
    with pytest.raises(ParseError):
        listing.lines("# nothing\nwords\n")


def test_is_list() -> None:
    assert listing.is_list("https://a.example/\n#c\n\nat://did:plc:a/b/c")
    assert listing.is_list("https://a.example/ # mine\nhttps://b.example/")
    assert not listing.is_list("https://a.example/ words")
    assert not listing.is_list("# only a comment")


def test_a_few_bad_lines_do_not_make_a_list_prose() -> None:
    good = "".join(f"https://a.example/{number}\n" for number in range(8))
    assert listing.is_list(good + "javascript:alert(1)\n")
    assert listing.is_list("https://a.example/1\njavascript:alert(1)\nhttps://a.example/2\n")
    assert listing.is_list("My reading list\n" + good)
    assert listing.is_list(good + "https://a.example/x my note\n")
    links, notes = listing.lines("My reading list\n" + good + "javascript:alert(1)\n")
    assert len(links) == 8
    assert [note.pointer for note in notes] == ["text:1:1", "text:10:1"]
    assert "javascript:alert(1)" in notes[1].reason


def test_words_that_may_be_quoted_are_prose() -> None:
    good = "".join(f"https://a.example/{number}\n" for number in range(40))
    assert not listing.is_list(good + "The ferry carried ninety people this morning\n")
    assert not listing.is_list(good + "https://a.example/x the ferry carried ninety people\n")
    assert not listing.is_list("https://a.example/1\njavascript:alert(1)\n")
    assert not listing.is_list("https://a.example/1\nhttps://a.example/2\nSo true!\n")


TABLE = (
    'name,link,"also, this"\r\nA,https://a.example/1,x\r\n"B ""q""\nC","https://b.example/?a=1",y\r\nD,,z\r\nE,none\r\n'
)


def test_a_column_is_found_by_content() -> None:
    links, notes = listing.table(TABLE)
    assert [link.url for link in links] == ["https://a.example/1", "https://b.example/?a=1"]
    assert [TABLE[link.text.start : link.text.end] for link in links] == [
        "https://a.example/1",
        "https://b.example/?a=1",
    ]
    assert [note.pointer for note in notes] == ["text:5:1", "text:6:1"]


def test_a_column_is_named() -> None:
    text = (
        "one;two\nhttps://a.example/;https://b.example/\nhttps://c.example/;https://d.example/ | https://e.example/\n"
    )
    links, notes = listing.table(text, column="TWO")
    assert [link.url for link in links] == ["https://b.example/", "https://d.example/", "https://e.example/"]
    assert notes == ()
    links, notes = listing.table(text)
    assert [link.url for link in links] == ["https://a.example/", "https://c.example/"]
    assert "column 2" in notes[0].reason
    with pytest.raises(InputError, match=r"three.*one, two") as refused:
        listing.table(text, column="three")
    assert refused.value.place == "line 1"


def test_tables_without_addresses_are_refused() -> None:
    with pytest.raises(InputError, match="no column"):
        listing.table("a,b\n1,2\n")
    with pytest.raises(InputError, match="holds no address"):
        listing.table("a,b\n1,https://x.example/\n", column="a")
    with pytest.raises(ParseError):
        listing.table("\n\n")


def test_no_header() -> None:
    links, notes = listing.table("https://a.example/\thello\nhttps://b.example/\tworld\n", delimiter="\t")
    assert len(links) == 2
    assert notes == ()


def test_an_unclosed_quotation_mark_is_noted() -> None:
    links, notes = listing.table('a,b\n"x,https://a.example/\ny,https://b.example/\n')
    assert [link.url for link in links] == ["https://a.example/", "https://b.example/"]
    assert notes[0].pointer == "text:2:1"


def test_notes_are_bounded() -> None:
    _, notes = listing.lines("words here\n" * 5000 + "https://a.example/")
    assert len(notes) == 101
    assert "4900" in notes[-1].reason


@given(st.text(alphabet=st.sampled_from('",;\t\r\n <>#ahttps://x.example/'), max_size=120))
def test_any_table(text: str) -> None:
    for call in (listing.lines, listing.table):
        try:
            links, _ = call(text)
        except (ParseError, InputError):
            continue
        for link in links:
            assert text[link.source.start : link.source.end] in link.url
