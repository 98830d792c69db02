"""Makes the recordings of the demonstration, byte for byte the same each time: `python data/demo/make.py [FOLDER]`.

An invented town closes its swing bridge. `first/` is what the servers answer on 16 March 2026, `later.warc` what
they answer two weeks after: one post was rewritten, three are gone, the rest came through unchanged. README.txt
tells the story and says why nothing here can belong to anybody.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import quote

from sky import POST, Account, tid
from social import Toot, copied, file
from wire import Reply, answer, plain, png, write_folder, write_warc
from x import Tweet

FIRST, LATER = "2026-03-16T09:00:00Z", "2026-03-30T09:00:00Z"
PDS = "https://pds.lanternwick.example"
APPVIEW = "https://public.api.bsky.app/xrpc"
BEACON = "https://beacon.lanternwick.example"

TOWN, GULL = "Town of Lanternwick", "Gull of Lanternwick"
ADA, BO, CLEO = "Ada Quillfeather", "Bo Lampwright", "Cleo Tidewatch"

# The chain: ada quotes cleo, who quotes bo, who quotes the town.
BRIDGE = Tweet(
    TOWN,
    "2026-03-09T08:00:00Z",
    "The swing bridge at Candle Quay closes on Monday at six and opens again on Friday. We promise a small delay with "
    "a large view.",
    short="DemoLnk01",
    printed=False,
    picture="https://pbs.twimg.com/media/LanternwickDemoBridge.png",
    alt="A swing bridge, half open",
)
WALK = Tweet(
    BO,
    "2026-03-10T07:30:00Z",
    "Five days without the bridge mean a forty minute walk around the basin, twice a day, carrying fish.",
    quotes=BRIDGE,
    short="DemoLnk02",
    printed=False,
)
MARKET = Tweet(
    CLEO,
    "2026-03-11T12:15:00Z",
    "Bo is right, and nobody asked the fish market before the date was set.",
    quotes=WALK,
    short="DemoLnk03",
    printed=False,
)
COUNT = Tweet(
    ADA,
    "2026-03-12T16:45:00Z",
    "I asked the harbour office how it counted the crossings. It did not count them.",
    quotes=MARKET,
    short="DemoLnk04",
)
# What the bulletin quotes.
PLAN = Tweet(
    TOWN,
    "2026-03-13T08:00:00Z",
    "The week without a bridge:\n1. a ferry every twenty minutes, free of charge\n2. carts & prams go first\n"
    "3. last crossing at ten in the evening",
    short="DemoPic05",
    picture="https://pbs.twimg.com/media/LanternwickDemoFerry.png",
    alt="A ferry",
)
FERRY = Tweet(
    BO,
    "2026-03-13T18:20:00Z",
    "The ferry carried ninety people this morning and left nobody on the quay.",
    short="DemoPic06",
    picture="https://pbs.twimg.com/media/LanternwickDemoQuay.png",
    alt="An empty quay",
)
CLAIM = Tweet(
    ADA,
    "2026-03-14T09:10:00Z",
    "The town says that the bridge was inspected in January.",
    short="DemoLnk07",
    printed=False,
    leads=f"{BEACON}/2026/03/inspection",
)
RECORD = Tweet(ADA, "2026-03-14T11:40:00Z", "The harbour office holds no paper about any inspection this year.")
CAMERA = Tweet(
    GULL,
    "2026-03-14T13:05:00Z",
    "⚡️ The test opening took eleven minutes, because one gull refused to move. So much for “a small delay with "
    "a large view”.\n🌉: Lanternwick Harbour Camera",
    short="DemoPic08",
    picture="https://pbs.twimg.com/media/LanternwickDemoBridge2.png",
    alt="The bridge again",
)
# A conversation, and a post that is taken down before the second look.
KEYS = Tweet(GULL, "2026-03-12T10:00:00Z", "Who has the key to the bridge house tonight?")
SCALES = Tweet(BO, "2026-03-12T10:20:00Z", "It hangs in the fish market, behind the scales.", answers=KEYS)
LOOKED = Tweet(CLEO, "2026-03-12T10:50:00Z", "It does not. I looked.", answers=SCALES)
INSPECTED = Tweet(
    TOWN, "2026-03-11T15:00:00Z", "The inspection of January is on file and can be read at the harbour office."
)
TWEETS = (BRIDGE, WALK, MARKET, COUNT, PLAN, FERRY, CLAIM, RECORD, CAMERA, KEYS, SCALES, LOOKED, INSPECTED)

SOCIAL, GARDEN = "https://social.lanternwick.example", "https://garden.lanternwick.example"
COPY_ID = "116210000000000000"
RUMOUR = (
    "<p>I hear that the bridge will stay closed until summer, see "
    f'<a href="{BEACON}/2026/03/inspection" rel="nofollow noopener" target="_blank">the Beacon</a>.</p>'
)


def pictures() -> dict[str, bytes]:
    """Three small pictures by their address on X; the second one of the bridge has the same bytes as the first."""
    palette = [(250, 240, 214), (60, 90, 120), (200, 80, 50), (30, 30, 40)]
    scenes = {
        "Bridge": lambda x, y: 1 if y > 28 else 2 if 18 <= y <= 20 and not 28 < x < 36 else 3 if x in (20, 44) else 0,
        "Ferry": lambda x, y: 1 if y > 28 else 2 if y >= 22 and 16 + (y - 22) < x < 50 - (y - 22) else 0,
        "Quay": lambda x, y: 3 if y > 24 and x < 40 else 1 if y > 28 else 0,
    }
    base = "https://pbs.twimg.com/media/LanternwickDemo"
    made = {
        f"{base}{name}.png": png([[scene(x, y) for x in range(64)] for y in range(40)], palette)
        for name, scene in scenes.items()
    }
    return made | {f"{base}Bridge2.png": made[f"{base}Bridge.png"]}


def on_x(files: dict[str, bytes], *, later: bool) -> dict[str, Reply]:
    """X: the town takes one post down. A short link that the bulletin prints was never made."""
    answers: dict[str, Reply] = {}
    for tweet in TWEETS:
        answers |= tweet.addresses(files, gone=later and tweet is INSPECTED)
    return answers | {"https://t.co/DemoPic99": plain(b"", "text/html", 404)}


def on_mastodon(files: dict[str, bytes], *, later: bool) -> dict[str, Reply]:
    """Mastodon: one post is edited and says so, one is deleted, one is a boost, one a copy of another server's."""
    bridge = files["https://pbs.twimg.com/media/LanternwickDemoBridge.png"]
    photo = Toot("gale", "2026-03-12T09:00:00Z", "<p>My view of the bridge, every morning until Monday.</p>")
    photo.picture(f"{SOCIAL}/media/bridge.png", "A swing bridge, half open")
    said = "<p>The ferry leaves at {} past and at {} past the hour, from the east steps.</p>"
    times = Toot("moss", "2026-03-12T09:30:00Z", said.format("ten", "forty"), answers=photo)
    if later:
        times.before, times.html, times.edited = times.html, said.format("five", "thirty five"), "2026-03-20T07:00:00Z"
    boost = Toot("moss", "2026-03-12T09:31:00Z", "", boosts=photo)
    rumour = Toot("gale", "2026-03-13T21:00:00Z", RUMOUR)
    song = Toot(
        "fern",
        "2026-03-13T06:00:00Z",
        "<p>Wrote a song about the bridge. It has a long rest in the middle.</p>",
        GARDEN,
    )
    answers: dict[str, Reply] = {}
    for toot in (photo, times, boost):
        answers |= toot.addresses()
    answers |= rumour.addresses(gone=later)
    return answers | {f"{SOCIAL}/media/bridge.png": file(bridge)} | copied(song, SOCIAL, COPY_ID)


def on_bluesky(*, later: bool) -> dict[str, Reply]:
    """Bluesky: jun quotes ivy, with a map. Later ivy rewrites one post, without a mark, and removes another."""
    ivy = Account("ivy.lanternwick.example", "Ivy Candlewick", PDS, "2025-05-01T10:00:00.000Z")
    jun = Account("jun.lanternwick.example", "Jun Saltmarsh", PDS, "2025-06-01T10:00:00.000Z")
    table = ivy.post("The tide table on the quay still shows last year, so bring your own.", "2026-03-12T07:00:00.000Z")
    map_ = png([[(x // 8 + y // 8) % 2 for x in range(64)] for y in range(40)], [(230, 230, 220), (120, 150, 170)])
    quoted = {"$type": "app.bsky.embed.record", "record": ivy.strong(table)}
    both = {"$type": "app.bsky.embed.recordWithMedia", "record": quoted, "media": jun.image(map_, "A map of the basin")}
    mine = jun.post(
        "I drew a map with the right tides. Print it, fold it, trust it.", "2026-03-12T19:00:00.000Z", embed=both
    )
    price = "The harbour café opens at {} for everybody who has to walk."
    coffee = ivy.post(price.format("five"), "2026-03-13T05:00:00.000Z")
    guess = ivy.post("The bridge was built in 1888, I think.", "2026-03-13T06:00:00.000Z")
    if later:
        ivy.post(price.format("seven"), "2026-03-13T05:00:00.000Z")
        del ivy.records[guess]
    rev = tid(LATER if later else FIRST)
    answers: dict[str, Reply] = {}
    for account, keys in ((ivy, (table, coffee, guess)), (jun, (mine,))):
        answers |= _identity(account)
        for rkey in keys:
            shown = [] if rkey not in account.records else [_view(account, rkey)]
            if rkey == mine:
                shown[0]["embed"] = _quoting(ivy, table, jun, next(iter(jun.blobs)))
            answers |= _record(account, rkey, rev, shown)
    blob = f"{PDS}/xrpc/com.atproto.sync.getBlob?did={jun.did}&cid={next(iter(jun.blobs))}"
    return answers | {blob: plain(map_, "image/png")}


def _identity(account: Account) -> dict[str, Reply]:
    return {
        f"{APPVIEW}/com.atproto.identity.resolveHandle?handle={account.handle}": answer({"did": account.did}),
        f"https://plc.directory/{account.did}": answer(account.document()),
        f"https://plc.directory/{account.did}/log/audit": answer(account.log()),
    }


def _author(account: Account) -> dict[str, object]:
    return {"did": account.did, "handle": account.handle, "displayName": account.name, "labels": []}


def _view(account: Account, rkey: str) -> dict[str, object]:
    record = account.records[rkey]
    known = account.strong(rkey) | {"author": _author(account), "record": record, "labels": []}
    counts = {"replyCount": 0, "repostCount": 1, "likeCount": len(record["text"]), "quoteCount": 0}
    return known | counts | {"indexedAt": record["createdAt"]}


def _quoting(ivy: Account, table: str, jun: Account, blob: str) -> dict[str, object]:
    inner: dict[str, object] = ivy.strong(table) | {"author": _author(ivy), "value": ivy.records[table]}
    inner |= {"$type": "app.bsky.embed.record#viewRecord", "labels": [], "embeds": []}
    inner |= {"indexedAt": ivy.records[table]["createdAt"]}
    cdn = "https://cdn.bsky.app/img/feed_{}/plain/" + f"{jun.did}/{blob}"
    image = {"thumb": cdn.format("thumbnail"), "fullsize": cdn.format("fullsize"), "alt": "A map of the basin"}
    return {
        "$type": "app.bsky.embed.recordWithMedia#view",
        "record": {"$type": "app.bsky.embed.record#view", "record": inner},
        "media": {"$type": "app.bsky.embed.images#view", "images": [image]},
    }


def _record(account: Account, rkey: str, rev: str, shown: list[dict[str, object]]) -> dict[str, Reply]:
    """What the AppView and the account's own host say of one record, with the signed proof."""
    place = f"did={account.did}&collection={POST}&rkey={rkey}"
    missing = {"error": "RecordNotFound", "message": f"Could not locate record: {account.uri(rkey)}"}
    here = rkey in account.records
    held = account.strong(rkey) | {"value": account.records[rkey]} if here else missing
    return {
        f"{APPVIEW}/app.bsky.feed.getPosts?uris={quote(account.uri(rkey), safe=':/')}": answer({"posts": shown}),
        f"{PDS}/xrpc/com.atproto.repo.getRecord?{place.replace('did=', 'repo=', 1)}": answer(
            held, 200 if here else 400
        ),
        f"{PDS}/xrpc/com.atproto.sync.getRecord?{place}": plain(account.car(rkey, rev), "application/vnd.ipld.car"),
        f"{PDS}/xrpc/com.atproto.sync.getRepoStatus?did={account.did}": answer(
            {"did": account.did, "active": True, "rev": rev}
        ),
    }


def pages() -> dict[str, Reply]:
    """Two pages of the local paper, which is as invented as the town."""
    inspection = "<p>The Beacon asked for the papers about the inspection of January. None came.</p>"
    diary = (
        '<p>Monday. The gate is shut.</p><blockquote class="twitter-tweet"><p lang="en" dir="ltr">'
        f"{SCALES.text}</p>&mdash; {SCALES.author} (@{SCALES.handle}) "
        f'<a href="{SCALES.url}?ref_src=twsrc%5Etfw">March 12, 2026</a></blockquote>'
    )
    return {
        f"{BEACON}/2026/03/inspection": _page("Where are the papers?", inspection),
        f"{BEACON}/2026/03/bridge-diary": _page("A bridge diary", diary),
    }


def _page(title: str, body: str) -> Reply:
    head = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return plain(f"{head}\n<body><h1>{title}</h1>\n{body}\n</body></html>\n".encode(), "text/html; charset=utf-8")


def answers(*, later: bool) -> dict[str, Reply]:
    """Everything that the servers of this world answer."""
    files = pictures()
    return on_x(files, later=later) | on_mastodon(files, later=later) | on_bluesky(later=later) | pages()


def main(folder: Path) -> None:
    write_folder(folder / "first", FIRST, answers(later=False))
    write_warc(folder / "later.warc", LATER, answers(later=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
