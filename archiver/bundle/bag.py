"""BagIt 1.0 (RFC 8493) into a zip: payload files as they come, then the manifests, the tag files and the seal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from archiver.bundle.pack import Digests, Pack, Stream

FOLDER = "bundle"
"""The one folder of the zip (RFC 8493, section 4: a bag is serialised from above its own folder)."""
VERSION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ALGORITHMS = ("sha256", "sha512")
SEALED = "tagmanifest-sha256.txt"

Sign = Callable[[bytes], str]
"""Bytes → an armoured detached signature of them."""


class Bag:
    """One bag while it is written. `files` are its payload, by path from the bag's folder."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.files: dict[str, Digests] = {}
        self._tags: dict[str, Digests] = {}

    @contextmanager
    def entry(self, name: str, *, about: int = 0) -> Iterator[Stream]:
        """A payload file, while it is written; `name` is its path below data/."""
        path = f"data/{name}"
        with self.pack.entry(f"{FOLDER}/{path}", about=about) as stream:
            yield stream
        self.files[path] = stream.digests

    def add(self, name: str, pieces: Iterable[bytes], *, about: int = 0) -> Digests:
        """A payload file from its pieces."""
        with self.entry(name, about=about) as stream:
            for piece in pieces:
                stream.write(piece)
        return stream.digests

    def text(self, name: str, text: str) -> str:
        """A payload file from its text. Its path."""
        self.add(name, (text.encode("utf-8"),))
        return f"data/{name}"

    def close(self, info: Mapping[str, str], tags: Mapping[str, str], *, sign: Sign | None, signers: str) -> str:
        """Writes what stands outside the payload; `tags` are further tag files, `signers` the `allowed_signers` by
        which the seal is checked. The SHA-256 of manifest-sha256.txt."""
        size = sum(file.size for file in self.files.values())
        fields = {**info, "Payload-Oxum": f"{size}.{len(self.files)}"}
        self._tag("bag-info.txt", "".join(f"{name}: {_line(value)}\n" for name, value in fields.items()))
        self._tag("bagit.txt", VERSION)
        for algorithm in ALGORITHMS:
            self._tag(f"manifest-{algorithm}.txt", _manifest(self.files, algorithm))
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

    def _tag(self, name: str, text: str) -> None:
        self._tags[name] = self.pack.add(f"{FOLDER}/{name}", (text.encode("utf-8"),))


def _manifest(files: Mapping[str, Digests], algorithm: str) -> str:
    return "".join(f"{getattr(files[path], algorithm)}  {path}\n" for path in sorted(files))


def _line(value: str) -> str:
    """A value on one line, whatever a person wrote."""
    return " ".join(value.split())
