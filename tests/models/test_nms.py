"""Suppression gives exactly what the plain way of writing it down gives, ties included."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.detection import Box, intersection_over_union
from models.nms import non_maximum_suppression


def plain(boxes: list[Box], scores: list[float], classes: list[int], iou: float, limit: int):  # type: ignore[no-untyped-def]
    """The definition: visit by falling score, then index; keep what overlaps nothing kept."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        rivals = (k for k in kept if classes[k] == classes[i])
        if all(intersection_over_union(boxes[k], boxes[i]) <= iou for k in rivals):
            kept.append(i)
    return kept[:limit]


# Few different numbers, so that equal scores, equal boxes and overlaps of exactly the limit happen.
corner = st.integers(0, 6).map(float)
side = st.integers(0, 4).map(float)
box = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), corner, corner, side, side)
candidate = st.tuples(box, st.sampled_from([0.1, 0.5, 0.50000001, 0.9]), st.integers(0, 2))
overlap = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.75, 1.0])


@settings(max_examples=400, deadline=None)
@given(st.lists(candidate, max_size=40), overlap, st.integers(1, 45))
def test_it_equals_the_plain_way_even_on_ties(candidates, iou: float, limit: int) -> None:  # type: ignore[no-untyped-def]
    boxes = [c[0] for c in candidates]
    scores = [c[1] for c in candidates]
    classes = [c[2] for c in candidates]
    array = np.array(boxes, np.float64).reshape(-1, 4)
    found = non_maximum_suppression(
        array, np.array(scores), np.array(classes, np.int64), iou, limit
    )
    assert found.tolist() == plain(boxes, scores, classes, iou, limit)


finite = st.floats(0, 1000, width=32)
any_box = st.builds(
    lambda x, y, w, h: (x, y, float(np.float32(x + w)), float(np.float32(y + h))),
    finite, finite, finite, finite,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(any_box, st.floats(0, 1), st.integers(0, 3)), max_size=60), st.floats(0, 1)
)
def test_it_equals_the_plain_way_on_any_numbers(candidates, iou: float) -> None:  # type: ignore[no-untyped-def]
    boxes, scores, classes = ([c[i] for c in candidates] for i in range(3))
    array = np.array(boxes, np.float32).reshape(-1, 4)
    found = non_maximum_suppression(array, np.array(scores), np.array(classes, np.int64), iou, 300)
    assert found.tolist() == plain(boxes, scores, classes, iou, 300)


def test_the_plain_way_would_notice_another_order_of_ties() -> None:
    boxes = [(0.0, 0.0, 4.0, 4.0), (0.0, 0.0, 4.0, 4.0)]
    assert plain(boxes, [0.5, 0.5], [0, 0], 0.5, 9) == [0]
    assert plain(boxes[::-1], [0.5, 0.5], [0, 0], 0.5, 9) == [0]
    assert plain(boxes, [0.5, 0.6], [0, 0], 0.5, 9) == [1]


def test_boxes_of_different_classes_never_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 4]], np.float32)
    found = non_maximum_suppression(boxes, np.array([0.5, 0.9]), np.array([0, 1]), 0.1, 9)
    assert found.tolist() == [1, 0]


def test_a_box_is_suppressed_only_by_one_that_stayed() -> None:
    """A, B, C in a row, each overlapping the next: B goes, and C, which only B covers, stays."""
    boxes = np.array([[0, 0, 10, 1], [4, 0, 14, 1], [8, 0, 18, 1]], np.float32)
    found = non_maximum_suppression(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3, int), 0.3, 9)
    assert found.tolist() == [0, 2]


def test_thousands_of_overlapping_boxes_take_milliseconds() -> None:
    rng = np.random.default_rng(1)
    boxes = np.sort(rng.random((8400, 4)).astype(np.float32) * 640, axis=1)[:, [0, 1, 2, 3]]
    scores, classes = rng.random(8400), rng.integers(0, 80, 8400)
    start = time.perf_counter()
    non_maximum_suppression(boxes, scores, classes, 0.5, 300)
    assert time.perf_counter() - start < 1.0
