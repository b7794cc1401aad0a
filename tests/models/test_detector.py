"""Every head layout through a real network: the red cell is found where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.detector import Detector
from models.release import HeadLayout, Output
from models.runners import open_runner
from tests.fakes import tiny_models
from tests.fakes.tiny_models import SURE, picture, release_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

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
