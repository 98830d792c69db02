"""What the marks on the page of a check mean, each with a sample: at the top, and only those that the page holds."""

from __future__ import annotations

from archiver.render.markup import facts

_MARKS = (
    (
        "<del",
        '<del data-n="1">struck</del>',
        "In the quotation: words that are not those of the post. They stand in place of other words, or were added.",
    ),
    (
        "<ins",
        '<ins data-n="1">underlined</ins>',
        "In the post: words that the quotation replaced, or left out without saying so.",
    ),
    (
        'class="caret"',
        'here<span class="caret" data-n="2"></span>',
        "Nothing stands in this place where the other side has words.",
    ),
    (
        'class="own"',
        '<span class="own" data-n="3">dotted</span>',
        "What the quotation itself marks, with an ellipsis or brackets, and the words of the post that stand there.",
    ),
    (
        'data-n="',
        '<span data-n="1">number</span>',
        "The same small number on both sides is the same change; the list below the texts has it in words.",
    ),
    (
        'class="out"',
        '<span class="out">small and grey</span>',
        "Words of the text that stand before or after what was compared.",
    ),
    (
        'class="char"',
        '<span class="char">U+202E</span>',
        "A character that cannot be seen, spelt out by its number in Unicode.",
    ),
)
"""For each mark: what the page holds where it is used, a sample, what it means. No text of others can look like the
first: its signs are escaped (`markup`)."""


def legend(page: str) -> str:
    """The legend for what a page holds so far (HTML); nothing where it holds no marks."""
    used = [(sample, means) for sign, sample, means in _MARKS if sign in page]
    if not used:
        return ""
    return (
        '<section class="legend" aria-labelledby="marks">\n<h2 id="marks">How changes are marked</h2>\n'
        f"{facts(used)}</section>\n"
    )
