"""GET /cases/{id}/image: the original, a thumbnail, or the one with the boxes drawn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from edge.api.cases import existing
from edge.api.operation import ETAG, Operation, Reply, Scope
from edge.api.validate import case_id, query
from edge.errors import NotFoundError

if TYPE_CHECKING:
    from edge.api.parts import Cases
    from edge.ports import Vision
    from models.case import Case, ImageRecord

FOREVER = "private, max-age=31536000, immutable"
"""For what is named by its content."""
ASK_AGAIN = "private, no-cache"
"""For what changes with the case."""
CACHED_BYTES = 8_000_000
"""Annotated pictures kept in memory."""


class ImageQuery(BaseModel):
    """Which picture."""

    model_config = ConfigDict(extra="forbid")

    variant: Literal["original", "annotated", "thumb"] = "original"
    n: int = Field(0, ge=0, le=99, description="Which of the case's photos, from 0.")


class CaseImage:
    """Shows the photos of cases."""

    def __init__(self, store: Cases, vision: Vision) -> None:
        """Photos from `store`; `vision` draws."""
        self._store = store
        self._vision = vision
        self._drawn = Drawn(CACHED_BYTES)

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/cases/{id}/image",
                handler=self.image,
                summary="A photo of a case",
                tag="cases",
                scope=Scope.VIEW,
                query=ImageQuery,
                headers={"If-None-Match": "The ETag of what is already there."},
                replies={
                    200: Reply("The picture.", media_type="image/*"),
                    206: Reply("A part of it.", media_type="image/*"),
                    304: Reply("It is the same still.", media_type=""),
                    416: Reply("There is no such part.", media_type=""),
                },
            ),
        )

    async def image(self, request: web.Request) -> web.StreamResponse:
        """Show one."""
        wanted = query(ImageQuery, request)
        case = await existing(self._store, case_id(request))
        if wanted.n >= len(case.images):
            raise NotFoundError(f"This case has {len(case.images)} photo(s).", "They count from 0.")
        record = case.images[wanted.n]
        if wanted.variant == "annotated" and wanted.n == 0:
            return await self._annotated(request, case, record)
        etag = f"{record.sha256}-{wanted.variant}"
        if _has(request, etag):
            return _same(etag, FOREVER)
        find = self._store.thumbnail if wanted.variant == "thumb" else self._store.image
        file = await find(case.id, wanted.n)
        request[ETAG] = etag
        headers = {"Content-Type": file.media_type, "Cache-Control": FOREVER}
        return web.FileResponse(file.path, headers=headers)

    async def _annotated(
        self, request: web.Request, case: Case, record: ImageRecord
    ) -> web.StreamResponse:
        etag = f"{record.sha256}-annotated-{case.rev}"
        if _has(request, etag):
            return _same(etag, ASK_AGAIN)
        data = self._drawn.get(etag)
        if data is None:
            file = await self._store.image(case.id)
            photo = await asyncio.to_thread(file.path.read_bytes)
            data = await self._vision.annotate(photo, case.predictions)
            self._drawn.put(etag, data)
        request[ETAG] = etag
        headers = {"Cache-Control": ASK_AGAIN}
        return web.Response(body=data, content_type="image/jpeg", headers=headers)


class Drawn:
    """The last few annotated pictures, by bytes."""

    def __init__(self, max_bytes: int) -> None:
        """Keep at most `max_bytes`."""
        self._max = max_bytes
        self._size = 0
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The picture, which now is the last one to go."""
        data = self._pictures.get(key)
        if data is not None:
            self._pictures.move_to_end(key)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep it, and let the oldest go until there is room."""
        self._size += len(data) - len(self._pictures.pop(key, b""))
        self._pictures[key] = data
        while self._size > self._max:
            _, gone = self._pictures.popitem(last=False)
            self._size -= len(gone)


def _has(request: web.Request, etag: str) -> bool:
    known = request.if_none_match or ()
    return any(each.value in (etag, "*") for each in known)


def _same(etag: str, caching: str) -> web.Response:
    return web.Response(status=304, headers={"ETag": f'"{etag}"', "Cache-Control": caching})
