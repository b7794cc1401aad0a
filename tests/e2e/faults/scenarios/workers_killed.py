"""Three workers of four are killed while a photo is on its way in pieces, again and again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from scripts.benchmarks.figures import Figure
from tests.e2e.faults import oracle
from tests.e2e.faults.world import World, drained, losses, until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "garage"
WORKERS = 4


@dataclass(frozen=True)
class Size:
    """How much of it."""

    images: int
    rounds: int
    """How often three are killed."""
    photo_bytes: tuple[int, int] = (200_000, 500_000)
    kbit_s: float = 12_000
    """Of the device, so that there is always something on its way."""
    within_s: float = 120.0


SMALL = Size(images=60, rounds=3)
FULL = Size(images=1_000, rounds=40, within_s=1_800.0)


def run(folder: Path, size: Size, seed: int) -> list[Figure]:
    """Kill whenever some chunks of a photo are in the spool, and not all."""
    chance, device = random.Random(seed), folder / DEVICE
    killed = halves = 0
    with world(folder, WORKERS) as here:
        plan = Plan(
            DEVICE, str(device), here.broker.port, size.photo_bytes, size.images,
            sync={"kbit_s": size.kbit_s},
        )  # fmt: skip
        with fleet(folder, plan):
            for number in range(size.rounds):
                share = (number + 1) * size.images // (size.rounds + 1)
                until(
                    lambda share=share: oracle.photos(here.tower.folder) >= share,
                    size.within_s, "so many photos", 0.02,
                )  # fmt: skip
                until(lambda: len(here.tower.workers()) == WORKERS, 60, "four workers")
                until(lambda: _halves(here), 60, "a photo is on its way", 0.005)
                victims = chance.sample(here.tower.workers(), WORKERS - 1)
                for worker in victims:
                    worker.kill()
                gone, _ = psutil.wait_procs(victims, 30)
                killed += len(gone)
                halves += _halves(here)
            until(lambda: oracle.made(device) == size.images, size.within_s, "all made")
            drained([device], size.within_s)
        found = losses("workers killed", here.tower.folder, {DEVICE: device})
    return [
        Figure("workers killed", killed, "", size.rounds * (WORKERS - 1), at_least=True),
        Figure("workers killed: photos that were half there", halves, "", 1, at_least=True),
        *found,
    ]


def _halves(here: World) -> int:
    """Payloads of which some chunks lie in the spool."""
    spool = here.tower.folder / "spool"
    return sum(1 for folder in spool.glob("*/*") if folder.is_dir())
