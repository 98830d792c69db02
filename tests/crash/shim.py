"""Compiles the shim (`shim.c`), and says why where it cannot be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def built(folder: Path) -> Path:
    """The shim as a library; the test is skipped, with the reason, where it cannot be made or would not be heard."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("no C compiler on Linux: faults cannot be put between a process and its disk")
    library = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the shim cannot be compiled: {done.stderr[:200]}")
    import _sqlite3

    if "libsqlite3.so.0" not in _maps() or not hasattr(_sqlite3, "__file__"):
        pytest.skip("SQLite is built into this Python: what it commits cannot be heard from outside")
    return library


def _maps() -> str:
    return Path("/proc/self/maps").read_text()
