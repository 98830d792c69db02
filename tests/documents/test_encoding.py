"""Guessing a code page: invented sentences in the legacy encodings of their languages, alone and among markup."""

import pytest

from archiver.documents.dates import MONTHS
from archiver.documents.encoding import decode, detect

SAMPLES = {
    "Le conseil a déclaré hier que les négociations, déjà très avancées, reprendraient après l’été.": "cp1252",
    "Die Behörde erklärte, für die Brücke über den Fluß gäbe es keine Prüfung mehr.": "cp1252",
    "El señor alcalde añadió que mañana habrá más información sobre la investigación.": "cp1252",
    "A decisão não será tomada até que as eleições estejam concluídas, disse o órgão.": "cp1252",
    "Åklagaren säger att förhandlingen får vänta över året på grund av höga kostnader.": "cp1252",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.": "cp1250 iso8859_2",
    "Rzecznik powiedział, że żaden z żołnierzy nie został ranny, a śledztwo będzie trwało.": "cp1250 iso8859_2",
    "A szóvivő szerint az új törvény jövőre lép életbe, és több ezer családot érint.": "cp1250 iso8859_2",
    "Purtătorul de cuvânt a spus că şedinţa va avea loc mâine.": "cp1250 iso8859_2",
    "Sözcü, görüşmelerin gelecek yıl başlayacağını ve sonuçların açıklanacağını söyledi.": "cp1254",
    "Представитель министерства заявил, что переговоры начнутся на неделе.": "cp1251 koi8_r cp866 iso8859_5",
    "Речник міністерства заявив, що переговори розпочнуться у їхній столиці.": "cp1251 koi8_u",
    "Говорителят на министерството заяви, че преговорите ще започнат утре.": "cp1251 iso8859_5",
    "Ο εκπρόσωπος δήλωσε ότι οι συνομιλίες θα αρχίσουν την επόμενη εβδομάδα.": "cp1253 iso8859_7",
    "דובר המשרד אמר כי השיחות יתחילו בשבוע הבא בבירה": "cp1255",
    "قال المتحدث باسم الوزارة إن المحادثات ستبدأ الأسبوع المقبل": "cp1256",
    "โฆษกกระทรวงกล่าวว่าการเจรจาจะเริ่มขึ้นในสัปดาห์หน้าที่เมืองหลวง": "cp874",
    "報道官は、来週から首都で協議が始まると述べた。": "cp932 euc_jp",
    "發言人說，會談將在下個星期開始，我們會繼續。": "gb18030 big5hkscs",
    "대변인은 다음 주 수도에서 회담이 시작될 것이라고 밝혔다.": "cp949",
}
CASES = [(text, page) for text, pages in SAMPLES.items() for page in pages.split()]


@pytest.mark.parametrize(("text", "page"), CASES)
@pytest.mark.parametrize("around", ["{}", "<p class=lead>{}</p> <a href='https://a.example/story'>Read more here</a>"])
def test_a_sentence_names_its_code_page(text: str, page: str, around: str) -> None:
    """Another page counts where it gives the same text."""
    whole = around.format(text)
    data = whole.encode(page)
    assert decode(data).text == whole
    assert data.decode(detect(data)) == whole


@pytest.mark.parametrize(
    ("lang", "page"),
    [
        ("de", "cp1252"), ("fr", "cp1252"), ("es", "cp1252"), ("pt", "cp1252"), ("fi", "cp1252"), ("pl", "cp1250"),
        ("cs", "cp1250"), ("sk", "cp1250"), ("hr", "cp1250"), ("hu", "cp1250"), ("ru", "cp1251"), ("ru", "koi8_r"),
        ("uk", "cp1251"), ("uk", "koi8_u"), ("be", "cp1251"), ("bg", "cp1251"), ("el", "cp1253"), ("he", "cp1255"),
        ("ar", "cp1256"), ("th", "cp874"), ("pl", "iso8859_2"), ("cs", "iso8859_2"), ("ru", "cp866"),
    ],
)  # fmt: skip
def test_words_that_the_tables_were_not_made_from(lang: str, page: str) -> None:
    for text in (MONTHS[lang].replace("|", " "), MONTHS[lang].replace("|", " ").title()):
        data = text.encode(page)
        assert data.decode(detect(data)) == text


@pytest.mark.parametrize(
    "text",
    [
        "It costs £5 – or £6 million – at most.", "– one\n– two", "© 2020", "20° – 30°", "5 € … 6 €", "a §", "« » “ ”",
        "It’s “quoted” – nothing more.", "1,5 ½ ¼", "é",
    ],
)  # fmt: skip
def test_marks_alone_are_of_no_other_script(text: str) -> None:
    assert detect(text.encode("cp1252")) == "cp1252"
