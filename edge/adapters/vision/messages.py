"""What daemon and vision worker say to each other: small JSON messages with frames beside them.

One message is one datagram of a `SOCK_SEQPACKET` pair, so that there is no framing to get wrong:
it arrives whole, with its descriptors, or the other side is gone.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.adapters.vision import shared_frames
from edge.library.measure import Measurement
from edge.ports import Inspection, ModelInUse
from models.detection import Prediction
from models.jsonable import from_json, to_json
from models.profile import Profile

MAX_DATAGRAM = 64 * 1024
"""Bytes; a longer message travels in a frame of its own."""
MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes; nothing longer is taken from the other side."""
MAX_FRAMES = 4
"""Descriptors beside one message."""


class ProtocolError(Exception):
    """The other side sent what no sane one would."""


@dataclass(frozen=True, slots=True)
class Start:
    """To the worker, once: everything it needs to know."""

    profiles: tuple[Profile, ...]
    """With the settings' overrides already in them."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Id of a model → the folder of its active version."""
    measured: Mapping[str, Measurement] = field(default_factory=dict)
    """Fingerprint of a model → what was measured of it on this machine earlier."""
    skip: Mapping[str, str] = field(default_factory=dict)
    """Id of a model → why it is not to be tried: it took a worker down."""
    threads: int = 0
    """Of an inference; 0 measures and chooses."""
    max_megapixels: float = 50.0
    """Of a photo."""
    max_bytes: int = 32 * 1024 * 1024
    """Of a photo."""
    max_model_mb: float = 200.0
    """Of a model file."""
    memory_mb: int = 2048
    """Address space."""


@dataclass(frozen=True, slots=True)
class Inspect:
    """To the worker, beside the photo."""

    profile: str
    """Id of the profile."""


@dataclass(frozen=True, slots=True)
class Annotate:
    """To the worker, beside the photo."""

    predictions: tuple[Prediction, ...]
    """To be drawn."""


@dataclass(frozen=True, slots=True)
class Ping:
    """To the worker, while there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Trying:
    """From the worker, before it loads a model: if it dies now, that one is to blame."""

    model: str
    """Id of the model."""


@dataclass(frozen=True, slots=True)
class Ready:
    """From the worker: it takes photos."""

    models: tuple[ModelInUse, ...] = ()
    """What serves."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """id@version → why not."""
    measured: Mapping[str, Measurement] = field(default_factory=dict)
    """Fingerprint → what was measured, also of earlier."""
    notes: tuple[str, ...] = ()
    """What could not be locked down, for the operator."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """From the worker, beside the thumbnail, and the photo where that differs from what came."""

    inspection: Inspection
    """What was seen."""
    sha256: str
    """Of the clean photo."""
    media_type: str
    """Of the clean photo."""
    width: int
    """Upright, pixels."""
    height: int
    """Upright, pixels."""
    as_given: bool
    """True: the clean photo is byte for byte what came, and does not travel back."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """From the worker, beside the drawing."""


@dataclass(frozen=True, slots=True)
class Failed:
    """From the worker: this job has no result, and the worker goes on."""

    code: str
    """`bad_image`, `image_too_large` or `vision_failed`."""
    message: str
    """For people."""
    hint: str = ""
    """What they can do."""
    worn_out: bool = False
    """True: the worker ran out of memory and is better replaced."""


@dataclass(frozen=True, slots=True)
class Pong:
    """From the worker: still there."""


Message = Start | Inspect | Annotate | Ping | Trying | Ready | Inspected | Annotated | Failed | Pong
_KINDS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Start,
        Inspect,
        Annotate,
        Ping,
        Trying,
        Ready,
        Inspected,
        Annotated,
        Failed,
        Pong,
    )
}
_SPILLED = b"spilled"
_INT = array.array("i").itemsize


def send(channel: socket.socket, message: Message, frames: tuple[int, ...] = ()) -> None:
    """Send one message with its frames; the descriptors stay the caller's.

    Raises:
        OSError: the other side is gone, or (non-blocking) does not read.
    """
    text = json.dumps([type(message).__name__, to_json(message)]).encode()
    if len(text) <= MAX_DATAGRAM:
        socket.send_fds(channel, [text], frames)
        return
    spilled = shared_frames.share(text)
    try:
        socket.send_fds(channel, [_SPILLED], (spilled, *frames))
    finally:
        os.close(spilled)


def receive(channel: socket.socket) -> tuple[Message, tuple[int, ...]]:
    """Receive one message with its frames, whose descriptors the caller closes.

    Raises:
        EOFError: the other side is gone.
        ProtocolError: it is no message.
        BlockingIOError: nothing is there (non-blocking).
    """
    try:
        text, beside, flags, _ = channel.recvmsg(
            MAX_DATAGRAM, socket.CMSG_SPACE((MAX_FRAMES + 1) * _INT), socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionError as e:
        raise EOFError(str(e)) from e
    frames = _descriptors(beside)
    try:
        if not text:
            raise EOFError("the other side closed")
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise ProtocolError("a message that is too long")
        if text == _SPILLED:
            text = _unspill(frames)
        return _decode(text), tuple(frames)
    except BaseException:
        close(frames)
        raise


def close(frames: tuple[int, ...] | list[int]) -> None:
    """Close the descriptors."""
    for fd in frames:
        os.close(fd)


def _descriptors(beside: list[tuple[int, int, bytes]]) -> list[int]:
    """By hand, since `socket.recv_fds` leaves them open in every program that is started later."""
    found = array.array("i")
    for level, kind, data in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % _INT])
    return found.tolist()


def _unspill(frames: list[int]) -> bytes:
    if not frames:
        raise ProtocolError("a message without its text")
    fd = frames.pop(0)
    try:
        return shared_frames.read(fd, MAX_MESSAGE)
    except shared_frames.FrameError as e:
        raise ProtocolError(str(e)) from e
    finally:
        os.close(fd)


def _decode(text: bytes) -> Message:
    try:
        kind, body = json.loads(text)
        message: Message = from_json(_KINDS[kind], body)
    except (ValueError, TypeError, KeyError, RecursionError) as e:
        raise ProtocolError(f"not a message: {e}") from e
    return message
