"""`[watch]` of the configuration: what it says, what it refuses, and which policy a ref gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import InputError
from archiver.jobs.config import load
from archiver.jobs.policies import parse
from archiver.schedule import DEFAULT, Period

PLACE = "archiver.toml"


def test_no_table_is_the_default() -> None:
    watch = parse(PLACE, {})
    assert watch.default == DEFAULT == watch.policy(platform="x", seed="a.txt")
    assert not watch.by_seed


def test_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "archiver.toml"
    path.write_text(
        '[watch]\nfirst = "3h"\ngrow = 0.2\nrarest = "30d"\ngone_for = "never"\nstop = "5w"\n'
        '[watch.platforms.bluesky]\nfirst = "1h"\n'
        '[watch.collections."elections"]\nrarest = "2d"\n'
        '[watch.seeds."once/*"]\nnever = true\n'
        '[watch.seeds."once/twice.txt"]\nnever = false\nstop = "never"\n'
    )
    watch = load(path).watch
    assert (str(watch.default.first), watch.default.grow, str(watch.default.rarest)) == ("3h", 0.2, "30d")
    assert (watch.default.gone_for, str(watch.default.stop), watch.by_seed) == (None, "35d", True)
    assert str(watch.policy(platform="bluesky").first) == "1h"
    found = watch.policy(platform="bluesky", collection="elections", seed="once/a.txt")
    assert (str(found.first), str(found.rarest), found.never) == ("1h", "2d", True)
    twice = watch.policy(platform="x", seed="once/twice.txt")
    assert (twice.never, twice.stop) == (False, None)
    assert not watch.policy(platform="x", seed="twice/once/a.txt").never


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "key": ({"often": "1h"}, r"unknown key 'often' in \[watch\]"),
    "number": ({"first": 6}, r"'first' in \[watch\] must be a text"),
    "no period": ({"rarest": "soon"}, r"'rarest' in \[watch\]: 'soon' is no length of time"),
    "never first": ({"first": "never"}, r"'first' in \[watch\]: 'never' is no length"),
    "too often": ({"first": "59s"}, r"must not be shorter than 1m"),
    "order": ({"first": "2d", "rarest": "1d"}, r"'first' in \[watch\] must not be longer than 'rarest'"),
    "grow": ({"grow": "0.1"}, r"'grow' in \[watch\] must be a number from 0 to 10"),
    "grows back": ({"grow": -0.1}, r"'grow' in \[watch\] must be a number"),
    "grow nan": ({"grow": float("nan")}, r"'grow' in \[watch\] must be a number"),
    "grow bool": ({"grow": True}, r"'grow' in \[watch\] must be a number"),
    "never": ({"never": "yes"}, r"'never' in \[watch\] must be true or false"),
    "platform": ({"platforms": {"xx": {}}}, r"unknown platform 'xx' in \[watch.platforms\]"),
    "tables": ({"seeds": {"a.txt": "6h"}}, r"watch.seeds must be tables"),
    "list": ({"seeds": []}, r"watch.seeds must be tables"),
    "within": ({"seeds": {"a.txt": {"grow": []}}}, r"'grow' in \[watch.seeds.\"a.txt\"\] must be a number"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused_by_name(name: str) -> None:
    raw, message = WRONG[name]
    with pytest.raises(InputError, match=message) as refused:
        parse(PLACE, raw)
    assert refused.value.place == PLACE


def test_a_watch_that_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match="watch must be a table"):
        parse(PLACE, "often")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["6h", "never", "", "٣d", "9" * 99 + "d"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["first", "x", "seeds"]), inner, max_size=2)
    ),
    max_leaves=4,
)
keys = st.sampled_from(["first", "grow", "rarest", "gone_for", "stop", "never", "platforms", "seeds", "collections"])


@given(st.dictionaries(keys, values, max_size=4))
def test_any_value_is_a_policy_or_a_message(raw: dict[str, Any]) -> None:
    try:
        policy = parse(PLACE, raw).policy(platform="x", seed="x", collection="x")
    except InputError as error:
        told = error.message
    else:
        told = "watch" if isinstance(policy.first, Period) and isinstance(policy.never, bool) else ""
    assert "watch" in told
