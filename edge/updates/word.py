"""A person's word: what waits for it serves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.library.library import ModelLibrary
    from edge.updates.course import Serves
    from edge.updates.make import Updates


async def serve_waiting(updates: Updates, library: ModelLibrary, vision: Serves) -> None:
    """Have every version serve that waits for a person's word; the updater watches it from then on.

    Raises:
        RefusedModelFileError: one does not start; what served goes on.
        NotFoundError: it has gone meanwhile.
    """
    waiting = updates.status().waiting
    for ref in waiting:
        ident, _, version = ref.partition("@")
        await asyncio.to_thread(library.activate, ident, version)
    if waiting:
        await vision.reload()
    updates.look_soon()
