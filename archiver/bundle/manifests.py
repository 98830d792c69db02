"""C2PA manifests of the media in a bundle: what they claim, and what of it holds. Nothing is ever written into a file.

Media are large and few have a manifest. While a file is written its bytes are searched for the mark without which it
holds none; only a file that has the mark is read once more, one at a time, up to `LARGEST` bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archiver.bundle.index import C2paEntry, CheckEntry, ManifestEntry
from archiver.custody import c2pa_store, c2pa_told
from archiver.store.blobs import BlobStore

LARGEST = 256 << 20
KEPT = 64
"""Files of which it is remembered what they claim: posts that stand beside each other may share one."""
LONGEST, MOST = 500, 32
"""Characters of a text, and items of a list, that go into the index: the file itself has the rest."""


class Manifests:
    """What is known of the files that were written. Files that were not watched are taken to have no manifest."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._marked: set[str] = set()
        self._told: dict[str, C2paEntry | None] = {}

    def watch(self, sha256: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same chunks, while they are searched."""
        mark: bytes | None = None
        tail = b""
        for chunk in chunks:
            mark = c2pa_store.mark(chunk) if mark is None else mark
            if mark and (mark in chunk or mark in tail + chunk[: len(mark)]):
                self._marked.add(sha256)
                mark = b""
            tail = (tail + chunk[-len(mark) :])[1 - len(mark) :] if mark else b""
            yield chunk

    def of(self, sha256: str, size: int) -> C2paEntry | None:
        """What the manifests of a file claim; None when it has none, or more bytes than are looked into."""
        if sha256 not in self._marked or size > LARGEST:
            return None
        if sha256 not in self._told:
            if len(self._told) >= KEPT:
                self._told.pop(next(iter(self._told)))
            self._told[sha256] = entry(b"".join(self._store.get(sha256)))
        return self._told[sha256]


def entry(data: bytes) -> C2paEntry | None:
    """What the manifests of a file claim, each text and list cut to what an index can hold."""
    told = c2pa_told.report(data)
    if told is None:
        return None
    return {
        "told": [_cut(line, 4 * LONGEST) for line in told["told"][:MOST]],
        "unread": _cut(told["unread"]),
        "manifests": [_manifest(one) for one in told["manifests"][:MOST]],
    }


def _manifest(one: dict[str, Any]) -> ManifestEntry:
    signer, stamp = one["signer"] or {}, one["stamp"] or {}
    return {
        "label": _cut(one["label"]),
        "active": one["active"],
        "generator": _cut(one["generator"]),
        "title": _cut(one["title"]),
        "synthetic": one["synthetic"],
        "algorithm": _cut(one["algorithm"]),
        "signature": _check(one["signature"]),
        "binding": _check(one["binding"]),
        "contents": _check(one["contents"]),
        "signer": _cut(signer.get("subject", "")),
        "issuer": _cut(signer.get("issuer", "")),
        "stamped": _cut(stamp.get("time", "")),
        "actions": [_cut(done["action"]) for done in one["actions"][:MOST]],
        "ingredients": len(one["ingredients"]),
    }


def _check(check: dict[str, str]) -> CheckEntry:
    return {"state": check["state"], "reason": _cut(check["reason"])}


def _cut(text: str, most: int = LONGEST) -> str:
    """Lone surrogates cannot stand in the index: they become question marks."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"
