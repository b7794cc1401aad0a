"""Broken lamps: cracks, holes and missing pieces. The mask is the whole lamp.

minor: cracks only; moderate: one hole over 0.12-0.25 of the lamp; severe: 0.50-0.80 is gone.
"""

from __future__ import annotations

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, draw_path, linear, polygon_mask
from tower_sync_server.render.damages.base import Spot, draw_tapered, jagged, pick, shard, thick
from tower_sync_server.render.noise import value_noise
from tower_sync_server.render.surface import Lamp, Surface, cover, darken, set_slopes


def inflict(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Break the lamp around `spot` and return the mask of all of it."""
    lamp = min(surface.lamps, key=lambda one: _distance(one, spot))
    glass = polygon_mask(surface.shape, lamp.outline)
    half = float(np.ptp(lamp.outline, axis=0).min()) / 2
    share = pick(rng, spot.severity, (0.0, 0.0), (0.12, 0.25), (0.50, 0.80))
    impact = _inside(rng, lamp)
    if share > 0:
        _hole(rng, surface, glass, (impact, half, share))
    rays = round(pick(rng, spot.severity, (6, 9), (6, 10), (9, 14)))
    _cracks(rng, surface, glass, (impact, rays, lamp))
    return glass


def _distance(lamp: Lamp, spot: Spot) -> float:
    """Return how far the middle of `lamp` is from `spot`, in pixels."""
    return float(np.hypot(*(lamp.outline.mean(axis=0) - np.asarray(spot.centre))))


def _inside(rng: np.random.Generator, lamp: Lamp) -> tuple[float, float]:
    """Draw a point in the middle half of the lamp."""
    offset = rng.uniform(-0.25, 0.25, 2) * np.ptp(lamp.outline, axis=0)
    x, y = lamp.outline.mean(axis=0) + offset
    return float(x), float(y)


def _hole(
    rng: np.random.Generator,
    surface: Surface,
    glass: U8,
    where: tuple[tuple[float, float], float, float],
) -> None:
    """Knock a jagged hole; `where` is the impact, the lamp's half height and the share to lose."""
    impact, half, share = where
    area = float(np.count_nonzero(glass > 127)) * share
    radius = max(0.45 * half, float(np.sqrt(area / np.pi)) * 1.2)
    outline = shard(rng, impact, radius, int(rng.integers(9, 15)))
    hole = np.minimum(polygon_mask(surface.shape, outline), glass)
    inside = value_noise(rng, surface.shape, max(4.0, 0.35 * half), 2)[..., None]
    dark: F32 = (linear((34, 32, 31)) * np.clip(1.0 + 0.9 * inside, 0.1, 3.0)).astype(np.float32)
    cover(surface, hole, dark, gloss=0.0)
    darken(surface, hole, 0.35)
    set_slopes(surface, hole, 0.0, 0.0)
    rim = cv2.morphologyEx(hole, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    cover(surface, np.minimum(np.asarray(rim, np.uint8), glass), linear((214, 214, 210)), gloss=0.4)
    bulb = polygon_mask(surface.shape, shard(rng, impact, 0.22 * half, 12))
    cover(surface, np.minimum(bulb, hole), linear((186, 182, 160)), gloss=0.2)
    for _ in range(int(rng.integers(2, 5))):
        x, y = np.asarray(impact) + rng.uniform(-0.8, 0.8, 2) * radius
        splinter = shard(rng, (float(x), float(y)), 0.16 * radius, 4)
        piece = np.minimum(polygon_mask(surface.shape, splinter), hole)
        cover(surface, piece, linear((150, 150, 152)), gloss=0.35)


def _cracks(
    rng: np.random.Generator,
    surface: Surface,
    glass: U8,
    what: tuple[tuple[float, float], int, Lamp],
) -> None:
    """Draw cracks over the lamp; `what` is the impact, the number of rays and the lamp."""
    impact, rays, lamp = what
    lines = np.zeros(surface.shape, np.uint8)
    reach = float(np.ptp(lamp.outline, axis=0).max())
    tips = []
    for ray in range(rays):
        angle = ray * 2 * np.pi / rays + rng.uniform(-0.3, 0.3)
        line = jagged(rng, impact, float(angle), reach * rng.uniform(0.3, 0.8))
        tips.append(line[len(line) // 3])
        draw_tapered(lines, line, thick(surface.unit, 0.005))
    draw_path(lines, np.asarray([*tips, tips[0]]), thick(surface.unit, 0.003))
    lines = np.minimum(lines, glass)
    shadow = np.roll(lines, (1, 1), axis=(0, 1))
    cover(surface, np.minimum(shadow, glass), linear((24, 20, 20)))
    cover(surface, lines, linear((238, 236, 232)), gloss=0.2)
