"""A photo as soon as one lies in the watched folder."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edge.errors import CameraError
from edge.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

LOOKING_S = 30.0
"""Longest that a look at the folder may take (it may be on a network)."""


class ArrivalTrigger:
    """Fires while something waits."""

    name = "as photos arrive"

    def __init__(self, waiting: Callable[[], bool], poll_s: float = 0.5) -> None:
        """Ask `waiting`, which may block, every `poll_s` seconds."""
        self._waiting = waiting
        self._poll_s = poll_s

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Return when something waits; a folder that can't be read is the watchdog's to report."""
        del glance
        while True:
            try:
                if await in_thread(self._waiting, LOOKING_S):
                    return
            except (CameraError, TimeoutError) as e:
                log.debug("can't look for photos: %s", e)
            await asyncio.sleep(self._poll_s)

    def close(self) -> None:
        """Hold nothing."""
