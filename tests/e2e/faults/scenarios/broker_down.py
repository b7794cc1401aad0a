"""The broker is down while a device takes in a long row of cases; then it is back.

How long a case takes is compared with a twin that has no tower at all, case by case in turn, so
that whatever else the machine does meets both alike. Of a few hundred cases on a busy machine the
95th percentile is known to 15 % or so; then the bar is for what it is at the very least.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure, p95
from tests.e2e.faults.world import drained, losses, until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.fleets import Fleet

DEVICE, TWIN = "garage", "twin"
BLOCK = 50
"""Cases that are made, and drawn, together."""
DRAWS = 500
ENOUGH = 5_000
"""Cases from which the percentile itself has to keep the bar."""
BAR = 1.1
Block = tuple[list[float], list[float]]
"""Milliseconds of cases of the device, and of its twin."""


@dataclass(frozen=True)
class Size:
    """How much of it."""

    cases: int
    photo_bytes: int = 100_000
    within_s: float = 120.0
    """Once the broker is back the outbox has to be empty by then."""


SMALL = Size(cases=600)
FULL = Size(cases=10_000, within_s=3_600.0)


def run(folder: Path, size: Size, seed: int) -> list[Figure]:
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
            _in_turn(device, twin, BLOCK)  # warm
            before = device.rss_mb()
            blocks = [_in_turn(device, twin, BLOCK) for _ in range(size.cases // BLOCK)]
            down = device.peak_mb() - before
            here.broker.start()
            took = drained([here_of[DEVICE]], size.within_s)
            after = device.peak_mb() - before
        found = losses("broker down", here.tower.folder, {DEVICE: here_of[DEVICE]})
    ratio, low = _ratio(blocks), _at_least(blocks, random.Random(seed))
    enough = size.cases >= ENOUGH
    return [
        *found,
        Figure("broker down: until the outbox was empty", took, "s"),
        Figure("broker down: memory of the device while it was", down, "MB more", 50),
        Figure("broker down: and until all was sent", after, "MB more", 50),
        Figure("broker down: intake p95 against no tower", ratio, "×", BAR if enough else None),
        Figure("broker down: the same, at the very least", low, "×", None if enough else BAR),
        Figure("broker down: intake p95", p95([ms for ours, _ in blocks for ms in ours]), "ms"),
    ]  # fmt: skip


def _in_turn(device: Fleet, twin: Fleet, count: int) -> Block:
    """Milliseconds of `count` cases on each, one after the other."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(count):
        ours += device.ask("make", DEVICE, 1)
        theirs += twin.ask("make", TWIN, 1)
    return ours, theirs


def _ratio(blocks: list[Block]) -> float:
    """95th percentile of the one against that of the other."""
    ours, theirs = ([ms for block in blocks for ms in block[n]] for n in (0, 1))
    return p95(ours) / p95(theirs)


def _at_least(blocks: list[Block], chance: random.Random) -> float:
    """What the ratio is at least, with 97.5 % certainty: blocks are drawn again and again."""
    drawn = sorted(_ratio(chance.choices(blocks, k=len(blocks))) for _ in range(DRAWS))
    return drawn[round(0.025 * DRAWS)]
