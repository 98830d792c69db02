"""Who holds an archive: told by the system and by a file, which may hold anything."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import InputError
from archiver.jobs.holding import SILENT, Holder, hold, holder


def test_nobody_holds_what_is_not_there_or_was_left(tmp_path: Path) -> None:
    db = tmp_path / "archive.db"
    assert holder(db) is None
    with hold(db, "run"):
        held = holder(db)
        assert held is not None
        assert (held.pid, held.doing, held.stuck) == (os.getpid(), "run", False)
    assert holder(db) is None
    db.with_name("archive.db.lock").write_text(
        '{"pid": 1, "machine": "m", "since": 1.0, "doing": "run", "beat": 1.0}\n'
    )
    assert holder(db) is None, "what a killed holder wrote means nothing"


def test_a_second_is_refused_at_once_and_told_by_whom(tmp_path: Path) -> None:
    db = tmp_path / "archive.db"
    with hold(db, "verify"):
        since = time.monotonic()
        with pytest.raises(InputError) as caught, hold(db, "run"):
            pass
        assert time.monotonic() - since < 5, "it does not wait for the other to end"
    assert f"at work on this archive: verify, process {os.getpid()} on " in str(caught.value)
    assert "Wait for it to end" in str(caught.value)


def test_what_is_done_is_told_at_once_and_a_sign_of_life_at_most_every_few_seconds(tmp_path: Path) -> None:
    db = tmp_path / "archive.db"
    file = db.with_name("archive.db.lock")
    with hold(db, "a long name of what is done") as held:
        for _ in range(1000):
            held.beat()
        before = file.read_bytes()
        held.beat("settle")
        told = holder(db)
        assert told is not None
        assert told.doing == "settle"
        assert file.read_bytes() != before


def test_silence_for_an_hour_is_told_with_what_to_do(tmp_path: Path) -> None:
    db = tmp_path / "archive.db"
    with hold(db, "run"):
        later = holder(db, now=lambda: time.time() + SILENT + 1)
        assert later is not None
        assert later.stuck
        assert "last sign of life 60 min ago: it may be stuck" in str(later)
        earlier = holder(db, now=lambda: 0.0)
        assert earlier is not None
        assert (earlier.stuck, earlier.silent) == (False, 0.0), "a clock that went back accuses nobody"
        old = time.time() - 2 * SILENT
        file = db.with_name("archive.db.lock")
        told = json.loads(file.read_text()) | {"beat": old}
        file.write_text(json.dumps(told) + "\n")
        with pytest.raises(InputError) as caught, hold(db, "run"):
            pass
    assert f"kill {os.getpid()}" in str(caught.value)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["pid", "machine", "since", "doing", "beat"]), inner, max_size=5)
        ),
        max_leaves=9,
    ).map(lambda value: json.dumps(value).encode() + b"\n")
)
def test_whatever_stands_in_the_file_is_told_or_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    db = tmp_path_factory.getbasetemp() / "odd.db"
    with hold(db, "run"):
        db.with_name("odd.db.lock").write_bytes(data)
        held = holder(db)
        assert isinstance(held, Holder)
        assert str(held).startswith("another archiver is at work on this archive")
        assert "\n" not in str(held)


def _look(db: Path, until: float) -> None:
    while time.time() < until:
        holder(db)
        time.sleep(0.002)


def test_who_only_looks_keeps_nobody_out(tmp_path: Path) -> None:
    db, until = tmp_path / "archive.db", time.time() + 1.0
    with hold(db, "run"):
        pass
    spawn: Callable[..., multiprocessing.Process] = multiprocessing.get_context("fork").Process
    looking = [spawn(target=_look, args=(db, until)) for _ in range(2)]
    for process in looking:
        process.start()
    taken = 0
    while time.time() < until:
        with hold(db, "run"):
            taken += 1
    for process in looking:
        process.join()
    print(f"taken {taken} times")
    assert taken > 10
