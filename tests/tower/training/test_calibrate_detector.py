"""A detector's temperatures are those that make what came true most likely."""

import numpy as np
import pytest

from models.calibration import logit, sigmoid
from tower_sync_server.training.calibrate_detector import (
    calibration_of,
    overlap,
    temperature_of,
)


def overconfident(factor: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Confidences whose logits are `factor` times too large, and what came true."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0.3, 1.2, count)
    right = rng.random(count) < sigmoid(honest)
    return sigmoid(honest * factor), right


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_too_much_and_too_little_confidence(factor: float) -> None:
    assert temperature_of(*overconfident(factor)) == pytest.approx(factor, rel=0.12)


def test_calibrated_confidences_come_true_as_often_as_they_say() -> None:
    raw, right = overconfident(2.5)
    calibrated = sigmoid(logit(raw) / temperature_of(raw, right))
    for low in (0.2, 0.4, 0.6):
        some = (calibrated >= low) & (calibrated < low + 0.2)
        assert calibrated[some].mean() == pytest.approx(right[some].mean(), abs=0.04)


def test_a_label_with_few_detections_gets_the_temperature_of_all() -> None:
    raw, right = overconfident(2.0, 400)
    rows = [(0, float(p), bool(r)) for p, r in zip(raw, right, strict=True)]
    rows += [(1, 0.9, True)] * 5
    found = calibration_of(rows, ("dent", "rust"))
    assert set(found.temperature_per_label) == {"dent"}
    assert found.temperature == pytest.approx(2.0, rel=0.3)


def test_overlap_is_the_common_part_of_both() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == pytest.approx(1.0)
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (10, 10, 20, 20)) == 0.0
