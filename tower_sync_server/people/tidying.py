"""Once an hour: blobs that purged cases left, and sessions that are over."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from tower_sync_server.errors import TowerError

if TYPE_CHECKING:
    from tower_sync_server.people.sessions import Sessions

EVERY_S = 3600.0

log = logging.getLogger(__name__)


class Sweeps(Protocol):
    """Removes blobs that nothing refers to any more; `Removal` is one."""

    def sweep(self) -> int:
        """Gives how many."""
        ...


class Tidying:
    """Runs in the tower, beside HTTP."""

    def __init__(self, removal: Sweeps, sessions: Sessions) -> None:
        """Nothing is done yet."""
        self._removal = removal
        self._sessions = sessions

    async def run(self) -> None:
        """Tidy up until cancelled."""
        while True:
            await asyncio.to_thread(self.once)
            await asyncio.sleep(EVERY_S)

    def once(self) -> None:
        """Do it; what can't be done now is done the next time."""
        try:
            self._sessions.forget_ended()
            while self._removal.sweep():
                pass
        except TowerError as e:
            log.warning("not tidied up: %s", e)
