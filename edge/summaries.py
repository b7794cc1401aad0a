"""The summary that follows a case: the writer's words replace the template's once verified."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import DiskFullError, NotFoundError
from edge.events import EventKind
from edge.steps.summarise import facts_of_case
from models.case import Author

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.events import Events
    from edge.ports import Writer
    from edge.store.store import Store
    from models.case import Case, Summary
    from models.profile import Profile

WAITING = 1000
"""Cases that may wait for their words; more keep the template's text."""

log = logging.getLogger(__name__)


class Summaries:
    """Writes one summary at a time; the writer's child yields to photos by its low priority."""

    def __init__(
        self,
        writer: Writer,
        store: Store,
        events: Events,
        profiles: Mapping[str, Profile],
    ) -> None:
        """Keep the parts; `run` does the work."""
        self._writer = writer
        self._store = store
        self._events = events
        self._profiles = profiles
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)

    def follow(self, case_id: str) -> None:
        """Have this case written up when there is time."""
        if self._writer.status().engine == "template":
            return
        if self._waiting.full():
            log.warning("%d summaries wait: case %s keeps the template's text", WAITING, case_id)
            return
        self._waiting.put_nowait(case_id)

    async def run(self) -> None:
        """Write summaries until cancelled."""
        while True:
            case_id = await self._waiting.get()
            await self._write(case_id)

    async def _write(self, case_id: str) -> None:
        try:
            case = await self._store.get(case_id)
            profile = self._profiles.get(case.profile)
            if profile is None:
                return
            summary = await self._writer.write(facts_of_case(case, profile))
            if summary.author is Author.LLM:
                written = await self._store.revise(case_id, lambda now: _with(now, summary))
                self._events.publish(EventKind.SUMMARY_READY, id=case_id, rev=written.rev)
        except (NotFoundError, DiskFullError) as e:
            log.warning("case %s keeps the template's text: %s", case_id, e.message)


def _with(case: Case, summary: Summary) -> Case:
    return replace(case, summary=summary)
