"""What the bytes of a media file are: their kind, and of a picture its size and its perceptual hash.

Pictures are decoded in a process beside this one (see `decoder`), which is started when the first one comes and ends
with this process. Whatever it answers is taken as a stranger's word. A picture that breaks it, or that takes too long,
costs that process and gets a reason; the run goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from archiver.custody.sniff import sniff
from archiver.errors import ParseError
from archiver.store.archive import Archive
from archiver.store.blobs import BlobStore

Answer = TypeVar("Answer")
PROGRAM = Path(__file__).with_name("decoder.py")
LARGEST = 32 << 20
"""Bytes of a picture that is decoded."""
EDGE = 400
"""Pixels of the longer side of a small picture, as `decoder` has it."""
LARGEST_SMALL = 1 << 20
"""Bytes of a small picture."""
SECONDS = 20.0
"""For a small picture that somebody waits for: a hundred times what a large one takes."""
PATIENT = 300.0
"""For a picture that is read: a reading should depend on no clock, so this ends only what would never end."""
PICTURE, VIDEO, AUDIO, OTHER = "picture", "video", "audio", "other"
KINDS = (PICTURE, VIDEO, AUDIO, OTHER)
_HASH = re.compile(r"(?:[0-9a-f]{16})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What bytes are. `media_type` is sniffed from them as they are kept, still content-coded where they came so;
    `width` and `height` in pixels, upright, 0 where unknown; `dhash` 16 hexadecimal digits, empty where it is no
    picture or too plain; `reason` says why a picture could not be decoded."""

    kind: str
    media_type: str
    width: int = 0
    height: int = 0
    animated: bool = False
    dhash: str = ""
    reason: str = ""


def kind_of(media_type: str) -> str:
    """Picture, video, audio or other."""
    top = media_type.partition("/")[0]
    if media_type == "application/ogg":
        return AUDIO
    return {"image": PICTURE, "video": VIDEO, "audio": AUDIO}.get(top, OTHER)


def look(archive: Archive, sha256: str, size: int) -> Look:
    """What a stored blob is. Raises nothing but what reading the archive does."""
    store = BlobStore(archive)
    media_type = sniff(b"".join(store.range(sha256, 0, min(size, 512)))) if size else ""
    kind = kind_of(media_type)
    if kind != PICTURE:
        return Look(kind=kind, media_type=media_type)
    if size > LARGEST:
        reason = f"it has {size:,} bytes: at most {LARGEST:,} are decoded"
        return Look(kind=kind, media_type=media_type, reason=reason)
    return decoded(b"".join(store.get(sha256)), media_type)


def decoded(data: bytes, media_type: str) -> Look:
    """What the decoder says of a picture."""
    try:
        told, _ = _POOL.run(lambda decoder: decoder.ask("look", data, seconds=PATIENT))
        return Look(
            kind=PICTURE,
            media_type=media_type,
            width=_number(told["width"]),
            height=_number(told["height"]),
            animated=bool(told["animated"]),
            dhash=_matching(told["dhash"]),
            reason=str(told["reason"])[:400],
        )
    except ParseError as error:
        return Look(kind=PICTURE, media_type=media_type, reason=error.message)


def small(data: bytes, *, coarse: bool) -> bytes:
    """A small WebP of a picture; `coarse` where nothing of it may be made out. ParseError says why there is none."""
    told, made = _POOL.run(lambda decoder: decoder.ask("small", data, coarse=coarse))
    if told.get("reason") or not (made[:4] == b"RIFF" and made[8:12] == b"WEBP"):
        raise ParseError(str(told.get("reason") or "the decoder gave no picture")[:400])
    return made


def _number(given: object) -> int:
    if not isinstance(given, int) or not 0 <= given < 1 << 31:
        raise ParseError("the decoder gave no number")
    return given


def _matching(given: object) -> str:
    if not isinstance(given, str) or not _HASH.fullmatch(given):
        raise ParseError("the decoder gave no hash")
    return given


class Decoder:
    """One process that decodes, started when it is needed. One caller at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, what: str, data: bytes, *, coarse: bool = False, seconds: float = 0) -> tuple[dict[str, Any], bytes]:
        """Its answer about one picture. ParseError where it died of it, was too slow, or answered nonsense: then the
        process is ended, and the next picture starts another. `seconds` is the time that it may take; 0: `SECONDS`."""
        seconds = seconds or SECONDS
        fresh, process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            if fresh and process.stdout.readline(64) != b"ready\n":
                self.close()
                raise ParseError("the decoder could not be started")
            process.stdin.write(json.dumps({"do": what, "size": len(data), "coarse": coarse}).encode() + b"\n")
            process.stdin.write(data)
            process.stdin.flush()
            told = json.loads(process.stdout.readline(4096))
            size = told["size"]
            if not isinstance(size, int) or not 0 <= size <= LARGEST_SMALL:
                raise ValueError
            made = process.stdout.read(size)
            if len(made) != size:
                raise ValueError
        except (OSError, ValueError, LookupError, TypeError) as error:
            self.close()
            if late.is_set():
                raise ParseError(f"decoding it took more than {seconds:.0f} seconds") from error
            raise ParseError("it broke the decoder") from error
        finally:
            timer.cancel()
            timer.join()
        return told, made

    def _started(self) -> tuple[bool, subprocess.Popen[bytes]]:
        """The process, and whether it was started just now."""
        if self._process is not None and self._process.poll() is None:
            return False, self._process
        self.close()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},  # no secret of this process's environment
                start_new_session=True,  # what is typed to end a run is not for it
            )
        except OSError as error:
            raise ParseError(f"the decoder could not be started: {error.strerror}") from error
        return True, self._process

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what was not sent cannot be sent any more
                    stream.close()
        process.wait()


class Pool:
    """As many decoders as may run at once."""

    def __init__(self, most: int) -> None:
        self._most, self._owner, self._lock = most, 0, threading.Lock()
        self._idle: queue.LifoQueue[Decoder] = queue.LifoQueue()

    def run(self, ask: Callable[[Decoder], Answer]) -> Answer:
        """Hands a decoder to `ask`; waits where all are at work."""
        with self._lock:
            if self._owner != os.getpid():  # after a fork the pipes are the parent's
                self._owner, self._idle = os.getpid(), queue.LifoQueue()
                for _ in range(self._most):
                    self._idle.put(Decoder())
        decoder = self._idle.get()
        try:
            return ask(decoder)
        finally:
            self._idle.put(decoder)

    def close(self) -> None:
        """Ends all processes that are idle; the next picture starts one anew."""
        if self._owner != os.getpid():
            return
        for _ in range(self._idle.qsize()):
            decoder = self._idle.get_nowait()
            decoder.close()
            self._idle.put(decoder)


_POOL = Pool(2)
atexit.register(_POOL.close)
