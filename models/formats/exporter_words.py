"""What exporters write into their files: names, input size, task, as text of several dialects.

Parsed with patterns and never evaluated: the file is somebody else's.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from models.release import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("names", "labels", "classes", "class_names")
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_PAIR = re.compile(rf"""['"]?(\d{{1,6}})['"]?\s*:\s*({_QUOTED})""")
_ENTRY = re.compile(
    rf"""['"](\w{{1,32}})['"]\s*:\s*({_QUOTED}|\{{[^{{}}]*\}}|\[[^\[\]]*\]|[\d.]+)"""
)
_ITEM = re.compile(_QUOTED)
_MOST = 10_000
"""Labels, at most."""


def unpack(text: str) -> dict[str, str]:
    """The keys of a JSON object, or of a dictionary as Python prints it; {} for anything else."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {m[1]: _unquote(m[2]) if m[2][0] in "'\"" else m[2] for m in _ENTRY.finditer(text)}
    if not isinstance(said, dict):
        return {}
    return {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in said.items()}


def names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Labels in the order of the classes; () where the file names none, or not all of them."""
    for key in _NAMES:
        found = _names(metadata.get(key, ""))
        if found:
            return found
    return ()


def size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """Width and height of the input in pixels, from `imgsz` (height first)."""
    numbers = [int(n) for n in re.findall(r"\d{1,5}", metadata.get("imgsz", ""))]
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) != 2 or not all(0 < n <= 4096 for n in numbers):
        return None
    return numbers[1], numbers[0]


def task(metadata: Mapping[str, str]) -> Task | None:
    """What the exporter says it does; None where it says nothing that is served here."""
    word = metadata.get("task", "").lower()  # detect, object-detection, image-classification, …
    if "detect" in word:
        return Task.DETECT
    return Task.CLASSIFY if "classif" in word else None


def _names(text: str) -> tuple[str, ...]:
    text = text.strip()
    if not text:
        return ()
    try:
        return _from_json(json.loads(text))
    except (ValueError, RecursionError):
        pass
    if text.startswith("{"):
        return _in_order({int(m[1]): _unquote(m[2]) for m in _PAIR.finditer(text)})
    if text.startswith(("[", "(")):
        return tuple(_unquote(m[0]) for m in _ITEM.finditer(text))[:_MOST]
    parts = text.splitlines() if "\n" in text else text.split(",")
    return tuple(part.strip() for part in parts if part.strip())[:_MOST]


def _from_json(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        return _in_order({int(k): str(v) for k, v in value.items() if str(k).isdecimal()})
    if isinstance(value, list):
        return tuple(str(v) for v in value)[:_MOST]
    return (str(value),)


def _in_order(found: Mapping[int, str]) -> tuple[str, ...]:
    if set(found) != set(range(len(found))):
        return ()
    return tuple(found[i] for i in range(len(found)))[:_MOST]


def _unquote(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1])
