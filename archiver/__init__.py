"""quotechain: captures the social posts that documents quote, follows them to their origin, judges the quotations."""

__version__ = "0.1.0"
