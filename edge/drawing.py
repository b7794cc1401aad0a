"""Draws what was found onto a photo: a frame in the label's colour and a chip with its name."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.detection import Box, Prediction
    from models.preprocess import Image

PALETTE = (
    (239, 71, 111),
    (17, 138, 178),
    (6, 160, 120),
    (245, 140, 30),
    (131, 86, 209),
    (214, 62, 180),
    (60, 110, 220),
    (150, 110, 40),
    (20, 150, 160),
    (200, 60, 50),
)
"""RGB, dark enough for white letters."""
_SHUFFLE = 3
"""The first number with which the shipped labels all get colours of their own, and rust orange."""
WHITE = (255, 255, 255)
QUALITY = 88
"""Of the JPEG, 0..100."""

Colour = tuple[int, int, int]
Area = tuple[int, int, int, int]


def draw(image: Image, predictions: Sequence[Prediction], factor: float) -> Image:
    """Draw the shown predictions, the surest on top; what refines one of them is left out.

    Args:
        image: H x W x 3 uint8 RGB, upright; it is drawn on.
        predictions: boxes in pixels of the upright original.
        factor: size of `image` as a share of the original's.

    Returns:
        `image`.
    """
    height, width = image.shape[:2]
    unit = max(height, width) / 1600
    own = (p for p in predictions if p.shown and p.refines is None)
    shown = sorted(own, key=lambda p: p.confidence)
    areas = [_area(p.box, factor, width, height) for p in shown]
    for prediction, area in zip(shown, areas, strict=True):
        _frame(image, area, colour_of(prediction.label), max(2, round(4 * unit)))
    taken: list[Area] = []
    chips = list(zip(shown, areas, strict=True))
    for prediction, area in reversed(chips):  # the surest chooses its place first
        text = f"{prediction.label.replace('_', ' ')} {prediction.confidence:.0%}"
        _chip(image, area, text, colour_of(prediction.label), max(12, round(30 * unit)), taken)
    return image


def to_jpeg(image: Image) -> bytes:
    """Encode H x W x 3 uint8 RGB as JPEG."""
    ok, data = cv2.imencode(".jpg", image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    if not ok:  # the encoder's own failure; an array of this shape has none that we know
        raise ValueError("the annotated photo can't be encoded")
    return data.tobytes()


def colour_of(label: str) -> Colour:
    """The label's own colour, RGB: the same on every device and every day."""
    return PALETTE[zlib.crc32(f"{_SHUFFLE}{label}".encode()) % len(PALETTE)]


def _area(box: Box, factor: float, width: int, height: int) -> Area:
    x1, y1, x2, y2 = (round(v * factor) for v in box)
    return min(x1, width - 1), min(y1, height - 1), min(x2, width - 1), min(y2, height - 1)


def _frame(image: Image, area: Area, colour: Colour, line: int) -> None:
    """A coloured frame on a thin light one, so that it stands out on any ground."""
    x1, y1, x2, y2 = area
    cv2.rectangle(image, (x1, y1), (x2, y2), WHITE, line + 2, cv2.LINE_AA)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, line, cv2.LINE_AA)


def _chip(
    image: Image, area: Area, text: str, colour: Colour, size: int, taken: list[Area]
) -> None:
    """A filled label above the box, or inside it where there is no room or another chip."""
    font = _font(size)
    pad = size // 3
    left, top, right, bottom = (round(v) for v in font.getbbox(text))
    wide, high = right - left + 2 * pad, size + 2 * pad
    chip = _place(area, wide, high, image.shape[1], image.shape[0], taken)
    taken.append(chip)
    x, y = chip[:2]
    part = image[y : chip[3], x : chip[2]]
    picture = PillowImage.new("RGB", (part.shape[1], part.shape[0]), colour)
    baseline = pad + (size - (bottom - top)) // 2 - top
    ImageDraw.Draw(picture).text((pad - left, baseline), text, fill=WHITE, font=font)
    part[:] = np.asarray(picture)


def _place(area: Area, wide: int, high: int, width: int, height: int, taken: list[Area]) -> Area:
    x1, y1, _, y2 = area
    x = max(0, min(x1, width - wide))
    candidates = (y1 - high, y1, y2, y2 - high, y1 + high)
    spots = [(x, y, min(x + wide, width), y + high) for y in candidates if 0 <= y <= height - high]
    free = [spot for spot in spots if not any(_touch(spot, other) for other in taken)]
    return (free or spots or [(x, 0, min(x + wide, width), min(high, height))])[0]


def _touch(a: Area, b: Area) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
