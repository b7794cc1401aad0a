"""The gate's threshold comes from photos of known blur, lives in the profile, and holds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.inspection import Look, inspect
from models.codecs import jpeg
from models.detector import Detector
from models.image import Limits
from models.measures import sharpness
from models.profile import parse
from models.quality import Flaw
from models.release import read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import photo_seeds, reached
from tower_sync_server.render.camera import (
    BLURRED_LIMIT,
    SHARP_LIMIT,
    draw_shot,
    enlarge,
    expose,
)
from tower_sync_server.render.scene import render_scene
from tower_sync_server.render.styles import style_of
from tower_sync_server.training.quality import threshold
from tower_sync_server.training.quality.measure import PROFILE, Judged, _figures, gate
from tower_sync_server.training.quality.photos import SIZES, take_photos
from tower_sync_server.training.quality.threshold import (
    Scored,
    find_threshold,
    rules_at,
    score_scenes,
    store_threshold,
)

ZOO = Path(__file__).parents[4] / "models/zoo"


def test_a_scene_gives_two_photos_to_accept_and_two_to_take_again() -> None:
    photos = list(take_photos("train", 2))
    assert [(one.blurred, one.motion) for one in photos] == [
        (False, False), (True, True), (False, True), (True, False),
    ]  # fmt: skip
    assert all(one.blur_px <= SHARP_LIMIT for one in photos[::2])
    assert all(one.blur_px >= BLURRED_LIMIT for one in photos[1::2])


def test_a_pair_is_one_of_each_and_every_sort_comes_up() -> None:
    pairs = [tuple(take_photos("train", seed, pair=True)) for seed in (0, 5)]
    assert [[one.blurred for one in pair] for pair in pairs] == [[False, True]] * 2
    assert {one.motion for pair in pairs for one in pair if one.blurred} == {False, True}


def test_photos_come_in_all_sizes_up_to_twelve_megapixels() -> None:
    assert {width * height for width, height in SIZES} == {
        307_200, 995_328, 2_764_800, 5_038_848, 12_000_000,
    }  # fmt: skip
    sizes = {max(jpeg.read_header(next(take_photos("plain", n)).data).width,
                 jpeg.read_header(next(take_photos("plain", n)).data).height)
             for n in (5, 6)}  # fmt: skip
    assert sizes == {640, 1152}


def test_an_enlarged_photo_measures_as_one_rendered_at_its_size() -> None:
    large = render_scene(31, split="plain", width=2560, height=1920)
    small = np.asarray(cv2.resize(large, (1280, 960), interpolation=cv2.INTER_AREA), np.float32)
    for blurred in (False, True):
        rng = np.random.default_rng(4)
        shot = draw_shot(rng, style_of("plain"), 2560, blurred)
        picture, quality = enlarge(np.random.default_rng(5), small, shot, (2560, 1920))
        mine = jpeg.encode(picture, quality)
        whole = jpeg.encode(expose(np.random.default_rng(5), large, shot), shot.quality)
        scores = []
        for data in (mine, whole):
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            scores.append(sharpness(np.asarray(decoded[..., ::-1], np.uint8)) or 0.0)
        assert scores[0] == pytest.approx(scores[1], rel=0.12)


def scored(scores: range, *, blurred: bool, subject: float | None = None) -> list[Scored]:
    return [Scored(float(score), subject, blurred) for score in scores]


def test_the_threshold_is_the_lowest_that_parts_them() -> None:
    photos = scored(range(50, 81), blurred=True) + scored(range(250, 281), blurred=False)
    # From 101 on no photo would be told wrong, though a fourth softer or sharper.
    assert find_threshold(photos).blur_threshold == pytest.approx(101, abs=1)


def test_where_they_overlap_a_mistake_weighs_by_how_many_of_its_kind_are_allowed() -> None:
    photos = scored(range(60, 160), blurred=True) + scored(range(100, 200), blurred=False)
    chosen = find_threshold(photos)
    refused = sum(chosen.is_blurred(one.frame) for one in photos if not one.blurred)
    passed = sum(not chosen.is_blurred(one.frame) for one in photos if one.blurred)
    assert refused < passed  # of the sharp two in a hundred are allowed, of the blurred three


def test_sharp_subjects_let_the_threshold_be_higher() -> None:
    blurred = scored(range(60, 160), blurred=True)
    alone = blurred + scored(range(100, 200), blurred=False)
    beside = blurred + scored(range(100, 200), blurred=False, subject=390.0)
    assert find_threshold(beside).blur_threshold > find_threshold(alone).blur_threshold


def test_a_subject_in_a_sharp_frame_is_held_to_less() -> None:
    rules = rules_at(200.0)
    assert rules.subject_blur_threshold == 90.0
    assert not rules.is_blurred(250.0, 91.0)
    assert rules.is_blurred(250.0, 89.0)


def test_the_stored_thresholds_belong_together() -> None:
    stored = parse(PROFILE.read_text(encoding="utf-8")).quality
    chosen = rules_at(stored.blur_threshold)
    assert stored.subject_blur_threshold == chosen.subject_blur_threshold


def test_thresholds_are_stored_and_the_rest_stays(tmp_path: Path) -> None:
    text = PROFILE.read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    store_threshold(path, rules_at(61.0))
    changed = path.read_text(encoding="utf-8")
    assert parse(changed).quality.blur_threshold == 61.0
    assert parse(changed).quality.subject_blur_threshold == 27.0
    differ = [
        one for one, two in zip(text.splitlines(), changed.splitlines(), strict=True) if one != two
    ]
    assert len(differ) == 2


def test_a_profile_without_a_threshold_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('id = "x"\nblur_threshold = 3.0\n', encoding="utf-8")
    with pytest.raises(ValueError, match="0 lines subject_blur_threshold"):
        store_threshold(path, rules_at(61.0))
    assert path.read_text(encoding="utf-8") == 'id = "x"\nblur_threshold = 3.0\n'


def test_no_scene_is_measured_on_that_the_threshold_comes_from() -> None:
    assert max(threshold._SEEDS) < min(photo_seeds(0, 1))


def test_figures_count_what_is_sent_back_of_each_sort() -> None:
    some = [Judged("plain", 1.0, True, True)] * 3 + [Judged("plain", 1.0, False, False)] * 4
    some += [Judged("plain", 1.0, True, False)]
    blurred, sharp = _figures("plain", some)
    assert (blurred.name, blurred.value, reached(blurred)) == ("blurred_retake", 0.75, False)
    assert (sharp.name, sharp.value, reached(sharp)) == ("sharp_retake", 0.0, True)


def test_the_tower_measures_the_gate_that_the_device_has() -> None:
    profile = parse(PROFILE.read_text(encoding="utf-8"))
    folder = ZOO / "vehicle-damage-detector/1.0.0"
    detector = Detector(OnnxRunner(folder / "model.onnx"), read_manifest(folder))
    ask = gate(ZOO, profile)
    verdicts = []
    for photo in (one for seed in (55, 56) for one in take_photos("shift", seed)):
        said, _ = inspect(photo.data, Look(profile, detector), Limits())
        assert ask(photo.data) == (Flaw.BLURRED in said.quality.flaws)
        verdicts.append(ask(photo.data))
    assert True in verdicts
    assert False in verdicts


def test_the_stored_threshold_still_parts_sharp_from_blurred() -> None:
    rules = parse(PROFILE.read_text(encoding="utf-8")).quality
    photos = score_scenes(ZOO, "plain", [900_000 + 5 * n for n in range(10)])
    called = [(one, rules.is_blurred(one.frame, one.subject)) for one in photos]
    missed = [one for one, back in called if one.blurred and not back]
    refused = [one for one, back in called if not one.blurred and back]
    assert len(missed) + len(refused) <= 1  # of forty
