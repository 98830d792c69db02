"""Which addresses are refused, in every spelling; and what --allow-private can name."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import BlockedError, InputError
from archiver.net.guard import check_address, check_url, effective_port, refused_by
from archiver.net.policy import Allowance, Policy

OPEN = Policy(user_agent="test")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://127.1/",
        "http://127.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1.0x0/",
        "http://0x/",
        "http://0/",
        "http://0.0.0.0/",
        "http://%31%32%37.0.0.1/",
        "http://127%2e0.0.1/",
        "http://１２７.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://127．0．0．1/",
        "http://134744072/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[4000::1]/",
        "http://[1:2]/",
        "http://[::1/",
        "http://10.1.2.3/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://169.254.169.254/latest/meta-data/",
        "http://172.31.255.255/",
        "http://192.0.0.192/",
        "http://192.0.2.1/",
        "http://192.168.0.1/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://user@a.example/",
        "http://user:pass@a.example/",
        "http://a.example@127.0.0.1/",
        "http://127.0.0.1\\@a.example/",
        "http://a.example\\.b/",
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:99999999/",
        "http://a.example:x/",
        "http://a.example:-1/",
        "http:///path",
        "http:a.example",
        "http:/a.example/",
        "//a.example/",
        "",
        "a.example",
        "file:///etc/passwd",
        "ftp://a.example/",
        "gopher://a.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "unix:///run/x",
        "http://a b.example/",
        "http://user＠a.example/",
        "http://a.example／x.b.example/",
        "http://a.example＃.b.example/",
        "http://a℀b.example/",
        "http://a.example\u3000/",
        "http://a\ud800.example/",
        "http://a.example/\r\nX: y",
        "http://a.example/\x00",
        "http://a..example/",
        "http://.example/",
        "http://-a.example/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://a_<b>.example/",
    ],
)
def test_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(BlockedError):
        check_url(url, OPEN)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://a.example", "a.example", 80),
        ("HTTPS://A.Example./x", "a.example.", 443),
        ("https://a.example:8443/x y?q=ä#f", "a.example", 8443),
        ("http://bücher.example/", "xn--bcher-kva.example", 80),
        ("http://ａ.example/", "a.example", 80),
        ("http://_dmarc.a_b.example/", "_dmarc.a_b.example", 80),
        ("http://8.8.8.8/", "8.8.8.8", 80),
        ("http://[2606:4700::1111]/", "2606:4700::1111", 80),
        ("http://[64:ff9b::8.8.8.8]/", "64:ff9b::8.8.8.8", 80),
        ("http://1a.example/?u=http://user@127.0.0.1/", "1a.example", 80),
        ("http://localhost/", "localhost", 80),  # a name: what it resolves to is refused when connecting
    ],
)
def test_public_addresses_pass(url: str, host: str, port: int) -> None:
    parsed = check_url(url, OPEN)
    assert (parsed.raw_host.decode(), effective_port(parsed)) == (host, port)


@given(st.ip_addresses(v=4))
def test_ipv4_agrees_with_the_registry(address: ipaddress.IPv4Address) -> None:
    # Stricter than `is_global` in a few places, never laxer.
    assert address.is_global or refused_by(address)


@given(st.ip_addresses(v=6))
def test_ipv6_agrees_with_the_registry(address: ipaddress.IPv6Address) -> None:
    assert address.is_global or refused_by(address)


@given(st.ip_addresses(v=4))
def test_what_is_inside_a_nat64_address_decides(address: ipaddress.IPv4Address) -> None:
    outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))
    assert bool(refused_by(outer)) == bool(refused_by(address))
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "2002::", "2001::"):
        shift = {"2002::": 80, "2001::": 64}.get(prefix, 0)
        assert refused_by(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address) << shift))


@pytest.mark.parametrize(
    ("allowed", "ip", "host", "port", "passes"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "127.0.0.2", "127.0.0.2", 80, False),
        ("127.0.0.1:8080", "127.0.0.1", "x.example", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", "x.example", 8081, False),
        ("127.0.0.0/8", "127.9.9.9", "x.example", 1, True),
        ("10.0.0.0/8:80", "10.1.1.1", "x.example", 80, True),
        ("10.0.0.0/8:80", "10.1.1.1", "x.example", 81, False),
        ("::1", "::1", "::1", 80, True),
        ("[::1]:8080", "::1", "::1", 8080, True),
        ("[::1]:8080", "::1", "::1", 80, False),
        ("[fd00::/8]:80", "fd12::1", "x.example", 80, True),
        ("Intra.Example", "10.0.0.1", "intra.example.", 80, True),
        ("intra.example", "10.0.0.1", "other.example", 80, False),
        ("intra.example:81", "10.0.0.1", "intra.example", 80, False),
        ("127.0.0.1", "::ffff:127.0.0.1", "x.example", 80, False),
        ("8.8.8.8", "127.0.0.1", "x.example", 80, False),
    ],
)
def test_only_what_is_named_is_allowed(allowed: str, ip: str, host: str, port: int, passes: bool) -> None:
    policy = Policy(user_agent="test", allow_private=(allowed,))
    if passes:
        check_address(ip, host, policy, port)
        return
    with pytest.raises(BlockedError):
        check_address(ip, host, policy, port)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.0.0.1:80",
        "10.0.0.0/8",
        "10.0.0.0/8:80",
        "::1",
        "[::1]:80",
        "fd00::/8",
        "[fd00::/8]:80",
        "a.example",
        "a.example:1",
    ],
)
def test_allowances_are_read_as_they_are_written(text: str) -> None:
    assert str(Allowance.parse(text)) == text
    assert Allowance.parse(str(Allowance.parse(text))) == Allowance.parse(text)


NONSENSE = """* *.example 0.0.0.0/0 ::/0 10.0.0.1/8 127.1 2130706433 a.example:0 a.example:99999 a.example:
http://a.example [a.example] a..b"""


@pytest.mark.parametrize("text", ["", "a b", *NONSENSE.split()])
def test_wildcards_and_nonsense_allow_nothing(text: str) -> None:
    with pytest.raises(InputError):
        Policy(user_agent="test", allow_private=(text,))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_agent": ""},
        {"user_agent": "a\r\nb"},
        {"per_host": 0},
        {"per_host": 9},
        {"max_head": 1 << 20},
        {"total_timeout": 0},
        {"max_redirects": -1},
    ],
)
def test_bounds_that_cannot_be_kept_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Policy(**({"user_agent": "test"} | changes))  # type: ignore[arg-type]
