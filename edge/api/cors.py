"""Which pages may call: our own, and those of the origins that the settings name.

A request that may change something and comes from another page is refused here: that is the
protection against forged requests, together with the cookie's SameSite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.operation import ORIGIN, operation_of
from edge.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp.typedefs import Middleware

    from edge.api.operation import Handler

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ALLOW_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
ALLOW_METHODS = "GET, HEAD, POST, DELETE"


def is_same_origin(request: web.Request, origin: str) -> bool:
    """True where `origin` is the page's own: same host and port as the request was sent to."""
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and authority.lower() == request.headers["Host"].lower()


def cors(origins: Iterable[str]) -> Middleware:
    """Make the middleware; `origins` are scheme://host[:port]."""
    listed = frozenset(origin.rstrip("/").lower() for origin in origins)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        trusted = origin is not None and origin.lower() in listed
        if _is_preflight(request):
            return _preflight(origin if trusted else None)
        if request.method not in SAFE and not trusted and _is_foreign(request, origin):
            op = operation_of(request)
            what = op.summary if op else "This"
            raise ForbiddenError(
                f"{what}: not for a page of another site.",
                "Add its origin to http.cors_origins if it is yours.",
            )
        if origin is not None and trusted:
            request[ORIGIN] = origin
        return await handler(request)

    return middleware


async def add_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Before an answer leaves: say that the page may read it, where it may."""
    origin = request.get(ORIGIN)
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
        response.headers.add("Vary", "Origin")


def _is_foreign(request: web.Request, origin: str | None) -> bool:
    site = request.headers.get("Sec-Fetch-Site")  # no page can make a browser say this
    if origin == "null":  # a form of ours, whose pages send no referrer; or a page without a home
        return site != "same-origin"
    if origin is not None:
        return not is_same_origin(request, origin)
    return site not in (None, "none", "same-origin")  # programs send neither


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _preflight(origin: str | None) -> web.Response:
    if origin is None:
        raise ForbiddenError(
            "Pages of that origin may not call this device.",
            "Add it to http.cors_origins if it is yours.",
        )
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": ALLOW_METHODS,
        "Access-Control-Allow-Headers": ALLOW_HEADERS,
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }
    return web.Response(status=204, headers=headers)
