"""GET /sync: what is still only here. POST /sync/retry, POST /sync/compare: what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.answers import Asked, Letter, Retried, SyncState
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
            Operation(
                method="POST",
                path="/sync/retry",
                handler=self.retry,
                summary="Send again, once, what the tower refused",
                tag="sync",
                scope=Scope.ADMIN,
                replies={200: Reply("How much that is.", Retried)},
            ),
            Operation(
                method="POST",
                path="/sync/compare",
                handler=self.compare,
                summary="Compare now what is here with what the tower holds",
                tag="sync",
                scope=Scope.ADMIN,
                replies={202: Reply("GET /sync says when it is done.", Asked)},
            ),
        )

    async def show(self, _request: web.Request) -> web.Response:
        """Show the backlog."""
        waiting = await self._store.backlog()
        compared = await self._store.compared()
        state = SyncState(
            cases=waiting.cases,
            parcels=waiting.parcels,
            bytes=waiting.size,
            dead=waiting.dead,
            oldest=None if waiting.oldest_us is None else from_us(waiting.oldest_us),
            link=None if self._uplink is None else self._uplink.status(),
            letters=await letters(self._store) if waiting.dead else (),
            compared=compared.at,
            unconfirmed=compared.unconfirmed,
            lost=compared.lost,
        )
        return as_json(state)

    async def retry(self, _request: web.Request) -> web.Response:
        """Queue again what the tower refused; it goes once, and is refused again or not."""
        return as_json(Retried(await self._store.revive()))

    async def compare(self, _request: web.Request) -> web.Response:
        """Have both ends compared."""
        if self._uplink is not None:
            self._uplink.compare()
        connected = self._uplink is not None and self._uplink.status().connected
        return as_json(Asked(connected), status=202)


async def letters(store: Cases) -> tuple[Letter, ...]:
    """What the tower refused for good, newest first."""
    found = await store.dead_letters()
    return tuple(Letter(p.case_id, p.rev, p.kind.value, p.reason) for p in found)
