"""The value that the network hands out; the store reads it too, so it lives on floor 0."""

from archiver.model import Connection, Exchange

__all__ = ["Connection", "Exchange"]
