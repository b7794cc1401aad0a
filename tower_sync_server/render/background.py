"""What stands behind the vehicle: out of focus, and therefore painted small and enlarged."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, Rgb, linear
from tower_sync_server.render.noise import value_noise

_SMALL = 200
"""Width in pixels at which a background is painted."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to paint one kind of place."""

    sky: Rgb
    """Above the wall."""
    wall: Rgb
    """Houses, hedge, shelves: the middle of the picture."""
    ground: Rgb
    """Below the wall."""
    blocks: int
    """Windows, doors, other cars: how many rectangles stand on the wall."""
    rough: float
    """Contrast of the texture on wall and ground."""


RECIPES: dict[str, Recipe] = {
    "street": Recipe((196, 212, 230), (140, 122, 108), (104, 104, 106), 14, 0.25),
    "hedge": Recipe((190, 210, 228), (62, 84, 48), (112, 110, 100), 2, 0.75),
    "lot": Recipe((176, 200, 228), (124, 128, 132), (92, 92, 94), 10, 0.2),
    "facade": Recipe((214, 214, 208), (196, 184, 164), (128, 124, 118), 18, 0.15),
    "workshop": Recipe((74, 72, 70), (122, 76, 58), (98, 92, 84), 22, 0.3),
    "snow": Recipe((206, 214, 228), (150, 160, 176), (228, 232, 240), 4, 0.12),
    "sand": Recipe((150, 190, 226), (196, 160, 112), (206, 178, 132), 3, 0.3),
    "dusk": Recipe((86, 66, 98), (44, 38, 48), (56, 50, 50), 16, 0.3),
}


def make_background(rng: np.random.Generator, name: str, shape: tuple[int, int]) -> F32:
    """Paint the place called `name` as a (height, width, 3) picture, linear light."""
    recipe = RECIPES[name]
    height = max(8, _SMALL * shape[0] // shape[1])
    small = np.empty((height, _SMALL, 3), np.float32)
    skyline = int(height * rng.uniform(0.05, 0.35))
    floor = int(height * rng.uniform(0.55, 0.85))
    small[:skyline] = linear(recipe.sky)
    small[skyline:floor] = linear(recipe.wall)
    small[floor:] = linear(recipe.ground)
    for _ in range(recipe.blocks):
        _block(rng, small, skyline, floor)
    texture = value_noise(rng, (height, _SMALL), 18.0, 4)
    texture[:skyline] *= 0.2
    small *= np.clip(1.0 + recipe.rough * texture, 0.2, 2.2)[..., None]
    small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.7, 2.2)).astype(np.float32)
    large = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def _block(rng: np.random.Generator, small: F32, skyline: int, floor: int) -> None:
    """Put one rectangle on the wall, brighter or darker than it, at times coloured."""
    width, height = int(rng.integers(6, 40)), int(rng.integers(8, 45))
    left = int(rng.integers(-10, small.shape[1]))
    top = int(rng.integers(skyline, max(skyline + 1, floor)))
    colour = linear((128, 128, 128)) * rng.uniform(0.1, 2.2)
    colour = colour * rng.uniform(0.75, 1.25, 3)
    small[top : min(top + height, floor + 8), max(0, left) : left + width] = colour
