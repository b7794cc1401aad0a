"""GET /cases, GET /cases/{id}, its /image and its /history."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sync.messages import Kind
from tower_sync_server.api.pictures import send_blob
from tower_sync_server.api.replies import as_json, case_body
from tower_sync_server.api.validate import case_id, query
from tower_sync_server.archive.listing import Filter
from tower_sync_server.errors import NotFoundError

if TYPE_CHECKING:
    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.history import Histories
    from tower_sync_server.archive.listing import Listing

ASK = "private, no-cache"
"""Kept by the browser, and asked for again: whoever signs out sees it no more."""
PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
"""What a browser is told to show; anything else that a device sent is only handed out."""


class DeviceQuery(BaseModel):
    """Whose case, where two devices sent one of the same id."""

    model_config = ConfigDict(extra="forbid")

    device: str | None = Field(None, max_length=64)


class ListQuery(DeviceQuery):
    """What a list can be narrowed down by; what is empty narrows nothing."""

    status: str | None = Field(None, max_length=32)
    label: str | None = Field(None, max_length=200)
    profile: str | None = Field(None, max_length=128)
    flag: Literal["", "doubted"] | None = Field(
        None, description="doubted: a model that was being tried saw something else."
    )
    since: datetime | None = Field(None, description="Taken then or later.")
    until: datetime | None = Field(None, description="Taken before.")
    q: str | None = Field(
        None, max_length=200, description="Words in its labels, summary, form or device."
    )
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")

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
        """Without an offset it is the tower's own time."""
        try:
            return value.astimezone() if value is not None and value.tzinfo is None else value
        except (OverflowError, OSError) as e:
            raise ValueError("outside the calendar") from e

    def filter(self) -> Filter:
        """As the archive takes it."""
        return Filter(
            device=self.device or None,
            status=self.status or None,
            label=self.label or None,
            profile=self.profile or None,
            flag=self.flag or None,
            since=self.since,
            until=self.until,
            q=self.q or None,
        )


class ImageQuery(DeviceQuery):
    """Which picture."""

    variant: Literal["original", "thumb"] = "original"
    n: int = Field(0, ge=0, le=99, description="Which of the case's photos, from 0.")


class CasesApi:
    """Shows cases and their photos."""

    def __init__(self, listing: Listing, histories: Histories, blobs: Blobs) -> None:
        """Rows from `listing` and `histories`, pictures from `blobs`."""
        self._listing = listing
        self._histories = histories
        self._blobs = blobs

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/cases", self.list),
            web.get("/cases/{id}", self.get),
            web.get("/cases/{id}/image", self.image),
            web.get("/cases/{id}/history", self.history),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """List cases, newest first."""
        wanted = query(ListQuery, request)
        page = await asyncio.to_thread(
            self._listing.page, wanted.filter(), wanted.cursor, wanted.limit
        )
        return as_json({"cases": [case_body(e) for e in page.entries], "next": page.next})

    async def get(self, request: web.Request) -> web.Response:
        """Show one case."""
        device = query(DeviceQuery, request).device
        entry = await asyncio.to_thread(self._listing.case, case_id(request), device)
        return as_json(case_body(entry))

    async def history(self, request: web.Request) -> web.Response:
        """Show how one case came."""
        device = query(DeviceQuery, request).device
        return as_json(await asyncio.to_thread(self._histories.of, case_id(request), device))

    async def image(self, request: web.Request) -> web.StreamResponse:
        """Show one of its photos."""
        wanted, case = query(ImageQuery, request), case_id(request)
        entry = await asyncio.to_thread(self._listing.case, case, wanted.device)
        images = entry.receipt.images
        if wanted.n >= len(images):
            raise NotFoundError(f"This case has {len(images)} photo(s).", "They count from 0.")
        kind = Kind.THUMB if wanted.variant == "thumb" else Kind.IMAGE
        found = await asyncio.to_thread(
            self._listing.blob, case, wanted.device, images[wanted.n].sha256, kind
        )
        headers = {
            "Cache-Control": ASK,
            "Content-Type": found.media_type
            if found.media_type in PICTURES
            else "application/octet-stream",
        }
        return await send_blob(request, self._blobs, found.sha256, headers)
