"""What people say about a case: reject, feedback, delete, restore."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from edge.api.auth import who
from edge.api.cases import existing
from edge.api.operation import JSON, Handler, Operation, Reply, Scope
from edge.api.replies import as_json
from edge.api.validate import case_id, checked, json_object, known_id
from edge.events import EventKind
from edge.feedback import heard, rejection
from models.case import Case, Feedback
from models.detection import Prediction, Source

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Cases
    from edge.events import Events
    from edge.ports import Clock

Reason = Annotated[str, Field(min_length=1, max_length=1000, description="In their own words.")]
MAX_CORRECTIONS = 300
Pixel = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class RejectBody(BaseModel):
    """Why a case is of no use."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Reason


class RejectById(RejectBody):
    """Which case is of no use, and why."""

    id: str = Field(
        max_length=64,
        description="The case; `case_id` does as well.",
        validation_alias=AliasChoices("id", "case_id"),
    )


class Correction(BaseModel):
    """What should have been seen."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: str = Field(min_length=1, max_length=200)
    box: Annotated[list[Pixel], Field(min_length=4, max_length=4)] = Field(
        description="x1, y1, x2, y2 in pixels of the upright original."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Correction:
        x1, y1, x2, y2 = self.box
        if x1 > x2 or y1 > y2 or not all(math.isfinite(v) for v in self.box):
            raise ValueError("expected x1 ≤ x2 and y1 ≤ y2")
        return self

    def prediction(self) -> Prediction:
        """As a person says it: with certainty."""
        x1, y1, x2, y2 = self.box
        return Prediction(self.label, 1.0, (x1, y1, x2, y2), Source.DETECTOR)


class FeedbackBody(BaseModel):
    """What a person says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Literal["correct", "wrong", "reject"]
    reason: str = Field("", max_length=1000, description="In their own words.")
    corrections: Annotated[list[Correction], Field(max_length=MAX_CORRECTIONS)] = Field(
        default=[], description="What should have been seen."
    )


class CaseWords:
    """Takes what people say about a case."""

    def __init__(self, store: Cases, events: Events, clock: Clock) -> None:
        """Keep it in `store`, tell `events`."""
        self._store = store
        self._events = events
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        rows: tuple[tuple[str, str, Handler, str, dict[str, type[BaseModel]]], ...] = (
            ("POST", "/cases/{id}/reject", self.reject, "Reject a case", {JSON: RejectBody}),
            ("POST", "/cases/reject", self.reject_by_id, "Reject a case", {JSON: RejectById}),
            ("POST", "/cases/{id}/feedback", self.say, "Correct a case", {JSON: FeedbackBody}),
            ("DELETE", "/cases/{id}", self.delete, "Delete a case; it can be restored", {}),
            ("POST", "/cases/{id}/restore", self.restore, "Restore a deleted case", {}),
        )
        return tuple(
            Operation(
                method=method,
                path=path,
                handler=handler,
                summary=summary,
                tag="cases",
                scope=Scope.CAPTURE if body else Scope.ADMIN,
                body=body,
                replies={200: Reply("The case as it is now.", Case)},
            )
            for method, path, handler, summary, body in rows
        )

    async def reject(self, request: web.Request) -> web.Response:
        """Reject the case in the path."""
        wanted = case_id(request)
        body = checked(RejectBody, await json_object(request))
        return await self._reject(wanted, body.reason, who(request))

    async def reject_by_id(self, request: web.Request) -> web.Response:
        """Reject the case in the body."""
        body = checked(RejectById, await json_object(request))
        return await self._reject(known_id(body.id), body.reason, who(request))

    async def say(self, request: web.Request) -> web.Response:
        """Keep what a person says."""
        wanted = case_id(request)
        body = checked(FeedbackBody, await json_object(request))
        said = Feedback(
            at=self._clock.now(),
            by=who(request),
            verdict=body.verdict,
            reason=body.reason,
            corrections=tuple(each.prediction() for each in body.corrections),
        )
        return as_json(await self.hear(wanted, said))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete softly."""
        return as_json(await self.remove(case_id(request)))

    async def restore(self, request: web.Request) -> web.Response:
        """Undo a deletion."""
        return as_json(await self.bring_back(case_id(request)))

    async def hear(self, wanted: str, said: Feedback) -> Case:
        """Apply what was said, and tell whoever listens."""
        await existing(self._store, wanted)
        return self._told(await self._store.revise(wanted, lambda case: heard(case, said)))

    async def remove(self, wanted: str) -> Case:
        """Delete softly, and tell whoever listens."""
        await existing(self._store, wanted)
        return self._told(await self._store.delete(wanted))

    async def bring_back(self, wanted: str) -> Case:
        """Undo a deletion, and tell whoever listens."""
        return self._told(await self._store.restore(wanted))

    async def _reject(self, wanted: str, reason: str, by: str) -> web.Response:
        return as_json(await self.hear(wanted, rejection(reason, by, self._clock.now())))

    def _told(self, case: Case) -> Case:
        data = {"id": case.id, "status": case.status.value, "rev": case.rev}
        self._events.publish(EventKind.CASE_CHANGED, data)
        return case
