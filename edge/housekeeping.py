"""Keeps the disk in order: what may go goes, and what should go and can't is said aloud."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.ports import Clock
    from edge.store.store import Store

EVERY_S = 600.0
"""Between two rounds."""

log = logging.getLogger(__name__)


class Housekeeping:
    """Applies the retention rules, round after round."""

    def __init__(self, store: Store, clock: Clock, every_s: float = EVERY_S) -> None:
        """Keep the parts; `run` does the work."""
        self._store = store
        self._clock = clock
        self._every_s = every_s
        self._said = ""

    async def run(self) -> None:
        """Make a round now and every so often, until cancelled."""
        while True:
            if self._clock.trusted():  # a wrong clock makes everything old, or nothing
                await self._round()
            await asyncio.sleep(self._every_s)

    async def _round(self) -> None:
        try:
            await self._store.saw(self._clock.now())
            decided = await self._store.purge()
        except EdgeError as e:  # a full disk passes; the next round tries again
            log.warning("retention failed: %s %s", e.message, e.hint)
            return
        if decided.go:
            log.info("retention removed %d things", len(decided.go))
        if decided.reason and decided.reason != self._said:
            log.warning("retention: %s", decided.reason)
        self._said = decided.reason
