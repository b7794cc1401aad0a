"""Reads the first part of a GGUF file: what the language model calls itself. No tensors."""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING

from models.formats.protobuf import Budget, MalformedError

if TYPE_CHECKING:
    from pathlib import Path

_STRING, _ARRAY = 8, 9
_WIDTHS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
           11: "<q", 12: "<d"}  # fmt: skip
_MOST_TEXT = 1 << 20
_MOST_ITEMS = 4_000_000
"""Of an array; vocabularies have some hundred thousand."""
Value = str | int | float | bool


def read_header(path: Path) -> dict[str, Value]:
    """The metadata of a GGUF file, without its arrays.

    Raises:
        MalformedError: it is none.
        OSError: it can't be read.
    """
    if path.stat().st_size < 24:
        raise MalformedError("the file is too short")
    with path.open("rb") as file:
        # Not closed here: the views into it are still alive. It goes with the last of them.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return parse(memoryview(mapped))


def parse(data: memoryview) -> dict[str, Value]:
    """The metadata in the bytes of a GGUF file, without its arrays.

    Raises:
        MalformedError: they are none.
    """
    if bytes(data[:4]) != b"GGUF":
        raise MalformedError("it doesn't carry the mark GGUF")
    reader = _Reader(data)
    if reader.number("<I") not in (2, 3):
        raise MalformedError("a version of GGUF that nobody reads")
    reader.number("<Q")  # tensors
    found: dict[str, Value] = {}
    for _ in range(reader.number("<Q")):
        key = reader.text()
        value = reader.value(reader.number("<I"))
        if value is not None:
            found[key] = value
    return found


class _Reader:
    """Goes through the bytes, never past their end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 4
        self._budget = Budget(_MOST_ITEMS)

    def number(self, form: str) -> int:
        return int(self._scalar(form))

    def text(self) -> str:
        size = self.number("<Q")
        if size > _MOST_TEXT:
            raise MalformedError("a text longer than a mebibyte")
        start = self._skip(size)
        return bytes(self._data[start : start + size]).decode("utf-8", errors="replace")

    def value(self, kind: int) -> Value | None:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            self._array()
            return None
        if kind not in _WIDTHS:
            raise MalformedError(f"a value of kind {kind}")
        return self._scalar(_WIDTHS[kind])

    def _array(self) -> None:
        kind, count = self.number("<I"), self.number("<Q")
        if kind in _WIDTHS:
            self._skip(count * struct.calcsize(_WIDTHS[kind]))
        elif kind == _STRING:
            for _ in range(count):
                self._skip(self.number("<Q"))
        else:
            raise MalformedError(f"an array of kind {kind}")

    def _scalar(self, form: str) -> float:
        start = self._skip(struct.calcsize(form))
        value: float = struct.unpack_from(form, self._data, start)[0]
        return value

    def _skip(self, size: int) -> int:
        self._budget.spend()
        start = self._at
        if size > len(self._data) - start:
            raise MalformedError("it ends early")
        self._at += size
        return start
