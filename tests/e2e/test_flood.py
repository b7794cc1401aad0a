"""One device floods the tower over a real broker; the others' cases are stored meanwhile."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults import oracle
from tests.e2e.faults.world import drained, until
from tests.fakes.broker import mosquitto
from tests.fakes.fleets import Plan, fleet
from tests.fakes.flooder import flooder
from tests.fakes.towers import Tower, tower

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

HONEST, FLOODER = ("garage", "gate"), "yard"
CASES = 30
UPLOADS, BURST = 40, 150
LIMITS = {
    "EDGECASE_TOWER_INGEST__OPEN_UPLOADS": str(UPLOADS),
    "EDGECASE_TOWER_INGEST__BURST_CASES": str(BURST),
    "EDGECASE_TOWER_INGEST__CASES_MINUTE": "1",
}
LANES = 2 * 64
"""Messages that are dealt with at once: by so many a limit may be passed."""


def unfinished(running: Tower) -> int:
    """Photos of the flooder that are half there."""
    return len(list((running.folder / f"spool/@{FLOODER}").glob("*")))


def revisions(running: Tower) -> int:
    """How many the flooder has got in."""
    with closing(sqlite3.connect(running.folder / "archive.db")) as db:
        wanted = "SELECT count(*) FROM revisions WHERE device = ?"
        return int(db.execute(wanted, (FLOODER,)).fetchone()[0])


def held_back(running: Tower) -> dict[str, int]:
    return {row["device"]: row["held_back"] for row in running.get("/devices")["devices"]}


def _is_shown(running: Tower) -> bool:
    """Whether the page says the count; what waited is still counted for a moment."""
    count = held_back(running)[FLOODER]
    return f"{count} messages" in running.read("/page/devices").decode()


@pytest.mark.parametrize("what", ["halves", "revisions", "questions"])
def test_one_device_that_floods_keeps_nobody_out(tmp_path: Path, what: str) -> None:
    folders = {name: tmp_path / name for name in HONEST}
    with mosquitto(tmp_path) as broker, tower(tmp_path, broker.port, more=LIMITS) as running:
        plans = [Plan(n, str(path), broker.port, (20_000, 200_000)) for n, path in folders.items()]
        with fleet(tmp_path, *plans) as devices, flooder(broker.port, FLOODER, 400, what):
            until(lambda: _has_come(running, what), 60, "the flood")
            for name in HONEST:
                devices.ask("make", name, CASES)
            took = drained(folders.values(), 120)
            print(f"{what}: {2 * CASES} cases of others in {took:.1f} s")
            end = time.monotonic() + 3
            while time.monotonic() < end:
                assert unfinished(running) <= UPLOADS + LANES
                assert revisions(running) <= BURST + LANES
                time.sleep(0.3)
            counts = held_back(running)
            metrics = running.read("/metrics").decode()
        found = oracle.compare(running.folder, folders)
        others = [wrong for wrong in found.doubled if not wrong.startswith(FLOODER)]
        assert (found.cases, found.missing, found.different, others) == (2 * CASES, (), (), [])
        assert [counts[name] for name in HONEST] == [0, 0]
        if what != "questions":  # of those one of a batch is answered
            assert counts[FLOODER] > 100
            assert f'edgecase_tower_held_back_total{{device="{FLOODER}"}}' in metrics
            until(lambda: _is_shown(running), 30, "the page")


def _has_come(running: Tower, what: str) -> bool:
    if what == "questions":
        return running.process is not None
    return unfinished(running) >= UPLOADS or revisions(running) >= BURST


@pytest.mark.parametrize("what", ["halves", "revisions"])
def test_without_limits_it_takes_what_it_likes(tmp_path: Path, what: str) -> None:
    """The control: it is the limits that stop it."""
    more = dict.fromkeys(LIMITS, "1000000")
    with (
        mosquitto(tmp_path) as broker,
        tower(tmp_path, broker.port, more=more) as running,
        flooder(broker.port, FLOODER, 400, what),
    ):
        count = unfinished if what == "halves" else revisions
        most = LANES + (UPLOADS if what == "halves" else BURST)
        until(lambda: count(running) > most + 100, 120, "it took more")
        assert oracle.on_tower(running.folder)
