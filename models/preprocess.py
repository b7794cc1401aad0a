"""From an upright RGB picture to a network's input tensor: the same code in training and serving.

Version 1. A change of any number that comes out of here is a new version, and `VERSION` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.detection import Box
    from models.release import Input, Preprocess

VERSION = 1

Image = NDArray[np.uint8]
"""H x W x 3, uint8, RGB, upright."""
Tensor = NDArray[np.float32]
"""1 x 3 x H x W (NCHW) or 1 x H x W x 3 (NHWC), float32."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the picture lies on the network's canvas, to get boxes back."""

    scale_x: float
    """Canvas pixels per picture pixel, horizontally."""
    scale_y: float
    """The same vertically."""
    left: int
    """Canvas pixels of padding left of the picture."""
    top: int
    """Canvas pixels of padding above it."""
    width: int
    """Of the picture, pixels."""
    height: int
    """Of the picture, pixels."""

    def to_picture(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move boxes from the canvas to the picture and clip them to it.

        Args:
            boxes: N x 4 float32, x1 y1 x2 y2 in canvas pixels.

        Returns:
            N x 4 float32 in picture pixels.
        """
        offset = np.array([self.left, self.top] * 2, dtype=np.float32)
        scale = np.array([self.scale_x, self.scale_y] * 2, dtype=np.float32)
        limit = np.array([self.width, self.height] * 2, dtype=np.float32)
        moved: NDArray[np.float32] = np.clip((boxes - offset) / scale, 0, limit).astype(np.float32)
        return moved


def place(image: Image, width: int, height: int, rules: Preprocess) -> tuple[Image, Placement]:
    """Resize a picture onto a canvas of `height` x `width` as `rules.fit` says.

    Returns:
        The canvas (height x width x 3 uint8) and where the picture lies on it.
    """
    h, w = image.shape[:2]
    if rules.fit == "stretch":
        canvas = _resize(image, width, height)
        return canvas, Placement(width / w, height / h, 0, 0, w, h)
    ratio = min(width / w, height / h)
    new_w, new_h = max(1, round(w * ratio)), max(1, round(h * ratio))
    left, top = (width - new_w) // 2, (height - new_h) // 2
    canvas = np.full((height, width, 3), rules.pad, dtype=np.uint8)
    canvas[top : top + new_h, left : left + new_w] = _resize(image, new_w, new_h)
    return canvas, Placement(new_w / w, new_h / h, left, top, w, h)


def normalise(canvas: Image, layout: str, channels: str, rules: Preprocess) -> Tensor:
    """Turn a canvas into the input tensor, values scaled, centred and in the network's layout.

    Args:
        canvas: H x W x 3 uint8 RGB.
        layout: NCHW or NHWC.
        channels: RGB or BGR.
        rules: scale, mean and std.
    """
    ordered = canvas if channels == "RGB" else canvas[..., ::-1]
    x: NDArray[np.float32] = ordered.astype(np.float32) * np.float32(rules.scale)
    if rules.mean != (0.0, 0.0, 0.0) or rules.std != (1.0, 1.0, 1.0):
        mean, std = np.array(rules.mean, np.float32), np.array(rules.std, np.float32)
        x = ((x - mean) / std).astype(np.float32)
    if layout == "NCHW":
        x = x.transpose(2, 0, 1)
    return np.ascontiguousarray(x[None], dtype=np.float32)


def to_tensor(image: Image, spec: Input, rules: Preprocess) -> tuple[Tensor, Placement]:
    """`place`, then `normalise`: what every vision model's input is made with."""
    canvas, placement = place(image, spec.width, spec.height, rules)
    return normalise(canvas, spec.layout, spec.channels, rules), placement


def unscale(box: Box, factor: float) -> Box:
    """Move a box from a picture decoded at `factor` of its size (0..1] to the upright original."""
    x1, y1, x2, y2 = (v / factor for v in box)
    return x1, y1, x2, y2


def _resize(image: Image, width: int, height: int) -> Image:
    # Halving first is as good as one step and, from 1000 to 320 pixels, twice as fast.
    while _can_be_halved(image, width, height):
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if image.shape[1] == width and image.shape[0] == height:
        return image
    # Linear is eight times as fast, and from half the size on as good.
    far = min(width / image.shape[1], height / image.shape[0]) < 0.5
    how = cv2.INTER_AREA if far else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), dtype=np.uint8)


def _can_be_halved(image: Image, width: int, height: int) -> bool:
    h, w = image.shape[:2]
    return bool(w >= 2 * width and h >= 2 * height and w % 2 == 0 and h % 2 == 0)
