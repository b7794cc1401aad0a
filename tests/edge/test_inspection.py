import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edge.adapters.vision.eyes import look_of
from edge.inspection import Look, Stopwatch, inspect
from models.admission.admit import admit
from models.image import Limits, TooLargeImageError, UnreadableImageError
from models.profile import (
    ClassifierUse,
    ClassifyOn,
    DetectorUse,
    Profile,
    QualityRules,
)
from models.quality import Flaw
from tests.fakes import vision_models
from tests.fakes.vision_models import EASY, FINDS, GRADES, jpeg, scene

LIMITS = Limits()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("models")
    folders = {
        "tiny": vision_models.detector(root / "tiny"),
        "tiny-class": vision_models.classifier(root / "tiny-class"),
    }
    return {name: admit(folder).model for name, folder in folders.items()}


def test_a_detector_says_what_it_found_and_where_in_the_original(models):
    inspection, _ = inspect(jpeg(scene()), look_of(FINDS, models), LIMITS)
    assert inspection.quality.usable
    assert {p.label for p in inspection.predictions if p.shown} == {"red"}
    x1, y1, x2, y2 = inspection.predictions[0].box
    assert x1 < 480 < x2 <= x1 + 320  # the middle of the square, and one cell of the network
    assert y1 < 360 < y2 <= y1 + 320
    assert inspection.models == {"detector": "tiny@1.0.0"}
    assert inspection.missing == ()


def test_a_larger_photo_is_decoded_small_and_its_boxes_are_those_of_the_original(models):
    inspection, photo = inspect(jpeg(scene(5120, 3840)), look_of(FINDS, models), LIMITS)
    assert (photo.width, photo.height) == (5120, 3840)
    x1, y1, x2, y2 = inspection.predictions[0].box
    assert x1 < 1920 < x2 <= x1 + 1280
    assert y1 < 1440 < y2 <= y1 + 1280


def test_a_classifier_refines_each_shown_detection(models):
    inspection, _ = inspect(jpeg(scene()), look_of(GRADES, models), LIMITS)
    shown = [i for i, p in enumerate(inspection.predictions) if p.shown and p.refines is None]
    refined = [p.refines for p in inspection.predictions if p.refines is not None]
    assert refined == shown
    assert refined


def test_a_classifier_alone_looks_at_the_frame(models):
    frame = Profile("f", "F", EASY, None, ClassifierUse("tiny-class", on=ClassifyOn.FRAME))
    inspection, _ = inspect(jpeg(scene(640, 480)), look_of(frame, models), LIMITS)
    assert [p.box for p in inspection.predictions] == [(0.0, 0.0, 640.0, 480.0)]
    assert inspection.models == {"classifier": "tiny-class@1.0.0"}


def test_an_unusable_photo_is_judged_and_nothing_looks_at_it(models):
    strict = Profile("s", "S", QualityRules(1e9), DetectorUse("tiny"))
    inspection, _ = inspect(jpeg(scene()), look_of(strict, models), LIMITS)
    assert inspection.quality.flaws == (Flaw.BLURRED,)
    assert (inspection.predictions, inspection.models) == ((), {})
    assert "detect" not in inspection.timings


def test_a_subject_that_is_too_small_makes_the_photo_unusable_after_all(models):
    rules = QualityRules(0.0, min_subject=0.9, min_contrast=0.0)
    near = Profile("n", "N", rules, DetectorUse("tiny"))
    inspection, _ = inspect(jpeg(scene()), look_of(near, models), LIMITS)
    assert inspection.quality.flaws == (Flaw.SUBJECT_TOO_SMALL,)
    assert inspection.predictions == ()


def test_a_missing_model_leaves_the_quality_and_says_what_is_missing():
    inspection, photo = inspect(jpeg(scene()), look_of(GRADES, {}), LIMITS)
    assert inspection.quality.usable
    assert inspection.missing == ("tiny", "tiny-class")
    assert (inspection.predictions, inspection.models) == ((), {})
    assert photo.thumbnail


def test_a_profile_that_can_do_without_its_classifier_does(models):
    use = ClassifierUse("tiny-class", required=False)
    optional = Profile("o", "O", EASY, DetectorUse("tiny"), use)
    look = look_of(optional, {"tiny": models["tiny"]})
    inspection, _ = inspect(jpeg(scene()), look, LIMITS)
    assert inspection.predictions
    assert inspection.missing == ("tiny-class",)


def test_a_model_in_the_wrong_role_counts_as_missing(models):
    swapped = {"tiny": models["tiny-class"], "tiny-class": models["tiny"]}
    look = look_of(GRADES, swapped)
    assert (look.detector, look.classifier) == (None, None)
    assert look.missing == ("tiny", "tiny-class")


def test_the_stored_photo_is_named_by_its_own_hash_and_shows_the_same_pixels(models):
    data = jpeg(scene())
    _, photo = inspect(data, look_of(FINDS, models), LIMITS)
    assert photo.sha256 == hashlib.sha256(photo.data).hexdigest()
    assert photo.media_type == "image/jpeg"
    assert photo.data == data
    assert len(photo.thumbnail) < 40_000


def test_every_step_is_timed_and_none_is_longer_than_all(models):
    inspection, _ = inspect(jpeg(scene()), look_of(GRADES, models), LIMITS)
    timings = dict(inspection.timings)
    total, cpu = timings.pop("total"), timings.pop("cpu")
    assert set(timings) == {"decode", "quality", "detect", "classify", "store"}
    assert sum(timings.values()) <= total + 0.01
    assert min(timings.values()) >= 0
    assert cpu > 0


def test_many_photos_share_a_thread_and_come_out_the_same(models):
    look = look_of(GRADES, models)
    photos = [jpeg(scene(width, 480)) for width in (640, 800)]
    with ThreadPoolExecutor(1) as aside:
        shared = [inspect(photo, look, LIMITS, aside) for photo in photos]
    alone = [inspect(photo, look, LIMITS) for photo in photos]
    assert [photo for _, photo in shared] == [photo for _, photo in alone]
    assert [i.predictions for i, _ in shared] == [i.predictions for i, _ in alone]


def test_what_is_no_picture_and_what_is_too_large_are_told_apart():
    look = Look(FINDS)
    with pytest.raises(UnreadableImageError):
        inspect(b"hello", look, LIMITS)
    with pytest.raises(TooLargeImageError):
        inspect(jpeg(scene()), look, Limits(max_megapixels=1.0))


def test_a_photo_is_decoded_as_large_as_the_largest_of_its_readers_needs(models, tmp_path: Path):
    assert look_of(FINDS, {}).side == look_of(FINDS, models).side == 640
    big = admit(vision_models.classifier(tmp_path)).model
    big.input = type(big.input)(224, 224)
    assert look_of(GRADES, {"tiny": models["tiny"], "tiny-class": big}).side == 896


def test_a_stopwatch_adds_up_what_belongs_together():
    watch = Stopwatch()
    for _ in range(2):
        with watch.step("a"):
            np.zeros(1000).sort()
    assert set(watch.total()) == {"a", "total", "cpu"}
