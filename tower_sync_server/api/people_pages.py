"""The pages about people: one's own, and for admins everybody and the audit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from tower_sync_server.api.body import body
from tower_sync_server.api.guard import by, visitor_of
from tower_sync_server.api.render import page
from tower_sync_server.api.sign_in import NewPassword
from tower_sync_server.api.users import AuditQuery, GivenPassword, NewRole, NewUser
from tower_sync_server.api.validate import checked, texts
from tower_sync_server.errors import TowerError
from tower_sync_server.people.words import Action, Role

if TYPE_CHECKING:
    from tower_sync_server.api.guard import Doors
    from tower_sync_server.api.sign_in import SignInApi
    from tower_sync_server.people.audit import Audit
    from tower_sync_server.people.people import People


class PeoplePages:
    """What a person sees of people."""

    def __init__(self, people: People, audit: Audit, sign_in: SignInApi, doors: Doors) -> None:
        """`sign_in` changes one's own password."""
        self._people = people
        self._audit = audit
        self._sign_in = sign_in
        self._doors = doors

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/page/me", self.me),
            web.post("/page/me", self.change),
            web.get("/page/people", self.all),
            web.post("/page/people", self.add),
            web.post("/page/people/{name}/role", self.role),
            web.post("/page/people/{name}/password", self.password),
            web.post("/page/people/{name}/remove", self.remove),
            web.get("/page/audit", self.audit),
        ]

    async def me(self, request: web.Request) -> web.Response:
        """Show who is signed in."""
        return self._me(request, None)

    async def change(self, request: web.Request) -> web.Response:
        """Change one's own password."""
        try:
            await self._sign_in.change_password(request, await body(NewPassword, request))
        except TowerError as e:
            return self._me(request, e)
        return web.Response(status=303, headers={"Location": "/sign-in"})

    async def all(self, request: web.Request) -> web.Response:
        """Show everybody."""
        return await self._all(request)

    async def add(self, request: web.Request) -> web.Response:
        """Let somebody sign in."""
        try:
            new = await body(NewUser, request)
            name, who = new.user.strip().lower(), by(request, self._doors)
            await asyncio.to_thread(self._people.add, name, new.role, new.password, who)
        except TowerError as e:
            return await self._all(request, error=e)
        return await self._all(request, f"{name} may sign in now.")

    async def role(self, request: web.Request) -> web.Response:
        """Change what somebody may do."""
        name, who = request.match_info["name"], by(request, self._doors)
        try:
            new = await body(NewRole, request)
            await asyncio.to_thread(self._people.set_role, name, new.role, who)
        except TowerError as e:
            return await self._all(request, error=e)
        return await self._all(request, f"{name} is {new.role.value} now, and signed out.")

    async def password(self, request: web.Request) -> web.Response:
        """Give somebody another password."""
        name, who = request.match_info["name"], by(request, self._doors)
        try:
            new = await body(GivenPassword, request)
            await asyncio.to_thread(self._people.set_password, name, new.password, who)
        except TowerError as e:
            return await self._all(request, error=e)
        return await self._all(request, f"{name} has another password, and is signed out.")

    async def remove(self, request: web.Request) -> web.Response:
        """Let somebody in no more."""
        name, who = request.match_info["name"], by(request, self._doors)
        try:
            await asyncio.to_thread(self._people.remove, name, who)
        except TowerError as e:
            return await self._all(request, error=e)
        return await self._all(request, f"{name} is removed.")

    async def audit(self, request: web.Request) -> web.Response:
        """Show what was done."""
        given = {name: value for name, value in texts(request).items() if value}
        wanted = checked(AuditQuery, given)
        found = await asyncio.to_thread(
            self._audit.page, wanted.before, wanted.limit + 1, wanted.who, wanted.action
        )
        shown = found[: wanted.limit]
        following = urlencode({**given, "before": shown[-1].no}) if shown else ""
        context = {
            "entries": shown,
            "given": given,
            "actions": [action.value for action in Action],
            "next": f"/page/audit?{following}" if len(found) > wanted.limit else "",
        }
        return page("audit.html", request, context)

    def _me(self, request: web.Request, error: TowerError | None) -> web.Response:
        visitor = visitor_of(request)
        status = 200 if error is None else error.status
        return page("me.html", request, {"visitor": visitor, "error": error}, status)

    async def _all(
        self, request: web.Request, done: str = "", error: TowerError | None = None
    ) -> web.Response:
        users = await asyncio.to_thread(self._people.all)
        context = {"users": users, "roles": list(Role), "done": done, "error": error}
        return page("people.html", request, context, 200 if error is None else error.status)
