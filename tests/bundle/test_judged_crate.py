"""roc-validator, in an environment of its own, accepts the research object of a bundle and refuses a changed one."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.leaving import ADA, ROOT, House

JUDGES = ROOT / ".venv-judges/bin"
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(
        not (JUDGES / "rocrate-validator").exists(), reason="roc-validator is not installed: make judges"
    ),
]


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = House.build(tmp_path_factory.mktemp("house"))
    house.export("a.zip", ADA)
    return house.unpacked("a.zip")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the validator takes for the network."""
    path = tmp_path_factory.mktemp("cache") / "http"
    command = [str(JUDGES / "python"), str(Path(__file__).with_name("crate_context.py")), str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def judged(crate: Path, cache: Path) -> list[str]:
    """What is required of an RO-Crate 1.1 and not so: empty when it is valid. No request leaves: `--offline`."""
    command = [str(JUDGES / "rocrate-validator"), "--no-interactive", "--disable-color", "validate", "--no-paging"]
    command += ["--offline", "--cache-path", str(cache), "-p", "ro-crate-1.1", "-l", "required", "-f", "json"]
    done = subprocess.run([*command, str(crate)], capture_output=True, text=True, timeout=300, check=False)
    assert "not available in the HTTP cache" not in done.stdout, "the context was not found"
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["statistics"]["total_checks"] >= 38, "fewer was checked than by 0.13"
    assert told["passed"] is (done.returncode == 0) is (not told["issues"])
    return [issue["message"] for issue in told["issues"]]


def test_it_accepts(bag: Path, cache: Path) -> None:
    assert judged(bag / "data", cache) == []


def entity(graph: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in graph if one["@id"] == name)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no root": (lambda crate: crate["@graph"].remove(entity(crate["@graph"], "./")), "Root Data Entity"),
    "no date": (lambda crate: entity(crate["@graph"], "./").pop("datePublished"), "datePublished"),
    "no licence": (lambda crate: entity(crate["@graph"], "./").pop("license"), "license"),
    "another version": (
        lambda crate: entity(crate["@graph"], "ro-crate-metadata.json").update(conformsTo={"@id": "https://x.example"}),
        "conformsTo",
    ),
    "a file that is not there": (
        lambda crate: (
            entity(crate["@graph"], "./")["hasPart"].append({"@id": "other.csv"}),
            crate["@graph"].append({"@id": "other.csv", "@type": "File", "name": "other.csv"}),
        ),
        "other.csv",
    ),
    "a word that nothing defines": (
        lambda crate: entity(crate["@graph"], "bundle.json").update(truthful=True),
        "truthful",
    ),
    "a thing in a thing": (
        lambda crate: entity(crate["@graph"], "./").update(author={"@type": "Person", "name": "Tam"}),
        "",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_refuses_what_was_changed(bag: Path, cache: Path, tmp_path: Path, what: str) -> None:
    change, told = CHANGES[what]
    data = Path(shutil.copytree(bag / "data", tmp_path / "data"))
    path = data / "ro-crate-metadata.json"
    crate = json.loads(path.read_bytes())
    change(crate)
    path.write_text(json.dumps(crate))
    issues = judged(data, cache)
    assert issues
    assert any(told in issue for issue in issues), issues


def test_it_refuses_a_crate_whose_file_was_taken_out(bag: Path, cache: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(bag / "data", tmp_path / "data"))
    (data / "posts.csv").unlink()
    assert any("posts.csv" in issue for issue in judged(data, cache))
