"""Who watches a version on probation: does it crash, is it slow, does it see something else?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from models.release import Task

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path
    from typing import Any

    from edge.library.library import Model
    from edge.updates.probation import Probation
    from edge.updates.writer_probation import WriterProbation


class Compares(Protocol):
    """Looks at new photos with another version too; `Shadow` is one."""

    async def run(self, model: str, folder: Path) -> str:
        """Why what serves is worse than the version in `folder`; "" where both see the same."""
        ...


class Watches:
    """Everybody who watches; the first that has something to say ends a probation."""

    def __init__(self, eyes: Probation, writer: WriterProbation, agreement: Compares) -> None:
        """Keep the parts.

        Args:
            eyes: watches what looks.
            writer: watches what writes.
            agreement: compares what looks with the version before.
        """
        self._eyes = eyes
        self._writer = writer
        self._agreement = agreement

    async def run(
        self, model: Model, previous: Model | None, usual_ms: float, before: float
    ) -> str | None:
        """Watch until it is over, or has to be; see `Probation.run`.

        Args:
            model: what serves now.
            previous: what served before; None where there was nothing.
            usual_ms: see `Probation.run`.
            before: seconds that it was watched before the device was restarted.
        """
        release = model.release
        if release.task is Task.WRITE:
            return await self._writer.run(release.ref, before)
        watching = self._eyes.run(release.ref, usual_ms, before)
        if previous is None:
            return await watching
        return await _first(watching, self._drift(release.id, previous.folder))

    async def _drift(self, model: str, folder: Path) -> str:
        """Why it sees too much else than the version before; never returns where it doesn't."""
        why = await self._agreement.run(model, folder)
        if not why:
            await asyncio.Event().wait()
        return why


async def _first(*works: Coroutine[Any, Any, str | None]) -> str | None:
    """What the first of them says; the others are ended."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
