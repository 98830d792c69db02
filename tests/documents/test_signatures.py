"""Signatures: every form in which the line under a quoted post comes, and prose that only looks like one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import signatures
from archiver.model import Span

FORMS = [
    "Words here pic.example\n— Ann Lee (@annlee) October 28, 2024",
    "Words here — Ann Lee (@annlee) October 28, 2024The next sentence",
    "Words here.— Ann Lee (@annlee) October 28, 2024",
    "Words here &mdash; Ann Lee (@annlee) October 28, 2024",
    "Words here – Ann Lee (@annlee) October 28, 2024",
    "Words here -- Ann Lee (@annlee) October 28, 2024",
    "Words here - Ann Lee (@annlee) October 28, 2024",
    "Words here.\n- Ann Lee (@annlee), Oct 28, 2024",
    "Words here - with a hyphen.  Ann Lee (@annlee) October 28, 2024",
    "Words here.\n\nAnn Lee (@annlee) October 28, 2024",
    "Words here — with a dash — Ann Lee (@annlee) October 28, 2024",
    "Words — Ann Lee (@annlee) [October 28, 2024](https://twitter.com/annlee/status/12)",
    "Words — [Ann Lee](https://x.com/annlee) ([@annlee](https://x.com/annlee)) [October 28, 2024](https://x.com/a/status/12)",
    'Words &mdash; Ann Lee (@annlee) <a href="https://twitter.com/annlee/status/12?s=20">October 28, 2024</a>',
    "Words — Ann Lee (@annlee)\nOctober 28, 2024",
    "Words â€” Ann Lee (@annlee) 28. Oktober 2024",
    "Words — Ann Lee (@annlee) · 28 октября 2024 г.",
]


@pytest.mark.parametrize("text", FORMS)
def test_each_form_is_one_signature(text: str) -> None:
    found = signatures.find(text)
    assert [(each.handle, each.name, each.day, each.platform) for each in found] == [
        ("annlee", "Ann Lee", "2024-10-28", "x")
    ]
    place = text[found[0].span.start : found[0].span.end]
    assert found[0].dated in place
    assert "Words" not in place
    assert "next" not in place
    assert found[0].zone == "utc"


@pytest.mark.parametrize(("text", "url"), [(FORMS[11], "https://twitter.com/annlee/status/12"),
                                           (FORMS[12], "https://x.com/a/status/12"),
                                           (FORMS[13], "https://twitter.com/annlee/status/12?s=20")])  # fmt: skip
def test_the_address_behind_the_date(text: str, url: str) -> None:
    assert signatures.find(text)[0].url == url


@pytest.mark.parametrize(
    "text",
    [
        "The minister (@minister) said on October 28, 2024 that",
        "Thanks to Ann Lee (@annlee) for the photo.",
        "- Fix the build (@annlee)\n- Write the notes (@bob)",
        "mail me (me@post.example) October 28, 2024",
        "(@) October 28, 2024",
        "— Ann Lee (@a-b-c) October 28, 2024",  # no X handle has a hyphen
        "— Ann Lee (@abcdefghijklmnopqrstuvwxyz) October 28, 2024",
    ],
)
def test_what_only_looks_like_one_is_refused(text: str) -> None:
    assert signatures.find(text) == ()


def test_without_a_date_only_a_line_of_its_own_counts() -> None:
    found = signatures.find("Words.\n— Ann Lee (@annlee)\nMore")
    assert [(each.handle, each.day, each.zone) for each in found] == [("annlee", "", "utc")]
    assert signatures.find("Words — Ann Lee (@annlee) wrote") == ()


def test_a_cut_date_is_kept_as_written_and_gives_no_day() -> None:
    found = signatures.find("Words — Ann Lee (@annlee) October 03, 19")
    assert [(each.dated, each.day) for each in found] == [("October 03, 19", "")]


@pytest.mark.parametrize(
    ("handle", "platform", "zone"),
    [("annlee", "x", "utc"), ("ann.example", "bluesky", "local"), ("ann@social.example", "fediverse", "local")],
)
def test_the_form_of_the_handle_names_the_platform(handle: str, platform: str, zone: str) -> None:
    found = signatures.find(f"Words — Ann (@{handle}) October 28, 2024 at 9:15 AM")
    assert [(each.handle, each.platform) for each in found] == [(handle, platform)]
    assert found[0].zone == "local"  # a time of day is a reader's
    assert signatures.find(f"Words — Ann (@{handle}) October 28, 2024")[0].zone == zone


def test_an_instagram_caption_is_not_taken_for_x() -> None:
    found = signatures.find("So blue!A post shared by Ann (@ann.lee) on Aug 30, 2017 at 9:41am PDT")
    assert [(each.platform, each.name, each.day, each.zone) for each in found] == [
        ("instagram", "Ann", "2017-08-30", "local")
    ]


def test_the_last_handle_of_an_embed_signs_it_even_without_a_date() -> None:
    text = "For (@bob) and all\n\n— Ann Lee (@annlee)"
    found = signatures.last(text, Span(start=0, end=len(text)))
    assert found is not None
    assert (found.handle, found.name) == ("annlee", "Ann Lee")
    assert signatures.last("no handle", Span(start=0, end=9)) is None


@given(st.text(st.sampled_from("—-–( )@ab.[]\n0123 OctMay,"), max_size=200))
def test_signatures_stand_in_order_and_apart(text: str) -> None:
    end = 0
    for each in signatures.find(text):
        assert end <= each.span.start < each.span.end <= len(text)
        assert each.dated in text[each.span.start : each.span.end]
        end = each.span.end


@pytest.mark.parametrize("piece", ["(@a) ", "(@", "— ", "-", "(@" + "a" * 300, "— N (@a) May 1, 2019", "[(@a)](x "])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    start = time.perf_counter()
    signatures.find(text)
    assert time.perf_counter() - start < 6  # measured below 2 s each; the bound allows for a busy machine
