"""GET, POST and DELETE /users, and GET /audit: people, and what they did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tower_sync_server.api.body import Body, body
from tower_sync_server.api.guard import by
from tower_sync_server.api.replies import as_json
from tower_sync_server.api.validate import query
from tower_sync_server.people.words import Role  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from tower_sync_server.api.guard import Doors
    from tower_sync_server.people.audit import Audit
    from tower_sync_server.people.people import People

MAX_PASSWORD = 1000


class NewUser(Body):
    """Somebody who may sign in from now on."""

    user: str = Field(max_length=64)
    role: Role
    password: str = Field(max_length=MAX_PASSWORD)


class NewRole(Body):
    """What somebody may do from now on."""

    role: Role


class GivenPassword(Body):
    """What somebody signs in with from now on."""

    password: str = Field(max_length=MAX_PASSWORD)


class AuditQuery(BaseModel):
    """Which lines."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=500)
    before: int | None = Field(None, ge=1, description="`next` of the page before.")
    who: str = Field("", max_length=64, description="Only what this user did.")
    action: str = Field("", max_length=32, description="Only this.")


class UsersApi:
    """People, for admins."""

    def __init__(self, people: People, audit: Audit, doors: Doors) -> None:
        """Everybody is known to `people`."""
        self._people = people
        self._audit = audit
        self._doors = doors

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/users", self.list),
            web.post("/users", self.add),
            web.delete("/users/{name}", self.remove),
            web.post("/users/{name}/role", self.role),
            web.post("/users/{name}/password", self.password),
            web.get("/audit", self.audit),
        ]

    async def list(self, _request: web.Request) -> web.Response:
        """Everybody, by name."""
        return as_json({"users": await asyncio.to_thread(self._people.all)})

    async def add(self, request: web.Request) -> web.Response:
        """Let somebody sign in."""
        new, who = await body(NewUser, request), by(request, self._doors)
        name = new.user.strip().lower()
        added = await asyncio.to_thread(self._people.add, name, new.role, new.password, who)
        return as_json(added, 201)

    async def remove(self, request: web.Request) -> web.Response:
        """Let somebody in no more."""
        name, who = request.match_info["name"], by(request, self._doors)
        await asyncio.to_thread(self._people.remove, name, who)
        return web.Response(status=204)

    async def role(self, request: web.Request) -> web.Response:
        """Change what somebody may do; signs them out."""
        new, who = await body(NewRole, request), by(request, self._doors)
        await asyncio.to_thread(self._people.set_role, request.match_info["name"], new.role, who)
        return web.Response(status=204)

    async def password(self, request: web.Request) -> web.Response:
        """Give somebody another password; signs them out."""
        new, who = await body(GivenPassword, request), by(request, self._doors)
        name = request.match_info["name"]
        await asyncio.to_thread(self._people.set_password, name, new.password, who)
        return web.Response(status=204)

    async def audit(self, request: web.Request) -> web.Response:
        """What was done, newest first."""
        wanted = query(AuditQuery, request)
        found = await asyncio.to_thread(
            self._audit.page, wanted.before, wanted.limit + 1, wanted.who, wanted.action
        )
        more = found[wanted.limit - 1].no if len(found) > wanted.limit else None
        return as_json({"audit": found[: wanted.limit], "next": more})
