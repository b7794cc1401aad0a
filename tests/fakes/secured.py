"""The broker as it ships, kept by `Keeper` on loopback, and clients that come with certificates."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sync.broker import Broker, Tls
from sync.mqtt import MqttTransport
from sync.transport import Connected, Event, Lost, Received, Will
from tests.fakes.broker import free_port
from tower_sync_server.broker.configuration import Listener, Plan, Size
from tower_sync_server.broker.keeper import Keeper
from tower_sync_server.fleet.fleet import Address, Before, Fleet
from tower_sync_server.fleet.words import DEVICE_LIFE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from pathlib import Path

    from sync.bundle import Bundle

HOST = "127.0.0.1"
SIZE = Size(devices=500, workers=1, memory_mb=512)


class EditedKeeper(Keeper):
    """Keeps a broker whose configuration lacks something: for controls."""

    edit: Callable[[str], str] = staticmethod(lambda text: text)

    def prepare(self) -> None:
        super().prepare()
        path = self._plan.folder / "mosquitto.conf"
        path.write_text(self.edit(path.read_text()))


class Secured:
    """A broker, its fleet, and where to find both."""

    def __init__(
        self, folder: Path, *, edit: Callable[[str], str] | None = None, size: Size = SIZE
    ) -> None:
        self.folder = folder
        self.fleet = Fleet(folder / "fleet")
        self.port, self.workers_port, self.plain_port = free_port(), free_port(), free_port()
        self.plan = Plan(
            folder=folder / "broker",
            devices=Listener(HOST, self.port),
            workers=Listener(HOST, self.workers_port),
            size=size,
            plain_port=self.plain_port,
            user="root",
        )
        self.keeper = EditedKeeper(self.fleet, self.plan, [HOST, "localhost"])
        if edit is not None:
            self.keeper.edit = edit
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.keeper.run()
        except Exception as e:  # noqa: BLE001  the test's own thread says it
            self._failed.append(e)

    def start(self) -> None:
        self._thread.start()
        until(lambda: (self.plan.folder / "running.json").exists() or bool(self._failed))
        if self._failed:
            raise self._failed[0]

    @property
    def pid(self) -> int:
        """Of mosquitto."""
        return int(json.loads((self.plan.folder / "running.json").read_text())["pid"])

    def stop(self) -> None:
        self.keeper.stop()
        self._thread.join(10)

    def enroll(
        self, name: str, before: Before = Before.NONE, life: timedelta = DEVICE_LIFE
    ) -> Bundle:
        return self.fleet.enroll(name, Address(HOST, self.port), before, life)

    def device(self, bundle: Bundle, client_id: str = "") -> Broker:
        """The way of a device, its certificate in a file of its own."""
        path = self.folder / f"{bundle.name}-{bundle.issued.serial_number:x}.bundle"
        path.write_text(bundle.text())
        return Broker(HOST, client_id or bundle.name, self.port, Tls(path, path, path))

    def worker(self, client_id: str) -> Broker:
        own = self.fleet.folder.root / "worker.pem"
        ca = self.fleet.folder.root / "tower-ca.pem"
        return Broker(HOST, client_id, self.workers_port, Tls(ca, own, own))

    def observer(self) -> Broker:
        """Sees everything, by the listener for programs on this machine."""
        return Broker(HOST, "observer", self.plain_port)


class Client:
    """A transport and everything that it said."""

    def __init__(self, broker: Broker, *filters: str, will: Will | None = None) -> None:
        self.events: list[Event] = []
        self._dealt_with = 0
        self.transport = MqttTransport(broker, filters, will)
        self.transport.start(self.events.append)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        until(lambda: self.transport.free > 0)
        self.transport.publish(topic, payload, retain=retain)

    def heard(self) -> list[tuple[str, bytes]]:
        return [(event.topic, event.payload) for event in self.of(Received)]

    def acknowledge(self) -> None:
        """Tell the broker that everything which came since the last time has been dealt with."""
        fresh = self.events[self._dealt_with :]
        self._dealt_with += len(fresh)
        for event in fresh:
            if isinstance(event, Received):
                self.transport.done(event.receipt)

    def is_shut_out(self) -> bool:
        """Whether it was never let in, having tried."""
        until(lambda: bool(self.of(Lost) or self.of(Connected)))
        return not self.of(Connected)


@contextmanager
def client(broker: Broker, *filters: str, will: Will | None = None) -> Iterator[Client]:
    """A client that is connected."""
    made = Client(broker, *filters, will=will)
    try:
        until(lambda: bool(made.of(Connected)))
        yield made
    finally:
        made.transport.stop()


@contextmanager
def tried(broker: Broker) -> Iterator[Client]:
    """A client that may or may not be let in."""
    made = Client(broker)
    try:
        yield made
    finally:
        made.transport.stop()


@contextmanager
def secured(
    folder: Path, edit: Callable[[str], str] | None = None, size: Size = SIZE
) -> Iterator[Secured]:
    """A running broker; `edit` takes something out of its configuration."""
    broker = Secured(folder, edit=edit, size=size)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def until(done: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
