"""Walks the wire format of protocol buffers, safely on whatever bytes it is given.

Enough to look into somebody's ONNX file before any library loads it: fields are found and skipped,
nothing is copied, nothing is trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}


class MalformedError(ValueError):
    """These bytes are not what they are said to be, or are made to waste time."""


class Budget:
    """How many fields may be looked at: a file of nothing but tiny fields would take minutes."""

    def __init__(self, fields: int = 1_000_000) -> None:
        """Allow that many."""
        self._left = fields

    def spend(self) -> None:
        """Count one.

        Raises:
            MalformedError: that was one too many.
        """
        self._left -= 1
        if self._left < 0:
            raise MalformedError("more fields than any model has")


def fields(data: memoryview, budget: Budget) -> Iterator[tuple[int, int | memoryview]]:
    """Go through the fields of one message.

    Yields:
        Field number, and the value: an integer for varints, the bytes for everything else.

    Raises:
        MalformedError: the bytes end early, or hold what no current writer writes.
    """
    at, end = 0, len(data)
    while at < end:
        budget.spend()
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise MalformedError("field number 0")
        if wire == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            size, at = varint(data, at)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise MalformedError(f"wire type {wire}")
        if size > end - at:
            raise MalformedError("a field is longer than its message")
        yield number, data[at : at + size]
        at += size


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """Read one varint.

    Returns:
        Its value (unsigned, 64 bits) and where the next byte is.

    Raises:
        MalformedError: it doesn't end.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise MalformedError("a number ends early")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise MalformedError("a number is longer than ten bytes")


def packed(value: int | memoryview) -> list[int]:
    """The varints of a repeated field, packed or one at a time.

    Raises:
        MalformedError: a packed one ends early, or has more than 64 numbers.
    """
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(number)
        if len(found) > 64:
            raise MalformedError("a list longer than 64")
    return found


def text(value: int | memoryview) -> str:
    """A string field; what isn't UTF-8 is replaced.

    Raises:
        MalformedError: it is no string, or longer than a mebibyte.
    """
    return bytes(message(value, limit=1 << 20)).decode("utf-8", errors="replace")


def message(value: int | memoryview, limit: int | None = None) -> memoryview:
    """An embedded message.

    Raises:
        MalformedError: it is a number, or longer than `limit` bytes.
    """
    if isinstance(value, int):
        raise MalformedError("a number where a message should be")
    if limit is not None and len(value) > limit:
        raise MalformedError("a text longer than a mebibyte")
    return value
