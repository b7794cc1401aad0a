"""DELETE /cases/{id}, and POST to restore or purge it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.api.cases import DeviceQuery
from tower_sync_server.api.guard import by
from tower_sync_server.api.replies import as_json, case_body
from tower_sync_server.api.validate import case_id, query

if TYPE_CHECKING:
    from tower_sync_server.api.guard import Doors
    from tower_sync_server.archive.listing import Listing
    from tower_sync_server.archive.removal import Removal


class RemovalApi:
    """Deletes, restores and purges."""

    def __init__(self, removal: Removal, listing: Listing, doors: Doors) -> None:
        """`removal` does it; `listing` shows what came of it."""
        self._removal = removal
        self._listing = listing
        self._doors = doors

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.delete("/cases/{id}", self.delete),
            web.post("/cases/{id}/restore", self.restore),
            web.post("/cases/{id}/purge", self.purge),
        ]

    async def delete(self, request: web.Request) -> web.Response:
        """Leave a case out of lists; nothing is lost."""
        case, device = case_id(request), query(DeviceQuery, request).device
        await asyncio.to_thread(self._removal.delete, case, device, by(request, self._doors))
        return await self._shown(case, device)

    async def restore(self, request: web.Request) -> web.Response:
        """Undo that."""
        case, device = case_id(request), query(DeviceQuery, request).device
        await asyncio.to_thread(self._removal.restore, case, device, by(request, self._doors))
        return await self._shown(case, device)

    async def purge(self, request: web.Request) -> web.Response:
        """Remove a deleted case for good."""
        case, device = case_id(request), query(DeviceQuery, request).device
        await asyncio.to_thread(self._removal.purge, case, device, by(request, self._doors))
        return web.Response(status=204)

    async def _shown(self, case: str, device: str | None) -> web.Response:
        return as_json(case_body(await asyncio.to_thread(self._listing.case, case, device)))
