"""(b): four workers on PostgreSQL against one, over cases of many devices that wait in the broker.

The workers are held while the broker is filled, so that filling it takes nothing from them; that
has to be over before the broker misses them, so it is not done with more than `MOST` cases.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import sqlalchemy as sa

from scripts.benchmarks.figures import Figure
from scripts.benchmarks.tower_flow import SIZE, worker
from sync.mqtt import MqttTransport
from sync.transport import Connected, Delivered, Event
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.parcels import SentCase, noise, wire
from tests.fakes.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterable

DEVICES = 32
PATIENCE_S = 900.0
MOST = 600


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen of some workers."""

    rate: float
    """Cases a second."""
    spent: tuple[float, float, float]
    """Processor time of all workers, of PostgreSQL and of the broker, ms a case."""
    idle: float
    """Share of the machine's processors that nobody used meanwhile."""


def measure(folder: Path, cases: int) -> list[Figure]:
    """Cases a second with one worker and with four, in turn, twice."""
    runs: dict[int, list[Run]] = {1: [], 4: []}
    for number, count in enumerate((1, 4, 1, 4)):
        place = folder / str(number)
        place.mkdir(parents=True)
        runs[count].append(_run(place, min(cases, MOST), count))
    one, four = (max(runs[count], key=lambda run: run.rate) for count in (1, 4))
    ratio = four.rate / one.rate
    return [
        *_told("PostgreSQL, 1 worker, 100 kB cases", one),
        *_told("PostgreSQL, 4 workers, 100 kB cases", four),
        Figure("(b) 4 workers over 1, better of two runs each", ratio, "×", 1.6, at_least=True),
    ]


def _told(name: str, run: Run) -> list[Figure]:
    workers, database, broker = run.spent
    return [
        Figure(name, run.rate, "/s"),
        Figure("  processor of all its workers, a case", workers, "ms"),
        Figure("  processor of PostgreSQL, a case", database, "ms"),
        Figure("  processor of the broker, a case", broker, "ms"),
        Figure("  of the machine's processors unused", 100 * run.idle, "%"),
    ]


def _run(folder: Path, cases: int, workers: int) -> Run:
    """All cases wait in the broker when the workers begin."""
    with (
        postgres() as dsn,
        mosquitto(folder) as broker,
        worker(folder, broker.port, dsn, workers) as one,
    ):
        engine = sa.create_engine(dsn)
        _until(engine, 0)
        everyone = [p for p in psutil.Process().children() if p.cmdline() == one.cmdline()]
        for process in everyone:
            process.suspend()
        feed(broker, cases)
        groups = (everyone, [_postmaster(dsn)], [psutil.Process(broker.pid)])
        before, unused = [_spent_s(group) for group in groups], psutil.cpu_times()
        begun = time.monotonic()
        for process in everyone:
            process.resume()
        _until(engine, 3 * cases)
        wall = time.monotonic() - begun
        workers_s, database_s, broker_s = (
            _spent_s(group) - was for group, was in zip(groups, before, strict=True)
        )
        idle = (psutil.cpu_times().idle - unused.idle) / wall / (psutil.cpu_count() or 1)
        engine.dispose()
    ms = 1000 / cases
    return Run(cases / wall, (workers_s * ms, database_s * ms, broker_s * ms), idle)


def _postmaster(dsn: str) -> psutil.Process:
    """The server that `postgres` started for this address."""
    folder = Path(str(sa.make_url(dsn).query["host"]))
    return psutil.Process(int((folder / "db" / "postmaster.pid").read_text().split()[0]))


def _spent_s(processes: Iterable[psutil.Process]) -> float:
    """Processor time of processes and of all that they started, seconds."""
    total = 0.0
    for process in processes:
        for one in (process, *process.children(recursive=True)):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _until(engine: sa.Engine, count: int) -> int:
    end = time.monotonic() + PATIENCE_S
    while True:
        with engine.connect() as db:
            here = int(db.scalar(sa.text("SELECT count(*) FROM parcels")) or 0)
        if here >= count:
            return here
        if time.monotonic() > end:
            raise SystemExit(f"the workers stopped at {here} of {count} parcels")
        time.sleep(0.05)


def feed(broker: Mosquitto, cases: int, photo_bytes: int = SIZE, first: int = 0) -> None:
    """Send the cases of many devices as fast as the broker takes them; nobody hears the answers."""
    free = threading.Condition()

    def hear(event: Event) -> None:
        if isinstance(event, (Connected, Delivered)):
            with free:
                free.notify()

    transport = MqttTransport(broker.at("feeder"))
    transport.start(hear)
    pool = noise(photo_bytes)
    for number in range(first, first + cases):
        # Photos that differ in their beginning: making noise would take longer than sending it.
        photo = number.to_bytes(8, "big") + pool[8:]
        case = SentCase(seq=number // DEVICES + 1, photo=photo, thumb=photo[:4000][::-1])
        device = f"device-{number % DEVICES}"
        for chunk in itertools.chain.from_iterable(p.chunks() for p in case.parcels()):
            message = wire(chunk, device)
            with free:
                while transport.publish(*message) is None:
                    free.wait(1.0)
    while transport.free < 16:
        time.sleep(0.05)
    transport.stop()
