"""What a challenger sees beside what the champion saw on the same photos, and what follows. No I/O.

There is no truth on a device, only two opinions: what speaks against a challenger here is that it
fails, is slow, or sees quite another thing than what people have worked with so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

from edge.updates.budget import UNLIMITED
from models.detection import Prediction, intersection_over_union

if TYPE_CHECKING:
    from collections.abc import Sequence

SAME = 0.5
"""Intersection over union from which two boxes are of the same thing."""
KEPT = 200
"""Times of the latest photos that are kept."""
FEWEST_TIMES = 10
"""Photos from which a latency says anything."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two opinions on one photo."""

    agreed: int
    """Things that both saw: same label, same place."""
    only_champion: tuple[str, ...]
    """Labels of what the champion alone saw."""
    only_challenger: tuple[str, ...]
    """Labels of what the challenger alone saw."""
    drift: float
    """Sum over what both saw: the challenger's confidence less the champion's."""
    champion_ms: float
    """Processor time that the champion took: on the clock the challenger, which runs at low
    priority, would be slow wherever the machine is busy."""
    challenger_ms: float
    """Processor time that the challenger took."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All opinions so far."""

    photos: int = 0
    """Photos that both looked at."""
    failures: int = 0
    """Photos that the challenger failed on."""
    agreed: int = 0
    """Things that both saw."""
    missed: Mapping[str, int] = field(default_factory=dict)
    """Label → how often the champion alone saw it."""
    added: Mapping[str, int] = field(default_factory=dict)
    """Label → how often the challenger alone saw it."""
    drift: float = 0.0
    """See `Pair.drift`."""
    champion_ms: tuple[float, ...] = ()
    """Of the latest photos."""
    challenger_ms: tuple[float, ...] = ()
    """Of the same."""

    def plus(self, pair: Pair) -> Tally:
        """With one photo more."""
        return Tally(
            photos=self.photos + 1,
            failures=self.failures,
            agreed=self.agreed + pair.agreed,
            missed=dict(Counter(self.missed) + Counter(pair.only_champion)),
            added=dict(Counter(self.added) + Counter(pair.only_challenger)),
            drift=self.drift + pair.drift,
            champion_ms=(*self.champion_ms, pair.champion_ms)[-KEPT:],
            challenger_ms=(*self.challenger_ms, pair.challenger_ms)[-KEPT:],
        )

    @property
    def agreement(self) -> float:
        """0..1: twice what both saw over what each saw; 1 where neither saw anything."""
        alone = sum(self.missed.values()) + sum(self.added.values())
        both = 2 * self.agreed
        return 1.0 if not both + alone else both / (both + alone)


@dataclass(frozen=True, slots=True)
class Rules:
    """How long a challenger is tried, and what speaks against it."""

    photos: int = 50
    """Photos after which it has been tried enough."""
    seconds: float = 24 * 3600.0
    """The same, of time."""
    least_agreement: float = 0.7
    """Less, from a tenth of the photos on, is worse."""
    slower: float = 2.0
    """Its median over the champion's; more is worse."""
    agreement_alone: bool = False
    """True: neither failures nor time speak against it, only what it sees."""


class Verdict(StrEnum):
    """What follows."""

    GO_ON = "go_on"
    """Not enough was seen."""
    GOOD = "good"
    """It may serve."""
    WORSE = "worse"
    """It must not."""


def compare(
    champion: Sequence[Prediction],
    challenger: Sequence[Prediction],
    champion_ms: float,
    challenger_ms: float,
) -> Pair:
    """Match what two models saw, surest first; what people are not shown doesn't count."""
    left = [p for p in challenger if p.shown and p.refines is None]
    agreed, drift, missed = 0, 0.0, []
    for seen in (p for p in champion if p.shown and p.refines is None):
        match = _match(seen, left)
        if match is None:
            missed.append(seen.label)
            continue
        left.remove(match)
        agreed, drift = agreed + 1, drift + match.confidence - seen.confidence
    alone = tuple(p.label for p in left)
    return Pair(agreed, tuple(missed), alone, drift, champion_ms, challenger_ms)


def judge(
    tally: Tally, rules: Rules, seconds: float, budget_ms: float = UNLIMITED
) -> tuple[Verdict, str]:
    """Decide whether a challenger may serve.

    Args:
        tally: what was seen.
        rules: by which.
        seconds: since it is being tried.
        budget_ms: how long a photo may take.

    Returns:
        The verdict, and in words why it is worse.
    """
    if tally.failures and not rules.agreement_alone:
        return Verdict.WORSE, f"it failed on {tally.failures} photo(s) that the other could read"
    slow = "" if rules.agreement_alone else _slow(tally, rules, budget_ms)
    if slow:
        return Verdict.WORSE, slow
    if tally.photos * 10 >= rules.photos and tally.agreement < rules.least_agreement:
        return Verdict.WORSE, f"agreement {tally.agreement:.2f} on {tally.photos} photos"
    enough = tally.photos >= rules.photos or seconds >= rules.seconds
    return (Verdict.GOOD if enough else Verdict.GO_ON), ""


def _slow(tally: Tally, rules: Rules, budget_ms: float) -> str:
    if len(tally.challenger_ms) < FEWEST_TIMES:
        return ""
    mine, theirs = median(tally.challenger_ms), median(tally.champion_ms)
    if mine > budget_ms:
        return f"it takes {mine:.0f} ms of the processor, {budget_ms:.0f} ms are allowed"
    if mine <= rules.slower * theirs:
        return ""
    return f"it takes {mine:.0f} ms of the processor where {theirs:.0f} ms are usual"


def _match(seen: Prediction, others: Sequence[Prediction]) -> Prediction | None:
    near = [
        o
        for o in others
        if o.label == seen.label and intersection_over_union(o.box, seen.box) >= SAME
    ]
    return max(near, key=lambda o: intersection_over_union(o.box, seen.box), default=None)
