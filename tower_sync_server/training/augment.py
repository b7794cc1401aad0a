"""Make one cached photo into many: crops at other scales, mirrored, in other light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_PAD = (114, 114, 114)
_LEAST_SHARE = 0.30
"""A box of which less than this is left by the crop is not learned."""


@dataclass(frozen=True, slots=True)
class Strength:
    """How far the photos are changed."""

    zoom: tuple[float, float]
    """Lowest and highest enlargement."""
    shift: float
    """How far the middle of the crop moves, in parts of the picture's side."""
    colour: float
    """How far channels, brightness and contrast change, in parts."""


def augment(
    rng: np.random.Generator,
    image: npt.NDArray[np.uint8],
    boxes: npt.NDArray[np.float32],
    order: tuple[int, Strength],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Crop, mirror and recolour one photo.

    Args:
        rng: where the randomness comes from.
        image: S x S x 3 uint8.
        boxes: (M, 4) in its pixels.
        order: side of the result in pixels, and how far to go.

    Returns:
        The picture (side x side x 3), the boxes (M, 4) in it, and which of them are still worth
        learning (M,).
    """
    side, strength = order
    zoom = float(np.exp(rng.uniform(*np.log(strength.zoom))))
    middle = image.shape[0] * (0.5 + strength.shift * rng.uniform(-1, 1, 2))
    mirrored = -1.0 if rng.random() < 0.5 else 1.0
    matrix = np.asarray(
        [
            [zoom * mirrored, 0.0, side / 2 - zoom * mirrored * middle[0]],
            [0.0, zoom, side / 2 - zoom * middle[1]],
        ]
    )
    how = cv2.INTER_LINEAR if zoom > 0.7 else cv2.INTER_AREA
    # Boxes count from pixels' edges, OpenCV from their middles: half a pixel lies between.
    by_middles = matrix + np.asarray(
        [[0, 0, matrix[0, 0] / 2 - 0.5], [0, 0, matrix[1, 1] / 2 - 0.5]]
    )
    picture = cv2.warpAffine(image, by_middles, (side, side), flags=how, borderValue=_PAD)
    moved, kept = _move_boxes(boxes, matrix, side)
    return _recolour(rng, np.asarray(picture, np.uint8), strength.colour), moved, kept


def _move_boxes(
    boxes: npt.NDArray[np.float32], matrix: npt.NDArray[np.float64], side: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Move boxes (M, 4) with the picture and clip them to it."""
    x = boxes[:, [0, 2]] * matrix[0, 0] + matrix[0, 2]
    y = boxes[:, [1, 3]] * matrix[1, 1] + matrix[1, 2]
    raw = np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1)
    clipped = raw.clip(0, side)
    before = (raw[:, 2] - raw[:, 0]) * (raw[:, 3] - raw[:, 1])
    size = clipped[:, 2:] - clipped[:, :2]
    kept = (size.prod(axis=1) > _LEAST_SHARE * before) & (size.min(axis=1, initial=1e9) > 1.5)
    return clipped.astype(np.float32), kept


def _recolour(
    rng: np.random.Generator, image: npt.NDArray[np.uint8], amount: float
) -> npt.NDArray[np.uint8]:
    """Change channels, brightness, contrast, and at times the order of the channels."""
    if amount <= 0:
        return image
    gain = np.exp(rng.uniform(-0.5, 0.5) * amount + rng.uniform(-0.35, 0.35, 3) * amount)
    gamma = float(np.exp(rng.uniform(-0.5, 0.5) * amount))
    levels = np.linspace(0.0, 1.0, 256)[:, None] ** gamma * gain * 255.0
    table = np.clip(levels, 0, 255).astype(np.uint8)[None]
    changed = np.asarray(cv2.LUT(image, table), np.uint8)
    if rng.random() < 0.25 * amount:
        grey = cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY)
        share = rng.uniform(0.3, 0.9)
        wide = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        changed = np.asarray(cv2.addWeighted(changed, 1 - share, wide, share, 0), np.uint8)
    return changed
