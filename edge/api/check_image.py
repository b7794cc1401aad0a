"""POST /check-image: is this photo usable, and what is on it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.answers import CheckAnswer
from edge.api.operation import Operation, Reply, Scope
from edge.api.photo import FORM_TEXT, PROFILE, form_of, photo_body, refuse_others
from edge.api.replies import as_json
from edge.api.upload import read_upload

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Looks
    from edge.pipeline import Verdict


class CheckImage:
    """Judges photos without keeping a case."""

    def __init__(self, pipeline: Looks, max_bytes: int) -> None:
        """Take photos of at most `max_bytes`."""
        self._pipeline = pipeline
        self._max_bytes = max_bytes

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/check-image",
                handler=self.check,
                summary="Judge a photo; nothing becomes a case yet",
                tag="photos",
                scope=Scope.CAPTURE,
                body=photo_body({"profile": PROFILE, "form": FORM_TEXT}),
                replies={200: Reply("The verdict.", CheckAnswer)},
                looks_only=True,
            ),
        )

    async def check(self, request: web.Request) -> web.Response:
        """Judge one photo."""
        upload = await read_upload(request, self._max_bytes)
        refuse_others(upload, ("profile", "form"))
        verdict = await self._pipeline.check(upload.image(), upload.one("profile"), form_of(upload))
        return as_json(answer(verdict))


def answer(verdict: Verdict) -> CheckAnswer:
    """The verdict in the contract's shape."""
    seen = verdict.inspection
    return CheckAnswer(
        status=verdict.status,
        message=verdict.message,
        blur_score=seen.quality.measures.blur_score,
        quality=seen.quality,
        predictions=seen.predictions,
        image_id=verdict.image_id,
        timings=seen.timings,
        decision=verdict.decision,
        summary=verdict.summary,
        models=seen.models,
        missing=seen.missing,
        estimate=verdict.estimate,
    )
