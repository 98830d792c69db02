"""Recorded answers, changed at one to four of their places, always the same ones."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from archiver import platforms
from archiver.model import Answer, Ref, Request
from tests.fuzz import mutating
from tests.fuzz.choosing import Chooser
from tests.fuzz.holding import bounded
from tests.fuzz.targets import held

sys.path.append(str(Path(__file__).parent.parent / "platforms"))
import test_fediverse_corpus

pytestmark = pytest.mark.corpus
CHANGES = 6  # of each answer
MOST = 20  # answers of a route
LARGEST = 60_000  # bytes
X_KINDS = ("syndication", "v1.1", "graphql", "v2", "oembed", "vxtwitter")
SKY_ROUTES = {"appview.getPosts": "posts", "pds.getRecord": "record", "plc.did": "did", "plc.audit": "plc-log"}


def of_x(folder: Path) -> Iterator[Answer]:
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row["kind"] in X_KINDS and row["path"].endswith(".json"):
                digits = "".join(filter(str.isdigit, Path(row["path"]).stem)) or "20"
                request = Request(ref=Ref.parse(f"x:post:{digits}"), route=row["kind"], url="https://api.example/")
                yield Answer(request=request, status=200, body=(folder / row["path"]).read_bytes())


def of_bluesky(folder: Path) -> Iterator[Answer]:
    for path in sorted((folder / "local").glob("*.json")):
        route = SKY_ROUTES.get(".".join(path.name.split(".")[:2]))
        value = json.loads(path.read_bytes())
        if route is None or (isinstance(value, dict) and "error" in value):
            continue
        first = value[0] if isinstance(value, list) else value
        first = first["posts"][0] if first.get("posts") else first
        uri = first.get("uri") or ""
        did = uri.split("/")[2] if uri else first.get("id") or first.get("did") or ""
        if did:
            ref = Ref.parse(f"bluesky:post:{uri}" if uri else f"bluesky:account:{did}")
            request = Request(ref=ref, route=route, url="https://api.example/", given=(("did", did),))
            yield Answer(request=request, status=200, body=path.read_bytes())


def of_fediverse(folder: Path) -> Iterator[Answer]:
    for case in test_fediverse_corpus.recorded(folder):
        yield case.answer


@pytest.mark.parametrize("platform", ["x", "bluesky", "fediverse"])
def test_changed_recordings_are_read_or_refused(platform: str, corpus: Path) -> None:
    read = {"x": of_x, "bluesky": of_bluesky, "fediverse": of_fediverse}[platform]
    folder = corpus / {"bluesky": "atproto"}.get(platform, platform)
    counts: Counter[str] = Counter()
    parse, random = platforms.all_platforms()[platform].parse, Random(platform)
    for answer in read(folder):
        route = answer.request.route
        try:
            value = json.loads(answer.body)
        except ValueError:
            continue
        if counts[route] >= MOST or len(answer.body) > LARGEST:
            continue
        counts[route] += 1
        for _ in range(CHANGES):
            chooser = Chooser(random.randbytes(120))
            body = mutating.encoded(chooser, mutating.document(chooser, value))
            changed = Answer(
                request=answer.request, status=answer.status, headers=answer.headers, body=body, url=answer.url
            )
            reading = bounded(len(body), partial(parse, answer.request, changed))
            counts["read" if reading is not None else "refused"] += 1
            if reading is not None:
                held(reading)
    print(f"\n{platform}: {dict(counts)}")
    assert counts["read"] > 20
