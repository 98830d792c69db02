"""Embeds: every form of markup that stands for a post, and markup that must not count."""

import time
from itertools import pairwise

import pytest

from archiver.documents import embeds, mentions
from archiver.documents.markup import walk
from archiver.documents.sourcemap import identity
from archiver.model import Document, Mention, MentionKind, Ref

STATUS = "https://twitter.com/annlee/status/1850000000000000001"
WORDS = "First line\nsecond & third"
X_BLOCK = (
    '<blockquote class="twitter-tweet" data-lang="en"><p lang="en" dir="ltr">First line<br>second &amp; third '
    '<a href="https://t.co/abcdefghij">pic.twitter.com/abcdefghij</a></p>&mdash; Ann Lee 🇰🇷 (@annlee) '
    f'<a href="{STATUS}?ref_src=twsrc%5Etfw">October 28, 2024</a></blockquote>'
)


def claim(url: str) -> Ref | None:
    """A stand-in for the platforms: X by number, short links by key, posts of example hosts, else pages."""
    tail = url.split("://", 1)[-1].partition("?")[0].rstrip("/")
    host, _, path = tail.partition("/")
    if host in {"twitter.com", "x.com"} and "/status/" in path:
        return Ref(platform="x", kind="post", id=path.rpartition("/")[2])
    if host in {"t.co", "pic.twitter.com", "pic.x.com"} and path:
        return Ref(platform="x", kind="short", id=path)
    if host == "bsky.app" and "/post/" in path:
        return Ref(platform="bluesky", kind="post", id=path)
    if host == "social.example" and path.startswith("@") and "/" in path:
        return Ref(platform="fediverse", kind="post", id=f"https://{tail}")
    return Ref(platform="web", kind="page", id=url) if "://" in url else None


def document(source: str, media_type: str = "text/html") -> Document:
    """A document as `read` makes it."""
    ref = Ref(platform="doc", kind="document", id="0" * 64)
    if media_type != "text/html":
        text, runs, links, lang = source, identity(len(source)), (), ""
    else:
        rendering = walk(source)
        text, runs, links, lang = rendering.text, rendering.runs, rendering.links, rendering.lang
    return Document(
        ref=ref, sha256="0" * 64, media_type=media_type, encoding="utf-8", encoding_from="utf-8",
        text=text, source=source, runs=runs, links=links, lang=lang,
    )  # fmt: skip


def found(source: str, media_type: str = "text/html") -> tuple[Mention, ...]:
    return mentions.find(document(source, media_type), claim)


def only(source: str, media_type: str = "text/html") -> Mention:
    all_found = found(source, media_type)
    assert len(all_found) == 1, all_found
    return all_found[0]


@pytest.mark.parametrize("media_type", ["text/html", "text/markdown", "text/plain"])
def test_an_x_blockquote_gives_its_words_and_signature(media_type: str) -> None:
    source = f"Before\n\n{X_BLOCK}\n\nAfter"
    mention = only(source, media_type)
    assert mention.kind is MentionKind.EMBED
    assert str(mention.target) == "x:post:1850000000000000001"
    assert (mention.handle, mention.name, mention.dated) == ("annlee", "Ann Lee 🇰🇷", "October 28, 2024")
    assert (mention.day, mention.day_zone, mention.markup) == ("2024-10-28", "utc", "x-blockquote")
    assert source[mention.source.start : mention.source.end] == X_BLOCK
    given = document(source, media_type)
    assert mentions.words(given, mention) == WORDS
    assert {str(link.ref) for link in mention.links} == {"x:short:abcdefghij"}


VARIANTS = {
    "signature in a paragraph": X_BLOCK.replace("</p>&mdash;", "</p><p>&mdash;"),
    "no paragraph": X_BLOCK.replace('<p lang="en" dir="ltr">', "").replace("</p>", ""),
    "video": X_BLOCK.replace("twitter-tweet", "twitter-video"),
    "other classes": X_BLOCK.replace('"twitter-tweet"', '"twitter-tweet tw-align-center cmplazyload"'),
    "single quotes": X_BLOCK.replace('"twitter-tweet"', "'twitter-tweet'"),
    "IFTTT": X_BLOCK.replace("October 28", "Oct 28").replace("</p>&mdash;", "</p>\n  &mdash;"),
    "upper case": X_BLOCK.replace("blockquote", "BLOCKQUOTE"),
    "never closed": X_BLOCK.replace("</blockquote>", "") + "<p>The article goes on.</p>",
    "in a figure": f'<figure class="wp-block-embed is-provider-twitter"><div>{X_BLOCK}</div></figure>',
    "in a block": f'<!-- wp:embed {{"url":"{STATUS}"}} -->\n<figure>{X_BLOCK}</figure>\n<!-- /wp:embed -->',
    "in noscript": f"<noscript>{X_BLOCK}</noscript>",
    "x.com": X_BLOCK.replace("https://twitter.com", "https://x.com"),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_of_the_x_blockquote(name: str) -> None:
    source = VARIANTS[name]
    mention = only(source)
    assert str(mention.target) == "x:post:1850000000000000001"
    assert (mention.handle, mention.day) == ("annlee", "2024-10-28")
    assert mentions.words(document(source), mention) == WORDS


def test_the_last_status_link_is_the_permalink() -> None:
    other = '<a href="https://twitter.com/bob/status/7">https://t.co/x</a>'
    mention = only(X_BLOCK.replace("First line", f"See {other}"))
    assert str(mention.target) == "x:post:1850000000000000001"
    assert "x:post:7" in {str(link.ref) for link in mention.links}


@pytest.mark.parametrize(
    ("written", "day"),
    [("28. Oktober 2024", "2024-10-28"), ("2024年10月28日", "2024-10-28"), ("10/11/2024", ""), ("", "")],
)
def test_localised_dates_and_uncertain_ones(written: str, day: str) -> None:
    mention = only(X_BLOCK.replace("October 28, 2024", written))
    assert (mention.dated, mention.day, mention.handle) == (written, day, "annlee")
    assert str(mention.target) == "x:post:1850000000000000001"


def test_dates_that_no_table_knows_cannot_hold_up_a_page() -> None:
    source = "".join(X_BLOCK.replace("October 28, 2024", f"{day % 28 + 1} Zzzq 2024") for day in range(1, 200))
    start = time.perf_counter()
    marks = found(source)
    assert len(marks) == 199
    assert {mention.day for mention in marks} == {""}
    assert time.perf_counter() - start < 30  # 20 slow look-ups at most


BLUESKY = (
    '<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:aaaa/app.bsky.feed.post/3kabc" '
    'data-bluesky-cid="bafyreiexample"><p lang="en">First line<br>second &amp; third</p>&mdash; Ann '
    '(<a href="https://bsky.app/profile/did:plc:aaaa?ref_src=embed">@ann.example</a>) <a href="https://bsky.app/profile'
    '/did:plc:aaaa/post/3kabc?ref_src=embed">October 28, 2024 at 9:15 AM</a></blockquote>'
)


def test_a_bluesky_blockquote_is_local_and_pins_its_version() -> None:
    mention = only(BLUESKY)
    assert str(mention.target) == "bluesky:post:profile/did:plc:aaaa/post/3kabc"
    assert (mention.handle, mention.name, mention.day, mention.day_zone) == (
        "ann.example", "Ann", "2024-10-28", "local",
    )  # fmt: skip
    assert mentions.words(document(BLUESKY), mention) == WORDS
    assert [(link.role, link.url) for link in mention.links] == [("cid", "bafyreiexample")]


X = "x:post:12"
KEPT = '<blockquote class="twitter-tweet"><a href="https://twitter.com/ann/status/12">x</a></blockquote>'
FORMS = {
    '<div class="twitter-tweet twitter-tweet-rendered"><iframe data-tweet-id="12" src="about:blank"></iframe></div>': X,
    '<iframe src="https://platform.twitter.com/embed/Tweet.html?dnt=false&amp;id=12&amp;lang=en"></iframe>': X,
    '<iframe data-src="//platform.twitter.com/embed/index.html?id=12"></iframe>': X,
    '<div class="tweet" data-url="https://twitter.com/ann/status/12"></div>': X,
    '<div class="social-embed" data-embed-type="twitter" data-embed-id="12"></div>': X,
    '<amp-twitter width="1" height="1" data-tweetid="12"></amp-twitter>': X,
    '<twitter-widget data-tweet-id="12"></twitter-widget>': X,
    '<figure class="wp-block-embed"><div>\nhttps://twitter.com/ann/status/12\n</div></figure>': X,
    '<!-- wp:core-embed/twitter {"url":"https://twitter.com/ann/status/12","type":"rich"} -->\n<figure class="wp'
    '-block-embed-twitter">https://twitter.com/ann/status/12</figure>\n<!-- /wp:core-embed/twitter -->': X,
    '<div class="twitter-embed" data-attrs=\'{"url":"https://twitter.com/ann/status/12","username":"ann"}\' '
    'data-component-name="Twitter2ToDOM"></div>': X,
    '<blockquote class="mastodon-embed" data-embed-url="https://social.example/@ann/12/embed"><a href="https://social.example'
    '/@ann/12"><div>Post by @ann</div></a></blockquote>': "fediverse:post:https://social.example/@ann/12",
    '<iframe src="https://social.example/@ann/12/embed" class="mastodon-embed"></iframe>': "fediverse:post:https://social.example/@ann/12",
    '<iframe src="https://embed.bsky.app/embed/did:plc:aaaa/app.bsky.feed.post/3kabc?id=1"></iframe>':
        "bluesky:post:profile/did:plc:aaaa/post/3kabc",
    '<blockquote class="instagram-media" data-instgrm-permalink="https://www.instagram.com/p/AbC/"><a href="https://e.example">'
    "A</a></blockquote>": "web:page:https://www.instagram.com/p/AbC/",
    '<div class="fb-post" data-href="https://www.facebook.com/a/posts/1"><blockquote cite="https://f.example"><p>'
    "Some words of it</p></blockquote></div>": "web:page:https://www.facebook.com/a/posts/1",
    '<iframe src="https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fa%2Fposts%2F1"></iframe>':
        "web:page:https://www.facebook.com/a/posts/1",
    '<blockquote class="tiktok-embed" cite="https://www.tiktok.com/@a/video/1" data-video-id="1"></blockquote>':
        "web:page:https://www.tiktok.com/@a/video/1",
    '<blockquote class="reddit-embed-bq"><a href="https://www.reddit.com/r/a/comments/b/c/">Title</a></blockquote>':
        "web:page:https://www.reddit.com/r/a/comments/b/c/",
    '<iframe src="https://www.youtube-nocookie.com/embed/abc_DEF-123"></iframe>': "web:page:https://www.youtube.com/watch?v=abc_DEF-123",
    '<script async src="https://telegram.org/js/telegram-widget.js" data-telegram-post="chan/7"></script>': "web:page:https://t.me/chan/7",
    '<blockquote class="text-post-media" data-text-post-permalink="https://www.threads.net/@a/post/b"></blockquote>':
        "web:page:https://www.threads.net/@a/post/b",
    '<script>VK.Widgets.Post("vk_post_-1_2", -1, 2, "hash");</script>': "web:page:https://vk.com/wall-1_2",
    f"<template>{KEPT}</template>": X,
    f"<textarea hidden>{KEPT}</textarea>": X,
    f'<script type="text/template">{KEPT}</script>': X,
    '<script>{"html":"\\u003Cblockquote class=\\"twitter-tweet\\">\\u003Ca href=\\"https:\\/\\/twitter.com\\/ann'
    "\\/status\\/12\\\">\\u003C/blockquote>\"}</script>": X,
}  # fmt: skip


@pytest.mark.parametrize("source", FORMS)
def test_each_form_is_one_embed_of_its_address(source: str) -> None:
    mention = only(f"<p>Before</p>{source}<p>After</p>")
    assert mention.kind is MentionKind.EMBED
    assert str(mention.target) == FORMS[source]


SHORTCODES = {
    "{% tweet 12 %}": X,
    '{% tweet "https://twitter.com/ann/status/12" %}': X,
    "{% twitter https://twitter.com/ann/status/12 align=center %}": X,
    "{%- twitter ann/status/12 -%}": X,
    '{{< tweet user="ann" id="12" >}}': X,
    "{{< tweet 12 >}}": X,
    '{{< x user="ann" id="12" >}}': X,
    '{{% twitter user=ann id=12 %}}': X,
    "[embed]https://twitter.com/ann/status/12[/embed]": X,
    "[tweet https://twitter.com/ann/status/12]": X,
    '{{< youtube "abc_DEF" >}}': "web:page:https://www.youtube.com/watch?v=abc_DEF",
}  # fmt: skip


@pytest.mark.parametrize("source", SHORTCODES)
def test_each_shortcode_is_one_embed(source: str) -> None:
    whole = f"Before\n\n{source}\n\nAfter"
    mention = only(whole, "text/markdown")
    assert (mention.kind, str(mention.target)) == (MentionKind.EMBED, SHORTCODES[source])
    assert whole[mention.text.start : mention.text.end] == source


@pytest.mark.parametrize(
    "source",
    [
        f"```html\n{X_BLOCK}\n```",
        f"~~~\n{X_BLOCK}\n~~~",
        f"Write `{X_BLOCK}` or `{{{{< tweet 12 >}}}}`",
        "```\n{% tweet 12 %}\n```",
        "{{</* tweet user=ann id=12 */>}}",
        f"<pre><code>{X_BLOCK}</code></pre>",
        f"<!-- twitter {STATUS} -->",
    ],
)
def test_code_and_comments_that_repeat_markup_do_not_count(source: str) -> None:
    assert found(source, "text/markdown") == ()


def test_a_fence_beside_the_embed_it_repeats() -> None:
    assert len(found(f"{X_BLOCK}\n\n```html\n{X_BLOCK}\n```\n", "text/markdown")) == 1


@pytest.mark.parametrize(
    "source",
    [
        '<div class="twitter-tweet-rendered"><iframe data-tweet-id="12x"></iframe></div>',
        '<iframe src="https://platform.twitter.com/widgets/follow_button.html?screen_name=ann"></iframe>',
        '<a class="twitter-timeline" href="https://twitter.com/ann">Posts</a>',
        '<iframe src="http://[broken"></iframe>',
        '<div class="twitter-embed" data-attrs="{broken"></div>',
        '<!-- wp:embed {"url": 12} -->',
        "<style>.twitter-tweet { margin: 0 }</style>",
        '<textarea><blockquote class="twitter-tweet"></blockquote></textarea>',
    ],
)
def test_what_names_no_post_is_not_an_embed(source: str) -> None:
    assert found(source) == ()


def test_a_script_that_repeats_a_shown_embed_does_not_count_twice() -> None:
    escaped = X_BLOCK.replace('"', '\\"').replace("/", "\\/")
    assert len(found(f'{X_BLOCK}<script>var state = {{"html":"{escaped}"}}</script>')) == 1


def test_json_escaped_markup_in_a_text_does_not_swallow_what_follows() -> None:
    escaped = X_BLOCK.replace('"', '\\"').replace("</", "<\\/")
    marks = found(f'{{"a": "{escaped}", "b": "{escaped}"}}', "text/plain")
    assert [str(mention.target) for mention in marks] == ["x:post:1850000000000000001"] * 2


def test_an_embed_in_a_feed_section_points_into_the_feed() -> None:
    source = (
        f"<rss><channel><item><content:encoded><![CDATA[<p>Hi</p>{X_BLOCK}]]></content:encoded></item></channel></rss>"
    )
    feed = Document(
        ref=Ref(platform="doc", kind="document", id="0" * 64), sha256="0" * 64, media_type="application/rss+xml",
        encoding="utf-8", encoding_from="utf-8", text="Hi", source=source,
    )  # fmt: skip
    mention = mentions.find(feed, claim)
    assert [str(each.target) for each in mention] == ["x:post:1850000000000000001"]
    assert source[mention[0].source.start : mention[0].source.end] == X_BLOCK


def test_find_gives_embeds_that_do_not_overlap() -> None:
    rendering = walk(X_BLOCK * 3 + f"<blockquote class=twitter-tweet>{X_BLOCK}</blockquote>")
    spans = [embed.outer for embed in embeds.find(rendering, X_BLOCK * 4, (), claim)]
    assert len(spans) == 4
    assert all(first.end <= second.start for first, second in pairwise(spans))
