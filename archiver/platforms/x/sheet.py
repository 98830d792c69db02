"""What one answer says, gathered; and the rules that every route shares when a post is written down."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiver.model import Account, Alias, Edge, EdgeKind, Evidence, Finding, Media, Outcome, Post, Reading, Ref, Unread
from archiver.platforms.x.address import account_ref, claim, handle_ref, post_ref
from archiver.platforms.x.snowflake import snowflake_second
from archiver.platforms.x.text import is_cut_retweet, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a post, as an answer names them: `id` empty where only the handle is known."""

    id: str = ""
    handle: str = ""
    name: str = ""
    pointer: str = ""

    def ref(self) -> Ref | None:
        if self.id:
            return account_ref(self.id)
        return handle_ref(self.handle) if self.handle else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of a post: the t.co address in the text, where it leads, and where the answer says so."""

    address: str
    expanded: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A post that another one names in a structured field; `id` empty where it names none."""

    id: str = ""
    pointer: str = ""


NOBODY = Target()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A post as one route wrote it, typed but not yet rendered.

    `attached` are the links of its media (their `expanded` names the post that the media belong to, which may be
    another one), `hidden` further addresses that are no text. `tells_quotes` is whether this route names every
    quotation in a field: where it does not, a link to a post may be a quotation, and the rendering is not whole.
    `edits` are the ids of all versions, oldest first.
    """

    id: str
    pointer: str
    author: Author | None
    text: str
    created: str
    links: tuple[Link, ...] = ()
    attached: tuple[Link, ...] = ()
    hidden: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    quote: Target = NOBODY
    reply: Target = NOBODY
    repost: Target = NOBODY
    conversation: str = ""
    edits: tuple[str, ...] = ()
    edits_pointer: str = ""
    edited: bool = False
    lang: str = ""
    sensitive: bool = False
    counts: tuple[tuple[str, int], ...] = ()
    truncated: bool = False
    whole: bool = True
    tells_quotes: bool = True
    escaped: bool = True
    reason: str = ""


@dataclass(slots=True)
class Sheet:
    """Gathers what one answer says; each thing stands once. A post seen twice keeps the fuller rendering."""

    findings: dict[Ref, Finding] = field(default_factory=dict)
    posts: dict[Ref, Post] = field(default_factory=dict)
    accounts: dict[Ref, Account] = field(default_factory=dict)
    edges: dict[tuple[EdgeKind, Ref, Ref], Edge] = field(default_factory=dict)
    aliases: dict[Ref, Alias] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)

    def reading(self) -> Reading:
        return Reading(
            findings=tuple(self.findings.values()),
            posts=tuple(self.posts.values()),
            accounts=tuple(self.accounts.values()),
            edges=tuple(self.edges.values()),
            aliases=tuple(self.aliases.values()),
            unread=tuple(self.unread),
        )

    def take(self, other: Sheet) -> None:
        """All of another sheet, by the same rules."""
        for finding in other.findings.values():
            self.find(finding.ref, finding.outcome, finding.reason, finding.pointer)
        for post in other.posts.values():
            self.show(post)
        for account in other.accounts.values():
            self.accounts.setdefault(account.ref, account)
        for key, edge in other.edges.items():
            self.edges.setdefault(key, edge)
        for alias in other.aliases.values():
            self.aliases.setdefault(alias.alias, alias)
        self.unread.extend(other.unread)

    def find(self, ref: Ref, outcome: Outcome, reason: str = "", pointer: str = "") -> None:
        """One outcome for a ref. A post that is shown is live, whatever else the same answer says of it."""
        known = self.findings.get(ref)
        if known is None or (outcome is Outcome.LIVE and known.outcome is not Outcome.LIVE):
            self.findings[ref] = Finding(ref=ref, outcome=outcome, reason=reason, pointer=pointer)

    def show(self, post: Post) -> None:
        known = self.posts.get(post.ref)
        if known is None or (post.whole - post.truncated) > (known.whole - known.truncated):
            self.posts[post.ref] = post

    def note(self, reason: str, pointer: str) -> None:
        self.unread.append(Unread(reason=reason, pointer=pointer))

    def edge(self, kind: EdgeKind, source: Ref, target: Ref, pointer: str, pinned: str = "") -> None:
        if source != target:
            self.edges.setdefault(
                (kind, source, target),
                Edge(
                    kind=kind,
                    source=source,
                    target=target,
                    evidence=Evidence.ASSERTED,
                    pointer=pointer,
                    pinned=pinned,
                ),
            )

    def write(self, status: Status) -> None:
        """A post with its author, edges and versions; times are held against the id."""
        ref = post_ref(status.id)
        author = self._author(status.author)
        if status.edits:
            self._versions(status)
        # An id names a version: what is quoted, answered or reposted is the version with that id.
        for kind, target in (
            (EdgeKind.QUOTES, status.quote),
            (EdgeKind.REPLIES_TO, status.reply),
            (EdgeKind.REPOSTS, status.repost),
        ):
            if target.id:
                self.edge(kind, ref, post_ref(target.id), target.pointer, target.id)
        links, hidden = self._links(status, ref)
        stamp = snowflake_second(status.id)
        if status.created and stamp and status.created[:19] != stamp[:19]:
            self.note(f"the time {status.created} is not that of the id ({stamp})", status.pointer)
        unknown_quote = not status.tells_quotes and not status.quote.id and self._links_to_post(ref)
        self.find(ref, Outcome.LIVE, status.reason, status.pointer)
        self.show(
            Post(
                ref=ref,
                author=author,
                text=plain(status.text, links, hidden, escaped=status.escaped, quotes=bool(status.quote.id)),
                posted_at=status.created or stamp,
                handle=status.author.handle if status.author else "",
                name=status.author.name if status.author else "",
                lang=status.lang,
                sensitive=status.sensitive,
                url=f"https://x.com/i/status/{status.id}",
                truncated=status.truncated or is_cut_retweet(status.text),
                whole=status.whole and not unknown_quote and not status.repost.id,
                edited=status.edited or len(status.edits) > 1,
                edited_at=stamp if status.edits and status.id != status.edits[0] else "",
                version_id=status.id,
                conversation=post_ref(status.conversation) if status.conversation else None,
                media=() if status.repost.id else status.media,
                counts=status.counts,
                pointer=status.pointer,
            )
        )

    def _author(self, author: Author | None) -> Ref | None:
        ref = author.ref() if author else None
        if author is None or ref is None:
            return None
        known = self.accounts.get(ref)
        if known is None or (author.handle and not known.handle):
            self.accounts[ref] = Account(
                ref=ref,
                handle=author.handle,
                name=author.name,
                url=f"https://x.com/{author.handle}" if author.handle else "",
                pointer=author.pointer,
            )
        if author.id and author.handle:
            handle = handle_ref(author.handle)
            self.aliases.setdefault(handle, Alias(alias=handle, ref=ref, pointer=author.pointer))
        return ref

    def _versions(self, status: Status) -> None:
        if status.id not in status.edits:
            self.note("the list of versions does not name the post itself", status.edits_pointer)
            return
        first = post_ref(status.edits[0])
        for id in status.edits[1:]:
            later = post_ref(id)
            self.aliases.setdefault(later, Alias(alias=later, ref=first, pointer=status.edits_pointer))

    def _links(self, status: Status, ref: Ref) -> tuple[dict[str, str], set[str]]:
        """Where the links of the text lead, and which of them are no text: media and the quoted permalink."""
        links: dict[str, str] = {}
        hidden = {*status.hidden, *(link.address for link in status.attached)}
        for link in status.attached:
            links[link.address] = link.expanded or link.address
            self._elsewhere(EdgeKind.SAME_MEDIA, status, ref, claim(link.expanded), link.pointer)
        for link in status.links:
            links[link.address] = link.expanded
            target = claim(link.expanded)
            if link.address in hidden:
                continue
            if target is None or target.kind != "post":
                self._page(status, ref, link, target)
                continue
            if target.id == status.quote.id or (status.truncated and target.id == status.id):
                # A cut text ends in a link to its own whole: as little a part of the words as the quoted permalink.
                hidden.add(link.address)
            else:
                self._elsewhere(EdgeKind.LINKS_TO, status, ref, target, link.pointer)
        return links, hidden

    def _page(self, status: Status, ref: Ref, link: Link, target: Ref | None) -> None:
        """A link that leads off the platform (the caller knows which platform claims it), or to an account."""
        if target is None and link.expanded.startswith(("https://", "http://")):
            target = Ref(platform="web", kind="page", id=link.expanded)
        if target is not None and not status.repost.id:
            self.edge(EdgeKind.LINKS_TO, ref, target, link.pointer)

    def _elsewhere(self, kind: EdgeKind, status: Status, ref: Ref, target: Ref | None, pointer: str) -> None:
        """An edge to another post: not to itself or its versions, and not for a repost (they are the original's)."""
        if target is None or target.kind != "post" or status.repost.id:
            return
        if target.id != status.id and target.id not in status.edits:
            self.edge(kind, ref, target, pointer)

    def _links_to_post(self, ref: Ref) -> bool:
        return any(
            kind is EdgeKind.LINKS_TO and source == ref and target.platform == "x" and target.kind == "post"
            for kind, source, target in self.edges
        )
