"""GET /devices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.api.replies import as_json

if TYPE_CHECKING:
    from tower_sync_server.archive.listing import Listing


class DevicesApi:
    """Shows the fleet."""

    def __init__(self, listing: Listing) -> None:
        """Rows from `listing`."""
        self._listing = listing

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.get("/devices", self.list)]

    async def list(self, _request: web.Request) -> web.Response:
        """Every device, by name."""
        return as_json({"devices": await asyncio.to_thread(self._listing.devices)})
