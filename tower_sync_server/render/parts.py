"""The parts of a vehicle: gaps, handles, panes, wheels, plates. Lamps have a file of their own."""

from __future__ import annotations

import cv2
import numpy as np

from tower_sync_server.render.arrays import (
    F32,
    Point,
    draw_path,
    fixed,
    linear,
    polygon_mask,
    soften,
    window,
)
from tower_sync_server.render.surface import (
    Surface,
    add_relief,
    cover,
    darken,
    region,
    set_slopes,
)

_RUBBER = linear((26, 26, 27))
_CHROME = linear((205, 208, 212))


def add_gap(surface: Surface, points: F32, width: float) -> None:
    """Draw the gap between two panels along N points; its edges roll off and catch light."""
    mask = np.zeros(surface.shape, np.uint8)
    draw_path(mask, points, width)
    reach = max(2.0, 1.5 * width)
    area = window(mask, margin=int(3 * reach))
    if area is None:
        return
    groove = soften(mask[area], reach * 0.5)
    add_relief(surface, area, groove * np.float32(-1.1 * width))
    cover(surface, mask, linear((12, 12, 13)), gloss=0.02)
    darken(surface, mask, 0.75)


def add_handle(surface: Surface, centre: Point, chrome: bool) -> None:
    """Put a door handle with its recess at `centre`."""
    unit = surface.unit
    size = (0.20 * unit, 0.038 * unit)
    recess = np.zeros(surface.shape, np.uint8)
    cv2.ellipse(recess, (centre, (0.13 * unit, 0.11 * unit), 0.0), 255, -1, cv2.LINE_AA)
    area = window(recess, margin=int(0.05 * unit))
    if area is None:
        return
    add_relief(surface, area, soften(recess[area], 0.018 * unit) * (-0.02 * unit))
    bar = polygon_mask(surface.shape, rounded(centre, size, 0.018 * unit))
    shadow = np.roll(bar, int(0.02 * unit), axis=0)
    darken(surface, np.asarray(cv2.blur(shadow, (5, 5)), np.uint8), 0.45)
    cover(surface, bar, _CHROME if chrome else surface.paint, gloss=0.5 if chrome else 0.22)
    rows = np.arange(surface.shape[0], dtype=np.float32)[:, None]
    arch = np.clip((centre[1] - rows) / size[1] * 1.6, -0.8, 0.8)
    set_slopes(surface, bar, 0.0, np.broadcast_to(arch, surface.shape).astype(np.float32))


def rounded(centre: Point, size: tuple[float, float], radius: float) -> F32:
    """Return the outline of a rounded rectangle as 32 points, shape (32, 2)."""
    angles = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = np.asarray([size[0] / 2 - radius, size[1] / 2 - radius])
    corners = np.sign(np.round(unit, 6)) * inner
    return np.asarray(np.asarray(centre) + corners + unit * radius, np.float32)


def add_pane(surface: Surface, outline: F32, tilt: float) -> None:
    """Put a window into `outline` (N, 2); `tilt` is its slope towards the sky."""
    frame = region(surface, outline, "none")
    cover(surface, frame, _RUBBER, gloss=0.06)
    centre = outline.mean(axis=0)
    inner = centre + (outline - centre) * (1.0 - 0.05 * surface.unit / np.ptp(outline, axis=0))
    pane = region(surface, inner.astype(np.float32), "glass")
    cover(surface, pane, linear((46, 54, 56)), gloss=0.24)
    set_slopes(surface, pane, 0.02, tilt)


def add_wheel(surface: Surface, centre: Point, radius: float, rng: np.random.Generator) -> None:
    """Put a wheel of outer `radius` pixels into its arch."""
    arch = np.zeros(surface.shape, np.uint8)
    middle = (round(centre[0]), round(centre[1]))
    cv2.circle(arch, middle, int(radius * 1.16), 255, -1, cv2.LINE_AA)
    for target in (surface.body, surface.trim):
        np.minimum(target, 255 - arch, out=target)
    cover(surface, arch, linear((10, 10, 10)), gloss=0.0)
    tyre = np.zeros(surface.shape, np.uint8)
    cv2.circle(tyre, middle, int(radius), 255, -1, cv2.LINE_AA)
    cover(surface, tyre, linear((38, 38, 39)), gloss=0.03)
    rim = np.zeros(surface.shape, np.uint8)
    cv2.circle(rim, middle, int(radius * 0.68), 255, -1, cv2.LINE_AA)
    cover(surface, rim, linear((46, 46, 48)), gloss=0.05)
    spokes = np.zeros(surface.shape, np.uint8)
    count, phase = int(rng.integers(5, 11)), float(rng.uniform(0, 6.3))
    for spoke in range(count):
        angle = phase + spoke * 2 * np.pi / count
        end = np.asarray(centre) + 0.64 * radius * np.asarray([np.cos(angle), np.sin(angle)])
        draw_path(spokes, [tuple(centre), tuple(end)], 0.11 * radius)
    cv2.circle(spokes, middle, int(radius * 0.66), 255, max(1, int(0.06 * radius)), cv2.LINE_AA)
    cv2.circle(spokes, middle, int(radius * 0.16), 255, -1, cv2.LINE_AA)
    cover(surface, spokes, linear((176, 178, 182)), gloss=0.18)


def add_strip(surface: Surface, outline: F32, shine: float) -> None:
    """Put a black plastic moulding or bumper into `outline` (N, 2)."""
    mask = region(surface, outline, "trim")
    cover(surface, mask, linear((44, 44, 46)), gloss=shine)


def add_plate(surface: Surface, centre: Point, rng: np.random.Generator) -> None:
    """Put a number plate with made-up characters at `centre`."""
    unit = surface.unit
    size = (0.46 * unit, 0.105 * unit)
    for grow, colour in ((1.06, (20, 20, 20)), (1.0, (236, 236, 230))):
        outline = rounded(centre, (size[0] * grow, size[1] * grow), 0.012 * unit)
        mask = region(surface, outline, "none")
        cover(surface, mask, linear(colour), gloss=0.05)
        set_slopes(surface, mask, 0.0, 0.0)
    text = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUXZ0123456789"), 7))
    mask = np.zeros(surface.shape, np.uint8)
    scale = 0.0031 * unit
    width, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0]
    corner = (int(centre[0] - width / 2), int(centre[1] + 0.035 * unit))
    thick = max(1, round(0.009 * unit))
    cv2.putText(mask, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)
    cover(surface, mask, linear((24, 24, 30)))


def add_badge(surface: Surface, centre: Point, rng: np.random.Generator) -> None:
    """Put a chromed emblem at `centre`: a ring with a bar or a cross in it."""
    unit = surface.unit
    mask = np.zeros(surface.shape, np.uint8)
    middle = (round(centre[0]), round(centre[1]))
    radius = max(3, int(0.045 * unit))
    thick = max(1, int(0.010 * unit))
    cv2.ellipse(mask, middle, (int(radius * 1.3), radius), 0, 0, 360, 255, thick, cv2.LINE_AA)
    angle = float(rng.uniform(0, np.pi))
    reach = radius * np.asarray([np.cos(angle), np.sin(angle)])
    draw_path(mask, [np.asarray(centre) - reach, np.asarray(centre) + reach], thick)
    cover(surface, mask, _CHROME, gloss=0.5)


def add_grille(surface: Surface, outline: F32, bars: int) -> None:
    """Put a grille with `bars` chromed bars into `outline` (N, 2)."""
    mask = region(surface, outline, "none")
    cover(surface, mask, linear((14, 14, 15)), gloss=0.03)
    lines = np.zeros(surface.shape, np.uint8)
    left, top = outline.min(axis=0)
    right, bottom = outline.max(axis=0)
    for level in np.linspace(top, bottom, bars + 2)[1:-1]:
        cv2.polylines(
            lines, [fixed([(left, level), (right, level)])], False, 255,
            max(1, int(0.014 * surface.unit)), cv2.LINE_AA, 4,
        )  # fmt: skip
    np.minimum(lines, mask, out=lines)
    cover(surface, lines, linear((150, 152, 156)), gloss=0.35)
