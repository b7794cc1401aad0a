"""Non-maximum suppression, class by class, with a fixed order where scores are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def non_maximum_suppression(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating],
    classes: NDArray[np.integer],
    iou: float,
    limit: int,
) -> NDArray[np.int64]:
    """Keep the surest box of every heap of overlapping boxes of one class.

    The boxes are visited by falling score, by rising index where scores are equal. A visited box
    stays unless it overlaps one of its class that stayed by more than `iou` (Jaccard index,
    computed in float64; 0 where both boxes are empty).

    Args:
        boxes: N x 4, x1 y1 x2 y2.
        scores: N, finite.
        classes: N, index of the class.
        iou: 0..1.
        limit: at most this many stay.

    Returns:
        Indices of what stays, surest first; at most `limit`, int64.
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    sorted_boxes = np.asarray(boxes, np.float64).reshape(-1, 4)[order]
    sorted_classes = np.asarray(classes)[order]
    areas = (sorted_boxes[:, 2] - sorted_boxes[:, 0]) * (sorted_boxes[:, 3] - sorted_boxes[:, 1])
    waiting = np.ones(len(order), dtype=bool)
    kept: list[int] = []
    for i in range(len(order)):
        if not waiting[i]:
            continue
        kept.append(i)
        if len(kept) == limit:
            break
        rivals = (
            i
            + 1
            + np.flatnonzero(waiting[i + 1 :] & (sorted_classes[i + 1 :] == sorted_classes[i]))
        )
        waiting[rivals[_overlaps(sorted_boxes, areas, i, rivals) > iou]] = False
    return np.asarray(order[kept], dtype=np.int64)


def _overlaps(
    boxes: NDArray[np.float64], areas: NDArray[np.float64], i: int, rivals: NDArray[np.integer]
) -> NDArray[np.float64]:
    low = np.maximum(boxes[i, :2], boxes[rivals, :2])
    high = np.minimum(boxes[i, 2:], boxes[rivals, 2:])
    sides = np.maximum(0.0, high - low)
    overlap = sides[:, 0] * sides[:, 1]
    union = areas[i] + areas[rivals] - overlap
    empty = union <= 0
    return np.where(empty, 0.0, overlap / np.where(empty, 1.0, union))
