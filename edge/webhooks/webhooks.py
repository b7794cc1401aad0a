"""Tells another program of cases over HTTP.

Of new cases none is left out: how far it was told is kept, and it goes on from there after a
restart, one by one and in order, however long the other side was away. That something has changed
about a case is told once, and forgotten where the other side isn't there: it can ask.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import aiohttp

from edge.errors import EdgeError, NotFoundError
from edge.events import EventKind
from edge.webhooks.words import NEW, body_of, headers_of, is_final, pause_s, place_of

if TYPE_CHECKING:
    from edge.events import Events
    from models.case import Case

CURSOR = "webhook_cursor"
"""Setting of the store: the number of the last case that was told."""
TIMEOUT_S = 10.0
LOOK_S = 30.0
"""Between two looks for new cases where no event tells of one."""
CHANGES = {EventKind.CASE_CHANGED: "change", EventKind.SUMMARY_READY: "summary"}

log = logging.getLogger(__name__)


class Cases(Protocol):
    """The store, as it is read here."""

    async def get(self, case_id: str) -> Case:
        """A case."""
        ...

    async def after(self, seq: int) -> Case | None:
        """The case with the lowest number above this one."""
        ...

    async def last_seq(self) -> int:
        """The highest number."""
        ...

    async def setting(self, key: str) -> str | None:
        """What was kept."""
        ...

    async def put_setting(self, key: str, value: str) -> None:
        """Keep something."""
        ...


class Webhooks:
    """Runs as long as the daemon does."""

    def __init__(self, url: str, secret: str, cases: Cases, events: Events) -> None:
        """Keep the parts.

        Args:
            url: where to post to.
            secret: signs each body; "" signs none.
            cases: what is told of.
            events: when to look.
        """
        self._url = url
        self._place = place_of(url)
        self._secret = secret
        self._cases = cases
        self._events = events
        self._due = asyncio.Event()

    async def run(self) -> None:
        """Tell, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            group.create_task(self._tell_cases(session))
            group.create_task(self._tell_changes(session))

    async def _tell_cases(self, session: aiohttp.ClientSession) -> None:
        done, tries = await self._begin(), 0
        while True:
            case = await self._cases.after(done)
            if case is None:
                with suppress(TimeoutError):  # an event may have been missed
                    async with asyncio.timeout(LOOK_S):
                        await self._due.wait()
                self._due.clear()
            elif await self._post(session, NEW, case):
                done, tries = case.seq, 0
                await self._note(done)
            else:
                tries += 1
                await asyncio.sleep(pause_s(tries))

    async def _begin(self) -> int:
        """Where it was; on the first start nothing of what happened before is told."""
        kept = await self._cases.setting(CURSOR)
        if kept is not None and kept.isdecimal():
            return int(kept)
        now = await self._cases.last_seq()
        await self._note(now)
        return now

    async def _note(self, done: int) -> None:
        try:
            await self._cases.put_setting(CURSOR, str(done))
        except EdgeError as e:  # a full disk: after a restart some are told twice
            log.warning("how far the webhook is can't be kept: %s", e.message)

    async def _tell_changes(self, session: aiohttp.ClientSession) -> None:
        while True:
            async with self._events.listen() as heard:
                while event := await heard.next(None):
                    if event.kind in CHANGES:
                        await self._change(session, CHANGES[event.kind], str(event.data["id"]))
                    else:
                        self._due.set()

    async def _change(self, session: aiohttp.ClientSession, event: str, case_id: str) -> None:
        try:
            case = await self._cases.get(case_id)
        except NotFoundError:
            return
        await self._post(session, event, case)

    async def _post(self, session: aiohttp.ClientSession, event: str, case: Case) -> bool:
        """Whether this is dealt with: taken, or refused for good."""
        body = body_of(event, case)
        headers = headers_of(event, case, body, self._secret)
        try:
            async with session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as e:
            # Its own words would repeat the whole address, and what the other side has said.
            log.warning("webhook %s: %s", self._place, _why(e))
            return False
        if is_final(status):
            log.warning("webhook %s refuses case %s for good: %d", self._place, case.id, status)
        elif status >= HTTPStatus.MULTIPLE_CHOICES:
            log.warning("webhook %s does not take case %s: %d", self._place, case.id, status)
        return status < HTTPStatus.MULTIPLE_CHOICES or is_final(status)


def _why(e: Exception) -> str:
    if isinstance(e, TimeoutError):
        return "no answer in time"
    return (e.strerror if isinstance(e, OSError) else None) or type(e).__name__
