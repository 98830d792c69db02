"""No faithful verdict passes in silence what may turn the sense: each pair is refused, or told with a flag."""

from __future__ import annotations

import pytest

from archiver.quotes.audit import NOTES
from archiver.quotes.verdict import is_faithful, judge

# quotation, original, flag: "" where it must not be called faithful at all
TURNED = [
    ("Die Masse ist voll", "Die Maße ist voll", "letters-differ"),
    ("whore going to the mill", "who're going to the mill", "apostrophe-lost"),
    ("who're going to the mill", "whore going to the mill", "apostrophe-added"),
    ("quel lair ce soir", "quel l'air ce soir", "apostrophe-lost"),
    ("le sable d'une plage", "le sable dune plage", "apostrophe-added"),
    ("the ministers of the town lied", "the minister's of the town lied", "apostrophe-lost"),
    ("the minister's dogs bark", "the ministers' dogs bark", "apostrophe-added"),
    ("we'll go there", "well go there", ""),
    ("Come at a time", "Come at a.m. time", ""),
    ("come see https://t.co/zz", "come see", "links-differ"),
    ("come see https://t.co/zz it", "come see https://t.co/aa it", "links-differ"),
    ("RT @other: come to the mill", "come to the mill", "repost-mark"),
    ("@name: come to the mill", "come to the mill", "repost-mark"),
    ("I [refuse to] pay the rent", "I pay the rent", "bracket-adds"),
    ("I [un] pay the rent", "I pay the rent", ""),
    ("[They] lied to us", "You lied to us", "bracket-adds"),
    ("so [I] lied to us", "so you lied to us", "bracket-replaces"),
    ("他偷了钱", "他没有偷了钱", ""),
    ("他偷了钱", "我没有说他偷了钱", "context-negation"),
    ("会来的", "他不会来的", "context-negation"),
    ("彼は嘘つき", "彼は嘘つきじゃない", "context-negation"),
    ("彼は嘘つき", "彼は嘘つきではありません", "context-negation"),
    ("그는 돈을 훔치지", "그는 돈을 훔치지 않았다", "context-negation"),
    ("เขาขโมยเงิน", "เขาขโมยเงินไม่ได้", "context-negation"),
    ("مذنب في هذا", "لست مذنب في هذا", "context-negation"),
    ("אשם בזה", "אינני אשם בזה", "context-negation"),
    ("hat das Geld gestohlen", "Niemand hat das Geld gestohlen", "context-negation"),
    ("habe das Geld genommen", "Ich habe das Geld genommen kaum je", "context-negation"),
    ("the mayor is a thief", "the mayor is a thief NOT!", "context-negation"),
    ("we should close the mill…", "They will never say that we should close the mill at once.", "context-negation"),
    ("He can not only read it", "He cannot only read it", ""),
    ("He cannot only read it", "He can not only read it", ""),
    ("The mayor is a hero.", "The mayor is a hero. NOT!", "taken-back"),
    ("The mayor is a hero.", "The mayor is a hero. Just kidding.", "taken-back"),
    ("the mayor is a hero", "the mayor is a hero /s", "taken-back"),
    ("The mayor is a hero.", "The mayor is a hero. Yes. #sarcasm", "taken-back"),
    ("Vaccines kill.", "Vaccines kill. ❌ See the facts", "taken-back"),
    ("He is a genius", "He is a genius 🙄", "taken-back"),
    ("the mayor resigned today", "FAKE: the mayor resigned today", "taken-back"),
    ("the mayor resigned today", "It is a rumor that the mayor resigned today", "taken-back"),
    ("hunter of the town", "the old Nazi-hunter of the town", "compound-cut"),
    ("She is pro", "She is pro-life and proud", "compound-cut"),
    ("Semites of the town", "anti–Semites of the town", ""),
    ("vaxxers are dumb", "Anti vaxxers are dumb", "compound-cut"),
    ("It costs 5", "It costs 5 crore to build", "number-at-edge"),
    ("It costs 5", "It costs 5 lakh to build", "number-at-edge"),
    ("Es kostet 5", "Es kostet 5 Mio Euro", "number-at-edge"),
    ("费用是5", "费用是5万元", "number-at-edge"),
    ("10 percent are ill", "5 to 10 percent are ill", "number-at-edge"),
    ("they told US now to go", "they told us now to go", "case-changes-word"),
    ("they told us now to go", "they told US now to go", "case-changes-word"),
    ("ask who in the town", "ask WHO in the town", "case-changes-word"),
    ("I work in it there", "I work in I.T. there", ""),
    ("the polish mayor came", "the Polish mayor came", "case-within"),
    ('the "great" mayor came', "the great mayor came", "quotation-marks-differ"),
    ("the ‘great’ mayor came", "the great mayor came", "quotation-marks-differ"),
    ("the great (!) mayor came", "the great mayor came", "comment-differs"),
    ("the great mayor came (?)", "the great mayor came", "comment-differs"),
    ("the great mayor [!] came", "the great mayor came", "comment-differs"),
    ("Let's eat grandma now", "Let's eat, grandma now", "punctuation-within"),
    ("A woman, without her man, is nothing", "A woman: without her, man is nothing", "punctuation-within"),
    ("I will … pay the rent", "I will refuse to pay the rent", "condition-elided"),
    ("They … love him", "They pretend to love him", "condition-elided"),
    ("It is … known that he won", "It is a lie well known that he won", "condition-elided"),
    ("He … won the race", "He nearly lost and then won the race", "elided-within"),
    ("I will re-\nsign it today", "I will resign it today", "words-joined"),
    ("I will vote for him…", "I will vote for him never", "context-negation"),
    ("I am guilty...", "I am guilty of nothing", "context-negation"),
    ("The mayor is a hero…", "The mayor is a hero. NOT!", "taken-back"),
    ("He is a Nazi…", "He is a Nazi-hunter", "compound-cut"),
    ("It costs 5…", "It costs 5 crore", "number-at-edge"),
    ("He is a rap…", "He is a rapper", "word-cut"),
    ("Smith is guilty of it", "I never said that Mr. Smith is guilty of it", "context-negation"),
    ("support the war", "I do not\nsupport the war", "context-negation"),
    ("steal from the poor", "I would never ... steal from the poor", "context-negation"),
    ("Trump won the race", "I don't think 🙏 Trump won the race", "context-negation"),
    ("We met at no.", "We met at no. 10", "mid-sentence"),
    ("All voters are idiots.", '"All voters are idiots." My rival said this.', "quoted-in-post"),
    ("I hate this town.", "> I hate this town.\nWhy would you say that?", "quoted-in-post"),
    ("I hate cats", "Things I never said:\n- I hate cats\n- I love war", "context-negation"),
    ("I will raise your taxes.", "My rival:\nI will raise your taxes.", "under-heading"),
    ("Kill them all.", "@ada: Kill them all.", "mid-sentence"),
    ("The earth is flat.", "True or false? The earth is flat.", "answers-question"),
    ("is a thief", "@Bob is a thief", "mid-sentence"),
    ("I hate", "I hate #immigrants", "mid-sentence"),
    ("I trust nobody here", "I trust @nobody here", "mark-lost"),
    ("I write C code", "I write C# code", ""),
    ("I want to him", "I want to 🔪 him", "left-out-within"),
    ("Inflation 5% now", "Inflation 🔻5% now", "left-out-within"),
    ("I stole it", "I stole it❓", "question-mark"),
    ("I am guilty", "I am 🇳🇴🇹 guilty", "left-out-within"),
    ("We lost :)", "We lost :(", "emoticon-differs"),
    ("I love him", "I love him ;)", "emoticon-differs"),
    ("He is a hero", "He is a hero (!)", "comment-differs"),
    ("Είμαι ένοχος.", "Είμαι ένοχος;", "question-mark"),
    ("أنا مذنب", "أنا مذنب ؟", "question-mark"),
    ("他偷了钱", "他偷了钱https://mill.example/a这是假的", "mid-sentence"),
    ("look pic.twitter.com/aaa", "look pic.twitter.com/bbb", "links-differ"),
    ("is lying to us", "https://mill.example/a is lying to us", "left-out-within"),
    ("Der Rat ist sehr reich.", "Der Rat ist sehr reich. NICHT!", "taken-back"),
    ("Der Rat ist sehr reich.", "Der Rat ist sehr reich. Es broma.", "comment-follows"),
    ("The mayor is dead.", "Fake news! The mayor is dead.", "taken-back"),
    ("He is HIV", "He is HIV- today", "compound-cut"),
    ('It grew by 5.5"', "It grew by 5.5'", ""),
    ("I am ~~not~~ guilty", "I am not guilty", "signs-differ"),
    ("I saw a man—eating chicken", "I saw a man-eating chicken", "punctuation-within"),
    ("BMW hates us", "BMW hates US", "case-changes-word"),
    ("I did not. Kill him.", "I did not kill him.", "punctuation-turns"),
    ("He is a genius.", 'He is a "genius".', "quotation-marks-differ"),
    ("5 [thousand] dead", "5 dead", "bracket-replaces"),
    ("I [love] Hitler", "I hate Hitler", "bracket-replaces"),
    ("Bob … is a thief", "Bob says that Ada is a thief", "elided-within"),
    ("take 5 mSv now", "take 5 MSv now", "signs-differ"),
    ("going to pay the rent", "Nobody's going to pay the rent", "context-negation"),
    ("费用是五", "费用是五千元", "number-at-edge"),
    ("ее дом там", "её дом там", "letters-differ"),
    ("할수 있다 우리는", "할 수 있다 우리는", "words-joined"),
    ("see therapist in town", "see #TheRapist in town", "words-joined"),
    ("see #TheRapist in town", "see therapist in town", "words-joined"),
    ("كَتَبَ الرجل هنا", "كُتِبَ الرجل هنا", ""),
    ("كتب الرجل هنا", "كُتِبَ الرجل هنا", "vowel-points"),
    ("ναι ή όχι πάλι", "ναι η όχι πάλι", ""),
    ("steals from the poor", "He never steals from the poor", "context-negation"),
    ("the best mayor", "Some say he is the best mayor in town", "mid-sentence"),
    ("1,000 people came", "1.000 people came", ""),
    ("we paid 1.000 crowns", "we paid 1000 crowns", ""),
    ("we paid 3,500 crowns", "we paid 3500 crowns", "number-form"),
]


@pytest.mark.parametrize(("quoted", "original", "flag"), TURNED)
def test_what_may_turn_the_sense_is_told_or_refused(quoted: str, original: str, flag: str) -> None:
    verdict = judge(quoted, original)
    if flag:
        assert flag in verdict.flags, verdict
    else:
        assert not is_faithful(verdict.kind), verdict


# What no reader needs to be told of, the harmless twin of what is warned of above.
SILENT = [
    ("Come to the old mill today.", "Come to the old mill today."),
    ("come to the old mill today.", "Come to the old mill today."),
    ("We dont know it.", "We don't know it."),
    ("We don't know it.", "We dont know it."),
    ("We don’t — ever — know it", "We don't - ever - know it"),
    ("We can t know, he s old", "We can't know, he's old"),
    ("Come to the mill. We wait.", "Come to the mill 🇨🇭. We wait. 🇨🇭"),
    ("COME TO THE OLD MILL", "Come to the old mill"),
    ("The mill is old.", "The mill is old. It was built long ago."),
    ("It was built long ago.", "The mill is old. It was built long ago."),
    ("We come.", "@mill @hall We come."),
    ("We come.", "We come. #mill #hall"),
    ("a day pic.twitter.com/abc", "a day"),
    ("مرحبا", "مـــرحبا"),
    ("在 2020 年", "在 ２０２０ 年"),
    ("at 5% now", "at 5％ now"),
    ("it is ￡5 now", "it is £5 now"),
    ("٥ people came", "5 people came"),
    ("ΑΘΗΝΑ ΣΗΜΕΡΑ", "Αθήνα σήμερα"),
    ("The mill is old. … We love it.", "The mill is old. It is new inside. We love it."),
]


@pytest.mark.parametrize(("quoted", "original"), SILENT)
def test_what_is_harmless_is_not_told(quoted: str, original: str) -> None:
    verdict = judge(quoted, original)
    assert is_faithful(verdict.kind), verdict
    assert set(verdict.flags) <= {"sentence-joined"}, verdict


# Ways of writing that are no other words, with a twin that is.
SAME = [
    ("1,000 people came", "1000 people came", "100 people came"),
    ("1\u202f000 people came", "1000 people came", "1 001 people came"),
    ("10 000 personnes ici", "10\u00a0000 personnes ici", "10 001 personnes ici"),
    ("10\u00a0000 personnes ici", "10 000 personnes ici", "10\u00a0010 personnes ici"),
    ("O\u02bbzbekiston bugun", "O'zbekiston bugun", "Qozogʻiston bugun"),
    ("CO₂ is a gas", "CO2 is a gas", "CO₃ is a gas"),
    ("où va l'argent ?", "Où va l'argent ?", "où va l'urgent ?"),
    ("1'000'000 crowns here", "1,000,000 crowns here", "1'000'001 crowns here"),
    ("1,234.5 crowns here", "1234.5 crowns here", "1,234,5 crowns here"),
    ("we can not go there", "we cannot go there", "we can go there"),
    ("we cannot go there", "we can not go there", "we can go not there"),
    ("5％ of ￥100 here", "5% of ¥100 here", "5 of ¥100 here"),
    ("كِتاب قديم هنا", "كتاب قديم هنا", "كلاب قديم هنا"),
    ("שָׁלוֹם לכולם כאן", "שלום לכולם כאן", "שליט לכולם כאן"),
    ("٢٠٢٠ كان عام", "2020 كان عام", "٢٠٢١ كان عام"),
    ("کتاب قدیم ی", "كتاب قديم ي", "کباب قدیم ی"),
    ("ΑΘΗΝΑ ΣΗΜΕΡΑ ΕΔΩ", "Αθήνα σήμερα εδώ", "ΑΘΗΝΑ ΧΘΕΣ ΕΔΩ"),
    ("the govern-\nment fell today", "the government fell today", "the govern-\nor fell today"),
    ("the COVID19 rules here", "the COVID-19 rules here", "the COVID18 rules here"),
    ("the COVID-19 rules here", "the COVID19 rules here", "the COVID-18 rules here"),
    ("doors at 7 pm sharp", "doors at 7 p.m. sharp", "doors at 7 am sharp"),
    ("doors at 7 p.m. sharp", "doors at 7 pm sharp", "doors at 7 a.m. sharp"),
    ("doors at 7p.m. sharp", "doors at 7pm sharp", "doors at 7a.m. sharp"),
    ("so The[ir] house is old", "so The house is old", "so The[ir] mouse is old"),
    ("می\u200cشود گفت که", "می شود گفت که", "می\u200cرود گفت که"),
    ("می شود گفت که", "می\u200cشود گفت که", "می رود گفت که"),
]


@pytest.mark.parametrize(("quoted", "original", "tampered"), SAME)
def test_another_way_to_write_it_is_faithful(quoted: str, original: str, tampered: str) -> None:
    assert is_faithful(judge(quoted, original).kind), judge(quoted, original)
    assert not is_faithful(judge(tampered, original).kind), judge(tampered, original)


@pytest.mark.parametrize(
    ("quoted", "original"),
    [("🇸🇺", "🇺🇸🇺🇸"), ("👩", "👩\u200d👧 at home"), ("🏳️", "🏳️\u200d🌈 pride"), ("👍", "👍🏿 done"), ("🇬🇧", "🇺🇬🇧🇷 cup")],
)
def test_no_emoji_is_cut_out_of_another(quoted: str, original: str) -> None:
    assert not is_faithful(judge(quoted, original).kind)
    assert is_faithful(judge("👍👍", "It is 👍👍 now").kind)
    assert judge("👍", "It is not 👍 at all").flags == ("mid-sentence",)


def test_a_guessed_beginning_is_told_what_it_skips() -> None:
    post = "The mayor stole the money of the town."
    for prefix in ("It is not true that ", "He never said that: ", "A false rumor: "):
        verdict = judge(prefix + post, post, open_start=True)
        assert is_faithful(verdict.kind)
        assert "document-negation" in verdict.flags, prefix
    assert judge("It was not long ago.\n" + post, post, open_start=True).flags == ()


def test_the_end_of_what_is_held_of_a_cut_post_is_not_its_end() -> None:
    verdict = judge("I will vote for him", "I will vote for him ", truncated=True)
    assert verdict.flags == ("mid-sentence",)
    assert "truncated" in verdict.reason


def test_the_end_of_a_cut_original_says_why_it_is_not_judged() -> None:
    verdict = judge("The mayor stole the mon", "The mayor stole the mon", truncated=True)
    assert verdict.kind == "not-judged"
    assert "last word" in verdict.reason


def test_warnings_stand_before_notes() -> None:
    flags = judge("He steals, always", "Nobody says: he steals always").flags
    assert flags
    assert [flag in NOTES for flag in flags] == sorted(flag in NOTES for flag in flags)
