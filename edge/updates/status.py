"""What the updater is doing, for those who ask, and the board where that is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.updates.comparison import Tally


STEP = 5
"""Percent of a fetch that are news."""


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

    def __init__(self, tell: Callable[[Mapping[str, object]], object] = lambda _: None) -> None:
        """Nothing is being done; `tell` hears whenever that is news."""
        self.status = UpdateStatus()
        self._tell = tell

    def say(self, **change: object) -> None:
        """From now on this holds; what isn't named stays."""
        before, self.status = self.status, replace(self.status, **change)  # type: ignore[arg-type]
        news = in_short(self.status)
        if news != in_short(before):
            self._tell(news)


def in_words(status: UpdateStatus) -> str:
    """What a person is told while something is being done; "" while nothing is."""
    if status.phase == "fetching":
        return f"Fetching {status.version}: {in_short(status)['percent']} %"
    if status.phase == "shadow":
        return f"Trying {status.version} on {status.compared.photos} photos so far"
    if status.phase == "probation":
        return f"{status.version} serves on probation"
    return ""


def in_short(status: UpdateStatus) -> Mapping[str, object]:
    """What of it is news, as an event says it."""
    step = 100 * status.done // status.total // STEP * STEP if status.total else 0
    return {
        "phase": status.phase,
        "version": status.version,
        "percent": step if status.phase == "fetching" else None,
        "problem": status.problem,
    }
