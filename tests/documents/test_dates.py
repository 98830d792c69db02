"""Dates of signatures: forty languages, no guess where the order or the month is not certain."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.documents import dates

CERTAIN = {
    "October 28, 2024": "2024-10-28",
    "Oct 28, 2024": "2024-10-28",
    "28 Oct 2024": "2024-10-28",
    "28th of October 2024": "2024-10-28",
    "2024年5月25日": "2024-05-25",
    "2015, 12月 31": "2015-12-31",
    "2015년 12월 31일": "2015-12-31",
    "28. September 2018": "2018-09-28",
    "13 maggio 2017": "2017-05-13",
    "13 de mayo de 2017": "2017-05-13",
    "13 de maio de 2017": "2017-05-13",
    "13 mai 2017": "2017-05-13",
    "1er octobre 2019": "2019-10-01",
    "13 mei 2017": "2017-05-13",
    "13 maj 2017": "2017-05-13",
    "13 maja 2017": "2017-05-13",
    "13. května 2017": "2017-05-13",
    "13. toukokuuta 2017": "2017-05-13",
    "13 Mayıs 2017": "2017-05-13",
    "7 января 2018 г.": "2018-01-07",
    "13 травня 2017 р.": "2017-05-13",
    "2017. május 13.": "2017-05-13",
    "2017 m. gegužės 13 d.": "2017-05-13",
    "13 Μαΐου 2017": "2017-05-13",
    "13 مايو، 2017": "2017-05-13",
    "٢٨ أكتوبر ٢٠٢٤": "2024-10-28",
    "13 במאי 2017": "2017-05-13",
    "13 अक्टूबर 2017": "2017-10-13",
    "13 พฤษภาคม 2017": "2017-05-13",
    "13 tháng 5, 2017": "2017-05-13",
    "2024-10-28": "2024-10-28",
    "31/12/2019": "2019-12-31",
    "12/31/2019": "2019-12-31",
    "12.12.2019": "2019-12-12",
    "17 Meitheamh 2019": "2019-06-17",  # Irish: only dateparser knows it
}


@pytest.mark.parametrize("text", CERTAIN)
def test_a_certain_date_gives_its_day(text: str) -> None:
    assert dates.parse(text) == CERTAIN[text]


@pytest.mark.parametrize(
    "text",
    [
        "05/06/2019",
        "5.6.2019",
        "31 April 2018",
        "February 29, 2019",
        "13 listopada 2018",  # November in Polish, October in Croatian
        "October 28",
        "October 2024",
        "yesterday",
        "3 days ago",
        "October 28, 0024",
        "",
        "13 banana 2017",
    ],
)
def test_what_is_not_certain_gives_no_day(text: str) -> None:
    assert dates.parse(text) == ""


@pytest.mark.parametrize(("lang", "day"), [("pl", "2018-11-13"), ("hr-HR", "2018-10-13"), ("en", "")])
def test_an_ambiguous_month_is_read_in_the_language_of_the_document(lang: str, day: str) -> None:
    assert dates.parse("13 listopada 2018", (lang,)) == day


def test_a_date_may_be_glued_to_the_next_word_and_number() -> None:
    text = "October 28, 2024The"
    found = dates.at(text, 0)
    assert found is not None
    assert (found.day, text[found.span.start : found.span.end]) == ("2024-10-28", "October 28, 2024")
    glued = dates.at("July 7, 20173. But", 0)
    assert glued is not None
    assert (glued.day, glued.span.end) == ("2017-07-07", 12)


@pytest.mark.parametrize("text", ["8:42 PM · Oct 28, 2024", "October 28, 2024 at 9:15 AM", "2025年6月8日 9:15"])
def test_a_time_of_day_is_noticed(text: str) -> None:
    found = dates.at(text, 0)
    assert found is not None
    assert found.clock
    assert found.day
    assert found.span.end == len(text)


def test_every_month_of_every_language_reads_back() -> None:
    for lang, row in dates.MONTHS.items():
        months = row.split("|")
        assert len(months) == 12, lang
        for number, names in enumerate(months, 1):
            for name in names.split():
                assert dates.month_of(name.replace("_", " "), (lang,)) == number, (lang, name)


@given(st.dates(min_value=date(2006, 3, 21), max_value=date(2100, 1, 1)), st.sampled_from(sorted(dates.MONTHS)))
def test_day_month_year_reads_back_in_every_language(day: date, lang: str) -> None:
    name = dates.MONTHS[lang].split("|")[day.month - 1].split()[0].replace("_", " ")
    assert dates.parse(f"{day.day} {name} {day.year}", (lang,)) == day.isoformat()


@given(st.text(max_size=60))
def test_any_text_gives_a_day_or_none(text: str) -> None:
    day = dates.parse(text)
    assert day == "" or date.fromisoformat(day).isoformat() == day


def test_time_is_bounded() -> None:
    start = time.perf_counter()
    for text in ("1" * 100_000, "a" * 100_000, "1 " * 50_000, "1 de " * 20_000):
        assert dates.at(text, 0) is None
    assert time.perf_counter() - start < 1
