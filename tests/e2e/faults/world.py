"""What every scenario stands on: broker, tower, patience, and the comparison as figures."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from scripts.benchmarks.figures import Figure
from tests.e2e.faults import oracle
from tests.fakes.broker import Mosquitto, mosquitto
from tests.fakes.towers import Tower, tower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(frozen=True)
class World:
    """A broker and a tower that takes cases in."""

    folder: Path
    broker: Mosquitto
    tower: Tower


@contextmanager
def world(folder: Path, workers: int = 2) -> Iterator[World]:
    """Start both; the tower keeps everything in `folder`/tower."""
    with mosquitto(folder) as broker, tower(folder, broker.port, workers=workers) as running:
        yield World(folder, broker, running)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder that is gone afterwards, in memory where the system has a place for that."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made_here:
        yield Path(made_here)


def until(holds: Callable[[], object], seconds: float, what: str, every_s: float = 0.2) -> float:
    """Wait until it holds; gives the seconds that took."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() < begin + seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(every_s)
    return time.monotonic() - begin


def drained(folders: Iterable[Path], seconds: float) -> float:
    """Wait until nothing waits in any outbox; the seconds that took."""
    left = list(folders)

    def empty() -> bool:
        while left and oracle.waiting(left[0]) == 0:
            left.pop(0)
        return not left

    return until(empty, seconds, "outboxes are empty", 0.5)


def made(folder: Path, cases: int) -> bool:
    """Whether a device has so many cases."""
    return (folder / "cases.db").exists() and oracle.made(folder) >= cases


def losses(
    prefix: str,
    tower_folder: Path,
    devices: Mapping[str, Path],
    promised: Iterable[tuple[str, str]] = (),
) -> list[Figure]:
    """Compare both ends: cases, and what is missing, doubled or different."""
    found = oracle.compare(tower_folder, devices, promised)
    for wrong in (*found.missing[:5], *found.doubled[:5], *found.different[:5]):
        print(f"  {prefix}: {wrong}")
    return [
        Figure(f"{prefix}: cases", found.cases, ""),
        Figure(f"{prefix}: missing", len(found.missing), "", 0),
        Figure(f"{prefix}: doubled", len(found.doubled), "", 0),
        Figure(f"{prefix}: bytes different", len(found.different), "", 0),
    ]


def rss_mb(process: psutil.Process) -> float:
    """Memory that a process has in use, MB; 0 once it is gone."""
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def told(figure: Figure) -> str:
    """A figure beside its bar, as a line."""
    value = f"{figure.value:.6g} {figure.unit}".strip()
    if figure.bar is None:
        return f"{figure.name}: {value}"
    sign = "≥" if figure.at_least else "≤"
    missed = "" if figure.met else "  MISSED"
    return f"{figure.name}: {value} (bar: {sign} {figure.bar:g}){missed}"
