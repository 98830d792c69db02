"""Answers from a recording, through the same `fetch` as from the network: nothing here opens a connection.

A recording is a folder (see `recording`) or a WARC file. An answer matches by method and address: exactly as
written, else without the fragment and a default port; nothing fuzzier. Several answers to one address are
served in the order in which they were observed, the last one again and again. What is not in the recording
is an Exchange with the failure NOT_RECORDED: it says nothing about the post.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from archiver.custody.framing import Head, Splitter
from archiver.errors import InputError
from archiver.model import Connection, Exchange, Failure, Request
from archiver.net import warc
from archiver.net.policy import Policy
from archiver.net.recording import INDEX, RecordedAnswer, Recording
from archiver.net.redirects import DEFAULT_PORTS, Hop, follow
from archiver.net.tape import BodyWriter, Kept
from archiver.net.uid import new_uid

TIER = "replay"
PIECE = 64 * 1024
BOUNDS = Policy(user_agent="replay")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One recorded answer, wherever it is. `observed_at` orders the answers to one address."""

    observed_at: str
    pointer: str
    source: RecordedAnswer | warc.WarcAnswer


def normalised(url: str) -> str:
    """The address without fragment and default port, its scheme and host in lower case, `/` for an empty path."""
    bare = url.partition("#")[0]
    try:
        parts = urlsplit(bare)
        port = parts.port
    except ValueError:
        return bare
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2]
    if port is not None and port == DEFAULT_PORTS.get(scheme):
        host = host.rpartition(":")[0]
    login = parts.netloc[: parts.netloc.rindex("@") + 1] if "@" in parts.netloc else ""
    return urlunsplit((scheme, login + host.lower().removesuffix(":"), parts.path or "/", parts.query, ""))


class ReplayFetcher:
    """Serves a recording, from any thread. Raises InputError or ParseError when the recording cannot be read."""

    def __init__(self, path: Path | str, *, policy: Policy = BOUNDS, uids: Callable[[], str] = new_uid) -> None:
        self._path, self._policy, self._uids = Path(path), policy, uids
        exact: dict[tuple[str, str], list[_Found]] = {}
        for method, url, found in self._load():
            exact.setdefault((method, url), []).append(found)
        for answers in exact.values():
            answers.sort(key=lambda found: found.observed_at)  # stable: equal times keep the order of the recording
        self._exact = exact
        self._normal = {(method, normalised(url)): (method, url) for method, url in reversed(exact)}
        self._until = max(
            (answers[-1].observed_at for answers in exact.values()), default="1970-01-01T00:00:00.000000Z"
        )
        self._asked: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def fetch(self, request: Request) -> tuple[Exchange, ...]:
        """What the recording holds for the request, one Exchange a hop, the answer last."""
        return follow(request, lambda hop: self._hop(request, hop), max_redirects=self._policy.max_redirects)

    def close(self) -> None:
        """Nothing is open between two requests."""

    def __enter__(self) -> ReplayFetcher:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _load(self) -> Iterator[tuple[str, str, _Found]]:
        if not self._path.is_dir():
            for answer in warc.index(self._path):
                pointer = f"warc:{answer.offset}"
                yield answer.method, answer.url, _Found(observed_at=answer.observed_at, pointer=pointer, source=answer)
            return
        try:
            text = (self._path / INDEX).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"no recording: {error}", place=str(self._path)) from None
        for at, entry in enumerate(Recording.parse(text).requests):
            for turn, recorded in enumerate(entry.answers):
                pointer = f"/{at}/times/{turn}" if len(entry.answers) > 1 else f"/{at}"
                yield (
                    entry.method,
                    entry.url,
                    _Found(observed_at=recorded.observed_at, pointer=pointer, source=recorded),
                )

    def _next(self, method: str, url: str) -> _Found | None:
        key = (method, url)
        if key not in self._exact:
            found = self._normal.get((method, normalised(url)))
            if found is None:
                return None
            key = found
        answers = self._exact[key]
        with self._lock:
            turn = self._asked.get(key, 0)
            self._asked[key] = turn + 1
        return answers[min(turn, len(answers) - 1)]

    def _hop(self, request: Request, hop: Hop) -> Exchange:
        found = None if hop.refused else self._next(hop.method, hop.url)
        if found is None:
            failure = Failure.BLOCKED if hop.refused else Failure.NOT_RECORDED
            detail = hop.refused or "the recording has no answer to this method and address"
            return self._exchange(request, hop, self._until, failure=failure, detail=detail)
        if isinstance(found.source, warc.WarcAnswer):
            return self._from_warc(request, hop, found, found.source)
        return self._from_folder(request, hop, found, found.source)

    def _from_warc(self, request: Request, hop: Hop, found: _Found, source: warc.WarcAnswer) -> Exchange:
        splitter = Splitter(hop.method)
        writer: BodyWriter | None = None
        for piece in warc.block(self._path, source.offset):
            body = splitter.feed(piece)
            if writer is None and (splitter.head is not None or splitter.by_close):
                writer = self._writer(splitter.head.headers if splitter.head is not None else ())
            if writer is not None:
                writer.write(body)
        splitter.close()
        failure, detail = Failure.NONE, ""
        if splitter.head is None:
            failure, detail = Failure.PROTOCOL, "the record holds no HTTP answer"
        elif source.truncated or not splitter.complete:
            failure, detail = Failure.TRUNCATED, f"the record is cut: {source.truncated or 'its end is missing'}"
        sent = b"".join(warc.block(self._path, source.request_at)) if source.request_at >= 0 else b""
        return self._exchange(
            request,
            hop,
            source.observed_at,
            failure=failure,
            detail=detail,
            sent=sent,
            head=splitter.head,
            raw_head=splitter.raw_head,
            framing=splitter.framing(),
            kept=writer.finish(whole=failure is Failure.NONE) if writer is not None else None,
            expected=splitter.expected,
            peer_ip=source.peer_ip,
            pointer=found.pointer,
        )

    def _from_folder(self, request: Request, hop: Hop, found: _Found, source: RecordedAnswer) -> Exchange:
        raw_head = source.head.encode("latin-1") or _written_head(source)
        splitter = Splitter(hop.method)
        splitter.feed(raw_head)
        failure, detail, kept = source.failure, source.detail, None
        if splitter.head is not None:
            writer = self._writer(splitter.head.headers)
            try:
                for piece in self._body(source.body_file):
                    writer.write(piece)
            except OSError as error:
                raise InputError(f"no body: {error}", place=f"{self._path / INDEX}#{found.pointer}") from None
            expected = splitter.expected
            if not failure and expected is not None and writer.size < expected and not splitter.complete:
                failure, detail = Failure.TRUNCATED, f"{writer.size} bytes of {expected} are in the recording"
            kept = writer.finish(whole=failure is Failure.NONE)
        return self._exchange(
            request,
            hop,
            source.observed_at,
            failure=failure,
            detail=detail,
            head=splitter.head,
            raw_head=raw_head,
            kept=kept,
            expected=splitter.expected,
            rebuilt=bool(raw_head) and not source.head,
            peer_ip=source.peer_ip,
            pointer=found.pointer,
        )

    def _body(self, name: str) -> Iterator[bytes]:
        if not name:
            return
        root = self._path.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise InputError(f"{name} leads out of the folder", place=str(self._path / INDEX))
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def _writer(self, headers: tuple[tuple[str, str], ...]) -> BodyWriter:
        policy = self._policy
        return BodyWriter(headers, limit=policy.max_entity, ratio=policy.max_ratio, spool_bytes=policy.spool_bytes)

    def _exchange(
        self,
        request: Request,
        hop: Hop,
        at: str,
        *,
        failure: Failure,
        detail: str,
        sent: bytes = b"",
        head: Head | None = None,
        raw_head: bytes = b"",
        framing: str = "",
        kept: Kept | None = None,
        expected: int | None = None,
        rebuilt: bool = False,
        peer_ip: str = "",
        pointer: str = "",
    ) -> Exchange:
        if failure is Failure.NONE and kept is not None:
            failure, detail = kept.failure, kept.problem
        return Exchange(
            uid=self._uids(),
            request=request,
            url=hop.url,
            tier=TIER,
            parent=hop.parent,
            hop=hop.number,
            started_at=at,
            ended_at=at,
            sent=sent,
            status=head.status if head is not None else None,
            headers=head.headers if head is not None else (),
            response_head=raw_head,
            framing=framing,
            body=kept.body if kept is not None else None,
            size=kept.size if kept is not None else 0,
            sha256=kept.sha256 if kept is not None else "",
            entity_sha256=kept.entity_sha256 if kept is not None else "",
            sniffed_type=kept.sniffed_type if kept is not None else "",
            expected=expected,
            rebuilt=rebuilt,
            failure=failure,
            detail=detail,
            connection=Connection(peer_ip=peer_ip, http_version=head.version if head is not None else ""),
            source_pointer=pointer,
        )


def _written_head(source: RecordedAnswer) -> bytes:
    """A head written from status and headers, for recordings that did not keep it."""
    if source.status is None:
        return b""
    lines = [f"HTTP/1.1 {source.status} ", *(f"{name}: {value}" for name, value in source.headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")
