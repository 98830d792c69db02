"""A small bundle, written with the project's custody modules alone: what an export looks like, and its tampered twins.

Two posts of fictional people, a document that quotes one of them, a picture; a log of 300 leaves of which four leave.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archiver.bundle import shell
from archiver.bundle.report import page
from archiver.custody import canonical, log, note
from archiver.custody.proof import LogProof
from archiver.custody.sshsig import allowed_signers, sign

ORIGIN, SEED, WITNESS = "desk.example/log", bytes(range(32)), bytes(range(32, 64))
KEY, WITNESS_KEY = note.verifier_key(ORIGIN, SEED), note.verifier_key("eye.example", WITNESS, note.COSIGNATURE)
MADE = "2026-03-04T05:06:07Z"
ORIGINAL = "Nobody asked the market traders, who need that bridge every single morning."
QUOTED = "Nobody asked the market traders, who hardly use that bridge any single morning."
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202eabc"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DRAWN = PICTURE + b"another"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Made:
    """What stands in the bundle, before it is written."""

    leaves: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    index: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def capture(made: Made, url: str, body: bytes, *, ref: str, kind: str = "capture", declared: str = "text/html") -> str:
    """Logs one capture, and writes its row and body. Its uid."""
    place = len(made.leaves)
    uid = f"0190a000-0000-7000-8000-{place:012d}"
    sent = f"GET {url} HTTP/1.1\r\n\r\n".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {declared}\r\n\r\n".encode()
    row: dict[str, Any] = {
        "uid": uid, "ref": ref, "route": "page", "tier": "import" if kind == "import" else "wire",
        "observed_at": "2026-03-01T10:00:00.123Z", "ended_at": "2026-03-01T10:00:01.000Z", "mono_ns": 123456789,
        "method": "GET", "url": url, "request": "{}", "parent": "", "hop": 0, "status": 200, "received": len(body),
        "entity_sha256": sha256(body), "body_sha256": sha256(body), "failure": "", "rebuilt": 0,
        "peer_ip": "192.0.2.7", "peer_port": 443, "tls_version": "TLSv1.3", "tls_cipher": "X", "source_pointer": "",
        "tool_version": "0", "config_sha256": sha256(b"c"), "operator": "Desk", "leaf": place,
        "framing": "", "tls_chain": [sha256(b"cert")], "sent": base64.b64encode(sent).decode(),
        "response_head": base64.b64encode(head).decode(),
    }  # fmt: skip
    leaf = {
        "v": 1, "type": kind, "seq": str(place), "nonce": f"{place:032x}", "uid": uid, "ref": ref, "route": "page",
        "tier": row["tier"], "after": None,
        "clock": {"wall": row["observed_at"], "end": row["ended_at"], "mono": str(row["mono_ns"])},
        "request": {"method": "GET", "url": url, "sent_sha256": sha256(sent), "meaning": "{}", "parent": "", "hop": 0},
        "response": {
            "status": 200, "head_sha256": sha256(head), "body_sha256": sha256(body), "body_size": str(len(body)),
            "entity_sha256": sha256(body), "framing_sha256": sha256(b""), "failure": "", "rebuilt": False,
        },
        "peer": {"ip": "192.0.2.7", "port": 443, "tls": "TLSv1.3", "cipher": "X", "chain_sha256": row["tls_chain"]},
        "objects": [], "source": {"pointer": ""},
        "tool": {"version": "0", "config_sha256": row["config_sha256"]}, "operator": "Desk",
    }  # fmt: skip
    made.leaves.append(canonical.dumps(leaf))
    made.files[f"captures/{uid}.json"] = json.dumps(row, indent=1).encode()
    made.files[f"blobs/{sha256(body)}"] = body
    made.index["captures"].append(
        {
            "uid": uid,
            "leaf": place,
            "ref": ref,
            "url": url,
            "route": "page",
            "status": 200,
            "failure": "",
            "observed_at": row["observed_at"],
            "body_sha256": sha256(body),
            "body_size": len(body),
            "tier": row["tier"],
            "bracket": {"not_before": None, "not_after": None, "not_before_by": None, "not_after_by": None},
        }
    )
    return uid


def logged(made: Made, kind: str, fields: dict[str, str]) -> int:
    """Another leaf that leaves the house. Its index."""
    made.index["also"] = [*made.index.get("also", []), len(made.leaves)]
    made.leaves.append(canonical.dumps({"v": 1, "type": kind, "seq": str(len(made.leaves)), "nonce": "", **fields}))
    return len(made.leaves) - 1


def filler(made: Made, count: int) -> None:
    """Leaves that stay in the house."""
    for _ in range(count):
        made.leaves.append(canonical.dumps({"v": 1, "type": "reading", "seq": str(len(made.leaves))}))


def node(leaves: list[bytes]) -> log.NodeHash:
    hashes = [log.leaf_hash(leaf) for leaf in leaves]
    return lambda level, n: log.fold(hashes[n << level : (n + 1) << level])


def story() -> Made:
    """The captures, and what they read as."""
    made = Made(index={"v": 1, "made": MADE, "tool": "quotechain 0", "origin": ORIGIN, "captures": []})
    vkey = canonical.dumps(
        {"v": 1, "type": "key", "seq": "0", "nonce": "0" * 32, "name": ORIGIN, "vkey": str(KEY), "action": "add"}
    )
    made.leaves.append(vkey)
    filler(made, 4)
    post = capture(made, "https://social.example/@tam/1", ORIGINAL.encode(), ref="fediverse:post:1")
    filler(made, 90)
    picture = capture(
        made, "https://social.example/p.png", PICTURE, ref="web:page:https://social.example/p.png", declared="image/png"
    )
    filler(made, 160)
    said = {"uid": "s1", "at": MADE, "who": "Desk", "what": "same", "subject": "doc:passage:1:0-10",
            "object": "fediverse:post:1", "reason": HOSTILE}  # fmt: skip
    said_at = logged(made, "statement", said)
    drawn = {"uid": "d1", "at": MADE, "tool": "chromium", "version": "1", "arguments": "--screenshot",
             "inputs": sha256(ORIGINAL.encode()), "sha256": sha256(DRAWN)}  # fmt: skip
    drawn_at = logged(made, "derived", drawn)
    made.files[f"blobs/{sha256(DRAWN)}"] = DRAWN
    document = capture(
        made, "seed:story.html", f"<p>{QUOTED}</p>{HOSTILE}".encode(), ref="doc:document:1", kind="import"
    )
    filler(made, 300 - len(made.leaves))
    start = QUOTED.index("hardly")
    span, their = (
        {"start": start, "end": start + 10},
        {"start": ORIGINAL.index("need"), "end": ORIGINAL.index("need") + 4},
    )
    made.index |= {
        "what": "fediverse:post:1", "named": ["fediverse:post:1"], "vkeys": [str(KEY)],
        "posts": [
            {
                "ref": "fediverse:post:1", "named": True, "aliases": [], "platform": "fediverse",
                "author": "fediverse:account:tam", "handle": "tam@social.example", "name": "Tam Reyes",
                "url": "https://social.example/@tam/1", "posted_at": "2026-02-28T09:30:00Z", "text": ORIGINAL,
                "lang": "en", "warning": "", "outcome": "live", "outcome_at": "2026-03-01T10:00:00Z",
                "truncated": False, "edits": [], "outcomes": [],
                "versions": [
                    {"sha256": "0" * 64, "text": text, "posted_at": "", "edited_at": "", "truncated": False,
                     "first_seen": "2026-03-01T10:00:00Z", "last_seen": "2026-03-01T10:00:00Z", "captures": [post],
                     "sightings": [{"capture": post, "route": "page", "pointer": "", "whole": 1, "edited": 0}]}
                    for text in (ORIGINAL, "An earlier wording.")
                ],
                "media": [
                    {"key": "1", "kind": "image", "url": "https://social.example/p.png", "alt": HOSTILE,
                     "sha256": sha256(PICTURE), "size": len(PICTURE), "type": "image/png", "capture": picture,
                     "c2pa": None},
                ],
                "edges": [{"kind": "quotes", "evidence": "asserted", "source": "fediverse:post:1",
                           "target": "x:post:20", "capture": post, "pointer": "/quote"}],
                "chain": [{"depth": 1, "kind": "quotes", "evidence": "asserted", "source": "fediverse:post:1",
                           "target": "x:post:20", "again": False}],
                "proofs": [],
                "captures": [post],
            },
            {
                "ref": "x:post:20", "named": False, "aliases": [], "platform": "x", "author": "", "handle": "orla",
                "name": HOSTILE, "url": "javascript:alert(1)", "posted_at": "", "text": HOSTILE, "lang": "",
                "warning": "", "outcome": "deleted", "outcome_at": "2026-03-01T10:00:00Z", "truncated": False,
                "versions": [], "media": [], "edits": [], "outcomes": [], "edges": [], "chain": [], "proofs": [],
                "captures": [],
            },
        ],
        "proofs": [],
        "documents": [
            {"ref": "doc:document:1", "named": False, "observed_at": "2026-03-01T10:00:00Z", "title": HOSTILE,
             "url": "seed:story.html", "media_type": "text/html", "sha256": "1" * 64, "captures": [document]},
        ],
        "verdicts": [
            {"passage": "doc:passage:1:0-10", "document": "doc:document:1", "kind": "signed", "words": QUOTED,
             "handle": "tam", "name": "Tam Reyes", "day": "2026-02-28", "status": "resolved",
             "post": "fediverse:post:1", "version": "0" * 64, "text": ORIGINAL, "verdict": "altered",
             "standard": "writing", "faithful": False, "flags": ["meaning"], "steps": [],
             "changes": [{"op": "replaced", "quoted": "hardly use", "original": "need", "quoted_span": span,
                          "original_span": their}],
             "quoted_span": {"start": 0, "end": len(QUOTED)}, "original_span": {"start": 0, "end": len(ORIGINAL)},
             "reason": "", "policy": "quotes/4"},
        ],
        "statements": [{**said, "leaf": said_at}],
        "derived": [{**drawn, "inputs": [drawn["inputs"]], "leaf": drawn_at, "size": len(DRAWN)}],
        "erased": [{"leaf": 7, "ref": HOSTILE, "why": HOSTILE}], "anchors": [],
    }  # fmt: skip
    return made


def prove(made: Made, *, cosigned: int = 0) -> None:
    """Signs the head and proves the leaves that leave the house."""
    read = node(made.leaves)
    head = note.Checkpoint(origin=ORIGIN, size=len(made.leaves), root=log.root(read, len(made.leaves)))
    signatures = [note.sign(str(head), ORIGIN, SEED)]
    if cosigned:
        signatures.append(note.cosign(str(head), "eye.example", WITNESS, cosigned))
    signed = note.SignedNote(text=str(head), signatures=tuple(signatures))
    made.note = str(signed)
    made.index |= {"size": head.size, "root": head.root.hex(), "leaves": []}
    places = [0, *made.index.pop("also", []), *(one["leaf"] for one in made.index["captures"])]
    proofs_of(made, signed, places)
    for place in places:
        names = (f"data/proofs/{place}.leaf.json", f"data/proofs/{place}.tlog-proof")
        made.index["leaves"].append({"index": place, "type": "", "capture": "", "leaf": names[0], "proof": names[1]})


def proofs_of(made: Made, signed: note.SignedNote, places: Iterable[int]) -> None:
    """The signed head, its keys, and leaves with their proofs."""
    read = node(made.leaves)
    for place in places:
        proof = LogProof(index=place, hashes=log.inclusion(read, place, len(made.leaves)), checkpoint=signed)
        made.files[f"proofs/{place}.leaf.json"] = made.leaves[place]
        made.files[f"proofs/{place}.tlog-proof"] = str(proof).encode()
    pem = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + KEY.public).decode()
    made.files["proofs/checkpoint"] = str(signed).encode()
    made.files["proofs/log.vkey"] = f"{KEY}\n".encode()
    made.files["proofs/log.pem"] = f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n".encode()


def write(made: Made, folder: Path) -> Path:
    """The bag, sealed."""
    files = {f"data/{name}": data for name, data in made.files.items()}
    made.index["files"] = {name: sha256(data) for name, data in sorted(files.items())}
    files["data/bundle.json"] = json.dumps(made.index, indent=1).encode()
    files["data/report.html"] = "".join(page(made.index, lambda path: files.get(path))).encode()
    return bag(files, folder)


def bag(files: dict[str, bytes], folder: Path) -> Path:
    """Payload files with everything around them."""
    sizes = sum(map(len, files.values()))
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": f"Bagging-Date: 2026-03-04\nPayload-Oxum: {sizes}.{len(files)}\n".encode(),
        "verify.py": shell.verifier().encode(),
        "verify.sh": shell.script({"origin": ORIGIN, "size": 300}).encode(),  # type: ignore[typeddict-item]
    }
    for algorithm in ("sha256", "sha512"):
        tags[f"manifest-{algorithm}.txt"] = manifest(files, algorithm)
    listed = dict(tags)
    for algorithm in ("sha256", "sha512"):
        tags[f"tagmanifest-{algorithm}.txt"] = manifest(listed, algorithm)
    seal = sign(tags["tagmanifest-sha256.txt"], SEED, "quotechain-bundle")
    tags["seal/tagmanifest-sha256.txt.sig"] = seal.encode()
    tags["seal/allowed_signers"] = allowed_signers(ORIGIN, KEY.public, namespace="quotechain-bundle").encode()
    for name, data in (files | tags).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def manifest(files: dict[str, bytes], algorithm: str) -> bytes:
    return "".join(f"{hashlib.new(algorithm, files[name]).hexdigest()}  {name}\n" for name in sorted(files)).encode()


def again(folder: Path) -> None:
    """Writes the manifests of a bag anew after its payload was changed: a forger who knows BagIt."""
    files = {
        str(path.relative_to(folder)): path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()
    }
    shutil.rmtree(folder)
    bag(files, folder)


def zipped(folder: Path, path: Path, *, top: str = "bundle/") -> Path:
    """As the archiver zips: stored, in the order of names, times of 1980."""
    with zipfile.ZipFile(path, "w") as file:
        for name in sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(top + name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, (folder / name).read_bytes())
    return path


def bundle(folder: Path, *, cosigned: int = 0) -> Path:
    """The whole of it."""
    made = story()
    prove(made, cosigned=cosigned)
    return write(made, folder)
