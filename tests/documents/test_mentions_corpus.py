"""Mentions in recorded pages, texts and exports: recall and precision by kind, printed, with floors that hold.

The checks are independent of the code: elements counted by another HTML parser, days computed from the numbers of
posts (their first 42 bits are a time), plain texts compared with the page that they were made from, and labels.
"""

import csv
import gzip
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from archiver.documents import mentions
from archiver.documents.read import read
from archiver.model import Document, Mention, MentionKind
from archiver.platforms import claim

pytestmark = pytest.mark.corpus
EMBED, SIGNED = MentionKind.EMBED, MentionKind.SIGNED_QUOTATION
FENCE = re.compile(r"(?ms)^ *(```|~~~).*?^ *\1")


def day_of(post: str) -> str:
    """The UTC day in the number of an X post."""
    return datetime.fromtimestamp(((int(post) >> 22) + 1288834974657) / 1000, UTC).date().isoformat()


def read_file(path: Path, media_type: str = "") -> Document:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return read(data, name=path.name.removesuffix(".gz"), media_type=media_type)


def check_spans(document: Document, found: tuple[Mention, ...]) -> None:
    for each in found:
        assert 0 <= each.text.start <= each.text.end <= len(document.text)
        assert 0 <= each.source.start <= each.source.end <= len(document.source)
        if each.quote is not None:
            assert each.text.start <= each.quote.start < each.quote.end <= each.text.end


def blocks(source: str) -> list[set[str]]:
    """The status numbers in each X block of a page, as another parser sees them."""
    tree = LexborHTMLParser(source)
    found = []
    for node in tree.css("blockquote.twitter-tweet, blockquote.twitter-video"):
        hrefs = [link.attributes.get("href") or "" for link in node.css("a")]
        found.append({number for href in hrefs for number in re.findall(r"/status(?:es)?/(\d+)", href)})
    return found


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def test_pages(corpus: Path) -> None:
    expected = hit = extra = dated = days = quoted = signed = 0
    kinds: Counter[str] = Counter()
    pages = [*sorted((corpus / "x/html").rglob("*.html")), *sorted((corpus / "x/residue").rglob("*.html.gz"))]
    pages += sorted((corpus / "quotes/tweetfinder").glob("*.html"))
    for path in pages:
        document = read_file(path, "text/html")
        found = mentions.find(document, claim)
        check_spans(document, found)
        kinds.update(each.kind for each in found)
        ours = [each for each in found if each.markup == "x-blockquote"]
        theirs = [numbers for numbers in blocks(document.source) if numbers]
        expected += len(theirs)
        targets = Counter(each.target.id for each in ours if each.target)
        for numbers in theirs:
            match = next((number for number in numbers if targets[number]), None)
            if match:
                targets[match] -= 1
                hit += 1
        extra += sum(targets.values())
        for each in ours:
            quoted += each.quote is not None
            signed += bool(each.handle)
            if each.day and each.target:
                dated += 1
                days += each.day == day_of(each.target.id)
    print(f"\n{len(pages)} pages: X blocks found {hit} of {expected}, beyond them {extra}; with words {quoted}, "
          f"with handle {signed}; day equal to the post's {days} of {dated}; "
          f"kinds {dict(sorted(kinds.items()))}")  # fmt: skip
    assert hit == expected
    assert days == dated
    assert extra <= 4  # in hidden textareas and templates, which the other parser does not look into


def test_counted_embeds(corpus: Path) -> None:
    with (corpus / "quotes/tweetfinder/expected.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    counts = {}
    for row in rows:
        found = mentions.find(read_file(corpus / "quotes/tweetfinder" / row["file"]), claim)
        posts = [each for each in found if each.target and each.target.platform == "x" and each.target.kind == "post"]
        embedded = sum(each.kind is EMBED for each in posts)
        counts[row["file"]] = (embedded, len(posts), int(row["embedded_tweets"]))
    print(f"\n{len(rows)} pages, (embeds, embeds and links, expected): {counts}")
    assert len(rows) == 4
    # One page's only "embed" is a plain link to a post: it is found as a permalink.
    assert all(wanted in (embedded, posts) for embedded, posts, wanted in counts.values())


def test_markdown(corpus: Path) -> None:
    expected = hit = dated = days = total = 0
    kinds: Counter[str] = Counter()
    paths = sorted((corpus / "x/md").rglob("*.md"))
    for path in paths:
        document = read_file(path)
        found = mentions.find(document, claim)
        check_spans(document, found)
        kinds.update(f"{each.kind} {each.platform}".strip() for each in found)
        outside = FENCE.sub("", document.source)
        wanted = len(re.findall(r"<blockquote[^>]*class=\"[^\"]*(?:twitter-(?:tweet|video)|bluesky-embed)", outside))
        wanted += len(re.findall(r"<blockquote[^>]*class=\"mastodon-embed|<iframe[^>]*class=\"mastodon-embed", outside))
        ours = [each for each in found if each.kind is EMBED and each.markup.endswith(("-blockquote", "iframe"))]
        expected += wanted
        hit += min(wanted, len(ours))
        total += len(ours)
        for each in ours:
            if each.quote is not None:
                assert "<" not in mentions.words(document, each)[:1]
            if each.day and each.target and each.target.platform == "x":
                dated += 1
                days += each.day == day_of(each.target.id)
    print(f"\n{len(paths)} Markdown files: embeds found {hit} of {expected}, reported {total}; day equal to the post's "
          f"{days} of {dated}; kinds {dict(sorted(kinds.items()))}")  # fmt: skip
    assert hit == expected
    assert days == dated


def test_plain_texts_against_their_pages(corpus: Path) -> None:
    wanted = hit = reported = right = same = held = 0
    paths = sorted((corpus / "x/residue").glob("*/*.json"))
    for path in paths:
        text = json.loads(path.read_text("utf-8"))["articleBody"]
        document = read(text.encode(), name="a.txt")
        signed = [each for each in mentions.find(document, claim) if each.kind is SIGNED]
        page = read_file(path.with_suffix(".html.gz"), "text/html")
        embeds = [each for each in mentions.find(page, claim) if each.markup == "x-blockquote"]
        theirs = {(each.handle, each.day): words(mentions.words(page, each)) for each in embeds}
        there = {key: value for key, value in theirs.items() if f"(@{key[0]})" in text}
        ours = {(each.handle, each.day): words(mentions.words(document, each)) for each in signed}
        wanted += len(there)
        hit += len(there.keys() & ours.keys())
        reported += len(ours)
        right += len(theirs.keys() & ours.keys())
        for key in there.keys() & ours.keys():
            same += ours[key] == theirs[key]
            held += " ".join(theirs[key]) in " ".join(ours[key])
    print(f"\n{len(paths)} plain texts: signatures found {hit} of {wanted}, reported {reported}, on the page {right}; "
          f"words equal to the embed's {same}, holding them {held}")  # fmt: skip
    assert hit == wanted
    assert right == reported
    assert same >= 0.7 * hit


def test_news_texts_with_signatures(corpus: Path) -> None:
    wanted = hit = clean = 0
    paths = sorted((corpus / "x/residue").glob("*/*.txt"))
    for path in paths:
        document = read_file(path, "text/plain")
        # A tag that carries the post's id makes an embed of some of them; their words are the same.
        signed = {each.handle.casefold(): each for each in mentions.find(document, claim) if each.handle}
        signatures = re.findall(r"[—–-] [^—\n]{1,60}\(@(\w+)\) [A-Z][a-z]+ \d+, \d{4}", document.text)
        wanted += len(signatures)
        for handle in signatures:
            each = signed.get(handle.casefold())
            hit += each is not None
            clean += each is not None and "NEWSLETTER" not in mentions.words(document, each)
    print(f"\n{len(paths)} news texts: signatures found {hit} of {wanted}, without injected words {clean}")
    assert hit == wanted == clean


def test_oembed_strings(corpus: Path) -> None:
    paths = sorted((corpus / "x/embed-html").rglob("*.json"))
    right = 0
    for path in paths:
        record = json.loads(path.read_text("utf-8"))
        (mention,) = mentions.find(read(record["embed_code"].encode(), media_type="text/html"), claim)
        right += (
            (mention.target and mention.target.id, mention.handle) == (record["tweet_id"], record["username"])
            and mention.day == day_of(record["tweet_id"])
            and mention.quote is not None
        )
        escaped = mentions.find(read(path.read_bytes(), name="a.txt", media_type="text/plain"), claim)
        assert record["tweet_id"] in {each.target.id for each in escaped if each.target and each.kind is EMBED}
    print(f"\n{len(paths)} embed codes: post, handle, UTC day and words right in {right}; found escaped in all")
    assert right == len(paths)


def test_exports(corpus: Path) -> None:
    for path in [*sorted((corpus / "x/wxr").rglob("*.xml")), *sorted((corpus / "x/cms-export").rglob("*.json"))]:
        document = read_file(path, "" if path.suffix == ".xml" else "text/plain")
        found = mentions.find(document, claim)
        check_spans(document, found)
        numbers = set(re.findall(r"(?:twitter|x)\.com\\?/\w+\\?/status\\?/(\d+)", document.source))
        ours = {each.target.id for each in found if each.target and each.target.platform == "x"}
        kinds = Counter(f"{each.kind} {each.platform} {each.markup}" for each in found if each.kind is EMBED)
        print(
            f"\n{path.suffix}: posts found {len(numbers & ours)} of {len(numbers)}; "
            f"embeds {dict(sorted(kinds.items()))}"
        )
        assert numbers <= ours


def test_labelled_events(corpus: Path) -> None:
    (path,) = sorted((corpus / "x/labels").rglob("warline_events.json"))
    events = [event for event in json.loads(path.read_text("utf-8")) if "/status/" in event.get("TwitterUrl", "")]
    text = "\n".join(f"{event.get('Headline', '')} {event['TwitterUrl']}" for event in events)
    found = mentions.find(read(text.encode(), name="a.txt", media_type="text/plain"), claim)
    ours = {each.target.id for each in found if each.target and each.kind is MentionKind.PERMALINK}
    wanted = {match[1] for event in events if (match := re.search(r"/status/(\d+)", event["TwitterUrl"]))}
    print(
        f"\n{len(events)} events: permalinks found {len(ours & wanted)} of {len(wanted)}, "
        f"beyond them {len(ours - wanted)}"
    )
    assert ours == wanted


def test_gold_attributions(corpus: Path) -> None:
    csv.field_size_limit(10_000_000)
    with (corpus / "quotes/isot_blog_articles.csv").open(encoding="utf-8", newline="") as lines:
        articles = [row["text"] for row in csv.DictReader(lines)]
    lines_of_gold = (corpus / "quotes/isot_trump_quotes_gold.jsonl").read_text("utf-8").splitlines()
    gold = [json.loads(line) for line in lines_of_gold]
    signed: dict[int, list[Mention]] = {}
    for number in {row["article"] for row in gold}:
        document = read(articles[number].encode(), name="a.txt", media_type="text/plain")
        assert document.text == articles[number]
        signed[number] = [each for each in mentions.find(document, claim) if each.kind is SIGNED]
    hit = exact = day = utc = known = held = quoted = sure = 0
    for row in gold:
        end = row["attribution"][1]
        match = next((each for each in signed[row["article"]] if each.text.start < end <= each.text.end), None)
        if match is None or match.handle != row["handle"]:
            continue
        hit += 1
        exact += match.text.end == end
        day += match.day == datetime.strptime(row["shown_date"], "%B %d, %Y").replace(tzinfo=UTC).date().isoformat()
        if row["original_utc"]:
            known += 1
            utc += match.day == row["original_utc"][:10] and match.day_zone == "utc"
        if match.quote and row["quoted"]:
            quoted += 1
            window = articles[row["article"]][match.quote.start : match.quote.end]
            sure += not match.markup.endswith("-open") and words(window) != words(row["quoted"])
            held += " ".join(words(row["quoted"])) in " ".join(words(window))
    print(
        f"\n{len(gold)} gold attributions: found {hit}, ending where labelled {exact}, day {day}; UTC day of the "
        f"original {utc} of {known} whose original is known; "
        f"words in the window {held} of {quoted}, starts wrongly said to be sure {sure}"
    )
    assert hit == exact == day == len(gold)
    assert utc == known > 0
    assert held >= 0.95 * quoted
    assert sure == 0


def test_quoted_claims(corpus: Path) -> None:
    with (corpus / "quotes/clef2020/tweets.queries.tsv").open(encoding="utf-8", newline="") as lines:
        texts = [row["tweet_content"].strip() for row in csv.DictReader(lines, delimiter="\t")]
    ends = re.compile(r"\(@(\w{1,15})\) [A-Z][a-z]+ \d{1,2}, \d{4}$")
    wanted = [(text, match[1]) for text in texts if (match := ends.search(text))]
    hit = whole = 0
    for text, handle in wanted:
        document = read(text.encode(), name="a.txt", media_type="text/plain")
        signed = [each for each in mentions.find(document, claim) if each.kind is SIGNED]
        match = next((each for each in signed if each.text.end == len(text) and each.handle == handle), None)
        hit += match is not None
        whole += match is not None and match.text.start <= 1
    print(f"\n{len(wanted)} signed texts of {len(texts)}: found {hit}, from their first word {whole}")
    assert hit == len(wanted)
