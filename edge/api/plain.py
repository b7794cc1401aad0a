"""What plain HTTP is good for, from the network, on a device that has HTTPS.

A page is sent to its place over HTTPS before anybody types a token into it; what a program asks for
is refused, after it was asked for its token like everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.hosts import host_name
from edge.api.operation import Scope, operation_of
from edge.api.rate import is_this_machine
from edge.api.replies import wants_html
from edge.errors import ForbiddenError
from edge.lan.place import url

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from edge.api.operation import Handler, Operation

PAIRING = ("/pair",)
SIGNING_IN = ("/session",)
"""Where a token crosses the network."""


def is_plainly_allowed(mode: str, op: Operation) -> bool:
    """Decide whether an operation may be asked for over plain HTTP.

    Args:
        mode: `http.plain`.
        op: the operation.
    """
    if mode == "all":
        return True
    if mode == "capture":
        return op.scope is not Scope.ADMIN
    if op.path in PAIRING:
        return mode == "pairing"
    return op.scope is None and op.path not in SIGNING_IN


def pages_go_to_https(mode: str, tls_port: int) -> Middleware:
    """Make the middleware that sends pages to HTTPS; it stands before anybody is asked who he is.

    Args:
        mode: `http.plain`.
        tls_port: where HTTPS is; 0: nowhere, and plain HTTP is good for everything.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        looks = request.method in ("GET", "HEAD") and wants_html(request)
        if not looks or not _is_too_plain(request, mode, tls_port):
            return await handler(request)
        target = url("https", host_name(request.headers["Host"]), tls_port)
        location = target.rstrip("/") + request.rel_url.raw_path_qs
        return web.Response(status=307, headers={"Location": location})

    return middleware


def refuse_plain(mode: str, tls_port: int) -> Middleware:
    """Make the middleware that refuses the rest; it stands behind the one that asks for tokens."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_too_plain(request, mode, tls_port):
            raise ForbiddenError(
                "Not over plain HTTP: others on the network could read it, the token too.",
                f'Use https:// and port {tls_port}, or set http.plain = "all".',
            )
        return await handler(request)

    return middleware


def is_from_here(request: web.Request) -> bool:
    """True where this very machine asks: over loopback, or from the address that it asks at."""
    if is_this_machine(request.remote or ""):
        return True
    transport = request.transport
    peer, own = (
        transport.get_extra_info(name) if transport is not None else None
        for name in ("peername", "sockname")
    )
    return isinstance(peer, tuple) and isinstance(own, tuple) and peer[0] == own[0]


def _is_too_plain(request: web.Request, mode: str, tls_port: int) -> bool:
    if not tls_port or request.secure or is_from_here(request):
        return False
    op = operation_of(request)
    return op is not None and not is_plainly_allowed(mode, op)
