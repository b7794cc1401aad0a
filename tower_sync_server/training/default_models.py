"""The models that ship, each from its seed to its folder in the zoo."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from tower_sync_server.training.cache import CacheSpec, open_cache
from tower_sync_server.training.calibrate_detector import find_temperatures
from tower_sync_server.training.export import export_fp32, export_int8, halve_weights
from tower_sync_server.training.many import is_leader, together
from tower_sync_server.training.publish import (
    Identity,
    data_hash,
    publish,
    publish_calibrated,
)
from tower_sync_server.training.recipe import (
    DEFAULT,
    Recipe,
    train_detector,
    with_seed,
)
from tower_sync_server.training.severity import recipe as severity_recipe
from tower_sync_server.training.severity.publish import export_classifier, publish_classifier
from tower_sync_server.training.severity.recipe import train_severity
from tower_sync_server.training.tflite_apart import make_tflite

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.loop import Report
    from tower_sync_server.training.network import DetectorNet
    from tower_sync_server.training.severity.recipe import Made

DETECTOR = "vehicle-damage-detector"
CLASSIFIER = "vehicle-damage-severity"
_CALIBRATION_PHOTOS = 200


def make_detector(folder: Path, work: Path, seed: int, report: Report) -> None:
    """Train the detector and publish it in `folder`; several processes may do it together.

    Where litert-torch is at hand, its TFLite files are written below `work`.
    """
    recipe = with_seed(DEFAULT, seed)
    with together():
        network = train_detector(recipe, work, report)
        if is_leader():
            release_detector(network, recipe, (folder, work))
            make_tflite(folder, work / "tflite" / DETECTOR, report)


def release_detector(network: DetectorNet, recipe: Recipe, places: tuple[Path, Path]) -> None:
    """Export a trained network and publish it; `places` are its folder and the work folder."""
    folder, work = places
    photos = CacheSpec("train", 0, recipe.photos, recipe.size)
    pictures = open_cache(work, photos).images[:_CALIBRATION_PHOTOS]
    _empty(folder)
    full = work / "detector.onnx"
    export_fp32(network, recipe.size, full)
    export_int8(full, np.asarray(pictures), folder / "model.onnx")
    halve_weights(full, folder / "model-fp32.onnx")
    publish(
        folder,
        Identity(
            DETECTOR, folder.name, recipe.seed, data_hash(work / photos.name), _today(),
            "Scratches, dents, cracks, rust, paint chips and broken lamps on vehicles.",
        ),
        recipe.size,
    )  # fmt: skip
    publish_calibrated(folder, find_temperatures(folder))


def make_classifier(folder: Path, work: Path, seed: int, report: Report) -> None:
    """Train the severity classifier, started from the published detector, and publish it."""
    detector = folder.parents[1] / DETECTOR / folder.name / "model-fp32.onnx"
    made = train_severity(severity_recipe.DEFAULT, (work, detector), seed, report)
    release_classifier(folder, made, seed)


def release_classifier(folder: Path, made: Made, seed: int) -> None:
    """Export and publish a trained classifier in `folder`."""
    _empty(folder)
    export_classifier(made.network, made.activating, folder)
    identity = Identity(
        CLASSIFIER, folder.name, seed, made.data_sha256, _today(),
        "How bad a damage is: minor, moderate or severe.",
    )  # fmt: skip
    publish_classifier(folder, identity, made.held_out)


def _empty(folder: Path) -> None:
    """Make `folder` anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _today() -> str:
    """Return the date, ISO 8601."""
    return datetime.now(UTC).date().isoformat()
