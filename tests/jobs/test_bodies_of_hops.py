"""The hops of one try are stored together: their bodies may be new, equal, large, or there already."""

import hashlib
import io
from pathlib import Path

import pytest

from archiver.errors import IntegrityError
from archiver.model import Exchange, Ref, Request
from archiver.store.archive import open_archive
from archiver.store.blobs import BATCH, CHUNK, BlobStore
from archiver.store.evidence import Evidence, Tool

NOW = "2024-10-28T12:00:00.000000Z"
LARGE = bytes(range(256)) * (CHUNK // 256) * (BATCH + 2) + b"end"


def hop(number: int, body: bytes) -> Exchange:
    url = f"https://site.example/{number}"
    return Exchange(
        uid=f"hop-{number}",
        request=Request(ref=Ref.parse("web:page:https://site.example/0"), route="page", url=url),
        url=url,
        started_at=NOW,
        ended_at=NOW,
        status=302,
        response_head=b"HTTP/1.1 302 Found\r\n\r\n",
        body=io.BytesIO(body),
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


@pytest.mark.parametrize(
    "bodies",
    [
        (b"", b""),
        (b"one", b"two", b"three"),
        (b"one", b"one", b"two", b"one"),
        (b"one", LARGE, b"two"),
        (LARGE, LARGE, b"one"),
        (LARGE, LARGE[::-1], LARGE, b""),
        (b"known", b"new", b"known"),
    ],
)
def test_each_hop_keeps_its_own_body(tmp_path: Path, bodies: tuple[bytes, ...]) -> None:
    archive = open_archive(tmp_path / "a.db", now=NOW, origin="test.example/log")
    evidence = Evidence(archive, Tool(version="0", config_sha256="0" * 64), now=lambda: NOW)
    evidence.record(hop(99, b"known"))
    stored = evidence.record(*(hop(number, body) for number, body in enumerate(bodies)))
    for recorded, body in zip(stored, bodies, strict=True):
        row = archive.one("SELECT b.* FROM captures c JOIN blobs b ON b.id = c.blob WHERE c.id = ?", recorded.id)
        assert row is not None
        assert (row["sha256"], row["size"]) == (hashlib.sha256(body).hexdigest(), len(body))
        assert b"".join(evidence.blobs.get(row["sha256"])) == body
    assert archive.value("SELECT count(*) FROM blobs") == len({b"known", *bodies})
    orphans = "SELECT count(*) FROM blob_chunks WHERE blob_id NOT IN (SELECT id FROM blobs)"
    assert archive.value(orphans) == 0
    archive.close()


def test_a_body_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.db", now=NOW, origin="test.example/log")
    store = BlobStore(archive)
    sha256 = hashlib.sha256(b"one").hexdigest()
    for size, data in ((3, b"two"), (4, b"one"), (3, b"one\0")):
        with pytest.raises(IntegrityError):
            store.put(sha256, size, [data])
    assert store.put(sha256, 3, [b"one"]) == "created"
    assert store.put(sha256, 3, [b"one"]) == "present"
    archive.close()
