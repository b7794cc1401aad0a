"""A better detector from what people said: it goes on from the one that runs.

dataset's folder → network with the old one's weights → training → INT8 → calibrated, measured
against the old one on photos that neither was trained on → a model's folder, ready to be released.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.detector import Detector
from models.release import Task, read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import WEIGHTS
from tower_sync_server.training.augment import Strength
from tower_sync_server.training.batches import BatchPlan
from tower_sync_server.training.calibrate_detector import (
    Row,
    calibration_of,
    judge_photo,
    uncalibrated,
)
from tower_sync_server.training.export import export_fp32, export_int8, halve_weights
from tower_sync_server.training.folder import (
    DatasetError,
    fingerprint,
    labels_of,
    open_folder,
    photos,
)
from tower_sync_server.training.loop import Phase, Schedule, train
from tower_sync_server.training.network import DetectorNet
from tower_sync_server.training.publish import Identity, publish, publish_calibrated
from tower_sync_server.training.reviewed.card import write_card
from tower_sync_server.training.reviewed.compare import Comparison, compare
from tower_sync_server.training.start import start_from_onnx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.release import Calibration, ModelRelease
    from tower_sync_server.training.cache import Cache
    from tower_sync_server.training.loop import Report

BATCH = 16
"""Photos that the network sees at once."""
_MILD = Strength(zoom=(0.8, 1.2), shift=0.06, colour=0.35)
_CALIBRATION_PHOTOS = 200
_LEAST_DETECTIONS = 40
"""Detections on photos for choosing below which the old model's temperatures say more."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be trained."""

    dataset: Path
    """Holds manifest.json with the splits train, val and test."""
    start: Path
    """Folder of the detector that runs; with its weights in fp32."""
    into: Path
    """Folder of the new one; made anew."""
    work: Path
    """Keeps checkpoints: a run that was broken off goes on."""
    version: str
    """Of the new one."""
    epochs: int = 20
    """Rounds through the photos; it stops earlier where they no longer help."""
    seed: int = 7
    """Of order and augmentation."""
    threads: int = 1
    """Results are the same for the same number; two are slower where others work, too."""


def improve(order: Order, report: Report) -> Comparison:
    """Train, publish in `order.into`, and measure against what runs.

    Raises:
        DatasetError: the dataset isn't what its manifest says, or is too small, or `order.start`
            is no detector that this can go on from.
    """
    started, size = starting_point(order.start)
    labels = labels_after(started.labels, labels_of(order.dataset))
    data = tuple(open_folder(order.dataset, one, size, labels) for one in ("train", "val"))
    next(photos(order.dataset, "test"))  # it would be a pity to miss them an hour later
    if len(data[0].truths) < BATCH:
        raise DatasetError(
            f"{order.dataset}: {len(data[0].truths)} photos to train on; at least {BATCH} are"
            " needed, and a few hundred to learn something"
        )
    report(f"{len(data[0].truths)} photos to train on, {len(data[1].truths)} to choose by")
    network = _network(order, started, labels)
    place = _checkpoints(order), order.seed
    best = train(network, (data[0], data[1]), _schedule(order.epochs, size), place, report)
    report("exporting and calibrating")
    _publish(order, started, (best, size), data[0])
    publish_calibrated(order.into, _calibration(order, started))
    compared = compare(order.start, order.into, photos(order.dataset, "test"))
    write_card(order.into, started, len(data[0].truths), compared)
    return compared


def starting_point(folder: Path) -> tuple[ModelRelease, int]:
    """Read the detector that training goes on from; give the side of its input, too, in pixels.

    Raises:
        DatasetError: `folder` holds none that this can go on from.
    """
    try:
        release = read_manifest(folder)
    except (OSError, ValueError) as e:
        raise DatasetError(f"{folder} holds no model: {e}") from e
    if release.task is not Task.DETECT or release.input is None:
        raise DatasetError(f"{folder}: {release.ref} is no detector")
    if not (folder / WEIGHTS["fp32"]).is_file():
        raise DatasetError(f"{folder}: there is no {WEIGHTS['fp32']} to go on from")
    return release, release.input.width


def labels_after(old: Sequence[str], seen: Sequence[str]) -> tuple[str, ...]:
    """Return what the new detector knows: all that the old one did and what is new.

    Where the two have nothing in common it is another subject, and the old names are of no use.
    """
    known = tuple(old) if set(old).intersection(seen) else ()
    return (*known, *(label for label in seen if label not in known))


def _checkpoints(order: Order) -> Path:
    """The folder of this run's checkpoints; from another dataset or detector none is taken up."""
    weights = hashlib.sha256((order.start / WEIGHTS["fp32"]).read_bytes()).hexdigest()
    return order.work / f"{fingerprint(order.dataset)[:12]}-{weights[:12]}-{order.seed}"


def _network(order: Order, started: ModelRelease, labels: tuple[str, ...]) -> DetectorNet:
    """Make the network as the old one's weights leave it."""
    torch.set_num_threads(order.threads)
    torch.manual_seed(order.seed)
    network = DetectorNet(len(labels))
    rows = [started.labels.index(one) if one in started.labels else None for one in labels]
    if not start_from_onnx(network, order.start / WEIGHTS["fp32"], rows):
        raise DatasetError(f"{order.start}: {started.ref} is another kind of network")
    return network


def _schedule(epochs: int, size: int) -> Schedule:
    """How a detector goes on learning from a few hundred photos: slowly, on its own canvas."""
    plan = BatchPlan(size=BATCH, side=size, strength=_MILD, mosaic=0.0)
    return Schedule(
        (Phase(epochs, plan),), rate=3e-4, warmup=20, average=0.98, patience=6, frozen=True
    )


def _publish(
    order: Order, started: ModelRelease, best: tuple[DetectorNet, int], seen: Cache
) -> None:
    """Write weights, golden photos and manifest of the `best` network, whose side goes with it.

    The golden photos stay those of the old model: they go to every device, people's photos don't.
    """
    golden = {
        one.image.rpartition("/")[2]: (order.start / one.image).read_bytes()
        for one in started.golden
    }
    shutil.rmtree(order.into, ignore_errors=True)
    order.into.mkdir(parents=True)
    full = order.work / "detector.onnx"
    export_fp32(*best, full)
    export_int8(full, np.asarray(seen.images[:_CALIBRATION_PHOTOS]), order.into / WEIGHTS["int8"])
    halve_weights(full, order.into / WEIGHTS["fp32"])
    identity = Identity(
        started.id, order.version, order.seed, fingerprint(order.dataset),
        datetime.now(UTC).date().isoformat(), started.description, seen.labels,
    )  # fmt: skip
    publish(order.into, identity, best[1], golden)


def _calibration(order: Order, started: ModelRelease) -> Calibration:
    """Find the temperatures on the photos for choosing; too few leave the old model's."""
    release = uncalibrated(read_manifest(order.into))
    detector = Detector(OnnxRunner(order.into / release.weights.path), release)
    rows: list[Row] = []
    for photo in photos(order.dataset, "val"):
        there = zip(photo.labels, photo.boxes, strict=True)
        rows += judge_photo(detector, photo.image, there)
    if len(rows) < _LEAST_DETECTIONS:
        return replace(
            started.calibration,
            temperature_per_label={
                label: one
                for label, one in started.calibration.temperature_per_label.items()
                if label in release.labels
            },
        )
    return calibration_of(rows, release.labels)
