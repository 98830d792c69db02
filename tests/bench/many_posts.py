"""Archives of invented posts, and an article that quotes them: what candidates and `archiver check` are timed on.

The words are made up; how often words, pairs and runs of three recur is like that of short posts in one language (the
commonest run of three in about one post in a hundred, the hundredth in one in a thousand), so that a look-up meets
long lists. All is a function of `SEED` and the number of posts.

`python -m tests.bench.many_posts FILE [POSTS]` makes one and says how long it took.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

from archiver.store import marks, runs, schema
from archiver.store.archive import open_archive

SEED = 20240316
NOW = "2026-03-16T09:00:00Z"
WORDS, HANDLES, DAYS, FOLLOWERS = 50_000, 8_000, 4_000, 24
PROLIFIC = 30_000  # posts of the first handle, in an archive of a million
FIRST_DAY = date(2014, 1, 1)
BATCH = 100  # posts shown by one capture
ARTICLE_WORDS, QUOTATIONS = 2_000, 30


class Speech:
    """Made-up words with their frequencies (Zipf and Mandelbrot) and what likes to follow each of them."""

    def __init__(self) -> None:
        rng = Random(SEED)
        syllables = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]
        known: dict[str, None] = {}
        while len(known) < WORDS:
            rank = len(known)
            long = 1 if rank < 30 else 2 if rank < 400 else rng.choice((2, 3, 3, 4, 4, 5))
            known["".join(rng.choices(syllables, k=long)) + ("" if rank > 60 else rng.choice(("", "n", "s")))] = None
        self.words = list(known)
        self.chances = list(accumulate(1 / (rank + 2.7) for rank in range(WORDS)))
        common = self.draw(rng, WORDS * FOLLOWERS)
        self.followers = [common[n * FOLLOWERS : (n + 1) * FOLLOWERS] for n in range(WORDS)]
        self.places = list(accumulate(1 / (n + 1) for n in range(FOLLOWERS)))

    def draw(self, rng: Random, count: int) -> list[int]:
        return rng.choices(range(WORDS), cum_weights=self.chances, k=count)

    def sentences(self, rng: Random, words: int) -> Iterator[list[int]]:
        """Texts of 3 to 30 words, as numbers of words, until so many are spoken."""
        while words > 0:
            fresh = self.draw(rng, 4096)
            liked = rng.choices(range(FOLLOWERS), cum_weights=self.places, k=4096)
            chance = rng.random
            at = 0
            while at < 4060:
                size = 3 + int(14 * (chance() + chance()))
                text = fresh[at : at + size]
                for n in range(1, size):
                    if chance() < 0.48:
                        text[n] = self.followers[text[n - 1]][liked[at + n]]
                at += size
                words -= size
                yield text

    def say(self, text: Iterable[int]) -> str:
        return " ".join(self.words[n] for n in text)


def texts(speech: Speech, posts: int) -> Iterator[list[int]]:
    """The words of each post, in order."""
    spoken = speech.sentences(Random(SEED + 1), sys.maxsize)
    for _ in range(posts):
        yield next(spoken)


def handle_of(number: int, posts: int) -> str:
    """One handle with three posts in a hundred, the others alike. Each of these has all its posts on one day (see
    `time_of`), in an archive of a million 125: more than one search for a splice takes."""
    return "prolific" if number * 7919 % posts < posts * PROLIFIC // 1_000_000 else f"handle{number * 31 % HANDLES}"


def time_of(number: int) -> datetime:
    day = FIRST_DAY + timedelta(days=number * 104_729 % DAYS)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=number * 7907 % 86_400)


def stamp(number: int) -> str:
    return time_of(number).strftime("%Y-%m-%dT%H:%M:%SZ")


def put(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    names = columns.split()
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)


def made(path: Path, posts: int) -> None:
    """Writes the archive. Post `n` (from 1) has the local ids `n` as ref, post and version."""
    archive = open_archive(path, now=NOW, origin="bench.example/log")
    db = archive.db
    for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-400000", "foreign_keys=OFF"):
        db.execute(f"PRAGMA {pragma}")
    speech = Speech()
    with archive.transaction():
        schema.create(db)
        waiting = [str(row[0]) for row in db.execute(_LATER)]  # an index is made faster of all rows than row by row
        for name, kind in db.execute("SELECT name, type FROM sqlite_schema WHERE sql IN (SELECT value FROM "
                                     "json_each(?))", (_listed(waiting),)).fetchall():  # fmt: skip
            db.execute(f"DROP {kind} {name}")
        _fill(db, speech, posts)
        _index(db, speech, posts)
        _mark(db, speech, posts)
        for statement in waiting:
            db.execute(statement)
        db.execute("INSERT INTO versions_fts (versions_fts) VALUES ('rebuild')")
        row = ("readings_version", schema.READINGS_VERSION)
        db.execute("INSERT OR REPLACE INTO work_state (name, value) VALUES (?, ?)", row)
    db.execute("PRAGMA journal_mode=WAL")
    archive.close()


_LATER = (
    "SELECT sql FROM sqlite_schema WHERE tbl_name IN ('refs', 'posts', 'versions', 'sightings') "
    "AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)


def _listed(statements: list[str]) -> str:
    return "[" + ",".join('"' + s.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
                          for s in statements) + "]"  # fmt: skip


def _fill(db: sqlite3.Connection, speech: Speech, posts: int) -> None:
    captures = posts // BATCH + 1
    put(db, "log_leaf", "origin idx data hash", ((1, n, b"{}", b"") for n in range(captures)))
    columns = "id uid origin leaf tier platform route ref request method url observed_at recorded_at ended_at sent "
    columns += "status response_head failure received tool_version config_sha256"
    put(db, "captures", columns,
        ((n + 1, f"{n:036x}", 1, n, "wire", "x", "posts", f"x:post:{n}", "{}", "GET", f"https://social.example/{n}",
          NOW, NOW, NOW, b"", 200, b"", "", 0, "0", "0" * 64) for n in range(captures)))  # fmt: skip
    numbers = range(1, posts + 1)
    put(db, "refs", "id ref platform kind remote_id", ((n, f"x:post:{n}", "x", "post", str(n)) for n in numbers))
    said = [speech.say(text) for text in texts(speech, posts)]
    put(db, "posts", "id platform handle text posted_at outcome outcome_at edits versions first_seen last_seen url "
        "name author lang warning truncated",
        ((n, "x", handle_of(n, posts), said[n - 1], stamp(n), "live", NOW, 0, 1, NOW, NOW,
          f"https://social.example/{n}", "Name", None, "en", "", 0) for n in numbers))  # fmt: skip
    put(db, "versions", "id post text posted_at edited_at truncated lang warning sensitive version_id sha256",
        ((n, n, said[n - 1], stamp(n), "", 0, "en", "", 0, "", f"{n:064x}") for n in numbers))  # fmt: skip
    put(db, "sightings", "version capture route whole edited handle name counts pointer",
        ((n, n // BATCH + 1, "posts", 1, 0, handle_of(n, posts), "Name", "{}", "") for n in numbers))  # fmt: skip


def _index(db: sqlite3.Connection, speech: Speech, posts: int) -> None:
    """The keys of all versions, sorted before they are written: sixteen shares of the keys, one after another."""
    shares = [array("q") for _ in range(16)]
    minutes = array("q", (runs.minute_of(stamp(n)) for n in range(posts + 1)))
    sizes = array("q", [0])
    for n, text in enumerate(texts(speech, posts), 1):
        keys = runs.keys_of([speech.words[word] for word in text])
        sizes.append(len(keys))
        for key in keys:  # 32 bits with a sign, and 24 of the version
            shares[(key >> 28) + 8].append(key << 24 | n)
    for number, share in enumerate(shares):
        pairs = ((pair >> 24, pair & 0xFFFFFF) for pair in sorted(share))
        rows = ((key, n, minutes[n], sizes[n]) for key, n in pairs)
        db.executemany("INSERT INTO _version_runs (run, id, minute, keys) VALUES (?, ?, ?, ?)", rows)
        shares[number] = array("q")


def _mark(db: sqlite3.Connection, speech: Speech, posts: int) -> None:
    """The marks of all versions, sorted before they are written."""
    # As `marks.marks_of` of what is said, which would spend most of its time on finding the words again.
    rows = (
        (mark, n)
        for n, text in enumerate(texts(speech, posts), 1)
        for mark in {mark for _, mark in marks._least(tuple(speech.words[word] for word in text))}
    )
    db.executemany("INSERT INTO _version_marks (mark, id) VALUES (?, ?)", sorted(rows))


# ---- the article --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One quotation of the article: how it was made, of which posts, and its words."""

    kind: str
    posts: tuple[int, ...]
    words: str
    signed: bool


KINDS = ("whole", "part", "altered", "heavily altered", "elided", "spliced", "elsewhere")


def quotations(speech: Speech, posts: int) -> list[Said]:
    """Quotations of posts of the archive, one of each kind in turn, half of them signed."""
    rng = Random(SEED + 2)
    wanted = sorted(rng.sample(range(1, posts + 1), 8 * QUOTATIONS))
    held = {n: [speech.words[word] for word in text] for n, text in _chosen(speech, posts, wanted)}
    long = [n for n in wanted if len(held[n]) >= 14]
    rng.shuffle(long)
    out = []
    for number in range(QUOTATIONS):
        kind, first, second = KINDS[number % len(KINDS)], long[2 * number], long[2 * number + 1]
        words = list(held[first])
        of: tuple[int, ...] = (first,)
        if kind == "part":
            words = words[2:10]
        elif kind == "altered":
            words[len(words) // 2] = rng.choice(speech.words[1000:])
        elif kind == "heavily altered":
            for n in range(2, len(words), 3):
                words[n] = rng.choice(speech.words[1000:])
        elif kind == "elided":
            words = [*words[:4], "…", *words[-4:]]
        elif kind == "spliced":
            words, of = words[:9] + held[second][-7:], (first, second)
        elif kind == "elsewhere":
            of = ()
            words = speech.say(next(speech.sentences(Random(SEED + 3 + number), 1))).split()
        out.append(Said(kind=kind, posts=of, words=" ".join(words), signed=number % 2 == 0 and kind != "elsewhere"))
    return out


def _chosen(speech: Speech, posts: int, wanted: list[int]) -> Iterator[tuple[int, list[int]]]:
    for n, text in enumerate(texts(speech, posts), 1):
        place = bisect(wanted, n)
        if place and wanted[place - 1] == n:
            yield n, text


def article(speech: Speech, said: list[Said], posts: int) -> str:
    """Plain text of about `ARTICLE_WORDS` words: paragraphs, with the quotations between them."""
    rng = Random(SEED + 4)
    between = (ARTICLE_WORDS - sum(len(one.words.split()) for one in said)) // len(said)
    parts = []
    for one in said:
        paragraph = [speech.say(text).capitalize() + "." for text in _spoken(speech, rng, between)]
        quoted = f"“{one.words}”"
        if one.signed:
            n = one.posts[0]
            day = time_of(n)
            quoted += f"\n— Some Name (@{handle_of(n, posts)}) {day:%B} {day.day}, {day.year}"
        parts += [" ".join(paragraph), quoted]
    return "\n\n".join(parts) + "\n"


def _spoken(speech: Speech, rng: Random, words: int) -> Iterator[list[int]]:
    for text in speech.sentences(rng, sys.maxsize):
        yield text[:words]
        words -= len(text)
        if words <= 0:
            return


def article_of(posts: int) -> tuple[str, list[Said]]:
    """The article for an archive of so many posts, with what it quotes."""
    speech = Speech()
    said = quotations(speech, posts)
    return article(speech, said, posts), said


def main(path: Path, posts: int) -> None:
    start = time.perf_counter()
    made(path, posts)
    spent = time.perf_counter() - start
    print(f"{posts:,} posts in {spent:.0f} s, {path.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)
