"""Messages to bytes and back: CBOR without tags, strictly.

Up: an array of a header (a map) and the chunk (a byte string, empty in an `Ask`). Down, state and
hint: a map. Every map carries `v`. What later versions may never change is the array, `v`, and the
fields of the address, so that an older tower can answer them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import cbor2

from sync.bitmap import Bitmap
from sync.cbor import MAX_BYTES, Fields, as_fields, decode, guarded, need_version, read_map
from sync.digest_codec import encode_answer, is_answer, read_answer
from sync.digests import Answer, Differ, Held
from sync.errors import WireError
from sync.messages import (
    VERSION,
    Ack,
    Address,
    Ask,
    Busy,
    Chunk,
    Have,
    Header,
    Hint,
    Kind,
    Reject,
    RejectCode,
    State,
    Stored,
    Up,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 100
"""Answers in one message; each has some 160 bytes, with a long reason 500."""

__all__ = [
    "MAX_BYTES",
    "decode_ack",
    "decode_down",
    "decode_downs",
    "decode_hint",
    "decode_state",
    "decode_up",
    "encode_ack",
    "encode_down",
    "encode_downs",
    "encode_hint",
    "encode_state",
    "encode_up",
    "encode_wish",
]


def encode_up(message: Up) -> bytes:
    """The payload of an up message; its topic carries the device and the case."""
    header, address = message.header, message.header.address
    fields: dict[str, Any] = {
        "v": VERSION,
        "rev": address.rev,
        "kind": "" if address.kind is None else address.kind.value,
        "image": bytes.fromhex(address.image),
        "sha256": bytes.fromhex(address.sha256),
        "size": header.size,
        "count": header.count,
        "type": header.media_type,
    }
    fields |= {"many": True} if header.many else {}
    if isinstance(message, Ask):
        fields["ask"], data = message.number, b""
    else:
        fields["index"], data = message.index, message.data
    return cbor2.dumps([fields | dict(header.extra), data])


def decode_up(case: str, payload: bytes) -> Up:
    """Read an up message.

    Args:
        case: the one in the topic.
        payload: the message.

    Raises:
        WireError: it can't be taken; its `address` is the parcel's, as far as it could be read.
    """
    unreadable = Address.unreadable(case)
    parts = decode(payload, unreadable)
    if not isinstance(parts, list) or len(parts) < 2 or not isinstance(parts[0], dict):
        raise WireError(RejectCode.MALFORMED, "expected a header and a chunk", unreadable)
    fields = Fields(parts[0])
    try:
        address = _address(case, fields)
    except ValueError as e:
        need_version(fields, unreadable)
        raise WireError(RejectCode.MALFORMED, str(e), unreadable) from e
    need_version(fields, address)
    return guarded(lambda: _up(address, fields, parts), address)


def _up(address: Address, fields: Fields, parts: list[Any]) -> Up:
    size, count = fields.take("size", int), fields.take("count", int)
    media_type = fields.take("type", str)
    number, index = fields.take("ask", int, None), fields.take("index", int, None)
    many = fields.take("many", bool, False)
    header = Header(address, size, media_type, fields.rest(), many)
    if len(parts) != 2 or not isinstance(parts[1], bytes) or count != header.count:
        raise ValueError("the chunk doesn't go with its header")
    if index is None and number is not None and parts[1] == b"":
        return Ask(header, number)
    if index is None or number is not None:
        raise ValueError("expected either an index or a question")
    return Chunk(header, index, parts[1])


def encode_ack(ack: Ack) -> bytes:
    """What the device hears."""
    return cbor2.dumps(_ack_fields(ack))


def _ack_fields(ack: Ack) -> dict[str, Any]:
    fields: dict[str, Any] = {"v": VERSION, **_address_fields(ack.address)}
    if isinstance(ack, Stored):
        fields["stored"] = True
    elif isinstance(ack, Have):
        fields |= {"have": ack.chunks.to_bytes(), "count": ack.chunks.count}
        fields |= {} if ack.answers is None else {"ask": ack.answers}
    elif isinstance(ack, Busy):
        fields["busy"] = ack.seconds
    else:
        fields |= {"reject": str(ack.code), "reason": ack.reason}
    return {**fields, **ack.extra}


def decode_ack(payload: bytes) -> Ack:
    """Read an answer of the tower.

    Raises:
        WireError: it can't be read.
    """
    fields = read_map(payload)
    return guarded(lambda: _ack(_address(fields.take("case", str), fields), fields), None)


def _ack(address: Address, fields: Fields) -> Ack:
    if fields.take("stored", bool, None):
        return Stored(address, fields.rest())
    have = fields.take("have", bytes, None)
    if have is not None:
        chunks = Bitmap.from_bytes(fields.take("count", int), have)
        return Have(address, chunks, fields.take("ask", int, None), fields.rest())
    busy = fields.take("busy", float, None)
    if busy is not None:
        return Busy(address, busy, fields.rest())
    code, reason = fields.take("reject", str), fields.take("reason", str, "")
    return Reject(address, code, reason, fields.rest())


def encode_down(message: Ack | Answer) -> bytes:
    """Whatever the tower says to one device."""
    if isinstance(message, Differ | Held):
        return encode_answer(message)
    return encode_ack(message)


def decode_down(payload: bytes) -> Ack | Answer:
    """Read whatever the tower says to one device.

    Raises:
        WireError: it can't be read.
    """
    fields = read_map(payload)
    return guarded(lambda: _down(fields), None)


def _down(fields: Fields) -> Ack | Answer:
    if is_answer(fields):
        return read_answer(fields)
    return _ack(_address(fields.take("case", str), fields), fields)


def encode_downs(acks: Sequence[Ack]) -> bytes:
    """Several answers at once, at most `MANY`, for a device that said it reads `many`."""
    return cbor2.dumps([_ack_fields(ack) for ack in acks])


def encode_wish(wish: Wish) -> bytes:
    """Compare both ends now."""
    return cbor2.dumps({"v": VERSION, "wish": wish.number, **wish.extra})


def decode_downs(payload: bytes) -> list[Ack | Answer | Wish]:
    """Read a message of the tower to one device, whether it holds one answer or several.

    Raises:
        WireError: it can't be read.
    """
    found = decode(payload, None)
    maps = found if isinstance(found, list) else [found]
    return [guarded(partial(_down_or_wish, as_fields(each)), None) for each in maps]


def _down_or_wish(fields: Fields) -> Ack | Answer | Wish:
    if "wish" in fields:
        return Wish(fields.take("wish", int), fields.rest())
    return _down(fields)


def encode_state(state: State) -> bytes:
    """How a device is."""
    fields = {name: getattr(state, name) for name in STATE_FIELDS}
    plain = State(online=False)
    more = {name: getattr(state, name) for name in LATER_FIELDS}
    more = {name: value for name, value in more.items() if value != getattr(plain, name)}
    return cbor2.dumps({"v": VERSION, **fields, **more, **state.extra})


def decode_state(payload: bytes) -> State:
    """Read it; a field that isn't there has its default.

    Raises:
        WireError: it can't be read.
    """
    fields = read_map(payload)

    def read() -> State:
        kinds = STATE_FIELDS | LATER_FIELDS
        known = {name: fields.take(name, kind, None) for name, kind in kinds.items()}
        if any(type(ref) is not str for ref in (known["models"] or {}).values()):
            raise ValueError("models: expected text")
        given = {name: value for name, value in known.items() if value is not None}
        return State(**{"online": False, **given}, extra=fields.rest())

    return guarded(read, None)


STATE_FIELDS: dict[str, type] = {
    "online": bool,
    "at": float,
    "clock_ok": bool,
    "boot": str,
    "software": str,
    "cases": int,
    "parcels": int,
    "size": int,
    "dead": int,
}
"""What every state says."""
LATER_FIELDS: dict[str, type] = {
    "last_seq": int,
    "lost": int,
    "compared": float,
    "disk_free": int,
    "temperature": float,
    "throttled": int,
    "models": dict,
}
"""What a state says where there is something to say."""


def encode_hint(hint: Hint) -> bytes:
    """Look at the release repository."""
    return cbor2.dumps({"v": VERSION, **hint.extra})


def decode_hint(payload: bytes) -> Hint:
    """Read it.

    Raises:
        WireError: it can't be read.
    """
    return Hint(read_map(payload).rest())


def _address(case: str, fields: Fields) -> Address:
    kind = fields.take("kind", str)
    rev, image = fields.take("rev", int), fields.take("image", bytes)
    sha256 = fields.take("sha256", bytes)
    return Address(case, rev, Kind(kind) if kind else None, image.hex(), sha256.hex())


def _address_fields(address: Address) -> dict[str, Any]:
    return {
        "case": address.case,
        "rev": address.rev,
        "kind": "" if address.kind is None else address.kind.value,
        "image": bytes.fromhex(address.image),
        "sha256": bytes.fromhex(address.sha256),
    }
