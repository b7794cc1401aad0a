"""Make a classifier's numbers mean what they say: temperature, energy threshold, their figures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def find_temperature(logits: Floats, classes: npt.NDArray[np.int64]) -> float:
    """Return the temperature that makes the true classes most likely (Guo et al., 2017).

    Args:
        logits: (N, C), of photos that were not trained on.
        classes: (N,) the true ones.
    """
    choices = np.exp(np.linspace(np.log(0.2), np.log(8.0), 200))
    losses = [_negative_log(logits / choice, classes) for choice in choices]
    return float(choices[int(np.argmin(losses))])


def _negative_log(logits: Floats, classes: npt.NDArray[np.int64]) -> float:
    """Mean negative log likelihood."""
    top = logits.max(axis=1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(classes)), classes].mean())


def energies(logits: Floats, temperature: float) -> Floats:
    """-T x logsumexp(logits / T), (N,): the higher, the stranger (Liu et al., 2020)."""
    scaled = logits / temperature
    top = scaled.max(axis=1)
    return np.asarray(-temperature * (top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))))


def expected_calibration_error(
    logits: Floats, classes: npt.NDArray[np.int64], temperature: float, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over `bins` equal ranges of confidence, 0..1."""
    scaled = logits / temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == classes
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[place == one].mean() - right[place == one].mean()) * (place == one).mean()
        for one in range(bins)
        if (place == one).any()
    ]
    return float(sum(gaps))


def separation(inside: Floats, outside: Floats) -> float:
    """Return the chance that a stranger's energy is above a known one's (AUROC)."""
    ordered = np.sort(inside)
    below = np.searchsorted(ordered, outside, side="left")
    equal = np.searchsorted(ordered, outside, side="right") - below
    return float((below + 0.5 * equal).mean() / len(inside))
