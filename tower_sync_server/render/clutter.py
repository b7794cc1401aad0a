"""What lies on a vehicle and is no damage: dirt, drops, stickers, shadows, things in front."""

from __future__ import annotations

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, draw_path, linear, polygon_mask, soften
from tower_sync_server.render.noise import value_noise
from tower_sync_server.render.parts import rounded
from tower_sync_server.render.surface import Surface, add_relief, cover, darken


def add_dust(rng: np.random.Generator, surface: Surface) -> None:
    """Lay a film of dust over the canvas, thicker towards the bottom."""
    height, width = surface.shape
    rows = np.linspace(0.2, 1.0, height, dtype=np.float32)[:, None]
    film = np.clip(value_noise(rng, (height, width), 0.3 * width, 3) * 0.5 + rows, 0, 1.2)
    film *= np.float32(rng.uniform(0.05, 0.28))
    colour = linear((150, 138, 120))
    surface.albedo[:] += (colour - surface.albedo) * film[..., None]
    surface.gloss[:] *= 1.0 - film


def add_mud(rng: np.random.Generator, surface: Surface) -> None:
    """Throw small specks of mud at the canvas, most of them low."""
    mask = np.zeros(surface.shape, np.uint8)
    height, width = surface.shape
    centre = rng.uniform(0.0, width)
    for _ in range(int(rng.integers(20, 90))):
        x = rng.normal(centre, 0.25 * width)
        y = height - abs(rng.normal(0.0, 0.28 * height))
        size = (abs(rng.normal(0.0, 0.005)) + 0.0015) * surface.unit
        axes = (2 * size, 2 * size * rng.uniform(1.0, 2.2))
        cv2.ellipse(mask, ((x, y), axes, float(rng.uniform(-30, 30))), 255, -1, cv2.LINE_AA)
    np.minimum(mask, 255 - surface.outside, out=mask)
    cover(surface, mask, linear((96, 84, 70)), gloss=0.0)


def add_drops(rng: np.random.Generator, surface: Surface) -> None:
    """Let rain stand on the canvas: small lenses that bend the reflections."""
    mask = np.zeros(surface.shape, np.uint8)
    height, width = surface.shape
    for _ in range(int(rng.integers(40, 160))):
        radius = max(1.0, (abs(rng.normal(0, 0.005)) + 0.003) * surface.unit)
        centre = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
        cv2.ellipse(mask, (centre, (2 * radius, 2.3 * radius), 0.0), 255, -1, cv2.LINE_AA)
    size = 0.004 * surface.unit
    everywhere = (slice(0, height), slice(0, width))
    add_relief(surface, everywhere, soften(mask, size) * np.float32(size))


def add_sticker(rng: np.random.Generator, surface: Surface) -> None:
    """Stick a label, a stripe or a parking disc onto the body."""
    height, width = surface.shape
    centre = (float(rng.uniform(0.1, 0.9) * width), float(rng.uniform(0.15, 0.85) * height))
    size = (surface.unit * rng.uniform(0.08, 0.22), surface.unit * rng.uniform(0.05, 0.12))
    base = linear(tuple(int(v) for v in rng.integers(30, 250, 3)))  # type: ignore[arg-type]
    if rng.random() < 0.3:
        y = centre[1]
        stripe = [(0, y), (width, y), (width, y + 0.4 * size[1]), (0, y + 0.4 * size[1])]
        cover(surface, np.minimum(polygon_mask(surface.shape, stripe), surface.body), base, 0.15)
        return
    outline = rounded(centre, size, 0.2 * min(size))
    cover(surface, np.minimum(polygon_mask(surface.shape, outline), surface.body), base, gloss=0.12)
    mask = np.zeros(surface.shape, np.uint8)
    text = "".join(rng.choice(list("AEKLMNORSTUVZ035"), int(rng.integers(2, 5))))
    scale = 0.026 * size[1]
    corner = (int(centre[0] - 0.38 * size[0]), int(centre[1] + 0.25 * size[1]))
    thickness = max(1, int(0.06 * size[1]))
    cv2.putText(mask, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    ink = linear((20, 20, 24)) if float(base.mean()) > 0.25 else linear((240, 240, 240))
    np.minimum(mask, polygon_mask(surface.shape, outline), out=mask)
    cover(surface, np.minimum(mask, surface.body), ink)


def add_shadow(rng: np.random.Generator, surface: Surface) -> None:
    """Cast the shadow of a person, a tree or a wall with a soft edge."""
    height, width = surface.shape
    side = rng.choice([-0.1, 1.1])
    points = [(side, -0.1), (side, 1.1)]
    for y in np.linspace(1.1, -0.1, int(rng.integers(3, 9))):
        points.append((float(np.clip(side + (0.5 - side) * rng.uniform(0.3, 1.6), -0.2, 1.2)), y))
    mask = polygon_mask(surface.shape, np.asarray(points) * (width, height))
    soft = max(1.0, rng.uniform(0.004, 0.02) * width)
    darken(
        surface, np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.uint8), rng.uniform(0.3, 0.5)
    )


def occluder(rng: np.random.Generator, surface: Surface) -> U8:
    """Put a finger, a leaf, a cable or a slip of paper in front and return its mask (HxW)."""
    kind = int(rng.integers(4))
    drawn = (_finger, _leaf, _cable, _slip)[kind](rng, surface)
    mask, colour = drawn
    shadow = np.roll(mask, (max(1, int(0.012 * surface.unit)),) * 2, axis=(0, 1))
    darken(
        surface, np.asarray(cv2.GaussianBlur(shadow, (0, 0), 0.01 * surface.unit), np.uint8), 0.4
    )
    cover(surface, mask, colour, gloss=0.02)
    area = cv2.boundingRect(mask)
    rows, columns = slice(area[1], area[1] + area[3]), slice(area[0], area[0] + area[2])
    round_off = soften(mask[rows, columns], 0.012 * surface.unit)
    surface.slope_x[rows, columns] *= 1 - mask[rows, columns] / np.float32(255)
    surface.slope_y[rows, columns] *= 1 - mask[rows, columns] / np.float32(255)
    add_relief(surface, (rows, columns), round_off * np.float32(0.03 * surface.unit))
    return mask


def _edge_point(rng: np.random.Generator, surface: Surface) -> tuple[F32, F32]:
    """Return a point on the canvas' edge and one further in, both (2,)."""
    height, width = surface.shape
    outside = np.asarray([rng.uniform(0.0, width), height * 1.05], np.float32)
    if rng.random() < 0.5:
        outside = np.asarray(
            [width * rng.choice([-0.05, 1.05]), rng.uniform(0.2, 1.0) * height], np.float32
        )
    middle = np.asarray([width, height]) * rng.uniform(0.3, 0.7, 2)
    inside = outside + (middle - outside) * rng.uniform(0.35, 0.8)
    return outside, inside.astype(np.float32)


def _finger(rng: np.random.Generator, surface: Surface) -> tuple[U8, F32]:
    """A finger that points into the picture."""
    outside, inside = _edge_point(rng, surface)
    mask = np.zeros(surface.shape, np.uint8)
    draw_path(mask, [outside, inside], surface.unit * rng.uniform(0.07, 0.11))
    skin = ((226, 184, 156), (198, 146, 112), (132, 90, 66), (84, 56, 42))[int(rng.integers(4))]
    return mask, linear(skin)


def _leaf(rng: np.random.Generator, surface: Surface) -> tuple[U8, F32]:
    """A leaf that has stuck."""
    height, width = surface.shape
    centre = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
    axes = (surface.unit * rng.uniform(0.06, 0.12), surface.unit * rng.uniform(0.03, 0.05))
    mask = np.zeros(surface.shape, np.uint8)
    cv2.ellipse(mask, (centre, axes, float(rng.uniform(0, 180))), 255, -1, cv2.LINE_AA)
    return mask, linear(((88, 104, 40), (150, 120, 44), (64, 88, 44))[int(rng.integers(3))])


def _cable(rng: np.random.Generator, surface: Surface) -> tuple[U8, F32]:
    """A charging cable or hose that hangs across."""
    height, width = surface.shape
    x = np.linspace(-0.05, 1.05, 20)
    y = (
        rng.uniform(0.1, 0.9)
        + rng.uniform(-0.3, 0.3) * (x - 0.5)
        + rng.uniform(0, 0.3) * (x - 0.5) ** 2
    )
    mask = np.zeros(surface.shape, np.uint8)
    draw_path(mask, np.stack([x * width, y * height], 1), surface.unit * rng.uniform(0.012, 0.025))
    return mask, linear(((20, 20, 20), (226, 120, 20), (36, 60, 140))[int(rng.integers(3))])


def _slip(rng: np.random.Generator, surface: Surface) -> tuple[U8, F32]:
    """A slip of paper or a strip of tape, at times with a scale on it."""
    height, width = surface.shape
    centre = np.asarray([rng.uniform(0, width), rng.uniform(0, height)])
    box = rounded((0, 0), (surface.unit * rng.uniform(0.15, 0.3), surface.unit * 0.07), 2.0)
    angle = rng.uniform(0, np.pi)
    turn = np.asarray([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    mask = polygon_mask(surface.shape, centre + box @ turn)
    return mask, linear(((240, 240, 234), (232, 212, 60), (80, 130, 200))[int(rng.integers(3))])
