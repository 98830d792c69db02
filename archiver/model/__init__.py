"""The values that flow between rooms: Seed → Document → Mention → Ref → Request → Answer → Reading → Match.

Values only: frozen, slotted, keyword-only; no behaviour beyond construction and its inverse. Times are UTC
ISO 8601 text with `Z`; platform ids are text; spans count code points, half open.
"""

from archiver.model.exchange import Connection, Exchange
from archiver.model.network import Answer, Request, Settings
from archiver.model.reading import Account, Alias, Edge, Finding, Media, Page, Post, Proof, Reading, Unread
from archiver.model.text import Change, Document, Link, Mention, Repair, Run, Verdict
from archiver.model.words import POST_KINDS, EdgeKind, Evidence, Failure, MentionKind, Outcome, Ref, Span, VerdictKind

__all__ = [
    "POST_KINDS",
    "Account",
    "Alias",
    "Answer",
    "Change",
    "Connection",
    "Document",
    "Edge",
    "EdgeKind",
    "Evidence",
    "Exchange",
    "Failure",
    "Finding",
    "Link",
    "Media",
    "Mention",
    "MentionKind",
    "Outcome",
    "Page",
    "Post",
    "Proof",
    "Reading",
    "Ref",
    "Repair",
    "Request",
    "Run",
    "Settings",
    "Span",
    "Unread",
    "Verdict",
    "VerdictKind",
]
