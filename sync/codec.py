"""Messages to bytes and back: CBOR without tags, strictly.

Up: an array of a header (a map) and the chunk (a byte string, empty in an `Ask`). Down, state and
hint: a map. Every map carries `v`. What later versions may never change is the array, `v`, and the
fields of the address, so that an older tower can answer them.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

import cbor2

from sync.bitmap import Bitmap
from sync.chunks import CHUNK_BYTES
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
)

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MAX_BYTES = CHUNK_BYTES + 4096
"""Of any message; more is refused before it is decoded."""
PLAIN = (str, int, float, bool, bytes, type(None))


def _refuse(*_: object) -> None:
    raise ValueError("a tag")


TAGS = dict.fromkeys(range(300), _refuse)
"""No tag that cbor2 knows is read: references to earlier parts can make a few bytes endless."""


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
    parts = _decode(payload, unreadable)
    if not isinstance(parts, list) or len(parts) < 2 or not isinstance(parts[0], dict):
        raise WireError(RejectCode.MALFORMED, "expected a header and a chunk", unreadable)
    fields = _Fields(parts[0])
    try:
        address = _address(case, fields)
    except ValueError as e:
        _need_version(fields, unreadable)
        raise WireError(RejectCode.MALFORMED, str(e), unreadable) from e
    _need_version(fields, address)
    return _guarded(lambda: _up(address, fields, parts), address)


def _up(address: Address, fields: _Fields, parts: list[Any]) -> Up:
    size, count = fields.take("size", int), fields.take("count", int)
    media_type = fields.take("type", str)
    number, index = fields.take("ask", int, None), fields.take("index", int, None)
    header = Header(address, size, media_type, fields.rest())
    if len(parts) != 2 or not isinstance(parts[1], bytes) or count != header.count:
        raise ValueError("the chunk doesn't go with its header")
    if index is None and number is not None and parts[1] == b"":
        return Ask(header, number)
    if index is None or number is not None:
        raise ValueError("expected either an index or a question")
    return Chunk(header, index, parts[1])


def encode_ack(ack: Ack) -> bytes:
    """What the device hears."""
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
    return cbor2.dumps({**fields, **ack.extra})


def decode_ack(payload: bytes) -> Ack:
    """Read an answer of the tower.

    Raises:
        WireError: it can't be read.
    """
    fields = _fields(payload)
    return _guarded(lambda: _ack(_address(fields.take("case", str), fields), fields), None)


def _ack(address: Address, fields: _Fields) -> Ack:
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


def encode_state(state: State) -> bytes:
    """How a device is."""
    fields = {name: getattr(state, name) for name in STATE_FIELDS}
    return cbor2.dumps({"v": VERSION, **fields, **state.extra})


def decode_state(payload: bytes) -> State:
    """Read it; a field that isn't there has its default.

    Raises:
        WireError: it can't be read.
    """
    fields = _fields(payload)

    def read() -> State:
        known = {name: fields.take(name, kind, None) for name, kind in STATE_FIELDS.items()}
        given = {name: value for name, value in known.items() if value is not None}
        return State(**{"online": False, **given}, extra=fields.rest())

    return _guarded(read, None)


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


def encode_hint(hint: Hint) -> bytes:
    """Look at the release repository."""
    return cbor2.dumps({"v": VERSION, **hint.extra})


def decode_hint(payload: bytes) -> Hint:
    """Read it.

    Raises:
        WireError: it can't be read.
    """
    return Hint(_fields(payload).rest())


class _Fields:
    """The fields of a map, taken one by one; what is left is a later version's."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._left = dict(fields)
        self.version = self._left.pop("v", None)

    def take(self, name: str, kind: type, *default: Any) -> Any:
        value = self._left.pop(name, *default) if default else self._left.pop(name, self)
        if default and value is default[0]:
            return value
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise ValueError(f"{name}: expected {kind.__name__}")
        return value

    def rest(self) -> dict[str, Any]:
        return self._left


def _address(case: str, fields: _Fields) -> Address:
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


def _fields(payload: bytes) -> _Fields:
    fields = _decode(payload, None)
    if not isinstance(fields, dict):
        raise WireError(RejectCode.MALFORMED, "expected a map")
    found = _Fields(fields)
    _need_version(found, None)
    return found


def _need_version(fields: _Fields, address: Address | None) -> None:
    if type(fields.version) is not int or fields.version != VERSION:
        reason = f"version {str(fields.version)[:20]} of the wire, spoken is {VERSION}"
        raise WireError(RejectCode.VERSION, reason, address)


def _decode(payload: bytes, address: Address | None) -> Any:
    if len(payload) > MAX_BYTES:
        raise WireError(RejectCode.MALFORMED, f"{len(payload)} bytes at once", address)
    source = BytesIO(payload)
    try:
        value = cbor2.CBORDecoder(
            source,
            semantic_decoders=TAGS,
            max_depth=8,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        ).decode()
    except (cbor2.CBORDecodeError, ValueError, OverflowError, MemoryError) as e:
        raise WireError(RejectCode.MALFORMED, f"no CBOR: {e}", address) from e
    if source.tell() != len(payload) or not _plain(value):
        raise WireError(RejectCode.MALFORMED, "more than plain CBOR", address)
    return value


def _plain(value: Any) -> bool:
    """Whether it is made of maps with text for keys, lists and scalars: no tags, no sets."""
    if isinstance(value, dict):
        return all(type(key) is str and _plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_plain(item) for item in value)
    return type(value) in PLAIN


def _guarded(read: Callable[[], T], address: Address | None) -> T:
    try:
        return read()
    except ValueError as e:
        raise WireError(RejectCode.MALFORMED, str(e), address) from e
