"""The tower's disk runs full while a device sends, and has room again after a while."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from scripts.benchmarks.figures import Figure
from sync import codec
from sync.messages import Stored
from tests.e2e.faults import oracle
from tests.e2e.faults.world import drained, losses, until
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.fleets import Plan, fleet
from tests.fakes.mounts import call, tmpfs
from tests.fakes.towers import tower

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICE = "garage"


@dataclass(frozen=True)
class Size:
    """How much of it."""

    cases: int
    megabytes: int
    """Of the disk, at first; less than the cases are."""
    photo_bytes: tuple[int, int] = (100_000, 400_000)
    full_s: float = 20.0
    """How long it stays full."""
    within_s: float = 120.0
    """Once there is room everything has to be on the tower by then."""


SMALL = Size(cases=60, megabytes=12, full_s=6.0)
FULL = Size(cases=2_000, megabytes=200, full_s=120.0, within_s=1_800.0)


class Eavesdropper:
    """Hears every answer of the tower, counts them, and keeps what was `stored`."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.stored: set[tuple[str, str, str]] = set()
        """Case, kind and SHA-256 of the photo (hex; "" of a case)."""
        self.lock = threading.Lock()

    def hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        for ack in codec.decode_downs(message.payload):
            with self.lock:
                self.count[type(ack).__name__.lower()] += 1
                if isinstance(ack, Stored) and ack.address.kind is not None:
                    address = ack.address
                    self.stored.add((address.case, address.kind.value, address.image))


@contextmanager
def eavesdropping(broker: Mosquitto) -> Iterator[Eavesdropper]:
    """Listen to all devices' answers."""
    found = Eavesdropper()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = found.hear
    client.on_connect = lambda *_: client.subscribe("edgecase/v1/d/+/ack", 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        yield found
    finally:
        client.disconnect()
        client.loop_stop()


def run(folder: Path, size: Size, _seed: int) -> list[Figure]:
    """Fill it, look what was promised, make room, compare."""
    device = folder / DEVICE
    with (
        mosquitto(folder) as broker,
        tmpfs(folder / "disk", size.megabytes) as disk,
        eavesdropping(broker) as heard,
        tower(disk, broker.port, workers=2) as running,
        fleet(folder, Plan(DEVICE, str(device), broker.port, size.photo_bytes)) as devices,
    ):
        devices.ask("make", DEVICE, size.cases)
        until(lambda: heard.count["busy"], 120, "the tower says busy")
        running.workers()[0].kill()  # another has to start on a full disk
        time.sleep(size.full_s)
        left = oracle.waiting(device)
        with heard.lock:
            promised, busy = set(heard.stored), heard.count["busy"]
        broken = len(_not_held(running.folder, promised))
        call("mount", "-o", f"remount,size={size.megabytes * 20}m", disk)
        took = drained([device], size.within_s)
        found = losses("disk full", running.folder, {DEVICE: device})
    return [
        Figure("disk full: busy", busy, "", 1, at_least=True),
        Figure("disk full: things that waited for room", left, "", 1, at_least=True),
        Figure("disk full: acknowledged", len(promised), ""),
        Figure("disk full: acknowledged and not there", broken, "", 0),
        Figure("disk full: refused for good", heard.count["reject"], "", 0),
        Figure("disk full: from room to an empty outbox", took, "s"),
        *found,
    ]


def _not_held(tower_folder: Path, promised: set[tuple[str, str, str]]) -> list[str]:
    """What was acknowledged and isn't durable."""
    held = oracle.parts(tower_folder)
    return [" ".join(part) for part in sorted(promised) if part not in held]
