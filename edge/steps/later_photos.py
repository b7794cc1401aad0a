"""A case says of its first photo what is on it; what only a later one shows goes to a person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.case import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.detection import Prediction


def with_later_photos(
    decision: Decision, first: Sequence[Prediction], later: Sequence[Sequence[Prediction]]
) -> Decision:
    """Send a case to a person whose later photos show what its first does not.

    Args:
        decision: on the first photo.
        first: what the models saw on it.
        later: what they saw on each of the others, in their order.
    """
    known = set(_labels(first))
    reasons = tuple(
        f"photo {number} shows '{label}', which photo 1 does not"
        for number, predictions in enumerate(later, start=2)
        for label in dict.fromkeys(_labels(predictions))
        if label not in known
    )
    if not reasons:
        return decision
    return replace(decision, outcome=Outcome.NEEDS_REVIEW, reasons=(*decision.reasons, *reasons))


def _labels(predictions: Sequence[Prediction]) -> Iterator[str]:
    return (p.label for p in predictions if p.shown and p.refines is None)
