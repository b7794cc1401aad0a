"""Mean average precision as COCO defines it: 101 recall points, overlaps 0.50, 0.55 … 0.95."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Overlaps from which a detection counts as right."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector found in one photo."""

    boxes: npt.NDArray[np.float64]
    """(N, 4) x1, y1, x2, y2 in pixels."""
    classes: npt.NDArray[np.int64]
    """(N,) class numbers."""
    scores: npt.NDArray[np.float64]
    """(N,) confidences."""


@dataclass(frozen=True, slots=True)
class There:
    """What really is in one photo."""

    boxes: npt.NDArray[np.float64]
    """(M, 4) x1, y1, x2, y2 in pixels."""
    classes: npt.NDArray[np.int64]
    """(M,) class numbers."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The figures of one set of photos, 0..1."""

    map50_95: float
    """Mean over classes and overlaps."""
    map50: float
    """Mean over classes at an overlap of 0.5."""
    per_class: tuple[float, ...]
    """Mean over overlaps of each class; NaN where the photos show none of it."""


def mean_average_precision(
    found: Sequence[Found], there: Sequence[There], classes: int
) -> Precision:
    """Compare what was found with what is there, photo by photo.

    Detections beyond the 100 best of a photo are ignored, as in COCO.
    """
    table = np.full((classes, len(OVERLAPS)), np.nan)
    for number in range(classes):
        table[number] = _class_precision(found, there, number)
    known = table[~np.isnan(table[:, 0])]
    per_class = tuple(float(row.mean()) for row in table)
    if len(known) == 0:
        return Precision(0.0, 0.0, per_class)
    return Precision(float(known.mean()), float(known[:, 0].mean()), per_class)


def _class_precision(found: Sequence[Found], there: Sequence[There], number: int) -> _Floats:
    """Average precision of one class at each of OVERLAPS; NaN if there is none of it."""
    scores, hits, total = [], [], 0
    for seen, truth in zip(found, there, strict=True):
        mine = seen.classes == number
        order = np.argsort(-seen.scores[mine], kind="stable")[:100]
        targets = truth.boxes[truth.classes == number]
        total += len(targets)
        scores.append(seen.scores[mine][order])
        hits.append(_match(seen.boxes[mine][order], targets))
    if total == 0:
        return np.full(len(OVERLAPS), np.nan)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.concatenate(hits, axis=0)[order]
    return np.asarray([_area(right[:, level], total) for level in range(len(OVERLAPS))])


def _match(boxes: _Floats, targets: _Floats) -> npt.NDArray[np.bool_]:
    """Tell which boxes (N, 4; best first) take a target (M, 4) at each overlap: (N, 10)."""
    right = np.zeros((len(boxes), len(OVERLAPS)), bool)
    if len(boxes) == 0 or len(targets) == 0:
        return right
    overlaps = iou_matrix(boxes, targets)
    for level, least in enumerate(OVERLAPS):
        free = np.ones(len(targets), bool)
        for row in range(len(boxes)):
            candidates = np.where(free, overlaps[row], -1.0)
            best = int(candidates.argmax())
            if candidates[best] >= least:
                free[best] = False
                right[row, level] = True
    return right


def _area(right: npt.NDArray[np.bool_], total: int) -> float:
    """Area under the precision-recall curve of sorted hits, sampled at 101 recalls."""
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    recall = hits / total
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(envelope, 0.0)[np.minimum(places, len(envelope))].mean())


def iou_matrix(one: _Floats, two: _Floats) -> _Floats:
    """Overlap of every box of `one` (N, 4) with every one of `two` (M, 4): (N, M)."""
    low = np.maximum(one[:, None, :2], two[None, :, :2])
    high = np.minimum(one[:, None, 2:], two[None, :, 2:])
    both = (high - low).clip(min=0).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=-1) for boxes in (one, two)]
    return np.asarray(both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1e-12))
