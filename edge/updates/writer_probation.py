"""Watches a language model that has begun to write: can its texts be used?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from edge.updates import probation

if TYPE_CHECKING:
    from edge.ports import Clock, WriterStatus
    from edge.updates.probation import Terms

FEWEST_TEXTS = 5
"""Texts from which a share of them says anything."""


class Writes(Protocol):
    """What writes; `LlmWriter` is one."""

    def status(self) -> WriterStatus:
        """How it is."""
        ...


class WriterProbation:
    """Watches one version at a time."""

    def __init__(self, writer: Writes, clock: Clock, terms: Terms) -> None:
        """Keep the parts."""
        self._writer = writer
        self._clock = clock
        self._terms = terms

    async def run(self, ref: str, before: float = 0.0) -> str | None:
        """Watch until it is over, or has to be; see `Probation.run`."""
        began, first = self._clock.monotonic(), self._writer.status()
        while self._clock.monotonic() - began < self._terms.seconds - before:
            status = self._writer.status()
            if status.model != ref:
                return None
            if why := judge(first, status):
                return why
            await asyncio.sleep(probation.LOOK_S)
        return ""


def judge(first: WriterStatus, now: WriterStatus) -> str:
    """Why a version must not write any longer; "" where all is well.

    Args:
        first: how the writer was when this version began.
        now: how it is.
    """
    if now.engine == "template":
        return now.reason
    used, lost = now.written - first.written, now.lost - first.lost
    if used + lost >= FEWEST_TEXTS and lost > used:
        return f"{lost} of {used + lost} texts could not be used"
    return ""
