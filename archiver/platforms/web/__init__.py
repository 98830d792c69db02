"""The open web: any http(s) address that no platform claims.

Refs: `web:page:URL` (normal form, see `address`), `web:media:URL`. A page's outgoing links become LINKS_TO edges
to `web:page:` refs, as the page claims them: which platform an address belongs to is decided above (jobs), through
the claims of all platforms. Embedded posts are found by the documents room from the same capture, not here. A page
answered with 200 or 203 is live, whatever its words say.
"""

from __future__ import annotations

from collections.abc import Mapping

from archiver.model import (
    Alias,
    Answer,
    Edge,
    EdgeKind,
    Evidence,
    Finding,
    Outcome,
    Reading,
    Ref,
    Request,
    Settings,
    Unread,
)
from archiver.platforms import outcomes
from archiver.platforms.web.address import host_of, normal, page
from archiver.platforms.web.markup import LIMIT, decode
from archiver.platforms.web.statements import LINKS, gather, links
from archiver.platforms.web.statements import page as statements
from archiver.platforms.web.unchanged import believed

EXAMPLES: Mapping[str, str] = {
    "https://news.example/2024/story.html?id=7#top": "web:page:https://news.example/2024/story.html?id=7",
    "HTTP://News.Example:80": "web:page:http://news.example/",
    "https://bücher.example/a b".replace(" ", "%20"): "web:page:https://xn--bcher-kva.example/a%20b",
    "http://127.0.0.1:8080/page": "web:page:http://127.0.0.1:8080/page",
}
SHOWN = frozenset({200, 203})
"""Statuses of answers that are the page (RFC 9110 section 15.3). Others of 2xx are about it or stand in its place: a
wall against robots answers 202, and 204 shows nothing."""
_HTML = frozenset({"text/html", "application/xhtml+xml"})


def claim(url: str) -> Ref | None:
    """`web:page:URL` for any http(s) address with a host and without credentials; None for anything else."""
    return page(url)


def plan(ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
    """One GET: route `page`, or `media` without content coding, so that the bytes hash as they are."""
    del settings  # nothing here can be configured
    if answers or ref.platform != "web" or normal(ref.id) is None:
        return ()
    if ref.kind == "media":
        return (Request(ref=ref, route="media", url=ref.id, headers=(("Accept-Encoding", "identity"),)),)
    if ref.kind == "page":
        accept = ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5")
        return (Request(ref=ref, route="page", url=ref.id, headers=(accept,)),)
    return ()


def parse(request: Request, answer: Answer) -> Reading:
    """What one answer says. After a redirect the page that answered has its own ref: findings name both, and a
    RESOLVES_TO edge joins them; they are not aliases, for a site may send what is gone to its front page."""
    ref, status = request.ref, answer.status
    if status is None:
        return Reading(findings=(Finding(ref=ref, outcome=outcomes.transport(answer) or Outcome.UNREACHABLE),))
    if status == 304:
        return _not_modified(request, answer)
    kind = answer.header("content-type").split(";")[0].strip().lower()
    final, edges = ref, []
    if answer.url and (address := normal(answer.url)) and address != ref.id:
        final = Ref(platform="web", kind=ref.kind, id=address)
        edges.append(_edge(EdgeKind.RESOLVES_TO, ref, final, Evidence.ASSERTED, "url"))
    outcome, reason = outcomes.http(status), f"http-{status}"
    if outcome is None:
        outcome, reason = (Outcome.LIVE, kind or "no-type") if status in SHOWN else (Outcome.UNKNOWN, reason)
        if status == 206:
            outcome, reason = Outcome.TRUNCATED, "http-206"
    findings = [Finding(ref=final, outcome=outcome, reason=reason, pointer="status")]
    if final != ref:
        findings.insert(0, Finding(ref=ref, outcome=outcome, reason=f"redirected; {reason}", pointer="status"))
    if outcome is not Outcome.LIVE or ref.kind != "page" or not _is_html(kind, answer.body):
        return Reading(findings=tuple(findings), edges=tuple(edges))
    return _page(final, answer, findings, edges)


def _not_modified(request: Request, answer: Answer) -> Reading:
    """A 304 shows nothing itself: it says that what an earlier capture showed is still there, or it says nothing."""
    since, how = believed(request, answer)
    outcome = Outcome.LIVE if since else Outcome.UNKNOWN
    reason = f"http-304: not changed since capture {since}, {how}" if since else f"http-304: {how}"
    return Reading(findings=(Finding(ref=request.ref, outcome=outcome, reason=reason, pointer="status"),))


def _page(ref: Ref, answer: Answer, findings: list[Finding], edges: list[Edge]) -> Reading:
    found = gather(decode(answer.body[:LIMIT], answer.header("content-type")))
    about, unread = statements(ref, found)
    outgoing, left = links(ref, found)
    edges += [
        _edge(EdgeKind.LINKS_TO, ref, Ref(platform="web", kind="page", id=url), Evidence.CLAIMED, f"a:{index}")
        for index, url in outgoing
    ]
    if left:
        unread += (Unread(reason=f"more than {LINKS} links", pointer="a"),)
    if len(answer.body) > LIMIT:
        unread += (Unread(reason=f"statements and links read from the first {LIMIT} bytes", pointer=f"byte:{LIMIT}"),)
    return Reading(
        findings=tuple(findings),
        edges=tuple(edges),
        pages=(about,),
        aliases=_aliases(ref, about.canonical),
        unread=unread,
    )


def _aliases(ref: Ref, canonical: str) -> tuple[Alias, ...]:
    """The canonical address as the same thing, only on the page's own host, and never a site's front page for
    another page (a common misconfiguration that would merge a whole site)."""
    if not canonical or canonical == ref.id or host_of(canonical) != host_of(ref.id):
        return ()
    if canonical.split("/", 3)[3] == "":
        return ()
    return (Alias(alias=ref, ref=Ref(platform="web", kind="page", id=canonical), pointer="link[rel=canonical]"),)


def _is_html(kind: str, body: bytes) -> bool:
    """By the declared type; without one, by the start of the document (WHATWG MIME Sniffing §7.1, its HTML part)."""
    if kind:
        return kind in _HTML
    start = body[:1024].removeprefix(b"\xef\xbb\xbf").lstrip(b"\t\n\f\r ").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<!--"))


def _edge(kind: EdgeKind, source: Ref, target: Ref, evidence: Evidence, pointer: str) -> Edge:
    return Edge(kind=kind, source=source, target=target, evidence=evidence, pointer=pointer)
