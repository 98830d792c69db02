"""Posts that their authors signed, from the servers to a bundle: what a stranger needs to check them is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import signing

BLUESKY = "bluesky:post:at://"


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    signing.archived(folder)
    return folder / "bundle"


def index_of(bag: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((bag / "data/bundle.json").read_bytes())
    return loaded


def test_all_that_a_proof_needs_leaves_with_it(bag: Path) -> None:
    index = index_of(bag)
    told = {(one["kind"], one["valid"], one["pointer"]) for post in index["posts"] for one in post["proofs"]}
    assert {("atproto-record", 1, ""), ("plc-log", 1, ""), ("fep-8b32", 1, "/proof")} <= told
    routes = {(one["route"], one["status"]) for one in index["captures"]}
    assert {(route, 200) for route in ("record-proof", "plc-log", "did", "object", "actor")} <= routes
    for post in index["posts"]:
        if post["ref"].startswith(BLUESKY):
            assert "plc-log" in {one["kind"] for one in post["proofs"]}, "the keys of the account stay at home"


def test_what_a_file_says_of_itself_is_in_the_index_and_in_the_report(bag: Path) -> None:
    (item,) = [item for post in index_of(bag)["posts"] for item in post["media"] if item["c2pa"]]
    (manifest,) = item["c2pa"]["manifests"]
    assert (manifest["title"], manifest["synthetic"]) == (signing.HOSTILE, True)
    assert [manifest[name]["state"] for name in ("signature", "binding", "contents")] == ["holds"] * 3
    page = (bag / "data/report.html").read_text("utf-8")
    assert "Its manifest claims that a trained model had a part in it." in page
    assert "Camera of Example" in page
    assert signing.HOSTILE not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;document.title") >= 1
