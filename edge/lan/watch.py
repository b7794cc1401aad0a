"""Follows the device's addresses: the certificate and the announcement go with them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edge.errors import UnavailableError

if TYPE_CHECKING:
    from edge.lan.lan import Lan
    from edge.lan.mdns import Announcer
    from edge.lan.place import Place

EVERY_S = 5.0
"""Between two looks."""

log = logging.getLogger(__name__)


class LanWatch:
    """Looks now and then where the device is, for as long as it runs."""

    def __init__(self, lan: Lan, announcer: Announcer, every_s: float = EVERY_S) -> None:
        """Renew the `lan`'s certificate, and have the `announcer` tell where it is."""
        self._lan = lan
        self._announcer = announcer
        self._every_s = every_s
        self._told: Place | None = None
        self._said = ""

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._every_s)
        finally:
            await self._announcer.close()

    async def look(self) -> None:
        """Look once."""
        place = self._lan.place()
        try:
            self._lan.tls.renew(place.hosts)
        except OSError as e:  # the disk is full: the old certificate serves on
            self._say(f"the certificate can't be renewed: {e}")
        if place == self._told:
            return
        try:
            await self._announcer.tell(place)
            self._told = place
        except UnavailableError as e:
            self._say(f"{e.message}; trying again")

    def _say(self, trouble: str) -> None:
        """Say it once, and not every few seconds for as long as it lasts."""
        if trouble != self._said:
            log.warning("%s", trouble)
        self._said = trouble
