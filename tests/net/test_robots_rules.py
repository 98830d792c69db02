"""Rules of robots.txt: what RFC 9309 says by its own examples, and what hostile files may not do."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from protego import Protego

from archiver.net.robots import LIMIT, SLOWEST, Rules, address, product

SITE = "https://news.example"


def allows(text: str, path: str, agent: str = "quotechain") -> bool:
    return Rules(text.encode(), agent).allow(SITE + path)


# ---- RFC 9309 section 5.1 and 5.2, by rule ----------------------------------------------------------------------

SIMPLE = """User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("quotechain", "/example/page.html", False),
        ("quotechain", "/publications/1", True),
        ("quotechain", "/picture.gif", False),
        ("quotechain", "/picture.gif?x", True),
        ("foobot", "/publications/", False),
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("barbot", "/example/page.html", False),
        ("BazBot", "/example/page.html", False),
        ("barbot", "/example/other.html", True),
        ("quxbot", "/example/page.html", True),
    ],
)
def test_the_simple_example(agent: str, path: str, allowed: bool) -> None:
    assert allows(SIMPLE, path, agent) is allowed


def test_the_longest_match_decides() -> None:
    rules = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert allows(rules, "/example/page/", "foobot")
    assert not allows(rules, "/example/page/disallowed.gif", "foobot")


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /a\nAllow: /a\n", "/a", True),  # equally long: allow
        ("user-agent: QuoteChain\ndisallow: /\n", "/x", False),  # names without regard to case
        ("User-agent: quotechain\nDisallow: /a\n\nUser-agent: quotechain\nDisallow: /b\n", "/a", False),  # merged
        ("User-agent: quotechain\nDisallow: /a\n\nUser-agent: *\nDisallow: /\n", "/b", True),  # own group alone
        ("User-agent: otherbot\nDisallow: /\n", "/x", True),
        ("Disallow: /\n", "/x", True),  # of no group
        ("User-agent: *\nDisallow:\n", "/x", True),
        ("User-agent: *\nDisallow: /\n", "/robots.txt", True),
        ("User-agent: *\nDisallow: /caf%C3%A9\n", "/caf%c3%a9", False),
        ("User-agent: *\nDisallow: /café\n", "/caf%C3%A9", False),
        ("User-agent: *\nDisallow: /a # not /b\n", "/b", True),
        ("\ufeffUser-agent: *\nDisallow: /\n", "/x", False),
        ("User-agent: *\r\nDisallow: /\r\n", "/x", False),
        ("User-agent: *\rDisallow: /\r", "/x", False),
        ("User-agent: *\nDisallow: /*/x$\n", "/a/b/x", False),
        ("User-agent: *\nDisallow: /*/x$\n", "/a/b/xy", True),
        ("User-agent: quotechainer\nDisallow: /\n", "/x", True),
        ("<!doctype html><title>no rules</title>", "/x", True),
        ("", "/x", True),
    ],
)
def test_rules(rules: str, path: str, allowed: bool) -> None:
    assert allows(rules, path) is allowed


def test_a_file_is_read_up_to_its_last_whole_line_below_the_limit() -> None:
    head = b"User-agent: *\nDisallow: /early\n" + b"# filled\n" * (LIMIT // 9 - 4)
    cut = head + b"#" * (LIMIT - len(head) - 12) + b"\nDisallow: /late/page\nDisallow: /later\n"
    assert cut[:LIMIT].endswith(b"Disallow: /"), "the cut would leave a rule that forbids everything"
    rules = Rules(cut, "quotechain")
    assert not rules.allow(f"{SITE}/early")
    assert rules.allow(f"{SITE}/late/page")
    assert rules.allow(f"{SITE}/anything")


# ---- which rule ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "path", "named"),
    [
        ("User-agent: *\nDisallow: /a\n", "/a/b", "'Disallow: /a' in line 2"),
        ("User-agent: *\nDisallow: /\nDisallow: /a/b\nAllow: /a\n", "/a/b", "'Disallow: /a/b' in line 3"),
        ("User-agent: *\nDisallow: /\nDisallow: /a/b\nAllow: /a\n", "/c", "'Disallow: /' in line 2"),
        # the longer one is of another group
        (
            "User-agent: other\nDisallow: /a/b\n\nUser-agent: quotechain\nDisallow: /a # why\n",
            "/a/b",
            "'Disallow: /a' in line 5",
        ),
        ("User-agent: *\nDisallow: /a\n", "/b", ""),
    ],
)
def test_the_rule_that_forbids_is_named(rules: str, path: str, named: str) -> None:
    assert Rules(rules.encode(), "quotechain").deciding(SITE + path) == named


# ---- delay, product, address --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "delay"),
    [("5", 5.0), ("0.5", 0.5), ("86400", SLOWEST), ("-1", 0.0), ("nan", 0.0), ("inf", 0.0), ("soon", 0.0)],
)
def test_a_delay_is_bounded(value: str, delay: float) -> None:
    assert Rules(f"User-agent: *\nCrawl-delay: {value}\n".encode(), "quotechain").delay == delay


def test_the_delay_of_another_is_not_ours() -> None:
    rules = b"User-agent: other\nCrawl-delay: 9\n\nUser-agent: *\nCrawl-delay: 2\n"
    assert (Rules(rules, "quotechain").delay, Rules(rules, "other").delay) == (2.0, 9.0)


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        ("quotechain/1.2 (archives quoted posts; mail@desk.example)", "quotechain"),
        ("Mozilla/5.0 (compatible; QuoteChain/1.2)", "quotechain"),
        ("DeskBot/3", "deskbot"),
        ("3bot", "quotechain"),
    ],
)
def test_the_product_token_is_that_of_the_user_agent(user_agent: str, token: str) -> None:
    assert product(user_agent) == token


def test_each_scheme_and_port_has_rules_of_its_own() -> None:
    assert address("https://news.example/a?b#c") == "https://news.example/robots.txt"
    assert address("http://news.example:8080/a") == "http://news.example:8080/robots.txt"
    assert address("http://[2001:db8::1]:81") == "http://[2001:db8::1]:81/robots.txt"


# ---- hostile files ------------------------------------------------------------------------------------------------


def test_a_file_of_many_agents_and_many_rules_takes_little_room() -> None:
    """Each rule was kept once for each agent of its group: 60 KB took 360 MB, 500 KB all there is."""
    agents = "".join(f"User-agent: other{n}\nUser-agent: {'*' * (n % 300 + 2)}\n" for n in range(1500))
    body = f"{agents}User-agent: quotechain\n" + "".join(f"Disallow: /{n}\n" for n in range(3000))
    tracemalloc.start()
    rules = Rules(body.encode(), "quotechain")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 << 20
    assert not rules.allow(f"{SITE}/2999")
    assert rules.deciding(f"{SITE}/none") == ""


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("User-agent: other\nUser-agent: quotechain\nDisallow: /a\n", "/a", False),
        ("User-agent: quotechain\nDisallow: /a\nUser-agent: other\nDisallow: /b\n", "/b", True),
        ("User-agent: quote*\nDisallow: /a\n", "/a", False),
        ("User-agent: **\nDisallow: /a\n", "/a", True),
        ("user agent QuoteChain\nDisallow: /a\n", "/a", False),
        ("User-agent: other\nUser-agent:\nUser-agent: *\nDisallow: /a\n", "/a", False),
    ],
)
def test_groups_of_others_change_nothing(rules: str, path: str, allowed: bool) -> None:
    assert allows(rules, path) is allowed
    assert Protego.parse(rules).can_fetch(SITE + path, "quotechain") is allowed


def test_no_file_takes_long() -> None:
    stars = "Disallow: /" + "*a" * 200 + "$\n"
    for body in (
        "User-agent: *\n" + stars * 1000,
        "User-agent: *\n" + "Disallow: /x\n" * 40_000,
        "User-agent: a\n" * 30_000,
        "User-agent: *\nDisallow: " + "/" * 500_000,
    ):
        begun = time.process_time()
        rules = Rules(body.encode(), "quotechain")
        rules.allow(SITE + "/" + "a" * 2000)
        rules.deciding(SITE + "/x")
        assert time.process_time() - begun < 3, body[:60]


_LINES = st.lists(
    st.one_of(
        st.text(),
        st.builds(
            lambda name, value: f"{name}: {value}",
            st.sampled_from(["User-agent", "Disallow", "Allow", "Crawl-delay", "Sitemap", "Request-rate", "Host"]),
            st.text("/*$%a[]#?;:.\u00e9 ", max_size=12)
            | st.sampled_from(["*", "quotechain", "/", "http://[x", "//[", "other", "quote*", "**"]),
        ),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(lines=_LINES, path=st.text("/ab%*$?;[]:.", max_size=12), raw=st.binary(max_size=40))
@example(lines=["User-agent: *", "Disallow: http://[x"], path="/", raw=b"")
def test_no_file_breaks_the_reading(lines: list[str], path: str, raw: bytes) -> None:
    body = "\n".join(lines).encode("utf-8", "surrogatepass") + raw
    rules = Rules(body, "quotechain")
    url = f"{SITE}/{path}"
    named = rules.deciding(url)
    assert not named or not rules.allow(url)
    whole = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    assert rules.allow(url) is Protego.parse(whole).can_fetch(url, "quotechain")
    assert 0.0 <= rules.delay <= SLOWEST
