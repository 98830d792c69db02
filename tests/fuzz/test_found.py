"""What fuzzing found, each as the smallest input that shows it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archiver import platforms
from archiver.errors import InputError, ParseError
from archiver.jobs.config import load
from archiver.model import Answer, Exchange, Ref, Request, Span
from archiver.net.manners import Book, host_of
from archiver.net.pace import Pace, retry_after
from archiver.net.policy import Allowance
from archiver.platforms.fields import Node, utc_text
from tests.fuzz import answers
from tests.nostr_made import ANN, made

HUGE = "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT"


@pytest.mark.parametrize("text", [HUGE, "Mon, 01 Jan 2020 00:00:00 +99999999999999", "1 Jan 2020 0:0 -9999"])
def test_times_with_numbers_beyond_a_machine_word_are_no_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        utc_text(text)
    with pytest.raises(ParseError):
        Node(text, "/at").time()


def test_a_date_beyond_a_machine_word_asks_for_no_pause() -> None:
    request = Request(ref=Ref.parse("web:page:https://a.example/"), route="page", url="https://a.example/")
    for headers in ((("retry-after", HUGE),), (("retry-after", "Mon, 01 Jan 2024 00:00:09 GMT"), ("date", HUGE))):
        exchange = Exchange(
            uid="", request=request, url=request.url, started_at="", ended_at="", status=429, headers=headers
        )
        assert retry_after(exchange, 1_704_067_200.0) in (None, 9.0)


def test_a_host_that_is_ready_may_be_asked_on_a_clock_that_never_stands_still() -> None:
    ticks = iter(range(1, 1000))
    pace = Pace(interval=0.0, now=lambda: float(next(ticks)))
    assert [pace.begin("a.example"), pace.begin("a.example")] == [0.0, 0.0]


@pytest.mark.parametrize("text", ["9" * 5000 + "-" + "9" * 5001, "0-" + "9" * 5000])
def test_a_range_of_too_many_digits_is_none(text: str) -> None:
    with pytest.raises(InputError):
        Span.parse(text)


def test_a_port_of_too_many_digits_is_none() -> None:
    with pytest.raises(InputError):
        Allowance.parse("a.example:" + "9" * 5000)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("a = " + "[" * 5000, "nested too deeply"),
        ("[follow]\ndepth = " + "9" * 5000, "not TOML"),
        ("[pace]\ndefault = " + "9" * 400, "'default' in [pace]"),
        ("[follow]\nwait = 1e300", "'wait' in [follow]"),
        ('[network]\nverify = "' + "x" * 5000 + '"', "names no file"),
        ('[network]\nverify = "a\\u0000b"', "names no file"),
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, toml: str, told: str) -> None:
    path = tmp_path / "archiver.toml"
    path.write_text(toml)
    with pytest.raises(InputError) as refused:
        load(path, environment={})
    assert told in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("url", ["https://[", "http://[::1", "//[x]/", "https://a:99999/", "https://a:x/"])
def test_a_location_that_is_no_address_names_no_host(url: str) -> None:
    assert host_of(url) == ""
    assert Book().of(url).host == ""


def of_route(platform: str, route: str) -> Answer:
    return next(answer for answer in answers.of(platform) if answer.request.route == route)


def test_a_short_link_leads_to_no_address_with_control_characters() -> None:
    answer = of_route("x", "tco")
    body = answer.body.replace(b"https://twitter.com", b"https://a.example/\0\0")
    with pytest.raises(ParseError):
        platforms.all_platforms()["x"].parse(answer.request, replace(answer, body=body))


@pytest.mark.parametrize("key", ["\0", "\ud800", "wr\0ng"])
def test_a_foreign_key_in_a_pointer_can_be_stored(key: str) -> None:
    answer = of_route("nostr", "event")
    body = json.dumps({key: made(ANN, "words")}).encode()
    reading = platforms.all_platforms()["nostr"].parse(answer.request, replace(answer, body=body))
    assert [post.text for post in reading.posts] == ["words"]
    pointers = [post.pointer for post in reading.posts]
    assert all("\0" not in pointer and pointer.encode() for pointer in pointers), pointers


def _oembed(html: str) -> bytes:
    return json.dumps(json.loads(of_route("x", "oembed").body) | {"html": html}).encode()


SLOW: dict[str, tuple[str, Callable[[], bytes]]] = {
    "an embed of links that nothing closes": ("oembed", partial(_oembed, "<a href='" * 20_000)),
    "an embed of comments that nothing closes": ("oembed", partial(_oembed, "<!--" * 50_000)),
    "an old page of elements in elements": ("wayback", lambda: b"<div>" * 40_000),
    "a short link of refreshes that nothing closes": (
        "tco",
        lambda: b'<meta http-equiv="refresh" content="0;url=' * 20_000,
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_what_was_made_to_be_slow_is_refused_at_once(name: str) -> None:
    route, make = SLOW[name]
    answer: Any = of_route("x", route)
    start = time.thread_time()
    with pytest.raises(ParseError):
        platforms.all_platforms()["x"].parse(answer.request, replace(answer, body=make()))
    assert time.thread_time() - start < 1.0
