"""Decoding: the same cells as a plain loop over all of them finds, and fast."""

from __future__ import annotations

import time

import numpy as np
import pytest

from models.calibration import logit, sigmoid
from models.release import HeadLayout
from models.yolo import GridMap, Head, decode

CLASSES = 3
SIZE = 64
CELLS = 16
THRESHOLDS = logit(np.array([0.3, 0.5, 0.7]))


def table(rng: np.random.Generator, width: int, rows: int = CELLS) -> np.ndarray:
    values = rng.random((rows, width)).astype(np.float32)
    values[:, :4] *= SIZE
    return values


def corners(row: np.ndarray) -> list[float]:
    x, y, w, h = row[:4]
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def check(head: Head, outputs: dict[str, np.ndarray], expected: list[tuple]) -> None:  # type: ignore[type-arg]
    """`expected`: (box, probabilities of each class) of every cell that reaches a threshold."""
    found = decode(head, outputs, THRESHOLDS)
    assert len(found.boxes) == len(expected) > 0
    for box, logits, (wanted, scores) in zip(found.boxes, found.logits, expected, strict=True):
        assert box == pytest.approx(wanted, abs=1e-3)
        assert sigmoid(logits) == pytest.approx(scores, abs=1e-5)


def reaches(scores: np.ndarray) -> bool:
    return bool((scores >= sigmoid(THRESHOLDS)).any())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("boxes_last", [True, False])
def test_v8_finds_what_a_loop_finds(seed: int, boxes_last: bool) -> None:
    rows = table(np.random.default_rng(seed), 4 + CLASSES)
    rows[:, 4:] *= 0.8
    head = Head(HeadLayout.V8, CLASSES, SIZE, SIZE, "o", boxes_last=boxes_last)
    expected = [(corners(r), r[4:]) for r in rows if reaches(r[4:])]
    check(head, {"o": (rows.T if boxes_last else rows)[None]}, expected)


@pytest.mark.parametrize("seed", range(5))
def test_v5_multiplies_objectness_and_class(seed: int) -> None:
    rows = table(np.random.default_rng(seed), 5 + CLASSES)
    head = Head(HeadLayout.V5, CLASSES, SIZE, SIZE, "o")
    expected = [(corners(r), r[4] * r[5:]) for r in rows if reaches(r[4] * r[5:])]
    check(head, {"o": rows[None]}, expected)


@pytest.mark.parametrize("seed", range(5))
def test_v5_logits_are_squashed_each_for_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = table(rng, 5 + CLASSES)
    rows[:, 4:] = rng.normal(1, 3, rows[:, 4:].shape)
    head = Head(HeadLayout.V5, CLASSES, SIZE, SIZE, "o", logits=True)
    joint = [sigmoid(r[4:5]) * sigmoid(r[5:]) for r in rows]
    expected = [(corners(r), j) for r, j in zip(rows, joint, strict=True) if reaches(j)]
    check(head, {"o": rows[None]}, expected)


def test_normalised_boxes_grow_to_the_canvas() -> None:
    rows = np.array([[0.5, 0.25, 0.5, 0.5, 0.9, 0, 0]], np.float32)
    head = Head(HeadLayout.V8, CLASSES, 64, 32, "o", normalised=True)
    check(head, {"o": rows[None]}, [([16, 0, 48, 16], [0.9, 0, 0])])


def test_an_end_to_end_head_keeps_its_one_class_and_ignores_padding() -> None:
    rows = np.array(
        [[1, 2, 3, 4, 0.9, 1], [5, 6, 7, 8, 0.4, 0], [1, 1, 2, 2, 0.4, 2], [0, 0, 0, 0, 0, -1],
         [0, 0, 0, 0, 0.9, 7]], np.float32,
    )  # fmt: skip
    found = decode(
        Head(HeadLayout.END_TO_END, CLASSES, SIZE, SIZE, "o"), {"o": rows[None]}, THRESHOLDS
    )
    assert found.boxes.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert sigmoid(found.logits) == pytest.approx(np.array([[0, 0.9, 0], [0.4, 0, 0]]), abs=1e-6)


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("channels_last", [True, False])
def test_raw_heads_give_the_distances_from_the_cells_centre(
    joint: bool, channels_last: bool
) -> None:
    rng = np.random.default_rng(3)
    expected, outputs, maps = [], {}, []
    for stride in (8, 16):
        side = SIZE // stride
        box = rng.uniform(-0.5, 3, (4, side, side)).astype(np.float32)
        logits = rng.normal(-2, 2, (CLASSES, side, side)).astype(np.float32)
        for y in range(side):
            for x in range(side):
                if (logits[:, y, x] >= THRESHOLDS).any():
                    left, top, right, bottom = np.maximum(box[:, y, x], 0)
                    place = [x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom]
                    expected.append((np.array(place) * stride, sigmoid(logits[:, y, x])))
        parts = {f"h{stride}": np.concatenate([box, logits])}
        if not joint:
            parts = {f"b{stride}": box, f"c{stride}": logits}
        for name, values in parts.items():
            outputs[name] = (values.transpose(1, 2, 0) if channels_last else values)[None]
        names = list(parts)
        maps.append(GridMap(stride, names[0], names[-1], channels_last))
    head = Head(HeadLayout.RAW, CLASSES, SIZE, SIZE, maps=tuple(maps), logits=True)
    check(head, outputs, expected)


def test_distances_from_a_distribution_are_its_mean() -> None:
    box = np.full((64, 1, 1), -50, np.float32)
    for side, peak in enumerate((2, 3, 4, 15)):
        box[side * 16 + peak] = 50
    box[4], box[5] = 50, 50  # the first side: a third on 2, on 4 and on 5
    logits = np.full((CLASSES, 1, 1), 5, np.float32)
    head = Head(
        HeadLayout.RAW, CLASSES, 32, 32, maps=(GridMap(32, "b", "c", bins=16),), logits=True
    )
    found = decode(head, {"b": box[None], "c": logits[None]}, THRESHOLDS)
    left, top, right, bottom = np.array([11 / 3, 3, 4, 15]) * 32
    assert found.boxes[0] == pytest.approx([16 - left, 16 - top, 16 + right, 16 + bottom], abs=1e-3)


def test_nothing_above_the_threshold_is_nothing() -> None:
    head = Head(HeadLayout.V8, CLASSES, SIZE, SIZE, "o")
    found = decode(head, {"o": np.zeros((1, 5, 7), np.float32)}, THRESHOLDS)
    assert found.boxes.shape == (0, 4)
    assert found.logits.shape == (0, CLASSES)
    assert decode(Head(HeadLayout.RAW, 2, 1, 1), {}, THRESHOLDS[:2]).logits.shape == (0, 2)


def test_nan_scores_reach_no_threshold() -> None:
    rows = np.full((1, 4, 4 + CLASSES), np.nan, np.float32)
    head = Head(HeadLayout.V8, CLASSES, SIZE, SIZE, "o")
    assert len(decode(head, {"o": rows}, THRESHOLDS).boxes) == 0


def _heads_at_320() -> list[tuple[Head, dict[str, np.ndarray]]]:
    """80 classes, 0.5 % of the cells above the threshold, as in a photo full of things."""
    rng = np.random.default_rng(5)
    cells = [(s, 320 // s) for s in (8, 16, 32)]
    n = sum(side * side for _, side in cells)
    scores = rng.uniform(0, 0.05, (n, 80)).astype(np.float32)
    scores[rng.choice(n, n // 200, replace=False), 7] = 0.8
    boxes = rng.uniform(0, 320, (n, 4)).astype(np.float32)
    v8 = np.ascontiguousarray(np.concatenate([boxes, scores], 1).T)[None]
    v5 = np.concatenate([boxes, np.ones((n, 1), np.float32), scores], 1)[None]
    v5 = np.tile(v5, (1, 3, 1))
    v5[:, n:, 4] = 0.01
    maps, outputs, at = [], {}, 0
    for stride, side in cells:
        part = slice(at, at := at + side * side)
        maps.append(GridMap(stride, f"box_{stride}", f"cls_{stride}"))
        outputs[f"box_{stride}"] = boxes[part].T.reshape(1, 4, side, side) / stride
        outputs[f"cls_{stride}"] = (
            logit(scores[part]).T.reshape(1, 80, side, side).astype(np.float32)
        )
    return [
        (Head(HeadLayout.V8, 80, 320, 320, "o", boxes_last=True), {"o": v8}),
        (Head(HeadLayout.V5, 80, 320, 320, "o"), {"o": v5}),
        (Head(HeadLayout.RAW, 80, 320, 320, maps=tuple(maps), logits=True), outputs),
    ]


@pytest.mark.parametrize("which", range(3), ids=["v8", "v5", "raw"])
def test_decoding_320_pixels_with_80_classes_takes_less_than_a_millisecond(which: int) -> None:
    head, outputs = _heads_at_320()[which]
    thresholds = np.full(80, logit(0.1))
    best = 1.0
    for _ in range(50):  # the machine is shared: its best time is the code's time
        start = time.perf_counter()
        found = decode(head, outputs, thresholds)
        best = min(best, time.perf_counter() - start)
    assert len(found.boxes) == 10
    assert best < 0.001, f"{best * 1000:.2f} ms"
