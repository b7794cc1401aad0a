"""The tower is put back from an older backup; the devices fill in what is missing.

By comparing both ends, as they do once a day: a device believes that all of it is stored.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure
from tests.e2e.faults import oracle
from tests.e2e.faults.world import drained, losses, until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = ("garage", "gate")


@dataclass(frozen=True)
class Size:
    """How much of it."""

    cases: int
    """Of all devices; half of them are in the backup."""
    photo_bytes: tuple[int, int] = (10_000, 120_000)
    within_s: float = 120.0


SMALL = Size(cases=80)
FULL = Size(cases=5_000, within_s=3_600.0)


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Back up in the middle, go on, put the backup in place, compare."""
    folders = {name: folder / name for name in DEVICES}
    half = size.cases // len(DEVICES) // 2
    with ExitStack() as stack:
        here = stack.enter_context(world(folder))
        plans = [
            Plan(name, str(path), here.broker.port, size.photo_bytes)
            for name, path in folders.items()
        ]
        devices = stack.enter_context(fleet(folder, *plans))
        for name in DEVICES:
            devices.ask("make", name, half)
        drained(folders.values(), size.within_s)
        _back_up(here.tower.folder, folder / "backup")
        for name in DEVICES:
            devices.ask("reject", name, half // 4)
            devices.ask("make", name, half)
        drained(folders.values(), size.within_s)
        here.tower.stop()
        shutil.rmtree(here.tower.folder)
        (folder / "backup").rename(here.tower.folder)
        here.tower.start()
        lost = len(oracle.compare(here.tower.folder, folders).missing)
        time.sleep(2)
        untold = len(oracle.compare(here.tower.folder, folders).missing)
        begin = time.monotonic()
        for name in DEVICES:
            devices.ask("compare", name)
        until(
            lambda: not oracle.lacking(here.tower.folder, folders),
            size.within_s, "the tower holds everything again", 0.5,
        )  # fmt: skip
        took = time.monotonic() - begin
        drained(folders.values(), size.within_s)
        found = losses("old backup", here.tower.folder, folders)
    return [
        Figure("old backup: parts of cases that it lacked", lost, "", 1, at_least=True),
        Figure("old backup: of these still, without a comparison", untold, "", lost, at_least=True),
        Figure("old backup: from the comparison until all was there", took, "s"),
        *found,
    ]


def _back_up(tower: Path, target: Path) -> None:
    """As one does of a tower that runs: first the database, then the photos."""
    target.mkdir()
    with (
        closing(sqlite3.connect(tower / "archive.db")) as live,
        closing(sqlite3.connect(target / "archive.db")) as copy,
    ):
        live.backup(copy)
    shutil.copytree(tower / "blobs", target / "blobs")
