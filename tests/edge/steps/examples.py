"""What the tests of the steps are made of: a good photo, a few things on it, the profiles."""

from __future__ import annotations

from models.detection import Box, Prediction, Source
from models.profile import load_all, shipped
from models.quality import Flaw, Measures, Quality

PROFILES = load_all(shipped())
VEHICLE = PROFILES["vehicle-damage"]
SIZE = (1000, 800)
GOOD = Quality(Measures(400.0, 0.5, 0.2, 0.0, 0.0, *SIZE))
BLURRED = Quality(GOOD.measures, (Flaw.BLURRED, Flaw.TOO_DARK), "Hold still.")
CENTRE: Box = (400.0, 300.0, 600.0, 500.0)


def seen(label: str, confidence: float = 0.9, box: Box = CENTRE, shown: bool = True) -> Prediction:
    """One box of a detector."""
    return Prediction(label, confidence, box, Source.DETECTOR, shown=shown)


def graded(label: str, index: int, confidence: float = 0.9) -> Prediction:
    """What a classifier said of the prediction `index`."""
    return Prediction(label, confidence, CENTRE, Source.CLASSIFIER, refines=index)
