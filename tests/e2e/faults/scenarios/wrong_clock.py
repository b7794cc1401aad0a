"""Devices whose clock is at 1970, at 2040, or jumps a day while they work."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.figures import Figure
from tests.e2e.faults.world import drained, losses, until, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0
RIGHT, EPOCH, LATE, FORWARD, BACK = "right", "at-1970", "at-2040", "a-day-forward", "a-day-back"
JUMPS = {FORWARD: DAY_S, BACK: -DAY_S}


@dataclass(frozen=True)
class Size:
    """How much of it."""

    cases: int
    """Of each device; it jumps in the middle."""
    within_s: float = 120.0


SMALL = Size(cases=20)
FULL = Size(cases=1_000, within_s=1_800.0)


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Make cases, move the clock, make more; look at what the tower got."""
    folders = {name: folder / name for name in (RIGHT, EPOCH, LATE, *JUMPS)}
    with world(folder) as here:
        plans = [
            Plan(name, str(path), here.broker.port, (2_000, 9_000), shift_s=_shift(name))
            for name, path in folders.items()
        ]
        with fleet(folder, *plans) as devices:
            for name in folders:
                devices.ask("make", name, size.cases // 2)
                devices.ask("shift", name, JUMPS.get(name, 0.0))
                devices.ask("make", name, size.cases // 2)
            drained(folders.values(), size.within_s)
            believed = {name: devices.ask("trusted", name) for name in folders}
            until(lambda: len(_states(here.tower.folder)) == len(folders), 90, "states")
        figures = losses("wrong clock", here.tower.folder, folders)
        bodies = {name: _bodies(here.tower.folder, name) for name in folders}
    wrong = sum(_believed(name, rows) for name, rows in bodies.items())
    return [
        *figures,
        Figure("wrong clock: cases out of order", sum(map(_disorder, bodies.values())), "", 0),
        Figure("wrong clock: cases that say it is right", wrong, "", 0),
        Figure("wrong clock: devices that believe it in the end",
               sum(believed[name] for name in folders if name != RIGHT), "", 0),
        Figure("right clock: cases that doubt it",
               sum(not body["clock_ok"] for body in bodies[RIGHT]), "", 0),
    ]  # fmt: skip


def _shift(name: str) -> float:
    """What its clock is ahead at the start, seconds."""
    years = {EPOCH: datetime(1970, 1, 1, 0, 1, tzinfo=UTC), LATE: datetime(2040, 6, 1, tzinfo=UTC)}
    return (years[name] - datetime.now(UTC)).total_seconds() if name in years else 0.0


def _bodies(tower: Path, device: str) -> list[dict[str, Any]]:
    """What the tower holds of each case, by `seq`."""
    with closing(sqlite3.connect(f"file:{tower / 'archive.db'}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT r.body FROM revisions r JOIN cases c USING (device, case_id, rev)"
            " WHERE r.device = ? ORDER BY c.seq",
            (device,),
        )
        return [json.loads(row[0]) for row in rows]


def _states(tower: Path) -> list[str]:
    """Devices that have said how they are."""
    with closing(sqlite3.connect(f"file:{tower / 'archive.db'}?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("SELECT device FROM devices WHERE state <> '{}'")]


def _disorder(bodies: list[dict[str, Any]]) -> int:
    """Neighbours that (boot, monotonic) puts the other way round, and numbers left out."""
    order = [(body["boot"], body["monotonic"]) for body in bodies]
    back = sum(a[0] != b[0] or a[1] >= b[1] for a, b in zip(order, order[1:], strict=False))
    return back + sum(body["seq"] != n for n, body in enumerate(bodies, 1))


def _believed(name: str, bodies: list[dict[str, Any]]) -> int:
    """Cases that say their clock is right, though it is not."""
    if name == RIGHT:
        return 0
    wrong = bodies[len(bodies) // 2 :] if name in JUMPS else bodies
    return sum(body["clock_ok"] for body in wrong)
