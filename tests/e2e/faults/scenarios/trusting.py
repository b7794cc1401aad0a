"""The control of everything here: a device that takes the broker's word for the tower's."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.e2e.faults import oracle
from tests.e2e.faults.world import until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "garage"


@dataclass(frozen=True)
class Outcome:
    """What is where, once the device has nothing more to send or time is up."""

    waiting: int
    """On the device."""
    missing: int
    """On the tower."""


def run(folder: Path, cases: int, *, trusting: bool) -> Outcome:
    """Have the broker die with everything that the workers didn't fetch yet."""
    device = folder / DEVICE
    with world(folder) as here:
        workers = here.tower.workers()
        for worker in workers:
            os.kill(worker.pid, signal.SIGSTOP)
        plan = Plan(DEVICE, str(device), here.broker.port, (20_000, 60_000), trusting=trusting)
        with fleet(folder, plan) as running:
            running.ask("make", DEVICE, cases)
            if trusting:
                until(lambda: oracle.waiting(device) == 0, 60, "the broker has it all")
            here.broker.restart()
            for worker in workers:
                os.kill(worker.pid, signal.SIGCONT)
            if not trusting:
                until(lambda: oracle.waiting(device) == 0, 60, "the tower has it all")
        found = oracle.compare(here.tower.folder, {DEVICE: device})
        return Outcome(oracle.waiting(device), len(found.missing))
