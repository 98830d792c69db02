"""The line for cron and the units for systemd: whatever paths are made of, the program runs in the right folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.cli import main
from archiver.errors import InputError, ParseError
from archiver.jobs import cron, crontab
from archiver.jobs.cron import Job

ODD = (
    *(
        "with space",
        "50%",
        "100%%",
        "it's",
        'a "quoted" one',
        "$HOME",
        "$(touch x)",
        "`touch x`",
        "a;b&c|d",
        "!history",
    ),
    *("bücher", "档案", "é́", "~tilde", "#hash", "*star?", "-dash", "a=b", "{a,b}", "<in>out", "%s%d"),
)
paths = st.lists(
    st.text(
        st.characters(exclude_characters="/\\\x7f", min_codepoint=32, exclude_categories=("Cs", "Cc")),
        min_size=1,
        max_size=12,
    ).filter(lambda name: name not in (".", "..")),
    min_size=1,
    max_size=4,
).map(lambda names: "/" + "/".join(names))


def unescaped(command: str) -> tuple[str, str]:
    """What cron(8) of Debian does with a command: `\\%` is `%`, a bare `%` ends it; what follows is standard input."""
    out, at = "", 0
    while at < len(command):
        if command[at] == "\\" and command[at + 1 : at + 2] in ("%", "\\"):
            out, at = out + command[at + 1], at + 2
        elif command[at] == "%":
            return out, command[at + 1 :]
        else:
            out, at = out + command[at], at + 1
    return out, ""


def recorder(folder: Path) -> Path:
    """A program that writes down where it was called, with what."""
    program = folder / "archiver"
    program.write_text('#!/bin/sh\npwd -P > "$OUT"; for word; do printf "%s\\n" "$word" >> "$OUT"; done\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("name", ODD)
def test_a_shell_that_cron_starts_runs_the_program_in_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    program = recorder(folder)
    job = Job(
        folder=str(folder),
        argv=(str(program), "run", "--db", f"{folder}/a {name}.db"),
        environment=(("OUT", f"{folder}/out"),),
    )
    assert Job.parse(str(job)) == job
    command, given_to_it = unescaped(str(job).split(" ", 5)[5])
    assert given_to_it == ""
    subprocess.run(["/bin/sh", "-c", command], check=True, cwd="/", env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere"})
    assert (folder / "out").read_text() == f"{folder.resolve()}\nrun\n--db\n{folder}/a {name}.db\n"
    assert not (tmp_path / "x").exists()
    assert not (folder / "x").exists()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(folder=paths, db=paths, every=st.sampled_from(cron.EVERY))
def test_every_line_is_read_back(folder: str, db: str, every: int) -> None:
    job = Job(folder=folder, argv=("/opt/archiver", "run", "--quiet", "--db", db), every=every)
    try:
        line = str(job)
    except InputError:
        assert len(folder) + len(db) > 300 or any(ord(char) > 127 for char in folder + db)
        return
    assert "\n" not in line
    assert Job.parse(line) == job
    assert cron.found(f"# mine\n{line}\nMAILTO=x\n".encode(), db) == job


@pytest.mark.parametrize("path", ["/srv/a\\b", "/srv/a\nb", "/srv/\x01", "/srv/" + "x" * 1000])
def test_what_no_line_can_say_is_refused(path: str) -> None:
    with pytest.raises(InputError):
        str(Job(folder=path, argv=("/opt/archiver", "run")))


@pytest.mark.parametrize(
    "line",
    ["", "* * * * *", "*/15 * * * * true", "*/7 * * * * cd /a && b", "*/15 * * * * cd /a && b % x", "MAILTO=me",
     "*/15 * * * * cd /a || b", "*/15 * * * * cd '/a && b", "@daily cd /a && b", "*/15 * * * * cd /a && b; rm -r c",
     "*/15 * * * * cd '/a\\b' && c", "*/15 * * * * cd /a\\ b && c", "*/15 * * * * cd /a && B=1",
     "*/15 * * * * cd \x01 && c"],
)  # fmt: skip
def test_lines_of_others_are_not_ours(line: str) -> None:
    with pytest.raises(ParseError):
        Job.parse(line)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(st.sampled_from("*/15 cd&'\"\\%=;AB$x\x00\n#é"), max_size=40))
def test_no_line_of_a_crontab_breaks_the_search(text: str) -> None:
    for line in (text, f"*/15 * * * * {text}", f"*/15 * * * * cd {text} && x", f"*/15 * * * * cd /a && {text}"):
        try:
            assert str(Job.parse(line)) == line
        except ParseError:
            continue
        finally:
            cron.found(line.encode(), "/a/data/archive.db")


def test_the_minutes_that_a_crontab_can_say() -> None:
    assert [cron.moment(every) for every in (1, 15, 60, 120, 1440)] == [
        *("* * * * *", "*/15 * * * *", "0 * * * *", "0 */2 * * *", "0 0 * * *"),
    ]
    assert len({cron.moment(every) for every in cron.EVERY}) == len(cron.EVERY)
    for every in (0, -1, 7, 45, 90, 1441):
        with pytest.raises(InputError):
            cron.moment(every)


OTHERS = b"SHELL=/bin/bash\n# a % comment\n0 4 * * * /usr/bin/other \xff\xfe\n\n"
JOB = Job(folder="/srv/a", argv=("/opt/archiver", "run", "--db", "/srv/a/data/archive.db"))
DB = "/srv/a/data/archive.db"


@pytest.mark.parametrize("before", [b"", OTHERS, OTHERS.rstrip(b"\n"), b"\r\n# dos\r\n"])
def test_in_a_crontab_the_line_stands_once_and_all_else_stays(before: bytes) -> None:
    once = cron.placed(before, DB, JOB)
    assert cron.placed(once, DB, JOB) == once
    assert once.startswith(before)
    other = Job(folder="/srv/a", argv=JOB.argv, every=60)
    changed = cron.placed(once, DB, other)
    assert cron.found(changed, DB) == other
    assert changed.count(b"/opt/archiver") == 1
    assert cron.placed(changed, DB, None) in (before, before + b"\n")
    second = cron.placed(once, "/srv/b.db", Job(folder="/srv", argv=("/opt/archiver", "run", "--db", "/srv/b.db")))
    assert second.startswith(once)
    assert cron.placed(second, DB, None).count(b"/srv/b.db") > 1
    assert cron.placed(before, DB, None) == before


@pytest.mark.parametrize("cut", [0, -1])
def test_markers_that_were_taken_apart_are_refused(cut: int) -> None:
    lines = cron.placed(OTHERS, DB, JOB).splitlines(keepends=True)
    begin = next(number for number, line in enumerate(lines) if line.startswith(b"# >>>"))
    del lines[begin if cut == 0 else -1]
    with pytest.raises(InputError, match="not a pair"):
        cron.placed(b"".join(lines), DB, JOB)
    turned = cron.placed(b"", DB, JOB).splitlines(keepends=True)[::-1]
    with pytest.raises(InputError, match="wrong order"):
        cron.placed(b"".join(turned), DB, JOB)


# ---- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def fake_crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A crontab command that keeps a file, as the real one does; what it refuses is given by its last line."""
    kept = tmp_path / "spool"
    command = tmp_path / "bin" / "crontab"
    command.parent.mkdir()
    command.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -l ]; then test -e "{kept}" && cat "{kept}" || {{ echo "no crontab for me" >&2; exit 1; }}\n'
        f'else cat > "{kept}.new"; if grep -q REFUSE "{kept}.new"; then echo bad minute >&2; exit 1; fi; '
        f'mv "{kept}.new" "{kept}"; fi\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    return kept


def test_the_line_is_printed_written_once_and_taken_out(
    fake_crontab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "50% of an archive"
    home.mkdir()
    monkeypatch.chdir(home)
    printed = CliRunner().invoke(main, ["install-cron"], catch_exceptions=False)
    assert printed.exit_code == 0
    assert not fake_crontab.exists(), "printing writes nothing"
    line = printed.stdout.splitlines()[-1]
    job = Job.parse(line)
    assert line.startswith("*/15 * * * * cd ")
    assert Path(job.folder) == home
    assert Path(job.argv[0]).is_absolute()
    assert os.access(job.argv[0], os.X_OK)
    assert cron.archive_of(job) == str(home / "data/archive.db")
    assert dict(job.environment) == {"XDG_CONFIG_HOME": os.environ["XDG_CONFIG_HOME"]}
    fake_crontab.write_bytes(OTHERS)
    for said in ("Put into the crontab", "says so already"):
        written = CliRunner().invoke(main, ["install-cron", "--write"], catch_exceptions=False)
        assert written.exit_code == 0, written.stderr
        assert said in written.stdout
        assert fake_crontab.read_bytes().startswith(OTHERS)
        assert fake_crontab.read_bytes().count(line.encode()) == 1
    assert cron.found(crontab.read(), str(home / "data/archive.db")) == job
    removed = CliRunner().invoke(main, ["install-cron", "--remove"], catch_exceptions=False)
    assert removed.exit_code == 0
    assert fake_crontab.read_bytes() == OTHERS
    assert CliRunner().invoke(main, ["install-cron", "--every", "7"]).exit_code == 2
    assert CliRunner().invoke(main, ["install-cron", "--write", "--systemd"]).exit_code == 2
    (tmp_path / "REFUSE").mkdir()
    monkeypatch.chdir(tmp_path / "REFUSE")
    refused = CliRunner().invoke(main, ["install-cron", "--write"])
    assert refused.exit_code == 2
    assert "bad minute" in refused.stderr
    assert fake_crontab.read_bytes() == OTHERS


def test_what_runs_would_not_have_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("X_BEARER_TOKEN", "abc")
    told = CliRunner().invoke(main, ["install-cron"])
    assert "neither seeds/ nor archiver.toml is in this folder" in told.stderr
    assert "not in the environment of such runs, unless you set it there: X_BEARER_TOKEN" in told.stderr
    assert "abc" not in told.stderr
    (tmp_path / "seeds").mkdir()
    monkeypatch.delenv("X_BEARER_TOKEN")
    assert CliRunner().invoke(main, ["install-cron"]).stderr == ""
    assert "journalctl" in CliRunner().invoke(main, ["install-cron", "--systemd"]).stdout


def test_without_a_crontab_command_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = CliRunner().invoke(main, ["install-cron", "--write"])
    assert refused.exit_code == 2
    assert "--systemd" in refused.stderr


def test_what_is_printed_are_options_that_run_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(main, ["install-cron"], catch_exceptions=False).stdout.splitlines()[-1]
    words = list(Job.parse(printed).argv)
    command = main.get_command(click.Context(main), "run")
    assert command is not None
    command.make_context("run", words[words.index("run") + 1 :])


# ---- systemd ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", *ODD, "back\\slash"])
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    folder = tmp_path / name
    folder.mkdir()
    program = recorder(folder)
    job = Job(
        folder=str(folder),
        argv=(str(program), "run", "--db", f"{folder}/a {name}.db"),
        environment=(("XDG_CONFIG_HOME", str(folder)),),
    )
    made = cron.units(job, name="quotechain", user="root", db=f"{folder}/a.db", writes=(str(folder), f"{folder}/keys"))
    assert sorted(made) == ["quotechain.service", "quotechain.timer"]
    out = tmp_path / "units"
    out.mkdir()
    for unit, text in made.items():
        (out / unit).write_text(text)
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *map(str, sorted(out.iterdir()))], capture_output=True, text=True, check=False
    )
    said = [line for line in (checked.stdout + checked.stderr).splitlines() if "quotechain" in line]
    assert said == []
    assert checked.returncode == 0, checked.stderr
    moment = subprocess.run([analyze, "calendar", cron.calendar(15)], capture_output=True, text=True, check=True).stdout
    assert "*:00/15:00" in moment


@pytest.mark.parametrize("every", cron.EVERY)
def test_systemd_knows_each_moment(every: int) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    ended = subprocess.run(
        [analyze, "calendar", "--iterations=3", "--base-time=2026-03-16 00:00:00 UTC", cron.calendar(every)],
        capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


def test_units_that_cannot_be_said_are_refused() -> None:
    for folder in ("/srv/a\nb", "/srv/ends with space ", "/srv/back\\"):
        with pytest.raises(InputError):
            cron.units(Job(folder=folder, argv=("/a",)), name="q", user="u", db="/d", writes=())


def test_the_command_prints_both_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    call = ["install-cron", "--systemd", "--every", "60"]
    first = CliRunner().invoke(main, call, catch_exceptions=False).stdout
    assert f"ReadWritePaths=-{tmp_path}\n" in first, "a first run makes the folders"
    (tmp_path / "data").mkdir()
    (tmp_path / "keys" / "quotechain" / "keys").mkdir(parents=True)
    (tmp_path / "archiver.toml").write_text('[metrics]\nfile = "numbers/archive.prom"\n')
    (tmp_path / "numbers").mkdir()
    printed = CliRunner().invoke(main, call, catch_exceptions=False).stdout
    written = f"-{tmp_path}/data -{tmp_path}/keys/quotechain/keys -{tmp_path}/numbers"
    assert f"ReadWritePaths={written}\n" in printed
    assert "OnCalendar=hourly" in printed
    assert "Persistent=true" in printed
    assert f"WorkingDirectory={tmp_path}" in printed
    assert sys.executable.rsplit("/", 1)[0] in printed
