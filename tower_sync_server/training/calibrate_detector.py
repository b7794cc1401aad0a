"""Make a detector's confidences mean what they say: one temperature for each label."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.calibration import logit, sigmoid
from models.detector import Detector
from models.release import Calibration, ModelRelease, read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.render.scene import render_photo
from tower_sync_server.training.cache import photo_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from models.detection import Box
    from models.preprocess import Image
    from tower_sync_server.render.styles import Split

KEEP = 0.10
"""Confidence from which a detection counts: what the device stores."""
HIT = 0.5
"""Overlap from which a detection is right."""
_SEEDS = range(600_000, 600_240)
"""Photos that temperatures come from: trained on by nothing, measured on by nothing."""
_LEAST = 40
"""Detections of a label that a temperature of its own needs."""
_CHUNK = 10
_SIDE = 640

Row = tuple[int, float, bool]
"""Number of the label, raw confidence, whether it is right."""


def find_temperatures(folder: Path, workers: int = 2) -> Calibration:
    """Run the detector in `folder` on rendered photos and find each label's temperature."""
    release = read_manifest(folder)
    rows: list[Row] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = [_SEEDS[start : start + _CHUNK] for start in range(0, len(_SEEDS), _CHUNK)]
        for split in ("plain", "shift"):
            for part in pool.map(judge_photos, [folder] * len(parts), [split] * len(parts), parts):
                rows += part
    return calibration_of(rows, release.labels)


def calibration_of(rows: Sequence[Row], labels: Sequence[str]) -> Calibration:
    """Return the temperatures that make right detections most likely, label by label.

    A label with few detections gets the one of all together.
    """
    raw = np.asarray([row[1] for row in rows])
    right = np.asarray([row[2] for row in rows])
    numbers = np.asarray([row[0] for row in rows])
    own = {
        label: round(temperature_of(raw[numbers == number], right[numbers == number]), 3)
        for number, label in enumerate(labels)
        if np.count_nonzero(numbers == number) >= _LEAST
    }
    return Calibration(round(temperature_of(raw, right), 3), own)


def temperature_of(raw: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """Return the temperature that makes what came true most likely.

    Args:
        raw: (N,) uncalibrated confidences, 0..1.
        right: (N,) whether each was right.
    """
    choices = np.exp(np.linspace(np.log(0.25), np.log(6.0), 160))
    logits = logit(raw)
    losses = []
    for choice in choices:
        p = np.clip(sigmoid(logits / choice), 1e-9, 1 - 1e-9)
        losses.append(-np.mean(np.where(right, np.log(p), np.log(1 - p))))
    return float(choices[int(np.argmin(losses))])


def judge_photos(folder: Path, split: Split, seeds: Sequence[int]) -> list[Row]:
    """Render photos, detect on them without any calibration, and say what was right."""
    cv2.setNumThreads(1)
    release = read_manifest(folder)
    detector = Detector(OnnxRunner(folder / release.weights.path), uncalibrated(release))
    rows: list[Row] = []
    for seed in seeds:
        width, height = photo_size(seed, _SIDE)
        photo = render_photo(seed, split=split, width=width, height=height)
        rows += judge_photo(detector, photo.image, zip(photo.labels, photo.boxes, strict=True))
    return rows


def uncalibrated(release: ModelRelease) -> ModelRelease:
    """Return `release` with raw confidences."""
    return replace(release, calibration=Calibration())


def judge_photo(detector: Detector, image: Image, there: Iterable[tuple[str, Box]]) -> list[Row]:
    """Match detections on `image` with what is there, surest first, each truth once."""
    left = list(there)
    rows = []
    for one in detector.detect(image, KEEP, 0.5, 50):
        hits = [(overlap(one.box, box), label, box) for label, box in left if label == one.label]
        best = max(hits, default=(0.0, "", None))
        right = best[0] >= HIT
        if right and best[2] is not None:
            left.remove((best[1], best[2]))
        rows.append((detector.release.labels.index(one.label), one.confidence, right))
    return rows


def overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, 0..1."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / max(1e-9, areas - wide * high)
