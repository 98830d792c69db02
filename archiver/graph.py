"""Chains: walking edges upstream from a post to its origin, bounded and safe against cycles. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archiver.model import EdgeKind, Evidence, Ref

UPSTREAM = (EdgeKind.QUOTES, EdgeKind.REPOSTS, EdgeKind.REPLIES_TO)
DEEPEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One edge of a chain: `depth` 1 is what the start itself points to. `again` marks a ref met before: the walk
    stops there, so a cycle ends."""

    depth: int
    kind: EdgeKind
    evidence: Evidence
    source: Ref
    target: Ref
    again: bool = False


def chain(
    start: Ref, edges: Callable[[Ref], Iterable[tuple[EdgeKind, Evidence, Ref]]], *, deepest: int = DEEPEST
) -> tuple[Step, ...]:
    """The edges upstream of `start`, depth first; `edges` gives those that leave a ref, in a fixed order."""
    steps: list[Step] = []
    seen = {start}
    waiting = [(1, start, edge) for edge in reversed(list(edges(start)))]
    while waiting:
        depth, source, (kind, evidence, target) = waiting.pop()
        again = target in seen
        steps.append(Step(depth=depth, kind=kind, evidence=evidence, source=source, target=target, again=again))
        seen.add(target)
        if not again and depth < deepest:
            waiting += [(depth + 1, target, edge) for edge in reversed(list(edges(target)))]
    return tuple(steps)


def origins(start: Ref, steps: Iterable[Step]) -> tuple[Ref, ...]:
    """The ends of a chain: refs from which nothing leads further up. The start itself when it quotes nothing."""
    taken = list(steps)
    sources = {step.source for step in taken}
    ends = [step.target for step in taken if step.target not in sources and not step.again]
    return tuple(dict.fromkeys(ends)) or ((start,) if not taken else ())
