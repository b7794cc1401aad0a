"""GET /devices."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.api.replies import as_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tower_sync_server.api.health import Intake
    from tower_sync_server.archive.listing import DeviceRow, Listing


class DevicesApi:
    """Shows the fleet."""

    def __init__(self, listing: Listing, intake: Intake) -> None:
        """Rows from `listing`; `intake` counts what was too much."""
        self._listing = listing
        self._intake = intake

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.get("/devices", self.list)]

    async def list(self, _request: web.Request) -> web.Response:
        """Every device, by name."""
        rows = await asyncio.to_thread(self._listing.devices)
        return as_json({"devices": with_held_back(rows, self._intake)})


def with_held_back(rows: Iterable[DeviceRow], intake: Intake) -> list[DeviceRow]:
    """The rows with what the workers count of each."""
    counts = intake.held_back
    return [replace(row, held_back=counts.get(row.device, 0)) for row in rows]
