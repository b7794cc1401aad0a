"""What daemon and camera process say to each other over a pair of pipes.

A message is a length (4 bytes, big endian), that many bytes of JSON, and then `size` bytes of
picture where the JSON has a `size`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LENGTH = struct.Struct(">I")
MAX_HEADER = 64 * 1024
"""Bytes of JSON."""
MAX_PICTURE = 64 * 1024 * 1024
"""Bytes of a picture."""


class BadMessageError(Exception):
    """The other side sent what no sane one would."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, either way."""

    words: Mapping[str, Any] = field(default_factory=dict)
    """JSON; `size` is the picture's and set by `encode`."""
    picture: bytes = b""
    """JPEG, or grey pixels."""


def encode(message: Message) -> bytes:
    """Turn a message into bytes."""
    text = json.dumps({**message.words, "size": len(message.picture)}).encode()
    return LENGTH.pack(len(text)) + text + message.picture


def decode(read: Callable[[int], bytes]) -> Message:
    """Read one message.

    Args:
        read: gives exactly so many bytes.

    Raises:
        BadMessageError: it is none.
        EOFError: `read` says that the other side is gone.
    """
    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > MAX_HEADER:
        raise BadMessageError(f"a header of {length} bytes")
    try:
        words = json.loads(read(length))
        size = int(words.pop("size"))
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise BadMessageError(f"no message: {e}") from e
    if not 0 <= size <= MAX_PICTURE:
        raise BadMessageError(f"a picture of {size} bytes")
    return Message(words, read(size))
