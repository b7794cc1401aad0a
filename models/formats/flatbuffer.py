"""Reads tables out of a FlatBuffer, safely on whatever bytes it is given.

Every offset is checked against the file's end before it is followed, and the number of steps is
bounded.
"""

from __future__ import annotations

import struct

from models.formats.protobuf import Budget, MalformedError

_MOST = 100_000
"""Elements of a vector; no model has as many operators, tensors or codes."""


class Table:
    """One table of the file."""

    def __init__(self, data: memoryview, at: int, budget: Budget) -> None:
        """Look at the table at byte `at`.

        Raises:
            MalformedError: there is none.
        """
        budget.spend()
        self._data, self._at, self._budget = data, at, budget
        self._vtable = at - self._read("<i", at)
        self._size = self._read("<H", self._vtable)

    @classmethod
    def root(cls, data: memoryview, identifier: bytes) -> Table:
        """The file's outermost table.

        Raises:
            MalformedError: the file's identifier is another one, or there is no table.
        """
        if bytes(data[4:8]) != identifier:
            raise MalformedError(f"it doesn't carry the mark {identifier.decode()}")
        return cls(data, struct.unpack_from("<I", data, 0)[0], Budget())

    def number(self, index: int, form: str, default: int = 0) -> int:
        """Field `index` as a number of the `struct` format `form`."""
        at = self._field(index)
        return default if at is None else int(self._read(form, at))

    def text(self, index: int) -> str:
        """Field `index` as a string; "" where there is none, replaced where it isn't UTF-8."""
        start, count = self._vector(index, 1)
        return bytes(self._data[start : start + count]).decode("utf-8", errors="replace")

    def numbers(self, index: int, form: str) -> list[int | float]:
        """Field `index` as a vector of numbers."""
        width = struct.calcsize(form)
        start, count = self._vector(index, width)
        return [self._read(form, start + i * width) for i in range(count)]

    def table(self, index: int) -> Table | None:
        """Field `index` as a table."""
        at = self._field(index)
        return None if at is None else self._follow(at)

    def tables(self, index: int) -> list[Table]:
        """Field `index` as a vector of tables."""
        start, count = self._vector(index, 4)
        return [self._follow(start + 4 * i) for i in range(count)]

    def _field(self, index: int) -> int | None:
        slot = 4 + 2 * index
        offset = self._read("<H", self._vtable + slot) if slot + 2 <= self._size else 0
        return self._at + int(offset) if offset else None

    def _vector(self, index: int, width: int) -> tuple[int, int]:
        at = self._field(index)
        if at is None:
            return 0, 0
        start = at + int(self._read("<I", at))
        count = int(self._read("<I", start))
        if count > _MOST or start + 4 + count * width > len(self._data):
            raise MalformedError("a list is longer than the file, or than any model's")
        return start + 4, count

    def _follow(self, at: int) -> Table:
        return Table(self._data, at + int(self._read("<I", at)), self._budget)

    def _read(self, form: str, at: int) -> int:
        self._budget.spend()
        if at < 0 or at + struct.calcsize(form) > len(self._data):
            raise MalformedError("an offset points outside the file")
        value: int = struct.unpack_from(form, self._data, at)[0]
        return value
