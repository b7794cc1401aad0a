"""What the pages show, worked out from the words: pure functions, no request and no HTML.

Where they make words for people they take `say`, which knows the page's language.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edge.report import SAID
from models.case import Case, Status
from models.detection import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from edge.api.language import Language, Say
    from edge.pipeline import Verdict
    from models.detection import Box, Prediction
    from models.profile import Profile

COLOURS = 10
"""Classes c0 … c9 of the style sheet; the palette is the one that annotated photos are drawn in."""
QUOTED = re.compile(r"(?<!\w)'([^'\n]{1,64})'(?!\w)")
"""A label as the reasons name it, in any language; no apostrophe."""
QUOTES = "“{label}”"
"""How people quote it."""
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
PERIODS = ((0, "Today"), (7, "Last 7 days"), (30, "Last 30 days"))
"""Days back from today → words; 0: since midnight."""
REJECTIONS = ("The marks are wrong", "Something was missed", "It shows something else")
"""Why a photo may be rejected, a button each."""
DATE = "{day} {month} {year}, {time}"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
POINT = "."
"""Between the whole and the tenths of a number."""


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
    place: int
    """Of its prediction among the case's."""
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


def banner(say: Say, verdict: Verdict) -> Banner:
    """The verdict in a few words."""
    if verdict.status == "retake":
        return Banner("bad", say("Take it again"), (readable(say, verdict.message),))
    if verdict.status == "uncertain":
        reasons = tuple(readable(say, reason) for reason in verdict.decision.reasons)
        return Banner("look", say("A person should look"), reasons)
    return Banner("ok", say("Usable"), (counted(say, verdict.inspection.predictions),))


def counted(say: Say, predictions: Sequence[Prediction]) -> str:
    """What was seen and how often: 2 × dent, scratch."""
    found: dict[str, int] = {}
    for p in predictions:
        if p.shown and p.source is Source.DETECTOR:
            found[p.label] = found.get(p.label, 0) + 1
    if not found:
        found = {p.label: 1 for p in predictions if p.shown}
    named = [(word(say, name), n) for name, n in found.items()]
    words = [name if n == 1 else f"{n} × {name}" for name, n in named]
    return sentence(", ".join(words)) if words else say("Nothing found")


def rows(say: Say, predictions: Sequence[Prediction]) -> tuple[Row, ...]:
    """The shown predictions for a list; a classifier's word stands with the box it refines."""
    grades = {p.refines: p for p in predictions if p.refines is not None and p.shown}
    own = [(i, p) for i, p in enumerate(predictions) if p.shown and p.refines is None]
    return tuple(
        Row(
            number=n,
            label=sentence(word(say, p.label)),
            percent=percent(p.confidence),
            colour=colour(p.label),
            grade=word(say, grades[i].label) if i in grades else "",
        )
        for n, (i, p) in enumerate(own, start=1)
    )


def marks(predictions: Sequence[Prediction]) -> tuple[tuple[int, Prediction], ...]:
    """What a person can correct: the shown predictions with their places."""
    return tuple((i, p) for i, p in enumerate(predictions) if p.shown and p.refines is None)


def overlay(say: Say, predictions: Sequence[Prediction], width: int, height: int) -> Overlay:
    """The boxes of the shown detections, with a chip each that stays inside the picture."""
    font = max(width, height) / 26
    shapes: list[Shape] = []
    for place, p in enumerate(predictions):  # the surest chooses where its chip stands first
        if p.shown and p.refines is None and p.source is Source.DETECTOR:
            text = f"{word(say, p.label)} {percent(p.confidence)}%"
            chip = _chip(p.box, text, (width, height), font, [s.chip for s in shapes])
            x1, y1, x2, y2 = p.box
            shapes.append(Shape(x1, y1, x2 - x1, y2 - y1, colour(p.label), text, place, chip))
    return Overlay(width, height, font, tuple(reversed(shapes)))


def _chip(box: Box, text: str, frame: tuple[int, int], font: float, taken: Sequence[Chip]) -> Chip:
    """Where a box's text stands: inside the picture, and over no other's if there is room."""
    (x1, y1, _, y2), (width, height) = box, frame
    wide, high = (len(text) * 0.58 + 0.8) * font, font * 1.35
    x = max(0.0, min(x1, width - wide))
    inside = [y for y in (y1 - high, y1, y2, y2 - high, y1 + high) if 0 <= y <= height - high]
    spots = [Chip(x, y, wide, high) for y in inside or [0.0]]
    free = [spot for spot in spots if not any(spot.touches(other) for other in taken)]
    return (free or spots)[0]


def colour(label: str) -> int:
    """The label's colour, the same on every device and every day."""
    return zlib.crc32(f"{SHUFFLE}{label}".encode()) % COLOURS


def plain(label: str) -> str:
    """A label as people write it."""
    return label.replace("_", " ").replace("-", " ").strip()


def word(say: Say, label: str) -> str:
    """A label in the page's language."""
    return say(plain(label))


def readable(say: Say, reason: str) -> str:
    """A reason as people read it: labels in their quotes without underscores."""
    return sentence(unquoted(say(reason), say(QUOTES)))


def unquoted(text: str, quotes: str = QUOTES) -> str:
    """With the labels in its quotes as people write them."""
    return QUOTED.sub(lambda found: quotes.format(label=plain(found[1])), text)


def shot(profile: Profile, place: int) -> str:
    """What the photo at this place of the case is to show; "" where the profile asks for none."""
    return profile.shots[place].label if place < len(profile.shots) else ""


def sentence(text: str) -> str:
    """With a capital letter at its front."""
    return text[:1].upper() + text[1:]


def percent(confidence: float) -> int:
    """0..100; 100 is only for what is certain."""
    return 100 if confidence >= 1 else min(99, round(confidence * 100))


def moment(say: Say, when: datetime) -> str:
    """A time on the device's own clock: 20 Nov 2026, 11:05."""
    at = when.astimezone()
    month = say(MONTHS).split()[at.month - 1]
    return say(DATE).format(day=at.day, month=month, year=at.year, time=f"{at:%H:%M}")


def chip(say: Say, status: Status) -> tuple[str, str]:
    """Tone and words for a status."""
    tone, words = CHIP[status]
    return tone, say(words)


def headline(say: Say, case: Case) -> str:
    """A case in one line."""
    return counted(say, case.predictions)


def number(say: Say, digits: str) -> str:
    """A number as people write it there."""
    return digits.replace(".", say(POINT))


def size(say: Say, count: int) -> str:
    """Bytes for people."""
    if count >= 1e6:
        large = f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
        return number(say, large)
    return f"{max(1, round(count / 1e3))} kB"


def helpers(language: Language) -> Mapping[str, object]:
    """What a template may call, in the page's language."""
    spoken = (banner, chip, counted, headline, moment, number, overlay, readable, rows, size, word)
    return {
        **{each.__name__: partial(each, language.say) for each in spoken},
        "colour": colour,
        "count": language.count,
        "language": language,
        "percent": percent,
        "plain": plain,
        "marks": marks,
        "said": SAID,
        "rejections": REJECTIONS,
        "say": language.say,
        "sentence": sentence,
        "sync_short": SYNC_SHORT,
        "sync_words": SYNC_WORDS,
        "unquoted": unquoted,
    }
