"""A picture's way in: look at its header, decode it as small as will do, copy it without secrets.

    header = read_header(data, limits)  # nothing decoded, nothing allocated by what it says
    decoded = decode(data, header, at_least=640)  # upright RGB, 640 pixels or more
    stored, media_type = sanitise(data, header, keep_metadata=False)

A HEIC costs two decodes that way; who needs both sanitises first and goes on with what came out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from models.codecs import exif, heic, jpeg, png, webp
from models.image_words import (
    Decoded,
    Format,
    Header,
    ImageFileError,
    Limits,
    TooLargeImageError,
    UnreadableImageError,
    check,
)

if TYPE_CHECKING:
    from models.preprocess import Image

__all__ = [
    "Decoded",
    "Format",
    "Header",
    "ImageFileError",
    "Limits",
    "TooLargeImageError",
    "UnreadableImageError",
    "decode",
    "read_header",
    "sanitise",
    "thumbnail",
]


class Codec(Protocol):
    """What every format's module can do."""

    def recognises(self, data: bytes) -> bool:
        """True where the bytes begin like this format."""

    def read_header(self, data: bytes) -> Header:
        """Read the header, decoding nothing."""

    def decode(self, data: bytes, header: Header, shrink: int) -> Image:
        """Decode at 1/`shrink` of the size, as stored."""

    def find_exif(self, data: bytes) -> bytes:
        """The EXIF, from its byte order on."""


FORMATS: dict[Format, Codec] = {
    Format.JPEG: jpeg,
    Format.PNG: png,
    Format.WEBP: webp,
    Format.HEIC: heic,
}

TRANSCODED_QUALITY = 95
"""JPEG quality of what was a HEIC."""
THUMBNAIL_QUALITY = 80
"""JPEG quality of thumbnails."""


def read_header(data: bytes, limits: Limits | None = None) -> Header:
    """Find out format, size and orientation without decoding anything.

    Args:
        data: the file.
        limits: what is taken; the default `Limits()`.

    Raises:
        TooLargeImageError: more bytes or pixels than the limits allow.
        UnreadableImageError: none of the four formats, cut off, senseless, or far too narrow.
    """
    limits = limits or Limits()
    if len(data) > limits.max_bytes:
        raise TooLargeImageError(
            f"the photo has {len(data) / 1e6:.1f} megabytes",
            f"Send at most {limits.max_bytes / 1e6:.1f} megabytes.",
        )
    if not data:
        raise UnreadableImageError("the file is empty", "Choose a photo and send it again.")
    for module in FORMATS.values():
        if module.recognises(data):
            return check(module.read_header(data), limits)
    raise UnreadableImageError(
        "this is not a JPEG, PNG, WebP or HEIC picture", "Send a photo in one of these formats."
    )


def decode(data: bytes, header: Header, at_least: int | None = None) -> Decoded:
    """Decode to upright RGB, no larger than needed.

    Args:
        data: the file.
        header: what `read_header` said of it.
        at_least: what the longer side is needed in pixels; the picture comes at 1, 1/2, 1/4 or 1/8
            of its size, whichever is the smallest that is still large enough. None: at its size.

    Raises:
        UnreadableImageError: truncated, damaged, or not the size that its header says.
    """
    shrink = _shrink(max(header.width, header.height), at_least)
    stored = FORMATS[header.format].decode(data, header, shrink)
    image = upright(stored, header.orientation)
    return Decoded(image, 1 / shrink, header.width, header.height)


def upright(image: Image, orientation: int) -> Image:
    """Turn and mirror stored pixels as their EXIF orientation says.

    Args:
        image: H x W x 3 uint8.
        orientation: 1..8.

    Returns:
        H x W x 3 or W x H x 3 uint8, contiguous.
    """
    if orientation == 1:
        return image
    turned = {
        2: lambda: cv2.flip(image, 1),
        3: lambda: cv2.rotate(image, cv2.ROTATE_180),
        4: lambda: cv2.flip(image, 0),
        5: lambda: cv2.transpose(image),
        6: lambda: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
        7: lambda: cv2.flip(cv2.transpose(image), -1),
        8: lambda: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }[orientation]()
    return np.asarray(turned, dtype=np.uint8)


def sanitise(data: bytes, header: Header, keep_metadata: bool = False) -> tuple[bytes, str]:
    """Make the copy that is stored: the same pixels, without anything that isn't ours to keep.

    JPEG, PNG and WebP keep their coded pixels, their ICC profile and, where it isn't 1, their
    orientation. EXIF, XMP, IPTC, comments, texts, thumbnails and whatever lies behind the end (a
    phone's motion photo) are gone. A HEIC becomes an upright JPEG.

    Args:
        data: the file.
        header: what `read_header` said of it.
        keep_metadata: keep EXIF too, without GPS, thumbnail and maker's notes, which may hold it.

    Returns:
        The file to store and its media type: image/jpeg, image/png or image/webp.

    Raises:
        UnreadableImageError: truncated or damaged, as far as copying notices; `decode` sees more.
    """
    heif = header.format is Format.HEIC
    if keep_metadata:
        new_exif = exif.without_place(FORMATS[header.format].find_exif(data), upright=heif)
    else:
        new_exif = exif.only_orientation(header.orientation)
    if header.format is Format.JPEG:
        copy = jpeg.sanitise(data, new_exif)
    elif header.format is Format.PNG:
        copy = png.sanitise(data, new_exif)
    elif header.format is Format.WEBP:
        copy = webp.sanitise(data, new_exif)
    else:
        pixels = jpeg.encode(decode(data, header).image, TRANSCODED_QUALITY)
        copy = jpeg.sanitise(pixels, new_exif, heic.find_profile(data))
    return copy, (Format.JPEG if heif else header.format).media_type


def thumbnail(image: Image, longest: int = 320) -> bytes:
    """Make a small JPEG of a decoded picture.

    Args:
        image: H x W x 3 uint8 RGB, upright.
        longest: pixels of the longer side; a smaller picture stays as small as it is.
    """
    while max(image.shape[:2]) >= 2 * longest:  # halving is quick, and then little is left to do
        image = _resize(image, image.shape[1] / 2, image.shape[0] / 2, cv2.INTER_AREA)
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale < 1:
        image = _resize(image, width * scale, height * scale, cv2.INTER_LINEAR)
    return jpeg.encode(image, THUMBNAIL_QUALITY)


def _resize(image: Image, width: float, height: float, how: int) -> Image:
    size = max(1, round(width)), max(1, round(height))
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def _shrink(longest: int, at_least: int | None) -> int:
    """The largest of 8, 4, 2, 1 that leaves at least that many pixels."""
    if at_least is None:
        return 1
    return next((n for n in (8, 4, 2) if -(-longest // n) >= at_least), 1)
