"""Frozen dataclasses to JSON values and back, strictly, with the standard library alone.

A word that can be made from JSON validates itself in `__post_init__`; this module only sees to it
that every field is there, is known and has the right type, and says which one is wrong.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
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
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(v) for v in value]
    return value


def from_json(cls: type[T], data: Any, where: str = "") -> T:
    """Make a `cls` from a JSON value.

    Args:
        cls: a frozen dataclass.
        data: what `json.loads` gave.
        where: the path to `data`, for messages.

    Raises:
        InvalidWordError: a field is missing, unknown, of the wrong type, or out of its range.
    """
    where = where or cls.__name__
    require(isinstance(data, Mapping), where, "an object", data)
    hints = _hints(cls)  # type: ignore[arg-type]
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = set(data) - set(fields)
    require(not unknown, where, f"only the fields {sorted(fields)}", sorted(unknown) or None)
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InvalidWordError(f"{where}.{name}: missing")
    return cls(**values)


@cache  # a handful of words, looked up for every row of a list
def _hints(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(args, value, where)
    if origin is tuple:
        require(isinstance(value, (list, tuple)), where, "a list", value)
        inner = args[0] if args[-1] is Ellipsis else None
        require(inner is not None or len(args) == len(value), where, f"{len(args)} items", value)
        return tuple(_convert(inner or args[i], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        require(isinstance(value, Mapping), where, "an object", value)
        return {str(k): _convert(args[1], v, f"{where}.{k}") for k, v in value.items()}
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast("type[Any]", hint), value, where)
    return _scalar(hint, value, where)


def _union(args: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in args:
        return None
    problems = []
    for arg in args:
        if arg is type(None):
            continue
        try:
            return _convert(arg, value, where)
        except InvalidWordError as e:
            problems.append(str(e))
    raise InvalidWordError(problems[0] if problems else f"{where}: expected null, got {value!r}")


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Any or hint is object:
        return value
    if typing.get_origin(hint) is typing.Literal:
        require(value in typing.get_args(hint), where, f"one of {typing.get_args(hint)}", value)
        return value
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        allowed = [m.value for m in hint]
        require(value in allowed, where, f"one of {allowed}", value)
        return hint(value)
    if hint is datetime:
        return _datetime(value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wrong_bool = isinstance(value, bool) and hint is not bool
    require(isinstance(value, hint) and not wrong_bool, where, hint.__name__, value)
    return value


def _datetime(value: Any, where: str) -> datetime:
    if isinstance(value, datetime):
        return value
    require(isinstance(value, str), where, "an ISO 8601 time", value)
    try:
        return datetime.fromisoformat(value)
    except ValueError as e:
        raise InvalidWordError(f"{where}: expected an ISO 8601 time, got {value!r}") from e
