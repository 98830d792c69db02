"""Mentions of what nobody means to give: damaged text, odd characters, nine encodings, very many quotations."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.documents import mentions
from archiver.documents.read import read
from archiver.documents.sourcemap import identity
from archiver.errors import InputError, ParseError
from archiver.model import Document, Mention, MentionKind, Ref
from archiver.platforms import claim

STATUS = "https://x.com/annlee/status/1850000000000000001"
SIGN = "— Ann Lee (@annlee) October 28, 2024"
BLOCK = (
    '<blockquote class="twitter-tweet"><p>{}</p>&mdash; Ann Lee (@annlee) '
    f'<a href="{STATUS}">October 28, 2024</a></blockquote>'
)
MEDIA_TYPES = ["text/html", "text/markdown", "text/plain", "application/rss+xml", "application/json", "text/csv"]


def check(document: Document) -> tuple[Mention, ...]:
    """The mentions, after every place in them was followed."""
    found = mentions.find(document, claim)
    for each in found:
        assert 0 <= each.text.start <= each.text.end <= len(document.text)
        assert 0 <= each.source.start <= each.source.end <= len(document.source)
        quoted = mentions.quoted(document, each)
        assert quoted.text == mentions.words(document, each)
        for run in quoted.source_runs:
            assert 0 <= run.source.start <= run.source.end <= len(document.source)
    assert len(mentions.wider(document, found)) == len(found)
    return found


@pytest.mark.parametrize("media_type", ["text/html", "text/markdown", "text/plain"])
def test_ten_thousand_quotations(media_type: str) -> None:
    pieces = [f"Words {n} — Ann Lee (@ann{n}) October 28, 2024" for n in range(10_000)]
    source = "".join(f"<p>{each}</p>" for each in pieces) if media_type == "text/html" else "\n\n".join(pieces)
    start = time.process_time()
    document = read(source.encode(), media_type=media_type)
    found = [each for each in mentions.find(document, claim) if each.kind is MentionKind.SIGNED_QUOTATION]
    assert [each.handle for each in found] == [f"ann{n}" for n in range(10_000)]
    assert [mentions.words(document, each) for each in found] == [f"Words {n}" for n in range(10_000)]
    assert time.process_time() - start < 8


@pytest.mark.heavy
@pytest.mark.parametrize("media_type", ["text/html", "text/markdown", "text/plain"])
@pytest.mark.parametrize(
    "piece",
    [
        "> “one two three four five six seven eight”\n\n",
        "<blockquote>one two three four five</blockquote>",
        "“one two three four five six seven eight,” said Bo. ",
        "‘one two three four five six seven eight of the boys’ club,’ wrote Bo, ‘and so on.’ ",
        "“_one_ **two** `three` four \\five six seven eight” ",
    ],
)
def test_the_words_of_many_quotations_take_linear_time(piece: str, media_type: str) -> None:
    """300 kB; the bound is for a busy machine and far below what a look at the whole document for each would take."""
    document = read((piece * (300_000 // len(piece))).encode(), media_type=media_type)
    start = time.process_time()
    for each in mentions.find(document, claim):
        mentions.words(document, each)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("words", ["", " ", "A", "😀", "…", "\u00a0", "“”", "\u200b", "@", "—", "."])
def test_quotations_of_one_word_or_none(words: str) -> None:
    (embed,) = check(read(BLOCK.format(words).encode(), media_type="text/html"))
    assert str(embed.target) == "x:post:1850000000000000001"
    assert (embed.handle, embed.day) == ("annlee", "2024-10-28")
    for media_type in ("text/plain", "text/markdown"):
        found = check(read(f"{words}\n{SIGN}".encode(), media_type=media_type))
        assert [each.handle for each in found if each.kind is MentionKind.SIGNED_QUOTATION] == ["annlee"]


ODD = [
    "\x00",
    "\ud83d",
    "\udfff",
    "\ud83d\ud83d",
    "\ufffe",
    "\u202e",
    "\u2028",
    "\x1b[31m",
    "\x85",
    "\u0000\u0000",
    "e\u0301" * 40,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.encode("unicode_escape").decode()[:20])
@pytest.mark.parametrize("media_type", ["text/html", "text/markdown", "text/plain"])
def test_odd_characters_lose_no_quotation(odd: str, media_type: str) -> None:
    signed = f"Some{odd}words of hers"
    source = f"Prose{odd}here.\n\n{BLOCK.format(signed)}\n\nMore."
    document = read(source.encode("utf-8", "surrogatepass"), media_type=media_type)
    (embed,) = [each for each in check(document) if each.kind is MentionKind.EMBED]
    assert str(embed.target) == "x:post:1850000000000000001"
    assert mentions.words(document, embed).startswith("Some")
    assert mentions.words(document, embed).endswith("words of hers")


@given(st.text(st.sampled_from("a — (@ann) October 28, 2024\ud83d\udc4d\x00“”<>&\n>"), max_size=80))
@settings(max_examples=200, deadline=None)
def test_unpaired_surrogates_in_a_document_made_by_hand(source: str) -> None:
    for media_type in ("text/markdown", "text/plain"):
        ref = Ref(platform="doc", kind="document", id="0" * 64)
        check(
            Document(
                ref=ref, sha256="0" * 64, media_type=media_type, encoding="utf-8", encoding_from="utf-8",
                text=source, source=source, runs=identity(len(source)),
            )
        )  # fmt: skip


LANGUAGES = {
    "utf-8": "Слова её и ещё 的话",
    "utf-8-sig": "Слова её и ещё 的话",
    "utf-16": "Слова её и ещё 的话",
    "cp1252": "Ça c’est très bien dit, n’est-ce pas, über alles",
    "iso-8859-1": "Ça c'est très bien dit, n'est-ce pas, über alles",
    "cp1251": "Это её слова о том, что было вчера в городе",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy v pátek",
    "shift_jis": "彼女はこの言葉を昨日の夜に書きましたと思います",
    "gb18030": "她昨天晚上写了这些话我们都觉得很有意思",
    "euc-kr": "그녀는 어제 밤에 이 말을 썼다고 생각합니다",
}


@pytest.mark.parametrize("codec", LANGUAGES)
@pytest.mark.parametrize("declared", [True, False])
def test_text_in_ten_encodings(codec: str, declared: bool) -> None:
    words = LANGUAGES[codec]
    page = f'<meta charset="{codec}"><p>{words}</p>{BLOCK.format(words).replace("—", "&mdash;")}'
    bom = codec in {"utf-16", "utf-8-sig"}
    source = page if declared and not bom else page.partition(">")[2]
    document = read(source.encode(codec), media_type="text/html")
    (embed,) = [each for each in check(document) if each.kind is MentionKind.EMBED]
    assert (str(embed.target), embed.handle) == ("x:post:1850000000000000001", "annlee")
    if declared or bom or codec == "utf-8":
        assert mentions.words(document, embed) == words


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(MEDIA_TYPES))
def test_any_bytes_are_read_or_refused(data: bytes, media_type: str) -> None:
    try:
        document = read(data, media_type=media_type)
    except (ParseError, InputError):
        return
    check(document)


def cut(source: str) -> list[str]:
    """A source cut off everywhere, and with each character taken out."""
    return [source[:at] for at in range(1, len(source))] + [source[:at] + source[at + 1 :] for at in range(len(source))]


@pytest.mark.parametrize("media_type", ["text/html", "text/markdown", "text/plain"])
def test_an_embed_cut_anywhere_never_names_another_post(media_type: str) -> None:
    source = (
        BLOCK.format("Words of hers")
        + ' {{< x user="annlee" id="1850000000000000001" >}} <Tweet id="1850000000000000001" />'
    )
    numbers = {"1850000000000000001"[:at] for at in range(1, 20)}
    numbers |= {"1850000000000000001"[:at] + "1850000000000000001"[at + 1 :] for at in range(19)}
    for each in cut(source):
        for mention in check(read(each.encode(), media_type=media_type)):
            assert mention.target is None or mention.target.id in numbers, (each, mention)
