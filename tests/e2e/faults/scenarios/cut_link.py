"""A link of so many kilobits a second that is cut again and again."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.benchmarks.figures import Figure
from tests.e2e.faults import oracle
from tests.e2e.faults.world import losses, until, world
from tests.fakes.fleets import Fleet, Plan, fleet
from tests.fakes.slow_link import SlowLink, slow_link

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "garage"


@dataclass(frozen=True)
class Size:
    """How much of it. Faster and cut more often by the same factor carries as much in between."""

    cases: int
    photo_bytes: tuple[int, int]
    kbit_s: float
    cut_every_s: float
    """Of an open link."""
    least_cuts: int
    within_s: float


SMALL = Size(6, (150_000, 1_200_000), 2_048, 2.5, 4, 90.0)
"""Eight times as fast. The largest photo is more than passes between two cuts."""
FULL = Size(30, (50_000, 1_000_000), 256, 20.0, 20, 3_600.0)


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Send everything over the link; count what passes."""
    device = folder / DEVICE
    with world(folder) as here, slow_link(here.broker.port, size.kbit_s) as link:
        with fleet(folder, Plan(DEVICE, str(device), link.port, size.photo_bytes)) as running:
            running.ask("make", DEVICE, size.cases)
            begin = time.monotonic()
            while oracle.waiting(device):
                assert time.monotonic() < begin + size.within_s, "not in time"
                _cut_once(running, device, link, size.cut_every_s)
            took = time.monotonic() - begin
        figures = losses("cut link", here.tower.folder, {DEVICE: device})
        carried = _payload(here.tower.folder)
    return [
        *figures,
        Figure("cut link: until the outbox was empty", took, "s"),
        Figure("cut link: cuts", link.cuts, "", size.least_cuts, at_least=True),
        Figure("cut link: payload", carried / 1e6, "MB"),
        Figure("cut link: sent twice or around it", 100 * (link.up / carried - 1), "%", 15),
    ]


def without_a_spool(folder: Path, seconds: float) -> bool:
    """The control: what is there of a photo is forgotten at each cut. Whether it ever arrives."""
    device = folder / DEVICE
    with world(folder, 1) as here, slow_link(here.broker.port, SMALL.kbit_s) as link:
        with fleet(folder, Plan(DEVICE, str(device), link.port, (1_200_000,) * 2)) as running:
            running.ask("make", DEVICE, 1)
            end = time.monotonic() + seconds
            while oracle.waiting(device) and time.monotonic() < end:
                _cut_once(running, device, link, SMALL.cut_every_s)
                for payload in (here.tower.folder / "spool").iterdir():
                    shutil.rmtree(payload, ignore_errors=True)
        assert link.cuts > 2
        return oracle.waiting(device) == 0


def _cut_once(running: Fleet, device: Path, link: SlowLink, after_s: float) -> None:
    """Cut the link so long after it came up, unless everything is sent before."""
    until(
        lambda: running.ask("status", DEVICE)["connected"] or not oracle.waiting(device),
        120, "it is connected again", 0.05,
    )  # fmt: skip
    end = time.monotonic() + after_s
    while time.monotonic() < end and oracle.waiting(device):
        time.sleep(0.1)
    if oracle.waiting(device):
        link.cut()
        until(lambda: not running.ask("status", DEVICE)["connected"], 60, "it noticed", 0.02)


def _payload(tower: Path) -> int:
    """Bytes that the tower holds."""
    with closing(sqlite3.connect(f"file:{tower / 'archive.db'}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT sum(size) FROM parcels").fetchone()[0])
