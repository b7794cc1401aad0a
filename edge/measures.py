"""Measures a decoded photo: sharpness at a normalised scale, exposure, contrast, size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.quality import Measures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.detection import Box
    from models.image import Decoded
    from models.preprocess import Image

MEASURED_SIDE = 640
"""Pixels of the longer side at which everything is measured."""


def measure(decoded: Decoded) -> Measures:
    """Measure the whole frame."""
    luma = _luma(decoded.image, MEASURED_SIDE)
    return Measures(
        blur_score=_sharpness(luma),
        brightness=float(luma.mean()) / 255,
        contrast=min(1.0, float(luma.std()) / 255),
        clipped_dark=float((luma <= 2).mean()),
        clipped_bright=float((luma >= 253).mean()),
        width=decoded.width,
        height=decoded.height,
    )


def subject_sharpness(decoded: Decoded, box: Box) -> float | None:
    """Sharpness on a box, pixels of the original, at the same scale; None on hardly any pixels."""
    height, width = decoded.image.shape[:2]
    x1, y1, x2, y2 = (round(v * decoded.factor) for v in box)
    part = decoded.image[max(0, y1) : min(height, y2), max(0, x1) : min(width, x2)]
    longest = round(MEASURED_SIDE * max(part.shape[:2]) / max(height, width))
    return _sharpness(_luma(part, longest)) if min(part.shape[:2]) and longest >= 32 else None


def _luma(image: Image, longest: int) -> NDArray[np.uint8]:
    scale = longest / max(image.shape[:2])
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _sharpness(luma: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(luma, cv2.CV_32F).var())
