"""The present policy of verdicts: the rules by which mentions are found, quotations judged, and verdicts chosen."""

from archiver.documents.policy import MENTIONS_POLICY
from archiver.quotes.policy import QUOTES_POLICY

POLICY = f"{MENTIONS_POLICY} {QUOTES_POLICY} match/6"
