"""What the updater is doing, for those who ask, and the board where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.updates.comparison import Tally


@dataclass(frozen=True, slots=True)
class Compared:
    """A challenger beside what serves."""

    photos: int = 0
    """That both looked at."""
    agreement: float = 1.0
    """0..1: twice what both saw over what each saw."""
    missed: Mapping[str, int] = field(default_factory=dict)
    """Label → how often what serves saw it alone."""
    added: Mapping[str, int] = field(default_factory=dict)
    """Label → how often the challenger saw it alone."""
    ms: tuple[float, float] = (0.0, 0.0)
    """Median processor time of a photo: what serves, the challenger."""

    @classmethod
    def of(cls, tally: Tally) -> Compared:
        """In short."""
        times = [median(t) if t else 0.0 for t in (tally.champion_ms, tally.challenger_ms)]
        return cls(tally.photos, tally.agreement, tally.missed, tally.added, (times[0], times[1]))


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
    compared: Compared = Compared()
    """What the challenger was seen to do."""
    problem: str = ""
    """Why the last look or the last version came to nothing."""
    waiting: tuple[str, ...] = ()
    """id@version of what is installed and waits for a person's word."""


class Board:
    """Says what is being done; written in the event loop alone."""

    def __init__(self) -> None:
        """Nothing is being done."""
        self.status = UpdateStatus()

    def say(self, **change: object) -> None:
        """From now on this holds; what isn't named stays."""
        self.status = replace(self.status, **change)  # type: ignore[arg-type]
