"""Runs what blocks in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_thread(work: Callable[[], T], timeout_s: float) -> T:
    """Run `work` in a daemon thread of its own.

    Unlike `asyncio.to_thread`: a call that hangs for ever holds up neither the others nor the end
    of the program.

    Raises:
        TimeoutError: it took longer; the thread goes on, and what it gives is dropped.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def give(result: T) -> None:
        if not done.done():
            done.set_result(result)

    def fail(error: BaseException) -> None:
        if not done.done():
            done.set_exception(error)

    def run() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            try:
                result = work()
            except BaseException as e:  # noqa: BLE001  whoever awaits gets it, whatever it is
                loop.call_soon_threadsafe(fail, e)
            else:
                loop.call_soon_threadsafe(give, result)

    threading.Thread(target=run, daemon=True, name=f"edgecase-{id(done):x}").start()
    async with asyncio.timeout(timeout_s):
        return await done
