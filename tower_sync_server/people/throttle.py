"""How often a password may be guessed. Decides; waits for nobody and touches nothing.

Counted are the tries of one name from one address, and all tries from one address. A name alone is
never counted: a stranger elsewhere could lock its owner out. After a few free tries each further
one has to wait twice as long as the one before, a quarter of an hour at most, and whoever rests
for an hour begins anew.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FREE_OF_NAME, FREE_OF_ADDRESS = 5, 30
FIRST_S, LONGEST_S, REST_S = 5.0, 900.0, 3600.0
INSTANT_S = 0.001
"""Whoever has so little left has waited."""
MAX_KEPT = 10_000
"""Counters that are remembered; the one not heard of for longest goes first."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Tries:
    """What one counter says."""

    count: int
    """Tries that didn't succeed, or haven't yet."""
    at: float
    """The last of them, seconds."""

    def wait(self, now: float, free: int) -> float:
        """Seconds until the next one is listened to; 0: now."""
        beyond = self.count - free
        if beyond < 0 or now - self.at >= REST_S:
            return 0.0
        pause = min(LONGEST_S, FIRST_S * 2.0 ** min(beyond, 20))
        left = self.at + pause - now
        return left if left > INSTANT_S else 0.0


class Throttle:
    """The counters of a tower, in memory: they begin anew with the program."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin with none; `monotonic` tells seconds."""
        self._monotonic = monotonic
        self._tries: OrderedDict[Key, Tries] = OrderedDict()

    def take(self, name: str, address: str) -> float:
        """Count a try before it is looked at; gives the seconds to wait where it mustn't be.

        Counted beforehand, so that a hundred at once are no way around.
        """
        now = self._monotonic()
        near = network(address)
        keys = (((name, near), FREE_OF_NAME), (("", near), FREE_OF_ADDRESS))
        wait = max(self._of(key, now).wait(now, free) for key, free in keys)
        if wait == 0.0:
            for key, _ in keys:
                self._keep(key, Tries(self._of(key, now).count + 1, now))
        return wait

    def succeeded(self, name: str, address: str) -> None:
        """The last try was right: it doesn't count, nor do those of this name from there."""
        now, near = self._monotonic(), network(address)
        self._tries.pop((name, near), None)
        all_of = self._of(("", near), now)
        self._keep(("", near), Tries(max(0, all_of.count - 1), all_of.at))

    def _of(self, key: Key, now: float) -> Tries:
        found = self._tries.get(key)
        return found if found is not None and now - found.at < REST_S else Tries(0, now)

    def _keep(self, key: Key, tries: Tries) -> None:
        self._tries.pop(key, None)
        self._tries[key] = tries
        if len(self._tries) > MAX_KEPT:
            self._tries.popitem(last=False)


def network(address: str) -> str:
    """What counts as one address: of IPv6 the network that one household has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
