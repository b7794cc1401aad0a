"""Who is asking, from where, and whether they may: before any handler."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol
from urllib.parse import quote, urlsplit

from aiohttp import web

from tower_sync_server.api.routes import is_page, rule_of
from tower_sync_server.errors import ForbiddenError, NotAllowedError
from tower_sync_server.people.words import By, Kind, Role, Visitor

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from tower_sync_server.api.routes import Handler

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PLAIN_COOKIE, SECURE_COOKIE = "edgecase_tower", "__Host-edgecase_tower"
"""A browser takes the second one only over TLS, for this host, and no other can set it."""
VISITOR: web.RequestKey[Visitor] = web.RequestKey("visitor", Visitor)
"""Whoever is signed in; absent on the routes of everybody where nobody is."""
EVERYBODY = Visitor("", Role.ADMIN, Kind.OPEN)
"""On a tower that asks nobody: whoever is on this machine."""


class Knows(Protocol):
    """Finds who holds a token; `Sessions` is one."""

    def visitor(self, token: str) -> Visitor | None:
        """None: nobody."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """How people come in."""

    ask: bool
    """Whether they have to sign in."""
    proxied: bool = False
    """Whether a proxy does TLS before the tower, and says who asks in X-Forwarded-For."""

    def secure(self, request: web.Request) -> bool:
        """Whether what goes to the browser is encrypted on its way."""
        return request.secure or self.proxied

    def cookie(self, request: web.Request) -> str:
        """The name of the cookie."""
        return SECURE_COOKIE if self.secure(request) else PLAIN_COOKIE

    def address(self, request: web.Request) -> str:
        """Who asks: the other end of the connection, or whom the proxy saw there."""
        peer = request.remote or ""
        if not self.proxied:
            return peer
        last = ",".join(request.headers.getall("X-Forwarded-For", [])).rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(last))
        except ValueError:
            return peer


@web.middleware
async def origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another site has a browser send.

    Browsers say where a request comes from; programs say nothing, and have no cookie to steal.
    """
    if request.method not in SAFE and not from_here(
        request.headers.get("Sec-Fetch-Site"),
        request.headers.get("Origin"),
        request.headers.get("Host", ""),
    ):
        hint = "Use the tower's own pages, or a program with a token."
        raise ForbiddenError("This was sent by a page of another site.", hint)
    return await handler(request)


def from_here(site: str | None, origin: str | None, host: str) -> bool:
    """Decide from the three headers whether one of our own pages, or no page at all, sent it."""
    if site is not None:
        return site in ("same-origin", "none")
    if origin is None:
        return True
    return bool(host) and urlsplit(origin).netloc.lower() == host.strip().lower()


def guard(sessions: Knows, doors: Doors) -> Middleware:
    """Make the middleware that lets nobody use what the table of routes doesn't allow them."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        rule = rule_of(request)
        visitor = await find_visitor(request, sessions, doors)
        if visitor is not None:
            request[VISITOR] = visitor
        if rule.role is not None:
            if visitor is None:
                _sign_in_first(request)
            if not visitor.role.may(rule.role):
                raise ForbiddenError(
                    f"This needs the role {rule.role.value}; yours is {visitor.role.value}.",
                    "Ask an admin of this tower.",
                )
        return await handler(request)

    return middleware


async def find_visitor(request: web.Request, sessions: Knows, doors: Doors) -> Visitor | None:
    """Who holds the token of a request; a program's goes before a browser's."""
    if not doors.ask:
        return EVERYBODY
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        token = request.cookies.get(doors.cookie(request), "")
    elif kind.lower() != "bearer":
        return None
    return await asyncio.to_thread(sessions.visitor, token.strip()) if token else None


def _sign_in_first(request: web.Request) -> NoReturn:
    """401, or for a person the page that asks."""
    if is_page(request):
        wanted = request.path_qs if request.method == "GET" else "/"
        where = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='')}"
        raise web.HTTPSeeOther(where)
    hint = "POST /sign-in, or send a token: Authorization: Bearer …"
    raise NotAllowedError("Nobody is signed in.", hint)


def visitor_of(request: web.Request) -> Visitor:
    """Whoever is signed in, in a handler of a route that asks for it."""
    return request[VISITOR]


def by(request: web.Request, doors: Doors) -> By:
    """Who asks and from where, for the audit."""
    return By(visitor_of(request).name or "(everybody)", doors.address(request))


def local_path(text: str) -> str:
    """A path of this tower to go to after signing in; "/" for anything else."""
    parts = urlsplit(text)
    plain = text.isascii() and text.isprintable() and "\\" not in text
    outside = parts.scheme or parts.netloc or text.startswith("//")
    return text if plain and text.startswith("/") and not outside else "/"
