"""How fast a model runs here: measured once, when it is activated, and kept.

Cores are not counted but tried: on two hyper-threads two threads are often slower than one.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.jsonable import require

MIN_RUNS = 4
"""Runs of one thread setting, at least; the first of them is a warm-up and does not count."""
BUDGET_S = 0.4
"""Seconds for one thread setting, once it had its least runs."""
WORTH_IT = 0.95
"""More threads are taken only where they need less than this share of the time of fewer."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one inference of a model costs on this machine."""

    threads: int
    """The setting that was the fastest."""
    median_ms: float
    """Of one inference with it."""
    p95_ms: float
    """The same, 95th percentile."""
    backend: str
    """Library and version it was measured with."""

    def __post_init__(self) -> None:
        """Refuse what no clock gives."""
        require(self.threads >= 1, "threads", "at least 1", self.threads)
        require(0 <= self.median_ms <= self.p95_ms, "median_ms", "0 ≤ median ≤ p95", self.median_ms)


Opened = Callable[[int], tuple[Callable[[], object], Callable[[], None], str]]
"""Loads a model with so many threads: what runs it once, what closes it, its backend's name."""


def measure_model(
    opened: Opened,
    settings: Sequence[int],
    clock: Callable[[], float] = time.perf_counter,
) -> Measurement:
    """Time a model with each of the thread settings and choose one.

    Args:
        opened: loads the model.
        settings: numbers of threads to try, fewest first, at least one.
        clock: seconds, monotonic.

    Returns:
        The figures of the setting that was chosen.
    """
    tried = [_measure_setting(opened, threads, clock) for threads in settings]
    best = tried[0]
    for other in tried[1:]:
        if other.median_ms < WORTH_IT * best.median_ms:
            best = other
    return best


def _measure_setting(opened: Opened, threads: int, clock: Callable[[], float]) -> Measurement:
    run, close, backend = opened(threads)
    try:
        median, p95 = summary_ms(time_runs(run, clock))
    finally:
        close()
    return Measurement(threads, median, p95, backend)


def time_runs(run: Callable[[], object], clock: Callable[[], float]) -> list[float]:
    """Run until the budget is spent; seconds of each run after the warm-up."""
    run()
    times: list[float] = []
    end = clock() + BUDGET_S
    while len(times) < MIN_RUNS - 1 or clock() < end:
        start = clock()
        run()
        times.append(clock() - start)
    return times


def summary_ms(times: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds of at least one time in seconds."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    median = statistics.median(ordered)
    return round(median * 1000, 3), round(max(median, p95) * 1000, 3)


def settings_to_try(wanted: int = 0, cores: int = 0) -> tuple[int, ...]:
    """Which numbers of threads are worth a try: the wanted one, or 1, 2, … up to four cores.

    Args:
        wanted: what the settings say; 0 leaves it to measuring.
        cores: of the machine; 0 counts those that this process may use.
    """
    most = min(cores or len(os.sched_getaffinity(0)), 4)
    return (wanted,) if wanted else tuple(range(1, most + 1))
