"""Pace, signatures, ids and times: all with clocks that are handed in."""

from __future__ import annotations

import base64
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from rawserver import RawServer, Reply, message, redirect

from archiver.errors import InputError
from archiver.model import Exchange, Failure, Ref, Request
from archiver.net.clock import text_of, time_of, utc_now
from archiver.net.fetch import Fetcher, Policy
from archiver.net.pace import MANY_HOSTS, Pace, retry_after
from archiver.net.sign import Signer, signing_string
from archiver.net.uid import Uids, new_uid, uuid7

REF = Ref(platform="web", kind="page", id="http://a.example/")
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def answer(status: int | None, *headers: tuple[str, str], failure: Failure = Failure.NONE) -> Exchange:
    request = Request(ref=REF, route="test", url="http://a.example/")
    at = text_of(NOW)
    return Exchange(
        uid="u", request=request, url=request.url, started_at=at, ended_at=at,
        status=status, headers=headers, failure=failure,
    )  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def pace(clock: Clock, **changes: object) -> Pace:
    return Pace(now=clock, wall=lambda: NOW.timestamp(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, (("retry-after", "120"),), 120.0),
        (503, (("retry-after", " 0 "),), 0.0),
        (429, (("retry-after", "Sun, 22 Nov 2026 12:01:00 GMT"),), 60.0),
        (429, (("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT"),), 0.0),
        (429, (("retry-after", "Sun, 22 Nov 2026 13:00:30 GMT"), ("date", "Sun, 22 Nov 2026 13:00:00 GMT")), 30.0),
        (429, (("retry-after", "5"), ("retry-after", "99")), 5.0),
        (429, (("retry-after", "soon"),), None),
        (429, (("retry-after", "-5"),), None),
        (429, (("retry-after", "1.5"),), None),
        (429, (("retry-after", "٣"),), None),
        (429, (("retry-after", "9" * 12),), 999_999_999.0),
        (429, (("retry-after", "9" * 400),), None),
        (429, (("retry-after", "Sun, 99 Nov 2026 12:01:00 GMT"),), None),
        (429, (), None),
        (200, (), None),
        (429, (("x-rate-limit-reset", str(int(NOW.timestamp()) + 900)),), 900.0),
        (429, (("ratelimit-reset", "30"),), 30.0),
        (429, (("x-ratelimit-reset", "2026-11-22T12:05:00.000000Z"),), 300.0),
        (429, (("x-ratelimit-reset", "later"),), None),
        (429, (("x-ratelimit-reset", "9999-12-31T23:59:59-01:00"),), None),
        (429, (("x-ratelimit-reset", "0001-01-01T00:00:00+01:00"),), None),
        (200, (("x-rate-limit-reset", str(int(NOW.timestamp()) + 900)),), None),
    ],
)
def test_what_a_server_asks_for(status: int, headers: tuple[tuple[str, str], ...], seconds: float | None) -> None:
    assert retry_after(answer(status, *headers), NOW.timestamp()) == seconds


@given(st.text(max_size=40))
def test_any_header_is_understood_or_ignored(text: str) -> None:
    for name in ("retry-after", "ratelimit-reset"):
        delay = retry_after(answer(429, (name, text)), NOW.timestamp())
        assert delay is None or delay >= 0


def test_an_interval_between_starts_by_host() -> None:
    clock = Clock()
    keeper = pace(clock, interval=1.0, intervals={"127.0.0.1": 0.0, "Slow.Example.": 5.0}, at_once=9)
    assert keeper.ready_at("a.example") == 1000.0
    assert keeper.begin("a.example") == 0.0
    assert keeper.begin("A.EXAMPLE.") == pytest.approx(1.0)
    assert keeper.ready_at("a.example") == 1001.0
    assert [keeper.begin("127.0.0.1") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert (keeper.begin("slow.example"), keeper.begin("slow.example")) == (0.0, 5.0)
    clock.at = 1001.0
    assert keeper.begin("a.example") == 0.0


def test_only_so_many_at_once() -> None:
    clock = Clock()
    keeper = pace(clock, interval=0.0, at_once=2)
    assert [keeper.begin("a.example") for _ in range(2)] == [0.0, 0.0]
    assert keeper.begin("a.example") > 0
    assert keeper.ready_at("a.example") > clock.at
    assert keeper.begin("b.example") == 0.0
    keeper.finished("a.example", answer(200))
    assert keeper.begin("a.example") == 0.0


def test_a_busy_host_is_left_alone_longer_each_time_until_it_answers() -> None:
    clock = Clock()
    keeper = pace(clock, interval=0.0, backoff=5.0, longest=60.0)
    waits = []
    for status, failure in ((503, ""), (None, Failure.TIMEOUT), (429, ""), (None, Failure.CONNECT), (429, "")):
        keeper.started("a.example")
        keeper.finished("a.example", answer(status, failure=Failure(failure)))
        waits.append(keeper.ready_at("a.example") - clock.at)
        clock.at = keeper.ready_at("a.example")
    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0]
    keeper.finished("a.example", answer(None, failure=Failure.DNS))
    assert keeper.ready_at("a.example") == clock.at, "a name that does not resolve is no server to be polite to"
    keeper.finished("a.example", answer(404))
    assert keeper.ready_at("a.example") == clock.at
    keeper.finished("a.example", answer(429))
    assert keeper.ready_at("a.example") == clock.at + 5.0


def test_what_the_host_says_counts_and_is_bounded() -> None:
    clock = Clock()
    keeper = pace(clock, interval=1.0, longest=3600.0)
    keeper.finished("a.example", answer(429, ("retry-after", "77")))
    assert keeper.ready_at("a.example") == 1077.0
    keeper.finished("a.example", answer(200))
    assert keeper.ready_at("a.example") == 1077.0
    keeper.finished("b.example", answer(429, ("retry-after", "999999999")))
    assert keeper.ready_at("b.example") == 4600.0
    keeper.finished("c.example", answer(None, failure=Failure.BLOCKED))
    keeper.finished("c.example", answer(None, failure=Failure.NOT_RECORDED))
    assert keeper.ready_at("c.example") == 1000.0


def test_many_hosts_are_forgotten() -> None:
    clock = Clock()
    keeper = pace(clock, interval=1.0)
    for number in range(MANY_HOSTS + 10):
        keeper.begin(f"h{number}.example")
        clock.at += 2
        keeper.finished(f"h{number}.example", answer(200))
    assert len(keeper._hosts) <= MANY_HOSTS


def test_many_dead_hosts_cost_no_more_each_than_a_few() -> None:
    """They are kept, since each failed; all of them were gone through with each request. 12,000 took five seconds."""
    keeper = pace(Clock(), interval=0.0)
    begun = time.process_time()
    for number in range(3 * MANY_HOSTS):
        keeper.begin(f"h{number}.example")
        keeper.finished(f"h{number}.example", answer(None, failure=Failure.CONNECT))
    assert time.process_time() - begun < 2


def test_threads_cannot_start_too_many() -> None:
    keeper = pace(Clock(), interval=0.0, at_once=3)
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: keeper.begin("a.example"), range(64)))
    assert waits.count(0.0) == 3


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
def test_uuid7_has_the_fields_of_the_standard(ms: int, random: bytes) -> None:
    text = uuid7(ms, random)
    read = uuid.UUID(text)
    assert (str(read), read.version, read.variant) == (text, 7, uuid.RFC_4122)
    assert read.int >> 80 == ms


def test_uuid7_of_the_example_in_the_standard() -> None:
    # RFC 9562 appendix A.6
    random = (0xCC3 << 68 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert uuid7(0x017F22E279B0, random) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@pytest.mark.parametrize(("ms", "random"), [(-1, bytes(10)), (1 << 48, bytes(10)), (0, bytes(9))])
def test_uuid7_out_of_range(ms: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        uuid7(ms, random)


@pytest.mark.parametrize("random", [bytes, lambda size: b"\xff" * size])
def test_ids_grow_even_when_the_clock_does_not(random: object) -> None:
    times = iter([5.0] * 500 + [4.0] * 500 + [6.0] * 500)
    uids = Uids(now=lambda: next(times), random=random)  # type: ignore[arg-type]
    made = [uids() for _ in range(1500)]
    assert made == sorted(set(made))
    assert all(uuid.UUID(text).version == 7 for text in made)


def test_ids_of_many_threads_differ() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_uid(), range(4000)))
    assert len(set(made)) == 4000


@given(st.datetimes(timezones=st.timezones() | st.just(timezone(timedelta(hours=5, minutes=45)))))
def test_times_are_read_as_they_are_written(moment: datetime) -> None:
    try:
        text = text_of(moment)
    except OverflowError:
        return
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert text_of(time_of(text)) == text
    assert time_of(text) == moment.astimezone(UTC)


def test_times_without_a_zone_are_refused() -> None:
    assert utc_now() <= utc_now()
    with pytest.raises(ValueError, match="zone"):
        text_of(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="zone"):
        time_of("2026-01-01T00:00:00")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def verify(key: rsa.RSAPrivateKey, sent: bytes) -> None:
    """What a fediverse server does with a signed request."""
    lines = sent.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    parts = dict(re.findall(r'(\w+)="([^"]*)"', fields["signature"]))
    assert parts["keyId"] == "https://archive.example/actor#main-key"
    assert (parts["algorithm"], parts["headers"]) == ("rsa-sha256", "(request-target) host date")
    text = f"(request-target): {method.lower()} {target}\nhost: {fields['host']}\ndate: {fields['date']}"
    key.public_key().verify(base64.b64decode(parts["signature"]), text.encode(), padding.PKCS1v15(), SHA256())


def test_signed_requests_verify_and_are_not_signed_for_others(key: rsa.RSAPrivateKey) -> None:
    signer = Signer("https://archive.example/actor#main-key", pem(key), now=lambda: NOW)
    policy = Policy(user_agent="test", allow_private=("127.0.0.1",))
    with (
        RawServer({"/u/1?x=%20y": redirect("/2"), "/3": Reply(message(b"end"))}) as server,
        Fetcher(policy, {}, signer=signer, resolve=lambda host, port: ["127.0.0.1"]) as fetcher,
    ):
        server.routes["/2"] = redirect(server.url("/3", "b.example"))
        url = server.url("/u/1?x= y", "a.example")
        made = fetcher.fetch(Request(ref=REF, route="test", url=url, signer=True))
        first, second, third = server.got
        fetcher.fetch(Request(ref=REF, route="test", url=server.url("/3"), signer=False))
        assert b"Signature" not in server.got[-1]
    assert b"\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n" in first
    verify(key, first)
    verify(key, second)
    assert b"Signature" not in third
    assert b"Date" not in third
    assert made[0].sent == first
    with pytest.raises(InvalidSignature):
        verify(key, first.replace(b"/u/1", b"/u/2"))
    with pytest.raises(InvalidSignature):
        verify(key, first.replace(b"a.example", b"c.example"))


def test_the_signed_text_is_that_of_the_draft() -> None:
    text = signing_string("GET", "/foo?a=b", "a.example", "Sun, 22 Nov 2026 12:00:00 GMT")
    assert text == "(request-target): get /foo?a=b\nhost: a.example\ndate: Sun, 22 Nov 2026 12:00:00 GMT"


def test_keys_that_cannot_sign_are_refused(key: rsa.RSAPrivateKey) -> None:
    for wrong in (b"", b"not a key", pem(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(InputError) as caught:
            Signer("https://archive.example/actor#main-key", wrong)
        assert "BEGIN" not in str(caught.value)
    for name in ("", 'a"b', "a\nb"):
        with pytest.raises(InputError, match="not a key id"):
            Signer(name, pem(key))
