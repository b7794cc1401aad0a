"""What the pages show, worked out from the words: pure functions, no request and no HTML."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.case import Case, Status
from models.detection import Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from edge.pipeline import Verdict
    from models.detection import Prediction

COLOURS = 10
"""Classes c0 … c9 of the style sheet; the palette is the one that annotated photos are drawn in."""
CHIP = {
    Status.ACCEPTED: ("ok", "Accepted"),
    Status.NEEDS_REVIEW: ("look", "Needs a look"),
    Status.REJECTED: ("bad", "Rejected"),
    Status.DELETED: ("gone", "Deleted"),
}
"""Status → tone and words."""
SYNC_WORDS = {
    "queued": "Only on this device so far",
    "sent": "On its way to the tower",
    "stored": "Safe on the tower",
}


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict, big."""

    tone: str
    """ok, look or bad: a class of the style sheet."""
    title: str
    """A few plain words."""
    text: str
    """Why, or what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was seen, as the list shows it."""

    number: int
    """From 1, as in the picture."""
    label: str
    """In plain letters."""
    percent: int
    """0..100."""
    colour: int
    """0..9."""
    grade: str
    """What the classifier says of it, or ""."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One box over the picture, in pixels of the upright original."""

    x: float
    """Left."""
    y: float
    """Top."""
    width: float
    """Pixels."""
    height: float
    """Pixels."""
    colour: int
    """0..9."""
    text: str
    """On its chip."""
    chip_x: float
    """Left edge of the chip."""
    chip_y: float
    """Top edge of the chip."""
    chip_width: float
    """Pixels."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything that is drawn over a picture."""

    width: int
    """Of the upright original, pixels."""
    height: int
    """Of the upright original, pixels."""
    font: float
    """Height of the letters, pixels of the original."""
    shapes: tuple[Shape, ...]
    """The surest last, so that it lies on top."""


def banner(verdict: Verdict) -> Banner:
    """The verdict in a few words."""
    if verdict.status == "retake":
        return Banner("bad", "Take it again", sentence(verdict.message))
    if verdict.status == "uncertain":
        return Banner("look", "A person should look", sentence(verdict.message))
    return Banner("ok", "Usable", counted(verdict.inspection.predictions))


def counted(predictions: Sequence[Prediction]) -> str:
    """What was seen and how often: 2 × dent, scratch."""
    found: dict[str, int] = {}
    for p in predictions:
        if p.shown and p.source is Source.DETECTOR:
            found[p.label] = found.get(p.label, 0) + 1
    if not found:
        found = {p.label: 1 for p in predictions if p.shown}
    words = [plain(name) if n == 1 else f"{n} × {plain(name)}" for name, n in found.items()]
    return sentence(", ".join(words)) if words else "Nothing was found on it."


def rows(predictions: Sequence[Prediction]) -> tuple[Row, ...]:
    """The shown predictions for a list; a classifier's word stands with the box it refines."""
    grades = {p.refines: p for p in predictions if p.refines is not None and p.shown}
    own = [(i, p) for i, p in enumerate(predictions) if p.shown and p.refines is None]
    return tuple(
        Row(
            number=n,
            label=sentence(plain(p.label)),
            percent=percent(p.confidence),
            colour=colour(p.label),
            grade=plain(grades[i].label) if i in grades else "",
        )
        for n, (i, p) in enumerate(own, start=1)
    )


def overlay(predictions: Sequence[Prediction], width: int, height: int) -> Overlay:
    """The boxes of the shown detections, with a chip each that stays inside the picture."""
    font = max(width, height) / 26
    boxes = [
        p for p in predictions if p.shown and p.refines is None and p.source is Source.DETECTOR
    ]
    numbered = list(enumerate(boxes, start=1))
    shapes = tuple(_shape(p, width, font) for _, p in reversed(numbered))
    return Overlay(width, height, font, shapes)


def _shape(prediction: Prediction, width: int, font: float) -> Shape:
    x1, y1, x2, y2 = prediction.box
    text = f"{plain(prediction.label)} {percent(prediction.confidence)}%"
    chip_width = (len(text) * 0.56 + 0.9) * font
    above = y1 - font * 1.35
    return Shape(
        x=x1,
        y=y1,
        width=x2 - x1,
        height=y2 - y1,
        colour=colour(prediction.label),
        text=text,
        chip_x=max(0.0, min(x1, width - chip_width)),
        chip_y=above if above >= 0 else y1,
        chip_width=chip_width,
    )


def colour(label: str) -> int:
    """The label's colour, the same on every device and every day."""
    return zlib.crc32(label.encode()) % COLOURS


def plain(label: str) -> str:
    """A label as people write it."""
    return label.replace("_", " ").replace("-", " ").strip()


def sentence(text: str) -> str:
    """With a capital letter at its front."""
    return text[:1].upper() + text[1:]


def percent(confidence: float) -> int:
    """0..100; 100 is only for what is certain."""
    return 100 if confidence >= 1 else min(99, round(confidence * 100))


def moment(when: datetime) -> str:
    """A time on the device's own clock: 20 Nov 2026, 11:05."""
    return when.astimezone().strftime("%-d %b %Y, %H:%M")


def chip(status: Status) -> tuple[str, str]:
    """Tone and words for a status."""
    return CHIP[status]


def headline(case: Case) -> str:
    """A case in one line."""
    return counted(case.predictions)


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


HELPERS = {
    "chip": chip,
    "headline": headline,
    "moment": moment,
    "overlay": overlay,
    "percent": percent,
    "plain": plain,
    "rows": rows,
    "sentence": sentence,
    "size": size,
    "sync_words": SYNC_WORDS,
}
"""What the templates may call."""
