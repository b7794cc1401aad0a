"""From a detector's raw outputs to boxes and class scores, for every head layout there is.

Most cells of a head see nothing. So the scores are compared with the threshold first, and boxes are
computed for what is left. `models.yolo_head` finds out which layout a file has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.calibration import logit, sigmoid, softmax
from models.release import HeadLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

Outputs = NDArray[np.float32]

_SLACK = 1e-4  # in logits: the exact comparison comes after calibration, in float64


@dataclass(frozen=True, slots=True)
class GridMap:
    """One scale of a raw head."""

    stride: int
    """Canvas pixels a cell."""
    box: str
    """Output with the distances; the joint output where there is one."""
    scores: str
    """Output with the class logits; the same as `box` for a joint one."""
    channels_last: bool = False
    """True: [1, H, W, channels] (TFLite), False: [1, channels, H, W]."""
    bins: int = 1
    """1: plain distances; more: each is the mean of a distribution over so many bins (DFL)."""


@dataclass(frozen=True, slots=True)
class Head:
    """Everything `decode` has to know about a detector's outputs."""

    layout: HeadLayout
    """Which of the known layouts."""
    classes: int
    """How many classes."""
    width: int
    """Of the canvas, pixels."""
    height: int
    """Of the canvas, pixels."""
    output: str = ""
    """Name of the output; raw heads have `maps` instead."""
    maps: tuple[GridMap, ...] = ()
    """Raw heads: finest first."""
    boxes_last: bool = False
    """True: boxes along the last axis ([1, 4+C, N]); False: along the middle one."""
    normalised: bool = False
    """True: coordinates are 0..1 of the canvas."""
    logits: bool = False
    """True: class scores (and objectness) are logits; raw heads' always are."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What reached the threshold, in the order of the head's cells."""

    boxes: NDArray[np.float32]
    """N x 4, x1 y1 x2 y2 in canvas pixels; may leave the canvas."""
    logits: NDArray[np.float64]
    """N x C, uncalibrated."""


def decode(
    head: Head, outputs: Mapping[str, Outputs], thresholds: NDArray[np.float64]
) -> Candidates:
    """Find the cells of which any class reaches its threshold, and compute their boxes.

    Args:
        head: the layout.
        outputs: output name → float32, batch of 1.
        thresholds: C, in uncalibrated logits. What lies less than 0.0001 below still comes through.
    """
    least = thresholds - _SLACK
    if head.layout is HeadLayout.RAW:
        return _join([_grid(head, scale, outputs, least) for scale in head.maps], head.classes)
    table = outputs[head.output][0]
    rows = table.T if head.boxes_last else table
    decoder = {HeadLayout.V5: _v5, HeadLayout.V8: _v8, HeadLayout.END_TO_END: _end_to_end}
    found = decoder[head.layout](head, rows, least)
    if not head.normalised:
        return found
    size = np.array([head.width, head.height] * 2, np.float32)
    return Candidates(found.boxes * size, found.logits)


def _v8(head: Head, rows: Outputs, least: NDArray[np.float64]) -> Candidates:
    scores = rows[:, 4 : 4 + head.classes]
    limits = (least if head.logits else sigmoid(least)).astype(np.float32)
    hits = np.flatnonzero((scores >= limits).any(axis=1))
    found = scores[hits]
    return Candidates(_corners(rows[hits, :4]), _as_logits(found, head.logits))


def _v5(head: Head, rows: Outputs, least: NDArray[np.float64]) -> Candidates:
    # No class score, at most 1, lifts an objectness that is below the lowest threshold.
    floor = float(least.min() if head.logits else sigmoid(least).min())
    there = np.flatnonzero(rows[:, 4] >= np.float32(floor))
    objectness, scores = rows[there, 4:5], rows[there, 5 : 5 + head.classes]
    if head.logits:
        joint = sigmoid(objectness) * sigmoid(scores)
    else:
        joint = objectness.astype(np.float64) * scores
    hits = np.flatnonzero((joint >= sigmoid(least)).any(axis=1))
    return Candidates(_corners(rows[there[hits], :4]), logit(joint[hits]))


def _end_to_end(head: Head, rows: Outputs, least: NDArray[np.float64]) -> Candidates:
    scores, classes = _as_logits(rows[:, 4], head.logits), np.rint(rows[:, 5])
    known = (classes >= 0) & (classes < head.classes)  # padding rows carry -1 or whatever was there
    index = np.where(known, classes, 0).astype(np.int64)
    hits = np.flatnonzero(known & (scores >= least[index]))
    logits = np.full((len(hits), head.classes), -np.inf)
    logits[np.arange(len(hits)), index[hits]] = scores[hits]
    return Candidates(rows[hits, :4].astype(np.float32), logits)


def _grid(
    head: Head, scale: GridMap, outputs: Mapping[str, Outputs], least: NDArray[np.float64]
) -> Candidates:
    box, scores = _channels_first(outputs, scale)
    if scale.box == scale.scores:
        box, scores = box[: 4 * scale.bins], box[4 * scale.bins :]
    limits = least.astype(np.float32)[:, None, None]
    y, x = np.nonzero((scores >= limits).any(axis=0))
    distances = box[:, y, x].T
    if scale.bins > 1:
        shares = softmax(distances.reshape(len(y), 4, scale.bins))
        distances = (shares @ np.arange(scale.bins, dtype=np.float64)).astype(np.float32)
    left, top, right, bottom = np.maximum(distances, 0).T
    boxes = np.stack([x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom], axis=1)
    found = scores[:, y, x].T.astype(np.float64)
    return Candidates((boxes * scale.stride).astype(np.float32), found)


def _channels_first(outputs: Mapping[str, Outputs], scale: GridMap) -> tuple[Outputs, Outputs]:
    box, scores = outputs[scale.box][0], outputs[scale.scores][0]
    if scale.channels_last:
        return box.transpose(2, 0, 1), scores.transpose(2, 0, 1)
    return box, scores


def _corners(boxes: Outputs) -> NDArray[np.float32]:
    half = boxes[:, 2:4] / 2
    joined = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    return np.asarray(joined, dtype=np.float32)


def _as_logits(scores: Outputs, already: bool) -> NDArray[np.float64]:
    return scores.astype(np.float64) if already else logit(scores)


def _join(parts: list[Candidates], classes: int) -> Candidates:
    boxes = [np.zeros((0, 4), np.float32), *(part.boxes for part in parts)]
    logits = [np.zeros((0, classes)), *(part.logits for part in parts)]
    return Candidates(np.concatenate(boxes), np.concatenate(logits))
