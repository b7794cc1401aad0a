"""`kill -9` at random moments, of devices, workers and broker, while cases are made and sent."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure
from tests.e2e.faults.world import World, drained, losses, made, until, world
from tests.fakes.fleets import Fleet, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICES = ("garage", "gate")
PAUSE_S = 0.9
"""Between two kills, on average."""


@dataclass(frozen=True)
class Size:
    """How much of it."""

    cases: int
    """Of all devices together."""
    kills: int
    photo_bytes: tuple[int, int] = (20_000, 250_000)
    within_s: float = 120.0
    """After the last kill everything has to be on the tower by then."""


SMALL = Size(cases=80, kills=20)
FULL = Size(cases=5_000, kills=200, within_s=1800.0)


def run(folder: Path, size: Size, seed: int) -> list[Figure]:
    """Kill, wait until the outboxes are empty, compare."""
    chance = random.Random(seed)
    share = size.cases // len(DEVICES)
    folders = {name: folder / name for name in DEVICES}
    with world(folder) as here, _devices(here, share, size) as fleets:
        killed = _kill(here, fleets, folders, share, size.kills, chance)
        for name in DEVICES:
            until(lambda name=name: made(folders[name], share), size.within_s, "every case made")
        took = drained(folders.values(), size.within_s)
        promised = [case for fleet in fleets.values() for case in fleet.made]
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(killed.items()))
    return [
        Figure(f"kill -9 ({kinds})", killed.total(), "", size.kills, at_least=True),
        Figure("kill -9: until the outboxes were empty", took, "s"),
        *losses("kill -9", here.tower.folder, folders, promised),
    ]


@contextmanager
def _devices(here: World, share: int, size: Size) -> Iterator[dict[str, Fleet]]:
    """One process each; it makes its cases while it sends them."""
    fleets = {}
    # Cases are made for most of the time that there is killing.
    every_s = size.kills / share * PAUSE_S * 0.7
    for name in DEVICES:
        plan = Plan(
            name, str(here.folder / name), here.broker.port, size.photo_bytes, share, every_s, 7
        )
        fleets[name] = Fleet(here.folder / "fleets", [plan])
        fleets[name].start()
    try:
        yield fleets
    finally:
        for fleet in fleets.values():
            fleet.kill()


def _kill(
    here: World,
    fleets: dict[str, Fleet],
    folders: dict[str, Path],
    share: int,
    kills: int,
    chance: random.Random,
) -> Counter[str]:
    """Kill this or that, as long as there is something to lose."""
    killed: Counter[str] = Counter()
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, 2 * PAUSE_S))
        what = chance.choices(("device", "worker", "broker"), (5, 3, 2))[0]
        if what == "broker":
            here.broker.restart()
        elif what == "worker":
            until(here.tower.workers, 30, "a worker runs")
            chance.choice(here.tower.workers()).kill()
        else:
            fleet = fleets[chance.choice(DEVICES)]
            fleet.kill()
            fleet.start(wait=chance.random() < 0.7)  # some die while they open their store
        killed[what] += 1
    return killed
