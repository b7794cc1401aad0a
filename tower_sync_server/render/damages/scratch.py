"""Scratches: bundles of nearly parallel strokes through the lacquer.

minor: 0.14-0.26 of the panel long, one or two hairlines; moderate: 0.28-0.45, four to six
strokes to the primer; severe: 0.48-0.80, a wide scraped band of twelve to twenty.
"""

from __future__ import annotations

import numpy as np

from tower_sync_server.render.arrays import F32, U8, draw_path, linear, soften, window
from tower_sync_server.render.damages.base import Spot, clip_to, pick, thick
from tower_sync_server.render.surface import Surface, add_relief, cover


def inflict(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Scratch the canvas at `spot` and return the strokes' mask."""
    unit = surface.unit
    length = unit * pick(rng, spot.severity, (0.14, 0.26), (0.28, 0.45), (0.48, 0.80))
    count = round(pick(rng, spot.severity, (1, 2), (4, 6), (12, 20)))
    spread = unit * pick(rng, spot.severity, (0.010, 0.03), (0.03, 0.06), (0.08, 0.15))
    spine, across = _spine(rng, spot, length)
    strokes = np.zeros(surface.shape, np.uint8)
    bare = np.zeros(surface.shape, np.uint8)
    for number in range(count):
        part = thick(unit, pick(rng, spot.severity, (0.003, 0.005), (0.003, 0.007), (0.003, 0.010)))
        share = (number / max(1, count - 1) - 0.5) if count > 1 else 0.0
        offset = across * spread * (share + rng.normal(0.0, 0.08))
        first = 0 if number == 0 else int(rng.integers(0, len(spine) // 2))
        last = len(spine) if number == 0 else int(rng.integers(len(spine) * 2 // 3, len(spine)))
        draw_path(strokes, spine[first : last + 1] + offset, part, int(rng.integers(150, 256)))
        if spot.severity != "minor" and number % 3 == 1:
            draw_path(bare, spine[first : last + 1] + offset, 0.7 * part)
    strokes = clip_to(strokes, spot.zone)
    _apply(rng, surface, strokes, spot)
    cover(surface, clip_to(bare, spot.zone), linear((96, 98, 102)), gloss=0.25)
    return strokes


def _spine(rng: np.random.Generator, spot: Spot, length: float) -> tuple[F32, F32]:
    """Return a gently curved line of 24 points through the spot, and the direction across it."""
    angle = rng.uniform(0.15, 1.25) * rng.choice([-1.0, 1.0])  # keys and kerbs run slanted
    along = np.asarray([np.cos(angle), np.sin(angle)])
    across = np.asarray([-along[1], along[0]])
    t = np.linspace(-0.5, 0.5, 24)[:, None]
    bend = rng.normal(0.0, 0.10) * (t**2 - 0.25) + rng.normal(0.0, 0.004, (24, 1))
    spine = np.asarray(spot.centre) + length * (t * along + bend * across)
    return spine.astype(np.float32), across.astype(np.float32)


def _apply(rng: np.random.Generator, surface: Surface, strokes: U8, spot: Spot) -> None:
    """Colour the strokes with primer or bare metal and let their edges catch the light."""
    area = window(strokes, margin=6)
    if area is None:
        return
    bright = float(surface.paint.mean()) > 0.36
    grey = int(rng.integers(70, 110)) if bright else int(rng.integers(186, 236))
    haze = soften(strokes[area], thick(surface.unit, 0.010))
    scuff = pick(rng, spot.severity, (0.0, 0.15), (0.15, 0.35), (0.35, 0.6))
    colour = linear((grey, grey, grey))
    target = surface.albedo[area]
    target += (colour - target) * (np.clip(haze * 1.4, 0, 1) * scuff)[..., None]
    cover(surface, strokes, colour, gloss=0.05)
    groove = soften(strokes[area], thick(surface.unit, 0.002))
    add_relief(surface, area, groove * np.float32(-0.004 * surface.unit))
