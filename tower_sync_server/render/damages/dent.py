"""Dents: the panel is pushed in, the lacquer holds, the reflections bend.

minor: radius 0.075-0.115 of the panel, depth 0.14-0.20 of the radius; moderate: 0.13-0.19 and
0.20-0.28, with a fold; severe: 0.21-0.32 and 0.26-0.38, with the lacquer torn along the fold. The
mask ends where the dent is 1.5 % of its depth, which is where reflections visibly begin to bend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tower_sync_server.render.arrays import linear
from tower_sync_server.render.damages.base import Spot, clip_to, pick
from tower_sync_server.render.surface import Surface, add_relief

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import F32, U8

_EDGE = 0.015
"""The mask ends at this part of the full depth."""


def inflict(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Push the canvas in at `spot` and return the dent's mask."""
    radius = surface.unit * pick(rng, spot.severity, (0.075, 0.115), (0.13, 0.19), (0.21, 0.32))
    depth = radius * pick(rng, spot.severity, (0.14, 0.20), (0.20, 0.28), (0.26, 0.38))
    aspect = rng.uniform(0.55, 1.0)
    angle = rng.uniform(0.0, np.pi)
    reach = int(radius * 1.05) + 2
    left, top = int(spot.centre[0]) - reach, int(spot.centre[1]) - reach
    height, width = surface.shape
    area = (
        slice(max(0, top), min(height, top + 2 * reach)),
        slice(max(0, left), min(width, left + 2 * reach)),
    )
    y, x = np.mgrid[area].astype(np.float32)
    x, y = (x - spot.centre[0]) / radius, (y - spot.centre[1]) / radius
    along = x * np.cos(angle) + y * np.sin(angle)
    across = (y * np.cos(angle) - x * np.sin(angle)) / aspect
    bowl = _bowl(along, across, rng.uniform(0.0, 2 * np.pi, 2))
    tilt = rng.uniform(-0.4, 0.4)
    if spot.severity != "minor":
        bowl = _fold(rng, bowl, along, np.abs(across - tilt * along))
    if spot.severity == "severe":
        _tear(rng, surface, area, (along, across - tilt * along))
    add_relief(surface, area, (bowl * np.float32(-depth)).astype(np.float32))
    surface.shade[area] *= 1.0 - np.clip(bowl, 0, 1) * np.float32(0.22 + depth / radius * 0.5)
    mask = np.zeros(surface.shape, np.uint8)
    mask[area] = np.where(bowl > _EDGE, 255, 0)
    return clip_to(mask, spot.zone)


def _bowl(along: F32, across: F32, phases: npt.NDArray[np.float64]) -> F32:
    """Return 1 in the middle, falling smoothly to 0 on a lopsided unit circle."""
    angle = np.arctan2(across, along)
    lopsided = 0.90 + 0.07 * np.sin(2 * angle + phases[0]) + 0.06 * np.sin(3 * angle + phases[1])
    square = (along**2 + across**2) / np.square(lopsided)
    return np.asarray(np.square(np.clip(1.0 - square, 0.0, None)), np.float32)


def _fold(rng: np.random.Generator, bowl: F32, along: F32, distance: F32) -> F32:
    """Add a crease at `distance` 0: a sharp valley along the dent, deepest in the middle."""
    valley = np.exp(-distance / rng.uniform(0.10, 0.22)) * np.clip(1.0 - along**2, 0.0, None)
    inside = np.clip(bowl, 0.0, 1.0)
    return np.asarray(bowl + rng.uniform(0.3, 0.6) * valley * np.sqrt(inside), np.float32)


def _tear(
    rng: np.random.Generator,
    surface: Surface,
    area: tuple[slice, slice],
    place: tuple[F32, F32],
) -> None:
    """Tear the lacquer along the fold; `place` is along it and across it, in radii."""
    along, across = place
    ragged = 0.020 * np.sin(23.0 * along + rng.uniform(0, 6)) + 0.016 * np.sin(51.0 * along)
    wide = 0.075 * np.clip(1.0 - np.square(along / 0.62), 0.0, 1.0)
    torn = np.clip((wide - np.abs(across + ragged)) / 0.012, 0.0, 1.0)
    grey = linear((104, 106, 110)) if float(surface.paint.mean()) > 0.3 else linear((196, 198, 200))
    surface.albedo[area] += (grey - surface.albedo[area]) * torn[..., None]
    surface.gloss[area] *= 1.0 - 0.7 * torn
