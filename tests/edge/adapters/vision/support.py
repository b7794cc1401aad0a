"""What the tests of the vision worker share: a pool over the hostile worker, and a stopwatch."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from edge.adapters.vision.measured import MeasuredModels
from edge.adapters.vision.messages import Start
from edge.adapters.vision.pool import VisionLimits, WorkerVision
from edge.adapters.vision.process import COMMAND

HOSTILE = (sys.executable, "-P", "-m", "tests.fakes.hostile_vision_worker")
FAST = VisionLimits(deadline_s=1.0, start_s=3.0, max_rss_mb=300, queue=8, heartbeat_s=0.3)


@asynccontextmanager
async def serving(
    plan: Callable[[], Start] = lambda: Start(profiles=()),
    limits: VisionLimits = FAST,
    measured: Path | None = None,
    command: tuple[str, ...] = HOSTILE,
) -> AsyncIterator[WorkerVision]:
    vision = WorkerVision(plan, limits, MeasuredModels(measured), command)
    await vision.start()
    await vision.ready()
    try:
        yield vision
    finally:
        await vision.close()


_CONTROL = """
import select, sys, time
worst = 0.0
while True:
    before = time.perf_counter()
    if select.select([sys.stdin], [], [], 0.01)[0]:
        break
    worst = max(worst, time.perf_counter() - before - 0.01)
print(worst)
"""


class LoopLatency:
    """Measures how late the event loop comes to a timer, at worst, while something else goes on.

    A process that does nothing but wait says how late this machine is anyway.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        """Later than that process by so much, seconds."""

    async def __aenter__(self) -> "LoopLatency":
        self._control = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _CONTROL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._task = asyncio.create_task(self._measure())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        noise, _nothing = await asyncio.to_thread(self._control.communicate, b"enough")
        self.worst_s = max(0.0, self.worst_s - float(noise))

    async def _measure(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            self.worst_s = max(self.worst_s, time.perf_counter() - before - 0.01)


async def until(condition: Callable[[], object], within_s: float = 3.0) -> float:
    """Wait until `condition()` holds; seconds it took. Fails the test when it doesn't in time."""
    before = time.perf_counter()
    while not condition():
        assert time.perf_counter() - before < within_s, f"not within {within_s} s"
        await asyncio.sleep(0.01)
    return time.perf_counter() - before


async def timed(what: Awaitable[object]) -> float:
    before = time.perf_counter()
    await what
    return time.perf_counter() - before


__all__ = ["COMMAND", "FAST", "HOSTILE", "VisionLimits", "LoopLatency", "serving", "timed", "until"]
