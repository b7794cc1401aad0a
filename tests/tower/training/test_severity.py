"""Crops are cut as on the device; calibration makes confidences mean what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tower_sync_server.evaluate import Figure, reached
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training.severity.augment import changed, drawn
from tower_sync_server.training.severity.calibrate import (
    energies,
    expected_calibration_error,
    find_conformal,
    find_energy_threshold,
    find_temperature,
    separation,
    shares_of,
)
from tower_sync_server.training.severity.crops import (
    OUTSIDE,
    SIDE,
    CropSpec,
    _undamaged,
    open_crops,
)
from tower_sync_server.training.severity.loop import CLASSES, loss_of
from tower_sync_server.training.severity.network import Graded, SeverityNet, level


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


def test_each_class_is_in_its_prediction_set_as_often_as_asked_for() -> None:
    logits, classes = overconfident()
    shares = shares_of(logits, 3.0)
    half = len(classes) // 2
    least = np.asarray(find_conformal(shares[:half], classes[:half], 0.9))
    for number in range(3):
        own = shares[half:][classes[half:] == number, number]
        assert (own >= least[number]).mean() == pytest.approx(0.9, abs=0.03)


def test_too_few_examples_leave_a_class_in_every_set() -> None:
    shares = np.asarray([[0.9, 0.1], [0.2, 0.8]])
    assert find_conformal(shares, np.asarray([0, 1]), 0.9) == (0.0, 0.0)


def test_the_energy_threshold_flags_the_asked_part_of_what_is_known() -> None:
    known = np.random.default_rng(0).normal(-5, 1, 5000)
    assert (known > find_energy_threshold(known, 0.02)).mean() == pytest.approx(0.02, abs=0.002)


def test_coverage_must_be_near_its_target_on_either_side() -> None:
    target = 0.95
    for value, good in ((0.93, True), (0.97, True), (0.90, False), (0.99, False)):
        assert reached(Figure("m", "plain", "int8", "coverage", value, target)) is good


def test_crops_of_damage_carry_its_severity_and_kind(tmp_path: Path) -> None:
    crops = open_crops(tmp_path, CropSpec("train", 0, 6, longer_side=320), workers=1)
    assert crops.images.shape[1:] == (SIDE, SIDE, 3)
    assert len(crops.images) == len(crops.severities) == len(crops.kinds) > 0
    assert set(crops.severities.tolist()) <= {0, 1, 2}
    assert set(crops.kinds.tolist()) <= set(range(len(LABELS)))


def test_foreign_crops_carry_none(tmp_path: Path) -> None:
    spec = CropSpec("train", 0, 4, foreign=True, places=2, longer_side=320)
    crops = open_crops(tmp_path, spec, workers=1)
    assert len(crops.images) == 8
    assert set(crops.severities.tolist()) == set(crops.kinds.tolist()) == {OUTSIDE}


def test_undamaged_places_of_a_damaged_photo_touch_no_damage() -> None:
    photo = render_photo(3, split="train", width=320, height=240, wish=Wish(damaged=True))
    places = _undamaged(np.random.default_rng(0), photo, 20)
    assert places
    for x1, y1, x2, y2 in places:
        for mask in photo.masks:
            assert not (mask[int(y1) : int(y2), int(x1) : int(x2)] > 96).any()


def test_opened_crops_are_those_that_were_cut(tmp_path: Path) -> None:
    spec = CropSpec("plain", 5, 3, places=1, longer_side=320)
    first, again = (open_crops(tmp_path, spec, workers=1) for _ in range(2))
    assert (first.images == again.images).all()
    assert (first.kinds == again.kinds).all()


def test_the_classifier_gives_a_logit_for_each_severity() -> None:
    network = Graded(SeverityNet(CLASSES), len(LABELS)).eval()
    assert network(torch.zeros(2, 3, SIDE, SIDE)).shape == (2, 3)


def test_a_severity_is_as_likely_as_all_kinds_of_it_together() -> None:
    class Fixed(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.manual_seed(0)
    both = torch.randn(5, CLASSES)
    severities = Graded(Fixed(), len(LABELS))(both).softmax(1)
    together = both.softmax(1).view(5, 3, -1).sum(2)
    assert torch.allclose(severities, together, atol=1e-6)


def test_the_energy_is_the_odds_of_damage_against_nothing_of_it() -> None:
    logits = torch.tensor([[2.0, 1.0, -1.0]])
    damage = -(loss_of(logits, torch.tensor([3])).exp() ** -1) + 1  # 1 - p(nothing)
    odds = torch.log(damage / (1 - damage))
    assert float(odds) == pytest.approx(-float(energies(logits.numpy(), 1.0)[0]), abs=1e-5)


def test_levelled_normalisations_compute_the_same_and_expect_what_comes() -> None:
    torch.manual_seed(0)
    network, images = SeverityNet(4), torch.rand(16, 3, 64, 64)
    before = network.eval()(images)
    level(network, images)
    assert torch.allclose(network(images), before, atol=1e-4)
    assert torch.allclose(network.train()(images), before, atol=1e-3)


def test_without_levelling_training_would_start_from_other_outputs() -> None:
    """The control of the test above."""
    torch.manual_seed(0)
    network, images = SeverityNet(4), torch.rand(16, 3, 64, 64)
    before = network.eval()(images)
    assert not torch.allclose(network.train()(images), before, atol=1e-3)


def test_a_changed_crop_keeps_its_size_and_the_grey_around_it() -> None:
    rng = np.random.default_rng(0)
    crop = np.full((96, 96, 3), 114, np.uint8)
    crop[30:70, 20:80] = rng.integers(0, 256, (40, 60, 3))
    for _ in range(50):
        inner = drawn(changed(rng, crop, 114), 114)
        longer, shorter = max(inner.shape[:2]), min(inner.shape[:2])
        assert longer == pytest.approx(60, abs=7)
        assert shorter == pytest.approx(40, abs=5)


def test_a_crop_without_grey_around_it_is_drawn_whole() -> None:
    crop = np.full((8, 8, 3), 7, np.uint8)
    assert drawn(crop, 114).shape == (8, 8, 3)
    assert drawn(np.full_like(crop, 114), 114).shape == (8, 8, 3)
