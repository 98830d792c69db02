"""A post: its words as last seen, who said them, what became of it, and everything that bears on whether it is so."""

from __future__ import annotations

from itertools import pairwise

from archiver.bundle.drafts import METHODS
from archiver.datasette_plugin import chain
from archiver.datasette_plugin.page import Asked, Page
from archiver.datasette_plugin.post import around, history
from archiver.datasette_plugin.post.differing import inline
from archiver.datasette_plugin.post.meant import meant
from archiver.datasette_plugin.post.timeline import drawn
from archiver.datasette_plugin.reader import Reader, Row
from archiver.errors import PageError
from archiver.model import Outcome
from archiver.render.glossary import OUTCOMES, warning

SENSITIVE = ("withheld", "age-gated")
VOUCHED = {
    "between outside timestamps": "One is older than the newest capture that shows it, another covers the log with it",
    "timestamped": "An outside timestamp covers a head of the log that holds the newest capture that shows it",
    "signed": "A signed head of the log holds the newest capture that shows it; no outside timestamp covers it",
    "not signed": "No signed head of the log holds the newest capture that shows it",
}
"""How well the time of the newest capture is vouched for, and what that means."""
_PROVEN = {1: "valid", 0: "refused", None: "not checked"}
_LINKS = ("chain", "cite", "verify", "bundle")
CHANGED = 20
"""Edits whose words are shown one in the other."""


def gather(reader: Reader, asked: Asked) -> Row:
    """Everything about one post. PageError for what this archive has never met, and for what is no post."""
    found = meant(reader, asked)
    if not found.is_post:
        links = ((asked.at.ref(str(found.ref)), f"What is known of {found.ref}"),)
        raise PageError(404, f"{found.ref} is no post", hint="It has a page of its own", links=links)
    post = history.head(reader, found)
    versions = history.versions(reader, found)
    seen = history.sightings(reader, found)
    captures = history.captures(reader, found)
    media = around.media(reader, found)
    quoted = around.told(around.quoted(reader, found))
    proofs = history.proofs(reader, found)
    return {
        **found.plain(),
        "post": post,
        "meaning": OUTCOMES.get(post["outcome"], "") if post else "",
        "sensitive": _sensitive(post, versions),
        "versions": versions,
        "edits": history.edits(reader, found),
        "names": history.names(seen),
        "routes": history.routes(seen, versions),
        "sightings": len(seen),
        "sightings_cut": len(seen) == history.SIGHTINGS,
        "captures": _fresh(captures, seen, versions),
        "since": _since(post, captures),
        "set_back": set_back(captures),
        "captures_total": history.counted(reader, found),
        "custody": (custody := _custody(reader, versions)),
        "vouched": vouched(custody),
        "proofs": [proof | {"state": _PROVEN[proof["valid"]]} for proof in proofs],
        "proven": _proven(proofs),
        "media": media,
        "quoted_in": quoted[: around.QUOTED],
        "quoted_more": len(quoted) > around.QUOTED,
        "chain": chain.gather(reader, str(found.ref), small=True),
        "pointing": around.pointing(reader, found),
        "erased": history.erased(reader, found),
        "statements": history.statements(reader, found),
        "queued": history.queued(reader, found),
        "links": {name: asked.at(name, str(found.ref)) for name in _LINKS},
        "row": None if found.main is None else f"{asked.at.base}{asked.at.database}/posts/{found.main}",
    }


def _sensitive(post: Row | None, versions: list[Row]) -> bool:
    if post is None:
        return False
    marked = any(version["sensitive"] for version in versions)
    return marked or bool(post["warning"]) or post["outcome"] in SENSITIVE


def _since(post: Row | None, captures: list[Row]) -> list[Row]:
    """What newer answers said of a post that was last seen live, each route's word once: none of them showed it."""
    found: dict[tuple[str, str], Row] = {}
    if post is None or post["outcome"] != Outcome.LIVE:
        return []
    for capture in captures:  # newest first
        if capture["outcome"] == Outcome.LIVE:
            break
        named = {name: capture[name] for name in ("route", "outcome", "observed_at", "uid")}
        found.setdefault((capture["route"], capture["outcome"]), named)
    return list(found.values())


def set_back(captures: list[Row]) -> bool:
    """Whether the clock went back between two captures that we made."""
    times = [capture["observed_at"] for capture in captures if capture["tier"] == "wire"]
    return any(newer < older for newer, older in pairwise(times))


def _fresh(captures: list[Row], seen: list[Row], versions: list[Row]) -> list[Row]:
    """Captures with what each showed: `versions` by number, `fresh` where its route had shown another one before."""
    numbers = {version["sha256"]: version["number"] for version in versions}
    shown: dict[str, list[Row]] = {}
    for one in seen:
        shown.setdefault(one["capture"], []).append(one)
    last: dict[str, str] = {}
    found = []
    for capture in reversed(captures):
        sightings = shown.get(capture["uid"], [])
        fresh = any(last.get(one["route"], one["version"]) != one["version"] for one in sightings)
        last |= {one["route"]: one["version"] for one in sightings}
        known = sorted({numbers[one["version"]] for one in sightings if one["version"] in numbers})
        found.append(capture | {"versions": known, "fresh": fresh})
    return found[::-1]


def _custody(reader: Reader, versions: list[Row]) -> Row:
    """The first and the newest capture that showed it, and between which outside times each stands."""
    first = min((v for v in versions if v["first_seen"]), key=lambda v: (v["first_seen"], v["number"]), default=None)
    last = max((v for v in versions if v["last_seen"]), key=lambda v: (v["last_seen"], v["number"]), default=None)
    found = {}
    if first is not None:
        capture, at = first["first_capture"], first["first_seen"]
        found["first"] = {"capture": capture, "at": at} | history.bracket(reader, capture)
    if last is not None:
        capture, at = last["last_capture"], last["last_seen"]
        found["last"] = {"capture": capture, "at": at} | history.bracket(reader, capture)
    return found


def vouched(custody: Row) -> str:
    """Who vouches for when the newest capture that shows it was made: the strongest that is known."""
    held = custody.get("last", {})
    if held.get("not_before") and held.get("not_after"):
        return "between outside timestamps"
    return "timestamped" if held.get("not_after") else "signed" if held.get("signed") else "not signed"


def _proven(proofs: list[Row]) -> str:
    """What the author's proofs come to: the worst of them, since one that is refused must be looked at."""
    states = {proof["valid"] for proof in proofs}
    return "refused" if 0 in states else "valid" if 1 in states else "not checked" if states else "absent"


TOLD = {
    "to it": {
        "quotes": "quoted", "reposts": "reposted", "replies-to": "answered", "embeds": "embedded",
        "links-to": "linked to", "resolves-to": "led to by links", "same-text": "its words found elsewhere",
        "same-media": "its media found elsewhere", "names": "named",
    },
    "from it": {
        "quotes": "it quotes", "reposts": "it reposts", "replies-to": "it answers", "embeds": "it embeds",
        "links-to": "it links", "resolves-to": "it leads on", "same-text": "its words stand elsewhere",
        "same-media": "its media stand elsewhere", "names": "it names",
    },
}  # fmt: skip
"""Counts of edges in words."""


def _counted(pointing: list[Row]) -> list[str]:
    """How much refers to it, and how much it refers to."""
    found = []
    for one in pointing:
        number = f"{'more than ' if one['more'] else ''}{one['edges']:,}"
        found.append(f"{TOLD[one['way']][one['kind']]} {number} ×")
    return [f"{line[0].upper()}{line[1:]}" if number == 0 else line for number, line in enumerate(found)]


def dress(found: Row, asked: Asked) -> Row:
    """The picture of the captures, and edits with both versions one in the other."""
    texts = {version["sha256"]: version["text"] for version in found["versions"]}
    changed = []
    for edit in found["edits"][:CHANGED]:
        both = edit["before"] in texts and edit["after"] in texts
        same = both and texts[edit["before"]] == texts[edit["after"]]
        changed.append(None if same or not both else inline(texts[edit["before"]], texts[edit["after"]]))
    numbers = {version["sha256"]: version["number"] for version in found["versions"]}
    return {
        "timeline": drawn(found["captures"]),
        "graph": chain.picture(found["chain"], asked.at) if found["chain"]["up"] or found["chain"]["down"] else None,
        "changed": changed,
        "methods": METHODS,
        "tiers": [(tier, METHODS[tier]) for tier in sorted({one["tier"] for one in found["captures"]} & set(METHODS))],
        "numbers": numbers,
        "given": found["asked"],
        "counted": _counted(found["pointing"]),
        "vouches": VOUCHED[found["vouched"]],
        "tier": next((one["tier"] for one in found["captures"] if one["versions"]), ""),
        "flag": warning,
    }


READS = tuple(sorted({"posts", "versions", "sightings", "captures", "matches", "mentions", "documents", *chain.READS}))
PAGES = tuple(
    Page(
        path=path,
        template="archiver_post.html",
        gather=gather,
        dress=dress,
        reads=READS,
        css=("reading-room-post.css", *chain.CSS),
        scripts=chain.SCRIPTS,
    )
    for path in ("post/(?P<ref>.+?)", "post")
)
