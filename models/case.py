"""The case: one subject, its photos, what was seen, what was decided, what was said about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.detection import Prediction
from models.jsonable import require
from models.quality import Quality

FormValue = str | int | float | bool | None
"""A value of a form, as JSON has it."""

SHA256 = re.compile(r"[0-9a-f]{64}")


class Outcome(StrEnum):
    """What was decided about a case."""

    ACCEPTED = "accepted"
    NEEDS_REVIEW = "needs_review"
    RETAKE = "retake"


class Status(StrEnum):
    """Where a case stands now; people can move it, models can't."""

    ACCEPTED = "accepted"
    NEEDS_REVIEW = "needs_review"
    REJECTED = "rejected"
    DELETED = "deleted"


class Author(StrEnum):
    """Who wrote a summary."""

    TEMPLATE = "template"
    LLM = "llm"


class SyncPhase(StrEnum):
    """How far a case has travelled: only here, on its way, durable on the tower."""

    QUEUED = "queued"
    SENT = "sent"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One stored photo of a case."""

    sha256: str
    """Of the stored bytes, 64 lower-case hex digits; also its name on the disk."""
    size: int
    """Bytes."""
    width: int
    """Upright, pixels."""
    height: int
    """Upright, pixels."""
    media_type: str
    """image/jpeg, image/png or image/webp."""
    shot: str = ""
    """Which shot of the profile's checklist this is; empty for the only one."""
    camera: Mapping[str, FormValue] = field(default_factory=dict)
    """What the camera said of it (lux, exposure, focus measure), where it did."""

    def __post_init__(self) -> None:
        """Refuse a name that is no SHA-256 and a size that is none."""
        require(bool(SHA256.fullmatch(self.sha256)), "sha256", "64 hex digits", self.sha256)
        require(self.size > 0, "size", "bytes", self.size)
        require(self.width > 0 and self.height > 0, "width, height", "at least one pixel")
        require(self.media_type.startswith("image/"), "media_type", "image/…", self.media_type)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why, in words a reviewer can act on."""

    outcome: Outcome
    """Accepted, needs review, or retake."""
    reasons: tuple[str, ...] = ()
    """Why; never empty unless accepted."""

    def __post_init__(self) -> None:
        """Anything but `accepted` has to say why."""
        accepted = self.outcome is Outcome.ACCEPTED
        require(accepted or bool(self.reasons), "reasons", "at least one, since not accepted")


@dataclass(frozen=True, slots=True)
class Summary:
    """The case in plain words."""

    text: str
    """Two to five sentences."""
    author: Author
    """Template at once, the language model later."""
    verified: bool
    """True: every fact in the text was found in the case's facts."""

    def __post_init__(self) -> None:
        """A summary says something."""
        require(bool(self.text.strip()), "text", "words")


@dataclass(frozen=True, slots=True)
class Sync:
    """The receipt of how far the case has travelled."""

    state: SyncPhase = SyncPhase.QUEUED
    """Queued, sent or stored."""
    at: datetime | None = None
    """When it got there; None while queued."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person said about a case."""

    at: datetime
    """When."""
    by: str
    """Who, as signed in; "" on a device without sign-in."""
    verdict: str
    """`correct`, `wrong` or `reject`."""
    reason: str = ""
    """In the person's words."""
    corrections: tuple[Prediction, ...] = ()
    """What should have been seen, where the person said so."""

    def __post_init__(self) -> None:
        """Refuse a verdict nobody knows."""
        known = ("correct", "wrong", "reject")
        require(self.verdict in known, "verdict", f"one of {known}", self.verdict)


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What a model that is being tried saw on the case's first photo, where it saw another thing.

    It changes nothing about the case; it says that a person should look here first.
    """

    at: datetime
    """When."""
    model: str
    """id@version of the model that is being tried."""
    missed: tuple[str, ...]
    """Labels of what only the case's own model saw."""
    added: tuple[str, ...]
    """Labels of what only this one saw."""
    predictions: tuple[Prediction, ...]
    """What this one saw."""

    def __post_init__(self) -> None:
        """An opinion that differs in nothing is none."""
        require(bool(self.missed or self.added), "missed, added", "something that differs")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of an estimate; every number is computed by code from the profile's table."""

    label: str
    """What was found."""
    grade: str
    """The classifier's word for how bad, or ""."""
    count: int
    """How many of these."""
    unit_price: str
    """Decimal, as text, in the estimate's currency."""
    amount: str
    """Decimal, as text: count × unit price."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What it comes to."""

    currency: str
    """ISO 4217."""
    lines: tuple[PriceLine, ...]
    """In the order of the predictions."""
    subtotal: str
    """Decimal, as text."""
    tax: str
    """Decimal, as text."""
    total: str
    """Decimal, as text: subtotal + tax."""


@dataclass(frozen=True, slots=True)
class Case:
    """One subject and everything that is known about it."""

    id: str
    """A random UUID, 36 characters."""
    device: str
    """The device that made it."""
    seq: int
    """Per device, from 1, without gaps."""
    rev: int
    """From 1; every change of the case is a new revision."""
    profile: str
    """Which profile judged it."""
    created: datetime
    """Wall time, with its offset."""
    status: Status
    """Where it stands."""
    images: tuple[ImageRecord, ...]
    """At least one."""
    quality: Quality
    """Of the first image."""
    predictions: tuple[Prediction, ...]
    """Everything above `keep`; what is `shown` is for people."""
    decision: Decision
    """What was decided when it was taken."""
    form: Mapping[str, FormValue]
    """What a person typed; data, never instructions."""
    summary: Summary
    """In plain words."""
    models: Mapping[str, str]
    """Role → id@version of what made this case, e.g. detector → vehicle-damage-detector@1.0.0."""
    sync: Sync = field(default_factory=Sync)
    """How far it has travelled."""
    estimate: Estimate | None = None
    """Where the profile has a price table."""
    primary: int | None = None
    """Where the profile picks one: the index of the prediction that is the subject."""
    feedback: tuple[Feedback, ...] = ()
    """What people said, oldest first."""
    second_opinions: tuple[SecondOpinion, ...] = ()
    """Where models that were being tried saw something else, oldest first."""
    clock_ok: bool = True
    """False: the device did not trust its wall clock when it made this."""
    boot: str = ""
    """Id of the boot; with `monotonic` it orders cases where the clock can't."""
    monotonic: float = 0.0
    """Seconds since that boot."""

    def __post_init__(self) -> None:
        """Refuse a case that isn't whole."""
        require(bool(re.fullmatch(r"[0-9a-f-]{36}", self.id)), "id", "a UUID", self.id)
        require(bool(self.device), "device", "a name")
        require(self.seq >= 1 and self.rev >= 1, "seq, rev", "at least 1", (self.seq, self.rev))
        require(bool(self.profile), "profile", "a name")
        require(self.created.tzinfo is not None, "created", "a time with its offset")
        require(bool(self.images), "images", "at least one")
        for p in self.predictions:
            known = p.refines is None or p.refines < len(self.predictions)
            require(known, "predictions.refines", "an index of this list", p.refines)
