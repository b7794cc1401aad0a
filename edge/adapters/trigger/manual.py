"""No trigger: photos are taken when somebody asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class ManualTrigger:
    """Never fires; `POST /capture` takes photos."""

    name = "on request"

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Wait for ever."""
        del glance
        await asyncio.Event().wait()

    def close(self) -> None:
        """Hold nothing."""
