"""The two steps that look: what is kept, what is shown, what the classifier says about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.steps.classify import Classes, classify
from edge.steps.detect import detect
from models.classifier import Classifier
from models.detection import Doubt, Prediction, Source
from models.detector import Detector
from models.profile import ClassifierUse, ClassifyOn, DetectorUse
from models.release import Calibration, HeadLayout, Output, Preprocess, Task
from models.runners import open_runner
from tests.fakes import tiny_models
from tests.fakes.tiny_models import picture, release_of

if TYPE_CHECKING:
    from pathlib import Path

RED, PALE, BLUE = (255, 0, 0), (130, 0, 0), (0, 0, 255)


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    release = release_of(tiny_models.v8(tmp_path / "d.onnx"), head=HeadLayout.V8)
    return Detector(open_runner(tmp_path, release), release)


@pytest.fixture
def classifier(tmp_path: Path) -> Classifier:
    release = release_of(
        tiny_models.classifier(tmp_path / "c.onnx"),
        task=Task.CLASSIFY,
        output=Output(scores="logits"),
        calibration=Calibration(energy_threshold=-2.0),
    )
    return Classifier(open_runner(tmp_path, release), release)


def use(**others: object) -> DetectorUse:
    return DetectorUse("tiny", **{"keep": 0.3, "show": 0.9, **others})  # type: ignore[arg-type]


def on(where: ClassifyOn, **others: object) -> ClassifierUse:
    return ClassifierUse("tiny", on=where, **others)  # type: ignore[arg-type]


def test_what_is_above_keep_and_below_show_is_there_and_not_shown(detector: Detector) -> None:
    found = detect(detector, picture(c12=RED, c30=PALE), 1.0, use())
    assert [(p.label, p.shown, p.source) for p in found] == [
        ("red", True, Source.DETECTOR),
        ("red", False, Source.DETECTOR),
    ]
    assert len(detect(detector, picture(c12=RED, c30=PALE), 1.0, use(keep=0.8))) == 1


def test_a_label_can_have_its_own_show(detector: Detector) -> None:
    rules = use(show_per_label={"blue": 0.999})
    found = detect(detector, picture(c12=RED, c30=BLUE), 1.0, rules)
    assert {p.label: p.shown for p in found} == {"red": True, "blue": False}


def test_boxes_are_in_pixels_of_the_original(detector: Detector) -> None:
    (found,) = detect(detector, picture(c12=RED), 0.25, use())
    assert found.box == pytest.approx((64, 128, 128, 192), abs=0.1)
    (clipped,) = detect(detector, picture(c33=RED), 0.25, use(), size=(254, 253))
    assert clipped.box == pytest.approx((192, 192, 254, 253), abs=0.1)


def shown(box: tuple[float, float, float, float], shown: bool = True) -> Prediction:
    return Prediction("red", 0.9, box, Source.DETECTOR, shown=shown)


def test_each_shown_detection_is_classified_on_its_crop(classifier: Classifier) -> None:
    image = picture(c00=RED, c33=BLUE)
    seen = (
        shown((96, 96, 128, 128)),
        shown((0, 0, 32, 32), shown=False),
        shown((0, 0, 32, 32)),
    )
    found = classify(classifier, image, 0.5, seen, on(ClassifyOn.CROPS, margin=0.0)).predictions
    assert [(p.label, p.refines, p.box) for p in found] == [
        ("blue", 0, (96, 96, 128, 128)),
        ("red", 2, (0, 0, 32, 32)),
    ]
    assert all(p.source is Source.CLASSIFIER for p in found)
    assert found[0].confidence == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)


def test_the_margin_lets_the_surroundings_in(classifier: Classifier) -> None:
    image = picture(c00=RED)
    tight, wide = (
        classify(classifier, image, 1.0, (shown((0, 0, 16, 16)),), on(ClassifyOn.CROPS, margin=m))
        for m in (0.0, 0.5)
    )
    assert wide.predictions[0].confidence < tight.predictions[0].confidence


def test_the_frame_is_classified_as_a_whole(classifier: Classifier) -> None:
    image = np.full((40, 60, 3), BLUE, np.uint8)
    said = classify(classifier, image, 0.5, (), on(ClassifyOn.FRAME))
    found = said.predictions
    assert [(p.label, p.refines, p.box) for p in found] == [("blue", None, (0, 0, 120, 80))]
    assert not said.out_of_domain
    exact = classify(classifier, image, 0.5, (), on(ClassifyOn.FRAME), size=(119, 79))
    assert exact.predictions[0].box == (0, 0, 119, 79)


def test_what_the_classifier_never_learned_is_out_of_domain(classifier: Classifier) -> None:
    image = picture(c00=RED)
    known, black = shown((0, 0, 16, 16)), shown((48, 48, 64, 64))
    crops = on(ClassifyOn.CROPS, margin=0.0)
    assert not classify(classifier, image, 1.0, (known,), crops).out_of_domain
    assert classify(classifier, image, 1.0, (known, black), crops).out_of_domain
    assert classify(classifier, image, 1.0, (), on(ClassifyOn.FRAME)).out_of_domain
    loose = on(ClassifyOn.CROPS, margin=0.0, energy_threshold=0.0)
    assert not classify(classifier, image, 1.0, (known, black), loose).out_of_domain


def test_nothing_shown_is_nothing_classified(classifier: Classifier) -> None:
    seen = (shown((0, 0, 9, 9), shown=False),)
    assert classify(classifier, picture(), 1.0, seen, on(ClassifyOn.CROPS)) == Classes()


def calibrated(model: Classifier, **others: object) -> Classifier:
    release = replace(model.release, **others)  # type: ignore[arg-type]
    return Classifier(model.runner, release)


def test_an_answer_that_leaves_two_labels_open_is_a_doubt(classifier: Classifier) -> None:
    thresholds = Calibration(conformal={"red": 0.4, "blue": 0.4}, coverage=0.9)
    model = calibrated(classifier, calibration=thresholds)
    crops, image = on(ClassifyOn.CROPS, margin=0.0), picture(c00=RED)
    sure, unsure = shown((0, 0, 16, 16)), shown((48, 48, 64, 64))
    assert classify(model, image, 1.0, (sure,), crops).doubts == ()
    assert classify(model, image, 1.0, (sure, unsure), crops).doubts == (Doubt(1, ("red", "blue")),)


def test_an_answer_that_fits_no_label_well_is_a_doubt_too(classifier: Classifier) -> None:
    thresholds = Calibration(conformal={"red": 0.9, "blue": 0.9}, coverage=0.9)
    said = classify(
        calibrated(classifier, calibration=thresholds), picture(), 1.0, (), on(ClassifyOn.FRAME)
    )
    assert said.doubts == (Doubt(None, ()),)


def test_without_thresholds_nothing_is_doubted(classifier: Classifier) -> None:
    assert classify(classifier, picture(), 1.0, (), on(ClassifyOn.FRAME)).doubts == ()


def test_a_model_of_scaled_crops_sees_how_large_a_box_is(classifier: Classifier) -> None:
    model = calibrated(classifier, preprocess=Preprocess(crop="scaled", pad=0))
    image = np.full((64, 64, 3), RED, np.uint8)
    both = (shown((0, 0, 16, 16)), shown((0, 0, 64, 64)))
    small, large = classify(model, image, 1.0, both, on(ClassifyOn.CROPS, margin=0.0)).predictions
    assert small.confidence < large.confidence
    same = classify(classifier, image, 1.0, both, on(ClassifyOn.CROPS, margin=0.0)).predictions
    assert same[0].confidence == same[1].confidence  # the control: squares hide it
