"""Citations: what each format says, and that no words of others end a field of it."""

import html
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.render import cite
from archiver.render.cite import Cited

TWEET = Cited(
    ref="x:post:2032746051793846272",
    platform="x",
    page=False,
    handle="ada_of_lanternwick",
    name="Ada Quillfeather",
    text="The town says that the bridge was inspected in January.",
    posted_at="2026-03-14T09:10:00Z",
    url="https://x.com/i/status/2032746051793846272",
    lang="en",
    outcome="live",
    outcome_at="2026-03-30T09:00:12.000000Z",
    archive="lanternwick",
    permalink="https://room.example/lanternwick/-/post/x:post:2032746051793846272",
    sha256="34f2d4f4" + "0" * 56,
    capture="01981a2b-0000-7000-8000-000000000000",
    captured_at="2026-03-30T09:00:12.000000Z",
)
PAGE = replace(
    TWEET, ref="web:page:https://beacon.example/a", platform="web", page=True, handle="", name="Bo Lampwright",
    text="A bridge diary", url="https://beacon.example/a", posted_at="2026-03-13",
)  # fmt: skip
NASTY = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("{}\\|[]<>&%#$_^~'\"=*:;\n\r\u202e\u2066\u200fשلا🏴@/")),
    max_size=80,
)
CLEAN = NASTY.map(cite.clean)

# What the CSL-JSON schema of citation-style-language/schema allows in the fields that are used here.
STRINGS = {"title", "container-title", "URL", "language", "archive", "archive_location", "status", "version", "note"}
TYPES = {"post", "webpage"}


def parsed(entry: str) -> dict[str, str]:
    """A BibTeX entry read as BibTeX reads it: braces counted, whatever stands before them."""
    head = re.match(r"@([a-z]+)\{([^,{}\s]+),\n", entry)
    assert head is not None
    fields, at = {"": head[2]}, head.end()
    while entry[at] != "}":
        named = re.compile(r"  ([a-z]+) = \{").match(entry, at)
        assert named is not None, entry[at:]
        at, depth, start = named.end(), 1, named.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(entry[at], 0)
            at += 1
        fields[named[1]] = entry[start : at - 1]
        assert entry[at : at + 2] == ",\n"
        at += 2
    assert entry[at:] == "}\n"
    return fields


def untex(given: str) -> str:
    back = {value: char for char, value in cite._TEX.items()}
    return re.sub(r"\\(?:text[a-z]+\{\}|[#$%&_])", lambda found: back[found[0]], given)


def schema_says(item: dict[str, object]) -> None:
    """The rules of the schema: type and id, known fields alone, their types."""
    assert item["type"] in TYPES
    assert isinstance(item["id"], str)
    for name, value in item.items():
        if name in ("issued", "accessed"):
            assert isinstance(value, dict)
            assert list(value) == ["date-parts"]
            (parts,) = value["date-parts"]
            assert 1 <= len(parts) <= 3
            assert all(type(part) is int for part in parts)
        elif name == "author":
            assert isinstance(value, list)
            assert all(list(one) == ["literal"] and isinstance(one["literal"], str) for one in value)
        else:
            assert name in STRINGS | {"id", "type"}
            assert isinstance(value, str)


def test_a_post_of_x() -> None:
    assert cite.wikipedia(TWEET) == (
        "{{Cite tweet |user=ada_of_lanternwick |number=2032746051793846272 |author=Ada Quillfeather "
        "|title=The town says that the bridge was inspected in January. |date=2026-03-14 |access-date=2026-03-30 "
        "|archive-url=https://room.example/lanternwick/-/post/x:post:2032746051793846272 |archive-date=2026-03-30 "
        "|url-status=live}}"
    )
    assert cite.plain(TWEET) == (
        "Ada Quillfeather (@ada_of_lanternwick): “The town says that the bridge was inspected in January.”, X, "
        "2026-03-14 09:10:00 UTC. https://x.com/i/status/2032746051793846272. Captured 2026-03-30 09:00:12 UTC "
        "(01981a2b-0000-7000-8000-000000000000), archive “lanternwick”, x:post:2032746051793846272. "
        "https://room.example/lanternwick/-/post/x:post:2032746051793846272. SHA-256 of this version: 34f2d4f4"
        + "0" * 56
        + "."
    )
    fields = parsed(cite.bibtex(TWEET))
    assert fields[""] == "x-20260314-34f2d4f4"
    assert fields["author"] == "{Ada Quillfeather}"
    assert fields["urldate"] == "2026-03-30"
    assert TWEET.sha256 in fields["note"]
    item = cite.csl(TWEET)
    schema_says(item)
    assert item["issued"] == {"date-parts": [[2026, 3, 14]]}
    assert item["version"] == TWEET.sha256


def test_a_web_page() -> None:
    assert cite.wikipedia(PAGE).startswith(
        "{{Cite web |author=Bo Lampwright |url=https://beacon.example/a |website=beacon.example |title=A bridge diary "
        "|date=2026-03-13 |access-date=2026-03-30 |archive-url="
    )
    assert cite.csl(PAGE)["type"] == "webpage"
    schema_says(cite.csl(PAGE))


def test_what_is_not_known_is_left_out_or_said() -> None:
    unknown = replace(TWEET, handle="", name="", text="", posted_at="", url="", outcome="", capture="", permalink="")
    assert "Unknown author: “Post without words”, X, no date. Not captured" in cite.plain(unknown)
    assert "author" not in cite.csl(unknown)
    assert "issued" not in cite.csl(unknown)
    assert "author" not in parsed(cite.bibtex(unknown))
    assert "archive-url" not in cite.wikipedia(unknown)
    assert cite.wikipedia(unknown).startswith("{{Cite document ")
    assert "access-date" not in cite.wikipedia(unknown), "an error on Wikipedia where no url is"


def test_what_has_no_address_of_its_own_is_cited_by_its_page_here() -> None:
    words = cite.wikipedia(replace(PAGE, url=""))
    assert words.startswith("{{Cite web ")
    assert f"|url={cite.link(PAGE.permalink)} |" in words
    assert "|access-date=" in words
    assert "archive-url" not in words, "an archive-url needs the address that it is a copy of"


@pytest.mark.parametrize(("outcome", "status"), [("deleted", "dead"), ("live", "live"), ("unreachable", "")])
def test_what_became_of_it_is_said(outcome: str, status: str) -> None:
    said = replace(TWEET, outcome=outcome)
    found = re.search(r"\|url-status=(\w+)", cite.wikipedia(said))
    assert (found[1] if found else "") == status
    assert (f"Last seen {outcome}" in cite.plain(said)) == (outcome != "live")


@given(NASTY, NASTY, NASTY, NASTY)
def test_no_words_of_others_end_a_field_of_bibtex(name: str, handle: str, text: str, url: str) -> None:
    cited = replace(TWEET, name=name, handle=handle, text=text, url=f"https://a.example/{url}")
    fields = parsed(cite.bibtex(cited))
    assert untex(fields["title"][1:-1]) == cited.title
    assert untex(fields.get("author", "{}")[1:-1]) == cited.author
    assert not set(fields.get("url", "")) & set('{}\\ "<>|^`')


@given(NASTY, NASTY, NASTY, NASTY)
def test_no_words_of_others_end_a_template(name: str, handle: str, text: str, url: str) -> None:
    cited = replace(TWEET, name=name, handle=handle, text=text, url=f"https://a.example/{url}")
    given_back = cite.wikipedia(cited)
    assert given_back.startswith(("{{Cite tweet |", "{{Cite web |"))
    inside = given_back[2:-2]
    assert not set(inside) & set("{}[]<>\n")
    assert not re.search(r"''|~~~|__[A-Z]", inside)
    fields = dict(part.partition("=")[::2] for part in inside.split(" |")[1:])
    assert set(fields) <= {
        *("user", "number", "author", "url", "website", "title", "date", "language", "access-date"),
        *("archive-url", "archive-date", "url-status"),
    }
    assert html.unescape(fields["title"]) == cited.title
    assert "://" not in fields["title"]


@given(NASTY, NASTY)
def test_a_text_is_one_line_and_turns_nothing_round(name: str, text: str) -> None:
    line = cite.plain(replace(TWEET, name=name, text=text))
    assert "\n" not in line
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200e\u200f")
    assert line.count("\u2068") == line.count("\u2069")


@given(NASTY, NASTY, NASTY, st.text(max_size=30), st.text(max_size=8))
def test_csl_keeps_to_its_schema(name: str, text: str, url: str, posted_at: str, lang: str) -> None:
    item = cite.csl(replace(TWEET, name=name, text=text, url=url, posted_at=posted_at, lang=lang))
    schema_says(item)
    assert json.loads(json.dumps(item)) == item


@given(CLEAN)
def test_escaping_can_be_undone(given_text: str) -> None:
    assert untex(cite.tex(given_text)) == given_text
    assert html.unescape(cite.wiki(given_text)) == given_text
    assert cite.clean(given_text) == given_text


def test_words_that_run_from_right_to_left_have_a_direction_of_their_own() -> None:
    assert "\u2068שלום\u2069" in cite.plain(replace(TWEET, text="שלום"))
    assert cite.clean("a\u202eb\nc\x00") == "ab c"
    assert cite.clean("🏴󠁧󠁢󠁷󠁬󠁳󠁿 👩‍👧") == "🏴󠁧󠁢󠁷󠁬󠁳󠁿 👩‍👧"


def test_a_long_post_is_cited_by_its_first_words() -> None:
    assert cite.first_words(" ".join(map(str, range(100)))) == " ".join(map(str, range(20))) + " …"
    assert len(cite.first_words("水" * 10_000_000)) <= cite.LONGEST + 2


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "data:text/html,x", "https//x", "\nhttps:/x"])
def test_an_address_that_is_none_is_left_out(url: str) -> None:
    assert cite.link(url) == ""
