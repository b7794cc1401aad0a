"""Frozen dataclasses to JSON values and back, strictly, with the standard library alone.

A word that can be made from JSON validates itself in `__post_init__`; this module only sees to it
that every field is there, is known and has the right type, and says which one is wrong.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class InvalidWordError(ValueError):
    """What was given can't be made into this word; the message names the field and the reason."""


def require(condition: bool, field: str, expected: str, got: object = None) -> None:
    """Raise `InvalidWordError` naming `field` unless `condition` holds."""
    if not condition:
        detail = "" if got is None else f", got {got!r}"
        raise InvalidWordError(f"{field}: expected {expected}{detail}")


def to_json(value: Any) -> Any:
    """Turn a word (or a tuple, mapping or plain value of words) into what `json.dumps` takes."""
    if type(value) in PLAIN:
        return value
    names = _names(typing.cast("Any", type(value)))
    if names is not None:
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(v) for v in value]
    return _scalar_to_json(value)


def _scalar_to_json(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


PLAIN = frozenset({str, int, float, bool, type(None)})
"""What is JSON already."""


@cache
def _names(cls: type[Any]) -> tuple[str, ...] | None:
    """The fields of a word; None for what is no word."""
    if not dataclasses.is_dataclass(cls):
        return None
    return tuple(field.name for field in dataclasses.fields(cls))


def from_json(cls: type[T], data: Any, where: str = "") -> T:
    """Make a `cls` from a JSON value.

    Args:
        cls: a frozen dataclass.
        data: what `json.loads` gave.
        where: the path to `data`, for messages.

    Raises:
        InvalidWordError: a field is missing, unknown, of the wrong type, or out of its range.
    """
    try:
        return typing.cast("T", _reader(typing.cast("Any", cls))(data))
    except _MisfitError as e:
        raise InvalidWordError(f"{where or cls.__name__}{e.path}: {e.reason}") from None


Reader = Callable[[Any], Any]
"""Makes a value of one type from a JSON value; raises `_MisfitError`."""


class _MisfitError(Exception):
    """A value doesn't fit; the path to it grows on the way up, so a good value costs nothing."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def _misfit(expected: str, got: object) -> _MisfitError:
    return _MisfitError(f"expected {expected}" + ("" if got is None else f", got {got!r}"))


@cache  # a type is looked into once; lists of cases are read by the hundred
def _reader(hint: Any) -> Reader:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is not None:
        return _of_parts(origin, args)
    if dataclasses.is_dataclass(hint):
        return _word(typing.cast("type[Any]", hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _one_of(tuple(m.value for m in hint), hint)
    return _scalar(hint)


def _of_parts(origin: Any, args: tuple[Any, ...]) -> Reader:
    if origin in (typing.Union, types.UnionType):
        return _union(args)
    if origin is tuple:
        return _many(_reader(args[0])) if args[-1] is Ellipsis else _fixed(args)
    if origin is typing.Literal:
        return _one_of(args, lambda value: value)
    if issubclass(origin, Mapping):
        return _mapping(_reader(args[1]))
    return _scalar(origin)


def _word(cls: type[Any]) -> Reader:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    plan: list[tuple[str, Reader, bool]] = []

    def read(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise _misfit("an object", data)
        if not plan:  # made here and not above: a word may hold words of its own kind
            hints = typing.get_type_hints(cls)
            plan.extend((n, _reader(hints[n]), _needed(f)) for n, f in fields.items())
        if unknown := data.keys() - fields.keys():
            raise _misfit(f"only the fields {sorted(fields)}", sorted(unknown))
        return cls(**_values(plan, data))

    return read


def _values(plan: list[tuple[str, Reader, bool]], data: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, reader, needed in plan:
        if name in data:
            try:
                values[name] = reader(data[name])
            except _MisfitError as e:
                raise _MisfitError(e.reason, f".{name}{e.path}") from None
        elif needed:
            raise _MisfitError("missing", f".{name}")
    return values


def _needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _many(inner: Reader) -> Reader:
    def read(value: Any) -> Any:
        return tuple(_items(value, [inner] * _length(value)))

    return read


def _fixed(hints: tuple[Any, ...]) -> Reader:
    readers = [_reader(hint) for hint in hints]

    def read(value: Any) -> Any:
        if _length(value) != len(readers):
            raise _misfit(f"{len(readers)} items", value)
        return tuple(_items(value, readers))

    return read


def _length(value: Any) -> int:
    if not isinstance(value, (list, tuple)):
        raise _misfit("a list", value)
    return len(value)


def _items(values: Any, readers: list[Reader]) -> list[Any]:
    made: list[Any] = []
    try:
        for reader, value in zip(readers, values, strict=True):
            made.append(reader(value))
    except _MisfitError as e:
        raise _MisfitError(e.reason, f"[{len(made)}]{e.path}") from None
    return made


def _mapping(inner: Reader) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _misfit("an object", value)
        made = {}
        for key, item in value.items():
            try:
                made[str(key)] = inner(item)
            except _MisfitError as e:
                raise _MisfitError(e.reason, f".{key}{e.path}") from None
        return made

    return read


def _union(args: tuple[Any, ...]) -> Reader:
    readers = [_reader(arg) for arg in args if arg is not type(None)]
    optional = type(None) in args

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        problem: Exception | None = None
        for reader in readers:
            try:
                return reader(value)
            except (_MisfitError, InvalidWordError) as e:
                problem = problem or e
        raise problem or _misfit("null", value)

    return read


def _one_of(allowed: tuple[Any, ...], make: Reader) -> Reader:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise _misfit(f"one of {list(allowed)}", value)
        return make(value)

    return read


def _scalar(hint: Any) -> Reader:
    if hint is Any or hint is object:
        return lambda value: value
    if hint is datetime:
        return _datetime
    plain = hint is not bool

    def read(value: Any) -> Any:
        if type(value) is hint:
            return value
        if hint is float and type(value) is int:
            return float(value)
        if not isinstance(value, hint) or (plain and isinstance(value, bool)):
            raise _misfit(hint.__name__, value)
        return value

    return read


def _datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise _misfit("an ISO 8601 time", value)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _misfit("an ISO 8601 time", value) from None
