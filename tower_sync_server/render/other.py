"""Photos of something else: what a careless user takes, and what must not be called damage."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, Rgb, linear
from tower_sync_server.render.noise import value_noise

Motif = Callable[[np.random.Generator, tuple[int, int]], F32]
"""Paints a (height, width, 3) picture in linear light."""


def _flat(shape: tuple[int, int], colour: Rgb) -> F32:
    """Return a picture of one colour."""
    picture = np.empty((*shape, 3), np.float32)
    picture[:] = linear(colour)
    return picture


def _rough(rng: np.random.Generator, picture: F32, cell: float, amount: float) -> F32:
    """Multiply `picture` with smooth noise whose cells are `cell` of the width."""
    field = value_noise(rng, picture.shape[:2], max(2.0, cell * picture.shape[1]), 4)
    return np.asarray(picture * np.clip(1 + amount * field, 0.1, 3.0)[..., None], np.float32)


def brick(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """A brick wall."""
    picture = _flat(shape, (176, 170, 160))
    tall = shape[0] / rng.uniform(6, 12)
    for row in range(int(shape[0] / tall) + 1):
        for column in range(-1, int(shape[1] / (2.4 * tall)) + 2):
            x, y = (column + 0.5 * (row % 2)) * 2.4 * tall, row * tall
            colour = linear((152, 78, 58)) * rng.uniform(0.6, 1.3)
            corner = (int(x + 2.2 * tall), int(y + 0.85 * tall))
            cv2.rectangle(picture, (int(x), int(y)), corner, colour.tolist(), -1)
    return _rough(rng, picture, 0.03, 0.25)


def page(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """A printed page."""
    picture = _flat(shape, (238, 236, 228))
    line = shape[0] / rng.uniform(14, 28)
    for row in range(2, int(shape[0] / line)):
        x = 0.08 * shape[1]
        end = shape[1] * rng.uniform(0.5, 0.95)
        while x < end:
            word = line * rng.uniform(0.6, 3.0)
            low = (int(x + word), int(row * line + 0.45 * line))
            cv2.rectangle(picture, (int(x), int(row * line)), low, (0.04, 0.04, 0.05), -1)
            x += word + 0.4 * line
    return _rough(rng, picture, 0.5, 0.08)


def table(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """A wooden table with cups, plates and boxes on it."""
    grain = value_noise(rng, (shape[0], max(4, shape[1] // 12)), shape[0] / 40, 3)
    wide = np.asarray(cv2.resize(grain, (shape[1], shape[0])), np.float32)
    picture = _flat(shape, (158, 112, 72)) * np.clip(1 + 0.3 * wide, 0.3, 2)[..., None]
    for _ in range(int(rng.integers(2, 6))):
        colour = (linear((140, 140, 140)) * rng.uniform(0.1, 3.0, 3)).clip(0, 1).tolist()
        centre = (int(rng.uniform(0, shape[1])), int(rng.uniform(0, shape[0])))
        size = int(min(shape) * rng.uniform(0.08, 0.24))
        if rng.random() < 0.6:
            cv2.circle(picture, centre, size, colour, -1, cv2.LINE_AA)
            rim = [0.6 * value for value in colour]
            cv2.circle(picture, centre, int(0.75 * size), rim, max(1, size // 12), cv2.LINE_AA)
        else:
            corner = (centre[0] + 2 * size, centre[1] + size)
            cv2.rectangle(picture, centre, corner, colour, -1)
    return np.asarray(picture, np.float32)


def leaves(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Leaves of a bush."""
    picture = _flat(shape, (32, 44, 24))
    for _ in range(int(rng.integers(60, 160))):
        colour = (linear((86, 128, 52)) * rng.uniform(0.3, 1.8)).tolist()
        centre = (float(rng.uniform(0, shape[1])), float(rng.uniform(0, shape[0])))
        size = min(shape) * rng.uniform(0.06, 0.2)
        box = (centre, (size, 0.45 * size), float(rng.uniform(0, 180)))
        cv2.ellipse(picture, box, colour, -1, cv2.LINE_AA)
    return _rough(rng, picture, 0.06, 0.2)


def landscape(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Hills under a sky."""
    return _hills(rng, shape, ((120, 168, 222), (226, 234, 240), (86, 118, 60)))


def landscape_dusk(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Hills after sunset."""
    return _hills(rng, shape, ((56, 52, 96), (238, 158, 96), (40, 38, 46)))


def _hills(rng: np.random.Generator, shape: tuple[int, int], colours: tuple[Rgb, Rgb, Rgb]) -> F32:
    """Paint a sky from the first to the second colour, and three rows of hills of the third."""
    share = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None, None]
    sky = linear(colours[0]) * (1 - share) + linear(colours[1]) * share
    picture = np.repeat(sky, shape[1], axis=1).astype(np.float32)
    for depth in range(3):
        outline = value_noise(rng, (4, shape[1]), shape[1] / 4, 3)[0]
        tops = (0.45 + 0.17 * depth + 0.08 * outline) * shape[0]
        hill = np.arange(shape[0])[:, None] > tops[None]
        picture[hill] = linear(colours[2]) * (1.6 - 0.5 * depth)
    return _rough(rng, picture, 0.05, 0.12)


def fabric(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Chequered cloth."""
    picture = _flat(shape, (150, 150, 150))
    for axis, size in enumerate(shape):
        period = size / rng.uniform(4, 12)
        wave = np.sin(np.arange(size) / period * 2 * np.pi) > rng.uniform(-0.4, 0.4)
        tint = rng.uniform(0.2, 1.6, 3).astype(np.float32)
        band = np.where(wave[:, None], tint, np.float32(1.0)).astype(np.float32)
        picture *= band[:, None] if axis == 0 else band[None]
    return _rough(rng, picture, 0.2, 0.3)


def plate(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """A plate of food."""
    picture = _rough(rng, _flat(shape, (120, 100, 86)), 0.2, 0.2)
    centre = (int(shape[1] * rng.uniform(0.4, 0.6)), int(shape[0] * rng.uniform(0.4, 0.6)))
    radius = int(min(shape) * rng.uniform(0.35, 0.5))
    for part, grey in ((1.0, 0.75), (0.72, 0.6), (0.70, 0.8)):
        cv2.circle(picture, centre, int(radius * part), (grey,) * 3, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(8, 24))):
        place = np.asarray(centre) + rng.normal(0, 0.28, 2) * radius
        food = ((176, 60, 36), (220, 176, 70), (96, 140, 50), (140, 92, 50))[int(rng.integers(4))]
        size = int(radius * rng.uniform(0.05, 0.2))
        cv2.circle(picture, (int(place[0]), int(place[1])), size, linear(food).tolist(), -1)
    return _rough(rng, picture, 0.04, 0.2)


def keyboard(rng: np.random.Generator, shape: tuple[int, int]) -> F32:
    """Keys of a computer."""
    picture = _flat(shape, (52, 54, 58))
    ink = np.zeros(shape, np.uint8)
    size = shape[1] / rng.uniform(8, 15)
    grey = float(rng.uniform(0.02, 0.6))
    for row in range(int(shape[0] / size) + 1):
        for column in range(int(shape[1] / size) + 2):
            x, y = (column - 0.3 * (row % 3)) * size, row * size
            corner = (int(x + 0.88 * size), int(y + 0.88 * size))
            cv2.rectangle(picture, (int(x), int(y)), corner, (grey,) * 3, -1)
            letter = chr(65 + int(rng.integers(26)))
            spot = (int(x + 0.3 * size), int(y + 0.55 * size))
            cv2.putText(ink, letter, spot, cv2.FONT_HERSHEY_SIMPLEX, size * 0.014, 255, 1)
    picture[ink > 127] = 0.8 if grey < 0.3 else 0.03
    return _rough(rng, picture, 0.4, 0.15)


MOTIFS: dict[str, Motif] = {
    "brick": brick,
    "page": page,
    "table": table,
    "leaves": leaves,
    "landscape": landscape,
    "landscape_dusk": landscape_dusk,
    "fabric": fabric,
    "plate": plate,
    "keyboard": keyboard,
}
"""Every motif by the name a style calls it."""
