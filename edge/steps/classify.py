"""The step that says what kind of thing it is: on the crops of what was found, or on the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.crops import crop
from models.detection import Box, Doubt, Prediction, Source
from models.profile import ClassifyOn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.classifier import Classified, Classifier
    from models.preprocess import Image
    from models.profile import ClassifierUse

    Said = tuple[Classified, Box, int | None]


@dataclass(frozen=True, slots=True)
class Classes:
    """What the classifier makes of one photo."""

    predictions: tuple[Prediction, ...] = ()
    """One for the frame, or one for each shown detection with the index of that in `refines`."""
    out_of_domain: bool = False
    """True where any of it is like nothing the model learned."""
    doubts: tuple[Doubt, ...] = ()
    """Where it can't settle for one label."""


def classify(
    classifier: Classifier,
    image: Image,
    factor: float,
    detections: Sequence[Prediction],
    use: ClassifierUse,
    size: tuple[int, int] | None = None,
) -> Classes:
    """Classify what the profile wants classified.

    Args:
        classifier: the loaded model.
        image: H x W x 3 uint8 RGB, upright, decoded.
        factor: its size as a share of the original's, (0..1].
        detections: what was found, boxes in pixels of the original.
        use: the profile's wishes.
        size: width and height of the original, where `factor` doesn't give them exactly.

    Returns:
        Nothing where the profile wants crops classified and nothing is shown.
    """
    if use.on is ClassifyOn.FRAME:
        width, height = size or (image.shape[1] / factor, image.shape[0] / factor)
        frame = (0.0, 0.0, float(width), float(height))
        said: list[Said] = [(classifier.classify(image), frame, None)]
    else:
        said = _look_at_crops(classifier, image, factor, detections, use)
    return Classes(
        tuple(_prediction(one, box, index) for one, box, index in said),
        any(classifier.out_of_domain(one, use.energy_threshold) for one, _, _ in said),
        tuple(
            Doubt(index, possible)
            for one, _, index in said
            if (possible := classifier.possible(one)) is not None and len(possible) != 1
        ),
    )


def _look_at_crops(
    classifier: Classifier,
    image: Image,
    factor: float,
    detections: Sequence[Prediction],
    use: ClassifierUse,
) -> list[Said]:
    """Classify the crop of each shown detection."""
    side = max(classifier.input.width, classifier.input.height)
    rules = classifier.release.preprocess
    said: list[Said] = []
    for index, seen in enumerate(detections):
        if seen.shown:
            x1, y1, x2, y2 = (value * factor for value in seen.box)
            cut = crop(image, (x1, y1, x2, y2), use.margin, side, rules)
            said.append((classifier.classify(cut), seen.box, index))
    return said


def _prediction(said: Classified, box: Box, refines: int | None = None) -> Prediction:
    return Prediction(said.label, said.confidence, box, Source.CLASSIFIER, refines)
