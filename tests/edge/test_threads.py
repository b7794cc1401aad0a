"""Blocking work in threads that hold nobody up."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from edge.threads import in_thread


async def test_the_result_comes_back() -> None:
    assert await in_thread(lambda: 42, 5) == 42


async def test_an_error_comes_back_as_itself() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_thread(fail, 5)


async def test_work_that_hangs_is_left_behind_in_time() -> None:
    release = threading.Event()
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        await in_thread(lambda: release.wait(30), 0.05)
    release.set()
    assert time.monotonic() - before < 5


def test_a_hanging_thread_does_not_hold_up_the_end_of_the_loop() -> None:
    release = threading.Event()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await in_thread(lambda: release.wait(30), 0.05)

    before = time.monotonic()
    asyncio.run(main())
    took = time.monotonic() - before
    release.set()
    assert took < 5


async def test_the_loop_goes_on_meanwhile() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(turn())
    await in_thread(lambda: time.sleep(0.2), 5)
    task.cancel()
    assert turns >= 2
