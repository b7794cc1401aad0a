"""What a model saw in a picture: a box, a label, a confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from models.jsonable import require

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the upright original; x to the right, y down, x1 ≤ x2, y1 ≤ y2."""


class Source(StrEnum):
    """Which kind of model said it."""

    DETECTOR = "detector"
    CLASSIFIER = "classifier"


def require_box(box: Box, field: str = "box") -> None:
    """Raise `InvalidWordError` unless `box` is four finite, ordered, non-negative numbers."""
    ok = len(box) == 4 and all(math.isfinite(v) and v >= 0 for v in box)
    require(ok and box[0] <= box[2] and box[1] <= box[3], field, "x1 ≤ x2, y1 ≤ y2, all ≥ 0", box)


def area(box: Box) -> float:
    """Area of `box` in square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


def intersection_over_union(a: Box, b: Box) -> float:
    """Jaccard index of two boxes, 0..1; 0 where both are empty."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    overlap = max(0.0, width) * max(0.0, height)
    union = area(a) + area(b) - overlap
    return overlap / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Detection:
    """One box as a detector gives it, before any threshold of a profile is applied."""

    box: Box
    """Pixels of the upright original."""
    label: str
    """One of the model's labels."""
    confidence: float
    """Calibrated probability, 0..1."""

    def __post_init__(self) -> None:
        """Refuse a box that isn't one and a confidence that is no probability."""
        require_box(self.box)
        require(bool(self.label), "label", "a name")
        require(0.0 <= self.confidence <= 1.0, "confidence", "0..1", self.confidence)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One thing said about a picture, by whichever model, as people and the tower see it."""

    label: str
    """What it is, in the words of the model that said it."""
    confidence: float
    """Calibrated probability, 0..1."""
    box: Box
    """Pixels of the upright original; the whole frame where the classifier saw the frame."""
    source: Source
    """Detector or classifier."""
    refines: int | None = None
    """For a classifier on a crop: the index of the detector's prediction it looked at."""
    shown: bool = True
    """False: above the profile's `keep` and below its `show`; stored for learning only."""

    def __post_init__(self) -> None:
        """Refuse a box that isn't one, an empty label, a confidence outside 0..1."""
        require_box(self.box)
        require(bool(self.label), "label", "a name")
        require(0.0 <= self.confidence <= 1.0, "confidence", "0..1", self.confidence)
        require(self.refines is None or self.refines >= 0, "refines", "an index", self.refines)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A classifier's answer that leaves more than one label open, or none."""

    refines: int | None = None
    """Index of the detection it is about; None: the whole frame."""
    possible: tuple[str, ...] = ()
    """Labels it can't rule out, likeliest first; empty: none fits well enough."""

    def __post_init__(self) -> None:
        """One label is no doubt."""
        require(len(self.possible) != 1, "possible", "none, or more than one", self.possible)
        require(self.refines is None or self.refines >= 0, "refines", "an index", self.refines)
