"""Views of a vehicle: which parts are in the picture and how its panels are curved.

Coordinates are parts of the canvas (0..1 in x and y); sizes are parts of the panel's short side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tower_sync_server.render.lamps import add_lamp
from tower_sync_server.render.parts import (
    add_badge,
    add_gap,
    add_grille,
    add_handle,
    add_pane,
    add_plate,
    add_strip,
    add_wheel,
    rounded,
)
from tower_sync_server.render.surface import Surface, cover, region

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import F32

Layout = Callable[[np.random.Generator, Surface], None]
"""Builds one view onto an empty canvas."""


def place(surface: Surface, *points: tuple[float, float]) -> F32:
    """Turn points in parts of the canvas into pixels, shape (N, 2)."""
    height, width = surface.shape
    return (np.asarray(points) * (width, height)).astype(np.float32)


def curve(rng: np.random.Generator, surface: Surface, top: float, bottom: float) -> None:
    """Bend the whole canvas: slope `top` at the upper edge, `bottom` at the lower, with creases."""
    height, width = surface.shape
    lean = rng.uniform(-0.10, 0.10)
    rows = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    columns = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    level = rows + np.float32(lean) * columns
    slope = top + (bottom - top) * level
    for _ in range(int(rng.integers(0, 3))):
        crease, size = rng.uniform(0.15, 0.9), rng.uniform(-0.16, 0.22)
        sharp = rng.uniform(60, 220)
        slope = slope + size / (1.0 + np.exp(np.clip((level - crease) * sharp, -30, 30)))
        slope = slope - 0.5 * size
    surface.slope_y[:] = slope
    surface.slope_x[:] = rng.uniform(-0.10, 0.10) + rng.uniform(0.0, 0.30) * columns


def close_up(rng: np.random.Generator, surface: Surface) -> None:
    """Nothing but lacquer, at most a gap or a fuel flap."""
    curve(rng, surface, rng.uniform(0.1, 0.4), rng.uniform(-0.4, 0.0))
    unit = surface.unit
    if rng.random() < 0.6:
        x = rng.uniform(0.1, 0.9)
        line = place(surface, (x, -0.02), (x + rng.uniform(-0.1, 0.1), 0.5), (x, 1.02))
        add_gap(surface, line, 0.013 * unit)
    elif rng.random() < 0.5:
        centre = place(surface, (rng.uniform(0.15, 0.85), rng.uniform(0.2, 0.8)))[0]
        size = (0.30 * unit, 0.28 * unit)
        flap = rounded((float(centre[0]), float(centre[1])), size, 0.08 * unit)
        add_gap(surface, np.vstack([flap, flap[:1]]), 0.011 * unit)
    if rng.random() < 0.3:
        y = rng.uniform(0.6, 0.95)
        strip = place(surface, (-0.02, y), (1.02, y), (1.02, y + 0.09), (-0.02, y + 0.09))
        add_strip(surface, strip, 0.06)


def side(rng: np.random.Generator, surface: Surface) -> None:
    """Two doors with handle and windows, at times a wheel or the ground."""
    curve(rng, surface, rng.uniform(0.25, 0.45), rng.uniform(-0.5, -0.25))
    unit = surface.unit
    pillar = rng.uniform(0.25, 0.75)
    belt = rng.uniform(0.08, 0.28) if rng.random() < 0.65 else -0.1
    line = place(surface, (pillar, -0.02), (pillar + 0.01, 0.4), (pillar - 0.02, 0.94))
    add_gap(surface, line, 0.014 * unit)
    add_gap(surface, place(surface, (-0.02, 0.945), (1.02, 0.94)), 0.014 * unit)
    if belt > 0:
        for left, right in ((-0.4, pillar - 0.035), (pillar + 0.035, 1.4)):
            pane = place(surface, (left, -0.1), (right, -0.1), (right, belt), (left, belt + 0.01))
            add_pane(surface, pane, tilt=rng.uniform(0.15, 0.35))
    handle_y = max(belt, 0.0) + rng.uniform(0.10, 0.2)
    if handle_y < 0.5:
        chrome = bool(rng.random() < 0.25)
        for x in (pillar - 0.17, pillar + 0.62):
            x_px, y_px = place(surface, (x, handle_y))[0]
            add_handle(surface, (float(x_px), float(y_px)), chrome)
    _foot(rng, surface)


def _foot(rng: np.random.Generator, surface: Surface) -> None:
    """Finish the lower edge of a side view: moulding, wheel, or sill and ground."""
    kind = rng.random()
    if kind < 0.35:
        y = rng.uniform(0.70, 0.86)
        low = y + 0.06
        strip = place(surface, (-0.02, y), (1.02, y), (1.02, low), (-0.02, low))
        add_strip(surface, strip, shine=0.05)
    elif kind < 0.65:
        x = rng.choice([rng.uniform(-0.05, 0.12), rng.uniform(0.88, 1.05)])
        centre = place(surface, (x, rng.uniform(0.95, 1.1)))[0]
        add_wheel(surface, (float(centre[0]), float(centre[1])), 0.36 * surface.unit, rng)
    if kind > 0.5:
        sill = rng.uniform(0.90, 0.98)
        ground = place(surface, (-0.02, sill), (1.02, sill + 0.01), (1.02, 1.02), (-0.02, 1.02))
        region(surface, ground, "outside")


def front(rng: np.random.Generator, surface: Surface) -> None:
    """A corner of the front: bonnet, head lamp, grille, bumper, plate."""
    curve(rng, surface, rng.uniform(0.45, 0.7), rng.uniform(-0.45, -0.2))
    _end_view(rng, surface, "head")
    left = rng.uniform(0.38, 0.44)
    y = rng.uniform(0.30, 0.42)
    width = rng.uniform(0.18, 0.24)
    add_grille(
        surface,
        place(surface, (left, y), (left + width, y), (left + width - 0.02, y + 0.16),
              (left + 0.02, y + 0.16)),
        int(rng.integers(2, 6)),
    )  # fmt: skip
    if rng.random() < 0.7:
        centre = place(surface, (left + width / 2, y + 0.07))[0]
        add_badge(surface, (float(centre[0]), float(centre[1])), rng)


def rear(rng: np.random.Generator, surface: Surface) -> None:
    """A corner of the back: boot lid, tail lamp, bumper, plate."""
    curve(rng, surface, rng.uniform(0.3, 0.5), rng.uniform(-0.35, -0.1))
    _end_view(rng, surface, "tail")
    if rng.random() < 0.6:
        centre = place(surface, (rng.uniform(0.4, 0.6), rng.uniform(0.2, 0.32)))[0]
        add_badge(surface, (float(centre[0]), float(centre[1])), rng)
    if rng.random() < 0.35:
        add_pane(surface, place(surface, (-0.1, -0.1), (1.1, -0.1), (1.1, 0.12), (-0.1, 0.12)), 0.4)


def _end_view(rng: np.random.Generator, surface: Surface, lamp: str) -> None:
    """Add what front and back have in common: lid gap, bumper, plate, one or two lamps."""
    unit = surface.unit
    lid = rng.uniform(0.22, 0.30)
    edge = rng.uniform(0.62, 0.72)
    bow = [(x, edge + 0.03 * np.cos(4 * (x - 0.5))) for x in np.linspace(-0.02, 1.02, 9)]
    add_gap(surface, place(surface, *bow), 0.014 * unit)
    if rng.random() < 0.45:
        lower = [(1.02, 1.02), (-0.02, 1.02)]
        add_strip(surface, place(surface, *[(x, y + 0.16) for x, y in bow], *lower), 0.07)
    if rng.random() < 0.6:
        centre = place(surface, (rng.uniform(0.4, 0.6), edge + 0.13))[0]
        add_plate(surface, (float(centre[0]), float(centre[1])), rng)
    if lamp == "head":
        add_gap(surface, place(surface, (-0.02, lid), (0.5, lid - 0.03), (1.02, lid)), 0.014 * unit)
    which = rng.random()
    centre_y, half_x, half_y = rng.uniform(0.42, 0.5), rng.uniform(0.11, 0.17), 0.14
    half_y = rng.uniform(0.10, 0.16) if lamp == "head" else rng.uniform(0.14, 0.22)
    skew = rng.uniform(-0.05, 0.05)
    if which < 0.75:
        add_lamp(surface, _lamp(surface, (0.22, centre_y), (half_x, half_y), skew), lamp, rng)
    if which > 0.4:
        add_lamp(surface, _lamp(surface, (0.78, centre_y), (half_x, half_y), -skew), lamp, rng)


def _lamp(
    surface: Surface, centre: tuple[float, float], half: tuple[float, float], skew: float
) -> F32:
    """Return the outline of a lamp: a rounded, skewed box of 32 points."""
    scale = np.asarray([surface.unit, surface.unit])
    box = rounded((0.0, 0.0), (2 * half[0], 2 * half[1]), 0.45 * min(half))
    box[:, 1] += box[:, 0] * skew * 4
    return np.asarray(place(surface, centre) + box * scale, np.float32)


def bonnet(rng: np.random.Generator, surface: Surface) -> None:
    """A bonnet seen from above, with the windscreen's edge or the fender's gap."""
    curve(rng, surface, rng.uniform(0.35, 0.6), rng.uniform(0.2, 0.4))
    unit = surface.unit
    if rng.random() < 0.6:
        edge = rng.uniform(0.10, 0.22)
        cowl = place(
            surface, (-0.02, edge), (1.02, edge), (1.02, edge + 0.05), (-0.02, edge + 0.05)
        )
        add_strip(surface, cowl, 0.04)
        screen = place(surface, (-0.1, -0.1), (1.1, -0.1), (1.1, edge), (-0.1, edge))
        add_pane(surface, screen, tilt=rng.uniform(0.3, 0.5))
    for x, lean in ((0.07, -0.04), (0.93, 0.04)):
        if rng.random() < 0.6:
            line = place(surface, (x, 0.2), (x + lean, 0.6), (x + 2.5 * lean, 1.02))
            add_gap(surface, line, 0.014 * unit)


def windscreen(rng: np.random.Generator, surface: Surface) -> None:
    """A pane that fills most of the picture, with its frame, a wiper and a strip of bonnet."""
    curve(rng, surface, rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.3))
    low = rng.uniform(0.72, 0.9)
    left = rng.uniform(-0.1, 0.08)
    right = rng.uniform(0.92, 1.1)
    outline = place(surface, (left + 0.06, 0.05), (right - 0.06, 0.05), (right, low), (left, low))
    add_pane(surface, outline, tilt=rng.uniform(0.25, 0.5))
    if rng.random() < 0.6:
        start = rng.uniform(0.1, 0.4)
        arm = place(surface, (start, low + 0.01), (start + 0.5, low - 0.05),
                    (start + 0.5, low - 0.035), (start, low + 0.03))  # fmt: skip
        cover(surface, region(surface, arm, "none"), np.full(3, 0.012, np.float32), gloss=0.02)


LAYOUTS: tuple[tuple[Layout, float], ...] = (
    (close_up, 0.24),
    (side, 0.26),
    (front, 0.20),
    (rear, 0.20),
    (bonnet, 0.09),
    (windscreen, 0.07),
)
"""The views and how often each is taken."""
