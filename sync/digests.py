"""Do both ends hold the same? The words of a comparison, and what is hashed. Touches nothing.

A *leaf* says what the tower holds of the case with one number: its newest revision, and which of
its photos and thumbnails. A digest of a range of numbers is the hash of its leaves. The device asks
about wide ranges (`Compare`), hears which of them differ (`Differ`), splits these, and asks about
single parcels where a range has become narrow (`Check`, `Held`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.messages import HEX, Extra, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDE = 1024
"""Numbers of a range that a comparison begins with."""
FAN = 8
"""Into how many a range that differs is split."""
NARROW = 16
"""Numbers of a range that is split no further."""
MAX_RANGES = 128
"""Of one question."""
MAX_WIDTH = 8 * WIDE
"""Numbers that one question is about: what the tower looks up at once."""
MAX_ITEMS = 256
"""Parcels that one question is about."""
LEAF_BYTES = 32
MAX_SEQ = 1 << 53
"""What every JSON reader can hold."""
MAX_REV = (1 << 31) - 1
"""What every database can hold."""
CASE = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of cases."""

    first: int
    """At least 1."""
    last: int
    """Still inside."""

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not 1 <= self.first <= self.last <= MAX_SEQ:
            raise ValueError(f"not a range: {self.first} to {self.last}")

    @property
    def width(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1

    @property
    def narrow(self) -> bool:
        """Whether it is split no further."""
        return self.width <= NARROW

    def split(self) -> tuple[Range, ...]:
        """The same numbers in at most `FAN` ranges, none below `NARROW` but the last."""
        step = max(NARROW, -(-self.width // FAN))
        begins = range(self.first, self.last + 1, step)
        return tuple(Range(first, min(first + step - 1, self.last)) for first in begins)


def wide_ranges(blocks: Iterable[int]) -> tuple[Range, ...]:
    """The ranges that these blocks of `WIDE` numbers are; block 0 begins with number 1."""
    return tuple(Range(block * WIDE + 1, (block + 1) * WIDE) for block in blocks)


@dataclass(frozen=True, slots=True)
class Sum:
    """What one end believes the tower to hold in a range."""

    range: Range
    """Which numbers."""
    count: int
    """How many of them have a leaf."""
    digest: bytes
    """SHA-256 of these leaves, see `sum_of`."""

    def __post_init__(self) -> None:
        """Refuse what was never summed."""
        if not 0 <= self.count <= self.range.width or len(self.digest) != LEAF_BYTES:
            raise ValueError("not the sum of a range")


@dataclass(frozen=True, slots=True)
class Content:
    """What is held of one case."""

    case: str
    """Its id."""
    rev: int
    """Its newest revision."""
    sha256: str
    """Of that revision's payload, hex; "" for a case that people removed for good."""
    images: frozenset[str] = frozenset()
    """SHA-256 of the photos that are there, hex."""
    thumbs: frozenset[str] = frozenset()
    """SHA-256 of the photos whose thumbnails are there, hex; theirs are not hashed."""


def leaf(contents: Iterable[Content]) -> bytes:
    """What stands for the cases of one number; there is more than one only after an accident."""
    found = hashlib.sha256()
    for one in sorted(contents, key=lambda content: content.case):
        words = [one.case, str(one.rev), one.sha256]
        words += [f"image {sha256}" for sha256 in sorted(one.images)]
        words += [f"thumb {sha256}" for sha256 in sorted(one.thumbs)]
        found.update("\n".join(words).encode() + b"\0")
    return found.digest()


def sum_of(within: Range, leaves: Iterable[tuple[int, bytes]]) -> Sum:
    """The sum of the leaves of a range: pairs of number and leaf, by number."""
    count, found = 0, hashlib.sha256()
    for seq, one in leaves:
        count += 1
        found.update(seq.to_bytes(8, "big") + one)
    return Sum(within, count, found.digest())


@dataclass(frozen=True, slots=True)
class Item:
    """A parcel that the device would send again if the tower didn't hold it."""

    case: str
    """Id of the case."""
    rev: int
    """Its revision; of a photo and a thumbnail, any revision counts."""
    kind: Kind
    """What it holds."""
    sha256: str
    """Hex: of a case's payload; of the photo, also where this is its thumbnail."""

    def __post_init__(self) -> None:
        """Refuse what names no parcel."""
        whole = CASE.fullmatch(self.case) and HEX.fullmatch(self.sha256)
        if not whole or not 1 <= self.rev <= MAX_REV:
            raise ValueError(f"not a parcel: {self}")


@dataclass(frozen=True, slots=True)
class Compare:
    """Up: which of these ranges are not the same on the tower?"""

    number: int
    """Comes back in the answer."""
    sums: tuple[Sum, ...]
    """At least one, together at most `MAX_WIDTH` numbers."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""

    def __post_init__(self) -> None:
        """Refuse what would be too much at once."""
        wide = sum(one.range.width for one in self.sums)
        if not 1 <= len(self.sums) <= MAX_RANGES or wide > MAX_WIDTH or self.number < 0:
            raise ValueError(f"{len(self.sums)} ranges of {wide} numbers")


@dataclass(frozen=True, slots=True)
class Check:
    """Up: which of these parcels does the tower not hold, and what else is there?"""

    number: int
    """Comes back in the answer."""
    range: Range
    """The numbers it is about; a narrow one."""
    items: tuple[Item, ...]
    """Everything that the device could send of these."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""

    def __post_init__(self) -> None:
        """Refuse what would be too much at once."""
        if not self.range.narrow or len(self.items) > MAX_ITEMS or self.number < 0:
            raise ValueError(f"{len(self.items)} parcels of {self.range.width} numbers")


Question = Compare | Check


@dataclass(frozen=True, slots=True)
class Differ:
    """Down: these ranges are not the same here; the others are."""

    number: int
    """Of the question."""
    counts: tuple[tuple[int, int], ...]
    """Index of the range in the question, and how many numbers have a leaf here."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""


@dataclass(frozen=True, slots=True)
class Held:
    """Down: what of the parcels is not here, and the leaves of the range as they are here."""

    number: int
    """Of the question."""
    missing: tuple[int, ...]
    """Indices of the question's parcels."""
    leaves: tuple[tuple[int, bytes], ...]
    """Number and leaf, by number."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""

    def __post_init__(self) -> None:
        """Refuse leaves that are none."""
        if any(len(one) != LEAF_BYTES for _, one in self.leaves):
            raise ValueError("not a leaf")


Answer = Differ | Held


def compare(number: int, asked: Sequence[Sum], here: Sequence[Sum]) -> Differ:
    """What the tower answers: the ranges whose sums, asked and here, are not the same."""
    pairs = enumerate(zip(asked, here, strict=True))
    return Differ(number, tuple((n, mine.count) for n, (theirs, mine) in pairs if theirs != mine))
