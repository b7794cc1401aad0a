"""The roles of the repository, whose keys they are, and how long each signature holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

ROOT, TARGETS, SNAPSHOT, TIMESTAMP, ROLLOUT = "root", "targets", "snapshot", "timestamp", "rollout"
PEOPLE = (ROOT, TARGETS)
"""Their keys belong to people and lie elsewhere, but in starter mode."""
ONLINE = (SNAPSHOT, TIMESTAMP, ROLLOUT)
"""Their keys lie on the tower."""
ROLES = (*PEOPLE, *ONLINE)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long signatures hold, and how much of that is left when they are made anew."""

    people: timedelta = timedelta(days=365)
    """Root and targets; nobody is asked before `people_left`."""
    people_left: timedelta = timedelta(days=60)
    """What is left of root and targets when a person is asked to renew them."""
    online: timedelta = timedelta(days=180)
    """Snapshot and rollout: longer than a stick's timestamp, which needs them."""
    online_left: timedelta = timedelta(days=120)
    """What is left of them when they are renewed."""
    timestamp: timedelta = timedelta(days=7)
    """How long a device by air can be kept from hearing of something newer."""
    timestamp_left: timedelta = timedelta(days=6)
    """What is left when it is renewed: once a day, so a tower may be down for six."""
    stick: timedelta = timedelta(days=90)
    """The timestamp on a USB stick."""
