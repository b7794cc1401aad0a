"""Mean average precision agrees with what can be worked out by hand."""

import numpy as np
import pytest

from tower_sync_server.average_precision import (
    Found,
    There,
    iou_matrix,
    mean_average_precision,
)

BOX = [10.0, 10.0, 50.0, 50.0]
FAR = [200.0, 200.0, 240.0, 240.0]


def found(boxes: list[list[float]], scores: list[float], classes: list[int] | None = None) -> Found:
    kinds = np.asarray(classes if classes is not None else [0] * len(boxes), np.int64)
    return Found(np.asarray(boxes, float).reshape(-1, 4), kinds, np.asarray(scores, float))


def there(boxes: list[list[float]], classes: list[int] | None = None) -> There:
    kinds = np.asarray(classes if classes is not None else [0] * len(boxes), np.int64)
    return There(np.asarray(boxes, float).reshape(-1, 4), kinds)


def test_a_perfect_detector_scores_one() -> None:
    result = mean_average_precision([found([BOX], [0.9])], [there([BOX])], 1)
    assert result.map50_95 == pytest.approx(1.0)
    assert result.map50 == pytest.approx(1.0)


def test_a_blind_detector_scores_nothing() -> None:
    assert mean_average_precision([found([], [])], [there([BOX])], 1).map50_95 == 0.0


def test_a_surer_false_alarm_halves_the_precision() -> None:
    result = mean_average_precision([found([FAR, BOX], [0.9, 0.8])], [there([BOX])], 1)
    assert result.map50 == pytest.approx(0.5)


def test_a_less_sure_false_alarm_costs_nothing() -> None:
    result = mean_average_precision([found([BOX, FAR], [0.9, 0.8])], [there([BOX])], 1)
    assert result.map50 == pytest.approx(1.0)


def test_finding_half_of_it_scores_51_of_101_recalls() -> None:
    result = mean_average_precision([found([BOX], [0.9])], [there([BOX, FAR])], 1)
    assert result.map50 == pytest.approx(51 / 101)


def test_a_box_found_twice_counts_once() -> None:
    result = mean_average_precision(
        [found([BOX, BOX], [0.9, 0.8]), found([BOX], [0.7])], [there([BOX]), there([BOX])], 1
    )
    assert result.map50 == pytest.approx((51 * 1.0 + 50 * 2 / 3) / 101)


def test_a_box_off_by_a_little_fails_only_the_strict_overlaps() -> None:
    shifted = [10.0, 10.0, 50.0, 42.0]  # overlap 0.8
    result = mean_average_precision([found([shifted], [0.9])], [there([BOX])], 1)
    assert result.map50 == pytest.approx(1.0)
    assert result.map50_95 == pytest.approx(0.7)


def test_a_wrong_class_is_both_missed_and_false() -> None:
    result = mean_average_precision([found([BOX], [0.9], [1])], [there([BOX], [0])], 2)
    assert result.map50 == 0.0


def test_classes_that_nothing_shows_are_left_out_of_the_mean() -> None:
    result = mean_average_precision([found([BOX], [0.9])], [there([BOX])], 3)
    assert result.map50_95 == pytest.approx(1.0)
    assert np.isnan(result.per_class[1:]).all()


def test_overlaps_of_every_pair() -> None:
    boxes = np.asarray([BOX, FAR])
    assert np.allclose(iou_matrix(boxes, boxes), np.eye(2))
