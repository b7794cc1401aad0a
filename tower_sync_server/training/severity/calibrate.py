"""Make a classifier's numbers mean what they say: temperature, thresholds, their figures."""

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


def shares_of(logits: Floats, temperature: float) -> Floats:
    """Return calibrated probabilities (N, C)."""
    scaled = logits / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def find_conformal(
    shares: Floats, classes: npt.NDArray[np.int64], coverage: float
) -> tuple[float, ...]:
    """Return for each class the probability from which it belongs to the prediction set.

    Class-conditional split conformal prediction (Vovk et al., 2005): of the probabilities that
    photos of a class were given for it, the largest that at least `coverage` of them reach, with
    the correction for their number.

    Args:
        shares: (N, C) calibrated probabilities of photos that were not trained on.
        classes: (N,) the true ones.
        coverage: how often a set is to hold the truth, 0..1.
    """
    thresholds = []
    for number in range(shares.shape[1]):
        own = np.sort(shares[classes == number, number])
        missed = int((1.0 - coverage) * (len(own) + 1))
        thresholds.append(float(own[missed - 1]) if missed > 0 else 0.0)
    return tuple(thresholds)


def find_energy_threshold(known: Floats, flagged: float) -> float:
    """Return the energy above which `flagged` (0..1) of what is known lies."""
    return float(np.quantile(known, 1.0 - flagged))


def energies(logits: Floats, temperature: float) -> Floats:
    """-T x logsumexp(logits / T), (N,): the higher, the stranger (Liu et al., 2020)."""
    scaled = logits / temperature
    top = scaled.max(axis=1)
    return np.asarray(-temperature * (top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))))


def expected_calibration_error(
    logits: Floats, classes: npt.NDArray[np.int64], temperature: float, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over `bins` equal ranges of confidence, 0..1."""
    shares = shares_of(logits, temperature)
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
