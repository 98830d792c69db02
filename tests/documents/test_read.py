"""Bytes → documents: kinds, encodings, refusals."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.documents import labels
from archiver.documents import read as reading
from archiver.documents.encoding import decode
from archiver.documents.markdown import links as markdown_links
from archiver.documents.read import read
from archiver.errors import InputError, ParseError
from archiver.model import Document

SEED = Path(__file__).parents[2] / "seeds" / "000_372a103416b235e9.txt"


def sound(document: Document) -> None:
    """What holds for any document."""
    text_at = source_at = 0
    for run in document.runs:
        assert text_at <= run.text.start < run.text.end <= len(document.text)
        assert source_at <= run.source.start < run.source.end <= len(document.source)
        text_at, source_at = run.text.end, run.source.end
    for link in document.links:
        assert 0 <= link.text.start <= link.text.end <= len(document.text)
        assert 0 <= link.source.start <= link.source.end <= len(document.source)
        assert link.ref is None
        assert link.url
    for found in document.repairs:
        assert document.text[found.span.start : found.span.end] == found.before
    assert not re.search("[\x00\ud800-\udfff]", document.text + document.source)


def test_plain_text_is_its_own_source() -> None:
    data = "Ålesund says\r\nsee https://a.example/x.\n".encode()
    document = read(data, name="a.txt")
    assert (document.media_type, document.encoding, document.encoding_from) == ("text/plain", "utf-8", "utf-8")
    assert document.text == document.source == data.decode()
    assert document.sha256 == sha256(data).hexdigest()
    assert str(document.ref) == f"doc:document:{document.sha256}"
    assert len(document.runs) == 1
    (link,) = document.links
    assert (link.url, link.role, document.text[link.text.start : link.text.end]) == (
        "https://a.example/x",
        "bare",
        "https://a.example/x",
    )
    sound(document)


def test_the_seed_has_one_repair() -> None:
    document = read(SEED.read_bytes(), name=SEED.name)
    assert document.media_type == "text/plain"
    assert [found.steps for found in document.repairs] == [(("encode", "sloppy-windows-1250"), ("decode", "utf-8"))]
    assert document.unread == ()
    sound(document)


@pytest.mark.parametrize(
    ("data", "given", "kind"),
    [
        ("words", {}, "text/plain"),
        ("words", {"name": "a.md"}, "text/markdown"),
        ("words", {"name": "a.html"}, "text/html"),
        ("words", {"media_type": "Text/HTML; charset=utf-8", "name": "a.md"}, "text/html"),
        ("<!DOCTYPE html><p>x", {}, "text/html"),
        ("  <!-- c -->\n<blockquote class=x>y</blockquote>", {}, "text/html"),
        ("<?xml version='1.0'?><html xmlns='x'><body/></html>", {"media_type": "application/xml"}, "text/html"),
        ("<p>x", {"media_type": "text/plain"}, "text/plain"),
        ("<3 is a heart", {}, "text/plain"),
        ("https://a.example/\n# c\n\nhttps://b.example/", {"name": "a.txt"}, "text/uri-list"),
        ("https://a.example/ is nice", {"name": "a.txt"}, "text/plain"),
        ("https://a.example/", {"name": "a.urls"}, "text/uri-list"),
        ("u\nhttps://a.example/", {"name": "a.csv"}, "text/csv"),
        ("u\tv\nhttps://a.example/\tx", {"name": "a.tsv"}, "text/tab-separated-values"),
        ("u,v\nhttps://a.example/,x", {"column": "u"}, "text/csv"),
        ("<rss><channel/></rss>", {"name": "a.xml"}, "application/rss+xml"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'/>", {}, "application/atom+xml"),
        ("<feed/>", {"media_type": "application/rss+xml"}, "application/atom+xml"),
        ('{"version": "https://jsonfeed.org/version/1.1", "items": []}', {}, "application/feed+json"),
        ('{"html": "<blockquote>"}', {"name": "a.json"}, "text/plain"),
        ("<x>words</x>", {"name": "a.xml"}, "text/html"),
    ],
)
def test_kinds(data: str, given: dict[str, str], kind: str) -> None:
    document = read(data.encode(), **given)
    assert document.media_type == kind
    sound(document)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"%PDF-1.7 x", "PDF"),
        (b"PK\x03\x04xx", "ZIP"),
        (b"\x89PNG\r\n\x1a\nxx", "PNG"),
        (b"\x00\x00\x00\x18ftypmp42", "video"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "image"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x00\x01\x02\x03\x04\x05", "binary"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, word: str) -> None:
    with pytest.raises(ParseError, match=word) as refused:
        read(data)
    assert refused.value.pointer.startswith("byte:")


def test_a_declared_type_that_is_no_document_is_refused() -> None:
    with pytest.raises(ParseError, match="image/png"):
        read(b"words", media_type="image/png")


def test_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT", 10)
    assert read(b"0123456789").text == "0123456789"
    with pytest.raises(ParseError, match="too large"):
        read(b"0123456789a")


SAMPLES = {
    "cp1252": "Le conseil a été saisi hier : « Rien n’est décidé », dit-elle à la presse réunie",
    "cp1250": "Rada města včera jednala o nových pravidlech a řekla, že ještě není rozhodnuto",
    "cp1251": "Вчера вечером в городе прошла встреча, на которой обсуждали новые правила",
    "koi8_r": "Вчера вечером в городе прошла встреча, на которой обсуждали новые правила",
    "cp1253": "Χθες το βράδυ έγινε στην πόλη μια συνάντηση για τους νέους κανόνες",
    "cp1254": "Dün akşam şehirde yeni kurallar için bir toplantı yapıldı, sonuç çıkmadı ağabey",
    "cp1255": "אתמול בערב התקיימה בעיר פגישה על הכללים החדשים",
    "cp1256": "عقد مساء أمس اجتماع في المدينة حول القواعد الجديدة",
    "cp874": "เมื่อวานนี้มีการประชุมในเมืองเกี่ยวกับกฎใหม่",
    "cp932": "昨日の夜、町で新しい規則についての会議がありました",
    "euc_jp": "昨日の夜、町で新しい規則についての会議がありました",
    "gb18030": "昨天晚上我们在城里开会，大家说这个新的规定还不是最后的决定",
    "big5hkscs": "昨天晚上我們在城裡開會，大家說這個新的規定還不是最後的決定",
    "cp949": "어제 저녁 도시에서 새로운 규칙에 대한 회의가 열렸다",
}


@pytest.mark.parametrize("codec", SAMPLES)
def test_undeclared_encodings_are_detected(codec: str) -> None:
    document = read(SAMPLES[codec].encode(codec))
    assert (document.encoding, document.encoding_from, document.text) == (codec, "detected", SAMPLES[codec])


@pytest.mark.parametrize("codec", SAMPLES)
def test_declared_encodings_are_believed(codec: str) -> None:
    text = SAMPLES[codec]
    document = read(text.encode(codec), charset=codec)
    assert (document.encoding_from, document.text, document.unread) == ("http", text, ())
    page = f'<html><meta charset="{codec.replace("_", "-")}"><p>{text}</p>'
    document = read(page.encode(codec), name="a.html")
    assert (document.encoding_from, document.text) == ("meta", text)


@pytest.mark.parametrize(("mark", "codec"), [("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-32", "utf-32-le")])
def test_a_byte_order_mark_wins(mark: str, codec: str) -> None:
    document = read("Grüße 🎈".encode(mark), charset="latin1")
    assert (document.encoding, document.encoding_from, document.text) == (codec, "bom", "Grüße 🎈")


def test_utf_16_without_a_mark() -> None:
    for codec in ("utf-16-le", "utf-16-be"):
        document = read("A short note, seen in an editor".encode(codec))
        assert (document.encoding, document.encoding_from) == (codec, "detected")


def test_contradicted_declarations_are_noted() -> None:
    document = read("Grüße — “quoted” 🎈".encode(), charset="iso-8859-2")
    assert (document.encoding, document.encoding_from, document.text) == ("utf-8", "utf-8", "Grüße — “quoted” 🎈")
    assert "iso8859-2" in document.unread[0].reason
    document = read("一二三 🎈 words".encode(), charset="shift_jis")
    assert (document.encoding, document.encoding_from) == ("utf-8", "utf-8")
    assert "cp932" in document.unread[0].reason
    document = read(SAMPLES["cp1252"].encode("cp1252"), charset="utf-8")
    assert document.text == SAMPLES["cp1252"]
    assert document.encoding_from == "detected"
    assert document.unread
    document = read(b"plain", charset="no-such-thing")
    assert "no-such-thing" in document.unread[0].reason


def test_undecodable_bytes_are_placed() -> None:
    data = ("Été déjà là, où ça, naïve été. " * 5).encode() + b" \xff\xfe " + b"x" * 70_000 + b" \xc3"
    document = read(data)
    assert document.encoding == "utf-8"
    assert document.text.count("\N{REPLACEMENT CHARACTER}") == 3
    offsets = [int(note.pointer.removeprefix("byte:")) for note in document.unread]
    assert offsets == [data.index(b"\xff"), data.index(b"\xfe"), len(data) - 1]


def test_windows_pages_keep_undefined_bytes_as_controls() -> None:
    document = read(b"caf\xe9 \x81 words and words", charset="latin1")
    assert document.text == "café \x81 words and words"
    assert "U+0081" in document.unread[0].reason


def test_control_characters_and_nul_are_noted() -> None:
    document = read(b"first line of words\nsecond \x00 has NUL, \x07 a bell; the rest is plain text")
    assert "\x00" not in document.source
    assert "\x07" in document.source
    assert [note.pointer for note in document.unread] == ["text:2:8", "text:2:19"]


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("Latin1", "cp1252"),
        (" ISO-8859-1 ", "cp1252"),
        ("gb2312", "gb18030"),
        ("UTF8", "utf-8"),
        ("x-sjis", "cp932"),
        ("windows-1251", "cp1251"),
        ("koi8-r", "koi8-r"),
        ("utf-7", ""),
        ("hex", ""),
        ("rot13", ""),
        ("", ""),
        ("é", ""),
    ],
)
def test_labels(label: str, codec: str) -> None:
    assert labels.codec(label) == codec


def test_relative_links_are_resolved() -> None:
    document = read(
        b'<a href="../c">x</a><a href="http://[bad">y</a>', url="https://a.example/b/d", media_type="text/html"
    )
    assert [link.url for link in document.links] == ["https://a.example/c", "http://[bad"]
    document = read(b'<base href="/z/"><a href="c">x</a>', url="https://a.example/b", media_type="text/html")
    assert document.links[0].url == "https://a.example/z/c"


MARKDOWN = r"""See [a **b**](https://a.example/x_(y) "T"), <https://b.example/> `[c](https://code.example/)` [r][K] [k].
![pic](https://i.example/p.png) https://d.example/z. \[no\](https://n.example/)

```
https://fence.example/
```
<a class="x" href="https://h.example/?a=1&amp;b=2">words</a>

[k]: https://k.example/
[unused]: <https://u.example/> "t"
[![alt](https://i.example/q)](https://l.example/)
"""


def test_markdown_links() -> None:
    document = read(MARKDOWN.encode(), name="post.md")
    assert document.text == document.source == MARKDOWN
    sound(document)
    found = {link.url: MARKDOWN[link.text.start : link.text.end] for link in document.links if link.role == "a"}
    assert found == {
        "https://a.example/x_(y)": "a **b**",
        "https://b.example/": "https://b.example/",
        "https://k.example/": "k",
        "https://h.example/?a=1&b=2": "words",
        "https://l.example/": "![alt](https://i.example/q)",
    }
    assert [link.url for link in document.links].count("https://k.example/") == 2
    bare = {link.url for link in document.links if link.role == "bare"}
    assert {"https://d.example/z", "https://u.example/"} <= bare
    assert not {"https://code.example/", "https://fence.example/"} & {link.url for link in document.links}


@given(st.text(alphabet=st.sampled_from("[]()<>!`\\\"' \nahttps://x.example:="), max_size=150))
def test_any_markdown(source: str) -> None:
    for link in markdown_links(source):
        assert 0 <= link.source.start <= link.text.start <= link.text.end <= link.source.end <= len(source)


names = st.sampled_from(["", "a.md", "a.html", "a.csv", "a.tsv", "a.urls", "a.xml", "a.json", "a.txt"])
pieces = st.sampled_from(
    [
        b"<p>",
        b"</p>",
        b"<a href='https://a.example/'>",
        b"\xff",
        b"\xc3\xa9",
        b"\x00",
        b"&amp;",
        b'"',
        b",",
        b"\n",
        b"\t",
        b"https://a.example/b",
        b"<rss><channel>",
        b"<item>",
        b"<![CDATA[",
        b"]]>",
        b"</item>",
        b"<link>",
        b"<title>",
        b'{"version":"https://jsonfeed.org/version/1","items":[',
        b'{"url":"x","content_html":"\\ud800<p>"}',
        b"]}",
        b" ",
        b"\xef\xbb\xbf",
        b"\xfe\xff",
        b"\xc3\xa2\xe2\x82\xac\xe2\x84\xa2",
        b"\x81",
        b"<feed><entry>",
        b"<content type='html'>",
    ]
)


@settings(max_examples=300)
@given(
    st.one_of(st.binary(max_size=80), st.lists(pieces, max_size=25).map(b"".join)),
    names,
    st.sampled_from(["", "latin1", "utf-8"]),
)
def test_any_bytes(data: bytes, name: str, charset: str) -> None:
    try:
        document = read(data, name=name, charset=charset, url="https://w.example/")
    except (ParseError, InputError):
        return
    else:
        sound(document)
        assert document.sha256 == sha256(data).hexdigest()


@given(st.text(max_size=80))
def test_utf_8_comes_through_as_it_is(text: str) -> None:
    decoded = decode(text.encode("utf-8", "replace"), charset="utf-8")
    assert len(decoded.text) == len(text.encode("utf-8", "replace").decode().removeprefix("\ufeff"))


@pytest.mark.corpus
def test_recorded_documents_read(corpus: Path) -> None:
    """Every recorded page, post and export reads, its places are valid, and no clean one is repaired wrongly."""
    files = [
        path
        for kind in ("html", "md", "wxr", "cms-export", "embed-html")
        for path in (corpus / "x" / kind).rglob("*.*")
    ]
    kinds: dict[str, int] = {}
    repaired = 0
    for path in sorted(path for path in files if path.is_file()):
        document = read(path.read_bytes(), name=path.name)
        sound(document)
        kinds[document.media_type] = kinds.get(document.media_type, 0) + 1
        repaired += bool(document.repairs)
        assert document.encoding_from in {"bom", "http", "meta", "utf-8", "detected"}
    print(f"{sum(kinds.values())} documents read: {json.dumps(kinds, sort_keys=True)}; {repaired} with repairs")
    assert sum(kinds.values()) > 0
