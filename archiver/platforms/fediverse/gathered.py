"""What is gathered while one answer is read, and the reads that both of the fediverse's formats share."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.model import (
    Account,
    Alias,
    Edge,
    EdgeKind,
    Evidence,
    Finding,
    Outcome,
    Post,
    Proof,
    Reading,
    Ref,
    Request,
    Unread,
)
from archiver.platforms.fediverse.address import Place
from archiver.platforms.fields import Node, utc_text
from archiver.platforms.web.address import normal


@dataclass(slots=True, kw_only=True)
class Gathered:
    """One answer's reading in the making. `place` is the server that answered: it may speak for its own ids alone."""

    place: Place
    findings: list[Finding] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def reading(self) -> Reading:
        return Reading(
            findings=tuple(dict.fromkeys(self.findings)),
            posts=tuple(self.posts),
            accounts=tuple(dict.fromkeys(self.accounts)),
            edges=tuple(dict.fromkeys(self.edges)),
            aliases=tuple(dict.fromkeys(self.aliases)),
            proofs=tuple(self.proofs),
            unread=tuple(dict.fromkeys(self.unread)),
        )

    def found(self, ref: Ref, outcome: Outcome, reason: str = "", pointer: str = "") -> None:
        self.findings.append(Finding(ref=ref, outcome=outcome, reason=reason, pointer=pointer))

    def edge(
        self, kind: EdgeKind, source: Ref, target: Ref, pointer: str, evidence: Evidence = Evidence.ASSERTED
    ) -> None:
        self.edges.append(Edge(kind=kind, source=source, target=target, evidence=evidence, pointer=pointer))

    def alias(self, alias: Ref, ref: Ref, pointer: str) -> None:
        if alias != ref:
            self.aliases.append(Alias(alias=alias, ref=ref, pointer=pointer))

    def answered(self, request: Request, ref: Ref, pointer: str, reason: str = "") -> None:
        """The thing that the request asked for, as its server names it. After a redirect to another host that host
        speaks for its own id alone: what was asked is then not known to be the same thing."""
        self.found(ref, Outcome.LIVE, reason, pointer)
        if request.ref == ref:
            return
        if self.place.owns(request.ref.id):
            self.found(request.ref, Outcome.LIVE, reason, pointer)
            self.alias(request.ref, ref, pointer)
        else:
            self.found(request.ref, Outcome.UNKNOWN, "answered by another host", pointer)
            self.edge(EdgeKind.RESOLVES_TO, request.ref, ref, pointer)

    def skip(self, reason: str, pointer: str) -> None:
        self.unread.append(Unread(reason=reason, pointer=pointer))

    def moment(self, node: Node, key: str) -> str:
        """The time under a key; a string that is no time with a zone is kept as unread. Other types: ParseError."""
        child = node.get(key)
        if child is None:
            return ""
        text = child.text()
        try:
            return utc_text(text) if len(text) <= 64 else ""
        except (ValueError, TypeError, IndexError):  # the last two are what `email.utils` raises for some broken dates
            self.skip("no time with a zone", child.pointer)
            return ""


def web_uri(text: str) -> str:
    """The text when it is an absolute http(s) address, verbatim; an empty string otherwise."""
    return text if normal(text) is not None else ""
