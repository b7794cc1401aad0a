"""Measure shipped models on rendered photos no training has seen, through the device's code."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.detector import Detector
from models.release import Calibration, ModelRelease, read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.average_precision import (
    Found,
    Precision,
    There,
    mean_average_precision,
)
from tower_sync_server.render.scene import render_photo
from tower_sync_server.render.styles import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.preprocess import Image

SLICES: tuple[Split, ...] = ("plain", "shift")
"""Half of the photos look like those of the training, half unlike any of them."""
WEIGHTS: Mapping[str, str] = {"int8": "model.onnx", "fp32": "model-fp32.onnx"}
"""Precision → file in the model's folder."""
BARS: Mapping[str, Mapping[str, float]] = {
    "plain": {"map50_95": 0.60, "map50": 0.85},
    "shift": {"map50_95": 0.45, "map50": 0.70},
}
"""Slice → figure → what it has to reach."""
MOST_LOST = 0.010
"""How much mAP50-95 INT8 may lose to fp32."""
KEEP, OVERLAP, MOST = 0.01, 0.6, 100
"""Confidence, overlap and number of detections while measuring, as is usual for COCO figures."""
_FIRST_SEED = 10_000_000
"""Photos from this number on are for measuring."""
_SEEDS_PER_RUN = 100_000
_LONGER_SIDE = 640
_CHUNK = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside its bar."""

    model: str
    """Id of the model."""
    slice: str
    """Which photos."""
    precision: str
    """`int8` or `fp32`."""
    name: str
    """What was measured."""
    value: float
    """0..1; of a writer also tokens a second, seconds, megabytes and perplexities."""
    bar: float
    """What it has to reach."""


@dataclass(frozen=True, slots=True)
class Job:
    """Some photos of one slice for one process."""

    folder: Path
    """Of the model."""
    split: Split
    """Which slice."""
    seeds: tuple[int, ...]
    """Of the photos."""


Seen = tuple[There, dict[str, Found]]
"""The truth of one photo, and what each precision found."""


def evaluate_detector(folder: Path, seed: int, photos: int, workers: int = 2) -> list[Figure]:
    """Measure the detector in `folder` on `photos` photos, half of each slice.

    Args:
        folder: holds model.toml and the weights; a precision whose file is missing is left out.
        seed: any number from 0; every number means other photos.
        photos: how many in all.
        workers: processes that share the work.
    """
    release = read_manifest(folder)
    figures: list[Figure] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for split in SLICES:
            seeds = photo_seeds(seed, photos // len(SLICES))
            parts = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
            jobs = [Job(folder, split, part) for part in parts]
            seen = [one for part in pool.map(detect_photos, jobs) for one in part]
            figures += _figures(release, split, seen)
    return figures


def photo_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Return the seeds of the photos of run `seed`."""
    first = _FIRST_SEED + seed * _SEEDS_PER_RUN
    return tuple(range(first, first + count))


def detect_photos(job: Job) -> list[Seen]:
    """Render the photos of `job` and run every precision of the model on them."""
    cv2.setNumThreads(1)
    # Raw confidences: a temperature changes no order within a label, and would cut the tail off.
    release = replace(read_manifest(job.folder), calibration=Calibration())
    detectors = {
        name: Detector(OnnxRunner(job.folder / file), release)
        for name, file in WEIGHTS.items()
        if (job.folder / file).exists()
    }
    shorter = _LONGER_SIDE * 3 // 4
    seen = []
    for seed in job.seeds:
        width, height = (shorter, _LONGER_SIDE) if seed % 4 == 0 else (_LONGER_SIDE, shorter)
        photo = render_photo(seed, split=job.split, width=width, height=height)
        numbers = [release.labels.index(label) for label in photo.labels]
        boxes = np.asarray(photo.boxes, np.float64).reshape(-1, 4)
        truth = There(boxes, np.asarray(numbers, np.int64))
        found = {name: found_by(one, photo.image) for name, one in detectors.items()}
        seen.append((truth, found))
    return seen


def found_by(detector: Detector, image: Image, labels: Sequence[str] = ()) -> Found:
    """Run one detector on one photo (H x W x 3); classes are places in `labels` or in its own."""
    labels = labels or detector.release.labels
    detections = detector.detect(image, KEEP, OVERLAP, MOST)
    return Found(
        np.asarray([one.box for one in detections], np.float64).reshape(-1, 4),
        np.asarray([labels.index(one.label) for one in detections], np.int64),
        np.asarray([one.confidence for one in detections], np.float64),
    )


def _figures(release: ModelRelease, split: Split, seen: Sequence[Seen]) -> list[Figure]:
    """Turn what was seen on one slice into figures."""
    truth = [one for one, _ in seen]
    figures = []
    for precision in seen[0][1]:
        measured: Precision = mean_average_precision(
            [found[precision] for _, found in seen], truth, len(release.labels)
        )
        for name, bar in BARS[split].items():
            value = float(getattr(measured, name))
            figures.append(Figure(release.id, split, precision, name, value, bar))
    values = {one.precision: one.value for one in figures if one.name == "map50_95"}
    if len(values) == len(WEIGHTS):
        lost = values["fp32"] - values["int8"]
        figures.append(Figure(release.id, split, "int8", "map50_95_lost", lost, MOST_LOST))
    return figures


LESS_IS_BETTER = frozenset(
    {"ece", "map50_95_lost", "load_s", "megabytes", "sharp_retake"}
    | {"perplexity", "perplexity_free", "perplexity_ratio"}
)
"""Figures that must stay below their bar."""
NEAR = {"coverage": 0.03}
"""Figures that must be as near as this to their bar: above it is no better than below."""


def reached(figure: Figure) -> bool:
    """Tell whether a figure is on the right side of its bar."""
    if figure.name in NEAR:
        return abs(figure.value - figure.bar) <= NEAR[figure.name]
    if figure.name in LESS_IS_BETTER:
        return figure.value <= figure.bar
    return figure.value >= figure.bar


def as_json(figures: Sequence[Figure]) -> dict[str, object]:
    """Nest figures: model → slice → precision → `name` and `name_bar`."""
    tree: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    for one in figures:
        leaf = tree.setdefault(one.model, {}).setdefault(one.slice, {})
        leaf.setdefault(one.precision, {}).update(
            {one.name: round(one.value, 4), f"{one.name}_bar": one.bar}
        )
    return dict(tree)
