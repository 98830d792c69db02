"""The documentation of a bundle says what a bundle holds."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest

from archiver.bundle import index
from tests.bundle.leaving import House, files_of, index_of

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "custody.md"
SHAPES = {name: shape for name, shape in vars(index).items() if typing.is_typeddict(shape)}


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = House.build(tmp_path_factory.mktemp("house"))
    house.export("all.zip", collection="seeds")
    return house.unpacked("all.zip")


def section() -> str:
    return DOCUMENT.read_text("utf-8").split("### `bundle.json`")[1].split("```")[1]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_each_field_is_documented(name: str) -> None:
    told = set(re.findall(r'"([a-z0-9_]+)"', section()))
    assert set(SHAPES[name].__annotations__) <= told


def test_no_other_field_is_documented() -> None:
    known = {field for shape in SHAPES.values() for field in shape.__annotations__}
    told = set(re.findall(r'(?<!\|)"([a-z0-9_]+)"(?=[:,}])', section()))
    assert told - known == set()


def fits(value: object, shape: object) -> bool:
    """Whether a value of JSON is of a type as the shapes write it."""
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if typing.is_typeddict(shape):
        hints = typing.get_type_hints(shape)
        return isinstance(value, dict) and set(value) == set(hints) and all(fits(value[n], hints[n]) for n in hints)
    if shape is index.Files:
        return isinstance(value, dict) and {*map(type, value), *map(type, value.values())} == {str}
    if origin in (list, index.Many):
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, arguments[1]) for item in value.values())
    if arguments:
        return any(fits(value, one) for one in arguments)
    return type(value) is shape or (value is None and shape is type(None))


def test_a_bundle_has_the_shape_that_is_written_down(bag: Path) -> None:
    held = index_of(bag)
    for name, shape in typing.get_type_hints(index.Index).items():
        assert fits(held[name], shape), name
    assert set(held) == set(index.Index.__annotations__)
    assert not fits({**held, "size": "1"}, index.Index)
    assert all(held[name] for name in ("captures", "posts", "documents", "verdicts", "leaves", "files"))


def test_each_file_of_a_bundle_is_in_the_table(bag: Path) -> None:
    table = DOCUMENT.read_text("utf-8").split("## The bundle")[1].split("The zip holds")[0]
    names = re.findall(r"`([^`]+)`", table)
    patterns = [re.escape(name).replace(r"\*", ".*") for name in names]
    patterns = [re.sub(r"SHA256|UID|INDEX|SIZE|SERVICE|\bN\b", "[^/]+", pattern) for pattern in patterns]
    for path in files_of(bag):
        assert any(re.fullmatch(pattern, path) for pattern in patterns), path
