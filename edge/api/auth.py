"""Who may do what: everybody on loopback (`open`), or whoever has a token with the scope."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.operation import SCOPES, TOKEN_ID, WHO, Scope, operation_of
from edge.errors import ConfigError, ForbiddenError, NotAllowedError

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from edge.api.doors import Doors
    from edge.api.operation import Handler
    from edge.api.parts import Holder, Tokens
    from edge.config import HttpSettings

COOKIE = "edgecase_token"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Its name over HTTPS: browsers take one of that name from nobody who only answers HTTP."""
MAX_TOKEN = 512
"""Characters; nothing longer is worth hashing."""


def refuse_open_doors(http: HttpSettings) -> None:
    """Refuse to listen to the network without asking for a token.

    Raises:
        ConfigError: `auth = "open"` on anything but loopback.
    """
    if http.auth == "open" and not _is_loopback(http.host):
        raise ConfigError(
            f'http.host = "{http.host}" with http.auth = "open": everybody could use the device.',
            'Set http.auth = "token", or http.host = "127.0.0.1".',
        )


def auth(mode: str, tokens: Tokens, doors: Doors) -> Middleware:
    """Make the middleware for `open` or `token`; `doors` ends the streams of revoked tokens."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        op = operation_of(request)
        if mode != "token" or op is None or op.scope is None:
            return await handler(request)
        holder = await _require(request, tokens, op.scope)
        if op.streams:
            return await doors.hold(request, holder.id, handler(request))
        return await handler(request)

    return middleware


def allows(scopes: frozenset[str], scope: Scope) -> bool:
    """True where the scopes include this one; `admin` includes all."""
    return scope.value in scopes or Scope.ADMIN.value in scopes


def may(request: web.Request, scope: str) -> bool:
    """True where whoever asks may do that; everybody may where nobody had to sign in."""
    scopes = request.get(SCOPES)
    return scopes is None or allows(scopes, Scope(scope))


def who(request: web.Request) -> str:
    """The name of whoever is signed in; "" on a device without sign-in."""
    return str(request.get(WHO, ""))


def own_token(request: web.Request) -> str:
    """The id of the token that the request came with; "" on a device without sign-in."""
    return str(request.get(TOKEN_ID, ""))


async def _require(request: web.Request, tokens: Tokens, scope: Scope) -> Holder:
    token = _token(request)
    holder = await tokens.verify_token(token) if token else None
    if holder is None:
        raise NotAllowedError(
            "This needs a token." if not token else "This token is not known here.",
            "Send Authorization: Bearer TOKEN, or sign in at /session.",
        )
    scopes = request[SCOPES] = frozenset(holder.scopes)
    if not allows(scopes, scope):
        raise ForbiddenError(
            f"This token does not allow it: it lacks the scope {scope.value!r}.",
            "Ask whoever runs the device for another token.",
        )
    request[WHO] = holder.name
    request[TOKEN_ID] = holder.id
    return holder


def _token(request: web.Request) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    kept = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE, "")
    token = value.strip() if scheme.lower() == "bearer" else kept
    return token if token.isascii() and len(token) <= MAX_TOKEN else ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
