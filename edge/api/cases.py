"""POST /cases, GET /cases, GET /cases/{id}."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, field_validator

from edge.api.answers import CaseList
from edge.api.operation import JSON, Operation, Reply, Scope
from edge.api.photo import KEEP_BODY, KeepRequest, keep_from_json, keep_from_upload
from edge.api.replies import as_json
from edge.api.upload import read_upload
from edge.api.validate import case_id, query
from edge.errors import BadFieldError, NotFoundError
from edge.store.listing import Filter
from models.case import Case, Status

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Cases, Looks

MAX_KEY = 200
"""Characters of an Idempotency-Key."""


class ListQuery(BaseModel):
    """What a list can be narrowed down by."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = Field(None, description="Deleted ones are listed only when asked for.")
    label: str | None = Field(None, max_length=200, description="Something of this was seen.")
    profile: str | None = Field(None, max_length=128, description="This profile judged them.")
    since: datetime | None = Field(
        None, description="Made at or after this; without an offset it is the device's own time."
    )
    until: datetime | None = Field(None, description="Made before this.")
    q: str | None = Field(None, max_length=200, description="Words of the form or the summary.")
    limit: int = Field(50, ge=1, le=200, description="Cases a page.")
    next: str | None = Field(None, max_length=500, description="The `next` of the page before.")
    cursor: str | None = Field(None, max_length=500, description="The same by its other name.")

    @field_validator("since", "until", mode="before")
    @classmethod
    def _plus_is_no_space(cls, value: object) -> object:
        """Undo what an unescaped + in a query becomes; a date alone is its midnight."""
        if not isinstance(value, str):
            return value
        try:
            return datetime.combine(date.fromisoformat(value), time())
        except ValueError:
            return value.replace(" ", "+") if "T" in value else value

    @field_validator("since", "until")
    @classmethod
    def _with_offset(cls, value: datetime | None) -> datetime | None:
        try:
            return value.astimezone() if value is not None and value.tzinfo is None else value
        except (OverflowError, OSError) as e:
            raise ValueError("outside the calendar") from e

    @property
    def place(self) -> str | None:
        """Where the page before ended."""
        return self.next or self.cursor

    def filter(self) -> Filter:
        """As the store takes it; what is empty narrows nothing."""
        return Filter(
            status=self.status,
            label=self.label or None,
            profile=self.profile or None,
            since=self.since,
            until=self.until,
            q=self.q or None,
        )


class CasesApi:
    """Makes cases and shows them."""

    def __init__(self, pipeline: Looks, store: Cases, max_bytes: int) -> None:
        """Take bodies of at most `max_bytes`."""
        self._pipeline = pipeline
        self._store = store
        self._max_bytes = max_bytes

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/cases",
                handler=self.create,
                summary="Make a case of a photo; answers when it is durable",
                tag="cases",
                scope=Scope.CAPTURE,
                headers={"Idempotency-Key": "The same key and content again gives the same case."},
                body=KEEP_BODY,
                replies={
                    201: Reply("The case, which is durable now.", Case),
                    200: Reply("The case that this key made before.", Case),
                },
            ),
            Operation(
                method="GET",
                path="/cases",
                handler=self.list,
                summary="List cases, newest first",
                tag="cases",
                scope=Scope.VIEW,
                query=ListQuery,
                replies={200: Reply("A page of them.", CaseList)},
            ),
            Operation(
                method="GET",
                path="/cases/{id}",
                handler=self.get,
                summary="One case",
                tag="cases",
                scope=Scope.VIEW,
                replies={200: Reply("The case.", Case)},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        """Make a case."""
        wanted = await self._wanted(request)
        case, created = await self._pipeline.keep(
            wanted.submissions,
            profile=wanted.profile,
            form=wanted.form,
            device=wanted.device,
            idempotency_key=idempotency_key(request),
        )
        return as_json(case, 201 if created else 200, {"Location": f"/cases/{case.id}"})

    async def list(self, request: web.Request) -> web.Response:
        """List cases."""
        wanted = query(ListQuery, request)
        page = await self._store.list(wanted.filter(), wanted.place, wanted.limit)
        return as_json(CaseList(page.cases, page.next))

    async def get(self, request: web.Request) -> web.Response:
        """Show one case."""
        return as_json(await existing(self._store, case_id(request)))

    async def _wanted(self, request: web.Request) -> KeepRequest:
        if request.content_type == JSON:
            return await keep_from_json(request)
        return keep_from_upload(await read_upload(request, self._max_bytes))


async def existing(store: Cases, wanted: str) -> Case:
    """The case, unless it is deleted.

    Raises:
        NotFoundError: there is none (any more).
    """
    case = await store.get(wanted)
    if case.status is Status.DELETED:
        raise NotFoundError("This case was deleted.", f"POST /cases/{wanted}/restore undoes it.")
    return case


def idempotency_key(request: web.Request) -> str | None:
    """The request's key.

    Raises:
        BadFieldError: not 1 to 200 printable ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise BadFieldError(f"Idempotency-Key: expected 1 to {MAX_KEY} printable ASCII characters")
    return key
