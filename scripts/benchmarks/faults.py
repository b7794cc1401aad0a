"""Section 5 of the sync: everything is broken in turn, in full size, and both ends are compared.

The same scenarios as in tests/e2e/faults, which run them small. `disk-full` needs root.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tests.e2e.faults.scenarios import (
    all_at_once,
    broker_down,
    cut_link,
    disk_full,
    forgery,
    killing,
    old_backup,
    silent_link,
    workers_killed,
    wrong_clock,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scripts.benchmarks.figures import Figure

SEED = 41
"""Of everything that is at random; told with the figures."""


def _full(scenario: Any) -> Callable[[Path, bool], list[Figure]]:
    def measure(folder: Path, _full: bool) -> list[Figure]:
        print(f"{scenario.FULL}, seed {SEED}", file=sys.stderr)
        found: list[Figure] = scenario.run(folder, scenario.FULL, SEED)
        return found

    return measure


PARTS = {
    "kill-9": _full(killing),
    "broker-down": _full(broker_down),
    "cut-link": _full(cut_link),
    "silent-link": _full(silent_link),
    "workers-killed": _full(workers_killed),
    "old-backup": _full(old_backup),
    "wrong-clock": _full(wrong_clock),
    "all-at-once": _full(all_at_once),
    "forgery": _full(forgery),
    "disk-full": _full(disk_full),
}
"""Name → the fault in full size."""
