"""What device and tower say to each other.

Fields that this version doesn't know are kept in `extra` and sent on as they came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sync.bitmap import Bitmap
from sync.chunks import count_of, span

VERSION = 1
HEX = re.compile(r"[0-9a-f]{64}")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,64}")
Extra = Mapping[str, Any]


class Kind(StrEnum):
    """What a parcel holds."""

    CASE = "case"
    """A revision of the case, as JSON; see `sync.payload`."""
    THUMB = "thumb"
    """The thumbnail of one of its photos: made from it, so the first one that arrives stands."""
    IMAGE = "image"
    """One of its photos."""


class RejectCode(StrEnum):
    """Why the tower refuses a parcel for good."""

    VERSION = "version"
    """The tower doesn't speak this version of the wire."""
    MALFORMED = "malformed"
    """The message is not what this version says it should be."""
    TOO_LARGE = "too_large"
    """More bytes than the tower takes."""
    HASH = "hash"
    """The bytes are not what their SHA-256 says."""
    CONFLICT = "conflict"
    """The tower holds other bytes under this key; these went to quarantine."""


@dataclass(frozen=True, slots=True)
class Address:
    """Which parcel; unique on one device."""

    case: str
    """Id of the case."""
    rev: int
    """Its revision, from 1; 0 in an answer to a message that could not be read that far."""
    kind: Kind | None
    """What the parcel holds; None in such an answer."""
    image: str
    """SHA-256 of the photo, hex; "" for a case."""
    sha256: str
    """SHA-256 of the payload, hex; "" in such an answer."""

    def __post_init__(self) -> None:
        """Refuse an address that is neither whole nor unreadable."""
        if self.kind is None:
            whole = (self.rev, self.image, self.sha256) == (0, "", "")
        else:
            photo = self.image == "" if self.kind is Kind.CASE else bool(HEX.fullmatch(self.image))
            whole = self.rev >= 1 and photo and bool(HEX.fullmatch(self.sha256))
        if not whole:
            raise ValueError(f"not the address of a parcel: {self}")

    @classmethod
    def unreadable(cls, case: str) -> Address:
        """What can be said of a message of which only the topic could be read."""
        return cls(case, 0, None, "", "")

    @property
    def key(self) -> tuple[str, int, str, str]:
        """Under which the tower holds one payload at most, for each device."""
        return (self.case, self.rev, "" if self.kind is None else self.kind.value, self.image)

    def covers(self, other: Address) -> bool:
        """Whether what is said about this address is said about `other`."""
        return self == other or (self.kind is None and self.case == other.case)


@dataclass(frozen=True, slots=True)
class Header:
    """What every message about a parcel says of it."""

    address: Address
    """Which one."""
    size: int
    """Of the whole payload, bytes."""
    media_type: str
    """Of the payload: application/json, image/jpeg, …."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""
    many: bool = False
    """Whether the sender reads several answers in one message; those of before don't."""

    def __post_init__(self) -> None:
        """Refuse a size that is none and a type that is none."""
        if self.size < 0 or not MEDIA_TYPE.fullmatch(self.media_type):
            raise ValueError(f"not a payload: {self.size} bytes of {self.media_type!r}")

    @property
    def count(self) -> int:
        """Chunks of the whole payload."""
        return count_of(self.size)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up: a part of a payload."""

    header: Header
    """Of the parcel."""
    index: int
    """Which chunk, from 0."""
    data: bytes
    """Its bytes, just as many as `sync.chunks` says."""

    def __post_init__(self) -> None:
        """Refuse a chunk that doesn't fit its place."""
        if len(self.data) != span(self.header.size, self.index)[1]:
            raise ValueError(f"chunk {self.index} has {len(self.data)} bytes")


@dataclass(frozen=True, slots=True)
class Ask:
    """Up: what is there of this parcel? Sent before anything is sent a second time."""

    header: Header
    """Of the parcel."""
    number: int
    """Comes back in the answer."""


Up = Chunk | Ask


@dataclass(frozen=True, slots=True)
class Stored:
    """Down: it is durable on the tower; the device may forget that it has to send it."""

    address: Address
    """Which parcel."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""


@dataclass(frozen=True, slots=True)
class Have:
    """Down: these chunks are there."""

    address: Address
    """Of which parcel."""
    chunks: Bitmap
    """Which ones."""
    answers: int | None = None
    """Number of the `Ask` that this answers; None where a chunk was the occasion."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Down: not now; nothing of what came was kept."""

    address: Address
    """What came."""
    seconds: float
    """How long to send nothing at all."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        if not 0 <= self.seconds < math.inf:
            raise ValueError(f"{self.seconds} seconds")


@dataclass(frozen=True, slots=True)
class Reject:
    """Down: never; a person has to look."""

    address: Address
    """Which parcel."""
    code: str
    """A `RejectCode`, or one of a later version."""
    reason: str = ""
    """In words."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""


Ack = Stored | Have | Busy | Reject


@dataclass(frozen=True, slots=True)
class Wish:
    """Down, retained: compare both ends now. Whoever has followed this number needn't again."""

    number: int
    """Higher than that of any wish before: seconds since 1970."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""


@dataclass(frozen=True, slots=True)
class State:
    """How a device is; retained, and `online=False` is its Last Will."""

    online: bool
    """False once the broker lost it."""
    at: float = 0.0
    """Wall time of the device, seconds since 1970; 0 in a Last Will."""
    clock_ok: bool = True
    """False: the device doesn't trust its wall clock."""
    boot: str = ""
    """Id of its boot."""
    software: str = ""
    """Version of the program."""
    cases: int = 0
    """Cases of which something is only on the device."""
    parcels: int = 0
    """Parcels that wait."""
    size: int = 0
    """Their bytes, about."""
    dead: int = 0
    """Parcels that the tower refused."""
    last_seq: int = 0
    """The highest number that it gave to a case: what is missing below it is a gap."""
    lost: int = 0
    """Cases and photos that a comparison found on neither end."""
    compared: float = 0.0
    """When both ends were compared last, seconds since 1970; 0: never."""
    disk_free: int | None = None
    """Bytes free on the disk of its cases; None: not known."""
    temperature: float | None = None
    """Of the processor, °C; None: not known."""
    throttled: int | None = None
    """What slows a Pi down, as `vcgencmd get_throttled` has it; None: not known."""
    models: Mapping[str, str] = field(default_factory=dict)
    """profile/role → id@version of what looks at photos."""
    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""


@dataclass(frozen=True, slots=True)
class Hint:
    """Look at the release repository; what is there is signed, this is not."""

    extra: Extra = field(default_factory=dict)
    """Fields of a later version."""
