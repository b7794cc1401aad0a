"""What every kind of damage shares: its words, where it may sit, and what it reports back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, Point, draw_path
from tower_sync_server.render.surface import Surface

Severity = Literal["minor", "moderate", "severe"]
"""How bad: each kind says in its file what the word means in geometry."""
SEVERITIES: tuple[Severity, ...] = ("minor", "moderate", "severe")
"""All severities, mildest first."""


@dataclass(frozen=True, slots=True)
class Spot:
    """The place where damage goes."""

    centre: Point
    """Where on the canvas, in pixels."""
    severity: Severity
    """How bad it is to be."""
    zone: U8
    """HxW: what the damage may touch, for instance the painted body."""


Inflict = Callable[[np.random.Generator, Surface, Spot], U8]
"""Damages the canvas and returns the exact mask (HxW, 0 or 255) of what can be seen of it."""


def pick(rng: np.random.Generator, severity: Severity, *ranges: tuple[float, float]) -> float:
    """Draw from the range that belongs to `severity` (ranges in the order of SEVERITIES)."""
    low, high = ranges[SEVERITIES.index(severity)]
    return float(rng.uniform(low, high))


def find_centre(rng: np.random.Generator, zone: U8, margin: float) -> Point | None:
    """Draw a point at least `margin` pixels inside `zone`; the best there is if none is that far.

    The outer seventh of the canvas is left out, most of which the camera doesn't see.

    Returns None where the zone is too thin to hold anything.
    """
    step = max(1, zone.shape[1] // 160)
    small = np.asarray(zone[::step, ::step] > 200, np.uint8)
    rim_y, rim_x = max(1, small.shape[0] // 7), max(1, small.shape[1] // 7)
    small[:rim_y], small[-rim_y:], small[:, :rim_x], small[:, -rim_x:] = 0, 0, 0, 0
    distance = cv2.distanceTransform(small, cv2.DIST_L2, 3) * step
    deep = min(margin, 0.85 * float(distance.max()))
    if deep < 0.25 * margin:
        return None
    rows, columns = np.nonzero(distance >= max(deep, 1.0))
    if rows.size == 0:
        return None
    choice = int(rng.integers(rows.size))
    return float(columns[choice] * step), float(rows[choice] * step)


def clip_to(mask: U8, zone: U8) -> U8:
    """Return `mask` without what lies outside `zone` (both HxW)."""
    return np.minimum(mask, zone)


def jagged(rng: np.random.Generator, start: Point, angle: float, length: float) -> F32:
    """Return a line of 6..14 points that breaks its direction at every one of them."""
    count = int(rng.integers(6, 14))
    turns = np.clip(rng.normal(0.0, 0.45, count), -0.9, 0.9)
    headings = angle + turns
    steps = rng.uniform(0.5, 1.5, count)
    steps *= length / steps.sum()
    moves = np.stack([np.cos(headings) * steps, np.sin(headings) * steps], axis=1)
    path = np.vstack([[(0.0, 0.0)], np.cumsum(moves, axis=0)])
    return np.asarray(np.asarray(start) + path, np.float32)


def shard(rng: np.random.Generator, centre: Point, radius: float, corners: int = 9) -> F32:
    """Return an irregular, angular polygon around `centre`, shape (corners, 2)."""
    angles = np.sort(rng.uniform(0.0, 2 * np.pi, corners))
    reach = radius * rng.uniform(0.55, 1.1, corners)
    ring = np.stack([np.cos(angles) * reach, np.sin(angles) * reach], axis=1)
    return (np.asarray(centre) + ring).astype(np.float32)


def draw_tapered(mask: U8, points: F32, thickness: float) -> None:
    """Draw an open line that is as thick as `thickness` pixels at its middle, half at its ends."""
    share = 1.0 - 0.55 * np.abs(np.linspace(-1.0, 1.0, len(points) - 1)) ** 2
    for one, two, part in zip(points[:-1], points[1:], share, strict=True):
        draw_path(mask, [one, two], thickness * float(part))


def thick(unit: float, part: float) -> float:
    """Return a line's thickness in pixels, `part` of the panel, never below what can be seen."""
    return max(1.0, unit * part)
