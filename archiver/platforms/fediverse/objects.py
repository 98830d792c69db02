"""ActivityPub documents: objects, activities, tombstones, actors. https://www.w3.org/TR/activitystreams-vocabulary/

A document is believed only for ids of the host that served it, and only as what it says of its own host's actors.
What another host's object embedded in it says is a claim of the embedder: it is not read as a post.
"""

from __future__ import annotations

from collections.abc import Iterator

from archiver.errors import ParseError, ProofError
from archiver.model import Account, EdgeKind, Outcome, Post, Proof, Ref, Request
from archiver.platforms.fediverse import content, proof
from archiver.platforms.fediverse.address import account, boosts_look_like_posts, handle, post, repost, target
from archiver.platforms.fediverse.attachments import media
from archiver.platforms.fediverse.gathered import Gathered, web_uri
from archiver.platforms.fediverse.status import content_edges
from archiver.platforms.fields import Node
from archiver.platforms.web.address import normal

POSTS = frozenset(("Note", "Question", "Article", "Page", "Video", "Audio", "Image", "Event", "Document"))
_TITLED = POSTS - {"Note", "Question"}
_EDITED = frozenset(("Note", "Question", "Article", "Page"))
ACTORS = frozenset(("Person", "Service", "Application", "Group", "Organization"))
_QUOTES = ("quote", "quoteUrl", "quoteUri", "_misskey_quote")


def kinds(node: Node) -> tuple[str, ...]:
    """The document's types (one or several)."""
    kind = node.get("type")
    if kind is None:
        return ()
    return tuple(item.text() for item in kind.items()) if type(kind.value) is list else (kind.text(),)


def each(node: Node, key: str) -> Iterator[Node]:
    """The values of a property, which JSON-LD writes as one value or as an array."""
    child = node.get(key)
    if child is None:
        return
    yield from child.items() if type(child.value) is list else (child,)


def identity(node: Node) -> str:
    """The id of a value that is a link or an object; an empty string when it has none that is a web address."""
    return web_uri(node.string("id")) if type(node.value) is dict else web_uri(node.text())


def author_of(node: Node, key: str = "attributedTo") -> str:
    """The one author: of several the one that is a Person; empty when there is none or more than one."""
    people = list(each(node, key))
    if len(people) > 1:
        people = [item for item in people if type(item.value) is dict and "Person" in kinds(item)]
    return identity(people[0]) if len(people) == 1 else ""


def read_object(node: Node, request: Request, out: Gathered) -> None:
    """A document that was asked for by the address of a post or boost."""
    types, uri = set(kinds(node)), web_uri(node.string("id"))
    if not uri or not out.place.owns(uri):
        out.found(request.ref, Outcome.UNKNOWN, "the answer speaks for an id of another host", "/id")
        out.skip("an object whose id its server does not own", "/id")
        return
    if "Tombstone" in types:
        _tombstone(node, uri, request, out)
    elif "Announce" in types:
        _announce(node, uri, request, out)
    elif types & {"Create", "Update"}:
        inner, actor = node.at("object"), author_of(node, "actor")
        if type(inner.value) is not dict or not out.place.owns(identity(inner)) or not set(kinds(inner)) & POSTS:
            out.found(request.ref, Outcome.UNKNOWN, "an activity without a post of its own host", "/object")
            return
        out.answered(request, post(identity(inner)), inner.pointer)
        _post(inner, out, creator=actor if "Create" in types else "")
        _note_proof(node, post(identity(inner)), actor, out)
    elif types & POSTS:
        out.answered(request, post(uri), "/id")
        _post(node, out)
        _note_proof(node, post(uri), author_of(node), out)
    elif types & ACTORS:
        if request.ref.kind in {"post", "repost"}:
            out.found(request.ref, Outcome.UNKNOWN, "an actor, not a post", "/type")
        read_actor(node, request, out)
    else:
        out.found(
            request.ref, Outcome.UNKNOWN, f"a document of type {', '.join(sorted(types)) or '(none)'}"[:200], "/type"
        )


def _tombstone(node: Node, uri: str, request: Request, out: Gathered) -> None:
    """A deletion that the id's owner states. It counts for the address asked when that is the id, or ends as it."""
    details = (
        [f"formerType={'+'.join(item.text() for item in each(node, 'formerType'))}"] if node.get("formerType") else []
    )
    details += [f"deleted={when}"] if (when := out.moment(node, "deleted")) else []
    reason = "; ".join(["tombstone", *details])
    out.found(post(uri), Outcome.DELETED, reason, "/type")
    if request.ref != post(uri):
        same = uri.rstrip("/").rpartition("/")[2] == request.ref.id.rstrip("/").rpartition("/")[2]
        out.found(request.ref, Outcome.DELETED if same else Outcome.UNKNOWN, reason, "/type")


def _announce(node: Node, uri: str, request: Request, out: Gathered) -> None:
    """A boost: believed only from the booster's own host. The embedded object is not read but for its id."""
    booster, ref = author_of(node, "actor"), repost(uri)
    out.answered(request, ref, "/id", "boost")
    if not out.place.owns(booster):
        out.skip("a boost by an actor of another host", "/actor")
        return
    out.edge(EdgeKind.NAMES, ref, account(booster), "/actor")
    for item in each(node, "object"):
        if goal := identity(item):
            out.edge(EdgeKind.REPOSTS, ref, post(goal), item.pointer)
        else:
            out.skip("a boost of what has no web address", item.pointer)


def _post(node: Node, out: Gathered, creator: str = "") -> None:
    """One post of the answering host. `creator` is the actor of the Create that held it."""
    uri = identity(node)
    ref, types = post(uri), set(kinds(node))
    quotes = _quotes(node, ref, out)
    html = node.get("content")
    lang, mapped = _language(node)
    raw = html.text() if html else mapped
    plain = node.string("mediaType", "text/html").split(";")[0] in {"text/plain", "text/markdown"}
    text = content.Content(text=content.tidy(raw[: content.LONGEST])) if plain else content.read(raw, quoted=quotes)
    title = node.string("name") if types & _TITLED else ""
    published, updated = out.moment(node, "published"), out.moment(node, "updated")
    url, found = media(node, out)
    if url and out.place.owns(url) and (known := target(normal(url) or url)).platform == "fediverse":
        out.alias(known, ref, f"{node.pointer}/url")
    edited = bool(types & _EDITED) and bool(updated) and updated != published
    conversation = node.string("conversation") or node.string("context")
    out.posts.append(
        Post(
            ref=ref,
            author=_author(node, uri, creator, out),
            text="\n\n".join(part for part in (title, text.text) if part),
            truncated=text.truncated,
            posted_at=published,
            lang=lang,
            warning="" if types & _TITLED else node.string("summary"),
            sensitive=node.truth("sensitive"),
            url=url,
            edited=edited,
            edited_at=updated if edited else "",
            conversation=Ref(platform="fediverse", kind="conversation", id=conversation) if conversation else None,
            media=found,
            counts=_counts(node),
            pointer=node.pointer or "/",
        )
    )
    _edges(node, ref, text, bool(quotes), out)


def _author(node: Node, uri: str, creator: str, out: Gathered) -> Ref | None:
    """Who wrote it, or None where the document does not show it. Some servers serve a boost as a note of the booster
    under an id that looks like a post's: there a note alone is no attribution; a Create of its author is."""
    name = author_of(node)
    if not name or not out.place.owns(name):
        out.skip("no single author of the answering host", f"{node.pointer}/attributedTo")
        return None
    if creator and creator != name:
        out.skip("an activity of another actor than the author", f"{node.pointer}/attributedTo")
        return None
    if not creator and boosts_look_like_posts(uri):
        out.skip("not attributed: under such ids a server may show a boost as a note of the booster",
                 f"{node.pointer}/attributedTo")  # fmt: skip
        return None
    return account(name)


def _edges(node: Node, ref: Ref, text: content.Content, quotes: bool, out: Gathered) -> None:
    for item in each(node, "inReplyTo"):
        if goal := identity(item):
            out.edge(EdgeKind.REPLIES_TO, ref, post(goal), item.pointer)
    for item in each(node, "tag"):
        if type(item.value) is dict and "Mention" in kinds(item) and (href := web_uri(item.string("href"))):
            out.edge(EdgeKind.NAMES, ref, account(href), item.pointer)
    content_edges(node, "content", ref, text, quotes, out)


def _quotes(node: Node, ref: Ref, out: Gathered) -> tuple[str, ...]:
    """Quotes by FEP-044f, Misskey's and Fedibird's fields, and FEP-e232 object links; each address once."""
    found: dict[str, str] = {}
    for key in _QUOTES:
        for item in each(node, key):
            if goal := identity(item):
                found.setdefault(goal, item.pointer)
    for item in each(node, "tag"):
        if type(item.value) is not dict or "Link" not in kinds(item):
            continue
        kind, href = item.string("mediaType"), web_uri(item.string("href"))
        if not href or not ("activitystreams" in kind or kind == "application/activity+json"):
            continue
        relations = " ".join(rel.text() for rel in each(item, "rel"))
        if not relations or "quote" in relations:
            found.setdefault(href, item.pointer)
        elif href not in found:
            out.edge(EdgeKind.LINKS_TO, ref, post(href), item.pointer)
    for goal, pointer in found.items():
        out.edge(EdgeKind.QUOTES, ref, post(goal), pointer)
    if (stamp := node.get("quoteAuthorization")) is not None:
        detail = f"quoteAuthorization {identity(stamp) or '(no address)'} named, not fetched"
        out.proofs.append(Proof(kind="fep-044f", ref=ref, valid=None, detail=detail, pointer=stamp.pointer))
    return tuple(found)


def _language(node: Node) -> tuple[str, str]:
    """The language that `contentMap` gives the content, and a text for documents that have the map alone."""
    texts = node.get("contentMap")
    if texts is None:
        return "", ""
    if type(texts.value) is not dict:
        raise texts.fail("an object")
    pairs = [(key, texts.at(key).text()) for key in texts.value if texts.value[key] is not None]
    same = [key for key, text in pairs if text == node.string("content")] or [key for key, _ in pairs]
    lang = same[0] if len(same) == 1 else ""
    return ("" if lang == "und" else lang), next((text for key, text in pairs if key == (lang or key)), "")


def _counts(node: Node) -> tuple[tuple[str, int], ...]:
    found = []
    for key, name in (("likes", "likes"), ("shares", "reposts")):
        member = node.get(key)
        if member is not None and type(member.value) is dict and member.get("totalItems") is not None:
            found.append((name, member.integer("totalItems")))
    return tuple(found)


def _note_proof(node: Node, ref: Ref, signer: str, out: Gathered) -> None:
    """A proof that cannot be checked is said here; one that can is checked when the actor's key has come."""
    try:
        proof.prepare(node, signer)
    except ProofError as error:
        out.proofs.append(Proof(kind=proof.KIND, ref=ref, valid=None, detail=f"not checked: {error}", pointer="/proof"))


def proof_inputs(node: Node) -> tuple[tuple[str, str], ...]:
    """What the plan hands to the actor request: the proof's inputs and the post's ref; empty without a usable proof."""
    types = set(kinds(node))
    signer = author_of(node, "actor" if "Create" in types else "attributedTo")
    inner = node.get("object") if "Create" in types else node
    if inner is None or not signer or not (uri := identity(inner)):
        return ()
    try:
        given = proof.prepare(node, signer)
    except ProofError:
        return ()
    return (*given, ("proof.ref", str(post(uri)))) if given else ()


def read_actor(node: Node, request: Request, out: Gathered) -> None:
    """An actor document: the account, and the proof whose key it was fetched for."""
    uri = web_uri(node.string("id"))
    given = dict(request.given)
    if not uri or not out.place.owns(uri) or not set(kinds(node)) & ACTORS:
        if request.ref.kind in {"account", "handle"}:
            out.found(request.ref, Outcome.UNKNOWN, "no actor of the answering host", "/id")
        raise ParseError("not an actor of the answering host", pointer="/id")
    name = node.string("preferredUsername")
    shown = f"{name}@{out.place.host}" if name else ""
    link = next((web_uri(item.text()) for item in each(node, "url") if type(item.value) is str), "")
    ref = account(uri)
    out.accounts.append(Account(ref=ref, handle=shown, name=node.string("name"), url=link, pointer="/"))
    if name and not any(letter.isspace() or letter == "@" for letter in name):
        out.alias(handle(name, out.place.host), ref, "/preferredUsername")
    if request.ref.kind == "account":
        suspended = node.truth("suspended")
        out.found(
            request.ref, Outcome.SUSPENDED if suspended else Outcome.LIVE, "suspended" if suspended else "", "/id"
        )
    if "proof.ref" in given:
        out.proofs.append(proof.check(given, node, Ref.parse(given["proof.ref"])))
