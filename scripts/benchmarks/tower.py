"""The tower of issue 4, section 6: (a) to (e), as ratios of one run where they are ratios.

Alone, with sizes: python -m scripts.benchmarks.tower --cases 200 --archived 5000 --listed 50000
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks import tower_archive, tower_flow, tower_workers
from scripts.benchmarks.figures import Figure, machine


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    cases: int = 300
    """Of 100 kB, in each round of (a) and for each number of workers in (b)."""
    rounds: int = 3
    """Of (a): device and bare broker in turn."""
    archived: int = 5_000
    """Cases that are in the archive at the end of (c); 1,000 at its beginning."""
    listed: int = 100_000
    """Cases in the archive of (d)."""


FULL = Sizes(cases=2_000, rounds=5, archived=100_000, listed=1_000_000)


def measure(folder: Path, full: bool) -> list[Figure]:
    """All of it; `full` takes about an hour."""
    return measure_parts(folder, FULL if full else Sizes(), "abcde")


def measure_parts(folder: Path, sizes: Sizes, which: str) -> list[Figure]:
    """Those of the five that `which` names, and what the load of the machine was."""
    figures = [Figure("load of the machine at the beginning", os.getloadavg()[0], "")]
    if "a" in which:
        figures += tower_flow.measure_throughput(folder / "a", sizes.cases, sizes.rounds)
    if "b" in which:
        figures += tower_workers.measure(folder / "b", sizes.cases)
    if "c" in which:
        figures += tower_archive.measure_memory(folder / "c", sizes.archived)
    if "d" in which:
        figures += tower_archive.measure_lists(folder / "d", sizes.listed)
    if "e" in which:
        figures += tower_flow.measure_wire(folder / "e", min(sizes.cases, 100))
    return [*figures, Figure("load at the end", os.getloadavg()[0], "")]


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--which", default="abcde", help="of (a) to (e)")
    for name, default in (("cases", 300), ("rounds", 3), ("archived", 5_000), ("listed", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    sizes = Sizes(chosen.cases, chosen.rounds, chosen.archived, chosen.listed)
    with tempfile.TemporaryDirectory(prefix="edgecase-tower-bench-") as folder:
        figures = measure_parts(Path(folder), sizes, chosen.which)
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        bar = "" if figure.bar is None else f"   {sign} {figure.bar:g}"
        print(f"{figure.value:12.3f} {figure.unit:8} {figure.name}{bar}")
    print(machine())
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
