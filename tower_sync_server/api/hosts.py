"""Only requests for the tower's own names are answered: a page elsewhere can't rebind its own."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.errors import WrongHostError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp.typedefs import Middleware

    from tower_sync_server.api.routes import Handler


def hosts(allowed: Iterable[str]) -> Middleware:
    """Make the middleware for a tower that is reached by these names besides its addresses."""
    names = frozenset({"localhost", *(name.lower() for name in allowed)})

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request.headers.get("Host", ""), names):
            hint = "Use its address, or add the name to http.allowed_hosts."
            raise WrongHostError("The tower has another name.", hint)
        return await handler(request)

    return middleware


def is_ours(authority: str, names: frozenset[str]) -> bool:
    """True for an address, which nobody rebinds, and for these names."""
    name = authority.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
