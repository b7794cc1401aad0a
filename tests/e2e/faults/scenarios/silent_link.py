"""Links that die without a sign, and network threads that die or hang.

What counts is when a case that was made after the fault is on the tower.
"""

from __future__ import annotations

import math
import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure
from tests.e2e.faults import oracle
from tests.e2e.faults.world import until, world
from tests.fakes.broker import mosquitto
from tests.fakes.fleets import Plan, fleet
from tests.fakes.slow_link import slow_link
from tests.fakes.towers import tower

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.fleets import Fleet

STRANDED, PATIENT = "stranded", "patient"
DYING, HANGING, UNWATCHED = "dying", "hanging", "unwatched"
LONG_S = 600
"""Keepalive of the one that notices too late."""
WORKER = re.compile(r"New client connected from \S+ as (edgecase-tower-\S+)")
HEARS, SPEAKS, BOTH = "hears", "speaks", "both"
ANSWERS = b"-answers"
"""In the id of a worker's client that speaks."""
OF_TOWER = {HEARS: (False,), SPEAKS: (True,), BOTH: (False, True)}
"""Which links of a worker are stranded → whether those are the ones that it speaks on."""
BARS = {STRANDED: 45.0, DYING: 60.0, HANGING: 60.0}


@dataclass(frozen=True)
class Size:
    """How much of it; times can't be made smaller, all devices fail at once instead."""

    rounds: int
    tower_too: bool
    """Whether the tower's own link is stranded after that."""


SMALL = Size(1, tower_too=False)
FULL = Size(5, tower_too=True)


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Strand, kill and hang; the longest that each took to be back."""
    longest = dict.fromkeys(BARS, 0.0)
    controls: set[str] = set()
    for number in range(size.rounds):
        times, back = _once(folder / str(number))
        longest = {name: max(longest[name], seconds) for name, seconds in times.items()}
        controls |= back
    figures = [
        Figure("half-open link: until a case arrived", longest[STRANDED], "s", BARS[STRANDED]),
        Figure("dead network thread: until a case arrived", longest[DYING], "s", BARS[DYING]),
        Figure("hung network thread: until a case arrived", longest[HANGING], "s", BARS[HANGING]),
        Figure("controls (600 s of keepalive, nobody watching): back", len(controls), "", 0),
    ]
    return figures + (_of_tower(folder, size.rounds) if size.tower_too else [])


def _of_tower(folder: Path, rounds: int) -> list[Figure]:
    figures = []
    for which in OF_TOWER:
        times = [_tower(folder / f"tower {which} {number}", which) for number in range(rounds)]
        connected, arrived = (max(seconds) for seconds in zip(*times, strict=True))
        name = f"half-open link of the tower, {which}"
        figures += [
            Figure(f"{name}: until reconnected", connected, "s", 45),
            Figure(f"{name}: until a case arrived", arrived, "s"),
        ]
    return figures


def _once(folder: Path) -> tuple[dict[str, float], set[str]]:
    """Seconds until a case of each arrived, and the controls of which one did."""
    names = (*BARS, PATIENT, UNWATCHED)
    with ExitStack() as stack:
        folder.mkdir()
        here = stack.enter_context(world(folder, 1))
        link = stack.enter_context(slow_link(here.broker.port, math.inf))
        plans = [
            Plan(
                name, str(folder / name),
                link.port if name in (STRANDED, PATIENT) else here.broker.port,
                (10_000, 10_000), keepalive_s=LONG_S if name == PATIENT else 0,
            )
            for name in names
        ]  # fmt: skip
        devices = stack.enter_context(fleet(folder, *plans))
        for name in names:
            until(lambda name=name: _sends(devices, name, folder), 60, f"{name} sends")
        begin = time.monotonic()
        link.strand()
        devices.ask("unwatch", UNWATCHED)
        devices.ask("kill_thread", UNWATCHED)
        devices.ask("kill_thread", DYING)
        devices.ask("hang_thread", HANGING)
        return _wait(devices, here.tower.folder, names, begin)


def _sends(devices: Fleet, name: str, folder: Path) -> bool:
    """Whether a case of it is on the tower, and nothing waits."""
    if not oracle.made(folder / name):
        devices.ask("make", name, 1)
    return oracle.waiting(folder / name) == 0


def _wait(
    devices: Fleet, archive: Path, names: tuple[str, ...], begin: float
) -> tuple[dict[str, float], set[str]]:
    """Make a case on each; when each of them is there, since `begin`."""
    for name in names:
        devices.ask("make", name, 1)
    times: dict[str, float] = {}
    back: set[str] = set()
    while times.keys() != BARS.keys() and time.monotonic() < begin + 90:
        time.sleep(0.2)
        arrived = [device for device, _case in oracle.on_tower(archive).cases]
        back = {name for name in names if arrived.count(name) > 1}
        for name in back & BARS.keys():
            times.setdefault(name, time.monotonic() - begin)
    return {name: times.get(name, math.inf) for name in BARS}, back - BARS.keys()


def _tower(folder: Path, which: str) -> tuple[float, float]:
    """Seconds until the tower is connected by new links, and until a case arrives over them.

    The second may be longer: a device to which nobody answers asks more and more rarely.
    """
    with ExitStack() as stack:
        folder.mkdir()
        broker = stack.enter_context(mosquitto(folder))
        link = stack.enter_context(slow_link(broker.port, math.inf))
        behind = stack.enter_context(tower(folder, link.port))
        plan = Plan(DYING, str(folder / DYING), broker.port, (10_000, 10_000))
        devices = stack.enter_context(fleet(folder, plan))
        until(lambda: _sends(devices, DYING, folder), 60, "it sends")
        before = len(WORKER.findall(broker.log()))
        assert before == len(OF_TOWER[BOTH])
        link.strand(lambda hello: (ANSWERS in hello) in OF_TOWER[which])
        begin = time.monotonic()
        devices.ask("make", DYING, 1)
        more = len(OF_TOWER[which])
        until(lambda: len(WORKER.findall(broker.log())) >= before + more, 120, "new links")
        connected = time.monotonic() - begin
        until(lambda: len(oracle.on_tower(behind.folder).cases) > 1, 300, "it arrived")
        return connected, time.monotonic() - begin
