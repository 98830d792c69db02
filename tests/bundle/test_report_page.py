"""report.html as text: hostile posts stay text, nothing is asked for, and what does not fit is named."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import making
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.bundle import report, report_choice, report_entries, report_markup

VOID = {"meta", "img", "br"}
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "h4", "section", "nav", "main",
    "article", "p", "ul", "li", "dl", "div", "dt", "dd", "span", "bdi", "a", "br", "blockquote", "del", "ins",
    "figure", "figcaption", "img", "video", "audio", "script", "strong", "em", "code",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "data-state", "data-char", "data-n", "data-path",
    "data-leaf", "data-sha256", "alt", "type", "role", "aria-label", "dir", "controls",
}  # fmt: skip


@dataclass
class Read(HTMLParser):
    """A page as a browser's parser would see it, without running anything."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    scripts: list[tuple[str, str]] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        self.tags.append((tag, held))
        if tag == "script":
            self.scripts.append((held.get("type", ""), ""))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self.stack and self.stack[-1] == "style":
            self.styles.append(data)
        else:
            self.shown.append(data)


def read(page: str) -> Read:
    found = Read()
    found.feed(page)
    found.close()
    assert found.stack == []
    return found


def story() -> making.Made:
    made = making.story()
    making.prove(made)
    return made


def page(made: making.Made) -> str:
    files = {f"data/{name}": data for name, data in made.files.items()}
    return "".join(report.page(made.index, files.get))  # type: ignore[arg-type]


def texts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a text in JSON: its holder and key."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(item, str):
            yield value, key
        elif isinstance(item, (dict, list)):
            yield from texts(item)


def sound(found: Read) -> None:
    """What must hold of a page, whatever was captured."""
    for tag, attributes in found.tags:
        assert tag in TAGS, tag
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            assert name != "style"
            if name == "href":
                assert value.startswith("#")
            elif name == "src":
                assert tag in ("img", "video", "audio")
                assert re.match(r"data:(image|video|audio)/[a-z0-9]+;base64,[A-Za-z0-9+/=]*$", value)
            else:
                assert name in ATTRIBUTES, name
    running = [code for kind, code in found.scripts if kind != "application/json"]
    assert len(running) == 1
    assert len(found.styles) == 1
    policy = next(a["content"] for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    for code, name in ((running[0], "script-src"), (found.styles[0], "style-src")):
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for kind, code in found.scripts:
        if kind == "application/json":
            json.loads(code)


def test_hostile_texts_are_shown_as_they_are() -> None:
    found = read(page(story()))
    sound(found)
    shown = "".join(found.shown)
    assert shown.count("</script><script>document.title='owned'</script><img src=x onerror=") >= 4
    assert "U+202E" in shown
    assert "\u202e" not in shown
    assert "javascript:alert(1)" in shown


def test_every_text_may_be_hostile() -> None:
    """Each text of the index in its turn: the page keeps its shape, and no element is added."""
    plain = read(page(story()))
    count = len(list(texts(story().index)))
    assert count > 100
    for number in range(count):
        made = story()
        holder, key = list(texts(made.index))[number]
        if key in ("type", "op", "leaf", "proof") or (key == "sha256" and ("alt" in holder or "inputs" in holder)):
            continue  # decides what is shown
        holder[key] = "\"'><script>alert(1)</script><img src=//leak.example onerror=x>--><!--\u2028\ud800&lt;"
        found = read(page(made))
        sound(found)
        assert [tag for tag, _ in found.tags].count("script") == [tag for tag, _ in plain.tags].count("script")
        assert [tag for tag, _ in found.tags].count("img") == [tag for tag, _ in plain.tags].count("img")


@given(st.text(alphabet=st.characters(), max_size=60))
def test_text_comes_back_from_the_page(given_text: str) -> None:
    for shown in (report_markup.own(given_text), report_markup.words(given_text)):
        found = read(shown.replace("\n</", "</"))
        chars = [attributes["data-char"] for _, attributes in found.tags if "data-char" in attributes]
        back = "".join(found.shown)
        for code in chars:
            back = back.replace(f"U+{code}", chr(int(code, 16)), 1)
        spelt = any(f"U+{code}" in given_text for code in chars)
        assert spelt or back.strip("\n") == given_text.strip("\n")


@given(st.recursive(st.text() | st.integers() | st.none(), lambda held: st.lists(held), max_leaves=8))
def test_data_come_back_from_their_block(value: Any) -> None:
    found = read(report_markup.block("x", {"v": value}))
    assert [tag for tag, _ in found.tags] == ["script"]
    assert json.loads(found.scripts[0][1]) == {"v": value}


@given(
    st.text(alphabet="ab\u202e<", max_size=12),
    st.lists(st.tuples(st.integers(-2, 14), st.integers(-2, 14)), max_size=4),
    st.tuples(st.integers(-2, 14), st.integers(-2, 14)) | st.none(),
)
def test_marks_lose_no_word(given_text: str, marks: list[tuple[int, int]], stretch: tuple[int, int] | None) -> None:
    found = read(report_markup.words(given_text, marks, ["del"] * len(marks), stretch))
    shown = "".join(found.shown).rstrip("\n").replace("U+202E", "\u202e")
    assert shown == given_text


def test_changed_words_are_marked_on_both_sides() -> None:
    shown = page(story())
    assert 'who <del data-n="1">hardly use</del> that bridge' in shown
    assert 'who <ins data-n="1">need</ins> that bridge' in shown
    assert '<span class="verdict stop">altered</span>' in shown
    assert '<a href="#v1">attributed to' in shown


def test_it_says_of_each_capture_whether_a_server_was_asked() -> None:
    made = story()
    for tier, told in (
        ("wire", " (asked of a server by the system)</dd>"),
        ("replay", " (read from a recording that was given to the system)</dd>"),
        ("third-party", "</dd>"),
    ):
        made.index["captures"] = [{**made.index["captures"][0], "tier": tier}]
        assert f'data-path="tier">{tier}</bdi>{told}' in page(made)


def test_parts_of_a_splice_are_told_as_parts() -> None:
    made = story()
    assert "once for each of them" not in page(made)
    (one,) = [verdict for verdict in made.index["verdicts"] if verdict["verdict"] == "altered"]
    parts = [{**one, "verdict": "spliced", "reason": f"part {number} of 2"} for number in (1, 2)]
    made.index["verdicts"] = parts
    told = page(made)
    assert "once for each of them" in told
    for number in (1, 2):  # in the list at the top, in the heading, and as what is said of it
        assert told.count(f"part {number} of 2") == 3


def test_brackets_are_told_and_what_is_unknown_is_said() -> None:
    made = story()
    by = {"not_before_by": "data/anchors/1-clock.tsr", "not_after_by": "<b>"}
    times = {"not_before": "2026-03-01T09:00:00Z", "not_after": "2026-03-01T11:00:00.5Z"}
    made.index["captures"][0]["bracket"] = times | by
    shown = page(made)
    assert '<dt>Not before</dt><dd>2026-03-01 09:00:00 UTC, by <bdi lang="" class="ref">data/anchors/1-clock' in shown
    assert '<dt>Not after</dt><dd>2026-03-01 11:00:00 UTC, by <bdi lang="" class="ref">&lt;b&gt;' in shown
    assert shown.count("unknown: no token of others") == 4


@pytest.mark.parametrize(
    ("type", "size", "shown"),
    [("image/png", 70, True), ("image/svg+xml", 70, False), ("text/html", 70, False), ("", 70, False),
     ("image/png\"><script>", 70, False), ("image/png", report_entries.EMBEDDED + 1, False), ("video/mp4", 70, True)],
)  # fmt: skip
def test_media_are_shown_or_named(type: str, size: int, shown: bool) -> None:
    made = story()
    made.index["derived"] = []
    item = made.index["posts"][0]["media"][0]
    item["type"], item["size"] = type, size
    written = page(made)
    sound(read(written))
    assert ("data:image/png;base64" in written or "data:video/mp4;base64" in written) == shown
    assert (f"the file data/blobs/{making.sha256(making.PICTURE)} of the bundle" in written) == (not shown)


def test_media_beyond_the_bound_of_the_page_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = story()
    made.index["derived"] = []
    made.index["posts"] += [copy.deepcopy(made.index["posts"][0]) for _ in range(3)]
    assert page(made).count("data:image/png;base64") == 4
    monkeypatch.setattr(report, "EMBEDDED_IN_ALL", 2 * len(making.PICTURE))
    written = page(made)
    assert written.count("data:image/png;base64") == 2
    assert written.count("Not shown here: ") == 2


def test_leaves_beyond_the_bound_are_not_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_choice, "LEAVES", 2)
    found = read(page(story()))
    blocks = [a["class"] for t, a in found.tags if t == "script" and "class" in a]
    assert blocks == ["log", "leaf", "leaf"]


def test_of_many_posts_those_that_were_asked_for_stand_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made = story()
    named, other = made.index["posts"]
    made.index["posts"] = [{**other, "ref": f"x:post:{n}"} for n in range(3)] + [named]
    assert "This page shows" not in page(made)
    monkeypatch.setattr(report_choice, "POSTS", 2)
    written = page(made)
    sound(read(written))
    shown = " ".join("".join(read(written).shown).split())
    assert "This page shows 2 posts of 4. The other 2 stand in data/posts.csv and data/bundle.json" in shown
    assert 'id="p1"' in written and 'id="p2"' in written and 'id="p3"' not in written  # noqa: PT018
    assert written.index("Tam Reyes") < written.index('id="p2"')
    assert "Posts (4)" in shown
    assert "↳ quotes (asserted) x:post:20, which was not captured" in shown
    made.index["posts"][0]["ref"] = "x:post:20"  # told of, though it has no room of its own
    monkeypatch.setattr(report_choice, "POSTS", 1)
    assert "↳ quotes (asserted) x:post:20: orla" in " ".join("".join(read(page(made)).shown).split())


def test_of_many_captures_those_behind_what_is_shown_stand_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made = story()
    first, second, third = (one["uid"] for one in made.index["captures"])
    made.index["posts"] = made.index["posts"][:1]
    made.index["posts"][0] |= {"captures": [third, second], "media": []}
    made.index["documents"] = []
    for most, ids in ((3, {first, second, third}), (2, {second, third}), (1, {third})):
        monkeypatch.setattr(report_choice, "LEAVES", most)
        found = read(page(made))
        sound(found)
        assert {a["id"].removeprefix("c-") for t, a in found.tags if a.get("class") == "capture"} == ids
        links = {a["href"] for t, a in found.tags if a.get("href", "").startswith("#c-")}
        assert links == {f"#c-{uid}" for uid in ids & {second, third}}
        assert ("captures of 3. The other" in "".join(found.shown)) == (most < 3)
        assert third in "".join(found.shown)


def test_of_many_quotations_those_that_are_not_faithful_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made = story()
    (altered,) = made.index["verdicts"]
    exact = {**altered, "verdict": "exact", "faithful": True, "changes": []}
    made.index["verdicts"] = [exact, exact, altered, exact, altered, {**exact, "words": "", "verdict": ""}]
    for most, numbers in ((9, "12345"), (3, "135"), (2, "35"), (1, "3")):
        monkeypatch.setattr(report_choice, "QUOTATIONS", most)
        found = read(page(made))
        sound(found)
        assert "".join(a["id"][1] for t, a in found.tags if re.match("v[0-9]", a.get("id", ""))) == numbers
        assert "Quotations (5)" in "".join(found.shown)
        assert ("quotations of 5. The other" in "".join(found.shown)) == (most < 5)
    assert "This page shows 1 quotations that are not faithful of 2." in " ".join("".join(found.shown).split())


@pytest.mark.parametrize("kind", ["documents", "derived", "erased", "statements"])
def test_long_lists_end_and_say_so(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = story()
    made.index[kind] = [copy.deepcopy(made.index[kind][0]) for _ in range(5)]
    whole = page(made)
    monkeypatch.setattr(report_choice, "LISTED", 3)
    cut = page(made)
    sound(read(cut))
    assert len(cut) < len(whole)
    assert "of 5. The other 2 stand in data/bundle.json" in " ".join("".join(read(cut).shown).split())


def test_a_page_comes_in_pieces_and_is_always_the_same() -> None:
    made = story()
    made.index["posts"] *= 500
    pieces = list(report.page(made.index, lambda path: None))  # type: ignore[arg-type]
    assert max(len(piece) for piece in pieces if "<script>" not in piece) < 30_000
    assert len("".join(pieces)) > 500_000
    assert page(story()) == page(story())


def test_files_made_from_captures_are_shown_or_honestly_missing() -> None:
    made = story()
    assert "None. No picture was taken" not in page(made)
    assert f'data-sha256="{making.sha256(making.DRAWN)}"' in page(made)
    made.index["derived"] = []
    assert "None. No picture was taken of how a browser shows a post or page" in page(made)


def test_what_was_erased_and_decided_is_told() -> None:
    shown = "".join(read(page(story())).shown)
    assert "Erased, and so not in this bundle" in shown
    assert "What persons decided" in shown
    assert "2026-03-04 05:06:07 UTC, Desk: same doc:passage:1:0-10 fediverse:post:1: </script>" in shown


def test_it_says_that_its_verifier_is_its_own() -> None:
    shown = " ".join("".join(read(page(story())).shown).split())
    assert "This page supplies its own verifier, and the bundle its own keys." in shown
    assert "Compare the keys above with keys that you had from the keeper of the log by another way" in shown
    assert "Nothing was checked: this browser did not run the checks of this page." in shown
    assert str(making.KEY) in shown
