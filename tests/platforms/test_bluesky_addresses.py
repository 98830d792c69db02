"""AT URIs, handles, DIDs, record keys and what the platform claims."""

from pathlib import Path

import pytest

from archiver.errors import InputError
from archiver.model import Ref
from archiver.platforms import bluesky
from archiver.platforms.bluesky import addresses
from archiver.platforms.bluesky.addresses import AtUri

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
RKEY = "3kaheyt6vpc22"


@pytest.mark.parametrize(("url", "ref"), sorted(bluesky.EXAMPLES.items()))
def test_examples_are_claimed(url: str, ref: str) -> None:
    assert bluesky.claim(url) == Ref.parse(ref)


@pytest.mark.parametrize(
    "url",
    [
        f"https://bsky.app/profile/Alice.Example.com/post/{RKEY}",
        f"http://www.bsky.app/profile/alice.example.com/post/{RKEY}/",
        f"https://BSKY.app/profile/alice.example.com/post/{RKEY}?ref_src=embed#x",
        f"https://bsky.app/profile/alice.example.com/post/{RKEY}/quotes",
        f"https://deer.social/profile/alice.example.com/post/{RKEY}",
        f"https://staging.bsky.app/profile/alice.example.com/post/{RKEY}",
        f"at://alice.example.com/app.bsky.feed.post/{RKEY}",
        f" at://ALICE.example.com/app.bsky.feed.post/{RKEY}\n",
    ],
)
def test_forms_of_one_address_are_one_ref(url: str) -> None:
    assert bluesky.claim(url) == Ref.parse(f"bluesky:post:at://alice.example.com/app.bsky.feed.post/{RKEY}")


def test_escaped_did_and_profile_record() -> None:
    escaped = bluesky.claim(f"https://bsky.app/profile/{DID.replace(':', '%3A')}/post/{RKEY}")
    assert escaped == Ref.parse(f"bluesky:post:at://{DID}/app.bsky.feed.post/{RKEY}")
    assert bluesky.claim(f"at://{DID}/app.bsky.actor.profile/self") == Ref.parse(f"bluesky:account:{DID}")
    assert bluesky.claim("at://did:web:news.example") == Ref.parse("bluesky:account:did:web:news.example")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://bsky.app/",
        "https://bsky.app/search?q=x",
        "https://bsky.app/profile/alice",
        "https://bsky.app/profile/alice.example.com/feed/whats-hot",
        f"https://bsky.app/profile/alice.example.com/post/{RKEY}/unknown",
        "https://bsky.app/profile/alice.example.com/post/..",
        "https://bsky.app/profile/alice.example.com/post/a%20b",
        f"https://bsky.app/profile/did:plc:short/post/{RKEY}",
        f"https://bsky.app/profile/did:key:zAbc/post/{RKEY}",
        f"https://bsky.app/profile/did:web:news.example%3A8080/post/{RKEY}",
        f"https://bsky.app.evil.example/profile/alice.example.com/post/{RKEY}",
        f"https://evil.example/profile/alice.example.com/post/{RKEY}",
        f"ftp://bsky.app/profile/alice.example.com/post/{RKEY}",
        "https://go.bsky.app/AbCdEf",
        f"at://{DID}/app.bsky.feed.like/{RKEY}",
        f"at://{DID}/app.bsky.feed.post",
        f"at://{DID}/app.bsky.feed.post/{RKEY}/more",
        "at://",
        "https://[",
    ],
)
def test_what_is_no_post_and_no_account_is_left_to_others(url: str) -> None:
    assert bluesky.claim(url) is None


@pytest.mark.parametrize("text", [f"at://{DID}/app.bsky.feed.post/{RKEY}", f"at://{DID}/a.b.c", "at://a.example"])
def test_at_uri_reads_back(text: str) -> None:
    assert str(AtUri.parse(text)) == text


@pytest.mark.parametrize("text", ["", "at:", "at://", "https://a.example", f"at://{DID}/", f"at://{DID}/a.b.c/d/e"])
def test_at_uri_refuses(text: str) -> None:
    with pytest.raises(InputError):
        AtUri.parse(text)


def test_tid_is_microseconds_and_refuses_what_is_none() -> None:
    assert addresses.tid_microseconds("2222222222222") == 0
    assert addresses.tid_microseconds("2222222222z22") == 31  # the last ten bits are the clock's own id
    with pytest.raises(InputError):
        addresses.tid_microseconds("zzzzzzzzzzzzz")


def lines(path: Path) -> list[str]:
    """The cases of an interoperability file: white space counts, comments and empty lines do not."""
    return [line for line in path.read_text("utf-8").split("\n") if line and not line.startswith("# ") and line != "#"]


def uri_is_valid(text: str) -> bool:
    try:
        return str(AtUri.parse(text)) == text
    except InputError:
        return False


@pytest.mark.corpus
def test_interoperability_files(corpus: Path) -> None:
    checks = {"aturi": uri_is_valid, "handle": addresses.is_handle, "tid": addresses.is_tid}
    ran = 0
    for name, check in checks.items():
        for verdict in ("valid", "invalid"):
            path = corpus / "atproto" / "public" / "atproto-interop" / f"syntax__{name}_syntax_{verdict}.txt"
            for case in lines(path):
                assert check(case) is (verdict == "valid"), (name, verdict, case[:200])
                ran += 1
    print(f"{ran} syntax cases")
    assert ran > 100
