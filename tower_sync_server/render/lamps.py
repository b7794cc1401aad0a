"""Head and tail lamps, whole; damages/broken_lamp.py breaks them."""

from __future__ import annotations

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, draw_path, linear, polygon_mask
from tower_sync_server.render.surface import Lamp, Surface, cover, darken, region, set_slopes


def add_lamp(surface: Surface, outline: F32, kind: str, rng: np.random.Generator) -> None:
    """Put a lamp (`head` or `tail`) into `outline` (N, 2) and note it for the damage."""
    seam = polygon_mask(surface.shape, _grown(outline, 1.05))
    darken(surface, seam, 0.6)
    mask = region(surface, outline, "none")
    if kind == "head":
        _head(surface, outline, mask, rng)
    else:
        _tail(surface, outline, mask, rng)
    centre = outline.mean(axis=0)
    half = np.maximum(np.ptp(outline, axis=0) / 2, 1.0)
    rows = (np.arange(surface.shape[0], dtype=np.float32) - centre[1]) / half[1]
    columns = (np.arange(surface.shape[1], dtype=np.float32) - centre[0]) / half[0]
    slope_y = np.repeat((-0.35 * rows)[:, None], surface.shape[1], axis=1).astype(np.float32)
    slope_x = np.repeat((-0.30 * columns)[None], surface.shape[0], axis=0).astype(np.float32)
    set_slopes(surface, mask, slope_x, slope_y)
    surface.lamps.append(Lamp(outline, kind))


def _grown(outline: F32, factor: float) -> F32:
    """Scale `outline` (N, 2) around its centre."""
    centre = outline.mean(axis=0)
    return np.asarray(centre + (outline - centre) * factor, np.float32)


def _head(surface: Surface, outline: F32, mask: U8, rng: np.random.Generator) -> None:
    """Paint housing, reflector bowls with their bulbs and an amber corner under clear plastic."""
    cover(surface, mask, linear((88, 92, 98)), gloss=0.30)
    rim = np.zeros(surface.shape, np.uint8)
    centre, extent = outline.mean(axis=0), np.ptp(outline, axis=0)
    along = np.asarray([1.0, 0.0]) if extent[0] >= extent[1] else np.asarray([0.0, 1.0])
    count = int(rng.integers(1, 4)) if extent.max() > 1.35 * extent.min() else 1
    radius = 0.34 * float(extent.min())
    for bowl in range(count):
        offset = (bowl - (count - 1) / 2) * extent.max() * 0.78 / count
        middle = centre + along * offset
        place = (round(float(middle[0])), round(float(middle[1])))
        for part, grey in ((1.0, 40), (0.88, 214), (0.62, 150), (0.36, 240), (0.18, 90)):
            disc = np.zeros(surface.shape, np.uint8)
            cv2.circle(disc, place, max(1, int(radius * part)), 255, -1, cv2.LINE_AA)
            cover(surface, np.minimum(disc, mask), linear((grey, grey, min(255, grey + 6))))
    cv2.polylines(rim, [np.round(outline).astype(np.int32)], True, 255, 1, cv2.LINE_AA)
    cover(surface, rim, linear((20, 20, 20)), gloss=0.1)


def _tail(surface: Surface, outline: F32, mask: U8, rng: np.random.Generator) -> None:
    """Paint red plastic with a clear or amber segment and the ribs of its reflector."""
    cover(surface, mask, linear((168, 16, 22)), gloss=0.22)
    low, high = outline.min(axis=0), outline.max(axis=0)
    extent = high - low
    ribs = np.zeros(surface.shape, np.uint8)
    step = max(3.0, 0.10 * float(extent.min()))
    for level in np.arange(low[1], high[1], step):
        draw_path(ribs, [(low[0], level), (high[0], level)], max(1.0, 0.3 * step))
    cover(surface, np.minimum(ribs, mask), linear((120, 8, 14)))
    side = 1 if extent[1] > extent[0] else 0
    start = float(rng.uniform(0.3, 0.55))
    piece_low, piece_high = low.copy(), high.copy()
    piece_low[side] += start * extent[side]
    piece_high[side] = piece_low[side] + 0.24 * extent[side]
    corners = [piece_low, (piece_high[0], piece_low[1]), piece_high, (piece_low[0], piece_high[1])]
    segment = np.minimum(polygon_mask(surface.shape, np.asarray(corners)), mask)
    colour = (226, 226, 224) if rng.random() < 0.6 else (226, 128, 24)
    cover(surface, segment, linear(colour), gloss=0.25)
