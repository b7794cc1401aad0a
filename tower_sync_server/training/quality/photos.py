"""Photos of known blur in all sizes a camera sends: what the quality gate is set and measured by.

Blur is stated as one deviation in pixels of a photo whose longer side is 640, whatever the photo's
own size: that is how large it looks to a person who sees the whole picture. Up to 1.3 pixels a
person takes a photo as sharp, from 2.6 on they would ask for another one; in between opinions
differ, and nothing is measured there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.codecs import jpeg
from tower_sync_server.render.camera import (
    BLURRED_LIMIT,
    REFERENCE_SIDE,
    SHARP_LIMIT,
    Shot,
    draw_shot,
    enlarge,
)
from tower_sync_server.render.scene import render_scene
from tower_sync_server.render.styles import Split, style_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tower_sync_server.render.arrays import F32

SIZES: tuple[tuple[int, int], ...] = (
    (640, 480), (1152, 864), (1920, 1440), (2592, 1944), (4000, 3000),
)  # fmt: skip
"""Width and height in pixels: 0.3, 1, 2.8, 5 and 12 megapixels."""
SCENE_SIDE = 1280
"""A scene is rendered no larger than this: twice what the measure looks at."""
WORST = 9.0
"""Strongest blur, deviation in reference pixels."""
_PORTRAIT = 4
"""Every fourth photo is taken upright."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A photo and how blurred it is."""

    data: bytes
    """The JPEG."""
    megapixels: float
    """Of the photo."""
    blurred: bool
    """True where a person would take it again, False where they would not."""
    motion: bool
    """Whether most of the blur comes from a moved camera."""
    blur_px: float
    """Deviation in pixels of a photo with a longer side of 640."""


_KINDS = ((False, False), (True, True), (False, True), (True, False))
"""The photos of a scene: blurred or not, mostly by motion or by focus alone."""


def take_photos(split: Split, seed: int, *, pair: bool = False) -> Iterator[Taken]:
    """Take four photos of one scene: two a person accepts, one out of focus, one shaken.

    Args:
        split: which look.
        seed: of the scene; its remainder decides the size.
        pair: take one that a person accepts and one that they don't, and no more.
    """
    width, height = SIZES[seed % len(SIZES)]
    if seed % _PORTRAIT == 0:
        width, height = height, width
    scale = min(1.0, SCENE_SIDE / max(width, height))
    scene = render_scene(
        seed, split=split, width=round(width * scale), height=round(height * scale)
    )
    rng = np.random.default_rng([seed, SCENE_SIDE])
    first = 2 * (seed // len(SIZES) % 2)
    for kind in _KINDS[first : first + 2] if pair else _KINDS:
        shot = _draw(rng, split, max(width, height), kind)
        yield _take(rng, scene, shot, (width, height), kind)


def _draw(
    rng: np.random.Generator, split: Split, longer_side: int, wish: tuple[bool, bool]
) -> Shot:
    """Draw a shot: blurred or not, mostly by motion or by focus alone."""
    blurred, motion = wish
    shot = draw_shot(rng, style_of(split), longer_side, blurred)
    amount = rng.uniform(BLURRED_LIMIT, WORST) if blurred else rng.uniform(0.0, SHARP_LIMIT)
    share = rng.uniform(0.6, 1.0) if motion else 0.0
    pixels = longer_side / REFERENCE_SIDE
    return replace(
        shot,
        focus=float(amount * np.sqrt(1 - share**2) * pixels),
        motion=float(amount * share * np.sqrt(12.0) * pixels),
    )


def _take(
    rng: np.random.Generator, scene: F32, shot: Shot, size: tuple[int, int], wish: tuple[bool, bool]
) -> Taken:
    """Take one photo and compress it."""
    picture, quality = enlarge(rng, scene, shot, size)
    return Taken(
        data=jpeg.encode(picture, quality),
        megapixels=size[0] * size[1] / 1e6,
        blurred=wish[0],
        motion=wish[1],
        blur_px=shot.blur_px(max(size)),
    )
