"""The broker is down while a device takes in a long row of cases; then it is back.

How long a case takes is compared with a twin that has no tower at all, case by case in turn, so
that whatever else the machine does meets both alike. Of a few hundred cases on a busy machine not
even that says much about the slowest: there the bar is for the time that processors worked at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure, p95
from tests.e2e.faults.world import drained, losses, until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.fleets import Fleet

DEVICE, TWIN = "garage", "twin"
ENOUGH = 5_000
"""Cases from which the percentile of the time itself has to keep the bar."""
BAR = 1.1
Times = list[tuple[float, float]]
"""Of each case: milliseconds until it was durable, and of processor time."""


@dataclass(frozen=True)
class Size:
    """How much of it."""

    cases: int
    photo_bytes: int = 100_000
    within_s: float = 120.0
    """Once the broker is back the outbox has to be empty by then."""


SMALL = Size(cases=600)
FULL = Size(cases=10_000, within_s=3_600.0)


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Take the broker away, make cases, bring it back, compare."""
    here_of = {name: folder / name for name in (DEVICE, TWIN)}
    between = (size.photo_bytes, size.photo_bytes)
    with world(folder) as here:
        plan = Plan(DEVICE, str(here_of[DEVICE]), here.broker.port, between)
        alone = Plan(TWIN, str(here_of[TWIN]), 0, between)
        with fleet(folder, plan) as device, fleet(folder, alone) as twin:
            until(lambda: device.ask("status", DEVICE)["connected"], 30, "it is connected")
            here.broker.kill()
            until(lambda: not device.ask("status", DEVICE)["connected"], 60, "it noticed")
            _in_turn(device, twin, 50)  # warm
            before = device.rss_mb()
            ours, theirs = _in_turn(device, twin, size.cases)
            down = device.peak_mb() - before
            here.broker.start()
            took = drained([here_of[DEVICE]], size.within_s)
            after = device.peak_mb() - before
        found = losses("broker down", here.tower.folder, {DEVICE: here_of[DEVICE]})
    took_more, worked_more = (
        p95([times[n] for times in ours]) / p95([times[n] for times in theirs]) for n in (0, 1)
    )
    return [
        *found,
        Figure("broker down: until the outbox was empty", took, "s"),
        Figure("broker down: memory of the device while it was", down, "MB more", 50),
        Figure("broker down: and until all was sent", after, "MB more", 50),
        Figure("broker down: intake p95 against no tower", took_more, "×",
               BAR if size.cases >= ENOUGH else None),
        Figure("broker down: the same, processor time", worked_more, "×", BAR),
        Figure("broker down: intake p95", p95([took for took, _ in ours]), "ms"),
    ]  # fmt: skip


def _in_turn(device: Fleet, twin: Fleet, count: int) -> tuple[Times, Times]:
    """Make `count` cases on each, one after the other."""
    ours: Times = []
    theirs: Times = []
    for _ in range(count):
        ours += device.ask("make", DEVICE, 1)
        theirs += twin.ask("make", TWIN, 1)
    return ours, theirs
