"""At the start: a chosen version that can't serve here makes way for the one before it.

It was copied in by hand, or rotted: whoever tried it before it was chosen has not seen this.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from edge.errors import EdgeError
from edge.events import EventKind
from edge.updates.probation import refusal
from models.rollout import Result

if TYPE_CHECKING:
    from edge.events import Events
    from edge.library.library import Model, ModelLibrary
    from edge.ports import VisionStatus
    from edge.updates.outcomes import Outcomes

log = logging.getLogger(__name__)


class Serves(Protocol):
    """What swaps models; `WorkerVision` is one."""

    async def ready(self) -> VisionStatus:
        """Wait until the first worker serves, or has failed to."""
        ...

    async def reload(self) -> VisionStatus:
        """Start what is active now, try it, and move the traffic to it."""
        ...


class Fallback:
    """Looks once, when the first worker serves."""

    def __init__(
        self, vision: Serves, library: ModelLibrary, outcomes: Outcomes, events: Events
    ) -> None:
        """Keep the parts."""
        self._vision = vision
        self._library = library
        self._outcomes = outcomes
        self._events = events

    async def run(self) -> None:
        """Look, and wait until cancelled."""
        await self.look()
        await asyncio.Event().wait()

    async def look(self) -> None:
        """Have the version before serve, of each model that the worker had to leave out."""
        status = await self._vision.ready()
        if not status.ready or not status.refused:
            return
        try:
            for model in await asyncio.to_thread(self._library.list):
                why = refusal(status, model.release.ref)
                if model.active and why:
                    await self._instead_of(model, why)
        except EdgeError as e:  # what serves goes on; a person is told
            log.error("no other version serves in its place: %s %s", e.message, e.hint)  # noqa: TRY400 - no trace

    async def _instead_of(self, model: Model, why: str) -> None:
        release = model.release
        log.error("%s can't serve: %s", release.ref, why)
        avoid = await asyncio.to_thread(self._outcomes.failed)
        other = await asyncio.to_thread(
            self._library.rollback, release.id, release.version, avoid.keys()
        )
        try:
            status = await self._vision.reload()
        except EdgeError:  # the fault is not the version's: leave things as they were chosen
            await asyncio.to_thread(self._library.activate, release.id, release.version)
            raise
        log.error("%s serves in the place of %s", other.release.ref, release.ref)
        await asyncio.to_thread(
            self._outcomes.note, release.id, release.version, Result.REFUSED, why
        )
        refs = sorted({each.ref for each in status.models})
        self._events.publish(EventKind.MODEL_SWAPPED, {"models": refs})
