"""Every head layout through a real network: the red cell is found where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.detector import Detector
from models.release import Calibration, HeadLayout, Input, Output, Preprocess, Task
from models.runner import RefusedModelError
from models.runners import open_runner
from tests.fakes import tiny_models
from tests.fakes.tiny_models import SURE, picture, release_of

if TYPE_CHECKING:
    from pathlib import Path


RED = (255, 0, 0)
BLUE = (0, 0, 255)


def detector(weights: Path, **release: object) -> Detector:
    manifest = release_of(weights, **release)  # type: ignore[arg-type]
    return Detector(open_runner(weights.parent, manifest), manifest)


def find(model: Detector, image: np.ndarray, keep: float = 0.5, factor: float = 1.0):  # type: ignore[no-untyped-def]
    return model.detect(image, keep, iou=0.5, max_detections=50, factor=factor)


LAYOUTS = {
    "raw": (tiny_models.raw, {}, {"head": HeadLayout.RAW}),
    "raw, joint": (tiny_models.raw, {"joint": True}, {"head": HeadLayout.RAW}),
    "raw, bins": (tiny_models.raw, {"bins": 16}, {"head": HeadLayout.RAW}),
    "raw, joint bins": (tiny_models.raw, {"bins": 16, "joint": True}, {"head": HeadLayout.RAW}),
    "raw, fp16": (tiny_models.raw, {"dtype": "float16"}, {"head": HeadLayout.RAW}),
    "raw, dynamic": (tiny_models.raw, {"dynamic": True}, {"head": HeadLayout.RAW}),
    "raw, guessed": (tiny_models.raw, {}, {}),
    "v8": (tiny_models.v8, {}, {"head": HeadLayout.V8}),
    "v8, guessed": (tiny_models.v8, {}, {}),
    "v8, dynamic": (tiny_models.v8, {"dynamic": True}, {"head": HeadLayout.V8}),
    "v8, boxes first": (tiny_models.v8, {"boxes_last": False}, {"head": HeadLayout.V8}),
    "v8, fp16": (tiny_models.v8, {"dtype": "float16"}, {"head": HeadLayout.V8}),
    "v8, normalised": (
        tiny_models.v8,
        {"normalised": True},
        {"output": Output(head=HeadLayout.V8, normalised=True)},
    ),
    "v8, logits": (
        tiny_models.v8,
        {"logits": True},
        {"output": Output(head=HeadLayout.V8, scores="logits")},
    ),
    "v8, whole numbers": (
        tiny_models.quantised,
        {},
        {"output": Output(head=HeadLayout.V8, normalised=True)},
    ),
    "v8, signed whole numbers": (
        tiny_models.quantised,
        {"kind": 3},
        {"output": Output(head=HeadLayout.V8, normalised=True)},
    ),
    "v5": (tiny_models.v5, {"objectness": 1.0}, {"head": HeadLayout.V5}),
    "v5, guessed": (tiny_models.v5, {"objectness": 1.0}, {}),
    "end to end": (tiny_models.end_to_end, {}, {"head": HeadLayout.END_TO_END}),
    "end to end, guessed": (tiny_models.end_to_end, {}, {}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_finds_the_red_and_the_blue_cell(name: str, tmp_path: Path) -> None:
    build, how, manifest = LAYOUTS[name]
    model = detector(build(tmp_path / "m.onnx", **how), **manifest)  # type: ignore[operator]
    image = picture(c12=RED, c30=BLUE)
    image[32:48, 16:32, 0] = 254  # a little less sure than the blue one
    found = find(model, image)
    assert [d.label for d in found] == ["blue", "red"] or "whole" in name
    boxes = {d.label: d.box for d in found}
    assert boxes["red"] == pytest.approx((16, 32, 32, 48), abs=0.3)
    assert boxes["blue"] == pytest.approx((48, 0, 64, 16), abs=0.3)
    assert len(found) == 2
    assert all(d.confidence == pytest.approx(SURE, abs=0.005) for d in found)


def test_boxes_come_back_in_pixels_of_the_original(tmp_path: Path) -> None:
    """A 128 x 64 picture, itself half of the original: letterboxed to 64 x 32 above 16 of grey."""
    model = detector(tiny_models.v8(tmp_path / "m.onnx"), head=HeadLayout.V8)
    image = np.zeros((64, 128, 3), np.uint8)
    image[32:64, 32:64] = RED
    (found,) = find(model, image, factor=0.5)
    assert found.box == pytest.approx((64, 64, 128, 128), abs=0.1)
    (clipped,) = model.detect(image, 0.5, 0.5, 9, 0.5, size=(127, 125))
    assert clipped.box == pytest.approx((64, 64, 127, 125), abs=0.1)


def test_stretched_pictures_get_their_boxes_back_too(tmp_path: Path) -> None:
    weights = tiny_models.v8(tmp_path / "m.onnx")
    model = detector(weights, head=HeadLayout.V8, preprocess=Preprocess(fit="stretch"))
    image = np.zeros((32, 128, 3), np.uint8)
    image[8:16, 96:128] = BLUE
    (found,) = find(model, image)
    assert (found.label, found.box) == ("blue", pytest.approx((96, 8, 128, 16), abs=0.1))


def test_boxes_in_the_padding_are_dropped(tmp_path: Path) -> None:
    """The padding itself is red here: it must not become a detection of no width."""
    weights = tiny_models.v8(tmp_path / "m.onnx")
    model = detector(weights, head=HeadLayout.V8)
    model.release = replace(model.release, preprocess=Preprocess(pad=0, mean=(-1.0, 0.0, 0.0)))
    found = find(model, np.zeros((32, 64, 3), np.uint8))
    assert len(found) == 8
    assert all(d.box[3] > d.box[1] for d in found)


def test_each_label_has_its_own_temperature(tmp_path: Path) -> None:
    calibration = Calibration(temperature=2.0, temperature_per_label={"blue": 3.0})
    weights = tiny_models.v8(tmp_path / "m.onnx")
    model = detector(weights, head=HeadLayout.V8, calibration=calibration)
    found = {d.label: d.confidence for d in find(model, picture(c12=RED, c30=BLUE))}
    assert found["red"] == pytest.approx(1 / (1 + np.exp(-6 / 2)), abs=1e-4)
    assert found["blue"] == pytest.approx(1 / (1 + np.exp(-6 / 3)), abs=1e-4)


@pytest.mark.parametrize("layout", ["raw", "v8", "v5", "end to end"])
def test_keep_is_a_limit_on_the_calibrated_confidence(layout: str, tmp_path: Path) -> None:
    build, how, manifest = LAYOUTS[layout]
    calibration = Calibration(temperature_per_label={"blue": 3.0})
    weights = build(tmp_path / "m.onnx", **how)  # type: ignore[operator]
    model = detector(weights, **manifest, calibration=calibration)
    image = picture(c12=RED, c30=BLUE)
    sure = {d.label: d.confidence for d in find(model, image, keep=0.5)}
    assert set(sure) == {"red", "blue"}
    just_below, just_above = sure["blue"] - 1e-6, sure["blue"] + 1e-6
    assert [d.label for d in find(model, image, keep=just_below)] == ["red", "blue"]
    assert [d.label for d in find(model, image, keep=just_above)] == ["red"]


@pytest.mark.parametrize("layout", ["raw", "v8", "v5", "end to end"])
def test_at_most_so_many_are_found_the_surest_first(layout: str, tmp_path: Path) -> None:
    build, how, manifest = LAYOUTS[layout]
    model = detector(build(tmp_path / "m.onnx", **how), **manifest)  # type: ignore[operator]
    cells = {f"c{i}{i}": (255 - 9 * i, 0, 0) for i in range(4)}
    found = model.detect(picture(**cells), 0.3, 0.5, 3)
    assert [d.box[0] for d in found] == pytest.approx([0, 16, 32], abs=0.1)
    sureness = [d.confidence for d in found]
    assert sureness == sorted(sureness, reverse=True)


def test_equally_sure_detections_come_in_the_order_of_the_cells(tmp_path: Path) -> None:
    model = detector(tiny_models.v8(tmp_path / "m.onnx"), head=HeadLayout.V8)
    found = find(model, picture(c30=RED, c12=RED, c22=RED))
    corners = [d.box[:2] for d in found]
    assert corners == [pytest.approx(c, abs=0.1) for c in [(48, 0), (16, 32), (32, 32)]]


def test_a_black_picture_shows_nothing(tmp_path: Path) -> None:
    model = detector(tiny_models.v8(tmp_path / "m.onnx"), head=HeadLayout.V8)
    assert find(model, picture()) == ()


def test_bgr_networks_get_bgr(tmp_path: Path) -> None:
    canvas = Input(64, 64, channels="BGR")
    weights = tiny_models.v8(tmp_path / "m.onnx")
    model = detector(weights, head=HeadLayout.V8, canvas=canvas)
    assert [d.label for d in find(model, picture(c12=RED))] == ["blue"]


def test_a_classifiers_manifest_is_no_detector(tmp_path: Path) -> None:
    with pytest.raises(RefusedModelError, match="doesn't detect"):
        detector(tiny_models.v8(tmp_path / "m.onnx"), task=Task.CLASSIFY)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e38])
def test_boxes_that_are_no_numbers_become_no_detections(bad: float, tmp_path: Path) -> None:
    weights = tiny_models.end_to_end(tmp_path / "m.onnx", rows=2)
    model = detector(weights, head=HeadLayout.END_TO_END)
    rows = np.array([[bad] * 4 + [0.9, 0], [1, 2, 3, 4, 0.8, 1]], np.float32)[None]
    model.runner.run = lambda _: {"output0": rows}  # type: ignore[method-assign]
    assert [d.label for d in find(model, picture())] == ["blue"]
