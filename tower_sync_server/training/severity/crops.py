"""Crops of rendered damage for the severity classifier, cut by the device's own code."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.crops import square
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.scene import VERSION, Wish, render_photo
from tower_sync_server.render.styles import Split
from tower_sync_server.training.cache import photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from models.detection import Box

SIDE = 96
"""Side of the crops and of the network's input in pixels."""
MARGIN = 0.15
"""Share of the box that is added on every side, as the profile says."""
OUTSIDE = -1
"""Severity of a crop that shows no damage at all."""
_JITTER = 0.06
"""A detector's box is off by about this part of its sides."""
_BATCH = 40
_LEAST_SIDE = 10


@dataclass(frozen=True, slots=True)
class CropSpec:
    """Which crops."""

    split: Split
    """Which look."""
    first: int
    """Seed of the first photo."""
    photos: int
    """How many photos are cut up."""
    foreign: bool = False
    """Crops of undamaged vehicles and of something else instead of damage."""
    longer_side: int = 640
    """Of the photos in pixels."""

    @property
    def name(self) -> str:
        """Name of the file that keeps them."""
        kind = "foreign" if self.foreign else "damage"
        return f"crops-v{VERSION}-{self.split}-{kind}-{self.first}-{self.photos}-{self.longer_side}"


@dataclass(frozen=True, slots=True)
class Crops:
    """Crops and what they show."""

    images: npt.NDArray[np.uint8]
    """(N, SIDE, SIDE, 3), RGB."""
    severities: npt.NDArray[np.int64]
    """(N,) places in SEVERITIES, or OUTSIDE."""


def open_crops(folder: Path, spec: CropSpec, workers: int = 2) -> Crops:
    """Open the crops of `spec` below `folder`, rendering them first if they aren't there."""
    path = folder / f"{spec.name}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _render(path, spec, workers)
    with np.load(path) as data:
        return Crops(data["images"], data["severities"])


def _render(path: Path, spec: CropSpec, workers: int) -> None:
    """Render and cut all photos of `spec`."""
    starts = range(0, spec.photos, _BATCH)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        batches = [range(spec.first + start, spec.first + min(start + _BATCH, spec.photos))
                   for start in starts]  # fmt: skip
        parts = list(pool.map(cut_photos, [spec] * len(starts), batches))
    images = np.concatenate([one for one, _ in parts])
    np.savez(path, images=images, severities=np.concatenate([two for _, two in parts]))


def cut_photos(
    spec: CropSpec, seeds: Iterable[int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Cut the crops out of the photos `seeds`; return them and their severities."""
    cv2.setNumThreads(1)
    images: list[npt.NDArray[np.uint8]] = []
    severities: list[int] = []
    for seed in seeds:
        rng = np.random.default_rng([seed, SIDE])
        for image, severity in _cut(spec, seed, rng):
            images.append(image)
            severities.append(severity)
    return (
        np.stack(images) if images else np.zeros((0, SIDE, SIDE, 3), np.uint8),
        np.asarray(severities, np.int64),
    )


def _cut(
    spec: CropSpec, seed: int, rng: np.random.Generator
) -> list[tuple[npt.NDArray[np.uint8], int]]:
    """Render one photo and cut its damage, or one place of a photo without any."""
    width, height = photo_size(seed, spec.longer_side)
    other = bool(seed % 2) if spec.foreign else False
    wish = Wish(damaged=not spec.foreign, something_else=other)
    photo = render_photo(seed, split=spec.split, width=width, height=height, wish=wish)
    if spec.foreign:
        box = _anywhere(rng, width, height)
        return [(square(photo.image, box, MARGIN, SIDE), OUTSIDE)]
    return [
        (square(photo.image, jittered(rng, box), MARGIN, SIDE), SEVERITIES.index(severity))
        for box, severity in zip(photo.boxes, photo.severities, strict=True)
        if min(box[2] - box[0], box[3] - box[1]) >= _LEAST_SIDE
    ]


def jittered(rng: np.random.Generator, box: tuple[int, int, int, int]) -> Box:
    """Move the sides of `box` as far as a detector would miss them."""
    width, height = box[2] - box[0], box[3] - box[1]
    left, top, right, bottom = rng.normal(0.0, _JITTER, 4).clip(-0.15, 0.15)
    return (
        max(0.0, box[0] + left * width), max(0.0, box[1] + top * height),
        box[2] + right * width, box[3] + bottom * height,
    )  # fmt: skip


def _anywhere(rng: np.random.Generator, width: int, height: int) -> Box:
    """Draw a box of any common size somewhere in the photo."""
    sides = rng.uniform(0.1, 0.5, 2) * (width, height)
    x, y = rng.uniform(0, 1, 2) * (width - sides[0], height - sides[1])
    return float(x), float(y), float(x + sides[0]), float(y + sides[1])
