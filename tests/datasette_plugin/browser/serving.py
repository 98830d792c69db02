"""`archiver serve` as a process of its own on loopback, and a walk over the links of what it serves."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
from selectolax.lexbor import LexborHTMLParser

from archiver.datasette_plugin import routes
from archiver.datasette_plugin.places import NAVIGATION

ROOT = Path(__file__).parents[3]
EACH = 12
"""How many addresses of one kind are walked: the rest are pages of the same code."""


def kind_of(page: routes.Page) -> str:
    """The first word of a page's address."""
    return re.split(r"[^a-z-]", page.path, maxsplit=1)[0]


KINDS = sorted({kind_of(page) for page in routes.pages()})


@contextmanager
def served(db: Path, *arguments: str) -> Iterator[str]:
    """Its address, without a slash at the end. The process is asked for a page before the address is given out."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "archiver", "serve", "--db", str(db), "--port", str(port), *arguments]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:  # ends when the process does
            said.append(line)
            if "running on" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


@dataclass(slots=True)
class Walk:
    """What a walk over all links came by: addresses of our pages by kind, and what did not answer."""

    pages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    other: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    broken: list[str] = field(default_factory=list)


def walked(base: str, database: str, each: int = EACH) -> Walk:
    """Follows every link of every page of ours, some of each kind; links of Datasette's pages are not followed on."""
    walk = Walk()
    patterns = [(kind_of(page), re.compile(page.pattern)) for page in routes.pages()]
    todo = [(f"/{database}/-/{name}", "the way around") for name, _ in NAVIGATION] + [("/", "a start")]
    seen: set[str] = set()
    with httpx.Client(base_url=base, timeout=60) as client:
        while todo:
            path, source = todo.pop(0)
            if path in seen:
                continue
            seen.add(path)
            plain = path.split("?")[0]
            kind = next((name for name, pattern in patterns if pattern.match(plain)), "")
            ours = bool(kind) and not plain.endswith(".json")
            listed = (walk.pages if ours else walk.other)[kind or _sort(plain, database)]
            if len(listed) >= each:
                continue
            listed.append(path)
            answer = client.get(path, follow_redirects=True)
            if answer.status_code >= 400:
                walk.broken.append(f"{path} ({answer.status_code}), linked from {source}")
            if ours and answer.status_code < 400 and "html" in answer.headers["content-type"]:
                todo += [(link, path) for link in links(answer.text, str(answer.url), base)]
    return walk


def links(html: str, address: str, base: str) -> Iterator[str]:
    """Where a page leads on the same server, also for pictures and forms without fields."""
    for node in LexborHTMLParser(html).css(
        "a[href], area[href], link[href], img[src], video[src], source[src], script[src]"
    ):
        given = node.attributes.get("href") or node.attributes.get("src") or ""
        found = urlsplit(urljoin(address, given))
        if f"{found.scheme}://{found.netloc}" == base:
            yield found.path + (f"?{found.query}" if found.query else "")


def _sort(path: str, database: str) -> str:
    """A name for addresses that are no page of ours: what stands behind `/-/`, or that it is Datasette's."""
    found = re.match(rf"/{re.escape(database)}/-/([a-z-]+)", path)
    return found[1] if found else "datasette"
