"""The pages for everybody who may sign in: cases, one case, the devices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from tower_sync_server.api.cases import DeviceQuery, ListQuery
from tower_sync_server.api.devices import with_held_back
from tower_sync_server.api.guard import by
from tower_sync_server.api.render import WEB, page
from tower_sync_server.api.validate import case_id, checked, query, texts
from tower_sync_server.api.views import card

if TYPE_CHECKING:
    from collections.abc import Callable

    from tower_sync_server.api.guard import Doors
    from tower_sync_server.api.health import Intake
    from tower_sync_server.archive.history import Histories
    from tower_sync_server.archive.listing import Listing
    from tower_sync_server.archive.removal import Removal
    from tower_sync_server.people.words import By

PER_PAGE = 24


class Pages:
    """What a person sees of the archive."""

    def __init__(
        self,
        listing: Listing,
        histories: Histories,
        removal: Removal,
        intake: Intake,
        doors: Doors,
    ) -> None:
        """Rows from `listing` and `histories`; `intake` says what is wrong."""
        self._listing = listing
        self._histories = histories
        self._removal = removal
        self._intake = intake
        self._doors = doors

    def routes(self) -> list[web.AbstractRouteDef]:
        """What it answers."""
        return [
            web.get("/", self.cases),
            web.get("/page/cases/{id}", self.case),
            web.post("/page/cases/{id}/delete", self.delete),
            web.post("/page/cases/{id}/restore", self.restore),
            web.post("/page/cases/{id}/purge", self.purge),
            web.get("/page/devices", self.devices),
            web.static("/static", WEB / "static"),
        ]

    async def cases(self, request: web.Request) -> web.Response:
        """Show a page of cases."""
        given = {name: value for name, value in texts(request).items() if value}
        wanted = checked(ListQuery, {"limit": str(PER_PAGE), **given})
        found = await asyncio.to_thread(
            self._listing.page, wanted.filter(), wanted.cursor, wanted.limit
        )
        following = urlencode({**given, "cursor": found.next or ""})
        context = {
            "trouble": self._intake.reason,
            "given": given,
            "narrowed": bool(given.keys() - {"cursor", "limit"}),
            "cases": [card(entry) for entry in found.entries],
            "next": f"/?{following}" if found.next else "",
        }
        return page("cases.html", request, context)

    async def case(self, request: web.Request) -> web.Response:
        """Show one case with everything about it."""
        case, device = case_id(request), query(DeviceQuery, request).device
        entry, history = await asyncio.gather(
            asyncio.to_thread(self._listing.case, case, device),
            asyncio.to_thread(self._histories.of, case, device),
        )
        body = entry.body
        context = {
            "case": body,
            "receipt": entry.receipt,
            "history": history,
            "who": urlencode({"device": body["device"]}),
        }
        return page("case.html", request, context)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a case softly."""
        return await self._do(request, self._removal.delete)

    async def restore(self, request: web.Request) -> web.Response:
        """Undo that."""
        return await self._do(request, self._removal.restore)

    async def purge(self, request: web.Request) -> web.Response:
        """Remove it for good."""
        await self._do(request, self._removal.purge)
        return _go("/?status=deleted")

    async def devices(self, request: web.Request) -> web.Response:
        """Show every device."""
        found = with_held_back(await asyncio.to_thread(self._listing.devices), self._intake)
        return page("devices.html", request, {"devices": found, "trouble": self._intake.reason})

    async def _do(
        self, request: web.Request, what: Callable[[str, str | None, By], None]
    ) -> web.Response:
        case, device = case_id(request), query(DeviceQuery, request).device
        await asyncio.to_thread(what, case, device, by(request, self._doors))
        suffix = f"?{urlencode({'device': device})}" if device else ""
        return _go(f"/page/cases/{case}{suffix}")


def _go(where: str) -> web.Response:
    """Have the browser ask for a page after a form."""
    return web.Response(status=303, headers={"Location": where})
