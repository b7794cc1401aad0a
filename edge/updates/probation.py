"""Watches a version that has begun to serve: does it crash, is it slow?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from edge.updates.budget import over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.ports import Clock, VisionStatus

LOOK_S = 1.0
"""Between two looks."""
FEWEST_TIMES = 20
"""Photos from which a latency says anything."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a version has to keep to."""

    seconds: float = 24 * 3600.0
    """How long."""
    crashes: int = 3
    """Workers it may not lose."""
    slower: float = 1.5
    """Its 95th percentile over that of the version before; more is too slow."""
    down_s: float = 30.0
    """How long nothing may serve."""


class Watched(Protocol):
    """What serves; `WorkerVision` is one."""

    def status(self) -> VisionStatus:
        """How it is."""
        ...

    def recent_ms(self) -> tuple[float, ...]:
        """How long the latest photos took since these models serve, milliseconds."""
        ...


class Probation:
    """Watches one version at a time."""

    def __init__(
        self,
        vision: Watched,
        clock: Clock,
        terms: Terms,
        budgets: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Keep the parts, and by which model's id how long a photo may take."""
        self._vision = vision
        self._clock = clock
        self._terms = terms
        self._budgets = budgets

    async def run(self, ref: str, usual_ms: float, before: float = 0.0) -> str | None:
        """Watch until it is over, or has to be.

        Args:
            ref: id@version of what serves.
            usual_ms: 95th percentile of the version before; 0: not known, and any will do.
            before: seconds that it was watched before the device was restarted.

        Returns:
            Why it must not serve any longer; "" where it has proved itself, None where another
            version serves.
        """
        began, restarts = self._clock.monotonic(), self._vision.status().restarts
        up = began
        while (now := self._clock.monotonic()) - began < self._terms.seconds - before:
            status = self._vision.status()
            up = now if status.ready else up
            if status.ready and ref not in {model.ref for model in status.models}:
                return refusal(status, ref)
            why = judge(
                self._terms,
                status.restarts - restarts,
                now - up,
                self._vision.recent_ms(),
                usual_ms,
            )
            why = why or self._over_budget(ref)
            if why:
                return why
            await asyncio.sleep(LOOK_S)
        return ""

    def _over_budget(self, ref: str) -> str:
        times = self._vision.recent_ms()
        if len(times) < FEWEST_TIMES:
            return ""
        return over(p95(times), ref.partition("@")[0], self._budgets)


def refusal(status: VisionStatus, ref: str) -> str | None:
    """Why the worker left out a version; None where it wasn't asked for it."""
    # One that took workers down is named by its id: there is but one version of it in a worker.
    return status.refused.get(ref) or status.refused.get(ref.partition("@")[0])


def judge(
    terms: Terms, crashes: int, down_s: float, times: Sequence[float], usual_ms: float
) -> str:
    """Why a version must not serve any longer; "" where all is well."""
    if crashes >= terms.crashes:
        return f"the vision worker was lost {crashes} times"
    if down_s >= terms.down_s:
        return f"nothing has served for {down_s:.0f} s"
    slow = p95(times)
    if usual_ms and len(times) >= FEWEST_TIMES and slow > terms.slower * usual_ms:
        return f"it takes {slow:.0f} ms where {usual_ms:.0f} ms were usual (p95)"
    return ""


def p95(times: Sequence[float]) -> float:
    """The 95th percentile, by the nearest rank; 0 of nothing."""
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)] if times else 0.0
