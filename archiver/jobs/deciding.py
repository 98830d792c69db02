"""A person's decision that a mention is a certain post: a statement, kept with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archiver.errors import InputError
from archiver.jobs import checkpoint, follow, settle
from archiver.jobs.config import Config
from archiver.jobs.session import open_session
from archiver.jobs.show import find_mention
from archiver.model import POST_KINDS, Ref
from archiver.net.clock import utc_now
from archiver.net.uid import new_uid
from archiver.platforms import claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as it was stored: `leaf` is its statement, `signed` whether a head of the log covers it; `notes` say
    why not, or that a key was made; `broken` that the log is not the one that was signed before. `queued` when the post
    is to be captured still."""

    mention: str
    post: str
    reason: str
    leaf: int
    queued: bool
    signed: bool
    broken: bool
    notes: tuple[str, ...]


def resolve_mention(
    db: Path, config: Config, mention: str, url: str, *, reason: str, by: str = "", now: Callable[[], str] = utc_now
) -> Decided:
    """Records a person's decision as a statement, queues the post and settles the document again."""
    if not db.exists():
        raise InputError("no archive here yet", place=str(db), hint="Run `archiver run SEED` first")
    ref = claim(url)
    if ref is None:
        try:
            ref = Ref.parse(url)
        except InputError:
            raise InputError(f"{url!r} is neither an address nor a ref", hint="For example x:post:20") from None
    if ref.kind not in POST_KINDS:
        raise InputError(f"{url} is no post ({ref})", hint="Give the address of the post itself")
    if not reason.strip():
        raise InputError("a decision needs a reason", place="--reason", hint="Say why this mention is that post")
    with open_session(db, config, now=now) as session:
        mention = find_mention(session.archive, mention)
        with session.archive.transaction():  # a decision that stands is one whose post will be asked for
            stored = session.evidence.state(
                new_uid(),
                who=by or config.operator,
                what="resolves",
                subject=mention,
                object=str(ref),
                reason=reason,
            )
            queued = follow.enqueue(session, ref, purpose="post", depth=0, seed=mention)
        settle.settle(session)
        sealed = checkpoint.seal(session, make=True)
    return Decided(
        mention=mention,
        post=str(ref),
        reason=reason,
        leaf=stored.leaf,
        queued=queued,
        signed=sealed.head is not None,
        broken=bool(sealed.broken),
        notes=(*sealed.told, *sealed.notes, *sealed.problems, *filter(None, (sealed.broken,))),
    )
