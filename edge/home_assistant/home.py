"""Home Assistant's view of this device: announced, kept up to date, and asked to do things."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Protocol

from edge.errors import EdgeError
from edge.events import EventKind
from edge.home_assistant import words
from edge.home_assistant.words import ONLINE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from edge.events import Events
    from edge.home_assistant.link import Link
    from edge.home_assistant.words import Place, Standing
    from edge.updates.status import UpdateStatus

EVERY_S = 60.0
"""Between two states where nothing happens: temperature and free space change by themselves."""
NEWS = frozenset(EventKind) - {EventKind.HINT, EventKind.SYNC_CHANGED}
"""After which the state is told at once."""

log = logging.getLogger(__name__)


class Seen(Protocol):
    """Reads how the device is."""

    async def standing(self) -> Standing:
        """How it is now."""
        ...

    async def picture(self) -> bytes:
        """JPEG of the newest case, b"" without one."""
        ...

    def serving(self) -> tuple[str, ...]:
        """id@version of every model that serves."""
        ...

    def updates(self) -> UpdateStatus:
        """What the updater is doing."""
        ...


class HomeAssistant:
    """Runs as long as the daemon does."""

    def __init__(
        self,
        link: Callable[[], Link],
        place: Place,
        who: tuple[str, str],
        seen: Seen,
        events: Events,
        commands: Mapping[str, Callable[[], Awaitable[Any]]],
    ) -> None:
        """Keep the parts; nothing is connected.

        Args:
            link: makes the connection, in the event loop.
            place: where on the broker.
            who: name and version of the device.
            seen: reads how it is.
            events: what happens.
            commands: `capture`, `reload` and `install` → what does it.
        """
        self._make = link
        self._place = place
        self._who = who
        self._seen = seen
        self._events = events
        self._commands = commands
        self._due = asyncio.Event()
        self._asked: asyncio.Queue[str] = asyncio.Queue(8)
        self._picture = True

    async def run(self) -> None:
        """Announce, tell, obey, until cancelled."""
        link = self._make()
        link.start(lambda *said: self._heard(link, *said), lambda: self._announce(link))
        try:
            async with asyncio.TaskGroup() as group:
                for work in (self._listen(), self._tell(link), self._obey()):
                    group.create_task(work)
        finally:
            await asyncio.to_thread(link.stop)

    def _announce(self, link: Link) -> None:
        """Say everything anew: the broker, or Home Assistant, has just come up."""
        said = words.announcement(self._place, *self._who)
        link.publish(self._place.config, json.dumps(said).encode(), retain=True)
        link.publish(self._place.own("available"), ONLINE.encode(), retain=True)
        self._picture = True
        self._due.set()

    def _heard(self, link: Link, topic: str, payload: bytes) -> None:
        word = payload[:32].decode(errors="replace")
        if topic == self._place.birth:
            if word == ONLINE:
                self._announce(link)
        elif word not in self._commands:
            log.warning("Home Assistant asks for %r, which nobody knows here", word)
        elif not self._asked.full():
            self._asked.put_nowait(word)

    async def _listen(self) -> None:
        while True:
            async with self._events.listen() as heard:
                while event := await heard.next(None):
                    self._picture |= event.kind in (EventKind.CASE_STORED, EventKind.MISSED)
                    if event.kind in NEWS:
                        self._due.set()
            self._picture = True  # fell behind
            self._due.set()

    async def _tell(self, link: Link) -> None:
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            try:
                await self._say(link)
            except EdgeError as e:  # a full disk, a case that is gone: the next time
                log.warning("Home Assistant is told nothing new: %s", e.message)

    async def _say(self, link: Link) -> None:
        state = words.state_of(await self._seen.standing())
        update = words.update_of(self._seen.serving(), self._seen.updates())
        for name, value in (("state", state), ("update", update)):
            link.publish(self._place.own(name), json.dumps(value).encode(), retain=True)
        if self._picture:
            self._picture = False
            link.publish(self._place.own("image"), await self._seen.picture(), retain=True)

    async def _obey(self) -> None:
        while True:
            word = await self._asked.get()
            log.info("Home Assistant asks for: %s", word)
            try:
                await self._commands[word]()
            except EdgeError as e:
                log.warning("%s, asked for by Home Assistant: %s", word, e.message)
            self._due.set()
