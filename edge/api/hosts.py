"""Only requests for this device are answered.

A page somewhere on the internet can give its own name the device's address (DNS rebinding) and so
reach it from inside the house; the name it asks for gives it away.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aiohttp import web

from edge.errors import BadRequestError, WrongHostError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp.typedefs import Middleware

    from edge.api.operation import Handler


def host_name(authority: str) -> str:
    """The name in a Host header, lower-case, without port, brackets and final dot."""
    name = authority.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    if name.count(":") == 1:
        name = name.partition(":")[0]
    return name.rstrip(".")


def is_ours(authority: str, names: frozenset[str]) -> bool:
    """True for an address (nobody rebinds those), for localhost, and for the device's names."""
    name = host_name(authority)
    if name == "localhost" or name.endswith(".localhost") or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def hosts(device: str, allowed: Iterable[str]) -> Middleware:
    """Make the middleware for a device of this name that is also reached by `allowed`."""
    own = device.lower()
    names = frozenset({own, f"{own}.local", *(host_name(name) for name in allowed)})

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        authority = request.headers.get("Host", "")
        if not authority:
            raise BadRequestError("The request names no host.", "Send a Host header.")
        if not is_ours(authority, names):
            raise WrongHostError(
                "This device has another name.",
                "Use its address, or add the name to http.allowed_hosts.",
            )
        return await handler(request)

    return middleware
