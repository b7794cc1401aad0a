"""The words of a fleet: who was let in, until when, and who was shut out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DEVICE_LIFE = timedelta(days=730)
"""How long a device's certificate lasts when nobody says otherwise."""
RENEW_WITHIN = timedelta(days=60)
"""Before its end, when people are told to renew it."""


class Standing(StrEnum):
    """How a certificate is."""

    GOOD = "good"
    ENDING = "ending"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Pass:
    """A certificate that was issued to a device."""

    name: str
    """The device."""
    serial: int
    """Of the certificate; no two have the same."""
    since: datetime
    """Its beginning."""
    until: datetime
    """Its end."""
    revoked: datetime | None = None
    """When the device was shut out; None: it wasn't."""

    def standing(self, now: datetime) -> Standing:
        """How it is at this moment."""
        if self.revoked is not None:
            return Standing.REVOKED
        if now > self.until:
            return Standing.EXPIRED
        return Standing.ENDING if now > self.until - RENEW_WITHIN else Standing.GOOD

    def admits(self, now: datetime) -> bool:
        """Whether the broker lets its owner in."""
        return self.standing(now) in (Standing.GOOD, Standing.ENDING)
