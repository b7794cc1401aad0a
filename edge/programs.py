"""Runs a program of the system's and gives what it says."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ask(command: Sequence[str], timeout_s: float = 20.0) -> tuple[int, str]:
    """Run a program; its exit code (-1: it did not come to an end) and what it printed."""
    try:
        done = subprocess.run(  # noqa: S603  every caller gives a fixed command
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        return -1, str(e)
    return done.returncode, done.stdout + done.stderr
