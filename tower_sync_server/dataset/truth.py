"""What a reviewed case teaches: decided from the case alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from models.detection import Source
from tower_sync_server.dataset.words import Mark

if TYPE_CHECKING:
    from models.case import Case, Feedback

SHARES = (("train", 80), ("val", 90), ("test", 100))
"""Split → up to which percentile of the photos' hashes it goes."""


def truth_of(case: Case) -> tuple[Mark, ...] | None:
    """What is on the case's first photo, by the last word that a person said about it.

    Returns:
        Everything that is on it; empty where a person said that nothing is. None where nobody
        said what is on it: what only a model says is no truth to learn from.
    """
    said = case.feedback[-1] if case.feedback else None
    if said is None or said.verdict == "reject":
        return None
    if said.verdict == "correct":
        return _as_shown(case)
    return _as_corrected(said)


def split_of(sha256: str) -> str:
    """The part of the set that a photo belongs to, for good: by its hash, whatever comes later."""
    percentile = int(hashlib.sha256(f"split {sha256}".encode()).hexdigest()[:8], 16) % 100
    return next(split for split, end in SHARES if percentile < end)


def _as_shown(case: Case) -> tuple[Mark, ...]:
    """What people were shown and called correct, each with the grade of its crop."""
    grades = {
        p.refines: p.label
        for p in case.predictions
        if p.source is Source.CLASSIFIER and p.refines is not None
    }
    return tuple(
        Mark(p.label, p.box, grades.get(place, ""))
        for place, p in enumerate(case.predictions)
        if p.shown and p.source is Source.DETECTOR
    )


def _as_corrected(said: Feedback) -> tuple[Mark, ...] | None:
    """What a person drew; that it was wrong, without more, teaches nothing."""
    return tuple(Mark(p.label, p.box) for p in said.corrections) or None
