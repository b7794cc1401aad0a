"""What a benchmark gives: a figure, its bar, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    """What."""
    value: float
    """Median, unless the name says otherwise."""
    unit: str
    """ms, s, MB, or × for a ratio."""
    bar: float | None = None
    """At most this; None: told for information."""
    at_least: bool = False
    """The bar is the least instead."""

    @property
    def met(self) -> bool | None:
        """Whether it is within its bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def machine() -> dict[str, str | int]:
    """What this was measured on."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.split(":")[1].strip() for line in cpu.splitlines() if "model name" in line]
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "opencv": version("opencv-python-headless"),
        "kernel": platform.release(),
    }


def in_turn(works: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Time several works in turn, A B C A B C …, so that a machine's drift meets all alike.

    Returns:
        Milliseconds of each round, one list a work; the first round is a warm-up and left out.
    """
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for times, work in zip(spent, works, strict=True):
            started = time.perf_counter()
            work()
            times.append((time.perf_counter() - started) * 1000)
    return [times[1:] for times in spent]


def ratio(a: Sequence[float], b: Sequence[float]) -> float:
    """Median of the ratios a/b, round by round."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]
