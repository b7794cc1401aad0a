"""Smooth random fields: dirt, rust, orange peel, clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import F32


def value_noise(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3
) -> F32:
    """Sum octaves of smoothly interpolated random grids.

    Args:
        rng: where the randomness comes from.
        shape: (height, width) of the field in pixels.
        cell: pixels between two grid points of the coarsest octave.
        octaves: how many octaves; each has half the cell and 0.55 of the height.

    Returns:
        A field of `shape` with a standard deviation of about 0.45, mean 0.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    weight, energy = 1.0, 0.0
    for octave in range(octaves):
        step = max(1.5, cell / 2**octave)
        rows, columns = int(height / step) + 3, int(width / step) + 3
        grid = rng.uniform(-1.0, 1.0, (rows, columns)).astype(np.float32) * np.float32(weight)
        full = (int((columns - 1) * step) + 1, int((rows - 1) * step) + 1)
        total += _stretch(grid, full, shape)
        energy += weight**2
        weight *= 0.55
    return total * np.float32(1.0 / np.sqrt(energy))


def _stretch(grid: F32, full: tuple[int, int], shape: tuple[int, int]) -> F32:
    """Enlarge `grid` to `full` (width, height) pixels and cut it to `shape` (height, width)."""
    large = cv2.resize(grid, full, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)[: shape[0], : shape[1]]


def grain(rng: np.random.Generator, shape: tuple[int, int, int]) -> F32:
    """Return white Gaussian noise of `shape` (height, width, channels) with deviation 1.

    One tile of at most 256x256 is drawn and repeated with random flips, which a sensor's
    noise hides and which is many times faster than drawing every pixel.
    """
    tile = rng.standard_normal((min(256, shape[0]), min(256, shape[1]), shape[2]), np.float32)
    rows = -(-shape[0] // tile.shape[0])
    columns = -(-shape[1] // tile.shape[1])
    out = np.empty((rows * tile.shape[0], columns * tile.shape[1], shape[2]), np.float32)
    for row in range(rows):
        for column in range(columns):
            flipped = tile[:: 1 - 2 * (row & 1), :: 1 - 2 * (column & 1)]
            y, x = row * tile.shape[0], column * tile.shape[1]
            out[y : y + tile.shape[0], x : x + tile.shape[1]] = flipped
    return out[: shape[0], : shape[1]]
