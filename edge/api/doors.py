"""Ends what a token holds open once it is revoked, also by another process."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

EVERY_S = 0.5
"""Between two looks; a revoked token's streams end within twice as long."""


class Known(Protocol):
    """A token as it is listed."""

    @property
    def id(self) -> str:
        """Of the token."""
        ...

    @property
    def revoked(self) -> datetime | None:
        """Since when it opens nothing any more."""
        ...


class Doors:
    """Watches the tokens of streams; looks at none while no stream is open."""

    def __init__(
        self, tokens: Callable[[], Awaitable[Sequence[Known]]], every_s: float = EVERY_S
    ) -> None:
        """Ask `tokens` for all there are, every `every_s` seconds for all streams together."""
        self._tokens = tokens
        self._every_s = every_s
        self._at = float("-inf")
        self._look: asyncio.Future[frozenset[str]] | None = None

    async def hold(
        self, request: web.Request, token_id: str, work: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """Answer with `work`, which may go on for hours, for as long as the token is good.

        Once it is revoked the connection is cut, in the middle of whatever it was.
        """
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=self._every_s))[0]:
                if not await self._opens(token_id):
                    if request.transport is not None:
                        request.transport.abort()
                    return web.Response(status=401)  # nobody is left who could read it
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await task

    async def _opens(self, token_id: str) -> bool:
        now = asyncio.get_running_loop().time()
        if self._look is None or now - self._at >= self._every_s:
            self._at, self._look = now, asyncio.ensure_future(self._all())
        return token_id in await asyncio.shield(self._look)

    async def _all(self) -> frozenset[str]:
        return frozenset(token.id for token in await self._tokens() if token.revoked is None)
