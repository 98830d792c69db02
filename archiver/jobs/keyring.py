"""The private keys that sign the log: where they are kept and how they are read; what was last signed with them.

A key file holds one key a line, oldest first, as Go's note package writes them: `PRIVATE+KEY+NAME+ID+BASE64(1 ‖ seed)`.
A bare base64 seed of 32 bytes and an unencrypted PKCS#8 PEM are read, too. The file is the owner's alone (mode 600) and
lies outside the archive, so that a copy of the archive signs nothing. Which keys count is said by `key` leaves.
"""

from __future__ import annotations

import base64
import errno
import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from archiver.custody import note
from archiver.errors import InputError, ParseError
from archiver.jobs.config import LOG_KEY, Config

PREFIX = "PRIVATE+KEY+"
LARGEST = 1 << 16
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)
_ELSEWHERE = f"Name another file by key_file in [custody], or give the key as {LOG_KEY}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """One Ed25519 key under the name that it signs as."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def public(self) -> note.VerifierKey:
        return note.verifier_key(self.name, self.seed)

    def sign(self, text: str) -> note.Signature:
        return note.sign(text, self.name, self.seed)

    def secret(self) -> str:
        """The line of a key file."""
        return f"{PREFIX}{self.name}+{self.public.id.hex()}+{note.to_base64(bytes([note.ED25519]) + self.seed)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """The private keys at hand for one log, oldest first, and where they come from: a file, or the environment."""

    place: str
    path: Path | None
    keys: tuple[PrivateKey, ...] = ()
    others: tuple[PrivateKey, ...] = field(default=(), repr=False)

    def find(self, vkey: str) -> PrivateKey | None:
        return next((key for key in self.keys if str(key.public) == vkey), None)


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where keys are kept by default. InputError when this user has no home folder."""
    given = environment.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(given) if os.path.isabs(given) else Path.home() / ".config"
    except RuntimeError:
        raise InputError("this user has no home folder to keep a key in", hint=_ELSEWHERE) from None
    return base / "quotechain" / "keys"


def key_path(config: Config, origin: str) -> Path:
    """The key file of a log: the configured one, or one of its own in the usual folder."""
    if config.log_key_file:
        return Path(config.log_key_file).expanduser()
    return folder() / f"{_plain(origin)}.key"


def seen_path(config: Config, origin: str) -> Path:
    """Beside the key: the last checkpoint that was signed with it."""
    return key_path(config, origin).with_name(f"{_plain(origin)}.seen")


def present(config: Config, origin: str) -> bool:
    """Whether there is something where the key file is looked for."""
    try:
        return key_path(config, origin).exists()
    except (InputError, OSError):
        return False


def _plain(origin: str) -> str:
    return quote(origin, safe="")


def ring(config: Config, origin: str) -> Ring:
    """The keys at hand for the log of that name; none when there is no file. InputError names what is wrong with it."""
    if config.log_key:
        held = parsed(config.log_key, origin, place=LOG_KEY)
        path, place = None, LOG_KEY
    else:
        path = key_path(config, origin)
        text, place = read_private(path), str(path)
        if text is None:
            return Ring(place=place, path=path)
        held = parsed(text, origin, place=place)
    own = tuple(key for key in held if key.name == origin)
    if not own and held and not config.log_key_file:
        raise InputError(f"this is the key of {held[0].name}, not of {origin}", place=place, hint=_ELSEWHERE)
    return Ring(place=place, path=path, keys=own, others=tuple(key for key in held if key.name != origin))


def read_private(path: Path) -> str | None:
    """The text of a private file, or None when there is none. InputError when others may read it, or nobody can."""
    return _read(path, "the key", private=True)


def _read(path: Path, what: str, *, private: bool) -> str | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{what} cannot be read: {error.strerror}", place=str(path), hint=_ELSEWHERE) from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{what} is no plain file", place=str(path), hint=_ELSEWHERE)
        if private and found.st_mode & 0o077:
            raise InputError(
                f"others than its owner may use this private key (mode {found.st_mode & 0o777:o})",
                place=str(path),
                hint=f"Run `chmod 600 {path}`; if somebody may have read it, replace it then: `archiver keys "
                "rotate`, and `archiver keys retire`",
            )
        data = os.read(handle, LARGEST + 1)
    finally:
        os.close(handle)
    try:
        if len(data) > LARGEST:
            raise ValueError
        return data.decode()
    except ValueError:
        raise InputError(f"{what} cannot be read: this is no such file", place=str(path), hint=_ELSEWHERE) from None


def parsed(text: str, origin: str, *, place: str) -> tuple[PrivateKey, ...]:
    """Every key of a text; those without a name of their own are taken as keys of `origin`. InputError never repeats
    what stands there."""
    found = [checked(PrivateKey(name=origin, seed=_pem(match[0], place))) for match in _PEM.finditer(text)]
    for number, line in enumerate(_PEM.sub(lambda match: "\n" * match[0].count("\n"), text).splitlines(), 1):
        word = line.strip()
        if word and not word.startswith("#"):
            where = place if place == LOG_KEY else f"{place}:{number}"
            found.append(_named(word, where) if word.startswith(PREFIX) else _bare(word, origin, where))
    if not found:
        raise InputError("no key stands here", place=place, hint=_ELSEWHERE)
    return tuple(dict.fromkeys(found))


def _bare(word: str, origin: str, place: str) -> PrivateKey:
    try:
        seed = base64.b64decode(word, validate=True)
    except ValueError:
        raise InputError("this is no base64 of an Ed25519 seed", place=place, hint=_ELSEWHERE) from None
    if len(seed) != 32:
        raise InputError(f"an Ed25519 seed has 32 bytes, this has {len(seed)}", place=place, hint=_ELSEWHERE)
    return checked(PrivateKey(name=origin, seed=seed))


def _named(word: str, place: str) -> PrivateKey:
    name, _, rest = word.removeprefix(PREFIX).partition("+")
    number, _, material = rest.partition("+")
    try:
        data = base64.b64decode(material, validate=True)
    except ValueError:
        data = b""
    if data[:1] == b"\x01" and len(data) != 33:
        reason = f"an Ed25519 seed has 32 bytes, this has {len(data) - 1}"
        raise InputError(reason, place=place, hint="Fetch it from a backup")
    with suppress(ValueError):
        key = PrivateKey(name=name, seed=data[1:])
        if data[:1] == b"\x01" and key.public.id.hex() == number:
            return key
    raise InputError("this key is damaged, or not of type Ed25519", place=place, hint="Fetch it from a backup")


def _pem(text: str, place: str) -> bytes:
    # cryptography takes 20 ms to import, and few keys are given as PEM.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputError("this PEM cannot be read", place=place, hint="Give an unencrypted PKCS#8 PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("this PEM holds no Ed25519 key", place=place, hint="Logs are signed by Ed25519 alone")
    return key.private_bytes_raw()


def checked(key: PrivateKey) -> PrivateKey:
    """The key, when its name can stand in a signed note. InputError otherwise."""
    try:
        str(key.public)
    except ValueError as error:
        raise InputError(
            f"the log cannot be signed under the name {key.name!r}: {error}",
            hint="Give it another one with `archiver keys new-origin --name NAME --reason WHY`",
        ) from None
    return key


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Writes a file of mode 600, whole or not at all. InputError when it cannot be, or exists and is not replaced."""
    aside = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _make(path.parent)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(handle, 0o600)  # whatever the umask
                file.write(text)
                file.flush()
                os.fsync(handle)
            if replace:
                os.replace(aside, path)
            else:
                os.link(aside, path)  # unlike a rename it never takes the place of another key
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()
        _sync(path.parent)
    except FileExistsError:
        raise InputError("a key is here already", place=str(path), hint="It is never overwritten") from None
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", place=str(path), hint=_ELSEWHERE) from None


def _make(folder: Path) -> None:
    """Makes a folder and those above it, each so that it outlives a power cut: a log must not outlive its key."""
    if folder.is_dir():
        return
    _make(folder.parent)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    with suppress(PermissionError):  # a folder in which one may write, but not look
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seen(config: Config, origin: str) -> note.Checkpoint | None:
    """The last checkpoint that was signed here under this name. InputError when what stands there cannot be read."""
    try:
        path = seen_path(config, origin)
    except InputError:
        return None
    text = _read(path, "the last signed checkpoint", private=False)
    try:
        return None if text is None else note.Checkpoint.parse(note.SignedNote.parse(text).text)
    except ParseError as error:
        reason = f"the last signed checkpoint cannot be read: {error}"
        raise InputError(reason, place=str(path), hint="Fetch it from a backup") from None


def remember(config: Config, signed: note.SignedNote, origin: str) -> None:
    """Keeps a checkpoint that was just signed. InputError when it cannot be written."""
    write_private(seen_path(config, origin), str(signed), replace=True)
