"""The policy names the rules in stored matches: when verdicts change, so must the name."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

from archiver.model import Verdict
from archiver.quotes.speech import judge_speech
from archiver.quotes.verdict import QUOTES_POLICY, judge, splice

PAIRS = Path(__file__).parent / "policy_pairs.jsonl"
POLICY = "quotes/4"
DIGEST = "818af82b1ddc2473"


def told(verdict: Verdict) -> list[object]:
    changes = [(change.op, change.quoted, change.original) for change in verdict.changes]
    spans = [str(span) for span in (verdict.quoted_span, verdict.original_span)]
    return [verdict.kind, verdict.steps, changes, verdict.omitted, verdict.flags, spans, f"{verdict.score:.4f}"]


def digest(judge_pair: object = judge) -> str:
    assert callable(judge_pair)
    out: list[object] = []
    pairs = [json.loads(line) for line in PAIRS.read_text("ascii").splitlines()]
    assert len(pairs) >= 80
    for quoted, original in pairs:
        out.append(told(judge_pair(quoted, original)))
        out.append(told(judge_pair(quoted, original, truncated=True)))
        out.append(told(judge_pair(f"They wrote: {quoted}", original, open_start=True)))
        out.append(told(judge_speech(quoted, original)))
    for (_, first), (_, second) in itertools.pairwise(pairs):
        parts = splice(f"{first} {second}", [first, second])
        out.append(parts and [(number, told(part)) for number, part in parts])
    return hashlib.sha256(json.dumps(out).encode()).hexdigest()[:16]


def test_verdicts_change_only_with_the_name_of_the_policy() -> None:
    found = digest()
    assert (QUOTES_POLICY, found) == (POLICY, DIGEST), (
        f"verdicts changed: raise QUOTES_POLICY, and record here its name and {found}"
    )


def test_the_check_notices_one_changed_verdict() -> None:
    def lenient(quoted: str, original: str, *, truncated: bool = False, open_start: bool = False) -> Verdict:
        return judge(quoted.replace("never", ""), original, truncated=truncated, open_start=open_start)

    assert digest(lenient) != DIGEST


def test_the_pairs_hold_every_kind() -> None:
    pairs = [json.loads(line) for line in PAIRS.read_text("ascii").splitlines()]
    kinds = {judge(quoted, original).kind for quoted, original in pairs}
    assert kinds == {
        "exact", "normalised", "same-words", "partial", "truncated", "elided", "bracketed", "altered", "not-found",
        "not-judged",
    }  # fmt: skip
