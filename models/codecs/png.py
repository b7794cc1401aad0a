"""PNG: its header without decoding, a decode of pixels alone, a copy without metadata.

Only the chunks that make the pixels ever reach the decoder, so compressed text and profiles can't
unpack themselves there. Source of the format: PNG specification, third edition, sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.codecs import exif, raster
from models.image_words import Format, Header, UnreadableImageError, refusing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.preprocess import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
"""What the decoder gets."""
COLOURS = frozenset({b"gAMA", b"cHRM", b"sRGB", b"cICP", b"sBIT", b"iCCP"})
"""What says how the pixels are meant; kept with them."""
MAX_CHUNKS = 100_000
"""More are meant to burn time: a file of 32 MiB in pieces of 4 KiB has 8,192."""
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type → samples of a pixel."""
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
"""First column and row, and the steps between them, of interlaced passes but the seventh."""
MAX_PROFILE = 4 * 1024 * 1024
"""Largest ICC profile, unpacked, bytes."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk."""

    name: bytes
    """Four letters."""
    start: int
    """Offset of its length."""
    body: int
    """Offset of its data."""
    end: int
    """Offset of its checksum; the next chunk is 4 bytes further."""


def recognises(data: bytes) -> bool:
    """True where the bytes begin like a PNG."""
    return data.startswith(SIGNATURE)


def read_header(data: bytes) -> Header:
    """Read size and orientation; walks over all chunks, so a cut file is found here already.

    Raises:
        UnreadableImageError: it ends too early, or its header makes no sense.
    """
    width = height = 0
    turn = 0
    pixels = False
    for i, c in enumerate(_chunks(data)):
        if (c.name == b"IHDR") != (i == 0):
            raise UnreadableImageError("the PNG's header is missing or there twice")
        if c.name == b"IHDR":
            width, height = _size(data, c)
        elif c.name == b"eXIf" and not turn:
            turn = exif.orientation(data[c.body : c.end])
        pixels = pixels or c.name == b"IDAT"
    if not pixels:
        raise UnreadableImageError("the PNG has no pixels")
    return Header(Format.PNG, width, height, turn or 1)


def decode(data: bytes, header: Header, shrink: int) -> Image:
    """Decode, then shrink by box average; as stored (not turned yet).

    Returns:
        ceil(stored height / shrink) x ceil(stored width / shrink) x 3 uint8 RGB; transparent pixels
        lie on white, 16 bits become 8 by dropping the lower ones.

    Raises:
        UnreadableImageError: truncated, damaged (a checksum is wrong) or lying.
    """
    clean = _only(data, PIXELS, b"")
    _refuse_lies(clean)
    with refusing("PNG"):
        picture = raster.load(clean, "PNG")
        return raster.to_rgb(picture, header, shrink)


def sanitise(data: bytes, new_exif: bytes) -> bytes:
    """Copy the file without metadata and without whatever lies behind its end; same pixels.

    Args:
        data: the file.
        new_exif: EXIF to put in, from its byte order on; empty for none.

    Raises:
        UnreadableImageError: it ends too early or a checksum is wrong.
    """
    return _only(data, PIXELS | COLOURS, new_exif)


def find_exif(data: bytes) -> bytes:
    """The EXIF of the file, from its byte order on; empty where there is none."""
    return next((data[c.body : c.end] for c in _chunks(data) if c.name == b"eXIf"), b"")


def _only(data: bytes, names: frozenset[bytes], new_exif: bytes) -> bytes:
    view = memoryview(data)
    parts: list[bytes | memoryview] = [SIGNATURE]
    for c in _chunks(data):
        if zlib.crc32(view[c.start + 4 : c.end]) != int.from_bytes(data[c.end : c.end + 4], "big"):
            raise UnreadableImageError("the PNG is damaged: a checksum is wrong")
        if c.name not in names or (c.name == b"iCCP" and not _unpacks(data[c.body : c.end])):
            continue
        parts.append(view[c.start : c.end + 4])
        if c.name == b"IHDR" and new_exif:
            parts.append(_chunk(b"eXIf", new_exif))
    return b"".join(parts)


def _refuse_lies(data: bytes) -> None:
    """Unpack the pixels and count: the decoder leaves rows black that the file doesn't have.

    Raises:
        UnreadableImageError: there are more or fewer than the header says.
    """
    due, there = _unpacked_size(data), 0
    unpacking = zlib.decompressobj()
    view = memoryview(data)
    try:
        for c in _chunks(data):
            packed: bytes | memoryview = view[c.body : c.end] if c.name == b"IDAT" else b""
            while len(packed) and there <= due and not unpacking.eof:
                there += len(unpacking.decompress(packed, 1 << 20))
                packed = unpacking.unconsumed_tail
        if there <= due:
            there += len(unpacking.flush())
    except zlib.error as e:
        raise UnreadableImageError(f"the PNG is damaged: {e}") from e
    if there != due:
        fewer = "the PNG has fewer pixels than its header says"
        more = "the PNG has more pixels than its header says"
        raise UnreadableImageError(fewer if there < due else more)


def _unpacked_size(data: bytes) -> int:
    """Bytes of all rows, each with its filter's number before it; section 7.2 and 8.1."""
    width, height, depth, colour, _, _, laced = struct.unpack_from(">IIBBBBB", data, 16)
    if colour not in SAMPLES or depth not in (1, 2, 4, 8, 16) or laced > 1:
        raise UnreadableImageError("the PNG's header makes no sense")
    bits = depth * SAMPLES[colour]
    sizes = [(width, height)]
    if laced:
        sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in PASSES]
        sizes.append((width, height // 2))
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unpacks(profile: bytes) -> bool:
    """True where an iCCP chunk holds a whole profile of a sane size."""
    name, _, rest = profile.partition(b"\0")
    if not 1 <= len(name) <= 79 or rest[:1] != b"\0":
        return False
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(rest[1:], MAX_PROFILE)
    except zlib.error:
        return False
    return unpacking.eof


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Walk over the chunks up to and with IEND."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if len(data) < at + 12 or end + 4 > len(data):
            raise UnreadableImageError("the PNG ends too early")
        name = data[at + 4 : at + 8]
        yield Chunk(name, at, at + 8, end)
        if name == b"IEND":
            return
        at = end + 4
    raise UnreadableImageError("the PNG is in too many pieces")


def _size(data: bytes, c: Chunk) -> tuple[int, int]:
    """Width and height, pixels."""
    if c.end - c.body != 13:
        raise UnreadableImageError("the PNG's header makes no sense")
    width, height = struct.unpack_from(">II", data, c.body)
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise UnreadableImageError("the PNG's header makes no sense")
    return width, height
