"""Crops are cut as on the device; calibration makes confidences mean what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tower_sync_server.training.network import DetectorNet
from tower_sync_server.training.severity.calibrate import (
    energies,
    expected_calibration_error,
    find_temperature,
    separation,
)
from tower_sync_server.training.severity.crops import OUTSIDE, SIDE, CropSpec, open_crops
from tower_sync_server.training.severity.network import SeverityNet, start_from_detector


def overconfident(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are three times as sure as they should be."""
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (count, 3))
    shares = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    classes = np.asarray([rng.choice(3, p=row) for row in shares])
    return honest * 3.0, classes


def test_the_temperature_undoes_overconfidence() -> None:
    logits, classes = overconfident()
    assert find_temperature(logits, classes) == pytest.approx(3.0, rel=0.1)


def test_calibration_lowers_the_calibration_error() -> None:
    logits, classes = overconfident()
    before = expected_calibration_error(logits, classes, 1.0)
    after = expected_calibration_error(logits, classes, find_temperature(logits, classes))
    assert before > 0.1
    assert after < 0.03


def test_an_unsure_answer_has_a_higher_energy() -> None:
    sure, unsure = energies(np.asarray([[9.0, 0.0, 0.0], [0.1, 0.0, 0.0]]), 1.0)
    assert unsure > sure


def test_separation_is_the_chance_of_the_right_order() -> None:
    assert separation(np.asarray([0.0, 1.0]), np.asarray([2.0, 3.0])) == 1.0
    assert separation(np.asarray([0.0, 1.0]), np.asarray([0.0, 1.0])) == 0.5


def test_crops_of_damage_carry_its_severity(tmp_path: Path) -> None:
    crops = open_crops(tmp_path, CropSpec("train", 0, 6, longer_side=320), workers=1)
    assert crops.images.shape[1:] == (SIDE, SIDE, 3)
    assert len(crops.images) == len(crops.severities) > 0
    assert set(crops.severities.tolist()) <= {0, 1, 2}


def test_foreign_crops_carry_none(tmp_path: Path) -> None:
    spec = CropSpec("train", 0, 4, foreign=True, longer_side=320)
    assert set(open_crops(tmp_path, spec, workers=1).severities.tolist()) == {OUTSIDE}


def test_the_classifier_starts_with_what_the_detector_knows(tmp_path: Path) -> None:
    torch.manual_seed(0)
    detector, classifier = DetectorNet(6), SeverityNet(3)
    torch.save(detector.state_dict(), tmp_path / "best.pt")
    assert start_from_detector(classifier, tmp_path / "best.pt") > 100
    assert torch.equal(classifier.stem[0][0].weight, detector.stem[0][0].weight)


def test_the_classifier_gives_a_logit_for_each_severity() -> None:
    assert SeverityNet(3).eval()(torch.zeros(2, 3, SIDE, SIDE)).shape == (2, 3)
