"""Photos and drafts of cases, different for each number and the same every time."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from edge.draft import CaseDraft
from edge.ports import Inspection, Photo
from models.case import Author, Decision, ImageRecord, Outcome, Status, Summary
from models.detection import Prediction, Source
from models.quality import Measures, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LABELS = ("dent", "scratch", "crack", "glass_shatter", "lamp_broken", "tire_flat")
QUALITY = Quality(Measures(210.5, 0.5, 0.2, 0.01, 0.02, 1600, 1200))


def photo(number: int = 1, size: int = 3000) -> Photo:
    """A photo as the store takes it: of `size` bytes, begun and ended like a JPEG."""
    data = b"\xff\xd8" + random.Random(number).randbytes(size - 4) + b"\xff\xd9"
    thumb = b"\xff\xd8" + random.Random(-number).randbytes(300) + b"\xff\xd9"
    return Photo(data, hashlib.sha256(data).hexdigest(), "image/jpeg", 1600, 1200, thumb)


def record(photo: Photo, shot: str = "") -> ImageRecord:
    """What a case says of the photo."""
    return ImageRecord(
        photo.sha256, len(photo.data), photo.width, photo.height, photo.media_type, shot
    )


def predictions(*labels: str) -> tuple[Prediction, ...]:
    """One shown detection for each label."""
    box = (10.0, 20.0, 110.5, 220.25)
    return tuple(Prediction(label, 0.9, box, Source.DETECTOR) for label in labels)


def draft(photos: Sequence[Photo], number: int = 0, **changes: Any) -> CaseDraft:
    """A draft of a case of these photos, `number` minutes after noon."""
    values: dict[str, Any] = {
        "device": "garage",
        "profile": "vehicle-damage",
        "created": NOON + timedelta(minutes=number),
        "status": Status.ACCEPTED,
        "images": tuple(record(p) for p in photos),
        "quality": QUALITY,
        "predictions": predictions("dent", "scratch"),
        "decision": Decision(Outcome.ACCEPTED),
        "form": {"plate": f"AB-{number:04d}", "client": "Zoë"},
        "summary": Summary("One dent and one scratch.", Author.TEMPLATE, True),
        "models": {"detector": "vehicle-damage-detector@1.0.0"},
        "boot": "2f1d",
        "monotonic": float(number),
    }
    return CaseDraft(**{**values, **changes})


def to_review(photos: Sequence[Photo], number: int = 0, **changes: Any) -> CaseDraft:
    """The same, of a case that waits for a person."""
    decision = Decision(Outcome.NEEDS_REVIEW, ("The lamp is not sure.",))
    return draft(photos, number, status=Status.NEEDS_REVIEW, decision=decision, **changes)


def inspection(*labels: str) -> Inspection:
    """What the vision worker says of a usable photo."""
    return Inspection(QUALITY, predictions(*labels), {"detector": "m@1.0.0"}, {"total": 41.0})
