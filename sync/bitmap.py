"""Which chunks of a parcel are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A set of chunk numbers below `count`; on the wire bit i is bit i % 8 of byte i // 8."""

    count: int
    """Chunks of the whole parcel, at least 1."""
    bits: int = 0
    """Bit i is set where chunk i is there."""

    def __post_init__(self) -> None:
        """Refuse bits of chunks that don't exist."""
        if self.count < 1 or not 0 <= self.bits < 1 << self.count:
            raise ValueError(f"not a bitmap of {self.count} chunks")

    @classmethod
    def of(cls, count: int, indices: Iterable[int]) -> Bitmap:
        """The bitmap of these chunks.

        Raises:
            ValueError: one of them is not below `count`.
        """
        bits = 0
        for index in indices:
            bits |= 1 << index
        return cls(count, bits)

    @classmethod
    def from_bytes(cls, count: int, data: bytes) -> Bitmap:
        """Read it from the wire.

        Raises:
            ValueError: it isn't one of `count` chunks.
        """
        if len(data) != (count + 7) // 8:
            raise ValueError(f"not a bitmap of {count} chunks")
        return cls(count, int.from_bytes(data, "little"))

    def to_bytes(self) -> bytes:
        """As the wire has it: (count + 7) // 8 bytes."""
        return self.bits.to_bytes((self.count + 7) // 8, "little")

    def __contains__(self, index: object) -> bool:
        """Whether this chunk is there."""
        return isinstance(index, int) and index >= 0 and bool(self.bits >> index & 1)

    def __or__(self, other: Bitmap) -> Bitmap:
        """What is in either."""
        return Bitmap(self.count, self.bits | other.bits)

    def plus(self, index: int) -> Bitmap:
        """With this chunk too."""
        return Bitmap(self.count, self.bits | 1 << index)

    @property
    def full(self) -> bool:
        """Whether every chunk is there."""
        return self.bits == (1 << self.count) - 1

    def missing(self) -> Iterator[int]:
        """The chunks that are not there, in order."""
        return (index for index in range(self.count) if index not in self)
