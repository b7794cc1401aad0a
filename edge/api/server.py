"""Serves an application to many at once, and bounds what one of them can hold.

What HTTP's own parser refuses is answered in the shape of every error.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edge.api.errors import CODES
from edge.api.rate import is_this_machine
from edge.api.replies import as_json, error_body
from edge.api.security import SERVER

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from aiohttp.web_request import BaseRequest

IDLE_S = 30.0
"""Longest that a connection may be silent, or take for the head of a request."""
MAX_CONNECTIONS = 400
"""Open at once; systemd grants 1,024 files, and every worker and photo needs some."""
MAX_OF_ONE = 64
"""Open at once from one address that isn't this machine's: ten phones' worth."""
log = logging.getLogger(__name__)

HINT = "Send a request as RFC 9112 has it, with a header of at most 8 kB a line."


class Runner(web.AppRunner):
    """Runs an application on such connections."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        """Take aiohttp's own options; a silent connection is closed after `IDLE_S`."""
        super().__init__(app, **{"keepalive_timeout": IDLE_S, **options})

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it, unless there are too many."""
        super().connection_made(transport)
        if too_many(_address(transport), [_address(c.transport) for c in self._others()]):
            transport.close()

    def _others(self) -> list[RequestHandler]:
        everybody = self._manager.connections if self._manager is not None else []
        return [each for each in everybody if each is not self]

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no handler was asked about: a request that is none, or whose client has gone.

        Neither is this device's fault: a phone that loses the Wi-Fi leaves no traceback in the log.
        """
        if status < 500 or isinstance(exc, ConnectionError):
            log.debug("%s: %s", request.remote, message or type(exc).__name__)
        else:
            self.log_exception("Error handling request from %s", request.remote, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        first = (message or "").strip().partition("\n")[0].rstrip(":.")
        said = f"This is no request: {first}." if first else "This is no request."
        code = CODES.get(status, "refused" if status < 500 else "internal")
        answer = as_json(error_body(code, said, HINT), status)
        answer.headers["Server"] = SERVER
        answer.force_close()
        return answer


def too_many(address: str, others: Sequence[str]) -> bool:
    """Decide whether one more connection of this address is too much, beside the others' addresses.

    This machine itself may have as many as there are.
    """
    if len(others) >= MAX_CONNECTIONS:
        return True
    return not is_this_machine(address) and others.count(address) >= MAX_OF_ONE


def _address(transport: asyncio.BaseTransport | None) -> str:
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else ""
