"""Pillow pictures of any mode to RGB, shrunk: for the formats that can't be decoded scaled."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from models.image_words import Header, TooLargeImageError, UnreadableImageError

if TYPE_CHECKING:
    from models.preprocess import Image

PAPER = (255, 255, 255)
"""What lies behind transparent pixels: white."""


def load(data: bytes, kind: str) -> Pillow.Image:
    """Decode whole with Pillow's decoder of that `kind` (PNG, WEBP) and no other."""
    with warnings.catch_warnings():
        # Limits were checked before; Pillow's own warning of large pictures has nothing to add.
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        try:
            picture = Pillow.open(io.BytesIO(data), formats=(kind,))
        except Pillow.DecompressionBombError as e:
            raise TooLargeImageError(str(e), "Send it as a JPEG.") from e
    picture.load()
    return picture


def to_rgb(picture: Pillow.Image, header: Header, shrink: int) -> Image:
    """Shrink by box average and flatten on white.

    Args:
        picture: decoded; any mode, 8 or 16 bits a channel.
        header: whose size it must have.
        shrink: 1, 2, 4 or 8.

    Returns:
        ceil(stored height / shrink) x ceil(stored width / shrink) x 3 uint8 RGB.

    Raises:
        UnreadableImageError: it isn't the size that its header says.
    """
    if picture.size != (header.stored_width, header.stored_height):
        raise UnreadableImageError("the picture isn't the size that its header says")
    plain = _plain(picture)
    if shrink > 1:
        plain = plain.reduce(shrink)
    if plain.mode in ("RGBA", "LA"):
        paper = Pillow.new("RGBA", plain.size, (*PAPER, 255))
        paper.alpha_composite(plain.convert("RGBA"))
        plain = paper
    return np.array(plain.convert("RGB"), dtype=np.uint8)


def _plain(picture: Pillow.Image) -> Pillow.Image:
    """The same in one of the modes L, LA, RGB, RGBA."""
    mode = picture.mode
    if mode in ("I;16", "I;16B", "I"):  # 16 bits of grey: Pillow would clip them, not scale them
        grey = np.asarray(picture).astype(np.uint16) >> 8
        return Pillow.fromarray(grey.astype(np.uint8))
    if "transparency" in picture.info:
        return picture.convert("RGBA")
    if mode in ("L", "LA", "RGB", "RGBA"):
        return picture
    return picture.convert("LA" if mode == "La" else "RGBA" if mode == "RGBa" else "RGB")
