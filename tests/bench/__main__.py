"""`make bench`: every figure is a ratio to a floor measured in the same run, or says what it is measured against."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from archiver.model import Answer, Ref, Request
from archiver.platforms import x
from archiver.store.archive import open_archive
from archiver.store.evidence import Evidence, Tool
from tests.bench import check, custody

HERE = Path(__file__).parent
ROUNDS = 5
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """(user CPU seconds, wall seconds, peak MB) of one process."""
    script = (
        "import json,os,subprocess,sys,time;t=time.perf_counter();p=subprocess.Popen(sys.argv[1:],"
        "stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL);_,status,u=os.wait4(p.pid,0);"
        "print(json.dumps([u.ru_utime,time.perf_counter()-t,u.ru_maxrss/1024,os.waitstatus_to_exitcode(status)]))"
    )
    timed = [sys.executable, "-c", script, *command]
    shown = subprocess.run(timed, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    user, wall, peak, code = json.loads(shown.stdout)
    if code not in (0, 1):
        raise SystemExit(f"{command} ended with {code}")
    return user, wall, peak


def medians(rounds: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    user, wall, peak = (statistics.median(column) for column in zip(*rounds, strict=True))
    return user, wall, peak


def media(folder: Path, port: int) -> None:
    """A whole `archiver run` over addresses of pictures, against the floor; memory at 200 and 2,000."""
    (folder / "archiver.toml").write_text(
        '[network]\nallow_private = ["127.0.0.1"]\n[pace]\ndefault = 0.0\n[follow]\nper_host = 4\n'
    )
    archiver = str(Path(sys.executable).with_name("archiver"))
    floors, ours, peaks = [], [], []
    for number in range(ROUNDS + 1):
        work = folder / f"round{number}"
        work.mkdir()
        floor = measured([sys.executable, str(HERE / "floor.py"), str(work), str(port), "200"], folder)
        lists = work / "list.urls"
        lists.write_text("".join(f"http://127.0.0.1:{port}/{n}.jpg\n" for n in range(200)))
        run = measured([archiver, "run", str(lists), "--db", str(work / "a.db")], folder)
        if number:  # the first round warms caches
            floors.append(floor)
            ours.append(run)
    lists = folder / "many.urls"
    lists.write_text("".join(f"http://127.0.0.1:{port}/{n}.jpg\n" for n in range(2000)))
    peaks.append(measured([archiver, "run", str(lists), "--db", str(folder / "many.db")], folder)[2])
    floor, run = medians(floors), medians(ours)
    print(f"200 JPEG of 80 KB, floor: user {floor[0]:.2f} s, wall {floor[1]:.2f} s, peak {floor[2]:.0f} MB")
    print(f"  archiver run: user {run[0] / floor[0]:.2f}x (bound 3), wall {run[1] / floor[1]:.2f}x (bound 2)")
    print(f"  peak {run[2]:.1f} MB at 200, {peaks[0]:.1f} MB at 2,000 (bounds 80 MB, 5 MB apart)")


def captures(folder: Path) -> None:
    """A capture in an archive that has nothing else; `make bench-log` has the figure behind a million leaves."""
    archive = open_archive(folder / "commits.db", now="2024-01-01T00:00:00Z", origin="bench.example/log")
    custody.commits(Evidence(archive, Tool(version="0", config_sha256=""), now=lambda: "2024-01-01T00:00:00Z"))
    archive.close()


def answers() -> None:
    """Syndication answers parsed a second, from bytes to reading, against json.loads alone."""
    bodies = [syndication(number) for number in range(500)]
    ref = Ref.parse("x:post:1850688931230646272")
    request = Request(ref=ref, route="syndication", url="https://x.example/")

    def parse(body: bytes) -> None:
        x.parse(request, Answer(request=request, status=200, body=body))

    ours, floor = rate(parse, bodies), rate(json.loads, bodies)
    print(f"Syndication answers parsed: {ours:,.0f} a second (bound 5,000), {floor / ours:.1f}x json.loads alone")


def rate(work: Callable[[bytes], object], bodies: list[bytes]) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        for body in bodies:
            work(body)
        best = max(best, len(bodies) / (time.process_time() - start))
    return best


def syndication(number: int) -> bytes:
    """An answer of the usual shape: two links, a mention, a picture, a quoted post. Fictional people."""

    def post(id: str, text: str) -> dict[str, object]:
        return {
            "__typename": "Tweet",
            "lang": "en",
            "favorite_count": number,
            "created_at": "2024-10-28T00:00:00.000Z",
            "display_text_range": [0, len(text)],
            "entities": {
                "hashtags": [{"indices": [0, 4], "text": "abc"}],
                "urls": [
                    {
                        "display_url": "news.example/a",
                        "expanded_url": "https://news.example/a",
                        "indices": [5, 28],
                        "url": "https://t.co/abcdefghij",
                    }
                ],
                "user_mentions": [{"id_str": "7", "indices": [30, 34], "name": "Ann", "screen_name": "ann"}],
                "symbols": [],
            },
            "id_str": id,
            "text": text,
            "user": {"id_str": "42", "name": "Bert Example", "screen_name": "bert", "verified": False},
            "edit_control": {"edit_tweet_ids": [id], "is_edit_eligible": True, "edits_remaining": "5"},
            "mediaDetails": [
                {
                    "media_url_https": "https://pbs.example/media/a.jpg",
                    "type": "photo",
                    "original_info": {"width": 1200, "height": 800},
                    "url": "https://t.co/pic",
                    "indices": [40, 60],
                }
            ],
            "conversation_count": 3,
            "isEdited": False,
            "isStaleEdit": False,
        }

    body = post("1850688931230646272", f"#abc https://t.co/abcdefghij to @ann number {number} of these words")
    body["quoted_tweet"] = post("1850688931230646273", "#abc https://t.co/abcdefghij and @ann said so")
    return json.dumps(body).encode()


def start_up() -> None:
    """`archiver --version`, against an empty Python."""
    archiver = str(Path(sys.executable).with_name("archiver"))
    ours = statistics.median(measured([archiver, "--version"], HERE)[1] for _ in range(ROUNDS * 2))
    floor = statistics.median(measured([sys.executable, "-c", ""], HERE)[1] for _ in range(ROUNDS * 2))
    print(f"archiver --version: {ours:.3f} s (bound 0.15), {ours / floor:.1f}x an empty Python")


def main() -> None:
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, medians of {ROUNDS} rounds")
    start_up()
    answers()
    with tempfile.TemporaryDirectory() as name:
        ENVIRONMENT["XDG_CONFIG_HOME"] = str(Path(name) / "config")  # keys of these runs are nobody's
        captures(Path(name))
        server = subprocess.Popen(
            [sys.executable, str(HERE / "server.py")], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        try:
            assert server.stdout is not None
            media(Path(name), int(server.stdout.readline()))
        finally:
            server.kill()
            server.wait()
    custody.main(())
    check.main(())  # says the peak of this process too


if __name__ == "__main__":
    main()
