"""`metadata/prov.json`: who did what with what, in PROV-JSON (W3C member submission of 2013).

Captures are activities that generated bodies; versions of posts are derived from the bodies that showed them; verdicts
from a version and a document. That an author wrote a post is not said: an archive cannot know it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from archiver.bundle.index import CaptureEntry, Index
from archiver.bundle.spool import Spools, Text

_PREFIX = {"qc": "urn:quotechain:", "xsd": "http://www.w3.org/2001/XMLSchema#"}

_RELATIONS = ("wasGeneratedBy", "used", "wasDerivedFrom", "wasAssociatedWith")
SECTIONS = ("entity", "activity", "agent", *_RELATIONS)
_encoded = json.JSONEncoder(ensure_ascii=False).encode


def prov(index: Index, spools: Spools) -> Iterator[bytes]:
    """The provenance of everything in an index, in pieces. A section is put together on the disk, since one reading of
    the index fills them all."""
    sections = {name: Text(spools) for name in SECTIONS}
    counts = dict.fromkeys(SECTIONS, 0)

    def tell(section: str, key: str, value: dict[str, Any]) -> None:
        name = f"_:{key}{counts[section]}" if section in _RELATIONS else key
        comma = ", " if counts[section] else ""
        sections[section].write(f"{comma}{_encoded(name)}: {_encoded(value)}")
        counts[section] += 1

    def generated(entity: str, activity: str) -> None:
        tell("wasGeneratedBy", "g", {"prov:entity": entity, "prov:activity": activity})
        tell("wasAssociatedWith", "a", {"prov:activity": activity, "prov:agent": "qc:tool"})

    def derived(made: str, source: str, kind: str) -> None:
        type = {"$": kind, "type": "prov:QUALIFIED_NAME"}
        tell("wasDerivedFrom", "d", {"prov:generatedEntity": made, "prov:usedEntity": source, "prov:type": type})

    tell("entity", "qc:bundle", {"prov:label": index["what"], "qc:origin": index["origin"]})
    tell("activity", "qc:export", {"prov:endTime": index["made"], "qc:size": index["size"]})
    agent = {"prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}, "prov:label": index["tool"]}
    tell("agent", "qc:tool", agent)
    generated("qc:bundle", "qc:export")
    bodies: set[bytes] = set()
    for capture in index["captures"]:
        _told(capture, tell, generated, bodies)
    versions: set[bytes] = set()
    for post in index["posts"]:
        for version in post["versions"]:
            entity, digest = f"qc:version-{version['sha256']}", bytes.fromhex(version["sha256"])
            if digest not in versions:  # two posts may say the same
                versions.add(digest)
                tell("entity", entity, {"qc:ref": post["ref"], "qc:sha256": version["sha256"]})
            for uid in dict.fromkeys(sighting["capture"] for sighting in version["sightings"]):
                if uid.encode() in bodies:
                    derived(entity, f"qc:body-{uid}", "qc:reading")
    for document in index["documents"]:
        entity = f"qc:document-{document['ref'].split(':', 2)[2]}"
        tell("entity", entity, {"qc:ref": document["ref"], "prov:label": document["title"]})
        for uid in document["captures"]:
            if uid.encode() in bodies:
                derived(entity, f"qc:body-{uid}", "qc:reading")
    for number, verdict in enumerate(index["verdicts"]):
        if verdict["verdict"]:
            entity = f"qc:verdict-{number}"
            said = {"qc:passage": verdict["passage"], "qc:verdict": verdict["verdict"], "qc:policy": verdict["policy"]}
            tell("entity", entity, said)
            derived(entity, f"qc:document-{verdict['document'].split(':', 2)[2]}", "qc:judging")
            if bytes.fromhex(verdict["version"]) in versions:
                derived(entity, f"qc:version-{verdict['version']}", "qc:judging")
    yield f'{{"prefix": {_encoded(_PREFIX)}'.encode()
    for name, section in sections.items():
        yield f', "{name}": {{'.encode()
        yield from section
        yield b"}"
    yield b"}\n"


def _told(
    capture: CaptureEntry,
    tell: Callable[[str, str, dict[str, Any]], None],
    generated: Callable[[str, str], None],
    bodies: set[bytes],
) -> None:
    """A capture is an activity. The same bytes may come twice: each coming is an entity of its own."""
    activity, body = f"qc:capture-{capture['uid']}", f"qc:body-{capture['uid']}"
    tell(
        "activity",
        activity,
        {
            "prov:startTime": capture["observed_at"],
            "prov:endTime": capture["ended_at"],
            "qc:url": capture["url"],
            "qc:route": capture["route"],
            "qc:leaf": capture["leaf"],
            **({} if capture["status"] is None else {"qc:status": capture["status"]}),
            **({"qc:failure": capture["failure"]} if capture["failure"] else {}),
        },
    )
    if not capture["body_sha256"]:
        tell("wasAssociatedWith", "a", {"prov:activity": activity, "prov:agent": "qc:tool"})
        return
    bodies.add(capture["uid"].encode())
    location = f"data/blobs/{capture['body_sha256']}"
    tell("entity", body, {"qc:sha256": capture["body_sha256"], "prov:location": location})
    generated(body, activity)
    tell("used", "u", {"prov:activity": "qc:export", "prov:entity": body})
