"""BagIt 1.0 (RFC 8493) into a zip: payload files as they come, then the manifests, the tag files and the seal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from archiver.bundle.pack import Digests, Pack, Stream
from archiver.bundle.spool import Sorter, Spools

FOLDER = "bundle"
"""The one folder of the zip (RFC 8493, section 4: a bag is serialised from above its own folder)."""
VERSION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ALGORITHMS = ("sha256", "sha512")
SEALED = "tagmanifest-sha256.txt"
MANY = ("blobs", "captures", "proofs")
"""Folders below data/ with a file for each body, capture and leaf."""
_BEHIND = 512

Sign = Callable[[bytes], str]
"""Bytes → an armoured detached signature of them."""


class Bag:
    """One bag while it is written. `files` are its payload, by path from the bag's folder, but for those in the folders
    that hold MANY; of these the manifest is on the disk. `folders` are those below data/, `size` and `count` are of
    all the payload."""

    def __init__(self, pack: Pack, spools: Spools | None = None) -> None:
        self.pack, self.spools = pack, spools or Spools()
        self.files: dict[str, Digests] = {}
        self.folders: set[str] = set()
        self.size, self.count = 0, 0
        self._listed = Sorter(self.spools)
        self._late: deque[tuple[str, Digests]] = deque()
        self._tags: dict[str, Digests] = {}

    @contextmanager
    def entry(self, name: str, *, about: int = 0) -> Iterator[Stream]:
        """A payload file, while it is written; `name` is its path below data/."""
        with self.pack.entry(f"{FOLDER}/data/{name}", about=about) as stream:
            yield stream
        self._add(name, stream.digests)

    def add(self, name: str, pieces: Iterable[bytes], *, about: int = 0) -> Digests:
        """A payload file from its pieces."""
        digests = self.pack.add(f"{FOLDER}/data/{name}", pieces, about=about)
        self._add(name, digests)
        return digests

    def put(self, name: str, data: bytes) -> Digests:
        """A payload file that is in memory."""
        digests = self.pack.put(f"{FOLDER}/data/{name}", data)
        self._add(name, digests)
        return digests

    def text(self, name: str, text: str) -> str:
        """A payload file from its text. Its path."""
        self.put(name, text.encode("utf-8"))
        return f"data/{name}"

    def hashes(self) -> Iterator[tuple[str, str]]:
        """The path and SHA-256 of each file that was written so far, in the order of paths."""
        return ((path, sha256) for path, sha256, _ in self._lines())

    def close(self, info: Mapping[str, str], tags: Mapping[str, str], *, sign: Sign | None, signers: str) -> str:
        """Writes what stands outside the payload; `tags` are further tag files, `signers` the `allowed_signers` by
        which the seal is checked. The SHA-256 of manifest-sha256.txt."""
        fields = {**info, "Payload-Oxum": f"{self.size}.{self.count}"}
        self._tag("bag-info.txt", "".join(f"{name}: {_line(value)}\n" for name, value in fields.items()))
        self._tag("bagit.txt", VERSION)
        for place, algorithm in enumerate(ALGORITHMS, 1):
            rows = (f"{line[place]}  {line[0]}\n".encode() for line in self._lines())
            name = f"manifest-{algorithm}.txt"
            self._tags[name] = self.pack.add(f"{FOLDER}/{name}", rows)
        for name, text in tags.items():
            self._tag(name, text)
        held = dict(self._tags)
        for algorithm in ALGORITHMS:
            self._tag(f"tagmanifest-{algorithm}.txt", _manifest(held, algorithm))
        if sign is not None:
            sealed = _manifest(held, "sha256").encode()
            self._tag(f"seal/{SEALED}.sig", sign(sealed))
            self._tag("seal/allowed_signers", signers)
        self.pack.close()
        return self._tags["manifest-sha256.txt"].sha256

    def _add(self, name: str, digests: Digests) -> None:
        folder, inside, _ = name.partition("/")
        if inside:
            self.folders.add(f"{folder}/")
        if folder not in MANY:
            self.files[f"data/{name}"] = digests
        self.size += digests.size
        self.count += 1
        self._late.append((f"data/{name}", digests))
        if len(self._late) > _BEHIND:
            self._list(*self._late.popleft())

    def _list(self, path: str, digests: Digests) -> None:
        self._listed.add(f"{path}\0{digests.sha256}\0{digests.sha512}".encode())

    def _lines(self) -> Iterator[tuple[str, str, str]]:
        while self._late:
            self._list(*self._late.popleft())
        for line in self._listed:
            path, sha256, sha512 = line.decode().split("\0")
            yield path, sha256, sha512

    def _tag(self, name: str, text: str) -> None:
        self._tags[name] = self.pack.put(f"{FOLDER}/{name}", text.encode("utf-8"))


def _manifest(files: Mapping[str, Digests], algorithm: str) -> str:
    return "".join(f"{getattr(files[path], algorithm)}  {path}\n" for path in sorted(files))


def _line(value: str) -> str:
    """A value on one line, whatever a person wrote."""
    return " ".join(value.split())
