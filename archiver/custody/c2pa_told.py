"""What is told of the C2PA manifests of a file: as values for JSON, and in a sentence or two for people."""

from __future__ import annotations

from typing import Any

from archiver.custody import c2pa
from archiver.custody.c2pa_assertions import Ingredient
from archiver.custody.cose import Check, State
from archiver.errors import ParseError

CAVEAT = (
    "A signature that holds shows that whoever has the key of the certificate signed this claim, not that the name in "
    "the certificate is right or that the claim is true."
)


def report(data: bytes) -> dict[str, Any] | None:
    """What the manifests of a file claim, ready for JSON; None when it has none. Raises nothing.

    `manifests` are in the order of `c2pa.read`, `unread` is the reason why none could be read (else empty), `told`
    are one or two sentences for people.
    """
    try:
        manifests = c2pa.read(data)
    except ParseError as error:
        reason = str(error)
        return {"manifests": [], "unread": reason, "told": [f"C2PA manifest that cannot be read: {reason}"]}
    if not manifests:
        return None
    return {"manifests": [values(one) for one in manifests], "unread": "", "told": list(sentences(manifests))}


def values(manifest: c2pa.Manifest) -> dict[str, Any]:
    """A manifest as plain values. A check is {"state", "reason"}, its state one of the words of State."""
    signer, stamp = manifest.signer, manifest.stamp
    return {
        "label": manifest.label,
        "active": manifest.active,
        "generator": manifest.generator,
        "title": manifest.title,
        "format": manifest.format,
        "synthetic": manifest.synthetic,
        "signature": _check(manifest.signature),
        "binding": _check(manifest.binding),
        "contents": _check(manifest.contents),
        "algorithm": manifest.algorithm,
        "signer": None
        if signer is None
        else {
            "subject": signer.subject,
            "issuer": signer.issuer,
            "serial": signer.serial,
            "not_before": signer.not_before,
            "not_after": signer.not_after,
        },
        "stamp": None
        if stamp is None
        else {"time": stamp.time, "service": stamp.service, "check": _check(stamp.check)},
        "assertions": [
            {"label": one.label, "check": _check(one.check), "gathered": one.gathered} for one in manifest.assertions
        ],
        "actions": [
            {"action": one.action, "source_type": one.source_type, "agent": one.agent, "synthetic": one.synthetic}
            for one in manifest.actions
        ],
        "ingredients": [_ingredient(one) for one in manifest.ingredients],
        "notes": list(manifest.notes),
    }


def sentences(manifests: tuple[c2pa.Manifest, ...]) -> tuple[str, ...]:
    """What the active manifest claims, then what was checked of it."""
    active = manifests[0]
    done = [
        one.action + (f" ({one.source_type.rpartition('/')[2]})" if one.source_type else "") for one in active.actions
    ]
    claims = [f"C2PA manifest by {active.generator or 'an unnamed program'}"]
    if active.synthetic:
        claims.append("claims that a trained model made the picture or part of it (AI)")
    else:
        claims += [
            f"earlier manifest {one.label} claims that a trained model made what this was made from (AI)"
            for one in manifests[1:]
            if one.synthetic
        ][:1]
    if active.title:
        claims.append(f"title “{_cut(active.title)}”")
    if done:
        claims.append("actions: " + ", ".join(_cut(one) for one in done[:6]) + (" …" if len(done) > 6 else ""))
    if active.ingredients:
        claims.append(f"made from {_count(len(active.ingredients), 'ingredient')}")
    if active.notes:
        claims.append(f"{_count(len(active.notes), 'part')} could not be read")
    checks = [_told("the file is as it was when it was signed", active.binding)]
    checks.append(_told("the assertions are those of the claim", active.contents))
    by = f" ({active.algorithm or 'unknown algorithm'}"
    by += ")" if active.signer is None else f", a certificate in the name of “{_cut(active.signer.subject)}”)"
    checks.append(_told("signature" + by, active.signature))
    if active.stamp is not None:
        at = f" of {active.stamp.time}" if active.stamp.time else ""
        checks.append(_told(f"timestamp{at}", active.stamp.check))
    told = "; ".join(checks) + "."
    return "; ".join(claims) + ".", told + (f" {CAVEAT}" if active.signature.state is State.HOLDS else "")


def _told(what: str, check: Check) -> str:
    return f"{what}: {check.state.value}" + (f" ({check.reason})" if check.reason else "")


def _check(check: Check) -> dict[str, str]:
    return {"state": check.state.value, "reason": check.reason}


def _ingredient(one: Ingredient) -> dict[str, str]:
    return {
        "title": one.title,
        "format": one.format,
        "relationship": one.relationship,
        "manifest": one.manifest,
    }


def _cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
