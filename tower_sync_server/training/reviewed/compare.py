"""Is the new detector better? Both on photos that neither was trained on, by the device's code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.detector import Detector
from models.release import Calibration, read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.average_precision import (
    Found,
    Precision,
    There,
    mean_average_precision,
)
from tower_sync_server.evaluate import found_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tower_sync_server.training.folder import Photo

_DRAWS = 200
"""Samples of the photos, drawn with replacement, that the range of the difference comes from."""
_RANGE = (5.0, 95.0)
"""Percentiles of the differences: the range holds nine of ten."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two detectors on the same photos."""

    photos: int
    """How many."""
    before: Precision
    """Of the one that runs."""
    after: Precision
    """Of the new one."""
    low: float
    """Lower end of the difference in mAP50-95 (after - before) that nine of ten samples give."""
    high: float
    """Its upper end."""

    @property
    def better(self) -> bool:
        """Whether the new one is better by more than which photos there happen to be."""
        return self.low > 0.0


def compare(before: Path, after: Path, photos: Iterable[Photo], seed: int = 0) -> Comparison:
    """Run the weights that ship in two models' folders on the same photos.

    Args:
        before: folder of the detector that runs; its labels are the first of the other's.
        after: folder of the new one.
        photos: what neither was trained on.
        seed: of the samples.
    """
    labels = read_manifest(after).labels
    detectors = [_detector(folder) for folder in (before, after)]
    there: list[There] = []
    found: tuple[list[Found], list[Found]] = ([], [])
    for photo in photos:
        boxes = np.asarray(photo.boxes, np.float64).reshape(-1, 4)
        numbers = [labels.index(label) for label in photo.labels]
        there.append(There(boxes, np.asarray(numbers, np.int64)))
        for detector, mine in zip(detectors, found, strict=True):
            known = tuple(dict.fromkeys((*labels, *detector.release.labels)))
            mine.append(found_by(detector, photo.image, known))
    low, high = _range(found, there, len(labels), np.random.default_rng(seed))
    one, other = (mean_average_precision(mine, there, len(labels)) for mine in found)
    return Comparison(len(there), one, other, low, high)


def _detector(folder: Path) -> Detector:
    """Load a detector with raw confidences: a temperature would only cut the tail off."""
    release = replace(read_manifest(folder), calibration=Calibration())
    return Detector(OnnxRunner(folder / release.weights.path), release)


def _range(
    found: tuple[Sequence[Found], Sequence[Found]],
    there: Sequence[There],
    classes: int,
    chance: np.random.Generator,
) -> tuple[float, float]:
    """Bootstrap the difference (Efron, 1979): both detectors on the same samples of the photos."""
    differences = []
    for _ in range(_DRAWS):
        drawn = chance.integers(0, len(there), len(there)).tolist()
        truth = [there[number] for number in drawn]
        one, other = (
            mean_average_precision([mine[number] for number in drawn], truth, classes).map50_95
            for mine in found
        )
        differences.append(other - one)
    low, high = np.percentile(differences, _RANGE)
    return float(low), float(high)
