"""Serves an application; what HTTP's own parser refuses is answered in the shape of every error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edge.api.errors import CODES
from edge.api.replies import as_json, error_body

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest

HINT = "Send a request as RFC 9112 has it, with a header of at most 8 kB a line."


class Runner(web.AppRunner):
    """Runs an application on connections that answer so."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no handler was asked about: a request that is none."""
        plain = super().handle_error(request, status, exc, message)
        first = (message or "").strip().partition("\n")[0].rstrip(":.")
        said = f"This is no request: {first}." if first else "This is no request."
        code = CODES.get(status, "refused" if status < 500 else "internal")
        answer = as_json(error_body(code, said, HINT), plain.status)
        answer.force_close()
        return answer
