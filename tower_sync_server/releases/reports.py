"""What devices said of releases lately, out of the archive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from models.jsonable import InvalidWordError, from_json
from models.rollout import REPORT, DeviceReport
from tower_sync_server.archive.tables import devices
from tower_sync_server.database.times import to_us
from tower_sync_server.releases.judge import Heard

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta


class Reports:
    """Reads the rows of the devices."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime], within: timedelta) -> None:
        """Of those that were heard `within` the time before `clock`."""
        self._engine = engine
        self._clock = clock
        self._within = within

    def __call__(self) -> list[Heard]:
        """Every device that reports on releases, by name."""
        since = to_us(self._clock() - self._within)
        rows = sa.select(devices.c.device, devices.c.state).where(devices.c.seen_us >= since)
        with self._engine.connect() as db:
            found = [(device, _report(state)) for device, state in db.execute(rows)]
        heard = [Heard(device, report) for device, report in found if report is not None]
        return sorted(heard, key=lambda one: one.device)


def _report(state: str) -> DeviceReport | None:
    try:
        said = json.loads(state).get(REPORT)
        return None if said is None else from_json(DeviceReport, said)
    except (ValueError, AttributeError, InvalidWordError):  # of another version: as if silent
        return None
