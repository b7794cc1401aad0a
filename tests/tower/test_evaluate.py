"""Figures are measured on photos nobody trained on, and judged by the right side of their bar."""

from pathlib import Path

import pytest

from models.release import read_manifest, verify_files
from tower_sync_server.evaluate import (
    BARS,
    Figure,
    as_json,
    evaluate_detector,
    photo_seeds,
    reached,
)
from tower_sync_server.training.recipe import DEFAULT

SHIPPED = Path(__file__).parents[2] / "models/zoo/vehicle-damage-detector/1.0.0"


def figure(name: str, value: float, bar: float) -> Figure:
    return Figure("m", "plain", "int8", name, value, bar)


def test_most_figures_must_reach_their_bar() -> None:
    assert reached(figure("map50", 0.85, 0.85))
    assert not reached(figure("map50", 0.84, 0.85))


@pytest.mark.parametrize("name", ["ece", "map50_95_lost"])
def test_errors_and_losses_must_stay_below_theirs(name: str) -> None:
    assert reached(figure(name, 0.01, 0.02))
    assert not reached(figure(name, 0.03, 0.02))


def test_every_figure_stands_beside_its_bar_in_json() -> None:
    tree = as_json([figure("map50_95", 0.61234, 0.6), figure("map50", 0.8, 0.85)])
    leaf = {"map50_95": 0.6123, "map50_95_bar": 0.6, "map50": 0.8, "map50_bar": 0.85}
    assert tree == {"m": {"plain": {"int8": leaf}}}


def test_no_photo_is_measured_on_that_was_trained_on() -> None:
    for seed in (0, 7, 12_345):
        assert min(photo_seeds(seed, 1000)) > DEFAULT.photos
    assert not set(photo_seeds(1, 1000)) & set(photo_seeds(2, 1000))


def test_the_shipped_detector_is_what_its_manifest_says() -> None:
    verify_files(SHIPPED, read_manifest(SHIPPED))
    assert (SHIPPED / "model.onnx").stat().st_size <= 3_000_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_shipped_detector_sees_what_is_there() -> None:
    figures = evaluate_detector(SHIPPED, seed=3, photos=120)
    measured = {(one.slice, one.precision, one.name): one.value for one in figures}
    for split, bars in BARS.items():
        # A small sample scatters: this only guards against weights or code that are broken.
        assert measured[split, "int8", "map50_95"] > bars["map50_95"] - 0.12
