"""One run over real sockets, then the archive field by field, and the recorded bytes against those on the wire."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import story
from playing import Asked
from running import Desk, Ended, digest, lines, merkle_root, pointed, sound

from archiver.store.archive import open_reader
from archiver.store.evidence import Evidence, Tool


@dataclass(frozen=True)
class Job:
    world: story.World
    desk: Desk
    ended: Ended

    def asked(self, part: str) -> list[Asked]:
        return [asked for asked in self.world.log() if part in asked.target]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    folder = tmp_path_factory.mktemp("job")
    with story.playing() as world:
        desk = Desk(folder, world.configure(folder, network="max_bytes = 2000000"))
        pages = [world.paper.url("/story"), *map(world.blog.url, ("/notes", "/round", "/film", "/flood"))]
        desk.seed("list.txt", lines(pages))
        yield Job(world, desk, desk.call("run", folder / "seeds", "--json"))


SUBJECT = "SELECT o.outcome, o.reason, c.route, c.status FROM outcomes o JOIN refs r ON r.id = o.ref JOIN captures c "
SUBJECT += "ON c.id = o.capture WHERE r.ref = ? ORDER BY c.leaf"


def outcomes(job: Job, ref: str) -> list[tuple[str, str, str, int]]:
    return [tuple(row) for row in job.desk.rows(SUBJECT, ref)]


def test_the_run_says_what_it_did_and_what_is_left(job: Job) -> None:
    report = job.ended.json
    assert job.ended.code == 1, "a loop, a flood and a film were not captured"
    assert (report["stored"], report["known"], report["problems"]) == (1, 0, [])
    assert report["outcomes"] == {"live": 15, "not-found": 2, "refused": 1, "too-large": 2}
    assert report["captures"] == len(job.world.log())
    assert (report["waiting"], report["failed"]) == (1, True)


def test_every_byte_on_the_wire_is_in_the_archive(job: Job) -> None:
    cut = {"/film", "/flood"}
    wire = Counter((asked.raw, asked.reply.data) for asked in job.world.log() if asked.target not in cut)
    whole = job.desk.rows("SELECT * FROM captures WHERE tier = 'wire' AND failure IN ('', 'redirects')")
    kept = Counter((row["sent"], job.desk.message(row)) for row in whole)
    print(f"{sum(kept.values())} messages rebuilt")
    assert kept == wire
    assert sum(kept.values()) == len(job.world.log()) - 2
    assert {row["peer_ip"] for row in whole} == {"127.0.0.1"}
    assert {row["peer_port"] for row in whole} == {server.port for server in job.world.servers}
    assert any(row["framing"] for row in whole)


def test_every_capture_has_its_leaf_and_the_tree_its_root(job: Job) -> None:
    sound(job.desk)
    archive = open_reader(job.desk.db)
    leaves = [bytes(row["data"]) for row in archive.all("SELECT data FROM log_leaf ORDER BY idx")]
    evidence = Evidence(archive, Tool(version="0", config_sha256=""), now=lambda: "")
    assert evidence.root() == merkle_root(leaves)
    assert evidence.root() != merkle_root([*leaves[:-1], leaves[-1] + b" "])
    archive.db.close()
    assert job.desk.table("SELECT DISTINCT operator, site, failure FROM captures WHERE tier = 'import'") == [
        ("Desk", "", "")
    ]


def test_what_is_too_large_is_not_read_to_its_end(job: Job) -> None:
    film, flood = job.desk.rows("SELECT * FROM captures WHERE url LIKE '%/film' OR url LIKE '%/flood' ORDER BY url")
    (declared,), (poured,) = job.asked("/film"), job.asked("/flood")
    assert (film["failure"], film["expected"], film["received"]) == ("too-large", 3 << 30, 0)
    assert (film["sent"], film["response_head"]) == (declared.raw, declared.reply.data)
    assert declared.taken < 32 << 20, "what the sockets' buffers hold, not the film"
    assert (flood["failure"], flood["expected"]) == ("too-large", None)
    assert flood["received"] <= 2_000_000 + (1 << 16), "the bound, and the rest of one read"
    assert job.desk.body(flood) == bytes(flood["received"])
    assert poured.taken < 32 << 20
    for row in (film, flood):
        assert [found[0] for found in outcomes(job, f"web:page:{row['url']}")] == ["too-large"]


def test_a_redirect_loop_ends_and_each_hop_is_kept(job: Job) -> None:
    first, second = job.desk.rows("SELECT * FROM captures WHERE url LIKE '%/round' OR url LIKE '%/about' ORDER BY leaf")
    assert (first["hop"], first["parent"], first["failure"], first["status"]) == (0, "", "", 302)
    assert (second["hop"], second["parent"], second["failure"]) == (1, first["uid"], "redirects")
    assert len(job.asked("/round")) == len(job.asked("/about")) == 1
    ((outcome, reason, _, _),) = outcomes(job, f"web:page:{job.world.blog.url('/round')}")
    assert (outcome, reason) == ("refused", "redirects: the redirects turn in a circle")


def test_a_server_that_asks_for_a_pause_gets_it(job: Job) -> None:
    id = job.world.tweets["busy"].id
    first, second = job.asked(f"tweet-result?id={id}")
    assert (first.reply.data.split(b" ", 2)[1], second.reply.data.split(b" ", 2)[1]) == (b"429", b"200")
    assert second.at - first.at >= 1.0, "Retry-After: 1"
    between = [asked for asked in job.world.x.server.log if first.at + 0.2 < asked.at < first.at + 1.0]
    assert not between, "the whole host is left alone"
    assert [found[0] for found in outcomes(job, f"x:post:{id}")] == ["rate-limited", "live"]


def test_the_posts(job: Job) -> None:
    x, did, base = job.world.ref, job.world.bluesky, job.world.mastodon.server.base
    expected = {
        x("origin"): ("orla_finch", story.ORIGIN, "2024-10-21T08:00:00Z", "live"),
        x("third"): ("tam_reyes", story.THIRD, "2024-10-22T09:30:00Z", "live"),
        x("gone"): ("press_desk_h", story.GONE, "2024-10-23T10:15:00Z", "not-found"),
        x("first"): ("vera_quill", story.FIRST, "2024-10-24T11:45:00Z", "live"),
        x("busy"): ("sol_marsh", story.BUSY, "2024-10-25T12:00:00Z", "live"),
        x("picture"): ("sol_marsh", story.PICTURE, "2024-10-26T13:20:00Z", "live"),
        x("stranger"): ("lee_of_ash", story.STRANGER, "2024-10-27T14:00:00Z", "live"),
        f"bluesky:post:{did.uri()}": ("ines.example", story.SKY, "2024-10-24T08:00:00Z", "live"),
        f"fediverse:post:{base}/users/ruth/statuses/113300000000000001": (
            f"ruth@{job.world.mastodon.server.place}",
            story.ROOT,
            "2024-10-24T07:00:00Z",
            "live",
        ),
        f"fediverse:post:{base}/users/ben/statuses/113300000000000002": (
            f"ben@{job.world.mastodon.server.place}",
            story.REPLY,
            "2024-10-24T07:30:00Z",
            "live",
        ),
    }
    rows = job.desk.rows("SELECT r.ref, p.* FROM posts p JOIN refs r ON r.id = p.id")
    assert {row["ref"]: (row["handle"], row["text"], row["posted_at"], row["outcome"]) for row in rows} == expected
    assert {(row["versions"], row["edits"], row["truncated"]) for row in rows} == {(1, 0, 0)}
    shown = job.desk.table(
        "SELECT r.ref, count(*), min(s.whole) FROM sightings s JOIN versions v ON v.id = s.version "
        "JOIN refs r ON r.id = v.post WHERE r.platform = 'x' GROUP BY r.ref"
    )
    assert {ref: count for ref, count, _ in shown} == {
        x("origin"): 3,  # under `first`, under `third`, and by itself
        x("third"): 2,
        x("gone"): 1,
        x("first"): 1,
        x("busy"): 1,
        x("picture"): 1,
        x("stranger"): 1,
    }


def test_a_post_in_the_middle_is_gone_and_the_chain_still_reaches_its_origin(job: Job) -> None:
    x = job.world.ref
    assert outcomes(job, x("gone")) == [
        ("live", "", "syndication", 200),  # as `first` still shows it
        ("unavailable", "tombstone", "syndication", 200),
        ("not-found", "FxTwitter: code 404", "fxtwitter", 404),
        ("not-found", "HTTP 404", "oembed", 404),
    ]
    shown = job.desk.call("show", f"https://x.com/vera_quill/status/{job.world.tweets['first'].id}", "--json").json
    chain = [(step["kind"], step["evidence"], step["target"], step["outcome"]) for step in shown["chain"]]
    assert chain == [
        ("quotes", "asserted", x("gone"), "not-found"),
        ("quotes", "asserted", x("third"), "live"),
        ("quotes", "asserted", x("origin"), "live"),
    ]
    assert (shown["ref"], shown["origins"]) == (x("first"), [x("origin")])
    assert job.desk.call("show", x("first"), "--json").json == shown
    plain = job.desk.call("show", x("first")).out
    assert "not-found" in plain
    assert f"Origin: {x('origin')}" in plain


def test_each_edge_stands_where_its_pointer_says(job: Job) -> None:
    rows = job.desk.rows(
        "SELECT e.kind, s.ref AS source, t.ref AS target, e.evidence, e.pointer, c.* FROM edges e "
        "JOIN refs s ON s.id = e.source JOIN refs t ON t.id = e.target JOIN captures c ON c.id = e.capture"
    )
    checked = Counter[str]()
    for row in rows:
        target = row["target"].split(":", 2)[2]
        if row["pointer"].startswith("/"):
            named = pointed(json.loads(job.desk.entity(row)), row["pointer"])
            named = named["uri"] if isinstance(named, dict) else named
            assert target.endswith(named)
            assert row["evidence"] == "asserted"
        elif row["pointer"] == "header:location":
            assert f"/status/{target}".encode() in row["response_head"]
        elif row["source"].startswith("doc:passage:"):
            assert row["source"].split(":")[2] == digest(job.desk.body(row))
            assert row["evidence"] == "claimed"
        else:
            assert (row["kind"], row["evidence"], row["pointer"][:2]) == ("links-to", "claimed", "a:")
        checked[row["kind"]] += 1
    print(dict(checked))
    assert checked == {"quotes": 4 + 5, "embeds": 4, "names": 6, "links-to": 10, "resolves-to": 2, "replies-to": 1}


def test_media_are_asked_for_once_and_kept_once(job: Job) -> None:
    assert len(job.asked("/media/poster.jpg")) == len(job.asked("getBlob")) == 1
    rows = job.desk.table(
        "SELECT r.ref, b.sha256, b.size, f.sniffed_type FROM media m JOIN refs r ON r.id = m.post "
        "JOIN files f ON f.ref = m.file JOIN blobs b ON b.id = f.blob ORDER BY r.ref"
    )
    base = f"fediverse:post:{job.world.mastodon.server.base}/users"
    photo, chart = (digest(story.PHOTO), len(story.PHOTO)), (digest(story.MAP), len(story.MAP))
    assert rows == [
        (f"bluesky:post:{job.world.bluesky.uri()}", *chart, "image/jpeg"),
        (f"{base}/ben/statuses/113300000000000002", *photo, "image/jpeg"),
        (f"{base}/ruth/statuses/113300000000000001", *photo, "image/jpeg"),
    ]
    stated = job.desk.value("SELECT sha256 FROM media WHERE kind = 'image' AND sha256 <> ''")
    assert stated == digest(story.MAP), "what the CID of the blob says"


def test_bluesky_is_proved_by_the_author(job: Job) -> None:
    sky = job.world.bluesky
    proofs = job.desk.table(
        "SELECT DISTINCT p.kind, r.ref, p.valid FROM proofs p JOIN refs r ON r.id = p.ref ORDER BY p.kind, r.ref"
    )
    assert proofs == [
        ("atproto-absence", f"bluesky:post:{sky.uri(story.LOST)}", 1),
        ("atproto-cid", f"bluesky:post:{sky.uri()}", 1),
        ("atproto-record", f"bluesky:post:{sky.uri()}", 1),
        ("plc-log", f"bluesky:account:{sky.did}", 1),
    ]
    lost = outcomes(job, f"bluesky:post:{sky.uri(story.LOST)}")
    assert lost[-1] == ("not-found", "absent-from-repository", "record-proof", 200)
    assert {found[0] for found in lost} == {"unavailable", "not-found"}
    shown = job.desk.call("show", sky.url(), "--json").json
    assert shown["ref"] == f"bluesky:post:{sky.uri()}", "found by its handle's address"
    assert [(step["target"], step["outcome"]) for step in shown["chain"]] == [
        (f"bluesky:post:{sky.uri(story.LOST)}", "not-found")
    ]


def test_the_answer_of_a_toot_leads_to_what_it_answers(job: Job) -> None:
    base = job.world.mastodon.server.base
    shown = job.desk.call("show", job.world.mastodon.url("ben", "113300000000000002"), "--json").json
    assert shown["ref"] == f"fediverse:post:{base}/users/ben/statuses/113300000000000002"
    ((kind, target),) = [(step["kind"], step["target"]) for step in shown["chain"]]
    assert kind == "replies-to"
    found = job.desk.call("show", target, "--json").json
    assert found["ref"] == f"fediverse:post:{base}/users/ruth/statuses/113300000000000001"
    assert found["post"]["text"] == story.ROOT


MENTIONS = (
    "SELECT m.quoted, s.status, s.how, r.ref AS post, p.ref AS proposed, x.verdict, x.flags, s.reason, m.handle, m.day "
    "FROM mentions m JOIN resolutions s ON s.mention = m.id LEFT JOIN refs r ON r.id = s.ref "
    "LEFT JOIN refs p ON p.id = s.candidate LEFT JOIN matches x ON x.mention = m.id AND x.rank = 0 "
    "JOIN documents d ON d.id = m.document JOIN captures c ON c.id = d.capture "
    "WHERE m.quoted <> '' ORDER BY c.url LIKE '%/notes', m.ordinal"
)


def test_quotations_are_resolved_and_judged(job: Job) -> None:
    x = job.world.ref
    rows = job.desk.rows(MENTIONS)
    assert [(row["status"], row["how"], row["post"], row["verdict"], row["flags"]) for row in rows] == [
        ("resolved", "embed", x("first"), "exact", ""),
        ("resolved", "embed", x("third"), "altered", "negation-changed"),
        ("resolved", "short-link", x("picture"), "exact", ""),
        ("media-source", "short-link", None, "not-found", ""),
        ("resolved", "embed", x("busy"), "elided", "number-elided clause-elided"),
        ("resolved", "embed", x("origin"), "truncated", ""),
    ]
    wrong = rows[3]
    assert wrong["proposed"] == x("stranger")
    assert "by @lee_of_ash, not @sol_marsh" in wrong["reason"]
    assert "2024-10-27, not 2024-10-26" in wrong["reason"]
    changes = json.loads(job.desk.value("SELECT changes FROM matches WHERE verdict = 'altered'"))
    assert changes
    assert all(story.THIRD[slice(*_span(change["original_span"]))] == change["original"] for change in changes)


def _span(value: dict[str, object]) -> tuple[int, int]:
    return int(str(value["start"])), int(str(value["end"]))


def test_documents_are_the_pages_that_were_sent(job: Job) -> None:
    rows = job.desk.rows("SELECT d.sha256, d.text, d.capture, c.* FROM documents d JOIN captures c ON c.id = d.capture")
    assert len(rows) == 3
    for row in rows:
        assert row["sha256"] == digest(job.desk.entity(row))
    for mention in job.desk.rows("SELECT m.*, d.text FROM mentions m JOIN documents d ON d.id = m.document"):
        if mention["quote_start"] is not None:
            assert mention["text"][mention["quote_start"] : mention["quote_end"]] == mention["quoted"]


def test_nothing_is_left_unread_and_all_can_be_made_again(job: Job) -> None:
    assert job.desk.table("SELECT reason, pointer FROM unread") == []
    ended = job.desk.call("rebuild", "--check", "--json")
    assert (ended.code, ended.json["differences"]) == (0, {})
    assert ended.json["captures"] == job.desk.value("SELECT count(*) FROM captures")
    assert job.desk.call("status", "--json").json["counts"]["captures"] == ended.json["captures"]


def test_a_circle_of_quotes_is_walked_once(tmp_path: story.Path) -> None:
    with story.playing() as world:
        world.tweets["origin"].quote = world.tweets["first"].id
        world.tweets["gone"].gone = False
        desk = Desk(tmp_path, world.configure(tmp_path))
        assert desk.call("run", desk.seed("list.txt", lines([world.paper.url("/story")]))).code == 0
        chain = desk.call("show", world.ref("first"), "--json").json["chain"]
        assert [(step["target"], step["again"]) for step in chain] == [
            (world.ref("gone"), False),
            (world.ref("third"), False),
            (world.ref("origin"), False),
            (world.ref("first"), True),
        ]
        assert "goes round in a circle" in desk.call("show", world.ref("first")).out
        assert max(Counter(target for target in world.x.server.targets() if "tweet-result" in target).values()) == 1
        assert desk.call("rebuild", "--check").code == 0


def test_a_clean_run_and_one_with_a_bad_seed_end_with_their_codes(job: Job, tmp_path: story.Path) -> None:
    desk = Desk(tmp_path, job.world.configure(tmp_path))
    good = desk.seed("list.txt", lines([job.world.paper.url("/story")]))
    assert desk.call("run", good).code == 0
    both = desk.seed("loop.txt", lines([job.world.blog.url("/round")]))
    ended = desk.call("run", both, tmp_path / "absent.html")
    assert ended.code == 3
    assert str(tmp_path / "absent.html") in ended.out
