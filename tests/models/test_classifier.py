"""Classes: logits or probabilities, temperature, and a score for what the model never saw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.calibration import logit, logsumexp, sigmoid, softmax, temperatures
from models.classifier import Classifier, scores_output
from models.release import Calibration, Output, Task
from models.runner import InferenceError, RefusedModelError, TensorSpec
from models.runners import open_runner
from tests.fakes import tiny_models
from tests.fakes.tiny_models import picture, release_of

if TYPE_CHECKING:
    from pathlib import Path

RED = np.full((64, 64, 3), (255, 0, 0), np.uint8)
BLUE = np.full((64, 64, 3), (0, 0, 255), np.uint8)


def classifier(folder: Path, *, probabilities: bool = False, **calibration: object) -> Classifier:
    path = tiny_models.classifier(folder / "m.onnx", probabilities=probabilities, embedding=True)
    scores = "probabilities" if probabilities else "logits"
    release = release_of(
        path,
        task=Task.CLASSIFY,
        output=Output(scores=scores, embedding="features"),
        calibration=Calibration(**calibration),  # type: ignore[arg-type]
    )
    return Classifier(open_runner(folder, release), release)


@pytest.mark.parametrize("probabilities", [True, False])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_logits_and_probabilities_give_the_same_calibrated_answer(
    probabilities: bool, temperature: float, tmp_path: Path
) -> None:
    model = classifier(tmp_path, probabilities=probabilities, temperature=temperature)
    said = model.classify(RED)
    sure = 1 / (1 + np.exp(-4 / temperature))
    assert said.label == "red"
    assert said.confidence == pytest.approx(sure, abs=1e-5)
    assert said.probabilities == pytest.approx((sure, 1 - sure), abs=1e-5)
    assert model.classify(BLUE).label == "blue"


def test_equally_likely_is_the_first_label(tmp_path: Path) -> None:
    said = classifier(tmp_path).classify(picture())
    assert (said.label, said.confidence) == ("red", 0.5)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_energy_is_low_for_what_is_known_and_high_for_what_is_not(
    temperature: float, tmp_path: Path
) -> None:
    model = classifier(tmp_path, temperature=temperature)
    known, unknown = model.classify(RED), model.classify(picture())
    expected = -temperature * np.log(np.exp(4 / temperature) + 1)
    assert known.energy == pytest.approx(expected, abs=1e-5)
    assert unknown.energy == pytest.approx(-temperature * np.log(2), abs=1e-5)


def test_what_is_above_the_threshold_is_out_of_domain(tmp_path: Path) -> None:
    model = classifier(tmp_path, energy_threshold=-2.0)
    known, unknown = model.classify(RED), model.classify(picture())
    assert not model.out_of_domain(known)
    assert model.out_of_domain(unknown)
    assert not model.out_of_domain(unknown, threshold=0.0)
    assert model.out_of_domain(known, threshold=-5.0)


def test_without_a_threshold_nothing_is_out_of_domain(tmp_path: Path) -> None:
    model = classifier(tmp_path)
    assert not model.out_of_domain(model.classify(picture()))


def test_the_embedding_comes_along(tmp_path: Path) -> None:
    said = classifier(tmp_path).classify(BLUE)
    assert said.embedding is not None
    assert said.embedding == pytest.approx(np.array([0, 0, 1]), abs=1e-6)


def test_scores_that_are_no_numbers_are_an_error(tmp_path: Path) -> None:
    model = classifier(tmp_path)
    run = model.runner.run
    model.runner.run = lambda tensor: {k: v * np.nan for k, v in run(tensor).items()}  # type: ignore[method-assign]
    with pytest.raises(InferenceError, match="no numbers"):
        model.classify(RED)


def test_a_detectors_manifest_is_no_classifier(tmp_path: Path) -> None:
    model = classifier(tmp_path)
    with pytest.raises(RefusedModelError, match="doesn't classify"):
        Classifier(model.runner, replace(model.release, task=Task.DETECT))


def test_a_missing_embedding_is_refused(tmp_path: Path) -> None:
    model = classifier(tmp_path)
    release = replace(model.release, output=Output(scores="logits", embedding="elsewhere"))
    with pytest.raises(RefusedModelError, match="elsewhere"):
        Classifier(model.runner, release)


def test_the_scores_are_found_among_several_outputs() -> None:
    def spec(name: str, *shape: int | None) -> TensorSpec:
        return TensorSpec(name, shape, "float32")

    two = (spec("features", 1, 512), spec("scores", 1, 7))
    assert scores_output(two, 7) == "scores"
    assert scores_output((spec("scores", 1, 7, 1, 1),), 7) == "scores"
    assert scores_output((spec("scores", None, None),), 7) == "scores"
    for bad in ((spec("a", 1, 7), spec("b", 1, 7)), (spec("a", 1, 8),), ()):
        with pytest.raises(RefusedModelError, match="7 labels"):
            scores_output(bad, 7)


def test_the_functions_of_calibration_do_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]
    assert logit(np.array([0.5])).tolist() == [0]
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert sigmoid(logit(np.array([0.01, 0.3, 0.99]))) == pytest.approx([0.01, 0.3, 0.99])
    assert softmax(np.array([1e4, 1e4])).tolist() == [0.5, 0.5]
    assert logsumexp(np.array([1e4, 1e4])) == pytest.approx(1e4 + np.log(2))


def test_a_label_without_its_own_temperature_has_the_common_one() -> None:
    calibration = Calibration(temperature=1.5, temperature_per_label={"b": 3.0})
    assert temperatures(calibration, ("a", "b")).tolist() == [1.5, 3.0]


def test_the_prediction_set_holds_every_label_above_its_own_threshold(tmp_path: Path) -> None:
    model = classifier(tmp_path, conformal={"red": 0.3, "blue": 0.01}, coverage=0.9)
    assert model.possible(model.classify(RED)) == ("red", "blue")
    assert model.possible(model.classify(BLUE)) == ("blue",)


def test_the_prediction_set_may_be_empty(tmp_path: Path) -> None:
    model = classifier(tmp_path, conformal={"red": 0.6, "blue": 0.6}, coverage=0.9)
    assert model.possible(model.classify(picture())) == ()


def test_without_a_threshold_for_every_label_there_is_no_prediction_set(tmp_path: Path) -> None:
    for folder, thresholds in (("none", {}), ("one", {"red": 0.5})):
        (tmp_path / folder).mkdir()
        model = classifier(tmp_path / folder, conformal=thresholds)
        assert model.possible(model.classify(RED)) is None
