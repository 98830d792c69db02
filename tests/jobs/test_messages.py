"""What a person reads: short reports, true messages with a place and a next step, no traceback."""

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archiver.cli import main
from archiver.jobs import config
from archiver.jobs.reporting import DocumentReport, MentionReport, Report
from archiver.render.run import print_run

ROOT = Path(__file__).parent.parent.parent
ARTICLE = "<p>“The gulls of the quay have been seen to queue for the ferry, all of them.”</p>"


def call(*arguments: str | Path, given: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given, catch_exceptions=False)


def started(*arguments: str | Path, **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "archiver", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | environment,
    )


def mention(kind: str, number: int = 0, **given: object) -> MentionReport:
    fields: dict[str, object] = {
        "kind": kind,
        "passage": f"doc:passage:{'a' * 64}:{number}-{number + 9}",
        "words": f"words number {number}",
        "status": "unresolved" if kind == "passage" else "resolved",
        "verdict": "not-found" if kind == "passage" else "",
        "edits": 0,
        "changes": [],
        "parts": [],
    }
    empty = dict.fromkeys(("handle", "day", "how", "ref", "reason", "flags", "id_low", "id_high", "outcome"), "")
    return MentionReport(**(empty | fields | given))  # type: ignore[arg-type]


def document(number: int, *mentions: MentionReport, phrases: int = 0, repairs: int = 0) -> DocumentReport:
    return DocumentReport(
        ref=f"doc:document:{number:064x}",
        name=f"page-{number}.html",
        media_type="text/html",
        characters=10,
        repairs=[f"repair {n}" for n in range(repairs)],
        phrases=[f"phrase {n}" for n in range(phrases)],
        mentions=list(mentions),
    )


def printed(capsys: pytest.CaptureFixture[str], report: Report, db: str = "data/archive.db") -> str:
    print_run(report, Path(db), as_json=False)
    return capsys.readouterr().out


def test_passages_without_a_source_take_one_line_and_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    passages = [mention("passage", n) for n in range(17)]
    told = mention("passage", 99, verdict="altered", ref="x:post:20", changes=["says “a” where the post says “b”"])
    out = printed(capsys, Report(documents=[document(1, *passages, told)]), "other.db")
    assert out.count("words number") == 6
    assert "words number 99" in out
    assert "says “a” where the post says “b”" in out
    assert "  passage: “words number 0” not-found doc:passage:aaaaaaaaaaaa…:0-9\n" in out
    lists = f"`archiver show doc:document:{'0' * 12}… --db other.db` lists all"
    assert f"  and 12 more passages without a source; {lists}\n" in out
    one_more = printed(capsys, Report(documents=[document(1, *passages[:6])]))
    assert "  and 1 more passage without a source; `archiver show doc:document:000000000000…` lists all" in one_more
    assert " more " not in printed(capsys, Report(documents=[document(1, *passages[:5])]))


def test_addresses_phrases_and_repairs_are_bounded_but_not_what_they_tell(capsys: pytest.CaptureFixture[str]) -> None:
    links = [mention("permalink", n, ref=f"x:post:{n}") for n in range(30)]
    gone = mention("permalink", 77, ref="x:post:77", outcome="deleted")
    out = printed(capsys, Report(documents=[document(1, *links, gone, phrases=7, repairs=9)]))
    assert out.count("permalink: “") == 21
    assert "the post is deleted" in out
    assert "and 10 more addresses;" in out
    assert "and 2 more phrases that stand elsewhere;" in out
    assert "and 4 more pieces of damaged text;" in out


def test_beyond_twenty_documents_only_what_tells_something_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    plain = [document(n, mention("passage", n), mention("permalink", n)) for n in range(40)]
    telling = [
        document(50, mention("passage", 500), mention("embed", 501)),
        document(51, mention("signed-quotation", 510, verdict="not-judged")),
        document(52, mention("passage", 520, verdict="exact", ref="x:post:20")),
        document(53, mention("permalink", 530, outcome="deleted", ref="x:post:21")),
    ]
    out = printed(capsys, Report(documents=plain + telling))
    assert [n for n in range(60) if f"page-{n}.html" in out] == [*range(20), 50, 51, 52, 53]
    for number in (501, 510, 520, 530):
        assert f"words number {number}" in out
    assert "words number 500" not in out
    assert "24 more documents: " in out
    assert "left out: 21 passages, 20 permalinks. `--json` lists all." in out
    print_run(Report(documents=plain + telling), Path("a.db"), as_json=True)
    assert len(json.loads(capsys.readouterr().out)["documents"]) == 44


def test_messages_are_bounded_and_name_lines_as_people_do(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(
        problems=["a.bin: binary data at byte:0", "b.csv: line 1: no column"],
        failures=["http://a.example/: http://a.example/: unreachable", *(f"failure {n}" for n in range(24))],
        notes=["list.txt: no address: 'x' (text:12:1)", "c.html: broken (byte:17)"],
    )
    out = printed(capsys, report)
    assert "! a.bin: binary data\n" in out
    assert "! b.csv: line 1: no column\n" in out
    assert "Note: list.txt: no address: 'x' (line 12)\n" in out
    assert "(byte:17)" in out, "where a byte is wrong is of use"
    assert "… and 5 more failed looks: `--json` lists all." in out
    assert out.count("! failure") == 19
    assert "! http://a.example/: unreachable\n" in out


def test_show_takes_what_the_report_shows(tmp_path: Path) -> None:
    seed, db = tmp_path / "article.html", tmp_path / "a.db"
    seed.write_text(ARTICLE + '<p><a href="https://x.com/bo_example/status/2032522075960246273">here</a></p>')
    out = call("run", seed, "--offline", "--db", db).stdout
    (passage,) = re.findall(r"doc:passage:[0-9a-f]{12}…:\d+-\d+", out)
    shown = call("show", passage, "--db", db)
    assert shown.exit_code == 0
    assert "not-found “The gulls of the quay" in shown.stdout
    assert call("show", passage.replace("…", ""), "--db", db).stdout == shown.stdout
    document = passage.replace("passage", "document").partition("…")[0]
    by_name = call("show", seed, "--db", db).stdout
    assert call("show", document + "…", "--db", db).stdout == by_name
    assert "“https://x.com/bo_example/status/2032522075960246273” of x:post:2032522075960246273" in by_name
    assert "not captured yet" in call("show", "x:post:2032522075960246273", "--db", db).stdout
    decided = call("resolve", passage, "x:post:2032522075960246273", "--reason", "it says so", "--db", db)
    assert decided.exit_code == 0, decided.stderr
    assert json.loads(call("show", passage, "--db", db, "--json").stdout)["mentions"][0]["how"] == "statement"
    wrong = ("doc:passage:" + "0" * 12 + "…:1-2", passage.rpartition(":")[0] + ":0-1", "nonsense", "", "https://")
    for what in wrong:
        refused = call("show", what, "--db", db)
        assert refused.exit_code == 2, what
        assert refused.stderr.startswith("archiver: the archive knows nothing of "), what
        assert call("resolve", what, "x:post:20", "--reason", "r", "--db", db).exit_code == 2


def test_a_shortened_ref_that_fits_two_documents_is_refused(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    names, found = {}, ""
    for number in range(40_000):  # two texts whose SHA-256 begin alike: a few thousand tries
        text = f"text {number}\n"
        begin = hashlib.sha256(text.encode()).hexdigest()[:6]
        if begin in names:
            found = begin
            break
        names[begin] = text
    assert found
    for name, content in (("one.txt", names[found]), ("two.txt", text)):
        (tmp_path / name).write_text(content)
    call("add", tmp_path / "one.txt", tmp_path / "two.txt", "--db", db)
    refused = call("show", f"doc:document:{found}…", "--db", db)
    assert refused.exit_code == 2
    assert "several documents begin with" in refused.stderr


CONFIGURATIONS = {
    "x = [": "not TOML",
    "[networ]\na = 1": "unknown table [networ]",
    "[follow]\ndept = 1": "unknown key 'dept' in [follow]. Known are depth",
    '[network]\nmax_bytes = "a"': "'max_bytes' in [network] must be an integer",
    "follow = 3": "follow must be a table",
    '[endpoints]\n"x.sindication" = "http://a.example"': "unknown endpoint 'x.sindication'",
    '[endpoints]\n"x.syndication" = "a.example"': "must begin with http:// or https://",
    '[options]\n"bluesky.proof" = "no"': "unknown option 'bluesky.proof'",
    '[options]\n"x.wayback" = "on"': """must be "yes" or "no\"""",
    "[pace]\ndefault = nan": "must not be negative, infinite or nan",
    "[follow]\nhosts = 0": "'hosts' in [follow] must be from 1 to 64",
    "[follow]\nper_host = 9": "'per_host' in [follow] must be from 1 to 8",
    "[network]\nread_timeout = 0": "must be more than 0",
    '[network]\nverify = "absent.pem"': "names no file: absent.pem",
    '[fediverse]\nkey_id = "https://a.example/actor#key"': "key_id and key_file together",
    '[fediverse]\nkey_id = "https://a.example/actor#key"\nkey_file = "absent.pem"': "names no file: absent.pem",
}


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_a_wrong_configuration_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path, seed = tmp_path / "archiver.toml", tmp_path / "seed.txt"
    path.write_text(text)
    seed.write_text("Nobody is quoted here.\n")
    refused = call("run", seed, "--offline", "--config", path, "--db", tmp_path / "a.db")
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"archiver: {path}: ")
    assert CONFIGURATIONS[text] in refused.stderr
    assert not (tmp_path / "a.db").exists()


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, expected in (
        ("", "Is a directory"),
        ("absent.toml", "no such file"),
        ("bytes.toml", "byte 0 is no UTF-8"),
    ):
        refused = call("add", "x", "--config", tmp_path / name, "--db", tmp_path / "a.db")
        assert refused.exit_code == 2
        assert expected in refused.stderr


def test_known_endpoints_and_options_are_those_of_the_platforms() -> None:
    source = "".join(file.read_text("utf-8") for file in (ROOT / "archiver" / "platforms").rglob("*.py"))
    assert set(re.findall(r"""\.endpoint\(\s*["']([a-z0-9._-]+)["']""", source)) == config.ENDPOINTS
    asked = set(re.findall(r"""settings\.options(?:\.get\(|\[)["']([a-z0-9._]+)["']""", source))
    asked |= set(re.findall(r"""["']([a-z0-9._]+)["'] in settings\.options""", source))
    assert asked - {"fediverse.signer"} == set(config.OPTIONS), "fediverse.signer comes from [fediverse]"
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    for name in {*config.ENDPOINTS, *config.OPTIONS}:
        assert name in page, name


def test_an_archive_that_cannot_be(tmp_path: Path) -> None:
    text, seed = tmp_path / "text.db", tmp_path / "seed.txt"
    text.write_text("not a database, but long enough to look at: " * 10)
    seed.write_text("Nobody is quoted here.\n")
    for db, expected in ((text, "not a database"), (tmp_path, "is a directory"), (seed / "x.db", "File exists")):
        for command in (("run", seed, "--offline"), ("add", seed)):
            refused = call(*command, "--db", db)
            assert refused.exit_code == 2, refused.stderr
            assert expected in refused.stderr
    assert text.read_text().startswith("not a database")
    for reader in (("status",), ("show", "x:post:20"), ("rebuild", "--check"), ("serve", "--print")):
        refused = call(*reader, "--db", tmp_path / "absent.db")
        assert refused.exit_code == 2
        assert "no archive here yet. Run `archiver run SEED` first" in refused.stderr
    assert not (tmp_path / "absent.db").exists()


def test_a_seed_that_became_unreadable_does_not_show_what_it_was(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    first = call("run", "-", "--offline", "--db", db, given="Nobody is quoted here, nobody at all.\n")
    assert "stdin (38 characters)" in first.stdout
    then = call("run", "-", "--offline", "--db", db, given="")
    assert then.exit_code == 2
    assert "! stdin: empty\n" in then.stdout
    assert "characters)" not in then.stdout
    again = call("run", "-", "--offline", "--db", db, given="")
    assert "Note: stdin: known already, and not readable: empty\n" in again.stdout
    assert "characters)" not in again.stdout


def test_a_list_with_a_bad_line_says_which(tmp_path: Path) -> None:
    seed = tmp_path / "list.txt"
    seed.write_text("https://x.com/a_example/status/2032522075960246274\njavascript:alert(1)\nhttps://a.example/2\n")
    out = call("run", seed, "--offline", "--db", tmp_path / "a.db").stdout
    assert f"Note: {seed}: no address: 'javascript:alert(1)' (line 2)\n" in out


def test_nothing_given_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = call("run").stdout
    assert "Nothing to do: name a document, a folder or an address" in out


def printed_in(encoding: str, *arguments: str | Path) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of a command in this process, on streams that refuse what they cannot encode."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    told = []
    for stream in (out, err):
        stream.flush()
        told.append(stream.detach().getvalue())
    return int(end.value.code or 0), *told


def printed_by_a_process(encoding: str, *arguments: str | Path) -> tuple[int, bytes, bytes]:
    process = started(*arguments, PYTHONIOENCODING=encoding, LC_ALL="C")
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", printed_by_a_process), ("ascii", printed_in), ("latin-1", printed_in), ("utf-8", printed_in)],
)
def test_a_terminal_without_the_letters_does_not_stop_a_command(
    tmp_path: Path, encoding: str, shown: Callable[..., tuple[int, bytes, bytes]]
) -> None:
    seed, db = tmp_path / "article.html", tmp_path / "a.db"
    seed.write_text(ARTICLE, "utf-8")
    for arguments in (("run", seed, "--offline"), ("show", seed), ("show", seed, "--json"), ("status",)):
        code, out, err = shown(encoding, *arguments, "--db", db)
        assert code == 0, err
        assert b"Traceback" not in err
        assert out.decode(encoding)
        if arguments == ("show", seed):
            assert ("“" in out.decode(encoding)) is (encoding == "utf-8"), "a letter that is not there is spelled"


def test_a_reader_that_goes_away_leaves_no_traceback(tmp_path: Path) -> None:
    seed, db = tmp_path / "article.html", tmp_path / "a.db"
    seed.write_text(ARTICLE, "utf-8")
    for arguments in (("run", seed, "--offline"), ("show", seed), ("run", seed, "--offline", "--json")):
        process = started(*arguments, "--db", db)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        process.stderr.close()
        process.wait(timeout=60)


def test_an_interruption_says_that_nothing_is_lost(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        process = started("run", f"http://{place}/", "--allow-private", place, "--db", tmp_path / "a.db")
        silent.settimeout(60)
        connection, _ = silent.accept()  # it asks: now it waits for an answer that never comes
        with connection:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"archiver: interrupted. What was stored is kept; run the command again to go on.\n" in err
    assert b"Traceback" not in err
    assert call("rebuild", "--check", "--db", tmp_path / "a.db").exit_code == 0
    assert "did not end" in call("status", "--db", tmp_path / "a.db").stdout
