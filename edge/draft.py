"""A case before the store has given it its place in the sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from models.case import Case, Decision, Estimate, FormValue, ImageRecord, Status, Summary
from models.detection import Prediction
from models.quality import Quality


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """Everything of a `Case` but `id`, `seq`, `rev` and `sync`, which the store gives."""

    device: str
    """The device that made it."""
    profile: str
    """Which profile judged it."""
    created: datetime
    """Wall time, with its offset."""
    status: Status
    """Accepted or needs review."""
    images: tuple[ImageRecord, ...]
    """At least one, in the order of the photos given with the draft."""
    quality: Quality
    """Of the first image."""
    predictions: tuple[Prediction, ...]
    """Everything above `keep`."""
    decision: Decision
    """What was decided."""
    form: Mapping[str, FormValue]
    """What a person typed."""
    summary: Summary
    """The template's text."""
    models: Mapping[str, str]
    """Role → id@version."""
    estimate: Estimate | None = None
    """Where the profile has a price table."""
    primary: int | None = None
    """Index of the prediction that is the subject."""
    clock_ok: bool = True
    """Whether the wall clock was trusted."""
    boot: str = ""
    """Id of the boot."""
    monotonic: float = field(default=0.0)
    """Seconds since that boot."""

    def numbered(self, case_id: str, seq: int) -> Case:
        """The case, at its first revision."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Case(id=case_id, seq=seq, rev=1, **values)
