"""The facts of a case that a summary may speak of, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from models.case import Outcome
from models.jsonable import require

PLACES = (
    "upper left",
    "top",
    "upper right",
    "left",
    "centre",
    "right",
    "lower left",
    "bottom",
    "lower right",
)
"""Where in the picture a thing is: the nine fields of a three by three grid, row by row."""
MAX_FINDINGS = 24
"""Kinds of things one text can speak of."""
MAX_REASONS = 12
MAX_ALWAYS = 4
MAX_SENTENCE = 400
"""Characters of anything that is said word for word."""
MARKUP = frozenset("<>{}[]|\\`")
"""What no sentence may hold: it could mean something to whoever shows it."""


def is_sayable(sentence: str) -> bool:
    """True for what can stand in a text word for word."""
    return 0 < len(sentence) <= MAX_SENTENCE and bool(sentence.strip()) and is_plain(sentence)


def is_plain(text: str) -> bool:
    """True for one line without control, direction or other invisible characters and mark-up."""
    return not any(
        char in MARKUP or unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
        for char in text
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that was seen."""

    label: str
    """What."""
    count: int
    """How many of it, at least 1."""
    confidence: float
    """Of the surest one, 0..1."""
    grade: str = ""
    """The classifier's word for how bad, or ""."""
    place: str = ""
    """Where in the picture, one of `PLACES`; "" where there are several."""
    singular: str = ""
    """What one of it is called; "" makes it from the label."""
    plural: str = ""
    """What several of it are called; "" makes it from the singular."""

    def __post_init__(self) -> None:
        """Refuse what can't be counted or can't be said."""
        require(bool(self.label), "label", "a name")
        require(1 <= self.count <= 999, "count", "1..999", self.count)
        require(0 <= self.confidence <= 1, "confidence", "0..1", self.confidence)
        require(self.place in ("", *PLACES), "place", f"one of {PLACES}", self.place)
        for name in ("label", "grade", "singular", "plural"):
            require(len(getattr(self, name)) <= 80, name, "at most 80 characters")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a summary is allowed to say."""

    subject: str
    """What the photo is of: vehicle, plant, product, skin."""
    outcome: Outcome
    """What was decided."""
    findings: tuple[Finding, ...] = ()
    """What was seen, worst first."""
    reasons: tuple[str, ...] = ()
    """Why a person has to look."""
    total: str = ""
    """What it comes to, decimal as text; "" where nothing is priced."""
    currency: str = ""
    """ISO 4217 of the total."""
    next_step: str = ""
    """What to do next, a sentence of the profile."""
    always: tuple[str, ...] = ()
    """Sentences that must end the text, word for word."""
    more: int = 0
    """How many further things, of lesser kinds than `findings`, were seen."""

    def __post_init__(self) -> None:
        """A total has a currency, and nothing holds mark-up or control characters."""
        require(0 < len(self.subject) <= 80, "subject", "a word of at most 80 characters")
        require(len(self.findings) <= MAX_FINDINGS, "findings", f"at most {MAX_FINDINGS}")
        require(not self.total or bool(self.currency), "currency", "a code, since there is a total")
        number = re.fullmatch(r"([0-9]{1,12}(\.[0-9]{1,6})?)?", self.total)
        require(bool(number), "total", "a decimal from 0, as text", self.total)
        code = re.fullmatch(r"([A-Z]{3})?", self.currency)
        require(bool(code), "currency", "three capital letters of ISO 4217", self.currency)
        require(len(self.reasons) <= MAX_REASONS, "reasons", f"at most {MAX_REASONS}")
        require(len(self.always) <= MAX_ALWAYS, "always", f"at most {MAX_ALWAYS}")
        require(0 <= self.more <= 999, "more", "0..999", self.more)
        require(not self.more or bool(self.findings), "more", "0, since there are no findings")
        for name, sentence in self._sentences():
            expected = f"one line of at most {MAX_SENTENCE} characters, without mark-up"
            require(is_sayable(sentence), name, expected, sentence)

    def _sentences(self) -> tuple[tuple[str, str], ...]:
        """Field and value of everything that is said word for word."""
        reasons = tuple(("reasons", reason) for reason in self.reasons)
        always = tuple(("always", sentence) for sentence in self.always)
        step = (("next_step", self.next_step),) if self.next_step else ()
        return (*reasons, *step, *always)
