"""Reading captures: answers through their platform's parser, seeds and pages as documents. In log order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import BinaryIO, TypeVar

from archiver.custody import canonical, content, framing
from archiver.documents import mentions as mention_rules
from archiver.documents import sourcemap
from archiver.documents.read import read as read_document
from archiver.errors import InputError, ParseError
from archiver.jobs import pictures
from archiver.jobs.session import Session
from archiver.model import (
    Answer,
    Document,
    Exchange,
    Failure,
    Finding,
    Mention,
    Outcome,
    Reading,
    Ref,
    Request,
    Unread,
)
from archiver.platforms import claim, imported, outcomes, platform_of
from archiver.store import carrying, erasing, summaries, tallies
from archiver.store.archive import Row
from archiver.store.evidence import Recorded, load_request

PARSER = "parse/1"
MAX_ANSWER = 32 << 20
MAX_SEED = 65 << 20
MAX_PAGE, MAX_TAGS = 3 << 20, 80_000
"""Bytes and tags of a page that is read as a document: a tag takes up to 1.2 kB while it is read, and minutes where it
is one of millions. Seeds, which a person gave, have no such bounds."""
SEEN = (8 << 20) + 1
"""Bytes of a page that are looked at: as many as its parser reads, and one, by which it says that there is more."""
MAX_WEIGHT = 64 << 20
"""Bytes of memory that JSON of a server may become, as far as its commas and brackets tell."""
READABLE = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown")
FEEDS = ("application/rss+xml", "application/atom+xml", "application/feed+json")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one capture said: a parser's reading, and a document with its mentions where it reads as one; `sha256` is
    of all of it in canonical form, empty where it was not worked out yet."""

    reading: Reading
    document: Document | None = None
    mentions: tuple[Mention, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What reading needs to know of a stored capture. `fresh`: it was never read before."""

    id: int
    leaf: int
    request: Request
    observed_at: str
    blob: int | None
    declared_type: str
    sniffed_type: str
    status: int | None = None
    fresh: bool = False


def captured_now(exchange: Exchange, recorded: Recorded) -> Captured:
    """The facts of a capture that was just recorded."""
    return Captured(
        id=recorded.id,
        leaf=recorded.leaf,
        request=exchange.request,
        observed_at=exchange.started_at,
        blob=recorded.blob,
        declared_type=next((v for k, v in exchange.headers if k == "content-type"), ""),
        sniffed_type=exchange.sniffed_type,
        status=exchange.status,
        fresh=True,
    )


def captured_before(row: Row) -> Captured:
    """The same facts from a row of captures."""
    return Captured(
        id=row["id"],
        leaf=row["leaf"],
        request=load_request(row["request"]),
        observed_at=row["observed_at"],
        blob=row["blob"],
        declared_type=row["declared_type"],
        sniffed_type=row["sniffed_type"],
        status=row["status"],
    )


def answer_of(
    request: Request,
    *,
    status: int | None,
    headers: tuple[tuple[str, str], ...],
    body: BinaryIO | None,
    url: str,
    failure: Failure,
    detail: str,
    at: str,
) -> Answer:
    """The decoded answer that plans and parsers see. Content that cannot be decoded becomes failure DECODING."""
    data = b""
    if body is not None and failure is Failure.NONE and request.route != "media":
        try:
            limit = MAX_SEED if request.route == "seed" else MAX_ANSWER
            data = content.entity(body, headers, limit, first=SEEN if request.route == "page" else None)
        except content.BoundError as error:
            failure, detail = Failure.TOO_LARGE, str(error)
        except ParseError as error:
            failure, detail = Failure.DECODING, str(error)
        if request.route not in ("seed", "page") and _weight(data) > MAX_WEIGHT:
            data, failure, detail = b"", Failure.DECODING, "JSON of so many parts that it would fill the memory"
    return Answer(
        request=request,
        status=status,
        headers=headers,
        body=data,
        url=url,
        failure=failure,
        detail=detail,
        at=at,
    )


def _weight(data: bytes) -> int:
    """Bytes that JSON may become when it is read: some 70 for an empty array or object, some 60 for another value."""
    if not data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return 0
    return len(data) + 72 * (data.count(b"[") + data.count(b"{")) + 60 * data.count(b",")


def answer_from_exchange(exchange: Exchange) -> Answer:
    """The answer of a hop that was just made."""
    if exchange.body is not None:
        exchange.body.seek(0)
    return answer_of(
        exchange.request,
        status=exchange.status,
        headers=exchange.headers,
        body=exchange.body,
        url=exchange.url,
        failure=exchange.failure,
        detail=exchange.detail,
        at=exchange.started_at,
    )


def answer_from_capture(session: Session, row: Row) -> Answer:
    """The same answer, from what was stored."""
    body: BinaryIO | None = None
    if row["sha256"] is not None and row["route"] != "media":
        body = session.evidence.blobs.open(row["sha256"])
    headers: tuple[tuple[str, str], ...] = ()
    if row["response_head"]:
        try:
            headers = framing.parse_head(row["response_head"]).headers
        except ParseError:
            headers = ()
    return answer_of(
        load_request(row["request"]),
        status=row["status"],
        headers=headers,
        body=body,
        url=row["url"],
        failure=Failure(row["failure"]),
        detail=row["detail"],
        at=row["observed_at"],
    )


def read_answer(answer: Answer) -> Read:
    """What an answer says. Anything that cannot be read becomes an outcome and an `unread` note, never an error."""
    request = answer.request
    refs = request.refs or (request.ref,)
    decided = _seed_too_large(answer) if request.route == "seed" else outcomes.transport(answer)
    if decided is not None:
        reason = f"{answer.failure.value}: {answer.detail}" if answer.detail else answer.failure.value
        return Read(reading=Reading(findings=tuple(Finding(ref=ref, outcome=decided, reason=reason) for ref in refs)))
    read = attempt(
        "parser", lambda: _digested(_read_seed(answer) if request.route == "seed" else _read_platform(answer))
    )
    return _unreadable(refs, read) if isinstance(read, Unread) else read


def attempt(what: str, work: Callable[[], T]) -> T | Unread:
    """What reading or planning gives, or why it gives nothing: whatever a server sent stops no run and loses no
    evidence."""
    try:
        return work()
    except (ParseError, InputError) as error:
        reason, pointer = str(error), getattr(error, "pointer", getattr(error, "place", ""))
    except Exception as error:  # noqa: BLE001 - the one boundary, where a bug of ours becomes a row of `unread`
        reason, pointer = f"a bug in the {what}: {type(error).__name__}: {error}", ""
    return Unread(
        reason=reason.encode("utf-8", "backslashreplace").decode(),
        pointer=pointer.encode("utf-8", "backslashreplace").decode(),
    )


def _digested(read: Read) -> Read:
    """With its hash, for what has no canonical form could not be stored either."""
    return replace(read, sha256=_digest(read))


def _digest(read: Read) -> str:
    result: list[object] = [read.reading]
    if read.document is not None:
        result += [str(read.document.ref), read.mentions, read.document.repairs]
    return canonical.digest(result)


def _read_platform(answer: Answer) -> Read:
    request = answer.request
    platform = platform_of(request.ref)
    if platform is None:
        raise ParseError(f"no platform reads {request.ref.platform}")
    reading = _failed_server(answer, _claimed_targets(platform.parse(request, answer)))
    if request.route == "page" and answer.status is not None and 200 <= answer.status < 300:
        return _read_page(answer, reading)
    return Read(reading=reading)


def _failed_server(answer: Answer, reading: Reading) -> Reading:
    """A server that fails (5xx) says nothing of the post: the attempt failed and is made again soon. Only a reason
    that it gives itself can make a post unavailable."""
    if answer.status is None or answer.status < 500:
        return reading
    findings = tuple(
        replace(finding, outcome=Outcome.UNREACHABLE) if finding.outcome is Outcome.UNAVAILABLE else finding
        for finding in reading.findings
    )
    return replace(reading, findings=findings)


def _claimed_targets(reading: Reading) -> Reading:
    """A platform knows its own addresses only: links to pages that another platform claims become its refs."""
    edges = tuple(
        replace(edge, target=claim(edge.target.id) or edge.target)
        if edge.target.platform == "web" and edge.target.kind == "page"
        else edge
        for edge in reading.edges
    )
    return reading if edges == reading.edges else replace(reading, edges=edges)


def _seed_too_large(answer: Answer) -> Outcome | None:
    """A seed never travelled, so only its size can keep it from being read."""
    return Outcome.TOO_LARGE if answer.failure is Failure.TOO_LARGE else None


def _unreadable(refs: tuple[Ref, ...], note: Unread) -> Read:
    findings = tuple(
        Finding(ref=ref, outcome=Outcome.UNREADABLE, reason=note.reason, pointer=note.pointer) for ref in refs
    )
    return Read(reading=Reading(findings=findings, unread=(note,)))


def _read_seed(answer: Answer) -> Read:
    given = dict(answer.request.given)
    live = Finding(ref=answer.request.ref, outcome=Outcome.LIVE)
    posts = imported(answer.body)
    if posts is not None:  # what a platform hands out as a file quotes nobody: it holds the posts themselves
        posts = _claimed_targets(posts)
        return Read(reading=replace(posts, findings=(live, *posts.findings)))
    document = read_document(
        answer.body,
        name=given.get("name", ""),
        media_type=given.get("media_type", ""),
        column=given.get("column", ""),
    )
    found = mention_rules.find(document, claim)
    return Read(reading=Reading(findings=(live,)), document=document, mentions=found)


def _read_page(answer: Answer, reading: Reading) -> Read:
    media_type, _, parameters = answer.header("content-type").partition(";")
    media_type = media_type.strip().lower()
    if media_type and media_type not in READABLE + FEEDS and not media_type.endswith("+xml"):
        return Read(reading=reading)
    tags = answer.body.count(b"<")
    if len(answer.body) > MAX_PAGE or tags > MAX_TAGS or _weight(answer.body) > MAX_WEIGHT:
        reason = f"larger than the {MAX_PAGE} bytes and {MAX_TAGS} tags up to which pages are read as documents"
        return Read(reading=replace(reading, unread=(*reading.unread, Unread(reason=reason, pointer=""))))
    charset = next((p.split("=", 1)[1].strip(" \"'") for p in parameters.split(";") if "charset=" in p.lower()), "")
    try:
        document = read_document(
            answer.body,
            media_type=media_type if media_type in READABLE + FEEDS else "",
            charset=charset,
            url=answer.url,
        )
        found = mention_rules.find(document, claim)
    except (ParseError, InputError) as error:
        note = Unread(reason=str(error), pointer=getattr(error, "pointer", getattr(error, "place", "")))
        return Read(reading=replace(reading, unread=(*reading.unread, note)))
    return Read(reading=reading, document=document, mentions=found)


CAPTURE = (
    "SELECT c.*, b.sha256, EXISTS (SELECT 1 FROM captures n WHERE n.parent = c.uid AND n.parent <> '') AS followed, "
    f"EXISTS ({erasing.KEPT}) AS erased "
    "FROM captures c LEFT JOIN blobs b ON b.id = c.blob "
)


def store_reading(session: Session, captured: Captured, read: Read) -> None:
    """Stores what a capture said, and logs its hash when it is new or has changed."""
    readings, request = session.readings, captured.request
    kept = _kept(session, captured, read)
    with session.archive.transaction():
        touched = readings.write(captured.id, request.route, captured.observed_at, read.reading)
        live = any(finding.outcome is Outcome.LIVE for finding in read.reading.findings)
        if request.route == "media" and live and captured.status != 304:  # which brings no file
            readings.file(captured.id, request.ref, captured.blob, captured.declared_type, captured.sniffed_type)
            if kept is not None:
                carrying.keep(readings, kept[0], asdict(kept[1]))
            carrying.of_file(session.archive, readings.ref(request.ref))
        if read.document is not None:
            source_map = sourcemap.dump(read.document.runs)
            collection = dict(request.given).get("collection", "")
            readings.document(captured.id, read.document, read.mentions, source_map, collection)
        summaries.refresh(session.archive, touched)
        session.evidence.mark(
            captured.id, "parse", PARSER, read.sha256 or _digest(read), leaf=captured.leaf, fresh=captured.fresh
        )
        session.remember("read_upto", str(captured.leaf))
        if captured.id % tallies.EVERY == 0:
            tallies.advance(session.archive)


def _kept(session: Session, captured: Captured, read: Read) -> tuple[int, pictures.Look] | None:
    """What the bytes of a media file are, by their local id; None where that is known, or where there are none."""
    live = any(finding.outcome is Outcome.LIVE for finding in read.reading.findings)
    if captured.request.route != "media" or not live or captured.blob is None:
        return None
    row = session.archive.one(carrying.UNSEEN, captured.blob)
    return None if row is None else (captured.blob, pictures.look(session.archive, row["sha256"], row["size"]))


def read_capture(session: Session, row: Row) -> Read:
    """Reads one stored capture and stores what it says. A hop that was followed on says nothing itself."""
    read = read_row(session, row)
    store_reading(session, captured_before(row), read)
    return read


def read_row(session: Session, row: Row) -> Read:
    """What a stored capture says; of one that was erased what was kept of its reading."""
    if row["followed"]:
        return Read(reading=Reading())
    if row["erased"]:
        return Read(reading=erasing.kept_reading(session.archive, row["origin"], row["leaf"]))
    return read_answer(answer_from_capture(session, row))


def read_pending(session: Session) -> Iterator[tuple[Row, Read]]:
    """Reads every capture that was stored but not read (after a crash, or when the rules changed), in log order."""
    while True:
        upto = int(session.state("read_upto") or -1)
        row = session.archive.one(
            CAPTURE + "WHERE c.origin = ? AND c.leaf > ? ORDER BY c.leaf LIMIT 1", session.evidence.origin, upto
        )
        if row is None:
            return
        yield row, read_capture(session, row)
