"""Array types and the few drawing primitives that every part of the renderer shares."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
"""Float image or map: HxW or HxWx3; colours are linear light, red first, 1.0 = white."""
U8 = npt.NDArray[np.uint8]
"""Eight-bit image (HxWx3, sRGB, red first) or mask (HxW, 0 or 255 with soft edges)."""
Point = tuple[float, float]
"""A place on the canvas in pixels: x to the right, y down."""
Rgb = tuple[int, int, int]
"""A colour as people write it: sRGB, 0..255."""

SUBPIXEL_BITS = 4
"""Fraction bits of the coordinates handed to OpenCV, so that edges move in 1/16 pixel."""


def linear(colour: Rgb) -> F32:
    """Turn an sRGB colour (0..255) into linear light (3 values, 0..1), gamma taken as 2."""
    return np.asarray(np.square(np.asarray(colour) / 255.0), np.float32)


def fixed(points: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Turn N points (x, y) in pixels into OpenCV's fixed-point form, shape (N, 1, 2)."""
    scaled = np.asarray(points, np.float64) * (1 << SUBPIXEL_BITS)
    return np.round(scaled).astype(np.int32).reshape(-1, 1, 2)


def polygon_mask(shape: tuple[int, int], points: npt.ArrayLike) -> U8:
    """Draw one filled polygon of N points (pixels) as a mask of shape (height, width)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [fixed(points)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return mask


def draw_path(mask: U8, points: npt.ArrayLike, thickness: float, value: int = 255) -> None:
    """Draw an open line of N points (pixels) into `mask`; thinner than 1 pixel means fainter."""
    if thickness < 1.0:
        value = int(value * max(thickness, 0.3))
    width = max(1, round(thickness))
    cv2.polylines(mask, [fixed(points)], False, value, width, cv2.LINE_AA, SUBPIXEL_BITS)


def bounds(mask: U8, threshold: int = 96) -> tuple[int, int, int, int] | None:
    """Return the tight box (x1, y1, x2, y2; x2 and y2 exclusive) of `mask`, None if empty."""
    solid = np.asarray(mask) > threshold
    columns = np.flatnonzero(solid.any(axis=0))
    rows = np.flatnonzero(solid.any(axis=1))
    if columns.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def window(mask: U8, margin: int = 2) -> tuple[slice, slice] | None:
    """Return the slices (rows, columns) that hold all of `mask` and a margin, None if empty."""
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0 or height == 0:
        return None
    top, left = max(0, y - margin), max(0, x - margin)
    return slice(top, y + height + margin), slice(left, x + width + margin)


def soften(mask: U8, sigma: float) -> F32:
    """Turn a mask (0..255) into shares (0..1) with edges blurred by `sigma` pixels."""
    return blur(mask.astype(np.float32) * np.float32(1 / 255), sigma)


def blur(image: F32, sigma: float) -> F32:
    """Blur with a Gaussian of `sigma` pixels; below 0.15 pixels nothing is done."""
    if sigma < 0.15:
        return image
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
