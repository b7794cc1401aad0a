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
MARKUP = frozenset("<>{}[]|\\`")
"""What no sentence may hold: it could mean something to whoever shows it."""


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

    def __post_init__(self) -> None:
        """A total has a currency, and nothing holds mark-up or control characters."""
        require(0 < len(self.subject) <= 80, "subject", "a word of at most 80 characters")
        require(len(self.findings) <= MAX_FINDINGS, "findings", f"at most {MAX_FINDINGS}")
        require(not self.total or bool(self.currency), "currency", "a code, since there is a total")
        number = re.fullmatch(r"([0-9]{1,12}(\.[0-9]{1,6})?)?", self.total)
        require(bool(number), "total", "a decimal from 0, as text", self.total)
        code = re.fullmatch(r"([A-Z]{3})?", self.currency)
        require(bool(code), "currency", "three capital letters of ISO 4217", self.currency)
        require(len(self.reasons) <= 12 and len(self.always) <= 4, "reasons, always", "fewer")
        for name, sentence in self._sentences():
            ok = len(sentence) <= 400 and is_plain(sentence)
            require(ok, name, "one line of at most 400 characters, without mark-up", sentence)

    def _sentences(self) -> tuple[tuple[str, str], ...]:
        """Field and value of everything that is said word for word."""
        reasons = tuple(("reasons", reason) for reason in self.reasons)
        always = tuple(("always", sentence) for sentence in self.always)
        return (*reasons, ("next_step", self.next_step), *always)
