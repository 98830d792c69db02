"""Writes one bundle: everything that was chosen, in one pass over the archive, into an open file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, BinaryIO, cast

from archiver import __version__
from archiver.bundle import case, crate, drafts, prov, proving, recorded, shell, tables, wacz
from archiver.bundle.bag import Bag, Sign
from archiver.bundle.choice import Choice
from archiver.bundle.index import Index, StatementEntry
from archiver.bundle.indexing import Indexing
from archiver.bundle.leaves import Leaves, Prover
from archiver.bundle.manifests import Manifests
from archiver.bundle.pack import Pack
from archiver.bundle.recorded import Held
from archiver.bundle.report import page
from archiver.bundle.spool import Pairs, Rows, Spools, pieces
from archiver.store.archive import Archive
from archiver.store.blobs import BlobStore
from archiver.store.checkpoints import Tree

TOOL = f"quotechain {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One bundle to be: what was asked for in words, when (ISO 8601, UTC), the signed head, and who exports. `sign`
    makes the seal; without it there is none. `roots` are names and PEM texts; `beside` is the folder in which it is put
    together, the system's own by default. `said` is what bag-info.txt tells besides of how it was made."""

    what: str
    made: str
    head: proving.Head
    leaves: Leaves
    sign: Sign | None = None
    signers: str = ""
    organisation: str = ""
    operator: str = ""
    roots: tuple[tuple[str, str], ...] = ()
    beside: Path | None = None
    said: str = ""


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
    with Spools(plan.beside) as spools, Pack(file, spools) as pack:
        return _write(Bag(pack, spools), archive, tree, choice, plan)


def _write(bag: Bag, archive: Archive, tree: Tree, choice: Choice, plan: Plan) -> Written:
    head, size = plan.head, plan.head.checkpoint.size
    held = recorded.bodies(archive, choice)
    manifests = Manifests(BlobStore(archive))
    recorded.write_bodies(bag, archive, held, manifests)
    anchors = proving.Anchors(bag, archive, tree, head, plan.roots)
    anchors.over(size)
    anchors.closer(recorded.leaves(archive, choice.captures))
    anchors.named(recorded.afters(archive, choice.captures))
    captures = recorded.write(bag, archive, choice.captures, anchors, held)
    with bag.entry("web/captures.wacz", about=3 * held.size) as stream:
        wacz.write(
            cast(IO[bytes], stream),
            archive,
            choice.captures,
            held,
            spools=bag.spools,
            origin=head.checkpoint.origin,
            size=size,
            made=plan.made,
            tool=TOOL,
            title=plan.what,
        )
    prover = Prover(archive, tree, head)
    leaves = prover.write(bag, plan.leaves)
    indexing, spools = Indexing(archive, choice, manifests), bag.spools
    statements = (cast(StatementEntry, dict(row)) for row in proving.statements(archive, tree.origin, choice))
    index: Index = {
        "v": 1,
        "made": plan.made,
        "tool": TOOL,
        "what": plan.what,
        "named": Rows.of(spools, indexing.named()),
        "origin": head.checkpoint.origin,
        "size": size,
        "root": head.checkpoint.root.hex(),
        "vkeys": [str(key) for key in head.keys],
        "captures": captures,
        "posts": Rows.of(spools, indexing.posts()),
        "proofs": Rows.of(spools, indexing.proofs()),
        "documents": Rows.of(spools, indexing.documents()),
        "verdicts": Rows.of(spools, indexing.verdicts()),
        "statements": Rows.of(spools, statements),
        "derived": Rows.of(spools, recorded.derived(archive, choice)),
        "erased": Rows.of(spools, recorded.erased(archive, choice)),
        "leaves": leaves,
        "anchors": anchors.entries,
        "files": Pairs(bag.hashes),
    }
    for name, text in tables.tables(index).items():
        bag.add(name, _utf8(text))
    bag.add("metadata/case.jsonld", _utf8(case.case(index)))
    bag.add("metadata/prov.json", prov.prov(index, spools))
    bag.add("certificate-902.md", _utf8(drafts.certificate(index)))
    bag.add("collection-log.md", _utf8(drafts.collection_log(index)))
    digests = {path.removeprefix("data/"): digests.sha256 for path, digests in bag.files.items()}
    bag.add("ro-crate-metadata.json", crate.crate(index, digests, bag.folders, spools))
    bag.add("bundle.json", chain(pieces(index), [b"\n"]))
    bag.add("report.html", _utf8(page(index, _reader(archive, prover, held))))
    manifest = bag.close(_info(plan), tags(index), sign=plan.sign, signers=plan.signers)
    return Written(
        manifest_sha256=manifest,
        captures=len(captures),
        posts=len(index["posts"]),
        documents=len(index["documents"]),
        verdicts=sum(1 for entry in index["verdicts"] if entry["verdict"]),
        leaves=len(leaves),
        payload=bag.size,
    )


def _utf8(text: Iterable[str]) -> Iterator[bytes]:
    return (piece.encode("utf-8") for piece in text)


def _reader(archive: Archive, prover: Prover, held: Held) -> Callable[[str], bytes | None]:
    """Gives the report the files that it shows and checks, by their paths: nothing of the bundle is kept for it."""
    store = BlobStore(archive)

    def read(path: str) -> bytes | None:
        folder, _, name = path.removeprefix("data/").partition("/")
        number, _, ending = name.partition(".")
        if folder == "blobs":
            return b"".join(store.get(name)) if name not in held.missing else None
        if folder == "proofs" and name == "checkpoint":
            return prover.note.encode("utf-8")
        if folder == "proofs" and number.isdecimal():
            return prover.leaf(int(number)) if ending == "leaf.json" else prover.proof(int(number)).encode("utf-8")
        return None

    return read


def tags(index: Index) -> Mapping[str, str]:
    """The checks that travel with a bundle."""
    return {"verify.py": shell.verifier(), "verify.sh": shell.script(index)}


def _info(plan: Plan) -> dict[str, str]:
    head = plan.head.checkpoint
    named = {"Source-Organization": plan.organisation, "Contact-Name": plan.operator}
    named["Internal-Sender-Description"] = plan.said  # a reserved name of RFC 8493, section 2.2.2
    return {
        **{name: value for name, value in named.items() if value},
        "Bagging-Date": plan.made[:10],
        "External-Identifier": f"{head.origin}@{head.size}",
        "External-Description": plan.what,
        "Bag-Software-Agent": TOOL,
    }
