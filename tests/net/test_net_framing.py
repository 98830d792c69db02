"""Framing: what is cut can be joined again, byte for byte, for any bytes and any cut; damage is refused on joining."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.custody.framing import Framing, Splitter, join, parse_head, pieces, split
from archiver.errors import ParseError

BODY = b"<p>" + b"0123456789abcdef" * 40 + b"</p>"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MESSAGES = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "excess": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n",
    "by close": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    "chunked": CHUNKED + b"280;x=\"y\"\r\n" + BODY[:640] + b"\r\n7\r\n" + BODY[-7:] + b"\r\n0\r\n\r\n",
    "same chunks": CHUNKED + b"3\r\nabc\r\n" * 50 + b"0\r\nX: 1\r\nY: 2\r\n\r\n",
    "odd lines": CHUNKED + b"003 \r\nabc\r\n3\r\nabc\r\n03\r\nabc\r\n0000\r\n\r\nmore",
    "damaged line": CHUNKED + b"3\r\nabc\r\nzz\r\nabc\r\n0\r\n\r\n",
    "damaged data": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "not chunked at all": CHUNKED + BODY,
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "interim": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "no head": b"\x00\xff\r\n\r\nrest",
    "empty": b"",
}  # fmt: skip


def rejoined(message: bytes) -> bytes:
    head, body, framing = split(message)
    return join(head, BytesIO(body), framing)


@pytest.mark.parametrize("name", MESSAGES)
def test_join_undoes_split_at_every_cut(name: str) -> None:
    message = MESSAGES[name]
    for cut in range(len(message) + 1):
        assert rejoined(message[:cut]) == message[:cut]


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("step", [1, 2, 7, 64])
def test_pieces_of_any_size_give_the_same(name: str, step: int) -> None:
    message = MESSAGES[name]
    splitter = Splitter()
    body = b"".join(splitter.feed(message[at : at + step]) for at in range(0, len(message), step))
    assert (splitter.raw_head, body, splitter.framing()) == split(message)


@given(st.binary(max_size=300), st.sampled_from([b"", CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]))
def test_join_undoes_split_for_any_bytes(data: bytes, head: bytes) -> None:
    assert rejoined(head + data) == head + data


lines = st.from_regex(rb"[0-9a-fA-F]{1,2}[ \t]?(;[a-z=\xe9]{0,5})?\r\n", fullmatch=True)
chunk_parts = st.lists(
    st.one_of(lines, st.sampled_from([b"\r\n", b"abc", b"3\r\nabc\r\n", b"0\r\n", b"\n", b"X: y\r\n"]))
)


@given(chunk_parts, st.integers(1, 9))
def test_join_undoes_split_for_nearly_right_chunks(parts: list[bytes], step: int) -> None:
    message = CHUNKED + b"".join(parts)
    assert rejoined(message) == message
    splitter = Splitter()
    body = b"".join(splitter.feed(message[at : at + step]) for at in range(0, len(message), step))
    assert (splitter.raw_head, body, splitter.framing()) == split(message)
    assert splitter.framing() == "" or str(Framing.parse(splitter.framing())) == splitter.framing()


@pytest.mark.parametrize(
    ("name", "complete", "excess"),
    [
        ("length", True, 0),
        ("excess", True, 19),
        ("chunked", True, 0),
        ("same chunks", True, 0),
        ("odd lines", True, 4),
        ("damaged line", False, 0),
        ("damaged data", False, 0),
        ("by close", True, 0),
    ],
)
def test_it_is_known_whether_a_message_is_whole(name: str, complete: bool, excess: int) -> None:
    splitter = Splitter()
    splitter.feed(MESSAGES[name])
    splitter.close()
    assert (splitter.complete, splitter.excess) == (complete, excess)


def test_every_cut_of_a_whole_message_is_incomplete() -> None:
    for name in ("length", "chunked", "same chunks", "interim"):
        for cut in range(len(MESSAGES[name])):
            splitter = Splitter()
            splitter.feed(MESSAGES[name][:cut])
            splitter.close()
            assert not splitter.complete, (name, cut)


def test_answers_without_a_body_have_none() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert split(head, "HEAD") == (head, b"", "")
    for status in (b"204", b"304"):
        splitter = Splitter()
        splitter.feed(head.replace(b"200", status))
        assert splitter.complete


def test_the_body_is_without_framing_and_equal_chunks_take_no_room() -> None:
    head, body, framing = split(MESSAGES["same chunks"])
    assert (head, body) == (CHUNKED, b"abc" * 50)
    assert Framing.parse(framing) == Framing(chunks=(("3", 50), ("0", 1)), tail="X: 1\r\nY: 2\r\n\r\n")


@pytest.mark.parametrize("name", ["chunked", "same chunks", "odd lines", "damaged data"])
def test_a_tampered_body_does_not_fit(name: str) -> None:
    head, body, framing = split(MESSAGES[name])
    for wrong in (body[:-1], body + b"x", body * 2):
        if Framing.parse(framing).open and len(wrong) < len(body):
            continue  # a cut message may be cut earlier: nothing contradicts it
        with pytest.raises(ParseError):
            b"".join(pieces(head, BytesIO(wrong), framing))


GOOD = '{"chunks":[["3",2],["0",1]],"open":false,"tail":"\\r\\n"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        GOOD + " ",
        GOOD.replace("false", "0"),
        GOOD.replace("false", "true"),
        GOOD.replace("2", "0"),
        GOOD.replace("2", "-1"),
        GOOD.replace("2", "true"),
        GOOD.replace("2", "1.0"),
        GOOD.replace('"3"', '"g"'),
        GOOD.replace('"3"', '"3\\r\\n"'),
        GOOD.replace('"3"', "3"),
        GOOD.replace('["3",2],["0",1]', '["0",1],["3",2]'),
        GOOD.replace('["0",1]', '["0",2]'),
        GOOD.replace('["0",1]', '["0"]'),
        GOOD.replace('"tail":"\\r\\n"', '"tail":null'),
        GOOD.replace('"tail":"\\r\\n"', '"tail":"\\u0100"'),
        GOOD.replace('"open":false,', ""),
        GOOD[:-1] + ',"more":1}',
    ],
)
def test_framing_that_was_not_written_by_us_is_refused(text: str) -> None:
    assert str(Framing.parse(GOOD)) == GOOD
    with pytest.raises(ParseError):
        Framing.parse(text)


def test_heads_are_read_as_they_are() -> None:
    raw = (
        b"HTTP/1.1 103 Early\r\nA: 1\r\n\r\nHTTP/1.1 404 Not \xe9\r\nX-A:  one \r\n two\r\nx-a:three\r\nEmpty:\r\n\r\n"
    )
    head = parse_head(raw)
    assert (head.version, head.status, head.reason) == ("HTTP/1.1", 404, "Not é")
    assert head.headers == (("x-a", "one two"), ("x-a", "three"), ("empty", ""))
    assert head.values("x-a") == ["one two", "three"]


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx\r\n\r\n"]
)
def test_what_is_no_head_is_refused(raw: bytes) -> None:
    with pytest.raises(ParseError):
        parse_head(raw)


@given(st.binary(max_size=200))
def test_any_head_is_read_or_refused(raw: bytes) -> None:
    for candidate in (raw, b"HTTP/1.1 200 OK\r\n" + raw):
        try:
            head = parse_head(candidate)
        except ParseError:
            continue
        assert 0 <= head.status <= 999
