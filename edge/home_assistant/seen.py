"""Reads off the device what Home Assistant is told of it."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.adapters.vision.pool import WorkerVision
from edge.errors import NotFoundError
from edge.home_assistant.words import Standing
from edge.ports import Clock, Writer
from edge.store.listing import Filter
from edge.store.store import Store
from edge.updates.make import Updates
from edge.vitals import Vitals
from models.case import Status

if TYPE_CHECKING:
    from edge.updates.status import UpdateStatus
    from models.case import Case

MOST = 200
"""Cases of a day that are counted; more is shown as so many."""


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """The device's own parts."""

    store: Store
    """Cases."""
    vision: WorkerVision
    """What looks."""
    writer: Writer
    """What writes."""
    updater: Updates
    """What brings models."""
    vitals: Vitals
    """How warm it is."""
    clock: Clock
    """For midnight."""

    async def standing(self) -> Standing:
        """How it is now."""
        midnight = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        newest = await self._newest()
        today = await self.store.list(Filter(since=midnight), None, MOST)
        counts = await self.store.counts()
        waiting, reading = await self.store.backlog(), await self.vitals.read()
        status = self.vision.status()
        free = await asyncio.to_thread(shutil.disk_usage, self.store.layout.root)
        return Standing(
            verdict=newest.status.value if newest else "",
            seen=_labels(newest) if newest else "",
            today=len(today.cases),
            to_review=counts.get(Status.NEEDS_REVIEW.value, 0),
            backlog=waiting.cases,
            temperature=reading.temperature,
            free_bytes=free.free,
            problem="" if status.ready else status.reason,
        )

    async def picture(self) -> bytes:
        """Thumbnail of the newest case, b"" without one."""
        newest = await self._newest()
        if newest is None:
            return b""
        try:
            file = await self.store.thumbnail(newest.id)
            return await asyncio.to_thread(file.path.read_bytes)
        except (NotFoundError, OSError):
            return b""

    def serving(self) -> tuple[str, ...]:
        """id@version of every model that serves."""
        looks = {model.ref for model in self.vision.status().models}
        return tuple(sorted(looks | {self.writer.status().model} - {""}))

    def updates(self) -> UpdateStatus:
        """What the updater is doing."""
        return self.updater.status()

    async def _newest(self) -> Case | None:
        page = await self.store.list(Filter(), None, 1)
        return page.cases[0] if page.cases else None


def _labels(case: Case) -> str:
    """What is on a case, each label once."""
    shown = (p.label for p in case.predictions if p.shown and p.refines is None)
    return ", ".join(dict.fromkeys(label.replace("_", " ") for label in shown))[:200]
