"""GET /cases/{id}/report.pdf: a case to print or to hand on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.cases import existing
from edge.api.operation import Operation, Reply, Scope
from edge.api.render import language_of
from edge.api.validate import case_id
from edge.errors import EdgeError
from edge.report import write_report

if TYPE_CHECKING:
    from edge.api.parts import Cases, Looks
    from edge.ports import Vision
    from models.case import Case

PDF = "application/pdf"


class ReportApi:
    """Writes cases up."""

    def __init__(self, store: Cases, vision: Vision, pipeline: Looks) -> None:
        """Cases from `store`, boxes drawn by `vision`, the form's labels from `pipeline`."""
        self._store = store
        self._vision = vision
        self._pipeline = pipeline

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/cases/{id}/report.pdf",
                handler=self.report,
                summary="A case as a PDF",
                tag="cases",
                scope=Scope.VIEW,
                replies={200: Reply("The PDF.", media_type=PDF)},
            ),
        )

    async def report(self, request: web.Request) -> web.Response:
        """Write it."""
        case = await existing(self._store, case_id(request))
        photos = [await self._photo(case, number) for number in range(len(case.images))]
        profile, say = self._pipeline.profiles.get(case.profile), language_of(request).say
        body = await asyncio.to_thread(write_report, case, profile, photos, say)
        headers = {"Content-Disposition": f'inline; filename="case-{case.seq}.pdf"'}
        return web.Response(body=body, content_type=PDF, headers=headers)

    async def _photo(self, case: Case, number: int) -> bytes:
        """The first with its boxes; its thumbnail, or nothing, where it has left the device."""
        try:
            file = await self._store.image(case.id, number)
            data = await asyncio.to_thread(file.path.read_bytes)
            return await self._vision.annotate(data, () if number else case.predictions)
        except (EdgeError, OSError):
            pass
        try:
            small = await self._store.thumbnail(case.id, number)
            return await asyncio.to_thread(small.path.read_bytes)
        except (EdgeError, OSError):
            return b""
