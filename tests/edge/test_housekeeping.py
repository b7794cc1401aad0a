"""The rounds that keep the disk in order."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edge.errors import DiskFullError
from edge.housekeeping import Housekeeping
from edge.store.retention import Evictions
from tests.fakes.device import FakeClock

if TYPE_CHECKING:
    from datetime import datetime

    import pytest


class Shelf:
    """A store that is asked to purge."""

    def __init__(self, *answers: Evictions | Exception) -> None:
        self.answers = list(answers)
        self.rounds = 0
        self.seen: list[datetime] = []

    async def saw(self, moment: datetime) -> None:
        self.seen.append(moment)

    async def purge(self) -> Evictions:
        self.rounds += 1
        answer = self.answers.pop(0) if self.answers else Evictions((), "")
        if isinstance(answer, Exception):
            raise answer
        return answer


async def rounds(shelf: Shelf, count: int) -> None:
    work = Housekeeping(shelf, FakeClock(), every_s=0.001)  # type: ignore[arg-type]
    task = asyncio.create_task(work.run())
    while shelf.rounds < count and not task.done():
        await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_full_disk_does_not_end_the_rounds() -> None:
    shelf = Shelf(DiskFullError("no room"), DiskFullError("no room"))

    await rounds(shelf, 4)

    assert shelf.rounds >= 4


async def test_what_can_not_be_removed_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    stuck = Evictions((), "12 GB wait for review")
    with caplog.at_level(logging.WARNING):
        await rounds(Shelf(stuck, stuck, stuck), 4)

    assert [r.getMessage() for r in caplog.records].count("retention: 12 GB wait for review") == 1


async def test_a_clock_that_can_not_be_right_removes_nothing() -> None:
    shelf, clock = Shelf(), FakeClock()
    clock.is_trusted = False
    task = asyncio.create_task(Housekeeping(shelf, clock, every_s=0.001).run())  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert shelf.rounds == 0

    clock.is_trusted = True
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert shelf.rounds > 0


async def test_what_a_trusted_clock_showed_is_remembered() -> None:
    shelf = Shelf()

    await rounds(shelf, 1)

    assert shelf.seen[0] == FakeClock().moment
