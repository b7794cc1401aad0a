"""Checked photos that are being staged: answered for already, and given from memory until then."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edge.errors import EdgeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edge.ports import Inspection, Photo

Staged = tuple["Photo", "Inspection", str]
"""The photo, what was found out about it, by whose rules."""
MOST = 4
"""Photos in memory; with more of them an answer waits for the disk."""

log = logging.getLogger(__name__)


class WaitingRoom:
    """Writes photos behind the answer: nothing of them is promised to be durable."""

    def __init__(self, write: Callable[[str, Staged], Awaitable[None]]) -> None:
        """Put photos away with `write`: id and photo."""
        self._write = write
        self._inside: dict[str, tuple[Staged, asyncio.Task[None]]] = {}

    async def enter(self, image_id: str, staged: Staged) -> None:
        """Begin to write a photo; returns at once while few are inside."""
        task = asyncio.create_task(self._put_away(image_id, staged), name="stage")
        self._inside[image_id] = (staged, task)
        await asyncio.sleep(0)  # it has its place before whatever is written next
        while len(self._inside) > MOST:
            await asyncio.wait([next(iter(self._inside.values()))[1]])

    def find(self, image_id: str) -> Staged | None:
        """A photo that is still inside."""
        found = self._inside.get(image_id)
        return None if found is None else found[0]

    async def empty(self) -> None:
        """Wait until everything is written."""
        while self._inside:
            await asyncio.wait([task for _, task in self._inside.values()])

    async def _put_away(self, image_id: str, staged: Staged) -> None:
        try:
            await self._write(image_id, staged)
        except EdgeError as e:  # it will be asked for again: "waits here no more"
            log.warning("a checked photo was not kept: %s", e.message)
        finally:
            del self._inside[image_id]
