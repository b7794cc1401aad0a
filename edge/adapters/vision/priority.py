"""How a process stands back for others: its threads each have a priority of their own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def set_niceness(pid: int, niceness: int) -> None:
    """Set it for each thread that a process has; those that come later have their maker's.

    Args:
        pid: the process; one that is gone is passed over.
        niceness: -20 (first) … 19 (last).
    """
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)
