"""How a payload is cut: every chunk but the last has `CHUNK_BYTES` bytes."""

from __future__ import annotations

CHUNK_BYTES = 64 * 1024
"""Most payload bytes of one message."""


def count_of(size: int) -> int:
    """How many chunks a payload of `size` bytes has; an empty one has one, which is empty."""
    return max(1, -(-size // CHUNK_BYTES))


def span(size: int, index: int) -> tuple[int, int]:
    """Where chunk `index` of a payload of `size` bytes lies: offset and length, bytes.

    Raises:
        ValueError: there is no such chunk.
    """
    if not 0 <= index < count_of(size):
        raise ValueError(f"{size} bytes have no chunk {index}")
    offset = index * CHUNK_BYTES
    return offset, min(CHUNK_BYTES, size - offset)


def cut(payload: bytes, index: int) -> bytes:
    """Chunk `index` of a payload."""
    offset, length = span(len(payload), index)
    return payload[offset : offset + length]
