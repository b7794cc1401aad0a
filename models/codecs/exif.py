"""EXIF, read and rewritten without trust: the orientation, and a copy without where it was.

EXIF is a TIFF file without pixels: a byte order, then directories ("IFD") of 12-byte entries
(tag, type, count, value or its offset). Source: CIPA DC-008 (Exif 2.32), TIFF 6.0 section 2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

ORIENTATION = 0x0112
EXIF_IFD = 0x8769
GPS_IFD = 0x8825

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""TIFF type → bytes of one value."""

DROPPED = frozenset(
    {
        GPS_IFD,
        0x014A,  # SubIFDs: previews
        0x0201,  # JPEGInterchangeFormat: the thumbnail
        0x0202,  # and its length
        0x02BC,  # XMP: may say the place again
        0x83BB,  # IPTC: may say the place again
        0x8649,  # Photoshop's resources: the same
        0x927C,  # MakerNote: opaque, some makers put the place there
        0x9286,  # UserComment: free text, some apps put the place there
        0x9C9C,  # XPComment: the same
        0xA005,  # Interoperability IFD: nothing anyone needs
        0xEA1C,  # padding
    }
)
"""What is never copied."""

MAX_SIZE = 65_000
"""Bytes of a copy; more doesn't fit in a JPEG's segment."""
MAX_ENTRIES = 512
"""Of one directory; a camera writes some dozens."""

Order = Literal["<", ">"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a directory."""

    tag: int
    """Which."""
    kind: int
    """TIFF type, 1..12."""
    count: int
    """How many values."""
    raw: bytes
    """The values, in the file's byte order."""


def orientation(exif: bytes) -> int:
    """Read the orientation, 1..8; 1 where there is none or what is there makes no sense.

    Args:
        exif: from the byte order on, without `Exif\\0\\0`.
    """
    order = _order(exif)
    if order is None:
        return 1
    for entry in _directory(exif, _first(exif, order), order):
        if entry.tag == ORIENTATION and entry.kind in (3, 4) and entry.count >= 1:
            code = "H" if entry.kind == 3 else "I"
            value = int(struct.unpack_from(order + code, entry.raw)[0])
            return value if 1 <= value <= 8 else 1
    return 1


def only_orientation(value: int) -> bytes:
    """The smallest EXIF that says which way is up; empty for 1, which needs no saying."""
    if value == 1:
        return b""
    return _write("<", [Entry(ORIENTATION, 3, 1, struct.pack("<H", value))], [])


def without_place(exif: bytes, upright: bool = False) -> bytes:
    """Copy EXIF without GPS, thumbnail, maker's notes and other opaque parts.

    Args:
        exif: from the byte order on, without `Exif\\0\\0`.
        upright: the pixels have been turned already: leave the orientation out.

    Returns:
        A new EXIF that shares no bytes with the old but the values kept; only the orientation where
        the rest is too much, empty if there is nothing.
    """
    order = _order(exif)
    if order is None:
        return b""
    first = _directory(exif, _first(exif, order), order)
    inner: list[Entry] = []
    for entry in first:
        if entry.tag == EXIF_IFD and len(entry.raw) == 4:
            inner = _directory(exif, struct.unpack(order + "I", entry.raw)[0], order)
    dropped = DROPPED | {EXIF_IFD} | ({ORIENTATION} if upright else set())
    copy = _write(order, _keep(first, dropped), _keep(inner, dropped))
    if len(copy) <= MAX_SIZE:
        return copy
    return b"" if upright else only_orientation(orientation(exif))


def _keep(entries: list[Entry], dropped: frozenset[int] | set[int]) -> list[Entry]:
    unique = {e.tag: e for e in reversed(entries) if e.tag not in dropped}
    return [unique[tag] for tag in sorted(unique)]


def _order(exif: bytes) -> Order | None:
    if exif[:4] == b"II*\0":
        return "<"
    return ">" if exif[:4] == b"MM\0*" else None


def _first(exif: bytes, order: Order) -> int:
    return int(struct.unpack_from(order + "I", exif, 4)[0]) if len(exif) >= 8 else 0


def _directory(exif: bytes, offset: int, order: Order) -> list[Entry]:
    """Read one directory; entries that point outside are left out."""
    if offset < 8 or offset + 2 > len(exif):
        return []
    (count,) = struct.unpack_from(order + "H", exif, offset)
    entries = []
    for i in range(min(count, MAX_ENTRIES)):
        at = offset + 2 + 12 * i
        if at + 12 > len(exif):
            break
        tag, kind, values = struct.unpack_from(order + "HHI", exif, at)
        size = SIZES.get(kind, 0) * values
        start = at + 8 if size <= 4 else int(struct.unpack_from(order + "I", exif, at + 8)[0])
        if 0 < size <= len(exif) - start:
            entries.append(Entry(tag, kind, values, exif[start : start + size]))
    return entries


def _write(order: Order, first: list[Entry], inner: list[Entry]) -> bytes:
    """Lay out header, first directory, its values, the EXIF directory, its values."""
    if not first and not inner:
        return b""
    magic = b"II*\0" if order == "<" else b"MM\0*"
    if not inner:
        return magic + struct.pack(order + "I", 8) + _lay_out(order, first, 8)
    size = len(_lay_out(order, [*first, Entry(EXIF_IFD, 4, 1, bytes(4))], 8))
    pointer = Entry(EXIF_IFD, 4, 1, struct.pack(order + "I", 8 + size))
    outer = _lay_out(order, sorted([*first, pointer], key=lambda e: e.tag), 8)
    return magic + struct.pack(order + "I", 8) + outer + _lay_out(order, inner, 8 + size)


def _lay_out(order: Order, entries: list[Entry], at: int) -> bytes:
    """One directory at offset `at`, its larger values right behind it."""
    table = struct.pack(order + "H", len(entries))
    values = b""
    behind = at + 2 + 12 * len(entries) + 4
    for e in entries:
        table += struct.pack(order + "HHI", e.tag, e.kind, e.count)
        if len(e.raw) <= 4:
            table += e.raw.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", behind + len(values))
            values += e.raw + b"\0" * (len(e.raw) % 2)
    return table + bytes(4) + values
