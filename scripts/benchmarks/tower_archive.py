"""(c) and (d): a tower whose archive is large."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psutil

from scripts.benchmarks.figures import Figure, p95
from scripts.benchmarks.tower_seed import seed
from scripts.benchmarks.tower_workers import feed
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.towers import Tower, tower

if TYPE_CHECKING:
    from pathlib import Path

FIRST = 1_000
AT_ONCE = 10_000
BAR_MS = 50
ROUNDS = 60
DEEP = 40
"""Pages of 50 that are turned before a deep page is measured."""
QUERIES = (
    {},
    {"device": "device-7"},
    {"status": "needs_review"},
    {"label": "dent"},
    {"profile": "skin"},
    {"since": "2026-06-01T00:00:00Z", "until": "2026-06-08T00:00:00Z"},
    {"device": "device-7", "label": "dent"},
    {"status": "rejected", "label": "scratch", "profile": "vehicle-damage"},
    {"device": "device-7", "status": "accepted", "label": "tire_flat", "profile": "skin"},
    {"label": "dent", "since": "2026-06-01T00:00:00Z", "until": "2026-06-08T00:00:00Z"},
    {"q": "dent"},
    {"q": "scratch lyon"},
    {"q": "zoe graz device-7"},
    {"q": "AB"},
    {"q": "nothing at all"},
    {"q": "oksana", "device": "device-7", "status": "needs_review"},
    {"q": "nosuchword"},
)


def measure_memory(folder: Path, archived: int) -> list[Figure]:
    """Memory of the tower and its worker with 1,000 cases, and with many more, all taken in."""
    folder.mkdir(parents=True)
    with mosquitto(folder) as broker, tower(folder, broker.port, workers=1) as running:
        _take_in(running, broker, 0, FIRST)
        early = _memory_mb(running)
        _take_in(running, broker, FIRST, archived)
        late = _memory_mb(running)
    return [
        Figure(f"memory of tower and worker, {FIRST} cases", early, "MB"),
        Figure(f"the same, {archived} cases", late, "MB"),
        Figure(f"(c) memory at {archived} over memory at {FIRST}", late / early, "×", 1.1),
    ]


def _take_in(running: Tower, broker: Mosquitto, have: int, want: int) -> None:
    """Send small cases until so many are held, then look at lists as people do."""
    for first in range(have, want, AT_ONCE):  # more than that wouldn't fit the broker's queue
        upto = min(want, first + AT_ONCE)
        feed(broker, upto - first, photo_bytes=1000, first=first)
        running.until(lambda upto=upto: _count(running) >= upto, 7200)  # type: ignore[misc]
    for query in QUERIES:
        running.read(f"/cases?{urlencode({**query, 'limit': 50})}")
    running.read("/devices")
    running.read("/")


def _count(running: Tower) -> int:
    text = running.read("/metrics").decode()
    lines = [line for line in text.splitlines() if line.startswith("edgecase_tower_cases{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))


def _memory_mb(running: Tower) -> float:
    """Proportional set size of the tower and its workers: shared pages count once, MB."""
    assert running.process is not None  # noqa: S101
    parent = psutil.Process(running.process.pid)
    everyone = [parent, *parent.children(recursive=True)]
    return float(sum(p.memory_full_info().pss for p in everyone)) / 1e6


def measure_lists(folder: Path, listed: int, dsn: str = "") -> list[Figure]:
    """Pages over HTTP: the first one and a deep one of each query."""
    folder.mkdir(parents=True)
    seed(folder / "tower", listed, dsn)
    figures = []
    with mosquitto(folder) as broker, tower(folder, broker.port, workers=0) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port)
        slowest = 0.0
        for query in QUERIES:
            for name, cursor in (("first", None), ("deep", _deep(connection, query))):
                if name == "deep" and cursor is None:
                    continue
                ms = p95(_times(connection, {**query, **({"cursor": cursor} if cursor else {})}))
                slowest = max(slowest, ms)
                what = urlencode(query) or "everything"
                figures.append(
                    Figure(f"p95, {listed} cases, {what}, {name} page", ms, "ms", BAR_MS)
                )
    title = f"(d) slowest p95 of a page of 50 among {listed} cases"
    return [*figures, Figure(title, slowest, "ms", BAR_MS)]


def _deep(connection: http.client.HTTPConnection, query: dict[str, str]) -> str | None:
    """The cursor of a page far down; None where there is none."""
    cursor = None
    for _ in range(DEEP):
        cursor = _get(connection, {**query, **({"cursor": cursor} if cursor else {})})
        if cursor is None:
            return None
    return cursor


def _times(connection: http.client.HTTPConnection, query: dict[str, str]) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        _get(connection, query)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _get(connection: http.client.HTTPConnection, query: dict[str, str]) -> str | None:
    connection.request("GET", f"/cases?{urlencode({**query, 'limit': 50})}")
    answer = connection.getresponse()
    found = json.loads(answer.read())
    if answer.status != 200:
        raise SystemExit(f"{query}: {found}")
    following: str | None = found["next"]
    return following
