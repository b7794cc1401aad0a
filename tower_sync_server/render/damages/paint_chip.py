"""Paint chips: angular flakes of lacquer are gone, primer and metal show with a sharp edge.

minor: one or two chips of 0.022-0.034 of the panel; moderate: four to seven of 0.03-0.045 close
together; severe: one flaked area of 0.11-0.18 with satellites.
"""

from __future__ import annotations

import numpy as np

from tower_sync_server.render.arrays import F32, U8, linear, polygon_mask, soften, window
from tower_sync_server.render.damages.base import Spot, clip_to, pick, shard
from tower_sync_server.render.surface import Surface, add_relief, cover


def inflict(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Flake the lacquer off at `spot` and return the mask of all chips."""
    unit = surface.unit
    count = round(pick(rng, spot.severity, (1, 2), (4, 7), (3, 6)))
    spread = unit * pick(rng, spot.severity, (0.03, 0.05), (0.06, 0.10), (0.13, 0.20))
    chips = np.zeros(surface.shape, np.uint8)
    cores = np.zeros(surface.shape, np.uint8)
    for number in range(count):
        size = unit * pick(rng, spot.severity, (0.022, 0.034), (0.02, 0.045), (0.018, 0.04))
        centre = np.asarray(spot.centre)
        if number == 0 and spot.severity == "severe":
            size = unit * rng.uniform(0.11, 0.18)
        elif number > 0:
            centre = centre + np.clip(rng.normal(0.0, 0.6, 2), -1.1, 1.1) * spread
        outline = shard(rng, (float(centre[0]), float(centre[1])), size, int(rng.integers(7, 13)))
        np.maximum(chips, polygon_mask(surface.shape, outline), out=chips)
        inner = centre + (outline - centre) * rng.uniform(0.45, 0.75)
        np.maximum(cores, polygon_mask(surface.shape, inner), out=cores)
    chips = clip_to(chips, spot.zone)
    _apply(rng, surface, chips, np.minimum(cores, chips))
    return chips


def _apply(rng: np.random.Generator, surface: Surface, chips: U8, cores: U8) -> None:
    """Show primer in the chips, metal or flash rust in their cores, and the step at the edge."""
    cover(surface, chips, _primer(rng, surface.paint), gloss=0.03)
    metal = linear((120, 122, 126)) if rng.random() < 0.7 else linear((110, 74, 52))
    cover(surface, cores, metal, gloss=0.10)
    area = window(chips, margin=4)
    if area is not None:
        step = soften(chips[area], max(0.6, 0.0025 * surface.unit))
        add_relief(surface, area, step * np.float32(-0.008 * surface.unit))


def _primer(rng: np.random.Generator, paint: F32) -> F32:
    """Choose a primer that differs from the paint: light grey on dark, dark grey on light."""
    light = float(paint.mean()) < 0.30
    grey = int(rng.integers(196, 232)) if light else int(rng.integers(84, 118))
    return linear((grey, grey, grey))
