"""The classifier's whole recipe on a toy: render, train, quantise, calibrate, measure, decide."""

from pathlib import Path

import numpy as np
import pytest

from edge.steps.classify import classify
from models.classifier import Classifier
from models.detection import Prediction, Source
from models.profile import ClassifierUse
from models.release import read_manifest, verify_files
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import as_json
from tower_sync_server.render.samples import decode_jpeg
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training.default_models import CLASSIFIER, release_classifier
from tower_sync_server.training.severity.measure import evaluate_classifier
from tower_sync_server.training.severity.recipe import TOY, train_severity

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # it takes 30 s where nothing else runs
_ROOT = Path(__file__).parents[3]
_DETECTOR = _ROOT / "models/zoo/vehicle-damage-detector/1.0.0/model-fp32.onnx"
CHANCE = 1 / 3
"""Accuracy of a guess among three."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("work")
    made = train_severity(TOY, (work, _DETECTOR), 7, print)
    home = tmp_path_factory.mktemp("zoo") / CLASSIFIER / "1.0.0"
    release_classifier(home, made, 7)
    return home


def test_a_toy_classifier_learns_far_more_than_chance(folder: Path) -> None:
    tree = as_json(evaluate_classifier(folder, seed=1, photos=90))
    plain = tree[CLASSIFIER]["plain"]["int8"]  # type: ignore[index]
    assert plain["accuracy"] > CHANCE + 0.15
    assert plain["auroc"] > 0.8
    assert plain["coverage"] > 0.8
    assert plain["coverage_target"] == 0.95


def test_the_manifest_holds_and_the_golden_crops_come_out_the_same(folder: Path) -> None:
    release = read_manifest(folder)
    verify_files(folder, release)
    assert release.preprocess.crop == "scaled"
    assert set(release.calibration.conformal) == set(release.labels)
    assert release.calibration.energy_threshold is not None
    classifier = Classifier(OnnxRunner(folder / "model.onnx"), release)
    for golden in release.golden:
        said = classifier.classify(decode_jpeg((folder / golden.image).read_bytes()))
        label, confidence, _ = golden.expected[0]
        assert (said.label, said.confidence) == (label, pytest.approx(confidence, abs=1e-3))


def test_the_devices_step_grades_and_doubts_with_it(folder: Path) -> None:
    release = read_manifest(folder)
    classifier = Classifier(OnnxRunner(folder / "model.onnx"), release)
    photo = render_photo(12, split="plain", width=320, height=240, wish=Wish(damaged=True))
    seen = [Prediction(label, 0.9, tuple(map(float, box)), Source.DETECTOR)  # type: ignore[arg-type]
            for box, label in zip(photo.boxes, photo.labels, strict=True)]  # fmt: skip
    use = ClassifierUse(release.id, "severity")
    said = classify(classifier, photo.image, 1.0, seen, use)
    assert [one.refines for one in said.predictions] == list(range(len(seen)))
    noise = np.random.default_rng(0).integers(0, 256, photo.image.shape, dtype=np.uint8)
    strange = classify(classifier, noise, 1.0, seen[:1], use)
    assert strange.out_of_domain or strange.doubts
