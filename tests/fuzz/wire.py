"""Attacks on what comes over the wire and out of files: redirects, heads, recordings, configurations, text formats."""

from __future__ import annotations

import atexit
import io
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from archiver.custody import content as coding
from archiver.custody import framing, note, proof, sshsig
from archiver.errors import ParseError
from archiver.jobs.config import Config, load
from archiver.model import Exchange, Failure, Ref, Request, Span
from archiver.net import redirects
from archiver.net.guard import check_url
from archiver.net.manners import Book, Rule, host_of
from archiver.net.pace import retry_after
from archiver.net.policy import Allowance, Policy
from archiver.net.recording import Recording
from archiver.net.replay import ReplayFetcher
from archiver.net.robots import SLOWEST, Rules
from archiver.platforms.bluesky.addresses import AtUri
from archiver.platforms.bluesky.keys import PublicKey
from archiver.platforms.nostr.nip19 import Code
from archiver.schedule import Period
from tests.fuzz import mutating, wholes
from tests.fuzz.choosing import Chooser
from tests.fuzz.holding import bounded, need, sound, typed

ORIGIN = "https://a.example/1"
PLACES = ("https://a.example/2", "/3", "//b.example/", "https://a.example:443/x", "?q", "http://a.example/")
NAMES = (
    "content-type",
    "location",
    "content-encoding",
    "retry-after",
    "date",
    "x-rate-limit-reset",
    "transfer-encoding",
    "content-length",
    "link",
)


def header(chooser: Chooser) -> tuple[str, str]:
    """A header as the network room hands it on: Latin-1 in one line."""
    text = mutating.string(chooser, chooser.pick(mutating.STRINGS))
    return chooser.pick(NAMES), "".join(one for one in text if one <= "\xff" and one not in "\r\n\0").strip(" \t")


def exchange(request: Request, uid: str, url: str, status: int, *headers: tuple[str, str]) -> Exchange:
    return Exchange(uid=uid, request=request, url=url, started_at="", ended_at="", status=status, headers=headers)


def redirected(chooser: Chooser) -> None:
    """Hops with odd Locations: the chain ends, and nothing that says who we are goes to another origin."""
    start = "https://a.example/1"
    secret = ("authorization", "Bearer {secret:TOKEN}")
    request = Request(
        ref=Ref.parse("web:page:https://a.example/1"),
        route="page",
        url=start,
        headers=(secret, ("accept", "*/*")),
        signer=True,
    )
    asked: list[redirects.Hop] = []

    def ask(hop: redirects.Hop) -> Exchange:
        asked.append(hop)
        place = mutating.string(chooser, chooser.pick(PLACES))
        value = "".join(one for one in place if one <= "\xff" and one not in "\r\n\0")
        status = chooser.pick((301, 302, 303, 307, 308, 200))
        return exchange(request, str(len(asked)), hop.url, status, ("location", value))

    chain = bounded(1000, partial(redirects.follow, request, ask, max_redirects=5))
    need(chain is not None and 1 <= len(chain) <= 6, "a chain of redirects has its bound")
    for hop in asked:
        same = re.match(r"https://a\.example\.*(:(0*443)?)?([/?#]|$)", hop.url, re.I) is not None
        need(same or secret not in hop.headers or bool(hop.refused), f"a secret goes to {hop.url!r}")
        need(same or not hop.signer or bool(hop.refused), f"a signature goes to {hop.url!r}")
        bounded(len(hop.url), partial(check_url, hop.url, Policy(user_agent="fuzz")))


def headed(chooser: Chooser) -> None:
    """Response messages: cut into head, body and framing, joined again to the very bytes, however they arrive."""
    data = mutating.content(chooser, chooser.pick(wholes.HEADS))
    try:
        parsed = framing.parse_head(data)
    except ParseError:
        parsed = None
    parts = bounded(len(data), partial(framing.split, data))
    if parts is not None:
        head, body, around = parts
        need(framing.join(head, io.BytesIO(body), around) == data, "a message is not joined to what it was")
        pieces, splitter, at = [], framing.Splitter("GET"), 0
        while at < len(data):
            step = 1 + chooser.number(64)
            pieces.append(splitter.feed(data[at : at + step]))
            at += step
        splitter.close()
        need(
            (splitter.raw_head, b"".join(pieces), splitter.framing()) == (head, body, around),
            "pieces are cut otherwise",
        )
    if parsed is None:
        return
    headers = (*parsed.headers, header(chooser))
    request = Request(ref=Ref.parse(f"web:page:{ORIGIN}"), route="page", url=ORIGIN)
    wait = retry_after(exchange(request, "", ORIGIN, parsed.status, *headers), 1_730_000_000.0)
    typed(wait, float | None, "Retry-After")
    need(wait is None or wait >= 0, f"wait for {wait} s")
    bounded(len(data), partial(coding.entity, io.BytesIO(data), headers, 1 << 20))


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="quotechain-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "1.txt").write_bytes(b"hello")
    return folder


def crawled(chooser: Chooser) -> None:
    """A robots.txt that is not quite right, asked about addresses that are not either, and how such hosts are asked."""
    body = mutating.content(chooser, wholes.ROBOTS)
    if chooser.number(6) == 1:
        body += b"\nDisallow: /" + mutating.content(chooser, b"*a" * (1 + chooser.number(40)))
    url = mutating.string(chooser, chooser.pick((*PLACES, ORIGIN, "https://a.example/" + "a" * 200)))
    url = re.sub("[\0\ud800-\udfff]", "", url)  # `fields` and the reader of heads let neither through
    typed(host_of(url), str, "host")
    book = Book(rules={"a.example/x": Rule(pace=1.0), "*.a.example": Rule(off=True)})
    sound(book.of(url))
    if not url.startswith("https://a.example/"):
        return
    rules = bounded(len(body), partial(Rules, body, "quotechain"))
    need(rules is not None, "any bytes are a robots.txt")
    typed(bounded(1, partial(rules.allow, url)), bool, "allowed")
    typed(bounded(len(body), partial(rules.deciding, url)), str, "rule")
    need(0.0 <= rules.delay <= SLOWEST, f"a delay of {rules.delay}")


def replayed(chooser: Chooser) -> None:
    """Recordings, as a wholes.WARC file and as a folder, that are not quite right."""
    request = Request(ref=Ref.parse("web:page:https://a.example/"), route="page", url="https://a.example/")
    folder = _folder()
    if chooser.number(2):
        data, path = mutating.content(chooser, wholes.WARC), folder / "one.warc"
        path.write_bytes(data)
    else:
        data, path = mutating.encoded(chooser, mutating.document(chooser, wholes.INDEX)), folder
        (folder / "index.json").write_bytes(data)

    def replay() -> tuple[Exchange, ...]:
        with ReplayFetcher(path) as fetcher:
            return fetcher.fetch(request)

    for exchange in bounded(len(data), replay) or ():
        typed(exchange.failure, Failure, "failure")
        typed(exchange.status, int | None, "status")
        need(exchange.body is None or len(exchange.body.read()) == exchange.size, "a body is not as long as it says")


def configured(chooser: Chooser) -> None:
    """A configuration that is not quite right: used, or refused with its name."""
    lines = wholes.TOML.splitlines(keepends=True)
    for _ in range(chooser.number(4)):
        at = chooser.number(len(lines))
        if chooser.number(2) and b"=" in lines[at]:
            value = chooser.pick(wholes.VALUES)
            lines[at] = lines[at].partition(b"=")[0] + b"= " + value + b"\n"
        else:
            lines[at] = mutating.content(chooser, lines[at])
    data, path = b"".join(lines), _folder() / "archiver.toml"
    path.write_bytes(data)
    config = bounded(len(data), partial(load, path, environment={"TOKEN": "abcdefghijk"}))
    if config is None:
        return
    need(type(config) is Config, "a configuration is one")
    typed(config.pace_default, float, "pace")
    typed(config.wait, float, "wait")
    bounded(1, lambda: Policy(user_agent=config.user_agent, allow_private=tuple(config.network["allow_private"])))


FORMATS: tuple[tuple[Callable[[str], Any], str], ...] = (
    (Ref.parse, "x:post:20"),
    (Span.parse, "0-14"),
    (Period.parse, "36h"),
    (AtUri.parse, "at://did:plc:a/app.bsky.feed.post/b"),
    (Allowance.parse, "[::1]:8080"),
    (Allowance.parse, "10.0.0.0/8:80"),
    (Allowance.parse, "a.example:1"),
    (PublicKey.parse, "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme"),
    (framing.Framing.parse, '{"chunks":[["5",1],["0",1]],"open":false,"tail":"\\r\\n"}'),
    (Recording.parse, json.dumps(wholes.INDEX)),
    (Code.parse, "note1tjpa5aa0rhkx6u5fsdye3tt6477eugv389khtmpucfl45aezdumqkkhgwy"),
    (note.VerifierKey.parse, "a.example+a24fa1c6+AQ" + "A" * 42),
    (note.Checkpoint.parse, wholes.CHECKPOINT),
    (note.SignedNote.parse, f"a\n\n{wholes.SIGNATURE}"),
    (proof.LogProof.parse, f"c2sp.org/tlog-proof@v1\nindex 1\n\n{wholes.CHECKPOINT}\n{wholes.SIGNATURE}"),
    (sshsig.SshSignature.parse, "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"),
)


def formatted(chooser: Chooser) -> None:
    """Text formats: what is read is written as it was read, and what is written is read as it was written."""
    parse, text = chooser.pick(FORMATS)
    for _ in range(1 + chooser.number(3)):
        text = mutating.string(chooser, text)
    value = bounded(len(text), partial(parse, text))
    if value is None:
        return
    need(parse(str(value)) == value, f"{type(value).__name__} {str(value)!r:.80} is read back as another")
