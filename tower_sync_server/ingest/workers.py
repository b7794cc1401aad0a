"""Keeps the ingest workers running: starts them, hears how they are, replaces one that dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.backoff import backoff
from tower_sync_server.ingest.worker import Report

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

STOP_S = 5.0
"""How long a worker may take to finish the message it is at."""
AGAIN_S = 0.5
"""Before another is started in place of one that worked; doubling for those that didn't."""
LONGEST_S = 30.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Slot:
    """The place of one worker."""

    now: Report | None = None
    """What it said last; None while none runs."""
    worked: bool = False
    """Whether the one that runs has heard the broker."""
    before: Counter[str] = field(default_factory=Counter)
    """What its predecessors answered."""
    held_back_before: Counter[str] = field(default_factory=Counter)
    """Of which devices how many messages were too many for them."""


class Workers:
    """N workers, each a child process."""

    def __init__(self, count: int, command: Sequence[str], rng: random.Random) -> None:
        """Start nothing; `command` are the arguments after `python -m tower_sync_server`."""
        self._slots = [Slot() for _ in range(count)]
        self._command = (sys.executable, "-m", "tower_sync_server", *command)
        self._rng = rng
        self.restarts = 0
        """How often a worker had to be replaced."""

    @property
    def reason(self) -> str:
        """Why nothing is taken in; "" where at least one worker hears the broker."""
        if not self._slots or any(slot.now and slot.now.connected for slot in self._slots):
            return ""
        reasons = [slot.now.reason for slot in self._slots if slot.now]
        return reasons[0] if reasons else "no worker is running"

    @property
    def answered(self) -> Counter[str]:
        """Answer → how many were given since the tower started."""
        total: Counter[str] = Counter()
        for slot in self._slots:
            total += slot.before + Counter(slot.now.answered if slot.now else {})
        return total

    @property
    def held_back(self) -> Counter[str]:
        """Device → how many of its messages were too many since the tower started."""
        total: Counter[str] = Counter()
        for slot in self._slots:
            total += slot.held_back_before + Counter(slot.now.held_back if slot.now else {})
        return total

    async def run(self) -> None:
        """Keep them all running until cancelled."""
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(self._keep(slot))
            await asyncio.Event().wait()  # without workers, too, there is nothing to come back from

    async def _keep(self, slot: Slot) -> None:
        failures = 0
        while True:
            slot.worked = False
            code = await self._once(slot)
            self.restarts += 1
            failures = 0 if slot.worked else failures + 1
            wait = min(LONGEST_S, backoff(failures, self._rng)) if failures else AGAIN_S
            log.error("an ingest worker ended with %d; another starts in %.1f s", code, wait)
            await asyncio.sleep(wait)

    async def _once(self, slot: Slot) -> int:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        try:
            assert child.stdout is not None  # noqa: S101 - it is a pipe
            async for line in child.stdout:
                slot.now = Report(**json.loads(line))
                slot.worked |= slot.now.connected
            return await child.wait()
        finally:
            if slot.now is not None:
                slot.before += Counter(slot.now.answered)
                slot.held_back_before += Counter(slot.now.held_back)
                slot.now = None
            await _end(child)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Stop a worker: gently, then not."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(child.wait(), STOP_S)
    if child.returncode is None:
        child.kill()
        await child.wait()
