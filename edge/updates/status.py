"""What the updater is doing, for those who ask."""

from __future__ import annotations

from dataclasses import dataclass

from edge.updates.comparison import Tally


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """What the updater is doing."""

    phase: str = "idle"
    """`idle`, `looking`, `fetching`, `shadow`, `probation`."""
    version: str = ""
    """id@version that it is about."""
    done: int = 0
    """Bytes that are here, while fetching."""
    total: int = 0
    """Of all files."""
    tally: Tally = Tally()
    """What the challenger was seen to do."""
    problem: str = ""
    """Why the last look or the last version came to nothing."""
    waiting: tuple[str, ...] = ()
    """id@version of what is installed and waits for a person's word."""
