"""Seeds: stored byte for byte as captures before they are read."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from archiver.custody import sniff
from archiver.errors import InputError
from archiver.jobs import follow, keeping, read
from archiver.jobs.session import Session
from archiver.model import Exchange, Ref, Request
from archiver.net.uid import new_uid
from archiver.platforms import claim
from archiver.store.archive import no_room
from archiver.store.evidence import load_request

PIECE = 1 << 20
STDIN = "stdin"
"""What came by a pipe: each time something else, so that it replaces nothing."""
SKIPPED_SUFFIXES = (".db", ".db-wal", ".db-shm", ".lock", ".toml")


@dataclass(slots=True, kw_only=True)
class Taken:
    """What intake did: seeds stored or known already, refs queued, names; messages about what cannot be used, notes of
    what in a seed could not be read, and seeds that are gone, with refs that are not looked at again by that."""

    stored: int = 0
    known: int = 0
    queued: int = 0
    names: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def take(
    session: Session,
    seeds: Iterable[str],
    *,
    collection: str = "",
    column: str = "",
    media_type: str = "",
    stdin: BinaryIO | None = None,
) -> Taken:
    """Stores and reads seeds: files, folders, addresses, `-` for standard input. A seed that cannot be used is a
    message that names it; the rest goes on."""
    taken = Taken()
    given = (printable(collection), column, media_type)
    for seed in seeds:
        try:
            if not _is_address(seed) and Path(seed).is_dir():
                _folder(session, taken, Path(seed), given)
                continue
            for named, folder, body in _open(seed, stdin):
                name = printable(named)
                taken.names.append(name)
                with body:
                    address = seed == named and _is_address(seed)
                    hint = "text/uri-list" if address else media_type
                    _take(session, taken, name, body, _given(name, folder, (*given[:2], hint)))
                keeping.seen(session, (name,))
        except InputError as error:
            taken.problems.append(printable(str(error)))
        except OSError as error:
            taken.problems.append(printable(f"{seed}: {error.strerror or error}"))
    return taken


def _given(name: str, folder: str, given: tuple[str, str, str]) -> tuple[tuple[str, str], ...]:
    collection, column, media_type = given
    hints = (("column", column), ("media_type", media_type))
    return (("name", name), ("collection", collection or printable(folder)), *hints)


def _folder(session: Session, taken: Taken, path: Path, given: tuple[str, str, str]) -> None:
    """Takes every file of a folder. One that cannot be used does not keep the others from being taken; seeds that were
    in this folder and are not any more are kept no longer."""
    place, names = printable(path.resolve().as_posix()), set[str]()
    for item in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in item.relative_to(path).parts)
        if hidden or item.name.endswith(SKIPPED_SUFFIXES) or not item.is_file():
            continue
        name = printable(item.as_posix())
        names.add(name)
        taken.names.append(name)
        try:
            with item.open("rb") as body:
                _take(session, taken, name, body, _given(name, path.resolve().name, given), place=place)
        except InputError as error:
            taken.problems.append(printable(str(error)))
        except OSError as error:
            if no_room(error):
                raise
            taken.problems.append(printable(f"{name}: {error.strerror or error}"))
    if not names:
        raise InputError("this folder holds no seeds", place=str(path), hint="Put a document into it")
    keeping.seen(session, sorted(names), place)
    keeping.listed(session, place, names, notes=taken.notes, dropped=taken.dropped)


def printable(text: str) -> str:
    """A name as text that can be stored: bytes of a file name that are no UTF-8 are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_address(seed: str) -> bool:
    return ("://" in seed or seed.lower().startswith("nostr:")) and not Path(seed).exists()


def _open(seed: str, stdin: BinaryIO | None) -> Iterator[tuple[str, str, BinaryIO]]:
    """(name, collection, open file) of what a seed argument other than a folder stands for."""
    if seed == "-":
        if stdin is None:
            raise InputError("nothing on standard input", place="-", hint="Pipe a document into the command")
        yield STDIN, "seeds", stdin
        return
    if _is_address(seed):
        if not seed.lower().startswith(("http://", "https://", "nostr:")):
            raise InputError("only http and https addresses and nostr codes can be archived", place=seed)
        if claim(seed) is None:
            shown = re.sub(r"//[^/?#]*@", "//…@", seed)  # a password must not stand in a message, nor in the archive
            hint = "It needs a host name, a port up to 65535, and no user name, password or control character"
            if seed.lower().startswith("nostr:"):
                hint = "A code of Nostr was mistyped or changed where its checksum does not fit"
            raise InputError("this is no address that can be archived", place=shown, hint=hint)
        body = cast(BinaryIO, tempfile.SpooledTemporaryFile(PIECE))  # noqa: SIM115 - closed by the caller
        body.write(seed.encode("utf-8", "surrogateescape") + b"\n")
        body.seek(0)
        yield seed, "seeds", body
        return
    path = Path(seed)
    if path.is_file():
        yield path.as_posix(), "seeds", path.open("rb")
    else:
        raise InputError("no such file or folder", place=seed, hint="Name a document, a folder, an address, or -")


def _take(
    session: Session, taken: Taken, name: str, body: BinaryIO, given: tuple[tuple[str, str], ...], *, place: str = ""
) -> None:
    """Stores and reads one seed. `place` is the folder that it was found in."""
    with cast(BinaryIO, tempfile.SpooledTemporaryFile(PIECE)) as spool:
        seen, size, first = hashlib.sha256(), 0, b""
        while piece := body.read(PIECE):
            first = first or piece[:512]
            seen.update(piece)
            size += len(piece)
            spool.write(piece)
        sha256 = seen.hexdigest()
        ref = Ref(platform="doc", kind="document", id=sha256)
        request = Request(ref=ref, route="seed", url=f"seed:{name}", given=given, follow=False)
        if _known(session, request):
            taken.known += 1
            return
        again = name != STDIN and _asked_alike(session, request) and keeping.same_place(session.archive, name, place)
        at = session.now()
        exchange = Exchange(
            uid=new_uid(),
            request=request,
            url=request.url,
            tier="import",
            started_at=at,
            ended_at=at,
            body=spool,
            size=size,
            sha256=sha256,
            entity_sha256=sha256,
            sniffed_type=sniff.sniff(first),
        )
        (stored,) = session.evidence.record(exchange)
    taken.stored += 1
    row = session.archive.one(read.CAPTURE + "WHERE c.id = ?", stored.id)
    if row is None:
        raise InputError("was stored, but cannot be found", place=name)
    with session.archive.transaction():  # once read it is not read again, so what it refers to is queued with it
        result = read.read_capture(session, row)
        taken.queued += follow.follow_document(session, result, seed=name)
        taken.queued += follow.follow_import(session, result, seed=name)
    if again and result.document is not None and not result.document.unread:
        taken.notes += keeping.rewritten(session, name, follow.queued_as(session, follow.wanted_of(result)))
    for part in result.document.unread if result.document is not None else ():
        taken.notes.append(f"{name}: {part.reason}" + (f" ({part.pointer})" if part.pointer else ""))
    for part in result.reading.unread if result.document is None else ():
        taken.notes.append(f"{name}: {part.reason}" + (f" ({part.pointer})" if part.pointer else ""))
    for proof in result.reading.proofs:
        if proof.valid is False:
            taken.notes.append(f"{name}: not stored as a post: {proof.ref}: {proof.detail} ({proof.pointer})")
    for finding in result.reading.findings:
        if finding.ref == ref and finding.outcome != "live":
            taken.problems.append(f"{name}: {finding.reason or finding.outcome}")


def _asked_alike(session: Session, request: Request) -> bool:
    """Whether a seed of this name was stored before, and read by the same hints: another column names other things."""
    row = session.archive.one(
        "SELECT request FROM captures WHERE tier = 'import' AND url = ? ORDER BY id DESC LIMIT 1", request.url
    )
    if row is None:
        return False
    before, now = dict(load_request(row[0]).given), dict(request.given)
    return all(before.get(hint) == now.get(hint) for hint in ("column", "media_type"))


def _known(session: Session, request: Request) -> bool:
    """Whether exactly this seed (bytes, name, collection, hints) was stored before, as the newest of its name."""
    row = session.archive.one(
        "SELECT request FROM captures WHERE tier = 'import' AND url = ? ORDER BY id DESC LIMIT 1", request.url
    )
    return row is not None and load_request(row[0]) == request
