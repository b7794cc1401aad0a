"""What the pages show, worked out from the words: pure functions, no request and no HTML."""

from __future__ import annotations

import re
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
    from models.profile import Profile

COLOURS = 10
"""Classes c0 … c9 of the style sheet; the palette is the one that annotated photos are drawn in."""
QUOTED = re.compile(r"'([A-Za-z0-9_.-]+)'")
"""A label as the reasons name it."""
SHUFFLE = 3
"""As in `edge.drawing`, which a test holds this against: it can't be imported here for its size."""
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

"""How far a case has travelled, in words."""
SYNC_SHORT = {"queued": "only here", "sent": "on its way", "stored": "on the tower"}
"""The same, short."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict, big."""

    tone: str
    """ok, look or bad: a class of the style sheet."""
    title: str
    """A few plain words."""
    lines: tuple[str, ...]
    """Why, or what to do, a sentence each."""


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
class Chip:
    """The ground of a label, in pixels of the upright original."""

    x: float
    """Left."""
    y: float
    """Top."""
    width: float
    """Pixels."""
    height: float
    """Pixels."""

    def touches(self, other: Chip) -> bool:
        """True where they overlap."""
        beside = self.x >= other.x + other.width or other.x >= self.x + self.width
        apart = self.y >= other.y + other.height or other.y >= self.y + self.height
        return not (beside or apart)


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
    chip: Chip
    """Where the text stands."""


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
        return Banner("bad", "Take it again", (readable(verdict.message),))
    if verdict.status == "uncertain":
        reasons = tuple(readable(reason) for reason in verdict.decision.reasons)
        return Banner("look", "A person should look", reasons)
    return Banner("ok", "Usable", (counted(verdict.inspection.predictions),))


def counted(predictions: Sequence[Prediction]) -> str:
    """What was seen and how often: 2 × dent, scratch."""
    found: dict[str, int] = {}
    for p in predictions:
        if p.shown and p.source is Source.DETECTOR:
            found[p.label] = found.get(p.label, 0) + 1
    if not found:
        found = {p.label: 1 for p in predictions if p.shown}
    words = [plain(name) if n == 1 else f"{n} × {plain(name)}" for name, n in found.items()]
    return sentence(", ".join(words)) if words else "Nothing found"


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
    own = [p for p in predictions if p.shown and p.refines is None]
    shapes: list[Shape] = []
    for prediction in own:  # the surest chooses its place first
        if prediction.source is Source.DETECTOR:
            taken = [shape.chip for shape in shapes]
            shapes.append(_shape(prediction, width, height, font, taken))
    return Overlay(width, height, font, tuple(reversed(shapes)))


def _shape(
    prediction: Prediction, width: int, height: int, font: float, taken: Sequence[Chip]
) -> Shape:
    x1, y1, x2, y2 = prediction.box
    text = f"{plain(prediction.label)} {percent(prediction.confidence)}%"
    wide, high = (len(text) * 0.58 + 0.8) * font, font * 1.35
    x = max(0.0, min(x1, width - wide))
    inside = [y for y in (y1 - high, y1, y2, y2 - high, y1 + high) if 0 <= y <= height - high]
    spots = [Chip(x, y, wide, high) for y in inside or [0.0]]
    free = [spot for spot in spots if not any(spot.touches(other) for other in taken)]
    chip = (free or spots)[0]
    return Shape(x1, y1, x2 - x1, y2 - y1, colour(prediction.label), text, chip)


def colour(label: str) -> int:
    """The label's colour, the same on every device and every day."""
    return zlib.crc32(f"{SHUFFLE}{label}".encode()) % COLOURS


def plain(label: str) -> str:
    """A label as people write it."""
    return label.replace("_", " ").replace("-", " ").strip()


def readable(reason: str) -> str:
    """A reason as people read it: labels in their quotes without underscores."""
    return sentence(unquoted(reason))


def unquoted(text: str) -> str:
    """With the labels in its quotes as people write them."""
    return QUOTED.sub(lambda found: f"“{plain(found[1])}”", text)


def shot(profile: Profile, place: int) -> str:
    """What the photo at this place of the case is to show; "" where the profile asks for none."""
    return profile.shots[place].label if place < len(profile.shots) else ""


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
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


HELPERS = {
    "chip": chip,
    "headline": headline,
    "moment": moment,
    "overlay": overlay,
    "percent": percent,
    "plain": plain,
    "readable": readable,
    "rows": rows,
    "sentence": sentence,
    "size": size,
    "sync_short": SYNC_SHORT,
    "sync_words": SYNC_WORDS,
    "unquoted": unquoted,
}
"""What the templates may call."""
