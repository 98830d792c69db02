"""Bluesky and the AT Protocol beneath it.

Refs: `bluesky:post:at://DID/app.bsky.feed.post/RKEY` (or the handle in place of the DID until it is resolved, then
an alias), `bluesky:repost:at://DID/app.bsky.feed.repost/RKEY`, `bluesky:record:at://…` for any other record,
`bluesky:account:DID`, `bluesky:handle:HANDLE`.

Routes, in the order of the plan (see `routes`): `resolve-handle`, `handle-did`, `posts`, `profile`, `did`,
`plc-log`, `record`, `record-proof`, `repo-status`. What each says of a post is in `answers`.

Sources: atproto.com/specs (at-uri-scheme, handle, did, record-key, repository, cryptography), the lexicons
app.bsky.* and com.atproto.*, web.plc.directory/spec/v0.1/did-plc.
"""

from archiver.platforms.bluesky.addresses import EXAMPLES, claim
from archiver.platforms.bluesky.answers import parse
from archiver.platforms.bluesky.routes import plan

__all__ = ["EXAMPLES", "claim", "parse", "plan"]
