"""What a robots.txt allows (RFC 9309), and how fast. Pure: fetching and keeping it is for `jobs.robots`.

The rules are read and matched by protego. It names no rule that decided, so that is found here by leaving others out.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from protego import Protego

PRODUCT = "quotechain"
LIMIT = 500 * 1024
"""Bytes that are read; RFC 9309 section 2.5 asks for at least 500 KiB."""
SLOWEST = 30.0
"""Seconds: the longest Crawl-delay that is heeded. No standard knows it, and a mistaken one would end all crawling."""
MOST_LINES = 2000
MOST_RULES = 20
_TOKEN = re.compile(r"[A-Za-z_-]+")
_DISALLOW = re.compile(r"\s*d[a-z]+ow\b", re.IGNORECASE)
_AGENT = re.compile(r"\s*(?:user-?agent|user\s+agent)(?:\s*:|\s)([^#]*)", re.IGNORECASE)
_OTHER = "0"
"""Stands for every agent that is not ours: no product token holds a digit."""


def product(user_agent: str) -> str:
    """The product token that rules may name (section 2.2.1): ours, as long as the User-Agent says it, else its first.

    >>> product("quotechain/1.0 (archives quoted posts)")
    'quotechain'
    """
    if PRODUCT in user_agent.lower():
        return PRODUCT
    found = _TOKEN.match(user_agent.strip())
    return found[0].lower() if found else PRODUCT


def address(url: str) -> str:
    """Where the rules for an http(s) address stand: on its scheme, host and port (section 2.3)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/robots.txt"


class Rules:
    """The rules of one robots.txt for one product token. Usable from any thread."""

    def __init__(self, body: bytes, agent: str) -> None:
        whole = len(body) <= LIMIT
        if not whole:  # the line that is cut could forbid more than it says
            body = body[: max(body.rfind(b"\n", 0, LIMIT), body.rfind(b"\r", 0, LIMIT)) + 1]
        text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        self.text = "\n".join(_line(line, agent.strip().lower()) for line in text.splitlines())
        self.agent, self._parsed = agent, Protego.parse(self.text)

    @property
    def size(self) -> int:
        """Code points that are kept."""
        return len(self.text)

    @property
    def delay(self) -> float:
        """Seconds between two requests that are asked for, at most SLOWEST; 0.0 where nothing is."""
        return min(self._parsed.crawl_delay(self.agent) or 0.0, SLOWEST)

    def allow(self, url: str) -> bool:
        """Whether an address of this site may be asked for."""
        return self._parsed.can_fetch(url, self.agent)

    def deciding(self, url: str) -> str:
        """The rule that forbids an address, with its line; empty where none does, or where it cannot be named."""
        lines = self.text.splitlines()  # as protego does
        if self.allow(url) or len(lines) > MOST_LINES:
            return ""
        alone = [n for n, line in enumerate(lines) if _DISALLOW.match(line) and not _one(line, url)]
        alone.sort(key=lambda n: (-len(_rule(lines[n])), n))
        for n in alone[:MOST_RULES]:
            others = {other for other in alone if other != n}
            rest = "\n".join("Disallow:" if at in others else line for at, line in enumerate(lines))
            if not Protego.parse(rest).can_fetch(url, self.agent):
                return f"{_rule(lines[n])[:200]!r} in line {n + 1}"
        return ""


def _line(line: str, agent: str) -> str:
    """A line with the names of all other agents made one: protego keeps each rule once for each agent of its group, so
    that a file of as many agents as rules took room by the square of its size."""
    found = _AGENT.match(line)
    name = found[1].strip().lower() if found is not None else ""
    if not name:
        return line
    bare = "*" if name == "*" else name.replace("*", "")
    return f"User-agent: {bare if bare == '*' or (bare and agent.startswith(bare)) else _OTHER}"


def _rule(line: str) -> str:
    return line.partition("#")[0].strip()


def _one(line: str, url: str) -> bool:
    return Protego.parse(f"User-agent: *\n{_rule(line)}").can_fetch(url, PRODUCT)
