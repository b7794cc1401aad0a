"""Control groups of a container's own: two in one take each other's services for theirs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HIERARCHIES = tuple(Path("/sys/fs/cgroup") / name for name in ("unified", "systemd", "."))
"""Where systemd looks for its services; which there are is the machine's affair."""
ENTER = 'for group in $1; do echo $$ >"$group/cgroup.procs"; done; shift; exec "$@"'
"""A shell's words: enter the groups of the first argument, and run what the others say."""
PATIENCE_S = 10
"""For those in a group to be gone."""


def enter(name: str) -> list[str]:
    """Make them; what is put before a command has it run in them."""
    made = []
    for hierarchy in _hierarchies():
        with contextlib.suppress(OSError):  # read-only: then it shares those of who starts it
            (hierarchy / name).mkdir(exist_ok=True)
            made.append(str(hierarchy / name))
    return ["bash", "-ec", ENTER, "bash", " ".join(made)]


def names() -> set[str]:
    """Of all that `enter` made and that are still there."""
    return {group.name for where in _hierarchies() for group in where.glob("edgecase-*")}


def remove(name: str) -> None:
    """When nobody is in them any more: what was killed takes a moment to be gone."""
    end = time.monotonic() + PATIENCE_S
    while name in names() and time.monotonic() < end:
        for hierarchy in _hierarchies():
            below = sorted((hierarchy / name).glob("**/"), reverse=True)
            for group in below:  # a folder after what is in it
                with contextlib.suppress(OSError):
                    group.rmdir()
        time.sleep(0.1)


def _hierarchies() -> Iterator[Path]:
    return (each for each in HIERARCHIES if (each / "cgroup.procs").exists())
