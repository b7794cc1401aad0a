"""The step that finds things: a detector's boxes, and which of them are for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.detection import Prediction, Source

if TYPE_CHECKING:
    from models.detector import Detector
    from models.preprocess import Image
    from models.profile import DetectorUse


def detect(
    detector: Detector,
    image: Image,
    factor: float,
    use: DetectorUse,
    size: tuple[int, int] | None = None,
) -> tuple[Prediction, ...]:
    """Find what the profile's detector knows.

    Args:
        detector: the loaded model.
        image: H x W x 3 uint8 RGB, upright, decoded.
        factor: its size as a share of the original's, (0..1].
        use: the profile's thresholds.
        size: width and height of the original, where `factor` doesn't give them exactly.

    Returns:
        Everything above `keep`, surest first; what is below `show` is there for learning only.
    """
    found = detector.detect(image, use.keep, use.iou, use.max_detections, factor, size)
    return tuple(
        Prediction(
            label=each.label,
            confidence=each.confidence,
            box=each.box,
            source=Source.DETECTOR,
            shown=use.shows(each.label, each.confidence),
        )
        for each in found
    )
