"""What a person says about a case, applied to it. Rules only: no store, no request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import ConflictError
from models.case import Case, Feedback, Status

if TYPE_CHECKING:
    from datetime import datetime

VERDICT_STATUS = {"correct": Status.ACCEPTED, "reject": Status.REJECTED}
"""What a verdict makes of a case; `wrong` leaves it to a reviewer."""
MAX_SAID = 100
"""Entries of feedback on one case; more is no feedback."""


def heard(case: Case, said: Feedback) -> Case:
    """The case after somebody said this about it.

    Raises:
        ConflictError: the case is deleted, or has heard enough.
    """
    if case.status is Status.DELETED:
        raise ConflictError("This case is deleted.", "Restore it first.")
    if len(case.feedback) >= MAX_SAID:
        raise ConflictError(f"This case has {MAX_SAID} entries of feedback already.")
    status = VERDICT_STATUS.get(said.verdict, Status.NEEDS_REVIEW)
    return replace(case, status=status, feedback=(*case.feedback, said))


def rejection(reason: str, by: str, at: datetime) -> Feedback:
    """The feedback that a rejection is."""
    return Feedback(at=at, by=by, verdict="reject", reason=reason)
