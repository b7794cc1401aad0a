"""What a severity classifier says of crops, through the device's code, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.classifier import Classifier
from models.release import Calibration, ModelRelease
from models.runner_onnx import OnnxRunner
from tower_sync_server.training.severity.calibrate import (
    energies,
    expected_calibration_error,
    separation,
    shares_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.severity.crops import Crops


@dataclass(frozen=True, slots=True)
class Judged:
    """What a published classifier says of some crops."""

    logits: npt.NDArray[np.float64]
    """(N, C), uncalibrated."""
    severities: npt.NDArray[np.int64]
    """(N,) the truth, or OUTSIDE."""


def judge(weights: Path, release: ModelRelease, crops: Crops) -> Judged:
    """Run `weights` on crops, exactly as the device does, and collect the logits."""
    plain = replace(release, calibration=Calibration())
    classifier = Classifier(OnnxRunner(weights), plain)
    logits = []
    for image in crops.images:
        said = classifier.classify(image)
        # With temperature 1: logit = log(probability) - energy.
        logits.append(np.log(np.maximum(said.probabilities, 1e-12)) - said.energy)
    return Judged(np.asarray(logits, np.float64), crops.severities)


def figures_of(known: Judged, strange: Judged, release: ModelRelease) -> dict[str, float]:
    """Return accuracy, ece, auroc and coverage of one slice, 0..1."""
    calibration = release.calibration
    temperature = calibration.temperature
    shares = shares_of(known.logits, temperature)
    least = np.asarray([calibration.conformal.get(label, 0.0) for label in release.labels])
    own = np.arange(len(shares)), known.severities
    right = known.logits.argmax(axis=1) == known.severities
    return {
        "accuracy": float(right.mean()),
        "ece": expected_calibration_error(known.logits, known.severities, temperature),
        "auroc": separation(
            energies(known.logits, temperature), energies(strange.logits, temperature)
        ),
        "coverage": float((shares[own] >= least[known.severities]).mean()),
    }
