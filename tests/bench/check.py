"""`python -m tests.bench.check [POSTS ...] [--in FOLDER]`: `archiver check` of an article against archives of invented
posts (200,000 unless told), the look-up of candidates alone, and 1,000 verdicts, each beside a floor of the same run.

An archive of a million takes about three minutes to make and 1.5 GB; those in FOLDER are kept and used again.
"""

from __future__ import annotations

import difflib
import json
import re
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from archiver.jobs.check import check_files
from archiver.jobs.spliced import PIECE
from archiver.quotes import verdict
from archiver.store import pieces, runs, schema
from archiver.store.archive import Archive, open_archive, open_reader
from tests.bench.many_posts import ARTICLE_WORDS, NOW, Said, article_of, made

LIMIT, RAREST = 12, 8
ROUNDS = 5
PAIRS = 1000
BOUNDS = {200_000: 0.5, 1_000_000: 1.0}
ADDED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds: of the first call on the clock, and of those after it (medians) on the clock and of this process."""

    first: float
    wall: float
    cpu: float


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> Spent:
    """What a call spends, warm. Ratios are of processor time, which other work on the machine moves less."""
    walls, cpus = [], []
    for _ in range(rounds + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Spent(first=walls[0], wall=statistics.median(walls[1:]), cpu=statistics.median(cpus[1:]))


def told(spent: Spent) -> str:
    return f"{spent.wall:.2f} s, {spent.cpu:.2f} s of the processor"


def checked(path: Path, file: Path, said: Sequence[Said], posts: int) -> None:
    """The whole check, after the imports, against a bare look-up of as many keys."""
    ours = timed(lambda: check_files(path, [str(file)]))
    keys = [key for one in said for key in runs.looked_up(one.words)]
    with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) as db:
        query = "SELECT id FROM _version_runs WHERE run = ?"
        floor = timed(lambda: [db.execute(query, (key,)).fetchall() for key in keys])
        scan = timed(lambda: db.execute("SELECT sum(instr(text, 'zz')) FROM versions").fetchone(), 1)
    db.close()
    bound = f" (bound {BOUNDS[posts]})" if posts in BOUNDS else ""
    print(f"archiver check of {ARTICLE_WORDS:,} words: {told(ours)}{bound}, the first time {ours.first:.2f} s")
    looked = f"{ours.cpu / floor.cpu:.1f}x a bare look-up of its {len(keys)} keys"
    print(f"  {looked}, {ours.cpu / scan.cpu:.2f}x one scan of all texts")
    found: Counter[str] = Counter()
    document = check_files(path, [str(file)]).checked[0]
    for one in said:
        shown = next((q for q in document.quotations if q.words.strip("“” ") == one.words), None)
        named_here = set() if shown is None else {compared.post for compared in shown.compared}
        whole = all(f"x:post:{n}" in named_here for n in one.posts)
        found[f"{one.kind}: {'not read' if shown is None else shown.verdict or shown.status}"] += 1
        found["named"] += whole and bool(one.posts)
    named = found.pop("named")
    print(f"  {', '.join(f'{kind} {n}' for kind, n in sorted(found.items()))}")
    print(f"  all posts named for {named} of the {sum(bool(one.posts) for one in said)} quotations of archived posts")


def candidates(archive: Archive, said: Sequence[Said]) -> None:
    """Twelve candidates for each quotation: by shared keys, and by its eight rarest words through full-text ranking.
    Then the posts that the spliced ones were put together from, by the pieces that they hold."""
    archive.db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, versions_fts, row)")

    def by_keys(one: Said) -> list[int]:
        return runs.versions_sharing(archive, one.words, LIMIT)

    def by_rarest_words(one: Said) -> list[int]:
        terms = json.dumps(sorted(set(re.findall(r"\w+", one.words.lower()))))
        query = "SELECT term FROM vocabulary WHERE term IN (SELECT value FROM json_each(?)) ORDER BY doc, term LIMIT ?"
        wanted = " OR ".join(f'"{row[0]}"' for row in archive.all(query, terms, RAREST))
        query = "SELECT rowid FROM versions_fts WHERE versions_fts MATCH ? ORDER BY rank, rowid LIMIT ?"
        return [int(row[0]) for row in archive.all(query, wanted, LIMIT)]

    of = sum(len(one.posts) for one in said)
    for name, look in (("shared keys", by_keys), ("rarest words", by_rarest_words)):
        hits = sum(n in look(one) for one in said for n in one.posts)
        times = [timed(partial(look, one), 3).cpu for one in said]
        each = f"{1e3 * statistics.median(times):.2f} ms, at most {1e3 * max(times):.1f} ms"
        print(f"Candidates by {name}: {each}; {hits} of {of} posts among {LIMIT}")
    whole, times = 0, []
    spliced = [one for one in said if one.kind == "spliced"]
    for one in spliced:
        look = partial(pieces.versions_covering, archive, one.words, LIMIT, least=PIECE)
        whole += look() == list(one.posts)
        times.append(timed(look, 3).cpu)
    each = f"{1e3 * statistics.median(times):.2f} ms, at most {1e3 * max(times):.1f} ms"
    print(f"Posts of spliced quotations by pieces: {each}; just those two for {whole} of {len(spliced)}")


def written(archive: Archive) -> None:
    """How fast texts are added to the index of words, against the same rows in a table without it."""
    texts = archive.all("SELECT id, text FROM versions ORDER BY sha256 LIMIT ?", ADDED)
    archive.db.execute("BEGIN")
    for row in texts:
        for key in runs.runs_of(row["text"]):
            archive.db.execute("DELETE FROM _version_runs WHERE run = ? AND id = ?", (key, row["id"]))
    start = time.process_time()
    for row in texts:
        runs.add_version(archive, row["id"], row["text"])
    ours = time.process_time() - start
    archive.db.execute("CREATE TEMP TABLE bare (run INTEGER, id INTEGER)")
    start = time.process_time()
    for row in texts:
        archive.db.executemany("INSERT INTO bare VALUES (?, ?)", [(key, 1) for key in runs.runs_of(row["text"])])
    floor = time.process_time() - start
    archive.db.execute("ROLLBACK")
    print(f"Texts added to the index: {ADDED / ours:,.0f} a second, {ours / floor:.1f}x the same rows without an index")


def verdicts(said: Sequence[Said], archive: Archive) -> None:
    """Pairwise verdicts, against difflib's alignment of the same words."""
    texts = [str(row[0]) for row in archive.all("SELECT text FROM versions ORDER BY id LIMIT ?", PAIRS)]
    own = {n: str(archive.value("SELECT text FROM versions WHERE id = ?", n)) for one in said for n in one.posts}
    pairs = []
    for number, text in enumerate(texts):
        one = said[number % len(said)]
        pairs.append((one.words, own[one.posts[0]] if one.posts and number % 2 else text))

    def judged() -> None:
        for quoted, text in pairs:
            verdict.judge(quoted, text)

    def aligned() -> None:
        for quoted, text in pairs:
            difflib.SequenceMatcher(None, quoted.split(), text.split(), autojunk=False).get_opcodes()

    ours, floor = timed(judged), timed(aligned)
    print(f"{len(pairs):,} verdicts: {told(ours)} (bound 0.3), {ours.cpu / floor.cpu:.1f}x difflib on the same words")


def measure(folder: Path, posts: int) -> None:
    path, file = folder / f"posts-{posts}-readings-{schema.READINGS_VERSION}.db", folder / f"article-{posts}.txt"
    if not path.exists():
        start = time.perf_counter()
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        made(part, posts)
        part.rename(path)  # an archive whose making was broken off is made again
        print(f"Made in {time.perf_counter() - start:.0f} s")
    text, said = article_of(posts)
    file.write_text(text, "utf-8")
    archive = open_reader(path)
    size = archive.value("SELECT sum(pgsize) FROM dbstat WHERE name = '_version_runs'") if dbstat(archive) else 0
    of_it = f", {int(str(size)) / 1e6:,.0f} MB of them the index of words" if size else ""
    print(f"{posts:,} posts, {path.stat().st_size / 1e6:,.0f} MB{of_it}")
    checked(path, file, said, posts)
    candidates(archive, said)
    verdicts(said, archive)
    archive.db.close()
    archive = open_archive(path, now=NOW, origin="bench.example/log")
    written(archive)
    archive.close()


def dbstat(archive: Archive) -> bool:
    """Whether this SQLite can tell how large a table is."""
    return archive.one("SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_DBSTAT_VTAB'") is not None


def main(arguments: Sequence[str]) -> None:
    words = list(arguments)
    kept = Path(words.pop(words.index("--in") + 1)) if "--in" in words else None
    counts = [int(word.replace("_", "")) for word in words if word != "--in"] or [200_000]
    for posts in counts:
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
            measure(kept, posts)
        else:
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder), posts)
    print(f"This process: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, making included")


if __name__ == "__main__":
    main(sys.argv[1:])
