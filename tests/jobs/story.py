"""The story that the jobs are tried on: who posted what, what two sites quote of it, and where it goes wrong.

X: `first` quotes `gone` quotes `third` quotes `origin`; `gone` is deleted while `first` still shows it by value.
`busy` is answered with 429 at first. A short link leads to `picture`, another to the post of a stranger.
Mastodon: a post answers another, both with the same picture. Bluesky: a post with a picture quotes a lost one.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from players import Mastodon, Site, Tweet, X, embedded, jpeg
from playing import Asked, Reply, Server, message, moved, page
from sky import Bluesky

# token(id) of the syndication endpoint, computed with V8.
TOKENS = {
    "1848273012126646272": "4hair3w2e9q",
    "1848658049233846272": "4hbqasdjldm",
    "1849031761720246272": "4hcwkcyqr7t",
    "1849416798827446272": "4he441g7ybp",
    "1849782961566646272": "4hf9ivfwfbh",
    "1850165482091446272": "4hggsb27e57",
    "1850537936286646272": "4hhmwr7tfue",
    "1850915423646646272": "4hitlp3ry3u",
}
ORIGIN = "The bridge at Harrow Lane closes on Friday at noon and will not open again before spring."
THIRD = "Nobody asked the market traders, who need that bridge every single morning."
GONE = "This is what a council sounds like when it has stopped listening to its own town."
FIRST = "I have asked the council twice for the survey, and twice I was told that it does not exist."
BUSY = (
    "The survey was finished in June, it cost forty thousand, and it says that the northern arch "
    "can carry ordinary traffic for another ten years without any repair."
)
PICTURE = "Here is the northern arch this morning, dry and without a single crack."
STRANGER = "Good morning from the other side of the river."
SKY = "The minutes of the June meeting name the engineer who signed the survey."
ROOT = "Does anybody still have the poster of the public meeting?"
REPLY = "I kept mine, see the picture: the meeting was called for nine."
PHOTO, MAP = jpeg(1), jpeg(2, 90_000)
LOST = "3l7gexamp2kd2"


@dataclass
class World:
    """All servers, and the posts of X by their part in the story."""

    x: X = field(default_factory=lambda: X(dict(TOKENS)))
    mastodon: Mastodon = field(default_factory=Mastodon)
    bluesky: Bluesky = field(default_factory=lambda: Bluesky("ines.example", "3l7gexamp2kc2"))
    paper: Site = field(default_factory=Site)
    blog: Site = field(default_factory=Site)
    tweets: dict[str, Tweet] = field(default_factory=dict)

    @property
    def servers(self) -> tuple[Server, ...]:
        sites = (self.paper.server, self.blog.server)
        return (self.x.server, self.mastodon.server, self.bluesky.pds, self.bluesky.net, *sites)

    def configure(self, folder: Path, *, network: str = "", follow: str = "") -> Path:
        """Writes archiver.toml: every server of this world by name and port, and nothing else private."""
        endpoints = self.x.endpoints() | self.bluesky.endpoints()
        # Each archive has a log of its own name: two logs of one name are what is refused.
        lines = ["[archive]", 'operator = "Desk"', f'origin = "log.example/{secrets.token_hex(8)}"', "[endpoints]"]
        lines += [f'"{name}" = "{url}"' for name, url in endpoints.items()]
        places = ", ".join(f'"{server.place}"' for server in self.servers)
        lines += ["[network]", f"allow_private = [{places}]", "connect_timeout = 3.0", "read_timeout = 5.0", network]
        lines += ["[pace]", "default = 0.0", "[follow]", follow]
        path = folder / "archiver.toml"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    def log(self) -> list[Asked]:
        return [asked for server in self.servers for asked in list(server.log)]

    def ref(self, part: str) -> str:
        return f"x:post:{self.tweets[part].id}"


def tell(world: World) -> None:
    """Puts the posts, the pages and the traps in place."""
    x, tweets = world.x, world.tweets
    tweets["origin"] = x.add("orla_finch", "Orla Finch", ORIGIN, "2024-10-21T08:00:00Z")
    tweets["third"] = x.add("tam_reyes", "Tam Reyes", THIRD, "2024-10-22T09:30:00Z", tweets["origin"].id)
    tweets["gone"] = x.add("press_desk_h", "Press Desk", GONE, "2024-10-23T10:15:00Z", tweets["third"].id)
    tweets["first"] = x.add("vera_quill", "Vera Quill", FIRST, "2024-10-24T11:45:00Z", tweets["gone"].id)
    tweets["busy"] = x.add("sol_marsh", "Sol Marsh", BUSY, "2024-10-25T12:00:00Z")
    tweets["picture"] = x.add("sol_marsh", "Sol Marsh", PICTURE, "2024-10-26T13:20:00Z")
    tweets["stranger"] = x.add("lee_of_ash", "Lee", STRANGER, "2024-10-27T14:00:00Z")
    x.delete(tweets["gone"], still_shown=True)
    x.busy[tweets["busy"].id] = "1"
    x.short |= {
        "ArchPic001": f"https://twitter.com/sol_marsh/status/{tweets['picture'].id}/photo/1",
        "WrongPic02": f"https://twitter.com/lee_of_ash/status/{tweets['stranger'].id}/photo/1",
    }
    world.bluesky.write(SKY, "2024-10-24T08:00:00.000Z", quoted=LOST, image=MAP)
    _toots(world.mastodon)
    _paper(world)
    _blog(world)


def _toots(host: Mastodon) -> None:
    host.files["/media/poster.jpg"] = ("image/jpeg", PHOTO)
    poster = [host.picture("poster.jpg")]
    host.toot("ruth", "113300000000000001", f"<p>{ROOT}</p>", "2024-10-24T07:00:00.000Z", media_attachments=poster)
    host.toot(
        "ben",
        "113300000000000002",
        f"<p>{REPLY}</p>",
        "2024-10-24T07:30:00.000Z",
        in_reply_to_id="113300000000000001",
        media_attachments=poster,
    )


def _paper(world: World) -> None:
    tweets = world.tweets
    altered = THIRD.replace("need that bridge every", "hardly use that bridge any")
    world.paper.pages["/story"] = page(
        "Bridge closed",
        "<p>The council says little.</p>",
        embedded(FIRST, tweets["first"], "October 24, 2024"),
        embedded(altered, tweets["third"], "October 22, 2024"),
        "<p>There is also a photograph of the arch.</p>",
        f"<blockquote><p>{PICTURE} pic.twitter.com/ArchPic001</p>"
        "— Sol Marsh (@sol_marsh) October 26, 2024</blockquote>",
        "<p>And somebody claims another one.</p>",
        "<blockquote><p>The arch is about to fall down, look at it. pic.twitter.com/WrongPic02</p>"
        "— Sol Marsh (@sol_marsh) October 26, 2024</blockquote>",
    )


def _blog(world: World) -> None:
    tweets, host = world.tweets, world.mastodon
    elided = BUSY.replace("it cost forty thousand, and it says", "[…] and it says")
    toot = host.url("ben", "113300000000000002")
    world.blog.pages["/notes"] = page(
        "Notes on a bridge",
        embedded(elided, tweets["busy"], "October 25, 2024"),
        embedded(ORIGIN.removesuffix("before spring.").rstrip() + "…", tweets["origin"], "October 21, 2024"),
        f'<p>See <a href="{world.bluesky.url()}">the minutes</a> and <a href="{toot}">the poster</a>.</p>',
    )
    world.blog.pages["/round"] = moved("/about")
    world.blog.pages["/about"] = moved("/round")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 3221225472\r\n\r\n"
    world.blog.pages["/film"] = Reply(head, then="endless")
    world.blog.pages["/flood"] = Reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", then="endless")
    world.blog.pages["/plain"] = message(b"nothing is quoted here", "Content-Type: text/plain")


@contextlib.contextmanager
def playing() -> Iterator[World]:
    """The story on running servers."""
    world = World()
    try:
        tell(world)
        yield world
    finally:
        for server in world.servers:
            server.close()
