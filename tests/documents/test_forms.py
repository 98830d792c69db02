"""Every form in which a post is embedded, as platforms, publishing systems and tools write it, and what is none.

`forms.txt` holds one document after another behind a line `=== TYPE | MARKUP | TARGET`: the form must be one embed of
that markup and target. `nothing` says that it must be none; `document` that it only belongs to the digest.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from archiver.documents import mentions
from archiver.documents.read import read
from archiver.model import Mention, MentionKind
from archiver.platforms import claim

FORMS = Path(__file__).parent / "forms.txt"
# What the rules of this name find in the documents of forms.txt. When other mentions are found, stored matches name
# rules that no longer exist: raise MENTIONS_POLICY, then record both here.
RECORDED = ("mentions/5", "ae3ecd3e9ca464e2496da4239677214bbfe40a8049448ac75abc143d0306f672")


@dataclass(frozen=True, kw_only=True)
class Form:
    media_type: str
    markup: str
    target: str
    source: str


def forms() -> list[Form]:
    heads = re.split(r"(?m)^=== (\S+) \| (\S+) \|(.*)\n", FORMS.read_text("utf-8"))
    rows = zip(heads[1::4], heads[2::4], heads[3::4], heads[4::4], strict=True)
    return [
        Form(media_type=kind, markup=markup, target=target.strip(), source=body.strip("\n"))
        for kind, markup, target, body in rows
    ]


def found(form: Form, *, alone: bool = True) -> tuple[Mention, ...]:
    before, after = ("<p>Before</p>", "<p>After</p>") if form.media_type == "text/html" else ("Before\n\n", "\n\nAfter")
    source = form.source if alone else f"{before}{form.source}{after}"
    return mentions.find(read(source.encode(), media_type=form.media_type), claim)


EMBEDS = [form for form in forms() if form.markup not in {"nothing", "document"}]


@pytest.mark.parametrize("form", EMBEDS, ids=lambda form: f"{form.media_type[5:]}-{form.markup}")
def test_each_form_is_one_embed_of_its_post(form: Form) -> None:
    (mention,) = found(form, alone=False)
    assert mention.kind is MentionKind.EMBED
    assert (str(mention.target), mention.markup) == (form.target, form.markup)


@pytest.mark.parametrize(
    "form", [form for form in forms() if form.markup == "nothing"], ids=lambda form: form.source[:40]
)
def test_what_only_looks_like_an_embed_is_none(form: Form) -> None:
    assert [each for each in found(form, alone=False) if each.kind is MentionKind.EMBED] == []


def test_many_forms_are_held() -> None:
    kinds = Counter(form.markup for form in EMBEDS)
    print(f"\n{len(EMBEDS)} forms: {dict(sorted(kinds.items()))}")
    assert len(EMBEDS) >= 150
    assert len({form.source for form in forms()}) == len(forms())


def digest(claims: mentions.Claim = claim) -> str:
    """The SHA-256 of all that is found in the documents of forms.txt, with the words of each mention."""
    sha = hashlib.sha256()
    for form in forms():
        document = read(form.source.encode(), media_type=form.media_type)
        for each in mentions.find(document, claims):
            sha.update(repr((each, mentions.words(document, each))).encode())
        sha.update(b"\n")
    return sha.hexdigest()


def test_other_mentions_have_another_name() -> None:
    name, recorded = RECORDED
    assert mentions.policy() == name, (
        f"record the digest of the new rules: RECORDED = ({mentions.policy()!r}, {digest()!r})"
    )
    assert digest() == recorded, f"other mentions are found: raise MENTIONS_POLICY, then record it with {digest()!r}"


def test_the_digest_notices_other_mentions() -> None:
    assert digest(lambda url: None) != digest()
