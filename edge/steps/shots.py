"""Which photo of a case is which shot of the profile's checklist, and what is still missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import BadFormError
from models.case import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.profile import Profile


def name_shots(given: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """Name every photo's shot; an unnamed one takes the next of the checklist.

    Args:
        given: the photos' shots as they came, "" where none was named.
        profile: whose checklist applies; without one, names are kept as they are.

    Raises:
        BadFormError: the checklist has no such shot, or a shot came twice.
    """
    known = [shot.name for shot in profile.shots]
    if not known:
        return tuple(given)
    unknown = [shot for shot in given if shot and shot not in known]
    if unknown:
        raise BadFormError(f"There is no shot {unknown[0]!r}.", f"Known are: {', '.join(known)}.")
    free = iter([name for name in known if name not in given])
    named = tuple(shot or next(free, "") for shot in given)
    twice = [shot for shot in named if shot and named.count(shot) > 1]
    if twice:
        raise BadFormError(f"The shot {twice[0]!r} came twice.", "Send each shot once.")
    return named


def with_missing_shots(decision: Decision, shots: Sequence[str], profile: Profile) -> Decision:
    """Send a case to a person whose required shots are not all there."""
    missing = [s.name for s in profile.shots if s.required and s.name not in shots]
    if not missing:
        return decision
    reasons = tuple(f"the shot '{name}' of the checklist is missing" for name in missing)
    return replace(decision, outcome=Outcome.NEEDS_REVIEW, reasons=(*decision.reasons, *reasons))
