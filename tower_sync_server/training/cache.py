"""Rendered photos on disk, ready for the network: letterboxed once, read many times.

A cache is a folder with `images.npy` (N x S x S x 3, uint8) and `truth.npz`. Its name says what is
in it, so that a changed request never meets an old cache.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.preprocess import place
from models.release import Preprocess
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.scene import VERSION, RenderedPhoto, render_photo
from tower_sync_server.render.styles import Split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BATCH = 50
"""Photos that one task of the pool renders."""
_PORTRAIT = 4
"""Every fourth photo is taken upright."""


@dataclass(frozen=True, slots=True)
class CacheSpec:
    """Which photos, and how large."""

    split: Split
    """Which look."""
    first: int
    """Seed of the first photo; the others follow."""
    count: int
    """How many."""
    size: int = 320
    """Side of the network's square input in pixels."""
    longer_side: int = 480
    """Longer side of the rendered photo in pixels; photos are 4:3 or 3:4."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"v{VERSION}-{self.split}-{self.first}-{self.count}-{self.size}-{self.longer_side}"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in one cached photo."""

    boxes: npt.NDArray[np.float32]
    """(M, 4) x1, y1, x2, y2 in pixels of the canvas."""
    classes: npt.NDArray[np.int64]
    """(M,) places in the cache's labels."""
    severities: npt.NDArray[np.int64]
    """(M,) places in SEVERITIES."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache that is there."""

    images: npt.NDArray[np.uint8]
    """(N, S, S, 3), RGB; a memory map."""
    truths: tuple[Truth, ...]
    """One for each photo."""
    labels: tuple[str, ...] = LABELS
    """What can be on them, in the order of the network's classes."""


def photo_size(seed: int, longer_side: int) -> tuple[int, int]:
    """Return width and height of photo `seed`: landscape, every fourth one portrait."""
    shorter = longer_side * 3 // 4
    return (shorter, longer_side) if seed % _PORTRAIT == 0 else (longer_side, shorter)


def open_cache(folder: Path, spec: CacheSpec, workers: int = 2) -> Cache:
    """Open the cache for `spec` below `folder`, rendering it first if it isn't there."""
    home = folder / spec.name
    if not (home / "truth.npz").exists():
        home.mkdir(parents=True, exist_ok=True)
        _render(home, spec, workers)
    images = np.load(home / "images.npy", mmap_mode="r")
    return Cache(images, tuple(_read_truths(home / "truth.npz")))


def _render(home: Path, spec: CacheSpec, workers: int) -> None:
    """Render all photos of `spec` into `home` with `workers` processes."""
    shape = (spec.count, spec.size, spec.size, 3)
    images = np.lib.format.open_memmap(home / "images.npy", "w+", np.uint8, shape)
    rows: list[npt.NDArray[np.float32]] = []
    starts = range(0, spec.count, _BATCH)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for start, (block, truth) in zip(
            starts, pool.map(_render_batch, [spec] * len(starts), starts), strict=True
        ):
            images[start : start + len(block)] = block
            rows.append(truth)
    images.flush()
    np.savez(home / "truth.npz", rows=np.concatenate(rows), count=spec.count)


def _render_batch(
    spec: CacheSpec, start: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Render one batch; truth rows are (photo, class, severity, x1, y1, x2, y2)."""
    cv2.setNumThreads(1)
    images, rows = [], []
    for number in range(start, min(start + _BATCH, spec.count)):
        seed = spec.first + number
        width, height = photo_size(seed, spec.longer_side)
        photo = render_photo(seed, split=spec.split, width=width, height=height)
        image, boxes = letterboxed(photo, spec.size)
        images.append(image)
        for box, label, severity in zip(boxes, photo.labels, photo.severities, strict=True):
            kind, degree = LABELS.index(label), SEVERITIES.index(severity)
            rows.append((number, kind, degree, *box))
    return np.stack(images), np.asarray(rows, np.float32).reshape(-1, 7)


def letterboxed(
    photo: RenderedPhoto, size: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Place a photo on the network's canvas as the device does.

    Returns:
        The canvas (size x size x 3 uint8) and the boxes (M x 4 float32) in its pixels.
    """
    canvas, where = place(photo.image, size, size, Preprocess())
    boxes = np.asarray(photo.boxes, np.float32).reshape(-1, 4)
    scale = np.asarray([where.scale_x, where.scale_y] * 2, np.float32)
    return canvas, boxes * scale + np.asarray([where.left, where.top] * 2, np.float32)


def _read_truths(path: Path) -> Iterator[Truth]:
    """Read the truth of each photo, in order."""
    with np.load(path) as data:
        rows, count = data["rows"], int(data["count"])
    numbers = rows[:, 0].astype(np.int64)
    for number in range(count):
        mine = rows[numbers == number]
        classes = mine[:, 1].astype(np.int64)
        yield Truth(mine[:, 3:7].astype(np.float32), classes, mine[:, 2].astype(np.int64))
