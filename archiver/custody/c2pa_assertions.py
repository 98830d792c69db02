"""The assertions of C2PA that are shown: what was done to a file, and what it was made from (specification 2.2,
sections 18.15 and 18.16; earlier versions of both are read, too)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archiver.custody import cbor, jumbf
from archiver.errors import ParseError

MAX_ACTIONS = 256
MAX_TEXT = 4096
_SUFFIX = re.compile(r"(\.v[0-9]+)?(__[0-9]+)?$")
_SYNTHETIC = frozenset({"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicData"})
"""How the digital source types of IPTC and C2PA end that speak of trained models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What was done, by which program, and the kind of source (a URI of IPTC or C2PA); empty where it is not said."""

    action: str
    source_type: str
    agent: str

    @property
    def synthetic(self) -> bool:
        """Whether the source is what a trained model made."""
        return self.source_type.rpartition("/")[2] in _SYNTHETIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """What a file was made from: `manifest` is the JUMBF URI of the manifest that came with it."""

    title: str
    format: str
    relationship: str
    manifest: str


def base_label(label: str) -> str:
    """A label without its version and number."""
    return _SUFFIX.sub("", label, count=1)


def text(fields: dict[int | str, cbor.Value], key: str) -> str:
    """A text; empty when it is not there. ParseError when it is something else, or
    longer than any that makes sense."""
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ParseError("not a text", pointer=f"/{key}")
    if len(value) > MAX_TEXT:
        raise ParseError(f"a text of {len(value)} characters", pointer=f"/{key}")
    return value


def items(fields: dict[int | str, cbor.Value], key: str) -> list[cbor.Value]:
    """A list; empty when it is not there. ParseError when it is something else."""
    value = fields.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ParseError("not a list", pointer=f"/{key}")
    return value


def actions(box: jumbf.Superbox) -> tuple[Action, ...]:
    """The actions of a `c2pa.actions`, then the templates that they share."""
    fields, found = content(box), []
    for key in ("actions", "templates"):
        for at, entry in enumerate(items(fields, key)):
            if not isinstance(entry, dict):
                raise ParseError("not a map", pointer=f"/{key}/{at}")
            agent = entry.get("softwareAgent")
            found.append(
                Action(
                    action=text(entry, "action"),
                    source_type=text(entry, "digitalSourceType"),
                    agent=text(agent, "name") if isinstance(agent, dict) else text(entry, "softwareAgent"),
                )
            )
    if len(found) > MAX_ACTIONS:
        raise ParseError(f"{len(found)} actions")
    return tuple(found)


def ingredient(box: jumbf.Superbox) -> Ingredient:
    """A `c2pa.ingredient`."""
    fields = content(box)
    named = next((fields[key] for key in ("activeManifest", "c2pa_manifest") if key in fields), None)
    return Ingredient(
        title=text(fields, "dc:title"),
        format=text(fields, "dc:format"),
        relationship=text(fields, "relationship"),
        manifest=text(named, "url") if isinstance(named, dict) else "",
    )


def content(box: jumbf.Superbox) -> dict[int | str, cbor.Value]:
    """What an assertion in CBOR holds. ParseError when that is no map."""
    fields = cbor.decode(box.payload("cbor"))
    if not isinstance(fields, dict):
        raise ParseError("not a map")
    return fields
