"""Opens the window by itself where nobody is paired yet, and when somebody presses the button."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from edge.pairing.invitation import as_text, invite
from edge.pairing.window import FOR_A_PHONE
from edge.store.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.lan.lan import Lan
    from edge.pairing.desk import Desk

FOR_THE_FIRST = (*FOR_A_PHONE, Scope.ADMIN)
"""What the first phone may do: somebody has to let the others in."""
LATER = "Whenever you want to pair a phone: edgecase pair"

EVERY_S = 1.0
"""Between two looks for an address."""
PATIENCE_S = 60.0
"""Without an address for so long, the invitation holds the device's name alone."""

log = logging.getLogger(__name__)


class Button(Protocol):
    """Something that somebody who stands before the device can press."""

    async def wait(self) -> None:
        """Wait until it is pressed."""
        ...


class NoButton:
    """There is none."""

    async def wait(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


class Welcome:
    """Shows the invitation to whoever stands before the device: in the log and on its screen."""

    def __init__(
        self, desk: Desk, lan: Lan, show: Callable[[str], None], button: Button, *, asks: bool
    ) -> None:
        """Open the `desk`'s window.

        Args:
            desk: has the window.
            lan: knows where the device is.
            show: shows text on the device's own screen, where it has one.
            button: opens the window.
            asks: whether the device asks for tokens at all.
        """
        self._desk = desk
        self._lan = lan
        self._show = show
        self._button = button
        self._asks = asks

    async def run(self) -> None:
        """Run until cancelled."""
        if self._asks and await self._desk.nobody_yet():
            await self._find_address()
            await self._open(FOR_THE_FIRST, "No phone is paired yet. The first may do everything.")
        while True:
            await self._button.wait()
            await self._open(FOR_A_PHONE, "The button was pressed.")

    async def _find_address(self) -> None:
        """Wait for the network for a while: a service starts sooner than Wi-Fi."""
        waited = 0.0
        while not self._lan.place().numbers and waited < PATIENCE_S:
            await asyncio.sleep(EVERY_S)
            waited += EVERY_S

    async def _open(self, scopes: tuple[Scope, ...], why: str) -> None:
        opened = await self._desk.open(scopes)
        made = invite(self._lan.place(), self._lan.fingerprint, opened.code, opened.seconds)
        text = f"{why}\n\n{as_text(made)}\n\n{LATER}\n"
        log.warning("%s", text)
        self._show(text)
