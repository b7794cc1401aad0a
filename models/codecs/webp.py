"""WebP: its header without decoding, a decode, a copy without metadata.

An animation is refused: it is no photo. Source of the format: RFC 9649, sections 2 and 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.codecs import exif, raster
from models.image_words import Format, Header, UnreadableImageError, refusing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.preprocess import Image

KEPT = frozenset({b"VP8X", b"ICCP", b"ALPH", b"VP8 ", b"VP8L"})
"""What makes the pixels, and the profile that says how they are meant."""
MAX_CHUNKS = 1000
"""A still has at most seven known ones."""
ANIMATED, XMP, EXIF, ALPHA, ICC = 0x02, 0x04, 0x08, 0x10, 0x20
"""Flags of VP8X."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of the RIFF file."""

    name: bytes
    """Four letters."""
    body: bytes
    """Its data, without padding."""


def recognises(data: bytes) -> bool:
    """True where the bytes begin like a WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_header(data: bytes) -> Header:
    """Read size and orientation from the chunks' headers.

    Raises:
        UnreadableImageError: truncated, lying (canvas and frame differ) or animated.
    """
    canvas = frame = None
    turn = 0
    for i, c in enumerate(_chunks(data)):
        if c.name == b"VP8X" and i == 0:
            canvas = _canvas(c.body)
        elif c.name in (b"VP8 ", b"VP8L") and frame is None:
            frame = _lossy(c.body) if c.name == b"VP8 " else _lossless(c.body)
        elif c.name == b"EXIF" and canvas and not turn:  # only then it counts
            turn = exif.orientation(_bare(c.body))
    if frame is None or (canvas is not None and canvas != frame):
        raise UnreadableImageError("the WebP's header makes no sense")
    return Header(Format.WEBP, frame[0], frame[1], turn or 1)


def decode(data: bytes, header: Header, shrink: int) -> Image:
    """Decode, then shrink by box average; as stored (not turned yet).

    Returns:
        ceil(stored height / shrink) x ceil(stored width / shrink) x 3 uint8 RGB; transparent pixels
        lie on white.

    Raises:
        UnreadableImageError: truncated, damaged or lying.
    """
    with refusing("WebP"):
        return raster.to_rgb(raster.load(sanitise(data, b""), "WEBP"), header, shrink)


def sanitise(data: bytes, new_exif: bytes) -> bytes:
    """Copy the file without metadata and without whatever lies behind its end; same pixels.

    Args:
        data: the file.
        new_exif: EXIF to put in, from its byte order on; empty for none. Only a file in the
            extended form can hold any, and only such a file had any.

    Raises:
        UnreadableImageError: it ends too early.
    """
    kept = [c for c in _chunks(data) if c.name in KEPT]
    extended = bool(kept) and kept[0].name == b"VP8X"
    if extended:
        flags = kept[0].body[0] & (ALPHA | ICC) | (EXIF if new_exif else 0)
        kept[0] = Chunk(b"VP8X", bytes([flags]) + kept[0].body[1:])
        if new_exif:
            kept.append(Chunk(b"EXIF", new_exif))
    body = b"".join(
        c.name + struct.pack("<I", len(c.body)) + c.body + b"\0" * (len(c.body) % 2) for c in kept
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def find_exif(data: bytes) -> bytes:
    """The EXIF of the file, from its byte order on; empty where there is none."""
    return next((_bare(c.body) for c in _chunks(data) if c.name == b"EXIF"), b"")


def _bare(body: bytes) -> bytes:
    """EXIF without the JPEG's prefix that some writers leave on it."""
    return body.removeprefix(b"Exif\0\0")


def _chunks(data: bytes) -> Iterator[Chunk]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) or end < 20:
        raise UnreadableImageError("the WebP ends too early")
    at = 12
    for _ in range(MAX_CHUNKS):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise UnreadableImageError("the WebP ends too early")
        yield Chunk(data[at : at + 4], data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
        if at >= end:
            return
    raise UnreadableImageError("the WebP is in too many pieces")


def _canvas(body: bytes) -> tuple[int, int]:
    if len(body) < 10:
        raise UnreadableImageError("the WebP's header makes no sense")
    if body[0] & ANIMATED:
        raise UnreadableImageError("the WebP is an animation", "Send a photo.")
    return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")


def _lossy(body: bytes) -> tuple[int, int]:
    """Size from a VP8 key frame's header (RFC 6386, section 9.1)."""
    if len(body) < 10 or body[0] & 1 or body[3:6] != b"\x9d\x01\x2a":
        raise UnreadableImageError("the WebP's header makes no sense")
    width, height = struct.unpack_from("<HH", body, 6)
    if not width & 0x3FFF or not height & 0x3FFF:
        raise UnreadableImageError("the WebP's header makes no sense")
    return width & 0x3FFF, height & 0x3FFF


def _lossless(body: bytes) -> tuple[int, int]:
    """Size from a VP8L header: 14 bits each behind the signature."""
    if len(body) < 5 or body[0] != 0x2F:
        raise UnreadableImageError("the WebP's header makes no sense")
    bits = int.from_bytes(body[1:5], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
