"""`metadata/case.jsonld`: the captures in CASE 1.4 / UCO 1.4 (caseontology.org): actions, what they brought, hashes."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

from archiver.bundle.index import CaptureEntry, Index

_NAMESPACE = uuid.NAMESPACE_URL.bytes
_encoded = json.JSONEncoder(ensure_ascii=False).encode
_CONTEXT = {
    "kb": "urn:quotechain:kb:",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def case(index: Index) -> Iterator[str]:
    """Each capture as an investigative action with its result, in pieces. Ids follow from the captures' own."""
    tool = _id("tool", index["tool"])
    named = {"@id": tool, "@type": "uco-tool:Tool", "uco-core:name": "quotechain", "uco-tool:version": index["tool"]}
    yield f'{{"@context": {_encoded(_CONTEXT)}, "@graph": [{_encoded(named)}'
    for capture in index["captures"]:
        yield "".join([f", {_encoded(node)}" for node in _capture(capture, tool, index)])
    yield "]}\n"


def _capture(capture: CaptureEntry, tool: str, index: Index) -> list[dict[str, Any]]:
    uid = capture["uid"]
    address, action, record = _id("url", uid), _id("action", uid), _id("record", uid)
    nodes: list[dict[str, Any]] = [
        {
            "@id": address,
            "@type": "uco-observable:ObservableObject",
            "uco-core:hasFacet": {
                "@id": _id("url-facet", uid),
                "@type": "uco-observable:URLFacet",
                "uco-observable:fullValue": capture["url"],
            },
        }
    ]
    results = []
    if capture["body_sha256"]:
        body = _id("body", uid)
        results.append({"@id": body})
        content: dict[str, Any] = {
            "@id": _id("content-facet", uid),
            "@type": "uco-observable:ContentDataFacet",
            "uco-observable:sizeInBytes": {"@type": "xsd:integer", "@value": str(capture["body_size"])},
            "uco-observable:hash": {
                "@id": _id("hash", uid),
                "@type": "uco-types:Hash",
                "uco-types:hashMethod": "SHA256",
                "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": capture["body_sha256"]},
            },
        }
        if capture["declared_type"]:
            content["uco-observable:mimeType"] = capture["declared_type"].split(";")[0].strip().lower()
        name = {
            "@id": _id("file-facet", uid),
            "@type": "uco-observable:FileFacet",
            "uco-observable:fileName": capture["body_sha256"],
            "uco-observable:filePath": f"data/blobs/{capture['body_sha256']}",
        }
        nodes.append({"@id": body, "@type": "uco-observable:File", "uco-core:hasFacet": [name, content]})
    told = f"HTTP {capture['status']}" if capture["status"] is not None else capture["failure"] or capture["tier"]
    nodes.append(
        {
            "@id": action,
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": f"capture by the route {capture['route']}",
            "uco-core:description": f"{capture['method']} {capture['url']}: {told}",
            "uco-action:startTime": _time(capture["observed_at"]),
            "uco-action:endTime": _time(capture["ended_at"]),
            "uco-action:instrument": {"@id": tool},
            "uco-action:object": {"@id": address},
            "uco-action:result": [*results, {"@id": record}],
        }
    )
    nodes.append(
        {
            "@id": record,
            "@type": "case-investigation:ProvenanceRecord",
            "uco-core:description": f"Leaf {capture['leaf']} of the log {index['origin']}, proved under its checkpoint "
            f"of {index['size']} leaves",
            "case-investigation:exhibitNumber": uid,
            **({"uco-core:object": results} if results else {}),
        }
    )
    return nodes


def _time(text: str) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": text}


def _id(kind: str, name: str) -> str:
    """A UUID of version 5 (RFC 9562) in the namespace of URLs: `uuid.uuid5` gives the same, in four times the time."""
    found = bytearray(hashlib.sha1(_NAMESPACE + f"{kind}#{name}".encode(), usedforsecurity=False).digest()[:16])
    found[6], found[8] = found[6] & 0x0F | 0x50, found[8] & 0x3F | 0x80
    text = found.hex()
    return f"kb:{kind}-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
