"""Crops of rendered damage for the severity classifier, cut by the device's own code."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.crops import scaled
from models.release import Preprocess
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.scene import VERSION, Wish, render_photo
from tower_sync_server.render.styles import Split
from tower_sync_server.training.cache import photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from models.detection import Box
    from models.preprocess import Image
    from tower_sync_server.render.scene import RenderedPhoto

SIDE = 128
"""Side of the crops and of the network's input in pixels."""
MARGIN = 0.15
"""Share of the box that is added on every side, as the profile says."""
RULES = Preprocess(crop="scaled")
"""How a crop is cut and becomes the network's input."""
OUTSIDE = -1
"""Severity and kind of a crop that shows no damage at all."""
_JITTER = 0.06
"""A detector's box is off by about this part of its sides."""
_PLACE = (0.06, 0.6)
"""Sides of an undamaged place, as parts of the photo's."""
_TRIES = 12
"""How often an undamaged place is looked for beside damage."""
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
    """Photos of undamaged vehicles and of something else instead of damage."""
    places: int = 0
    """How many places without damage are cut out of each photo, beside its damage."""
    longer_side: int = 640
    """Of the photos in pixels."""

    @property
    def name(self) -> str:
        """Name of the file that keeps them."""
        kind = "foreign" if self.foreign else "damage"
        which = f"{self.split}-{kind}-{self.first}-{self.photos}-{self.places}-{self.longer_side}"
        return f"scaled-{SIDE}-v{VERSION}-{which}"


@dataclass(frozen=True, slots=True)
class Crops:
    """Crops and what they show."""

    images: npt.NDArray[np.uint8]
    """(N, SIDE, SIDE, 3), RGB."""
    severities: npt.NDArray[np.int64]
    """(N,) places in SEVERITIES, or OUTSIDE."""
    kinds: npt.NDArray[np.int64]
    """(N,) places in LABELS, or OUTSIDE."""


def joined(parts: Sequence[Crops]) -> Crops:
    """Return all of `parts` as one, in their order."""
    return Crops(
        np.concatenate([one.images for one in parts]),
        np.concatenate([one.severities for one in parts]),
        np.concatenate([one.kinds for one in parts]),
    )


def open_crops(folder: Path, spec: CropSpec, workers: int = 2) -> Crops:
    """Open the crops of `spec` below `folder`, rendering them first if they aren't there."""
    path = folder / f"{spec.name}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        crops = _render(spec, workers)
        beside = path.with_suffix(".part.npz")
        np.savez(beside, images=crops.images, severities=crops.severities, kinds=crops.kinds)
        beside.replace(path)
    with np.load(path) as data:
        return Crops(data["images"], data["severities"], data["kinds"])


def _render(spec: CropSpec, workers: int) -> Crops:
    """Render and cut all photos of `spec`."""
    starts = range(spec.first, spec.first + spec.photos, _BATCH)
    batches = [range(start, min(start + _BATCH, spec.first + spec.photos)) for start in starts]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return joined(list(pool.map(cut_photos, [spec] * len(batches), batches)))


def cut_photos(spec: CropSpec, seeds: Iterable[int]) -> Crops:
    """Render the photos `seeds` and cut the crops out of them."""
    cv2.setNumThreads(1)
    crops: list[tuple[Image, int, int]] = []
    for seed in seeds:
        rng = np.random.default_rng([seed, SIDE])
        width, height = photo_size(seed, spec.longer_side)
        wish = Wish(damaged=not spec.foreign, something_else=spec.foreign and bool(seed % 2))
        photo = render_photo(seed, split=spec.split, width=width, height=height, wish=wish)
        crops += [(_cut(photo.image, jittered(rng, box)), *what) for box, what in _damage(photo)]
        crops += [(_cut(photo.image, place), OUTSIDE, OUTSIDE)
                  for place in _undamaged(rng, photo, spec.places)]  # fmt: skip
    images = [image for image, _, _ in crops]
    return Crops(
        np.stack(images) if images else np.zeros((0, SIDE, SIDE, 3), np.uint8),
        np.asarray([severity for _, severity, _ in crops], np.int64),
        np.asarray([kind for _, _, kind in crops], np.int64),
    )


def _cut(image: Image, box: Box) -> Image:
    """Cut one box as the device does."""
    return scaled(image, box, MARGIN, SIDE, RULES.pad)


def _damage(photo: RenderedPhoto) -> Iterator[tuple[Box, tuple[int, int]]]:
    """Yield the box, and severity and kind, of each damage that is large enough to be judged."""
    for box, label, severity in zip(photo.boxes, photo.labels, photo.severities, strict=True):
        if min(box[2] - box[0], box[3] - box[1]) >= _LEAST_SIDE:
            yield box, (SEVERITIES.index(severity), LABELS.index(label))


def jittered(rng: np.random.Generator, box: Box) -> Box:
    """Move the sides of `box` as far as a detector would miss them."""
    width, height = box[2] - box[0], box[3] - box[1]
    left, top, right, bottom = rng.normal(0.0, _JITTER, 4).clip(-0.15, 0.15)
    return (
        max(0.0, box[0] + left * width), max(0.0, box[1] + top * height),
        box[2] + right * width, box[3] + bottom * height,
    )  # fmt: skip


def _undamaged(rng: np.random.Generator, photo: RenderedPhoto, count: int) -> list[Box]:
    """Draw up to `count` boxes of any common size that touch no damage."""
    height, width = photo.image.shape[:2]
    found: list[Box] = []
    for _ in range(_TRIES * count):
        wide, high = rng.uniform(*_PLACE, 2) * (width, height)
        x, y = rng.uniform(0, 1, 2) * (width - wide, height - high)
        place = (float(x), float(y), float(x + wide), float(y + high))
        if len(found) < count and all(_apart(place, box) for box in photo.boxes):
            found.append(place)
    return found


def _apart(one: Box, other: Box) -> bool:
    """Tell whether two boxes share nothing."""
    beside = one[0] >= other[2] or other[0] >= one[2]
    return beside or one[1] >= other[3] or other[1] >= one[3]
