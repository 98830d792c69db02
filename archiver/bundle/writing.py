"""Writes one bundle: everything that was chosen, in one pass over the archive, into an open file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from archiver import __version__
from archiver.bundle import proving, recorded
from archiver.bundle.bag import Bag, Sign
from archiver.bundle.choice import Choice
from archiver.bundle.index import Index, StatementEntry
from archiver.bundle.indexing import Indexing
from archiver.bundle.pack import Pack
from archiver.store.archive import Archive
from archiver.store.checkpoints import Tree

TOOL = f"quotechain {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One bundle to be: what was asked for in words, when (ISO 8601, UTC), the signed head, and who exports. `sign`
    makes the seal; without it there is none. `roots` are names and PEM texts."""

    what: str
    made: str
    head: proving.Head
    leaves: tuple[proving.Leaf, ...]
    sign: Sign | None = None
    signers: str = ""
    organisation: str = ""
    operator: str = ""
    roots: tuple[tuple[str, str], ...] = ()
    progress: Callable[[str], None] = field(default=lambda step: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a bundle holds, and the SHA-256 of its manifest-sha256.txt."""

    manifest_sha256: str
    captures: int
    posts: int
    documents: int
    verdicts: int
    leaves: int
    payload: int


def write(file: BinaryIO, archive: Archive, tree: Tree, choice: Choice, plan: Plan) -> Written:
    """The whole bundle. IntegrityError, and what was written is no bundle, when evidence is not what was logged."""
    pack = Pack(file)
    bag = Bag(pack)
    head, size = plan.head, plan.head.checkpoint.size
    held = recorded.bodies(archive, choice.captures)
    recorded.write_bodies(bag, archive, held)
    after = recorded.afters(archive, tree.origin, choice.captures)
    anchors = proving.Anchors(bag, archive, tree.origin, plan.roots)
    anchors.over(size)
    anchors.named(frozenset(after.values()))
    captures = recorded.write(bag, archive, choice.captures, anchors, size, after, held)
    leaves = proving.prove(bag, archive, tree, plan.leaves, head)
    indexing = Indexing(archive, choice)
    index: Index = {
        "v": 1,
        "made": plan.made,
        "tool": TOOL,
        "what": plan.what,
        "named": indexing.named(),
        "origin": head.checkpoint.origin,
        "size": size,
        "root": head.checkpoint.root.hex(),
        "vkeys": [str(key) for key in head.keys],
        "captures": captures,
        "posts": indexing.posts(),
        "documents": indexing.documents(),
        "verdicts": indexing.verdicts(),
        "statements": [
            cast(StatementEntry, dict(row)) for row in proving.statements(archive, tree.origin, indexing.refs())
        ],
        "leaves": leaves,
        "anchors": anchors.entries,
        "files": {},
    }
    index["files"] = {path: digests.sha256 for path, digests in sorted(bag.files.items())}
    bag.text("bundle.json", json.dumps(index, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")
    manifest = bag.close(_info(plan), tags(index), sign=plan.sign, signers=plan.signers)
    return Written(
        manifest_sha256=manifest,
        captures=len(captures),
        posts=len(index["posts"]),
        documents=len(index["documents"]),
        verdicts=sum(1 for entry in index["verdicts"] if entry["verdict"]),
        leaves=len(leaves),
        payload=sum(file.size for file in bag.files.values()),
    )


def tags(index: Index) -> Mapping[str, str]:
    """The checks that travel with a bundle."""
    return {}


def _info(plan: Plan) -> dict[str, str]:
    head = plan.head.checkpoint
    named = {"Source-Organization": plan.organisation, "Contact-Name": plan.operator}
    return {
        **{name: value for name, value in named.items() if value},
        "Bagging-Date": plan.made[:10],
        "External-Identifier": f"{head.origin}@{head.size}",
        "External-Description": plan.what,
        "Bag-Software-Agent": TOOL,
    }
