"""What is gathered while the events of one answer are read: one outcome for each ref, each other thing once."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.model import Account, Alias, Edge, EdgeKind, Evidence, Finding, Outcome, Post, Proof, Reading, Ref, Unread
from archiver.platforms.nostr.event import Event

MOST_NOTES = 200
# Of several findings about one ref in one answer the first of these outcomes stands: what an author's own key said of
# an event goes before the event, and the event before what only claimed its id.
_ORDER = (Outcome.DELETED, Outcome.LIVE, Outcome.UNKNOWN, Outcome.UNREADABLE)


@dataclass(slots=True, kw_only=True)
class Gathered:
    """One answer's reading in the making. `held` is the outcome, with a reason, of an event that was shown; `valid` are
    the events whose id and signature hold, by id; `names` what authors call themselves, by key."""

    held: tuple[Outcome, str]
    valid: dict[str, Event] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    findings: dict[Ref, Finding] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def reading(self) -> Reading:
        more = len(self.unread) - MOST_NOTES
        left = (Unread(reason=f"{more} further notes"),) if more > 0 else ()
        return Reading(
            findings=tuple(self.findings.values()),
            posts=tuple(self.posts),
            accounts=tuple(dict.fromkeys(self.accounts)),
            edges=tuple(dict.fromkeys(self.edges)),
            aliases=tuple(dict.fromkeys(self.aliases)),
            proofs=tuple(self.proofs),
            unread=(*dict.fromkeys(self.unread[:MOST_NOTES]), *left),
        )

    def found(self, ref: Ref, outcome: Outcome, reason: str, pointer: str) -> None:
        """One outcome for each ref: the most telling."""
        before = self.findings.get(ref)
        if before is None or _ORDER.index(outcome) < _ORDER.index(before.outcome):
            self.findings[ref] = Finding(ref=ref, outcome=outcome, reason=reason, pointer=pointer)

    def shown(self, ref: Ref, pointer: str) -> None:
        """An event whose signature holds was shown."""
        self.found(ref, *self.held, pointer)

    def edge(
        self, kind: EdgeKind, source: Ref, target: Ref | None, pointer: str, evidence: Evidence = Evidence.ASSERTED
    ) -> None:
        if target is not None and target != source:
            self.edges.append(Edge(kind=kind, source=source, target=target, evidence=evidence, pointer=pointer))

    def skip(self, reason: str, pointer: str) -> None:
        self.unread.append(Unread(reason=reason, pointer=pointer))
