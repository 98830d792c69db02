"""What to look at next: from a document's mentions, and from a post's edges upstream, media and links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from archiver.jobs import keeping
from archiver.jobs.aliases import canonical
from archiver.jobs.read import Read, attempt, read_pending
from archiver.jobs.session import Session
from archiver.model import Edge, EdgeKind, Media, Post, Ref, Request, Unread
from archiver.net.manners import host_of
from archiver.platforms import claim, platform_of
from archiver.store.queue import Task

UPSTREAM = (EdgeKind.QUOTES, EdgeKind.REPOSTS, EdgeKind.REPLIES_TO)
TOGETHER = 100
"""Captures that are read again in one transaction: a kill has so many read once more."""
PRIORITY = {"short": 0, "post": 1, "media": 2, "seed": 0, "page": 3}


MOST = 200
"""Refs that one look at one thing leads to, and as many files: a server says how many links a post has."""


def purpose_of(ref: Ref) -> str:
    """What a look at this ref is for: short, media, page, or post."""
    if ref.kind == "short":
        return "short"
    if ref.platform == "web":
        return "media" if ref.kind == "media" else "page"
    return "post"


def enqueue(session: Session, ref: Ref, *, purpose: str, depth: int, seed: str, led_by: str = "") -> bool:
    """Queues a ref when some platform has a way to ask for it. Whether it is new. `led_by` is the ref that led there,
    empty for the seed itself.

    A post that is queued under an address of its own (a handle, a copy) is not queued once more under its id.
    """
    ref = canonical(session.archive, ref)
    platform = platform_of(ref)
    if platform is None:
        return False
    now, led_by = session.now(), led_by or f"{keeping.ROOT}{seed}"
    with session.archive.transaction():
        if known := _queued_as_alias(session, ref):
            keeping.led(session.archive, known, led_by, now=now)
            return False
        host = attempt("plan", lambda: _first_host(platform.plan(ref, (), session.config.settings)))
        if not host:
            return False
        if isinstance(host, Unread):  # the look will say so
            host = ref.platform
        new = session.frontier.add(
            ref, host=host, purpose=purpose, depth=depth, seed=seed, now=now, priority=PRIORITY[purpose]
        )
        keeping.led(session.archive, str(ref), led_by, now=now, new=new)
    return new


def _first_host(requests: tuple[Request, ...]) -> str:
    """The host that a plan asks first; empty where it asks nobody."""
    return "" if not requests else host_of(requests[0].url) or urlsplit(requests[0].url).netloc.lower()


def _queued_as_alias(session: Session, ref: Ref) -> str:
    """The ref under which this one waits in the queue already, where that is another; else empty."""
    row = session.archive.one(
        "WITH RECURSIVE same(id) AS (SELECT id FROM refs WHERE ref = ? "
        "UNION SELECT a.alias FROM aliases a JOIN same ON a.ref = same.id) "
        "SELECT r.ref FROM same JOIN refs r ON r.id = same.id JOIN work_queue q ON q.ref = r.ref WHERE r.ref <> ? "
        "ORDER BY r.ref LIMIT 1",
        str(ref),
        str(ref),
    )
    return "" if row is None else str(row[0])


def queued_as(session: Session, refs: Iterable[Ref]) -> set[str]:
    """The refs of the queue that stand for these."""
    same = [canonical(session.archive, ref) for ref in refs]
    return {_queued_as_alias(session, ref) or str(ref) for ref in same}


def wanted_of(read: Read) -> dict[Ref, str]:
    """What a seed's document refers to, with what a look at it is for: its mentions, and the addresses of a list or
    feed."""
    wanted: dict[Ref, str] = {}
    if read.document is None:
        return wanted
    for mention in read.mentions:
        for ref in (mention.target, *(link.ref for link in mention.links)):
            if ref is not None:
                wanted.setdefault(ref, purpose_of(ref))
    for link in read.document.links:
        if link.role in ("address", "entry"):
            asked = claim(link.url)
            if asked is not None:
                purpose = purpose_of(asked)
                wanted[asked] = "seed" if purpose == "page" else purpose
    return wanted


def follow_document(session: Session, read: Read, *, seed: str, led_by: str = "") -> int:
    """Queues what a seed's document refers to. How many are new."""
    count = 0
    with session.archive.transaction():
        for ref, purpose in wanted_of(read).items():
            if purpose != "page" or session.config.pages:
                count += enqueue(session, ref, purpose=purpose, depth=0, seed=seed, led_by=led_by)
    return count


def catch_up(session: Session) -> int:
    """Reads what a crash or a newer version left unread, in log order; seeds among it are followed as a run would.
    How many captures. What a seed refers to is queued with its reading or not at all: once read it is not read again.
    Some are committed together: after an upgrade there may be millions.
    """
    pending, count = read_pending(session), 0
    while True:
        with session.archive.transaction():
            for _ in range(TOGETHER):
                row, result = next(pending, (None, None))
                if row is None or result is None:
                    return count
                count += 1
                if row["tier"] == "import":
                    seed = row["url"].removeprefix("seed:")
                    follow_document(session, result, seed=seed)
                    follow_import(session, result, seed=seed)
        session.beat("reading what was stored")


def follow_reading(session: Session, task: Task, reads: Iterable[Read], *, cut: Counter[str] | None = None) -> int:
    """Queues what a finished look leads to. How many refs are new; in `cut` is counted what went beyond `MOST`.

    Upstream (quotes, reposts, replies) up to the configured depth; targets of short links; media of the post
    itself, the best rendering of each; pages that it links to, one hop.
    """
    if task.purpose in ("page", "media"):
        return 0
    config, count = session.config, 0
    readings = [read.reading for read in reads]
    same = {task.ref} | {alias.ref for reading in readings for alias in reading.aliases if alias.alias == task.ref}
    same |= {alias.alias for reading in readings for alias in reading.aliases if alias.ref in same}
    edges = [edge for reading in readings for edge in reading.edges if edge.source in same]
    edges.sort(key=lambda edge: (edge.kind not in (*UPSTREAM, EdgeKind.RESOLVES_TO), purpose_of(edge.target) == "page"))
    targets = list(dict.fromkeys(edge.target for edge in edges if _followed(session, task, edge)))
    chosen = set(targets[:MOST])
    for edge in edges:
        if edge.target in chosen:
            count += _follow_edge(session, task, edge, led_by=str(task.ref))
    media = best_media(post for reading in readings for post in reading.posts if post.ref in same)
    for item in media[:MOST] if config.media else ():
        ref = Ref(platform="web", kind="media", id=item.url)
        count += enqueue(session, ref, purpose="media", depth=task.depth, seed=task.seed, led_by=str(task.ref))
    if cut is not None and (beyond := len(targets[MOST:]) + len(media[MOST:])):
        cut[str(task.ref)] = beyond
    return count


def follow_import(session: Session, read: Read, *, seed: str) -> int:
    """Queues what imported posts lead to, as if each had been looked at: posts upstream, media, linked pages. How many
    refs are new."""
    if read.document is not None or not read.reading.posts:
        return 0
    posts, count = read.reading.posts, 0
    refs = {post.ref for post in posts}
    task = Task(
        ref=posts[0].ref, host="", purpose="post", depth=0, seed=seed, attempts=0, fence=0, added_at=session.now()
    )
    with session.archive.transaction():
        for edge in read.reading.edges:
            count += _follow_edge(session, task, edge, led_by="") if edge.source in refs else 0
        for item in best_media(posts) if session.config.media else ():
            ref = Ref(platform="web", kind="media", id=item.url)
            count += enqueue(session, ref, purpose="media", depth=0, seed=seed)
    return count


def _followed(session: Session, task: Task, edge: Edge) -> bool:
    """Whether a look leads on along an edge of this kind, however deep it is."""
    if edge.kind is EdgeKind.LINKS_TO:
        return task.purpose == "post" and (session.config.pages or purpose_of(edge.target) != "page")
    return edge.kind in UPSTREAM or edge.kind is EdgeKind.RESOLVES_TO


def _follow_edge(session: Session, task: Task, edge: Edge, *, led_by: str) -> int:
    purpose, depth = purpose_of(edge.target), task.depth
    if edge.kind in UPSTREAM:
        if task.depth >= session.config.depth:
            return 0
        depth += 1
    elif edge.kind is EdgeKind.RESOLVES_TO or (edge.kind is EdgeKind.LINKS_TO and task.purpose == "post"):
        depth += edge.kind is not EdgeKind.RESOLVES_TO
        if depth > session.config.depth or (purpose == "page" and not session.config.pages):
            return 0
    else:
        return 0
    return enqueue(session, edge.target, purpose=purpose, depth=depth, seed=task.seed, led_by=led_by)


def best_media(posts: Iterable[Post]) -> tuple[Media, ...]:
    """Of the renderings of each medium the one of highest rank (then the longest address, then the last by text)."""
    best: dict[tuple[Ref, str], Media] = {}
    for post in posts:
        for item in post.media:
            if not item.url:
                continue
            held = best.get((post.ref, item.key))
            if held is None or (item.rank, item.bitrate, item.url) > (held.rank, held.bitrate, held.url):
                best[(post.ref, item.key)] = item
    return tuple(best[key] for key in sorted(best))
