"""A room imports only from floors below it, and the pure floors touch neither clock, disk, network nor chance."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "archiver"
FLOORS = {
    "model": 0, "errors": 0, "__init__": 0,
    "documents": 1, "quotes": 1, "platforms": 1, "custody": 1, "graph": 1, "schedule": 1,
    "store": 2, "net": 2,
    "bundle": 3, "jobs": 4,
    "render": 5,
    "datasette_plugin": 6, "cli": 6, "__main__": 7,
}  # fmt: skip
FLOORS |= {path.stem: 7 for path in ROOT.glob("cli_*.py")}
IMPURE = {"httpx", "httpcore", "sqlite3", "sqlite_utils", "os", "socket", "subprocess", "time", "random"}
IMPURE |= {"uuid", "secrets"}
ONLY = {"sqlite3": {"store"}, "sqlite_utils": {"store"}, "httpx": {"net"}, "httpcore": {"net"}}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


def room(path: Path) -> str:
    part = path.relative_to(ROOT).parts[0]
    return part.removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or ""
            if node.module == "archiver":
                yield from (f"archiver.{alias.name}" for alias in node.names)


def faults(name: str, source: str) -> list[str]:
    """What a file of room `name` does that its floor forbids."""
    tree, floor, found = ast.parse(source), FLOORS[name], []
    for module in imports(tree):
        top, _, rest = module.partition(".")
        if top == "archiver" and rest:
            other = rest.split(".")[0]
            if other.startswith("__version__"):
                continue
            if other != name and FLOORS[other] >= floor and (name, other) != ("model", "errors"):
                found.append(f"{name} (floor {floor}) imports {other} (floor {FLOORS[other]})")
        if floor <= 1 and top in IMPURE:
            found.append(f"{name} is pure and imports {top}")
        if top in ONLY and name not in ONLY[top]:
            found.append(f"{top} is imported outside {', '.join(sorted(ONLY[top]))}")
    if floor <= 1:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                found.append(f"{name} is pure and calls open")
            if isinstance(node, ast.Attribute) and (getattr(node.value, "id", ""), node.attr) in CLOCKS:
                found.append(f"{name} is pure and reads the clock")
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_keeps_to_its_floor(path: Path) -> None:
    assert faults(room(path), path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("platforms", "import sqlite3"),
        ("platforms", "from archiver.documents import read"),
        ("documents", "import time"),
        ("quotes", "open('x')"),
        ("custody", "from datetime import datetime\nnow = datetime.now()"),
        ("store", "from archiver.jobs import capture"),
        ("store", "import httpx"),
        ("jobs", "from archiver import cli"),
    ],
)
def test_the_check_refuses_what_it_must(name: str, source: str) -> None:
    assert faults(name, source)


def test_no_drawer_and_no_file_above_400_lines() -> None:
    for path in ROOT.rglob("*.py"):
        assert path.stem not in {"utils", "util", "helpers", "misc", "common"}, path
        assert len(path.read_text("utf-8").splitlines()) <= 400, path
