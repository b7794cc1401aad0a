"""The port of HTTPS: who doesn't get on with the handshake is let go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import ssl

HANDSHAKE_S = 10.0
"""Longest that a handshake may take. Before its end a connection counts as nobody's."""


class SecureSite(web.TCPSite):
    """Serves HTTPS as aiohttp's site does, which waits a minute for a handshake."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        context: ssl.SSLContext,
        handshake_s: float = HANDSHAKE_S,
    ) -> None:
        """Listen on `host` and `port` with `context`."""
        super().__init__(runner, host, port, ssl_context=context)
        self._handshake_s = handshake_s

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: somebody else does.
        """
        await web.BaseSite.start(self)
        serve = self._runner.server
        if serve is None:
            raise RuntimeError("the runner was not set up")
        self._server = await asyncio.get_running_loop().create_server(
            serve,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=self._handshake_s,
        )
