"""How long to wait: doubling, with jitter, so that a fleet doesn't come back all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FIRST_S = 2.0
LONGEST_S = 300.0


def backoff(tries: int, rng: random.Random) -> float:
    """Seconds to wait after `tries` failures in a row: half to all of 2, 4, 8 … 300 s."""
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(tries, 16))
    return longest * rng.uniform(0.5, 1.0)
