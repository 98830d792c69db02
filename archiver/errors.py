"""The one tree of errors.

    ArchiverError                 anything that this package raises on purpose
    ├── InputError                what a person gave cannot be used: names the place and the next step
    ├── PageError                 a page of the reading room cannot be shown: says what is the matter
    ├── ParseError                an answer or a document is not what its format says; carries a JSON pointer
    ├── ProofError                a cryptographic check refused its input
    ├── BlockedError              our guard refused an address before or while connecting
    └── IntegrityError            stored evidence does not agree with itself

What a server does is not in this tree: a status, a time-out or a reset is data (a capture with an
outcome), never an exception.
"""


class ArchiverError(Exception):
    """Base of every error raised on purpose."""


class InputError(ArchiverError):
    """What a person gave cannot be used. `place` names where (file, line, column, option), `hint` what to do next."""

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        self.message, self.place, self.hint = message, place, hint
        super().__init__(message)

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.place else self.message
        return f"{head}. {self.hint}" if self.hint else head


class PageError(ArchiverError):
    """A page of the reading room cannot be shown. `status` is the HTTP status, `hint` the next step; `links` are pages
    that may help, as (address, label)."""

    def __init__(
        self, status: int, message: str, *, hint: str = "", title: str = "", links: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status, self.message, self.hint, self.links = status, message, hint, links
        self.title = title or {404: "Not in this archive", 400: "This cannot be asked", 403: "Closed"}.get(
            status, "Not now"
        )
        super().__init__(message)


class ParseError(ArchiverError):
    """Input is not what its format says. `pointer` is an RFC 6901 pointer into JSON, or `text:LINE:COLUMN`."""

    def __init__(self, message: str, *, pointer: str = "") -> None:
        self.message, self.pointer = message, pointer
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} at {self.pointer or '(whole)'}"


class ProofError(ArchiverError):
    """A cryptographic check refused its input; the message says which check and why."""


class BlockedError(ArchiverError):
    """Our guard refused an address. The reason names the rule, never a secret."""


class IntegrityError(ArchiverError):
    """Stored evidence does not agree with itself; the message names capture, blob or leaf."""
