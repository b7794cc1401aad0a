"""How a process stands back for others: its threads each have a priority of their own."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BEHIND = 10
"""A tenth of the processor, where others want all of it: it gets ready late, but it does."""


def set_niceness(pid: int, niceness: int) -> None:
    """Set it for each thread that a process has; those that come later have their maker's.

    Args:
        pid: the process; one that is gone is passed over.
        niceness: -20 (first) … 19 (last).
    """
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


@contextmanager
def standing_back(pid: int) -> Iterator[None]:
    """Let a process stand back while the block lasts; not where it could never come forward again.

    Args:
        pid: the process.
    """
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    if not _may_come_forward(usual):
        yield
        return
    set_niceness(pid, usual + BEHIND)
    try:
        yield
    finally:
        set_niceness(pid, usual)


def _may_come_forward(niceness: int) -> bool:
    """Whether a process may be set back to it: by root, or under a LimitNICE (1 … 40) for it."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NICE)
    return os.geteuid() == 0 or limit == resource.RLIM_INFINITY or 20 - limit <= niceness
