"""HEIC (HEVC in HEIF): its header without decoding, a decode, its EXIF.

libheif turns the picture itself (`irot`, `imir`), so nothing is left to turn, and it refuses a
picture that isn't the size its header says. Of a collection or a sequence the primary picture is
read. Source of the box layout: ISO/IEC 14496-12, section 4.2; brands: ISO/IEC 23008-12, annex B.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.codecs import raster
from models.image_words import Format, Header, UnreadableImageError, refusing

if TYPE_CHECKING:
    import pillow_heif

    from models.preprocess import Image

BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""File types that can hold a picture coded with HEVC."""
MAX_BOXES = 1000
"""A photo has three to six boxes on the outermost level; a live photo some more."""


def recognises(data: bytes) -> bool:
    """True where the bytes begin like a HEIF file that may hold HEVC."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), 256, len(data))
    brands = {data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4))}
    return bool(brands & BRANDS) and data[8:12] not in (b"avif", b"avis")


def read_header(data: bytes) -> Header:
    """Read the primary picture's size, upright, from its boxes.

    Raises:
        UnreadableImageError: truncated, or without a picture.
    """
    _walk(data)
    with refusing("HEIC"):
        width, height = _open(data).size
        return Header(Format.HEIC, int(width), int(height))


def decode(data: bytes, header: Header, shrink: int) -> Image:
    """Decode, upright, then shrink by box average.

    Returns:
        ceil(height / shrink) x ceil(width / shrink) x 3 uint8 RGB; transparent pixels lie on white,
        10 and 12 bits become 8.

    Raises:
        UnreadableImageError: truncated, damaged or lying.
    """
    with refusing("HEIC"):
        return raster.to_rgb(_open(data).to_pillow(), header, shrink)


def find_exif(data: bytes) -> bytes:
    """The EXIF of the file, from its byte order on; empty where there is none."""
    with refusing("HEIC"):
        found = _open(data).info.get("exif") or b""
        return bytes(found).removeprefix(b"Exif\0\0")


def find_profile(data: bytes) -> bytes:
    """The ICC profile of the file; empty where there is none."""
    with refusing("HEIC"):
        return bytes(_open(data).info.get("icc_profile") or b"")


def preload() -> None:
    """Load libheif now: else the first HEIC pays for it."""
    import pillow_heif  # noqa: F401


def _open(data: bytes) -> pillow_heif.HeifFile:
    # Imported where it is needed: most devices never see a HEIC and needn't carry libheif's memory.
    import pillow_heif

    return pillow_heif.open_heif(data)


def _walk(data: bytes) -> None:
    """See that the outermost boxes end where the file does, so that a cut is found undecoded."""
    at = 0
    for _ in range(MAX_BOXES):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        size = size or len(data) - at  # 0: up to the end
        if size < 8 or at + size > len(data):
            raise UnreadableImageError("the HEIC ends too early")
        at += size
        if at == len(data):
            return
    raise UnreadableImageError("the HEIC is in too many pieces")
