"""`ro-crate-metadata.json`: the payload as a research object (RO-Crate 1.1, w3id.org/ro/crate/1.1)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from archiver.bundle.index import Index, PostEntry
from archiver.bundle.spool import Spools, Text
from archiver.bundle.warc import target

CONTEXT = ("https://w3id.org/ro/crate/1.1/context", {"sha256": "http://schema.org/sha256"})
"""That of RO-Crate 1.1 is older than the term `sha256` of schema.org."""
_FILES = {
    "bundle.json": ("application/json", "Index of everything in this bundle, for machines"),
    "report.html": ("text/html", "The same for readers; it checks itself in the browser"),
    "posts.csv": ("text/csv", "Posts as last seen"),
    "edges.csv": ("text/csv", "What quotes, answers and reposts what, with the capture that says so"),
    "captures.csv": ("text/csv", "Each request and what came back"),
    "verdicts.csv": ("text/csv", "Each quotation and what it was found to be"),
    "certificate-902.md": ("text/markdown", "Draft of a certificate under FRE 902(13) and (14)"),
    "collection-log.md": ("text/markdown", "Draft of a collection log after the Berkeley Protocol"),
    "web/captures.wacz": ("application/wacz", "The captures as a web archive, for replay"),
    "metadata/case.jsonld": ("application/ld+json", "The captures in CASE/UCO"),
    "metadata/prov.json": ("application/json", "The captures in PROV-JSON"),
}
_FOLDERS = {
    "blobs/": "Bodies, byte for byte, each under its SHA-256",
    "captures/": "What was sent and what came back, one file each",
    "proofs/": "Leaves of the log, their proofs, the signed head and its keys",
    "anchors/": "What outside services said of heads of the log",
}
RIGHTS = "Rights in posts, pages and media stay with their authors. The bundle grants none."

_encoded = json.JSONEncoder(ensure_ascii=False).encode
_MENTIONS = '"mentions": [{"@id": "#export"}'


def crate(index: Index, held: Mapping[str, str], folders: Collection[str], spools: Spools) -> Iterator[bytes]:
    """JSON-LD about the files of an index, its report among them, in pieces. Paths are relative to data/; `held` are
    the SHA-256 of files that were written, `folders` those that hold some."""
    files = {name: about for name, about in _FILES.items() if name in held or name in ("bundle.json", "report.html")}
    inside = {name: about for name, about in _FOLDERS.items() if name in folders}
    graph: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Evidence: {index['what']}",
            "description": f"{len(index['captures'])} captures proved under the checkpoint of {index['size']} leaves "
            f"of the log {index['origin']}.",
            "datePublished": index["made"],
            "identifier": f"{index['origin']}@{index['size']}",
            "license": {"@id": "#rights"},
            "hasPart": [{"@id": name} for name in (*files, *inside)],
            "mentions": [{"@id": "#export"}],
        },
        {"@id": "#rights", "@type": "CreativeWork", "name": "Rights", "description": RIGHTS},
        {"@id": "#tool", "@type": "SoftwareApplication", "name": index["tool"], "softwareVersion": index["tool"]},
        {
            "@id": "#export",
            "@type": "CreateAction",
            "name": "Export of evidence",
            "endTime": index["made"],
            "instrument": {"@id": "#tool"},
            "result": {"@id": "./"},
        },
    ]
    for name, (kind, about) in files.items():
        entry: dict[str, Any] = {"@id": name, "@type": "File", "name": name, "encodingFormat": kind}
        graph.append({**entry, "description": about} | ({"sha256": held[name]} if name in held else {}))
    graph += [{"@id": name, "@type": "Dataset", "name": name, "description": about} for name, about in inside.items()]
    first, second, *others = map(_encoded, graph)
    # Posts are mentioned by the data set and described below it: as many as there are.
    place = second.index(_MENTIONS) + len(_MENTIONS)
    yield f'{{"@context": {_encoded(CONTEXT)}, "@graph": [{first}, {second[:place]}'.encode()
    described = Text(spools)
    for post in index["posts"]:
        if post["named"]:
            described.write(", " + _encoded(_post(post)))
            yield (", " + _encoded({"@id": target(post["ref"])})).encode()
    yield ", ".join([second[place:], *others]).encode()
    yield from described
    yield b"]}\n"


def _post(post: PostEntry) -> dict[str, str]:
    return {
        "@id": target(post["ref"]),
        "@type": "SocialMediaPosting",
        "name": post["ref"],
        "identifier": post["ref"],
        "text": post["text"],
        **({"url": post["url"]} if post["url"] else {}),
        **({"datePublished": post["posted_at"]} if post["posted_at"] else {}),
        **({"author": post["handle"] or post["author"]} if post["handle"] or post["author"] else {}),
    }
