"""(f): a filtered page of 100,000 cases."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

from scripts.benchmarks.device import device
from scripts.benchmarks.figures import Figure, p95
from tests.fakes.seeding import seed

if TYPE_CHECKING:
    from pathlib import Path

CASES = 100_000
PAGES = (
    "/cases?status=needs_review&limit=50",
    "/cases?label=dent&limit=50",
    "/cases?label=scratch&status=accepted&limit=50",
    "/cases?since=2026-01-01T00:00:00Z&limit=50",
    "/cases?q=dent&limit=50",
)


def measure(folder: Path, _full: bool) -> list[Figure]:
    """Ask for each filter's first page, over HTTP, again and again."""
    seed(folder, CASES)
    figures = []
    with device(folder) as running:
        connection = http.client.HTTPConnection(running.address.removeprefix("http://"))
        for path in PAGES:
            times = []
            for _ in range(60):
                started = time.perf_counter()
                connection.request("GET", path, headers={"Accept": "application/json"})
                connection.getresponse().read()
                times.append((time.perf_counter() - started) * 1000)
            figures.append(Figure(f"(f) p95 GET {path}, 100,000 cases", p95(times), "ms", 30))
    return figures
