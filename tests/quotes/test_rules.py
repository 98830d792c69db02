"""Each rule on one fictional pair, with the tampered twin that it must refuse."""

from __future__ import annotations

import pytest

from archiver.model import VerdictKind
from archiver.quotes.verdict import is_faithful, judge

BAND = "The band plays “Café – No. 5” at 8 in the old mill, and we can’t wait!"
TAX = "We will never raise the taxes in our city, not even by 5%. Ask 300 families."


def damaged(text: str, codec: str) -> str:
    return text.encode("utf-8").decode(codec, "replace")


# name of the rule, quotation, original, kind, tampered quotation
RULES = [
    ("composed letters", "Cafe\u0301 Noir opens", "Café Noir opens", "normalised", "Cafe Noir opens"),
    ("Hangul of parts", "\u1112\u1161\u11ab국", "한국", "normalised", "한극"),
    ("entities", "Tom &amp; Jo &#39;won&#39;", "Tom & Jo 'won'", "normalised", "Tom &amp; Jo &#39;lost&#39;"),
    ("entities of entities", "a &amp;amp;lt; b here", "a < b here", "normalised", "a &amp;amp;gt; b here"),
    ("quotation marks", BAND.replace("“", '"').replace("”", "»"), BAND, "normalised", BAND.replace("8", "9")),
    ("dashes", BAND.replace("–", "-"), BAND, "normalised", BAND.replace("–", "not")),
    ("minus signs", "it is −5 outside", "it is -5 outside", "normalised", "it is 5 outside"),
    ("invisible characters", "a\u200b mi\u00adll\u2060 here", "a mill here", "normalised", "a m\u200ball here"),
    ("bidi controls", "\u202bאני אוהב\u202c", "אני אוהב", "normalised", "\u202bאני שונא\u202c"),
    ("UTF-8 as cp1252", damaged(BAND, "cp1252"), BAND, "normalised", damaged(BAND, "cp1252").replace("can", "could")),
    (
        "UTF-8 as cp1251",
        damaged("мост открыт", "cp1251"),
        "мост открыт",
        "normalised",
        damaged("мост закрыт", "cp1251"),
    ),
    (
        "UTF-8 as koi8-r",
        damaged("мост открыт", "koi8_r"),
        "мост открыт",
        "normalised",
        damaged("мост закрыт", "koi8_r"),
    ),
    ("UTF-8 as cp866", damaged("сегодня рад", "cp866"), "сегодня рад", "normalised", damaged("сегодня рак", "cp866")),
    ("UTF-8 as GBK", damaged("мост открыт", "gbk"), "мост открыт", "normalised", damaged("мост закрыт", "gbk")),
    ("UTF-8 as Shift-JIS", damaged("le café est là", "cp932"), "le café est là", "normalised", "le caf茅 est ici"),
    (
        "UTF-8 as Big5",
        damaged("le café ouvre", "big5"),
        "le café ouvre",
        "normalised",
        damaged("le cafà ouvre", "big5"),
    ),
    ("UTF-8 as EUC-KR", damaged("le café ouvre", "cp949"), "le café ouvre", "normalised", "le caf챖 ouvre"),
    ("a damaged original", "le café ouvre", damaged("le café ouvre", "cp1252"), "normalised", "le cafè ouvre"),
    ("repost mark", "RT @mill: come to the mill", "come to the mill", "normalised", "RT @mill: go to the mill"),
    ("hand-made repost", "“@mill: come to the mill", "come to the mill", "normalised", "“@mill: come from the mill"),
    ("white space", "come \n\n to\u00a0the mill", "come to the mill", "normalised", "come\n\nto mill the"),
    (
        "re-opened quotation",
        "“We won.\n\n“We go on.”",
        "We won.\n\nWe go on.",
        "same-words",
        "“We won.\n\n“We go off.”",
    ),
    ("block quotation", "> We won.\n> We go on.", "We won.\nWe go on.", "same-words", "> We won.\n> We go off."),
    ("case", "COME TO THE MILL", "Come to the mill", "same-words", "COME TO THE MALL"),
    ("Turkish capital", "İzmir çok güzel", "izmir çok güzel", "same-words", "İzmit çok güzel"),
    (
        "Greek final letter",
        "ΛΟΓΟΣ ΚΑΙ ΕΡΓΟ",
        "λόγος και έργο".replace("ό", "ο").replace("έ", "ε"),
        "same-words",
        "ΛΟΓΟΙ",
    ),
    ("punctuation", "come now to the mill", "come, now: to the mill!", "same-words", "come not to the mill"),
    ("lost apostrophe", "we dont know it", "we don't know it", "same-words", "we do know it"),
    ("apostrophe as space", "we don t know it", "we don't know it", "same-words", "we know t don it"),
    ("full width", "２０２０ｙｅａｒ ｎｏ", "2020year no", "same-words", "２０２１ｙｅａｒ ｎｏ"),
    ("half width", "ｶﾞﾗｽの橋", "ガラスの橋", "same-words", "ｶﾗｽの橋"),
    ("ligatures", "ﬁne day at sea", "fine day at sea", "same-words", "ﬂne day at sea"),
    (
        "hash and at",
        "thanks mill for BridgeDay",
        "thanks @mill for #BridgeDay",
        "same-words",
        "thanks mall for BridgeDay",
    ),
    ("hashtag in words", "on Bridge Day we dance", "on #BridgeDay we dance", "same-words", "on Bride Gay we dance"),
    ("hashtags that ran together", "#one #two win", "#one#two win", "same-words", "#onet wo win"),
    ("emoji apart", "day one starts", "day💜one starts", "same-words", "day two starts"),
    ("emoji glued", "dayone starts", "day💜one starts", "same-words", "dayon starts"),
    ("flags left out", "we won it", "we won it 🇺🇸🇫🇷", "same-words", "we won it 🇩🇪"),
    ("a skin tone lost", "well done 👍 all", "well done 👍🏿 all", "same-words", "well done 👍🏻 all"),
    ("a key cap", "take line 2 home", "take line 2️⃣ home", "same-words", "take line 3 home"),
    ("links left out", "come to the mill", "come to the mill https://mill.example/a", "same-words", "come to mill"),
    (
        "addresses shortened",
        "see t.co/abc now",
        "see https://mill.example/a now",
        "same-words",
        "see mall.example/a now",
    ),
    ("ampersand", "salt and pepper here", "salt & pepper here", "same-words", "salt or pepper here"),
    ("initials", "the US wins today", "the U.S. wins today", "same-words", "the us wins today"),
    ("initials with dots", "the U.S. wins today", "the US wins today", "same-words", "the U.K. wins today"),
    ("a unit apart", "doors at 7 pm sharp", "doors at 7pm sharp", "same-words", "doors at 7 am sharp"),
    ("percent apart", "a rise of 5 % now", "a rise of 5% now", "same-words", "a rise of 5 now"),
    ("years", "the 90's were fine", "the 90s were fine", "same-words", "the 80's were fine"),
    ("capital in brackets", "[T]he mill is old", "the mill is old", "same-words", "[T]his mill is old"),
    ("a part", "play “Café", BAND.replace("plays", "play"), "partial", "play “Caff"),
    ("a part in Japanese", "橋を渡る", "明日は橋を渡るよ", "partial", "橋を作る"),
    ("a part in Thai", "สะพานเก่า", "ฉันรักสะพานเก่า", "partial", "สะพานใหม่"),
    ("a part in Khmer", "ស្ពានចាស់", "ខ្ញុំស្រឡាញ់ស្ពានចាស់", "partial", "ស្ពានថ្មី"),
    ("a part in Arabic", "الجسر القديم", "أحب الجسر القديم جدا", "partial", "الجسر الجديد"),
    ("a part in Hebrew", "הגשר הישן", "אני אוהב את הגשר הישן", "partial", "הגשר החדש"),
    ("a part in Hindi", "पुराना पुल", "मुझे पुराना पुल पसंद है", "partial", "नया पुल"),
    ("cut off", "We will never raise the tax…", TAX, "truncated", "We will ever raise the tax…"),
    (
        "cut in its address",
        "the mill is old https://t.…",
        "the mill is old https://t.co/a",
        "truncated",
        "the mill https://t.…",
    ),
    *(
        (f"ellipsis {dots}", f"We will {dots} raise the taxes", TAX, "elided", f"We shall {dots} raise the taxes")
        for dots in ("…", "...", ". . .", "[...]", "[…]", "(…)", "* * *", "***", "⋯", "[snip]", "[---]", "...…")
    ),
    ("Chinese dots", "今日は……渡る", "今日は橋を渡る", "elided", "明日は……渡る"),
    ("Japanese omission", "今日は（中略）渡る", "今日は橋を渡る", "elided", "明日は（中略）渡る"),
    ("full stops of CJK", "今日は。。。渡る", "今日は橋を渡る", "elided", "渡る。。。今日は"),
    ("sic", "the mil [sic] is old", "the mil is old", "bracketed", "the mill [sic] is old"),
    ("sic in round brackets", "the mil (sic) is old", "the mil is old", "bracketed", "the mil (old) is old"),
    ("clarified", "[the mill] is very old", "it is very old", "bracketed", "[the mill] is not old"),
    ("clarified in Japanese", "彼は〔東京に〕行く", "彼は行く", "bracketed", "彼は〔行かない〕帰る"),
    ("a verb form", "they play[ed] at the mill", "they plays at the mill", "bracketed", "they stay[ed] at the mill"),
]


@pytest.mark.parametrize(("name", "quoted", "original", "kind", "tampered"), RULES, ids=[rule[0] for rule in RULES])
def test_a_rule_and_its_tampered_twin(name: str, quoted: str, original: str, kind: str, tampered: str) -> None:
    verdict = judge(quoted, original)
    assert verdict.kind == kind, name
    refused = judge(tampered, original)
    assert not is_faithful(refused.kind), (name, refused)


# What must never be faithful, whatever it resembles.
REFUSED = [
    ("the mill https://t.co/a", "the mill is old https://t.co/a"),
    ("the mill https://mill.example/a", "the mill is old https://mill.example/a"),
    ("1,000 people came", "1.000 people came"),
    ("1,000 people came", "1 000 people came"),
    ("a tax of 5 percent", "a tax of 5%"),
    ("he is 5' tall now", 'he is 5" tall now'),
    ("there were 5 men", "there were ~5 men"),
    ("it cost 5 million", "it cost $5 million"),
    ("it cost 5 million", "it cost 5€ million"),
    ("+5 points for us", "5 points for us"),
    ("we can not go there", "we can't go there"),
    ("we can go there", "we can't go there"),
    ("join us now here", "join U.S. now here"),
    ("JOIN U.S. NOW HERE", "JOIN US NOW HERE"),
    ("salt pepper here", "salt & pepper here"),
    ("AT and T is down", "AT&T is down"),
    ("he was [un]kind to me", "he was kind to me"),
    ("he was [in]sane then", "he was sane then"),
    ("she did[n't] go home", "she did go home"),
    ("I am [5] years old", "I am 7 years old"),
    ("I [never] said it", "I said it"),
    ("the therapist came by", "the rapist came by"),
    ("now here to go", "nowhere to go"),
    ("resign it now please", "re-sign it now please"),
    ("私は反対です", "私は反対ではありません"),
    ("我支持他", "我不支持他"),
    ("ผมรักคุณ", "ผมไม่รักคุณ"),
    ("ខ្ញុំស្រឡាញ់អ្នក", "ខ្ញុំមិនស្រឡាញ់អ្នក"),
    ("मैं घर जाऊँगा", "मैं घर नहीं जाऊँगा"),
    ("אני אוהב אותך", "אני לא אוהב אותך"),
    ("أنا أحبك كثيرا", "أنا لا أحبك كثيرا"),
    ("东京欢迎您", "東京歡迎您"),
    ("go 👩\u200d👩\u200d👧 here now", "go 👩\u200d👧 here now"),
    ("paypаl is down", "paypal is down"),
]


@pytest.mark.parametrize(("quoted", "original"), REFUSED)
def test_what_only_resembles_is_refused(quoted: str, original: str) -> None:
    assert not is_faithful(judge(quoted, original).kind)


@pytest.mark.parametrize("codec", ["utf-7", "ascii"])
def test_letters_lost_to_a_decoder_are_not_judged(codec: str) -> None:
    """Quotation marks that became nothing but U+FFFD, a letter beside them: neither the same nor altered."""
    original = "He said “no” to the Café at noon today"
    verdict = judge(damaged(original, codec), original)
    assert verdict.kind is VerdictKind.NOT_JUDGED
    assert verdict.changes
    assert "lost" in verdict.reason
    assert judge(damaged(original, codec).replace("noon", "nine"), original).kind is VerdictKind.ALTERED


def test_damage_hides_no_changed_letter() -> None:
    """Lossy codecs make one text of two: a quotation that was altered before the damage is not equated."""
    original, altered = "“橋を渡るのは反対です” と言う", "“橋を渡るのは賛成です” と言う"
    for codec in ("cp1252", "gbk", "cp932", "big5", "cp949", "latin-1", "koi8_r"):
        assert not is_faithful(judge(damaged(altered, codec), original).kind), codec
        half = altered.split(" ")[0] + " " + damaged(altered.split(" ")[1], codec)
        assert not is_faithful(judge(half, original).kind), codec


def test_lost_accents_are_a_difference_that_says_so() -> None:
    verdict = judge("le cafe a ete ferme hier", "le café a été fermé hier")
    assert verdict.kind is VerdictKind.ALTERED
    assert "diacritics-changed" in verdict.flags
    assert [(change.quoted, change.original) for change in verdict.changes] == [
        ("cafe", "café"),
        ("ete", "été"),
        ("ferme", "fermé"),
    ]


@pytest.mark.parametrize(
    ("quoted", "original", "flag"),
    [
        ("a 3 4 vote here", "a 3-4 vote here", "dash-lost"),
        ("therapist came in", "the💜rapist came in", "words-joined"),
        ("he [allegedly] won it", "he won it", "condition-added"),
        ("we should ... go home", "we should never go home", "negation-elided"),
        ("मैं घर … जाऊँगा", "मैं घर नहीं जाऊँगा", "negation-elided"),
    ],
)
def test_a_reader_is_warned(quoted: str, original: str, flag: str) -> None:
    verdict = judge(quoted, original)
    assert is_faithful(verdict.kind)
    assert flag in verdict.flags


@pytest.mark.parametrize(
    ("quoted", "original", "flag"),
    [
        ("มันคือสะพานที่ฉันรักมาก", "มันคือสะพานที่ฉันไม่รักมาก", "negation-changed"),
        ("मैं आज घर जाऊँगा", "मैं आज घर नहीं जाऊँगा", "negation-changed"),
        ("we have 400 boats in the bay", "we have 300 boats in the bay", "number-changed"),
    ],
)
def test_a_change_of_negation_or_number_is_flagged(quoted: str, original: str, flag: str) -> None:
    verdict = judge(quoted, original)
    assert verdict.kind is VerdictKind.ALTERED
    assert flag in verdict.flags
