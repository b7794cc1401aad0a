"""POST /capture: the device's own camera takes a photo, and it becomes a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.operation import Operation, Reply, Scope
from edge.api.replies import as_json
from models.case import Case

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Capture


class CaptureApi:
    """Presses the button."""

    def __init__(self, capture: Capture) -> None:
        """Take photos with `capture`."""
        self._capture = capture

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/capture",
                handler=self.take,
                summary="Take a photo with the device's camera",
                tag="photos",
                scope=Scope.CAPTURE,
                replies={
                    201: Reply("The case, which is durable now.", Case),
                    200: Reply("The case that this photo had become before.", Case),
                },
            ),
        )

    async def take(self, _request: web.Request) -> web.Response:
        """Take a photo."""
        case, created = await self._capture.take()
        return as_json(case, 201 if created else 200, {"Location": f"/cases/{case.id}"})
