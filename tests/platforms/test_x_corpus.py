"""Recorded answers of X, held against facts recomputed from their raw JSON in another way."""

from __future__ import annotations

import base64
import csv
import gzip
import html
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.errors import ParseError
from archiver.model import Answer, Outcome, Post, Reading, Ref, Request
from archiver.platforms.x import parse, parse_shape, post_ref

pytestmark = pytest.mark.corpus
TCO = re.compile(r"https?://t\.co/\w+")
EPOCH = 1288834974657


def recorded(corpus: Path, kind: str, suffixes: tuple[str, ...] = (".json",)) -> Iterator[tuple[str, bytes]]:
    """Files of one kind, by their path in the corpus."""
    with (corpus / "x" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            path = corpus / "x" / row["path"]
            if row["kind"] == kind and path.suffix in suffixes:
                body = path.read_bytes()
                yield row["path"], gzip.decompress(body) if path.suffix == ".gz" else body


def valid(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def ask(route: str, body: bytes, id: str) -> Reading:
    request = Request(ref=post_ref(id), route=route, url="https://api.example/")
    return parse(request, Answer(request=request, status=200, body=body))


def words(text: str) -> list[str]:
    """What is left when links, character references and white space are put aside."""
    return re.sub(r"https?://\S+", " ", html.unescape(text)).split()


def moment(text: str) -> datetime:
    return (datetime.fromisoformat(text) if text[0] == "2" else parsedate_to_datetime(text)).astimezone(UTC)


def on_time(post: Post) -> bool:
    """The time equals that of the id, to the second."""
    if int(post.ref.id) < 3 * 10**14:
        return True
    seconds = ((int(post.ref.id) >> 22) + EPOCH) // 1000
    return int(datetime.fromisoformat(post.posted_at).timestamp()) == seconds


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def best_of(medium: dict[str, Any], rate: str = "bitrate") -> str:
    """The address that the best rendering must have."""
    variants = (medium.get("video_info") or medium).get("variants")
    if variants:
        clips = sorted((v for v in variants if v["content_type"] == "video/mp4"), key=lambda v: int(v.get(rate, 0)))
        return str(clips[-1]["url"])
    return str(medium.get("media_url_https") or medium["url"]).replace("http://", "https://") + "?name=orig"


def named(reading: Reading, kind: str, id: str) -> list[str]:
    return [edge.target.id for edge in reading.edges if edge.kind == kind and edge.source.id == id]


def syndicated(corpus: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Single answers, and those inside the day files and caches."""
    for path, body in recorded(corpus, "syndication"):
        value = json.loads(body)
        if "id_str" in value:
            yield path, value
            continue
        for inner in walk(value):
            if inner.get("__typename") == "Tweet" and "user" in inner:
                yield path, inner


def test_syndication(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for path, value in syndicated(corpus):
        reading = ask("syndication", json.dumps(value).encode(), value["id_str"])
        shown = {post.ref.id: post for post in reading.posts}
        tweets = [value, *(value[key] for key in ("quoted_tweet", "parent") if key in value)]
        tweets += [inner["quoted_tweet"] for inner in tweets[1:] if "quoted_tweet" in inner]
        assert set(shown) == {tweet["id_str"] for tweet in tweets}, path
        for tweet in tweets:
            post = shown[tweet["id_str"]]
            counts["posts"] += 1
            assert str(post.author) == f"x:account:{tweet['user']['id_str']}", path
            assert post.handle == tweet["user"].get("screen_name", ""), path
            assert on_time(post), path
            assert moment(post.posted_at) == moment(tweet["created_at"]), path
            assert words(post.text) == words(tweet["text"]), path
            assert post.truncated == ("note_tweet" in tweet), path
            counts["truncated"] += post.truncated
            assert [medium.url for medium in post.media] == [best_of(m) for m in tweet.get("mediaDetails", [])], path
            counts["media"] += len(post.media)
            quoted = tweet.get("quoted_tweet")
            assert named(reading, "quotes", post.ref.id) == ([quoted["id_str"]] if quoted else []), path
            counts["quotes"] += quoted is not None
            reply = tweet.get("in_reply_to_status_id_str")
            assert named(reading, "replies-to", post.ref.id) == ([reply] if reply else []), path
            counts["replies"] += reply is not None
            versions = tweet.get("edit_control", {}).get("edit_tweet_ids", [])
            assert post.edited == (len(versions) > 1), path
            counts["edited"] += post.edited
            homes = {u["expanded_url"].split("/")[5] for u in tweet["entities"].get("media", [])}
            assert set(named(reading, "same-media", post.ref.id)) == homes - {post.ref.id}, path
            counts["borrowed media"] += bool(homes - {post.ref.id})
            links = [u["expanded_url"] for u in tweet["entities"].get("urls") or []]
            link = any(re.search(r"//(www\.|mobile\.)?(x|twitter)\.com/\w+/status/\d+", u) for u in links)
            assert post.whole == (not link or quoted is not None), path
            counts["unknown quotations"] += not post.whole
            explained = {u["url"] for u in tweet["entities"].get("urls") or []}
            assert not explained & set(TCO.findall(post.text)), path
        (asked,) = [finding for finding in reading.findings if finding.ref.id == value["id_str"]]
        assert asked.outcome is Outcome.LIVE
        counts["answers"] += 1
        counts["notes"] += len(reading.unread)
    print(f"\nsyndication: {dict(counts)}")
    assert counts["answers"] >= 200


def legacy_objects(value: Any) -> Iterator[dict[str, Any]]:
    for inner in walk(value):
        if "id_str" in inner and "created_at" in inner and ("text" in inner or "full_text" in inner):
            yield inner


def test_v11(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for path, body in recorded(corpus, "v1.1"):
        if not valid(body):
            with pytest.raises(ParseError) as refused:
                parse_shape("v1.1", body)
            assert refused.value.pointer.startswith("text:")
            counts["not JSON"] += 1
            continue
        value = json.loads(body)
        reading = parse_shape("v1.1", body)
        counts["files"] += 1
        shown = {post.ref.id: post for post in reading.posts}
        if "objectType" in value:
            assert activity(path, value, reading, shown)
            counts["activities"] += len(shown)
            continue
        tweets = {tweet["id_str"]: tweet for tweet in legacy_objects(value)}
        if "screen_name" in value:
            tweets[value["status"]["id_str"]] = value["status"] | {"user": value}
        assert set(shown) == set(tweets), path
        assert reading.unread == (), path
        for id, tweet in tweets.items():
            post, long = shown[id], tweet.get("extended_tweet", {})
            counts["posts"] += 1
            by = tweet.get("user", {}).get("id_str")
            assert post.author == (Ref(platform="x", kind="account", id=by) if by else None), path
            assert on_time(post), path
            text = long.get("full_text") or tweet.get("full_text") or tweet["text"]
            assert words(post.text) == words(text), path
            assert post.truncated == (bool(tweet.get("truncated")) and not long and "full_text" not in tweet) or (
                text.startswith("RT @") and post.truncated
            ), path
            counts["truncated"] += post.truncated
            reposted = tweet.get("retweeted_status")
            assert named(reading, "reposts", id) == ([reposted["id_str"]] if reposted else []), path
            counts["reposts"] += reposted is not None
            if not reposted:
                quoted = tweet.get("quoted_status_id_str")
                assert named(reading, "quotes", id) == ([quoted] if quoted else []), path
                counts["quotes"] += quoted is not None
                holder = long or tweet
                media = holder.get("extended_entities") or tweet.get("extended_entities") or holder.get("entities", {})
                assert [medium.url for medium in post.media] == [best_of(m) for m in media.get("media", [])], path
                counts["media"] += len(post.media)
            else:
                assert not post.whole, path
            reply = tweet.get("in_reply_to_status_id_str")
            assert named(reading, "replies-to", id) == ([reply] if reply else []), path
            counts["replies"] += reply is not None
    print(f"\nv1.1: {dict(counts)}")
    assert counts["files"] >= 40
    assert counts["not JSON"] == 2


def activity(path: str, value: dict[str, Any], reading: Reading, shown: dict[str, Post]) -> bool:
    activities = {a["id"].split(":")[-1]: a for a in walk(value) if a.get("objectType") == "activity"}
    assert set(shown) == set(activities), path
    for id, one in activities.items():
        assert words(shown[id].text) == words(one.get("long_object", one)["body"]), path
        assert str(shown[id].author) == "x:account:" + one["actor"]["id"].split(":")[-1], path
        assert on_time(shown[id]), path
        share, quoted = one["verb"] == "share", one.get("twitter_quoted_status")
        assert named(reading, "reposts", id) == ([one["object"]["id"].split(":")[-1]] if share else []), path
        assert named(reading, "quotes", id) == ([quoted["id"].split(":")[-1]] if quoted and not share else []), path
        reply = one.get("inReplyTo")
        assert named(reading, "replies-to", id) == ([reply["link"].split("/")[-1]] if reply else []), path
    return True


def test_graphql(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for path, body in recorded(corpus, "graphql"):
        value = json.loads(body)
        reading = parse_shape("graphql", body)
        counts["files"] += 1
        shown = {post.ref.id: post for post in reading.posts}
        tweets = {
            tweet["rest_id"]: tweet
            for tweet in walk(value)
            if "rest_id" in tweet and "legacy" in tweet and "core" in tweet and "full_text" in tweet["legacy"]
        }
        assert set(shown) == set(tweets), path
        assert reading.unread == (), path
        for id, tweet in tweets.items():
            post, old = shown[id], tweet["legacy"]
            counts["posts"] += 1
            assert str(post.author) == f"x:account:{old['user_id_str']}", path
            assert post.handle, path
            assert on_time(post), path
            assert moment(post.posted_at) == moment(old["created_at"]), path
            note = tweet.get("note_tweet", {}).get("note_tweet_results", {}).get("result")
            counts["long"] += note is not None
            assert not post.truncated or old["full_text"].startswith("RT @"), path
            assert words(post.text) == words(note["text"] if note else old["full_text"]), path
            reposted = old.get("retweeted_status_result")
            assert named(reading, "reposts", id) == ([reposted["result"]["rest_id"]] if reposted else []), path
            quoted = old.get("quoted_status_id_str")
            assert named(reading, "quotes", id) == ([quoted] if quoted and not reposted else []), path
            reply = old.get("in_reply_to_status_id_str")
            assert named(reading, "replies-to", id) == ([reply] if reply else []), path
            media = old.get("extended_entities", {}).get("media", [])
            if not reposted:
                assert [medium.url for medium in post.media] == [best_of(m) for m in media], path
                assert [medium.key for medium in post.media] == [m["id_str"] for m in media], path
            for name, count in (("quotes", quoted), ("replies", reply), ("reposts", reposted)):
                counts[name] += count is not None
            counts["media"] += len(post.media)
    print(f"\ngraphql: {dict(counts)}")
    assert counts["files"] >= 19


def test_tombstones(corpus: Path) -> None:
    outcomes: Counter[str] = Counter()
    for path, body in recorded(corpus, "tombstones"):
        value = json.loads(body)
        if value.get("__typename") == "TweetTombstone":
            reading = ask("syndication", body, "20")
        elif "tweetResult" in value["data"]:
            reading = ask("graphql", body, "20")
        else:
            reading = parse_shape("graphql", body)
        hidden = [v for v in walk(value) if v.get("__typename") in ("TweetTombstone", "TweetUnavailable")]
        negative = [finding for finding in reading.findings if finding.outcome is not Outcome.LIVE]
        assert len(negative) == len(hidden), path
        for finding, cause in zip(negative, hidden, strict=True):
            wanted = {"Suspended": "suspended"}.get(cause.get("reason", ""), "unavailable")
            assert finding.outcome == wanted, path
            assert finding.pointer, path
            outcomes[finding.outcome] += 1
    print(f"\ntombstones: {dict(outcomes)}")
    assert sum(outcomes.values()) >= 5


def documents(text: str) -> Iterator[str]:
    """JSON documents one after the other, whatever stands between them; at last what is none."""
    decoder, at, text = json.JSONDecoder(), 0, text.strip()
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            yield text[at:]
            return
        yield text[at:end]
        at = end + len(text[end:]) - len(text[end:].lstrip())


def cassette(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Status and body of each answer of a VCR cassette."""
    yaml = pytest.importorskip("yaml")
    for exchange in yaml.safe_load(body)["interactions"]:
        answer = exchange["response"]
        content = answer["body"]["string"]
        raw = content.encode() if isinstance(content, str) else content
        yield answer["status"]["code"], gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def test_v2(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    bodies = [
        (path, text.encode()) for path, body in recorded(corpus, "v2", (".jsonl",)) for text in documents(body.decode())
    ]
    bodies += [(path, content) for path, body in recorded(corpus, "v2", (".yaml",)) for _, content in cassette(body)]
    for path, body in bodies:
        if not valid(body):
            with pytest.raises(ParseError) as refused:
                parse_shape("v2", body)
            assert refused.value.pointer.startswith("text:")
            counts["not JSON"] += 1
            continue
        value = json.loads(body)
        if not isinstance(value.get("data"), list) and "text" not in value.get("data", {}):
            counts["not about posts"] += 1
            continue
        reading = parse_shape("v2", body)
        counts["answers"] += 1
        data = value["data"] if isinstance(value["data"], list) else [value["data"]]
        includes = value.get("includes", {})
        tweets = {tweet["id"]: tweet for tweet in [*includes.get("tweets", []), *data]}
        media = {medium["media_key"]: medium for medium in includes.get("media", [])}
        people = {user["id"]: user["username"] for user in includes.get("users", [])}
        notices = {id for id, tweet in tweets.items() if "scope" in tweet.get("withheld", {})}
        shown = {post.ref.id: post for post in reading.posts}
        assert set(shown) == set(tweets) - notices, path
        for id in notices:
            assert [f.outcome for f in reading.findings if f.ref.id == id] == [Outcome.WITHHELD], path
        counts["withheld"] += len(notices)
        for id, post in shown.items():
            tweet = tweets[id]
            counts["posts"] += 1
            if "author_id" in tweet:
                assert str(post.author) == f"x:account:{tweet['author_id']}", path
                assert post.handle == people.get(tweet["author_id"], ""), path
            assert on_time(post), path
            links = tweet.get("entities", {}).get("urls", [])
            assert words(post.text) == words(tweet["text"]), path
            references = {r["type"]: r["id"] for r in tweet.get("referenced_tweets", [])}
            repost = references.get("retweeted")
            assert named(reading, "reposts", id) == ([repost] if repost else []), path
            quoted = None if repost else references.get("quoted")
            assert named(reading, "quotes", id) == ([quoted] if quoted else []), path
            reply = references.get("replied_to")
            assert named(reading, "replies-to", id) == ([reply] if reply else []), path
            keys = tweet.get("attachments", {}).get("media_keys", [])
            known = [media[key] for key in keys if key in media] if not repost else []
            assert [m.key for m in post.media] == [m["media_key"].split("_")[1] for m in known], path
            for medium, raw in zip(post.media, known, strict=True):
                wanted = best_of(raw, "bit_rate") if "variants" in raw or "url" in raw else raw["preview_image_url"]
                assert medium.url == wanted, path
            assert post.edited == (len(tweet.get("edit_history_tweet_ids", [])) > 1), path
            expanded = {link["url"] for link in links}
            assert not expanded & set(TCO.findall(post.text)), path
            for name, found in (("reposts", repost), ("quotes", quoted), ("replies", reply)):
                counts[name] += found is not None
            counts["media"] += len(post.media)
        for error in value.get("errors", []):
            if error.get("resource_type") == "tweet":
                (finding,) = [f for f in reading.findings if f.ref.id == error["resource_id"]]
                assert finding.outcome is Outcome.NOT_FOUND, path
                counts["not found"] += 1
        assert reading.unread == (), path
    print(f"\nv2: {dict(counts)}")
    assert counts["answers"] >= 20
    assert counts["not JSON"] == 1


def test_oembed(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for path, body in recorded(corpus, "oembed"):
        value = json.loads(body)
        if "headers" in value:
            inner = value["body"]
            status = value["status"] if "location" not in value["headers"] else 200
            body = inner.encode() if isinstance(inner, str) else json.dumps(inner).encode()
            assert status == 200, path
            value = json.loads(body)
        if "twitter" not in value.get("provider_url", "") and "twitter" not in value.get("provider_name", "").lower():
            with pytest.raises(ParseError):
                parse_shape("oembed", body)
            counts["of other platforms"] += 1
            continue
        id = re.search(r"/status(?:es)?/(\d+)", value["url"])
        assert id
        reading = ask("oembed", body, id[1])
        (post,) = reading.posts
        paragraph = re.search(r"<p[^>]*>(.*?)</p>", value["html"], re.S)
        assert paragraph
        text = html.unescape(re.sub(r"<[^>]+>", "", paragraph[1].replace("<br>", "\n")))
        assert words(re.sub(r"pic\.(twitter|x)\.com/\w+", "", text)) == words(post.text), path
        assert str(post.author) == "x:handle:" + value["author_url"].split("/")[-1].lower(), path
        assert on_time(post) or int(id[1]) < 3 * 10**14, path
        assert reading.unread == (), path
        assert (post.name, post.whole) == (value["author_name"], False), path
        counts["posts"] += 1
    print(f"\noembed: {dict(counts)}")
    assert counts["posts"] >= 8


def test_vxtwitter(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for path, body in recorded(corpus, "vxtwitter-api"):
        value = json.loads(body)
        reading = ask("vxtwitter", body, value["tweetID"])
        (post,) = reading.posts
        assert post.text == value["text"], path
        assert on_time(post), path
        assert int(datetime.fromisoformat(post.posted_at).timestamp()) == value["date_epoch"], path
        assert str(post.author) == "x:handle:" + value["tweetURL"].split("/")[3].lower(), path
        for kind, key in (("quotes", "qrtURL"), ("reposts", "retweetURL"), ("replies-to", "replyingToID")):
            wanted = [value[key].split("/")[-1]] if value[key] else []
            assert named(reading, kind, value["tweetID"]) == wanted, path
            counts[kind] += len(wanted)
        assert [medium.url.partition("?")[0] for medium in post.media] == [
            url.partition("?")[0] for url in value["mediaURLs"]
        ], path
        counts["posts"] += 1
    print(f"\nvxtwitter: {dict(counts)}")
    assert counts["posts"] >= 6


def copied(body: bytes, id: str, stage: str = "copy") -> Reading:
    given = (("stage", stage), ("timestamp", "20200101000000"))
    request = Request(ref=post_ref(id), route="wayback", url="https://web.archive.example/", given=given)
    return parse(request, Answer(request=request, status=200, body=body))


def test_wayback(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for path, body in recorded(corpus, "wayback", (".json", ".html", ".gz", ".txt")):
        if path.endswith(".json"):
            rows = json.loads(body)
            wanted = Counter(row[0].rpartition("/")[2] for row in rows[1:])
            for id, number in wanted.items():
                (finding,) = copied(body, id, "index").findings
                assert finding.reason.startswith(f"{number} copies"), path
            counts["index lines"] += len(rows) - 1
        elif path.endswith(".txt"):
            with pytest.raises(ParseError):
                copied(body, "20", "index")
            counts["foreign indexes refused"] += 1
        else:
            canonical = re.search(rb'<link rel="canonical" href="[^"]*?/status/(\d+)"', body)
            assert canonical, path
            id = canonical[1].decode()
            if b"permalink-tweet" not in body:
                with pytest.raises(ParseError):
                    copied(body, id)
                counts["pages without a post"] += 1
                continue
            reading = copied(body, id)
            (post,) = reading.posts
            author = re.search(rb'data-tweet-id="' + canonical[1] + rb'".*?data-user-id="(\d+)"', body, re.S)
            assert author
            assert str(post.author) == f"x:account:{author[1].decode()}", path
            assert on_time(post), path
            assert reading.unread == (), path
            text = re.search(rb'class="tweet permalink-tweet.*?<p class="[^"]*tweet-text[^>]*>(.*?)</p>', body, re.S)
            assert text
            raw = re.sub(r'<img[^>]*alt="([^"]*)"[^>]*>', r"\1", text[1].decode())
            assert words(post.text) == words(re.sub(r"<[^>]+>", "", raw)), path
            assert [f.outcome for f in reading.findings if f.ref.id == id] == [Outcome.UNKNOWN], path
            counts["pages"] += 1
    for path, body in recorded(corpus, "wayback", (".yaml",)):
        for status, content in cassette(body):
            request = Request(ref=post_ref("20"), route="wayback", url="https://web.archive.example/")
            answer = Answer(request=request, status=status, body=content)
            try:
                reading = parse(request, answer)
            except ParseError as error:
                counts["foreign pages refused"] += bool(error.pointer)
                continue
            assert reading.posts == (), path
            assert reading.findings[0].outcome not in {Outcome.LIVE, Outcome.DELETED, Outcome.NOT_FOUND}, path
            counts[f"status {status}"] += 1
    print(f"\nwayback: {dict(counts)}")
    assert counts["pages"] >= 2


def test_an_archive(corpus: Path) -> None:
    read = 0
    for path, body in recorded(corpus, "twitter-archive", (".js",)):
        if not path.endswith("data__tweets.js"):
            continue
        entries = [entry["tweet"] for entry in json.loads(body[body.index(b"[") :])]
        reading = parse_shape("twitter-archive", body)
        shown = {post.ref.id: post for post in reading.posts}
        assert set(shown) == {entry["id_str"] for entry in entries}
        assert reading.unread == ()
        for entry in entries:
            assert words(shown[entry["id_str"]].text) == words(entry["full_text"])
            assert on_time(shown[entry["id_str"]])
            read += 1
    print(f"\ntwitter-archive: {read} posts")
    assert read > 1000


def test_gone_posts_are_never_called_deleted(corpus: Path) -> None:
    """What the endpoint answers for posts that are known to have been withdrawn: only what it says."""
    tombstone = b'{"__typename":"TweetTombstone","tombstone":{}}'
    cases = 0
    for _, body in recorded(corpus, "syndication-missing"):
        for record in walk(json.loads(body)):
            if "private" not in record or "notfound" not in record:
                continue
            answer, status = (tombstone, 200) if record["private"] else (b"<html></html>", 404)
            request = Request(ref=post_ref("20"), route="syndication", url="https://api.example/")
            reading = parse(request, Answer(request=request, status=status, body=answer))
            wanted = Outcome.UNAVAILABLE if record["private"] else Outcome.NOT_FOUND
            assert [finding.outcome for finding in reading.findings] == [wanted]
            cases += 1
    print(f"\nsyndication-missing: {cases} records")
    assert cases > 0


WRONG: tuple[Any, ...] = (None, True, 7, "x", [], {}, [{"x": None}])


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in steps:
        yield from places(inner, (*at, key))


def changed(value: Any, place: tuple[Any, ...], by: Any) -> bytes:
    """The document with the value at one place replaced, and put back afterwards."""
    if not place:
        return json.dumps(by).encode()
    holder = value
    for key in place[:-1]:
        holder = holder[key]
    kept, holder[place[-1]] = holder[place[-1]], by
    try:
        return json.dumps(value).encode()
    finally:
        holder[place[-1]] = kept


def sound(reading: Reading) -> bool:
    ids = [post.ref for post in reading.posts] + [edge.target for edge in reading.edges]
    return (
        all(Ref.parse(str(ref)) == ref for ref in ids)
        and all(isinstance(post.text, str) and post.ref.id.isdigit() for post in reading.posts)
        and all(type(count) is int for post in reading.posts for _, count in post.counts)
        and all(m.url.startswith("http") and type(m.width) is int for post in reading.posts for m in post.media)
        and all(type(flag) is bool for post in reading.posts for flag in (post.sensitive, post.truncated, post.whole))
    )


@pytest.mark.parametrize(
    ("kind", "route"),
    [
        ("syndication", "syndication"),
        ("v1.1", "v1.1"),
        ("graphql", "graphql"),
        ("tombstones", "graphql"),
        ("vxtwitter-api", "vxtwitter"),
        ("oembed", "oembed"),
    ],
)
def test_wrong_types_at_every_place(corpus: Path, kind: str, route: str) -> None:
    """Every place of the smaller recordings, every n-th of the larger, so that the run stays short."""
    cases = refused = unnamed = 0
    unsound: list[tuple[str, tuple[Any, ...]]] = []
    for path, body in recorded(corpus, kind):
        if not valid(body) or len(body) > 60_000:
            continue
        value = json.loads(body)
        spots = list(places(value))
        for number, place in enumerate(spots[:: max(1, len(spots) // 40)]):
            wrong = WRONG[number % len(WRONG)]
            cases += 1
            try:
                if not sound(ask(route, changed(value, place, wrong), "20")):
                    unsound.append((path, place))
            except ParseError as error:
                refused += 1
                unnamed += not error.pointer
    print(f"\n{kind}: {cases} wrong values, {refused} refused")
    assert unsound == []
    assert unnamed == 0
    assert cases > 100


def test_speed(corpus: Path) -> None:
    """From bytes to reading, one core, processor time; the figure is printed, the bound leaves room for a slow host."""
    bodies = [(json.dumps(v, separators=(",", ":")).encode(), v["id_str"]) for _, v in syndicated(corpus)]
    rates = []
    for _ in range(3):
        start = time.process_time()
        for body, id in bodies:
            ask("syndication", body, id)
        rates.append(len(bodies) / (time.process_time() - start))
    size = sum(len(body) for body, _ in bodies) / len(bodies)
    print(f"\nsyndication: {max(rates):,.0f} answers a second, {size:,.0f} bytes each")
    assert max(rates) > 1500


def test_keys_from_names_are_ids(corpus: Path) -> None:
    """The file name of a photo carries a snowflake: nearly always that of the medium, where an answer gives both."""
    keys: dict[str, bool] = {}
    values = [json.loads(body) for kind in ("graphql", "v1.1") for _, body in recorded(corpus, kind) if valid(body)]
    for path, body in recorded(corpus, "twitter-archive", (".js",)):
        if path.endswith("data__tweets.js"):
            values.append(json.loads(body[body.index(b"[") :]))
    for medium in walk(values):
        url = str(medium.get("media_url_https", ""))
        stem = url.rpartition("/")[2].partition(".")[0]
        if "id_str" in medium and re.fullmatch(r"[\w-]{15}", stem):
            keys[url] = str(int.from_bytes(base64.urlsafe_b64decode(stem + "=")[:8], "big")) == medium["id_str"]
    same = sum(keys.values())
    print(f"\nkeys: {same} equal, {len(keys) - same} of the upload that was copied")
    assert same > 20 * (len(keys) - same)
