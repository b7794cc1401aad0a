"""Cracks: jagged dark lines that branch in plastic and lacquer, white stars in glass.

minor: 0.12-0.20 of the panel long, no branch; moderate: 0.24-0.38, one or two branches;
severe: 0.42-0.65, four to seven branches and an open gap. In glass: a star of four or five rays;
seven to nine and a ring; twelve to sixteen and three or four rings.
"""

from __future__ import annotations

import numpy as np

from tower_sync_server.render.arrays import U8, draw_path, linear, polygon_mask, soften, window
from tower_sync_server.render.damages.base import Spot, clip_to, draw_tapered, jagged, pick, thick
from tower_sync_server.render.surface import Surface, add_relief, cover, darken


def inflict(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Crack the canvas at `spot`, as glass where that is glass, and return the lines' mask."""
    row, column = int(spot.centre[1]), int(spot.centre[0])
    if surface.glass[row, column] > 127:
        return _star(rng, surface, spot)
    return _split(rng, surface, spot)


def _split(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Break painted plastic: one jagged line with branches, dark inside, one edge lifted."""
    unit = surface.unit
    length = unit * pick(rng, spot.severity, (0.12, 0.20), (0.24, 0.38), (0.42, 0.65))
    branches = round(pick(rng, spot.severity, (0, 0), (1, 2), (4, 7)))
    width = thick(unit, pick(rng, spot.severity, (0.005, 0.007), (0.007, 0.010), (0.009, 0.014)))
    angle = rng.uniform(0.2, 1.35) * rng.choice([-1.0, 1.0])
    heading = np.asarray([np.cos(angle), np.sin(angle)])
    start = np.asarray(spot.centre) - heading * length / 2
    lines = np.zeros(surface.shape, np.uint8)
    spine = jagged(rng, (float(start[0]), float(start[1])), angle, length)
    draw_tapered(lines, spine, width)
    for _ in range(branches):
        root = spine[int(rng.integers(1, len(spine) - 1))]
        turn = angle + rng.uniform(0.5, 1.3) * rng.choice([-1.0, 1.0])
        part = rng.uniform(0.18, 0.42) * length
        twig = jagged(rng, (float(root[0]), float(root[1])), turn, part)
        draw_tapered(lines, twig, max(1.0, 0.75 * width))
    if spot.severity == "severe":
        middle = len(spine) // 2
        gap = np.vstack(
            [spine[middle - 2 : middle + 2], spine[middle] + (0.03 * unit, 0.035 * unit)]
        )
        np.maximum(lines, polygon_mask(surface.shape, gap), out=lines)
    lines = clip_to(lines, spot.zone)
    area = window(lines, margin=int(4 * width) + 2)
    if area is not None:
        soft = soften(lines[area], 0.9 * width)
        add_relief(surface, area, soft * np.float32(-0.7 * width))
    cover(surface, lines, linear((14, 13, 13)), gloss=0.0)
    darken(surface, lines, 0.7)
    return lines


def _star(rng: np.random.Generator, surface: Surface, spot: Spot) -> U8:
    """Break glass: rays from the point of impact, pieces of rings between them, white dust."""
    unit = surface.unit
    reach = unit * pick(rng, spot.severity, (0.07, 0.11), (0.14, 0.22), (0.26, 0.38))
    rays = round(pick(rng, spot.severity, (4, 5), (7, 9), (12, 16)))
    lines = np.zeros(surface.shape, np.uint8)
    width = thick(unit, 0.0042)
    angles = np.sort(rng.uniform(0, 2 * np.pi, rays) * 0.3 + np.arange(rays) * 2 * np.pi / rays)
    ends = []
    for angle in angles:
        ray = jagged(rng, spot.centre, float(angle), reach * rng.uniform(0.6, 1.1))
        ends.append(ray)
        draw_path(lines, ray, width)
    for ring in range(round(pick(rng, spot.severity, (0, 0), (1, 1), (3, 4)))):
        for one, two in zip(ends, ends[1:] + ends[:1], strict=True):
            if rng.random() < 0.7:
                knot = min(2 + 2 * ring, len(one) - 1, len(two) - 1)
                draw_path(lines, [one[knot], two[knot]], width * 0.8)
    lines = clip_to(lines, spot.zone)
    area = window(lines, margin=4)
    if area is not None:
        haze = soften(lines[area], 0.02 * unit) * 0.5
        surface.albedo[area] += (0.6 - surface.albedo[area]) * haze[..., None]
    cover(surface, lines, linear((232, 238, 240)), gloss=0.15)
    return lines
