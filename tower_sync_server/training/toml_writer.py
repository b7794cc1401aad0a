"""Write TOML: the standard library reads it only. Covers what a manifest holds, nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def to_toml(table: Mapping[str, Any]) -> str:
    """Return `table` as TOML: plain values first, then tables, then arrays of tables.

    Raises:
        TypeError: a value is of a kind TOML or this writer doesn't know.
    """
    return "\n".join(_lines(table, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of one table and all below it."""
    plain = {key: value for key, value in table.items() if not _is_nested(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items() if value is not None]
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            inner = (*path, key)
            lines += ["", f"[{'.'.join(_key(part) for part in inner)}]", *_lines(value, inner)]
        elif _is_table_array(value):
            inner = (*path, key)
            for item in value:
                lines += ["", f"[[{'.'.join(_key(part) for part in inner)}]]", *_lines(item, inner)]
    return lines


def _is_nested(value: Any) -> bool:
    """Tell tables and arrays of tables from plain values."""
    return isinstance(value, Mapping) or _is_table_array(value)


def _is_table_array(value: Any) -> bool:
    """Tell a non-empty list of tables."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _key(key: str) -> str:
    """Quote a key where TOML wants that."""
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key)


def _value(value: Any) -> str:
    """Write one plain value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} can't be written as TOML")
