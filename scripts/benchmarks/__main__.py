"""Measures everything, or what `--only` names, and prints it beside its bars."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.adapters.vision.process import ENVIRONMENT
from scripts.benchmarks import decision, faults, http, listing, tower, updates, week, writes
from scripts.benchmarks.figures import Figure, machine

PARTS = {
    "decision": decision.measure,
    "http": http.measure_round_trips,
    "memory": http.measure_memory,
    "start": http.measure_start,
    "list": listing.measure,
    "updates": updates.measure,
    "tower": tower.measure,
    "week": week.measure,
    "writes": writes.measure,
}


def main() -> int:
    """Run the benchmarks; 0 when every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures and machine as JSON")
    parser.add_argument("--full", action="store_true", help="the long runs, up to an hour")
    parser.add_argument("--faults", action="store_true", help="break everything instead, in full")
    parser.add_argument("--only", default="", help="parts, with commas between")
    chosen = parser.parse_args()
    parts = faults.PARTS if chosen.faults else PARTS
    if not set(ENVIRONMENT.items()) <= set(os.environ.items()):  # what the worker runs in
        again = [sys.executable, "-m", "scripts.benchmarks", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, **ENVIRONMENT})  # noqa: S606
    figures: list[Figure] = []
    for name in chosen.only.split(",") if chosen.only else parts:
        with tempfile.TemporaryDirectory(prefix="edgecase-bench-") as folder:
            print(f"measuring: {name}", file=sys.stderr)
            figures += parts[name](Path(folder), chosen.full)
    if chosen.json:
        found = [{**asdict(figure), "met": figure.met} for figure in figures]
        print(json.dumps({"machine": machine(), "figures": found}, indent=1))
    else:
        show(figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


def show(figures: list[Figure]) -> None:
    """Print a table and the machine."""
    table = Table("figure", "measured", "bar")
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        bar = "" if figure.bar is None else f"{sign} {figure.bar:g} {figure.unit}"
        colour = {None: "", True: "[green]", False: "[red]"}[figure.met]
        table.add_row(figure.name, f"{colour}{figure.value:.2f} {figure.unit}", bar)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{key} {value}" for key, value in machine().items()))


if __name__ == "__main__":
    sys.exit(main())
