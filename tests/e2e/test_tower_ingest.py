"""The tower's end over a real broker: `edgecase-tower run`, and a device that only speaks."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.codec import decode_ack, encode_state
from sync.messages import Ack, Stored
from sync.messages import State as DeviceState
from sync.mqtt import MqttTransport
from sync.transport import Connected, Event, Lost, Received
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.parcels import Parcel, SentCase, noise, wire
from tests.fakes.towers import Tower, tower

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sync.messages import Up

pytestmark = pytest.mark.slow


class Device:
    """Sends what it is told, and hears the answers."""

    def __init__(self, broker: Mosquitto, name: str) -> None:
        self.name = name
        self.acks: queue.Queue[Ack] = queue.Queue()
        self._up = threading.Event()
        self._transport = MqttTransport(broker.at(name), (topics.ack(name),))
        self._transport.start(self._hear)
        assert self._up.wait(10)

    def _hear(self, event: Event) -> None:
        match event:
            case Connected():
                self._up.set()
            case Lost():
                self._up.clear()
            case Received():
                self.acks.put(decode_ack(event.payload))
                self._transport.done(event.receipt)
            case _:
                pass

    def say(self, message: Up) -> None:
        while self._transport.publish(*wire(message, self.name)) is None:
            assert self._up.wait(10)

    def announce(self) -> None:
        state = encode_state(DeviceState(online=True, software="test", cases=3))
        assert self._transport.publish(topics.state(self.name), state, retain=True) is not None

    def store(self, parcel: Parcel, tries: int = 60) -> None:
        """Send it, then ask and send what is missing until it is stored."""
        for chunk in parcel.chunks():
            self.say(chunk)
        for number in range(tries):
            ack = self._answer(parcel)
            if isinstance(ack, Stored):
                return
            if ack is None:
                self.say(parcel.ask(number))
            elif getattr(ack, "answers", None) is not None:
                for index in ack.chunks.missing():  # type: ignore[union-attr]
                    self.say(parcel.chunk(index))
        raise AssertionError("never stored")

    def _answer(self, parcel: Parcel) -> Ack | None:
        try:
            while True:
                ack = self.acks.get(timeout=1.0)
                if ack.address == parcel.header.address:
                    return ack
        except queue.Empty:
            return None

    def close(self) -> None:
        self._transport.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def running(tmp_path: Path, broker: Mosquitto) -> Iterator[Tower]:
    with tower(tmp_path, broker.port, workers=2) as started:
        yield started


@pytest.fixture
def device(broker: Mosquitto, running: Tower) -> Iterator[Device]:
    device = Device(broker, "gate")
    yield device
    device.close()


def test_a_case_goes_in_by_the_broker_and_comes_out_over_http(
    running: Tower, device: Device
) -> None:
    case = SentCase(photo=noise(300_000))

    for parcel in case.parcels():
        device.store(parcel)

    assert running.read(f"/cases/{case.id}/image") == case.photo
    assert running.read(f"/cases/{case.id}/image?variant=thumb") == case.thumb
    found = running.get(f"/cases/{case.id}")
    assert found.pop("archive")["complete"] is True
    assert found == {**case.body(), "device": "gate"}


def test_a_device_that_says_how_it_is_is_listed(running: Tower, device: Device) -> None:
    device.announce()

    running.until(lambda: bool(running.get("/devices")["devices"]))

    (row,) = running.get("/devices")["devices"]
    assert (row["device"], row["online"], row["state"]["cases"]) == ("gate", True, 3)


def test_a_worker_killed_in_the_middle_of_photos_loses_nothing(
    running: Tower, device: Device
) -> None:
    cases = [SentCase(seq=n + 1, photo=noise(400_000, n)) for n in range(6)]
    killed = []
    for case in cases:
        photo = case.original()
        for chunk in list(photo.chunks())[:4]:  # of seven
            device.say(chunk)
        for process in running.workers():
            process.kill()
            killed.append(process.pid)
        for parcel in case.parcels():
            device.store(parcel)

    assert len(set(killed)) >= 3
    assert len(running.get("/cases")["cases"]) == len(cases)
    for case in cases:
        assert running.read(f"/cases/{case.id}/image") == case.photo


def test_workers_leave_with_a_tower_that_was_killed(running: Tower) -> None:
    workers = running.workers()
    running.kill()

    running.until(lambda: not any(w.is_running() for w in workers))


def test_a_tower_comes_back_with_everything_it_held(running: Tower, device: Device) -> None:
    case = SentCase(photo=noise(1000))
    for parcel in case.parcels():
        device.store(parcel)
    running.kill()

    running.start()

    assert running.read(f"/cases/{case.id}/image") == case.photo


def test_it_ends_when_told_to(running: Tower) -> None:
    assert running.stop() == 0


def test_it_says_so_when_the_broker_is_gone(running: Tower, broker: Mosquitto) -> None:
    broker.kill()

    running.until(lambda: running.get("/health").get("ready") is False)

    broker.start()
    running.until(lambda: running.get("/health").get("ready") is True)
