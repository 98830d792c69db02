"""Labels of encodings as the web uses them (WHATWG Encoding, 4.2), and the codec behind each."""

from __future__ import annotations

import codecs

# Labels that mean another encoding on the web than to Python: the wider one that documents are really written in.
_WEB = {
    "ascii": "cp1252", "us-ascii": "cp1252", "ansi_x3.4-1968": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "l1": "cp1252", "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "iso88591": "cp1252",
    "x-cp1252": "cp1252", "ansi": "cp1252", "latin5": "cp1254", "iso-8859-9": "cp1254", "iso8859-9": "cp1254",
    "x-cp1250": "cp1250", "x-cp1251": "cp1251", "tis-620": "cp874", "iso-8859-11": "cp874", "windows-874": "cp874",
    "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "chinese": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932",
    "windows-31j": "cp932", "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "korean": "cp949", "windows-949": "cp949",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp", "iso-8859-8-i": "iso8859_8", "logical": "iso8859_8", "visual": "iso8859_8",
    "macintosh": "mac_roman", "x-mac-roman": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "koi": "koi8_r",
    "koi8": "koi8_r", "ibm866": "cp866", "dos-874": "cp874",
    "unicode": "utf-16-le", "ucs-2": "utf-16-le", "utf-16": "utf-16-le", "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8",
    "utf-8": "utf-8", "x-unicode20utf8": "utf-8",
}  # fmt: skip
# Codecs of Python that a label can name and that no web document is written in (utf-7 among them: it hides markup).
_TEXT = frozenset(
    ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"]
    + ["gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949", "cp874", "cp866", "cp437", "cp850", "cp852"]
    + [f"cp{number}" for number in range(1250, 1259)]
    + [f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)]
)


def codec(label: str) -> str:
    """The codec that a label of the web names; an empty string for a label that names none.

    >>> codec("ISO-8859-1"), codec("gb2312"), codec("utf-7")
    ('cp1252', 'gb18030', '')
    """
    name = label.strip().strip("\"'").lower()
    if name in _WEB:
        return _WEB[name]
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if found in _TEXT else _WEB.get(found, "")
