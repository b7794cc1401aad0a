"""POST /sign-in and /sign-out, GET /session, POST /session/password; the pages for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import Field

from tower_sync_server.api.body import FORM, Body, body
from tower_sync_server.api.guard import VISITOR, by, local_path, visitor_of
from tower_sync_server.api.render import page
from tower_sync_server.api.replies import as_json
from tower_sync_server.errors import BadRequestError, NotAllowedError, TowerError
from tower_sync_server.people.words import Action, Kind

if TYPE_CHECKING:
    from tower_sync_server.api.guard import Doors
    from tower_sync_server.people.door import Door
    from tower_sync_server.people.people import People
    from tower_sync_server.people.sessions import Sessions
    from tower_sync_server.people.words import Lifetimes, Visitor

MAX_PASSWORD = 1000


class SignIn(Body):
    """Name and password."""

    user: str = Field(max_length=64)
    password: str = Field(max_length=MAX_PASSWORD)
    next: str = Field("/", max_length=2000, description="Where a page goes then.")


class NewPassword(Body):
    """One's own password."""

    old: str = Field(max_length=MAX_PASSWORD)
    new: str = Field(max_length=MAX_PASSWORD)


class SignInApi:
    """Signs people in and out."""

    def __init__(
        self,
        door: Door,
        people: People,
        sessions: Sessions,
        doors: Doors,
        lifetimes: Lifetimes,
    ) -> None:
        """`door` checks passwords; `doors` says how people come in at all."""
        self._door = door
        self._people = people
        self._sessions = sessions
        self._doors = doors
        self._lifetimes = lifetimes

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/sign-in", self.asking),
            web.post("/sign-in", self.sign_in),
            web.post("/sign-out", self.sign_out),
            web.get("/session", self.session),
            web.post("/session/password", self.password),
        ]

    async def asking(self, request: web.Request) -> web.StreamResponse:
        """Ask for name and password."""
        after = local_path(request.query.get("next", "/"))
        if VISITOR in request:
            raise web.HTTPSeeOther(after)
        return await self._asking(request, after)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Check them, and give a cookie."""
        given = await body(SignIn, request)
        if not self._doors.ask:
            raise BadRequestError("Nobody has to sign in here.", 'http.auth is "open".')
        name, address = given.user.strip().lower(), self._doors.address(request)
        form = request.content_type == FORM
        try:
            token = await self._door.enter(name, given.password, address)
        except TowerError as e:
            if not form:
                raise
            return await self._asking(request, local_path(given.next), given.user, e)
        if form:
            answer = web.Response(status=303, headers={"Location": local_path(given.next)})
        else:
            visitor = await asyncio.to_thread(self._sessions.visitor, token)
            if visitor is None:  # removed in this very moment
                raise NotAllowedError("Nobody is signed in.", "Sign in again.")
            answer = as_json(shown(visitor))
        secure = self._doors.secure(request)
        answer.set_cookie(
            self._doors.cookie(request),
            token,
            max_age=int(self._lifetimes.total_s),
            httponly=True,
            samesite="Strict",
            secure=secure,
            path="/",
        )
        return answer

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session at once, on the tower too."""
        visitor = visitor_of(request)
        if visitor.kind is Kind.BROWSER:
            await asyncio.to_thread(self._sessions.close, visitor, by(request, self._doors))
        form = request.content_type == FORM
        answer = web.Response(status=303 if form else 204)
        if form:
            answer.headers["Location"] = "/sign-in"
        self._forget_cookie(request, answer)
        return answer

    async def session(self, request: web.Request) -> web.Response:
        """Say who is signed in."""
        return as_json(shown(visitor_of(request)))

    async def password(self, request: web.Request) -> web.StreamResponse:
        """Change one's own password; signs everywhere out."""
        given = await body(NewPassword, request)
        await self.change_password(request, given)
        answer = web.Response(status=204)
        self._forget_cookie(request, answer)
        return answer

    async def change_password(self, request: web.Request, given: NewPassword) -> None:
        """Check the old one, keep the new one.

        Raises:
            WrongPasswordError: the old one is wrong.
            BadFieldError: the new one can't be taken.
        """
        visitor, who = visitor_of(request), by(request, self._doors)
        if visitor.kind is not Kind.BROWSER:
            raise BadRequestError("Only who signed in with a password can change it.")
        await self._door.knock(visitor.name, given.old, who.address, Action.USER_PASSWORD)
        await asyncio.to_thread(self._people.set_password, visitor.name, given.new, who)

    def _forget_cookie(self, request: web.Request, answer: web.Response) -> None:
        """Take the cookie away."""
        secure = self._doors.secure(request)
        name = self._doors.cookie(request)
        answer.del_cookie(name, httponly=True, samesite="Strict", secure=secure)

    async def _asking(
        self, request: web.Request, after: str, user: str = "", error: TowerError | None = None
    ) -> web.Response:
        everybody = await asyncio.to_thread(self._people.all)
        context = {"next": after, "user": user, "error": error, "nobody": not everybody}
        status = 200 if error is None else error.status
        return page("sign_in.html", request, context, status)


def shown(visitor: Visitor) -> dict[str, Any]:
    """Who is signed in, and how; never the key."""
    return {"user": visitor.name, "role": visitor.role.value, "kind": visitor.kind.value}
