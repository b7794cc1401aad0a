"""Simulated devices: the real pipeline, store and uplink, without a camera and without models.

    python -m tests.fakes.fleet PLANS

PLANS is a file of JSON, a list of `Plan`. Says a line of JSON once it is ready and for each case
that is durable, and does what the lines of its input say; `tests.fakes.fleets` is the other end.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import json
import random
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.adapters.clock import BUILT, SystemClock
from edge.adapters.writer.template import TemplateWriter
from edge.config import SyncSettings
from edge.events import Events
from edge.identity import identify
from edge.pipeline import Pipeline, Submission
from edge.ports import Inspection, Photo
from edge.store.store import Store
from edge.summaries import Summaries
from edge.uplink.make import make_uplink
from edge.uplink.uplink import Uplink
from models.case import Status
from models.profile import load_all, shipped
from sync.mqtt_client import Connection
from sync.sender import Done
from sync.transport import Delivered
from tests.fakes.drafts import inspection, photo
from tests.fakes.fleets import Plan
from tests.fakes.stores import LIMITS

if TYPE_CHECKING:
    from sync.sender import Outcome
    from sync.transport import Event


class ShiftedClock(SystemClock):
    """The machine's clock; its wall time can be moved."""

    def __init__(self, floor: datetime, shift_s: float) -> None:
        super().__init__(floor)
        self.shift = timedelta(seconds=shift_s)

    def now(self) -> datetime:
        return super().now() + self.shift


class GivenVision:
    """Sees the same on every photo, at once."""

    async def inspect(self, data: bytes, _profile: str) -> tuple[Inspection, Photo]:
        digest = hashlib.sha256(data).hexdigest()
        thumb = b"\xff\xd8" + digest.encode() * 8 + b"\xff\xd9"
        return inspection("dent", "scratch"), Photo(data, digest, "image/jpeg", 1600, 1200, thumb)


class Device:
    """One simulated device."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = ShiftedClock(BUILT, plan.shift_s)
        self.store = Store(
            Path(plan.folder), now=lambda: self.clock.now(), limits=LIMITS, min_free_bytes=0
        )
        self.made = 0

    async def open(self) -> None:
        report = await self.store.open()
        self.clock = ShiftedClock(report.latest or BUILT, self.plan.shift_s)
        self.made = sum((await self.store.counts()).values())
        events, identity = Events(), identify(self.plan.name)
        profiles = load_all(shipped())
        summaries = Summaries(TemplateWriter("simulated"), self.store, events, profiles)
        self.pipeline = Pipeline(
            GivenVision(),  # type: ignore[arg-type]  what the pipeline needs of it
            self.store, summaries, events, self.clock, identity, profiles, "vehicle-damage",
        )  # fmt: skip
        host = "127.0.0.1" if self.plan.port else ""
        wanted = {"host": host, "port": self.plan.port, "spread_s": self.plan.spread_s}
        settings = SyncSettings(**{**wanted, **self.plan.sync})  # type: ignore[arg-type]
        self.uplink = make_uplink(settings, self.store, events, self.clock, identity)
        if self.plan.keepalive_s:
            self.link_of._plan = replace(self.link_of._plan, keepalive_s=self.plan.keepalive_s)
        if self.plan.trusting and isinstance(self.uplink, Uplink):
            trust_the_broker(self.uplink)

    @property
    def link_of(self) -> Any:
        """The transport."""
        assert isinstance(self.uplink, Uplink)
        return self.uplink._transport

    async def make(self) -> tuple[str, float, float]:
        """Make the next case; its id, milliseconds until it was durable, and of work meanwhile."""
        number = self.made + 1
        chance = random.Random(f"{self.plan.name} {number}")
        size = chance.randint(*self.plan.photo_bytes)
        data = photo(chance.randrange(1 << 60), size).data
        begin, worked = time.perf_counter(), time.process_time()
        case, _ = await self.pipeline.keep(
            [Submission(photo=data)], idempotency_key=f"case {number}", attended=False
        )
        took = (time.perf_counter() - begin) * 1000
        work = (time.process_time() - worked) * 1000
        self.made = number
        if self.plan.revise_every and number % self.plan.revise_every == 0:
            await self.store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
        return case.id, took, work

    async def make_all(self) -> None:
        """What the plan says."""
        while self.made < self.plan.cases:
            case, _, _ = await self.make()
            say({"device": self.plan.name, "made": case})
            await asyncio.sleep(self.plan.every_s)


def trust_the_broker(uplink: Uplink) -> None:
    """Have every parcel count as stored once the broker has all of it."""
    hear, sender = uplink._hear, uplink._sender

    def trusting(event: Event) -> list[Outcome]:
        outcomes = hear(event)
        for row, way in list(sender._ways.items()):
            if isinstance(event, Delivered) and not (way.todo or way.handed or way.unsure):
                outcomes.append(Done(row))
                sender.drop(row)
        return outcomes

    uplink._hear = trusting  # type: ignore[method-assign]


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Host:
    """Does what the lines say; each method named `do_…` is a command."""

    def __init__(self, plans: list[Plan]) -> None:
        self.devices = {plan.name: Device(plan) for plan in plans}

    async def run(self) -> None:
        for device in self.devices.values():
            await device.open()
        say({"ready": True})
        async with asyncio.TaskGroup() as group:
            for device in self.devices.values():
                group.create_task(device.uplink.run())
                group.create_task(device.make_all())
            group.create_task(self._listen())

    async def _listen(self) -> None:
        lines = asyncio.StreamReader(limit=1 << 20)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        async for line in lines:
            name, device, *rest = json.loads(line)
            answer = await getattr(self, f"do_{name}")(self.devices[device], *rest)
            say({"answer": answer})
        raise SystemExit

    async def do_make(self, device: Device, count: int) -> list[tuple[float, float]]:
        """Make cases; milliseconds that each took, and of processor time."""
        return [(await device.make())[1:] for _ in range(count)]

    async def do_status(self, device: Device) -> dict[str, Any]:
        """How the way to the tower is, and how often a thread was replaced."""
        found = device.uplink.status()
        return {
            "connected": found.connected,
            "reason": found.reason,
            "restarts": device.link_of.restarts,
        }

    async def do_compare(self, device: Device) -> None:
        """Compare with the tower now, as it does once a day."""
        assert isinstance(device.uplink, Uplink)
        device.uplink.compare()

    async def do_reject(self, device: Device, count: int) -> None:
        """Have a person reject its `count` oldest cases."""
        cursor, cases = None, []
        while True:
            page = await device.store.list(cursor=cursor, limit=200)
            cases += page.cases
            if (cursor := page.next) is None:
                break
        for case in cases[::-1][:count]:
            await device.store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))

    async def do_shift(self, device: Device, seconds: float) -> None:
        """Move its wall clock."""
        device.clock.shift += timedelta(seconds=seconds)

    async def do_trusted(self, device: Device) -> bool:
        """Whether it believes its clock."""
        return device.clock.trusted()

    async def do_kill_thread(self, device: Device) -> None:
        """Have the network thread die without a word, from outside."""
        thread = device.link_of._link
        ident, death = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, death) == 1
        await asyncio.to_thread(thread.join)

    async def do_hang_thread(self, device: Device) -> None:
        """Have the network thread that runs now hang, as in a call that never returns."""
        link, hangs = device.link_of._link, threading.Event()
        pump = Connection.pump

        def hang(connection: Connection, *arguments: Any) -> None:
            if threading.current_thread() is link:
                hangs.set()
                time.sleep(3600)
            pump(connection, *arguments)

        Connection.pump = hang  # type: ignore[method-assign]
        await asyncio.to_thread(hangs.wait)

    async def do_unwatch(self, device: Device) -> None:
        """Have nobody look after its network thread any more: a control."""
        device.link_of.check = lambda: None


def main() -> None:
    """Run until killed, or until the input ends."""
    plans = [Plan(**plan) for plan in json.loads(Path(sys.argv[1]).read_text())]
    asyncio.run(Host(plans).run())


if __name__ == "__main__":
    main()
