"""CBOR without tags, read strictly: maps with text for keys, lists and scalars, each once."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

import cbor2

from sync.chunks import CHUNK_BYTES
from sync.errors import WireError
from sync.messages import VERSION, Address, RejectCode

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MAX_BYTES = CHUNK_BYTES + 4096
"""Of any message; more is refused before it is decoded."""
PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


def _refuse(*_: object) -> None:
    raise ValueError("a tag")


TAGS = dict.fromkeys(range(300), _refuse)
"""No tag that cbor2 knows is read: references to earlier parts can make a few bytes endless."""


class Fields:
    """The fields of a map, taken one by one; what is left is a later version's."""

    def __init__(self, fields: dict[str, Any]) -> None:
        """Take the version out; the others wait."""
        self._left = dict(fields)
        self.version = self._left.pop("v", None)

    def __contains__(self, name: str) -> bool:
        """Whether a field is there and not taken yet."""
        return name in self._left

    def take(self, name: str, kind: type, *default: Any) -> Any:
        """Take a field of this kind; one that isn't there has the default, where one is given.

        Raises:
            ValueError: it is missing, or of another kind.
        """
        value = self._left.pop(name, *default) if default else self._left.pop(name, self)
        if default and value is default[0]:
            return value
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise ValueError(f"{name}: expected {kind.__name__}")
        return value

    def rest(self) -> dict[str, Any]:
        """What nobody took."""
        return self._left


def read_map(payload: bytes) -> Fields:
    """The fields of a message that is a map of this version.

    Raises:
        WireError: it is something else.
    """
    return as_fields(decode(payload, None))


def as_fields(fields: Any) -> Fields:
    """The same of what has been decoded already.

    Raises:
        WireError: it is something else.
    """
    if not isinstance(fields, dict):
        raise WireError(RejectCode.MALFORMED, "expected a map")
    found = Fields(fields)
    need_version(found, None)
    return found


def need_version(fields: Fields, address: Address | None) -> None:
    """Raise `WireError` unless it is this version of the wire."""
    if type(fields.version) is not int or fields.version != VERSION:
        reason = f"version {str(fields.version)[:20]} of the wire, spoken is {VERSION}"
        raise WireError(RejectCode.VERSION, reason, address)


def decode(payload: bytes, address: Address | None) -> Any:
    """Read CBOR; what is no message of ours raises `WireError` about this address."""
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


def guarded(read: Callable[[], T], address: Address | None) -> T:
    """What `read` makes of the fields; a `ValueError` of it becomes a `WireError`."""
    try:
        return read()
    except ValueError as e:
        raise WireError(RejectCode.MALFORMED, str(e), address) from e


def _plain(value: Any) -> bool:
    """Whether it is made of maps with text for keys, lists and scalars: no tags, no sets."""
    level = [value]
    while level:
        deeper: list[Any] = []
        for one in level:
            kind = type(one)
            if kind is dict and all(type(key) is str for key in one):
                deeper += one.values()
            elif kind is list:
                deeper += one
            elif kind not in PLAIN:
                return False
        level = deeper
    return True
