"""What each layer of custody says, and whom one has to trust: the words of docs/custody.md, which a test compares."""

from __future__ import annotations

from typing import Any

HASHES = (
    "The bytes are those that were hashed: trust whoever can write the file, for they can hash again.",
    "hashes of rows and blobs",
)
LOG = (
    "Nothing was put in, changed or taken out below a head: trust whoever gave you the head.",
    "Merkle log",
)
CHECKPOINT = (
    "The holder of the key has seen this head: trust the key, and that its holder signed one history only.",
    "checkpoint",
)
RFC3161 = (
    "The head existed at that time: trust the authority and its clock. Only a *qualified* one carries the legal "
    "presumption of eIDAS Art. 41.",
    "RFC 3161 timestamp",
)
OTS = (
    "The head existed before a block of Bitcoin: trust the chain, and whoever gives you its headers.",
    "OpenTimestamps",
)
WITNESS = (
    "No other history was ever shown to the witness under this name: trust that it does not collude with the archive.",
    "witness",
)
KEPT = ("The log still starts with that tree: trust your own copy.", "an old checkpoint that anybody kept")
ITSELF = (
    "A server answered these bytes to us: **no mechanism here shows that**. Whoever runs the archive can invent an "
    "answer; other archives, other observers and proofs of authors help.",
    "the archive itself, at the moment of capture",
)
ALL = (HASHES, LOG, CHECKPOINT, RFC3161, OTS, WITNESS, KEPT, ITSELF)
"""(what it says, the layer), in the order of the document."""

LAYERS = [{"layer": layer, "says": says.replace("*", "")} for says, layer in ALL]
KINDS = {"rfc3161": RFC3161[0].replace("*", ""), "ots": OTS[0], "witness": WITNESS[0]}
"""By the kind of a token."""
CANNOT = (
    "The public key came out of the same file as what it signed. Compare its fingerprint with the one that the keeper "
    "of the archive published by another way.",
    "Nothing shows that a server really answered these bytes: whoever runs the archive can invent an answer at the "
    "moment of capture.",
    "Outside tokens, authors' proofs, the other leaves of the log, and what was read of the evidence were not checked "
    "again on this page: the commands archiver verify and archiver rebuild --check do.",
    "This page was made by the server that holds the archive. Whoever does not trust it takes the evidence bundle, and "
    "checks it on a machine of their own.",
)
"""What a check on a page of the archive itself leaves open; the first only where a key signed."""


def cannot(checked: dict[str, Any]) -> list[str]:
    """What a check (`proving.checked`) leaves open."""
    return list(CANNOT if any(log["keys"] for log in checked["logs"]) else CANNOT[1:])
