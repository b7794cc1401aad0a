"""The facts of a case that a summary may speak of, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from models.case import Outcome
from models.jsonable import require


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
    """Where in the picture: `upper left`, `centre`, …; "" where there are several."""

    def __post_init__(self) -> None:
        """Refuse what can't be counted."""
        require(bool(self.label), "label", "a name")
        require(self.count >= 1, "count", "at least 1", self.count)
        require(0 <= self.confidence <= 1, "confidence", "0..1", self.confidence)


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
        """A total has a currency."""
        require(bool(self.subject), "subject", "a word")
        require(not self.total or bool(self.currency), "currency", "a code, since there is a total")
