"""Small random histories of an archive: captures that say anything about a few posts, documents that quote them,
decisions, in any order and cut into any number of runs.

The captures are answers of a platform that exists only here: its answers are readings written down as JSON, so a
history can say what no recorded answer happens to say, and a rebuild reads the same bytes again.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.jobs import read, settle
from archiver.jobs.session import Session
from archiver.model import (
    Account,
    Alias,
    Answer,
    Edge,
    EdgeKind,
    Evidence,
    Exchange,
    Finding,
    Media,
    Outcome,
    Post,
    Reading,
    Ref,
    Request,
    Settings,
)
from archiver.net.uid import new_uid

HANDLES = ("ada_example", "bob_example", "cyd_example")
DAYS = ("October 28, 2024", "October 29, 2024")
TIMES = ("2024-10-28T10:00:00Z", "2024-10-28T18:30:00Z", "2024-10-29T09:00:00Z")
POSTS = tuple(f"x:post:{1850800000000000000 + n * 10**14}" for n in range(7))
SHORTS = tuple(f"x:short:AbCdEfGh{n}" for n in range(4))
CLAUSES = (
    "the harbour bridge will close at nine tonight",
    "nobody was hurt when the old tower fell",
    "we ask every resident to stay indoors",
    "the council has voted against the new road",
    "seven ships arrived before the storm began",
    "our teams found no trace of the missing boat",
    "they called it a “significant escalation of risk” again",
    "a “calm and orderly retreat” is under way",
    "a significant escalation of risk is not what we saw",
    "it was a calm and orderly retreat from the coast",
)


class Toy:
    """A platform whose answers are readings as JSON."""

    __name__ = "toy"
    EXAMPLES: Mapping[str, str] = {}

    def claim(self, url: str) -> Ref | None:
        return None

    def plan(self, ref: Ref, answers: tuple[Answer, ...], settings: Settings) -> tuple[Request, ...]:
        return ()

    def parse(self, request: Request, answer: Answer) -> Reading:
        said: dict[str, list[dict[str, Any]]] = json.loads(answer.body)
        return Reading(
            findings=tuple(
                Finding(ref=Ref.parse(f["ref"]), outcome=Outcome(f["outcome"])) for f in said.get("findings", ())
            ),
            posts=tuple(_post(p) for p in said.get("posts", ())),
            accounts=tuple(
                Account(ref=Ref.parse(a["ref"]), handle=a["handle"], name=a["name"]) for a in said.get("accounts", ())
            ),
            edges=tuple(
                Edge(
                    kind=EdgeKind(e["kind"]),
                    source=Ref.parse(e["source"]),
                    target=Ref.parse(e["target"]),
                    evidence=Evidence.ASSERTED,
                    pointer=e.get("pointer", ""),
                )
                for e in said.get("edges", ())
            ),
            aliases=tuple(Alias(alias=Ref.parse(a["alias"]), ref=Ref.parse(a["ref"])) for a in said.get("aliases", ())),
        )


def _post(fields: dict[str, Any]) -> Post:
    plain = {name: value for name, value in fields.items() if name not in ("ref", "author", "media")}
    media = tuple(Media(**item) for item in fields.get("media", ()))
    author = Ref.parse(fields["author"]) if fields.get("author") else None
    return Post(ref=Ref.parse(fields["ref"]), author=author, media=media, **plain)


class Pen:
    """Writes evidence into one archive the way a run does: recorded, read, marked; a second passes each time."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.moment = datetime(2026, 1, 2, tzinfo=UTC)

    def _now(self) -> str:
        self.moment += timedelta(seconds=1)
        return self.moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _stored(self, request: Request, body: bytes, tier: str, *, readable: bool = True) -> None:
        at, sha256 = self._now(), hashlib.sha256(body).hexdigest()
        exchange = Exchange(
            uid=new_uid(),
            request=request,
            url=request.url,
            tier=tier,
            started_at=at,
            ended_at=at,
            status=None if tier == "import" else 200,
            response_head=b"" if tier == "import" else b"HTTP/1.1 200 OK\r\n\r\n",
            body=io.BytesIO(body),
            size=len(body),
            sha256=sha256,
            entity_sha256=sha256,
        )
        (recorded,) = self.session.evidence.record(exchange)
        if readable:
            row = self.session.archive.one(read.CAPTURE + "WHERE c.id = ?", recorded.id)
            assert row is not None
            read.read_capture(self.session, row)

    def answer(self, said: Mapping[str, Any], *, route: str = "one", readable: bool = True) -> None:
        """A capture that says what is given; with `readable` false it is stored but not read, as after a crash."""
        ref = Ref(platform="toy", kind="answer", id=route)
        request = Request(ref=ref, route=route, url=f"https://toy.example/{route}")
        self._stored(request, json.dumps(said).encode(), "replay", readable=readable)

    def document(self, text: str, *, name: str = "a.md", collection: str = "seeds", readable: bool = True) -> str:
        """A seed. The SHA-256 of its bytes."""
        body = text.encode()
        sha256 = hashlib.sha256(body).hexdigest()
        given = (("name", name), ("collection", collection), ("column", ""), ("media_type", ""))
        ref = Ref(platform="doc", kind="document", id=sha256)
        request = Request(ref=ref, route="seed", url=f"seed:{name}", given=given, follow=False)
        self._stored(request, body, "import", readable=readable)
        return sha256

    def page(self, url: str, html: str) -> str:
        """A captured web page. The SHA-256 of its bytes."""
        body = html.encode()
        request = Request(ref=Ref(platform="web", kind="page", id=url), route="page", url=url)
        self._stored(request, body, "replay")
        return hashlib.sha256(body).hexdigest()

    def decide(self, mention: str, post: str) -> None:
        """A person's statement that a mention is a post."""
        self.session.evidence.state(
            new_uid(), who="judge", what="resolves", subject=mention, object=post, reason="it looks alike"
        )

    def settle(self) -> None:
        """The end of a run, as a run ends: what was left unread is read first."""
        for _ in read.read_pending(self.session):
            pass
        settle.settle(self.session)


class Random:
    """Draws histories."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.pages: list[str] = []

    def text(self) -> str:
        return ". ".join(self.draw.sample(CLAUSES, self.draw.randint(1, 3))) + "."

    def quoted(self) -> str:
        """Words as a document gives them: whole, a part, altered, elided or put together."""
        text = self.text()
        words = text.split()
        kind = self.draw.randint(0, 4)
        if kind == 0:
            return text
        if kind == 1:
            start = self.draw.randint(0, max(0, len(words) - 6))
            return " ".join(words[start : start + self.draw.randint(3, 8)])
        if kind == 2:
            words[self.draw.randrange(len(words))] = self.draw.choice(("never", "ten", "ships", "they"))
            return " ".join(words)
        if kind == 3:
            middle = self.draw.randint(1, len(words) - 1)
            return " ".join(words[: max(1, middle - 1)]) + " … " + " ".join(words[middle:])
        return f"{self.draw.choice(CLAUSES)} {self.draw.choice(CLAUSES)}"

    def post(self) -> dict[str, Any]:
        number = self.draw.randrange(len(POSTS))
        handle = self.draw.choice((*HANDLES, HANDLES[number % 3], HANDLES[number % 3], ""))
        fields: dict[str, Any] = {
            "ref": POSTS[number],
            "author": self.draw.choice((None, f"x:account:{number % 3}")),
            "text": self.text(),
            "posted_at": self.draw.choice((*TIMES, TIMES[number % 3], TIMES[number % 3], "")),
            "handle": handle,
            "name": handle.title(),
            "truncated": self.draw.random() < 0.2,
            "whole": self.draw.random() < 0.7,
            "edited": self.draw.random() < 0.1,
        }
        if self.draw.random() < 0.3:
            fields["media"] = [
                {"key": "k1", "kind": "photo", "url": f"https://m.example/{self.draw.randint(0, 2)}", "alt": handle}
            ]
        return fields

    def ref(self) -> str:
        return self.draw.choice((*POSTS, *POSTS, *SHORTS, "x:post:777"))

    def said(self) -> dict[str, Any]:
        said: dict[str, Any] = {}
        chance = self.draw.random
        if chance() < 0.6:
            said["posts"] = [self.post() for _ in range(self.draw.randint(1, 2))]
            said["findings"] = [{"ref": post["ref"], "outcome": "live"} for post in said["posts"]]
        if chance() < 0.4:
            outcome = self.draw.choice(("live", "deleted", "not-found", "rate-limited", "protected", "unreachable"))
            said.setdefault("findings", []).append({"ref": self.ref(), "outcome": outcome})
        if chance() < 0.3:
            kind = self.draw.choice(("resolves-to", "resolves-to", "reposts", "quotes", "replies-to"))
            source = self.draw.choice(SHORTS) if kind == "resolves-to" and chance() < 0.7 else self.draw.choice(POSTS)
            pointer = str(self.draw.randint(0, 9))
            said["edges"] = [{"kind": kind, "source": source, "target": self.ref(), "pointer": pointer}]
        if chance() < 0.25:
            said["aliases"] = [{"alias": self.ref(), "ref": self.ref()}]
        if chance() < 0.2:
            number = self.draw.randint(0, 2)
            handle = self.draw.choice(HANDLES)
            said["accounts"] = [{"ref": f"x:account:{number}", "handle": handle, "name": handle.title()}]
        return said

    def document(self) -> str:
        parts = []
        for _ in range(self.draw.randint(1, 4)):
            kind, words = self.draw.randint(0, 6), self.quoted()
            handle, number = self.draw.choice(HANDLES), self.draw.choice(POSTS).split(":")[2]
            key = self.draw.choice(SHORTS).split(":")[2]
            signature = f"— {handle.title()} (@{handle}) {self.draw.choice(DAYS)}"
            if kind == 0:
                parts.append(f"See https://x.com/{handle}/status/{number} for more.")
            elif kind == 1:
                parts.append(f"> {words}\n>\n> {signature}")
            elif kind == 2:
                parts.append(f"> {words} pic.twitter.com/{key}\n>\n> {signature}")
            elif kind == 3:
                parts.append(f"> {words}")
            elif kind == 4:
                parts.append(f"Officials said “{words}” that day.")
            elif kind == 5:
                link = f"https://twitter.com/{handle}/status/{number}"
                parts.append(
                    f'<blockquote class="twitter-tweet"><p lang="en">{words}</p>&mdash; {handle.title()} (@{handle}) '
                    f'<a href="{link}">{self.draw.choice(DAYS)}</a></blockquote>'
                )
            else:
                parts.append(f"A link: https://t.co/{key} and words.")
        return "\n\n".join(parts) + "\n"

    def reprint(self) -> str:
        """Words that other documents may quote or hold: a page that says when it was published, or does not."""
        told = "".join(f"<p>{self.text()}</p>" for _ in range(self.draw.randint(1, 3)))
        quoted = f"<blockquote>{self.quoted()}</blockquote>" if self.draw.random() < 0.5 else ""
        day = self.draw.choice(("", "2024-10-27T08:00:00Z", "2024-10-28T08:00:00Z"))
        meta = f'<meta property="article:published_time" content="{day}">' if day else ""
        return f"<!DOCTYPE html><html><head><title>Page</title>{meta}</head><body>{told}{quoted}</body></html>"

    def write(self, pen: Pen, steps: int) -> None:
        """A history of so many steps, ended as a run ends."""
        for _ in range(steps):
            kind = self.draw.random()
            readable = self.draw.random() > 0.05
            if kind < 0.5:
                if not readable:
                    pen.answer(self.said(), route=self.draw.choice(("one", "two")), readable=False)
                    pen.settle()
                else:
                    pen.answer(self.said(), route=self.draw.choice(("one", "two")))
            elif kind < 0.62:  # the same bytes may stand at several addresses, and one address show several
                self.pages = [*self.pages[-3:], self.reprint()]
                pen.page(f"https://{self.draw.choice('abc')}.example/", self.draw.choice(self.pages))
            elif kind < 0.78:
                pen.document(
                    self.document(),
                    name=f"{self.draw.randint(0, 99)}.{self.draw.choice(('md', 'html', 'txt'))}",
                    collection=self.draw.choice(("seeds", "other")),
                )
            elif kind < 0.82:
                mentions = pen.session.archive.all(
                    "SELECT r.ref FROM mentions m JOIN refs r ON r.id = m.ref ORDER BY 1"
                )
                if mentions:
                    pen.decide(self.draw.choice(mentions)[0], self.draw.choice((*POSTS, "x:post:777")))
            else:
                pen.settle()
        pen.settle()


Opened = Callable[[Path], Any]
