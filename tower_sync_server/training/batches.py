"""Batches for the training loop, made in a thread while the network works."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tower_sync_server.training.augment import Strength, augment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tower_sync_server.training.cache import Cache

_AHEAD = 4
"""Batches that wait ready."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How the photos of one epoch become batches."""

    size: int
    """Photos in a batch."""
    side: int
    """Side of the pictures in pixels, a multiple of 32."""
    strength: Strength
    """How far photos are changed."""
    mosaic: float
    """Share of pictures that are put together from four."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every batch one of several processes takes."""

    number: int = 0
    """Of the process, from 0."""
    of: int = 1
    """How many there are."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What the network sees at once."""

    images: Tensor
    """(B, 3, side, side) float32, 0..1."""
    classes: Tensor
    """(B, M) int64."""
    boxes: Tensor
    """(B, M, 4) float32, pixels."""
    present: Tensor
    """(B, M) bool: rows beyond a picture's own boxes are padding."""

    @property
    def truth(self) -> tuple[Tensor, Tensor, Tensor]:
        """What the loss takes."""
        return self.classes, self.boxes, self.present


_Sample = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], npt.NDArray[np.int64]]


def epoch_batches(
    cache: Cache, plan: BatchPlan, seed: tuple[int, int], share: Share
) -> Iterator[Batch]:
    """Go once through the cache in an order that `seed` (run, epoch) decides."""
    order = np.random.default_rng(seed).permutation(len(cache.truths))
    starts = range(0, len(order) - plan.size + 1, plan.size)
    ready: queue.Queue[Batch | None] = queue.Queue(_AHEAD)
    stop = threading.Event()

    def work() -> None:
        cv2.setNumThreads(1)
        for start in starts:
            if stop.is_set():
                return
            rng = np.random.default_rng([*seed, start, share.number])
            mine = order[start : start + plan.size][share.number :: share.of]
            ready.put(_make_batch(cache, plan, rng, mine))
        ready.put(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (batch := ready.get()) is not None:
            yield batch
    finally:
        stop.set()
        while thread.is_alive():
            _drain(ready)
            thread.join(0.05)


def _drain(ready: queue.Queue[Batch | None]) -> None:
    """Empty the queue so that its writer can leave."""
    while not ready.empty():
        ready.get_nowait()


def _make_batch(
    cache: Cache, plan: BatchPlan, rng: np.random.Generator, numbers: npt.NDArray[np.int64]
) -> Batch:
    """Make one batch of the photos `numbers`."""
    samples = [_sample(cache, plan, rng, int(number)) for number in numbers]
    most = max(1, max(len(boxes) for _, boxes, _ in samples))
    classes = torch.zeros(len(samples), most, dtype=torch.int64)
    targets = torch.zeros(len(samples), most, 4)
    present = torch.zeros(len(samples), most, dtype=torch.bool)
    for row, (_, boxes, kinds) in enumerate(samples):
        count = len(boxes)
        classes[row, :count] = torch.from_numpy(kinds)
        targets[row, :count] = torch.from_numpy(boxes)
        present[row, :count] = True
    pictures = torch.from_numpy(np.stack([image for image, _, _ in samples]))
    return Batch(pictures.permute(0, 3, 1, 2).float() / 255.0, classes, targets, present)


def _sample(cache: Cache, plan: BatchPlan, rng: np.random.Generator, number: int) -> _Sample:
    """Return one changed photo, or four of them as a mosaic."""
    if rng.random() >= plan.mosaic:
        return _changed(cache, rng, number, (plan.side, plan.strength))
    half = plan.side // 2
    numbers = [number, *rng.integers(0, len(cache.truths), 3).tolist()]
    zoom = tuple(0.62 * value for value in plan.strength.zoom)
    smaller = Strength((zoom[0], zoom[1]), plan.strength.shift, plan.strength.colour)
    picture = np.empty((plan.side, plan.side, 3), np.uint8)
    boxes, kinds = [], []
    for place, one in enumerate(numbers):
        image, found, labels = _changed(cache, rng, one, (half, smaller))
        x, y = half * (place % 2), half * (place // 2)
        picture[y : y + half, x : x + half] = image
        boxes.append(found + np.asarray([x, y, x, y], np.float32))
        kinds.append(labels)
    return picture, np.concatenate(boxes), np.concatenate(kinds)


def _changed(
    cache: Cache, rng: np.random.Generator, number: int, order: tuple[int, Strength]
) -> _Sample:
    """Augment photo `number` as `order` (side, strength) says."""
    truth = cache.truths[number]
    image, boxes, kept = augment(rng, np.asarray(cache.images[number]), truth.boxes, order)
    return image, boxes[kept], truth.classes[kept]
