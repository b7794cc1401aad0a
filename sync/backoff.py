"""How long to wait: doubling, with jitter, so that a fleet doesn't come back all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FIRST_S = 2.0
LONGEST_S = 300.0
LONGEST_RECONNECT_S = 60.0


def backoff(tries: int, rng: random.Random) -> float:
    """Seconds to wait after `tries` failures in a row: half to all of 2, 4, 8 … 300 s."""
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(tries, 16))
    return longest * rng.uniform(0.5, 1.0)


def reconnect(failures: int, hung_up: bool, spread_s: float, rng: random.Random) -> float:
    """Seconds to wait before connecting again.

    Args:
        failures: attempts in a row that came to no link; 0 where a link has just ended.
        hung_up: whether the broker ended the last link that there was, as it does to everybody when
            it restarts. A link that died in silence is this one's own trouble, and is sought again
            at once.
        spread_s: within which a fleet comes back then. Not only at the first attempt: those who
            found the broker away would all be back within seconds of it.
        rng: for the jitter.
    """
    longest = min(LONGEST_RECONNECT_S, FIRST_S * 2.0 ** min(failures, 16))
    if hung_up and spread_s > FIRST_S:
        return rng.uniform(FIRST_S / 2, max(spread_s, longest))
    return longest * rng.uniform(0.5, 1.0)
