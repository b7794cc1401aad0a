"""POST /yolo: one image to detections, and nothing kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.answers import Detections
from edge.api.operation import Operation, Reply, Scope
from edge.api.photo import PROFILE, photo_body, refuse_others
from edge.api.replies import as_json
from edge.api.upload import read_upload
from models.detection import Source

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Looks


class Yolo:
    """Runs the models on one image."""

    def __init__(self, pipeline: Looks, max_bytes: int) -> None:
        """Take images of at most `max_bytes`."""
        self._pipeline = pipeline
        self._max_bytes = max_bytes

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/yolo",
                handler=self.detect,
                summary="Detect what is on one image, and keep nothing",
                tag="photos",
                scope=Scope.CAPTURE,
                body=photo_body({"profile": PROFILE}),
                replies={200: Reply("What the models see.", Detections)},
                looks_only=True,
            ),
        )

    async def detect(self, request: web.Request) -> web.Response:
        """Detect on one image."""
        upload = await read_upload(request, self._max_bytes)
        refuse_others(upload, ("profile",))
        seen = await self._pipeline.look(upload.image(), upload.one("profile"))
        boxes = tuple(p for p in seen.predictions if p.source is Source.DETECTOR)
        return as_json(
            Detections(
                detections=boxes,
                predictions=seen.predictions,
                width=seen.quality.measures.width,
                height=seen.quality.measures.height,
                quality=seen.quality,
                models=seen.models,
                timings=seen.timings,
                missing=seen.missing,
            )
        )
