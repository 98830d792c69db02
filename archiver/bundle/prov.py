"""`metadata/prov.json`: who did what with what, in PROV-JSON (W3C member submission of 2013).

Captures are activities that generated bodies; versions of posts are derived from the bodies that showed them; verdicts
from a version and a document. That an author wrote a post is not said: an archive cannot know it.
"""

from __future__ import annotations

import json
from typing import Any

from archiver.bundle.index import Index

_PREFIX = {"qc": "urn:quotechain:", "xsd": "http://www.w3.org/2001/XMLSchema#"}


def prov(index: Index) -> str:
    """The provenance of everything in an index."""
    entities: dict[str, Any] = {"qc:bundle": {"prov:label": index["what"], "qc:origin": index["origin"]}}
    activities: dict[str, Any] = {"qc:export": {"prov:endTime": index["made"], "qc:size": index["size"]}}
    tool = {"prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}, "prov:label": index["tool"]}
    generated: list[tuple[str, str]] = [("qc:bundle", "qc:export")]
    used: list[tuple[str, str]] = []
    derived: list[tuple[str, str, str]] = []
    bodies: dict[str, str] = {}
    for capture in index["captures"]:
        activity = f"qc:capture-{capture['uid']}"
        activities[activity] = {
            "prov:startTime": capture["observed_at"],
            "prov:endTime": capture["ended_at"],
            "qc:url": capture["url"],
            "qc:route": capture["route"],
            "qc:leaf": capture["leaf"],
            **({} if capture["status"] is None else {"qc:status": capture["status"]}),
            **({"qc:failure": capture["failure"]} if capture["failure"] else {}),
        }
        if capture["body_sha256"]:
            # The same bytes may come twice: each coming is an entity of its own.
            body = bodies[capture["uid"]] = f"qc:body-{capture['uid']}"
            entities[body] = {
                "qc:sha256": capture["body_sha256"],
                "prov:location": f"data/blobs/{capture['body_sha256']}",
            }
            generated.append((body, activity))
            used.append(("qc:export", body))
    for post in index["posts"]:
        for version in post["versions"]:
            entity = f"qc:version-{version['sha256']}"
            entities[entity] = {"qc:ref": post["ref"], "qc:sha256": version["sha256"]}
            shown = (sighting["capture"] for sighting in version["sightings"])
            derived += [(entity, bodies[uid], "qc:reading") for uid in dict.fromkeys(shown) if uid in bodies]
    texts: dict[str, str] = {}
    for document in index["documents"]:
        entity = texts[document["ref"]] = f"qc:document-{document['sha256']}"
        entities[entity] = {"qc:ref": document["ref"], "prov:label": document["title"]}
        derived += [(entity, bodies[uid], "qc:reading") for uid in document["captures"] if uid in bodies]
    for number, verdict in enumerate(index["verdicts"]):
        if verdict["verdict"]:
            entity = f"qc:verdict-{number}"
            entities[entity] = {"qc:passage": verdict["passage"], "qc:verdict": verdict["verdict"]}
            entities[entity]["qc:policy"] = verdict["policy"]
            sources = (texts.get(verdict["document"], ""), f"qc:version-{verdict['version']}")
            derived += [(entity, source, "qc:judging") for source in sources if source in entities]
    told = {
        "prefix": _PREFIX,
        "entity": entities,
        "activity": activities,
        "agent": {"qc:tool": tool},
        "wasGeneratedBy": {
            f"_:g{n}": {"prov:entity": entity, "prov:activity": activity}
            for n, (entity, activity) in enumerate(generated)
        },
        "used": {
            f"_:u{n}": {"prov:activity": activity, "prov:entity": entity} for n, (activity, entity) in enumerate(used)
        },
        "wasDerivedFrom": {
            f"_:d{n}": {
                "prov:generatedEntity": made,
                "prov:usedEntity": source,
                "prov:type": {"$": kind, "type": "prov:QUALIFIED_NAME"},
            }
            for n, (made, source, kind) in enumerate(derived)
        },
        "wasAssociatedWith": {
            f"_:a{n}": {"prov:activity": activity, "prov:agent": "qc:tool"} for n, activity in enumerate(activities)
        },
    }
    return json.dumps(told, ensure_ascii=False) + "\n"
