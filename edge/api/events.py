"""GET /events: server-sent events, with what was missed since Last-Event-ID."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.operation import Operation, Reply, Scope
from edge.errors import UnavailableError
from edge.events import EventKind
from models.jsonable import to_json

if TYPE_CHECKING:
    from edge.events import Event, Events, Subscription

HEARTBEAT_S = 15.0
"""A comment after this long without an event, so that nobody takes the line for dead."""
MAX_LISTENERS = 64
"""At most this many streams at once."""


class EventsApi:
    """Streams what happens."""

    def __init__(self, events: Events, heartbeat_s: float = HEARTBEAT_S) -> None:
        """Listen to `events`; say something at least every `heartbeat_s` seconds."""
        self._events = events
        self._heartbeat_s = heartbeat_s

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        kinds = f"A stream of these: {', '.join(EventKind)}."
        return (
            Operation(
                method="GET",
                path="/events",
                handler=self.stream,
                summary="What happens, as it happens (server-sent events)",
                tag="events",
                scope=Scope.VIEW,
                headers={"Last-Event-ID": "The last event seen; what came after it is repeated."},
                replies={200: Reply(kinds, media_type="text/event-stream")},
                streams=True,
            ),
        )

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Stream until the client goes or the daemon stops."""
        if self._events.listeners >= MAX_LISTENERS:
            raise UnavailableError("Too many pages listen already.", "Close one.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        async with self._events.listen(request.headers.get("Last-Event-ID")) as heard:
            with contextlib.suppress(ConnectionResetError):  # the page was closed
                await self._tell(heard, request, response)
        return response

    async def _tell(
        self, heard: Subscription, request: web.Request, response: web.StreamResponse
    ) -> None:
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        while True:
            try:
                event = await heard.next(self._heartbeat_s)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if event is None:
                return
            await response.write(encode(event))


def encode(event: Event) -> bytes:
    """One event as the stream has it."""
    data = json.dumps(to_json(event.data), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.kind.value}\ndata: {data}\n\n".encode()


async def close_streams(events: Events) -> None:
    """Let every stream end, so that stopping the server does not wait for them."""
    events.close()
    await asyncio.sleep(0)
