"""From bytes to text: what says how they are encoded, in which order it is believed, and what could not be decoded.

The order is: byte order mark, the transport's charset, the document's own declaration, valid UTF-8, detection.
A declaration that the bytes contradict is dropped, with a note, when they are valid UTF-8; otherwise it stands and
what it cannot decode becomes U+FFFD, with a note of where. The bytes themselves stay in the archive.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import exp, log

from archiver.documents.labels import codec
from archiver.model import Unread

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_HEAD = 1024  # How far browsers look for a declaration.
_XML = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)")
_META = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]+)", re.IGNORECASE)
_CSS = re.compile(rb"@charset \"([A-Za-z0-9._:-]+)\"")
_SAMPLE = 65536
_NOTED = 20
_BROKEN = re.compile("[\x00\ud800-\udfff]")
_C0 = re.compile("[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_C1 = re.compile("[\x80-\x84\x86-\x9f]")
_BEYOND = re.compile(rb"[\x80-\xff]")
_RUNS = re.compile(rb"[\x80-\xff]{2,}+")
_BESIDE = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]|[\x80-\xff](?=[A-Za-z])")
_CONTROLS = re.compile("[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")

_ALSO = "‘’“”„–—…«»°€£©®·•\xa0§×÷½¼"  # what may stand in a text of any language
# The letters beyond ASCII of languages that are written in Latin script, and the code pages for them.
_LATIN = (
    ("cp1252", ("éèàùâêîôûçëïœæ", "äöüß", "ñáíóúéü¿¡", "ãõáéíóúâêôàçü", "àèéìòù", "åäöæøé", "áéíóúýþæöð", "éëïöüèê")),
    ("cp1250", ("áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "ăâîşţ", "čćđšž")),
    ("iso8859_2", ("áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "ăâîşţ", "čćđšž")),
    ("cp1254", ("ığşçöüâîİ",)),
)
# The letters of other scripts by frequency, each language of a code page by itself.
_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_UKRAINIAN = "оанивіертслкдумпзяьгбчйхїжцюшєщфґ"
_BULGARIAN = "аоиетнрсвлкдпмзъугябчщцйжхюшф"
_GREEK = "αοιετσνηυρπκμλςάίόέδγωήχθύφβώξζψ"
_SCRIPTS = (
    ("cp1251", (_RUSSIAN, _UKRAINIAN, _BULGARIAN)),
    ("koi8_r", (_RUSSIAN,)),
    ("koi8_u", (_UKRAINIAN,)),
    ("cp866", (_RUSSIAN,)),
    ("iso8859_5", (_RUSSIAN, _BULGARIAN)),
    ("cp1253", (_GREEK,)),
    ("iso8859_7", (_GREEK,)),
    ("cp1255", ("יוהלאתרבשמנדחקעפגטכםסצזןףךץ",)),
    ("cp1256", ("ايلمنورتبةعدسفهكحقجأشصىطخضذثزغئءظ",)),
    ("cp874", ("ารนกอเงมยลวดท่ส้ตะปบคีหัิแจพ็ชขืุไโใผูภ์ศธำ",)),
)
_STRANGE = 0.001  # how likely a letter is that a language does not have
_HAN = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可"
    "這個來國們為時說過學對會後開關門東車長馬見語電話日本月新聞社政府民主黨党"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """`encoding` is the codec; `source` what decided it: bom, http, meta, utf-8 or detected. `binary` is a text that
    begins with too many control characters to be one."""

    text: str
    encoding: str
    source: str
    unread: tuple[Unread, ...] = ()
    binary: bool = False


def decode(data: bytes, *, charset: str = "") -> Decoded:
    """Decodes a document. `charset` is the transport's label for it, empty where there was none. Never fails."""
    notes: list[Unread] = []
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decoded(data, len(mark), name, "bom", notes)
    for label, origin in ((charset, "http"), (_declared(data[:_HEAD]), "meta")):
        if not label:
            continue
        name = codec(label)
        if not name:
            notes.append(Unread(reason=f"{label[:40]!r} ({origin}) names no encoding of documents", pointer="byte:0"))
            continue
        if origin == "meta" and name.startswith(("utf-16", "utf-32")):
            name = "utf-8"  # A declaration that can be read as ASCII is not in UTF-16.
        if name != "utf-8" and not data.isascii() and not _fits(data, name) and _decodes(data, "utf-8"):
            notes.append(Unread(reason=f"declared {name} ({origin}), but the bytes are UTF-8", pointer="byte:0"))
            return _decoded(data, 0, "utf-8", "utf-8", notes)
        if name == "utf-8" and not _decodes(data, name) and not _mostly_utf8(data):
            notes.append(Unread(reason=f"declared utf-8 ({origin}), but the bytes are not", pointer="byte:0"))
            break
        return _decoded(data, 0, name, origin, notes)
    wide = _wide(data[:_SAMPLE])
    if wide:
        return _decoded(data, 0, wide, "detected", notes)
    if _decodes(data, "utf-8"):
        return _decoded(data, 0, "utf-8", "utf-8", notes)
    return _decoded(data, 0, detect(data), "detected", notes)


def detect(data: bytes) -> str:
    """The likeliest codec of bytes that nothing declares and that are not UTF-8, from a sample of them.

    A guess: what follows from it is marked `detected`. windows-1252 where nothing speaks for another, as browsers do.
    """
    if _mostly_utf8(data):
        return "utf-8"
    sample = data[:_SAMPLE]
    # Accented letters stand beside ASCII ones, marks alone; the words of other scripts have neither, whatever markup
    # is around them.
    beyond, beside, runs = (len(b"".join(found.findall(sample))) for found in (_BEYOND, _BESIDE, _RUNS))
    script = beside * 4 <= beyond <= runs * 2
    scored = [
        (round(_likeness(sample, name, letters) if script else _share(sample, name, letters), 2), name)
        for name, languages in (_SCRIPTS if script else _LATIN)
        for letters in languages
    ]
    most = max(score for score, _ in scored)
    best = next(name for score, name in scored if score == most)  # The first page of equals is the commonest.
    east, share = "", 0.0
    for name in ("cp932", "euc_jp", "gb18030", "big5hkscs", "cp949"):
        found = _eastern(sample, name)
        if found > share + 0.02:
            east, share = name, found
    return east if share > 0.6 else best if most > 0.2 else "cp1252"


def _decoded(data: bytes, skip: int, name: str, origin: str, notes: list[Unread]) -> Decoded:
    try:
        text = data[skip:].decode(name)
    except UnicodeDecodeError:
        text = _with_holes(data, skip, name, notes)
    head = text[:_SAMPLE]
    controls = len(_BROKEN.findall(head)) + len(_C0.findall(head))
    binary = controls * 10 > len(head) or (controls > 16 and controls * 100 > len(head))
    plain = _plain(text, notes)
    return Decoded(text=plain, encoding=name, source=origin, unread=tuple(notes), binary=binary)


def _with_holes(data: bytes, skip: int, name: str, notes: list[Unread]) -> str:
    """Decodes what can be decoded; the rest is U+FFFD. What a Windows page leaves undefined is a control (WHATWG)."""
    if name.startswith("cp125"):
        # ftfy registers these codecs when it is loaded, which takes a fifth of a second: only when they are needed.
        import ftfy.bad_codecs

        ftfy.bad_codecs.ok()
        sloppy = f"sloppy-windows-{name[2:]}"
        return data[skip:].decode(sloppy)
    text = data[skip:].decode(name, "replace")
    offsets: list[int] = []
    at = skip
    while len(offsets) < _NOTED:
        try:
            # In slices, so that each byte is looked at a fixed number of times however many are broken.
            data[at:].decode(name) if len(data) - at <= _SAMPLE else data[at : at + _SAMPLE].decode(name)
        except UnicodeDecodeError as error:
            if at + error.end >= at + _SAMPLE - 8 and len(data) - at > _SAMPLE:
                at += max(1, error.start)
                continue
            offsets.append(at + error.start)
            at += error.end
        else:
            if len(data) - at <= _SAMPLE:
                break
            at += _SAMPLE
    reason = f"bytes that {name} does not know: read as U+FFFD"
    notes.extend(Unread(reason=reason, pointer=f"byte:{offset}") for offset in offsets)
    if len(offsets) == _NOTED:
        notes.append(Unread(reason="further bytes that could not be decoded may follow", pointer=f"byte:{at}"))
    return text


def _plain(text: str, notes: list[Unread]) -> str:
    """NUL and lone surrogates become U+FFFD; other control characters stay. Both are noted where they first stand."""
    broken = _BROKEN.search(text)
    if broken:
        first = place(text, broken.start())
        text, count = _BROKEN.subn("\N{REPLACEMENT CHARACTER}", text)
        notes.append(Unread(reason=f"{count} NUL or lone surrogate, from here on: read as U+FFFD", pointer=first))
    control = _CONTROLS.search(text)
    if control:
        reason = f"control character U+{ord(control[0]):04X}: kept as it is"
        notes.append(Unread(reason=reason, pointer=place(text, control.start())))
    return text


def place(text: str, at: int) -> str:
    """The pointer to a place in a text: `text:LINE:COLUMN`, both from 1."""
    return f"text:{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def _declared(head: bytes) -> str:
    for pattern in (_XML, _META, _CSS):
        found = pattern.match(head) if pattern is not _META else pattern.search(head)
        if found:
            return found[1].decode("ascii")
    return ""


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _fits(data: bytes, name: str) -> bool:
    """Whether bytes can be text in an encoding: they decode, and to no C1 control, which no text holds."""
    try:
        return not _C1.search(data.decode(name))
    except UnicodeDecodeError:
        return False


def _mostly_utf8(data: bytes) -> bool:
    """Whether text in UTF-8 was cut or damaged: at least nine of ten sequences beyond ASCII are well formed."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    bad = text.count("\N{REPLACEMENT CHARACTER}")
    good = sum(1 for character in text if character > "\x7f") - bad
    return good >= 9 * bad and good > 0


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: text with many ASCII characters has a zero in every other byte."""
    if len(sample) < 4 or b"\x00" not in sample:
        return ""
    even, odd, half = sample[0::2].count(0), sample[1::2].count(0), len(sample) // 2
    if odd > half * 0.3 and even * 20 < odd:
        return "utf-16-le"
    if even > half * 0.3 and odd * 20 < even:
        return "utf-16-be"
    return ""


def _share(sample: bytes, name: str, letters: str) -> float:
    """The share of a language's characters among those beyond ASCII that a code page gives."""
    expected = frozenset(letters + letters.upper() + _ALSO)
    beyond = [character for character in sample.decode(name, "replace") if character > "\x7f"]
    return sum(character in expected for character in beyond) / len(beyond) if beyond else 0.0


def _likeness(sample: bytes, name: str, frequent: str) -> float:
    """How well the letters that a code page gives fit a language: about 1 and more for its own, towards 0 for others.

    The geometric mean of their likelihoods, which fall evenly from the most frequent letter to the rarest; capitals
    are rarer (KOI8 read as windows-1251 turns all letters into capitals, and the other way round).
    """
    letters = len(frequent)
    likely = {letter: log(2 * (letters - at) / (letters * (letters + 1))) for at, letter in enumerate(frequent)}
    likely |= {letter.upper(): value - 1 for letter, value in likely.items() if letter.upper() != letter}
    counts = Counter(character for character in sample.decode(name, "replace") if character > "\x7f")
    for mark in _ALSO:
        counts.pop(mark, None)
    total = counts.total()
    if not total:
        return 0.0
    mean = sum(count * likely.get(letter, log(_STRANGE)) for letter, count in counts.items()) / total
    return exp(mean) * 30  # about as many letters as scripts have: 1 is what chance would give


def _eastern(sample: bytes, name: str) -> float:
    """The share of likely characters when bytes are read in an East Asian encoding; 0 when they cannot be."""
    text = sample.decode(name, "replace")
    beyond = [character for character in text if character > "\x7f"]
    if not beyond or text.count("\N{REPLACEMENT CHARACTER}") * 50 > len(beyond):
        return 0.0
    kana = sum("\u3041" <= c <= "\u30fe" for c in beyond)
    hangul = sum("\uac00" <= c <= "\ud7a3" for c in beyond)
    marks = sum(c in "、。，．！？「」『』（）：；“”‘’…—・　" for c in beyond)
    han = sum("\u4e00" <= c <= "\u9fff" for c in beyond)
    common = sum(c in _HAN for c in beyond)
    if name == "cp949":
        return (hangul + marks) / len(beyond)
    if name in {"cp932", "euc_jp"}:
        return (kana + han + marks) / len(beyond) if kana * 5 > len(beyond) else 0.0
    return (han + marks) / len(beyond) if common * 12 > han and kana * 5 <= len(beyond) else 0.0
