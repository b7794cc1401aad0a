"""The broker was away and is back, and a whole fleet wants to send at once."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from edge.config import SyncSettings
from scripts.benchmarks.figures import Figure
from tests.e2e.faults.world import World, drained, in_memory, losses, rss_mb, until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.fleets import Fleet

CONNECTED = re.compile(r"^(\d+): New client connected from \S+ as (pi-\d+)", re.MULTILINE)
MEMORY_MB = 1_000.0
"""What tower, workers and broker may have together, at their worst."""


@dataclass(frozen=True)
class Size:
    """How much of it."""

    devices: int
    cases: int
    """Of each."""
    processes: int
    """That the devices share."""
    freezes: bool = False
    """The broker only hangs while the outboxes are filled, and dies then: it is away for so short
    a time that all attempts come after it. A few devices are spread evenly enough only so."""
    photo_bytes: tuple[int, int] = (2_000, 20_000)
    within_s: float = 180.0


SMALL = Size(devices=40, cases=5, processes=1, freezes=True)
FULL = Size(devices=200, cases=50, processes=4, photo_bytes=(10_000, 60_000), within_s=3_600.0)


@dataclass
class Memory:
    """The most that was ever in use, MB."""

    tower: float = 0.0
    broker: float = 0.0
    stopping: threading.Event = field(default_factory=threading.Event)


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Take the broker away, fill every outbox, bring it back."""
    names = [f"pi-{number}" for number in range(size.devices)]
    spread_s = float(SyncSettings().spread_s)
    with ExitStack() as stack:
        memory_folder = stack.enter_context(in_memory())  # a store has 512 folders
        folders = {name: memory_folder / name for name in names}
        here = stack.enter_context(world(folder))
        fleets = []
        for number in range(size.processes):
            plans = [
                Plan(name, str(folders[name]), here.broker.port, size.photo_bytes,
                     spread_s=spread_s)
                for name in names[number :: size.processes]
            ]  # fmt: skip
            fleets.append(stack.enter_context(fleet(folder / "fleets", *plans)))
        until(lambda: len(_connections(here)) == size.devices, 120, "all are connected")
        before = len(here.broker.log())
        os.kill(here.broker.pid, signal.SIGSTOP if size.freezes else signal.SIGKILL)
        _fill(fleets, size.cases)
        here.broker.restart()
        begin = time.monotonic()
        memory = stack.enter_context(_watched(here))
        until(lambda: len(_connections(here, before)) == size.devices, 180, "all are back")
        moments = sorted(_connections(here, before).values())
        drained(folders.values(), size.within_s)
        took = time.monotonic() - begin
        assert here.tower.process is not None
        everyone = (here.tower.process, *(one.process for one in fleets))
        died = sum(process.poll() is not None for process in everyone)
        found = losses("all at once", here.tower.folder, folders)
    busiest = max(sum(t <= other < t + 5 for other in moments) for t in moments)
    return [
        Figure("all at once: devices", size.devices, ""),
        Figure("all at once: reconnects spread over", moments[-1] - moments[0], "s", 30,
               at_least=True),
        Figure("all at once: most of them within 5 s", 100 * busiest / size.devices, "%"),
        Figure("all at once: until all was sent", took, "s"),
        Figure("all at once: memory of tower and workers", memory.tower, "MB"),
        Figure("all at once: memory of these and the broker", memory.tower + memory.broker, "MB",
               MEMORY_MB),
        Figure("all at once: processes that died", died, "", 0),
        *found,
    ]  # fmt: skip


def _fill(fleets: list[Fleet], cases: int) -> None:
    """Make cases on every device; the processes side by side."""
    for one in fleets:
        for plan in one.plans:
            one.tell("make", plan.name, cases)
    for one in fleets:
        for _ in one.plans:
            one.answer()


def _connections(here: World, begin: int = 0) -> dict[str, int]:
    """Device → when it connected first, seconds since 1970, as the broker's log says."""
    found: dict[str, int] = {}
    for at, name in CONNECTED.findall(here.broker.log()[begin:]):
        found.setdefault(name, int(at))
    return found


@contextmanager
def _watched(here: World) -> Iterator[Memory]:
    """Look at the memory of the tower's processes and of the broker, again and again."""
    memory = Memory()

    def look() -> None:
        assert here.tower.process is not None
        tower = psutil.Process(here.tower.process.pid)
        while not memory.stopping.wait(0.5):
            everyone = [tower, *tower.children(recursive=True)]
            memory.tower = max(memory.tower, sum(map(rss_mb, everyone)))
            memory.broker = max(memory.broker, rss_mb(psutil.Process(here.broker.pid)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield memory
    finally:
        memory.stopping.set()
        thread.join()
