"""One round of comparing both ends: what to ask next. Decides; touches nothing.

One question at a time is out. What it was about waits until its answer comes; where none comes it
is asked again, further and further apart. A round that is given up costs nothing: the next one
begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.backoff import backoff
from sync.digests import (
    MAX_RANGES,
    MAX_WIDTH,
    Answer,
    Check,
    Compare,
    Differ,
    Held,
    Item,
    Question,
    Range,
    Sum,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Agreed:
    """The tower holds the same in this range."""

    sum: Sum
    """As it was asked about."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The tower holds nothing in this range: all of it has to go again."""

    sum: Sum
    """As it was asked about."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the tower doesn't hold in a narrow range, and what it does."""

    range: Range
    """Which numbers."""
    missing: tuple[Item, ...]
    """What it doesn't."""
    leaves: tuple[tuple[int, bytes], ...]
    """Number and leaf, as they are there."""


Finding = Agreed | Nothing | Checked


@dataclass(frozen=True, slots=True)
class Sums:
    """Ask with a `Compare` about these ranges."""

    ranges: tuple[Range, ...]
    """At least one."""


@dataclass(frozen=True, slots=True)
class Items:
    """Ask with a `Check` about this range, or about its beginning where there is much in it."""

    range: Range
    """A narrow one."""


class Comparison:
    """The state machine; see the module."""

    def __init__(self, ranges: Iterable[Range], rng: random.Random) -> None:
        """Compare these ranges, whose order is kept."""
        self._rng = rng
        self._open = list(ranges)[::-1]
        self._narrow: list[Range] = []
        self._number = rng.getrandbits(32)
        self._asked: Question | None = None
        self._deadline = 0.0
        self._tries = 0

    @property
    def done(self) -> bool:
        """Whether everything has been compared."""
        return not self._open and not self._narrow and self._asked is None

    @property
    def number(self) -> int:
        """For the next question."""
        return self._number

    def next(self, now: float) -> Sums | Items | None:
        """What to ask now; None while an answer may still come, and at the end."""
        if self._asked is not None:
            if now < self._deadline:
                return None
            self._tries += 1
            self._take_back()
        if self._narrow:
            return Items(self._narrow[-1])
        chosen: list[Range] = []
        for within in reversed(self._open):
            wide = within.width + sum(each.width for each in chosen)
            if len(chosen) == MAX_RANGES or (chosen and wide > MAX_WIDTH):
                break
            chosen.append(within)
        return Sums(tuple(chosen)) if chosen else None

    def asked(self, question: Question, now: float) -> None:
        """The transport took a question about what `next` gave."""
        if isinstance(question, Check):
            whole = self._narrow.pop()
            if question.range.last < whole.last:
                self._narrow.append(Range(question.range.last + 1, whole.last))
        else:
            del self._open[len(self._open) - len(question.sums) :]
        self._asked = question
        self._number += 1
        self._deadline = now + backoff(self._tries, self._rng)

    def lost(self) -> None:
        """The link is down: what was asked may not have arrived."""
        self._take_back()

    def wake_at(self) -> float | None:
        """When `next` has something again; None: now, or never."""
        return None if self._asked is None else self._deadline

    def heard(self, answer: Answer) -> list[Finding]:
        """The tower answered; what that says. An answer to something else says nothing."""
        asked = self._asked
        if asked is None or answer.number != asked.number:
            return []
        if isinstance(asked, Compare) and isinstance(answer, Differ):
            found = self._compared(asked, answer)
        elif isinstance(asked, Check) and isinstance(answer, Held):
            found = self._checked(asked, answer)
        else:
            return []
        self._asked, self._tries = None, 0
        return found

    def _compared(self, asked: Compare, answer: Differ) -> list[Finding]:
        counts = dict(answer.counts)
        found: list[Finding] = []
        for index, one in enumerate(asked.sums):
            count = counts.get(index)
            if count is None:
                found.append(Agreed(one))
            elif count == 0:
                found.append(Nothing(one))
            elif one.range.narrow:
                self._narrow.append(one.range)
            else:
                self._open += one.range.split()[::-1]
        return found

    def _checked(self, asked: Check, answer: Held) -> list[Finding]:
        items = asked.items
        missing = tuple(items[n] for n in answer.missing if 0 <= n < len(items))
        within = asked.range
        leaves = tuple(pair for pair in answer.leaves if within.first <= pair[0] <= within.last)
        return [Checked(within, missing, leaves)]

    def _take_back(self) -> None:
        if isinstance(self._asked, Check):
            self._narrow.append(self._asked.range)
        elif self._asked is not None:
            self._open += [one.range for one in self._asked.sums][::-1]
        self._asked = None
