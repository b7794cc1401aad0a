"""A profile: everything that is different between a garage, a clinic, a field and a shop.

One TOML file a profile, under `models/profiles/`; no code knows a domain.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from models.facts import MAX_ALWAYS, is_sayable
from models.jsonable import InvalidWordError, from_json, require

MACHINES = ("pi4", "pi5", "x86")
"""Classes of machine that a latency budget can be given for."""
MAKES_UP = 1.5
"""How far above the blur threshold a subject has to be to make up for a softer frame.

On 4,000 rendered photos of known blur, at a threshold of 125: with 1 of 2,000 blurred ones 24
passed, with 1.5 19, and as many sharp ones were sent back; from 2 on more are."""


class ClassifyOn(StrEnum):
    """What the classifier looks at."""

    CROPS = "crops"
    FRAME = "frame"


class FieldKind(StrEnum):
    """What a form's field takes."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class QualityRules:
    """When a photo has to be taken again. All measures: see `models.quality.Measures`."""

    blur_threshold: float
    """A `blur_score` below this is blurred."""
    subject_blur_threshold: float | None = None
    """The same on the subject's box; None: `blur_threshold` serves there too."""
    min_brightness: float = 0.12
    """Mean luma, 0..1, below which it is too dark."""
    max_brightness: float = 0.92
    """Mean luma, 0..1, above which it is too bright."""
    max_clipped: float = 0.60
    """Share of black or of white pixels, 0..1, above which exposure is to blame."""
    min_contrast: float = 0.03
    """Standard deviation of luma below which there is nothing to see."""
    min_side: int = 240
    """Shorter side in pixels."""
    min_subject: float = 0.0
    """Share of the frame, 0..1, that the largest detection must fill; 0 switches this off."""
    messages: Mapping[str, str] = field(default_factory=dict)
    """Flaw → what to do, where the profile has better words than the default's."""

    def __post_init__(self) -> None:
        """Refuse thresholds that could never or always hold."""
        require(self.blur_threshold >= 0, "blur_threshold", "≥ 0", self.blur_threshold)
        require(0 <= self.min_brightness < self.max_brightness <= 1, "min_brightness", "< max ≤ 1")
        for name in ("max_clipped", "min_contrast", "min_subject"):
            require(0 <= getattr(self, name) <= 1, name, "0..1", getattr(self, name))
        require(self.min_side >= 1, "min_side", "at least 1 pixel", self.min_side)

    def is_surely_blurred(self, frame: float | None) -> bool:
        """Tell whether a photo is too blurred whatever is on it, so that nobody has to look.

        Args:
            frame: sharpness of the whole photo, `models.measures.sharpness`; None: nothing to tell.
        """
        return frame is not None and frame < self.blur_threshold / 2

    def is_blurred(self, frame: float | None, subject: float | None = None) -> bool:
        """Tell whether a photo is too blurred, by its frame and by its subject.

        A subject that is clearly sharp makes up for a frame that is a little soft: behind a sharp
        dent there may be a street out of focus. A subject that isn't can't be made up for.

        Args:
            frame: sharpness of the whole photo, `models.measures.sharpness`; None: nothing to tell.
            subject: the same on the subject's box; None where there is none, or nothing to tell.
        """
        if self.is_surely_blurred(frame):
            return True
        if subject is None:
            return frame is not None and frame < self.blur_threshold
        if frame is not None and frame < self.blur_threshold:
            return subject < MAKES_UP * self.blur_threshold
        own = self.subject_blur_threshold
        return subject < (self.blur_threshold if own is None else own)


@dataclass(frozen=True, slots=True)
class DetectorUse:
    """Which detector, and which of its boxes count."""

    model: str
    """Id of the model in the zoo or among the installed ones."""
    keep: float = 0.10
    """Confidence from which a box is stored for learning."""
    show: float = 0.35
    """Confidence from which a box is shown to people."""
    show_per_label: Mapping[str, float] = field(default_factory=dict)
    """Label → its own `show`."""
    iou: float = 0.5
    """Overlap above which the weaker of two boxes of one label goes."""
    max_detections: int = 50
    """At most this many boxes a photo."""

    def __post_init__(self) -> None:
        """Refuse thresholds out of order."""
        require(bool(self.model), "model", "an id")
        require(0 < self.keep <= self.show <= 1, "keep", "0 < keep ≤ show ≤ 1", self.keep)
        require(0 < self.iou <= 1, "iou", "0 < iou ≤ 1", self.iou)
        require(1 <= self.max_detections <= 300, "max_detections", "1..300", self.max_detections)

    def shows(self, label: str, confidence: float) -> bool:
        """True where a box of this label and confidence is for people and not only for learning."""
        return confidence >= self.show_per_label.get(label, self.show)


@dataclass(frozen=True, slots=True)
class ClassifierUse:
    """Which classifier, on what."""

    model: str
    """Id of the model."""
    attribute: str = "class"
    """What its labels say of a detection: severity, species, colour."""
    on: ClassifyOn = ClassifyOn.CROPS
    """The crops of shown detections, or the whole frame."""
    margin: float = 0.15
    """How far a crop's box is expanded, as a share of its size."""
    energy_threshold: float | None = None
    """Energy score above which a photo is out of domain; None: the model's own."""
    required: bool = True
    """False: without this model the profile serves with its detector alone."""
    ranks: tuple[str, ...] = ()
    """Its labels from the mildest to the worst, where they have an order."""

    def __post_init__(self) -> None:
        """Refuse a margin that can't be meant."""
        require(bool(self.model), "model", "an id")
        require(0 <= self.margin <= 0.5, "margin", "0..0.5", self.margin)


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """When a case is accepted without a person."""

    conf_threshold: float = 0.5
    """The least confident shown prediction must reach this."""
    accept_empty: bool = False
    """True: nothing found may be accepted; False: a person looks at it."""
    review_labels: tuple[str, ...] = ()
    """Labels that a person always sees, however sure the model is."""

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        require(0 <= self.conf_threshold <= 1, "conf_threshold", "0..1", self.conf_threshold)


@dataclass(frozen=True, slots=True)
class FormField:
    """One question of the form."""

    name: str
    """Key in the case's form."""
    label: str
    """What the person reads."""
    kind: FieldKind = FieldKind.TEXT
    """What it takes."""
    required: bool = False
    """Whether a case may go without it."""
    max_length: int = 200
    """Characters, for text."""
    minimum: float | None = None
    """For numbers."""
    maximum: float | None = None
    """For numbers."""
    choices: tuple[str, ...] = ()
    """For a choice."""

    def __post_init__(self) -> None:
        """A choice offers something; a name can be a key."""
        require(self.name.isidentifier(), "name", "letters, digits and _", self.name)
        require(self.kind is not FieldKind.CHOICE or bool(self.choices), "choices", "some")
        require(1 <= self.max_length <= 10_000, "max_length", "1..10000", self.max_length)


@dataclass(frozen=True, slots=True)
class Price:
    """One row of the price table: label × grade × area → price."""

    label: str
    """The detector's label."""
    price: str
    """Decimal, as text."""
    grade: str = ""
    """The classifier's label; "" fits any."""
    max_area: float = 1.0
    """Largest share of the frame, 0..1, that this row is for."""

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        require(bool(self.label), "label", "a name")
        require(_is_amount(self.price), "price", "a decimal from 0, as text", self.price)
        require(0 < self.max_area <= 1, "max_area", "0..1", self.max_area)


@dataclass(frozen=True, slots=True)
class PriceTable:
    """How an estimate is computed."""

    currency: str
    """ISO 4217."""
    tax_rate: str
    """Decimal, as text: 0.19 is 19 %."""
    rows: tuple[Price, ...] = ()
    """The first row that fits a prediction counts."""

    def __post_init__(self) -> None:
        """Refuse a currency that isn't one and a tax beyond the price itself."""
        code = bool(re.fullmatch(r"[A-Z]{3}", self.currency))
        require(code, "currency", "three capital letters of ISO 4217", self.currency)
        ok = _is_amount(self.tax_rate) and Decimal(self.tax_rate) <= 1
        require(ok, "tax_rate", "a decimal 0..1, as text", self.tax_rate)


@dataclass(frozen=True, slots=True)
class PrimaryRule:
    """How the subject is picked among several: weights of three scores that are each 0..1."""

    text: float = 0.5
    """Weight of the match between label and the form's words."""
    size: float = 0.3
    """Weight of the box's share of the frame."""
    place: float = 0.2
    """Weight of its nearness to the centre."""
    fields: tuple[str, ...] = ()
    """The form's fields whose words are matched."""


@dataclass(frozen=True, slots=True)
class SummaryRules:
    """What the summary must or may say."""

    subject: str = "photo"
    """What the photo is of: vehicle, plant, product, skin."""
    always: tuple[str, ...] = ()
    """Sentences that every summary ends with, word for word."""
    next_step: Mapping[str, str] = field(default_factory=dict)
    """Outcome → what to do next."""
    nouns: Mapping[str, str] = field(default_factory=dict)
    """Label → `singular|plural`, where English makes another plural than the label's with an s."""

    def __post_init__(self) -> None:
        """A noun has both its numbers; what is said word for word can be said anywhere."""
        require(len(self.always) <= MAX_ALWAYS, "always", f"at most {MAX_ALWAYS} sentences")
        for sentence in (*self.always, *self.next_step.values()):
            require(is_sayable(sentence), "always, next_step", "one line without mark-up", sentence)
        for label, forms in self.nouns.items():
            both = forms.count("|") == 1 and all(part.strip() for part in forms.split("|"))
            require(both, f"nouns.{label}", "singular|plural", forms)


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo of the checklist of a case with several."""

    name: str
    """Key: overview, close_up, scale_card."""
    label: str
    """What the person reads."""
    required: bool = True
    """Whether the case is whole without it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that is different between one domain and the next."""

    id: str
    """Its name on the command line and in requests."""
    title: str
    """What people read."""
    quality: QualityRules
    """When to take the photo again."""
    detector: DetectorUse | None = None
    """None: this profile has no detector."""
    classifier: ClassifierUse | None = None
    """None: this profile has no classifier."""
    decision: DecisionRules = field(default_factory=DecisionRules)
    """When a person has to look."""
    form: tuple[FormField, ...] = ()
    """What is asked."""
    prices: PriceTable | None = None
    """Where an estimate is made."""
    primary: PrimaryRule | None = None
    """Where one prediction is the subject."""
    summary: SummaryRules = field(default_factory=SummaryRules)
    """What the words must say."""
    shots: tuple[Shot, ...] = ()
    """The checklist; empty: one photo."""
    budget_ms: Mapping[str, float] = field(default_factory=dict)
    """Class of machine (pi4, pi5, x86) → how long a photo may take on it, milliseconds; a model
    that takes longer isn't put into service. A class that isn't named has no budget."""
    keep_metadata: bool = False
    """True: the original's EXIF stays with the stored image. GPS never does."""
    waits_for: str = ""
    """Said while a model this profile needs isn't installed."""

    def __post_init__(self) -> None:
        """A profile needs something that looks."""
        require(bool(self.id), "id", "a name")
        looks = self.detector is not None or self.classifier is not None
        require(looks, "detector, classifier", "at least one of them")
        for machine, most in self.budget_ms.items():
            require(machine in MACHINES, "budget_ms", f"one of {', '.join(MACHINES)}", machine)
            require(most > 0, f"budget_ms.{machine}", "more than 0", most)

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Ids of the models this profile needs, detector first."""
        return tuple(use.model for use in (self.detector, self.classifier) if use is not None)

    @property
    def optional_ids(self) -> tuple[str, ...]:
        """Ids of the models this profile can do without."""
        if self.detector is None or self.classifier is None or self.classifier.required:
            return ()
        return (self.classifier.model,)


def _is_amount(text: str) -> bool:
    """True for a plain decimal number from 0: digits, and a point with digits behind it."""
    return bool(re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text))


def parse(text: str, where: str = "profile") -> Profile:
    """Make a profile from the text of its TOML file.

    Raises:
        InvalidWordError: not TOML, or a key is missing, unknown or out of range.
    """
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise InvalidWordError(f"{where}: {e}") from e
    return from_json(Profile, data, where)


def load_all(*folders: Path) -> dict[str, Profile]:
    """Read every `*.toml` of the folders, later ones replacing earlier ones of the same id."""
    found: dict[str, Profile] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            profile = parse(path.read_text(encoding="utf-8"), str(path))
            found[profile.id] = profile
    return found


def shipped() -> Path:
    """The folder of the profiles that come with EdgeCase."""
    return Path(__file__).parent / "profiles"
