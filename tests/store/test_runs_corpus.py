"""Evidence on recorded posts: is the original among twelve candidates, by shared keys and by rarest words?"""

from __future__ import annotations

import gzip
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from archiver.jobs import match
from archiver.jobs.link import resolve
from archiver.jobs.places import Place
from archiver.model import MentionKind, Ref, Span
from archiver.quotes.shingles import words
from archiver.store import runs, schema
from archiver.store.archive import Archive, open_archive

pytestmark = pytest.mark.corpus

LIMIT, RAREST = 12, 8


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All recorded posts, in an archive that was filled for this; `texts` by the posts' ids, `posts` by versions'."""

    archive: Archive
    texts: dict[str, str]
    posts: dict[int, str]


@pytest.fixture(scope="module")
def held(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    folder = tmp_path_factory.mktemp("runs")
    archive = open_archive(folder / "archive.db", now="2024-01-01T00:00:00Z", origin="test.example/log")
    archive.db.execute("PRAGMA synchronous=OFF")
    archive.db.execute("PRAGMA foreign_keys=OFF")
    archive.db.execute("PRAGMA cache_size=-262144")  # KiB: keys come in no order, and the whole index is asked
    posts = lines(corpus / "quotes" / "trump_tweets_2009_2018.jsonl.gz")
    begin = time.process_time()
    with archive.transaction():
        schema.create(archive.db)
        for number, post in enumerate(posts, 1):
            ref = f"x:post:{post['id']}"
            archive.db.execute("INSERT INTO refs VALUES (?, ?, 'x', 'post', ?)", (number, ref, post["id"]))
            archive.db.execute(
                "INSERT INTO versions (id, post, text, posted_at, edited_at, truncated, lang, warning, sensitive, "
                "version_id, sha256) VALUES (?, ?, ?, ?, '', 0, '', '', 0, '', '')",
                (number, number, post["text"], post["created_at"]),
            )
            archive.db.execute(
                "INSERT INTO posts (id, platform, handle, text, posted_at, outcome, outcome_at, edits, versions, "
                "first_seen, last_seen, url, name, author, lang, warning, truncated) "
                "VALUES (?, 'x', 'author', ?, ?, 'live', '', 0, 1, '', '', '', '', NULL, '', '', 0)",
                (number, post["text"], post["created_at"]),
            )
            runs.add_version(archive, number, post["text"])
        archive.db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, versions_fts, row)")
        archive.db.execute("CREATE TABLE temp.words AS SELECT term, doc FROM vocabulary")
        archive.db.execute("CREATE UNIQUE INDEX temp.words_term ON words (term)")
    keys = archive.value("SELECT count(*) FROM _version_runs")
    print(f"\n{len(posts)} posts, {keys} keys, {time.process_time() - begin:.0f} s to write them and their indexes")
    yield Held(
        archive=archive,
        texts={post["id"]: post["text"] for post in posts},
        posts={number: post["id"] for number, post in enumerate(posts, 1)},
    )
    archive.close()


def by_keys(held: Held, quoted: str) -> list[int]:
    return runs.versions_sharing(held.archive, quoted, LIMIT)


def by_rarest_words(held: Held, quoted: str) -> list[int]:
    """The best-ranked texts that hold any of the eight words of the quotation that fewest texts hold."""
    terms = json.dumps(sorted(set(re.findall(r"\w+", quoted.lower()))))
    query = "SELECT term FROM words WHERE term IN (SELECT value FROM json_each(?)) ORDER BY doc, term LIMIT ?"
    wanted = " OR ".join(f'"{row[0]}"' for row in held.archive.all(query, terms, RAREST))
    if not wanted:
        return []
    query = "SELECT rowid FROM versions_fts WHERE versions_fts MATCH ? ORDER BY rank, rowid LIMIT ?"
    return [int(row[0]) for row in held.archive.all(query, wanted, LIMIT)]


WAYS: dict[str, Callable[[Held, str], list[int]]] = {"keys": by_keys, "rarest words": by_rarest_words}


@cache
def compared(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared. The same texts are candidates again and again."""
    return tuple(word for word, _ in words(text))


def table(held: Held, quotations: list[tuple[str, str, tuple[str, ...]]]) -> dict[str, Counter[str]]:
    """How many quotations (class, words, ids) have all their originals, or posts of the same words, among the
    candidates, by class and way. Prints it, and what a look-up costs.

    The rarest words, the slower way, are asked for each fourth quotation, and for each that the keys do not find."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    spent: defaultdict[str, list[float]] = defaultdict(list)
    for number, (kind, quoted, ids) in enumerate(quotations):
        hits: dict[str, bool] = {}
        for way, look in WAYS.items():
            sampled = way == "keys" or number % 4 == 0
            if not sampled and hits["keys"]:
                continue
            begin = time.perf_counter()
            versions = look(held, quoted)
            spent[way].append(time.perf_counter() - begin)
            given = {compared(held.texts[held.posts[version]]) for version in versions}
            hits[way] = all(compared(held.texts[id]) in given for id in ids)
            for name in (kind, "all"):
                found[name][f"{way} tried"] += sampled
                found[name][way] += sampled and hits[way]
        for name in (kind, "all"):
            found[name]["rarest words alone"] += hits.get("rarest words", False) and not hits["keys"]
    for kind in sorted(found, key=lambda name: (name == "all", name)):
        told = found[kind]
        print(f"{kind:32} " + ", ".join(f"{way} {told[way]:4} of {told[f'{way} tried']:4}" for way in WAYS))
    print(", ".join(f"{way} {1000 * sum(spent[way]) / len(spent[way]):.2f} ms" for way in WAYS) + " a look-up")
    return found


@pytest.mark.heavy
def test_labelled_quotations_find_their_originals(corpus: Path, held: Held) -> None:
    rows = lines(corpus / "quotes" / "synthetic_quotes.jsonl")
    told = table(held, [(row["cls"], row["quote"], (row["original_id"],)) for row in rows])
    assert told["all"]["keys tried"] == len(rows) >= 2000
    assert told["all"]["rarest words tried"] > 500
    assert told["all"]["keys"] >= 0.999 * len(rows)
    assert told["all"]["rarest words alone"] <= 1


@pytest.mark.heavy
def test_attributed_quotations_find_their_originals(corpus: Path, held: Held) -> None:
    rows = [row for row in lines(corpus / "quotes" / "isot_trump_quotes_gold.jsonl") if row["original_id"]]
    told = table(held, [(row["verdict"], row["quoted"], (row["original_id"],)) for row in rows])
    assert told["all"]["keys"] == told["all"]["keys tried"] == len(rows) > 400


def replaced(said: list[str], step: int, rng: random.Random, others: list[str]) -> list[str]:
    """Every `step`th word replaced by a word of another post."""
    out = list(said)
    for n in range(rng.randrange(step), len(out), step):
        out[n] = rng.choice(others)
    return out


@pytest.mark.heavy
def test_heavily_altered_short_and_spliced_quotations(held: Held) -> None:
    rng = random.Random(12)
    ids = [id for id, text in held.texts.items() if len(text.split()) >= 12 and "http" not in text]
    quotations: list[tuple[str, str, tuple[str, ...]]] = []
    for number in range(900):
        id, other = rng.sample(ids, 2)
        said, others = held.texts[id].split(), held.texts[other].split()
        start = rng.randrange(len(said) - 6)
        of: tuple[str, ...] = (id,)
        match number % 9:
            case 0 | 1 | 2 as step:
                kind, quoted = f"every {step + 2}. word replaced", replaced(said, step + 2, rng, others)
            case 3 | 4 as more:
                kind, quoted = f"{more + 2} words, one replaced", said[start : start + more + 2]
                quoted[rng.randrange(len(quoted))] = rng.choice(others)
            case 5 | 6 as more:
                size = more - 3
                kind, quoted = f"{size} … {size} words", [*said[start : start + size], "…", *said[-size:]]
            case 7:
                kind, quoted = "five words", said[start : start + 5]
            case _:
                kind, quoted, of = "spliced of two posts", said[:7] + others[-7:], (id, other)
        quotations.append((kind, " ".join(quoted), of))
    told = table(held, quotations)
    found = {kind: (told[kind]["keys"], told[kind]["keys tried"]) for kind in told}
    assert all(hits >= 0.95 * tried > 0 for hits, tried in (found["five words"], found["spliced of two posts"]))
    assert found["every 4. word replaced"] == (100, 100)
    assert found["every 3. word replaced"][0] >= 0.8 * found["every 3. word replaced"][1] > 0


def told(held: Held, quoted: str) -> tuple[str, tuple[str, ...]]:
    """The verdict on words without a signature, and the posts of a spliced quotation."""
    nowhere = Ref(platform="doc", kind="passage", id="0" * 64 + ":0-1")
    span = Span(start=0, end=len(quoted))
    place = Place(passage=nowhere, kind=MentionKind.PASSAGE, markup="", text=span, quote=span, quoted=quoted,
                  platform="", target=None, handle="", name="", day="", day_zone="", url="")  # fmt: skip
    _, matches = match.judge(held.archive, place, resolve(held.archive, place))
    kind = matches[0].verdict.kind.value
    parts = [one.post.id for one in matches if one.post is not None and one.verdict.kind.value == "spliced"]
    return kind, tuple(parts)


@pytest.mark.heavy
def test_splices_are_told_and_chance_makes_none(corpus: Path, held: Held) -> None:
    rng = random.Random(5)
    plain = {id: [word for word in text.split() if not word.startswith(("http", "RT", '"@'))]
             for id, text in held.texts.items()}  # fmt: skip
    long = [id for id, said in plain.items() if len(said) >= 14]
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    begin = time.process_time()
    for _ in range(60):
        for first, last in ((9, 7), (6, 6), (12, 4)):
            one, other = rng.sample(long, 2)
            kind, parts = told(held, " ".join(plain[one][:first] + plain[other][-last:]))
            seen[f"spliced of {first} and {last} words"][kind] += 1
            seen[f"spliced of {first} and {last} words"]["both named"] += {one, other} <= set(parts)
        said = list(plain[rng.choice(long)])
        place, word = rng.randrange(len(said)), rng.choice(plain[rng.choice(long)])
        said[place : place + rng.randrange(2)] = [word]
        seen["one word put in or replaced"][told(held, " ".join(said))[0]] += 1
    altered = [row for row in lines(corpus / "quotes" / "synthetic_quotes.jsonl") if row["expect"] == "altered"]
    for row in altered[::4]:
        seen["labelled as altered"][told(held, row["quote"])[0]] += 1
    numbers = {id: number for number, id in held.posts.items()}
    for id in rng.sample(long, 60):  # as if the post, and what is nearly the same, had never been captured
        for size in (10, 20):
            quoted = " ".join(plain[id][:size])
            archive, apart = held.archive, {numbers[id]}
            archive.db.execute("SAVEPOINT apart")
            while apart:
                archive.db.execute(f"DELETE FROM _version_runs WHERE id IN ({','.join(map(str, apart))})")
                keys = runs.runs_of(quoted)
                near = runs.versions_sharing(archive, quoted, LIMIT)
                apart = {n for n in near if 2 * len(keys & runs.runs_of(held.texts[held.posts[n]])) > len(keys)}
            seen[f"first {size} words of a post that is not held"][told(held, quoted)[0]] += 1
            archive.db.execute("ROLLBACK TO apart")
            archive.db.execute("RELEASE apart")
    print()
    for name, counts in sorted(seen.items()):
        print(f"{name:45} {dict(sorted(counts.items()))}")
    total = sum(counts.total() - counts["both named"] for counts in seen.values())
    print(f"{total} quotations judged in {time.process_time() - begin:.0f} s")
    assert seen["labelled as altered"]["spliced"] == seen["one word put in or replaced"]["spliced"] == 0
    assert seen["spliced of 9 and 7 words"]["spliced"] >= 58
    assert seen["first 20 words of a post that is not held"]["spliced"] <= 2
