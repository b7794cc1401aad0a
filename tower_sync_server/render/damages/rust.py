"""Rust: brown blisters and holes that eat through the lacquer, with an orange rim and runs.

minor: patch radius 0.04-0.065 of the panel, bright young rust; moderate: 0.085-0.13; severe:
0.16-0.25, dark and rusted through in the middle.
"""

from __future__ import annotations

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, blur, linear
from tower_sync_server.render.damages.base import Spot, clip_to, pick
from tower_sync_server.render.noise import value_noise
from tower_sync_server.render.surface import Surface, add_relief


def inflict(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Let the canvas rust at `spot` and return the patch's mask."""
    unit = surface.unit
    radius = unit * pick(rng, spot.severity, (0.04, 0.065), (0.085, 0.13), (0.16, 0.25))
    reach = int(1.5 * radius) + 3
    left, top = int(spot.centre[0]) - reach, int(spot.centre[1]) - reach
    height, width = surface.shape
    area = (
        slice(max(0, top), min(height, top + 2 * reach)),
        slice(max(0, left), min(width, left + 2 * reach)),
    )
    y, x = np.mgrid[area].astype(np.float32)
    shape = x.shape
    distance = np.hypot((x - spot.centre[0]) / rng.uniform(0.8, 1.25), y - spot.centre[1]) / radius
    ragged = value_noise(rng, shape, 0.75 * radius, 4)
    depth = 1.0 - distance + 0.55 * ragged
    depth[distance > 1.4] = -1.0
    eaten = np.clip(depth * radius * 0.30, 0.0, 1.0) * (spot.zone[area] / np.float32(255))
    eaten *= _large_parts(eaten)
    fine = value_noise(rng, shape, max(3.0, 0.16 * radius), 3)
    tone = np.clip(0.62 - 0.55 * depth + 0.35 * fine, 0.0, 1.0)[..., None]
    tone = np.clip(
        tone + pick(rng, spot.severity, (0.30, 0.45), (-0.05, 0.05), (-0.35, -0.2)), 0, 1
    )
    colour = linear((52, 27, 17)) * (1 - tone) + linear((186, 96, 38)) * tone
    if spot.severity == "severe":
        holes = np.clip((depth + 0.45 * fine - 0.85) * 12.0, 0.0, 1.0)[..., None]
        colour = colour + (linear((9, 8, 8)) - colour) * holes
    halo = blur(eaten.astype(np.float32), 0.12 * radius) * 0.45
    target = surface.albedo[area]
    target += (linear((176, 110, 60)) - target) * halo[..., None]
    target += (colour - target) * eaten[..., None]
    surface.gloss[area] *= 1.0 - np.clip(eaten + halo, 0, 1)
    blister = blur(eaten.astype(np.float32), 0.06 * radius) * (0.022 * radius)
    add_relief(surface, area, (blister + eaten * fine * 0.02 * radius).astype(np.float32))
    mask = np.zeros(surface.shape, np.uint8)
    mask[area] = np.where(eaten > 0.5, 255, 0)
    return clip_to(mask, spot.zone)


def _large_parts(eaten: F32) -> F32:
    """Return 1 where `eaten` hangs together over at least 4 % of all of it, 0 on mere specks."""
    solid = np.asarray(eaten > 0.2, np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(solid)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float32)
    keep = np.asarray(areas >= 0.04 * areas[1:].sum(), np.float32)
    keep[0] = 0.0 if count > 1 else 1.0
    return np.asarray(cv2.dilate(keep[parts], np.ones((3, 3), np.uint8)), np.float32)
