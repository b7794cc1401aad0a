"""What a lacquered panel reflects: a small HDR picture of sky, skyline, ground and lights.

Rows run from the zenith (0) over the horizon (SIZE / 2) to the nadir, columns from left to
right. The shading looks up a place in it that depends on the slope of the surface, so that a
dent bends the picture the way a real one does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, Rgb, linear
from tower_sync_server.render.noise import value_noise

SIZE = 256
"""Height and width of an environment in pixels."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to paint one kind of surroundings."""

    zenith: Rgb
    """Sky straight above."""
    low_sky: Rgb
    """Sky just above the skyline."""
    skyline: Rgb
    """Houses or trees along the horizon."""
    ground_far: Rgb
    """Ground just below the horizon."""
    ground_near: Rgb
    """Ground at the car's own feet."""
    gain: float
    """Brightness of the sky, 1 is white paper."""
    skyline_height: float
    """Height of the skyline in parts of SIZE."""
    suns: int = 0
    """Small, very bright lights."""
    strips: int = 0
    """Long bright tubes or windows."""
    clouds: float = 0.2
    """Contrast of the clouds."""


RECIPES: dict[str, Recipe] = {
    "overcast": Recipe((214, 220, 228), (240, 241, 242), (74, 80, 78), (96, 96, 96), (58, 58, 60),
                       1.15, 0.06),
    "sunny": Recipe((72, 122, 200), (206, 224, 242), (70, 82, 62), (140, 134, 124), (84, 80, 76),
                    1.2, 0.07, suns=1, clouds=0.35),
    "street": Recipe((150, 180, 216), (232, 236, 240), (112, 98, 88), (104, 104, 106),
                     (66, 66, 70), 1.1, 0.20, suns=1, strips=1),
    "hedge": Recipe((170, 194, 220), (226, 234, 236), (46, 66, 38), (88, 96, 78), (70, 72, 64),
                    1.05, 0.16),
    "lot": Recipe((120, 160, 214), (220, 230, 240), (96, 100, 106), (120, 120, 120), (70, 70, 72),
                  1.2, 0.10, suns=1, strips=2),
    "garage": Recipe((70, 70, 74), (110, 108, 102), (88, 86, 82), (92, 90, 86), (58, 56, 54),
                     0.9, 0.20, strips=4, clouds=0.05),
    "sunset": Recipe((74, 78, 128), (246, 172, 96), (44, 36, 40), (92, 70, 62), (48, 40, 40),
                     1.2, 0.09, suns=1, clouds=0.45),
    "snowfield": Recipe((188, 206, 232), (236, 240, 246), (86, 96, 110), (232, 236, 244),
                        (206, 212, 224), 1.1, 0.10),
    "night": Recipe((22, 24, 40), (60, 54, 60), (26, 26, 32), (70, 62, 52), (44, 40, 36),
                    0.9, 0.14, suns=4, strips=1, clouds=0.1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Environment:
    """Surroundings ready to be reflected."""

    picture: F32
    """SIZE x SIZE x 3, linear light; lights are far above 1."""
    ambient: F32
    """Light that falls on an upright surface from everywhere: 3 values, linear."""
    lift: float
    """How much brighter a surface gets per unit of slope towards the sky."""
    side: float
    """How much brighter a surface gets per unit of slope to the right."""


def make_environment(rng: np.random.Generator, name: str) -> Environment:
    """Paint the surroundings called `name`."""
    recipe = RECIPES[name]
    picture = _gradients(recipe)
    sky = value_noise(rng, (SIZE, SIZE), 60.0, 3)[..., None]
    picture *= np.clip(1.0 + recipe.clouds * sky, 0.3, 2.0)
    picture *= np.float32(recipe.gain)
    _skyline(rng, picture, recipe)
    _lights(rng, picture, recipe)
    ambient = picture[: SIZE // 2].clip(0, 1.4).mean(axis=(0, 1)) * 0.75
    ambient = ambient + picture[SIZE // 2 :].mean(axis=(0, 1)) * 0.35
    grey = float(ambient.mean())
    ambient = 0.5 * ambient + 0.5 * grey  # walls and cars around mix the colours
    scale = 0.80 / max(grey, 0.05)  # the camera's own exposure has done this already
    picture *= np.float32(scale)
    return Environment(
        picture=picture.astype(np.float32),
        ambient=(ambient * scale).astype(np.float32),
        lift=float(rng.uniform(0.5, 1.0)),
        side=float(rng.uniform(-0.7, 0.7)),
    )


def _gradients(recipe: Recipe) -> F32:
    """Blend zenith → low sky and far ground → near ground over the rows."""
    rows = np.linspace(0.0, 1.0, SIZE)
    stops = (0.0, 0.497, 0.503, 1.0)
    colours = (recipe.zenith, recipe.low_sky, recipe.ground_far, recipe.ground_near)
    levels = np.stack([linear(colour) for colour in colours])
    column = np.stack([np.interp(rows, stops, levels[:, channel]) for channel in range(3)], 1)
    return np.repeat(column[:, None, :], SIZE, axis=1).astype(np.float32)


def _skyline(rng: np.random.Generator, picture: F32, recipe: Recipe) -> None:
    """Put houses and trees of random width and height on the horizon."""
    colour = linear(recipe.skyline)
    left = -10
    while left < SIZE:
        width = int(rng.integers(10, 46))
        tall = int(SIZE * recipe.skyline_height * rng.uniform(0.25, 1.3))
        top = SIZE // 2 - tall
        picture[top : SIZE // 2 + 3, max(0, left) : left + width] = colour * rng.uniform(0.6, 1.4)
        left += int(width * rng.uniform(0.6, 1.3))
    soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
    picture[:] = soft


def _lights(rng: np.random.Generator, picture: F32, recipe: Recipe) -> None:
    """Add suns and strips; their values lie far above 1 so that they burn out."""
    glow = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(recipe.suns):
        centre = (int(rng.integers(0, SIZE)), int(rng.uniform(0.08, 0.42) * SIZE))
        cv2.circle(glow, centre, int(rng.integers(3, 7)), 9.0, -1, cv2.LINE_AA)
    for _ in range(recipe.strips):
        top = int(rng.uniform(0.05, 0.40) * SIZE)
        left = int(rng.uniform(-0.2, 0.7) * SIZE)
        right = left + int(rng.uniform(0.25, 0.8) * SIZE)
        corner = (right, top + int(rng.integers(4, 12)))
        cv2.rectangle(glow, (left, top), corner, float(rng.uniform(1.5, 3.5)), -1)
    wide = cv2.GaussianBlur(glow, (0, 0), 9.0) * 0.5 + cv2.GaussianBlur(glow, (0, 0), 1.4)
    picture += wide[..., None] * np.asarray((1.0, 0.97, 0.9), np.float32)
