"""Hints over a real mosquitto, and what the tower keeps of devices' reports."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from models.jsonable import to_json
from models.offer import DeviceClass, Ring
from models.rollout import REPORT, DeviceReport, Outcome, Result
from sync import topics
from sync.codec import decode_hint, encode_state
from sync.messages import State
from sync.mqtt import MqttTransport
from sync.transport import Received
from tests.fakes.broker import mosquitto
from tests.fakes.keeps import Bench, opened
from tower_sync_server.archive.tables import devices
from tower_sync_server.config import MqttSettings, Settings, StoreSettings
from tower_sync_server.releases.bell import MqttBell, NoBell
from tower_sync_server.releases.keys import read_ring, tower_key
from tower_sync_server.releases.reports import Reports
from tower_sync_server.releases.repository import Repository, utc_now
from tower_sync_server.releases.roles import ROLES
from tower_sync_server.releases.shelf import Shelf
from tower_sync_server.releases.watch import keeper_of, places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sync.transport import Event
    from tests.fakes.broker import Mosquitto
    from tower_sync_server.parts import Keep


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


def until(done: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


class Listener:
    """A device that listens for hints of its ring."""

    def __init__(self, broker: Mosquitto, ring: Ring) -> None:
        self.heard: list[int] = []
        self._transport = MqttTransport(broker.at(f"device-{ring}"), (topics.hint(ring.value),))
        self._transport.start(self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Received):
            self.heard.append(decode_hint(event.payload).extra["snapshot"])
            self._transport.done(event.receipt)

    def stop(self) -> None:
        self._transport.stop()


def test_a_hint_reaches_those_that_listen_and_those_that_come_later(broker: Mosquitto) -> None:
    bell = MqttBell(MqttTransport(broker.at("tower")))
    early = Listener(broker, Ring.EARLY)
    for ring in Ring:
        bell.ring(ring, 7)
    until(lambda: early.heard == [7])
    late = Listener(broker, Ring.CANARY)
    until(lambda: late.heard == [7])
    bell.ring(Ring.CANARY, 8)
    until(lambda: late.heard[-1] == 8)
    bell.check()
    for one in (early, late, bell):
        one.stop() if isinstance(one, Listener) else one.close()


def test_what_was_said_while_the_broker_was_away_is_said_when_it_is_back(
    broker: Mosquitto,
) -> None:
    broker.kill()
    bell = MqttBell(MqttTransport(broker.at("tower")))
    bell.ring(Ring.ALL, 3)
    bell.ring(Ring.ALL, 4)
    broker.start()
    device = Listener(broker, Ring.ALL)
    until(lambda: device.heard[-1:] == [4])
    device.stop()
    bell.close()


def test_a_bell_that_said_nothing_never_connects() -> None:
    bell = MqttBell(MqttTransport.__new__(MqttTransport))  # would fail if it were touched
    bell.check()
    bell.close()
    NoBell().ring(Ring.ALL, 1)


def test_the_towers_keeper_tells_devices_of_a_new_repository(
    broker: Mosquitto, tmp_path: Path
) -> None:
    settings = Settings(
        store=StoreSettings(data_dir=tmp_path / "tower"), mqtt=MqttSettings(port=broker.port)
    )
    places = places_of(settings)
    keys = {role: [tower_key(places.keys, role)] for role in ROLES}
    Repository(Shelf(places), read_ring(places.keys), utc_now).begin(keys, {})
    device = Listener(broker, Ring.ALL)
    with opened(tmp_path / "tower") as keep:
        keeper = keeper_of(settings, keep.engine)
        keeper.look()
        until(lambda: device.heard == [1])
        keeper._bell.close()
    device.stop()


# ---- reports

REPORTED = DeviceReport(
    Ring.CANARY, DeviceClass.PI4, (Outcome("writer", "1.0.0", Result.ROLLED_BACK, "3 crashes"),)
)


def hear(keep: Keep, device: str, report: object = None, *, online: bool = True) -> None:
    """A state arrives, as the wire carries it."""
    extra = {} if report is None else {REPORT: report}
    Bench(keep).ingest.take(topics.state(device), encode_state(State(online=online, extra=extra)))


def test_a_report_travels_in_the_state_and_is_read_out_of_the_archive(tmp_path: Path) -> None:
    with opened(tmp_path) as keep:
        hear(keep, "gate", to_json(REPORTED))
        hear(keep, "yard")
        hear(keep, "shed", "nonsense")
        hear(keep, "gate", online=False)  # a Last Will takes nothing away
        (heard,) = Reports(keep.engine, utc_now, timedelta(days=7))()
    assert (heard.device, heard.report) == ("gate", REPORTED)


def test_a_device_that_was_silent_for_long_is_left_out(tmp_path: Path) -> None:
    with opened(tmp_path) as keep:
        hear(keep, "gate", to_json(REPORTED))
        later = datetime.now(UTC) + timedelta(days=8)
        assert Reports(keep.engine, lambda: later, timedelta(days=7))() == []


@pytest.mark.parametrize("text", ["{}", "[]", "", '{"releases": {"ring": "moon"}}'])
def test_a_row_of_another_version_is_passed_over(tmp_path: Path, text: str) -> None:
    with opened(tmp_path) as keep:
        hear(keep, "gate")
        with keep.engine.begin() as db:
            db.execute(sa.update(devices).values(state=text))
        assert Reports(keep.engine, utc_now, timedelta(days=7))() == []


def test_what_is_kept_of_a_report_is_what_was_said(tmp_path: Path) -> None:
    with opened(tmp_path) as keep:
        hear(keep, "gate", to_json(REPORTED))
        with keep.engine.connect() as db:
            kept = json.loads(db.execute(sa.select(devices.c.state)).scalar_one())
    assert kept[REPORT] == to_json(REPORTED)
