"""(a) and (e): one device → mosquitto → one worker on SQLite, against mosquitto alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from scripts.benchmarks.figures import Figure
from tests.fakes.broker import mosquitto
from tests.fakes.drafts import draft, photo
from tests.fakes.keeps import opened
from tests.fakes.slow_link import slow_link
from tests.fakes.stores import opened as opened_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 100_000
"""Bytes of a case's photo."""
ENDLESS_KBIT_S = 10_000_000
PATIENCE_S = 900.0


def measure_throughput(folder: Path, cases: int, rounds: int) -> list[Figure]:
    """Cases a second through everything, and through the broker alone, in turn."""
    through, alone, cpu = [], [], []
    for number in range(rounds):
        place = folder / str(number)
        place.mkdir(parents=True)
        rate, spent = _through_everything(place, cases)
        through.append(rate)
        cpu.append(spent)
        alone.append(_broker_alone(place, cases))
    ratio = statistics.median(x / y for x, y in zip(through, alone, strict=True))
    device, worker, broker = (statistics.median(one) for one in zip(*cpu, strict=True))
    return [
        Figure(f"{cases} cases of 100 kB, device to durable", statistics.median(through), "/s"),
        Figure(
            "the same bytes, mosquitto between two paho clients", statistics.median(alone), "/s"
        ),
        Figure("(a) durable throughput over mosquitto alone", ratio, "×", 0.5, at_least=True),
        Figure("processor of the device, a case", device, "ms"),
        Figure("processor of the worker, a case", worker, "ms"),
        Figure("processor of the broker, a case", broker, "ms"),
    ]


def measure_wire(folder: Path, cases: int) -> list[Figure]:
    """Bytes from the device to the broker over bytes of payload."""
    folder.mkdir(parents=True)
    payload = asyncio.run(fill(folder / "device", cases))
    with (
        mosquitto(folder) as broker,
        slow_link(broker.port, ENDLESS_KBIT_S) as link,
        worker(folder, broker.port),
        device(folder / "device", link.port),
    ):
        _until_empty(folder / "device")
        ratio = link.up / payload
    return [Figure("(e) bytes on the wire over payload bytes", ratio, "×", 1.03)]


def _through_everything(folder: Path, cases: int) -> tuple[float, tuple[float, float, float]]:
    """Cases a second, and the processor time of device, worker and broker, ms a case."""
    asyncio.run(fill(folder / "device", cases))
    with mosquitto(folder) as broker, worker(folder, broker.port) as taking:
        watched = [taking, psutil.Process(broker.pid)]
        before = [spent_s(process) for process in watched]
        with device(folder / "device", broker.port) as sending:
            first = _until_begun(folder / "device")
            begun, at_start = time.monotonic(), spent_s(sending)
            _until_empty(folder / "device")
            wall = time.monotonic() - begun
            own = spent_s(sending) - at_start
        took = [spent_s(p) - b for p, b in zip(watched, before, strict=True)]
    share = first / (3 * cases)
    ms = 1000 / cases
    return cases * share / wall, (own * ms / share, took[0] * ms, took[1] * ms)


def spent_s(process: psutil.Process) -> float:
    """Processor time of a process, seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def fill(folder: Path, cases: int) -> int:
    """A device with so many cases in its outbox; gives the bytes that have to travel."""
    async with opened_store(folder, synchronous="OFF") as store:
        for number in range(1, cases + 1):
            one = photo(number, SIZE)
            await store.add(draft([one], number), [one])
        waiting = await store.waiting(set(), 3 * cases)
        return sum(content.size for _, content in waiting.more if content is not None)


@contextmanager
def worker(folder: Path, port: int, dsn: str = "", count: int = 1) -> Iterator[psutil.Process]:
    """Ingest workers that hear the broker; gives the first of them."""
    with opened(folder / "tower", dsn):
        pass  # the tables
    env = {
        "EDGECASE_TOWER_STORE__DATA_DIR": str(folder / "tower"),
        "EDGECASE_TOWER_STORE__DSN": dsn,
        "EDGECASE_TOWER_STORE__MIN_FREE_MB": "0",
        "EDGECASE_TOWER_MQTT__PORT": str(port),
    }
    command = [sys.executable, "-m", "tower_sync_server", "worker"]
    running = []
    try:
        for number in range(count):
            with (folder / f"worker-{number}.out").open("wb") as out:
                running.append(subprocess.Popen(command, env={**os.environ, **env}, stdout=out))
        for number in range(count):
            while b'"connected": true' not in (folder / f"worker-{number}.out").read_bytes():
                time.sleep(0.05)
        yield psutil.Process(running[0].pid)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


@contextmanager
def device(folder: Path, port: int) -> Iterator[psutil.Process]:
    """A device that empties its outbox."""
    command = [sys.executable, "-m", "tests.fakes.uplink_process", str(folder), str(port), "gate"]
    process = subprocess.Popen(command)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _left(folder: Path) -> int:
    """Parcels that the tower hasn't said to hold."""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/cases.db?mode=ro", uri=True)) as db:
        sql = "SELECT count(*) FROM outbox WHERE state <> 'stored'"
        return int(db.execute(sql).fetchone()[0])


def _until_begun(folder: Path) -> int:
    """Wait for the first answers: starting is not measured. Gives what is left."""
    whole = _left(folder)
    while (left := _left(folder)) == whole:
        time.sleep(0.01)
    return left


def _until_empty(folder: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while _left(folder):
        if time.monotonic() > end:
            raise SystemExit("the device did not get rid of its cases")
        time.sleep(0.2)


def _broker_alone(folder: Path, cases: int) -> float:
    """Cases a second between two paho clients: the same messages, at QoS 1, of the same sizes."""
    with mosquitto(folder) as broker:
        command = [sys.executable, "-m", "scripts.benchmarks.paho_pair"]
        done = subprocess.run(
            [*command, str(broker.port), str(cases)], capture_output=True, text=True, check=True
        )
    return float(done.stdout)
