"""What authors signed, in the report: a line for each proof, and the captured answers by which the page checks it."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from archiver.bundle.index import CaptureEntry, ProofEntry
from archiver.bundle.report_markup import block, own, plain, text

Read = Callable[[str], bytes | None]
ANSWER, ANSWERS = 1 << 20, 8 << 20
"""So large a captured answer, and so many bytes of them in all, stand in the page. verify.py reads the others."""
SAID = {
    "atproto-record": "The account’s repository key signed this record",
    "atproto-absence": "The account’s repository key signed that this record is not there",
    "plc-log": "The log of the account’s DID leads to its signing key",
    "fep-8b32": "The author’s key signed this object (FEP-8b32)",
    "nostr-event": "The author’s key signed this event (Nostr)",
}
"""The kinds that the page checks, and what each says when it holds."""
_HASHED = "The record is the one that its CID names (it says nothing of who wrote it)"


def lines(proofs: Sequence[ProofEntry]) -> Iterator[str]:
    """Each proof once. Those that the page checks carry what it needs to find the answer."""
    seen: set[tuple[str, str, str, str]] = set()
    others: Counter[tuple[str, int | None, str]] = Counter()
    for one in proofs:
        key = (one["kind"], one["ref"], one["capture"], one["pointer"])
        if one["kind"] not in SAID:
            others[one["kind"], one["valid"], one["detail"]] += 1
        elif key not in seen:
            seen.add(key)
            said = _said(SAID[one["kind"]], one["valid"], one["detail"])
            yield f'<span{_facts(one)}>{said}</span> <span class="check"></span>'
    for (kind, valid, detail), count in others.items():
        again = f" (in {count} captures)" if count > 1 else ""
        yield _said(f"{_HASHED if kind == 'atproto-cid' else kind}{again}", valid, detail)


def _said(what: str, valid: int | None, detail: str) -> str:
    told = f": {own(detail)}" if detail else ""
    if valid == 1:
        return f"{text(what)}: held when the archive read it{told}"
    if valid == 0:
        return f'<span class="bad">REFUSED when the archive read it</span>: {text(what)}{told}'
    return f"Could not be checked when the archive read it: {text(what)}{told}"


def _facts(one: ProofEntry) -> str:
    """What an attribute cannot hold as it is leaves the proof to verify.py."""
    values = {"kind": one["kind"], "ref": one["ref"], "capture": one["capture"], "pointer": one["pointer"]}
    if any(plain(value) != html.escape(value) for value in values.values()):
        return ""
    valid = "" if one["valid"] is None else str(int(one["valid"]))
    held = "".join(f' data-{name}="{plain(value)}"' for name, value in {**values, "valid": valid}.items())
    return f' class="proof"{held}'


def answers(
    told: Iterable[ProofEntry], captures: Iterable[CaptureEntry], shows: Callable[[str], bool], read: Read
) -> Iterator[str]:
    """The captured answers that these proofs need, as they came, as far as there is room. `captures` is
    gone through twice."""
    proofs = [one for one in told if one["kind"] in SAID]
    uids = {one["capture"] for one in proofs}
    accounts = {f"bluesky:account:{one['ref'].partition('at://')[2].partition('/')[0]}" for one in proofs}
    objects = {one["ref"] for one in captures if one["uid"] in uids and one["route"] == "actor"} if uids else set()
    left = ANSWERS
    for one in captures if uids else ():
        by = one["route"] in ("plc-log", "did") and one["ref"] in accounts
        of = one["route"] in ("object", "object-signed") and one["ref"] in objects
        if not (one["uid"] in uids or by or of) or not shows(one["uid"]):
            continue
        if not one["body_sha256"] or one["body_size"] > min(ANSWER, left):
            continue
        data = read(f"data/blobs/{one['body_sha256']}")
        if data is not None:
            left -= len(data)
            yield block("answer", {"uid": one["uid"], "body": base64.b64encode(data).decode("ascii")})
