"""What is known of a picture's file before and after decoding, and why one is refused."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from models.jsonable import require
from models.preprocess import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.detection import Box


class ImageFileError(ValueError):
    """A picture that is not taken: a message for people and a hint on what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep the message and the hint."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UnreadableImageError(ImageFileError):
    """Not a picture of a known format, or not a whole one."""

    def __init__(self, message: str, hint: str = "Send the photo again, whole.") -> None:
        """Keep the message and the hint."""
        super().__init__(message, hint)


class TooLargeImageError(ImageFileError):
    """More bytes or more pixels than the limits allow."""


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever a foreign decoder raises on hostile bytes into `UnreadableImageError`."""
    try:
        yield
    except (ImageFileError, MemoryError):  # ours already; and too little memory is no fault of it
        raise
    except Exception as e:  # noqa: BLE001  a decoder raises anything on hostile bytes, even KeyError
        raise UnreadableImageError(f"the {what} can't be decoded: {e}") from e


class Format(StrEnum):
    """The formats that are read."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"

    @property
    def media_type(self) -> str:
        """The MIME type, image/…"""
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken. Everything here is checked before anything is decoded."""

    max_bytes: int = 32 * 1024 * 1024
    """Largest file, bytes."""
    max_megapixels: float = 50.0
    """Most pixels, millions."""
    max_side: int = 30_000
    """Longest side, pixels."""
    max_aspect: float = 32.0
    """Longer side over shorter side; beyond it nobody took this with a camera."""

    def __post_init__(self) -> None:
        """Refuse limits that nothing could meet."""
        require(self.max_bytes > 0, "max_bytes", "bytes", self.max_bytes)
        require(self.max_megapixels > 0, "max_megapixels", "more than none", self.max_megapixels)
        require(self.max_side >= 1, "max_side", "at least 1 pixel", self.max_side)
        require(self.max_aspect >= 1, "max_aspect", "at least 1", self.max_aspect)


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture's file says of itself; nothing was decoded for it."""

    format: Format
    """JPEG, PNG, WebP or HEIC."""
    stored_width: int
    """As the pixels lie in the file, pixels."""
    stored_height: int
    """As the pixels lie in the file, pixels."""
    orientation: int = 1
    """EXIF orientation, 1..8, still to be applied; 1 for HEIC, whose decoder applies its own."""

    def __post_init__(self) -> None:
        """Refuse a picture without pixels and an orientation that isn't one."""
        require(self.stored_width > 0 and self.stored_height > 0, "width, height", "≥ 1 pixel")
        require(1 <= self.orientation <= 8, "orientation", "1..8", self.orientation)

    @property
    def media_type(self) -> str:
        """The MIME type, image/…"""
        return self.format.media_type

    @property
    def turned(self) -> bool:
        """True where upright width and height are the stored ones swapped."""
        return self.orientation >= 5

    @property
    def width(self) -> int:
        """Upright, pixels."""
        return self.stored_height if self.turned else self.stored_width

    @property
    def height(self) -> int:
        """Upright, pixels."""
        return self.stored_width if self.turned else self.stored_height

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.stored_width * self.stored_height / 1e6


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture, as large as was needed."""

    image: Image
    """H x W x 3 uint8, RGB, upright."""
    factor: float
    """Its size over the upright original's: 1, 1/2, 1/4 or 1/8."""
    width: int
    """Of the upright original, pixels."""
    height: int
    """Of the upright original, pixels."""

    def to_original(self, box: Box) -> Box:
        """Move a box from this picture's pixels to the upright original's, and clip it to that."""
        x1, y1, x2, y2 = (v / self.factor for v in box)
        return (
            min(max(x1, 0.0), self.width),
            min(max(y1, 0.0), self.height),
            min(max(x2, 0.0), self.width),
            min(max(y2, 0.0), self.height),
        )


def check(header: Header, limits: Limits) -> Header:
    """Return `header` unless it declares more than `limits` allow.

    Raises:
        TooLargeImageError: too many pixels, or a side too long.
        UnreadableImageError: far too narrow to be a photo.
    """
    long, short = max(header.width, header.height), min(header.width, header.height)
    if long > limits.max_side or header.megapixels > limits.max_megapixels:
        raise TooLargeImageError(
            f"{header.width} x {header.height} pixels ({header.megapixels:.1f} megapixels)",
            f"Send at most {limits.max_megapixels:g} megapixels and "
            f"{limits.max_side} pixels on the longer side.",
        )
    if long > limits.max_aspect * short:
        raise UnreadableImageError(
            f"{header.width} x {header.height} pixels is too narrow to be a photo",
            f"Send a picture at most {limits.max_aspect:g} times as long as it is wide.",
        )
    return header
