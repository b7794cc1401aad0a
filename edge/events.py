"""What just happened, told to whoever listens: in this process, in order, without waiting.

A publisher never waits for a listener. The last few events are remembered, so that a page that
lost its connection asks for what came after the last one it saw; one that fell too far behind is
told so (`missed`) and loads its data again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What can happen; the `event:` of the stream."""

    CASE_STORED = "case"
    """A case is durable: `{id, status, profile}`."""
    CASE_CHANGED = "change"
    """A person said something about a case, deleted or restored it: `{id, status, rev}`."""
    SUMMARY_READY = "summary"
    """The language model's text has replaced the template's: `{id, text}`."""
    SYNCED = "synced"
    """The tower holds a case: `{id}`."""
    SYNC_CHANGED = "sync"
    """A case is on its way to the tower, or only here again: `{id, state}`."""
    HINT = "hint"
    """The tower says that there may be a release to look at: `{topic}`."""
    MODEL_SWAPPED = "model"
    """Other models are serving: `{models}`."""
    UPDATE = "update"
    """The updater has come on: `{phase, version, percent, problem}`; while it fetches, each fifth
    of a hundred."""
    PHOTO_REFUSED = "photo_refused"
    """The capture loop's photo became no case: `{code, message, hint, file}`."""
    CAMERA_CHANGED = "camera_changed"
    """The camera stalled, or gives frames again: `{name, ready, reason}`."""
    MISSED = "missed"
    """Made for one listener alone: it fell too far behind and should load its data again."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    id: str
    """run-number: grows within one run of the daemon."""
    kind: EventKind
    """What."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON; ids rather than whole words, the listener asks for the rest."""


class Subscription:
    """One listener's queue; iterate over it. Ends when the broadcast closes or it overflows."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` events that the listener has not taken."""
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(limit + 1)
        self._limit = limit

    def offer(self, event: Event) -> bool:
        """Put `event` in; False, and the end of this subscription, when it is full."""
        if self._queue.qsize() >= self._limit:
            self.end()
            return False
        self._queue.put_nowait(event)
        return True

    def end(self) -> None:
        """Let the listener come to the end, after what it has not taken yet."""
        if not self._queue.full():
            self._queue.put_nowait(None)

    async def next(self, timeout_s: float | None) -> Event | None:
        """The next event, or None at the end; without a timeout it is waited for.

        Raises:
            TimeoutError: nothing happened for `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            return await self._queue.get()


class Events:
    """The broadcast. Everything here runs in the event loop's thread."""

    def __init__(self, remember: int = 128, queue: int = 64) -> None:
        """Remember the last `remember` events; a listener may be `queue` events behind."""
        self._ring: deque[Event] = deque(maxlen=remember)
        self._queue = queue
        self._run = secrets.token_hex(4)
        self._count = 0
        self._listeners: set[Subscription] = set()
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def publish(self, kind: str, data: Mapping[str, Any] | None = None, /, **more: Any) -> Event:
        """Tell everybody; returns at once. `kind` is a value of `EventKind`, the rest is JSON."""
        self._count += 1
        event = Event(f"{self._run}-{self._count}", EventKind(kind), {**(data or {}), **more})
        self._ring.append(event)
        for listener in tuple(self._listeners):
            if not listener.offer(event):
                self._listeners.discard(listener)
        return event

    @asynccontextmanager
    async def listen(self, after: str | None = None) -> AsyncIterator[Subscription]:
        """Listen from now on, or from what came after the event with the id `after`."""
        missed = self._since(after)
        listener = Subscription(self._queue + len(missed))
        for event in missed:
            listener.offer(event)
        self._listeners.add(listener)
        if self._closed:
            listener.end()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every subscription, now and from now on."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()

    def _since(self, after: str | None) -> tuple[Event, ...]:
        """What came after `after`; a single `missed` where that is no longer known."""
        if not after:
            return ()
        run, _, number = after.rpartition("-")
        last_seen = int(number) if number.isascii() and number.isdecimal() else -1
        if run == self._run and last_seen == self._count:
            return ()
        oldest = self._count - len(self._ring) + 1
        known = run == self._run and oldest - 1 <= last_seen < self._count
        if not known:
            return (Event(f"{self._run}-{self._count}", EventKind.MISSED),)
        return tuple(self._ring)[last_seen - oldest + 1 :]
