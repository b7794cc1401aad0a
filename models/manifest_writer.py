"""Writes `model.toml`: what `models.release.read_manifest` reads."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.jsonable import to_json
from models.release import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from models.release import ModelRelease


def write_manifest(folder: Path, release: ModelRelease) -> Path:
    """Write `folder/model.toml`: whole and on the disk, or not at all.

    Returns:
        The file's path.
    """
    path, beside = folder / MANIFEST, folder / f".{MANIFEST}.new"
    with beside.open("w", encoding="utf-8") as file:
        file.write(manifest_text(release))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return path


def manifest_text(release: ModelRelease) -> str:
    """The manifest as TOML, without what is as it is anyhow."""
    return "\n".join(_table("", _said(release))).strip() + "\n"


def _said(value: Any) -> Any:
    """The word as JSON, without the fields that have their defaults."""
    if isinstance(value, (tuple, list)):
        return [_said(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return to_json(value)
    fields = dataclasses.fields(value)
    return {
        f.name: _said(getattr(value, f.name))
        for f in fields
        if getattr(value, f.name) != _default(f)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """Plain keys first, then tables, then lists of tables, as TOML wants it."""
    lines = [f"{_key(k)} = {_value(v)}" for k, v in values.items() if not _is_table(v)]
    for key, value in values.items():
        path = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, Mapping):
            lines += ["", f"[{path}]", *_table(path, value)]
        elif _is_table(value):
            for item in value:
                lines += ["", f"[[{path}]]", *_table(path, item)]
    return lines


def _is_table(value: Any) -> bool:
    listed = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    return isinstance(value, Mapping) or listed


def _key(key: str) -> str:
    bare = bool(key) and key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return repr(value)  # whole numbers, and floats with every digit; TOML spells inf and nan so too


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON leaves alone.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
