"""Outcomes from the structured signals of X's endpoints: type names, reasons, error codes. Never from words."""

from __future__ import annotations

from archiver.model import Outcome
from archiver.platforms.fields import Node

# Other known reasons (Blocked, Bounced, BounceDeleted, Deactivated, ExclusiveTweet, HiddenByModerator, Limited,
# Missing, RuleViolation) do not say which of our outcomes holds: they stay in the reason of an unavailable post.
_REASONS = {
    "Deleted": Outcome.DELETED,
    "NsfwLoggedOut": Outcome.AGE_GATED,
    "NsfwViewerHasNoStatedAge": Outcome.AGE_GATED,
    "NsfwViewerIsUnderage": Outcome.AGE_GATED,
    "Protected": Outcome.PROTECTED,
    "Suspended": Outcome.SUSPENDED,
}

# A code that is not listed says nothing of the post: most are of the question, the session or the service (214, 336:
# the query is outdated).
_CODES = {
    29: Outcome.UNREACHABLE,  # timed out
    34: Outcome.NOT_FOUND,  # no such page
    63: Outcome.SUSPENDED,
    88: Outcome.RATE_LIMITED,
    130: Outcome.UNREACHABLE,  # over capacity
    131: Outcome.UNREACHABLE,  # internal error
    144: Outcome.NOT_FOUND,  # no status with that id
    179: Outcome.PROTECTED,  # not authorised to see this status
    326: Outcome.REFUSED,  # our account is locked
    421: Outcome.UNAVAILABLE,  # no longer available
    422: Outcome.UNAVAILABLE,  # no longer available: it broke the rules
    **dict.fromkeys((32, 64, 89, 99, 135, 200, 215, 239), Outcome.REFUSED),  # our credentials or token
}


def reason(text: str) -> Outcome:
    """`TweetUnavailable.reason` of the web's GraphQL; what is not known by name is unavailable."""
    return _REASONS.get(text, Outcome.UNAVAILABLE)


def errors(node: Node) -> tuple[Outcome, str, str] | None:
    """Outcome, reason and pointer of the first of `errors` (v1.1 and GraphQL: objects with a numeric code). An outage
    or a question that X does not take, speaks of the attempt: it must not make what was live look gone."""
    for error in node.list("errors"):
        code = error.integer("code", -1)
        if code >= 0:
            return _CODES.get(code, Outcome.UNKNOWN), f"code {code}", error.pointer
        return Outcome.UNKNOWN, "error without a code", error.pointer
    return None


def withheld(countries: tuple[str, ...], *, copyright: bool, scope: str) -> tuple[Outcome, str]:
    """Withheld for us (`scope` stands in the answer), everywhere (XX) or for copyright (XY or the flag); withheld in
    some other countries is still live.

    Where a post is withheld for us, its text is a notice of X: 13 of 13 recorded answers with a `scope` carry
    a notice, 2 of 2 without one the words of the author.
    """
    where = ", ".join(countries)
    if scope:
        return Outcome.WITHHELD, f"withheld ({scope}) in {where}"
    if copyright or "XX" in countries or "XY" in countries:
        return Outcome.WITHHELD, f"withheld in {where or 'all countries'}"
    return Outcome.LIVE, f"withheld in {where}" if countries else ""
