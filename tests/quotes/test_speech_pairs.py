"""Pairs of reports, made to be taken for one another: what two transcribers may write, and what another sense hides in.

Each line is `one | other`. The first table must be faithful under the standard of speech and not as text; the second
must never be faithful in either direction.
"""

from __future__ import annotations

import pytest

from archiver.model import VerdictKind
from archiver.quotes.speech import SPEECH, judge_speech
from archiver.quotes.verdict import is_faithful, judge

ALIKE = """
Wi- with all that it is a mill | With all that it is a mill
th- the mill is open now | the mill is open now
The mill wi- will open again | The mill will open again
It was a gr— great day for us | It was a great day for us
we have to str- strengthen the dam | we have to strengthen the dam
W- We keep the mill as it is | We keep the mill as it is
and the Br- Britons left it | and the Britons left it
the, the mill is open | the mill is open
I, I think that it is over | I think that it is over
And I, I think that it is over | And I think that it is over
we— we will not sell it | we will not sell it
We will, we will keep the mill | We will keep the mill
it is in the, in the hall | it is in the hall
it is a, it is a good mill | it is a good mill
and and we have won the day | and we have won the day
of the of the whole town we are proud | of the whole town we are proud
I know that I I was wrong | I know that I was wrong
it's, it's over for the mill | it's over for the mill
this is our our mill | this is our mill
we, uh, keep the mill | we keep the mill
we keep, um, the mill | we keep the mill
Er, we keep the mill | We keep the mill
we keep, you know, the mill | we keep the mill
You know, we keep the mill | We keep the mill
It was, you know, a good mill | It was a good mill
Hmm, we keep the mill | We keep the mill
we keep (laughter) the mill, and the bridge's gonna stay | we keep the mill, and the bridge's going to stay
we're keeping the mill | we are keeping the mill
they've sold the mill | they have sold the mill
I'm keeping the mill, and you? | I am keeping the mill, and you?
you'll see that it is true | you will see that it is true
we don't sell the mill | we do not sell the mill
we can't sell the mill | we cannot sell the mill
we can't sell the mill | we can not sell the mill
we won't sell the mill | we will not sell the mill
it isn't the mill that I want | it is not the mill that I want
he's not in the mill | he isn't in the mill
he's not in the mill | he is not in the mill
he's sold the mill | he has sold the mill
she'd sold the mill by then | she had sold the mill by then
she'd sell the mill if asked | she would sell the mill if asked
she'd gone, and she'd go again, and that is all | she had gone, and she would go again, and that is all
who's the owner of the mill | who is the owner of the mill
the mill's open again, and we go | the mill is open again, and we go
we gonna sell the mill | we going to sell the mill
I wanna sell the mill | I want to sell the mill
I've gotta sell the mill | I have got to sell the mill
I dunno what the mill is | I do not know what the mill is
it is kinda old, the mill | it is kind of old, the mill
y'all know the mill | you all know the mill
lemme see the mill | let me see the mill
tell 'em it is over | tell them it is over
we have twenty-five mills | we have 25 mills
we have twenty five mills | we have 25 mills
we have a hundred mills | we have 100 mills
we have a hundred mills | we have one hundred mills
we have one hundred and five mills | we have 105 mills
we have one hundred five mills | we have 105 mills
we have two hundred thousand mills | we have 200,000 mills
we have 200 thousand mills | we have 200,000 mills
we have ten thousand mills | we have 10,000 mills
we have ten million of it | we have 10 million of it
it is two point five million and more | it is 2.5 million and more
it is two million five hundred thousand | it is 2,500,000
the mill of nineteen eighty-four | the mill of 1984
the mill of twenty twenty-five | the mill of 2025
it was nineteen hundred and four | it was 1904
it is two thousand and nineteen | it is 2019
it is fifteen hundred of them | it is 1,500 of them
it is five percent of it | it is 5% of it
it is 5 per cent of it | it is 5 percent of it
it is fifty-five thousand four hundred | it is 55,400
it is five to ten million of them | it is 5 to 10 million of them
it is two and three of them | it is 2 and 3 of them
it is a thousand and one nights | it is 1,001 nights
it is zero percent of the town | it is 0% of the town
it takes five months of the year | it takes 5 months of the year
"""

APART = """
they act— actually it is true | they actually it is true
we say no— nobody goes there | we say nobody goes there
I do— don't know the man | I don't know the man
we can— cannot go to the mill | we cannot go to the mill
it is not— nothing of the kind | it is nothing of the kind
that is un— untrue of the mill | that is untrue of the mill
it was just because, because we paid | it was just because we paid
oh my, my mill is on fire | oh my mill is on fire
it was Bo— Bob of the mill | it was Bob of the mill
Bo— Bob was in the mill | Bob was in the mill
we have twenty uh five of the mills | we have 25 of the mills
we have twenty [laughter] five of the mills | we have 25 of the mills
we have twenty, uh, five of the mills | we have 25 of the mills
we have two uh hundred of the mills | we have 200 of the mills
we will [inaudible] sell the mill, and it's over | we will sell the mill, and it is over
we will (crosstalk) sell the mill, and it's over | we will sell the mill, and it is over
we sold all— almost all of it | we sold almost all of it
they for— forbid the mill | they forbid the mill
it is the is— island of the blessed | it is the island of the blessed
we mis- mistook it for the mill | we mistook it for the mill
the man— manager left the mill | the manager left the mill
it was in— incorrect of them | it was incorrect of them
we re- rebuilt the mill | we rebuilt the mill
he was at— attacking the mill | he was attacking the mill
it was he— her mill | it was her mill
it was 2- 20 of the people | it was 20 of the people
it was 1— 15 of the people | it was 15 of the people
ask Mr— Mrs Mill about the dam | ask Mrs Mill about the dam
the TV— TVs of the town are off | the TVs of the town are off
we take vitamin D— doctors agree that we should | we take vitamin doctors agree that we should
it is plan B— but we have no plan | it is plan but we have no plan
so— some of the people left | some of the people left
the be- beginning of the end | the beginning of the end?
she said ne— never that | she said never that
that that man said is true | that man said is true
he had had the mill | he had the mill
it is a very very good mill | it is a very good mill
it is a long long road | it is a long road
we want more and more and more of it | we want more and more of it
the Bora Bora of the north | the Bora of the north
this is New York New York | this is New York
they gave no no to it | they gave no to it
it is not, not true | it is not true
never, never again will we go | never again will we go
they moved in in May | they moved in May
what we paid for for years | what we paid for years
he went on on foot | he went on foot
we drove by by night | we drove by night
he is older than I, I think | he is older than I think
my wife and I, I think, agreed | my wife and I think, agreed
so do I, I hope it is so | so do I hope it is so
we do what we can, we can win | we do what we can win
I told you you must go | I told you must go
they like it, it is good | they like it is good
it is all but, but we go on | it is all but we go on
they say do it or, or else | they say do it else
hepatitis A, a disease of the liver | hepatitis a disease of the liver
I do, I do not sell the mill | I do not sell the mill
I will, I will never sell | I will never sell
and two two of them left | and two of them left
twenty twenty five of them left | twenty five of them left
yes, yes, it is true | yes, it is true
well, well, it is true | well, it is true
there, there, it is over | there, it is over
the answer you know is the mill | the answer is the mill
What I saw, you know, and I tell | What I saw, and I tell
If you ask, you know, now | If you ask, now
That, you know, already | That, already
we sold ten, I mean, twelve of them | we sold ten, twelve of them
What I say, I mean, and I do it | What I say, and I do it
I mean, we sold the mill | We sold the mill
we go to the ER, and wait | we go to the and wait
Uh-huh, we did it | We did it
Uh huh, we did it | We did it
Uh uh, we did it | We did it
Mhm, we did it | We did it
Mm-hmm, we did it | We did it
it was like the mill | it was the mill
so we sold the mill | we sold the mill
we really sold the mill | we sold the mill
we well sold the mill | we sold the mill
Let's go to the mill | Let us go to the mill
I gotta sell the mill | I got to sell the mill
I gotta sell the mill | I have to sell the mill
we can't only sell the mill | we can not only sell the mill
he'd come to the mill | he had come from the mill, and would stay at it
he'd put it there | she had put it there, and he would see
he had put it there | he would put it there
he's in the mill | he was in the mill
she'll sell the mill | she would sell the mill
they're in the mill | they were in the mill
we've sold the mill | we had sold the mill
we're in the mill | we will be in the mill
I'd sold the mill | I'd sell the mill
we can sell the mill | we can't sell the mill
we can sell the mill | we cannot sell the mill
it is the mill | it isn't the mill
we shall not sell the mill | we won't sell the mill
that's the mill | that was the mill
who's mill is it | whose mill is it
your mill is the best | you're mill is the best
there is their mill | their is their mill
we have fifteen mills | we have fifty mills
we have fifteen mills | we have 50 mills
we have twenty five mills | we have 20 5 mills
we have twenty, five mills | we have 25 mills
we have one hundred and five mills | we have 100 and 5 mills
we have one hundred and five mills | we have 1005 mills
we have one hundred and five mills | we have 150 mills
we have two hundred thousand mills | we have 200 mills
we have two hundred thousand mills | we have 2,000 mills
we have half a million mills | we have half 1,000,000 mills
we have a million mills | we have 100,000 mills
we have ten million of it | we have ten billion of it
we have 10 million of it | we have 10 of it
it is five to ten million of them | it is 5 to 10,000,000 of them
it is five or six hundred | it is 5 or 600
it is five or ten thousand | it is 5 or 10,000
it is one and a half million | it is 1.5 million
it is one and a half million | it is 1 million
the mill of nineteen eighty-four | the mill of 1980
the mill of nineteen eighty-four | the mill of 19 84
the mill of nineteen eighty-four | the mill of 1994
the mill of twenty twenty-five | the mill of 20 25
it is two thousand and nineteen | it is 219
it is nineteen hundred and four | it is 1940
it is the twenty first of May | it is the 20 first of May
it is the twenty-first of May | it is the 20th of May
it is the twenty-first mill of it | it is the 21 mill of it
it is two thirds of the town | it is 2 of the town
it is one third of the town | it is 1 of the town
no one sells the mill | no 1 sells the mill
it is five percent of it | it is 5 of it
it is five percent of it | it is 5 percentage points of it
it is 5% of it | it is 0.5% of it
it is 2.5 million of it | it is 25 million of it
it is 1,500 of them | it is 1.500 of them
it is 2,5 of the lot | it is 25 of the lot
it is 2,500 of them | it is 2,50 of them
a twenty-five-year-old mill of ours | a 20 five-year-old mill of ours
it is nine eleven of it | it is 911 of it
it is nine eleven of it | it is 20 of it
it is thirty-eleven of it | it is 41 of it
it is one two three of it | it is 123 of it
it is one two three of it | it is 6 of it
it is hundreds of mills | it is 100 of mills
it is a few hundred mills | it is 100 mills
it is minus five of them | it is 5 of them
it is one hundred one hundred of it | it is 200 of it
it is two hundred two of it | it is 400 of it
it is two thousand five hundred of it | it is 2,005 of it
it is three point one four of it | it is 3.41 of it
it is three point one of it | it is 31 of it
it is zero point five of it | it is 5 of it
it is ten percent of it | it is 10 per mille of it
it is 1/2 million of it | it is 2 million of it
it is 10-15 million of it | it is 10 million of it
they have the best mill (music) in town | they have the best music in town
they have the best [sad] mill in it | they have the best mill of it
"""

# Words of other languages that look like an English filler, stutter or broken word.
FOREIGN = """
Nun, das sagt er, sagte sie, nie zu mir | Nun, das sagt sagte sie, nie zu mir
Ela tem um, dois filhos pequenos | Ela tem dois filhos pequenos
Nur die, die das sagen, irren sich | Nur die das sagen, irren sich
Ich sage kein, kein Wort davon | Ich sage kein Wort davon
Il dit ne— necessairement pas vrai | Il dit necessairement pas vrai
Vous avez six cents moulins | Vous avez 6 cents moulins
To jest ten one hundred | To jest 10 100
"""


def pairs(table: str) -> list[tuple[str, str]]:
    found = [tuple(part.strip() for part in line.split("|")) for line in table.strip().splitlines()]
    assert all(len(pair) == 2 for pair in found)
    # Words on both sides, so that neither report is a part of the other.
    return [(f"Listen to me. {one} and good night", f"Listen to me. {other} and good night") for one, other in found]


@pytest.mark.parametrize(("one", "other"), pairs(ALIKE))
def test_two_reports_of_the_same_words(one: str, other: str) -> None:
    for quoted, original in ((one, other), (other, one)):
        verdict = judge_speech(quoted, original)
        assert is_faithful(verdict.kind), verdict
        assert set(verdict.steps) & set(SPEECH)
        assert not is_faithful(judge(quoted, original).kind)


@pytest.mark.parametrize(("one", "other"), pairs(APART))
def test_reports_that_say_other_things(one: str, other: str) -> None:
    for quoted, original in ((one, other), (other, one)):
        verdict = judge_speech(quoted, original)
        assert verdict.kind is not VerdictKind.ALTERED
        assert not is_faithful(verdict.kind), verdict


@pytest.mark.parametrize(("one", "other"), [line.split(" | ") for line in FOREIGN.strip().splitlines()])
def test_other_languages_are_not_read_as_english(one: str, other: str) -> None:
    for quoted, original in ((one, other), (other, one)):
        assert not is_faithful(judge_speech(quoted, original).kind)


def test_there_are_enough_of_both() -> None:
    print(f"{len(pairs(ALIKE))} alike, {len(pairs(APART))} apart")
    assert len(set(pairs(ALIKE))) >= 70
    assert len(set(pairs(APART))) >= 155
