"""Writes `model.toml`: what `models.release.read_manifest` reads."""

from __future__ import annotations

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
    """The manifest as TOML; what is empty or unknown is left out."""
    return "\n".join(_table("", to_json(release))).strip() + "\n"


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """Plain keys first, then tables, then lists of tables, as TOML wants it."""
    kept = {key: value for key, value in values.items() if value not in (None, "", [], {})}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in kept.items() if not _is_table(v)]
    for key, value in kept.items():
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
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
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
