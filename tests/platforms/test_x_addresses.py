"""Addresses of X, and what an id says by itself."""

import pytest

from archiver.errors import InputError
from archiver.model import Ref
from archiver.platforms.x import EXAMPLES, claim, day_ids, snowflake_time, token

# Ids are made up; the answers are Node 20's, for ((Number(id)/1e15)*Math.PI).toString(36).replace(/(0+|\.)/g, "").
TOKENS = {
    "1": "bhi2ay3f28n",
    "20": "6dq1a2xwd93",
    "397": "3io7epzp3u",
    "99999": "om9oka699g",
    "123456789": "ng9m4sqe3h",
    "299999999999999": "xxg8saklxpg",
    "300000000000000": "xxg8sakly1",
    "1000000000000000": "353i5ab8p5f",
    "9007199254740993": "saoujnx4as",
    "12345678901234567": "12s9hcofex",
    "100000000000000000": "8q5qeon85v4",
    "250075927172759552": "ltmx5o6yqte",
    "999999999999999999": "2f9lc2ug9mm",
    "1111111111111111111": "2oynpf5u2p5",
    "1357924680135792468": "3ai1nvgzjtt",
    "1500000000000000000": "3mwe49oefy",
    "1628416385000000001": "3y3tjyca8p5",
    "1700000000000000123": "44cpgxmyurn",
    "1793456789012345678": "4cib6mr5rf",
    "1850688931230646272": "4hi3zj678qx",
    "1851051319096246271": "4hj8yzv4dbm",
    "1888888888888888888": "4ku4atdiq6s",
    "1999999999999999999": "4uj6o5owj98",
    "2023456789123456789": "4wkvkkjmotw",
    "2087654321987654321": "526k535k6r4",
    "9223372036854775807": "mcw2svce2ao",
    "18446744073709551615": "18ps5lqos4lc",
}


@pytest.mark.parametrize(("url", "ref"), EXAMPLES.items())
def test_examples(url: str, ref: str) -> None:
    assert str(claim(url)) == ref
    assert Ref.parse(str(claim(url))) == claim(url)


@pytest.mark.parametrize(
    ("url", "ref"),
    [
        ("HTTPS://X.COM/Example_User/STATUS/123", "x:post:123"),
        ("https://X.com/Example_User/status/123", "x:post:123"),
        ("https://x.com:443/example_user/status/123/video/1", "x:post:123"),
        ("http://twitter.com:80/example_user/status/123/", "x:post:123"),
        ("https://x.com/example_user/status/123#m", "x:post:123"),
        ("https://twitter.com/statuses/123", "x:post:123"),
        ("https://m.twitter.com/example_user/status/123?ref_src=twsrc%5Etfw", "x:post:123"),
        ("https://vxtwitter.com/example_user/status/123", "x:post:123"),
        ("https://fixupx.com/i/status/123", "x:post:123"),
        ("https://platform.x.com/embed/Tweet.html?dnt=true&id=123", "x:post:123"),
        ("https://x.com/example_user/status/18446744073709551615", "x:post:18446744073709551615"),
        ("https://twitter.com/example_user/with_replies", "x:handle:example_user"),
        ("https://twitter.com/#!/example_user", "x:handle:example_user"),
        ("https://twitter.com/intent/user?user_id=42", "x:account:42"),
        ("https://t.co/aB1", "x:short:aB1"),
        ("http://pic.twitter.com/aB1", "x:short:aB1"),
        ("pic.x.com/aB1", "x:short:aB1"),
    ],
)
def test_spellings(url: str, ref: str) -> None:
    assert str(claim(url)) == ref


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com.evil.example/example_user/status/123",
        "https://evilx.com/example_user/status/123",
        "https://x.com@evil.example/example_user/status/123",
        "https://user:secret@x.com/example_user/status/123",
        "https://user@x.com/example_user/status/123",
        "https://evil.example/x.com/example_user/status/123",
        "https://x.com\\@evil.example/example_user/status/123",
        "https://x.com:8443/example_user/status/123",
        "https://x.com:99999/example_user/status/123",
        "https://[x.com/example_user/status/123",
        "ftp://x.com/example_user/status/123",
        "javascript://x.com/%0aexample_user/status/123",
        "//x.com/example_user/status/123",
        "x.com/example_user/status/123",
        "https://x.com/example_user/status/0123",
        "https://x.com/example_user/status/123abc",
        "https://x.com/example_user/status/１２３",
        "https://x.com/example_user/status/184467440737095516150",
        "https://x.com/example_user/status/",
        "https://x.com/example user/status/123",
        "https://x.com/example_user/status/12\n3",
        "https://x.com/",
        "https://x.com/home",
        "https://x.com/search?q=example",
        "https://x.com/i/article/123",
        "https://x.com/example_user/lists/friends",
        "https://fxtwitter.com/example_user",
        "https://publish.x.com/oembed?url=https://x.com/i/status/123",
        "https://platform.twitter.com/embed/Tweet.html?id=1&id=2",
        "https://t.co/",
        "https://t.co/a/b",
        "t.co/aB1",
        "pic.twitter.com.evil.example/aB1",
        "pic.twitter.com/aB1/photo/1",
        "https://bsky.app/profile/example.example/post/3k",
        "",
    ],
)
def test_what_is_not_an_address_of_x(url: str) -> None:
    assert claim(url) is None


def test_the_token_is_that_of_v8() -> None:
    assert {id: token(id) for id in TOKENS} == TOKENS


def test_the_day_of_an_id() -> None:
    assert day_ids("2024-10-28") == ("1850688931230646272", "1851051319096246271")
    first, last = day_ids("2024-10-28")
    assert snowflake_time(first) == "2024-10-28T00:00:00.000Z"
    assert snowflake_time(last) == "2024-10-28T23:59:59.999Z"
    assert snowflake_time(str(int(first) - 1)) == "2024-10-27T23:59:59.999Z"
    assert snowflake_time(str(int(last) + 1)) == "2024-10-29T00:00:00.000Z"
    assert day_ids("2010-11-04")[0] == "300000000000000"


def test_old_ids_carry_no_time() -> None:
    assert snowflake_time("20") is None
    assert snowflake_time("299999999999999") is None
    assert snowflake_time("300000000000000") == "2010-11-04T21:35:00.230Z"


@pytest.mark.parametrize("id", ["", "0", "01", "-1", "1.0", "x", "²", "123456789012345678901"])
def test_what_is_not_an_id(id: str) -> None:
    with pytest.raises(InputError):
        token(id)
    with pytest.raises(InputError):
        snowflake_time(id)


@pytest.mark.parametrize("day", ["", "2024-13-01", "2024-10-28T00:00:00Z", "2010-11-03", "24-10-28", "2024-1-1"])
def test_what_is_not_a_day(day: str) -> None:
    with pytest.raises(InputError):
        day_ids(day)
