"""A page as a browser reads it: its text, its links, and whether anything of an archive became markup."""

from __future__ import annotations

from html.parser import HTMLParser

from archiver.datasette_plugin.places import encode

NASTY = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}</textarea></title>\u202e\u2066ש\x07"
"""Words that try to run, to break out of attributes and elements, and to turn the page round."""
_OWN_SCRIPTS = ("/-/static", "/-/static-plugins/")


class Seen(HTMLParser):
    """`faults` names what should not be there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.headings: list[int] = []
        self.faults: list[str] = []
        self._within = ""
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        self._within = tag if tag in ("script", "style") else ""
        self.faults += [f"<{tag} {name}>" for name in held if name.startswith("on") or name == "style"]
        if tag == "script" and "src" in held and not held["src"].startswith(_OWN_SCRIPTS):
            self.faults.append(f"a script from {held['src']}")
        if tag in ("img", "video", "audio", "iframe", "object", "embed"):
            self.pictures.append(held.get("src", ""))
            if not held.get("src", "").startswith("/"):
                self.faults.append(f"<{tag}> from {held.get('src')}")
        if tag == "a" and "href" in held:
            self.links.append(held["href"])
            if held["href"].split(":", 1)[0].casefold() in ("javascript", "data", "vbscript"):
                self.faults.append(f"a link to {held['href'][:40]}")
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            if "alert(1)" in data:
                self.faults.append("a script with their words")
            return
        turned = set(data) & set("\u202a\u202b\u202d\u202e\u2066\u2067")
        self.faults += [f"U+{ord(char):04X} in the text" for char in turned]
        self.words.append(data)


def post(ref: str, form: str = "") -> str:
    """The address of the page of a post in the archive of the tests."""
    return f"/archive/-/post/{encode(ref)}{form}"
