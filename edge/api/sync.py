"""GET /sync: what is still only here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.answers import SyncState
from edge.api.operation import Operation, Reply, Scope
from edge.api.replies import as_json
from edge.store.times import from_us

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Cases
    from edge.ports import Link


class SyncApi:
    """Says how far the cases have travelled."""

    def __init__(self, store: Cases, uplink: Link | None = None) -> None:
        """Ask `store` and `uplink`."""
        self._store = store
        self._uplink = uplink

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/sync",
                handler=self.show,
                summary="What is still only on this device",
                tag="sync",
                scope=Scope.VIEW,
                replies={200: Reply("The backlog.", SyncState)},
            ),
        )

    async def show(self, _request: web.Request) -> web.Response:
        """Show the backlog."""
        waiting = await self._store.backlog()
        oldest = None if waiting.oldest_us is None else from_us(waiting.oldest_us)
        link = None if self._uplink is None else self._uplink.status()
        state = SyncState(waiting.cases, waiting.parcels, waiting.size, waiting.dead, oldest, link)
        return as_json(state)
