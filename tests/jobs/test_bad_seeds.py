"""Seeds that cannot be used: a message that names seed and place each time, and the rest of the run goes on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import story
from playing import Server, message, moved
from running import Desk, Ended, digest, lines, sound


@dataclass(frozen=True)
class Trial:
    """A world, a desk, and a server on loopback that nobody may ask."""

    world: story.World
    desk: Desk
    hidden: Server

    def good(self) -> Path:
        return self.desk.seed("good.txt", lines([self.world.paper.url("/story")]))

    def run(self, *seeds: Path | str) -> Ended:
        ended = self.desk.call("run", *seeds, "--json")
        assert self.hidden.connections == 0
        sound(self.desk)
        assert self.desk.call("rebuild", "--check").code == 0
        return ended


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    hidden = Server(lambda target, raw: message(b"the secret of the house"))
    with story.playing() as world:
        yield Trial(world, Desk(tmp_path, world.configure(tmp_path)), hidden)
    hidden.close()


SEEDS: dict[str, tuple[bytes, str]] = {
    "empty.txt": (b"", "empty"),
    "space.txt": (b" \n\t\n", "empty"),
    "binary.bin": (bytes(range(256)) * 20, "binary"),
    "picture.html": (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG"),
    "cut.json": (b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": ', "not JSON"),
    "no-column.csv": (b"a,b\n1,2\n", "no column holds addresses"),
}


def test_seeds_that_are_no_documents_are_named_and_the_rest_goes_on(trial: Trial) -> None:
    paths = [trial.desk.seed(name, data) for name, (data, _) in SEEDS.items()]
    absent = trial.desk.folder / "seeds" / "absent.html"
    ended = trial.run(*paths, absent, trial.good())
    assert ended.code == 2
    problems = ended.json["problems"]
    for path, (_, expected) in zip(paths, SEEDS.values(), strict=True):
        (told,) = [problem for problem in problems if problem.startswith(f"{path}: ")]
        assert expected in told
    assert any(problem.startswith(f"{absent}: no such file") for problem in problems)
    assert trial.desk.value("SELECT count(*) FROM matches WHERE verdict = 'exact'") == 2, "the good seed was done"
    for path, (data, _) in zip(paths, SEEDS.values(), strict=True):
        row = trial.desk.rows("SELECT * FROM captures WHERE url = ?", f"seed:{path.as_posix()}")[0]
        assert (trial.desk.body(row), row["entity_sha256"]) == (data, digest(data)), "stored as it is all the same"


def test_a_seed_of_200_mb_is_refused_by_its_size_and_kept(trial: Trial) -> None:
    large = trial.desk.seed("large.txt", b"")
    with large.open("wb") as file:
        file.truncate(200 << 20)
    ended = trial.desk.call("run", large, trial.good(), "--json")
    assert ended.code == 2
    (problem,) = ended.json["problems"]
    assert problem.startswith(f"{large}: ")
    assert re.search(r"too-large|bytes", problem)
    row = trial.desk.rows("SELECT * FROM captures c JOIN blobs b ON b.id = c.blob WHERE url = ?", f"seed:{large}")[0]
    assert row["size"] == 200 << 20
    outcome = trial.desk.table(
        f"SELECT o.outcome FROM outcomes o JOIN refs r ON r.id = o.ref WHERE r.ref = '{row['ref']}'"
    )
    assert outcome == [("too-large",)]
    assert trial.desk.value("SELECT count(*) FROM matches WHERE verdict = 'exact'") == 2


def test_wrong_encodings_are_read_by_the_bytes_and_said(trial: Trial) -> None:
    plain, base = trial.world.blog.url("/plain"), trial.world.blog.url("/plain") + "?"
    seeds = {
        "utf16.txt": (base + "a\n").encode("utf-16-le"),
        "utf16-bom.txt": (base + "b\n").encode("utf-16"),
        "utf8-bom.txt": b"\xef\xbb\xbf" + (base + "c\n").encode(),
        "surrogate.txt": b"\xed\xa0\x80 <- half a character " + plain.encode() + b"\n",
        "latin.txt": "Böse Wörter für alle Fälle, größtenteils ähnlich.\n".encode("latin-1"),
        "lie.html": b"<meta charset=utf-8><p>caf\xe9 au lait</p>",
        "lone.json": b'{"version": "https://jsonfeed.org/version/1.1", "title": "\\ud800", "items": '
        b'[{"id": "1", "url": "' + (base + "d").encode() + b'", "content_html": "<p>\\ud800 alone</p>"}]}',
    }
    ended = trial.run(*(trial.desk.seed(name, data) for name, data in seeds.items()))
    assert ended.json["problems"] == []
    assert any("lie.html" in note and "byte:0" in note for note in ended.json["notes"])
    asked = sorted(target for target in trial.world.blog.server.targets() if "?" in target)
    assert asked == ["/plain?a", "/plain?b", "/plain?c", "/plain?d"]
    texts = "".join(title + text for title, text in trial.desk.table("SELECT title, text FROM documents"))
    assert "größtenteils" in texts
    assert "café au lait" in texts
    assert not re.search("[\ud800-\udfff\x00]", texts)


def test_ids_beyond_the_precision_of_numbers_stay_what_they_are(trial: Trial) -> None:
    ids = ["9007199254740993", "18446744073709551615", "99999999999999999999"]
    seed = trial.desk.seed("ids.txt", lines(f"https://x.com/somebody/status/{id}" for id in ids))
    ended = trial.run(seed)
    assert ended.code == 0, ended.out
    refs = trial.desk.table("SELECT ref FROM refs WHERE platform = 'x' AND kind = 'post' ORDER BY length(ref), ref")
    assert [ref for (ref,) in refs] == [f"x:post:{id}" for id in ids]
    for id in ids:
        asked = [target for target in trial.world.x.server.targets() if id in target]
        assert len(asked) == 3, "each route by exactly this id"
        assert trial.desk.call("show", f"x:post:{id}", "--json").json["captures"]


ARGUMENTS = {
    "file:///etc/passwd": "no such file",
    "FILE:///etc/hosts": "only http and https",
    "ftp://site.example/x": "only http and https",
    "javascript:alert(1)": "no such file",
    "javascript://site.example/%0Aalert(1)": "only http and https",
    "data:text/html,x": "no such file",
    "http://": "no address that can be archived",
    "http://site.example:99999/": "no address that can be archived",
    "http://site.example/a\x1b]0;title\x07": "no address that can be archived",
    "http://site.example/a b": "no address that can be archived",
    "http://[::1/": "no address that can be archived",
    "http://../": "no address that can be archived",
}


def test_arguments_that_are_no_web_addresses_are_named(trial: Trial) -> None:
    ended = trial.run(*ARGUMENTS, trial.good())
    assert ended.code == 2
    problems = ended.json["problems"]
    assert len(problems) == len(ARGUMENTS)
    for (argument, expected), problem in zip(ARGUMENTS.items(), problems, strict=True):
        assert problem.startswith(f"{argument}: ")
        assert expected in problem or "only http and https" in problem, problem
    assert trial.desk.value("SELECT count(*) FROM captures WHERE tier = 'import'") == 1
    plain = trial.desk.call("run", *ARGUMENTS)
    assert "\x1b" not in plain.out + plain.err, "a terminal is not steered by an address"


def test_a_password_in_an_address_is_neither_stored_nor_shown(trial: Trial) -> None:
    place = trial.world.blog.server.place
    ended = trial.run(f"http://clerk:correct-horse@{place}/plain", trial.good())
    assert ended.code == 2
    assert any(f"http://…@{place}/plain: " in problem for problem in ended.json["problems"])
    assert "correct-horse" not in ended.out + ended.err
    assert all(b"correct-horse" not in path.read_bytes() for path in trial.desk.folder.glob("archive.db*"))
    assert trial.world.blog.server.targets() == []


def test_fragments_ports_and_international_names(trial: Trial) -> None:
    base = trial.world.blog.url("/plain")
    foreign = ["http://bücher.example/a", "https://x.com:8080/somebody/status/20", "http://xn--bcher-kva.example/a"]
    seed = trial.desk.seed("odd.txt", lines([f"{base}#top", f"{base}#end", *foreign]))
    ended = trial.run(seed)
    assert ended.code == 1
    assert trial.world.blog.server.targets() == ["/plain"], "a fragment is not sent, and names no other page"
    queued = trial.desk.table("SELECT ref FROM work_queue ORDER BY ref")
    assert [ref for (ref,) in queued] == [
        f"web:page:{base}",
        "web:page:http://xn--bcher-kva.example/a",
        "web:page:https://x.com:8080/somebody/status/20",
    ]
    failures = ended.json["failures"]
    assert len(failures) == 2
    assert all(failure.startswith(f"{seed}: ") and "unreachable" in failure for failure in failures)


def test_no_spelling_of_a_private_address_is_asked(trial: Trial) -> None:
    port, blog = trial.hidden.port, trial.world.blog
    hosts = [
        *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "0.0.0.0", "0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("localhost", "LOCALHOST", "①②⑦.⓪.⓪.①", "127。0。0。1", "[fe80::1%25lo]", "[0:0:0:0:0:ffff:7f00:0001]"),
    ]
    direct = [f"http://{host}:{port}/" for host in hosts]
    others = ["http://169.254.169.254/latest", "http://10.0.0.1/", "http://192.168.1.1/", "http://[fd00::1]/"]
    targets = [
        *direct[:1],
        *direct[1:16:3],
        f"http://u:p@{blog.server.place}/plain",
        "file:///etc/passwd",
        "//127.1/",
    ]
    for number, target in enumerate(targets):
        blog.pages[f"/away{number}"] = moved(target)
    away = [blog.url(f"/away{number}") for number in range(len(targets))]
    seed = trial.desk.seed("private.txt", lines([*direct, *others, *away]))
    ended = trial.run(seed, trial.good())
    assert ended.code == 1
    assert set(ended.json["outcomes"]) <= {"blocked", "unreachable", "live", "not-found"}
    failures = ended.json["failures"]
    told = {failure.removeprefix(f"{seed}: ").rpartition("/:")[0] for failure in failures}
    assert all(failure.startswith(f"{seed}: http://") for failure in failures)
    queued = trial.desk.table("SELECT ref FROM work_queue WHERE last_outcome IN ('blocked', 'unreachable')")
    print(f"{len(failures)} refused, {len(told)} of them without a path")
    assert len(failures) == len(queued) >= len(others) + len(away) + 14
    assert sorted(trial.world.blog.server.targets()) == sorted(f"/away{n}" for n in range(len(away)))
    assert [target for target in trial.world.blog.server.targets() if "plain" in target] == []
    assert trial.desk.value("SELECT count(*) FROM captures WHERE peer_port = ? AND length(sent) > 0", port) == 0
    assert trial.desk.value("SELECT count(*) FROM matches WHERE verdict = 'exact'") == 2, "the rest of the run goes on"


def test_bad_seeds_touch_nothing_that_is_stored(trial: Trial) -> None:
    trial.run(trial.good())
    tables = ("captures", "log_leaf", "blobs", "posts", "versions", "edges", "matches", "mentions")
    before = {table: trial.desk.table(f"SELECT * FROM {table}") for table in tables}
    bad = trial.desk.seed("binary.bin", bytes(range(256)) * 20)
    ended = trial.run(bad, "javascript:alert(1)", trial.desk.folder / "absent", trial.good())
    assert (ended.code, ended.json["known"], ended.json["captures"]) == (2, 1, 0)
    for table in tables:
        after = trial.desk.table(f"SELECT * FROM {table}")
        assert after[: len(before[table])] == before[table], table
        if table != "log_leaf":
            assert len(after) - len(before[table]) == (table in ("captures", "blobs")), table


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\x00" + bytes(84)])
def test_a_file_that_is_no_archive_is_left_alone(trial: Trial, content: bytes) -> None:
    trial.desk.db.write_bytes(content)
    ended = trial.desk.call("run", trial.good())
    assert ended.code == 2
    assert str(trial.desk.db) in ended.err
    assert "Choose another --db" in ended.err
    assert trial.desk.db.read_bytes() == content


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[network]\nmax_bytes = -1\n", "'max_bytes' in [network] must not be negative"),
        ("[netwrk]\n", "unknown table [netwrk]"),
        ("[pace]\ndefault = 'soon'\n", "'default' in [pace] must be a number"),
        ("[network\n", "not TOML"),
        ('[network]\nallow_private = ["0.0.0.0/0"]\n', "would allow every address"),
    ],
)
def test_a_wrong_configuration_is_named(trial: Trial, text: str, told: str) -> None:
    trial.desk.config.write_text(text)
    ended = trial.desk.call("run", trial.good())
    assert ended.code == 2
    assert told in ended.err
