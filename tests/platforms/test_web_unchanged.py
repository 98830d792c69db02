"""What a 304 may say of a page, by request and answer alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model import Answer, Failure, Outcome, Ref, Request
from archiver.platforms import web
from archiver.platforms.web.unchanged import SINCE, believed, etag, http_date, trusted

URL = "https://news.example/a"
REF = Ref(platform="web", kind="page", id=URL)
UID = "01940000-0000-7000-8000-000000000001"
OLD, NEW = "Mon, 01 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 00:00:00 GMT"


def asked(name: str = "If-None-Match", value: str = '"v1"', since: str = UID) -> Request:
    given = ((SINCE, since),) if since else ()
    headers = (("Accept", "text/html"), *(((name, value),) if value else ()))
    return Request(ref=REF, route="page", url=URL, headers=headers, given=given)


def answer(request: Request, *headers: tuple[str, str], url: str = URL, status: int = 304) -> Answer:
    return Answer(request=request, status=status, headers=headers, url=url, at="2026-01-01T00:00:00.000000Z")


def outcome(got: Answer) -> tuple[Outcome, str]:
    (finding,) = web.parse(got.request, got).findings
    assert finding.ref == REF
    return finding.outcome, finding.reason


@pytest.mark.parametrize(
    ("request_", "headers", "how"),
    [
        (asked(), (("etag", '"v1"'),), "by its entity tag"),
        (asked(), (), "by its entity tag"),
        (asked(value='W/"v1"'), (("etag", 'W/"v1"'),), "by a weak entity tag"),
        (asked(), (("etag", 'W/"v1"'),), "by a weak entity tag"),  # a server may weaken it when it compresses
        (asked(value='W/"v1"'), (("etag", '"v1"'),), "by a weak entity tag"),
        (asked("If-Modified-Since", OLD), (("last-modified", OLD),), "by its date"),
        (asked("If-Modified-Since", OLD), (), "by its date"),
    ],
)
def test_a_304_to_our_condition_says_that_nothing_changed(
    request_: Request, headers: tuple[tuple[str, str], ...], how: str
) -> None:
    got = answer(request_, *headers)
    assert trusted(request_, got)
    assert outcome(got) == (Outcome.LIVE, f"http-304: not changed since capture {UID}, {how}")
    reading = web.parse(request_, got)
    assert (reading.pages, reading.edges, reading.aliases) == ((), (), ())


@pytest.mark.parametrize(
    ("request_", "got"),
    [
        (asked(value=""), {}),  # no condition was put
        (asked(since=""), {}),  # a condition that no capture stands behind
        (asked(), {"headers": (("etag", '"v2"'),)}),
        (asked(), {"headers": (("etag", '"v1"'), ("etag", '"v2"'))}),
        (asked(), {"headers": (("etag", "v1"),)}),  # no entity tag
        (asked(), {"headers": (("etag", '"V1"'),)}),  # opaque: case counts
        (asked(), {"url": "https://news.example/b"}),  # a redirect was followed
        (asked("If-Modified-Since", OLD), {"headers": (("last-modified", NEW),)}),
        (asked("If-Modified-Since", OLD), {"headers": (("last-modified", "yesterday"),)}),
        (asked("If-Modified-Since", OLD), {"headers": (("last-modified", "Mon, 01 Jan 99999999999999 00:00:00 GMT"),)}),
        (asked("If-Modified-Since", "soon"), {}),
    ],
)
def test_any_other_304_says_nothing(request_: Request, got: dict[str, object]) -> None:
    headers, url = got.get("headers", ()), got.get("url", URL)
    told = answer(request_, *headers, url=str(url))  # type: ignore[misc]
    assert not trusted(request_, told)
    said, reason = outcome(told)
    assert said is Outcome.UNKNOWN
    assert reason.startswith("http-304: ")
    assert UID not in reason


def test_only_a_whole_304_counts() -> None:
    got = answer(asked())
    assert not trusted(got.request, replace(got, status=200))
    assert believed(got.request, replace(got, failure=Failure.TRUNCATED))[0] == ""


@pytest.mark.parametrize(
    "text", ["v1", '"v1', 'w/"v1"', '"a" "b"', '"a\x7f"', '"{secret:KEY}"', '"' + "a" * 257 + '"', ""]
)
def test_what_is_no_entity_tag_is_never_sent_back(text: str) -> None:
    assert etag(text) is None


@given(
    st.text(max_size=30), st.text(max_size=30), st.sampled_from(["If-None-Match", "If-Modified-Since", "if-none-match"])
)
def test_no_header_breaks_the_reading(value: str, told: str, name: str) -> None:
    request = asked(name, value)
    got = answer(request, ("etag", told), ("last-modified", told))
    said, _ = outcome(got)
    assert (said is Outcome.LIVE) == trusted(request, got)
    http_date(told)
