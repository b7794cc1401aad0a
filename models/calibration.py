"""From raw scores to probabilities that mean what they say: temperatures on the logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.release import Calibration

Floats = NDArray[np.float64]

_NEAR = 1e-12  # probabilities nearer to 0 or 1 than this have no finite logit worth having


def logit(probability: NDArray[np.floating] | float) -> Floats:
    """log(p / (1 - p)), element by element, finite for 0 and 1 too."""
    p = np.clip(np.asarray(probability, np.float64), _NEAR, 1 - _NEAR)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def sigmoid(x: NDArray[np.floating]) -> Floats:
    """1 / (1 + exp(-x)), element by element, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, np.float64))), np.float64)


def logsumexp(x: NDArray[np.floating]) -> float:
    """log(sum(exp(x))) of a vector, without overflow."""
    top = float(np.max(x))
    return top + float(np.log(np.sum(np.exp(np.asarray(x, np.float64) - top))))


def softmax(x: NDArray[np.floating]) -> Floats:
    """exp(x) / sum(exp(x)) over the last axis, without overflow."""
    raised = np.exp(np.asarray(x, np.float64) - np.max(x, axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float64)


def temperatures(calibration: Calibration, labels: Sequence[str]) -> Floats:
    """The temperature of each label, in the order of the network's classes; C float64."""
    own = calibration.temperature_per_label
    return np.array([own.get(label, calibration.temperature) for label in labels], np.float64)
