"""The tower's end: what to do with a message, and what to answer. Decides; touches nothing.

Each function gives the next `Step`. The worker does it and comes back with what it found:

    take ─► Keep ─► kept ─► Assemble ─► assembled ─► Store ─► stored ─► Reply

A worker may die after any step and another may be at the same one: every step can be done again,
and the unique key `(device, case, rev, kind, image)` says who was first. The broker is told that a
message has been dealt with after the `Reply`, never before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.bitmap import Bitmap
from sync.messages import (
    Ack,
    Address,
    Ask,
    Busy,
    Chunk,
    Have,
    Header,
    Kind,
    Reject,
    RejectCode,
    Stored,
    Up,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync.errors import WireError

MAX_BYTES = 256 * 1024 * 1024
"""Of a payload, unless the tower says otherwise."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the tower holds already, read before it decides."""

    stored: str | None = None
    """SHA-256 of the payload that is durable under this device and key."""
    quarantined: bool = False
    """Whether this very payload lies in quarantine."""
    have: Bitmap | None = None
    """Chunks of this very payload that are durable in the spool; None where there are none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the device, then tell the broker that the message has been dealt with."""

    ack: Ack
    """What to answer."""
    forget: bool = False
    """Whether the spool of this payload can go."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Make the chunk durable in the spool, look what is there by then, and go on with `kept`."""

    chunk: Chunk
    """What to keep."""


@dataclass(frozen=True, slots=True)
class Assemble:
    """Put the chunks together and go on with `assembled`."""

    header: Header
    """Of the payload."""


@dataclass(frozen=True, slots=True)
class Store:
    """Make it durable, insert it under its key unless something is there; go on with `stored`."""

    header: Header
    """Of the payload."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Put it aside durably, raise the alarm, then do `reply`."""

    header: Header
    """Of the payload."""
    reply: Reply
    """What to answer."""


Step = Reply | Keep | Assemble | Store | Quarantine


def arrived(header: Header, indices: Iterable[int]) -> Have:
    """What may be said of chunks before anything is done with them: that they needn't be in flight.

    It promises nothing. A worker that dies now takes them along; then the answer that is due
    doesn't come, the device asks, and believes the answer to its question alone.
    """
    return Have(header.address, Bitmap.of(header.count, indices))


def take(message: Up, known: Known, max_bytes: int = MAX_BYTES) -> Step:
    """What to do with a message.

    Args:
        message: a chunk or a question.
        known: what is held, for the device of the topic and the address of the message.
        max_bytes: largest payload that is taken.
    """
    header = message.header
    address = header.address
    if settled := _settled(header, known):
        return settled
    if header.size > max_bytes:
        reason = f"{header.size} bytes, at most {max_bytes} are taken"
        return Reply(Reject(address, RejectCode.TOO_LARGE, reason))
    have = known.have or Bitmap(header.count)
    if isinstance(message, Ask):
        return kept(header, have, message.number)
    return kept(header, have) if message.index in have else Keep(message)


def kept(header: Header, have: Bitmap, answers: int | None = None) -> Step:
    """What to do once a chunk is in the spool, which holds `have` by now."""
    return Assemble(header) if have.full else Reply(Have(header.address, have, answers))


def assembled(header: Header, sha256: str) -> Step:
    """What to do with the whole payload, whose SHA-256 is this."""
    address = header.address
    named = address.image if address.kind is Kind.IMAGE else sha256
    if sha256 == address.sha256 == named:
        return Store(header)
    reason = f"the bytes have the SHA-256 {sha256}"
    return Reply(Reject(address, RejectCode.HASH, reason), forget=True)


def stored(header: Header, holds: str) -> Step:
    """What to answer once the tower `holds` a payload of this SHA-256 under the key, durably."""
    if settled := _settled(header, Known(stored=holds)):
        return settled
    return Quarantine(header, Reply(_conflict(header.address), forget=True))


def busy(address: Address, seconds: float) -> Reply:
    """What to answer where the tower can't keep anything now."""
    return Reply(Busy(address, seconds))


def refuse(error: WireError, case: str) -> Reply:
    """What to answer to a message that could not be read."""
    return Reply(Reject(error.address or Address.unreadable(case), error.code, error.reason))


def _settled(header: Header, known: Known) -> Reply | None:
    """The answer that needs no more bytes; None where there is none yet.

    Other bytes under a known key are taken in nonetheless: they go to quarantine whole, so that a
    person can look at both.
    """
    address = header.address
    if known.stored is not None and (known.stored == address.sha256 or address.kind is Kind.THUMB):
        return Reply(Stored(address), forget=True)
    return Reply(_conflict(address), forget=True) if known.quarantined else None


def _conflict(address: Address) -> Reject:
    return Reject(address, RejectCode.CONFLICT, "the tower holds other bytes under this key")
