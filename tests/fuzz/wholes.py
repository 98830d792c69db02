"""Right documents, messages, recordings and configurations, to be made wrong. All people and hosts are invented."""

from __future__ import annotations

from typing import Any

HTML = """<!doctype html><html lang="en"><head><title>A &amp; b</title><base href="/x/">
<meta property="og:title" content="Title"><meta property="article:published_time" content="2024-03-01T09:00:00Z">
<link rel="canonical" href="https://news.example/story"><meta name="author" content="Ada">
<script type="application/ld+json">{"@type": "NewsArticle", "headline": "H", "author": [{"name": "Ada"}],
"datePublished": "2024-03-01"}</script></head><body><a href="https://x.com/ada/status/20">post</a>
<a href="//b.example/ü">b</a><p>“Nobody was told of the boats,” she wrote.</p></body></html>"""
EMBED = """<blockquote class="twitter-tweet"><p>Words &amp; more</p>&mdash; Ada (@ada)
<a href="https://twitter.com/ada/status/20">May 1, 2024</a></blockquote><div class="tweet">&#8220;</div>"""
OTHERS = """<blockquote class="bluesky-embed" data-bluesky-uri="at://did:plc:a/app.bsky.feed.post/b"><p>Words</p>
</blockquote><iframe src="https://social.example/@ada/1/embed"></iframe><q cite="https://x.com/a/status/1">so</q>"""
TEXT = """“Nobody was told of the boats at all” — Ada (@ada) May 1, 2024 https://x.com/ada/status/20

> so
> it is, she said on 1.5.2024 (bsky.app/profile/a.example/post/3kaheyt6vpc22)
"""
MARKDOWN = """# H

> Nobody *was* told of the [boats](https://x.com/ada/status/20)
> — Ada (@ada), 1 May 2024

```
<b>
```
- a `b` **c** ![d](e) [f]: g
"""
SHORTCODES = """{{< tweet user="ada" id="20" >}}

[embed]https://x.com/ada/status/20[/embed]
{% twitter https://x.com/a/status/1 %}
"""
LIST = """# a\r
https://x.com/ada/status/20
nostr:note1tjpa5aa0rhkx6u5fsdye3tt6477eugv389khtmpucfl45aezdumqkkhgwy
bsky.app/profile/a.example/post/3kaheyt6vpc22 # x
"""
RSS = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>T</title><item><title>I</title>
<link>https://n.example/1</link><description><![CDATA[<p>Words &amp; <a href="https://x.com/a/status/20">x</a></p>]]>
</description></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><title>I</title><link href="/1"/>
<content type="html">&lt;p&gt;W &amp;amp; &lt;/p&gt;</content></entry></feed>"""
FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "T",
    "items": [{"id": "1", "url": "https://n.example/1", "content_html": "<p>W é</p>", "content_text": "W"}],
}
DOCUMENTS: tuple[tuple[str, str], ...] = (
    ("text/html", HTML),
    ("text/html", EMBED),
    ("text/html", OTHERS),
    ("text/plain", TEXT),
    ("text/markdown", MARKDOWN),
    ("text/markdown", SHORTCODES),
    ("text/uri-list", LIST),
    ("text/csv", 'id,url\n1,"https://x.com/ada/status/20"\n2,"a ""b""\nc"\n'),
    ("text/tab-separated-values", "id\turl\n1\thttps://x.com/ada/status/20\n"),
    ("application/rss+xml", RSS),
    ("application/atom+xml", ATOM),
    ("application/feed+json", ""),
)
CODED = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00"
"""The word hello, in gzip."""
HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nRetry-After: 9\r\nDate: Mon, 28 Oct 2024 12:00:00 GMT\r\n\r\n",
    b"HTTP/1.0 200 OK\nContent-Encoding: gzip\n folded\n\n" + CODED,
)
WARC = b"""WARC/1.1\r
WARC-Type: response\r
WARC-Record-ID: <urn:uuid:1>\r
WARC-Date: 2024-01-01T00:00:00Z\r
WARC-Target-URI: https://a.example/\r
Content-Type: application/http;msgtype=response\r
Content-Length: 43\r
\r
HTTP/1.1 200 OK\r
Content-Length: 5\r
\r
hello\r
\r
WARC/1.1\r
WARC-Type: request\r
WARC-Record-ID: <urn:uuid:2>\r
WARC-Concurrent-To: <urn:uuid:1>\r
WARC-Date: 2024-01-01T00:00:00Z\r
WARC-Target-URI: https://a.example/\r
Content-Type: application/http;msgtype=request\r
Content-Length: 18\r
\r
GET / HTTP/1.1\r
\r
\r
\r
"""
SEEN = "2026-01-02T03:04:05Z"
PLAIN = {"status": 200, "headers": [["Content-Type", "text/plain"]], "body_file": "1.txt", "observed_at": SEEN}
INDEX: list[dict[str, Any]] = [
    {"url": "https://a.example/", **PLAIN},
    {
        "url": "https://a.example/2",
        "times": [
            {"head": "HTTP/1.1 204 No\r\n\r\n", "observed_at": SEEN},
            {"failure": "timeout", "peer_ip": "192.0.2.1", "observed_at": SEEN},
        ],
    },
]
TOML = b"""[archive]
operator = "Desk"
[endpoints]
"x.syndication" = "https://mirror.example"
[options]
"bluesky.proofs" = "no"
[network]
contact = "desk@paper.example"
max_bytes = 1000
read_timeout = 1.5
allow_private = ["10.0.0.0/8", "localhost:8080"]
verify = "missing.pem"
[pace]
default = 0.5
"a.example" = 2
[hosts."*.a.example"]
off = false
pace = 2.5
at_once = 2
requests_per_day = 100
[hosts.default]
bytes_per_day = 1000000
[follow]
depth = 3
media = false
hosts = 2
[watch]
first = "6h"
[secrets]
names = ["TOKEN"]
[custody]
renew_days = 9
[[anchors.ots]]
name = "calendar"
url = "https://calendar.example"
"""
VALUES = (
    b"1e400",
    b"-1",
    b"nan",
    b"9" * 400,
    b"9" * 5000,
    b"[" * 3000,
    b"{a=" * 3000,
    b"1979-05-27T07:32:00Z",
    b'"' + b"x" * 5000 + b'"',
    b"true",
    b"[[]]",
    b'"\\u0000"',
    b'"999999999999d"',
    b"0x10",
    b"{}",
    b'["\\u0000", "*"]',
)
"""Values of TOML that hardly any key takes."""
ROBOTS = b"""# all
User-agent: *
Disallow: /private/*.html$
Allow: /private/a?b=
Crawl-delay: 2.5

User-agent: quotechain
User-agent: other
Disallow: /%7Eada/\xc3\xa9
Request-rate: 1/5s
Sitemap: https://a.example/map.xml
"""
EMPTY = "A" * 43 + "="
CHECKPOINT = f"a.example\n3\n{EMPTY}\n"
SIGNATURE = "\u2014 a.example AAAAAAAAAAA=\n"
