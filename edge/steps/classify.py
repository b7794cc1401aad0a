"""The step that says what kind of thing it is: on the crops of what was found, or on the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.crops import square
from models.detection import Box, Prediction, Source
from models.profile import ClassifyOn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.classifier import Classified, Classifier
    from models.preprocess import Image
    from models.profile import ClassifierUse


def classify(
    classifier: Classifier,
    image: Image,
    factor: float,
    detections: Sequence[Prediction],
    use: ClassifierUse,
    size: tuple[int, int] | None = None,
) -> tuple[tuple[Prediction, ...], bool]:
    """Classify what the profile wants classified.

    Args:
        classifier: the loaded model.
        image: H x W x 3 uint8 RGB, upright, decoded.
        factor: its size as a share of the original's, (0..1].
        detections: what was found, boxes in pixels of the original.
        use: the profile's wishes.
        size: width and height of the original, where `factor` doesn't give them exactly.

    Returns:
        One prediction for the frame, or one for each shown detection with the index of that in
        `refines`; and whether any of it is like nothing the model learned.
    """
    if use.on is ClassifyOn.FRAME:
        said = classifier.classify(image)
        width, height = size or (image.shape[1] / factor, image.shape[0] / factor)
        predictions = (_prediction(said, (0.0, 0.0, float(width), float(height))),)
        return predictions, classifier.out_of_domain(said, use.energy_threshold)
    side = max(classifier.input.width, classifier.input.height)
    found, unknown = [], False
    for index, seen in enumerate(detections):
        if not seen.shown:
            continue
        box = (
            seen.box[0] * factor,
            seen.box[1] * factor,
            seen.box[2] * factor,
            seen.box[3] * factor,
        )
        said = classifier.classify(square(image, box, use.margin, side))
        found.append(_prediction(said, seen.box, index))
        unknown = unknown or classifier.out_of_domain(said, use.energy_threshold)
    return tuple(found), unknown


def _prediction(said: Classified, box: Box, refines: int | None = None) -> Prediction:
    return Prediction(said.label, said.confidence, box, Source.CLASSIFIER, refines)
