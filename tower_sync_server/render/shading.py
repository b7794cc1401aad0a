"""Light the canvas: diffuse colour under the lacquer plus the bent picture of the surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tower_sync_server.render.environment import SIZE, Environment

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import F32
    from tower_sync_server.render.surface import Surface

_ROWS_PER_SLOPE = 150.0
"""Rows of the environment a reflection moves per unit of slope: twice the turn of the surface."""


@dataclass(frozen=True, slots=True)
class View:
    """From where the panel is looked at."""

    azimuth: float
    """Column of the environment mirrored in the middle of the canvas."""
    elevation: float
    """Row of the environment mirrored there; SIZE / 2 is the horizon."""
    spread: float
    """Rows and columns of the environment seen over the canvas where it is flat."""


def shade(surface: Surface, environment: Environment, view: View) -> F32:
    """Return the lit canvas, HxWx3 linear light, nothing clipped."""
    height, width = surface.shape
    rows = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None] * view.spread
    columns = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None] * view.spread
    map_y = view.elevation + rows - _ROWS_PER_SLOPE * surface.slope_y
    map_x = view.azimuth + columns - _ROWS_PER_SLOPE * surface.slope_x
    np.clip(map_y, 0, SIZE - 1, out=map_y)
    mirrored = cv2.remap(
        environment.picture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    light = 1.0 + environment.lift * surface.slope_y + environment.side * surface.slope_x
    np.clip(light, 0.18, 2.2, out=light)
    steep = np.square(surface.slope_x) + np.square(surface.slope_y)
    mirror = surface.gloss * (1.0 + np.minimum(1.2 * steep, 1.0))  # grazing light mirrors more
    np.clip(mirror, 0.0, 0.9, out=mirror)
    light *= (1.0 - mirror) * surface.shade
    mirror *= np.square(surface.shade)
    lit = surface.albedo * environment.ambient
    lit *= light[..., None]
    lit += np.asarray(mirrored) * mirror[..., None]
    return np.asarray(lit, np.float32)
