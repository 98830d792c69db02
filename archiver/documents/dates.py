"""Dates as embeds write them, in about forty languages: which day a signature claims.

A date must name its month (in words, or by the Chinese, Japanese, Korean or Vietnamese marks) or put the year
first; of all-digit dates with the year last only those are read whose order is proved by a number above 12.
A month name that means different months in two languages (`listopada` is October in Croatian and November in
Polish) is read only when the caller names the language. What is not certain gives no day: the date as written
is kept by the caller, and a person can judge it.

Names of months: CLDR 45 (Unicode, `dates/calendars/gregorian/months`), format and stand-alone, wide and
abbreviated, as the embeds of X and Bluesky use them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache

from archiver.model import Span

MONTHS: dict[str, str] = {
    "en": "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|"
    "october oct|november nov|december dec",
    "de": "januar jän jänner jan|februar feb feber|märz mär mrz maerz|april apr|mai|juni jun|juli jul|august aug|"
    "september sep sept|oktober okt|november nov|dezember dez",
    "fr": "janvier janv|février févr fév|mars|avril avr|mai|juin|juillet juil|août|septembre sept|octobre oct|"
    "novembre nov|décembre déc",
    "es": "enero ene|febrero feb|marzo mar|abril abr|mayo may|junio jun|julio jul|agosto ago|"
    "septiembre setiembre sept sep|octubre oct|noviembre nov|diciembre dic",
    "it": "gennaio gen|febbraio feb|marzo mar|aprile apr|maggio mag|giugno giu|luglio lug|agosto ago|"
    "settembre set|ottobre ott|novembre nov|dicembre dic",
    "pt": "janeiro jan|fevereiro fev|março mar|abril abr|maio mai|junho jun|julho jul|agosto ago|setembro set|"
    "outubro out|novembro nov|dezembro dez",
    "ca": "gener gen|febrer febr|març|abril abr|maig|juny|juliol jul|agost ag|setembre set|octubre oct|"
    "novembre nov|desembre des",
    "gl": "xaneiro xan|febreiro feb|marzo mar|abril abr|maio|xuño|xullo|agosto ago|setembro set|outubro out|"
    "novembro nov|decembro dec",
    "nl": "januari jan|februari feb|maart mrt|april apr|mei|juni jun|juli jul|augustus aug|september sep|"
    "oktober okt|november nov|december dec",
    "sv": "januari jan|februari feb|mars mar|april apr|maj|juni jun|juli jul|augusti aug|september sep|"
    "oktober okt|november nov|december dec",
    "da": "januar jan|februar feb|marts mar|april apr|maj|juni jun|juli jul|august aug|september sep|oktober okt|"
    "november nov|december dec",
    "nb": "januar jan|februar feb|mars mar|april apr|mai|juni jun|juli jul|august aug|september sep|oktober okt|"
    "november nov|desember des",
    "fi": "tammikuuta tammikuu|helmikuuta helmikuu|maaliskuuta maaliskuu|huhtikuuta huhtikuu|toukokuuta toukokuu|"
    "kesäkuuta kesäkuu|heinäkuuta heinäkuu|elokuuta elokuu|syyskuuta syyskuu|lokakuuta lokakuu|"
    "marraskuuta marraskuu|joulukuuta joulukuu",
    "pl": "stycznia sty|lutego lut|marca mar|kwietnia kwi|maja maj|czerwca cze|lipca lip|sierpnia sie|września wrz|"
    "października paź|listopada lis|grudnia gru",
    "cs": "ledna leden|února únor|března březen|dubna duben|května květen|června červen|července červenec|"
    "srpna srpen|září|října říjen|listopadu listopad|prosince prosinec",
    "sk": "januára jan|februára feb|marca mar|apríla apr|mája máj|júna jún|júla júl|augusta aug|septembra sep|"
    "októbra okt|novembra nov|decembra dec",
    "hr": "siječnja sij|veljače velj|ožujka ožu|travnja tra|svibnja svi|lipnja lip|srpnja srp|kolovoza kol|"
    "rujna ruj|listopada lis|studenoga studenog stu|prosinca pro",
    "sr": "januar јануар јан|februar фебруар феб|mart март мар|april април апр|maj мај|jun јун јуни|jul јул јули|"
    "avgust август авг|septembar септембар септ|oktobar октобар окт|novembar новембар нов|decembar децембар дец",
    "sl": "januarja|februarja|marca|aprila|maja|junija|julija|avgusta|septembra|oktobra|novembra|decembra",
    "hu": "január jan|február febr|március márc|április ápr|május máj|június jún|július júl|augusztus aug|"
    "szeptember szept|október okt|november nov|december dec",
    "ro": "ianuarie ian|februarie feb|martie mar|aprilie apr|mai|iunie iun|iulie iul|august aug|septembrie sept|"
    "octombrie oct|noiembrie nov|decembrie dec",
    "tr": "ocak oca|şubat şub|mart mar|nisan nis|mayıs may|haziran haz|temmuz tem|ağustos ağu|eylül eyl|ekim eki|"
    "kasım kas|aralık ara",
    "id": "januari jan|februari feb|maret mar|april apr|mei|juni jun|juli jul|agustus agt|september sep|"
    "oktober okt|november nov|desember des",
    "ms": "januari jan|februari feb|mac|april apr|mei|jun|julai jul|ogos ogo|september sep|oktober okt|"
    "november nov|disember dis",
    "fil": "enero ene|pebrero peb|marso mar|abril abr|mayo may|hunyo hun|hulyo hul|agosto ago|setyembre set|"
    "oktubre okt|nobyembre nob|disyembre dis",
    "ru": "января янв|февраля февр фев|марта мар|апреля апр|мая май|июня июн|июля июл|августа авг|"
    "сентября сент сен|октября окт|ноября нояб ноя|декабря дек",
    "uk": "січня січ|лютого лют|березня бер|квітня квіт|травня трав|червня черв|липня лип|серпня серп|вересня вер|"
    "жовтня жовт|листопада лист|грудня груд",
    "be": "студзеня сту|лютага лют|сакавіка сак|красавіка кра|мая|чэрвеня чэр|ліпеня ліп|жніўня жні|верасня вер|"
    "кастрычніка кас|лістапада ліс|снежня сне",
    "bg": "януари|февруари|март|април|май|юни|юли|август|септември|октомври|ноември|декември",
    "el": "ιανουαρίου ιαν|φεβρουαρίου φεβ|μαρτίου μαρ|απριλίου απρ|μαΐου μαΐ μαϊ|ιουνίου ιουν|ιουλίου ιουλ|"
    "αυγούστου αυγ|σεπτεμβρίου σεπ|οκτωβρίου οκτ|νοεμβρίου νοε|δεκεμβρίου δεκ",
    "lt": "sausio|vasario|kovo|balandžio|gegužės|birželio|liepos|rugpjūčio|rugsėjo|spalio|lapkričio|gruodžio",
    "lv": "janvāris janv|februāris febr|marts|aprīlis apr|maijs|jūnijs jūn|jūlijs jūl|augusts aug|septembris sept|"
    "oktobris okt|novembris nov|decembris dec",
    "et": "jaanuar jaan|veebruar veebr|märts|aprill apr|mai|juuni|juuli|august aug|september sept|oktoober okt|"
    "november nov|detsember dets",
    "ar": "يناير|فبراير|مارس|أبريل ابريل|مايو|يونيو|يوليو|أغسطس اغسطس|سبتمبر|أكتوبر اكتوبر|نوفمبر|ديسمبر",
    "ar-SY": "كانون_الثاني|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين_الأول|تشرين_الثاني|كانون_الأول",
    "fa": "ژانویه ژانویهٔ|فوریه فوریهٔ|مارس|آوریل|مه مهٔ می|ژوئن|ژوئیه ژوئیهٔ|اوت|سپتامبر|اکتبر|نوامبر|دسامبر",
    "ur": "جنوری|فروری|مارچ|اپریل|مئی|جون|جولائی|اگست|ستمبر|اکتوبر|نومبر|دسمبر",
    "he": "ינואר ינו|פברואר פבר|מרץ מרס|אפריל אפר|מאי|יוני|יולי|אוגוסט אוג|ספטמבר ספט|אוקטובר אוק|נובמבר נוב|"
    "דצמבר דצמ",
    "hi": "जनवरी जन|फ़रवरी फरवरी|मार्च|अप्रैल|मई|जून|जुलाई|अगस्त|सितंबर सितम्बर|अक्टूबर अक्तूबर|नवंबर नवम्बर|दिसंबर दिसम्बर",
    "bn": "জানুয়ারী জানুয়ারি|ফেব্রুয়ারী ফেব্রুয়ারি|মার্চ|এপ্রিল|মে|জুন|জুলাই|আগস্ট|সেপ্টেম্বর|অক্টোবর|নভেম্বর|ডিসেম্বর",
    "th": "มกราคม ม.ค|กุมภาพันธ์ ก.พ|มีนาคม มี.ค|เมษายน เม.ย|พฤษภาคม พ.ค|มิถุนายน มิ.ย|กรกฎาคม ก.ค|สิงหาคม ส.ค|"
    "กันยายน ก.ย|ตุลาคม ต.ค|พฤศจิกายน พ.ย|ธันวาคม ธ.ค",
}  # fmt: skip


def _fold(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold().replace("\u0307", "")


@cache
def _table() -> dict[str, dict[int, tuple[str, ...]]]:
    table: dict[str, dict[int, tuple[str, ...]]] = {}
    for lang, row in MONTHS.items():
        for number, names in enumerate(row.split("|"), 1):
            for name in names.split():
                meanings = table.setdefault(_fold(name.replace("_", " ")), {})
                meanings[number] = (*meanings.get(number, ()), lang.partition("-")[0])
    return table


_LETTER = (
    r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[\u0300-\u036f\u0900-\u0963\u0980-\u09e5\u0e30-\u0e4e\u200c]"
)
_WORD = rf"((?:{_LETTER}|(?<=[\u0e01-\u0e2e\u0e34-\u0e39])\.(?=[\u0e01-\u0e2e])){{2,20}}(?: (?:الثاني|الأول))?)"
_GAP = r"[\s\u00a0\u200e\u200f]{0,3}"
_D, _Y = r"(\d{1,2})", r"(\d{4})"  # a year may be glued to a number that starts the next sentence
_DE = rf"(?:(?:de|del|d['’]|di|of|ב){_GAP})?"
_DAY_FIRST = (
    rf"{_D}(?:st|nd|rd|th|er|[.º°ª])?{_GAP}{_DE}{_WORD}\.?[,،]?{_GAP}{_DE}['’]?{_Y}(?:\s?(?:г|р)(?:\.|(?!\w)))?"
)
_MONTH_FIRST = rf"{_WORD}\.?{_GAP}{_D}(?:st|nd|rd|th)?[,،.]?{_GAP}{_Y}"
_YEAR_FIRST = rf"(\d{{4}})(?:\.|,|\s?m\.)?{_GAP}(?:gada{_GAP})?{_WORD}\.?{_GAP}{_D}(?!\d)(?:\s?d\.|\.)?"
_EAST = re.compile(rf"(\d{{4}}){_GAP}(?:[年년],?|[,.]){_GAP}{_D}{_GAP}[月월]{_GAP}{_D}(?!\d){_GAP}[日일]?")
_VIETNAMESE = re.compile(rf"(?:ngày{_GAP})?{_D}{_GAP}(?:tháng|thg|Thg){_GAP}{_D},?{_GAP}(?:năm{_GAP})?{_Y}", re.I)
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_DIGITS = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)")
_CLOCK = r"\d{1,2}[:.h]\d{2}(?::\d{2})?(?:[\s\u00a0\u202f]?[AaPp]\.?[Mm]\b\.?)?(?:[\s\u00a0]?(?:UTC|GMT|Z)\b)?"
_BEFORE = re.compile(rf"{_CLOCK}\s{{0,3}}[·•|,–—-]\s{{0,3}}")
_AFTER = re.compile(rf"(?:\s{{0,3}}[·•|,–—-]\s{{0,3}}|\s{{1,3}}(?:at|um|à|a las|às|kl\.|o)\s{{1,3}}|\s{{1,3}}){_CLOCK}")
_CENTURIES = range(1900, 2200)  # posts are younger, but a signature may be of anything printed in the last century


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A date found in a text: `day` is YYYY-MM-DD, empty where the order of its numbers or the month is not certain.

    `span` covers the date and the time of day, if `clock` says that one is written beside it.
    """

    day: str
    span: Span
    clock: bool = False


def at(text: str, position: int, langs: tuple[str, ...] = ()) -> Dated | None:
    """The date that starts exactly at `position`, None where none does. `langs` are languages that the document is
    known to be in (BCP 47; only the primary part counts). The date may be glued to the next word ("2019The")."""
    if position >= len(text) or not text[position].isalnum():
        return None
    before = _BEFORE.match(text, position)
    found = _date(text, before.end() if before else position, langs)
    if found is None:
        return None
    day, end = found
    after = None if before else _AFTER.match(text, end)
    span = Span(start=position, end=after.end() if after else end)
    return Dated(day=day, span=span, clock=bool(before or after))


def parse(text: str, langs: tuple[str, ...] = (), *, rare: bool = True) -> str:
    """The day (YYYY-MM-DD) of a text that is one date and nothing else; empty where it is not certainly that.

    `rare` is whether languages outside the table are tried, which takes up to a tenth of a second."""
    words = text.strip()
    found = at(words, 0, langs)
    if found is not None:
        return found.day if found.span.end == len(words) else ""
    return _asked(words) if rare and 6 <= len(words) <= 40 else ""


@cache
def _orders() -> tuple[tuple[re.Pattern[str], int, int, int], ...]:
    """Written dates, with the groups of year, month and day. Made at the first date: it takes 20 ms."""
    return (
        (_EAST, 1, 2, 3),
        (_VIETNAMESE, 3, 2, 1),
        (re.compile(_DAY_FIRST, re.I), 3, 2, 1),
        (re.compile(_MONTH_FIRST, re.I), 3, 1, 2),
        (re.compile(_YEAR_FIRST, re.I), 1, 2, 3),
    )


def _date(text: str, position: int, langs: tuple[str, ...]) -> tuple[str, int] | None:
    for pattern, year, month, day in _orders():
        found = pattern.match(text, position)
        if found is None:
            continue
        name = found[month]
        number = int(name) if name.isdecimal() else month_of(name, langs)
        if number is not None:
            return _day(int(found[year]), number, int(found[day])), found.end()
    found = _ISO.match(text, position)
    if found:
        return _day(int(found[1]), int(found[3]), int(found[4])), found.end()
    found = _DIGITS.match(text, position)
    if found:
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if first > 12 >= second:
            return _day(year, second, first), found.end()
        if second > 12 >= first:
            return _day(year, first, second), found.end()
        return (_day(year, first, second) if first == second else ""), found.end()
    return None


def month_of(name: str, langs: tuple[str, ...] = ()) -> int | None:
    """The number of a month by its name; 0 where languages disagree and none of them is named; None for no month."""
    word = _fold(name).strip(".")
    meanings = _table().get(word)
    if meanings is None and word.startswith("ב"):  # Hebrew writes "in" as a prefix
        meanings = _table().get(word[1:])
    if meanings is None:
        return None
    if len(meanings) == 1:
        return next(iter(meanings))
    primary = {lang.partition("-")[0].casefold() for lang in langs}
    said = [number for number, speakers in meanings.items() if primary & set(speakers)]
    return said[0] if len(said) == 1 else 0


def _day(year: int, month: int, day: int) -> str:
    if year not in _CENTURIES or not month:
        return ""
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def _asked(words: str) -> str:
    """What dateparser reads of a date in a language that the table lacks: strict, absolute, with all three parts."""
    numbers = re.findall(r"\d+", words)
    if len(numbers) != 2 or not any(len(number) == 4 for number in numbers) or not re.search(r"[^\W\d_]{3}", words):
        return ""
    import dateparser  # heavy, and needed for rare languages only

    found = dateparser.parse(
        words,
        settings={
            "STRICT_PARSING": True,
            "REQUIRE_PARTS": ["day", "month", "year"],
            "PARSERS": ["absolute-time"],
            "TIMEZONE": "UTC",
            "RETURN_AS_TIMEZONE_AWARE": False,
        },
    )
    if found is None or {found.year, found.day} != {int(number) for number in numbers}:
        return ""
    return _day(found.year, found.month, found.day)
