"""Decides from what devices report whether a version goes on to the next ring, or stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.offer import Offer, Ring
from models.rollout import DeviceReport, Outcome, Restraint, Result

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

NOBODY = "no device of an open ring was heard lately"


@dataclass(frozen=True, slots=True)
class Limits:
    """When it stops and when it goes on."""

    max_failed: float = 0.05
    """Share of the devices that tried it which may fail; below one device nobody may."""
    proved: float = 0.8
    """Share of an open ring's devices on which it has to be proved before the next ring opens."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A device that said something lately."""

    device: str
    """Its name."""
    report: DeviceReport
    """What it says."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Pause the version."""

    reason: str
    """For people."""
    failed: tuple[str, ...]
    """The devices that it failed on."""


@dataclass(frozen=True, slots=True)
class Open:
    """Let the next ring begin."""

    ring: Ring
    """That one."""
    reason: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Leave it as it is."""

    reason: str
    """For people."""


Verdict = Stop | Open | Wait


def judge(
    offer: Offer,
    restraint: Restraint,
    heard: Sequence[Heard],
    forgiven: Collection[str] = (),
    limits: Limits | None = None,
) -> Verdict:
    """Decide about one version.

    Args:
        offer: what people signed.
        restraint: what the tower says of it now.
        heard: every device that was heard lately; one that is silent holds nobody up.
        forgiven: devices whose failure a person has looked at.
        limits: when to stop.
    """
    limits = limits or Limits()
    if restraint.blacklisted:
        return Wait("blacklisted")
    if restraint.paused:
        return Wait("paused")
    said = [(one, one.report.of(offer.id, offer.version)) for one in heard]
    tried = [one.device for one, outcome in said if outcome and outcome.result is not Result.UNFIT]
    failed = [
        one.device
        for one, outcome in said
        if outcome and outcome.result.is_failure and one.device not in forgiven
    ]
    if len(failed) > limits.max_failed * len(tried):
        return Stop(_why(failed, tried, said), tuple(failed))
    return _next(offer, restraint, said, limits)


def _next(
    offer: Offer,
    restraint: Restraint,
    said: Sequence[tuple[Heard, Outcome | None]],
    limits: Limits,
) -> Verdict:
    now = offer.ring.narrower_of(restraint.hold)
    if now is offer.ring:
        return Wait(f"open to {now.value}, which is all that is allowed")
    concerned = [
        outcome
        for one, outcome in said
        if now.reaches(one.report.ring) and not _is_unfit(offer, one, outcome)
    ]
    if not concerned:
        return Wait(NOBODY)
    proved = sum(1 for outcome in concerned if outcome and outcome.result.is_success)
    told = f"proved on {proved} of {len(concerned)} devices up to ring {now.value}"
    if proved and proved >= limits.proved * len(concerned):
        return Open(now.wider, told)
    return Wait(told)


def _is_unfit(offer: Offer, one: Heard, outcome: Outcome | None) -> bool:
    """Whether this device never will try it."""
    if outcome is not None:
        return outcome.result is Result.UNFIT
    kind = one.report.device_class
    return kind is not None and kind not in offer.classes


def _why(
    failed: Sequence[str], tried: Sequence[str], said: Sequence[tuple[Heard, Outcome | None]]
) -> str:
    first = next(o for one, o in said if one.device == failed[0] and o is not None)
    because = f": {first.reason}" if first.reason else ""
    told = f"{len(failed)} of {len(tried)} devices that tried it failed"
    return f"{told}; {failed[0]} {first.result.value}{because}"[:300]
